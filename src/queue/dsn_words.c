/* SPDX-License-Identifier: MIT */
/* Strings of strangers made fit for a notification: words, xtext (RFC 3461 4), addresses in UTF-8 (RFC 6533 3). */
#include "queue/dsn_int.h"

/* A prefix of at most max bytes that ends between two characters. */
static struct str cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return str_head(s, max);
}

void dsn_words(struct str s, bool may_utf8, struct buf *out)
{
	bool keeps = may_utf8 && str_is_utf8(s);

	s = cut(s, DSN_WORDS);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		buf_add_char(out, c < 32 || c == 127 || (c > 127 && !keeps) ? '?' : s.p[i]);
	}
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = str_lower_char(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* xchar = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="     hexchar = "+" 2HEXDIG */
bool dsn_xtext(struct str s, struct buf *out)
{
	size_t start = out->n;

	if (s.n > DSN_WORDS)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int c = (unsigned char)s.p[i];

		if (c == '+') {
			int hi = i + 2 < s.n ? hex(s.p[i + 1]) : -1, lo = i + 2 < s.n ? hex(s.p[i + 2]) : -1;

			c = hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
			i += 2;
		}
		if (c < 32 || c > 126) {
			buf_truncate(out, start);
			return false;
		}
		buf_add_char(out, (char)c);
	}
	return true;
}

/* ---- RFC 6533 3 ---- */

static void add_utf8(uint32_t c, struct buf *out)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 63)));
		buf_add_char(out, (char)(0x80 | (c & 63)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 63)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 63)));
		buf_add_char(out, (char)(0x80 | (c & 63)));
	}
}

/* EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}" at the start of s: its length, or 0. Controls and surrogates are none. */
static size_t embedded_char(struct str s, uint32_t *ret)
{
	uint32_t c = 0;
	size_t i = 3;

	if (!str_starts(s, S("\\x{")))
		return 0;
	for (; i < s.n && i < 9 && hex(s.p[i]) >= 0; i++)
		c = c << 4 | (uint32_t)hex(s.p[i]);
	if (i < 5 || i >= s.n || s.p[i] != '}' || c < 32 || c == 127 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return i + 1;
}

void dsn_utf8_address(struct str s, struct buf *out)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(DSN_WORDS);

	s = cut(s, DSN_WORDS);
	while (s.n > 0) {
		uint32_t c;
		size_t n = embedded_char(s, &c);

		if (n > 0)
			add_utf8(c, &plain);
		else
			buf_add_char(&plain, s.p[0]);
		s = str_skip(s, n ? n : 1);
	}
	dsn_words(buf_str(&plain), true, out);
}

void dsn_utf8_xtext(struct str s, struct buf *out)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(DSN_WORDS);

	dsn_utf8_address(str_head(s, 80 * 3), &plain); /* \x{HHHHHH} is the longest that 3 bytes become: still one line */
	for (s = buf_str(&plain); s.n > 0;) {
		uint32_t c;
		size_t n = str_code_point(s, &c);

		/* QCHAR: %x21-2a / %x2c-3c / %x3e-5b / %x5d-7e */
		if (c > 32 && c < 127 && !strchr("+=\\", (int)c))
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "\\x{%02X}", c);
		s = str_skip(s, n);
	}
}

/* ---- replies ---- */

void dsn_reply_line(const struct queue_reply *r, struct str line, bool may_utf8, struct buf *out)
{
	bool has_enhanced = r->enhanced.n > 0 && !str_starts(line, r->enhanced);

	if (r->code > 0)
		buf_printf(out, "%d ", r->code);
	if (r->code > 0 && has_enhanced) {
		dsn_words(str_head(r->enhanced, 12), false, out);
		buf_add_char(out, ' ');
	}
	dsn_words(line, may_utf8, out);
}
