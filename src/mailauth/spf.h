/* SPDX-License-Identifier: MIT */
/*
 * SPF, RFC 7208: which hosts may send with a domain as return address. The record; check_host(), which says of one host; and a look at a
 * domain's record with all that it includes, which says of mistakes. The two are one walk (spf_walk.c). No I/O: a port asks the DNS. Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "mailauth/lookup.h"

#define SPF_LOOKUPS 10         /* RFC 7208 4.6.4: terms that ask the DNS, in one evaluation */
#define SPF_VOIDS 2            /* RFC 7208 4.6.4: of them without an answer */
#define SPF_NAMES 10           /* RFC 7208 4.6.4: hosts of one mx, names of one ptr */
#define SPF_SHORT 450          /* RFC 7208 3.4: a record that fits one UDP answer everywhere */
#define SPF_RECORD_MAX 4096    /* a longer one is a mistake */
#define SPF_TERMS 256          /* of one record */

enum spf_result { SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_TEMPERROR, SPF_PERMERROR, SPF_N_RESULTS };
extern const char *const spf_result_names[SPF_N_RESULTS]; /* RFC 7208 9.1 */

enum spf_mechanism { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS, SPF_N_MECHANISMS };

/* ---- one record ---- */

struct spf_directive {
	enum spf_result qualifier;   /* what a match gives: pass, fail, softfail, neutral */
	enum spf_mechanism mechanism;
	struct str domain;           /* domain-spec, with its macros; empty: the current domain */
	uint8_t address[16];         /* ip4 has the first four bytes */
	uint8_t bits_v4, bits_v6;    /* of the network */
	struct str text;             /* as it stands in the record */
};
struct spf_record {
	const struct spf_directive *directives;
	size_t n;
	struct str redirect, exp;    /* domain-spec; empty: there is none */
	struct str text;
};
struct spf_mistake {
	size_t at;                   /* offset in the record */
	const char *what_z;
};
/* "v=spf1" and a space or nothing more (RFC 7208 4.5): is it meant to be one? */
bool spf_record_is(struct str text);
/* 0; -E_SYNTAX with the first mistake; -E_LIMIT: the arena, or longer than is looked at, with a mistake too. Slices of text, the array in the arena. */
MUST_CHECK int spf_record_parse(struct str text, struct arena *a, struct spf_record *ret, struct spf_mistake *ret_mistake);

/* ---- one host ---- */

struct spf_query {
	uint8_t ip[16];              /* of the client; IPv4 has the first four bytes */
	bool is_v6;                  /* one that carries an IPv4 address counts as that (RFC 7208 5) */
	struct str sender;           /* of MAIL, without brackets; empty: postmaster@HELO (RFC 7208 2.4) */
	struct str helo;
	struct str receiver;         /* our name; empty: "unknown" */
	int64_t now_s;
};
struct spf_verdict {
	enum spf_result result;
	struct str matched;          /* the directive; empty: none did */
	struct str explanation;      /* RFC 7208 6.2, of the domain's own words; empty: none */
	struct str problem;          /* why it is an error */
	unsigned lookups, voids;
};
/* RFC 7208 4. Strings in the arena, which decides too: one that is too small is a temperror. */
void spf_check_host(const struct lookup *l, const struct spf_query *q, struct arena *a, struct spf_verdict *ret);

/* ---- one domain ---- */

enum spf_note_kind {
	SPF_NOTE_NO_ANSWER,          /* the DNS did not say */
	SPF_NOTE_NO_RECORD,          /* at the domain itself */
	SPF_NOTE_MANY_RECORDS,       /* RFC 7208 4.5 */
	SPF_NOTE_SYNTAX,
	SPF_NOTE_NO_TARGET,          /* include or redirect of a domain without a record: permerror (RFC 7208 5.2, 6.1) */
	SPF_NOTE_LOOP,
	SPF_NOTE_LOOKUPS,            /* more than SPF_LOOKUPS */
	SPF_NOTE_VOIDS,              /* more than SPF_VOIDS */
	SPF_NOTE_NAMES,              /* an mx with more than SPF_NAMES hosts */
	SPF_NOTE_PLUS_ALL,           /* the whole world may send */
	SPF_NOTE_NO_ALL,             /* neither all nor redirect: neutral (RFC 7208 4.7) */
	SPF_NOTE_NEUTRAL_ALL,        /* ?all says nothing */
	SPF_NOTE_AFTER_ALL,          /* terms behind all are never looked at (RFC 7208 5.1) */
	SPF_NOTE_PTR,                /* should not be used (RFC 7208 5.5) */
	SPF_NOTE_LONG,               /* more than SPF_SHORT */
	SPF_NOTE_VOID,               /* a name without what is asked for */
	SPF_NOTE_MACRO,              /* depends on the message: could not be followed */
	SPF_NOTE_MORE,               /* not all was walked: it is too much */
	SPF_N_NOTES
};
struct spf_note {
	enum spf_note_kind kind;
	struct str domain;           /* in whose record */
	struct str text;             /* the term, or the mistake and where it is */
};
struct spf_seen {                /* a record that was read, in the order of the walk */
	struct str domain, text;
	unsigned depth, lookups;     /* lookups: of the whole, when it had been read */
};
struct spf_report {
	struct str record;           /* the domain's own; empty: there is none, or several */
	bool is_error;               /* evaluating it may end with permerror */
	enum spf_result rest;        /* what a host gets that nothing matches */
	/*
	 * Of an evaluation in which nothing matches before the end: the most that one can take. voids: of names without any address; who looks at a client by
	 * IPv6 counts those with IPv4 alone too.
	 */
	unsigned lookups, voids;
	const struct spf_seen *seen;
	size_t n_seen;
	const struct spf_note *notes;
	size_t n_notes;
};
/* 0; -E_LIMIT: the arena. At most about 200 questions. */
MUST_CHECK int spf_look(const struct lookup *l, struct str domain, struct arena *a, struct spf_report *ret);
