/* SPDX-License-Identifier: MIT */
/*
 * The workers. A free one waits in epoll_wait() itself and runs what it finds, so that a command
 * costs one wake-up. What did not come as an event (a wake, a deadline, a new connection) stands in
 * a queue, and `poke`, a semaphore in the same epoll, has one count for each of them, which frees
 * one worker. The kernel shows poke once in each round of the events that are ready. Who sees it has
 * as many turns as the queue is long just then, so that it is served once in each round as well.
 * Sessions that give way are not served here but in behind.c.
 *
 * How many threads: whoever takes an event and leaves nobody waiting starts another, up to a few
 * (n_eager). More only start when work has waited a few milliseconds, which means that the others
 * are blocked in the database or so: short commands of a thousand clients are done by a handful
 * of threads, durable deliveries get as many as max_workers. While nobody waits, the waiter ticks
 * (net_pool_tick()) and sends a probe through poke; one that is not taken in time is that sign. A
 * worker that waits for its peer inside a body, or for its turn at a slow password hash, is not
 * counted (up to max_blocked of them). Free
 * ones end after IDLE_MS, but never the last that waits.
 *
 * net_pool.lock is never held together with net.lock.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define IDLE_MS 30000
#define LATE_MS 3      /* a conn that waits longer calls for another worker */
#define KEEP_WORKERS 2 /* stay for ever */
#define SPAWN_MAX 16   /* new threads at one tick */
#define CALM_TICKS 50  /* the waiter ticks on for so long after somebody was free */

void net_conn_list_add(struct net_conn_list *l, struct conn *c)
{
	c->next_queued = NULL;
	if (l->tail != NULL)
		l->tail->next_queued = c;
	else
		l->head = c;
	l->tail = c;
	l->n++;
}

struct conn *net_conn_list_pop(struct net_conn_list *l)
{
	struct conn *c = l->head;

	if (c == NULL)
		return NULL;
	l->head = c->next_queued;
	if (l->head == NULL)
		l->tail = NULL;
	l->n--;
	c->next_queued = NULL;
	return c;
}

static bool may_spawn(const struct net_pool *p)
{
	int64_t blocked = p->n_blocked < p->max_blocked ? p->n_blocked : p->max_blocked;

	return !atomic_load(&p->is_ending) && p->n_workers < p->max_workers + blocked;
}

/* One count for each of n. */
static void poke(struct net_pool *p, uint64_t n)
{
	must(write(p->pokefd, &n, sizeof(n)) == sizeof(n));
}

static void *worker_main(void *arg);

/* False when the system has no thread for us; the work waits then. */
static bool spawn(struct net *n)
{
	struct net_pool *p = &n->pool;
	bool is_ok = net_worker_start(n, worker_main) != NULL;

	must(lock_held(&p->lock));
	p->n_workers += is_ok;
	return is_ok;
}

/* Nobody waits for events: another worker now, or the waiter has an eye on how long they wait. */
static void attend(struct net *n)
{
	struct net_pool *p = &n->pool;
	bool is_kick = false;

	lock_get(&p->lock);
	if (p->n_workers - p->n_blocked >= p->n_eager || !may_spawn(p) || !spawn(n)) {
		is_kick = !p->is_ticking;
		p->is_ticking = true;
		p->n_calm = 0;
	}
	lock_put(&p->lock);
	if (is_kick)
		net_waiter_kick(n);
}

/* ---- a worker's life ---- */

/* An idle worker waited in vain: may it end? It is not counted as idle any more then. */
static bool retire(struct net_pool *p)
{
	bool is_over = false;

	lock_get(&p->lock);
	if (p->n_workers > KEEP_WORKERS) {
		is_over = atomic_fetch_sub(&p->n_idle, 1) > 1;
		if (!is_over)
			atomic_fetch_add(&p->n_idle, 1);
	}
	lock_put(&p->lock);
	return is_over;
}

/* How often a worker that has seen poke takes from the queue; once more for a probe. */
static size_t turns(struct net_pool *p)
{
	size_t n;

	lock_get(&p->lock);
	n = p->queue.n + 1;
	lock_put(&p->lock);
	return n;
}

/* One from the queue. NULL: a probe, or others took all; then *n_turns is 0. */
static struct conn *take_turn(struct net_pool *p, size_t *n_turns)
{
	struct conn *c;
	uint64_t one;

	--*n_turns;
	/* At the end the count stays, so that it wakes all of them. */
	if (atomic_load(&p->is_ending) || read(p->pokefd, &one, sizeof(one)) != sizeof(one)) {
		*n_turns = 0;
		return NULL;
	}
	lock_get(&p->lock);
	c = net_conn_list_pop(&p->queue);
	if (c == NULL)
		p->probe_ms = 0;
	lock_put(&p->lock);
	return c;
}

/* False: this worker is to end. */
static bool wait_event(struct net *n, struct epoll_event *ret)
{
	struct net_pool *p = &n->pool;
	int rc;

	atomic_fetch_add(&p->n_idle, 1);
	do {
		rc = epoll_wait(n->epfd, ret, 1, IDLE_MS);
		must(rc >= 0 || errno == EINTR);
		if (rc == 0 && retire(p))
			return false;
	} while (rc <= 0);
	if (atomic_fetch_sub(&p->n_idle, 1) == 1)
		attend(n);
	return true;
}

/* Waits for work; NULL: this worker is to end. n_turns: this worker's, 0 at first. */
static struct conn *worker_next(struct net *n, size_t *n_turns)
{
	struct epoll_event ev;
	struct conn *c = NULL;

