/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of parked connections: a binary heap that is lazy on purpose. A session that parks
 * after each command moves its deadline later each time; doing so in the heap would cost a sift
 * per command. So:
 *
 * 1. c->deadline_ms is the truth; c->heap_ms, where c stands in the heap, is never later than it
 *    while parked.
 * 2. net_timer_set() touches the heap only when the new deadline is earlier than heap_ms or c is
 *    not in it.
 * 3. Leaving the parked state does not touch the heap.
 * 4. When heap_ms comes, net_timer_due() looks at the truth: a conn that is not parked leaves the
 *    heap (its next park puts it back), one whose deadline is later moves there, one that is due
 *    is returned.
 */
#include "net/net_int.h"

#include "base/mem.h"
#include "base/must.h"

static void place(struct net_timers *t, size_t i, struct conn *c)
{
	t->v[i] = c;
	c->heap_at = (int32_t)i;
}

static void sift_up(struct net_timers *t, size_t i)
{
	struct conn *c = t->v[i];

	while (i > 0 && t->v[(i - 1) / 2]->heap_ms > c->heap_ms) {
		place(t, i, t->v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(t, i, c);
}

static void sift_down(struct net_timers *t, size_t i)
{
	struct conn *c = t->v[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= t->n)
			break;
		if (child + 1 < t->n && t->v[child + 1]->heap_ms < t->v[child]->heap_ms)
			child++;
		if (t->v[child]->heap_ms >= c->heap_ms)
			break;
		place(t, i, t->v[child]);
		i = child;
	}
	place(t, i, c);
}

void net_timer_set(struct net_timers *t, struct conn *c)
{
	if (c->deadline_ms == 0)
		return;
	if (c->heap_at >= 0) {
		if (c->deadline_ms >= c->heap_ms)
			return;
		c->heap_ms = c->deadline_ms;
		sift_up(t, (size_t)c->heap_at);
		return;
	}
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->v = mem_resize(t->v, t->cap, sizeof(t->v[0]));
	}
	c->heap_ms = c->deadline_ms;
	t->v[t->n] = c;
	sift_up(t, t->n++);
}

void net_timer_remove(struct net_timers *t, struct conn *c)
{
	size_t i = (size_t)c->heap_at;
	struct conn *last;

	if (c->heap_at < 0)
		return;
	must(i < t->n && t->v[i] == c);
	c->heap_at = -1;
	last = t->v[--t->n];
	if (last == c)
		return;
	place(t, i, last);
	sift_up(t, i);
	sift_down(t, (size_t)last->heap_at);
}

struct conn *net_timer_due(struct net_timers *t, int64_t now_ms)
{
	while (t->n > 0 && t->v[0]->heap_ms <= now_ms) {
		struct conn *c = t->v[0];

		if (c->park != NET_PARK_NONE && c->deadline_ms > now_ms) {
			c->heap_ms = c->deadline_ms;
			sift_down(t, 0);
			continue;
		}
		net_timer_remove(t, c);
		if (c->park != NET_PARK_NONE && c->deadline_ms != 0)
			return c;
	}
	return NULL;
}

int64_t net_timer_next_ms(const struct net_timers *t)
{
	return t->n == 0 ? INT64_MAX : t->v[0]->heap_ms;
}

void net_timer_fini(struct net_timers *t)
{
	mem_free(t->v);
	*t = (struct net_timers){ 0 };
}
