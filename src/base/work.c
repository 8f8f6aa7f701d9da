/* SPDX-License-Identifier: MIT */
/* One question for each thread. */
#include "base/work.h"

#include <stddef.h>

static _Thread_local struct {
	bool (*go_on)(void *ctx);
	void *ctx;
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
