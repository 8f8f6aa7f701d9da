/* SPDX-License-Identifier: MIT */
/*
 * What a parsed sequence-set means in a view (RFC 9051 9 sequence-set, 6.4.9 for UIDs).
 * Always ends in sequence numbers of the view, as sorted ranges: FETCH and SEARCH walk
 * them, STORE and COPY turn them into UIDs for the store.
 */
#pragma once

#include "base/uidset.h"
#include "imap/parse.h"

struct store_view;

/*
 * Sequence numbers of the messages that the set names. With is_uid the numbers are UIDs,
 * and those that do not exist are left out; otherwise a number past the end is -E_SYNTAX
 * (BAD), also "*" in an empty mailbox. saved is what "$" means (UIDs in either case, RFC
 * 5182 2.1). -E_LIMIT.
 */
MUST_CHECK int imap_seqset_resolve(struct arena *a, const struct imap_seqset *set, bool is_uid,
				   const struct store_view *view, const struct uidset *saved,
				   struct uidset *ret_seqs);
/*
 * The UIDs of those sequence numbers, one UID range per sequence range: it may span UIDs
 * that are long expunged, never a message that the view does not have. seqs must lie
 * within the view. -E_LIMIT.
 */
MUST_CHECK int imap_seqset_uids(struct arena *a, const struct uidset *seqs,
				const struct store_view *view, struct uidset *ret_uids);
/* Those of n things in a row that the range names: *ret_first from 1, returns how many. */
uint32_t imap_partial_of(const struct imap_partial *partial, uint32_t n, uint32_t *ret_first);
/* The numbers of a set that stand at those places in it. -E_LIMIT. */
MUST_CHECK int imap_partial_set(struct arena *a, const struct imap_partial *partial,
				const struct uidset *set, struct uidset *ret);
/* The n highest numbers of a set that has at least so many, n > 0. -E_LIMIT. */
MUST_CHECK int imap_seqset_last(struct arena *a, const struct uidset *set, uint32_t n,
				struct uidset *ret);
/* What is in both sets. -E_LIMIT. */
MUST_CHECK int imap_seqset_both(struct arena *a, const struct uidset *x, const struct uidset *y,
				struct uidset *ret);
/*
 * For a literal set of UIDs where "*" is allowed but a view is not at hand: the ranges
 * with "*" as max. -E_LIMIT.
 */
MUST_CHECK int imap_seqset_numbers(struct arena *a, const struct imap_seqset *set, uint32_t max,
				   struct uidset *ret);
