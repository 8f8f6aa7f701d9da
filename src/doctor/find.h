/* SPDX-License-Identifier: MIT */
/*
 * Where the mail servers of an address, a domain or a host may be: what its domain publishes (SRV, RFC 6186 and RFC 8314; autoconfig files; MX), what a
 * mail program would guess, and the ports that providers use. Only names and ports are found here; nobody is spoken to but the DNS and the web servers of the domain.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/stream.h"

enum doctor_protocol { DOCTOR_IMAP, DOCTOR_POP3, DOCTOR_SUBMISSION, DOCTOR_SMTP, DOCTOR_LMTP, DOCTOR_SIEVE, DOCTOR_N_PROTOCOLS };
enum doctor_tls { DOCTOR_IMPLICIT, DOCTOR_STARTTLS, DOCTOR_PLAIN, DOCTOR_N_TLS };

/* Who says so, best first. */
enum doctor_source { DOCTOR_BY_USER, DOCTOR_BY_SRV, DOCTOR_BY_AUTOCONFIG, DOCTOR_BY_MX, DOCTOR_BY_NAME, DOCTOR_N_SOURCES };
extern const char *const doctor_protocol_names[DOCTOR_N_PROTOCOLS], *const doctor_tls_names[DOCTOR_N_TLS], *const doctor_source_names[DOCTOR_N_SOURCES];

/* One thing to try: a host at a port, spoken to in a protocol, with TLS in one way. */
struct doctor_candidate {
	enum doctor_protocol protocol;
	enum doctor_tls tls;
	const char *host_z;        /* ASCII, A-labels, lower case, or the text of an address */
	uint16_t port;
	const char *alpn_z;        /* at port 443 (RFC 7301): "imap", "pop3", "smtp"; NULL: none */
	enum doctor_source source;
	unsigned rank;             /* of SRV's priority and weight, or the order of the file; less is better */
	const char *user_z;        /* the user name that autoconfig names, its placeholders filled in; NULL: not told */
	bool is_unproven;          /* outside of the domain, and only a DNS without signatures names it (RFC 6186 6, RFC 8314 5.1) */
};

/* What one question came to, for the report: "SRV _imaps._tcp.example.org", "https://autoconfig.example.org/...". */
struct doctor_hint {
	enum doctor_source source;
	const char *what_z, *found_z; /* found_z: what it says, or why nothing came of it */
	int err;
	int64_t ms;
};

struct doctor_found {
	struct doctor_candidate *v; /* no two are alike but in source, rank and user_z: the best of those is here */
	size_t n;
	struct doctor_hint *hints;
	size_t n_hints;
	/* Of a domain: */
	bool is_nxdomain;           /* there is none of this name */
	bool is_bogus;              /* of an answer the signatures are wrong: a resolver that validates says nothing of this domain */
	bool is_deaf;               /* not one question to the DNS was answered */
	bool is_null_mx;            /* it takes no mail (RFC 7505 3) */
	bool is_wildcard;           /* any name in it has an address: the usual names say little, and come last */
};

/* What is asked of the DNS and the web; tests put tables here. */
struct doctor_lookup;

struct doctor_find {
	struct str address;        /* "you@example.org", or empty */
	struct str domain_or_host; /* of the address, or what the user named */
	unsigned protocols;        /* bit 1 << enum doctor_protocol; 0: all */
	uint16_t port;             /* only this one; 0: all */
	bool is_host;              /* the user names a host: nothing is looked for, its ports are tried */
	int64_t deadline_ms;       /* clock_mono_ms */
};
/*
 * All is asked at once, side by side, and the deadline bounds all of it. 0, also when nothing but guesses was found, or nothing at all; -E_SYNTAX:
 * no name of a domain or host, nor an address; -E_LIMIT: the arena. Strings in the arena. Best first, at most LIMIT_DOCTOR_CANDIDATES.
 */
MUST_CHECK int doctor_find(struct doctor_lookup *l, const struct doctor_find *what, struct arena *a, struct doctor_found *ret);
