/* SPDX-License-Identifier: MIT */
/*
 * Views from the database, inside one read snapshot: all of a mailbox, or an older view and what
 * has happened since its modseq. Only chunks that are touched are rebuilt.
 */
#include "store/store_int.h"

#include "base/must.h"

void store_changes_fini(struct store_changes *c)
{
	mem_free(c->changed);
	mem_free(c->expunged);
}

struct store_msg *store_changes_next(struct store_changes *c)
{
	if (c->n_changed == c->cap_changed) {
		c->cap_changed = c->cap_changed ? 2 * c->cap_changed : 16;
		c->changed = mem_resize(c->changed, c->cap_changed, sizeof(*c->changed));
	}
	return &c->changed[c->n_changed++];
}

int store_tx_view_row(struct db_tx *tx, int64_t mailbox, struct store_view_row *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(VIEW_BOX), DB_I(mailbox));
	rc = db_step(&q);
	if (rc <= 0)
		return rc < 0 ? rc : -E_NOT_FOUND;
	*ret = (struct store_view_row){
		.uidvalidity = (uint32_t)db_int(&q, 0),
		.uidnext = (uint32_t)db_int(&q, 1),
		.highestmodseq = (uint64_t)db_int(&q, 2),
		.messages = (uint32_t)db_int(&q, 3),
		.unseen = (uint32_t)db_int(&q, 4),
		.deleted = (uint32_t)db_int(&q, 5),
	};
	return 0;
}

void store_view_set_row(struct store_view *v, const struct store_view_row *row)
{
	v->uidvalidity = row->uidvalidity;
	v->uidnext = row->uidnext;
	v->highestmodseq = row->highestmodseq;
	v->unseen = row->unseen;
	v->deleted = row->deleted;
}

/* A message without a state (which the check finds) has no flags, and the oldest modseq. */
static const struct store_state no_state = { .modseq = 1 };

/* states: of the 64 UIDs that have the message's. */
static struct store_msg read_msg(struct db_query *q,
				 const struct store_state *const states[STORE_STATE_UIDS])
{
	uint32_t uid = (uint32_t)db_int(q, 0);
	const struct store_state *state = states[uid % STORE_STATE_UIDS];

	if (!state)
		state = &no_state;
	return (struct store_msg){
		.uid = uid,
		.size = (uint32_t)db_int(q, 1),
		.flags = state->flags,
		.modseq = state->modseq,
		.content = db_int(q, 2),
		.thread = db_int(q, 3),
		.internaldate_s = db_int(q, 4),
		.savedate_s = (uint32_t)db_int(q, 5),
	};
}

/* ---- what changed ---- */

static int by_uid(const void *a, const void *b)
{
	const struct store_msg *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

/* The messages of a row of states that are newer than the view. */
static int load_row(struct db_tx *tx, const struct store_view *old, const struct store_states *s,
		    struct store_changes *c)
{
	AUTO(db_done) struct db_query q = { 0 };
	const struct store_state *states[STORE_STATE_UIDS];
	uint64_t uids = store_states_since(s, old->highestmodseq);
	struct uid_range r;
	int rc;

	if (!uids)
		return 0;
	r = store_states_range(s->first_uid, uids);
	store_states_spread(s, states);
	DB_QUERY(tx, &q, SQL(MESSAGE_SOME), DB_I(old->mailbox), DB_I(r.lo), DB_I(r.hi), DB_I(uids));
	while ((rc = db_step(&q)) > 0)
		*store_changes_next(c) = read_msg(&q, states);
	return rc;
}

static int load_changed(struct db_tx *tx, const struct store_view *old, struct store_changes *c)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct store_states s;
	int rc = 0, read = 0;

	store_tx_states_newer(tx, &q, old);
	while (read == 0 && (rc = db_step(&q)) > 0) {
		store_states_row(&q, &s);
		read = load_row(tx, old, &s, c);
	}
	if (read < 0 || rc < 0)
		return read < 0 ? read : rc;
	if (c->n_changed)
		qsort(c->changed, c->n_changed, sizeof(*c->changed), by_uid);
	return 0;
}

int store_tx_view_expunged(struct db_tx *tx, const struct store_view *old, uint32_t **ret,
			   size_t *ret_n)
{
	AUTO(db_done) struct db_query q = { 0 };
	uint32_t *uids = NULL;
	size_t n = 0, cap = 0;
	int rc;

	DB_QUERY(tx, &q, SQL(EXPUNGED_SINCE), DB_I(old->mailbox), DB_I(old->highestmodseq));
	while ((rc = db_step(&q)) > 0) {
		uint32_t uid = (uint32_t)db_int(&q, 0);

		if (uid >= old->uidnext)
			continue;
		if (n == cap) {
			cap = cap ? 2 * cap : 16;
			uids = mem_resize(uids, cap, sizeof(*uids));
		}
		uids[n++] = uid;
	}
	if (rc < 0) {
		mem_free(uids);
		return rc;
	}
	*ret = uids;
	*ret_n = n;
	return 0;
}

/* ---- building ---- */

/* One chunk of the old view with the changes that fall into it; *ci and *ei move past those. */
static void apply_chunk(struct store_builder *b, const struct store_chunk *chunk,
			const struct store_changes *c, size_t *ci, size_t *ei)
{
	for (uint32_t i = 0; i < chunk->n; i++) {
		const struct store_msg *m = &chunk->m[i];

		while (*ci < c->n_changed && c->changed[*ci].uid < m->uid)
			(*ci)++;
		while (*ei < c->n_expunged && c->expunged[*ei] < m->uid)
			(*ei)++;
		if (*ei < c->n_expunged && c->expunged[*ei] == m->uid)
			continue;
		if (*ci < c->n_changed && c->changed[*ci].uid == m->uid)
			m = &c->changed[(*ci)++];
		store_build_msg(b, m);
	}
}

