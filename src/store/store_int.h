/* SPDX-License-Identifier: MIT */
/*
 * Private to the store: the statements by name, the shared state, and what its files do for each
 * other.
 */
#pragma once

#include <stdatomic.h>

#include "base/lock.h"
#include "store/account.h"
#include "store/keywords_int.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/rights.h"
#include "store/states_int.h"
#include "store/store.h"
#include "store/view.h"

/* ---- statements (sql.c) ---- */

enum store_sql_id {
	STORE_SQL_ACCOUNT_ADD,
	STORE_SQL_ACCOUNT_BY_NAME,
	STORE_SQL_ACCOUNT_BY_ID,
	STORE_SQL_ACCOUNT_FIRST,
	STORE_SQL_ACCOUNT_LIST,
	STORE_SQL_ACCOUNT_QUOTA,
	STORE_SQL_ACCOUNT_QUOTA_GET,
	STORE_SQL_ACCOUNT_REMOVE,
	STORE_SQL_ACCOUNT_ENABLE,
	STORE_SQL_ACCOUNT_MODSEQ,
	STORE_SQL_ACCOUNTS_MODSEQ,
	STORE_SQL_ACCOUNT_CHANGE,
	STORE_SQL_CREDENTIAL_ADD,
	STORE_SQL_CREDENTIAL_GET,
	STORE_SQL_CREDENTIALS_REMOVE,
	STORE_SQL_DOMAIN_ADD,
	STORE_SQL_DOMAIN_REMOVE,
	STORE_SQL_DOMAIN_LIST,
	STORE_SQL_DOMAIN_FIND,
	STORE_SQL_DOMAIN_IN_USE,
	STORE_SQL_ALIAS_ADD,
	STORE_SQL_ALIAS_GET,
	STORE_SQL_ALIAS_COUNT,
	STORE_SQL_ALIAS_REMOVE,
	STORE_SQL_ALIAS_REMOVE_ALL,
	STORE_SQL_ALIAS_REMOVE_ACCOUNT,
	STORE_SQL_ALIAS_LIST,
	STORE_SQL_FORWARD_ADD,
	STORE_SQL_FORWARD_GET,
	STORE_SQL_FORWARD_REMOVE,
	STORE_SQL_FORWARD_REMOVE_ALL,
	STORE_SQL_FORWARD_TO,
	STORE_SQL_COUNTER_GET,
	STORE_SQL_COUNTER_PUT,
	STORE_SQL_UIDVALIDITY_NEXT,
	STORE_SQL_MAILBOX_ADD,
	STORE_SQL_MAILBOX_LIST,
	STORE_SQL_MAILBOX_FIND,
	STORE_SQL_MAILBOX_GET,
	STORE_SQL_MAILBOX_COUNT,
	STORE_SQL_MAILBOX_NAMES,
	STORE_SQL_MAILBOX_NAME,
	STORE_SQL_MAILBOX_CHILD,
	STORE_SQL_MAILBOX_DOOM,
	STORE_SQL_SUBSCRIPTION_ADD,
	STORE_SQL_SUBSCRIPTION_REMOVE,
	STORE_SQL_SUBSCRIPTION_LIST,
	STORE_SQL_SUBSCRIPTION_HAS,
	STORE_SQL_SUBSCRIPTION_COUNT,
	STORE_SQL_SUBSCRIPTIONS_REMOVE,
	STORE_SQL_RECENT_GET,
	STORE_SQL_RECENT_TAKE,
	STORE_SQL_RECENT_COUNT,
	STORE_SQL_BOX_BY_ID,
	STORE_SQL_BOX_BY_NAME,
	STORE_SQL_BOX_CHANGE,
	STORE_SQL_IMPORT_RESERVE,
	STORE_SQL_IMPORT_ADOPT,
	STORE_SQL_IMPORT_COUNTER,
	STORE_SQL_IMPORT_HAS,
	STORE_SQL_IMPORT_ANY,
	STORE_SQL_IMPORT_ADD,
	STORE_SQL_IMPORTS_REMOVE,
	STORE_SQL_ANNOTATION_LIST,
	STORE_SQL_ANNOTATION_GET,
	STORE_SQL_ANNOTATION_SIZE,
	STORE_SQL_ANNOTATION_COUNT,
	STORE_SQL_ANNOTATION_SET,
	STORE_SQL_ANNOTATION_REMOVE,
	STORE_SQL_ANNOTATION_BYTES,
	STORE_SQL_ANNOTATION_BYTES_ADD,
	STORE_SQL_ANNOTATION_BYTES_TAKE,
	STORE_SQL_ANNOTATION_BYTES_DROP,
	STORE_SQL_ANNOTATIONS_COPY,
	STORE_SQL_ANNOTATIONS_REMOVE,
	STORE_SQL_ANNOTATIONS_REMOVE_USER,
	STORE_SQL_NOTE_GET,
	STORE_SQL_NOTE_CHANGED,
	STORE_SQL_NOTE_VALUES,
	STORE_SQL_NOTE_ENTRY,
	STORE_SQL_NOTE_COUNT_SET,
	STORE_SQL_NOTE_COUNT_REMOVE,
	STORE_SQL_NOTE_SET,
	STORE_SQL_NOTE_REMOVE,
	STORE_SQL_NOTE_CROWD,
	STORE_SQL_NOTE_UIDS,
	STORE_SQL_NOTE_FORGET_BYTES,
	STORE_SQL_NOTE_FORGET,
	STORE_SQL_NOTE_ANY,
	STORE_SQL_NOTE_EXPUNGE_BYTES,
	STORE_SQL_NOTE_EXPUNGE,
	STORE_SQL_NOTE_PURGE_BYTES,
	STORE_SQL_NOTE_PURGE,
	STORE_SQL_NOTE_COPY,
	STORE_SQL_NOTE_COPIED_BYTES,
	STORE_SQL_NOTES_REMOVE_USER,
	STORE_SQL_RIGHTS_GET,
	STORE_SQL_RIGHTS_LIST,
	STORE_SQL_RIGHTS_WHO,
	STORE_SQL_RIGHTS_WHO_BELOW,
	STORE_SQL_RIGHTS_ROW,
	STORE_SQL_RIGHTS_COUNT,
	STORE_SQL_RIGHTS_PUT,
	STORE_SQL_RIGHTS_REMOVE,
	STORE_SQL_RIGHTS_COPY,
	STORE_SQL_RIGHTS_REMOVE_MAILBOX,
	STORE_SQL_RIGHTS_REMOVE_ACCOUNT,
	STORE_SQL_SHARED_ANY,
	STORE_SQL_SHARED_LIST,
	STORE_SQL_URL_KEY_GET,
	STORE_SQL_URL_KEY_PUT,
	STORE_SQL_URL_KEYS_REMOVE_MAILBOX,
	STORE_SQL_URL_KEYS_REMOVE_ACCOUNT,
	STORE_SQL_MAILBOX_USE_TAKE,
	STORE_SQL_MAILBOX_USE_SET,
	STORE_SQL_KEYWORD_LIST,
	STORE_SQL_KEYWORD_ADD,
	STORE_SQL_KEYWORDS_REMOVE,
	STORE_SQL_KEYWORD_NAME,
	STORE_SQL_KEYWORD_STRAY,
	STORE_SQL_KEYWORD_SET_GET,
	STORE_SQL_KEYWORD_SET_FIND,
	STORE_SQL_KEYWORD_SET_LIST,
	STORE_SQL_KEYWORD_SET_COUNT,
	STORE_SQL_KEYWORD_SET_ADD,
	STORE_SQL_KEYWORD_SET_REMOVE,
	STORE_SQL_KEYWORD_SETS_REMOVE,
	STORE_SQL_KEYWORD_EPOCH,
	STORE_SQL_KEYWORD_EPOCH_NEXT,
	STORE_SQL_MESSAGE_ADD,
	STORE_SQL_MESSAGE_ALL,
	STORE_SQL_MESSAGE_SOME,
	STORE_SQL_MESSAGE_ROWS,
	STORE_SQL_MESSAGE_CONTENT,
	STORE_SQL_MESSAGE_EXPUNGE,
	STORE_SQL_MESSAGE_REMOVE,
	STORE_SQL_STATES_GET,
	STORE_SQL_STATES_RANGE,
	STORE_SQL_STATES_DOWN,
	STORE_SQL_STATES_NEWER,
	STORE_SQL_STATES_ADD,
	STORE_SQL_STATES_RAISE,
	STORE_SQL_STATES_CHANGE,
	STORE_SQL_STATES_SHRINK,
	STORE_SQL_STATES_REMOVE,
	STORE_SQL_STATES_PURGE,
	STORE_SQL_STATES_MESSAGES,
	STORE_SQL_EXPUNGED_SINCE,
	STORE_SQL_EXPUNGED_FLOOR,
	STORE_SQL_EXPUNGED_REMOVE,
	STORE_SQL_VIEW_BOX,
	STORE_SQL_GLANCE_COUNT,
	STORE_SQL_GLANCE_EXPUNGED,
	STORE_SQL_KEYS_ADD,
	STORE_SQL_KEYS_SENT_FROM,
	STORE_SQL_KEYS_THREAD_FROM,
	STORE_SQL_KEYS_FROM,
	STORE_SQL_KEYS_REMOVE,
	STORE_SQL_CONTENT_ADD,
	STORE_SQL_CONTENT_PREVIEW,
	STORE_SQL_CONTENT_REF,
	STORE_SQL_CONTENT_FROM,
	STORE_SQL_CONTENT_SHOWN_FROM,
	STORE_SQL_CONTENT_TEXTS_FROM,
	STORE_SQL_THREAD_GET,
	STORE_SQL_THREAD_ADD,
	STORE_SQL_THREADS_REMOVE,
	STORE_SQL_DOOMED_NEXT,
	STORE_SQL_DOOMED_MESSAGES,
	STORE_SQL_DOOMED_MESSAGE_REMOVE,
	STORE_SQL_DOOMED_REMOVE,
	STORE_SQL_KEEP_DEAD,
	STORE_SQL_CONTENT_REMOVE,
	STORE_SQL_REFS_REMOVE,
	STORE_SQL_CONTENT_PLACE,
	STORE_SQL_CONTENT_MOVE,
	STORE_SQL_PACK_ADD,
	STORE_SQL_PACK_SHRINK,
	STORE_SQL_PACK_DAMAGED,
	STORE_SQL_PACK_REMOVE,
	STORE_SQL_PACK_LIST,
	STORE_SQL_PACK_CHOOSE,
	STORE_SQL_PACK_COUNT,
	STORE_SQL_PACK_NAMED,
	STORE_SQL_PACK_BODIES,
	STORE_SQL_INDEX_ACCOUNTS,
	STORE_SQL_INDEX_CONTENTS,
	STORE_SQL_INDEX_SEGMENTS,
	STORE_SQL_INDEX_SEGMENT_ADD,
	STORE_SQL_INDEX_SEGMENT_REMOVE,
	STORE_SQL_INDEX_SEGMENTS_REMOVE,
	STORE_SQL_INDEX_OWNER,
	STORE_SQL_SPACE,
	STORE_SQL_PRUNE_NEXT,
	STORE_SQL_PRUNE_OLDEST,
	STORE_SQL_PRUNE_REMOVE,
	STORE_SQL_PRUNE_FLOOR,
	STORE_SQL_FSCK_TABLE,
	STORE_SQL_FSCK_ACCOUNT,
	STORE_SQL_FSCK_MAILBOX,
	STORE_SQL_FSCK_MAILBOX_COUNT,
	STORE_SQL_FSCK_ORPHAN,
	STORE_SQL_FSCK_MESSAGE_REFS,
	STORE_SQL_FSCK_CONTENT_REFS,
	STORE_SQL_FSCK_CONTENT_LAST,
	STORE_SQL_FSCK_BODIES,
	STORE_SQL_FSCK_COUNTER,
	STORE_SQL_FSCK_LEFT_CREDENTIALS,
	STORE_SQL_FSCK_LEFT_ALIASES,
	STORE_SQL_FSCK_LEFT_SUBSCRIPTIONS,
	STORE_SQL_FSCK_LEFT_THREADS,
	STORE_SQL_FSCK_LEFT_KEYWORDS,
	STORE_SQL_FSCK_LEFT_KEYWORD_SETS,
	STORE_SQL_FSCK_LEFT_EXPUNGED,
	STORE_SQL_FSCK_LEFT_STATES,
	STORE_SQL_FSCK_LEFT_ANNOTATIONS,
	STORE_SQL_FSCK_LEFT_NOTES,
	STORE_SQL_FSCK_LEFT_IMPORTS,
	STORE_SQL_FSCK_LEFT_SEGMENTS,
	STORE_SQL_FSCK_LEFT_KEYS,
	STORE_SQL_FSCK_LEFT_REFS,
	STORE_SQL_FSCK_LEFT_RIGHTS,
	STORE_SQL_FSCK_LEFT_URL_KEYS,
	STORE_SQL_FSCK_PACK,
	STORE_SQL_FSCK_OWNER,
	STORE_SQL_FSCK_HELD,
	STORE_SQL_FSCK_SUBJECT,
	STORE_SQL_REPAIR_LEFT_CREDENTIALS,
	STORE_SQL_REPAIR_LEFT_ALIASES,
	STORE_SQL_REPAIR_LEFT_SUBSCRIPTIONS,
	STORE_SQL_REPAIR_LEFT_THREADS,
	STORE_SQL_REPAIR_LEFT_KEYWORDS,
	STORE_SQL_REPAIR_LEFT_KEYWORD_SETS,
	STORE_SQL_REPAIR_LEFT_EXPUNGED,
	STORE_SQL_REPAIR_LEFT_STATES,
	STORE_SQL_REPAIR_LEFT_ANNOTATIONS,
	STORE_SQL_REPAIR_LEFT_NOTES,
	STORE_SQL_REPAIR_LEFT_IMPORTS,
	STORE_SQL_REPAIR_LEFT_SEGMENTS,
	STORE_SQL_REPAIR_LEFT_KEYS,
	STORE_SQL_REPAIR_LEFT_REFS,
	STORE_SQL_REPAIR_LEFT_RIGHTS,
	STORE_SQL_REPAIR_LEFT_URL_KEYS,
	STORE_SQL_REPAIR_COUNTER,
	STORE_SQL_REPAIR_ACCOUNT,
	STORE_SQL_REPAIR_MODSEQ,
	STORE_SQL_REPAIR_OWNER,
	STORE_SQL_REPAIR_SHOW_AGAIN,
	STORE_SQL_REPAIR_NOT_EXPUNGED,
	STORE_SQL_REPAIR_MAILBOX,
	STORE_SQL_REPAIR_ACCOUNT_MODSEQ,
	STORE_SQL_REPAIR_ACCOUNT_ADD,
	STORE_SQL_REPAIR_MAILBOX_ADD,
	STORE_SQL_REPAIR_PACK,
	STORE_SQL_REPAIR_REF,
	STORE_SQL_REPAIR_CONTENT_SIZE,
	STORE_SQL_REPAIR_OTHER_SIZE,
	STORE_SQL_REPAIR_MESSAGE_SIZE,
	STORE_SQL_REPAIR_DEAD_PACK,
	STORE_SQL_REPAIR_DEAD_SIZE,
	STORE_SQL_COUNT_
};
extern const struct db_sql store_sql[STORE_SQL_COUNT_];
#define SQL(name) (&store_sql[STORE_SQL_##name])

