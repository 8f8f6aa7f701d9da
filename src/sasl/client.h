/* SPDX-License-Identifier: MIT */
/*
 * Logging in somewhere else: the client's half of a SASL exchange (RFC 4422), whatever protocol carries it. SMTP, IMAP and POP3 clients put
 * its messages into their own commands. By GNU SASL. One thread at a time.
 *
 * With SCRAM the server says how often we hash the password: more than LIMIT_SASL_CLIENT_ROUNDS is an attack on our time. It has to prove that it knows
 * the password too (RFC 5802 3): a success without that is none.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "net/stream.h"

struct sasl_client;

struct sasl_client_options {
	struct str offered;       /* mechanisms as the server named them, spaces between, without "AUTH=" */
	struct str user, password;
	const char *service_z;    /* "smtp", "imap", "pop" */
	const char *host_z;
	const struct net_stream *stream; /* for channel binding (RFC 9266); NULL: none */
};

/*
 * The best mechanism that is offered and known here: SCRAM-SHA-256-PLUS, SCRAM-SHA-256, SCRAM-SHA-1-PLUS, SCRAM-SHA-1, PLAIN, LOGIN. Strings are copied, and
 * wiped at the end. 0; -E_CANNOT: none of them is offered. Whether a password may go over this connection at all is the caller's to know.
 */
MUST_CHECK int sasl_client_open(const struct sasl_client_options *o, struct sasl_client **ret, struct fault *fault);
void sasl_client_close(struct sasl_client **c); /* accepts a pointer to NULL */
const char *sasl_client_mechanism_z(const struct sasl_client *c);
bool sasl_client_has_initial(const struct sasl_client *c); /* the client speaks first */
/*
 * Our next message, in base64 without padding tricks, replaces what is in out; theirs: the server's in base64, empty for the first of ours. 1: more is to come; 0: that was
 * our last; -E_DENIED: the server is not who it should be, or asks too much; -E_SYNTAX: what it says is no message of this mechanism; -E_CANNOT: we have no first message
 * for this name and password. After an error the exchange is to be cancelled.
 */
MUST_CHECK int sasl_client_step(struct sasl_client *c, struct str theirs, struct buf *out, struct fault *fault);
/* The server said yes: is that to be believed? */
bool sasl_client_is_proven(const struct sasl_client *c);
/* The server said no: goes on with the next mechanism that is worth trying (accounts without SCRAM keys are common). False: there is none. */
bool sasl_client_next(struct sasl_client *c);
