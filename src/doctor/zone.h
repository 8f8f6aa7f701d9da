/* SPDX-License-Identifier: MIT */
/*
 * The records that a domain has to publish so that this server's mail works: one list, from which `martlet dns` prints a zone, `martlet quickstart` says what is to
 * do, and `martlet check domain --for-this-server` compares. Pure: what the settings, the keys and the certificates say comes in a struct.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum doctor_need { DOCTOR_MUST, DOCTOR_SHOULD, DOCTOR_MAY };
extern const char *const doctor_need_names[];

/* Whether it goes into the zone of the domain as it is. */
enum doctor_place {
	DOCTOR_HERE,
	DOCTOR_ELSEWHERE, /* it stands in another zone: that of the host, or of its addresses */
	DOCTOR_LATER,     /* a proposal: only when what why_z says is done or wanted */
};
extern const char *const doctor_place_names[];

/* Services with SRV records (RFC 6186, RFC 8314), in the order of preference. */
enum doctor_service { DOCTOR_SUBMISSIONS, DOCTOR_SUBMISSION_STARTTLS, DOCTOR_IMAPS, DOCTOR_IMAP_STARTTLS, DOCTOR_POP3S, DOCTOR_POP3_STARTTLS, DOCTOR_N_SERVICES };

struct doctor_record {
	struct str name;           /* without the last dot */
	const char *type_z;        /* "MX", "TXT", "A", "PTR", "TLSA", "SRV", "CAA", "CNAME" */
	struct str value;          /* as in a zone file (RFC 1035 5.1); TXT: not quoted and not split */
	enum doctor_need need;
	enum doctor_place place;
	const char *why_z;         /* for people */
};

struct doctor_dkim {
	struct str selector, public_key; /* base64 of the SubjectPublicKeyInfo, or of the raw Ed25519 key */
	bool is_ed25519;
};

struct doctor_zone {
	struct str domain, host;   /* A-labels */
	const struct str *addresses; /* of the host, as text: public ones */
	size_t n_addresses;
	const struct str *senders; /* further addresses that mail goes out from */
	size_t n_senders;
	const struct doctor_dkim *dkim;
	size_t n_dkim;
	const uint8_t (*spki_sha256)[32]; /* of the certificates' keys, for TLSA 3 1 1 */
	size_t n_spki;
	struct str tlsrpt_rua;     /* "mailto:...", or empty */
	struct str dmarc_rua;      /* the same */
	uint16_t ports[DOCTOR_N_SERVICES]; /* where the server listens so; 0: it does not */
	struct str relay;          /* the host that other domains get their mail from, when it is not this one; or empty */
	bool has_sts_host;         /* a web server for mta-sts.DOMAIN is there */
	struct str sts_id;         /* changes with the policy; empty: made of its text */
};
/* In the order in which they should be published. -E_LIMIT: the arena. */
MUST_CHECK int doctor_zone(const struct doctor_zone *z, struct arena *a, struct doctor_record **ret, size_t *ret_n);
/* The policy file that goes with the record _mta-sts (RFC 8461 3.2), its lines ending in CRLF. */
struct buf;
void doctor_sts_policy(const struct doctor_zone *z, struct buf *out);
/* Where the PTR record of an address stands (RFC 1035 3.5, RFC 3596 2.5), without the last dot; in the arena, p NULL when that is full. */
struct net_address;
struct str doctor_reverse_name(struct arena *a, const struct net_address *address);
/* One line of a zone file with its end, TXT quoted and split at 255 bytes (RFC 1035 3.3.14). */
void doctor_record_print(const struct doctor_record *r, struct buf *out);
