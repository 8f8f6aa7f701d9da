/* SPDX-License-Identifier: MIT */
/*
 * The waiter: one thread in epoll_wait() that holds all parked connections, the listeners and
 * their deadlines.
 *
 * 1. A conn is armed (EPOLLONESHOT) once for each park, by the worker that parks it, before it is
 *    marked as parked. An event that comes in between finds it not parked and becomes a mark in
 *    c->pending, which net_waiter_park() looks at. So nothing is lost and epoll_ctl() needs no
 *    lock.
 * 2. Events carry ids, not pointers: whoever unparks a conn may close it at once, and an id
 *    that is not in the table any more is ignored.
 * 3. Only net_waiter_unpark(), under net.lock, takes a conn out of the parked state, and what it
 *    takes it hands to the pool. A wake does not wait for the waiter thread.
 * 4. A wake that comes while the session runs, or while its output is stuck, stays in c->pending.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define WAIT_MAX_MS 60000
#define BACKLOG_TICK_MS 2

/* What an epoll event belongs to: 0 the eventfd, LISTENER | index, or a conn's id. */
#define LISTENER (1ull << 63)

/* What may end each kind of wait. */
static const unsigned interrupts[] = {
	[NET_PARK_NONE] = 0,
	[NET_PARK_HANDSHAKE] = NET_TODO_IO | NET_TODO_TIMEOUT | NET_TODO_STOP,
	[NET_PARK_INPUT] = NET_TODO_IO | NET_TODO_TIMEOUT | NET_TODO_STOP | NET_TODO_WAKE,
	[NET_PARK_OUTPUT] = NET_TODO_IO | NET_TODO_TIMEOUT,
	[NET_PARK_LINGER] = NET_TODO_IO | NET_TODO_TIMEOUT,
};

static uint32_t events_of(const struct conn *c)
{
	short wants = c->wait == NET_PARK_OUTPUT ? c->write_wants : c->read_wants;
	uint32_t events = EPOLLONESHOT | EPOLLRDHUP;

	if (c->wait == NET_PARK_INPUT || c->wait == NET_PARK_LINGER || (wants & POLLIN))
		events |= EPOLLIN;
	if (wants & POLLOUT)
		events |= EPOLLOUT;
	/* A peer that has sent its last and reads slowly must not wake us all the time. */
	if (c->wait == NET_PARK_OUTPUT && !(wants & POLLIN))
		events &= ~(uint32_t)EPOLLRDHUP;
	return events;
}

static bool arm(struct net *n, struct conn *c)
{
	struct epoll_event ev = { .events = events_of(c), .data.u64 = c->id };

	if (epoll_ctl(n->epfd, c->is_in_epoll ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &ev) != 0)
		return false;
	c->is_in_epoll = true;
	return true;
}

void net_waiter_kick(struct net *n)
{
	uint64_t one = 1;
	ssize_t rc = write(n->wakefd, &one, sizeof(one));

	must(rc == sizeof(one) || errno == EAGAIN);
}

enum net_park_result net_waiter_park(struct net *n, struct conn *c)
{
	bool needs_kick = false;
	unsigned came;

	if (!arm(n, c))
		return NET_PARK_FAILED;
	lock_get(&n->lock);
	came = c->pending & interrupts[c->wait];
	if (came != 0) {
		c->pending &= ~came;
		c->todo |= came;
	} else {
		c->park = c->wait;
		c->deadline_ms = c->wait_deadline_ms;
		n->n_parked++;
		net_timer_set(&n->timers, c);
		needs_kick = net_timer_next_ms(&n->timers) < n->waiting_until_ms;
	}
	lock_put(&n->lock);
	if (needs_kick)
		net_waiter_kick(n);
	return came != 0 ? NET_PARK_AGAIN : NET_PARKED;
}

void net_waiter_unpark(struct net *n, struct conn *c, unsigned why, struct net_conn_list *ready)
{
	unsigned came;

	must(lock_held(&n->lock));
	c->pending |= why;
	came = c->pending & interrupts[c->park];
	if (came == 0)
		return;
	c->pending &= ~came;
	c->todo |= came;
	c->park = NET_PARK_NONE;
	n->n_parked--;
	net_conn_list_add(ready, c);
}

void net_waiter_push(struct net *n, struct net_conn_list *ready)
{
	/* More waiting than workers: let the waiter watch how long they wait. */
	if (net_pool_push(n, ready))
		net_waiter_kick(n);
}

