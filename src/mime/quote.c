/* SPDX-License-Identifier: MIT */
/*
 * IMAP strings (RFC 9051 9 string, nstring) out of whatever mail carries. CR, LF and NUL are
 * dropped (which unfolds), other control characters become spaces, so neither form can break the
 * protocol line. Short 7-bit text is quoted, all else is a literal.
 */
#include "mime/mime_int.h"

#define QUOTED_MAX 900 /* some clients read quoted strings into a line buffer of about 1000 bytes */

enum class { PLAIN, ESCAPE, SPACE, DROP, EIGHT_BIT };

static enum class classify(unsigned char c)
{
	if (c >= 0x80)
		return EIGHT_BIT;
	if (c == '"' || c == '\\')
		return ESCAPE;
	if (c == '\0' || c == '\r' || c == '\n')
		return DROP;
	return c < 0x20 || c == 0x7F ? SPACE : PLAIN;
}

static void add_clean(struct buf *out, struct str s, bool is_quoted)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		enum class k = classify((unsigned char)s.p[i]);

		if (k == PLAIN || k == EIGHT_BIT || (k == ESCAPE && !is_quoted))
			continue;
		buf_add(out, str_of(s.p + from, i - from));
		if (k == ESCAPE)
			buf_add_char(out, '\\');
		if (k == SPACE)
			buf_add_char(out, ' ');
		from = k == ESCAPE ? i : i + 1;
	}
	buf_add(out, str_of(s.p + from, s.n - from));
}

void mime_quote_string(struct buf *out, struct str s)
{
	size_t count[EIGHT_BIT + 1] = { 0 };
	size_t n;

	for (size_t i = 0; i < s.n; i++)
		count[classify((unsigned char)s.p[i])]++;
	n = s.n - count[DROP];
	if (count[EIGHT_BIT] > 0 || n > QUOTED_MAX) {
		buf_add_char(out, '{');
		buf_add_u64(out, n);
		buf_add(out, S("}\r\n"));
		add_clean(out, s, false);
		return;
	}
	buf_add_char(out, '"');
	if (count[PLAIN] == s.n)
		buf_add(out, s);
	else
		add_clean(out, s, true);
	buf_add_char(out, '"');
}

void mime_quote_nstring(struct buf *out, struct str s)
{
	if (s.p == NULL)
		buf_add(out, S("NIL"));
	else
		mime_quote_string(out, s);
}
