/* SPDX-License-Identifier: MIT */
/*
 * Access tokens, inside of this room: OAUTHBEARER (RFC 7628) and XOAUTH2.
 *
 *   oauth.c         one exchange: whose token is it, and may they?
 *   oauth_parse.c   the client's messages
 *   oauth_claims.c  what an introspection or a JWT says, against the settings
 *   oauth_jwt.c     signed tokens and keys: the only file that knows the library (cjose)
 *   oauth_ask.c     logins that wait for the asker
 *   oauth_seen.c    good tokens seen lately
 *
 * A token is never logged, and kept nowhere but as a keyed digest.
 */
#pragma once

#include <jansson.h>

#include "sasl/sasl_int.h"

/* ---- oauth_parse.c ---- */

#define SASL_BEARER_USER 320
struct sasl_bearer {
	char user[SASL_BEARER_USER]; /* whom the client wants to be; "" when it does not say */
	struct str token;            /* in the message */
};
/* False: not of that form. */
bool sasl_bearer_parse(struct str message, struct sasl_bearer *ret);
bool sasl_xoauth2_parse(struct str message, struct sasl_bearer *ret);

/* ---- oauth_claims.c ---- */

enum sasl_claim { SASL_CLAIM_EMAIL, SASL_CLAIM_USERNAME, SASL_CLAIM_PREFERRED_USERNAME, SASL_CLAIM_SUB };

/* What is taken from the claims of a good token. */
struct sasl_claims {
	char name[320]; /* of the account */
	int64_t exp_s;  /* since 1970; INT64_MAX: none is said */
};
/*
 * The answer of an introspection (RFC 7662 2.2), or the claims of a JWT whose signature was right
 * (RFC 7519 4, RFC 9068 4), against the settings. NULL: good, ret is filled; else the reason.
 */
const char *sasl_claims_check(const struct sasl_conf *set, const json_t *claims, bool is_jwt,
			      int64_t now_s, struct sasl_claims *ret);

/* ---- oauth_jwt.c: see also sasl.h ---- */

/* Has it the form of a signed JWT (RFC 7515 7.1)? */
bool sasl_jwt_is_one(struct str token);
/*
 * Checks the signature by the set of keys and gives the claims, the caller's. NULL: right; else the
 * reason, "unknown-key" when no key has its kid. Thread-safe.
 */
const char *sasl_jwt_verify(struct sasl_jwks *keys, const struct sasl_conf *set, struct str token,
			    json_t **ret);
/* May the settings name this algorithm? Asymmetric ones only. */
bool sasl_jwt_knows_alg(struct str alg);

/* ---- oauth_seen.c ---- */

struct sasl_seen;
struct sasl_seen *sasl_seen_new(void);
void sasl_seen_free(struct sasl_seen *s); /* accepts NULL */
/* The token's keyed digest. */
void sasl_seen_digest(const struct sasl_seen *s, struct str token, uint8_t ret[32]);
/* Changes when all is forgotten. Read it before the settings by which a token is checked. */
uint64_t sasl_seen_epoch(struct sasl_seen *s);
/* The account, or 0. */
int64_t sasl_seen_find(struct sasl_seen *s, const uint8_t digest[32]);
/* Nothing is kept when the epoch is over. */
void sasl_seen_add(struct sasl_seen *s, uint64_t epoch, const uint8_t digest[32], int64_t account,
		   int64_t ttl_ms);
/* Of one account, or all (0). */
void sasl_seen_forget(struct sasl_seen *s, int64_t account);

/* ---- oauth_ask.c ---- */

struct sasl_ask;
struct sasl_ask *sasl_ask_new(void);
void sasl_ask_free(struct sasl_ask *a); /* joins its thread; accepts NULL */
/* See sasl_oauth_connect(). */
MUST_CHECK int sasl_ask_connect(struct sasl_ask *a, int fd, sasl_wake_fn *wake, void *ctx,
				struct fault *fault);
/*
 * Asks about a token for a connection, which is woken when the answer is there. -E_BUSY: too many
 * wait (max in all, a quarter of it for one peer, a key or 0), or there is nobody to ask.
 */
MUST_CHECK int sasl_ask_begin(struct sasl_ask *a, struct str token, uint64_t conn, uint64_t peer,
			      int64_t max, uint64_t *ret_id);
/* 1: it is there, in out; 0: not yet; -E_IO: there will be none. After all but 0 the id is gone. */
MUST_CHECK int sasl_ask_take(struct sasl_ask *a, uint64_t id, struct buf *out);
void sasl_ask_forget(struct sasl_ask *a, uint64_t id); /* 0: nothing */

/* ---- oauth.c ---- */

struct sasl_oauth;
struct sasl_oauth *sasl_oauth_new(struct sasl *s, struct conn *c, bool is_xoauth2);
void sasl_oauth_free(struct sasl_oauth *o); /* accepts NULL */
struct str sasl_oauth_user(const struct sasl_oauth *o);
/*
 * One client message, decoded (a NULL pointer: none yet). 1: out is a challenge; SASL_WAITS;
 * 0: ret is filled; or negative. Tells the throttle, and says by ret_is_refused that the answer is
 * a refusal, also when it is a challenge (RFC 7628 3.2.2).
 */
MUST_CHECK int sasl_oauth_step(struct sasl_oauth *o, struct str message, struct buf *out,
			       struct sasl_identity *ret, struct sasl_refusal *why,
			       bool *ret_is_refused);
/* The same after a wake. */
MUST_CHECK int sasl_oauth_resume(struct sasl_oauth *o, struct buf *out, struct sasl_identity *ret,
				 struct sasl_refusal *why, bool *ret_is_refused);
/* Is it set up, so that the mechanisms can work? */
bool sasl_oauth_is_set(const struct sasl_conf *set);
/* Checks the rows of oauth_*. */
MUST_CHECK int sasl_oauth_check(const struct sasl_conf *set, struct fault *fault);
