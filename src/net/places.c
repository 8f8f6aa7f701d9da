/* SPDX-License-Identifier: MIT */
/*
 * The places of [net] max_bodies. Who is in the middle of a body, or of a reply that waits for
 * its reader, holds more than a parked session does (a spool, a batch of messages, a thread), so
 * there is a number of places for all, and a share of them for one address.
 *
 * 1. A place is paid for with bytes, PAY_RATE of them a second, and AHEAD_US ahead at most: so
 *    who was fast and then stops is in debt soon. A newcomer begins even.
 * 2. When all places are taken, the one that is deepest in debt makes room for the newcomer; when an
 *    address has its share, the deepest of its own. When none is in debt the newcomer is refused.
 * 3. An evicted conn loses its place at once and learns of it (is_evicted) from conn_body_peek()
 *    or from its socket, which is shut when a worker waits for it to be read.
 *
 * All under net.lock; place_paid_us is atomic, because workers go on counting.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/must.h"

#include <sys/socket.h>

#define PAY_RATE (16u << 10) /* bytes a second; a modem has less */
#define AHEAD_US 5000000

void net_place_begin(struct conn *c, int64_t now_ms)
{
	atomic_store_explicit(&c->place_paid_us, now_ms * 1000, memory_order_relaxed);
}

void net_place_pay(struct conn *c, size_t bytes, int64_t now_ms)
{
	int64_t paid = atomic_load_explicit(&c->place_paid_us, memory_order_relaxed);
	int64_t most = now_ms * 1000 + AHEAD_US;

	paid += (int64_t)((uint64_t)bytes * 1000000 / PAY_RATE);
	atomic_store_explicit(&c->place_paid_us, paid < most ? paid : most, memory_order_relaxed);
}

static void leave(struct net *n, struct conn *c)
{
	must(lock_held(&n->lock) && c->has_place);
	c->has_place = false;
	n->n_places--;
	*(c->prev_place != NULL ? &c->prev_place->next_place : &n->places) = c->next_place;
	if (c->next_place != NULL)
		c->next_place->prev_place = c->prev_place;
	c->next_place = c->prev_place = NULL;
	if (c->is_capped)
		net_caps_place_add(&n->caps, &c->addr, -1);
}

static void enter(struct net *n, struct conn *c, bool is_reply)
{
	must(lock_held(&n->lock) && !c->has_place);
	c->has_place = true;
	c->is_replying = is_reply;
	n->n_places++;
	c->next_place = n->places;
	c->prev_place = NULL;
	if (n->places != NULL)
		n->places->prev_place = c;
	n->places = c;
	if (c->is_capped)
		net_caps_place_add(&n->caps, &c->addr, 1);
}

/* Makes room, among all or those of one address; false when nobody is in debt. */
static bool evict(struct net *n, const struct net_addr_key *only, struct net_conn_list *ready)
{
	int64_t least = clock_mono_ms() * 1000;
	struct conn *debtor = NULL;

	for (struct conn *c = n->places; c != NULL; c = c->next_place) {
		int64_t paid = atomic_load_explicit(&c->place_paid_us, memory_order_relaxed);

		if (only != NULL && (!c->is_capped || memcmp(only, &c->addr, sizeof(*only)) != 0))
			continue;
		if (paid < least) {
			least = paid;
			debtor = c;
		}
	}
	if (debtor == NULL)
		return false;
	leave(n, debtor);
	atomic_store(&debtor->is_evicted, true);
	if (debtor->is_replying)
		(void)shutdown(debtor->fd, SHUT_RDWR);
	net_waiter_unpark(n, debtor, NET_TODO_TIMEOUT, ready);
	return true;
}

int net_place_take(struct conn *c, bool is_reply)
{
	struct net_conn_list ready = { .n = 0 };
	struct net *n = c->net;
	int rc = 0;

	if (n == NULL)
		return 0;
	if (atomic_load(&c->is_evicted))
		return -E_BUSY;
	lock_get(&n->lock);
	if (c->is_capped &&
	    net_caps_places(&n->caps, &c->addr) >= n->conf.max_bodies_per_address)
		rc = evict(n, &c->addr, &ready) ? 0 : -E_BUSY;
	if (rc == 0 && n->n_places >= n->conf.max_bodies && !evict(n, NULL, &ready))
		rc = -E_BUSY;
	if (rc == 0)
		enter(n, c, is_reply);
	lock_put(&n->lock);
	net_pool_push(n, &ready);
	return rc;
}

void net_place_give(struct conn *c)
{
	struct net *n = c->net;

	if (n == NULL)
		return;
	lock_get(&n->lock);
	if (c->has_place)
		leave(n, c);
	lock_put(&n->lock);
}
