/* SPDX-License-Identifier: MIT */
/* One question for each thread, and one who listens. */
#include "base/work.h"

#include <stddef.h>

static _Thread_local struct {
	bool (*go_on)(void *ctx);
	void *ctx;
	void (*watch)(void *ctx, uint64_t done, uint64_t goal);
	void *watch_ctx;
} mine;

bool work_go_on(void)
{
	return mine.go_on == NULL || mine.go_on(mine.ctx);
}

void work_set(bool (*go_on)(void *ctx), void *ctx)
{
	mine.go_on = go_on;
	mine.ctx = ctx;
}

void work_progress(uint64_t done, uint64_t goal)
{
	if (mine.watch != NULL)
		mine.watch(mine.watch_ctx, done, goal);
}

void work_watch(void (*fn)(void *ctx, uint64_t done, uint64_t goal), void *ctx)
{
	mine.watch = fn;
	mine.watch_ctx = ctx;
}
