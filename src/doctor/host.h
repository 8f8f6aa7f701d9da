/* SPDX-License-Identifier: MIT */
/* The addresses of a host, as a program on this host would find them: literals, /etc/hosts, the DNS. */
#pragma once

#include "base/limits.h"
#include "doctor/attempt.h"

struct doctor_host {
	const char *name_z;
	bool is_named;              /* somebody whose word counts names it: see attempt.h */
	struct net_address addresses[2 * LIMIT_DOCTOR_ADDRESSES]; /* IPv6 first; without ports */
	size_t n;
	struct doctor_stage stage;  /* -E_NOT_FOUND: no such name; -E_CANNOT: it has no address; -E_DENIED: bogus; -E_TIMEOUT, -E_IO */
	char text[160];             /* of the stage */
};
/* Fills h, whose name is set. Not after until_ms. */
void doctor_host_find(struct doctor_host *h, const struct doctor_setup *setup, int64_t until_ms);
/* Adds the addresses that a file like /etc/hosts (hosts(5)) has for the name. Pure. */
void doctor_host_scan(struct doctor_host *h, struct str file);
