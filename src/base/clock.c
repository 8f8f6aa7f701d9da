/* SPDX-License-Identifier: MIT */
/* Time: the two kernel clocks in milliseconds, and what tests may put on wall time. */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t shift_ms, step_ms;

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME) + atomic_load_explicit(&shift_ms, memory_order_relaxed) + atomic_load_explicit(&step_ms, memory_order_relaxed);
}

int64_t clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_ahead_ms(void)
{
	return read_ms(CLOCK_REALTIME) + atomic_load_explicit(&step_ms, memory_order_relaxed) - read_ms(CLOCK_MONOTONIC);
}

void clock_shift_ms(int64_t by_ms)
{
	atomic_fetch_add_explicit(&shift_ms, by_ms, memory_order_relaxed);
}

void clock_step_ms(int64_t by_ms)
{
	atomic_fetch_add_explicit(&step_ms, by_ms, memory_order_relaxed);
}