/* ---- the thread ---- */

/* What one round found. */
struct found {
	struct net_conn_list ready;
	const struct net_listener *listeners[NET_LISTENERS_MAX];
	size_t n_listeners;
	bool is_ending;
};

/*
 * Here and not in net_close(), because only this thread accepts. The supervisor may have copies
 * of them.
 */
static void close_listeners(struct net *n)
{
	for (size_t i = 0; i < n->n_listeners; i++) {
		if (n->listeners[i]->fd >= 0)
			close(n->listeners[i]->fd);
		n->listeners[i]->fd = -1;
	}
}

static void handle_event(struct net *n, const struct epoll_event *ev, struct found *f)
{
	uint64_t id = ev->data.u64, count;
	struct conn *c;

	if (id == 0) {
		ssize_t rc = read(n->wakefd, &count, sizeof(count));

		must(rc == sizeof(count) || errno == EAGAIN);
	} else if (id & LISTENER) {
		if (!n->is_stopping && f->n_listeners < NET_LISTENERS_MAX)
			f->listeners[f->n_listeners++] = n->listeners[id & ~LISTENER];
	} else {
		c = net_table_find(&n->table, id);
		if (c != NULL)
			net_waiter_unpark(n, c, NET_TODO_IO, &f->ready);
	}
}

/* Events, then deadlines, then how long to sleep; all under net.lock. */
static int handle_round(struct net *n, const struct epoll_event *evs, int n_evs, struct found *f)
{
	int64_t now = clock_mono_ms(), next;
	struct conn *c;

	lock_get(&n->lock);
	if (n->is_stopping)
		close_listeners(n);
	for (int i = 0; i < n_evs; i++)
		handle_event(n, &evs[i], f);
	while ((c = net_timer_due(&n->timers, now)) != NULL)
		net_waiter_unpark(n, c, NET_TODO_TIMEOUT, &f->ready);
	next = net_timer_next_ms(&n->timers);
	if (next > now + WAIT_MAX_MS)
		next = now + WAIT_MAX_MS;
	n->waiting_until_ms = next;
	f->is_ending = n->is_ending;
	lock_put(&n->lock);
	return (int)(next - now);
}

static void *waiter_main(void *arg)
{
	struct net *n = arg;
	struct epoll_event evs[EVENTS_MAX];
	int wait_ms = 0;

	pthread_setname_np(pthread_self(), "net-waiter");
	for (;;) {
		int n_evs = epoll_wait(n->epfd, evs, EVENTS_MAX, wait_ms);
		struct found f = { .n_listeners = 0 };

		must(n_evs >= 0 || errno == EINTR);
		wait_ms = handle_round(n, evs, n_evs, &f);
		/* Sessions that are known first, new ones after them. */
		(void)net_pool_push(n, &f.ready);
		for (size_t i = 0; i < f.n_listeners; i++)
			net_listen_accept(n, f.listeners[i], &f.ready);
		(void)net_pool_push(n, &f.ready);
		if (net_pool_tick(n) && wait_ms > BACKLOG_TICK_MS)
			wait_ms = BACKLOG_TICK_MS;
		if (f.is_ending)
			return NULL;
	}
}

int net_waiter_add_listener(struct net *n, size_t i, struct fault *fault)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = LISTENER | i };

	if (epoll_ctl(n->epfd, EPOLL_CTL_ADD, n->listeners[i]->fd, &ev) != 0)
		return fault_errno(fault, errno, "listener %s", n->listeners[i]->name);
	return 0;
}

int net_waiter_open(struct net *n, struct fault *fault)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0 };
	int rc;

	n->epfd = epoll_create1(EPOLL_CLOEXEC);
	n->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (n->epfd < 0 || n->wakefd < 0 || epoll_ctl(n->epfd, EPOLL_CTL_ADD, n->wakefd, &ev) != 0)
		return fault_errno(fault, errno, "cannot set up epoll");
	rc = pthread_create(&n->waiter, NULL, waiter_main, n);
	return rc == 0 ? 0 : fault_errno(fault, rc, "cannot start the waiter");
}

void net_waiter_join(struct net *n)
{
	lock_get(&n->lock);
	n->is_ending = true;
	lock_put(&n->lock);
	net_waiter_kick(n);
	must(pthread_join(n->waiter, NULL) == 0);
}
