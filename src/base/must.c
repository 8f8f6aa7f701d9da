/* SPDX-License-Identifier: MIT */
/*
 * The end of a process that found a bug in itself: one log line, the backtrace as bare addresses
 * with their object (resolve with addr2line -e), abort. Takes no lock and no memory of its own.
 */
#include "base/must.h"

#include "base/log.h"

#include <execinfo.h>
#include <unistd.h>

#define FRAMES_MAX 64

_Noreturn void must_fail(const char *cond, const char *file, int line)
{
	void *frames[FRAMES_MAX];
	int n;

	LOG(ERROR, "bug", F_Z("must", cond), F_Z("file", file), F_INT("line", line));
	n = backtrace(frames, FRAMES_MAX);
	backtrace_symbols_fd(frames, n, STDERR_FILENO);
	abort();
}
