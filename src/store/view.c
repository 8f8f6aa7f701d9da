/* SPDX-License-Identifier: MIT */
/*
 * Views: how messages are found in one, and who frees it. A view is immutable; its chunks and its
 * keywords (view_keywords.c) are shared with other views of the mailbox and counted, atomically, because the last
 * reference may go on any thread.
 */
#include "store/store_int.h"

#include "base/must.h"

/* ---- chunks ---- */

struct store_chunk *store_chunk_new(const struct store_msg *m, uint32_t n)
{
	struct store_chunk *c = mem_alloc(1, sizeof(*c) + n * sizeof(*m));

	c->refs = 1;
	c->n = n;
	memcpy(c->m, m, n * sizeof(*m));
	for (uint32_t i = 0; i < n; i++)
		c->unseen += !(m[i].flags & STORE_SEEN);
	return c;
}

void store_chunk_ref(struct store_chunk *c)
{
	__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
}

void store_chunk_unref(struct store_chunk *c)
{
	if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) == 0)
		mem_free(c);
}

/* ---- lifetime ---- */

void store_view_ref(struct store_view *v)
{
	__atomic_add_fetch(&v->refs, 1, __ATOMIC_RELAXED);
}

void store_view_unref(struct store_view *v)
{
	if (!v || __atomic_sub_fetch(&v->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (uint32_t i = 0; i < v->n_chunks; i++)
		store_chunk_unref(v->chunks[i]);
	store_keywords_unref(v->keywords);
	mem_free(v->chunks);
	mem_free(v->first_seq);
	mem_free(v);
}

/* ---- finding ---- */

/* The chunk that has this sequence number, which must be in the view. */
static uint32_t chunk_of(const struct store_view *v, uint32_t seq)
{
	uint32_t lo = 0, hi = v->n_chunks;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->first_seq[mid] <= seq)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

const struct store_msg *store_view_at(const struct store_view *v, uint32_t seq)
{
	uint32_t i;

	must(!v->is_bare);
	if (seq == 0 || seq > v->n)
		return NULL;
	i = chunk_of(v, seq);
	return &v->chunks[i]->m[seq - v->first_seq[i]];
}

uint32_t store_view_run(const struct store_view *v, uint32_t seq, const struct store_msg **ret_msgs)
{
	uint32_t i;

	must(!v->is_bare);
	if (seq == 0 || seq > v->n)
		return 0;
	i = chunk_of(v, seq);
	*ret_msgs = &v->chunks[i]->m[seq - v->first_seq[i]];
	return v->chunks[i]->n - (seq - v->first_seq[i]);
}

uint32_t store_view_seq_from(const struct store_view *v, uint32_t uid)
{
	uint32_t lo = 0, hi = v->n_chunks, a, b;

	must(!v->is_bare);
	/* The first chunk whose last UID is not smaller. */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->chunks[mid]->m[v->chunks[mid]->n - 1].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == v->n_chunks)
		return v->n + 1;
	for (a = 0, b = v->chunks[lo]->n; a < b;) {
		uint32_t mid = a + (b - a) / 2;

		if (v->chunks[lo]->m[mid].uid < uid)
			a = mid + 1;
		else
			b = mid;
	}
	return v->first_seq[lo] + a;
}

uint32_t store_view_seq(const struct store_view *v, uint32_t uid)
{
	uint32_t seq = store_view_seq_from(v, uid);
	const struct store_msg *m = store_view_at(v, seq);

	return m && m->uid == uid ? seq : 0;
}

/* ---- near each other ---- */

const struct store_msg *store_near_at(struct store_near *near, uint32_t seq)
{
	if (seq - near->first >= near->n) {
		near->first = seq;
		near->n = store_view_run(near->v, seq, &near->run);
	}
	near->seq = near->n > 0 ? seq : 0;
	return near->n > 0 ? &near->run[seq - near->first] : NULL;
}

const struct store_msg *store_near_uid(struct store_near *near, uint32_t uid)
{
	const struct store_msg *m = store_near_at(near, near->seq + 1);

	return m && m->uid == uid ? m : store_near_at(near, store_view_seq(near->v, uid));
}
