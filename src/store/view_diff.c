/* SPDX-License-Identifier: MIT */
/*
 * What happened between two views of a mailbox. Chunks that both share are skipped whole, so the
 * cost follows the changes and not the size of the mailbox.
 */
#include "store/store_int.h"

struct cursor {
	const struct store_view *v;
	uint32_t chunk, at;
};

static bool is_at_end(const struct cursor *c)
{
	return c->chunk == c->v->n_chunks;
}

static const struct store_msg *message(const struct cursor *c)
{
	return &c->v->chunks[c->chunk]->m[c->at];
}

static void advance(struct cursor *c)
{
	if (++c->at < c->v->chunks[c->chunk]->n)
		return;
	c->chunk++;
	c->at = 0;
}

static bool skip_shared(struct cursor *a, struct cursor *b)
{
	if (a->at || b->at || a->v->chunks[a->chunk] != b->v->chunks[b->chunk])
		return false;
	a->chunk++;
	b->chunk++;
	return true;
}

struct diff {
	struct arena *a;
	struct store_diff d;
	size_t cap;
};

static int note_changed(struct diff *d, uint32_t uid)
{
	if (arena_grow(d->a, &d->d.changed, d->d.n_changed, &d->cap, sizeof(uint32_t)) < 0)
		return -E_LIMIT;
	d->d.changed[d->d.n_changed++] = uid;
	return 0;
}

/* One step where the two differ or may differ. */
static int compare(struct diff *d, struct cursor *old, struct cursor *now)
{
	const struct store_msg *x = message(old), *y = message(now);
	int rc = 0;

	if (x->uid == y->uid) {
		if (x->modseq != y->modseq)
			rc = note_changed(d, x->uid);
		advance(old);
		advance(now);
	} else if (x->uid < y->uid) {
		rc = uidset_add(d->a, &d->d.expunged, x->uid, x->uid);
		advance(old);
	} else {
		advance(now); /* cannot be: a new message has a larger UID than all old ones */
	}
	return rc;
}

int store_view_diff(struct arena *a, const struct store_view *old, const struct store_view *now,
		    struct store_diff *ret)
{
	struct diff d = { .a = a };
	struct cursor o = { .v = old }, n = { .v = now };
	int rc = 0;

	if (old != now)
		while (rc == 0 && !is_at_end(&o) && !is_at_end(&n))
			if (!skip_shared(&o, &n))
				rc = compare(&d, &o, &n);
	for (; old != now && rc == 0 && !is_at_end(&o); advance(&o))
		rc = uidset_add(a, &d.d.expunged, message(&o)->uid, message(&o)->uid);
	if (rc < 0)
		return rc;
	if (old != now && !is_at_end(&n))
		d.d.first_new_uid = message(&n)->uid;
	*ret = d.d;
	return 0;
}

/* A message that now has no more: a number of a set may mean another one by now. */
static void keep_old(struct store_builder *b, struct cursor *old, struct store_carrying *c)
{
	struct store_msg m = *message(old);

	m.flags = store_keywords_carry(c, m.flags);
	store_build_msg(b, &m);
	advance(old);
}

/* One message that only old has, one of now, or a chunk of both. */
static void keep_step(struct store_builder *b, struct cursor *old, struct cursor *now, struct store_carrying *c)
{
	bool has_old = !is_at_end(old), has_now = !is_at_end(now);

	if (has_old && (!has_now || message(old)->uid < message(now)->uid)) {
		keep_old(b, old, c);
	} else if (has_old && skip_shared(old, now)) {
		store_build_chunk(b, now->v->chunks[now->chunk - 1]);
	} else {
		if (has_old && message(old)->uid == message(now)->uid)
			advance(old);
		store_build_msg(b, message(now));
		advance(now);
	}
}

struct store_view *store_view_keep(const struct store_view *old, const struct store_view *now)
{
	AUTO(mem_auto_free) struct store_builder *b = store_build_new();
	struct store_carrying c = { .old = old->keywords, .now = now->keywords };
	struct cursor o = { .v = old }, n = { .v = now };
	struct store_view *v;

	store_keywords_ref(c.now);
	while (!is_at_end(&o) || !is_at_end(&n))
		keep_step(b, &o, &n, &c);
	v = store_build_finish(b);
	v->mailbox = now->mailbox;
	v->uidvalidity = now->uidvalidity;
	v->uidnext = now->uidnext;
	v->highestmodseq = old->highestmodseq;
	v->unseen = now->unseen;
	v->deleted = now->deleted;
	v->keywords = c.now;
	store_carrying_end(&c);
	return v;
}
