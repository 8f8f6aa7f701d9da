/* SPDX-License-Identifier: MIT */
/*
 * Mailbox views: a mailbox in use has an immutable snapshot in memory, shared by all its sessions. Messages stand in
 * chunks (reference-counted, at most STORE_CHUNK each); a change copies the chunks it touches and the chunk table, so
 * one flag change in a million messages stays cheap. A session compares the view that it showed last with the newest.
 * The database is the truth: a view is brought up to date by reading what changed since its modseq.
 */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "base/uidset.h"
#include "store/store.h"

enum store_flag { /* bits of store_msg.flags; keywords take bit 8 and up, see struct store_keywords */
	STORE_SEEN = 1, STORE_ANSWERED = 2, STORE_FLAGGED = 4, STORE_DELETED = 8, STORE_DRAFT = 16,
};
#define STORE_SYSTEM_FLAGS 31 /* all of them */
#define STORE_KEYWORD_BIT 8
#define STORE_KEYWORD_BITS 40 /* the first keywords of a mailbox */
#define STORE_SET_BIT 48      /* from there on: the number of a set of others; 0: none */

struct store_msg {
	uint32_t uid;
	uint32_t size;          /* RFC822.SIZE */
	uint64_t flags;
	uint64_t modseq;
	int64_t content;        /* content id: EMAILID is "E" and this number */
	int64_t thread;         /* THREADID is "T" and this number */
	int64_t internaldate_s;
	uint32_t savedate_s;
	bool is_lost;           /* expunged before it was read: only its uid is known (store_mbox_fill) */
};

#define STORE_CHUNK 512
struct store_chunk; /* private to store/view.c */

/*
 * The keywords of a mailbox, by number; immutable. The first STORE_KEYWORD_BITS are bits of flags, from STORE_KEYWORD_BIT on. Of the others a
 * message has a set, and its flags the number of that: only the functions below know what it has (docs/decisions/045).
 */
struct store_keywords {
	struct str *v; /* empty: it has none that may be shown */
	size_t n;
	/* private to view_keywords.c */
	const struct store_set *sets; /* by number */
	size_t n_sets;
	const uint16_t *members;      /* of all sets */
	int64_t epoch;
};
#define STORE_KEYWORDS_MAX (STORE_KEYWORD_BITS + LIMIT_MESSAGE_KEYWORDS) /* of one message */
/* Numbers of the keywords that those flags have and that have a name, ascending. How many. */
size_t store_keywords_of(const struct store_keywords *k, uint64_t flags, uint16_t ret[STORE_KEYWORDS_MAX]);
bool store_keywords_has(const struct store_keywords *k, uint64_t flags, unsigned number);
/* The number of a keyword (ASCII case-insensitive), or -1. */
int store_keywords_find(const struct store_keywords *k, struct str keyword);

struct store_view {
	int64_t mailbox;
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highestmodseq;
	uint32_t n;             /* EXISTS */
	uint32_t unseen, deleted;
	bool is_gone;           /* the mailbox was deleted; the messages of the last view stay readable */
	bool is_bare;           /* it has everything but its messages, see below */
	const struct store_keywords *keywords;
	/* private */
	uint32_t n_chunks;
	int refs;
	struct store_chunk **chunks;
	uint32_t *first_seq;    /* of each chunk */
};

/* The message with that sequence number (1..n); NULL outside. Valid as long as the view. O(log chunks). */
const struct store_msg *store_view_at(const struct store_view *v, uint32_t seq);
/* Sequence number of a UID; 0 when it is not there. */
uint32_t store_view_seq(const struct store_view *v, uint32_t uid);
/* Sequence number of the first message with that UID or a larger one; n + 1 when there is none. */
uint32_t store_view_seq_from(const struct store_view *v, uint32_t uid);
/* Fast walk: *ret_msgs is the run of messages from seq to the end of its chunk; returns its length (0: past the end). */
uint32_t store_view_run(const struct store_view *v, uint32_t seq, const struct store_msg **ret_msgs);
/* A place in a view: what is asked for next mostly stands behind what was asked for before, and then costs next to nothing. */
struct store_near {
	const struct store_view *v; /* the others are 0 at first */
	uint32_t seq;               /* of what was found; 0: nothing was */
	uint32_t first, n;          /* sequence numbers of the run */
	const struct store_msg *run;
};
/* As store_view_at(). */
const struct store_msg *store_near_at(struct store_near *near, uint32_t seq);
/* The message with that UID; NULL when it is not there. */
const struct store_msg *store_near_uid(struct store_near *near, uint32_t uid);

