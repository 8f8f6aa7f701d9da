/* SPDX-License-Identifier: MIT */
/*
 * Which mail of ours is signed, and by which keys (RFC 6376; docs/decisions/039-signing.md): that of submission whose author has an address here that the
 * submitter may use, and what this server tells senders. A domain has a key of RSA, one of Ed25519, or both, and then two signatures.
 */
#pragma once

#include "conf/conf.h"

struct queue;
struct dkim_key;

enum queue_dkim_kind { QUEUE_DKIM_RSA, QUEUE_DKIM_ED25519, QUEUE_DKIM_N_KINDS };

/* [dkim "example.org"] */
extern const struct conf_table queue_dkim_conf_table;
struct queue_dkim_conf {
	const char *rsa_selector, *rsa_key_file;         /* both, or both "" */
	const char *ed25519_selector, *ed25519_key_file;
};
struct queue_dkim_pair {
	const char *selector_z, *file_z; /* "" */
	const char *setting_z;           /* the key of file_z */
};
struct queue_dkim_pair queue_dkim_pair(const struct queue_dkim_conf *c, enum queue_dkim_kind kind);

/* The keys of all domains; counted references, which does not change once others have one. */
struct queue_dkim;
struct queue_dkim *queue_dkim_new(void);
/* Takes the reference to key. domain: A-labels. -E_USAGE: it is a key of the other kind. */
MUST_CHECK int queue_dkim_add(struct queue_dkim *d, struct str domain, enum queue_dkim_kind kind, const char *selector_z, struct dkim_key *key,
			      struct fault *fault);
void queue_dkim_unref(struct queue_dkim *d); /* accepts NULL */

/* What signs from now on; takes the reference. NULL: nothing. Any thread. */
void queue_dkim_configure(struct queue *q, struct queue_dkim *d);
/* Those, a reference; NULL: none. Any thread. */
struct queue_dkim *queue_dkim_get(struct queue *q);

/*
 * Would mail from that domain be signed: has it keys, or the nearest of those that it is below (RFC 6376 3.5, "d=": a domain or a parent of it,
 * which DMARC takes too)? d may be NULL.
 */
bool queue_dkim_has(const struct queue_dkim *d, struct str domain);
/*
 * Adds a DKIM-Signature for each of its keys to out: what is to stand before the message, which is as it will be sent. Nothing when there are none. As
 * dkim_sign(); out is as it was then.
 */
MUST_CHECK int queue_dkim_sign(const struct queue_dkim *d, struct str domain, struct str message, int64_t now_s, struct buf *out);
