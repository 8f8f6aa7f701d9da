/* SPDX-License-Identifier: MIT */
/*
 * Who is logging in: SASL exchanges (RFC 4422) through GNU SASL, and checks of plain passwords.
 * Credentials are stored as a yescrypt hash and SCRAM keys. A right password that was checked
 * lately is known again by a keyed MAC (random key per process, minutes of life, bounded table,
 * dropped when the password changes), so the slow hash runs once. An unknown user costs the same
 * time as a wrong password.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "store/account.h"

struct conn;
struct sasl;
struct sasl_exchange;
struct conf_live;

extern const struct conf_table sasl_conf_table; /* [auth] */
struct sasl_conf {
	struct conf_list mechanisms;    /* offered, in this order */
	bool has_plaintext_on_loopback; /* allow logins without TLS from loopback */
	int64_t cache_ttl_ms;
	int64_t failure_delay_ms; /* before a refusal is answered */
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

/*
 * Begins an exchange. -E_CANNOT: unknown mechanism; -E_TLS: not permitted on this connection.
 * service_z: "imap" "pop" "smtp".
 */
MUST_CHECK int sasl_exchange_new(struct sasl *s, const struct conn *c, const char *service_z,
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
 * last challenge and take an empty answer); -E_AUTH_FAILED; -E_SYNTAX (bad base64 or cancelled);
 * -E_BUSY/-E_IO trouble. May sleep failure_delay_ms before a failure.
 */
MUST_CHECK int sasl_exchange_step(struct sasl_exchange *x, struct str client_b64, struct buf *out,
				  struct sasl_identity *ret);

/* LOGIN, USER/PASS. 0, -E_AUTH_FAILED, -E_TLS, or trouble. */
MUST_CHECK int sasl_login(struct sasl *s, const struct conn *c, const char *service_z,
			  struct str user, struct str password, struct sasl_identity *ret);

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