void store_view_ref(struct store_view *v);
void store_view_unref(struct store_view *v); /* accepts NULL */

/* A mailbox in use. Opening is cheap; the view is loaded when it is first asked for. */
struct store_mbox;
MUST_CHECK int store_mbox_open(struct store *s, int64_t mailbox, struct store_mbox **ret);
void store_mbox_close(struct store_mbox **m); /* accepts a pointer to NULL */
/* The newest view, with a reference. Includes every change whose call returned before. */
MUST_CHECK int store_mbox_view(struct store_mbox *m, struct store_view **ret);
/* True when a newer view than this exists; costs a compare. */
bool store_mbox_has_news(struct store_mbox *m, const struct store_view *v);

/* It was deleted. */
bool store_mbox_is_gone(struct store_mbox *m);

/*
 * A bare view is a view without its messages: what a client is told when it selects a mailbox, read from the counters. Its cost
 * does not grow with the mailbox. Only the functions from here to store_mbox_fill(), and _ref and _unref, may be given one.
 *
 * The newest view if the mailbox has one in memory, otherwise a bare one. With a reference. -E_NOT_FOUND.
 */
MUST_CHECK int store_mbox_glance(struct store_mbox *m, struct store_view **ret);
/* Sequence number of the first message without \Seen. 0: there is none; or v is bare and finding it would take more than LIMIT_GLANCE_ROWS rows. */
MUST_CHECK int store_view_first_unseen(struct store *s, const struct store_view *v, uint32_t *ret_seq);
/* How many messages of the view are in the set. -E_LIMIT: v is bare and counting takes more than LIMIT_GLANCE_ROWS rows. */
MUST_CHECK int store_view_count(struct store *s, const struct store_view *v, const struct uidset *uids, uint32_t *ret);
/* Since a bare view: 1: messages were only added, and *ret is bare and the newest; 0: it takes the messages to tell; -E_NOT_FOUND. */
MUST_CHECK int store_view_grown(struct store *s, const struct store_view *bare, struct store_view **ret);
/*
 * The messages of a bare view, which makes it a view like any other: the same n, UIDs and highestmodseq, so what happened
 * since is the difference to the newest. A message that was changed since has its newest flags, and counts as changed;
 * one that was expunged since is_lost. -E_NOT_FOUND: the mailbox was deleted. -E_CANNOT: it cannot be known any more (it is older than
 * what is kept about expunged messages, or its counters were wrong).
 */
MUST_CHECK int store_mbox_fill(struct store_mbox *m, const struct store_view *bare, struct store_view **ret);

/* What happened from one view of a mailbox to a later one. */
struct store_diff {
	struct uidset expunged; /* UIDs in old and not in new */
	uint32_t *changed;      /* UIDs in both whose modseq differs, ascending */
	size_t n_changed;
	uint32_t first_new_uid; /* messages of new from this UID on are new; 0: none */
};
MUST_CHECK int store_view_diff(struct arena *a, const struct store_view *old, const struct store_view *now, struct store_diff *ret);

/*
 * now, with those messages of old that it has no more still in their places, as they were: what a client may be shown
 * that must not be told of expunges yet. Its highestmodseq is that of old, so there is still news. With a reference.
 */
struct store_view *store_view_keep(const struct store_view *old, const struct store_view *now);

/*
 * Watching: wake(watcher_id) is called after each commit that changes the mailbox (mailbox != 0), or anything of
 * the account (mailbox == 0: also mailbox names and counters). A watcher may hold several.
 */
void store_watch_add(struct store *s, int64_t account, int64_t mailbox, uint64_t watcher_id);
/* Removes all watches of that id. */
void store_watch_remove(struct store *s, uint64_t watcher_id);