/* ---- a map from ids to pointers (idmap.c); not thread-safe ---- */

struct store_idslot {
	int64_t key;
	void *value; /* NULL: free */
};
struct store_idmap {
	struct store_idslot *slots;
	size_t cap, n;
};
void *store_idmap_get(const struct store_idmap *m, int64_t key);
/* value is not NULL; replaces. */
void store_idmap_put(struct store_idmap *m, int64_t key, void *value);
void store_idmap_remove(struct store_idmap *m, int64_t key);
void store_idmap_fini(struct store_idmap *m); /* must be empty */

/* ---- shared state ---- */

struct store_feed { /* feed.c */
	struct lock lock;
	struct store_idmap by_target; /* mailbox id, or -account id -> first watch */
	struct store_idmap by_watcher;
	struct store_idmap news; /* account -> first struct store_news (news.c) */
	struct store_idmap watched_news; /* mailbox of others -> first struct store_news_watched (news_shared.c) */
	struct store_news *sharers; /* that want STORE_NEWS_SHARED */
	uint64_t *woken; /* the writer thread's own: who is woken after this commit */
	size_t n_woken, cap_woken;
};

struct store {
	struct db *db;
	store_wake_fn *wake;
	void *wake_ctx;
	struct store_default_quota { /* quota.c; as struct store_quota */
		_Atomic int64_t bytes, messages, mailboxes;
	} default_quota;
	_Atomic int anyone; /* enum store_anyone */
	_Atomic uint64_t rights_generation;
	_Atomic int64_t expunge_grace_ms, expunged_history_ms, compact_percent, compact_rate_bytes;
	_Atomic int64_t search_index, search_index_after, min_free_bytes; /* index.c */
	struct store_feed feed;
	struct lock mbox_lock; /* mbox.c: guards the table and the counts in its entries */
	struct store_idmap mboxes;
	struct store_mbox *idle_newest, *idle_oldest;
	size_t idle_weight;
	struct lock pop3_lock; /* account.c */
	struct store_idmap pop3;
	struct lock keep_lock; /* housekeep.c: guards the next three */
	struct lock_cond keep_free;
	bool is_keeping;
	unsigned n_keep_waiting;
	atomic_bool is_keep_stopped;
	int64_t prune_at_ms; /* of whoever keeps house */
};

