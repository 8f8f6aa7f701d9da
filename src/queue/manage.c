/* SPDX-License-Identifier: MIT */
/*
 * What an administrator does with mail that waits: again now, not until further notice, never. All in transactions of their own; the
 * schedule is told to look. A recipient that is being tried at this moment is settled as if nothing had been said: the other host decides;
 * so such a one is not removed either.
 */
#include "queue/queue_int.h"

#include "base/clock.h"
#include "queue/dsn.h"
#include "queue/schedule.h"

#define PICK_STEP 100 /* recipients in one transaction */
#define PICK_ARENA (16u << 20)

/* ---- choosing ---- */

/* The arguments of the statements with PICKED in sql.c. */
struct picked_args {
	struct db_val v[5];
};

static struct picked_args args_of(const struct queue_pick *p, int64_t after)
{
	return (struct picked_args){ { DB_T(p->qid.p ? p->qid : S("")), DB_T(p->to.p ? p->to : S("")),
				       DB_T(p->from.p ? p->from : S("")), DB_I(p->has_state ? (int64_t)p->state : -1), DB_I(after) } };
}

bool queue_pick_is_whole(const struct queue_pick *p)
{
	return p->qid.n == 0 && p->to.n == 0 && p->from.n == 0 && !p->has_state;
}

/* ---- one step ---- */

struct step {
	struct queue *q;
	const struct queue_pick *pick;
	enum queue_deed deed;
	int64_t after, now_s;
	struct arena arena;
	struct queue_rcpt_row *rcpts;
	size_t n, n_flying;
};

/* RFC 4865 4.2: what its sender wants to leave later is tried now only when it is named. */
static int read_step(struct step *s)
{
	bool is_early = s->deed != QUEUE_RETRY || s->pick->qid.n > 0;
	const struct picked_args p = args_of(s->pick, s->after);
	const struct db_val v[] = { p.v[0], p.v[1], p.v[2], p.v[3], p.v[4], DB_I(is_early ? INT64_MAX : s->now_s) };
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(store_db(s->q->store), &tx);

	if (rc == 0)
		rc = queue_rcpts_get(tx, &s->arena, SQL(RECIPIENTS_PICKED), v, ARRAY_LEN(v), &s->rcpts, &s->n);
	return rc;
}

static int set_state(struct db_tx *tx, const struct step *s, const struct queue_rcpt_row *r, enum queue_state state)
{
	int rc = DB_EXEC(tx, SQL(RECIPIENT_STATE), DB_I(r->id), DB_I(state), DB_I(s->now_s), DB_I(s->deed == QUEUE_RETRY));

	if (rc == 0)
		rc = DB_EXEC(tx, SQL(DESTINATION_ADD), DB_T(r->destination), DB_I(s->now_s));
	/* Its age is looked at anew, since what is held has none, and counts from its release. */
	if (rc == 0 && r->state == QUEUE_HELD)
		rc = DB_EXEC(tx, SQL(MESSAGE_AGE_ANEW), DB_T(r->qid), DB_I(s->now_s));
	return rc == 0 ? DB_EXEC(tx, SQL(MESSAGE_LOOK_AT), DB_T(r->qid), DB_I(0)) : rc;
}

static int do_one(struct db_tx *tx, const struct step *s, const struct queue_rcpt_row *r)
{
	int rc;

	switch (s->deed) {
	case QUEUE_HOLD:
		return set_state(tx, s, r, QUEUE_HELD);
	case QUEUE_RELEASE:
		return r->state == QUEUE_HELD ? set_state(tx, s, r, QUEUE_WAITING) : 0;
	case QUEUE_RETRY:
		if (r->state == QUEUE_HELD)
			return 0;
		rc = set_state(tx, s, r, QUEUE_WAITING);
		return rc < 0 ? rc : DB_EXEC(tx, SQL(DESTINATION_NOW), DB_T(r->destination), DB_I(s->now_s));
	default:
		return -E_BUG;
	}
}

