/* SPDX-License-Identifier: MIT */
/*
 * TLS reports to other domains (RFC 8460; docs/decisions/032-tls-reports.md): how connections to their hosts went, for those domains that publish where
 * they want to hear of it. The sender sees sessions and hands them over with the result of its attempt; here they are counted by UTC day, and
 * reported once a day.
 */
#pragma once

#include "base/arena.h"
#include "conf/conf.h"
#include "mailauth/tlsrpt.h"

struct queue;
struct dkim_key;

/* [tlsrpt] settings (tlsrpt_conf.c). */
extern const struct conf_table queue_tlsrpt_conf_table;
struct queue_tlsrpt_conf {
	const char *address;                       /* who reports, and From; "": nobody does */
	const char *organization;                  /* "": the domain of the address */
	const char *dkim_domain;                   /* "": the domain of the address */
	const char *dkim_selector, *dkim_key_file; /* "": reports do not go by mail */
	int64_t https_port;
};
/* Of a snapshot, which may be NULL. */
const struct queue_tlsrpt_conf *queue_tlsrpt_conf_of(const struct conf *c);
/* Of the address; who signs, and the organisation, the defaults applied. */
struct str queue_tlsrpt_domain(const struct queue_tlsrpt_conf *t);
struct str queue_tlsrpt_signer(const struct queue_tlsrpt_conf *t);
struct str queue_tlsrpt_organization(const struct queue_tlsrpt_conf *t);

/* The key that signs reports from now on; takes the reference. NULL: none, so they do not go by mail. Any thread. */
void queue_tlsrpt_key(struct queue *q, struct dkim_key *key);

/* ---- what was seen ---- */

enum queue_tlsrpt_type { /* numbers are stored */
			 QUEUE_TLSRPT_NONE,
			 QUEUE_TLSRPT_TLSA,
			 QUEUE_TLSRPT_STS,
			 QUEUE_TLSRPT_N_TYPES
};

/* RFC 8460 4.3; numbers are stored. */
enum queue_tlsrpt_outcome {
	QUEUE_TLSRPT_SUCCESS,
	QUEUE_TLSRPT_NO_STARTTLS,
	QUEUE_TLSRPT_HOST_MISMATCH,
	QUEUE_TLSRPT_EXPIRED,
	QUEUE_TLSRPT_NOT_TRUSTED,
	QUEUE_TLSRPT_VALIDATION,
	QUEUE_TLSRPT_TLSA_INVALID,
	QUEUE_TLSRPT_DNSSEC_INVALID,
	QUEUE_TLSRPT_DANE_REQUIRED, /* never seen: no setting demands DANE of a host that has none */
	QUEUE_TLSRPT_STS_FETCH,
	QUEUE_TLSRPT_STS_INVALID,
	QUEUE_TLSRPT_STS_WEBPKI,
	QUEUE_TLSRPT_N_OUTCOMES
};
/* "starttls-not-supported"; "" of a success. */
const char *queue_tlsrpt_outcome_z(enum queue_tlsrpt_outcome o);

#define QUEUE_TLSRPT_POLICIES 8 /* of one attempt; what does not fit is not counted */
#define QUEUE_TLSRPT_SESSIONS 16
#define QUEUE_TLSRPT_POLICY 2048 /* bytes of one; lines of it that do not fit are left out */
#define QUEUE_TLSRPT_REASON 128

struct queue_tlsrpt_policy {
	enum queue_tlsrpt_type type;
	struct str
		domain; /* RFC 8460 1.1: with TLSA the name that the records stand at, else the recipients' */
	struct str text; /* lines joined by LF (RFC 8460 4.5) */
};
struct queue_tlsrpt_session {
	size_t policy; /* of the array */
	enum queue_tlsrpt_outcome outcome;
	struct str host, peer, own; /* name and addresses; empty: it did not come so far */
	struct str reason;          /* for people; may be empty */
};
struct queue_tlsrpt_seen {
	struct str
		rua; /* where the domain wants to hear of it (mailauth/tlsrpt.h); empty: it does not */
	struct queue_tlsrpt_policy *policies;
	size_t n_policies;
	struct queue_tlsrpt_session *sessions;
	size_t n_sessions;
};
