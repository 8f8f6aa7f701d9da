/* SPDX-License-Identifier: MIT */
/*
 * Messages: contents (stored once, shared by copies), delivery and APPEND, flags, COPY and MOVE, EXPUNGE. UIDs only grow;
 * every change takes the next modseq of the account and gives it to the messages that it changed.
 */
#pragma once

#include "base/arena.h"
#include "base/uidset.h"
#include "store/store.h"
#include "store/view.h"

struct store_note;

/* ---- contents ---- */

struct store_keys;
/* A parsed message ready to be stored; made outside the transaction. Slices in the arena. */
struct store_content_new {
	struct str bytes;         /* the whole message as it will be served, CRLF */
	struct str envelope;      /* mime_envelope_print() */
	struct str structure;     /* mime_bodystructure_print() */
	struct str map;           /* mime_map_write() */
	struct str preview;       /* mime_preview() */
	uint64_t header_n;
	int64_t sent_s;           /* INT64_MIN: no usable Date */
	struct str message_id;
	struct str base_subject;
	struct store_keys *keys;  /* what SORT and THREAD compare (sort.h) */
	int64_t *thread_keys;     /* hashes of Message-ID and References, own first */
	size_t n_thread_keys;
};
/*
 * bytes must live as long as *ret. A message that cannot be parsed within LIMIT_MIME_ARENA gets the texts of one that is a single
 * text part, so that it can be stored and read all the same. -E_LIMIT only when the arena cannot hold even those (a few KB).
 */
MUST_CHECK int store_content_prepare(struct arena *a, struct str bytes, struct store_content_new *ret);

/* Inside db_write(): the row for a body that the same job stored. */
MUST_CHECK int store_tx_content_add(struct db_tx *tx, const struct store_content_new *c, const struct blob_ref *ref, int64_t *ret_content);

/*
 * References count the rows that name a content (messages, queue). store_tx_content_add() makes it with one: whoever keeps another row
 * adds 1, whoever drops one adds -1. At 0 the content stays readable for store.expunge_grace, then housekeeping removes it.
 */
MUST_CHECK int store_tx_content_ref(struct db_tx *tx, int64_t content, int64_t by);

/* What FETCH needs of a stored content. */
struct store_content {
	int64_t id;
	struct blob_ref ref;
	uint64_t size;
	uint64_t header_n;
	int64_t sent_s;
	struct str envelope, structure, map;
	struct str preview;       /* p == NULL: was never made, see store_content_preview() */
};
enum store_content_fields { STORE_C_ENVELOPE = 1, STORE_C_STRUCTURE = 2, STORE_C_MAP = 4, STORE_C_PREVIEW = 8 };

/* A read snapshot for many lookups; keep it short, never over peer I/O. */
struct store_reader;
MUST_CHECK int store_reader_open(struct store *s, struct store_reader **ret);
void store_reader_close(struct store_reader **r);
/*
 * Texts asked for are copied to the arena, others are empty. Contents of expunged messages stay readable for a while for sessions
 * that still show them, then -E_NOT_FOUND.
 */
MUST_CHECK int store_content_get(struct store_reader *r, struct arena *a, int64_t content, unsigned fields, struct store_content *ret);
/* The content of one message, by UID. -E_NOT_FOUND. */
MUST_CHECK int store_content_find(struct store_reader *r, int64_t mailbox, uint32_t uid, int64_t *ret_content);
/*
 * What SORT and THREAD compare; texts live until the next call with that reader, what is not wanted is empty. -E_NOT_FOUND: not made
 * yet, or no such content.
 */
enum store_keys_want { STORE_KEYS_SENT, STORE_KEYS_THREAD /* and is_reply, ids, the subject */, STORE_KEYS_ALL };
MUST_CHECK int store_content_keys(struct store_reader *r, int64_t content, enum store_keys_want want, struct store_keys *ret);
/*
 * Body bytes. No reader is needed, and none may be open in this thread: when housekeeping has moved the body since c was read, the
 * row is read again. -E_NOT_FOUND: the content is gone, long after the message was expunged; -E_IO: it cannot be read.
 */
MUST_CHECK int store_content_read(struct store *s, const struct store_content *c, uint64_t off, void *dst, size_t n);
/*
 * With one call all from the first byte of first to the last one of last, which stands behind it in the same pack; what stands between
 * them comes along. As store_content_read(), but bodies that have moved are not followed: -E_NOT_FOUND.
 */
MUST_CHECK int store_content_read_through(struct store *s, const struct store_content *first, const struct store_content *last, void *dst);

/*
 * Makes the preview of a content that has none, from the beginning of its body, and keeps it (lazily durable; that it cannot be kept is
 * no failure). In the arena. No reader may be open.
 */
MUST_CHECK int store_content_preview(struct store *s, struct arena *a, const struct store_content *c, struct str *ret);

/* ---- adding ---- */

