/* SPDX-License-Identifier: MIT */
/*
 * What waited in the queue and is for somebody here: messages that were held (RFC 4865), and domains that are served here only since. They
 * go through the one door again, in the transaction that takes their rows out of the queue, as a message of its own
 * id; its body is stored once more, since that is rare.
 */
#include "queue/schedule_int.h"

#include "base/log.h"
#include "base/rnd.h"
#include "store/account.h"

struct local {
	struct queue *q;
	struct queue_flight *f;
	struct queue_rcpt *rcpts;           /* those that were found */
	const struct queue_rcpt_row **rows; /* theirs */
	size_t n;
	struct queue_verdict verdicts[QUEUE_ATTEMPT_RCPTS]; /* of the others */
	size_t n_verdicts;
	struct queue_mail mail;
	char qid[17];
};

bool queue_is_local(struct queue *q, const struct queue_hop *hop, struct str address)
{
	return str_chr(address, '@') < 0 || store_domain_find(q->store, hop->domain) == 0; /* without a domain: postmaster, RFC 5321 4.5.1 */
}

static int find_one(struct local *l, struct arena *a, const struct queue_rcpt_row *row)
{
	struct queue_rcpt *r = &l->rcpts[l->n];
	struct queue_verdict *v = &l->verdicts[l->n_verdicts];
	int rc = queue_rcpt_find(l->q, a, row->address, r);

	if (rc == 0) {
		r->notify = row->notify;
		r->orcpt = row->orcpt;
		l->rows[l->n++] = row;
		return 0;
	}
	*v = (struct queue_verdict){ .row = row, .outcome = QUEUE_FAILED, .reply = { 550, S("5.1.1"), S("no such user here") } };
	if (rc == -E_QUOTA)
		*v = (struct queue_verdict){ .row = row, .outcome = QUEUE_DEFERRED, .reply = { 452, S("4.2.2"), S("the mailbox is full") } };
	else if (rc != -E_NOT_FOUND)
		return rc;
	l->n_verdicts++;
	return 0;
}

static int store_tx(struct db_tx *tx, void *arg)
{
	struct local *l = arg;
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++)
		rc = DB_EXEC(tx, SQL(RECIPIENT_REMOVE), DB_I(l->rows[i]->id));
	if (rc == 0)
		rc = queue_message_end(tx, l->f->message.qid);
	if (rc < 0)
		return rc;
	rc = queue_mail_tx(&l->mail, tx);
	return queue_mail_is_void(&l->mail, rc) ? 0 : rc;
}

static int store(struct local *l, struct arena *a, struct str bytes)
{
	const struct queue_message_row *m = &l->f->message;
	struct queue_envelope e = {
		.qid_z = l->qid, .sid_z = "", .reverse_path = m->reverse_path, .dsn_ret = m->dsn_ret, .envid = m->envid,
		.is_8bit = m->flags & QUEUE_8BIT, .is_binary = m->flags & QUEUE_BINARY, .is_smtputf8 = m->flags & QUEUE_SMTPUTF8,
		.is_requiretls = m->flags & QUEUE_REQUIRETLS,
		.is_tls_optional = m->flags & QUEUE_TLS_OPTIONAL, .rcpts = l->rcpts, .n_rcpts = l->n,
		.wish = { .by_s = m->age.by_s, .by_returns = m->age.by_returns, .by_traces = m->by_traces, .priority = m->priority,
			  .has_priority = m->has_priority },
	};
	struct db_write_job w;
	int rc;

	rnd_id_z(l->qid, sizeof(l->qid) - 1);
	rc = queue_mail_prepare(&l->mail, l->q, &e, bytes, a);
	if (rc == 0) {
		w = queue_mail_job(&l->mail, store_tx, l);
		rc = db_write(store_db(l->q->store), &w);
	}
	if (rc == 0) {
		queue_mail_stored(&l->mail);
		LOG(INFO, "queue.local", F_STR("qid", m->qid), F_Z("as", l->qid), F_STR("from", m->reverse_path), F_INT("rcpts", l->n));
	}
	queue_mail_done(&l->mail);
	return rc;
}

static int settle_others(struct queue_sched *s, struct local *l)
{
	const struct queue_settlement settled = { .message = &l->f->message, .verdicts = l->verdicts, .n = l->n_verdicts,
						  .destination = str_z(l->f->dest->name), .now_s = s->now_s };

	return l->n_verdicts > 0 ? queue_settle(s->q, &settled, 1) : 0;
}

int queue_deliver_here(struct queue_sched *s, struct queue_flight *f, struct arena *a, struct str bytes)
{
	struct local l = { .q = s->q, .f = f };
	int rc = 0;

	l.rcpts = ARENA_ARRAY(&f->arena, struct queue_rcpt, f->n);
	l.rows = ARENA_ARRAY(&f->arena, const struct queue_rcpt_row *, f->n);
	if (!l.rcpts || !l.rows)
		return -E_LIMIT;
	for (size_t i = 0; i < f->n && rc == 0; i++)
		rc = find_one(&l, &f->arena, &f->rcpts[i]);
	if (rc == 0 && l.n > 0)
		rc = store(&l, a, bytes);
	return rc < 0 ? rc : settle_others(s, &l);
}
