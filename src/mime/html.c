/* SPDX-License-Identifier: MIT */
/*
 * The readable beginning of an HTML text, for previews: tags are taken out, character references
 * are replaced, what is never shown (scripts, styles, titles, comments) is skipped. One pass over
 * the bytes without memory of its own, which ends as soon as there is enough text; no tree is built
 * (see docs/decisions/008). It follows the tokenizer of the HTML standard as far as that matters
 * for text.
 */
#include "mime/preview.h"

#include "base/text.h"

#include <utf8proc.h>

static bool is_letter(char c)
{
	c = str_lower_char(c);
	return c >= 'a' && c <= 'z';
}

static bool is_name_char(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

static bool is_html_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* ---- tags ---- */

/* What stands in these elements is not text of the document. */
static const struct str hidden[] = {
	STR_INIT("script"), STR_INIT("style"),   STR_INIT("title"),    STR_INIT("xmp"),
	STR_INIT("iframe"), STR_INIT("noembed"), STR_INIT("noframes"), STR_INIT("template"),
};

/* These do not part words; all others do. */
static const struct str inlines[] = {
	STR_INIT("a"),    STR_INIT("abbr"), STR_INIT("b"),      STR_INIT("bdi"),   STR_INIT("big"),
	STR_INIT("cite"), STR_INIT("code"), STR_INIT("em"),     STR_INIT("font"),  STR_INIT("i"),
	STR_INIT("ins"),  STR_INIT("kbd"),  STR_INIT("mark"),   STR_INIT("o:p"),   STR_INIT("s"),
	STR_INIT("small"), STR_INIT("span"), STR_INIT("strong"), STR_INIT("sub"),  STR_INIT("sup"),
	STR_INIT("tt"),   STR_INIT("u"),    STR_INIT("wbr"),
};

static bool is_in(const struct str *rows, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(rows[i], name))
			return true;
	}
	return false;
}

/* Behind the ">" of a tag whose name was taken; quoted values of attributes may hold one. */
static struct str skip_attributes(struct str s)
{
	bool is_value = false; /* "=" was the last thing */

	while (s.n > 0 && s.p[0] != '>') {
		char c = s.p[0];
		ptrdiff_t end;

		s = str_skip(s, 1);
		if (is_value && (c == '"' || c == '\'')) {
			end = str_chr(s, c);
			s = end < 0 ? str_skip(s, s.n) : str_skip(s, (size_t)end + 1);
		}
		is_value = c == '=' || (is_value && is_html_space(c));
	}
	return str_skip(s, 1);
}

/* Behind "</name" and its ">". */
static struct str skip_hidden(struct str s, struct str name)
{
	ptrdiff_t at;

	while ((at = str_find(s, S("</"))) >= 0) {
		s = str_skip(s, (size_t)at + 2);
		if (str_istarts(s, name) && (s.n == name.n || !is_name_char(s.p[name.n])))
			return skip_attributes(str_skip(s, name.n));
	}
	return str_skip(s, s.n);
}

/* s stands behind "<"; a letter or "/" follows. */
static struct str skip_tag(struct str s, struct mime_line *out)
{
	bool is_end = s.p[0] == '/';
	bool is_hidden;
	struct str name;
	size_t n = 0;

	s = str_skip(s, is_end);
	while (n < s.n && (is_name_char(s.p[n]) || s.p[n] == ':'))
		n++;
	name = str_head(s, n);
	s = skip_attributes(str_skip(s, n));
	is_hidden = is_in(hidden, ARRAY_LEN(hidden), name);
	if (!is_hidden && !is_in(inlines, ARRAY_LEN(inlines), name))
		mime_line_space(out);
	return is_hidden && !is_end ? skip_hidden(s, name) : s;
}

/* s stands behind "<!" or "<?". A comment may be as short as "<!-->". */
static struct str skip_declaration(struct str s)
{
	struct str close = str_starts(s, S("--")) ? S("-->") : S(">");
	ptrdiff_t end = str_find(s, close);

