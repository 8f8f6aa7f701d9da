/* SPDX-License-Identifier: MIT */
/*
 * Parked connections, and the waiter thread.
 *
 * All parked connections and the listeners are in one epoll, in which the free workers wait: the
 * kernel gives each event to one of them (net_waiter_take()). The waiter thread keeps the time:
 * deadlines, the pool's growth, the closing of the listeners, giving memory back.
 *
 * 1. A conn is armed (EPOLLONESHOT) once for each park, by the worker that parks it, before it is
 *    marked as parked. An event that comes in between finds it not parked and becomes a mark in
 *    c->pending, which net_waiter_park() looks at. So nothing is lost and epoll_ctl() needs no
 *    lock. A session that gives way is not parked and looks there too (net_waiter_pass()): one
 *    that always has input must hear of the stop as well.
 * 2. Events carry ids, not pointers: whoever unparks a conn may close it at once, and an id
 *    that is not in the table any more is ignored.
 * 3. Only net_waiter_unpark(), under net.lock, takes a conn out of the parked state, and who takes
 *    it runs it or hands it to the pool. A wake does not wait for any other thread.
 * 4. A wake that comes while the session runs, is held, or its output is stuck, stays in
 *    c->pending.
 * 5. A listener is armed once for each round of accepts, by whoever did it. Under net.lock it is
 *    counted who is at it, so that it is closed when nobody is.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/dl.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAIT_MAX_MS 10000
#define TRIM_EVERY_MS 10000
#define TICK_MS 2 /* while no worker is free */

/* What an epoll event belongs to: NET_EVENT_POKE, LISTENER | index, or a conn's id. */
#define LISTENER (1ull << 63)

/* What may end each kind of wait. */
static const unsigned interrupts[] = {
	[NET_PARK_NONE] = 0,
	[NET_PARK_HANDSHAKE] = NET_TODO_IO | NET_TODO_TIMEOUT | NET_TODO_STOP,
	[NET_PARK_INPUT] = NET_TODO_IO | NET_TODO_TIMEOUT | NET_TODO_STOP | NET_TODO_WAKE,
	[NET_PARK_BODY] = NET_TODO_IO | NET_TODO_TIMEOUT,
	[NET_PARK_OUTPUT] = NET_TODO_IO | NET_TODO_TIMEOUT,
	[NET_PARK_HOLD] = NET_TODO_TIMEOUT | NET_TODO_STOP,
	[NET_PARK_AWAIT] = NET_TODO_TIMEOUT | NET_TODO_STOP | NET_TODO_WAKE,
	[NET_PARK_LINGER] = NET_TODO_IO | NET_TODO_TIMEOUT,
};

static uint32_t events_of(const struct conn *c)
{
	short wants = c->wait == NET_PARK_OUTPUT ? c->write_wants : c->read_wants;
	uint32_t events = EPOLLONESHOT | EPOLLRDHUP;

	if (c->wait == NET_PARK_HOLD || c->wait == NET_PARK_AWAIT)
		return EPOLLONESHOT;
	if (c->wait == NET_PARK_INPUT || c->wait == NET_PARK_BODY || c->wait == NET_PARK_LINGER ||
	    (wants & POLLIN))
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
		net_stranger_parked(n, c);
		net_timer_set(&n->timers, c);
		needs_kick = net_timer_next_ms(&n->timers) < n->waiting_until_ms;
	}
	lock_put(&n->lock);
	if (needs_kick)
		net_waiter_kick(n);
	return came != 0 ? NET_PARK_AGAIN : NET_PARKED;
}

void net_waiter_pass(struct net *n, struct conn *c)
{
	unsigned came;

	lock_get(&n->lock);
	came = c->pending & interrupts[c->in_body ? NET_PARK_BODY : NET_PARK_INPUT];
	c->pending &= ~came;
	c->todo |= came;
	lock_put(&n->lock);
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

/* ---- what a worker takes ---- */

/* Under net.lock. */
static void close_listener(struct net *n, struct net_listener_slot *l)
{
	if (l->fd < 0 || l->n_accepting > 0)
		return;
	/* The supervisor may have a copy, so that closing it does not take it out. */
	(void)epoll_ctl(n->epfd, EPOLL_CTL_DEL, l->fd, NULL);
	close(l->fd);
	l->fd = -1;
}

static int arm_listener(struct net *n, size_t i, int op)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = LISTENER | i };

	return epoll_ctl(n->epfd, op, n->listeners[i].fd, &ev);
}

