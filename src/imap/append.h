/* SPDX-License-Identifier: MIT */
/*
 * The arguments of APPEND and REPLACE, understood piece by piece while they arrive (append.c), and
 * the messages that they make (append_rows.c). The bytes never stand in memory with the command:
 * input.c asks imap_append_literal() about each literal, and those that are of a message go to
 * session.spool, one behind the other. In the text of the command nothing stands in their place.
 */
#pragma once

#include "imap/note.h"
#include "imap/parse.h"

struct imap_session;
struct spool;
struct store_append;
struct store_mailbox;

/* What a message is taken away with: REPLACE (RFC 8508 4.1), MOVE (RFC 6851 4.2). */
#define IMAP_RIGHTS_TAKE ((unsigned)(STORE_R_TRASH | STORE_R_EXPUNGE))

/* A literal, or what a URL names (RFC 4469). */
struct imap_append_part {
	struct str url;  /* p == NULL: a literal */
	bool is_binary;  /* literal8: NUL is allowed (RFC 9051 4.3.1) */
	size_t off, n;   /* of the literal in the spool */
};

/* One message to be added. */
struct imap_append_message {
	struct imap_flags flags;
	int64_t internaldate_s; /* 0: now */
	struct imap_note_list notes; /* RFC 5257 4.7 */
	struct imap_append_part *parts;
	size_t n_parts, cap;
	uint64_t bytes; /* of its literals */
};

/* In the command arena, with all that it points to; session.append. */
struct imap_append {
	size_t at; /* the command is understood up to here */
	unsigned n_tries; /* how often the message behind it was not understood yet */
	bool has_head;
	bool is_replace;
	bool is_inside;  /* between the parentheses of a CATENATE */
	bool is_utf8;    /* in the parentheses of UTF8 */
	bool is_literal; /* the last step ended with a literal */
	uint32_t replaced; /* sequence number or UID; 0: "*" */
	struct str mailbox, given; /* as the store knows it; as it was written */
	struct imap_append_message *messages;
	size_t n, cap;
	size_t max;      /* of n */
	bool is_full;    /* there was one more than that */
	size_t n_parts; /* of all messages */
	uint64_t bytes; /* of all literals */
	uint64_t room;  /* what the quota leaves for them, as it was at the first one */
	uint64_t header_bytes; /* looked through for the fields that URLs name */
};

/*
 * For the handlers: the command is complete; are its arguments? 0, -E_SYNTAX, or another refusal.
 * Then session.append has one message at least.
 */
MUST_CHECK int imap_append_finish(struct imap_session *s);
/* The mailbox that they go to, with the rights that all messages so far need; [TRYCREATE] with -E_NOT_FOUND. */
MUST_CHECK int imap_append_target(struct imap_session *s, struct store_mailbox *ret);
/* What all messages of a command may have together. */
uint64_t imap_append_bytes_max(const struct imap_session *s);

/*
 * The rows to give to the store, one for each message, in order: put together, parsed, valid until
 * imap_append_rows_fini(). -E_CANNOT: an empty message, which cancels all (RFC 3502), or a URL that
 * names nothing [BADURL]; -E_SYNTAX: NUL; -E_TOO_BIG; -E_LIMIT.
 */
struct imap_append_rows {
	struct store_append *v;
	struct arena *arenas; /* of the parsed contents */
	size_t n;
	struct spool *spool;  /* messages that were put together from parts */
};
MUST_CHECK int imap_append_rows(struct imap_session *s, int64_t mailbox,
				struct imap_append_rows *ret);
void imap_append_rows_fini(struct imap_append_rows *r);
