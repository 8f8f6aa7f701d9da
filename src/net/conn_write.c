/* SPDX-License-Identifier: MIT */
/*
 * Writing: a buffer of LIMIT_CONN_OUT bytes; beyond it a command that writes a long reply waits
 * for its peer here. Who waits holds a worker and so counts as a body: when too many do, it is
 * cut off (-E_BUSY) rather than that slow readers take all threads. The net loop sends the rest
 * without blocking before it parks the session. Any error sticks, later writes are dropped.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/must.h"

#include <stdarg.h>
#include <stdio.h>

static int fail(struct conn *c, int code)
{
	c->out_err = code;
	buf_fini(&c->out);
	c->out_at = 0;
	return code;
}

int net_conn_flush_some(struct conn *c)
{
	size_t n;
	int rc;

	if (c->out_err != 0)
		return c->out_err;
	while (c->out_at < c->out.n) {
		rc = c->transport->write(c, c->out.p + c->out_at, c->out.n - c->out_at, &n);
		if (rc < 0)
			return fail(c, rc);
		if (n == 0)
			return 0;
		c->out_at += n;
		if (c->is_in_reply)
			net_place_pay(c, n, clock_mono_ms());
	}
	c->out_at = 0;
	buf_reset(&c->out);
	return 1;
}

/* Until the socket takes more, at most until *deadline, which is set at the first wait. */
static int wait_writable(struct conn *c, int64_t *deadline)
{
	int rc;

	if (*deadline == 0)
		*deadline = clock_mono_ms() + c->write_timeout_ms;
	if (c->in_body) /* has a place already */
		return net_conn_wait(c, c->write_wants, *deadline);
	if (!c->is_in_reply)
		net_place_begin(c, clock_mono_ms());
	c->is_in_reply = true;
	rc = net_place_take(c, true);
	if (rc == 0)
		rc = net_conn_wait(c, c->write_wants, *deadline);
	net_place_give(c);
	return atomic_load(&c->is_evicted) ? -E_BUSY : rc;
}

int conn_flush(struct conn *c)
{
	int64_t deadline = 0;
	int rc;

	for (;;) {
		rc = net_conn_flush_some(c);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		rc = wait_writable(c, &deadline);
		if (rc < 0)
			return fail(c, rc);
	}
}

/*
 * A piece as large as the buffer goes out from where it stands, with a write deadline of its
 * own.
 */
static void write_through(struct conn *c, struct str s)
{
	int64_t deadline = 0;
	size_t n;
	int rc;

	while (s.n > 0) {
		rc = c->transport->write(c, s.p, s.n, &n);
		if (rc == 0 && n == 0)
			rc = wait_writable(c, &deadline);
		else if (rc == 0)
			s = str_skip(s, n);
		if (c->is_in_reply)
			net_place_pay(c, n, clock_mono_ms());
		if (rc < 0) {
			fail(c, rc);
			return;
		}
	}
}

void conn_write(struct conn *c, struct str s)
{
	must(c->magic == NET_CONN_MAGIC);
	if (c->out_err != 0)
		return;
	if (s.n > c->out.max - c->out.n && conn_flush(c) < 0)
		return;
	for (; s.n >= c->out.max; s = str_skip(s, LIMIT_CONN_OUT)) {
		write_through(c, str_head(s, LIMIT_CONN_OUT));
		if (c->out_err != 0)
			return;
	}
	buf_add(&c->out, s);
	if (c->net == NULL)
		(void)conn_flush(c);
}

void conn_printf(struct conn *c, const char *fmt, ...)
{
	char small[512];
	struct buf big = BUF_INIT(LIMIT_CONN_OUT);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	must(n >= 0);
	if ((size_t)n < sizeof(small)) {
		conn_write(c, str_of(small, (size_t)n));
		return;
	}
	va_start(ap, fmt);
	buf_vprintf(&big, fmt, ap);
	va_end(ap);
	if (buf_overflowed(&big) && c->out_err == 0)
		fail(c, -E_LIMIT);
	conn_write(c, buf_str(&big));
	buf_fini(&big);
}

bool conn_failed(const struct conn *c)
{
	return c->out_err != 0;
}
