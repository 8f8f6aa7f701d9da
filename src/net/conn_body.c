/* SPDX-License-Identifier: MIT */
/*
 * Bodies: DATA, BDAT, literals. A session takes their bytes as they come and parks when none are
 * there, so a slow body costs memory and a place (places.c), but no thread.
 *
 * 1. A peer that answers at once is waited for in the worker, PATIENCE_MS at most: cheaper than
 *    the way through epoll. Who was slower than that once is parked at once for the rest of this
 *    body, and so is everybody beyond PATIENT_MAX.
 * 2. Deadlines are looked at after reading, never before: what is there counts, even when this
 *    process was too busy to look in time.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/must.h"

#include <errno.h>
#include <poll.h>

#define RATE_GRACE_MS 10000 /* the minimum rate counts from here on */
#define PATIENCE_MS 10
#define PATIENT_MAX 16

int conn_body_begin(struct conn *c, const struct conn_body_limit *limit)
{
	int64_t now = clock_mono_ms();
	int rc;

	must(c->magic == NET_CONN_MAGIC && !c->in_body);
	net_place_begin(c, now);
	rc = net_place_take(c, false);
	if (rc < 0)
		return rc;
	c->in_body = c->may_be_sending = true;
	c->is_slow = false;
	c->body = *limit;
	c->body_start_ms = c->body_last_ms = now;
	c->body_bytes = c->in.n - c->in_at;
	c->line_since_ms = 0;
	return 0;
}

void conn_body_end(struct conn *c)
{
	if (!c->in_body)
		return;
	c->in_body = false;
	net_place_give(c);
	if (c->in.n == c->in_at) { /* 32 KB, which whoever waits for a commit now does not need */
		buf_fini(&c->in);
		c->in_at = c->scanned = 0;
	}
}

int64_t net_conn_body_deadline(const struct conn *c)
{
	int64_t at = INT64_MAX, rate_ms;

	if (c->body.total_ms > 0)
		at = c->body_start_ms + c->body.total_ms;
	if (c->body.idle_ms > 0 && c->body_last_ms + c->body.idle_ms < at)
		at = c->body_last_ms + c->body.idle_ms;
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

/* Waits a moment for the next bytes; what was written goes out first. Did some come? */
static bool wait_patiently(struct conn *c, int64_t now)
{
	struct net *n = c->net;
	int rc = -E_TIMEOUT;

	if (n == NULL || c->is_slow || net_conn_flush_some(c) != 1)
		return false;
	if (atomic_fetch_add(&n->n_patient, 1) < PATIENT_MAX)
		rc = net_conn_wait(c, c->read_wants, now + PATIENCE_MS);
	atomic_fetch_sub(&n->n_patient, 1);
	c->slice_end_ms += clock_mono_ms() - now; /* waiting is not working */
	if (rc == 0)
		c->is_drained = false;
	else
		c->is_slow = true;
	return rc == 0;
}

/* More bytes into the empty buffer: 1, 0 (park), negative. */
static int fill(struct conn *c, int64_t now)
{
	int rc = 0;

	if (c->net != NULL && now >= c->slice_end_ms) {
		c->is_yielding = true;
		return 0;
	}
	if (c->in_err != 0)
		rc = c->in_err;
	else if (c->net == NULL || !c->is_drained)
		rc = net_conn_fill(c);
	if (rc == 0 && c->is_drained && wait_patiently(c, now))
		rc = net_conn_fill(c);
	if (rc < 0)
		c->saw_in_err = true;
	return rc;
}

int net_conn_body_check(const struct conn *c, int64_t now_ms)
{
	int64_t deadline = net_conn_body_deadline(c);

	if (atomic_load(&c->is_evicted))
		return -E_BUSY;
	return deadline != 0 && c->net != NULL && now_ms >= deadline ? -E_TIMEOUT : 0;
}

int conn_body_peek(struct conn *c, struct str *ret)
{
	int64_t now = clock_mono_ms();
	int rc = 1, check;

	must(c->magic == NET_CONN_MAGIC && c->in_body);
	if (c->in.n == c->in_at)
		rc = fill(c, now);
	check = net_conn_body_check(c, now);
	if (rc < 0 || check < 0)
		return rc < 0 ? rc : check;
	if (rc == 0) {
		/* A layer may hold what epoll cannot see. */
		c->is_yielding |= !c->is_drained;
		c->is_starved = !c->is_yielding;
		return 0;
	}
	*ret = conn_buffered(c);
	return 1;
}
