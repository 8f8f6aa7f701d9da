/* SPDX-License-Identifier: MIT */
/*
 * Sequence sets against a view. A set may hold as many ranges as a command has room for,
 * in any order; they are clipped to the mailbox and sorted before they become a uidset,
 * so the work is n log n in what was written.
 *
 * RFC 9051 9 (sequence-set, seq-number), RFC 5182 2.1 ("$")
 */
#include "imap/seqset.h"

#include "base/must.h"
#include "store/view.h"

static int range_cmp(const void *a, const void *b)
{
	const struct uid_range *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Ranges of 1.., "*" replaced by max, in ascending order; a range is turned so that lo <= hi. */
static int sorted_ranges(struct arena *a, const struct imap_seqset *set, uint32_t max,
			 struct uid_range **ret)
{
	struct uid_range *r = ARENA_ARRAY(a, struct uid_range, set->n);
	size_t i;

	if (r == NULL)
		return -E_LIMIT;
	for (i = 0; i < set->n; i++) {
		uint32_t lo = set->r[i].lo == 0 ? max : set->r[i].lo;
		uint32_t hi = set->r[i].hi == 0 ? max : set->r[i].hi;

		r[i].lo = lo < hi ? lo : hi;
		r[i].hi = lo < hi ? hi : lo;
	}
	qsort(r, set->n, sizeof(r[0]), range_cmp);
	*ret = r;
	return 0;
}

int imap_seqset_numbers(struct arena *a, const struct imap_seqset *set, uint32_t max,
			struct uidset *ret)
{
	struct uid_range *r;
	struct uidset out = { 0 };
	size_t i;
	int e = sorted_ranges(a, set, max, &r);

	for (i = 0; e == 0 && i < set->n; i++)
		e = uidset_add(a, &out, r[i].lo, r[i].hi);
	if (e == 0)
		*ret = out;
	return e;
}

/* UID ranges to the sequence numbers that stand in them; uids is sorted. */
static int seqs_of_uids(struct arena *a, const struct uidset *uids, const struct store_view *view,
			struct uidset *ret_seqs)
{
	struct uidset out = { 0 };
	size_t i;

	for (i = 0; i < uids->n; i++) {
		uint32_t lo = store_view_seq_from(view, uids->r[i].lo);
		uint32_t hi = uids->r[i].hi == UINT32_MAX
				      ? view->n
				      : store_view_seq_from(view, uids->r[i].hi + 1) - 1;

		if (lo > hi || lo > view->n)
			continue;
		if (uidset_add(a, &out, lo, hi) < 0)
			return -E_LIMIT;
	}
	*ret_seqs = out;
	return 0;
}

int imap_seqset_resolve(struct arena *a, const struct imap_seqset *set, bool is_uid,
			const struct store_view *view, const struct uidset *saved,
			struct uidset *ret_seqs)
{
	const struct store_msg *last = store_view_at(view, view->n);
	struct uidset out = { 0 };
	int r;

	if (set->is_saved)
		return seqs_of_uids(a, saved, view, ret_seqs);
	if (is_uid) {
		/*
		 * RFC 9051 9: "*" is the UID of the last message; UIDNEXT in an empty
		 * mailbox names nothing.
		 */
		r = imap_seqset_numbers(a, set, last != NULL ? last->uid : view->uidnext, &out);
		return r < 0 ? r : seqs_of_uids(a, &out, view, ret_seqs);
	}
	r = imap_seqset_numbers(a, set, view->n, &out);
	if (r < 0)
		return r;
	/*
	 * RFC 9051 9: a number larger than the count is BAD, and so is "*" in an empty
	 * mailbox.
	 */
	if (view->n == 0 || out.n == 0 || out.r[out.n - 1].hi > view->n)
		return -E_SYNTAX;
	*ret_seqs = out;
	return 0;
}

int imap_seqset_uids(struct arena *a, const struct uidset *seqs, const struct store_view *view,
		     struct uidset *ret_uids)
{
	struct uidset out = { 0 };
	size_t i;

	for (i = 0; i < seqs->n; i++) {
		const struct store_msg *first = store_view_at(view, seqs->r[i].lo);
		const struct store_msg *last = store_view_at(view, seqs->r[i].hi);

		must(first != NULL && last != NULL);
		if (uidset_add(a, &out, first->uid, last->uid) < 0)
			return -E_LIMIT;
	}
	*ret_uids = out;
	return 0;
}

int imap_seqset_last(struct arena *a, const struct uidset *set, uint32_t n, struct uidset *ret)
{
	const struct imap_partial last = { .lo = 1, .hi = n, .is_last = true };

	return imap_partial_set(a, &last, set, ret);
}

int imap_seqset_both(struct arena *a, const struct uidset *x, const struct uidset *y,
		     struct uidset *ret)
{
	struct uidset out = { 0 };
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && i < x->n && j < y->n) {
		uint32_t lo = x->r[i].lo > y->r[j].lo ? x->r[i].lo : y->r[j].lo;
		bool is_first = x->r[i].hi < y->r[j].hi;
		uint32_t hi = is_first ? x->r[i].hi : y->r[j].hi;

		if (lo <= hi)
			r = uidset_add(a, &out, lo, hi);
		i += is_first;
		j += !is_first;
	}
	*ret = out;
	return r;
}

uint32_t imap_partial_of(const struct imap_partial *partial, uint32_t n, uint32_t *ret_first)
{
	uint32_t hi = partial->hi < n ? partial->hi : n;

	*ret_first = partial->is_last ? n - hi + 1 : partial->lo;
	return partial->lo > hi ? 0 : hi - partial->lo + 1;
}

int imap_partial_set(struct arena *a, const struct imap_partial *partial, const struct uidset *set,
		     struct uidset *ret)
{
	uint32_t skip, left = imap_partial_of(partial, (uint32_t)uidset_count(set), &skip);
	struct uidset out = { 0 };
	int r = 0;

	skip--;
	for (size_t i = 0; i < set->n && left > 0 && r == 0; i++) {
		uint32_t n = set->r[i].hi - set->r[i].lo + 1, lo = set->r[i].lo + skip;
		uint32_t take = skip < n ? n - skip : 0;

		take = take < left ? take : left;
		if (take > 0)
			r = uidset_add(a, &out, lo, lo + take - 1);
		skip -= skip < n ? skip : n;
		left -= take;
	}
	*ret = out;
	return r;
}
