/* SPDX-License-Identifier: MIT */
/* The writing direction of transfer encodings: what a text needs, quoted-printable, lines of base64. */
#include "base/text.h"
#include "mime/mime_int.h"

#define LINE_MAX_BYTES 998 /* RFC 5322 2.1.1 */
#define B64_LINE 57        /* bytes in a line of 76 (RFC 2045 6.8) */
#define QP_LINE 76         /* RFC 2045 6.7 rule 5, with the "=" of a soft line break */

bool mime_has_plain_lines(struct str s)
{
	while (s.n > 0) {
		const char *nl = memchr(s.p, '\n', s.n);
		size_t n = nl ? (size_t)(nl - s.p) : s.n;

		if (nl && (n == 0 || s.p[n - 1] != '\r'))
			return false;
		n -= nl != NULL;
		if (n > LINE_MAX_BYTES || (n && (memchr(s.p, '\r', n) || memchr(s.p, '\0', n))))
			return false;
		s = str_skip(s, n + (nl ? 2 : 0));
	}
	return true;
}

bool mime_has_long_lines(struct str s)
{
	while (s.n > LINE_MAX_BYTES) {
		size_t n = s.n < LINE_MAX_BYTES + 2 ? s.n : LINE_MAX_BYTES + 2;
		const char *nl = memrchr(s.p, '\n', n);

		if (!nl)
			return true;
		s = str_skip(s, (size_t)(nl - s.p) + 1);
	}
	return false;
}

/*
 * RFC 2045 6.7 rules 1 to 3. Two hyphens at the start of a line are none: what was no boundary in the middle of a line, or behind other
 * encoding, must not become one.
 */
static bool qp_is_literal(struct str line, size_t i, bool is_line_start)
{
	char c = line.p[i];

	if (c == '-')
		return !is_line_start || i + 1 == line.n || line.p[i + 1] != '-';
	return (c > 32 && c < 127 && c != '=') || ((c == ' ' || c == '\t') && i + 1 < line.n);
}

static void qp_line(struct str line, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	char block[QP_LINE + 2];
	size_t n = 0;

	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];
		bool is_literal = qp_is_literal(line, i, n == 0);

		if (n + (is_literal ? 1 : 3) > QP_LINE - 1) {
			memcpy(block + n, "=\r\n", 3);
			buf_add(out, str_of(block, n + 3));
			n = 0;
			is_literal = qp_is_literal(line, i, true);
		}
		if (is_literal) {
			block[n++] = line.p[i];
			continue;
		}
		block[n++] = '=';
		block[n++] = digits[c >> 4];
		block[n++] = digits[c & 15];
	}
	buf_add(out, str_of(block, n));
}

void mime_qp_encode(struct str in, struct buf *out)
{
	while (in.n > 0 && !buf_overflowed(out)) {
		ptrdiff_t end = str_find(in, S("\r\n"));

		qp_line(end < 0 ? in : str_head(in, (size_t)end), out);
		if (end >= 0)
			buf_add(out, S("\r\n"));
		in = str_skip(in, end < 0 ? in.n : (size_t)end + 2);
	}
}

void mime_b64_encode(struct str in, struct buf *out)
{
	for (; in.n > 0 && !buf_overflowed(out); in = str_skip(in, B64_LINE)) {
		text_b64_encode(out, str_head(in, B64_LINE));
		buf_add(out, S("\r\n"));
	}
}