int64_t store_now_s(void);

/* ---- the change feed (feed.c) ---- */

#define STORE_GONE (-1) /* instead of a modseq: the mailbox was deleted */
struct store_event {
	int64_t account;
	int64_t mailbox; /* 0: DELETED and SUBSCRIBED names of the account, its server entries */
	int64_t modseq;  /* that views of the mailbox have to reach; STORE_GONE; 0: they have not changed */
	unsigned kinds;  /* enum store_news_kind; 0: only watchers learn of it */
	bool is_rights;  /* of the mailbox, or of all that the account shares */
	bool is_private; /* entries, or annotations of messages, that only the account sees */
	const struct store_delta *delta; /* what the commit did to the mailbox; NULL: to be read */
	struct str name, old_name, entries; /* as in struct store_news_item */
	uint64_t actor;  /* filled in */
};
/* Inside a write: after the commit, views of the mailbox and watchers learn of it. e is copied. */
void store_announce(struct store *s, struct db_tx *tx, const struct store_event *e);
/* A copy at *at, which moves behind it. */
struct str store_put_str(char **at, struct str s);
/* news.c: for all whom it may concern; under the feed's lock, on the writer thread. */
void store_news_put(struct store_feed *f, const struct store_event *e);
void store_feed_add_woken(struct store_feed *f, uint64_t watcher);
/* STORE_NEWS_SHARED for all who want it; no thread's lock is held. */
void store_news_put_shared_all(struct store *s);
/* After the hooks of a commit; ctx is the store. */
void store_feed_wake(void *ctx);
void store_feed_init(struct store_feed *f);
void store_feed_fini(struct store_feed *f);
/*
 * mbox.c: what the views of a mailbox in use have to reach, and how, if that can be told (NULL: it
 * has to be read). Writer thread.
 */
