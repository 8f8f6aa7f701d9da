/* SPDX-License-Identifier: MIT */
/*
 * The idea: a body is long runs of bytes that go through unchanged. text_run() measures such a
 * run with memchr(), line by line; only what stands at the begin of a line after a real CR LF
 * is looked at byte by byte.
 *
 * 1. The end is CR LF "." CR LF (or "." CR LF as the very first line) and nothing else. A
 *    bare LF or bare CR never makes a line begin, so that "\n.\n", "\n.\r\n", "\r.\r\n",
 *    "\r\n.\n", "\r\n.\r" and their like stay text: no second message can be smuggled in behind
 *    them. RFC 5321 2.3.8, 4.1.1.4.
 * 2. A dot is taken away from the begin of a line only where RFC 5321 4.5.2 says so.
 * 3. Normalising a bare LF changes the output, never where the body ends.
 * 4. What a chunk boundary cuts apart gives the same answer as when it is whole.
 *
 * States, with what was seen last:
 *   LINE    CR LF, or nothing yet            TEXT  inside a line
 *   CR      a CR inside a line (sent on)     DOT   "." at the begin of a line (held back)
 *   DOT_CR  "." CR at the begin of a line (both held back)
 */
#include "smtp/dotstream.h"

/*
 * The state behind a line piece s without LF; has_lf: its LF follows. Notes bare CR. True: it
 * ends in CR LF.
 */
static bool piece_scan(struct smtp_dotstream *d, struct str s, bool has_lf)
{
	const char *cr = s.n > 0 ? memchr(s.p, '\r', s.n) : NULL;
	bool ends_in_cr = s.n > 0 && s.p[s.n - 1] == '\r';

	if (cr && cr != s.p + s.n - 1)
		d->found |= SMTP_DOT_BARE_CR;
	if (!has_lf)
		d->state = ends_in_cr ? SMTP_DOT_ST_CR : SMTP_DOT_ST_TEXT;
	return ends_in_cr && has_lf;
}

/*
 * How many bytes of in go through unchanged. Stops at a dot that begins a line, and before a
 * bare LF that is to be normalised.
 */
static size_t text_run(struct smtp_dotstream *d, struct str in)
{
	const char *p = in.p, *end = in.p + in.n;

	while (p < end) {
		const char *lf;
		struct str piece;

		if (d->state == SMTP_DOT_ST_LINE && *p == '.' && !d->is_chunked)
			break;
		lf = memchr(p, '\n', (size_t)(end - p));
		piece = str_of(p, (size_t)((lf ? lf : end) - p));
		if (d->state == SMTP_DOT_ST_CR) {
			if (lf == p) {
				d->state = SMTP_DOT_ST_LINE;
				p++;
				continue;
			}
			d->found |= SMTP_DOT_BARE_CR;
			d->state = SMTP_DOT_ST_TEXT;
		}
		if (piece_scan(d, piece, lf != NULL)) {
			d->state = SMTP_DOT_ST_LINE;
		} else if (lf) {
			d->state = SMTP_DOT_ST_TEXT;
			if (d->normalises_lf) {
				p = lf;
				break;
			}
			d->found |= SMTP_DOT_BARE_LF;
		}
		p = lf ? lf + 1 : end;
	}
	return (size_t)(p - in.p);
}

/* The byte behind a held "." or "." CR. Gives back what was held if it was text after all. */
static enum smtp_dot_what held_next(struct smtp_dotstream *d, struct str *in, struct str *ret)
{
	char c = in->p[0];

	if (d->state == SMTP_DOT_ST_DOT && c == '\r') {
		d->state = SMTP_DOT_ST_DOT_CR;
		*in = str_skip(*in, 1);
		*ret = S("");
		return SMTP_DOT_SLICE;
	}
	if (d->state == SMTP_DOT_ST_DOT_CR && c == '\n') {
		d->state = SMTP_DOT_ST_LINE;
		*in = str_skip(*in, 1);
		return SMTP_DOT_END;
	}
	/* RFC 5321 4.5.2: the first dot goes; a CR behind it was a bare one and stays. */
	*ret = d->state == SMTP_DOT_ST_DOT_CR ? S("\r") : S("");
	d->state = d->state == SMTP_DOT_ST_DOT_CR ? SMTP_DOT_ST_CR : SMTP_DOT_ST_TEXT;
	return SMTP_DOT_SLICE;
}

enum smtp_dot_what smtp_dotstream_next(struct smtp_dotstream *d, struct str *in, struct str *ret)
{
	size_t n;

	if (in->n == 0)
		return SMTP_DOT_MORE;
	if (d->state == SMTP_DOT_ST_DOT || d->state == SMTP_DOT_ST_DOT_CR)
		return held_next(d, in, ret);
	if (d->state == SMTP_DOT_ST_LINE && in->p[0] == '.' && !d->is_chunked) {
		d->state = SMTP_DOT_ST_DOT;
		*in = str_skip(*in, 1);
		*ret = S("");
		return SMTP_DOT_SLICE;
	}
	n = text_run(d, *in);
	if (n == 0) { /* only a bare LF to normalise stops a run at once */
		*in = str_skip(*in, 1);
		*ret = S("\r\n");
		return SMTP_DOT_SLICE;
	}
	*ret = str_head(*in, n);
	*in = str_skip(*in, n);
	if (memchr(ret->p, '\0', ret->n))
		d->found |= SMTP_DOT_NUL;
	return SMTP_DOT_SLICE;
}

unsigned smtp_dotstream_found(const struct smtp_dotstream *d)
{
	bool has_open_cr = d->state == SMTP_DOT_ST_CR || d->state == SMTP_DOT_ST_DOT_CR;

	return d->found | (has_open_cr ? SMTP_DOT_BARE_CR : 0);
}
