/* SPDX-License-Identifier: MIT */
/*
 * The states of messages: their flags and mod-sequences, apart from all that never changes of them.
 * Messages of 64 neighbouring UIDs share a row of message_states, and in it those share a state
 * that have the same flags and the same mod-sequence. So a change of a whole mailbox writes a
 * hundredth of the rows, and few bytes of each (docs/decisions/040). Nothing else reads or writes
 * them.
 *
 * 1. Each message of a mailbox is in exactly one state of its row, and no other UID is in any.
 * 2. A state has at least one UID; so a row has at most 64. A row without states is not there.
 * 3. A row's modseq, which has an index, is not smaller than those of its states; but for the last
 *    row of a mailbox, the one of UIDNEXT - 1: messages come to it without a change of the index.
 * 4. A state changes its modseq only to one that was given later, and only where something changes
 *    (RFC 7162 3.1).
 *
 * What is damaged is read as far as it makes sense: the check (fsck.c) finds it, repair.c mends it.
 */
#pragma once

#include "base/uidset.h"
#include "db/db.h"

struct store_msg;
struct store_view;

#define STORE_STATE_UIDS 64
#define STORE_STATE_UIDS_LOG 6
#define STORE_STATE_ROW_BITS (32 - STORE_STATE_UIDS_LOG) /* a row's id: mailbox << 26 | uid >> 6 */
#define STORE_STATE_BYTES 24 /* uids, flags, modseq, each big-endian */

struct store_state {
	uint64_t uids; /* bit i: the message with UID first_uid + i */
	uint64_t flags, modseq;
};
struct store_states { /* a row */
	int64_t id;
	uint32_t first_uid;
	bool is_damaged; /* what was read was not as 1 and 2 say, or has a modseq that cannot be */
	unsigned n;
	struct store_state v[STORE_STATE_UIDS];
};

/* UIDs of the row: all; those with any of the flags; those that changed after that modseq. */
uint64_t store_states_all(const struct store_states *s);
uint64_t store_states_flagged(const struct store_states *s, uint64_t flags);
uint64_t store_states_since(const struct store_states *s, uint64_t modseq);
/* From the first to the last of those UIDs (not 0). */
struct uid_range store_states_range(uint32_t first_uid, uint64_t uids);
/* The state of each UID, NULL where there is no message. */
void store_states_spread(const struct store_states *s,
			 const struct store_state *ret[STORE_STATE_UIDS]);

struct store_state_change {
	uint64_t keep, come; /* the new flags: (old & keep) | come */
	uint64_t since;      /* messages that changed later stay as they are */
	uint64_t modseq;     /* for what really changes */
	const uint16_t *sets; /* what becomes of each set of keywords; NULL: as keep and come say */
	int64_t n, unseen, deleted; /* counts up: how many changed; growth */
};
/* The flags of one. */
uint64_t store_states_changed(const struct store_state_change *c, uint64_t flags);
void store_states_change(struct store_states *s, uint64_t uids, struct store_state_change *c);
/* A new modseq and the same flags; UIDs that were not there come with none. */
void store_states_touch(struct store_states *s, uint64_t uids, uint64_t modseq);
void store_states_remove(struct store_states *s, uint64_t uids);
/* Bytes of a row and back. to: STORE_STATE_BYTES for each state. */
struct str store_states_print(const struct store_state *v, unsigned n, char *to);
void store_states_parse(struct str bytes, struct store_states *ret);

/* ---- rows ---- */

/* Lowest id of a mailbox; of the row that has that UID. */
int64_t store_states_id(int64_t mailbox, uint32_t uid);
/* 1; 0: there is none, and *ret has no states. */
MUST_CHECK int store_tx_states_get(struct db_tx *tx, int64_t mailbox, uint32_t uid,
				   struct store_states *ret);
/* Writes it; one that has no states any more goes. It was read before. */
MUST_CHECK int store_tx_states_put(struct db_tx *tx, const struct store_states *s);
/* The same where messages were removed, and nothing else: the index stays as it is. */
MUST_CHECK int store_tx_states_shrink(struct db_tx *tx, const struct store_states *s);
/* The same, whether there was one or not. */
MUST_CHECK int store_tx_states_renew(struct db_tx *tx, const struct store_states *s);

/*
 * The rows that have messages of a UID set, by UID:
 *
 *   AUTO(store_states_end) struct store_states_walk w = store_states_walk(tx, mailbox, uids);
 *   while ((rc = store_states_next(&w)) > 0)
 *           ... w.s, of which the set has the messages w.uids
 *
 * The current row may be changed and put. One walk at a time in a transaction.
 */
struct store_states_walk {
	struct store_states s;
	uint64_t uids;
	/* private */
	struct db_tx *tx;
	int64_t mailbox;
	const struct uidset *set; /* NULL: all */
	size_t next, at;          /* range that is asked for next; that may have UIDs of the next row */
	struct db_query q;
	bool is_open;
};
struct store_states_walk store_states_walk(struct db_tx *tx, int64_t mailbox,
					   const struct uidset *uids);
MUST_CHECK int store_states_next(struct store_states_walk *w);
void store_states_end(struct store_states_walk *w);
/* Adds those of the current row that changed after that modseq (RFC 7162 3.1.3). -E_LIMIT. */
MUST_CHECK int store_states_modified(struct arena *a, const struct store_states_walk *w,
				     uint64_t since, struct uidset *ret);
/* The current row of a query for id and states, with the UIDs that are there. */
void store_states_row(struct db_query *q, struct store_states *ret);

/* Asks for the rows, in no order, that have what is newer than the view; and perhaps more. */
void store_tx_states_newer(struct db_tx *tx, struct db_query *q, const struct store_view *view);

/*
 * New messages on their way into rows: those of one row, and with few different flags, are written
 * together. Their UIDs are larger than all that the mailbox has had, last: the largest.
 */
#define STORE_STATES_ADDING 8
struct store_states_adding {
	int64_t id;
	unsigned n; /* 0: nothing waits */
	struct store_state v[STORE_STATES_ADDING];
};
MUST_CHECK int store_tx_states_add(struct db_tx *tx, struct store_states_adding *a, int64_t mailbox,
				   uint32_t last, const struct store_msg *m);
/* Writes what waits. */
MUST_CHECK int store_tx_states_added(struct db_tx *tx, struct store_states_adding *a);

/* Messages whose UIDs the query tells, ascending, get that modseq. Ends the query. */
MUST_CHECK int store_tx_states_touch(struct db_tx *tx, int64_t mailbox, struct db_query *uids,
				     uint64_t modseq);

/* Against the rows of messages (states_check.c): invariants 1 to 3, and what they add up to. */
struct store_states_sum {
	int64_t wrong; /* messages without a state, states without a message, rows that are damaged */
	int64_t unseen, deleted;
	int64_t modseq; /* the largest */
	uint64_t flags; /* that any has */
};
MUST_CHECK int store_tx_states_sum(struct db_tx *tx, int64_t mailbox, struct store_states_sum *ret);
/*
 * Mends what is wrong: a message without a state gets one without flags and with that modseq, a
 * state without a message goes. All messages of a row that was damaged get that modseq: their flags
 * may be others than somebody was told.
 */
MUST_CHECK int store_tx_states_mend(struct db_tx *tx, int64_t mailbox, uint64_t modseq);
