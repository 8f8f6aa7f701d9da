/* SPDX-License-Identifier: MIT */
/* The record of DMARC: RFC 9989 4.7, 4.8. */
#include "mailauth/dmarc.h"

#include "mailauth/txt.h"

const char *const dmarc_policy_names[DMARC_N_POLICIES] = { "", "none", "quarantine", "reject" };

static void note(struct dmarc_record *r, enum dmarc_note_kind kind, struct str text)
{
	if (r->n_notes < DMARC_NOTES)
		r->notes[r->n_notes++] = (struct dmarc_note){ kind, text };
}

static struct str trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* ---- addresses for reports ---- */

/* "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] */
static struct str without_size(struct dmarc_record *r, struct str uri)
{
	ptrdiff_t at = str_rchr(uri, '!');

	if (at < 0)
		return uri;
	note(r, DMARC_NOTE_SIZE, uri);
	return str_head(uri, (size_t)at);
}

/* The domain of mailto:LOCAL@DOMAIN[?...], the host of https://HOST[:PORT][/...]; empty: another, or none. */
static struct str host_of(struct str uri)
{
	struct str rest = str_skip(uri, 7);
	ptrdiff_t at;
	size_t n = 0;

	if (str_istarts(uri, S("mailto:"))) {
		at = str_chr(rest, '?');
		rest = at < 0 ? rest : str_head(rest, (size_t)at);
		at = str_rchr(rest, '@');
		return at < 1 ? S("") : str_skip(rest, (size_t)at + 1);
	}
	if (!str_istarts(uri, S("https://")))
		return S("");
	rest = str_skip(uri, 8);
	while (n < rest.n && str_chr(S(":/?#"), rest.p[n]) < 0)
		n++;
	return str_head(rest, n);
}

/* dmarc-urilist = (dmarc-uri / obs-dmarc-uri) *(*WSP "," *WSP (dmarc-uri / obs-dmarc-uri)) */
static void take_uris(struct dmarc_record *r, struct str value, struct dmarc_uri *ret,
		      size_t *ret_n)
{
	struct str uri;

	while (str_split(&value, ',', &uri)) {
		struct dmarc_uri u = { .uri = without_size(r, trim(uri)) };

		u.host = host_of(u.uri);
		if (!txt_is_host(u.host, 253)) {
			u.host = S("");
			note(r, DMARC_NOTE_URI, uri);
		}
		if (*ret_n < DMARC_URIS && u.uri.n > 0)
			ret[(*ret_n)++] = u;
	}
}

/* ---- tags: each says whether the value is one that it can have ---- */

/* dmarc-request = "none" / "quarantine" / "reject" */
static bool take_policy(struct dmarc_record *r, struct str value, enum dmarc_policy *ret)
{
	for (size_t i = DMARC_NONE; i < DMARC_N_POLICIES; i++)
		if (str_ieq(value, str_z(dmarc_policy_names[i])))
			*ret = (enum dmarc_policy)i;
	r->has_bad_policy |= *ret == DMARC_NO_POLICY;
	return *ret != DMARC_NO_POLICY;
}

static bool take_p(struct dmarc_record *r, struct str value)
{
	return take_policy(r, value, &r->p);
}

static bool take_sp(struct dmarc_record *r, struct str value)
{
	return take_policy(r, value, &r->sp);
}

static bool take_np(struct dmarc_record *r, struct str value)
{
	return take_policy(r, value, &r->np);
}

static bool take_letter(struct str value, struct str letters, char *ret)
{
	char c = value.n == 1 ? str_lower_char(value.p[0]) : '\0';

	if (value.n != 1 || str_chr(letters, c) < 0)
		return false;
	*ret = c;
	return true;
}

static bool take_flag(struct str value, struct str letters, char yes, bool *ret)
{
	char c = '\0';
	bool is_known = take_letter(value, letters, &c);

	*ret = is_known && c == yes;
	return is_known;
}

static bool take_adkim(struct dmarc_record *r, struct str value)
{
	return take_flag(value, S("rs"), 's', &r->is_strict_dkim);
}

static bool take_aspf(struct dmarc_record *r, struct str value)
{
	return take_flag(value, S("rs"), 's', &r->is_strict_spf);
}

static bool take_t(struct dmarc_record *r, struct str value)
{
	return take_flag(value, S("yn"), 'y', &r->is_test);
}

