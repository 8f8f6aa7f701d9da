/* SPDX-License-Identifier: MIT */
/*
 * Reading: a buffer of at most LIMIT_CONN_IN bytes, lines cut out of it, and the bracket for
 * reads that block.
 *
 * 1. conn_line() never blocks and asks the kernel only when there may be something: a short read
 *    or "would block" sets is_drained, an epoll event clears it. So a command costs one recv().
 * 2. conn_line() also answers 0, as if the line were not complete, when this worker has served this
 *    session long enough, much output waits, or the conn is held (is_yielding): the net loop
 *    flushes without blocking and comes back. So a peer that only sends cannot keep a thread.
 * 3. Blocking reads exist only between conn_body_begin() and conn_body_end(), under its deadlines.
 * 4. Taken bytes stay where they are until the next read, so slices of the last line stay valid.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"

#include <errno.h>
#include <poll.h>

#define FILLS_PER_LINE 64   /* reads of one conn_line() while it skips a line that is too long */
#define RATE_GRACE_MS 10000 /* the minimum rate counts from here on */
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
	if (c->in_body)
		c->body_bytes += *ret_n;
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
	} else if (c->hold_until_ms != 0 || c->out.n - c->out_at >= OUT_YIELD ||
		   clock_mono_ms() >= c->slice_end_ms) {
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

/* ---- reads that block ---- */

bool net_conn_body_enter(struct conn *c)
{
	if (c->net == NULL || c->in_body)
		return true;
	if (atomic_fetch_add(&c->net->n_bodies, 1) < atomic_load(&c->net->max_bodies))
		return true;
	atomic_fetch_sub(&c->net->n_bodies, 1);
	return false;
}

void net_conn_body_leave(struct conn *c)
{
	if (c->net != NULL && !c->in_body)
		atomic_fetch_sub(&c->net->n_bodies, 1);
}

int conn_body_begin(struct conn *c, const struct conn_body_limit *limit)
{
	must(c->magic == NET_CONN_MAGIC && !c->in_body);
	if (!net_conn_body_enter(c))
		return -E_BUSY;
	c->in_body = true;
	c->body = *limit;
	c->body_start_ms = clock_mono_ms();
	c->body_bytes = c->in.n - c->in_at;
	c->line_since_ms = 0;
	return 0;
}

void conn_body_end(struct conn *c)
{
	if (!c->in_body)
		return;
	c->in_body = false;
	net_conn_body_leave(c);
}

/* The earliest moment at which one of the body's limits is broken if nothing more comes. */
static int64_t body_deadline(const struct conn *c, int64_t now)
{
	int64_t at = INT64_MAX, rate_ms;

	if (c->body.total_ms > 0)
		at = c->body_start_ms + c->body.total_ms;
	if (c->body.idle_ms > 0 && now + c->body.idle_ms < at)
		at = now + c->body.idle_ms;
	if (c->body.min_rate > 0) {
		rate_ms = (int64_t)(c->body_bytes / (uint64_t)c->body.min_rate) * 1000 + 1000;
		if (rate_ms < RATE_GRACE_MS)
			rate_ms = RATE_GRACE_MS;
		if (c->body_start_ms + rate_ms < at)
			at = c->body_start_ms + rate_ms;
	}
	return at == INT64_MAX ? 0 : at;
}

int net_conn_wait(struct conn *c, short events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int64_t left;
	int n = 0;

	if (c->fd < 0)
		return 0;
	if (c->net != NULL)
		net_pool_block(c->net, 1);
	do {
		left = deadline_ms == 0 ? -1 : deadline_ms - clock_mono_ms();
		if (deadline_ms != 0 && left <= 0)
			break;
		n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	if (c->net != NULL)
		net_pool_block(c->net, -1);
	return n > 0 ? 0 : -E_TIMEOUT;
}

/* Waits until the transport may have input; what was written goes out first. */
static int body_wait(struct conn *c)
{
	int64_t now, deadline;
	int rc = conn_flush(c);

	if (rc < 0)
		return rc;
	now = clock_mono_ms();
	deadline = body_deadline(c, now);
	if (deadline != 0 && now >= deadline)
		return -E_TIMEOUT;
	if (!c->is_drained)
		return 0;
	rc = net_conn_wait(c, c->read_wants, deadline);
	c->is_drained = false;
	return rc;
}

/* Blocks until at least one more byte is buffered. */
static int fill_wait(struct conn *c)
{
	int rc = 0;

	must(c->in_body);
	while (rc == 0) {
		if (c->in_err != 0)
			return c->in_err;
		rc = body_wait(c);
		if (rc == 0)
			rc = net_conn_fill(c);
	}
	return rc < 0 ? rc : 0;
}

int conn_line_wait(struct conn *c, size_t max, struct conn_line *ret)
{
	int rc;

	must(max <= LIMIT_CONN_IN);
	for (;;) {
		rc = line_cut(c, max, ret);
		if (rc != 0)
			return rc;
		rc = fill_wait(c);
		if (rc < 0)
			return rc;
	}
}

int conn_peek_wait(struct conn *c, struct str *ret)
{
	int rc = c->in.n == c->in_at ? fill_wait(c) : 0;

	if (rc < 0)
		return rc;
	*ret = conn_buffered(c);
	return 0;
}

int conn_read_wait(struct conn *c, void *p, size_t n)
{
	char *to = p;
	size_t got;
	int rc;

	must(c->in_body);
	while (n > 0) {
		struct str b = str_head(buffered(c), n);

		if (b.n > 0) {
			memcpy(to, b.p, b.n);
			conn_take(c, b.n);
			got = b.n;
		} else if (n < NET_READ_CHUNK) {
			rc = fill_wait(c);
			if (rc < 0)
				return rc;
			continue;
		} else { /* much is missing: past the buffer */
			rc = body_wait(c);
			if (rc == 0)
				rc = read_some(c, to, n, &got);
			if (rc < 0)
				return rc;
			if (rc == 0)
				continue;
		}
		to += got;
		n -= got;
	}
	return 0;
}
