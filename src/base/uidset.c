/* SPDX-License-Identifier: MIT */
/*
 * Sorted, disjoint, non-adjacent ranges in one array. Adding at the end is constant time; anywhere
 * else it is a binary search and one move of the tail.
 */
#include "base/uidset.h"

#include "base/err.h"

/* Index of the first range whose hi is >= v; s->n when there is none. */
static size_t first_from(const struct uidset *s, uint32_t v)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->r[mid].hi < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int uidset_add(struct arena *a, struct uidset *s, uint32_t lo, uint32_t hi)
{
	size_t first, end;
	int rc;

	if (lo > hi) {
		uint32_t t = lo;

		lo = hi;
		hi = t;
	}
	/* first..end-1 are the ranges that touch or overlap lo..hi: all of them become one. */
	first = s->n > 0 && lo > 0 && s->r[s->n - 1].hi < lo - 1 ?
			s->n : first_from(s, lo > 0 ? lo - 1 : 0);
	end = first;
	while (end < s->n && (hi == UINT32_MAX || s->r[end].lo <= hi + 1))
		end++;
	if (end > first) {
		if (s->r[first].lo < lo)
			lo = s->r[first].lo;
		if (s->r[end - 1].hi > hi)
			hi = s->r[end - 1].hi;
		memmove(&s->r[first + 1], &s->r[end], (s->n - end) * sizeof(s->r[0]));
		s->n -= end - first - 1;
	} else {
		rc = arena_grow(a, &s->r, s->n, &s->cap, sizeof(s->r[0]));
		if (rc < 0)
			return rc;
		memmove(&s->r[first + 1], &s->r[first], (s->n - first) * sizeof(s->r[0]));
		s->n++;
	}
	s->r[first] = (struct uid_range){ lo, hi };
	return 0;
}

bool uidset_has(const struct uidset *s, uint32_t v)
{
	size_t i = first_from(s, v);

	return i < s->n && s->r[i].lo <= v;
}

uint64_t uidset_count(const struct uidset *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (uint64_t)s->r[i].hi - s->r[i].lo + 1;
	return n;
}

void uidset_print(struct buf *out, const struct uidset *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		buf_add_u64(out, s->r[i].lo);
		if (s->r[i].hi == s->r[i].lo)
			continue;
		buf_add_char(out, ':');
		buf_add_u64(out, s->r[i].hi);
	}
}

bool uidset_next(const struct uidset *s, struct uidset_iter *it)
{
	if (!it->is_started) {
		it->is_started = true;
		it->i = 0;
		if (s->n == 0)
			return false;
		it->v = s->r[0].lo;
		return true;
	}
	if (it->i >= s->n)
		return false;
	if (it->v < s->r[it->i].hi) {
		it->v++;
		return true;
	}
	if (++it->i >= s->n)
		return false;
	it->v = s->r[it->i].lo;
	return true;
}
