/* SPDX-License-Identifier: MIT */
/* The key record of DKIM, RFC 6376 3.6.1, RFC 8463 4.2: what stands at SELECTOR._domainkey.DOMAIN. No I/O, no state; any thread. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define DKIM_RECORD_MAX 8192   /* RSA of 16384 bits takes 2900; longer ones are not looked at */
#define DKIM_RSA_MIN 1024      /* RFC 8301 3.2: a key below is nobody's */
#define DKIM_RSA_GOOD 2048     /* RFC 8301 3.2: what signers should have */

enum dkim_key_kind { DKIM_KEY_RSA, DKIM_KEY_ED25519, DKIM_KEY_OTHER };

struct dkim_record {
	enum dkim_key_kind kind;
	struct str k;            /* as given; empty: "rsa" */
	bool is_revoked;         /* p is there and empty */
	struct str key;          /* decoded, in the arena */
	int bits;                /* of its RSA key, or 256; 0: revoked, or of another kind */
	bool is_test, is_exact;  /* t=y, t=s */
	bool is_for_mail;        /* s has "*" or "email", or is not there */
	bool has_sha256;         /* h has it, or is not there (RFC 8301 3.1: another hash is of no use) */
	bool has_version;        /* v=DKIM1, which it need not say */
};
/*
 * -E_SYNTAX with what is wrong: not tag=value, a tag twice, another version or one that is not first, no p, p that is no such key; -E_LIMIT: too
 * long, or the arena. Slices of text but for the key.
 */
MUST_CHECK int dkim_record_parse(struct str text, struct arena *a, struct dkim_record *ret, const char **ret_what_z);
/* Might it be meant to be one? Other texts stand there by wildcards. */
bool dkim_record_is(struct str text);
