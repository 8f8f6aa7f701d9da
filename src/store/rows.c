/* SPDX-License-Identifier: MIT */
/*
 * Message rows of a UID set inside a write transaction: gathered first (with their contents,
 * which somebody has to count), removed then, range by range with one statement each.
 */
#include "store/news.h"
#include "store/store_int.h"

#define FEW 16 /* ranges of rows that are removed one by one */

static const struct uid_range everything = { 1, UINT32_MAX };

static const struct uid_range *ranges_of(const struct uidset *uids, size_t *ret_n)
{
	*ret_n = uids ? uids->n : 1;
	return uids ? uids->r : &everything;
}

static struct store_row *next_row(struct store_rows *r)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 64;
		r->v = mem_resize(r->v, r->cap, sizeof(*r->v));
	}
	return &r->v[r->n++];
}

int store_tx_rows(struct db_tx *tx, int64_t mailbox, const struct uidset *uids, uint64_t mask,
		  struct store_rows *ret)
{
	size_t n;
	const struct uid_range *r = ranges_of(uids, &n);

	for (size_t i = 0; i < n; i++) {
		AUTO(db_done) struct db_query q = { 0 };
		int rc;

		DB_QUERY(tx, &q, SQL(MESSAGE_RANGE), DB_I(mailbox), DB_I(r[i].lo), DB_I(r[i].hi),
			 DB_I(mask));
		while ((rc = db_step(&q)) > 0)
			*next_row(ret) = (struct store_row){
				.uid = (uint32_t)db_int(&q, 0),
				.flags = (uint64_t)db_int(&q, 1),
				.content = db_int(&q, 2),
				.internaldate_s = db_int(&q, 3),
				.size = db_int(&q, 4),
				.thread = db_int(&q, 5),
			};
		if (rc < 0)
			return rc;
	}
	return 0;
}

void store_rows_fini(struct store_rows *r)
{
	mem_free(r->v);
	*r = (struct store_rows){ 0 };
}

int store_tx_modified(struct db_tx *tx, struct arena *a, int64_t mailbox, struct uid_range r,
		      uint64_t since, struct uidset *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(FLAGS_MODIFIED), DB_I(mailbox), DB_I(r.lo), DB_I(r.hi), DB_I(since));
	while ((rc = db_step(&q)) > 0) {
		uint32_t uid = (uint32_t)db_int(&q, 0);

		if (uidset_add(a, ret, uid, uid) < 0)
			return -E_LIMIT;
	}
	return rc;
}

/* Exactly those rows, as ranges; 0: they are more than FEW. */
static size_t few_ranges(const struct store_rows *rows, struct uid_range *to)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		uint32_t uid = rows->v[i].uid;

		if (n > 0 && to[n - 1].hi + 1 == uid)
			to[n - 1].hi = uid;
		else if (n < FEW)
			to[n++] = (struct uid_range){ uid, uid };
		else
			return 0;
	}
	return n;
}

int store_tx_rows_take(struct db_tx *tx, struct store_box *b, const struct uidset *uids,
		       uint64_t mask, const struct store_rows *rows)
{
	struct uid_range few[FEW];
	size_t n, n_few = few_ranges(rows, few);
	const struct uid_range *r = ranges_of(uids, &n);

	/* Not a walk over the mailbox again for one message of it. */
	if (n_few > 0) {
		r = few;
		n = n_few;
	}
	for (size_t i = 0; i < n; i++) {
		int rc = DB_EXEC(tx, SQL(MESSAGE_EXPUNGE), DB_I(b->id), DB_I(r[i].lo),
				 DB_I(r[i].hi), DB_I(mask), DB_I(b->modseq),
				 DB_I(store_now_s()));

		if (rc == 0)
			rc = DB_EXEC(tx, SQL(MESSAGE_REMOVE), DB_I(b->id), DB_I(r[i].lo),
				     DB_I(r[i].hi), DB_I(mask));
		if (rc < 0)
			return rc;
	}
	b->news |= STORE_NEWS_EXPUNGED;
	store_delta_expunged(&b->delta, rows);
	for (size_t i = 0; i < rows->n; i++) {
		b->d.messages--;
		b->d.unseen -= !(rows->v[i].flags & STORE_SEEN);
		b->d.deleted -= !!(rows->v[i].flags & STORE_DELETED);
		b->d.bytes -= rows->v[i].size;
	}
	return 0;
}

int store_tx_rows_expunge(struct db_tx *tx, struct store_box *b, const struct uidset *uids,
			  uint64_t mask, const struct store_rows *rows)
{
	int rc = store_tx_rows_take(tx, b, uids, mask, rows);

	return rc < 0 ? rc : store_tx_notes_expunge(tx, b->id, b->modseq);
}
