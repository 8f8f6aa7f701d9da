/* SPDX-License-Identifier: MIT */
/* What the files of fetch_imap share. */
#pragma once

#include "base/uidset.h"
#include "imap/client.h"
#include "move/fetch.h"
#include "move/imap.h"

/* ---- what the state has of a mailbox (fetch_imap_row.c) ---- */

#define MOVE_FETCH_MARKS 64

struct move_fetch_mark {
	int64_t s;           /* then */
	uint32_t uid;        /* all up to it were on the disk */
};

/* Messages up to last were fetched, but those in left. */
struct move_fetch_row {
	uint32_t uidvalidity, last;
	struct uidset left;  /* not taken by the target, or not given by the server: they are asked for again */
	struct uidset late;  /* that were in left, and came at late_s at the latest */
	int64_t late_s;
	struct move_fetch_mark marks[MOVE_FETCH_MARKS]; /* only where messages are kept for a while (keep_s); from old to new */
	size_t n_marks;
};
/* "UIDVALIDITY LAST LEFT LATE LATE_S MARKS", "-" for what is empty. Sets live in the arena. */
bool move_fetch_row_parse(struct arena *a, struct str text, struct move_fetch_row *ret);
void move_fetch_row_print(struct buf *out, const struct move_fetch_row *row);
/* Notes that all up to row->last are on the disk now. */
void move_fetch_row_mark(struct move_fetch_row *row, int64_t now_s, int64_t keep_s);
/* The last UID that has been here for keep_s; 0: none. */
uint32_t move_fetch_row_kept(const struct move_fetch_row *row, int64_t now_s, int64_t keep_s);

/* ---- a session ---- */

struct move_fetch_item {
	uint32_t uid;
	bool was_left;       /* it is not new: it did not come before */
	bool is_asked, is_done, is_refused;
	uint64_t size;
};

struct move_fetch_chunk {
	unsigned tag;
	size_t from, to;     /* of items */
};
#define MOVE_FETCH_UNDER_WAY 2

struct move_fetch_imap {
	struct move_fetch *f;
	struct imap_client *c;
	struct move_imap_boxes boxes;
	int64_t now_s;
	bool is_first_round;
	bool is_thorough;    /* this round asks again for what was left, and looks for old mail to delete */
	int64_t thorough_s;  /* the last one that was */
	/* the mailbox that is selected */
	struct buf name;     /* ours */
	bool is_read_only;
	bool is_listed;      /* v has all that is new, and all that was left and is still there */
	bool has_news;       /* EXISTS has come since it was listed */
	uint32_t exists, uidvalidity, uidnext;
	uint64_t highestmodseq; /* is_sync, and the server has it */
	struct move_fetch_row row;
	struct arena left_arena; /* of row.left, once there is something new in it */
	struct arena arena;  /* of all that follows, and of row */
	struct move_fetch_item *v; /* in the order of UIDs */
	size_t n, cap, n_decided;
	struct uidset old_left, left; /* as the state had it; new ones */
	struct move_fetch_chunk under_way[MOVE_FETCH_UNDER_WAY];
	size_t n_under_way;
	/* For sync, may be NULL: gives a message that is to be put its key and value; hears of one that was. */
	void (*name_message)(void *ctx, uint32_t uid, struct move_fetched *m);
	void (*took)(void *ctx, uint32_t uid, const struct move_fetched *m);
	void *ctx;
};

/* ---- fetch_imap_box.c ---- */

/* -E_CANNOT: it is not there, or may not be read. */
MUST_CHECK int move_fetch_imap_select(struct move_fetch_imap *s, const struct move_imap_box *box, struct fault *fault);
/* Brings all of s->v that are not done. */
MUST_CHECK int move_fetch_imap_bodies(struct move_fetch_imap *s, struct fault *fault);

/* All that is new in a mailbox, to the disk; what may go is deleted. It stays selected. -E_CANNOT: the server does not let us read this one. */
MUST_CHECK int move_fetch_imap_box(struct move_fetch_imap *s, const struct move_imap_box *box, struct str name, struct fault *fault);
/* What was fetched goes into the state (not yet onto the disk), whatever ended the session. */
void move_fetch_imap_note(struct move_fetch_imap *s);

/* ---- fetch_imap_delete.c ---- */

/* One command for each five hundred of a set: before and behind it, "UID STORE " and " +FLAGS (\\Seen)". see may be NULL. */
typedef int move_fetch_see(void *ctx, const struct imap_client_reply *r, struct fault *fault);
MUST_CHECK int move_fetch_imap_each(struct move_fetch_imap *s, const struct uidset *set, struct str before, struct str behind, move_fetch_see *see, void *ctx,
				    struct fault *fault);
/* Exactly these. *ret_is_done false: they are there still, and it was said why. */
MUST_CHECK int move_fetch_imap_expunge(struct move_fetch_imap *s, const struct uidset *uids, bool *ret_is_done, struct fault *fault);
/* Of the mailbox that is selected: all up to that UID but those that are not here. */
MUST_CHECK int move_fetch_imap_delete(struct move_fetch_imap *s, uint32_t last, struct fault *fault);
