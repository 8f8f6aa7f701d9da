/* SPDX-License-Identifier: MIT */
/* Opening, closing, and the list of what waits. */
#include "queue/queue_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mailauth/srs.h"

int queue_open(struct store *s, struct queue **ret, struct fault *fault)
{
	struct queue *q = MEM_NEW(struct queue);
	int rc = store_secret(s, S("srs"), q->srs_key);

	if (rc < 0) {
		mem_free(q);
		return fault_set(fault, rc, "cannot read the key of return addresses: %s", err_row(rc)->text);
	}
	q->store = s;
	*ret = q;
	return 0;
}

int queue_return_path(struct queue *q, struct arena *a, struct str address, struct str *ret)
{
	ptrdiff_t at = str_rchr(address, '@');
	int rc = at < 0 ? -E_NOT_FOUND
			: srs_reverse(q->srs_key, clock_wall_ms() / 1000, str_head(address, (size_t)at), a, ret);

	return rc == -E_DENIED ? -E_NOT_FOUND : rc;
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
