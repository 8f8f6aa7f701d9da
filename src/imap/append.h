/* SPDX-License-Identifier: MIT */
/*
 * The arguments of APPEND and REPLACE, understood piece by piece while they arrive (append.c). The
 * messages never stand in memory with the command: input.c asks imap_append_literal() about each
 * literal, and those that are a message go to session.spool, one behind the other. In the text of
 * the command nothing stands in their place.
 */
#pragma once

#include "imap/parse.h"

struct imap_session;
struct store_append;
struct store_mailbox;

/* One message to be added. */
struct imap_append_message {
	struct imap_flags flags;
	int64_t internaldate_s; /* 0: now */
	bool is_binary;         /* came as literal8: NUL is allowed (RFC 9051 4.3.1) */
	size_t off, n;          /* of its bytes in the spool */
};

/* In the command arena, with all that it points to; session.append. */
struct imap_append {
	size_t at;    /* the command is understood up to here */
	bool has_head;
	bool is_replace;
	uint32_t replaced; /* sequence number or UID; 0: "*" */
	struct str mailbox;
	struct imap_append_message *messages;
	size_t n, cap;
	uint64_t bytes; /* of all messages */
};

/*
 * For the handlers: the command is complete; are its arguments? 0, -E_SYNTAX, or another refusal.
 * Then session.append has one message at least.
 */
MUST_CHECK int imap_append_finish(struct imap_session *s);
/* The mailbox that they go to; [TRYCREATE] with -E_NOT_FOUND. */
MUST_CHECK int imap_append_target(struct imap_session *s, struct store_mailbox *ret);
/*
 * The rows to give to the store, one for each message; bytes are read from the spool, parsed, and
 * live as long as the command. -E_CANNOT: an empty message, which cancels all (RFC 3502).
 */
struct imap_append_rows {
	struct store_append *v;
	struct arena *arenas; /* of the parsed contents */
	size_t n;
};
MUST_CHECK int imap_append_rows(struct imap_session *s, int64_t mailbox,
				struct imap_append_rows *ret);
void imap_append_rows_fini(struct imap_append_rows *r);
