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
 *   throttle.c  what failures cost, and whom; throttle_list.c shows it
 *   attempt.c   who tries: address, account and guess as digests
 *   tally.c     how often lately, in fixed memory; known.c: who has logged in from where
 *   peer.c      addresses and networks
 *   seat.c      connections of each account
 *   oauth*.c    access tokens, see oauth.h
 */
#pragma once

#include <gsasl.h>

#include "base/limits.h"
#include "base/lock.h"
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
	SASL_MECH_BEARER = 16, /* access tokens: ours, not GNU SASL's */
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
 * Waits for its turn, while another worker may serve others (conn_stand_by()). 0, to be given back with
 * leave; -E_BUSY: too many wait.
 */
MUST_CHECK int sasl_gate_enter(struct sasl_gate *g, struct conn *c);
void sasl_gate_leave(struct sasl_gate *g);

/*
 * Has the password this hash? Inside the gate. hash_z NULL: a hash that nothing matches, at the
 * usual cost. Both are NUL-terminated.
 */
bool sasl_hash_matches(const char *password_z, const char *hash_z);
/* A new yescrypt hash. -E_SYNTAX: too long for crypt(3); -E_LIMIT; -E_IO. */
MUST_CHECK int sasl_hash_make(struct arena *a, const char *password_z, struct str *ret);
/* May the text be given to sasl_hash_matches()? */
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
	const char *sample_z; /* a value of that kind, of nobody */
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

/* ---- peer.c: addresses, and the networks that they are in ---- */

#define SASL_LABEL 64 /* how an operator reads an address or account, NUL-terminated, cut */

struct sasl_peer {
	uint8_t b[16]; /* IPv6, or IPv4-mapped */
	bool is_v4;
};
/* False when it is no IP address. */
bool sasl_peer_parse(struct str text, struct sasl_peer *ret);
/* "192.0.2.0/24", "2001:db8::/32", or an address; bits are those of IPv6, IPv4 adds 96. */
bool sasl_network_parse(struct str text, struct sasl_peer *ret, unsigned *ret_bits);
/* Zeroes all bits behind the first ones. */
void sasl_peer_cut(struct sasl_peer *p, unsigned bits);
bool sasl_peer_is_in(const struct sasl_peer *p, const struct conf_list *networks);
void sasl_peer_print(const struct sasl_peer *p, unsigned bits, char out[SASL_LABEL]);

/* ---- tally.c: how often lately. Callers have the lock ---- */

/* One event is forgotten each memory_ms / limit. */
struct sasl_rate {
	int64_t limit;
	int64_t memory_ms;
};
struct sasl_tally_entry {
	uint64_t key;     /* 0: free */
	int64_t end_ms;   /* the count has run out */
	int64_t until_ms; /* the caller's */
};
struct sasl_tally {
	size_t n;
	struct sasl_tally_entry *entries;
	char (*labels)[SASL_LABEL]; /* of each entry, behind them; NULL: none */
};
/* n: a multiple of 8. */
void sasl_tally_init(struct sasl_tally *t, size_t n, bool has_labels);
void sasl_tally_fini(struct sasl_tally *t);
/* NULL when nothing is counted for it; so for key 0. Valid while the lock is held. */
struct sasl_tally_entry *sasl_tally_find(const struct sasl_tally *t, uint64_t key, int64_t now_ms);
/* The same, but makes an empty one in another's place. */
struct sasl_tally_entry *sasl_tally_take(struct sasl_tally *t, uint64_t key, const char *label_z,
					 int64_t now_ms);
/* 0 for NULL. */
int64_t sasl_tally_count(const struct sasl_tally_entry *e, struct sasl_rate r, int64_t now_ms);
/* by may be negative. The count stays between 0 and twice the limit. */
void sasl_tally_add(struct sasl_tally_entry *e, struct sasl_rate r, int64_t by, int64_t now_ms);

/* ---- known.c: where accounts have logged in from. Callers have the lock ---- */

struct sasl_known_entry {
	uint64_t account, pair; /* keys */
	int64_t end_ms;
	int64_t pace_ms; /* each wrong password since moves it */
};
struct sasl_known {
	struct sasl_known_entry *entries;
};
void sasl_known_init(struct sasl_known *k);
void sasl_known_fini(struct sasl_known *k);
/* NULL when the account has not logged in from there lately. */
struct sasl_known_entry *sasl_known_find(const struct sasl_known *k, uint64_t account,
					 uint64_t pair, int64_t now_ms);
void sasl_known_add(struct sasl_known *k, uint64_t account, uint64_t pair, int64_t now_ms,
		    int64_t end_ms);

/* ---- attempt.c, throttle.c, throttle_list.c ---- */

/* What failures are counted by. The first SASL_N_LABELS are listed for operators. */
enum sasl_scope { SASL_ADDRESS, SASL_NETWORK, SASL_ACCOUNT, SASL_PAIR, SASL_GUESS, SASL_N_SCOPES };
#define SASL_N_LABELS 3

