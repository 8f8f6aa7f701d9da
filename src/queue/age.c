/* SPDX-License-Identifier: MIT */
/*
 * Messages that wait for long: their senders hear of it once, and when their time is over they go back (RFC 5321 4.5.4.1, RFC 3461
 * 6.2, RFC 2852 4.1.3). Each message has a time at which somebody looks at it (its column look), so nobody looks at the others.
 */
#include "queue/schedule_int.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/dsn.h"

#define LOOK_BATCH 8        /* between looks at what the sender says */
#define AGAIN_S 60          /* an attempt runs */
#define TROUBLE_S 3600      /* it cannot be looked at */
#define HELD_S 86400        /* nothing of it is to be sent */
#define CATCH_UP_S 3600     /* what nobody could try in time is tried for so long */
#define LOOK_ARENA (16u << 20)

struct look {
	struct queue_sched *s;
	struct arena arena;
	struct queue_message_row message;
	struct queue_rcpt_row *rcpts;
	size_t n, n_all;        /* without and with those that are being tried at this moment */
};

/* ---- the rows ---- */

/* What the last attempt met, or the destination, or nothing. */
static int read_trouble(struct look *l, struct db_tx *tx, struct queue_rcpt_row *r)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct queue_reply trouble = { 0, S("4.4.7"), S("it was not tried yet") };
	int rc;

	if (r->reply.text.n > 0)
		return 0;
	DB_QUERY(tx, &q, SQL(DESTINATION_GET), DB_T(r->destination));
	rc = db_step(&q);
	if (rc > 0 && db_text(&q, 4).n > 0)
		trouble = (struct queue_reply){ 0, arena_str(&l->arena, db_text(&q, 3)), arena_str(&l->arena, db_text(&q, 4)) };
	r->reply = trouble;
	return rc < 0 ? rc : trouble.enhanced.p && trouble.text.p ? 0 : -E_LIMIT;
}

/* The recipients that wait, those in an attempt last; those that are held are left out. */
static int read_rcpts(struct look *l, struct db_tx *tx, struct str qid)
{
	struct queue_rcpt_row *all;
	size_t n, n_flying = 0;
	int rc = queue_rcpts_get(tx, &l->arena, SQL(RECIPIENTS_OF), (const struct db_val[]){ DB_T(qid) }, 1, &all, &n);

	if (rc == 0) {
		l->rcpts = ARENA_ARRAY(&l->arena, struct queue_rcpt_row, n + 1);
		rc = l->rcpts ? 0 : -E_LIMIT;
	}
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (all[i].state != QUEUE_WAITING)
			continue;
		if (queue_flights_have(l->s, all[i].id))
			all[n_flying++] = all[i];
		else
			l->rcpts[l->n++] = all[i];
	}
	l->n_all = l->n;
	for (size_t i = 0; i < n_flying; i++)
		l->rcpts[l->n_all++] = all[i];
	for (size_t i = 0; rc == 0 && i < l->n_all; i++)
		rc = read_trouble(l, tx, &l->rcpts[i]);
	return rc;
}

static int read_message(struct look *l, struct str qid)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(store_db(l->s->q->store), &tx);

	if (rc == 0)
		rc = queue_message_get(tx, &l->arena, qid, &l->message);
	return rc < 0 ? rc : read_rcpts(l, tx, qid);
}

/* ---- what is written ---- */

struct told {
	struct look *l;
	struct queue_notice *notices; /* of up to QUEUE_ATTEMPT_RCPTS recipients each; NULL: none */
	struct db_body *bodies;       /* theirs */
	size_t n;
	bool is_told;
	int64_t look_s;
};

static int told_tx(struct db_tx *tx, void *arg)
{
	struct told *t = arg;
	int rc = DB_EXEC(tx, SQL(MESSAGE_LOOK), DB_T(t->l->message.qid), DB_I(t->look_s), DB_I(t->is_told));

	for (size_t i = 0; i < t->n && rc == 0; i++) {
		t->notices[i].mail.body = t->bodies[i];
		rc = queue_notice_tx(&t->notices[i], tx);
	}
	return rc;
}

