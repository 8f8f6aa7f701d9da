/* SPDX-License-Identifier: MIT */
/* Rows of the two tables as structs; the columns are those of sql.c. */
#include "queue/queue_int.h"

#include "base/mem.h"

#define ROW_ARENA (64u << 10)
#define BODY_MAX (((size_t)1 << 30) + ((size_t)1 << 20)) /* the largest that [smtp] max_message_size can be, and our lines before it */

static bool keep(struct arena *a, struct db_query *q, int column, struct str *ret)
{
	*ret = arena_str(a, db_text(q, column));
	return ret->p != NULL || db_text(q, column).n == 0;
}

int queue_row_message(struct db_query *q, struct arena *a, struct queue_message_row *ret)
{
	struct queue_message_row m = {
		.content = db_int(q, 1),
		.size = (uint64_t)db_int(q, 2),
		.dsn_ret = (enum queue_ret)db_int(q, 4),
		.flags = (unsigned)db_int(q, 6),
		.age = { .accepted_s = db_int(q, 7), .by_s = db_int(q, 8), .by_returns = db_int(q, 9) & QUEUE_BY_RETURNS,
			 .held_until_s = db_int(q, 10), .is_told = db_int(q, 13) != 0,
			 .is_for_a_day = db_int(q, 6) & QUEUE_FOR_A_DAY },
		.by_traces = db_int(q, 9) & QUEUE_BY_TRACES,
		.priority = (int)db_int(q, 12),
		.has_priority = !db_is_null(q, 12),
	};

	if (!keep(a, q, 0, &m.qid) || !keep(a, q, 3, &m.reverse_path) || !keep(a, q, 5, &m.envid) || !keep(a, q, 11, &m.hold))
		return -E_LIMIT;
	*ret = m;
	return 0;
}

int queue_row_rcpt(struct db_query *q, struct arena *a, struct queue_rcpt_row *ret)
{
	struct queue_rcpt_row r = {
		.id = db_int(q, 0),
		.notify = (unsigned)db_int(q, 4),
		.state = (enum queue_state)db_int(q, 5),
		.attempts = db_int(q, 6),
		.last_attempt_s = db_int(q, 8),
		.reply.code = (int)db_int(q, 9),
	};

	if (!keep(a, q, 1, &r.qid) || !keep(a, q, 2, &r.address) || !keep(a, q, 3, &r.orcpt) || !keep(a, q, 7, &r.destination) ||
	    !keep(a, q, 10, &r.reply.enhanced) || !keep(a, q, 11, &r.reply.text) || !keep(a, q, 12, &r.host))
		return -E_LIMIT;
	*ret = r;
	return 0;
}

int queue_message_get(struct db_tx *tx, struct arena *a, struct str qid, struct queue_message_row *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(MESSAGE_GET), DB_T(qid));
	rc = db_step(&q);
	return rc > 0 ? queue_row_message(&q, a, ret) : rc < 0 ? rc : -E_NOT_FOUND;
}

int queue_rcpts_get(struct db_tx *tx, struct arena *a, const struct db_sql *sql, const struct db_val *args, size_t n_args,
		    struct queue_rcpt_row **ret, size_t *ret_n)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct queue_rcpt_row *v = NULL;
	size_t n = 0, cap = 0;
	int rc;

	db_query(tx, &q, sql, args, n_args);
	while ((rc = db_step(&q)) > 0) {
		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0)
			return -E_LIMIT;
		rc = queue_row_rcpt(&q, a, &v[n]);
		if (rc < 0)
			return rc;
		n++;
	}
	*ret = v;
	*ret_n = n;
	return rc;
}

int queue_body_read(struct queue *q, int64_t content, char **ret_heap, struct str *ret)
{
	AUTO(store_reader_close) struct store_reader *r = NULL;
	AUTO(arena_fini) struct arena a = { .cap = ROW_ARENA };
	struct store_content c = { 0 };
	int rc = store_reader_open(q->store, &r);

	if (rc == 0)
		rc = store_content_get(r, &a, content, 0, &c);
	store_reader_close(&r);
	if (rc == 0 && c.size > BODY_MAX)
		rc = -E_LIMIT;
	if (rc < 0)
		return rc;
	*ret_heap = mem_resize(NULL, c.size + 1, 1);
	rc = store_content_read(q->store, &c, 0, *ret_heap, c.size);
	*ret = str_of(*ret_heap, c.size);
	return rc;
}

struct str queue_body_outgoing(struct str bytes)
{
	ptrdiff_t end = str_chr(bytes, '\n');

	return end >= 0 && str_istarts(bytes, S("Return-Path:")) ? str_skip(bytes, (size_t)end + 1) : bytes;
}
