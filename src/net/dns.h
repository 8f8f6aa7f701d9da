/* SPDX-License-Identifier: MIT */
/*
 * Questions to the DNS, answered by libunbound, which validates DNSSEC itself. One resolver with one cache for the
 * process; any number of threads may ask and wait.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"

struct net_dns;

/* [dns] settings (net/dns_conf.c). */
extern const struct conf_table net_dns_conf_table;
struct net_dns_conf {
	struct conf_list servers;      /* "ADDRESS" or "ADDRESS@PORT" of resolvers to forward to; empty: those of the system */
	char *trust_anchor_file;       /* DS or DNSKEY records of the root; empty: the ones of the Debian package dns-root-data */
	int64_t timeout_ms;            /* of one question, all tries */
};

enum net_dns_type { NET_DNS_A = 1, NET_DNS_CNAME = 5, NET_DNS_PTR = 12, NET_DNS_MX = 15, NET_DNS_TXT = 16, NET_DNS_AAAA = 28,
		    NET_DNS_TLSA = 52 };

enum net_dns_trust {
	NET_DNS_INSECURE, /* not signed, provably, or the signatures could not be asked for */
	NET_DNS_SECURE,   /* validated from the root, CNAMEs on the way included */
	NET_DNS_BOGUS,    /* signed and wrong: an error, never an absence (RFC 7672 2.1.1) */
};

struct net_dns_answer {
	enum net_dns_trust trust;
	bool is_nxdomain;            /* the name does not exist; else no records: it has none of this type */
	struct str canonical;        /* the name at the end of CNAMEs, without the last dot; the one asked for when there are none */
	uint32_t ttl_s;
	struct str *rdata;           /* of each record, wire form, names in it uncompressed */
	size_t n;
};

/* Copies what it needs of the settings. Reads the files, so before a process closes itself in. */
MUST_CHECK int net_dns_open(const struct net_dns_conf *conf, struct net_dns **ret, struct fault *fault);
void net_dns_close(struct net_dns **d); /* nobody may be asking; accepts a pointer to NULL */

/*
 * Asks, waits until deadline_ms (clock_mono_ms) at most. name: text form, ASCII (A-labels), with or without the last dot. 0: *ret in the
 * arena, also when there are no records or it is bogus (then none); -E_TIMEOUT, -E_IO (SERVFAIL, no resolver; fault says what),
 * -E_SYNTAX: no name of a host; -E_LIMIT: the arena.
 */
MUST_CHECK int net_dns_ask(struct net_dns *d, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms,
			   struct net_dns_answer *ret, struct fault *fault);

/* ---- records ---- */

/* RFC 1035 3.3.9. The exchange as text without the last dot ("" for the root: null MX, RFC 7505). False: not well-formed. */
bool net_dns_mx(struct arena *a, struct str rdata, uint16_t *ret_preference, struct str *ret_exchange);
/* RFC 1035 3.3.14: the strings of one record put together. */
bool net_dns_txt(struct arena *a, struct str rdata, struct str *ret);
