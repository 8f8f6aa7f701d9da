/* SPDX-License-Identifier: MIT */
/*
 * The client of a POP3 dialogue: greeting, CAPA, STLS, login, then UIDL, LIST, RETR, DELE, over a stream that is connected. Straight-line code that blocks, each
 * wait with a deadline; lines, lists and messages of strangers have bounds. RFC 1939, 2449, 2595, 5034, 6856, 8314. One thread at a time. Used by `martlet fetch` and
 * the connection doctor.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "net/stream.h"

struct pop3_client;

enum pop3_client_stage { POP3_CLIENT_GREETING, POP3_CLIENT_CAPS, POP3_CLIENT_TLS, POP3_CLIENT_AUTH, POP3_CLIENT_N_STAGES };

struct pop3_client_caps {
	bool is_told;              /* it knows CAPA (RFC 2449 5) */
	struct str all;            /* the lines as told, spaces between capabilities; control characters are replaced. Lives with the client, until they are told anew */
	struct str auth;           /* mechanisms of SASL, spaces between */
	bool has_user, has_uidl, has_top, has_stls, has_pipelining, has_resp_codes, has_utf8;
	int64_t expire_days;       /* of EXPIRE; INT64_MAX: NEVER; -1: not told */
	struct str implementation;
};

struct pop3_client_options {
	enum net_starttls starttls;
	struct net_stream_tls *tls;
	struct net_stream_tls_want want;
	struct str user, password; /* empty user: no login. Never sent without verified TLS, unless may_plain (APOP is no excuse: RFC 6151) */
	bool may_plain;
	const char *host_z;        /* for SASL */
	int64_t wait_ms;           /* for an answer; 0: two minutes */
	int64_t until_ms;          /* clock_mono_ms: nothing is waited for longer; 0: no such end */
	/* Each line of the dialogue, secrets masked, messages as their length; may be NULL. */
	void (*trace)(void *ctx, bool is_ours, struct str line);
	void *trace_ctx;
	/* Each stage once it is over: 0, or what pop3_client_open() returns, with the server's words; also one that has failed. May be NULL. */
	void (*over)(void *ctx, struct pop3_client *c, enum pop3_client_stage stage, int err, struct str text);
	void *over_ctx;
};

/*
 * Greeting to login: AUTH by what is offered (RFC 5034), else USER and PASS. The stream is the client's from here on, whatever comes back; strings of the options
 * are not needed afterwards. 0 with *ret. -E_TIMEOUT, -E_CLOSED, -E_IO; -E_TLS; -E_SYNTAX (it does not speak POP3); -E_DENIED (a refusal that is not of the login);
 * -E_AUTH_FAILED; -E_BUSY (RFC 2449 8.1.1 IN-USE, LOGIN-DELAY; RFC 3206 SYS/TEMP); -E_CANNOT (what the options demand is not offered): *ret is NULL, *ret_stage says where, fault why with
 * the server's words. What was learned before TLS is forgotten, and what was sent before it and not asked for ends the dialogue (RFC 2595 4).
 */
MUST_CHECK int pop3_client_open(struct net_stream *s, const struct pop3_client_options *o, struct pop3_client **ret, enum pop3_client_stage *ret_stage,
				struct fault *fault);
const struct pop3_client_caps *pop3_client_caps(const struct pop3_client *c);
struct net_stream *pop3_client_stream(struct pop3_client *c);
/* Words of the greeting, cleaned; live with the client. */
struct str pop3_client_greeting(const struct pop3_client *c);

struct pop3_client_message {
	uint32_t number;
	uint64_t size;             /* as told by LIST */
	struct str uidl;           /* RFC 1939 7; empty: not told */
};
/*
 * All messages (LIST and UIDL), at most LIMIT_POP3_CLIENT_MESSAGES; strings in the arena. 0; -E_CANNOT: it has no UIDL (*ret has the sizes); -E_LIMIT; negative as
 * the rest: -E_TIMEOUT, -E_CLOSED, -E_IO, -E_TLS, -E_SYNTAX: the connection is of no use any more.
 */
MUST_CHECK int pop3_client_list(struct pop3_client *c, struct arena *a, struct pop3_client_message **ret, size_t *ret_n, struct fault *fault);
/* Asks for a message (lines < 0: RETR; else TOP) and does not wait: with PIPELINING several may be under way, answered in their order. */
MUST_CHECK int pop3_client_ask(struct pop3_client *c, uint32_t number, int lines, struct fault *fault);
/*
 * The message that was asked for first, appended to out with CRLF, dots taken off; at most what out holds. 0; -E_NOT_FOUND: "-ERR", with its words; -E_TOO_BIG: the rest was read and dropped; else
 * as above.
 */
MUST_CHECK int pop3_client_take(struct pop3_client *c, struct buf *out, struct fault *fault);
/* Marks messages for deletion, pipelined where that is offered. Nothing is gone before pop3_client_quit() says so. -E_CANNOT: "-ERR" to one of them. */
MUST_CHECK int pop3_client_dele(struct pop3_client *c, const uint32_t *numbers, size_t n, struct fault *fault);
MUST_CHECK int pop3_client_noop(struct pop3_client *c, struct fault *fault);
/* QUIT, its answer, and close. 0: deletions are done; negative: not known, or -E_CANNOT: some are not (RFC 1939 6). *c is NULL afterwards. */
MUST_CHECK int pop3_client_quit(struct pop3_client **c, struct fault *fault);
/* Closes without QUIT: nothing is deleted. Accepts a pointer to NULL. */
void pop3_client_close(struct pop3_client **c);
