/* SPDX-License-Identifier: MIT */
/* RFC 4648: base64 (4) and hexadecimal. The decoder takes canonical text only (RFC 4648 3.5). */
#include "base/text.h"

static const char b64_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_b64_encode(struct buf *out, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t v = (uint32_t)p[i] << 16;
		char four[4];

		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		four[0] = b64_chars[v >> 18 & 63];
		four[1] = b64_chars[v >> 12 & 63];
		four[2] = left > 1 ? b64_chars[v >> 6 & 63] : '=';
		four[3] = left > 2 ? b64_chars[v & 63] : '=';
		buf_add(out, str_of(four, 4));
	}
}

/* Four characters, of which the last `pads` are '='. */
static bool decode_four(struct buf *out, const char *p, size_t pads)
{
	uint32_t v = 0;
	char three[3];

	for (size_t i = 0; i < 4; i++) {
		int d = i >= 4 - pads ? 0 : text_b64_value(p[i]);

		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
	}
	/* The bits that no byte takes must be zero, or one value would have several spellings. */
	if ((pads == 1 && (v & 0xFF) != 0) || (pads == 2 && (v & 0xFFFF) != 0))
		return false;
	three[0] = (char)(v >> 16 & 0xFF);
	three[1] = (char)(v >> 8 & 0xFF);
	three[2] = (char)(v & 0xFF);
	buf_add(out, str_of(three, 3 - pads));
	return true;
}

bool text_b64_decode(struct buf *out, struct str s)
{
	if (s.n % 4 != 0)
		return false;
	for (size_t i = 0; i < s.n; i += 4) {
		size_t pads = 0;

		if (i + 4 == s.n && s.p[i + 3] == '=')
			pads = s.p[i + 2] == '=' ? 2 : 1;
		if (!decode_four(out, s.p + i, pads))
			return false;
	}
	return true;
}

void text_hex(struct buf *out, struct str s)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		buf_add_char(out, hex[c >> 4]);
		buf_add_char(out, hex[c & 15]);
	}
}

int text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = str_lower_char(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void text_quote(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
	buf_add_char(out, '"');
}

/*
 * Of three bytes: LINE and PARAGRAPH SEPARATOR and what turns the direction of all that follows (U+2028 to U+202E, U+2066 to U+2069), so
 * that a terminal shows another text than there is.
 */
static bool is_turning(const char *p)
{
	unsigned char second = (unsigned char)p[1], third = (unsigned char)p[2];

	return (unsigned char)p[0] == 0xe2 && ((second == 0x80 && third >= 0xa8 && third <= 0xae) || (second == 0x81 && third >= 0xa6 && third <= 0xa9));
}

/* Bytes of the character at the beginning of s when it may be shown, else 0. */
static size_t good_char(struct str s)
{
	unsigned char first = (unsigned char)s.p[0];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (n == 1)
		return first >= 0x20 && first != 0x7f;
	if (s.n < n || !str_is_utf8(str_head(s, n)))
		return 0;
	if (n == 3 && is_turning(s.p))
		return 0;
	return first == 0xc2 && (unsigned char)s.p[1] < 0xa0 ? 0 : n; /* C1 controls */
}

void text_clean(struct buf *out, struct str s)
{
	while (s.n > 0) {
		size_t n = good_char(s);

		if (out->n + (n > 0 ? n : 1) > out->max)
			return;
		if (n > 0)
			buf_add(out, str_head(s, n));
		else
			buf_add_char(out, s.p[0] == '\n' ? '\n' : s.p[0] == '\t' ? ' ' : '?');
		s = str_skip(s, n > 0 ? n : 1);
	}
}