static bool take_psd(struct dmarc_record *r, struct str value)
{
	return take_letter(value, S("ynu"), &r->psd);
}

/* dmarc-fo: each of 0, 1, d, s once, not 0 with 1 */
static bool take_fo(struct dmarc_record *r, struct str value)
{
	static const struct str letters = STR_INIT("01ds");
	unsigned seen = 0;
	struct str rest = value, one;

	while (str_split(&rest, ':', &one)) {
		char c;

		one = trim(one);
		if (!take_letter(one, letters, &c) || (seen & 1u << str_chr(letters, c)))
			return false;
		seen |= 1u << str_chr(letters, c);
	}
	r->fo = value;
	return seen != 0 && (seen & 3) != 3;
}

static bool take_rua(struct dmarc_record *r, struct str value)
{
	take_uris(r, value, r->rua, &r->n_rua);
	return true;
}

static bool take_ruf(struct dmarc_record *r, struct str value)
{
	take_uris(r, value, r->ruf, &r->n_ruf);
	return true;
}

static const struct {
	struct str name;
	bool (*take)(struct dmarc_record *r,
		     struct str value); /* NULL: of RFC 7489, and of no use any more */
} tags[] = {
	{ STR_INIT("p"), take_p },       { STR_INIT("sp"), take_sp },
	{ STR_INIT("np"), take_np },     { STR_INIT("adkim"), take_adkim },
	{ STR_INIT("aspf"), take_aspf }, { STR_INIT("t"), take_t },
	{ STR_INIT("psd"), take_psd },   { STR_INIT("fo"), take_fo },
	{ STR_INIT("rua"), take_rua },   { STR_INIT("ruf"), take_ruf },
	{ STR_INIT("pct"), NULL },       { STR_INIT("rf"), NULL },
	{ STR_INIT("ri"), NULL },
};

/* dmarc-tag = 1*ALPHA equals 1*dmarc-value */
static void take_tag(struct dmarc_record *r, struct str tag, unsigned *seen)
{
	ptrdiff_t equals = str_chr(tag, '=');
	struct str name = trim(str_head(tag, equals < 0 ? 0 : (size_t)equals)),
		   value = trim(str_skip(tag, (size_t)(equals + 1)));
	size_t i = 0;

	if (equals < 0 || name.n == 0 || value.n == 0) {
		note(r, DMARC_NOTE_SYNTAX, tag);
		return;
	}
	while (i < ARRAY_LEN(tags) && !str_ieq(name, tags[i].name))
		i++;
	if (i == ARRAY_LEN(tags))
		note(r, DMARC_NOTE_UNKNOWN, tag);
	else if (*seen & 1u << i)
		note(r, DMARC_NOTE_TWICE, tag);
	else if (!tags[i].take)
		note(r, DMARC_NOTE_OLD, tag);
	else if (!tags[i].take(r, value))
		note(r, DMARC_NOTE_VALUE, tag);
	if (i < ARRAY_LEN(tags))
		*seen |= 1u << i;
}

/* dmarc-version = "v" equals %s"DMARC1"; behind it the end or a ";". */
static bool take_version(struct str *text)
{
	struct str rest = *text, version;
	ptrdiff_t equals;

	if (!str_split(&rest, ';', &version))
		return false;
	equals = str_chr(version, '=');
	if (equals < 0 || !str_ieq(trim(str_head(version, (size_t)equals)), S("v")) ||
	    !str_eq(trim(str_skip(version, (size_t)equals + 1)), S("DMARC1")))
		return false;
	*text = rest;
	return true;
}

bool dmarc_record_is(struct str text)
{
	return take_version(&text);
}

int dmarc_record_parse(struct str text, struct dmarc_record *ret)
{
	struct dmarc_record r = { .psd = 'u', .text = text };
	struct str rest = text, tag;
	unsigned seen = 0;

	if (text.n > DMARC_RECORD_MAX)
		return -E_LIMIT;
	if (!take_version(&rest))
		return -E_SYNTAX;
	while (str_split(&rest, ';', &tag)) {
		tag = trim(tag);
		if (tag.n > 0)
			take_tag(&r, tag, &seen);
		else if (rest.n > 0)
			note(&r, DMARC_NOTE_SYNTAX, rest);
	}
	if (!(seen & 1)) {
		note(&r, DMARC_NOTE_NO_P, text);
		r.has_bad_policy = true;
	}
	*ret = r;
	return 0;
}
