/* SPDX-License-Identifier: MIT */
/*
 * The cursor over a command: tokens and strings of the RFC 9051 9 grammar; parse_data.c
 * has the productions made of them. Nothing is copied but quoted strings with an escape
 * in them.
 *
 * Invariant: p <= end, and only success moves p.
 */
#include "imap/parse.h"

void imap_parse_init(struct imap_parse *p, struct arena *a, struct str command, bool is_utf8)
{
	p->p = command.p != NULL ? command.p : "";
	p->end = p->p + command.n;
	p->arena = a;
	p->is_utf8 = is_utf8;
}

static struct str rest(const struct imap_parse *p)
{
	return str_of(p->p, (size_t)(p->end - p->p));
}

int imap_parse_end(const struct imap_parse *p)
{
	return p->p == p->end;
}

int imap_parse_peek(const struct imap_parse *p)
{
	return p->p < p->end ? (unsigned char)*p->p : -1;
}

int imap_parse_char(struct imap_parse *p, char c)
{
	if (p->p == p->end || *p->p != c)
		return 0;
	p->p++;
	return 1;
}

int imap_parse_sp(struct imap_parse *p)
{
	return imap_parse_char(p, ' ');
}

/* ---- atoms ---- */

enum { CH_ATOM = 1, CH_RESP = 2 /* "]" */, CH_WILD = 4 /* "%" "*" */, CH_NAME = 8, CH_PLUS = 16 };

static unsigned char_class(char c)
{
	unsigned char u = (unsigned char)c;

	if (u <= 0x20 || u >= 0x7f)
		return 0;
	switch (c) {
	case '(':
	case ')':
	case '{':
	case '"':
	case '\\':
		return 0;
	case '%':
	case '*':
		return CH_WILD;
	case ']':
		return CH_RESP;
	case '+':
		return CH_ATOM | CH_PLUS;
	case '.':
	case '-':
	case '_':
		return CH_ATOM | CH_NAME;
	default:
		break;
	}
	if ((u >= '0' && u <= '9') || ((u | 32) >= 'a' && (u | 32) <= 'z'))
		return CH_ATOM | CH_NAME;
	return CH_ATOM;
}

/* The longest run of characters of these classes and of none of the others; at least one. */
static int take_run(struct imap_parse *p, unsigned with, unsigned without, struct str *ret)
{
	const char *at = p->p;

	while (at < p->end && (char_class(*at) & with) && !(char_class(*at) & without))
		at++;
	if (at == p->p)
		return 0;
	*ret = str_of(p->p, (size_t)(at - p->p));
	p->p = at;
	return 1;
}

int imap_parse_prefix(struct imap_parse *p, struct str word)
{
	if (!str_istarts(rest(p), word))
		return 0;
	p->p += word.n;
	return 1;
}

int imap_parse_word(struct imap_parse *p, struct str word)
{
	struct str r = rest(p);

	if (!str_istarts(r, word) || (r.n > word.n && (char_class(r.p[word.n]) & CH_ATOM)))
		return 0;
	p->p += word.n;
	return 1;
}

/* tag = 1*<any ASTRING-CHAR except "+"> */
int imap_parse_tag(struct imap_parse *p, struct str *ret)
{
	return take_run(p, CH_ATOM | CH_RESP, CH_PLUS, ret);
}

/* atom = 1*ATOM-CHAR */
int imap_parse_atom(struct imap_parse *p, struct str *ret)
{
	return take_run(p, CH_ATOM, 0, ret);
}

int imap_parse_name(struct imap_parse *p, struct str *ret)
{
	return take_run(p, CH_NAME, 0, ret);
}

/* ---- numbers ---- */

static int take_number(struct imap_parse *p, uint64_t max, uint64_t *ret)
{
	const char *at = p->p;

	while (at < p->end && *at >= '0' && *at <= '9')
		at++;
	if (!str_to_u64(str_of(p->p, (size_t)(at - p->p)), max, ret))
		return 0;
	p->p = at;
	return 1;
}

/* number = 1*DIGIT ; 0 <= n <= 4,294,967,295 */
int imap_parse_number(struct imap_parse *p, uint32_t *ret)
{
	uint64_t v;

	if (take_number(p, UINT32_MAX, &v) <= 0)
		return 0;
	*ret = (uint32_t)v;
	return 1;
}

/* nz-number = digit-nz *DIGIT */
int imap_parse_nz_number(struct imap_parse *p, uint32_t *ret)
{
	return imap_parse_peek(p) == '0' ? 0 : imap_parse_number(p, ret);
}

