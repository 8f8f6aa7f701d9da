/* SPDX-License-Identifier: MIT */
/*
 * Housekeeping: what was expunged gives its space back. Contents that nobody names any more go after
 * a grace, the memory of expunged UIDs is cut, packs that are mostly dead are compacted. The
 * settings of [store] say when; the caller has the thread.
 */
#pragma once

#include "store/store.h"

struct store_keep_job {
	/*
	 * Waits that long, so that the service is not slowed down; false: the pass has to end. NULL:
	 * no waiting.
	 */
	bool (*pause)(void *ctx, int64_t ms);
	/* A body that could not be moved, because it is not what it was: a line for the operator. */
	void (*damaged)(void *ctx, const char *text_z);
	void *ctx;
	bool is_asked; /* somebody asked for it: also what is done now and then only */
};

struct store_kept {
	int64_t contents; /* rows removed, their bodies are dead space now */
	int64_t expunged; /* UIDs forgotten */
	int64_t moved, moved_bytes;
	int64_t packs, freed_bytes; /* removed */
	int64_t damaged;
};

/*
 * One pass. One at a time: a second caller waits, and the first then hurries. 0: all that could
 * be done now is done, or store_keep_stop() was called; negative: it ended early, and what was
 * done stays done. *ret is filled in both cases. Any thread that may wait for the disk.
 */
MUST_CHECK int store_keep_house(struct store *s, const struct store_keep_job *job,
				struct store_kept *ret);
/* Passes and checks (fsck.h) that run end soon, later ones at once. */
void store_keep_stop(struct store *s);

struct store_space {
	int64_t packs, bytes; /* files of bodies, and their size */
	int64_t dead_bytes;   /* of that: named by no row */
	int64_t waiting;      /* contents that wait for the end of their grace */
};
/* Reads little; exact between passes. */
MUST_CHECK int store_space(struct store *s, struct store_space *ret);