void store_mbox_publish(struct store *s, int64_t mailbox, int64_t modseq,
			const struct store_delta *d);
/* Frees the entries that nobody uses. */
void store_mbox_fini(struct store *s);

/* ---- a mailbox row inside a write transaction (box.c): read once, changed once ---- */

#define STORE_DELTA_RANGES 16
#define STORE_DELTA_ADDED_MAX 4

struct store_rows;
struct store_delta { /* what a commit did to the messages of a mailbox (delta.c) */
	struct store_delta *next;
	enum store_delta_kind {
		STORE_DELTA_NONE, /* nothing */
		STORE_DELTA_FLAGS,
		STORE_DELTA_EXPUNGED,
		STORE_DELTA_ADDED,
		STORE_DELTA_UNTOLD, /* more than can be told */
	} kind;
	uint64_t from, to; /* HIGHESTMODSEQ of the mailbox before and after */
	uint32_t uidnext;
	int64_t messages;                         /* after */
	int64_t unseen, deleted;                  /* how many more */
	uint64_t keep, come, since; /* FLAGS: as in flags.c */
	size_t n_uids, n_added;
	union { /* last: what is kept of it for long is cut to what is used */
		struct uid_range uids[STORE_DELTA_RANGES]; /* FLAGS, EXPUNGED */
		struct store_msg added[STORE_DELTA_ADDED_MAX];
	};
};
/* Inside a write, where the rows are changed; what is too much makes it STORE_DELTA_UNTOLD. */
void store_delta_flags(struct store_delta *d, const struct uidset *uids,
		       const struct store_state_change *c);
