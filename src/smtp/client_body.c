/* SPDX-License-Identifier: MIT */
/*
 * A message on its way out: from where it stands, without a copy, in blocks that each have their time. RFC 5321 4.5.2: a line that
 * begins with a dot gets one more. What begins a line is decided by CR LF alone, so a message with a CR or LF that stands alone is no
 * text: some server would see a line, and perhaps the end, where there is none.
 */
#include "smtp/client_int.h"

#include "base/clock.h"

#define BLOCK (256u << 10)
#define SLOWEST 4 /* bytes in a millisecond: the whole body has its time too */

void smtp_client_lines(struct str bytes, struct smtp_client_lines *ret)
{
	struct smtp_client_lines l = { .is_ended = true };
	const char *at = bytes.p, *end = bytes.p + bytes.n;

	while (at < end && !l.is_bare) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((lf != NULL ? lf : end) - at);
		const char *cr = memchr(at, '\r', n);

		l.n_dots += at[0] == '.';
		l.is_ended = lf != NULL;
		l.is_bare = lf != NULL ? cr != lf - 1 : cr != NULL;
		at += n + 1;
	}
	*ret = l;
}

static void put_blocks(struct smtp_client *c, struct str bytes, int64_t end_ms)
{
	while (bytes.n > 0) {
		int64_t block_ms = smtp_client_deadline(c, c->o.times.data_block);

		net_stream_write(c->s, str_head(bytes, BLOCK), block_ms < end_ms ? block_ms : end_ms);
		bytes = str_skip(bytes, BLOCK);
	}
}

static int64_t end_of(const struct smtp_client *c, struct str bytes)
{
	return smtp_client_deadline(c, c->o.times.data_block + (int64_t)(bytes.n / SLOWEST));
}

void smtp_client_put_chunk(struct smtp_client *c, struct str bytes)
{
	put_blocks(c, bytes, end_of(c, bytes));
}

void smtp_client_put_data(struct smtp_client *c, struct str bytes, const struct smtp_client_lines *lines)
{
	int64_t end_ms = end_of(c, bytes);
	struct str rest = bytes; /* always at the beginning of a line */

	while (rest.n > 0) {
		const char *next = lines->n_dots > 0 ? memmem(rest.p, rest.n, "\n.", 2) : NULL;
		size_t n = next != NULL ? (size_t)(next - rest.p) + 1 : rest.n;

		if (rest.p[0] == '.')
			net_stream_write(c->s, S("."), end_ms);
		put_blocks(c, str_head(rest, n), end_ms);
		rest = str_skip(rest, n);
	}
	if (!lines->is_ended)
		net_stream_write(c->s, S("\r\n"), end_ms);
}
