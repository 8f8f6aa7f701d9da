/* SPDX-License-Identifier: MIT */
/*
 * Accepting a message: the moment from which it is ours. One job of the writer does everything,
 * so that "250" stands for one commit and not for a promise.
 *
 * States of an accepted message, who moves it on, and what a crash leaves:
 *  1. in the session's spool, parsed (queue_accept): nothing, the client was not answered.
 *  2. body in a pack, synced (db_write): dead space that no row names.
 *  3. accept_tx has written the content row, a message row in each local INBOX (store_tx_deliver)
 *     and the queue rows of recipients elsewhere: gone with the transaction.
 *  4. committed and synced: local recipients have it, remote ones wait in queue_recipients. The
 *     client was not answered yet and may send it again: a double, never a loss.
 *  5. queue_accept() returns, the session says 250. Rows of the queue are taken out again by the
 *     delivery to come (state QUEUE_WAITING, next_attempt).
 *
 * All recipients share one content. Its references: one for each INBOX and one for each row of queue_messages: one for
 * recipients elsewhere, and another for those that an alias here forwards to, whose return address is ours
 * (mailauth/srs.h), so that the next host's look at SPF is at us.
 */
#include "queue/queue_int.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "mailauth/srs.h"
#include "store/account.h"
#include "store/message.h"

#define FORWARD_ARENA 16384
#define RESULT_ARENA (16u << 20) /* what the parsed message leaves: ready-made texts and keys */

struct target {
	int64_t account;
	int result;
};

struct job {
	struct queue *q;
	struct queue_envelope *e;
	struct store_content_new content;
	struct db_body body;
	struct target *targets; /* each account once, sorted */
	size_t n_targets;
	bool has_remote, has_forwards;
	int64_t now_s;
};

/* ---- who gets a copy ---- */

static int compare_targets(const void *pa, const void *pb)
{
	const struct target *a = pa, *b = pb;

	return (a->account > b->account) - (a->account < b->account);
}

static void gather_targets(struct job *j)
{
	const struct queue_envelope *e = j->e;
	size_t n = 0, unique = 0;

	for (size_t i = 0; i < e->n_rcpts; i++) {
		j->has_forwards |= e->rcpts[i].n_forwards > 0;
		if (e->rcpts[i].is_local)
			n += e->rcpts[i].n_accounts;
		else
			j->has_remote = true;
	}
	j->targets = mem_alloc(n, sizeof(*j->targets));
	n = 0;
	for (size_t i = 0; i < e->n_rcpts; i++)
		for (size_t k = 0; e->rcpts[i].is_local && k < e->rcpts[i].n_accounts; k++)
			j->targets[n++].account = e->rcpts[i].accounts[k];
	if (n)
		qsort(j->targets, n, sizeof(*j->targets), compare_targets);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || j->targets[i].account != j->targets[unique - 1].account)
			j->targets[unique++] = j->targets[i];
	j->n_targets = unique;
}

/* LMTP: a recipient is served when one of its accounts is; else it hears the last refusal. */
static int result_of(const struct job *j, const struct queue_rcpt *r)
{
	int rc = 0;

	for (size_t i = 0; r->is_local && i < r->n_accounts; i++) {
		const struct target key = { .account = r->accounts[i] };
		const struct target *t =
			bsearch(&key, j->targets, j->n_targets, sizeof(key), compare_targets);

		must(t);
		rc = t->result;
		if (rc == 0)
			return 0;
	}
	return rc;
}

/* ---- the one transaction ---- */

/* What one recipient may be refused with while the others get the message. */
static bool is_own_refusal(int rc)
{
	return rc == -E_QUOTA || rc == -E_NOT_FOUND;
}

static int deliver(struct job *j, struct db_tx *tx, int64_t content, int64_t *refs)
{
	for (size_t i = 0; i < j->n_targets; i++) {
		struct target *t = &j->targets[i];
		int64_t mailbox;
		uint32_t uid;

		t->result = store_tx_deliver(j->q->store, tx, t->account, content, &j->content,
					     j->e->is_per_recipient, &mailbox, &uid);
		if (t->result < 0 && !(j->e->is_per_recipient && is_own_refusal(t->result)))
			return t->result;
		*refs += t->result == 0;
	}
	return 0;
}

static int flags_of(const struct queue_envelope *e)
{
	return (e->is_8bit ? QUEUE_8BIT : 0) | (e->is_binary ? QUEUE_BINARY : 0) |
	       (e->is_smtputf8 ? QUEUE_SMTPUTF8 : 0) | (e->is_requiretls ? QUEUE_REQUIRETLS : 0);
}

static int add_message(struct job *j, struct db_tx *tx, int64_t content, struct str qid, struct str reverse_path)
{
	const struct queue_envelope *e = j->e;

	return DB_EXEC(tx, SQL(MESSAGE_ADD), DB_T(qid), DB_I(content), DB_I(j->content.bytes.n), DB_T(reverse_path),
		       DB_I(e->submitter), DB_I(e->dsn_ret), DB_T(e->envid), DB_I(flags_of(e)), DB_I(j->now_s),
		       DB_T(str_z(e->sid_z)));
}

