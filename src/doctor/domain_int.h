/* SPDX-License-Identifier: MIT */
/* Private to the checks of a domain. */
#pragma once

#include <pthread.h>

#include "doctor/domain.h"
#include "mailauth/lookup.h"
#include "mailauth/sts.h"
#include "net/dns.h"
#include "net/stream.h"
#include "send/check.h"

/* What the walk to one host saw (send/check.h); all strings in the host's arena. */
struct domain_walk {
	bool is_done, is_out_of_time;
	int connect_err, greeting_err, tls_err, dane_err;
	bool has_connect, has_greeting, has_helo, has_starttls, has_tls;
	struct str connect,
		others; /* the address that answered, or why none did; those that did not */
	struct str greeting, tls; /* the words; version and cipher, or why not */
	bool is_old_tls;
	bool has_certificate, is_certificate_good, is_dane_verified;
	struct str names, problem, issuer;
	int64_t not_after_s;
	bool has_dane, is_dane_usable; /* TLSA records, validated */
	size_t n_tlsa;
	struct str dane_why;
	struct str failure; /* why mail would not go to it; empty: it would */
};

struct domain_host {
	struct str name;
	uint16_t preference;
	bool is_unasked;  /* its addresses are not known */
	struct str cname; /* its canonical name, if that is another */
	struct net_address v[DOCTOR_DOMAIN_ADDRESSES];
	size_t n;
	bool is_secure; /* the answers were validated */
	bool has_private, has_public;
	/* the walk: the thread's until it is joined */
	struct domain_check *check;
	struct arena arena;
	struct send *send;
	pthread_t thread;
	bool has_thread;
	int64_t ms;
	struct domain_walk walk;
};

#define DOMAIN_EVIDENCE 2000 /* bytes of what strangers have any number of, put together */

struct domain_check {
	const struct doctor_domain *d;
	struct arena *a;
	int64_t deadline_ms;
	unsigned n_questions, n_ahead;
	const char *check_z; /* of the row that runs */
	size_t n_of[2];      /* its findings; those that fail */
	struct doctor_domain_finding *findings;
	size_t n, cap;
	bool is_full;             /* the arena */
	bool is_over, is_unasked; /* there is no such domain; the DNS is not there */
	struct lookup lookup;     /* for room mailauth */
	/* what rows found, for others behind them */
	bool is_null_mx, is_implicit_mx, is_mx_secure;
	struct domain_host *hosts;
	size_t n_hosts;
	bool has_sts;
	struct sts_policy sts;
	bool may_private;
};

/* ---- domain.c: what rows use ---- */

void domain_add(struct domain_check *c, const struct doctor_domain_finding *f);
/* domain_add(), with reason a literal and what the domain when it is empty. */
#define DOMAIN_SAY(c, state_, what_, evidence_, reason_, record_) \
	domain_add(c, &(struct doctor_domain_finding){ .state = DOCTOR_DOMAIN_##state_, \
						       .what = what_, \
						       .evidence = evidence_, \
						       .reason = S(reason_), \
						       .record = record_ })
struct str domain_printf(struct domain_check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "NAME. IN TYPE VALUE". */
struct str domain_record(struct domain_check *c, struct str name, const char *type_z,
			 struct str value);
/*
 * One question. 0 with *ret; negative: no answer, or it is bogus. domain_ask() has said so then; domain_ask_quiet() has not, fault says it.
 */
MUST_CHECK int domain_ask(struct domain_check *c, struct str name, enum net_dns_type type,
			  struct net_dns_answer *ret);
MUST_CHECK int domain_ask_quiet(struct domain_check *c, struct str name, enum net_dns_type type,
				struct net_dns_answer *ret, struct fault *fault);
void domain_ahead(struct domain_check *c, struct str name, enum net_dns_type type);
/*
 * The text of a TXT record. Control characters have no meaning in any that is read here, and a line end would make two lines of one in what is shown: they become one
 * that is as wrong everywhere.
 */
bool domain_text(struct arena *a, struct str rdata, struct str *ret);
/* A stranger's words in one line. */
struct str domain_line(struct domain_check *c, struct str s);
/* The texts at a name. As domain_ask(). */
MUST_CHECK int domain_texts(struct domain_check *c, struct str name, struct str **ret,
			    size_t *ret_n);
/* "4.3.2.1" and so on, what stands before in-addr.arpa, ip6.arpa or the zone of a list; with the last dot. */
struct str domain_reversed(struct domain_check *c, const struct net_address *address);
struct str domain_reverse_name(struct domain_check *c, const struct net_address *address);
struct str domain_address_text(struct domain_check *c, const struct net_address *address);
/* Adds the addresses of A or AAAA records to those of a host, as far as they fit. */
size_t domain_addresses_of(const struct net_dns_answer *answer, uint16_t port,
			   struct net_address *v, size_t n, size_t max);

/* ---- the rows ---- */

void domain_zone(struct domain_check *c); /* domain_dns.c */
void domain_mx(struct domain_check *c);
void domain_addresses(struct domain_check *c);
void domain_ptr(struct domain_check *c);
void domain_ipv6(struct domain_check *c);
void domain_caa(struct domain_check *c);         /* domain_caa.c */
void domain_walks_begin(struct domain_check *c); /* domain_walk.c */
void domain_walks_end(struct domain_check *c);
void domain_walks_free(struct domain_check *c);
void domain_port(struct domain_check *c); /* domain_host.c */
void domain_starttls(struct domain_check *c);
void domain_certificate(struct domain_check *c);
void domain_dane(struct domain_check *c);
void domain_spf(struct domain_check *c);   /* domain_spf.c */
void domain_dkim(struct domain_check *c);  /* domain_dkim.c */
void domain_dmarc(struct domain_check *c); /* domain_dmarc.c */
void domain_sts(struct domain_check *c);   /* domain_sts.c */
void domain_tlsrpt(struct domain_check *c);
void domain_dnsbl(struct domain_check *c);  /* domain_dnsbl.c */
void domain_server(struct domain_check *c); /* domain_server.c */
