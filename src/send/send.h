/* SPDX-License-Identifier: MIT */
/*
 * Mail out: from an attempt (queue/attempt.h) to its result. MX and addresses, what the other side's TLS has to be, connections that
 * are kept for the next message, what a reply means. Runs in the sender process; has no data. Any number of threads, started as
 * they are needed and ended when idle.
 */
#pragma once

#include "base/err.h"
#include "conf/conf.h"
#include "net/stream.h"
#include "queue/attempt.h"

struct send;
enum send_level { SEND_PLAIN, SEND_ENCRYPTED, SEND_VERIFIED }; /* of a connection */
struct net_address;
struct net_dns;
struct net_https;

/* Each result, on a thread of this room; strings live until it returns. */
typedef void send_result_fn(void *ctx, const struct queue_result *r);

/* Whom a password is for: one user at one host. */
struct send_secret {
	struct str host;
	uint16_t port;
	struct str user, password;
};
struct send_options {
	const struct conf *conf;      /* [queue], kept by reference until send_close() */
	struct net_dns *dns;          /* kept */
	struct str ca_pem;            /* p NULL: the system's authorities; read by send_open() */
	struct net_https *https;      /* policies are fetched and reports posted by it; taken. NULL: one is opened with ca_pem if send_wants_https() */
	const char *helo_z;           /* kept */
	const struct send_secret *secrets; /* for attempts that name a user without a password; kept */
	size_t n_secrets;
	const struct net_address *own; /* where this server itself takes mail, with the port: no attempt goes there; kept */
	size_t n_own;
	send_result_fn *result;
	void *ctx;
};

/* Do the settings ask for MTA-STS policies, or have reports about TLS? */
bool send_wants_https(const struct conf *conf);
/* Starts no thread and reads files: before a process closes itself in. */
MUST_CHECK int send_open(const struct send_options *o, struct send **ret, struct fault *fault);
/*
 * Takes one attempt over, with its map and the arena that has its arrays, which is the heap's (both are given back after its result). Never blocks:
 * one that finds no thread waits for its destination's connection or for a place.
 */
void send_give(struct send *s, const struct queue_attempt *a, struct queue_attempt_map map, struct arena *arena);
/* How many more attempts are of use now; the caller leaves others in the socket. */
size_t send_room(struct send *s);
/* Has nothing to do, and no connection that waits. */
bool send_is_idle(struct send *s);
/*
 * Is an attempt under way, at now_ms of clock_mono_ms(), for longer than all its timeouts together? Then its thread hangs, and it has no result before the
 * process ends.
 */
bool send_is_stuck(struct send *s, int64_t now_ms);
/* No connection is kept for later any more; waits until all that was given has its result or ms passed. True: all has. */
bool send_drain(struct send *s, int64_t ms);
/* What has no result yet gets one: tried, and deferred, whatever comes of it. For a process that ends at once, as threads go on. */
void send_abandon(struct send *s);
void send_close(struct send **s); /* drained; accepts a pointer to NULL */

/* ---- where mail for a domain goes (mx.c) ---- */

#define SEND_HOSTS 20      /* of one domain, by preference */
#define SEND_ADDRESSES 16  /* of one host */

struct send_host {
	struct str name;             /* A-labels, lower case, no last dot; empty: an address literal */
	uint16_t preference;
	bool is_mx;                  /* else implicit (RFC 5321 5.1) or given */
};
struct send_hosts {
	struct send_host *hosts;     /* in the order to be tried: by preference, equal ones mixed */
	size_t n;
	bool is_null_mx;             /* RFC 7505 */
	bool is_secure;              /* the MX answer was validated (RFC 7672 2.2) */
	bool is_self;                /* own_names came up: what is not better than that was cut off (RFC 5321 5.1) */
};
/*
 * domain: A-labels. own_names: of this host, NULL-terminated; NULL: none. Records that name no host are left out. 0: *ret (n may be 0: null MX, or only ourselves, or no such domain, in ret_reply with the
 * reason: 5.1.2, 5.1.10, 5.4.4, 5.4.6 ...); negative: no answer now, with ret_reply (4.4.3, 4.7.x) as well.
 */
MUST_CHECK int send_mx(struct net_dns *d, struct arena *a, struct str domain, const char *const *own_names, int64_t deadline_ms,
		       struct send_hosts *ret, struct queue_reply *ret_reply);

/* ---- the addresses of one of them (addresses.c) ---- */

struct send_place {
	struct net_address *v;      /* IPv6 and IPv4 in turn, IPv6 first (RFC 8305 4) */
	size_t n;
	bool has_own;               /* addresses of this host, other than 127.0.0.1 and its like, were left out */
	bool is_secure;             /* validated, as far as TLSA records may be asked for (RFC 7672 2.2.2) */
	struct str tlsa_base;       /* the name to ask for them: the one at the end of CNAMEs */
	struct str tlsa_base_2;     /* and the one to ask for when the first has none; empty: there is none */
};
/*
 * host: a name in A-labels, or an address, with or without the brackets of an address literal (RFC 5321 4.1.3), as a wrong MX record may have it too.
 * Addresses of this host and of private networks are left out, unless may_private. 0: *ret (n may be 0: none, or none that may be used: ret_reply
 * with 5.4.4); negative: no answer now, with ret_reply (4.4.3, 4.7.5) as well. One of both kinds of addresses is enough.
 */
MUST_CHECK int send_addresses(struct net_dns *d, struct arena *a, struct str host, uint16_t port, bool may_private, int64_t deadline_ms,
			      struct send_place *ret, struct queue_reply *ret_reply);

/* ---- what TLS it has to have by its DNS (dane.c) ---- */

struct send_records {
	struct str *v;        /* TLSA, rdata, validated */
	size_t n;             /* 0: none, or not validated */
	bool is_usable;       /* at least one is (RFC 7672 3.1); else TLS is demanded and no certificate */
	struct str base;      /* the name that they belong to (RFC 7672 2.2.3): for SNI, and to look for in the certificate */
};
/*
 * The TLSA records of a place, whose addresses were found first (RFC 7672 2.2.2). 0: *ret; negative: no answer, or a wrong one, so this
 * host may not be used now (RFC 7672 2.1.2), with ret_reply (4.4.3, 4.7.5).
 */
MUST_CHECK int send_tlsa(struct net_dns *d, struct arena *a, const struct send_place *place, uint16_t port, int64_t deadline_ms,
			 struct send_records *ret, struct queue_reply *ret_reply);
/* RFC 7672 3.1: DANE-TA or DANE-EE, with selector, digest and length that exist. */
bool send_tlsa_is_usable(struct str rdata);
