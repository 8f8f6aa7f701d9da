/* SPDX-License-Identifier: MIT */
/*
 * What failures cost. Today: the answer to a failed login waits a moment, and at most
 * THROTTLE_SLEEPERS workers wait at once; beyond that the answer goes out immediately, because a
 * worker that sleeps is one that serves nobody.
 *
 * This file is the seam for more: counting by address and by account, and refusing before the
 * hash is computed, belong behind these three functions.
 */
#include "sasl/sasl_int.h"

#include <time.h>

#include "base/lock.h"

#define THROTTLE_SLEEPERS 16

struct sasl_throttle {
	struct lock lock;
	int sleepers;
};

struct sasl_throttle *sasl_throttle_new(void)
{
	struct sasl_throttle *t = MEM_NEW(struct sasl_throttle);

	lock_init(&t->lock);
	return t;
}

void sasl_throttle_free(struct sasl_throttle *t)
{
	if (t == NULL)
		return;
	lock_fini(&t->lock);
	mem_free(t);
}

bool sasl_throttle_allow(struct sasl_throttle *t, struct str peer)
{
	(void)t, (void)peer;
	return true;
}

void sasl_throttle_failed(struct sasl_throttle *t, struct str peer, int64_t delay_ms)
{
	struct timespec wait = { .tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000 };
	bool is_sleeper;

	(void)peer;
	if (delay_ms <= 0)
		return;
	lock_get(&t->lock);
	is_sleeper = t->sleepers < THROTTLE_SLEEPERS;
	t->sleepers += is_sleeper;
	lock_put(&t->lock);
	if (!is_sleeper)
		return;
	nanosleep(&wait, NULL);
	lock_get(&t->lock);
	t->sleepers--;
	lock_put(&t->lock);
}

void sasl_throttle_succeeded(struct sasl_throttle *t, struct str peer)
{
	(void)t, (void)peer;
}
