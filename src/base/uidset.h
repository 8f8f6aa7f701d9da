/* SPDX-License-Identifier: MIT */
/*
 * A set of 32-bit numbers (UIDs, message sequence numbers) as sorted, disjoint, non-adjacent
 * ranges. Lives in an arena. The IMAP spelling is in imap/seqset.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

struct uid_range {
	uint32_t lo, hi; /* both inside; lo <= hi */
};

struct uidset {
	struct uid_range *r;
	size_t n;
	size_t cap;
};

/* Adds lo..hi (given in either order) and keeps the invariant; cheapest at the end. 0 or -E_LIMIT. */
MUST_CHECK int uidset_add(struct arena *a, struct uidset *s, uint32_t lo, uint32_t hi);
bool uidset_has(const struct uidset *s, uint32_t v);
/* How many numbers are in it. */
uint64_t uidset_count(const struct uidset *s);
/* "1,3:5,9" as in RFC 9051 sequence-set; nothing for the empty set. */
void uidset_print(struct buf *out, const struct uidset *s);

/* for (struct uidset_iter it = {0}; uidset_next(&set, &it);) use(it.v); */
struct uidset_iter {
	size_t i;
	uint32_t v;
	bool is_started;
};
bool uidset_next(const struct uidset *s, struct uidset_iter *it);