static int write_told(struct told *t)
{
	struct db_write_job w = { .fn = told_tx, .arg = t, .durability = t->n > 0 ? DB_DURABLE : DB_LAZY, /* lost, it is looked at again */
				  .bodies = t->bodies, .n_bodies = t->n };
	int rc = db_write(store_db(t->l->s->q->store), &w);

	for (size_t i = 0; i < t->n && rc == 0; i++)
		queue_notice_stored(&t->notices[i]);
	return rc;
}

/* Of n recipients from that one on. */
static int make_delayed(struct look *l, size_t from, size_t n, struct told *t)
{
	struct queue_notice_rcpt told[QUEUE_ATTEMPT_RCPTS];
	int rc;

	for (size_t i = 0; i < n; i++) {
		const struct queue_rcpt_row *r = &l->rcpts[from + i];

		told[i] = (struct queue_notice_rcpt){ .row = r, .action = QUEUE_DSN_DELAYED, .reply = r->reply, .host = r->host,
						      .last_attempt_s = r->last_attempt_s };
	}
	rc = queue_notice_make(l->s->q, &l->message, told, n, &t->notices[t->n]);
	if (rc > 0) {
		t->bodies[t->n] = t->notices[t->n].mail.body;
		t->n++;
	}
	return rc < 0 ? rc : 0;
}

static size_t at_once(size_t n)
{
	return n < QUEUE_ATTEMPT_RCPTS ? n : QUEUE_ATTEMPT_RCPTS;
}

/* Also of those that are being tried: nobody comes back to them, and they are late whatever comes of it. */
static int tell_delay(struct look *l)
{
	struct told t = { .l = l, .is_told = true };
	size_t max = (l->n_all + QUEUE_ATTEMPT_RCPTS - 1) / QUEUE_ATTEMPT_RCPTS;
	int rc = 0;

	l->message.age.is_told = true;
	t.look_s = queue_look_s(l->s->set, &l->message.age);
	t.notices = mem_alloc(max, sizeof(*t.notices));
	t.bodies = mem_alloc(max, sizeof(*t.bodies));
	for (size_t from = 0; from < l->n_all && rc == 0; from += QUEUE_ATTEMPT_RCPTS)
		rc = make_delayed(l, from, at_once(l->n_all - from), &t);
	if (rc == 0)
		rc = write_told(&t);
	if (rc == 0)
		LOG(INFO, "queue.delayed", F_STR("qid", l->message.qid), F_STR("from", l->message.reverse_path), F_INT("rcpts", l->n_all),
		    F_Z("told", t.n > 0 ? "yes" : "no"));
	for (size_t i = 0; i < t.n; i++)
		queue_notice_done(&t.notices[i]);
	mem_free(t.notices);
	mem_free(t.bodies);
	return rc;
}

static int look_later(struct look *l, int64_t look_s)
{
	return write_told(&(struct told){ .l = l, .is_told = l->message.age.is_told, .look_s = look_s });
}

static int give_up(struct look *l)
{
	struct queue_verdict v[QUEUE_ATTEMPT_RCPTS];
	size_t n = at_once(l->n);
	const struct queue_settlement settled = { .message = &l->message, .verdicts = v, .n = n, .now_s = l->s->now_s,
						  .event = QUEUE_TRACE_EXPIRED,
						  .destination = l->rcpts[0].destination };
	int rc;

	for (size_t i = 0; i < n; i++) {
		/* Its exact words, and that time is over. RFC 3463 3.5 */
		v[i] = (struct queue_verdict){ .row = &l->rcpts[i], .outcome = QUEUE_FAILED, .host = l->rcpts[i].host, .reply = l->rcpts[i].reply,
					       .status = l->message.age.by_returns ? S("5.4.7") : S("4.4.7") };
	}
	rc = queue_settle(l->s->q, &settled, 1);
	for (size_t i = 0; i < n && rc == 0; i++)
		LOG(INFO, "queue.expired", F_STR("qid", l->message.qid), F_STR("from", l->message.reverse_path),
		    F_STR("to", l->rcpts[i].address), F_INT("attempts", l->rcpts[i].attempts), F_STR("reply", v[i].reply.text));
	if (rc == 0 && l->n_all > n) /* the rest comes next */
		rc = look_later(l, l->s->now_s + (l->n > n ? 0 : AGAIN_S));
	return rc;
}