	while (c == NULL) {
		if (*n_turns > 0)
			c = take_turn(&n->pool, n_turns);
		else if (atomic_load(&n->pool.is_ending) || !wait_event(n, &ev))
			return NULL;
		else if (ev.data.u64 == NET_EVENT_POKE)
			*n_turns = turns(&n->pool);
		else
			c = net_waiter_take(n, ev.data.u64);
	}
	return c;
}

/* The calling worker is tired: another takes its place, if there can be one. */
static bool replace_me(struct net *n)
{
	bool is_ok;

	lock_get(&n->pool.lock);
	is_ok = !atomic_load(&n->pool.is_ending) && spawn(n);
	lock_put(&n->pool.lock);
	return is_ok;
}

static void *worker_main(void *arg)
{
	struct net_worker *w = arg;
	struct net *n = net_worker_begin(w, NET_FRONT);
	struct net_pool *p = &n->pool;
	struct conn *c;
	bool is_over = false;
	size_t n_turns = 0;

	while (!is_over && (c = worker_next(n, &n_turns)) != NULL) {
		net_step(n, c);
		is_over = net_worker_is_tired() && replace_me(n);
	}
	lock_get(&p->lock);
	p->n_workers--;
	net_worker_end(w, &p->ended);
	lock_signal(&p->gone);
	lock_put(&p->lock);
	return NULL;
}

/* ---- the queue ---- */

void net_pool_push(struct net *n, struct net_conn_list *l)
{
	struct net_pool *p = &n->pool;
	uint64_t count = l->n;
	struct conn *c;

	if (count == 0)
		return;
	lock_get(&p->lock);
	while ((c = net_conn_list_pop(l)) != NULL)
		net_conn_list_add(&p->queue, c);
	lock_put(&p->lock);
	poke(p, count);
}

struct conn *net_pool_first(struct net *n, struct net_conn_list *l)
{
	struct conn *c = net_conn_list_pop(l);

	net_pool_push(n, l);
	return c;
}

/* ---- how many ---- */

/* A probe waits too long: more workers, twice as many each time. Under the lock. */
static void grow(struct net *n)
{
	struct net_pool *p = &n->pool;

	p->burst = p->burst == 0 ? 2 : p->burst < SPAWN_MAX / 2 ? 2 * p->burst : SPAWN_MAX;
	for (int i = 0; i < p->burst && may_spawn(p); i++)
		if (!spawn(n))
			return;
}

bool net_pool_tick(struct net *n)
{
	struct net_pool *p = &n->pool;
	int64_t now = clock_mono_ms();
	bool is_probe = false, is_ticking;

	lock_get(&p->lock);
	net_worker_join(&p->ended);
	if (p->is_ticking && atomic_load(&p->n_idle) > 0) {
		p->burst = 0;
		/* Whoever leaves nobody waiting from here on finds it off, under the lock. */
		p->is_ticking = ++p->n_calm < CALM_TICKS;
	} else if (p->is_ticking) {
		p->n_calm = 0;
		is_probe = p->probe_ms == 0;
		if (is_probe)
			p->probe_ms = now;
		else if (now - p->probe_ms >= LATE_MS)
			grow(n);
	}
	is_ticking = p->is_ticking;
	lock_put(&p->lock);
	if (is_probe)
		poke(p, 1);
	return is_ticking;
}

void net_pool_block(struct net *n, int by)
{
	struct net_pool *p = &n->pool;

	if (net_worker_is_behind()) {
		net_behind_block(n, by);
		return;
	}
	lock_get(&p->lock);
	p->n_blocked += by;
	lock_put(&p->lock);
	if (by > 0 && atomic_load(&p->n_idle) == 0)
		attend(n);
}

void net_pool_limits(struct net *n, int64_t max_workers, int64_t max_blocked)
{
	lock_get(&n->pool.lock);
	n->pool.max_workers = max_workers;
	n->pool.max_blocked = max_blocked;
	lock_put(&n->pool.lock);
}

void net_pool_init(struct net_pool *p)
{
	lock_init(&p->lock);
	lock_cond_init(&p->gone);
	p->pokefd = -1;
}

int net_pool_open(struct net *n, struct fault *fault)
{
	struct net_pool *p = &n->pool;
	bool is_ok = true;

	p->pokefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	if (p->pokefd < 0 || net_waiter_watch_poke(n, p->pokefd) < 0)
		return fault_errno(fault, errno, "cannot set up epoll");
	p->n_eager = sysconf(_SC_NPROCESSORS_ONLN) * 2 + 2;
	lock_get(&p->lock);
	for (int i = 0; i < KEEP_WORKERS && is_ok; i++)
		is_ok = spawn(n);
	lock_put(&p->lock);
	return is_ok ? 0 : fault_set(fault, -E_IO, "the system gives no threads");
}

void net_pool_close(struct net *n)
{
	struct net_pool *p = &n->pool;

	lock_get(&p->lock);
	must(p->queue.head == NULL);
	atomic_store(&p->is_ending, true);
	if (p->n_workers > 0)
		poke(p, 1);
	while (p->n_workers > 0)
		(void)lock_wait(&p->lock, &p->gone, 0);
	net_worker_join(&p->ended);
	lock_put(&p->lock);
	lock_cond_fini(&p->gone);
	lock_fini(&p->lock);
	if (p->pokefd >= 0)
		close(p->pokefd);
}
