/* SPDX-License-Identifier: MIT */
/*
 * LANGUAGE (RFC 5255 3.2) and COMPARATOR (RFC 5255 4.7). The translations are in language.c; there
 * is one comparator, i;unicode-casemap (RFC 5051), with which SEARCH compares.
 *
 * DEVIATION(RFC 5255 4.6): text whose charset is unknown or wrong is compared by i;unicode-casemap
 * as well, as the UTF-8 that is in it, not by octets: that finds all that octets would, and words
 * in capitals.
 */
#include "imap/imap_int.h"
#include "imap/resp.h"

/* ---- LANGUAGE ---- */

static int enumerate(struct imap_session *s)
{
	imap_resp(s, S("* LANGUAGE ("));
	for (int i = 1; i < IMAP_LANG_COUNT_; i++)
		imap_respf(s, "%s ", imap_language_tags[i]);
	imap_respf(s, "%s)", imap_language_tags[IMAP_LANG_DEFAULT]);
	imap_resp_end(s);
	return 0;
}

/* The first range that a language matches decides; "default" is what the administrator prefers. */
static int choose(struct imap_session *s, enum imap_language *ret)
{
	bool is_found = false;
	struct str range;
	int r;

	do {
		enum imap_language language;

		if (imap_parse_sp(&s->p) <= 0 ||
		    (r = imap_need(imap_parse_astring(&s->p, &range))) < 0)
			return -E_SYNTAX;
		r = imap_language_find(range, &language);
		if (str_ieq(range, S("default"))) {
			language = (enum imap_language)s->conf->language;
			r = 1;
		}
		if (r < 0)
			return r;
		if (r > 0 && !is_found)
			*ret = language;
		is_found |= r > 0;
	} while (!imap_parse_end(&s->p));
	return is_found;
}

/* language-cmd = "LANGUAGE" *(SP lang-range-quoted) */
int imap_cmd_language(struct imap_session *s)
{
	enum imap_language language = s->language;
	int r;

	if (imap_parse_end(&s->p))
		return enumerate(s);
	r = choose(s, &language);
	if (r == 0) {
		imap_say(s, "that language is not supported");
		return -E_CANNOT;
	}
	if (r < 0)
		return r;
	imap_resp_untagged(s, "LANGUAGE (%s)", imap_language_tags[language]);
	s->language = language;
	imap_say(s, "language changed");
	return 0;
}

/* ---- COMPARATOR ---- */

#define COMPARATOR "i;unicode-casemap"

/* collation-order = ["+" / "-"] collation-wild (RFC 4790 3.3); there is no inverted order. */
static bool is_matched(struct str order, struct str id)
{
	size_t star = SIZE_MAX, resume = 0, o = 0, i = 0;

	if (str_starts(order, S("+")))
		order = str_skip(order, 1);
	while (i < id.n) {
		if (o < order.n && order.p[o] == '*') {
			star = o++;
			resume = i;
		} else if (o < order.n && str_lower_char(order.p[o]) == id.p[i]) {
			o++;
			i++;
		} else if (star != SIZE_MAX) {
			o = star + 1;
			i = ++resume;
		} else {
			return false;
		}
	}
	while (o < order.n && order.p[o] == '*')
		o++;
	return o == order.n;
}

/* comparator-cmd = "COMPARATOR" *(SP comp-order-quoted) */
int imap_cmd_comparator(struct imap_session *s)
{
	bool is_found = imap_parse_end(&s->p);
	struct str order;

	while (!imap_parse_end(&s->p)) {
		if (imap_parse_sp(&s->p) <= 0 || imap_parse_astring(&s->p, &order) <= 0)
			return -E_SYNTAX;
		/* RFC 4790 3.2: at most 254 characters. */
		is_found |= order.n <= 254 &&
			    (str_ieq(order, S("default")) || is_matched(order, S(COMPARATOR)));
	}
	if (!is_found) {
		imap_code(s, "BADCOMPARATOR");
		imap_say(s, "no such comparator");
		return -E_CANNOT;
	}
	imap_resp_untagged(s, "COMPARATOR " COMPARATOR);
	return 0;
}
