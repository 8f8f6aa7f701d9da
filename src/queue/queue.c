/* SPDX-License-Identifier: MIT */
/* Opening, closing, and the list of what waits. */
#include "queue/queue_int.h"

#include "base/limits.h"
#include "base/mem.h"

int queue_open(struct store *s, struct queue **ret, struct fault *fault)
{
	struct queue *q = MEM_NEW(struct queue);

	(void)fault; /* nothing to go wrong yet: the rows wait where they are */
	q->store = s;
	*ret = q;
	return 0;
}

void queue_close(struct queue **qp)
{
	mem_free(*qp);
	*qp = NULL;
}

static int read_item(struct db_query *q, struct arena *a, struct queue_item *ret)
{
	ret->qid = arena_str(a, db_text(q, 0));
	ret->reverse_path = arena_str(a, db_text(q, 1));
	ret->recipient = arena_str(a, db_text(q, 2));
	ret->accepted_s = db_int(q, 3);
	ret->size = (uint64_t)db_int(q, 4);
	return ret->qid.p && ret->reverse_path.p && ret->recipient.p ? 0 : -E_LIMIT;
}

int queue_list(struct queue *queue, struct arena *a, struct queue_item **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct queue_item *v = NULL;
	size_t n = 0, cap = 0;
	int rc = db_read_begin(store_db(queue->store), &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(LIST), DB_I(LIMIT_LIST_ROWS));
	while ((rc = db_step(&q)) > 0) {
		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0 || read_item(&q, a, &v[n]) < 0)
			return -E_LIMIT;
		n++;
	}
	if (rc < 0)
		return rc;
	*ret = v;
	*ret_n = n;
	return 0;
}