static int tell(struct db_tx *tx, const struct step *s, const struct queue_rcpt_row *r)
{
	static const enum queue_trace_event events[] = {
		[QUEUE_RETRY] = QUEUE_TRACE_RETRIED, [QUEUE_HOLD] = QUEUE_TRACE_HELD, [QUEUE_RELEASE] = QUEUE_TRACE_RELEASED };
	const struct queue_attempt_rcpt rcpt = { .address = r->address };

	return queue_trace_add(s->q, tx, &(struct queue_trace_entry){ .event = events[s->deed], .qid = r->qid, .at_s = s->now_s,
								      .rcpts = &rcpt, .n_rcpts = 1, .detail = S("by an administrator") });
}

static int step_tx(struct db_tx *tx, void *arg)
{
	const struct step *s = arg;
	int rc = 0;

	for (size_t i = 0; i < s->n && rc == 0; i++) {
		rc = do_one(tx, s, &s->rcpts[i]);
		if (rc == 0)
			rc = tell(tx, s, &s->rcpts[i]);
	}
	return rc;
}

/* Those of one message, from rcpts[from] on, as if the last attempt had failed; tells its sender only when he is to hear of it. */
static int remove_some(struct step *s, size_t from, size_t *ret_n)
{
	struct queue_verdict v[QUEUE_ATTEMPT_RCPTS];
	struct queue_message_row message;
	struct queue_settlement settled = { .message = &message, .verdicts = v, .now_s = s->now_s };
	AUTO(db_read_end) struct db_tx *tx = NULL;
	size_t n = 0;
	int rc = db_read_begin(store_db(s->q->store), &tx);

	if (rc == 0)
		rc = queue_message_get(tx, &s->arena, s->rcpts[from].qid, &message);
	db_read_end(&tx);
	for (; rc == 0 && from + n < s->n && n < ARRAY_LEN(v) && str_eq(s->rcpts[from + n].qid, message.qid); n++) {
		if (queue_flies(s->q, s->rcpts[from + n].id)) {
			s->n_flying++;
			continue;
		}
		v[settled.n++] = (struct queue_verdict){ .row = &s->rcpts[from + n], .outcome = QUEUE_FAILED,
							 .reply = { 0, S("5.7.0"), S("removed by the administrator of this server") } };
	}
	settled.event = QUEUE_TRACE_REMOVED;
	settled.destination = s->rcpts[from].destination;
	settled.is_quiet = s->deed == QUEUE_REMOVE;
	*ret_n = n;
	return rc < 0 || settled.n == 0 ? rc : queue_settle(s->q, &settled, 1);
}

static int remove_all(struct step *s)
{
	size_t n = 0;
	int rc = 0;

	/* No attempt begins between the look at those that run and the commit: nothing is delivered and returned. */
	lock_get(&s->q->flying);
	for (size_t at = 0; at < s->n && rc == 0; at += n)
		rc = remove_some(s, at, &n);
	lock_put(&s->q->flying);
	return rc;
}

static int run_step(struct step *s)
{
	struct db_write_job w = { .fn = step_tx, .arg = s, .durability = DB_DURABLE };

	if (s->n == 0)
		return 0;
	s->after = s->rcpts[s->n - 1].id;
	return s->deed == QUEUE_REMOVE || s->deed == QUEUE_RETURN ? remove_all(s) : db_write(store_db(s->q->store), &w);
}

int queue_manage(struct queue *q, const struct queue_pick *pick, enum queue_deed deed, int64_t *ret_n)
{
	struct step s = { .q = q, .pick = pick, .deed = deed, .now_s = clock_wall_ms() / 1000, .n = PICK_STEP };
	int rc = 0;

	*ret_n = 0;
	while (rc == 0 && s.n == PICK_STEP) {
		arena_init(&s.arena, PICK_ARENA);
		rc = read_step(&s);
		if (rc == 0)
			rc = run_step(&s);
		if (rc == 0)
			*ret_n += (int64_t)(s.n - s.n_flying);
		s.n_flying = 0;
		arena_fini(&s.arena);
	}
	queue_sched_wake(q);
	return rc;
}
