/* SPDX-License-Identifier: MIT */
/* What the files of smtp_client share. */
#pragma once

#include "base/buf.h"
#include "smtp/client.h"

#define SMTP_CLIENT_DOMAINS (32u << 10) /* their bytes; one that does not fit is one too many */

struct smtp_client {
	struct net_stream *s;
	struct smtp_client_options o; /* without user and password once it is open */
	struct smtp_client_caps caps;
	struct arena arena;           /* strings of caps */
	int code;                     /* of the reply that was read last */
	struct buf text;              /* its lines without codes, joined by LF */
	int lost;                     /* negative: nothing more may be said */
	char why[320];                /* with lost, or declined: in our words; "": the server said 421 */
	bool hides_challenges;        /* in the trace: while we log in */
	bool needs_rset;              /* the server may be in a transaction */
	uint64_t n_mails;             /* transactions that were begun */
	size_t max_rcpts;             /* of one, as it turned out; 0: not known */
	struct buf domains;           /* of recipients that were named, where it takes a number of them only (RFC 9422 4.3): each with LF */
	uint64_t n_domains;
	bool is_used_up;              /* those that were left are of other domains */
};

/* ---- client_reply.c ---- */

/* RFC 5321 4.2: "250-text", "250 text", "250". False: it is none. */
bool smtp_client_reply_line(struct str line, int *ret_code, bool *ret_is_last, struct str *ret_text);
/*
 * Reads the next reply into c->code and c->text. 0; negative, and in c->lost: the connection, or what is no reply. 421 sets c->lost
 * too, and is 0.
 */
MUST_CHECK int smtp_client_reply_read(struct smtp_client *c, int64_t ms);
/* That reply for others to see. */
struct smtp_client_reply smtp_client_reply_keep(const struct smtp_client *c, struct arena *a);
/* One of ours, code 0; the text is cleaned too. */
struct smtp_client_reply smtp_client_reply_own(struct arena *a, const char *enhanced_z, const char *text_z);
/* The connection is of no use any more. Returns code. */
int smtp_client_lose(struct smtp_client *c, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* We do not go on, and the dialogue is in step: there will be a QUIT. Returns -E_CANNOT. */
int smtp_client_decline(struct smtp_client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- client.c ---- */

/* Now and ms more, not after the end of all (until_ms). */
int64_t smtp_client_deadline(const struct smtp_client *c, int64_t ms);
/* Writes a line (without CRLF), traced as what_z or, when that is NULL, as it is. It goes with the next flush. */
void smtp_client_put(struct smtp_client *c, struct str line, const char *traced_z);
/* Sends what was written; also -E_CLOSED is 0, for the last words of the server can still be read. */
MUST_CHECK int smtp_client_flush(struct smtp_client *c, int64_t ms);
/* One command and its reply. */
MUST_CHECK int smtp_client_ask(struct smtp_client *c, struct str line, int64_t ms);
/* -E_DENIED for a reply of 4xx or 5xx, -E_SYNTAX for one that is no answer here. */
MUST_CHECK int smtp_client_refused(struct smtp_client *c, const char *to_what_z);

/* ---- client_caps.c ---- */

/* Of the text of an EHLO reply; strings in the arena. */
void smtp_client_caps_parse(struct str text, struct arena *a, struct smtp_client_caps *ret);

/* ---- client_auth.c ---- */

/* RFC 4954. 0, -E_DENIED, -E_CANNOT, or the connection's end; *ret_own is set when we refuse. */
MUST_CHECK int smtp_client_auth(struct smtp_client *c, struct arena *a, struct smtp_client_reply *ret_own);

/* ---- client_body.c ---- */

struct smtp_client_lines {
	size_t n_dots;        /* lines that begin with one */
	bool is_bare;         /* a CR or LF stands alone: no text for DATA */
	bool is_ended;        /* with CRLF, or empty */
};
void smtp_client_lines(struct str bytes, struct smtp_client_lines *ret);
/* Writes a message for DATA, without the end; RFC 5321 4.5.2. Errors come with the next flush. */
void smtp_client_put_data(struct smtp_client *c, struct str bytes, const struct smtp_client_lines *lines);
/* As it is. */
void smtp_client_put_chunk(struct smtp_client *c, struct str bytes);
