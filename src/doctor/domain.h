/* SPDX-License-Identifier: MIT */
/*
 * What a domain publishes for its mail, and whether its servers are as it says: each check a row of a table (domain.c), each finding with what was seen, why that is
 * good or bad, and the record to publish. Asks the DNS, connects to the domain's mail hosts (send/check.h) and to its web server for MTA-STS; sends no mail.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "doctor/zone.h"

struct conf;
struct net_address;
struct net_dns;
struct net_https;

#define DOCTOR_DOMAIN_HOSTS 10      /* that are looked at, the best first; RFC 7208 4.6.4 has the same bound */
#define DOCTOR_DOMAIN_ADDRESSES 8   /* of each */
#define DOCTOR_DOMAIN_QUESTIONS 3000 /* to the DNS: 16 lists about 80 addresses have 2560, an SPF tree 200 */
#define DOCTOR_DOMAIN_SELECTORS 32  /* that are asked for by name */
#define DOCTOR_DOMAIN_DNSBLS 16
#define DOCTOR_DOMAIN_FINDINGS 100  /* of one check that fail, and as many others: what there is much of hides nothing else */

enum doctor_domain_state {
	DOCTOR_DOMAIN_FAIL,    /* mail is lost, refused or not believed, for some at least */
	DOCTOR_DOMAIN_WARN,    /* it goes, and should not stay so */
	DOCTOR_DOMAIN_PASS,
	DOCTOR_DOMAIN_INFO,    /* neither good nor bad */
	DOCTOR_DOMAIN_SKIPPED, /* it was not looked at, or there was no answer */
	DOCTOR_DOMAIN_N_STATES
};
extern const char *const doctor_domain_state_names[DOCTOR_DOMAIN_N_STATES];

struct doctor_domain_finding {
	const char *check_z;      /* the row: "mx", "spf" ... */
	enum doctor_domain_state state;
	struct str what;          /* whom it is about: a host, an address, a selector, a list, the domain */
	struct str evidence;      /* what was seen; lines joined with LF, no other control characters */
	struct str reason;        /* for people */
	struct str record;        /* a line of a zone file to publish; empty: there is none that would help, or none is needed */
};

struct doctor_domain {
	struct str domain;              /* A-labels, lower case, without the last dot */
	const struct conf *conf;
	struct net_dns *dns;
	struct net_https *https;        /* NULL: no policy is fetched */
	struct str ca_pem;              /* for SMTP; p NULL: those of the system */
	const char *helo_z;
	uint16_t port;                  /* of SMTP, else 25 */
	const struct str *selectors;    /* of DKIM; none: usual ones are tried */
	size_t n_selectors;
	const struct str *dnsbls;       /* zones of lists; none: none is asked */
	size_t n_dnsbls;
	bool is_dns_only;               /* nobody is connected to */
	const struct doctor_record *wanted; /* what this server needs; NULL: it is not compared */
	size_t n_wanted;
	const struct str *own;          /* addresses from which this server sends, as text; with wanted */
	size_t n_own;
	struct str notes;               /* lines: what of wanted could not be found out */
	int64_t ms;                     /* for all of it */
};
struct doctor_domain_report {
	const struct doctor_domain_finding *findings; /* fails first, then warnings, and so on; each in the order of the checks */
	size_t n;
	size_t counts[DOCTOR_DOMAIN_N_STATES];
	bool is_unasked;                /* the DNS said nothing at all, also not of others: nothing is known */
};
/* Starts a thread for each host and has joined them when it returns, in ms and little more. -E_LIMIT: the arena. Strings in the arena. */
MUST_CHECK int doctor_domain(const struct doctor_domain *d, struct arena *a, struct doctor_domain_report *ret);
