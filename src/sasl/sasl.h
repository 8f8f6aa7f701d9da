/* SPDX-License-Identifier: MIT */
/*
 * Who is logging in: SASL exchanges (RFC 4422) through GNU SASL, and checks of plain passwords.
 * Credentials are stored as a yescrypt hash and SCRAM keys. A right password that was checked
 * lately is known again by a keyed MAC (random key per process, minutes of life, bounded table,
 * dropped when the password changes), so the slow hash runs once. An unknown user costs the same
 * time as a wrong password. Failures are counted and throttled (throttle.c).
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "store/account.h"

struct conn;
struct net;
struct sasl;
struct sasl_exchange;
struct conf_live;

extern const struct conf_table sasl_conf_table; /* [auth] */
struct sasl_conf {
	struct conf_list mechanisms;    /* offered, in this order */
	bool has_plaintext_on_loopback; /* allow logins without TLS from loopback */
	int64_t cache_ttl_ms;
	int64_t failure_delay_ms;     /* before a refusal is answered */
	int64_t max_address_failures; /* 0: not throttled by address */
	int64_t max_account_failures; /* 0: not throttled by account */
	int64_t failure_memory_ms;
	int64_t max_wait_ms;
	int64_t known_memory_ms;
	struct conf_list throttle_exempt; /* networks */
	int64_t max_connections_per_account;
	/* access tokens (RFC 7628): on when there is an introspection URL or a file of keys */
	const char *oauth_introspection_url, *oauth_client_id, *oauth_client_secret_file;
	const char *oauth_ca_file; /* "": the system's */
	const char *oauth_jwks_file, *oauth_issuer, *oauth_domain, *oauth_configuration_url;
	struct conf_list oauth_audience, oauth_scope, oauth_algorithms;
	int oauth_claim;            /* enum sasl_claim */
	bool oauth_requires_at_jwt; /* RFC 9068 4 */
	int64_t oauth_leeway_ms, oauth_timeout_ms, oauth_cache_ttl_ms;
	int64_t oauth_max_waiting;
};

MUST_CHECK int sasl_open(struct store *s, struct conf_live *conf, struct sasl **ret,
			 struct fault *fault);
void sasl_close(struct sasl **s);

/*
 * May a login be tried on this connection now (TLS on, or loopback and so configured)? Else
 * LOGINDISABLED, 538, [PRIVACYREQUIRED].
 */
bool sasl_is_permitted(struct sasl *s, const struct conn *c);
/*
 * Adds the mechanism names usable on this connection, each with prefix before it ("AUTH=") and
 * sep between; nothing when not permitted.
 */
void sasl_mechanisms(struct sasl *s, const struct conn *c, const char *prefix_z, const char *sep_z,
		     struct buf *out);

struct sasl_identity {
	int64_t account;
	char name[320]; /* login name, NUL-terminated */
	char mechanism[32];
};

/* Why a login was refused, for the log; see SASL_F_REFUSAL(). */
struct sasl_refusal {
	/*
	 * With -E_AUTH_FAILED: unknown-user disabled no-password no-scram-keys wrong-password
	 * wrong-password-again wrong-proof malformed authorization-id certificate; with
	 * -E_THROTTLED: address network account pace. Else "".
	 */
	const char *reason;
	int64_t address_failures; /* counted for the peer's address lately, this one included */
	int64_t account_failures; /* the same for the login name */
	int64_t wait_s;           /* the address is refused for so long from now */
};
#define SASL_REFUSAL_INIT \
	{ \
		.reason = "" \
	}
#define SASL_F_REFUSAL(w) \
	F_Z("reason", (w)->reason), F_INT("address_failures", (w)->address_failures), \
		F_INT("account_failures", (w)->account_failures), F_INT("wait_s", (w)->wait_s)

/*
 * Begins an exchange. -E_CANNOT: unknown mechanism; -E_TLS: not permitted on this connection.
 * service_z: "imap" "pop" "smtp".
 */
MUST_CHECK int sasl_exchange_new(struct sasl *s, struct conn *c, const char *service_z,
				 struct str mechanism, struct sasl_exchange **ret);
void sasl_exchange_free(struct sasl_exchange *x); /* accepts NULL */
/* The name that the client has given so far, for the log; empty when none. Peer text. Valid until the next step. */
struct str sasl_exchange_user(const struct sasl_exchange *x);
/* The mechanism's name; valid with x. */
const char *sasl_exchange_mechanism_z(const struct sasl_exchange *x);

/*
 * One client message in base64 ("=" is the empty message; a NULL pointer slice says that the
 * client has sent nothing yet, "*" cancels). The answer to send, in base64, is written to out
 * (emptied first). 1: send out as a challenge and go on; 0: authenticated, ret is filled (a final
 * server message, as SCRAM has, is in out: where the protocol has no place for it send it as a
 * last challenge and take an empty answer); SASL_WAITS, see below; -E_AUTH_FAILED; -E_THROTTLED (try later, the password
 * was not looked at); -E_SYNTAX (bad base64 or cancelled); -E_BUSY/-E_IO trouble. After the first
 * two the connection is held for failure_delay (conn_hold()): answer, and return NET_PARK or
 * NET_CLOSE.
 */
