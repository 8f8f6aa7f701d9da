/* SPDX-License-Identifier: MIT */
/*
 * Two counters. The check comes after the counting: of two that want the last bytes at the same
 * moment both may be refused, never both served.
 */
#include "base/budget.h"

#include "base/limits.h"
#include "base/must.h"

#include <stdatomic.h>

static atomic_size_t max_bytes = LIMIT_PEER_MEMORY;
static atomic_size_t used[2];
static _Thread_local unsigned refusals;

void budget_set(size_t bytes)
{
	atomic_store(&max_bytes, bytes);
}

bool budget_take(enum budget which, size_t have, size_t n)
{
	size_t max = atomic_load_explicit(&max_bytes, memory_order_relaxed), now;

	if (n <= max) {
		now = atomic_fetch_add_explicit(&used[which], n, memory_order_relaxed) + n;
		if (now >= n && now <= max && have + n <= max - now)
			return true;
		atomic_fetch_sub_explicit(&used[which], n, memory_order_relaxed);
	}
	refusals++;
	return false;
}

void budget_give(enum budget which, size_t n)
{
	size_t before;

	if (n == 0)
		return;
	before = atomic_fetch_sub_explicit(&used[which], n, memory_order_relaxed);
	must(before >= n);
}

size_t budget_used(enum budget which)
{
	return atomic_load_explicit(&used[which], memory_order_relaxed);
}

unsigned budget_refusals(void)
{
	return refusals;
}
