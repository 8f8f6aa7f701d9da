/* SPDX-License-Identifier: MIT */
/*
 * What a worker does with a connection: from phase to phase until it has to wait.
 *
 *   HANDSHAKE --done--> GREET (implicit TLS) or OPEN (STARTTLS)     phase_handshake()
 *   GREET     --NET_START--> OPEN                                   phase_greet()
 *   OPEN      --conn_starttls()--> HANDSHAKE                        run()
 *   OPEN      --NET_CLOSE, peer gone, stop, line too slow--> CLOSING  run()
 *   CLOSING   --output gone--> LINGER or the end                    phase_closing()
 *   LINGER    --peer closed, NET_LINGER_MS--> the end               phase_linger()
 *
 * 1. A phase function either moves on (AGAIN) or says what to wait for (WAIT, with c->wait and
 *    its deadline).
 * 2. Output never blocks here: what the socket does not take waits in epoll under the write
 *    deadline.
 * 3. A session is run with NET_INPUT only when something came since conn_line() answered 0, so an
 *    unfinished line does not spin.
 * 4. A held connection (conn_hold()) waits with its output before anything else; it is not armed
 *    for input, so what is pipelined stays in the kernel. One that awaits (conn_await()) sends first,
 *    then waits in the same way, but a wake ends it.
 * 5. The idle deadline moves on only when the session got somewhere: bytes of a half TLS record
 *    do not count.
 * 6. A session in a body is left alone until the body is over: no wake, no stop; its deadline
 *    comes as NET_INPUT, and conn_body_peek() tells.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "base/work.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_READS 16

enum step { STEP_AGAIN, STEP_WAIT, STEP_YIELD, STEP_END };

static enum step wait_for(struct conn *c, enum net_park what, int64_t deadline_ms)
{
	c->wait = what;
	c->wait_deadline_ms = deadline_ms;
	return STEP_WAIT;
}

static void session_close(struct conn *c)
{
	conn_body_end(c);
	if (c->session != NULL)
		c->listener->protocol->close(c->session);
	c->session = NULL;
}

static enum step begin_closing(struct conn *c)
{
	session_close(c);
	c->phase = NET_PHASE_CLOSING;
	c->phase_deadline_ms = 0;
	return STEP_AGAIN;
}

static void idle_restart(struct conn *c)
{
	c->idle_deadline_ms = c->idle_ms > 0 ? clock_mono_ms() + c->idle_ms : 0;
}

/* ---- phases ---- */

/* Ends the hold when its time has come, or the server stops. */
static bool is_held(struct conn *c)
{
	if (c->hold_until_ms == 0)
		return false;
	if (!(c->todo & NET_TODO_STOP) && clock_mono_ms() < c->hold_until_ms)
		return true;
	c->hold_until_ms = 0;
	c->todo &= ~(unsigned)NET_TODO_TIMEOUT; /* it was the hold's */
	return false;
}

/* Sends what is there. STEP_AGAIN: all gone; else what to do instead. */
static enum step push_output(struct conn *c)
{
	int rc;

	if (is_held(c))
		return wait_for(c, NET_PARK_HOLD, c->hold_until_ms);
	if (c->out_at == c->out.n)
		return STEP_AGAIN;
	rc = net_conn_flush_some(c);
	if (rc == 0 && !(c->todo & NET_TODO_TIMEOUT)) {
		if (c->phase_deadline_ms == 0)
			c->phase_deadline_ms = clock_mono_ms() + c->write_timeout_ms;
		c->todo &= ~(unsigned)NET_TODO_IO;
		return wait_for(c, NET_PARK_OUTPUT, c->phase_deadline_ms);
	}
	if (c->phase_deadline_ms !=
	    0) { /* that wait is over, and its deadline was not the session's */
		c->phase_deadline_ms = 0;
		c->todo &= ~(unsigned)NET_TODO_TIMEOUT;
	}
	return rc == 1 ? STEP_AGAIN : STEP_END;
}

/*
 * STARTTLS: our "go ahead" leaves in clear, then the transport changes. STEP_WAIT: for that, or
 * for the first byte of the handshake.
 */
static enum step change_transport(struct conn *c)
{
	enum step s = push_output(c);

	if (s != STEP_AGAIN)
		return s;
	net_deflate_free(c); /* its stream has ended and is sent */
	c->transport = &net_tls_transport;
	c->read_wants = POLLIN;
	c->todo &= ~(unsigned)NET_TODO_IO;
	c->phase_deadline_ms = clock_mono_ms() + c->handshake_timeout_ms;
	return wait_for(c, NET_PARK_HANDSHAKE, c->phase_deadline_ms);
}

static enum step phase_handshake(struct conn *c)
{
	struct fault fault = { "the handshake took too long" };
	int rc = -E_TIMEOUT;

