/* SPDX-License-Identifier: MIT */
/* Opening the queue, and looking at it. */
#include "queue/queue_int.h"

#include "base/limits.h"

int queue_open(struct store *s, struct queue **ret, struct fault *fault)
{
	struct queue *q = MEM_NEW(struct queue);

	(void)fault;
	q->store = s;
	q->db = store_db(s);
	*ret = q;
	return 0;
}

void queue_close(struct queue **q)
{
	mem_free(*q);
	*q = NULL;
}

static int take_row(struct db_query *query, struct arena *a, struct queue_item *item)
{
	item->qid = arena_str(a, db_text(query, 0));
	item->reverse_path = arena_str(a, db_text(query, 1));
	item->recipient = arena_str(a, db_text(query, 2));
	item->accepted_s = db_int(query, 3);
	item->size = (uint64_t)db_int(query, 4);
	return item->qid.p && item->reverse_path.p && item->recipient.p ? 0 : -E_LIMIT;
}

static int read_rows(struct db_tx *tx, struct arena *a, struct queue_item **ret, size_t *ret_n)
{
	AUTO(db_done) struct db_query query = { 0 };
	struct queue_item *items = NULL;
	size_t n = 0, cap = 0;
	int r;

	DB_QUERY(tx, &query, SQL(LIST), DB_I(LIMIT_LIST_ROWS));
	while ((r = db_step(&query)) == 1) {
		r = arena_grow(a, &items, n, &cap, sizeof(*items));
		if (r == 0)
			r = take_row(&query, a, &items[n]);
		if (r < 0)
			return r;
		n++;
	}
	*ret = items;
	*ret_n = n;
	return r;
}

int queue_list(struct queue *q, struct arena *a, struct queue_item **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int r = db_read_begin(q->db, &tx);

	return r < 0 ? r : read_rows(tx, a, ret, ret_n);
}
