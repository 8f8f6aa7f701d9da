/* SPDX-License-Identifier: MIT */
/*
 * Content transfer encodings (RFC 2045 6) decoded. The tolerant form takes what it can from
 * damaged text; the strict form is for BINARY, where a wrong answer is worse than none.
 */
#include "mime/mime_int.h"

#include "base/text.h"

/* Output in blocks, so that the buffer is not asked once per byte. */
struct sink {
	struct buf *out;
	size_t n;
	char block[4096];
};

static void sink_flush(struct sink *k)
{
	buf_add(k->out, str_of(k->block, k->n));
	k->n = 0;
}

static void sink_char(struct sink *k, char c)
{
	if (k->n == sizeof(k->block))
		sink_flush(k);
	k->block[k->n++] = c;
}

/* One line without its line end; true when a soft line break ends it (RFC 2045 6.7 rule 5). */
static bool qp_line(struct sink *k, struct str line)
{
	/* Rule 3: white space at the end of a line was added by a transport. */
	while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
		line.n--;
	for (size_t i = 0; i < line.n; i++) {
		int hi, lo;

		if (line.p[i] != '=') {
			sink_char(k, line.p[i]);
			continue;
		}
		if (i + 1 == line.n)
			return true;
		hi = i + 2 < line.n ? text_hex_digit(line.p[i + 1]) : -1;
		lo = hi >= 0 ? text_hex_digit(line.p[i + 2]) : -1;
		if (lo < 0) {
			sink_char(k, '=');
			continue;
		}
		sink_char(k, (char)(hi * 16 + lo));
		i += 2;
	}
	return false;
}

static void decode_qp(struct str in, struct sink *k)
{
	while (in.n > 0 && !buf_overflowed(k->out)) {
		const char *nl = memchr(in.p, '\n', in.n);
		size_t next = nl != NULL ? (size_t)(nl - in.p) + 1 : in.n;
		size_t n = next - (nl != NULL);
		bool is_crlf = nl != NULL && n > 0 && in.p[n - 1] == '\r';

		if (!qp_line(k, str_head(in, n - is_crlf)) && nl != NULL) {
			if (is_crlf)
				sink_char(k, '\r');
			sink_char(k, '\n');
		}
		in = str_skip(in, next);
	}
	sink_flush(k);
}

/* The bytes of a group of n digits that stand in the low bits of v. */
static void b64_flush(struct sink *k, uint32_t v, int n)
{
	v <<= 6 * (4 - n);
	for (int i = 1; i < n; i++)
		sink_char(k, (char)(v >> (24 - 8 * i)));
}

/*
 * Returns false at the first thing that strict base64 would not have (RFC 2045 6.8); the tolerant
 * reader skips it: other characters are ignored, padding ends a group, also in the middle of the
 * text.
 */
static bool decode_b64(struct str in, struct sink *k, bool is_strict)
{
	uint32_t v = 0;
	int n = 0, n_padding = 0;

	for (size_t i = 0; i < in.n && !buf_overflowed(k->out); i++) {
		char c = in.p[i];
		int digit = text_b64_value(c);

		if (digit >= 0) {
			if (is_strict && n_padding > 0)
				return false;
			v = v << 6 | (uint32_t)digit;
			if (++n == 4) {
				b64_flush(k, v, 4);
				v = 0;
				n = 0;
			}
			continue;
		}
		if (c == '=') {
			if (is_strict && n + n_padding != 2 && n + n_padding != 3)
				return false;
			n_padding++;
			if (is_strict)
				continue;
			b64_flush(k, v, n > 0 ? n : 1);
			v = 0;
			n = 0;
			continue;
		}
		if (is_strict && c != '\r' && c != '\n' && c != ' ' && c != '\t')
			return false;
	}
	if (is_strict && n > 0 && n + n_padding != 4)
		return false;
	b64_flush(k, v, n > 0 ? n : 1);
	sink_flush(k);
	return true;
}

/* Apart: text that is not encoded needs no block. */
static __attribute__((noinline)) void decode(enum mime_cte cte, struct str in, struct buf *out)
{
	struct sink k;

	k.out = out;
	k.n = 0;
	if (cte == MIME_CTE_QP)
		decode_qp(in, &k);
	else
		decode_b64(in, &k, false);
}

void mime_cte_decode(enum mime_cte cte, struct str in, struct buf *out)
{
	if (cte == MIME_CTE_QP || cte == MIME_CTE_BASE64)
		decode(cte, in, out);
	else
		buf_add(out, in);
}

int mime_cte_decode_strict(enum mime_cte cte, struct str in, struct buf *out)
{
	struct sink k;

	if (cte == MIME_CTE_UNKNOWN)
		return -E_UNKNOWN_CTE;
	if (cte != MIME_CTE_BASE64) {
		mime_cte_decode(cte, in, out);
		return 0;
	}
	k.out = out;
	k.n = 0;
	return decode_b64(in, &k, true) ? 0 : -E_UNKNOWN_CTE;
}
