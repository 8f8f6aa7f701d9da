/* SPDX-License-Identifier: MIT */
/*
 * What came of attempts, written down. States of a recipient elsewhere:
 *
 *  1. waiting: its row is there, next_attempt says when. A crash changes nothing.
 *  2. in an attempt (schedule.c, memory alone): the row stands as in 1, so after a crash it is tried again: at worst
 *     once more than the other host has answered. A host may take fewer at once: those that are left are 1 again, as they were and
 *     due, once the answer to the others is 3 (smtp/client_send.c, 6).
 *  3. settled, in one transaction: delivered, or failed and its sender's notification is stored: the row is gone;
 *     deferred: 1 again, later. The last one of a message takes the message's row along, and its reference to the content.
 *  4. held: waiting without a time, until somebody releases it.
 *
 * A destination: its row is there while something waits for it. When none of its hosts can be reached the row gets a time, and
 * the rows of its recipients stay as they are. Where its mail has a fallback it says so as well, and is due: what waits for it is tried there (flights.c).
 */
#include "queue/queue_int.h"

#include "base/must.h"
#include "queue/dsn.h"

struct job {
	struct queue *q;
	const struct queue_settlement *v;
	size_t n;
	struct queue_notice *notices; /* those that are stored with it */
	struct db_body *bodies;       /* theirs */
	size_t n_notices;
};

/* ---- rows ---- */

/* When those who were tried as often come again: all at one time, so that they go together once more. */
struct pause {
	int64_t attempts, s;
};

static int defer(struct db_tx *tx, const struct queue_settlement *s, const struct queue_verdict *v, const struct queue_conf *c,
		 struct pause *p)
{
	int64_t attempts = v->row->attempts + 1;

	/* With the destination down it is that which waits, and its mail keeps its place. */
	if (!s->is_down && p->attempts != attempts)
		*p = (struct pause){ attempts, queue_pause_s(c, attempts) };
	return DB_EXEC(tx, SQL(RECIPIENT_DEFER), DB_I(v->row->id), DB_I(attempts), DB_I(s->is_down ? 0 : s->now_s + p->s), DB_I(s->now_s),
		       DB_I(v->reply.code), DB_T(v->reply.enhanced), DB_T(v->reply.text), DB_T(v->host));
}

/* The last recipient is gone: so is the message. */
int queue_message_end(struct db_tx *tx, struct str qid)
{
	AUTO(db_done) struct db_query left = { 0 };
	AUTO(db_done) struct db_query gone = { 0 };
	int64_t content;
	int rc;

	DB_QUERY(tx, &left, SQL(RECIPIENTS_LEFT), DB_T(qid));
	rc = db_step(&left);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	DB_QUERY(tx, &gone, SQL(MESSAGE_REMOVE), DB_T(qid));
	rc = db_step(&gone);
	if (rc <= 0)
		return rc; /* somebody removed it meanwhile */
	content = db_int(&gone, 0);
	rc = db_step(&gone);
	return rc < 0 ? rc : store_tx_content_ref(tx, content, -1);
}

static int settle_rcpts(struct db_tx *tx, const struct queue_settlement *s, const struct queue_conf *c)
{
	struct pause pause = { 0 };
	size_t n_gone = 0;
	int rc = 0;

	for (size_t i = 0; i < s->n && rc == 0; i++) {
		const struct queue_verdict *v = &s->verdicts[i];

		if (v->outcome == QUEUE_DEFERRED) {
			rc = defer(tx, s, v, c, &pause);
			continue;
		}
		rc = DB_EXEC(tx, SQL(RECIPIENT_REMOVE), DB_I(v->row->id));
		n_gone++;
	}
	return rc == 0 && n_gone > 0 ? queue_message_end(tx, s->message->qid) : rc;
}

static int settle_destination(struct db_tx *tx, const struct queue_settlement *s)
{
	const struct queue_reply *reply = &s->verdicts[0].reply;

	if (s->is_down)
		return DB_EXEC(tx, SQL(DESTINATION_DOWN), DB_T(s->destination), DB_I(s->fallback ? s->now_s : s->until_s), DB_I(s->failures),
			       DB_T(reply->enhanced), DB_T(reply->text), DB_I(s->until_s), DB_I(s->fallback));
	if (s->level != QUEUE_LEVEL_UNKNOWN) {
		int rc = DB_EXEC(tx, SQL(LEVEL_PUT), DB_T(s->destination), DB_I(s->level), DB_I(s->now_s));

		if (rc < 0)
			return rc;
	}
	return s->is_up ? DB_EXEC(tx, SQL(DESTINATION_UP), DB_T(s->destination)) : 0;
}

static int settle_policy(struct db_tx *tx, const struct queue_settlement *s)
{
	const struct queue_result *r = s->result;

	if (!r || r->sts.id.n == 0)
		return 0;
	return DB_EXEC(tx, SQL(STS_PUT), DB_T(s->destination), DB_T(r->sts.id), DB_T(r->sts.text), DB_I(r->sts.fetched_s));
}

static int count_sessions(struct db_tx *tx, const struct queue_settlement *s)
{
	const struct queue_result *r = s->result;

	return r && r->tlsrpt.rua.n > 0
		       ? queue_tlsrpt_count_tx(tx, s->destination, &r->tlsrpt, s->now_s)
		       : 0;
}

