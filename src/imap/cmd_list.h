/* SPDX-License-Identifier: MIT */
/*
 * What LIST shares with STATUS (items) and with GETMETADATA (annotations). What it shares with
 * commands outside of this room: list.h.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "imap/list.h"

struct buf;
struct imap_parse;
struct imap_session;
struct store_mailbox;

/* Which annotations are wanted (cmd_metadata.c). */
struct imap_metadata {
	struct str *entries; /* canonical */
	size_t n, cap;
	uint64_t max_bytes;  /* of a value */
	enum { IMAP_DEPTH_0, IMAP_DEPTH_1, IMAP_DEPTH_INFINITY } depth;
};
#define IMAP_METADATA_ENTRIES 100 /* of one command */
/* "(" entry *(SP entry) ")". 1/0 like parse.h, -E_LIMIT. */
int imap_metadata_parse(struct imap_parse *p, struct imap_metadata *ret);
/*
 * "* METADATA name (...)" of a mailbox, or of the server (NULL). *longest: the size of the largest
 * value beyond max_bytes, if it is larger. 0 or negative.
 */
MUST_CHECK int imap_metadata_show(struct imap_session *s, const struct store_mailbox *box,
				  const struct imap_metadata *q, uint64_t *longest);

enum imap_status_item {
	IMAP_STATUS_MESSAGES = 1,
	IMAP_STATUS_UIDNEXT = 2,
	IMAP_STATUS_UIDVALIDITY = 4,
	IMAP_STATUS_UNSEEN = 8,
	IMAP_STATUS_DELETED = 16,
	IMAP_STATUS_SIZE = 32,
	IMAP_STATUS_RECENT = 64,
	IMAP_STATUS_HIGHESTMODSEQ = 128, /* asking for it enables CONDSTORE: the command's affair */
	IMAP_STATUS_APPENDLIMIT = 256,
	IMAP_STATUS_MAILBOXID = 512,
	IMAP_STATUS_DELETED_STORAGE = 1024,
};
/* "(" status-att *(SP status-att) ")" as bits. 1/0 like parse.h (cmd_status.c). */
int imap_status_parse(struct imap_parse *p, unsigned *ret_items);
/*
 * "* LIST (...) "/" name" as an event (RFC 5465 5.4, 5.5); box->id 0: it does not exist. old_name:
 * it was renamed; empty: it was not. has_no_access: NOTIFY may not watch it (cmd_list.c).
 */
void imap_list_tell(struct imap_session *s, const struct store_mailbox *box, struct str old_name,
		    bool has_no_access);
/* "* LIST (attrs) "/" name" of a mailbox that a command names, with OLDNAME when it wrote it otherwise (RFC 9051 6.3.9.7; cmd_list.c). */
void imap_list_given(struct imap_session *s, struct str attrs, struct str name, struct str given);
/*
 * "* METADATA name entry entry" (RFC 5464 4.4.2), of the server (NULL) or a mailbox. Each entry is
 * followed by a line feed (cmd_metadata.c).
 */
void imap_metadata_tell(struct imap_session *s, const struct store_mailbox *box, struct str entries);
/* "* STATUS name (...)" of an existing mailbox. 0 or negative. */
MUST_CHECK int imap_status_show(struct imap_session *s, const struct store_mailbox *box,
				unsigned items);