/* number64 = 1*DIGIT ; 0 <= n <= 9,223,372,036,854,775,807 */
int imap_parse_number64(struct imap_parse *p, uint64_t *ret)
{
	return take_number(p, INT64_MAX, ret);
}

/* ---- strings ---- */

/* The content of a quoted string without its escapes; n bytes with them. */
static int unescape(struct arena *a, struct str in, struct str *ret)
{
	char *out = ARENA_ARRAY(a, char, in.n);
	size_t i, n = 0;

	if (out == NULL)
		return -E_LIMIT;
	for (i = 0; i < in.n; i++) {
		if (in.p[i] == '\\')
			i++;
		out[n++] = in.p[i];
	}
	*ret = str_of(out, n);
	return 1;
}

/*
 * quoted = DQUOTE *QUOTED-CHAR DQUOTE QUOTED-CHAR = <any TEXT-CHAR except quoted-
 * specials> / "\" quoted-specials / UTF8-2 / UTF8-3 / UTF8-4
 * What is between the quotes, as it stands there; not yet whether it is UTF-8.
 */
static bool take_quoted(struct imap_parse *p, struct str *ret, bool *ret_has_escape)
{
	const char *at = p->p;

	*ret_has_escape = false;
	if (at == p->end || *at++ != '"')
		return false;
	while (at < p->end && *at != '"') {
		if (*at == '\\') {
			*ret_has_escape = true;
			if (++at == p->end || (*at != '"' && *at != '\\'))
				return false;
		}
		if (*at == '\r' || *at == '\n' || *at == '\0')
			return false;
		at++;
	}
	if (at == p->end)
		return false;
	*ret = str_of(p->p + 1, (size_t)(at - p->p) - 1);
	p->p = at + 1;
	return true;
}

int imap_parse_quoted(struct imap_parse *p, struct str *ret)
{
	struct imap_parse q = *p;
	struct str content;
	bool has_escape;

	if (!take_quoted(&q, &content, &has_escape) || !str_is_utf8(content))
		return 0;
	if (has_escape && unescape(p->arena, content, &content) < 0)
		return -E_LIMIT;
	*ret = content;
	p->p = q.p;
	return 1;
}

bool imap_parse_is_other_charset(const struct imap_parse *p)
{
	struct imap_parse q = *p;
	struct str content;
	bool has_escape;

	return take_quoted(&q, &content, &has_escape) && !str_is_utf8(content);
}

/*
 * literal  = "{" number64 ["+"] "}" CRLF *CHAR8
 * literal8 = "~{" number64 ["+"] "}" CRLF *OCTET      (RFC 7888 4 for the "+")
 */
int imap_parse_literal(struct imap_parse *p, struct str *ret, bool *ret_is_binary)
{
	struct imap_parse q = *p;
	bool is_binary = ret_is_binary != NULL && imap_parse_char(&q, '~') > 0;
	uint64_t n;
	struct str bytes;

	if (imap_parse_char(&q, '{') <= 0 || imap_parse_number64(&q, &n) <= 0)
		return 0;
	(void)imap_parse_char(&q, '+');
	if (imap_parse_prefix(&q, S("}\r\n")) <= 0 || n > (uint64_t)(q.end - q.p))
		return 0;
	bytes = str_of(q.p, (size_t)n);
	if (!is_binary && str_chr(bytes, '\0') >= 0)
		return 0;
	*ret = bytes;
	if (ret_is_binary != NULL)
		*ret_is_binary = is_binary;
	p->p = q.p + n;
	return 1;
}

/* string = quoted / literal */
int imap_parse_string(struct imap_parse *p, struct str *ret)
{
	int r = imap_parse_quoted(p, ret);

	return r != 0 ? r : imap_parse_literal(p, ret, NULL);
}

/* nstring = string / nil */
int imap_parse_nstring(struct imap_parse *p, struct str *ret)
{
	if (imap_parse_word(p, S("NIL")) > 0) {
		*ret = (struct str){ 0 };
		return 1;
	}
	return imap_parse_string(p, ret);
}

/* astring = 1*ASTRING-CHAR / string */
int imap_parse_astring(struct imap_parse *p, struct str *ret)
{
	int r = take_run(p, CH_ATOM | CH_RESP, 0, ret);

	return r != 0 ? r : imap_parse_string(p, ret);
}

/* list-mailbox without the decoding, which parse_data.c does: 1*list-char / string */
int imap_parse_list_chars(struct imap_parse *p, struct str *ret)
{
	int r = take_run(p, CH_ATOM | CH_RESP | CH_WILD, 0, ret);

	return r != 0 ? r : imap_parse_string(p, ret);
}