struct sasl_throttle {
	struct lock lock;
	uint8_t key[32];
	struct sasl_tally tallies[SASL_N_SCOPES];
	struct sasl_known known;
	struct sasl_counts n;
};
struct sasl_throttle *sasl_throttle_new(void);
void sasl_throttle_free(struct sasl_throttle *t); /* accepts NULL */

/* One try to log in. */
struct sasl_attempt {
	bool is_exempt;               /* not counted */
	bool has_turn;                /* the account is under attack, and this try may go on */
	uint64_t keys[SASL_N_SCOPES]; /* 0: does not count there */
	char labels[SASL_N_LABELS][SASL_LABEL];
};
/* peer as conn_peer() has it; account: the login name, empty when it is not known. */
void sasl_attempt_make(const struct sasl_throttle *t, const struct sasl_conf *set, struct str peer,
		       struct str account, struct sasl_attempt *ret);
/* Adds the password that is tried; hash: what is stored, empty when nothing is. */
void sasl_attempt_guess(const struct sasl_throttle *t, struct sasl_attempt *at, struct str hash,
			struct str password);

/*
 * The rules are at the head of throttle.c. Any thread; none blocks. now_ms: clock_mono_ms(). why
 * gets the counts, and from allow() the reason, when the answer is no.
 */
bool sasl_throttle_allow(struct sasl_throttle *t, const struct sasl_conf *set,
			 struct sasl_attempt *at, int64_t now_ms, struct sasl_refusal *why);
/* Is it known to be wrong already? Then there is nothing to check. */
bool sasl_throttle_was_tried(struct sasl_throttle *t, const struct sasl_attempt *at,
			     int64_t now_ms);
void sasl_throttle_failed(struct sasl_throttle *t, const struct sasl_conf *set,
			  const struct sasl_attempt *at, int64_t now_ms, struct sasl_refusal *why);
void sasl_throttle_succeeded(struct sasl_throttle *t, const struct sasl_conf *set,
			     const struct sasl_attempt *at, int64_t now_ms);
struct sasl_rate sasl_throttle_rate(const struct sasl_conf *set, enum sasl_scope scope);

/* ---- seat.c ---- */

struct sasl_seats;
struct sasl_seats *sasl_seats_new(void);
void sasl_seats_free(struct sasl_seats *s); /* accepts NULL; all must have been given back */
int64_t sasl_seats_count(struct sasl_seats *s);

/* ---- login.c ---- */

struct sasl {
	struct store *store;
	struct conf_live *conf;
	Gsasl *gsasl;
	struct sasl_gate *gate;
	struct sasl_cache *cache;
	struct sasl_throttle *throttle;
	struct sasl_seats *seats;
	struct sasl_ask *ask;
	struct sasl_seen *seen;
	struct lock keys_lock;
	struct sasl_jwks *keys; /* for JWTs; NULL: none */
	uint8_t fake_key[STORE_SECRET_BYTES]; /* salts of users that do not exist */
};

/* A reference, or NULL. */
struct sasl_jwks *sasl_oauth_keys(struct sasl *s);
/* The settings in force; give them back with conf_unref(). */
const struct sasl_conf *sasl_conf_get(struct sasl *s, struct conf **ret_hold);
void sasl_conf_put(struct conf **hold);

/*
 * An enabled account by its login name. -E_AUTH_FAILED when there is none (ret->id stays 0) or it
 * is disabled, or trouble.
 */
MUST_CHECK int sasl_account_find(struct sasl *s, struct arena *a, struct str name,
				 struct store_account *ret);
void sasl_identity_set(struct sasl_identity *id, const struct store_account *account,
		       struct str mechanism);
/* A name and a password, after SASLprep (an empty name: it did not pass), and where they come from. */
struct sasl_login {
	struct conn *conn; /* NULL: the thread that waits is nobody's */
	struct str peer, user, password, mechanism;
};
/*
 * 0 with the account in ret, -E_AUTH_FAILED, -E_THROTTLED, -E_BUSY or other trouble, with why.
 * Takes the same time whether or not the account exists, and counts the outcome.
 */
MUST_CHECK int sasl_password_check(struct sasl *s, const struct sasl_login *login,
				   struct sasl_identity *ret, struct sasl_refusal *why);
/*
 * Holds the connection of a refused login (rc) that began at start_ms until failure_delay has
 * passed since, or the next whole number of it: how long the check took does not show.
 */
void sasl_hold(struct sasl *s, struct conn *c, int rc, int64_t start_ms);

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
#define SASL_MESSAGE_MAX LIMIT_OAUTH_TOKEN

/*
 * SASLprep (RFC 4013) of a name or password, NUL-terminated, in the arena. -E_SYNTAX: not allowed
 * or empty.
 */
MUST_CHECK int sasl_prep(struct arena *a, struct str s, struct str *ret);
/* Adds the SCRAM credentials of a password to creds; crypt stays what it is. */
MUST_CHECK int sasl_scram_credentials(struct arena *a, struct str password,
				      struct store_credential creds[2]);