/* An attempt, or the end of its time, in the story of the message. */
static int write_story(struct db_tx *tx, struct queue *q, const struct queue_settlement *s)
{
	struct queue_attempt_rcpt rcpts[QUEUE_ATTEMPT_RCPTS];
	struct queue_rcpt_result results[QUEUE_ATTEMPT_RCPTS];
	struct queue_result r = s->result ? *s->result : (struct queue_result){ .id = 1, .stage = QUEUE_N_STAGES };
	bool is_over = !s->result && s->n > 0 && s->verdicts[0].outcome == QUEUE_FAILED;

	must(s->n <= ARRAY_LEN(rcpts));
	for (size_t i = 0; i < s->n; i++) {
		rcpts[i] = (struct queue_attempt_rcpt){ .address = s->verdicts[i].row->address };
		results[i] = (struct queue_rcpt_result){ s->verdicts[i].outcome, s->verdicts[i].reply };
	}
	r.rcpts = results;
	r.n_rcpts = s->n;
	return queue_trace_add(q, tx, &(struct queue_trace_entry){
		.event = s->event ? s->event : is_over ? QUEUE_TRACE_EXPIRED : QUEUE_TRACE_ATTEMPT, .qid = s->message->qid, .at_s = s->now_s, .rcpts = rcpts,
		.n_rcpts = s->n, .result = &r, .fallback_for = s->fallback_for });
}

static int settle_tx(struct db_tx *tx, void *arg)
{
	struct job *j = arg;
	struct conf *c = queue_conf_get(j->q);
	int rc = 0;

	for (size_t i = 0; i < j->n && rc == 0; i++) {
		rc = settle_rcpts(tx, &j->v[i], queue_conf_of(c));
		if (rc == 0)
			rc = settle_destination(tx, &j->v[i]);
		if (rc == 0)
			rc = settle_policy(tx, &j->v[i]);
		if (rc == 0)
			rc = count_sessions(tx, &j->v[i]);
		if (rc == 0)
			rc = write_story(tx, j->q, &j->v[i]);
	}
	for (size_t i = 0; i < j->n_notices && rc == 0; i++) {
		j->notices[i].mail.body = j->bodies[i];
		rc = queue_notice_tx(&j->notices[i], tx);
	}
	conf_unref(c);
	return rc;
}

/* ---- notifications ---- */

static const int action_of[QUEUE_N_OUTCOMES] = {
	[QUEUE_DELIVERED] = -1, [QUEUE_RELAYED] = QUEUE_DSN_RELAYED, [QUEUE_DEFERRED] = -1, [QUEUE_FAILED] = QUEUE_DSN_FAILED,
	[QUEUE_LEFT] = -1,
};

static int make_notice(struct job *j, const struct queue_settlement *s)
{
	struct queue_notice_rcpt told[QUEUE_ATTEMPT_RCPTS];
	size_t n = 0;
	int rc;

	must(s->n <= ARRAY_LEN(told));
	if (s->is_quiet)
		return 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct queue_verdict *v = &s->verdicts[i];
		/* RFC 2852 4.1.4: relays are told of to who asked for it. */
		int action = v->outcome == QUEUE_DELIVERED && s->message->by_traces ? QUEUE_DSN_RELAYED : action_of[v->outcome];

		if (action >= 0)
			told[n++] = (struct queue_notice_rcpt){ .row = v->row, .action = action, .reply = v->reply, .host = v->host,
								.status = v->status,
								.last_attempt_s = s->result ? s->now_s : v->row->last_attempt_s };
	}
	if (n == 0)
		return 0;
	rc = queue_notice_make(j->q, s->message, told, n, &j->notices[j->n_notices]);
	if (rc > 0)
		j->bodies[j->n_notices] = j->notices[j->n_notices].mail.body;
	j->n_notices += rc > 0;
	return rc < 0 ? rc : 0;
}

static int run(struct job *j)
{
	struct db_write_job w = {
		.fn = settle_tx, .arg = j, .durability = DB_DURABLE, .bodies = j->bodies, .n_bodies = j->n_notices };
	int rc = 0;

	for (size_t i = 0; i < j->n && rc == 0; i++)
		rc = make_notice(j, &j->v[i]);
	w.n_bodies = j->n_notices;
	if (j->n_notices == 0)
		w.durability = DB_LAZY; /* a power cut within a second tries again what the other host has: 2 */
	return rc < 0 ? rc : db_write(store_db(j->q->store), &w);
}

int queue_settle(struct queue *q, const struct queue_settlement *v, size_t n)
{
	struct job j = { .q = q, .v = v, .n = n };
	int rc;

	must(n <= QUEUE_SETTLE);
	j.notices = mem_alloc(n, sizeof(*j.notices));
	j.bodies = mem_alloc(n, sizeof(*j.bodies));
	rc = run(&j);
	for (size_t i = 0; i < j.n_notices; i++) {
		if (rc == 0)
			queue_notice_stored(&j.notices[i]);
		queue_notice_done(&j.notices[i]);
	}
	mem_free(j.notices);
	mem_free(j.bodies);
	return rc;
}