struct store_append {
	int64_t user;                  /* who adds it, 0: the server; one for all of a call */
	int64_t mailbox;
	struct store_content_new *content;
	uint64_t flags;                /* system flags */
	const struct str *keywords;
	size_t n_keywords;
	int64_t internaldate_s;        /* 0: now */
	const struct store_note *notes; /* RFC 5257 4.7; store_notes_set() has what is refused */
	size_t n_notes;
	/* The caller shows the mailbox to a user, and wants them as \Recent (RFC 3501 2.3.2); one for all of a call. */
	bool wants_recent;
};
struct store_appended {
	uint32_t uidvalidity, uid;
	bool is_recent; /* to the caller alone. Only when all that was there before had been claimed */
};
/* APPEND: durable. All of n messages (one mailbox) or none. The user needs `i`; flags that he may not set are left out (RFC 4314 4). -E_NOT_FOUND mailbox, -E_QUOTA, -E_LIMIT keywords, -E_DISK_FULL ... */
MUST_CHECK int store_append(struct store *s, const struct store_append *v, size_t n, struct store_appended *ret);
/*
 * REPLACE (RFC 8508): the same with one message, while the message uid of another mailbox goes, in one transaction: the quota
 * sees the difference, and nobody sees both or none. The user needs `t` and `e` where it goes (RFC 8508 4.1). -E_NOT_FOUND also when there is no such message (any more). *ret_modseq: of that mailbox.
 */
MUST_CHECK int store_replace(struct store *s, const struct store_append *v, int64_t mailbox, uint32_t uid,
			     struct store_appended *ret, uint64_t *ret_modseq);

/*
 * Inside db_write(): a delivered message into the account's INBOX. has_quota: refuse with -E_QUOTA when it does not fit. -E_QUOTA and
 * -E_NOT_FOUND (no such account) leave the transaction as it was. The reference to the content is counted by the caller.
 */
MUST_CHECK int store_tx_deliver(struct store *s, struct db_tx *tx, int64_t account, int64_t content,
				const struct store_content_new *c, bool has_quota, int64_t *ret_mailbox, uint32_t *ret_uid);

/* ---- changing ---- */

enum store_flag_op { STORE_FLAGS_SET, STORE_FLAGS_ADD, STORE_FLAGS_REMOVE };
struct store_flag_change {
	int64_t user;                  /* who changes them, 0: the server; see store/rights.h */
	enum store_flag_op op;
	uint64_t flags;                /* system flags only */
	const struct str *keywords;
	size_t n_keywords;
	bool has_unchangedsince;       /* RFC 7162 3.1.3 */
	uint64_t unchangedsince;
};
/*
 * Changes the flags of those UIDs that exist. Only messages whose flags really change get a new modseq. *ret_modified: UIDs
 * that failed UNCHANGEDSINCE. Lazily durable. Keywords beyond LIMIT_IMAP_KEYWORDS, LIMIT_MESSAGE_KEYWORDS, LIMIT_KEYWORD_SETS: -E_LIMIT.
 */
/* Flags that the user may not change stay as they are; -E_DENIED when that is all that he named. */
MUST_CHECK int store_flags(struct store *s, struct arena *a, int64_t mailbox, const struct uidset *uids,
			   const struct store_flag_change *change, struct uidset *ret_modified, uint64_t *ret_modseq);

/* Removes those UIDs; with only_deleted those of them that carry \Deleted at that moment. Durable. uids NULL: all of the mailbox. */
MUST_CHECK int store_expunge(struct store *s, struct arena *a, int64_t mailbox, const struct uidset *uids, bool only_deleted,
			     struct uidset *ret_expunged, uint64_t *ret_modseq);

/* The same for a user, who needs `e`. */
MUST_CHECK int store_expunge_by(struct store *s, struct arena *a, int64_t user, int64_t mailbox, const struct uidset *uids, bool only_deleted,
				struct uidset *ret_expunged, uint64_t *ret_modseq);

struct store_copied {
	uint32_t uidvalidity;      /* of the destination */
	uint32_t *from, *to;       /* UIDs, pairwise, ascending */
	size_t n;
	uint64_t src_modseq;       /* of the expunge half of a MOVE */
};
/* COPY, or MOVE (both halves in one transaction). Flags, internal date and thread go along; the content is shared. All or nothing. Durable. */
MUST_CHECK int store_copy(struct store *s, struct arena *a, int64_t src, const struct uidset *uids, int64_t dst, bool is_move, struct store_copied *ret);
struct store_copying {
	int64_t user, src, dst;
	const struct uidset *uids; /* those of them that are there; NULL: all */
	size_t want;               /* when fewer are there, none is copied, and that is no error */
	bool is_move;
};
/*
 * The same for a user, who needs `i` on dst, and for a MOVE `t` and `e` on src (RFC 6851 4.2); also between accounts. Flags that he may not
 * set in dst stay behind. -E_DENIED also when he may not read in src any more.
 */
MUST_CHECK int store_copy_by(struct store *s, struct arena *a, const struct store_copying *c, struct store_copied *ret);

/*
 * UIDs expunged after modseq (QRESYNC, RFC 7162 3.2); -E_LIMIT when the arena cannot hold them. Old ones are forgotten after
 * store.expunged_history: when modseq < *ret_floor some may be missing, and what is gone must be found by what is not there.
 */
MUST_CHECK int store_expunged_since(struct store *s, struct arena *a, int64_t mailbox, uint64_t modseq, struct uidset *ret,
				    uint64_t *ret_floor);
