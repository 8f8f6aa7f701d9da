/* SPDX-License-Identifier: MIT */
/* Between keys.c, sort.c and threads.c. */
#pragma once

#include "mime/mime.h"
#include "store/sort.h"
#include "store/store_int.h"

/* What is kept of a summary (NULL: of a message that cannot be read), in the arena. */
MUST_CHECK int store_keys_of(struct arena *a, const struct mime_summary *m, struct store_keys *ret);
/* Inside db_write(); replaces nothing that is there. */
MUST_CHECK int store_tx_keys_add(struct db_tx *tx, int64_t content, const struct store_keys *k);

/* Messages whose keys are wanted, in the order of the mailbox. */
struct store_keyed {
	const struct store_msg *m;
	uint32_t seq;
};
/* seqs as such a list, in the arena. -E_LIMIT. */
MUST_CHECK int store_keyed_list(struct arena *a, const struct store_view *v, const struct uidset *seqs,
				struct store_keyed **ret, size_t *ret_n);
/*
 * Calls fn once for each of them, in any order, with at least what is wanted; the texts of k live until it returns. A content from
 * before there were keys is read, and its keys are kept for the next time. Ends with fn's negative result.
 */
typedef int store_keys_fn(void *ctx, size_t i, const struct store_keys *k);
MUST_CHECK int store_keys_read(struct store *s, const struct store_keyed *v, size_t n, enum store_keys_want want,
			       store_keys_fn *fn, void *ctx);
/* RFC 5256 2.2: by INTERNALDATE when there is no usable Date. */
static inline int64_t store_keys_sent(const struct store_keys *k, const struct store_msg *m)
{
	return k->sent_s != INT64_MIN ? k->sent_s : m->internaldate_s;
}
