/* SPDX-License-Identifier: MIT */
/* What dns.c and dns_open.c share. */
#pragma once

#include "base/lock.h"
#include "net/dns.h"
#include "net/libunbound.h"

struct dns_question;

#define DNS_SERVERS 8         /* of one resolver; resolv.conf(5) has three */
#define DNS_QUESTIONS 4096    /* under way, those included that nobody waits for any more: libunbound takes its time */

/*
 * What is read of files is kept as text, so that the second context can be made when the files are out of reach. Immutable after
 * net_dns_open() but what stands below the lock.
 */
struct net_dns {
	struct libunbound ub;
	enum net_dns_dnssec dnssec;
	int64_t timeout_ms;
	char *servers_z[DNS_SERVERS];
	size_t n_servers;
	char **anchors_z;
	size_t n_anchors;
	char **unsigned_z;
	size_t n_unsigned;
	pthread_t thread;
	bool has_thread;
	int wake_fd;

	struct lock lock;
	struct dns_context {
		struct ub_ctx *ub;   /* made when first needed; NULL before */
		bool is_wanted;      /* the thread makes it: libunbound takes more stack for that than who asks may have */
	} validated, plain;          /* with and without signatures */
	struct lock_cond made;       /* or could not be made */
	bool is_root_validated;      /* once: from then on a bogus root is bogus */
	bool is_root_expected;       /* as if it was, while somebody says so */
	int64_t unsigned_until_ms;   /* the root had no signatures: so long the plain context is asked */
	bool is_closing;
	struct dns_question *questions;
	size_t n_questions;
};

/* ADDRESS or ADDRESS@PORT, as libunbound wants it? */
bool net_dns_is_server(struct str text);
/* The context with or without the validator, its thread started. NULL with the fault's text. Opens nothing but sockets. */
struct ub_ctx *net_dns_ctx(struct net_dns *d, bool is_validating, struct fault *fault);

/* The thread that takes answers; arg: the resolver. */
void *net_dns_main(void *arg);
/* Tells it that there is something new. */
void net_dns_wake(struct net_dns *d);
/* Frees the questions that nobody waits for; their contexts are gone. */
void net_dns_forget(struct net_dns *d);