void store_delta_expunged(struct store_delta *d, const struct store_rows *rows);
void store_delta_added(struct store_delta *d, const struct store_msg *m);
/* On the heap, without the room that it does not use. */
struct store_delta *store_delta_copy(const struct store_delta *d);

struct store_box {
	int64_t id, account;
	uint32_t uidvalidity, uidnext;
	uint32_t reserved_uid; /* what is not imported gets this UID or a larger one */
	uint32_t recent_uid;   /* the first that no session has been shown (recent.c) */
	uint64_t highestmodseq;
	uint64_t modseq; /* that this transaction gives to what it changes: the account's next */
	unsigned news;   /* enum store_news_kind: what happened to messages; 0: only flags */
	bool is_told;  /* what changed is announced apart */
	bool has_lost_sets; /* of keywords (keywords_int.h), with messages that went */
	struct store_delta delta; /* what changed, for views */
	struct store_states_adding adding; /* written by store_tx_box_change() */
	int64_t quota, used;     /* of the account, bytes */
	int64_t quota_messages, used_messages;
	int64_t messages, bytes; /* of the mailbox, before */
	struct store_box_delta {
		int64_t messages, unseen, deleted, bytes;
	} d;
};
/* -E_NOT_FOUND. */
MUST_CHECK int store_tx_box(struct db_tx *tx, int64_t mailbox, struct store_box *ret);
MUST_CHECK int store_tx_box_named(struct db_tx *tx, int64_t account, struct str name,
				  struct store_box *ret);
/*
 * Do they still fit into the account's quota, with what this transaction has added to the box and
 * taken from it? What does not grow always fits. 0 or -E_QUOTA.
 */
MUST_CHECK int store_box_fits(const struct store_box *b, int64_t messages, int64_t bytes);
/* Writes what is added, the counters of mailbox and account, and announces. */
MUST_CHECK int store_tx_box_change(struct store *s, struct db_tx *tx, struct store_box *b);