static void apply(struct store_builder *b, const struct store_view *old,
		  const struct store_changes *c)
{
	size_t ci = 0, ei = 0;
	uint32_t last_uid = 0;

	for (uint32_t i = 0; i < old->n_chunks; i++) {
		struct store_chunk *chunk = old->chunks[i];
		bool is_last = i + 1 == old->n_chunks;

		last_uid = chunk->m[chunk->n - 1].uid;
		if ((ci < c->n_changed && c->changed[ci].uid <= last_uid) ||
		    (ei < c->n_expunged && c->expunged[ei] <= last_uid) ||
		    (is_last && ci < c->n_changed && chunk->n < STORE_CHUNK))
			apply_chunk(b, chunk, c, &ci, &ei);
		else
			store_build_chunk(b, chunk);
	}
	for (; ci < c->n_changed; ci++)
		if (c->changed[ci].uid > last_uid)
			store_build_msg(b, &c->changed[ci]);
}

struct store_view *store_build_next(struct store_builder *b, const struct store_view *old)
{
	struct store_view *v = store_build_finish(b);

	v->mailbox = old->mailbox;
	v->uidvalidity = old->uidvalidity;
	v->keywords = old->keywords;
	store_keywords_ref(v->keywords);
	return v;
}

struct store_view *store_view_changed(const struct store_view *old, const struct store_changes *c)
{
	AUTO(mem_auto_free) struct store_builder *b = store_build_new();

	apply(b, old, c);
	return store_build_next(b, old);
}

static int build_changes(struct db_tx *tx, const struct store_view *old, struct store_builder *b)
{
	AUTO(store_changes_fini) struct store_changes c = { 0 };
	int rc = load_changed(tx, old, &c);

	if (rc == 0)
		rc = store_tx_view_expunged(tx, old, &c.expunged, &c.n_expunged);
	if (rc == 0)
		apply(b, old, &c);
	return rc;
}

/* Rows of states beside messages: both come by UID. */
struct stream {
	struct db_query q;
	struct store_states row;
	int64_t first, at; /* first UID of the row, and of what states stands for; -1: none yet */
	const struct store_state *states[STORE_STATE_UIDS];
};

static void stream_end(struct stream *s)
{
	db_done(&s->q);
}

static int states_of(struct stream *s, uint32_t uid)
{
	static const struct store_states none;
	int64_t first = uid & ~(uint32_t)(STORE_STATE_UIDS - 1);
	int rc = 0;

	if (s->at == first)
		return 0;
	while (s->first < first && (rc = db_step(&s->q)) > 0) {
		store_states_row(&s->q, &s->row);
		s->first = s->row.first_uid;
	}
	store_states_spread(s->first == first ? &s->row : &none, s->states);
	s->at = first;
	return rc < 0 ? rc : 0;
}

static int build_all(struct db_tx *tx, int64_t mailbox, struct store_builder *b)
{
	AUTO(db_done) struct db_query q = { 0 };
	AUTO(stream_end) struct stream s = { .first = -1, .at = -1 };
	int rc;

	DB_QUERY(tx, &q, SQL(MESSAGE_ALL), DB_I(mailbox));
	DB_QUERY(tx, &s.q, SQL(STATES_RANGE), DB_I(store_states_id(mailbox, 0)),
		 DB_I(store_states_id(mailbox, UINT32_MAX)));
	while ((rc = db_step(&q)) > 0) {
		struct store_msg m;

		rc = states_of(&s, (uint32_t)db_int(&q, 0));
		if (rc < 0)
			return rc;
		m = read_msg(&q, s.states);
		store_build_msg(b, &m);
	}
	return rc;
}

int store_view_load(struct db_tx *tx, int64_t mailbox, struct store_view *old,
		    struct store_view **ret)
{
	AUTO(mem_auto_free) struct store_builder *b = NULL;
	const struct store_keywords *keywords = NULL;
	struct store_view_row row;
	struct store_view *v;
	int rc = store_tx_view_row(tx, mailbox, &row);

	if (rc < 0)
		return rc;
	if (old && old->highestmodseq >= row.highestmodseq) {
		store_view_ref(old);
		*ret = old;
		return 0;
	}
	b = store_build_new();
	rc = old ? build_changes(tx, old, b) : build_all(tx, mailbox, b);
	if (rc == 0)
		rc = store_tx_view_keywords(tx, mailbox, old, &keywords);
	if (rc < 0) {
		store_build_fini(b);
		return rc;
	}
	v = store_build_finish(b);
	v->mailbox = mailbox;
	store_view_set_row(v, &row);
	v->keywords = keywords;
	if (old && v->n != row.messages) {
		/* The old view is older than what is kept about expunged messages. */
		store_view_unref(v);
		return store_view_load(tx, mailbox, NULL, ret);
	}
	*ret = v;
	return 0;
}

struct store_view *store_view_gone(struct store_view *old)
{
	AUTO(mem_auto_free) struct store_builder *b = store_build_new();
	struct store_view *v;

	for (uint32_t i = 0; i < old->n_chunks; i++)
		store_build_chunk(b, old->chunks[i]);
	v = store_build_finish(b);
	v->mailbox = old->mailbox;
	v->uidvalidity = old->uidvalidity;
	v->uidnext = old->uidnext;
	v->highestmodseq = old->highestmodseq;
	v->unseen = old->unseen;
	v->deleted = old->deleted;
	v->is_gone = true;
	v->keywords = old->keywords;
	store_keywords_ref(v->keywords);
	return v;
}