static int add_recipient(struct job *j, struct db_tx *tx, struct str qid, const struct queue_rcpt *r, struct str address)
{
	return DB_EXEC(tx, SQL(RECIPIENT_ADD), DB_T(qid), DB_T(address), DB_T(r->orcpt), DB_I(r->notify), DB_I(QUEUE_WAITING),
		       DB_I(j->now_s));
}

static int enqueue(struct job *j, struct db_tx *tx, int64_t content)
{
	const struct queue_envelope *e = j->e;
	const struct str qid = str_z(e->qid_z);
	int rc = add_message(j, tx, content, qid, e->reverse_path);

	for (size_t i = 0; i < e->n_rcpts && rc == 0; i++)
		if (!e->rcpts[i].is_local)
			rc = add_recipient(j, tx, qid, &e->rcpts[i], e->rcpts[i].address);
	return rc == -E_EXISTS ? -E_IO : rc; /* the id is taken: the next try has another */
}

/* The return address of what is forwarded: at the domain of the first alias that does so. */
static int make_return_path(struct job *j, struct arena *a, struct str *ret)
{
	const struct queue_envelope *e = j->e;
	const struct queue_rcpt *r = e->rcpts;

	*ret = e->reverse_path;
	if (e->reverse_path.n == 0)
		return 0;
	while (r->n_forwards == 0)
		r++;
	return srs_forward(j->q->srs_key, j->now_s, e->reverse_path,
			   str_skip(r->address, (size_t)(str_rchr(r->address, '@') + 1)), a, ret);
}

/* A message of its own, with an id that shows which one it came from. RFC 3461 5.2.7.1: what was asked about notices goes along. */
static int enqueue_forwards(struct job *j, struct db_tx *tx, int64_t content)
{
	AUTO(arena_fini) struct arena a;
	const struct queue_envelope *e = j->e;
	struct str qid, reverse_path;
	int rc;

	arena_init(&a, FORWARD_ARENA);
	qid = arena_printf(&a, "%sF", e->qid_z);
	rc = qid.p ? make_return_path(j, &a, &reverse_path) : -E_LIMIT;
	if (rc == 0)
		rc = add_message(j, tx, content, qid, reverse_path);
	for (size_t i = 0; i < e->n_rcpts; i++)
		for (size_t k = 0; k < e->rcpts[i].n_forwards && rc == 0; k++)
			rc = add_recipient(j, tx, qid, &e->rcpts[i], e->rcpts[i].forwards[k]);
	return rc == -E_EXISTS ? -E_IO : rc;
}

static int accept_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	int64_t content, refs = 0;
	int rc = store_tx_content_add(tx, &j->content, &j->body.ref, &content);

	if (rc == 0)
		rc = deliver(j, tx, content, &refs);
	if (rc == 0 && j->has_remote) {
		rc = enqueue(j, tx, content);
		refs++;
	}
	if (rc == 0 && j->has_forwards) {
		rc = enqueue_forwards(j, tx, content);
		refs++;
	}
	if (rc < 0)
		return rc;
	if (refs == 0)
		return -E_QUOTA; /* everybody refused, or it goes nowhere: nothing is kept, each has its own result */
	return store_tx_content_ref(tx, content, refs - 1);
}

/* ---- the caller's side ---- */

static int run(struct job *j)
{
	struct db_write_job w = {
		.fn = accept_tx,
		.arg = j,
		.durability = DB_DURABLE,
		.bodies = &j->body,
		.n_bodies = 1,
	};
	int rc = db_write(store_db(j->q->store), &w);
	bool is_all_refused = rc == -E_QUOTA && !j->has_remote && !j->has_forwards &&
			      (j->e->is_per_recipient || j->n_targets == 0);

	for (size_t i = 0; i < j->n_targets && is_all_refused; i++)
		is_all_refused = is_own_refusal(j->targets[i].result);
	if (rc < 0 && !is_all_refused)
		return rc;
	for (size_t i = 0; i < j->e->n_rcpts; i++)
		j->e->rcpts[i].result = result_of(j, &j->e->rcpts[i]);
	return 0;
}

int queue_accept(struct queue *q, struct queue_envelope *e, struct spool *message)
{
	AUTO(arena_fini) struct arena a;
	struct job j = { .q = q, .e = e, .now_s = clock_wall_ms() / 1000 };
	int rc;

	must(e->n_rcpts > 0);
	arena_init(&a, RESULT_ARENA);
	rc = spool_view(message, &j.body.bytes);
	if (rc == 0)
		rc = store_content_prepare(&a, j.body.bytes, &j.content);
	if (rc < 0)
		return rc;
	gather_targets(&j);
	rc = run(&j);
	mem_free(j.targets);
	return rc;
}
