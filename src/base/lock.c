/* SPDX-License-Identifier: MIT */
/*
 * pthread mutex and condition with the owner written down. The owner fields are read by lock_held()
 * from any thread, so they are touched atomically; only the owner ever sees its own value there.
 * Conditions wait on the monotonic clock: moving wall time cannot shorten or lengthen a deadline.
 */
#include "base/lock.h"

#include "base/must.h"

#include <errno.h>
#include <time.h>

static void owner_set(struct lock *l, bool is_held)
{
	if (is_held)
		__atomic_store_n(&l->owner, pthread_self(), __ATOMIC_RELAXED);
	__atomic_store_n(&l->is_held, is_held, __ATOMIC_RELEASE);
}

void lock_init(struct lock *l)
{
	must(pthread_mutex_init(&l->m, NULL) == 0);
	l->is_held = false;
}

void lock_fini(struct lock *l)
{
	must(pthread_mutex_destroy(&l->m) == 0);
}

void lock_get(struct lock *l)
{
	must(!lock_held(l));
	must(pthread_mutex_lock(&l->m) == 0);
	owner_set(l, true);
}

void lock_put(struct lock *l)
{
	must(lock_held(l));
	owner_set(l, false);
	must(pthread_mutex_unlock(&l->m) == 0);
}

bool lock_held(const struct lock *l)
{
	return __atomic_load_n(&l->is_held, __ATOMIC_ACQUIRE) &&
	       pthread_equal(__atomic_load_n(&l->owner, __ATOMIC_RELAXED), pthread_self());
}

void lock_cond_init(struct lock_cond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr) == 0);
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&c->c, &attr) == 0);
	pthread_condattr_destroy(&attr);
}

void lock_cond_fini(struct lock_cond *c)
{
	must(pthread_cond_destroy(&c->c) == 0);
}

bool lock_wait(struct lock *l, struct lock_cond *c, int64_t deadline_ms)
{
	struct timespec ts = { .tv_sec = deadline_ms / 1000,
			       .tv_nsec = deadline_ms % 1000 * 1000000 };
	int rc;

	must(lock_held(l));
	owner_set(l, false);
	if (deadline_ms == 0)
		rc = pthread_cond_wait(&c->c, &l->m);
	else
		rc = pthread_cond_timedwait(&c->c, &l->m, &ts);
	owner_set(l, true);
	must(rc == 0 || rc == ETIMEDOUT);
	return rc == 0;
}

void lock_signal(struct lock_cond *c)
{
	must(pthread_cond_signal(&c->c) == 0);
}

void lock_broadcast(struct lock_cond *c)
{
	must(pthread_cond_broadcast(&c->c) == 0);
}
