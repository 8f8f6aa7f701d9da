/* SPDX-License-Identifier: MIT */
/*
 * Checks everything that the store keeps against everything else it keeps: rows against packs,
 * counters against rows, references against those who hold them. Reads only.
 */
#pragma once

#include "store/store.h"

/*
 * Rows outside the store that hold references to contents: a statement of theirs with the
 * arguments first and last content id and the columns content (ascending), how many rows name
 * it, smallest and largest size that they give it.
 */
struct store_fsck_refs {
	const struct db_sql *sql;
};

/* Called for each fault with one line for the operator; may not call the store. */
typedef void store_fsck_found_fn(void *ctx, const char *text_z);

struct store_fsck_job {
	const struct store_fsck_refs *refs;
	size_t n_refs;             /* at most STORE_FSCK_REFS */
	const char *const *tables; /* outside the store, to be checked as tables */
	size_t n_tables;
	store_fsck_found_fn *found;
	void *ctx;
};
#define STORE_FSCK_REFS 2

struct store_fsck_counts {
	int64_t accounts, mailboxes, messages, contents, bytes; /* looked at */
};

/*
 * 0 when all could be read (faults went to found()); negative: it ended early. While mail comes
 * and goes is fine: what belongs together is compared in one snapshot, and no snapshot is held
 * for longer than one walk through the largest table. Any worker.
 */
MUST_CHECK int store_fsck(struct store *s, const struct store_fsck_job *job,
			  struct store_fsck_counts *ret);
