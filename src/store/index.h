/* SPDX-License-Identifier: MIT */
/*
 * The search index: a directory of files for each account, data_dir/search/ACCOUNT. It makes SEARCH faster
 * and never changes an answer: contents that are not in it are looked into, damaged files are
 * removed and made again from the mail. Nobody waits for it, and it may be deleted at any time. A
 * database that is put in the place of another (from a backup) finds nothing of the other one in it.
 */
#pragma once

#include "store/store.h"

struct store_index_job {
	/* Waits that long, so that the service is not slowed down; false: the pass has to end. */
	bool (*pause)(void *ctx, int64_t ms);
	void *ctx;
};

struct store_indexed {
	int64_t contents, segments; /* added, written */
	int64_t merged, removed;    /* segments made one; dropped contents */
};

/* What the passes of one thread remember. */
struct store_indexer;
struct store_indexer *store_indexer_new(struct store *s);
void store_indexer_free(struct store_indexer **x); /* accepts a pointer to NULL */
/*
 * One pass over all accounts that changed. 0, also when there is no room on the disk or
 * store.search_index is off; negative: it ended early, the next one goes on. One thread.
 */
MUST_CHECK int store_indexer_pass(struct store_indexer *x, const struct store_index_job *job,
				  struct store_indexed *ret);
/* The index of an account that is gone. */
void store_index_remove(struct store *s, int64_t account);
