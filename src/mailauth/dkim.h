/* SPDX-License-Identifier: MIT */
/*
 * DKIM, RFC 6376: signatures for mail of our own. relaxed/relaxed; rsa-sha256, and ed25519-sha256 (RFC 8463), by what the key is.
 * No I/O; any thread.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct dkim_key; /* a private key; counted references */

/*
 * PEM of RSA of 1024 to 8192 bits (RFC 8301 3.2), or of Ed25519. -E_USAGE with what is wrong with it. The key is wiped when its last
 * reference goes.
 */
MUST_CHECK int dkim_key_parse(struct str pem, struct dkim_key **ret, struct fault *fault);
struct dkim_key *dkim_key_ref(struct dkim_key *k);
void dkim_key_unref(struct dkim_key *k); /* accepts NULL */
/* Adds a new one as PEM: Ed25519, or RSA of 2048 bits, which takes a moment. -E_BUG: OpenSSL refuses. Overflow of out is the caller's to see. */
MUST_CHECK int dkim_key_make(bool is_ed25519, struct buf *out);
bool dkim_key_is_ed25519(const struct dkim_key *k);
/* Adds what stands behind "p=" in its record, in base64. -E_BUG: OpenSSL refuses. */
MUST_CHECK int dkim_key_public(const struct dkim_key *k, struct buf *out);

struct dkim_signer {
	const struct dkim_key *key;
	struct str domain, selector; /* the record stands at SELECTOR._domainkey.DOMAIN */
	int64_t now_s;
};
/*
 * Adds "DKIM-Signature: ...", with its last CRLF, to out: what is to stand before the message. message: header, empty line, body, lines ending in CRLF; it
 * has a From field. All fields are signed but those that are added on the way, and nobody can add another of those that matter. -E_LIMIT: out; -E_BUG:
 * OpenSSL refuses.
 */
MUST_CHECK int dkim_sign(const struct dkim_signer *s, struct str message, struct buf *out);

/* ---- for tests: what is hashed (RFC 6376 3.4.2, 3.4.4) ---- */

/* One field as it stands, folded or not, with or without its last CRLF; none at the end of what is added. */
void dkim_relaxed_field(struct str field, struct buf *out);
void dkim_relaxed_body(struct str body, struct buf *out);