	if (c->todo & NET_TODO_STOP)
		return STEP_END;
	if (c->transport != &net_tls_transport)
		return change_transport(c);
	if (!(c->todo & NET_TODO_TIMEOUT))
		rc = net_tls_handshake(c, &fault);
	c->todo &= ~(unsigned)(NET_TODO_TIMEOUT | NET_TODO_IO);
	if (rc == 0)
		return wait_for(c, NET_PARK_HANDSHAKE, c->phase_deadline_ms);
	if (rc < 0) {
		LOG(DEBUG, "net.tls", F_Z("peer", c->peer), F_Z("listener", c->listener->name),
		    F_Z("reason", fault.text));
		return STEP_END;
	}
	c->phase = c->session != NULL ? NET_PHASE_OPEN : NET_PHASE_GREET;
	c->phase_deadline_ms = 0;
	c->is_starved = false; /* a session may have asked for a line meanwhile */
	idle_restart(c);
	return STEP_AGAIN;
}

static void local_set(struct conn *c)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t n = sizeof(ss);
	const struct sockaddr_in *in = (const void *)&ss;
	const struct sockaddr_in6 *in6 = (const void *)&ss;

	if (getsockname(c->fd, (struct sockaddr *)&ss, &n) != 0)
		return;
	if (ss.ss_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, c->local, sizeof(c->local));
	else if (ss.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, c->local, sizeof(c->local));
	else if (ss.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, c->local, sizeof(c->local));
	else
		snprintf(c->local, sizeof(c->local), "unix");
}

/* Runs the session once and sees what it made of it. */
static enum step run(struct conn *c, enum net_reason why)
{
	uint64_t progress = c->progress;
	enum net_next next;

	c->is_idle_set = c->is_yielding = c->is_in_reply = false;
	c->may_be_sending = c->in_body;
	next = c->listener->protocol->run(c->session, why);
	c->may_be_sending |= why == NET_TIMEOUT || c->in.n > c->in_at || c->is_skipping;
	if (next == NET_CLOSE || why == NET_STOP || c->out_err != 0 || c->saw_in_err)
		return begin_closing(c);
	if (c->phase == NET_PHASE_HANDSHAKE)
		return STEP_AGAIN;
	if (why == NET_TIMEOUT && c->line_since_ms != 0 &&
	    clock_mono_ms() >= c->line_since_ms + c->line_timeout_ms)
		return begin_closing(c);
	if (why != NET_INPUT || c->is_idle_set || c->progress != progress)
		idle_restart(c);
	else if (!c->is_yielding)
		c->is_starved = true; /* it did not care to read: wait for something new */
	return STEP_AGAIN;
}

static enum step phase_greet(struct conn *c)
{
	if (c->todo & NET_TODO_STOP)
		return STEP_END;
	c->todo &= ~(unsigned)NET_TODO_TIMEOUT;
	local_set(c);
	c->session = c->listener->protocol->open(c, c->listener->ctx);
	if (c->session == NULL)
		return begin_closing(c);
	c->phase = NET_PHASE_OPEN;
	return run(c, NET_START);
}

static bool has_more_input(struct conn *c)
{
	if (c->todo & NET_TODO_IO) {
		c->todo &= ~(unsigned)NET_TODO_IO;
		c->is_drained = c->is_starved = false;
	}
	if (c->is_yielding)
		return true;
	return !c->is_starved && (c->in.n > c->in_at || !c->is_drained || c->in_err != 0);
}

/* Nothing came yet for a session that awaits; its deadline is a wake as well. */
static bool is_awaiting(struct conn *c)
{
	if (c->await_until_ms == 0)
		return false;
	if (!(c->todo & NET_TODO_WAKE) && clock_mono_ms() < c->await_until_ms)
		return true;
	c->await_until_ms = 0;
	c->todo &= ~(unsigned)NET_TODO_TIMEOUT;
	c->todo |= NET_TODO_WAKE;
	return false;
}

static enum step phase_open(struct conn *c)
{
	enum step s = push_output(c);
	int64_t deadline;

	if (s != STEP_AGAIN)
		return s;
	if (c->todo & NET_TODO_STOP)
		return run(c, NET_STOP);
	if (is_awaiting(c))
		return wait_for(c, NET_PARK_AWAIT, c->await_until_ms);
	if (c->todo & NET_TODO_WAKE) {
		c->todo &= ~(unsigned)NET_TODO_WAKE;
		return run(c, NET_WAKE);
	}
	if (has_more_input(c) || (c->in_body && (c->todo & NET_TODO_TIMEOUT))) {
		c->todo &= ~(unsigned)NET_TODO_TIMEOUT;
		if (clock_mono_ms() >= c->slice_end_ms)
			return STEP_YIELD;
		return run(c, NET_INPUT);
	}
	if (c->todo & NET_TODO_TIMEOUT) {
		c->todo &= ~(unsigned)NET_TODO_TIMEOUT;
		return run(c, NET_TIMEOUT);
	}
	if (c->in_body)
		return wait_for(c, NET_PARK_BODY, net_conn_body_deadline(c));
	deadline = c->idle_deadline_ms;
	if (c->line_since_ms != 0 &&
	    (deadline == 0 || c->line_since_ms + c->line_timeout_ms < deadline))
		deadline = c->line_since_ms + c->line_timeout_ms;
	return wait_for(c, NET_PARK_INPUT, deadline);
}

