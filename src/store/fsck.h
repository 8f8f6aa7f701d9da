/* SPDX-License-Identifier: MIT */
/*
 * Checks everything that the store keeps against everything else it keeps: rows against packs,
 * counters against rows, references against those who hold them. On request repairs what can be
 * repaired; each kind of damage has a row in the table of repair.c that says how, or why not.
 */
#pragma once

#include "store/store.h"

/* Rows outside the store that hold references to contents. */
struct store_fsck_refs {
	/*
	 * Arguments first and last content id; columns content (ascending), how many rows name it,
	 * smallest and largest size that they give it.
	 */
	const struct db_sql *sql;
	const struct db_sql *resize; /* all rows that name content ?1 have size ?2 */
	const struct db_sql *label;  /* of each row that names content ?1: text for people */
	/* Takes away all rows that name the content, with their references to it. */
	int (*remove)(struct db_tx *tx, int64_t content);
};

/* Called with one line for the operator; may not call the store. */
typedef void store_fsck_say_fn(void *ctx, const char *text_z);

struct store_fsck_say {
	store_fsck_say_fn *found;      /* a fault; after a repair one that stays, and why */
	store_fsck_say_fn *unreadable; /* a message whose body is not what it was: whose, where */
	store_fsck_say_fn *repaired;   /* NULL: look only. A fault that is no more, and how */
	bool removes_unreadable;       /* with repaired: messages whose body is missing go */
	void *ctx;
};

struct store_fsck_job {
	const struct store_fsck_refs *refs;
	size_t n_refs;             /* at most STORE_FSCK_REFS */
	const char *const *tables; /* outside the store, to be checked as tables */
	size_t n_tables;
	struct store_fsck_say say;
};
#define STORE_FSCK_REFS 2

struct store_fsck_counts {
	int64_t accounts, mailboxes, messages, contents, bytes; /* looked at */
	struct store_fsck_packs {
		int64_t n, bytes; /* files of bodies */
		int64_t dead_bytes;
		int64_t unnamed; /* files that no row names; they go with the next compaction */
	} packs;
};

/*
 * 0 when all could be read (faults were said); negative: it ended early, -E_CLOSED because of
 * store_keep_stop(). While mail comes and goes
 * is fine: what belongs together is compared in one snapshot, and no snapshot is held for longer
 * than one walk through the largest table. A repair is one transaction, which looks again before it
 * changes anything; housekeeping waits meanwhile. Any worker.
 */
MUST_CHECK int store_fsck(struct store *s, const struct store_fsck_job *job,
			  struct store_fsck_counts *ret);