	return str_skip(s, end < 0 ? s.n : (size_t)end + close.n);
}

static struct str markup(struct str s, struct mime_line *out)
{
	struct str rest = str_skip(s, 1);

	if (rest.n > 0 && (rest.p[0] == '!' || rest.p[0] == '?'))
		return skip_declaration(str_skip(rest, 1));
	if (rest.n > 0 && (is_letter(rest.p[0]) ||
			   (rest.p[0] == '/' && rest.n > 1 && is_letter(rest.p[1]))))
		return skip_tag(rest, out);
	mime_line_add(out, '<');
	return rest;
}

/* ---- character references ---- */

static const struct {
	struct str name;
	int32_t code;
} entities[] = {
	{ STR_INIT("amp"), '&' },      { STR_INIT("lt"), '<' },      { STR_INIT("gt"), '>' },
	{ STR_INIT("quot"), '"' },     { STR_INIT("apos"), '\'' },   { STR_INIT("nbsp"), 0xa0 },
	{ STR_INIT("zwnj"), 0x200c },  { STR_INIT("zwj"), 0x200d },  { STR_INIT("shy"), 0xad },
	{ STR_INIT("ensp"), 0x2002 },  { STR_INIT("emsp"), 0x2003 }, { STR_INIT("thinsp"), 0x2009 },
	{ STR_INIT("ndash"), 0x2013 }, { STR_INIT("mdash"), 0x2014 }, { STR_INIT("lsquo"), 0x2018 },
	{ STR_INIT("rsquo"), 0x2019 }, { STR_INIT("sbquo"), 0x201a }, { STR_INIT("ldquo"), 0x201c },
	{ STR_INIT("rdquo"), 0x201d }, { STR_INIT("bdquo"), 0x201e }, { STR_INIT("laquo"), 0xab },
	{ STR_INIT("raquo"), 0xbb },   { STR_INIT("hellip"), 0x2026 }, { STR_INIT("bull"), 0x2022 },
	{ STR_INIT("middot"), 0xb7 },  { STR_INIT("euro"), 0x20ac }, { STR_INIT("pound"), 0xa3 },
	{ STR_INIT("yen"), 0xa5 },     { STR_INIT("cent"), 0xa2 },   { STR_INIT("copy"), 0xa9 },
	{ STR_INIT("reg"), 0xae },     { STR_INIT("trade"), 0x2122 }, { STR_INIT("deg"), 0xb0 },
	{ STR_INIT("sect"), 0xa7 },    { STR_INIT("para"), 0xb6 },   { STR_INIT("times"), 0xd7 },
	{ STR_INIT("frac12"), 0xbd },  { STR_INIT("iexcl"), 0xa1 },  { STR_INIT("iquest"), 0xbf },
	{ STR_INIT("Agrave"), 0xc0 },  { STR_INIT("Aacute"), 0xc1 }, { STR_INIT("Acirc"), 0xc2 },
	{ STR_INIT("Atilde"), 0xc3 },  { STR_INIT("Auml"), 0xc4 },   { STR_INIT("Aring"), 0xc5 },
	{ STR_INIT("AElig"), 0xc6 },   { STR_INIT("Ccedil"), 0xc7 }, { STR_INIT("Egrave"), 0xc8 },
	{ STR_INIT("Eacute"), 0xc9 },  { STR_INIT("Ecirc"), 0xca },  { STR_INIT("Euml"), 0xcb },
	{ STR_INIT("Iacute"), 0xcd },  { STR_INIT("Ntilde"), 0xd1 }, { STR_INIT("Oacute"), 0xd3 },
	{ STR_INIT("Ocirc"), 0xd4 },   { STR_INIT("Otilde"), 0xd5 }, { STR_INIT("Ouml"), 0xd6 },
	{ STR_INIT("Oslash"), 0xd8 },  { STR_INIT("Uacute"), 0xda }, { STR_INIT("Uuml"), 0xdc },
	{ STR_INIT("szlig"), 0xdf },   { STR_INIT("agrave"), 0xe0 }, { STR_INIT("aacute"), 0xe1 },
	{ STR_INIT("acirc"), 0xe2 },   { STR_INIT("atilde"), 0xe3 }, { STR_INIT("auml"), 0xe4 },
	{ STR_INIT("aring"), 0xe5 },   { STR_INIT("aelig"), 0xe6 },  { STR_INIT("ccedil"), 0xe7 },
	{ STR_INIT("egrave"), 0xe8 },  { STR_INIT("eacute"), 0xe9 }, { STR_INIT("ecirc"), 0xea },
	{ STR_INIT("euml"), 0xeb },    { STR_INIT("igrave"), 0xec }, { STR_INIT("iacute"), 0xed },
	{ STR_INIT("icirc"), 0xee },   { STR_INIT("iuml"), 0xef },   { STR_INIT("ntilde"), 0xf1 },
	{ STR_INIT("ograve"), 0xf2 },  { STR_INIT("oacute"), 0xf3 }, { STR_INIT("ocirc"), 0xf4 },
	{ STR_INIT("otilde"), 0xf5 },  { STR_INIT("ouml"), 0xf6 },   { STR_INIT("oslash"), 0xf8 },
	{ STR_INIT("ugrave"), 0xf9 },  { STR_INIT("uacute"), 0xfa }, { STR_INIT("ucirc"), 0xfb },
	{ STR_INIT("uuml"), 0xfc },    { STR_INIT("yacute"), 0xfd }, { STR_INIT("yuml"), 0xff },
};

