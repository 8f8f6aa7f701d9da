/* SPDX-License-Identifier: MIT */
/* What the supervisor's loop does with one helper (helper.h), for tests that have no supervisor. Only for *_test.c. */
#pragma once

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test.h"
#include "server/server_int.h"

/* Starts one when it is due or something waits. False: neither. conf and files are the caller's and live as long as the helper. */
static inline bool test_helper_start(struct server_helper *h, struct conf *conf, struct server_files *files, int wait_ms)
{
	struct pollfd p = { .fd = server_helper_poll_fd(h), .events = POLLIN };

	if (clock_mono_ms() < server_helper_due_ms(h) && (p.fd < 0 || poll(&p, 1, wait_ms) <= 0))
		return false;
	if (server_helper_start(h, 0)) {
		const struct server_helper_start start = { .conf = conf, .files = files, .fd = h->fds[1], .fetcher_fd = -1, .supervisor = getppid(),
							   .n_lost = h->n_lost };

		h->kind->main(&start);
	}
	return h->pid > 0;
}

/* Waits for its end; the status as of waitpid(). */
static inline int test_helper_ended(struct server_helper *h, pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(server_helper_ended(h, pid, status, 0));
	return status;
}
