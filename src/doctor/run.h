/* SPDX-License-Identifier: MIT */
/*
 * All candidates at all addresses of their hosts, side by side in a bounded number of threads, with one deadline for all of it; then the login, on few: the best
 * attempt of each protocol, one after the other, and no more of them once one is refused, for servers shut accounts out. Blocks.
 */
#pragma once

#include "doctor/cause.h"

struct doctor_report {
	struct doctor_host *hosts;
	size_t n_hosts;
	struct doctor_attempt *v;  /* judged; in the order of candidates */
	size_t n;
	size_t n_left_out;         /* candidates and addresses beyond the limits */
	const char *login_stopped_z; /* why no more logins were tried; NULL: nothing stopped them */
};

struct doctor_run {
	const struct doctor_setup *setup;
	const struct doctor_candidate *candidates;
	size_t n;
	/* Each attempt once it is over, from any thread, one at a time. May be NULL. */
	void (*see)(void *ctx, const struct doctor_attempt *a, size_t n_done, size_t n_all);
	void *ctx;
};
/* setup and candidates have to live as long as the report. */
void doctor_run(const struct doctor_run *run, struct doctor_report *ret);
void doctor_report_fini(struct doctor_report *r);
