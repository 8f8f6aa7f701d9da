/* SPDX-License-Identifier: MIT */
/* A mutex that knows its owner, and a condition. lock_held() makes "caller holds l" an assertion. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
	pthread_mutex_t m;
	pthread_t owner;
	bool is_held;
};

struct lock_cond {
	pthread_cond_t c;
};

#define LOCK_INIT { .m = PTHREAD_MUTEX_INITIALIZER }

void lock_init(struct lock *l);
void lock_fini(struct lock *l);
void lock_get(struct lock *l);
void lock_put(struct lock *l);
/* Held by the calling thread; only meaningful inside must(). */
bool lock_held(const struct lock *l);

void lock_cond_init(struct lock_cond *c);
void lock_cond_fini(struct lock_cond *c);
/* Waits with l held; at most until deadline (clock_mono_ms; 0: for ever). False when the deadline passed. */
bool lock_wait(struct lock *l, struct lock_cond *c, int64_t deadline_ms);
void lock_signal(struct lock_cond *c);
void lock_broadcast(struct lock_cond *c);
