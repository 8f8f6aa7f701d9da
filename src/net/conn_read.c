/* SPDX-License-Identifier: MIT */
/*
 * Reading: a buffer of at most LIMIT_CONN_IN bytes, and lines cut out of it. Bodies are in
 * conn_body.c.
 *
 * 1. conn_line() never blocks and asks the kernel only when there may be something: a short read
 *    or "would block" sets is_drained, an epoll event clears it. So a command costs one recv().
 * 2. conn_line() also answers 0, as if the line were not complete, when this worker has served this
 *    session long enough, much output waits, or the conn is held (is_yielding): the net loop
 *    flushes without blocking and comes back. So a peer that only sends cannot keep a thread.
 * 3. Taken bytes stay where they are until the next read, so slices of the last line stay valid.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"

#define FILLS_PER_LINE 64   /* reads of one conn_line() while it skips a line that is too long */
#define OUT_YIELD (LIMIT_CONN_OUT / 2)

static struct str buffered(const struct conn *c)
{
	return c->in.n == c->in_at ? S("") : str_of(c->in.p + c->in_at, c->in.n - c->in_at);
}

struct str conn_buffered(const struct conn *c)
{
	return str_head(buffered(c), LIMIT_CONN_IN);
}

void conn_take(struct conn *c, size_t n)
{
	must(n <= c->in.n - c->in_at);
	c->in_at += n;
	c->scanned = n < c->scanned ? c->scanned - n : 0;
	c->progress += n;
	if (c->in_at == c->in.n)
		c->in_at = c->in.n = 0;
}

/* One read to p; keeps the books. 1, 0 or negative, as net_conn_fill(). */
static int read_some(struct conn *c, void *p, size_t n, size_t *ret_n)
{
	int rc;

	if (c->in_err != 0)
		return c->in_err;
	rc = c->transport->read(c, p, n, ret_n);
	if (rc < 0) {
		c->in_err = rc;
		c->is_drained = true;
		return rc;
	}
	if (*ret_n == 0)
		return 0;
	c->progress += *ret_n;
	c->is_starved = false;
	if (c->in_body) {
		c->body_bytes += *ret_n;
		c->body_last_ms = clock_mono_ms();
		net_place_pay(c, *ret_n, c->body_last_ms);
	}
	return 1;
}

int net_conn_fill(struct conn *c)
{
	size_t chunk = c->in_body ? NET_READ_CHUNK_BODY : NET_READ_CHUNK;
	size_t got = 0;
	char *to;
	int rc;

	must(c->magic == NET_CONN_MAGIC);
	if (c->in_at > 0) {
		buf_consume(&c->in, c->in_at);
		c->in_at = 0;
	}
	if (chunk > c->in.max - c->in.n)
		chunk = c->in.max - c->in.n;
	must(chunk > 0);
	to = buf_reserve(&c->in, chunk);
	must(to != NULL);
	rc = read_some(c, to, chunk, &got);
	if (rc == 1)
		buf_commit(&c->in, got);
	return rc;
}

/* ---- lines ---- */

static unsigned line_flags(struct str s)
{
	unsigned flags = 0;
	unsigned char high = 0;

	for (size_t i = 0; i < s.n; i++)
		high |= (unsigned char)s.p[i];
	if (high & 0x80)
		flags |= CONN_LINE_8BIT;
	if (s.n > 0 && memchr(s.p, '\r', s.n) != NULL)
		flags |= CONN_LINE_BARE_CR;
	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		flags |= CONN_LINE_NUL;
	return flags;
}

/* Cuts a line out of the buffer: 1, 0 (no end in sight), -E_LIMIT. */
static int line_cut(struct conn *c, size_t max, struct conn_line *ret)
{
	for (;;) {
		struct str b = buffered(c);
		const char *lf =
			b.n > c->scanned ? memchr(b.p + c->scanned, '\n', b.n - c->scanned) : NULL;
		struct str text;
		bool is_bare_lf;

		if (lf == NULL && (c->is_skipping || b.n > max + 1)) {
			conn_take(c, b.n);
			if (c->is_skipping)
				return 0;
			c->is_skipping = true;
			return -E_LIMIT;
		}
		if (lf == NULL) {
			c->scanned = b.n;
			return 0;
		}
		text = str_head(b, (size_t)(lf - b.p));
		conn_take(c, text.n + 1);
		if (c->is_skipping) {
			c->is_skipping = false;
			continue;
		}
		is_bare_lf = text.n == 0 || text.p[text.n - 1] != '\r';
		if (!is_bare_lf)
			text.n--;
		if (text.n > max)
			return -E_LIMIT;
		ret->text = text;
		ret->flags = line_flags(text) | (is_bare_lf ? CONN_LINE_BARE_LF : 0);
		return 1;
	}
}

static int line_try(struct conn *c, size_t max, struct conn_line *ret)
{
	int rc = line_cut(c, max, ret);

	for (int i = 0; rc == 0 && !c->is_drained && i < FILLS_PER_LINE; i++) {
		rc = net_conn_fill(c);
		if (rc <= 0)
			break;
		rc = line_cut(c, max, ret);
	}
	if (rc == 0)
		rc = c->in_err;
	if (rc < 0 && rc == c->in_err)
		c->saw_in_err = true;
	return rc;
}

int conn_line(struct conn *c, size_t max, struct conn_line *ret)
{
	int rc;

	must(c->magic == NET_CONN_MAGIC && max <= LIMIT_CONN_IN);
	if (c->net == NULL) {
		c->is_drained = false;
	} else if (c->hold_until_ms != 0 || c->await_until_ms != 0 ||
		   c->out.n - c->out_at >= OUT_YIELD || clock_mono_ms() >= c->slice_end_ms) {
		c->is_yielding = true;
		return 0;
	}
	rc = line_try(c, max, ret);
	if (rc != 0) {
		c->line_since_ms = 0;
		return rc;
	}
	/* A layer may hold what epoll cannot see. */
	if (c->is_drained)
		c->is_starved = true;
	else
		c->is_yielding = true;
	if (c->in_body)
		return net_conn_body_check(c, clock_mono_ms());
	if (c->line_since_ms == 0 && (c->in.n > c->in_at || c->is_skipping))
		c->line_since_ms = clock_mono_ms();
	return 0;
}

bool conn_has_input(struct conn *c)
{
	if (c->in.n > c->in_at)
		return true;
	return c->in_err == 0 && net_conn_fill(c) == 1;
}
