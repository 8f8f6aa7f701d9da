/* SPDX-License-Identifier: MIT */
/*
 * The check of everything: the store's, told which rows of the queue hold references to contents,
 * and then the queue's own two tables against each other.
 */
#include "queue/queue_int.h"

#include <stdio.h>

#include "base/limits.h"

static int check(struct queue *queue, const struct db_sql *sql, const char *wrong_z,
		 store_fsck_found_fn *found, void *ctx)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	char text[256];
	int rc = db_read_begin(store_db(queue->store), &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, sql, DB_I(LIMIT_LIST_ROWS));
	while ((rc = db_step(&q)) > 0) {
		snprintf(text, sizeof(text), "queue %" STR_FMT ": %s", STR_ARG(db_text(&q, 0)),
			 wrong_z);
		found(ctx, text);
	}
	return rc;
}

int queue_fsck(struct queue *q, store_fsck_found_fn *found, void *ctx,
	       struct store_fsck_counts *ret)
{
	static const char *const tables[] = { "queue_messages", "queue_recipients" };
	static const struct store_fsck_refs refs = { SQL(FSCK_REFS) };
	const struct store_fsck_job job = {
		.refs = &refs,
		.n_refs = 1,
		.tables = tables,
		.n_tables = ARRAY_LEN(tables),
		.found = found,
		.ctx = ctx,
	};
	struct store_fsck_counts counts;
	int rc = store_fsck(q->store, &job, &counts);

	if (rc == 0)
		rc = check(q, SQL(FSCK_ORPHANS), "a recipient without its message", found, ctx);
	if (rc == 0)
		rc = check(q, SQL(FSCK_EMPTY), "a message without recipients", found, ctx);
	if (rc == 0)
		*ret = counts;
	return rc;
}
