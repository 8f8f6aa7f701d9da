/* SPDX-License-Identifier: MIT */
/*
 * The workers behind. A session that has used up its slice of time and wants to go on is handed to
 * them: few threads, with a queue of their own, that run at a lower priority. So a peer that
 * pipelines a million commands waits for those that send one, and not they for it.
 *
 * behind.lock is held together with no other lock.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/must.h"

#include <unistd.h>

#define IDLE_MS 10000

/* Waits for work; NULL: this worker is to end. */
static struct conn *next(struct net_behind *b)
{
	bool is_late = false;
	struct conn *c;

	must(lock_held(&b->lock));
	for (;;) {
		c = net_conn_list_pop(&b->queue);
		if (c != NULL || b->is_ending || is_late)
			return c;
		b->n_idle++;
		is_late = !lock_wait(&b->lock, &b->work, clock_mono_ms() + IDLE_MS);
		b->n_idle--;
	}
}

static bool may_spawn(const struct net_behind *b)
{
	int64_t blocked = b->n_blocked < b->max_blocked ? b->n_blocked : b->max_blocked;

	return !b->is_ending && b->n_workers < b->max_workers + blocked;
}

static void *worker_main(void *arg);

static void spawn(struct net *n)
{
	struct net_behind *b = &n->behind;
	struct net_worker *w;

	must(lock_held(&b->lock));
	w = may_spawn(b) ? net_worker_start(n, worker_main) : NULL;
	b->n_workers += w != NULL;
}

static void *worker_main(void *arg)
{
	struct net_worker *w = arg;
	struct net *n = net_worker_begin(w, NET_BEHIND);
	struct net_behind *b = &n->behind;
	struct conn *c;

	lock_get(&b->lock);
	while (!net_worker_is_tired() && (c = next(b)) != NULL) {
		lock_put(&b->lock);
		net_step(n, c);
		lock_get(&b->lock);
	}
	b->n_workers--;
	if (b->queue.head != NULL)
		spawn(n);
	net_worker_end(w, &b->ended);
	lock_signal(&b->gone);
	lock_put(&b->lock);
	return NULL;
}

void net_behind_push(struct net *n, struct conn *c)
{
	struct net_behind *b = &n->behind;

	lock_get(&b->lock);
	net_worker_join(&b->ended);
	net_conn_list_add(&b->queue, c);
	if ((int64_t)b->queue.n <= b->n_idle)
		lock_signal(&b->work);
	else
		spawn(n);
	lock_put(&b->lock);
}

void net_behind_block(struct net *n, int by)
{
	struct net_behind *b = &n->behind;

	lock_get(&b->lock);
	b->n_blocked += by;
	if (by > 0 && b->queue.head != NULL && b->n_idle == 0)
		spawn(n);
	lock_put(&b->lock);
}

void net_behind_limits(struct net *n, int64_t max_workers, int64_t max_blocked)
{
	struct net_behind *b = &n->behind;
	int64_t few = sysconf(_SC_NPROCESSORS_ONLN) * 2 + 2;

	lock_get(&b->lock);
	b->max_workers = max_workers < few ? max_workers : few;
	b->max_blocked = max_blocked;
	lock_put(&b->lock);
}

int64_t net_behind_count(struct net *n, int64_t *ret_busy)
{
	struct net_behind *b = &n->behind;
	int64_t n_workers;

	lock_get(&b->lock);
	n_workers = b->n_workers;
	*ret_busy = n_workers - b->n_idle;
	lock_put(&b->lock);
	return n_workers;
}

void net_behind_init(struct net_behind *b)
{
	lock_init(&b->lock);
	lock_cond_init(&b->work);
	lock_cond_init(&b->gone);
}

void net_behind_close(struct net_behind *b)
{
	lock_get(&b->lock);
	must(b->queue.head == NULL);
	b->is_ending = true;
	lock_broadcast(&b->work);
	while (b->n_workers > 0)
		(void)lock_wait(&b->lock, &b->gone, 0);
	net_worker_join(&b->ended);
	lock_put(&b->lock);
	lock_cond_fini(&b->work);
	lock_cond_fini(&b->gone);
	lock_fini(&b->lock);
}
