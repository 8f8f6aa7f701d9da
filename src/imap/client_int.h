/* SPDX-License-Identifier: MIT */
/* What the files of imap_client share. */
#pragma once

#include "base/buf.h"
#include "imap/client.h"

#define IMAP_CLIENT_UNDER_WAY 64 /* commands whose end has not come */

/* How far a response has been looked at that is not there as a whole: nothing is looked at twice. */
struct imap_client_scan {
	size_t at;       /* the beginning of the line at hand, behind what has been seen */
	size_t looked;   /* of that line */
	size_t in_lines; /* bytes that are not in literals */
};

struct imap_client {
	struct net_stream *s;
	struct imap_client_options o; /* without user and password once it is open */
	struct imap_client_caps caps;
	struct arena caps_arena;
	unsigned n_caps_told;
	struct buf in;
	size_t used;                  /* of in: responses that were given */
	struct imap_client_scan scan;
	struct arena arena;           /* of the response that was given last */
	unsigned tag;                 /* given last */
	unsigned under_way[IMAP_CLIENT_UNDER_WAY];
	size_t n_under_way;
	uint64_t n_responses, max_responses; /* since we have said something */
	int lost;                     /* negative: nothing more may be said */
	bool is_bye, is_preauth;
	bool hides_challenges;        /* in the trace: while we log in */
	struct buf greeting, words;   /* cleaned; words: of the status that came last */
};

/* ---- client_resp.c ---- */

/* As imap_client_response(), going on where it stopped: in begins at the same byte each time. */
MUST_CHECK int imap_client_scan(struct imap_client_scan *s, struct str in, uint64_t max_literal, size_t *ret_n);

/* ---- client_caps.c ---- */

/* Of a CAPABILITY response or code, without that word; strings in the arena. */
void imap_client_caps_parse(struct str text, struct arena *a, struct imap_client_caps *ret);

/* ---- client.c ---- */

/* text_clean(), on one line. */
void imap_client_clean(struct buf *out, struct str s);
/* The connection is of no use any more. Returns code. */
int imap_client_lose(struct imap_client *c, int code, struct fault *fault, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* "the server says ..." with the words of the status that came last. Returns code. */
int imap_client_says(struct imap_client *c, int code, struct fault *fault);
/* Writes bytes, traced as what_z. They go with the next flush. */
void imap_client_write(struct imap_client *c, struct str bytes, const char *what_z);
MUST_CHECK int imap_client_flush(struct imap_client *c, struct fault *fault);
/* As imap_client_send(), traced as what_z, or as it is when that is NULL. */
MUST_CHECK int imap_client_command(struct imap_client *c, struct str command, const char *what_z, unsigned *ret_tag, struct fault *fault);
/* The next that is the end of a command, or a continuation. */
MUST_CHECK int imap_client_turn(struct imap_client *c, struct imap_client_reply *ret, struct fault *fault);

/* ---- client_auth.c ---- */

/* 0; -E_AUTH_FAILED: the server says no; -E_BUSY: it has no time for us now; -E_DENIED: it does not prove who it is; -E_CANNOT: no way is offered; or as imap_client_next(). */
MUST_CHECK int imap_client_auth(struct imap_client *c, struct fault *fault);
