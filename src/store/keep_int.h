/* SPDX-License-Identifier: MIT */
/* Private to housekeeping (housekeep.c, prune.c, compact.c) and the repair, which must not meet it. */
#pragma once

#include "store/housekeep.h"
#include "store/store_int.h"

/* A pass. */
struct keep {
	struct store *s;
	const struct store_keep_job *job;
	struct store_kept kept;
	bool is_over; /* it has been told to end */
};

/* Between two steps: false when the pass has to end. */
bool store_keep_pause(struct keep *k, int64_t ms);

/*
 * Whoever holds it is the only one that removes contents, and that changes packs and their rows. False:
 * store_keep_stop() was called, before or while it waited.
 */
MUST_CHECK bool store_keep_enter(struct store *s);
void store_keep_leave(struct store *s);

/* prune.c: forgets UIDs that were expunged long ago. */
MUST_CHECK int store_keep_prune(struct keep *k);
/* compact.c: counts new packs, compacts and removes those that are worth it. */
MUST_CHECK int store_keep_packs(struct keep *k);
