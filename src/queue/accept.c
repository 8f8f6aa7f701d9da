/* SPDX-License-Identifier: MIT */
/*
 * Accepting a message: the one door for SMTP, submission and LMTP.
 *
 * States of a message, who moves it on, and what a crash leaves:
 *  1. in the session's spool: nothing was answered; gone with the process.
 *  2. its body is in the pack, synced (db_write): bytes that no row names.
 *  3. its rows are written in the batch's transaction (write_rows): rolled back.
 *  4. committed and synced: every local recipient has it in INBOX, every other one is a row of queue_recipients, and
 *     contents.refs counts them all. A crash before the answer makes the sender send it again: twice is
 *     allowed, lost is not.
 *  5. answered with 250.
 * There is no state in which one recipient of a message has it and another has not.
 */
#include "queue/queue_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "db/blob.h"
#include "db/db.h"
#include "store/message.h"

enum queue_flag { QUEUE_8BIT = 1, QUEUE_BINARY = 2, QUEUE_SMTPUTF8 = 4, QUEUE_REQUIRETLS = 8 };

struct work {
	struct queue *q;
	struct queue_envelope *e;
	const struct store_content_new *content;
	struct db_body *body;
	int64_t *served;        /* accounts that have their copy in this transaction */
	int *served_result;
	size_t n_served;
	int64_t rows;           /* that name the content */
};

/* The copy of one account; several recipients may lead to it. */
static int deliver_once(struct work *w, struct db_tx *tx, int64_t content, int64_t account)
{
	uint32_t uid;
	int64_t mailbox;
	int r;

	for (size_t i = 0; i < w->n_served; i++)
		if (w->served[i] == account)
			return w->served_result[i];
	r = store_tx_deliver(w->q->store, tx, account, content, w->content, w->e->is_per_recipient, &mailbox, &uid);
	w->served[w->n_served] = account;
	w->served_result[w->n_served++] = r;
	if (r == 0)
		w->rows++;
	return r;
}

/* Expected refusals become the recipient's result; trouble fails the whole message. */
static int deliver_local(struct work *w, struct db_tx *tx, int64_t content, struct queue_rcpt *rcpt)
{
	bool is_any = false;

	rcpt->result = -E_NOT_FOUND;
	for (size_t i = 0; i < rcpt->n_accounts; i++) {
		int r = deliver_once(w, tx, content, rcpt->accounts[i]);

		if (r < 0 && r != -E_QUOTA && r != -E_NOT_FOUND)
			return r;
		is_any = is_any || r == 0;
		if (r < 0 && !is_any)
			rcpt->result = r;
	}
	if (is_any)
		rcpt->result = 0;
	return 0;
}

static int add_message(struct work *w, struct db_tx *tx, int64_t content, int64_t *ret_id)
{
	const struct queue_envelope *e = w->e;
	int64_t flags = (e->is_8bit ? QUEUE_8BIT : 0) | (e->is_binary ? QUEUE_BINARY : 0) |
			(e->is_smtputf8 ? QUEUE_SMTPUTF8 : 0) | (e->is_requiretls ? QUEUE_REQUIRETLS : 0);
	int r = DB_EXEC(tx, SQL(MESSAGE_ADD), DB_T(str_z(e->qid_z)), DB_T(str_z(e->sid_z)), DB_I(content),
			DB_T(e->reverse_path.n ? e->reverse_path : S("")), DB_I(e->submitter), DB_I(e->dsn_ret),
			DB_T(e->envid.n ? e->envid : S("")), DB_I(flags), DB_I(w->content->bytes.n),
			DB_I(clock_wall_ms() / 1000));

	if (r < 0)
		return r;
	*ret_id = db_last_id(tx);
	w->rows++;
	return 0;
}

static int add_remote(struct work *w, struct db_tx *tx, int64_t content)
{
	int64_t message = 0;

	for (size_t i = 0; i < w->e->n_rcpts; i++) {
		struct queue_rcpt *rcpt = &w->e->rcpts[i];
		int r = 0;

		if (rcpt->is_local)
			continue;
		if (message == 0)
			r = add_message(w, tx, content, &message);
		if (r == 0)
			r = DB_EXEC(tx, SQL(RECIPIENT_ADD), DB_I(message), DB_T(rcpt->address), DB_I(rcpt->notify),
				    DB_T(rcpt->orcpt.n ? rcpt->orcpt : S("")), DB_I(QUEUE_WAITING),
				    DB_I(clock_wall_ms() / 1000));
		if (r < 0)
			return r;
		rcpt->result = 0;
	}
	return 0;
}

/* What the message is refused with when no recipient took it: the first refusal. */
static int nobody_took_it(const struct queue_envelope *e)
{
	for (size_t i = 0; i < e->n_rcpts; i++)
		if (e->rcpts[i].result < 0)
			return e->rcpts[i].result;
	return -E_NOT_FOUND;
}

static int all_or_none(const struct queue_envelope *e)
{
	for (size_t i = 0; i < e->n_rcpts; i++)
		if (e->rcpts[i].result < 0)
			return e->rcpts[i].result;
	return 0;
}

static int write_rows(struct db_tx *tx, void *arg)
{
	struct work *w = arg;
	int64_t content;
	int r = store_tx_content_add(tx, w->content, &w->body->ref, &content);

	for (size_t i = 0; r == 0 && i < w->e->n_rcpts; i++)
		if (w->e->rcpts[i].is_local)
			r = deliver_local(w, tx, content, &w->e->rcpts[i]);
	if (r == 0)
		r = add_remote(w, tx, content);
	if (r < 0)
		return r;
	if (w->rows == 0)
		return nobody_took_it(w->e);
	if (!w->e->is_per_recipient && (r = all_or_none(w->e)) < 0)
		return r;
	return w->rows > 1 ? store_tx_content_ref(tx, content, w->rows - 1) : 0;
}

static size_t count_accounts(const struct queue_envelope *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->n_rcpts; i++)
		n += e->rcpts[i].n_accounts;
	return n;
}

int queue_accept(struct queue *q, struct queue_envelope *e, struct spool *message)
{
	struct store_content_new content;
	struct db_body body = { 0 };
	struct work w = { .q = q, .e = e, .content = &content, .body = &body };
	struct db_write_job job = { .fn = write_rows, .arg = &w, .durability = DB_DURABLE, .bodies = &body, .n_bodies = 1 };
	AUTO(arena_fini) struct arena a;
	size_t n_accounts = count_accounts(e);
	int r;

	must(e->n_rcpts > 0);
	arena_init(&a, LIMIT_MIME_ARENA);
	/* Bounded by LIMIT_SMTP_RCPTS * LIMIT_ALIAS_TARGETS, so not from the arena of the message. */
	AUTO(mem_auto_free) int64_t *served = mem_alloc(n_accounts + 1, sizeof(*served));
	AUTO(mem_auto_free) int *results = mem_alloc(n_accounts + 1, sizeof(*results));

	w.served = served;
	w.served_result = results;
	r = spool_view(message, &body.bytes);
	if (r == 0)
		r = store_content_prepare(&a, body.bytes, &content);
	return r < 0 ? r : db_write(q->db, &job);
}
