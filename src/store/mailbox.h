/* SPDX-License-Identifier: MIT */
/*
 * Mailboxes of an account. Names are UTF-8 (NFC), hierarchy separator '/', at most LIMIT_MAILBOX_NAME bytes; INBOX is
 * matched in any case and stored as "INBOX" (also as a first component "inbox/x" -> "INBOX/x").
 * A superior name that is only implied by its children has no row; listing shows it as not existing.
 */
#pragma once

#include "base/arena.h"
#include "store/rights.h"
#include "store/store.h"

enum store_special_use { /* RFC 6154 */
	STORE_USE_NONE = 0, STORE_USE_DRAFTS = 1, STORE_USE_SENT = 2, STORE_USE_JUNK = 4, STORE_USE_TRASH = 8,
	STORE_USE_ARCHIVE = 16, STORE_USE_ALL = 32, STORE_USE_FLAGGED = 64, STORE_USE_IMPORTANT = 128,
};

struct store_mailbox {
	int64_t id;               /* 0: the name does not exist (implied superior, or only a subscription) */
	int64_t account;
	struct str name;          /* of store_mailbox_lookup(), _list_visible(): as the user says it */
	struct str local;         /* as the owner calls it; those two only */
	unsigned rights;          /* of the user, enum store_right; those two only */
	struct str mailboxid;     /* RFC 8474 MAILBOXID, never changes */
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highestmodseq;
	uint32_t messages, unseen, deleted;
	uint64_t size_bytes;      /* sum of RFC822.SIZE */
	unsigned special_use;
	bool is_subscribed, has_children;
};

/* Unicode Normalization Form C, and nothing else: for patterns of LIST. In the arena; -E_CANNOT: no UTF-8. */
MUST_CHECK int store_name_nfc(struct arena *a, struct str name, struct str *ret);
/* Without a separator at its end, which only says that children will follow (RFC 9051 6.3.4). */
struct str store_name_trim(struct str name);
/* Checks and normalises a name: NFC, INBOX rules, no empty components, no controls. -E_CANNOT with the reason in fault, or -E_LIMIT. */
MUST_CHECK int store_name_check(struct arena *a, struct str name, struct str *ret, struct fault *fault);

/* All mailboxes, implied superiors (id 0) and names that are only subscribed (id 0), sorted by name, INBOX first. */
MUST_CHECK int store_mailbox_list(struct store *s, struct arena *a, int64_t account, struct store_mailbox **ret, size_t *ret_n);
/*
 * The same for a user, with `local` and `rights`: also what others share with him (`l`), below "Other Users": of
 * LIMIT_SHARED rows of rights that are his, and as many that are anyone's. Costs as much as is shared with him.
 */
MUST_CHECK int store_mailbox_list_visible(struct store *s, struct arena *a, int64_t user, struct store_mailbox **ret, size_t *ret_n);
/* One, with its counters (STATUS). -E_NOT_FOUND. */
MUST_CHECK int store_mailbox_find(struct store *s, struct arena *a, int64_t account, struct str name, struct store_mailbox *ret);
/* What LIST says of a name, whether it exists (id) or not: also its children, and whether it is subscribed. It is checked already. */
MUST_CHECK int store_mailbox_look(struct store *s, struct arena *a, int64_t account, struct str name, struct store_mailbox *ret);
MUST_CHECK int store_mailbox_get(struct store *s, struct arena *a, int64_t id, struct store_mailbox *ret);
/* RFC 9208 4.1.4: the sizes of the messages that an EXPUNGE would remove. Looks at all messages when there are any. */
MUST_CHECK int store_mailbox_deleted_bytes(struct store *s, const struct store_mailbox *m, uint64_t *ret);

/* Superiors are made too. -E_EXISTS, -E_CANNOT, -E_LIMIT (LIMIT_MAILBOXES), -E_QUOTA. */
MUST_CHECK int store_mailbox_create(struct store *s, int64_t account, struct str name, unsigned special_use, int64_t *ret_id, struct fault *fault);
/* INBOX cannot be deleted (-E_CANNOT). Inferiors stay. Its mail is gone; its name may come back only with a larger UIDVALIDITY. */
MUST_CHECK int store_mailbox_delete(struct store *s, int64_t account, struct str name, struct fault *fault);
/* With inferiors. Renaming INBOX moves its messages into the new mailbox and keeps INBOX (RFC 9051 6.3.6). */
MUST_CHECK int store_mailbox_rename(struct store *s, int64_t account, struct str from, struct str to, struct fault *fault);
/*
 * The three for a user who may be somebody else than the owner. CREATE and the new name of a RENAME need `k` on the nearest superior that exists
 * (-E_DENIED, whatever is missing), the others `x` (-E_NOT_FOUND, -E_DENIED as store_rights_check()). The account pays. A new mailbox has the
 * rights of its superior (RFC 4314 4). Only the owner gives special uses and renames INBOX (-E_CANNOT).
 */
MUST_CHECK int store_mailbox_create_by(struct store *s, int64_t user, int64_t account, struct str name, unsigned special_use, int64_t *ret_id, struct fault *fault);
MUST_CHECK int store_mailbox_delete_by(struct store *s, int64_t user, int64_t account, struct str name, struct fault *fault);
MUST_CHECK int store_mailbox_rename_by(struct store *s, int64_t user, int64_t account, struct str from, struct str to, struct fault *fault);
/* Subscribing a name that does not exist is allowed (RFC 9051 6.3.7). */
MUST_CHECK int store_mailbox_subscribe(struct store *s, int64_t account, struct str name, bool is_subscribed, struct fault *fault);

/*
 * \Recent of RFC 3501: the first UID that no earlier read-write session has been shown. All UIDs from there
 * on and below claim_below (0: none) are then this caller's, and no other session gets them. Lazily durable.
 */
MUST_CHECK int store_mailbox_recent(struct store *s, int64_t mailbox, uint32_t claim_below, uint32_t *ret_first_uid);
/* How many messages nobody has claimed. */
MUST_CHECK int store_mailbox_recent_count(struct store *s, int64_t mailbox, uint64_t *ret);
