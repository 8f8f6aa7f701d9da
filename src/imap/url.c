/* SPDX-License-Identifier: MIT */
/*
 * A cursor over an IMAP URL, RFC 5092 11:
 *
 *   iabsolute-path = "/" imailbox-ref "/;UID=" nz-number ["/;SECTION=" enc-section]
 *                    ["/;PARTIAL=" partial-range]
 *   irelative-path = ";UID=" ...        a message of the selected mailbox (RFC 5092 9.1)
 *
 * Other relative paths are refused, as RFC 5092 7.2 wants it, and so are dot-segments. Absolute URLs,
 * and what authorizes, are in url_auth.c.
 */
#include "imap/url_int.h"

#include "base/buf.h"
#include "base/limits.h"

static bool take_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

/* A name such as ";UID=", in any case. */
bool imap_url_name(struct str *s, struct str name)
{
	if (!str_istarts(*s, name))
		return false;
	*s = str_skip(*s, name.n);
	return true;
}

/* 1*DIGIT; not 0 and no 0 in front with is_nz */
static bool take_number(struct str *s, uint64_t max, bool is_nz, uint64_t *ret)
{
	size_t n = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (n == 0 || (is_nz && s->p[0] == '0') || !str_to_u64(str_head(*s, n), max, ret))
		return false;
	*s = str_skip(*s, n);
	return true;
}

static bool take_nz32(struct str *s, uint32_t *ret)
{
	uint64_t v;

	if (!take_number(s, UINT32_MAX, true, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

static int hex(char c)
{
	char l = str_lower_char(c);

	if (l >= '0' && l <= '9')
		return l - '0';
	return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* bchar without "%": unreserved / "!" ... "," / "&" / "=" / ":" / "@" / "/" */
bool imap_url_is_bchar(char c)
{
	char l = str_lower_char(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~!$'()*+,&=:@/", c) != NULL);
}

/* "." and ".." between slashes mean other things in a URL than in a mailbox name. */
static bool has_dot_segment(struct str path)
{
	struct str segment;

	while (str_split(&path, '/', &segment)) {
		if (str_eq(segment, S(".")) || str_eq(segment, S("..")))
			return true;
	}
	return false;
}

/* *bchar; *ret_raw as it stands there. False: a bad "%". */
static bool take_run(struct str *s, struct str *ret_raw)
{
	size_t n = 0;

	while (n < s->n) {
		if (s->p[n] == '%' && n + 2 < s->n && hex(s->p[n + 1]) >= 0 && hex(s->p[n + 2]) >= 0)
			n += 3;
		else if (s->p[n] == '%')
			return false;
		else if (imap_url_is_bchar(s->p[n]))
			n++;
		else
			break;
	}
	*ret_raw = str_head(*s, n);
	*s = str_skip(*s, n);
	return true;
}

int imap_url_decode(struct arena *a, struct str raw, struct str *ret)
{
	char *out = ARENA_ARRAY(a, char, raw.n + 1);
	size_t n = 0;

	if (out == NULL)
		return -E_LIMIT;
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '%') {
			out[n++] = (char)(hex(raw.p[i + 1]) * 16 + hex(raw.p[i + 2]));
			i += 2;
		} else {
			out[n++] = raw.p[i];
		}
	}
	*ret = str_of(out, n);
	return 1;
}

/* imailbox-ref "/" = enc-mailbox [";UIDVALIDITY=" nz-number] "/" */
static int take_mailbox(struct arena *a, struct str *s, struct imap_url *u)
{
	struct str raw;

	if (!take_run(s, &raw))
		return 0;
	if (imap_url_name(s, S(";UIDVALIDITY="))) {
		if (!take_nz32(s, &u->uidvalidity) || !take_char(s, '/'))
			return 0;
	} else if (str_ends(raw, S("/"))) {
		raw.n--;
	} else {
		return 0;
	}
	if (raw.n == 0 || raw.p[0] == '/' || has_dot_segment(raw))
		return 0;
	if (imap_url_decode(a, raw, &u->mailbox) < 0)
		return -E_LIMIT;
	return str_is_utf8(u->mailbox) && str_chr(u->mailbox, '\0') < 0;
}

/* "/;SECTION=" enc-section; the "/" before ";PARTIAL=" looks like its last character */
static int take_section(struct arena *a, struct str *s, struct imap_url *u)
{
	struct str raw;

	if (!imap_url_name(s, S("/;SECTION=")))
		return 1;
	if (!take_run(s, &raw))
		return 0;
	if (s->n > 0 && str_ends(raw, S("/"))) {
		raw.n--;
		*s = (struct str){ s->p - 1, s->n + 1 };
	}
	return raw.n == 0 ? 0 : imap_url_decode(a, raw, &u->section);
}

/* "/;PARTIAL=" number ["." nz-number] */
static bool take_partial(struct str *s, struct imap_url *u)
{
	if (!imap_url_name(s, S("/;PARTIAL=")))
		return true;
	u->has_partial = true;
	return take_number(s, INT64_MAX, false, &u->start) &&
	       (!take_char(s, '.') || take_number(s, INT64_MAX, true, &u->count));
}

/* "/;UID=" nz-number ["/;SECTION=" enc-section] ["/;PARTIAL=" partial-range]; "/" is taken already. */
static int take_message(struct arena *a, struct str *s, struct imap_url *u)
{
	int r;

	if (!imap_url_name(s, S(";UID=")) || !take_nz32(s, &u->uid))
		return 0;
	r = take_section(a, s, u);
	return r <= 0 ? r : take_partial(s, u);
}

int imap_url_take(struct arena *a, struct str *s, struct imap_url *ret)
{
	int r = take_mailbox(a, s, ret);

	return r <= 0 ? r : take_message(a, s, ret);
}

int imap_url_parse(struct arena *a, struct str url, struct imap_url *ret)
{
	struct imap_url u = { 0 };
	int r = take_char(&url, '/') ? imap_url_take(a, &url, &u) : take_message(a, &url, &u);

	if (r <= 0 || url.n > 0)
		return r < 0 ? r : 0;
	*ret = u;
	return 1;
}
