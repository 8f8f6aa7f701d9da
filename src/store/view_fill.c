/* SPDX-License-Identifier: MIT */
/*
 * The messages of a bare view, when they are needed after all. By then the mailbox may have moved
 * on, and the client counts by what it was told. So the newest view is taken back to the bare one:
 * without what was added since, and with what was expunged since in its place. That the result
 * has as many messages as were told is checked.
 *
 * The two reads are two snapshots. A message that is expunged between them is in the view and
 * among the expunged ones: then it is there.
 */
#include "store/store_int.h"

#include "base/must.h"

struct lost {
	uint32_t *uids;
	size_t n, at;
};

/* Those before uid. Nothing but the UID is known of them. */
static void add_lost(struct store_builder *b, struct lost *lost, const struct store_view *bare,
		     uint32_t uid)
{
	for (; lost->at < lost->n && lost->uids[lost->at] < uid; lost->at++) {
		const struct store_msg m = {
			.uid = lost->uids[lost->at],
			.flags = STORE_SEEN,
			.modseq = bare->highestmodseq,
			.is_lost = true,
		};

		store_build_msg(b, &m);
	}
}

/* Nothing of it is newer than the bare view, and no lost message belongs into it. */
static bool is_whole(const struct store_chunk *c, const struct lost *lost,
		     const struct store_view *bare)
{
	if (c->m[c->n - 1].uid >= bare->uidnext ||
	    (lost->at < lost->n && lost->uids[lost->at] <= c->m[c->n - 1].uid))
		return false;
	for (uint32_t i = 0; i < c->n; i++)
		if (c->m[i].modseq > bare->highestmodseq)
			return false;
	return true;
}

/* A changed message gets an old modseq, by which the difference to the newest view finds it. */
static void add_chunk(struct store_builder *b, const struct store_chunk *c, struct lost *lost,
		      const struct store_view *bare)
{
	for (uint32_t i = 0; i < c->n && c->m[i].uid < bare->uidnext; i++) {
		struct store_msg m = c->m[i];

		add_lost(b, lost, bare, m.uid);
		if (lost->at < lost->n && lost->uids[lost->at] == m.uid)
			lost->at++;
		if (m.modseq > bare->highestmodseq)
			m.modseq = bare->highestmodseq;
		store_build_msg(b, &m);
	}
}

static struct store_view *build(const struct store_view *bare, const struct store_view *now,
				struct lost *lost)
{
	AUTO(mem_auto_free) struct store_builder *b = store_build_new();
	struct store_view *v;

	for (uint32_t i = 0; i < now->n_chunks; i++) {
		if (is_whole(now->chunks[i], lost, bare))
			store_build_chunk(b, now->chunks[i]);
		else
			add_chunk(b, now->chunks[i], lost, bare);
	}
	add_lost(b, lost, bare, bare->uidnext);
	v = store_build_finish(b);
	v->mailbox = bare->mailbox;
	v->uidvalidity = bare->uidvalidity;
	v->uidnext = bare->uidnext;
	v->highestmodseq = bare->highestmodseq;
	v->unseen = bare->unseen;
	v->deleted = bare->deleted;
	/* What has a keyword that was not told yet was changed since, and is told with it. */
	v->keywords = store_keywords_told(now->keywords, bare->keywords->n);
	return v;
}

static int read_lost(struct store *s, const struct store_view *bare, struct lost *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(s->db, &tx);

	return rc < 0 ? rc : store_tx_view_expunged(tx, bare, &ret->uids, &ret->n);
}

int store_view_fill(struct store *s, const struct store_view *bare, struct store_view *now,
		    struct store_view **ret)
{
	struct lost lost = { 0 };
	struct store_view *v;
	int rc = 0;

	must(bare->is_bare && !now->is_bare);
	if (now->highestmodseq == bare->highestmodseq) {
		v = now;
		store_view_ref(v);
	} else {
		rc = read_lost(s, bare, &lost);
		if (rc < 0)
			return rc;
		v = build(bare, now, &lost);
		mem_free(lost.uids);
	}
	if (v->n != bare->n) {
		store_view_unref(v);
		return -E_CANNOT;
	}
	*ret = v;
	return 0;
}
