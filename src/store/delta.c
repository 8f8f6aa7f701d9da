/* SPDX-License-Identifier: MIT */
/*
 * What one commit did to the messages of one mailbox, small enough to be told: the views of a
 * mailbox in use are brought up to date with it, and nothing is read (docs/decisions/028).
 *
 * It is gathered where the rows are written, in the box of the transaction, and goes with the
 * announcement. It fits a view that is exactly as new as the mailbox was before the commit, and
 * makes it exactly as new as the mailbox is after it. Whatever does not fit (another kind of
 * change in between, several kinds in one commit, too many ranges, keywords that the view may not
 * know) has no delta, or one that fits no view: then what changed is read from the database, as ever.
 */
#include "store/store_int.h"

/* One kind in a commit; false: it cannot be told any more. */
static bool is_of_kind(struct store_delta *d, enum store_delta_kind kind)
{
	if (d->kind == STORE_DELTA_NONE)
		d->kind = kind;
	else if (d->kind != kind)
		d->kind = STORE_DELTA_UNTOLD;
	return d->kind == kind;
}

static void add_range(struct store_delta *d, struct uid_range r)
{
	if (d->n_uids > 0 && d->uids[d->n_uids - 1].hi + 1 == r.lo)
		d->uids[d->n_uids - 1].hi = r.hi;
	else if (d->n_uids < STORE_DELTA_RANGES)
		d->uids[d->n_uids++] = r;
	else
		d->kind = STORE_DELTA_UNTOLD;
}

void store_delta_flags(struct store_delta *d, const struct uidset *uids,
		       const struct store_state_change *c)
{
	if (!is_of_kind(d, STORE_DELTA_FLAGS))
		return;
	if (c->come & ~(uint64_t)STORE_SYSTEM_FLAGS || c->sets)
		d->kind = STORE_DELTA_UNTOLD;
	d->keep = c->keep;
	d->come = c->come;
	d->since = c->since;
	for (size_t i = 0; i < uids->n && d->kind == STORE_DELTA_FLAGS; i++)
		add_range(d, uids->r[i]);
}

void store_delta_expunged(struct store_delta *d, const struct store_rows *rows)
{
	if (!is_of_kind(d, STORE_DELTA_EXPUNGED))
		return;
	for (size_t i = 0; i < rows->n && d->kind == STORE_DELTA_EXPUNGED; i++)
		add_range(d, (struct uid_range){ rows->v[i].uid, rows->v[i].uid });
}

void store_delta_added(struct store_delta *d, const struct store_msg *m)
{
	if (!is_of_kind(d, STORE_DELTA_ADDED))
		return;
	if (d->n_added == STORE_DELTA_ADDED_MAX || m->flags & ~(uint64_t)STORE_SYSTEM_FLAGS)
		d->kind = STORE_DELTA_UNTOLD;
	else
		d->added[d->n_added++] = *m;
}

struct store_delta *store_delta_copy(const struct store_delta *d)
{
	size_t n = offsetof(struct store_delta, uids) + d->n_uids * sizeof(d->uids[0]) +
		   d->n_added * sizeof(d->added[0]);
	struct store_delta *copy = mem_alloc(1, n);

	memcpy(copy, d, n);
	copy->next = NULL;
	return copy;
}

/* ---- applying ---- */

/* The run of messages from seq on, up to that UID. */
static uint32_t run_to(const struct store_view *v, uint32_t seq, uint32_t hi,
		       const struct store_msg **ret)
{
	uint32_t n = store_view_run(v, seq, ret);

	while (n > 0 && (*ret)[n - 1].uid > hi)
		n--;
	return n;
}

/*
 * The chunk with the change; NULL: nothing in it changes. *at: the first range that may have
 * messages of it.
 */
static struct store_chunk *change_chunk(const struct store_delta *d, const struct store_chunk *old,
					size_t *at)
{
	struct store_chunk *now = NULL;

	for (uint32_t i = 0; i < old->n; i++) {
		const struct store_msg *m = &old->m[i];
		uint64_t flags = (m->flags & d->keep) | d->come;

		while (*at < d->n_uids && d->uids[*at].hi < m->uid)
			(*at)++;
		if (*at == d->n_uids)
			break;
		if (m->uid < d->uids[*at].lo || flags == m->flags || m->modseq > d->since)
			continue;
		if (!now)
			now = store_chunk_new(old->m, old->n);
		now->unseen -= !(m->flags & STORE_SEEN);
		now->unseen += !(flags & STORE_SEEN);
		now->m[i].flags = flags;
		now->m[i].modseq = d->to;
	}
	return now;
}

/* Chunk by chunk, because it may be all of a large mailbox. */
static struct store_view *change_flags(const struct store_view *old, const struct store_delta *d)
{
	AUTO(mem_auto_free) struct store_builder *b = store_build_new();
	size_t at = 0;

	for (uint32_t i = 0; i < old->n_chunks; i++) {
		const struct store_chunk *c = old->chunks[i];
		bool is_hit = at < d->n_uids && c->m[c->n - 1].uid >= d->uids[at].lo;
		struct store_chunk *now = is_hit ? change_chunk(d, c, &at) : NULL;

		store_build_chunk(b, now ? now : old->chunks[i]);
		if (now)
			store_chunk_unref(now);
	}
	return store_build_next(b, old);
}

static void gather_expunged(const struct store_view *old, const struct store_delta *d,
			    struct store_changes *c)
{
	c->expunged = mem_alloc(old->n, sizeof(*c->expunged));
	for (size_t i = 0; i < d->n_uids; i++) {
		uint32_t seq = store_view_seq_from(old, d->uids[i].lo), n;
		const struct store_msg *m;

		for (; (n = run_to(old, seq, d->uids[i].hi, &m)) > 0; seq += n)
			for (uint32_t k = 0; k < n; k++)
				c->expunged[c->n_expunged++] = m[k].uid;
	}
}

struct store_view *store_delta_apply(struct store_view *old, const struct store_delta *d)
{
	AUTO(store_changes_fini) struct store_changes c = { 0 };
	struct store_view *v;

	if (d->from != old->highestmodseq || old->is_gone)
		return NULL;
	if (d->kind == STORE_DELTA_EXPUNGED)
		gather_expunged(old, d, &c);
	for (size_t i = 0; i < d->n_added; i++)
		*store_changes_next(&c) = d->added[i];
	v = d->kind == STORE_DELTA_FLAGS ? change_flags(old, d) : store_view_changed(old, &c);
	v->highestmodseq = d->to;
	v->uidnext = d->uidnext;
	v->unseen = (uint32_t)(old->unseen + d->unseen);
	v->deleted = (uint32_t)(old->deleted + d->deleted);
	if (v->n == d->messages)
		return v;
	store_view_unref(v);
	return NULL;
}