static enum step phase_closing(struct conn *c)
{
	enum step s;

	/* A failed stream, or a handshake that never happened: nothing can be said any more. */
	if (c->out_err != 0 || (c->is_tls && (c->ssl == NULL || c->is_tls_dead)))
		return STEP_END;
	s = push_output(c);
	if (s != STEP_AGAIN)
		return s;
	c->transport->shutdown(c);
	if (c->in_err != 0 || shutdown(c->fd, SHUT_WR) != 0)
		return STEP_END;
	c->phase = NET_PHASE_LINGER;
	c->phase_deadline_ms = c->may_be_sending ? clock_mono_ms() + NET_LINGER_MS : 0;
	c->todo = 0;
	return STEP_AGAIN;
}

/*
 * Input that is never read makes the kernel reset the connection, and the reset can overtake our
 * last reply. So a peer that still sends, or was in the middle of something, is given time to
 * close: input is taken and dropped, up to LIMIT_LINGER. Others, who have asked for the end and wait for it, are
 * closed at once.
 */
static enum step phase_linger(struct conn *c)
{
	char scrap[4096];
	ssize_t got = 0;

	if (c->todo & NET_TODO_TIMEOUT)
		return STEP_END;
	c->todo = 0;
	for (int i = 0; i < LINGER_READS; i++) {
		got = recv(c->fd, scrap, sizeof(scrap), MSG_DONTWAIT);
		if (got <= 0)
			break;
		c->lingered += (size_t)got;
		if (c->phase_deadline_ms == 0)
			c->phase_deadline_ms = clock_mono_ms() + NET_LINGER_MS;
	}
	if (got == 0 || c->phase_deadline_ms == 0 || c->lingered > LIMIT_LINGER ||
	    clock_mono_ms() >= c->phase_deadline_ms)
		return STEP_END;
	return wait_for(c, NET_PARK_LINGER, c->phase_deadline_ms);
}

static enum step (*const phases[])(struct conn *c) = {
	[NET_PHASE_HANDSHAKE] = phase_handshake, [NET_PHASE_GREET] = phase_greet,
	[NET_PHASE_OPEN] = phase_open,           [NET_PHASE_CLOSING] = phase_closing,
	[NET_PHASE_LINGER] = phase_linger,
};

/* ---- the worker's loop ---- */

/*
 * Work that takes long (base/work.h) goes on at a lower priority, and not at all when the peer
 * has gone meanwhile. For a while it is not asked: one that has only sent its last may still read.
 */
static bool go_on(void *ctx)
{
	struct conn *c = ctx;
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
	int64_t now = clock_mono_ms();

	if (now < c->slice_end_ms + NET_LONG_MS)
		return true;
	net_worker_tire();
	if (now < c->slice_end_ms + NET_LOST_MS || now < c->looked_ms + NET_LONG_MS)
		return true;
	c->looked_ms = now;
	return poll(&p, 1, 0) != 1;
}

static void end(struct net *n, struct conn *c)
{
	session_close(c);
	LOG(DEBUG, "net.close", F_Z("peer", c->peer));
	lock_get(&n->lock);
	net_table_remove(&n->table, c);
	net_stranger_remove(n, c);
	net_timer_remove(&n->timers, c);
	if (c->is_capped)
		net_caps_give(&n->caps, &c->addr);
	if (n->table.n == 0)
		lock_broadcast(&n->emptied);
	lock_put(&n->lock);
	net_conn_free(c);
}

void net_step(struct net *n, struct conn *c)
{
	enum step s = STEP_AGAIN;

	must(c->magic == NET_CONN_MAGIC && c->park == NET_PARK_NONE);
	log_set_sid(c->sid);
	c->slice_end_ms = clock_mono_ms() + NET_SLICE_MS;
	work_set(go_on, c);
	if (!atomic_load_explicit(&n->is_untrimmed, memory_order_relaxed))
		atomic_store(&n->is_untrimmed, true);
	while (s == STEP_AGAIN) {
		s = phases[c->phase](c);
		if (s != STEP_WAIT)
			continue;
		net_conn_release(c);
		switch (net_waiter_park(n, c)) {
		case NET_PARKED:
			break;
		case NET_PARK_AGAIN:
			s = STEP_AGAIN;
			break;
		case NET_PARK_FAILED:
			s = STEP_END;
			break;
		}
	}
	work_set(NULL, NULL);
	if (s == STEP_END)
		end(n, c);
	if (s == STEP_YIELD) {
		net_waiter_pass(n, c);
		net_behind_push(n, c);
	}
	log_set_sid("");
}
