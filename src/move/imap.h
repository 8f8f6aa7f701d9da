/* SPDX-License-Identifier: MIT */
/*
 * IMAP as a client, inside move: what a server answers (imap_resp.c, cursors), a connection (imap_conn.c), the walk (imap_source.c).
 * Everything that comes from the server has a limit: LIMIT_MOVE_LINE for a response without its literals, LIMIT_IMPORT_MESSAGE for
 * those.
 */
#pragma once

#include "base/arena.h"
#include "imap/parse.h"
#include "move/move.h"

/* ---- responses ---- */

/* How long the response at the beginning of in is, with its literals and its CRLF: 1; 0: more is needed; -E_LIMIT. */
MUST_CHECK int move_imap_response(struct str in, size_t *ret_n);

enum move_imap_kind {
	MOVE_IMAP_OTHER,
	MOVE_IMAP_CONTINUE,   /* "+ " */
	MOVE_IMAP_TAGGED,     /* with status, as what follows */
	MOVE_IMAP_UNTAGGED,   /* "* OK", "* NO", "* BAD" */
	MOVE_IMAP_GREETING_AUTH, /* "* PREAUTH" */
	MOVE_IMAP_BYE,
	MOVE_IMAP_CAPABILITY,
	MOVE_IMAP_EXISTS,
	MOVE_IMAP_EXPUNGE,
	MOVE_IMAP_FETCH,
	MOVE_IMAP_LIST,       /* and LSUB */
};

/* Slices of the response or in the arena. */
struct move_imap_reply {
	enum move_imap_kind kind;
	struct str tag;
	bool is_ok, is_bad;     /* else NO */
	struct str text;        /* of a status, with its code; of CAPABILITY */
	uint32_t uidvalidity, uidnext; /* of a response code; 0: none */
	uint32_t number;        /* EXISTS, EXPUNGE, FETCH */
	/* FETCH */
	uint32_t uid;
	uint64_t size;
	bool has_flags, has_body;
	struct imap_flags flags;
	int64_t date_s;
	struct str body;
	/* LIST */
	bool is_lsub, is_noselect;
	char delimiter;         /* 0: none */
	struct str name;        /* as the server writes it */
};
/* One response as above. 1; -E_SYNTAX: it is not what it begins to be; -E_LIMIT. */
MUST_CHECK int move_imap_parse(struct arena *a, struct str response, struct move_imap_reply *ret);

/* ---- a connection ---- */

struct move_imap_options {
	struct str host, user;
	uint16_t port;
	bool is_tls;            /* from the first byte; else STARTTLS */
	bool is_insecure;       /* a certificate that does not verify, or no TLS, is taken */
	const char *ca_file_z;  /* NULL: those of the system */
	struct str password;
};
/* "imaps://user%40example.org@host:993/" or "imap://...": 1 or 0; user and host in the arena. */
int move_imap_url(struct arena *a, struct str url, struct move_imap_options *ret);

struct move_imap;
MUST_CHECK int move_imap_open(const struct move_imap_options *o, struct move_imap **ret, struct fault *fault);
void move_imap_close(struct move_imap **c); /* accepts a pointer to NULL */
/* Sends a command without its tag. */
MUST_CHECK int move_imap_send(struct move_imap *c, struct str command, struct fault *fault);
/*
 * The next response; valid until the next call. Its end: MOVE_IMAP_TAGGED, which is of the command sent last; of an earlier one it is
 * MOVE_IMAP_OTHER. -E_CLOSED, -E_TIMEOUT, ...
 */
MUST_CHECK int move_imap_next(struct move_imap *c, struct move_imap_reply *ret, struct fault *fault);
/* Sends it and takes what comes to its end. -E_CANNOT with the server's words: NO or BAD. */
MUST_CHECK int move_imap_ask(struct move_imap *c, struct str command, struct fault *fault);

/* ---- the walk ---- */

/* All mailboxes of the account. A connection that breaks is made again. */
MUST_CHECK int move_imap(const struct move_imap_options *o, const struct move_sink *sink, struct fault *fault);
