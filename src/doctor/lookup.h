/* SPDX-License-Identifier: MIT */
/* What doctor_find() asks of the DNS and the web, in one struct, for tests. Any number of threads ask at once. */
#pragma once

#include "doctor/libexpat.h"
#include "net/dns.h"
#include "net/https.h"

struct doctor_lookup {
	void *ctx;
	/* As net_dns_ask() and net_dns_ahead(). */
	int (*dns)(void *ctx, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms, struct net_dns_answer *ret,
		   struct fault *fault);
	void (*ahead)(void *ctx, struct str name, enum net_dns_type type);
	/* As net_https_get(). NULL: the web is not asked, because of why. */
	int (*get)(void *ctx, const struct net_https_get *g, struct buf *out, struct fault *fault);
	uint16_t https_port;
	struct libexpat expat;
	struct fault why;
};

/*
 * dns: borrowed. ca_pem: authorities for the web, copied; p NULL: those of the system. Loads libcurl and libexpat: before a process closes itself in. That they are
 * not there is no fault: then autoconfig files are not looked for.
 */
void doctor_lookup_open(struct net_dns *dns, struct str ca_pem, struct doctor_lookup **ret);
void doctor_lookup_close(struct doctor_lookup **l); /* nobody may be asking; accepts a pointer to NULL */
