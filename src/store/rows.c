/* SPDX-License-Identifier: MIT */
/*
 * Message rows of a UID set inside a write transaction: gathered first (with their contents,
 * which somebody has to count), removed then. Both go by rows of states (states_int.h): those say
 * which messages have a flag, so that only the rows of these are read.
 */
#include "store/news.h"
#include "store/store_int.h"

static struct store_row *next_row(struct store_rows *r)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->v = mem_resize(r->v, r->cap, sizeof(*r->v));
	}
	return &r->v[r->n++];
}

/* Those of one row of states. */
static int read_rows(struct db_tx *tx, const struct store_states_walk *w, uint64_t uids,
		     struct store_rows *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct uid_range r = store_states_range(w->s.first_uid, uids);
	const struct store_state *states[STORE_STATE_UIDS];
	int rc;

	store_states_spread(&w->s, states);
	DB_QUERY(tx, &q, SQL(MESSAGE_ROWS), DB_I(w->mailbox), DB_I(r.lo), DB_I(r.hi), DB_I(uids));
	while ((rc = db_step(&q)) > 0)
		*next_row(ret) = (struct store_row){
			.uid = (uint32_t)db_int(&q, 0),
			.flags = states[db_int(&q, 0) % STORE_STATE_UIDS]->flags,
			.content = db_int(&q, 1),
			.internaldate_s = db_int(&q, 2),
			.size = db_int(&q, 3),
			.thread = db_int(&q, 4),
		};
	return rc;
}

int store_tx_rows(struct db_tx *tx, int64_t mailbox, const struct uidset *uids, uint64_t mask,
		  struct store_rows *ret)
{
	AUTO(store_states_end) struct store_states_walk w = store_states_walk(tx, mailbox, uids);
	int rc = 0, read = 0;

	while (read == 0 && (rc = store_states_next(&w)) > 0) {
		uint64_t hit = w.uids & (mask ? store_states_flagged(&w.s, mask) : UINT64_MAX);

		if (hit)
			read = read_rows(tx, &w, hit, ret);
	}
	return read < 0 ? read : rc;
}

/* Those of 64 UIDs at a time: it may be all of a large mailbox. */
int store_tx_rows_bytes(struct db_tx *tx, int64_t mailbox, uint64_t mask, uint64_t *ret)
{
	AUTO(store_states_end) struct store_states_walk w = store_states_walk(tx, mailbox, NULL);
	AUTO(store_rows_fini) struct store_rows rows = { 0 };
	uint64_t bytes = 0;
	int rc = 0, read = 0;

	while (read == 0 && (rc = store_states_next(&w)) > 0) {
		uint64_t hit = w.uids & store_states_flagged(&w.s, mask);

		rows.n = 0;
		if (hit)
			read = read_rows(tx, &w, hit, &rows);
		for (size_t i = 0; i < rows.n; i++)
			bytes += (uint64_t)rows.v[i].size;
	}
	if (read < 0 || rc < 0)
		return read < 0 ? read : rc;
	*ret = bytes;
	return 0;
}

void store_rows_fini(struct store_rows *r)
{
	mem_free(r->v);
	*r = (struct store_rows){ 0 };
}

/* ---- removing ---- */

static int take_states(struct db_tx *tx, struct store_box *b, uint32_t first_uid, uint64_t uids)
{
	struct uid_range r = store_states_range(first_uid, uids);
	struct store_states s;
	int rc = store_tx_states_get(tx, b->id, first_uid, &s);

	if (rc < 0)
		return rc;
	store_states_remove(&s, uids);
	rc = store_tx_states_shrink(tx, &s);
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(MESSAGE_EXPUNGE), DB_I(b->id), DB_I(r.lo), DB_I(r.hi),
			     DB_I(uids), DB_I(b->modseq), DB_I(store_now_s()));
	return rc < 0 ? rc : DB_EXEC(tx, SQL(MESSAGE_REMOVE), DB_I(b->id), DB_I(r.lo), DB_I(r.hi),
				     DB_I(uids));
}

int store_tx_rows_take(struct db_tx *tx, struct store_box *b, const struct store_rows *rows)
{
	int rc = 0;

	for (size_t i = 0; i < rows->n && rc == 0;) {
		uint32_t first = rows->v[i].uid & ~(uint32_t)(STORE_STATE_UIDS - 1);
		uint64_t uids = 0;

		for (; i < rows->n && rows->v[i].uid - first < STORE_STATE_UIDS; i++)
			uids |= (uint64_t)1 << (rows->v[i].uid - first);
		rc = take_states(tx, b, first, uids);
	}
	b->news |= STORE_NEWS_EXPUNGED;
	store_delta_expunged(&b->delta, rows);
	for (size_t i = 0; i < rows->n; i++) {
		b->d.messages--;
		b->has_lost_sets |= store_set_of(rows->v[i].flags) != 0;
		b->d.unseen -= !(rows->v[i].flags & STORE_SEEN);
		b->d.deleted -= !!(rows->v[i].flags & STORE_DELETED);
		b->d.bytes -= rows->v[i].size;
	}
	return rc;
}

int store_tx_rows_expunge(struct db_tx *tx, struct store_box *b, const struct store_rows *rows)
{
	int rc = store_tx_rows_take(tx, b, rows);

	return rc < 0 ? rc : store_tx_notes_expunge(tx, b->id, b->modseq);
}
