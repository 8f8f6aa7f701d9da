/* SPDX-License-Identifier: MIT */
/* What the files of pop3_client share. */
#pragma once

#include "pop3/client.h"

struct pop3_client {
	struct net_stream *s;
	struct pop3_client_options o; /* without user and password once it is open */
	struct pop3_client_caps caps;
	struct arena arena;           /* strings of caps */
	struct buf greeting;
	struct buf in;                /* what was read; used: what of it is taken */
	size_t used;
	int64_t begun_ms;             /* the answer that is read, and how many bytes of it came: see pop3_client_begin() */
	uint64_t received;
	bool is_ok, is_challenge;     /* the status of the last answer; "+ " (RFC 5034 4) */
	struct buf text;              /* its words, cleaned if it is no challenge */
	struct buf code;              /* RFC 2449 8: what stands in brackets at their beginning, or empty */
	size_t n_asked;               /* messages under way */
	int lost;                     /* negative: nothing more may be said */
	bool hides;                   /* in the trace: while we log in */
};

/* ---- client_reply.c ---- */

/* The connection is of no use any more: sets c->lost and returns code. */
int pop3_client_lose(struct pop3_client *c, struct fault *fault, int code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* An answer begins: from now on it has wait_ms, and a second more for each 100 bytes that come. */
void pop3_client_begin(struct pop3_client *c);
/* What was read and not taken; more of it with pop3_client_fill(), which waits. */
struct str pop3_client_unread(const struct pop3_client *c);
void pop3_client_skip(struct pop3_client *c, size_t n);
MUST_CHECK int pop3_client_fill(struct pop3_client *c, struct fault *fault);
/* The next line without its end; valid until the next is read. */
MUST_CHECK int pop3_client_line(struct pop3_client *c, struct str *ret, struct fault *fault);
/* A line of an answer of several, without the dot that was put before it. 1; 0: it was the end. */
MUST_CHECK int pop3_client_more(struct pop3_client *c, struct str *ret, struct fault *fault);
/* The status line of the next answer into is_ok, text, code. 0, whatever it says; negative: lost. */
MUST_CHECK int pop3_client_status(struct pop3_client *c, struct fault *fault);
/* What "-ERR" means where nothing special is meant by it: code, or -E_BUSY (RFC 2449 8.1.1, RFC 3206 4). */
int pop3_client_refused(struct pop3_client *c, struct fault *fault, int code, const char *what_z);

/* ---- client.c ---- */

int64_t pop3_client_deadline(const struct pop3_client *c);
/* Writes a line (without CRLF), traced as traced_z or, when that is NULL, as it is. It goes with the next flush. */
void pop3_client_put(struct pop3_client *c, struct str line, const char *traced_z);
MUST_CHECK int pop3_client_flush(struct pop3_client *c, struct fault *fault);
/* One command and its status. */
MUST_CHECK int pop3_client_say(struct pop3_client *c, struct str line, const char *traced_z, struct fault *fault);

/* ---- client_caps.c ---- */

/* RFC 2449 5. A server that does not know it has the capabilities of its day. */
MUST_CHECK int pop3_client_ask_caps(struct pop3_client *c, struct fault *fault);

/* ---- client_auth.c ---- */

/* 0, -E_AUTH_FAILED, -E_BUSY, -E_CANNOT, or the connection's end. */
MUST_CHECK int pop3_client_auth(struct pop3_client *c, struct fault *fault);
