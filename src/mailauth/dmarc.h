/* SPDX-License-Identifier: MIT */
/*
 * DMARC, RFC 9989 (which replaces RFC 7489): what a domain asks to be done with mail that is not its own, and where reports go. The record, the walk that
 * finds the one that counts and the organizational domain (RFC 9989 4.10: no list of public suffixes; docs/decisions/037), who agreed to
 * get reports of others (RFC 9990, RFC 7489 7.1). No I/O: a port asks the DNS. Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "mailauth/lookup.h"

#define DMARC_RECORD_MAX 4096 /* a longer one is not looked at */
#define DMARC_URIS 16         /* of one rua or ruf */
#define DMARC_NOTES 16        /* of one record */
#define DMARC_WALK 8          /* RFC 9989 4.10: questions of one walk */

enum dmarc_policy { DMARC_NO_POLICY, DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT, DMARC_N_POLICIES };
extern const char *const dmarc_policy_names[DMARC_N_POLICIES]; /* "" for the first */

enum dmarc_note_kind {
	DMARC_NOTE_SYNTAX,    /* not tag=value; the rest is read */
	DMARC_NOTE_VALUE,     /* a known tag with a value that it cannot have; the default counts */
	DMARC_NOTE_TWICE,     /* the first counts */
	DMARC_NOTE_OLD,       /* pct, rf, ri: nobody looks at them any more (RFC 9989, in C.5.2) */
	DMARC_NOTE_UNKNOWN,
	DMARC_NOTE_URI,       /* an address for reports that is none, or that nobody has to know */
	DMARC_NOTE_SIZE,      /* "!10m" behind an address: obsolete */
	DMARC_NOTE_NO_P,      /* p=none is meant (RFC 9989 4.7) */
};
struct dmarc_note {
	enum dmarc_note_kind kind;
	struct str text;      /* where it is, a slice of the record */
};
struct dmarc_uri {
	struct str uri;       /* without a size */
	struct str host;      /* its domain; empty: no mailto and no https, nobody has to know such */
};
struct dmarc_record {
	enum dmarc_policy p, sp, np;
	bool has_bad_policy;  /* no p, or a p, sp or np that is none: see dmarc_found */
	bool is_strict_dkim, is_strict_spf, is_test;
	char psd;             /* 'y', 'n', 'u' */
	struct dmarc_uri rua[DMARC_URIS], ruf[DMARC_URIS];
	size_t n_rua, n_ruf;
	struct str fo;        /* as given; empty: "0" */
	struct dmarc_note notes[DMARC_NOTES];
	size_t n_notes;
	struct str text;
};
/* Does it begin with its version (RFC 9989 4.7), so that it is to be read at all? */
bool dmarc_record_is(struct str text);
/*
 * RFC 9989 4.8: mistakes do not make it none, they are noted and defaults count. -E_SYNTAX: not even the version; -E_LIMIT: too long. Slices of
 * text; addresses for reports are decoded nowhere.
 */
MUST_CHECK int dmarc_record_parse(struct str text, struct dmarc_record *ret);

struct dmarc_found {
	struct str domain;    /* where the record is that counts; empty: there is none */
	struct dmarc_record record;
	/*
	 * What it says for the domain: p, or sp for one below. With a bad one of them: none, if somebody can get reports, else DMARC_NO_POLICY, as if there was no
	 * record (RFC 9989 4.10.1).
	 */
	enum dmarc_policy policy;
	struct str organization;  /* the organizational domain */
	bool is_psd;          /* the record is of a public suffix */
	size_t n_own;         /* records of the version at the domain itself: more than one is as good as none */
};
/*
 * RFC 9989 4.10, 4.10.1, 4.10.2. domain: A-labels, without the last dot. 0: *ret, slices of domain and in the arena; negative: the DNS did not answer at
 * one of the names.
 */
MUST_CHECK int dmarc_find(const struct lookup *l, struct str domain, struct arena *a, struct dmarc_found *ret);
/*
 * RFC 7489 7.1: may reports about the domain that has the record go to this host? 1: they are of one organization, or the host agrees; 0: not;
 * negative: no answer. ret_name: where the host would say so, "DOMAIN._report._dmarc.HOST"; empty: it need not.
 */
MUST_CHECK int dmarc_may_report(const struct lookup *l, const struct dmarc_found *found, struct str host, struct arena *a, struct str *ret_name);