MUST_CHECK int sasl_exchange_step(struct sasl_exchange *x, struct str client_b64, struct buf *out,
				  struct sasl_identity *ret);

/*
 * The answer comes later: somebody else is asked about an access token. Write nothing and return
 * NET_PARK; run with NET_WAKE, go on with sasl_exchange_resume(), which answers like the step, this
 * answer included. The connection awaits (conn_await()), so nothing else happens meanwhile.
 */
#define SASL_WAITS 2
MUST_CHECK int sasl_exchange_resume(struct sasl_exchange *x, struct buf *out,
				    struct sasl_identity *ret);
/* Did the last step answer SASL_WAITS? */
bool sasl_exchange_is_waiting(const struct sasl_exchange *x);

/* Why the last step refused. Valid with x. */
const struct sasl_refusal *sasl_exchange_refusal(const struct sasl_exchange *x);

/*
 * LOGIN, USER/PASS. 0, -E_AUTH_FAILED, -E_THROTTLED, -E_TLS, or trouble, with why. Holds the
 * connection like sasl_exchange_step().
 */
MUST_CHECK int sasl_login(struct sasl *s, struct conn *c, struct str user, struct str password,
			  struct sasl_identity *ret, struct sasl_refusal *why);

/*
 * One connection of an account, counted against [auth] max_connections_per_account. A session
 * takes a seat when the login is complete and gives it back when nobody is logged in any more; at
 * the latest when it closes. Any thread.
 */
struct sasl_seat {
	struct sasl *sasl; /* NULL: none is taken */
	int64_t account;
	uint64_t conn; /* conn_id() */
	struct sasl_seat *prev, *next; /* of the account; seat.c's */
};
/*
 * -E_LIMIT: the account has too many. -E_AUTH_FAILED: it has been disabled or removed since the password was looked at.
 * seat must be empty, and stays where it is in memory until it is given back.
 */
MUST_CHECK int sasl_seat_take(struct sasl *s, int64_t account, uint64_t conn, struct sasl_seat *seat);
/* Empties it; giving an empty one back does nothing. */
void sasl_seat_give(struct sasl_seat *seat);
/*
 * Cuts the connections of an account, those that are at work after a fifth of a second (net_hang_up(), net_cut()), and forgets its passwords: for one that may not log in any more, or that is to
 * log in again. Returns how many there were. A login that is under way either sees the account as it is in the
 * store now, or is cut. Any thread; it waits for so long.
 */
size_t sasl_disconnect(struct sasl *s, struct net *n, int64_t account);

/*
 * Makes the credentials of a password (SASLprep, RFC 4013): crypt (yescrypt), scram-sha-1,
 * scram-sha-256. creds must hold 3.
 */
MUST_CHECK int sasl_credentials_make(struct arena *a, struct str password,
				     struct store_credential creds[3], struct fault *fault);
/*
 * An imported hash such as "{SHA512-CRYPT}$6$..." as a credential; -E_SYNTAX with the reason when
 * the scheme is not known. SCRAM is then not possible until the next plain login, which adds the
 * keys.
 */
MUST_CHECK int sasl_credential_import(struct arena *a, struct str hash,
				      struct store_credential *ret, struct fault *fault);
/* Forgets what is cached about an account: after a password change or removal. */
void sasl_forget(struct sasl *s, int64_t account);

/* ---- access tokens ---- */

/* A set of public keys (RFC 7517 5). Counted; any thread. */
struct sasl_jwks;
/* -E_USAGE with what is wrong with it. */
MUST_CHECK int sasl_jwks_parse(struct str text, struct sasl_jwks **ret, struct fault *fault);
struct sasl_jwks *sasl_jwks_ref(struct sasl_jwks *k); /* accepts NULL */
void sasl_jwks_unref(struct sasl_jwks *k);            /* accepts NULL */
/* Takes over the keys (NULL: none), and forgets all tokens: at the start and when settings change. */
void sasl_oauth_configure(struct sasl *s, struct sasl_jwks *keys);
/*
 * Once: where the asker listens, see sasl/ask.h. fd is ours on success. wake: net_wake_cb() and its
 * ctx. Starts a thread.
 */
typedef void sasl_wake_fn(void *ctx, uint64_t conn_id);
MUST_CHECK int sasl_oauth_connect(struct sasl *s, int fd, sasl_wake_fn *wake, void *ctx,
				  struct fault *fault);

/* ---- for operators ---- */

/* Since the start, and now. */
struct sasl_counts {
	int64_t succeeded, failed, repeated, throttled;
	int64_t addresses_refused, accounts_attacked, logged_in;
};
void sasl_counts(struct sasl *s, struct sasl_counts *ret);

struct sasl_throttled {
	const char *scope_z; /* "address", "network" (IPv6 /48), "account" */
	struct str name;     /* long account names are cut */
	int64_t failures;
	bool is_limited; /* the address is refused; the account is under attack */
	int64_t wait_s;
};
/* All addresses and accounts with failures. -E_LIMIT: the arena is full. */
MUST_CHECK int sasl_throttled_list(struct sasl *s, struct arena *a, struct sasl_throttled **ret,
				   size_t *ret_n);
/* Forgets the failures of an address, network or account, named as in the list. -E_NOT_FOUND. */
MUST_CHECK int sasl_throttled_forget(struct sasl *s, struct str name);
