/* SPDX-License-Identifier: MIT */
/*
 * Questions to the DNS, answered by libunbound, which validates DNSSEC itself. One resolver with one cache for the
 * process; any number of threads may ask and wait. libunbound is loaded by net_dns_open() alone: processes that never ask do not carry it.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"

struct net_dns;

enum net_dns_dnssec {
	NET_DNS_DNSSEC_NO,
	NET_DNS_DNSSEC_AUTO, /* until the root was validated once, or is expected to be: not with resolvers that give no signatures even for it */
	NET_DNS_DNSSEC_REQUIRED,
};

/* [dns] settings (net/dns_conf.c). */
extern const struct conf_table net_dns_conf_table;
struct net_dns_conf {
	struct conf_list servers;          /* "ADDRESS" or "ADDRESS@PORT" of resolvers to forward to; empty: those of the system */
	int dnssec;                        /* enum net_dns_dnssec */
	const char *trust_anchor_file;     /* DS or DNSKEY records of the root; "": TRUST_ANCHOR_FILE, else those built in */
	struct conf_list unsigned_domains; /* whose answers need no signatures, whatever their parents say (RFC 7646) */
	int64_t timeout_ms;                /* of one question, all tries */
};
/* Of the Debian package dns-root-data. */
#define NET_DNS_TRUST_ANCHOR_FILE "/usr/share/dns/root.key"

enum net_dns_type { NET_DNS_A = 1, NET_DNS_CNAME = 5, NET_DNS_SOA = 6, NET_DNS_PTR = 12, NET_DNS_MX = 15, NET_DNS_TXT = 16,
		    NET_DNS_AAAA = 28, NET_DNS_SRV = 33, NET_DNS_TLSA = 52 };

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
	struct str why;              /* it is bogus, for people; else empty */
};

/*
 * Copies what it needs of the settings. Reads the trust anchors and, without servers, /etc/resolv.conf (its "nameserver" lines;
 * none: asks from the root on), now and never again: nothing is opened later but sockets. /etc/hosts is not read. Starts a thread, the first question another and
 * all that libunbound wants for itself (2 MB); anchors of the settings' own file are tried now.
 * -E_USAGE: a file of the settings is not there or not right; -E_CANNOT: no libunbound.
 */
MUST_CHECK int net_dns_open(const struct net_dns_conf *conf, struct net_dns **ret, struct fault *fault);
void net_dns_close(struct net_dns **d); /* nobody may be asking; accepts a pointer to NULL */

/*
 * Asks, waits until deadline_ms (clock_mono_ms) or the timeout of the settings, whichever is first. name: text form, ASCII (A-labels), with or
 * without the last dot. 0: *ret in the arena, also when there are no records or it is bogus (then none); -E_TIMEOUT, -E_IO (SERVFAIL,
 * REFUSED, no resolver; fault says what), -E_SYNTAX: no name of letters, digits, '-' and '_'; -E_LIMIT: the arena.
 */
MUST_CHECK int net_dns_ask(struct net_dns *d, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms,
			   struct net_dns_answer *ret, struct fault *fault);
/* Begins to look for what will be asked for soon: nobody waits, the answer is in the cache or under way then. */
void net_dns_ahead(struct net_dns *d, struct str name, enum net_dns_type type);
/* Has this resolver validated the root? Then, with dnssec = auto, it is never done without signatures any more. */
bool net_dns_has_root(struct net_dns *d);
/* Somebody knows that one before it has (or, later, that this is too long ago): so this one is not done without them either. */
void net_dns_expect_root(struct net_dns *d, bool is_expected);
/* Are signatures looked at, as far as the answers up to now show? False also with [dns] dnssec = no. */
bool net_dns_is_validating(struct net_dns *d);

/* ---- names and records (dns_rdata.c) ---- */

/* RFC 1123 2.1, RFC 1035 2.3.4, with '_' too: at most 253 bytes, labels of 1 to 63; one dot at the end may be. */
bool net_dns_is_name(struct str name);
/* RFC 1035 3.3.9. The exchange as text without the last dot ("" for the root: null MX, RFC 7505). False: not well-formed, or the arena. */
bool net_dns_mx(struct arena *a, struct str rdata, uint16_t *ret_preference, struct str *ret_exchange);
/* RFC 1035 3.3.14: the strings of one record put together. */
bool net_dns_txt(struct arena *a, struct str rdata, struct str *ret);
/* RFC 1035 3.3.1, 3.3.12: the name that a CNAME or PTR record is. As above. */
bool net_dns_target(struct arena *a, struct str rdata, struct str *ret);
/* RFC 2782, the format of the record. The target as text without the last dot ("" for the root: the service is not there). As above. */
struct net_dns_srv {
	uint16_t priority, weight, port;
	struct str target;
};
bool net_dns_srv(struct arena *a, struct str rdata, struct net_dns_srv *ret);
/* RFC 6698 2.1. Data is a slice of rdata. */
struct net_dns_tlsa {
	uint8_t usage, selector, matching;
	struct str data;
};
bool net_dns_tlsa(struct str rdata, struct net_dns_tlsa *ret);
