/* SPDX-License-Identifier: MIT */
/*
 * What the files of this room share. Passwords pass through here in buffers that are wiped;
 * nothing here is logged.
 *
 *   mech.c      which mechanisms there are, and which of them this connection can use
 *   exchange.c  one SASL exchange, driven by GNU SASL
 *   login.c     is this the password of that account? (PLAIN, LOGIN, USER/PASS all come here)
 *   hash.c      slow password hashes: make one, check one, a few at a time
 *   scram.c     SCRAM keys: derive, print, parse, invent for users that do not exist
 *   cache.c     right passwords seen lately
 *   throttle.c  what failures cost
 */
#pragma once

#include <gsasl.h>

#include "conf/live.h"
#include "net/conn.h"
#include "sasl/sasl.h"

/* ---- mech.c ---- */

enum sasl_mech_flag {
	SASL_MECH_PLUS = 1, /* binds to the TLS channel (RFC 5802 6) */
	SASL_MECH_CERT = 2, /* needs a client certificate */
	SASL_MECH_SCRAM = 4,
	SASL_MECH_PROMPTS =
		8, /* server speaks first; an initial response answers the first prompt */
};
struct sasl_mech {
	const char *name;
	unsigned flags;
	const char *credential_kind; /* of SCRAM */
	const char *rfc;
};
/* NULL when there is no such mechanism. Names are case-insensitive. */
const struct sasl_mech *sasl_mech_find(struct str name);
/* Listed in the settings and possible on this connection? */
bool sasl_mech_is_usable(const struct sasl_conf *set, const struct conn *c,
			 const struct sasl_mech *m);
/* Is a -PLUS form of this mechanism (or it itself) usable here? */
bool sasl_mech_has_plus(const struct sasl_conf *set, const struct conn *c,
			const struct sasl_mech *m);

/* ---- hash.c ---- */

/* Slow hashes take 16 MB and a processor each: only so many run at once, the rest wait a while. */
struct sasl_gate;
struct sasl_gate *sasl_gate_new(int width);
void sasl_gate_free(struct sasl_gate *g); /* accepts NULL */

/*
 * 1: the password has this hash; 0: not; -E_BUSY: too many hashes at once. hash_z NULL: a hash
 * that nothing matches, at the usual cost. Both are NUL-terminated.
 */
MUST_CHECK int sasl_hash_check(struct sasl_gate *g, const char *password_z, const char *hash_z);
/* A new yescrypt hash. -E_SYNTAX: too long for crypt(3); -E_LIMIT; -E_IO. */
MUST_CHECK int sasl_hash_make(struct arena *a, const char *password_z, struct str *ret);
/* May the text be given to sasl_hash_check()? */
bool sasl_hash_is_known(const char *hash_z);

/* ---- scram.c ---- */

#define SASL_SCRAM_SALT 16
#define SASL_SCRAM_KEY_MAX 32

/* Hash function, key length and iterations of one SCRAM credential kind. */
struct sasl_scram_kind {
	const char *kind;
	const char *digest;
	size_t key_n;
	int iterations;
};
/* NULL when it is none. */
const struct sasl_scram_kind *sasl_scram_kind_find(struct str kind);

/*
 * A credential's value: "iterations,salt,stored-key,server-key", the last three in base64 (as GNU
 * SASL takes them).
 */
struct sasl_scram {
	char iterations[16];
	char salt[96];
	char stored_key[48];
	char server_key[48];
};
/* False when the value is damaged. Fuzz target sasl. */
bool sasl_scram_parse(const struct sasl_scram_kind *k, struct str value, struct sasl_scram *ret);
/* The value for a password after SASLprep, with a fresh salt. -E_LIMIT, -E_IO. */
MUST_CHECK int sasl_scram_make(struct arena *a, const struct sasl_scram_kind *k,
			       struct str password, struct str *ret_value);
/* For a name without keys: looks like any other, always the same salt, no password fits. */
void sasl_scram_fake(const struct sasl_scram_kind *k, const uint8_t key[32], struct str name,
		     struct sasl_scram *ret);

/* ---- cache.c ---- */

struct sasl_cache;
struct sasl_cache *sasl_cache_new(void);
void sasl_cache_free(struct sasl_cache *c); /* accepts NULL */
/*
 * Was this password right for the account with this very hash, less than its time ago?
 * Thread-safe, like all here.
 */
bool sasl_cache_has(struct sasl_cache *c, int64_t account, struct str password, struct str hash);
void sasl_cache_add(struct sasl_cache *c, int64_t account, struct str password, struct str hash,
		    int64_t ttl_ms);
void sasl_cache_forget(struct sasl_cache *c, int64_t account);

/* ---- throttle.c ---- */

struct sasl_throttle;
struct sasl_throttle *sasl_throttle_new(void);
void sasl_throttle_free(struct sasl_throttle *t); /* accepts NULL */
/* May this peer try to log in now? */
bool sasl_throttle_allow(struct sasl_throttle *t, struct str peer);
/* A login failed: holds the caller back for delay_ms, unless many are held already. */
void sasl_throttle_failed(struct sasl_throttle *t, struct str peer, int64_t delay_ms);
void sasl_throttle_succeeded(struct sasl_throttle *t, struct str peer);

/* ---- login.c ---- */

struct sasl {
	struct store *store;
	struct conf_live *conf;
	Gsasl *gsasl;
	struct sasl_gate *gate;
	struct sasl_cache *cache;
	struct sasl_throttle *throttle;
	uint8_t fake_key[STORE_SECRET_BYTES]; /* salts of users that do not exist */
};

/* The settings in force; give them back with conf_unref(). */
const struct sasl_conf *sasl_conf_get(struct sasl *s, struct conf **ret_hold);
void sasl_conf_put(struct conf **hold);

/* An enabled account by its login name. -E_AUTH_FAILED when there is none, or trouble. */
MUST_CHECK int sasl_account_find(struct sasl *s, struct arena *a, struct str name,
				 struct store_account *ret);
void sasl_identity_set(struct sasl_identity *id, const struct store_account *account,
		       struct str mechanism);
/*
 * 0 with the account in ret, -E_AUTH_FAILED, -E_BUSY or other trouble. Takes the same time
 * whether or not the account exists. Does not sleep. password is after SASLprep.
 */
MUST_CHECK int sasl_password_check(struct sasl *s, struct str user, struct str password,
				   struct str mechanism, struct sasl_identity *ret);

/* ---- exchange.c ---- */

/* What GNU SASL calls back; the exchange is the session's hook. */
int sasl_exchange_callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property);
/*
 * RFC 4422 A: a verified client certificate is the account that one of its rfc822Names names;
 * authzid chooses among several, or is empty. 0, -E_AUTH_FAILED, or trouble.
 */
MUST_CHECK int sasl_external_check(struct sasl *s, const struct conn_tls_info *info,
				   struct str authzid, struct sasl_identity *ret);

/* ---- credential.c ---- */

/* The longest client message of an exchange, decoded. */
#define SASL_MESSAGE_MAX 9216

/*
 * SASLprep (RFC 4013) of a name or password, NUL-terminated, in the arena. -E_SYNTAX: not allowed
 * or empty.
 */
MUST_CHECK int sasl_prep(struct arena *a, struct str s, struct str *ret);
/* Adds the SCRAM credentials of a password to creds; crypt stays what it is. */
MUST_CHECK int sasl_scram_credentials(struct arena *a, struct str password,
				      struct store_credential creds[2]);