struct store_adding { /* one message that a box gets */
	int64_t content;
	uint64_t flags;
	int64_t internaldate_s;
	int64_t size;
	int64_t thread;
	uint32_t uid; /* wanted (import.c); 0: the next */
};
/* Inserts it with the UID that it wants, if that is not below the next one, else with the next that is not reserved; counts it in the box. -E_LIMIT when the UIDs are used up. */
MUST_CHECK int store_tx_box_add(struct db_tx *tx, struct store_box *b, const struct store_adding *m,
				uint32_t *ret_uid);

/* ---- rows of messages, gathered before they are changed (rows.c) ---- */

struct store_row {
	uint32_t uid;
	uint64_t flags;
	int64_t content, internaldate_s, size, thread;
};
struct store_rows { /* heap; rows.v is freed by store_rows_fini */
	struct store_row *v;
	size_t n, cap;
};
/* All messages of the set (NULL: all) that carry one of the flags in mask (0: all), by UID. */
MUST_CHECK int store_tx_rows(struct db_tx *tx, int64_t mailbox, const struct uidset *uids,
			     uint64_t mask, struct store_rows *ret);
void store_rows_fini(struct store_rows *r);
/* The sizes of all messages that carry one of the flags in mask. */
MUST_CHECK int store_tx_rows_bytes(struct db_tx *tx, int64_t mailbox, uint64_t mask, uint64_t *ret);
/*
 * Takes those rows out of the mailbox, with their notes; counts that in the box; contents keep their
 * references. _take() leaves the notes, which then have to be copied or to go by
 * store_tx_notes_expunge().
 */
MUST_CHECK int store_tx_rows_expunge(struct db_tx *tx, struct store_box *b,
				     const struct store_rows *rows);
MUST_CHECK int store_tx_rows_take(struct db_tx *tx, struct store_box *b,
				  const struct store_rows *rows);

/* ---- annotations of messages inside a write (note_set.c) ---- */

#define STORE_NOTE_BYTES 32 /* that a note counts besides its name and value; as NOTE_BYTES in sql.c */

struct store_note;
struct store_noting { /* one change of the notes of a mailbox */
	const struct store_box *box;
	int64_t user;   /* never 0 */
	/* filled in */
	int64_t n_changed; /* notes */
	unsigned scopes;   /* enum store_note_scope, that changed */
};
/* 0; -E_DENIED: those need other rights; -E_NOTE_SIZE. */
MUST_CHECK int store_tx_notes_allowed(unsigned rights, const struct store_note *v, size_t n);
/* Sets them on all messages of the range. -E_NOTES: an account would have too many bytes. */
MUST_CHECK int store_tx_notes_put(struct db_tx *tx, struct store_noting *n, const struct store_note *v,
				  size_t n_v, struct uid_range r);
/* After the last: messages that changed get the modseq of the box. -E_NOTES: one has too many. */
MUST_CHECK int store_tx_notes_end(struct db_tx *tx, const struct store_noting *n);
/* Those go too of the messages that were expunged with that modseq; of all messages up to that UID. */
MUST_CHECK int store_tx_notes_expunge(struct db_tx *tx, int64_t mailbox, uint64_t modseq);
MUST_CHECK int store_tx_notes_purge(struct db_tx *tx, int64_t mailbox, int64_t uid);

struct store_notes_copying { /* from one mailbox to another, or the same */
	int64_t from;
	const struct store_box *to;
	int64_t user;    /* his, and those of all; 0: everybody's */
	unsigned scopes; /* enum store_note_scope: what may come along */
	bool has_any;    /* store_tx_notes_any(): it does not cost anything where there are none */
	int64_t n;       /* that were copied */
};
MUST_CHECK int store_tx_notes_any(struct db_tx *tx, int64_t mailbox, bool *ret);
MUST_CHECK int store_tx_notes_copy(struct db_tx *tx, struct store_notes_copying *c, uint32_t from_uid, uint32_t uid);
/* After the last: counts their bytes. -E_NOTES: an account would have too many; 0 may always. */
MUST_CHECK int store_tx_notes_copied(struct db_tx *tx, const struct store_notes_copying *c);
/* Does the account have room for what this change has added for it? -E_NOTES. */
MUST_CHECK int store_tx_notes_fit(struct db_tx *tx, int64_t account, const struct store_box *box);
/* note.c: for store_notes_get() */
MUST_CHECK int store_tx_notes_get(struct db_tx *tx, struct arena *a, int64_t mailbox, int64_t user, uint32_t uid,
				  struct store_note **ret, size_t *ret_n);

/* ---- quotas (quota.c) ---- */