/* The first of the new conns is the caller's, the others are queued. */
static struct conn *take_new(struct net *n, size_t i)
{
	struct net_listener_slot *l = &n->listeners[i];
	struct net_conn_list ready = { .n = 0 };
	bool is_open;

	lock_get(&n->lock);
	is_open = !n->is_stopping && l->fd >= 0;
	l->n_accepting += is_open;
	lock_put(&n->lock);
	if (!is_open)
		return NULL;
	net_listen_accept(n, l->l, &ready);
	must(arm_listener(n, i, EPOLL_CTL_MOD) == 0);
	lock_get(&n->lock);
	l->n_accepting--;
	if (n->is_stopping)
		close_listener(n, l);
	lock_put(&n->lock);
	return net_pool_first(n, &ready);
}

struct conn *net_waiter_take(struct net *n, uint64_t id)
{
	struct net_conn_list ready = { .n = 0 };
	struct conn *c;

	if (id & LISTENER)
		return take_new(n, (size_t)(id & ~LISTENER));
	lock_get(&n->lock);
	c = net_table_find(&n->table, id);
	if (c != NULL)
		net_waiter_unpark(n, c, NET_TODO_IO, &ready);
	lock_put(&n->lock);
	return net_pool_first(n, &ready);
}

/* ---- the thread ---- */

/* Deadlines, then how long to sleep; all under net.lock. */
static int64_t handle_round(struct net *n, struct net_conn_list *ready, bool *ret_is_ending)
{
	int64_t now = clock_mono_ms(), next;
	struct conn *c;

	lock_get(&n->lock);
	for (size_t i = 0; n->is_stopping && i < n->n_listeners; i++)
		close_listener(n, &n->listeners[i]);
	while ((c = net_timer_due(&n->timers, now)) != NULL)
		net_waiter_unpark(n, c, NET_TODO_TIMEOUT, ready);
	next = net_timer_next_ms(&n->timers);
	if (next > now + WAIT_MAX_MS)
		next = now + WAIT_MAX_MS;
	n->waiting_until_ms = next;
	*ret_is_ending = n->is_ending;
	lock_put(&n->lock);
	return next - now;
}

/*
 * In a quiet moment after work free memory goes back to the system: what a storm of connections
 * needed does not stay with the process.
 */
static void trim(struct net *n, int64_t *trimmed_ms)
{
	int64_t now = clock_mono_ms();
	struct net_counts counts;

	if (!atomic_load(&n->is_untrimmed) || now - *trimmed_ms < TRIM_EVERY_MS)
		return;
	net_counts(n, &counts);
	if (counts.workers_busy > 0)
		return;
	atomic_store(&n->is_untrimmed, false);
	*trimmed_ms = now;
	mem_trim();
	dl_settle();
}

static void *waiter_main(void *arg)
{
	struct net *n = arg;
	struct pollfd wake = { .fd = n->wakefd, .events = POLLIN };
	int64_t trimmed_ms = clock_mono_ms();
	bool is_ending = false;

	pthread_setname_np(pthread_self(), "net-waiter");
	while (!is_ending) {
		struct net_conn_list ready = { .n = 0 };
		int64_t wait_ms = handle_round(n, &ready, &is_ending);
		uint64_t count;
		ssize_t rc;

		net_pool_push(n, &ready);
		if (net_pool_tick(n) && wait_ms > TICK_MS)
			wait_ms = TICK_MS;
		if (is_ending)
			break;
		trim(n, &trimmed_ms);
		must(poll(&wake, 1, (int)wait_ms) >= 0 || errno == EINTR);
		rc = read(n->wakefd, &count, sizeof(count));
		must(rc == sizeof(count) || errno == EAGAIN);
	}
	return NULL;
}

int net_waiter_add_listener(struct net *n, size_t i, struct fault *fault)
{
	if (arm_listener(n, i, EPOLL_CTL_ADD) != 0)
		return fault_errno(fault, errno, "listener %s", n->listeners[i].l->name);
	return 0;
}

int net_waiter_watch_poke(struct net *n, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = NET_EVENT_POKE };

	return epoll_ctl(n->epfd, EPOLL_CTL_ADD, fd, &ev);
}

int net_waiter_init(struct net *n, struct fault *fault)
{
	n->epfd = epoll_create1(EPOLL_CLOEXEC);
	n->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	n->sparefd = fcntl(n->wakefd, F_DUPFD_CLOEXEC, 0);
	if (n->epfd < 0 || n->wakefd < 0)
		return fault_errno(fault, errno, "cannot set up epoll");
	return 0;
}

int net_waiter_start(struct net *n, struct fault *fault)
{
	int rc = pthread_create(&n->waiter, NULL, waiter_main, n);

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