/* "&#8364;", "&#x20AC;": how long it is, 0 when it is none. */
static size_t numeric(struct str s, int32_t *ret)
{
	bool is_hex = s.n > 2 && str_lower_char(s.p[2]) == 'x';
	size_t from = is_hex ? 3 : 2, n = from;
	int64_t code = 0;

	while (n < s.n) {
		int digit = text_hex_digit(s.p[n]);

		if (digit < 0 || (!is_hex && digit > 9))
			break;
		if (code <= 0x10ffff)
			code = code * (is_hex ? 16 : 10) + digit;
		n++;
	}
	if (n == from)
		return 0;
	*ret = code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0xfffd : (int32_t)code;
	return n < s.n && s.p[n] == ';' ? n + 1 : n;
}

static size_t named(struct str s, int32_t *ret)
{
	struct str name;
	size_t n = 1;

	while (n < s.n && n < 12 && is_name_char(s.p[n]))
		n++;
	name = str_head(str_skip(s, 1), n - 1);
	for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
		if (str_eq(entities[i].name, name)) {
			*ret = entities[i].code;
			return n < s.n && s.p[n] == ';' ? n + 1 : n;
		}
	}
	return 0;
}

static struct str reference(struct str s, struct mime_line *out)
{
	int32_t code = '&';
	size_t n = s.n > 1 && s.p[1] == '#' ? numeric(s, &code) : named(s, &code);

	mime_line_add(out, code);
	return str_skip(s, n > 0 ? n : 1);
}

void mime_html_text(struct str html, struct mime_line *out)
{
	while (html.n > 0 && !mime_line_is_full(out)) {
		utf8proc_int32_t code;
		utf8proc_ssize_t n;

		if (html.p[0] == '<') {
			html = markup(html, out);
			continue;
		}
		if (html.p[0] == '&') {
			html = reference(html, out);
			continue;
		}
		n = utf8proc_iterate((const utf8proc_uint8_t *)html.p, (utf8proc_ssize_t)html.n, &code);
		mime_line_add(out, n > 0 ? code : 0xfffd);
		html = str_skip(html, n > 0 ? (size_t)n : 1);
	}
}