/* Takes the settings' value for what is negative, and for all of NULL. */
struct store_quota store_quota_or_default(struct store *s, const struct store_quota *quota);
MUST_CHECK int store_tx_quota(struct db_tx *tx, int64_t account, struct store_quota *ret_limit,
			      struct store_quota *ret_used);

/* ---- contents, threads ---- */

/*
 * The row of a content that nobody names any more, with what was made of it (sort keys) and its
 * count. Its body stays. *ret_n (may be NULL): whether it was there.
 */
MUST_CHECK int store_tx_content_remove(struct db_tx *tx, int64_t content, int64_t *ret_n);

/*
 * The thread of the first known key, else a new one named after the content; keys that are new
 * are kept.
 */
MUST_CHECK int store_tx_thread(struct db_tx *tx, int64_t account, const struct store_content_new *c,
			       int64_t content, int64_t *ret_thread);
uint64_t store_thread_key(struct str message_id);

/* ---- addresses (address.c) ---- */

struct store_address {
	struct str
		full; /* local@domain, canonical: lower case, NFC, unquoted; domain as A-labels */
	struct str local; /* slices of full */
	struct str domain;
};
/* -E_SYNTAX. The local part may be empty only with may_catch_all ("@domain"). */
MUST_CHECK int store_address_parse(struct arena *a, struct str text, bool may_catch_all,
				   struct store_address *ret);
MUST_CHECK int store_tx_domain_find(struct db_tx *tx, struct str canonical);

MUST_CHECK int store_tx_credentials_add(struct db_tx *tx, int64_t account,
					const struct store_credential *creds, size_t n);

/* ---- rights (rights.c) ---- */

struct store_rights_rows { /* of one mailbox for one user; [0]: for him, [1]: for anyone */
	unsigned given[2], taken[2];
	bool is_same_domain; /* user and owner */
};
void store_rights_add_row(struct store_rights_rows *r, bool is_anyone, bool is_negative,
			  unsigned rights);
unsigned store_rights_sum(const struct store *s, const struct store_rights_rows *r);
/* What a user has (0: all). -E_NOT_FOUND: no such mailbox. */
MUST_CHECK int store_tx_rights(struct store *s, struct db_tx *tx, int64_t mailbox, int64_t user,
			       unsigned *ret);
/* The same, checked as store_rights_check(). ret may be NULL. */
MUST_CHECK int store_tx_rights_need(struct store *s, struct db_tx *tx, int64_t mailbox,
				    int64_t user, unsigned need, unsigned *ret);
/* -E_LIMIT: there are more rows for the account's mailboxes than LIMIT_RIGHTS_ACCOUNT. After they are added. */
MUST_CHECK int store_tx_rights_room(struct db_tx *tx, int64_t account);
/* After the commit: the generation grows, watchers of the mailbox (0: of the account) are woken. */
/* STORE_NEWS_SHARED for those who have rows on the mailbox; with a name: on what the account has below it, too. */
MUST_CHECK int store_rights_announce_shared(struct store *s, struct db_tx *tx, int64_t account, int64_t mailbox, struct str name);
void store_rights_announce(struct store *s, struct db_tx *tx, int64_t account, int64_t mailbox);
/* place.c: is it "Other Users", or below it? No own mailbox can have such a name. */
bool store_name_is_reserved(struct str name);

/* ---- mailboxes ---- */

/* Makes one row; its superiors are the caller's affair. */
MUST_CHECK int store_tx_mailbox_add(struct store *s, struct db_tx *tx, int64_t account,
				    struct str name, unsigned special_use, int64_t *ret_id);
MUST_CHECK int store_tx_subscribe(struct db_tx *tx, int64_t account, struct str name);
/* Copies the current row of a mailbox statement. -E_LIMIT. */
MUST_CHECK int store_mailbox_row(struct db_query *q, struct arena *a, struct store_mailbox *ret);
/* Takes the mailbox away from its account; store_purge() then removes what was in it. */
MUST_CHECK int store_tx_mailbox_doom(struct store *s, struct db_tx *tx, int64_t account,
				     int64_t mailbox);
/* annotation.c: -E_LIMIT: the account has more than LIMIT_ANNOTATION_BYTES. */
MUST_CHECK int store_tx_annotation_room(struct db_tx *tx, int64_t account);
/* annotation.c: all of a mailbox go; come with INBOX to its new name (-E_LIMIT: too many bytes). */
MUST_CHECK int store_tx_annotations_remove(struct db_tx *tx, int64_t mailbox);
MUST_CHECK int store_tx_annotations_copy(struct db_tx *tx, int64_t account, int64_t from, int64_t to);
/* purge.c: removes doomed mailboxes in small transactions. */
MUST_CHECK int store_purge(struct store *s);

