/* SPDX-License-Identifier: MIT */
/*
 * The check of everything: the store's, told which rows of the queue hold references to contents,
 * and then the queue's own tables against each other. A recipient without its message has nothing to
 * be sent, a message without recipients has nobody to go to: a repair takes both away, and says so. A destination
 * without a row would be waited for until its mail is too old: a repair has it looked at now.
 */
#include "queue/queue_int.h"

#include <stdio.h>

#include "base/limits.h"
#include "queue/schedule.h"
#include "store/message.h"

static const struct half {
	enum queue_sql_id find;
	const char *what_z, *repaired_z;
} halves[] = {
	{ QUEUE_SQL_FSCK_ORPHANS, "a recipient without its message", "; removed" },
	{ QUEUE_SQL_FSCK_EMPTY, "a message without recipients", "; removed" },
	{ QUEUE_SQL_FSCK_FORGOTTEN, "mail for there that nothing says when to try", "; tried now" },
};

static void say(store_fsck_say_fn *fn, void *ctx, struct db_query *q, const char *what_z,
		const char *more_z)
{
	char text[512];

	snprintf(text, sizeof(text), "queue %" STR_FMT ": %s%s%" STR_FMT "%s", STR_ARG(db_text(q, 0)),
		 what_z, db_text(q, 1).n ? ", " : "", STR_ARG(db_text(q, 1)), more_z);
	fn(ctx, text);
}

static int look(struct queue *queue, const struct half *h, const struct store_fsck_say *to,
		int64_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(store_db(queue->store), &tx);

	*ret_n = 0;
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, &queue_sql[h->find], DB_I(LIMIT_LIST_ROWS));
	for (; (rc = db_step(&q)) > 0; ++*ret_n)
		say(to->repaired ? to->repaired : to->found, to->ctx, &q, h->what_z,
		    to->repaired ? h->repaired_z : "");
	return rc;
}

/* Messages without recipients give their references back. */
static int remove_empty(struct db_tx *tx)
{
	int64_t contents[100];
	int n = 0, rc;
	struct db_query q;

	DB_QUERY(tx, &q, SQL(FSCK_EMPTY_CONTENTS), DB_I(ARRAY_LEN(contents)));
	for (; (rc = db_step(&q)) > 0 && n < (int)ARRAY_LEN(contents); n++)
		contents[n] = db_int(&q, 0);
	db_done(&q);
	if (rc == 0)
		rc = DB_EXEC(tx, SQL(REPAIR_EMPTY), DB_I(ARRAY_LEN(contents)));
	for (int i = 0; i < n && rc == 0; i++)
		rc = store_tx_content_ref(tx, contents[i], -1);
	return rc < 0 ? rc : n;
}

static int mend_halves_tx(struct db_tx *tx, void *arg)
{
	int rc = db_exec(tx, SQL(REPAIR_ORPHANS), NULL, 0, NULL);

	(void)arg;
	while (rc == 0 && (rc = remove_empty(tx)) > 0)
		rc = 0;
	return rc < 0 ? rc : db_exec(tx, SQL(REPAIR_FORGOTTEN), NULL, 0, NULL);
}

static int check_halves(struct queue *q, const struct store_fsck_say *to)
{
	int64_t n = 0, all = 0;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(halves) && rc == 0; i++) {
		rc = look(q, &halves[i], to, &n);
		all += n;
	}
	if (rc < 0 || !to->repaired || all == 0)
		return rc;
	rc = db_write(store_db(q->store), &(struct db_write_job){ .fn = mend_halves_tx, .durability = DB_DURABLE });
	queue_sched_wake(q);
	return rc;
}

/* What cannot be read cannot be sent. */
static int remove_content(struct db_tx *tx, int64_t content)
{
	const struct db_val args[] = { DB_I(content) };
	int64_t n = 0;
	int rc = db_exec(tx, SQL(REPAIR_RECIPIENTS_OF), args, ARRAY_LEN(args), NULL);

	if (rc == 0)
		rc = db_exec(tx, SQL(REPAIR_MESSAGES_OF), args, ARRAY_LEN(args), &n);
	return rc < 0 ? rc : store_tx_content_ref(tx, content, -n);
}

int queue_fsck(struct queue *q, const struct store_fsck_say *say_to, struct store_fsck_counts *ret)
{
	static const char *const tables[] = { "queue_messages", "queue_recipients", "queue_destinations", "queue_notes", "queue_allowances",
					      "queue_acquaintances", "queue_trace", "queue_trace_blocks", "sts_policies", "domain_tls", "tlsrpt_sessions", "tlsrpt_reports",
					      "tlsrpt_days" };
	static const struct store_fsck_refs refs = {
		.sql = SQL(FSCK_REFS),
		.resize = SQL(REPAIR_SIZE),
		.label = SQL(FSCK_LABEL),
		.remove = remove_content,
	};
	const struct store_fsck_job job = {
		.refs = &refs,
		.n_refs = 1,
		.tables = tables,
		.n_tables = ARRAY_LEN(tables),
		.say = *say_to,
	};
	int rc = check_halves(q, say_to);

	return rc < 0 ? rc : store_fsck(q->store, &job, ret);
}