/* ---- one message ---- */

/*
 * When to look at it again, though its time is over; 0: it goes back. What ended before this schedule began (the server was off, a backup
 * was restored), or when the clock was set beyond its end, has the first hour; while nothing is to be sent, nothing ends. But what its
 * sender wants back by then goes back (RFC 2852 4.1.3).
 */
static int64_t put_off_s(const struct look *l, int64_t ends_s)
{
	const struct queue_age *age = &l->message.age;
	const struct queue_sched *s = l->s;

	if (age->by_returns && ends_s == age->by_s)
		return 0;
	if (!s->set->is_sending)
		return s->now_s + HELD_S;
	return ends_s < s->since_s && s->now_s < s->since_s + CATCH_UP_S ? s->since_s + CATCH_UP_S : 0;
}

static int look_at(struct look *l)
{
	const struct queue_age *age = &l->message.age;
	int64_t now_s = l->s->now_s, ends_s = queue_ends_s(l->s->set, age), again_s;

	if (l->n == 0)
		return look_later(l, now_s + (l->n_all > 0 ? AGAIN_S : HELD_S));
	if (now_s >= ends_s) {
		again_s = put_off_s(l, ends_s);
		return again_s > 0 ? look_later(l, again_s) : give_up(l);
	}
	if (now_s >= queue_tells_s(l->s->set, age))
		return tell_delay(l);
	return look_later(l, queue_look_s(l->s->set, age));
}

static int look_at_one(struct queue_sched *s, struct str qid)
{
	struct look l = { .s = s };
	int rc;

	arena_init(&l.arena, LOOK_ARENA);
	rc = read_message(&l, qid);
	if (rc == 0)
		rc = look_at(&l);
	arena_fini(&l.arena);
	return rc == -E_NOT_FOUND ? 0 : rc; /* it has gone meanwhile */
}

static int find_late(struct queue_sched *s, char qids[LOOK_BATCH][64], size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query late = { 0 }, next = { 0 };
	size_t n = 0;
	int rc = db_read_begin(store_db(s->q->store), &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &late, SQL(MESSAGES_LATE), DB_I(s->now_s), DB_I(LOOK_BATCH));
	for (; (rc = db_step(&late)) > 0; n++)
		snprintf(qids[n], sizeof(qids[n]), "%" STR_FMT, STR_ARG(db_text(&late, 0)));
	if (rc < 0)
		return rc;
	db_query(tx, &next, SQL(NEXT_LOOK), NULL, 0);
	rc = db_step(&next);
	s->next_look_s = rc > 0 && !db_is_null(&next, 0) ? db_int(&next, 0) : INT64_MAX;
	*ret_n = n;
	return rc < 0 ? rc : 0;
}

struct put_off {
	struct str qid;
	int64_t look_s;
};

static int put_off_tx(struct db_tx *tx, void *arg)
{
	const struct put_off *p = arg;

	return DB_EXEC(tx, SQL(MESSAGE_LOOK_AT), DB_T(p->qid), DB_I(p->look_s));
}

/* One that cannot be looked at is in nobody's way. */
static int put_off(struct queue_sched *s, struct str qid, int why)
{
	struct put_off p = { qid, s->now_s + TROUBLE_S };

	if (queue_is_lasting(why))
		return why;
	LOG(ERROR, "queue.age", F_STR("qid", qid), F_Z("fault", "cannot look at its age"), F_Z("err", err_row(why)->name));
	return db_write(store_db(s->q->store), &(struct db_write_job){ .fn = put_off_tx, .arg = &p, .durability = DB_LAZY });
}

int queue_age_look(struct queue_sched *s)
{
	char qids[LOOK_BATCH][64];
	size_t n = 0;
	int rc = find_late(s, qids, &n);

	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = look_at_one(s, str_z(qids[i]));
		if (rc < 0)
			rc = put_off(s, str_z(qids[i]), rc);
	}
	if (n == LOOK_BATCH || rc < 0)
		s->next_look_s = s->now_s + (rc < 0 ? AGAIN_S : 0);
	else if (n > 0)
		s->next_look_s = s->now_s + 1; /* what they say now */
	return rc;
}