/* copy.c: the work of COPY and MOVE inside a write. a NULL: no list of pairs is wanted. */
MUST_CHECK int store_tx_copy(struct store *s, struct db_tx *tx, struct arena *a,
			     const struct store_copying *how, struct store_copied *ret);

/* ---- views ---- */

struct store_chunk { /* immutable once it is in a view; shared by views */
	int refs;    /* atomic */
	uint32_t n, unseen;
	struct store_msg m[];
};
struct store_chunk *store_chunk_new(const struct store_msg *m, uint32_t n);
void store_chunk_ref(struct store_chunk *c);
void store_chunk_unref(struct store_chunk *c);

/* Builds a new view from old chunks and new messages, in UID order (view_build.c). */
struct store_builder {
	struct store_chunk **chunks;
	uint32_t n, cap;
	uint32_t n_open;
	struct store_msg open[STORE_CHUNK];
};
struct store_builder *store_build_new(void); /* mem_free, after store_build_finish() or store_build_fini() */
void store_build_msg(struct store_builder *b, const struct store_msg *m);
void store_build_chunk(struct store_builder *b, struct store_chunk *c);
/* The view, with one reference; the builder is empty then. */
struct store_view *store_build_finish(struct store_builder *b);
void store_build_fini(struct store_builder *b);

/* view_keywords.c */
void store_keywords_ref(const struct store_keywords *k);
void store_keywords_unref(const struct store_keywords *k); /* accepts NULL */
/* A reference to those, or to a copy with the first n names alone. */
const struct store_keywords *store_keywords_told(const struct store_keywords *k, size_t n);
/*
 * Flags of messages that an older view has, as a newer view's keywords tell them. A set that these have no more is added to a copy of
 * them under a number of its own, so that it is known in the view that is made, and nowhere else.
 */
struct store_carrying {
	const struct store_keywords *old, *now; /* a reference to now, which the view takes when all is done */
	/* private */
	struct keywords *own;
	uint16_t *sets; /* what became of the numbers of old; 0: not asked for */
};
void store_carrying_end(struct store_carrying *c);
uint64_t store_keywords_carry(struct store_carrying *c, uint64_t flags);

/* What makes a newer view of an older one. */
struct store_changes {
	struct store_msg *changed; /* new, or changed since; by UID */
	size_t n_changed, cap_changed;
	uint32_t *expunged; /* by UID */
	size_t n_expunged;
};
/* Room for one more that changed. */
struct store_msg *store_changes_next(struct store_changes *c);
void store_changes_fini(struct store_changes *c);
/* view_load.c: the same, of the mailbox of old; counters and modseq are the caller's to fill in. */
struct store_view *store_build_next(struct store_builder *b, const struct store_view *old);
/* The messages of old with those changes; counters and modseq are the caller's to fill in. */
struct store_view *store_view_changed(const struct store_view *old, const struct store_changes *c);
/* delta.c: old with what that commit did; NULL: it does not fit. */
struct store_view *store_delta_apply(struct store_view *old, const struct store_delta *d);

/*
 * view_load.c: reads a whole mailbox, or what changed since old; *ret may be old itself (with one
 * more reference).
 */
MUST_CHECK int store_view_load(struct db_tx *tx, int64_t mailbox, struct store_view *old,
			       struct store_view **ret);
/* The same messages, marked gone. */
struct store_view *store_view_gone(struct store_view *old);
/* glance.c: a bare view. -E_NOT_FOUND. */
MUST_CHECK int store_glance_load(struct store *s, int64_t mailbox, struct store_view **ret);
/*
 * view_fill.c: the messages of bare, out of a newer view and what was expunged since, as
 * store_mbox_fill().
 */
MUST_CHECK int store_view_fill(struct store *s, const struct store_view *bare,
			       struct store_view *now, struct store_view **ret);

/* The counters of a mailbox as a view has them (view_load.c). -E_NOT_FOUND. */
struct store_view_row {
	uint32_t uidvalidity, uidnext, messages, unseen, deleted;
	uint64_t highestmodseq;
};
MUST_CHECK int store_tx_view_row(struct db_tx *tx, int64_t mailbox, struct store_view_row *ret);
void store_view_set_row(struct store_view *v, const struct store_view_row *row);
/* Its keywords: a reference to those of old (may be NULL) when they are the same. */
MUST_CHECK int store_tx_view_keywords(struct db_tx *tx, int64_t mailbox,
				      const struct store_view *old,
				      const struct store_keywords **ret);
/* UIDs that old may have and that were expunged since, ascending; freed with mem_free(). */
MUST_CHECK int store_tx_view_expunged(struct db_tx *tx, const struct store_view *old,
				      uint32_t **ret, size_t *ret_n);
