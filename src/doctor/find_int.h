/* SPDX-License-Identifier: MIT */
/*
 * What the files of find share. find.c has the list of questions and puts together what comes of them; find_ask.c asks, a thread for each; find_take.c
 * makes candidates and hints of the answers; find_ports.c knows the usual ports; find_host.c names.
 */
#pragma once

#include <pthread.h>

#include "doctor/autoconfig.h"
#include "doctor/lookup.h"

#define FIND_BIT(protocol) (1u << (protocol))

/* ---- questions ---- */

enum find_kind { FIND_SRV, FIND_AUTOCONFIG, FIND_MX, FIND_NAME, FIND_CHANCE };

struct find_row {
	enum find_kind kind;
	const char *label_z;   /* what stands before the domain */
	unsigned protocols;    /* that it tells of; asked when one of them is looked for */
	unsigned tls;          /* SRV: the ways that the service has, bits */
	const char *path_z;    /* autoconfig */
};

/* The addresses of a name, or why there are none. */
struct find_addresses {
	struct net_address *v;
	size_t n;
	bool is_nxdomain, is_bogus, is_secure;
};

/* One question. All memory of it is in its own arena, because its thread has it. */
struct find_job {
	const struct find_row *row;
	const struct doctor_find *what;
	struct doctor_lookup *l;
	struct str domain, name;
	struct arena arena;
	struct net_dns_answer answer;       /* SRV, MX */
	struct find_addresses addresses;    /* autoconfig, name, chance */
	struct doctor_autoconfig config;
	int err;                            /* -E_NOT_FOUND: there is nothing; -E_DENIED: signatures are wrong; and what DNS and HTTPS say */
	struct fault fault;
	int64_t ms;
	pthread_t thread;
	bool has_thread;
};
/* All at once; each has its result when this returns, soon after the deadline at the latest. */
void find_ask(struct find_job *jobs, size_t n);

/* ---- answers ---- */

struct finding {
	const struct doctor_find *what;
	struct arena *arena;
	struct str domain;                 /* empty: a host */
	struct doctor_found found;
	size_t cap, cap_hints;
	const struct find_addresses *chance; /* of a name made by chance; n 0: no wildcard */
	unsigned denied[DOCTOR_N_PROTOCOLS]; /* ways of TLS that the domain says it has not (RFC 2782: the target "."), bits */
	unsigned n_asked, n_deaf;          /* questions to the DNS */
	bool has_no_mx;                    /* provably */
};
/* Candidates and hint of one job. -E_LIMIT. */
MUST_CHECK int find_take(struct finding *f, const struct find_job *j);
/* RFC 5321 5.1: without an MX record mail goes to the domain itself. apex: its addresses. */
MUST_CHECK int find_take_implicit_mx(struct finding *f, const struct find_addresses *apex);

/* If it is looked for. -E_LIMIT. */
MUST_CHECK int find_add(struct finding *f, struct doctor_candidate c);

/* ---- ports ---- */

/*
 * What a host may have at the usual ports. c: host, source, rank. protocols: bits of those that it may speak. is_guess: nobody says that it is a mail
 * server: only what most of them have.
 */
MUST_CHECK int find_add_ports(struct finding *f, struct doctor_candidate c, unsigned protocols, bool is_guess);

/* ---- names ---- */

/*
 * What people and files write for a host: a name in ASCII or UTF-8 (A-labels of it, RFC 5890 2.3.2.1, lower case, without the last dot), or an
 * address, in brackets or not (RFC 5321 4.1.3). -E_SYNTAX; -E_LIMIT.
 */
MUST_CHECK int doctor_find_host(struct arena *a, struct str text, const char **ret_z);
bool find_is_address(struct str host);
bool find_is_within(struct str host, struct str domain);
