/* SPDX-License-Identifier: MIT */
/*
 * Strangers: connections on which nobody has logged in. When the server is full (max_connections,
 * max_connections_per_address is another matter) the stranger that has been silent for longest
 * makes room for a new one, so that 20,000 connections that never speak keep nobody out. Users
 * who are logged in, and strangers that spoke within SILENT_MS, never have to go.
 *
 * The list is in the order of their last park, which is when they were last served. One that
 * sits in the hands of a worker stands wherever it was and is passed over. Up to NET_OVERDUE that
 * were cut off may still be on their way out when their successors come in.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/must.h"

#include <sys/socket.h>

#define SILENT_MS 5000
#define LOOK_AT 256

static void append(struct net_strangers *s, struct conn *c)
{
	c->older_stranger = s->newest;
	c->newer_stranger = NULL;
	*(s->newest != NULL ? &s->newest->newer_stranger : &s->oldest) = c;
	s->newest = c;
}

static void cut(struct net_strangers *s, struct conn *c)
{
	*(c->older_stranger != NULL ? &c->older_stranger->newer_stranger : &s->oldest) =
		c->newer_stranger;
	*(c->newer_stranger != NULL ? &c->newer_stranger->older_stranger : &s->newest) =
		c->older_stranger;
}

void net_stranger_add(struct net *n, struct conn *c)
{
	must(lock_held(&n->lock) && !c->is_stranger);
	c->is_stranger = true;
	append(&n->strangers, c);
}

void net_stranger_parked(struct net *n, struct conn *c)
{
	must(lock_held(&n->lock));
	if (!c->is_stranger)
		return;
	c->parked_ms = clock_mono_ms();
	cut(&n->strangers, c);
	append(&n->strangers, c);
}

void net_stranger_remove(struct net *n, struct conn *c)
{
	must(lock_held(&n->lock));
	if (c->is_stranger)
		cut(&n->strangers, c);
	c->is_stranger = false;
}

/* One that is held, or for which somebody else is asked, is waited for, not waiting. */
static bool is_waiting(const struct conn *c)
{
	return c->park != NET_PARK_NONE && c->park != NET_PARK_HOLD && c->park != NET_PARK_AWAIT;
}

bool net_stranger_evict(struct net *n, struct net_conn_list *ready)
{
	int64_t now = clock_mono_ms();
	struct conn *c = n->strangers.oldest;

	must(lock_held(&n->lock));
	for (int i = 0; i < LOOK_AT && c != NULL && !is_waiting(c); i++)
		c = c->newer_stranger;
	if (c == NULL || !is_waiting(c) || now - c->parked_ms < SILENT_MS)
		return false;
	net_stranger_remove(n, c);
	(void)shutdown(c->fd, SHUT_RDWR);
	net_waiter_unpark(n, c, NET_TODO_TIMEOUT, ready);
	return true;
}

void conn_logged_out(struct conn *c)
{
	if (c->net == NULL)
		return;
	lock_get(&c->net->lock);
	if (!c->is_stranger)
		net_stranger_add(c->net, c);
	lock_put(&c->net->lock);
}

void conn_logged_in(struct conn *c)
{
	if (c->net == NULL)
		return;
	lock_get(&c->net->lock);
	net_stranger_remove(c->net, c);
	lock_put(&c->net->lock);
}
