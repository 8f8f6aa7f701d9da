/* SPDX-License-Identifier: MIT */
/*
 * The workers. A queue of connections, one mutex, one condition.
 *
 * How many threads: a few (n_eager) start at once when there is work and nobody is free. More
 * only start when the head of the queue has waited a few milliseconds (net_pool_tick(), called by
 * the waiter), which means that the others are blocked in the database or so: short commands of a
 * thousand clients are done by a handful of threads, durable deliveries get as many as
 * max_workers. A worker that waits for its peer inside a body is not counted (up to max_blocked
 * of them). Free ones end after IDLE_MS.
 *
 * net_pool.lock is never held together with net.lock.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <string.h>
#include <unistd.h>

#define IDLE_MS 30000
#define LATE_MS 3      /* a conn that waits longer calls for another worker */
#define KEEP_WORKERS 2 /* stay for ever */
#define SPAWN_MAX 16   /* new threads at one tick */

/* Virtual memory, touched as needed; sanitizers multiply the need. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_BYTES (2u << 20)
#else
#define STACK_BYTES (256u << 10)
#endif

struct net_worker {
	pthread_t thread;
	struct net *net;
	struct net_worker *next;
};

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

static struct conn *list_pop(struct net_conn_list *l)
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

/* Waits for work; NULL: this worker is to end. */
static struct conn *worker_next(struct net_pool *p)
{
	int64_t deadline = 0;
	struct conn *c;
	bool is_late = false;

	must(lock_held(&p->lock));
	for (;;) {
		c = list_pop(&p->queue);
		if (c != NULL || p->is_ending || (is_late && p->n_workers > KEEP_WORKERS))
			return c;
		deadline = clock_mono_ms() + IDLE_MS;
		p->n_idle++;
		is_late = !lock_wait(&p->lock, &p->work, deadline);
		p->n_idle--;
	}
}

static void *worker_main(void *arg)
{
	struct net_worker *w = arg;
	struct net_pool *p = &w->net->pool;
	struct conn *c;

	pthread_setname_np(pthread_self(), "net-worker");
	lock_get(&p->lock);
	while ((c = worker_next(p)) != NULL) {
		lock_put(&p->lock);
		net_step(w->net, c);
		lock_get(&p->lock);
	}
	p->n_workers--;
	w->next = p->ended;
	p->ended = w;
	lock_signal(&p->gone);
	lock_put(&p->lock);
	return NULL;
}

static bool may_spawn(const struct net_pool *p)
{
	int64_t blocked = p->n_blocked < p->max_blocked ? p->n_blocked : p->max_blocked;

	return p->n_workers < p->max_workers + blocked;
}

static void join_ended(struct net_pool *p)
{
	while (p->ended != NULL) {
		struct net_worker *w = p->ended;

		p->ended = w->next;
		must(pthread_join(w->thread, NULL) == 0);
		mem_free(w);
	}
}

/* False when the system has no thread for us; the queue waits then. */
static bool spawn(struct net *n)
{
	struct net_pool *p = &n->pool;
	struct net_worker *w = MEM_NEW(struct net_worker);
	pthread_attr_t attr;
	int rc;

	must(lock_held(&p->lock));
	w->net = n;
	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setstacksize(&attr, STACK_BYTES) == 0);
	rc = pthread_create(&w->thread, &attr, worker_main, w);
	pthread_attr_destroy(&attr);
	if (rc != 0) {
		LOG(DEBUG, "net.pool", F_Z("err", strerror(rc)), F_INT("workers", p->n_workers));
		mem_free(w);
		return false;
	}
	p->n_workers++;
	return true;
}

bool net_pool_push(struct net *n, struct net_conn_list *l)
{
	struct net_pool *p = &n->pool;
	bool is_late;
	int64_t now;
	struct conn *c;

	if (l->head == NULL)
		return false;
	now = clock_mono_ms();
	lock_get(&p->lock);
	while ((c = list_pop(l)) != NULL) {
		c->queued_ms = now;
		net_conn_list_add(&p->queue, c);
		if ((int64_t)p->queue.n <= p->n_idle)
			lock_signal(&p->work);
		else if (p->n_workers - p->n_blocked < p->n_eager && may_spawn(p))
			(void)spawn(n);
	}
	is_late = (int64_t)p->queue.n > p->n_idle;
	lock_put(&p->lock);
	return is_late;
}

bool net_pool_tick(struct net *n)
{
	struct net_pool *p = &n->pool;
	bool is_late;

	lock_get(&p->lock);
	is_late = (int64_t)p->queue.n > p->n_idle;
	if (is_late && clock_mono_ms() - p->queue.head->queued_ms >= LATE_MS) {
		int64_t want = (int64_t)p->queue.n - p->n_idle;

		for (int i = 0; i < SPAWN_MAX && i < want && may_spawn(p); i++)
			if (!spawn(n))
				break;
	}
	join_ended(p);
	lock_put(&p->lock);
	return is_late;
}

void net_pool_block(struct net *n, int by)
{
	struct net_pool *p = &n->pool;

	lock_get(&p->lock);
	p->n_blocked += by;
	if (by > 0 && p->queue.head != NULL && p->n_idle == 0 && may_spawn(p))
		(void)spawn(n);
	lock_put(&p->lock);
}

void net_pool_limits(struct net *n, int64_t max_workers, int64_t max_blocked)
{
	lock_get(&n->pool.lock);
	n->pool.max_workers = max_workers;
	n->pool.max_blocked = max_blocked;
	lock_put(&n->pool.lock);
}

int net_pool_open(struct net *n, struct fault *fault)
{
	struct net_pool *p = &n->pool;
	bool is_ok = true;

	lock_init(&p->lock);
	lock_cond_init(&p->work);
	lock_cond_init(&p->gone);
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
	p->is_ending = true;
	lock_broadcast(&p->work);
	while (p->n_workers > 0)
		(void)lock_wait(&p->lock, &p->gone, 0);
	join_ended(p);
	lock_put(&p->lock);
	lock_cond_fini(&p->work);
	lock_cond_fini(&p->gone);
	lock_fini(&p->lock);
}
