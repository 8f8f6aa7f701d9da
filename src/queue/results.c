/* SPDX-License-Identifier: MIT */
/*
 * Results of the sender: taken from the socket some at a time, written down in one transaction, then forgotten. While they cannot be written (a full
 * disk) no more are taken, and what has been sent is in memory: a crash then sends it once more.
 */
#include "queue/schedule_int.h"

#include "base/clock.h"
#include "base/log.h"

#define RETRY_MS 1000
#define TAKEN_MAX 100  /* in one turn, also of what means nothing */
#define WINDOW_START 5 /* of a destination that has taken a message */
#define PUT_OFF_MAX 3  /* refusals for now until a fallback has it: the first may be greylisting */

#define LEVEL_S 86400  /* how often it is written that a destination has been seen as it was before */

static const char *const outcomes_z[QUEUE_N_OUTCOMES] = {
	[QUEUE_DELIVERED] = "delivered", [QUEUE_RELAYED] = "relayed", [QUEUE_DEFERRED] = "deferred", [QUEUE_FAILED] = "failed" };

/* ---- what it says of the destination ---- */

static void grow(struct queue_dest *d, const struct queue_conf *c)
{
	unsigned max = (unsigned)c->max_sessions_per_destination;

	d->window = !d->has_worked ? WINDOW_START : d->window + 1;
	if (d->window > max)
		d->window = max;
	d->has_worked = true;
	d->n_put_off = 0;
}

/* Of many attempts that find the same host dead the first counts. */
static void go_down(struct queue_sched *s, struct queue_dest *d)
{
	d->window = 1;
	d->has_worked = false;
	if (d->not_before_s > s->now_s)
		return;
	d->failures++;
	d->not_before_s = s->now_s + queue_pause_s(s->set, d->failures);
}

/* Has it refused for now what has a fallback, and that for a while: this message, or any? */
static bool is_put_off(struct queue_dest *d, const struct queue_flight *f, const struct queue_result *r)
{
	if (r->fallback == QUEUE_LEVEL_UNKNOWN || !f->has_fallback)
		return false;
	d->n_put_off++;
	return d->n_put_off >= PUT_OFF_MAX || (!d->has_worked && f->rcpts[0].attempts + 1 >= PUT_OFF_MAX);
}

/* Did it leave us, or say that it is about to (RFC 5321 3.8), and answer nobody? */
static bool has_left(const struct queue_result *r)
{
	for (size_t i = 0; i < r->n_rcpts; i++)
		if (r->rcpts[i].outcome != QUEUE_DEFERRED || (r->rcpts[i].reply.code != 0 && r->rcpts[i].reply.code != 421))
			return false;
	return true;
}

static void judge_destination(struct queue_sched *s, const struct queue_flight *f, const struct queue_result *r, struct queue_settlement *t)
{
	struct queue_dest *d = f->way;

	if (r->is_down || is_put_off(d, f, r)) {
		go_down(s, d);
		/* Its rows wait with it, also those of the attempts that came second. */
		d->fallback = f->has_fallback ? r->fallback : QUEUE_LEVEL_UNKNOWN;
		d->no_way_s = 0;
		t->is_down = true;
		t->failures = d->failures;
		t->until_s = d->not_before_s;
		t->fallback = d->fallback;
		return;
	}
	if (r->id == 0)
		return;
	if (r->stage < QUEUE_AT_MAIL || has_left(r) || (r->fallback != QUEUE_LEVEL_UNKNOWN && f->has_fallback)) { /* it is there and does not want us now */
		d->window = d->window > 1 ? d->window / 2 : 1;
		return;
	}
	grow(d, s->set);
	d->not_before_s = 0;
	d->fallback = QUEUE_LEVEL_UNKNOWN;
	t->is_up = d->failures > 0;
	d->failures = 0;
}

/* ---- how well it is protected ---- */

static const char *const levels_z[QUEUE_N_LEVELS] = {
	[QUEUE_LEVEL_UNKNOWN] = "unknown", [QUEUE_LEVEL_PLAIN] = "no TLS", [QUEUE_LEVEL_ENCRYPTED] = "TLS, not verified",
	[QUEUE_LEVEL_VERIFIED] = "TLS, verified" };

static void read_level(struct queue_sched *s, struct queue_dest *d)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };

	d->has_level = true;
	if (db_read_begin(store_db(s->q->store), &tx) < 0)
		return;
	DB_QUERY(tx, &q, SQL(LEVEL_GET), DB_T(str_z(d->name)));
	if (db_step(&q) > 0 && db_int(&q, 0) < QUEUE_N_LEVELS)
		d->level = (enum queue_level)db_int(&q, 0);
	d->level_s = d->level != QUEUE_LEVEL_UNKNOWN ? db_int(&q, 1) : 0;
}

/* A domain that had TLS and has it no more may have lost it to somebody on the way: the administrator hears of it, once. */
static void compare_level(struct queue_sched *s, struct queue_dest *d, const struct queue_result *r, struct queue_settlement *t)
{
	/* Of hosts that the settings name the settings demand what they want. */
	if (r->level == QUEUE_LEVEL_UNKNOWN || str_chr(str_z(d->name), '[') >= 0)
		return;
	if (!d->has_level)
		read_level(s, d);
	if (r->level == d->level && s->now_s - d->level_s < LEVEL_S)
		return;
	if (r->level < d->level)
		LOG(WARN, "queue.tls-fell", F_Z("domain", d->name), F_Z("was", levels_z[d->level]), F_Z("is", levels_z[r->level]),
		    F_STR("host", r->host));
	d->level = t->level = r->level;
	d->level_s = s->now_s;
}

/* ---- one result ---- */

static void log_one(const struct queue_flight *f, const struct queue_result *r, const struct queue_verdict *v)
{
	LOG(INFO, "queue.attempt", F_STR("qid", f->message.qid), F_STR("from", f->message.reverse_path), F_STR("to", v->row->address),
	    F_Z("result", outcomes_z[v->outcome]), F_Z("fallback_for", f->way == f->dest ? "" : f->dest->name), F_STR("host", r->host), F_STR("address", r->address), F_STR("tls", r->tls),
	    F_INT("code", v->reply.code), F_STR("enhanced", v->reply.enhanced), F_STR("reply", v->reply.text),
	    F_INT("attempts", v->row->attempts + 1), F_INT("ms", r->ms));
}

/*
 * Only what a fallback says of the mail itself is an answer that is for ever. That it takes none at all, is not to be found, or cannot have what this message
 * demands is no reason to give up: the hosts that it stands in for come back.
 */
static bool is_answer(const struct queue_result *r, const struct queue_verdict *v)
{
	return v->outcome != QUEUE_FAILED || (v->reply.code > 0 && r->stage >= QUEUE_AT_MAIL);
}

/* "5.7.30" as "4.7.30". */
static struct str soften(struct arena *a, struct str enhanced)
{
	char *p = arena_z(a, enhanced);

	if (p && p[0] == '5')
		p[0] = '4';
	return p ? str_of(p, enhanced.n) : S("");
}

/* False: it does not fit, and is not looked at. */
static bool land(struct queue_sched *s, struct queue_flight *f, const struct queue_result *r)
{
	struct queue_settlement *t = &s->settled[s->n_settled];
	struct queue_verdict *v = ARENA_ARRAY(&s->results, struct queue_verdict, f->n);
	struct queue_result *kept = ARENA_NEW(&s->results, struct queue_result);
	size_t n = 0;

	if (!v || !kept)
		return false;
	*kept = *r;
	for (size_t k = 0; k < f->n; k++) {
		if (r->id != 0 && r->rcpts[k].outcome == QUEUE_LEFT)
			continue; /* its row says that it is due */
		v[n] = (struct queue_verdict){ .row = &f->rcpts[k], .outcome = QUEUE_DEFERRED, .host = r->host,
					       .reply = { 0, S("4.3.0"), S("the sending process ended in the middle of it") } };
		if (r->id != 0) {
			v[n].outcome = r->rcpts[k].outcome;
			v[n].reply = r->rcpts[k].reply;
		}
		if (f->way != f->dest && !is_answer(r, &v[n])) {
			v[n].outcome = QUEUE_DEFERRED;
			v[n].reply.enhanced = soften(&s->results, v[n].reply.enhanced);
		}
		n++;
	}
	s->verdicts[s->n_settled] = v;
	*t = (struct queue_settlement){ .message = &f->message, .verdicts = v, .n = n, .result = kept,
					.destination = str_z(f->way->name), .now_s = s->now_s };
	if (f->way != f->dest)
		t->fallback_for = str_z(f->dest->name);
	if (r->is_root_signed && f->id > s->configured_id)
		s->root_signed_s = s->now_s;
	judge_destination(s, f, r, t);
	compare_level(s, f->way, r, t);
	s->landed[s->n_settled++] = f;
	return true;
}

/* ---- writing down ---- */

/* The first n of them. */
static void forget(struct queue_sched *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!s->landed[i])
			continue;
		for (size_t k = 0; k < s->settled[i].n; k++)
			log_one(s->landed[i], s->settled[i].result, &s->verdicts[i][k]);
		s->landed[i]->dest->is_exhausted = false; /* what was deferred, or waited behind it */
		queue_flight_end(s, s->landed[i]);
	}
	s->n_settled -= n;
	memmove(s->settled, s->settled + n, s->n_settled * sizeof(s->settled[0]));
	memmove(s->verdicts, s->verdicts + n, s->n_settled * sizeof(s->verdicts[0]));
	memmove(s->landed, s->landed + n, s->n_settled * sizeof(s->landed[0]));
	if (s->n_settled == 0)
		arena_reset(&s->results);
}

bool queue_is_lasting(int rc)
{
	return rc == -E_DISK_FULL || rc == -E_IO || rc == -E_BUSY;
}

/*
 * One that cannot be written by itself: a notification that cannot be made, say. Those that failed keep their rows, and are tried again later; what the
 * other host has is never sent again for that.
 */
static int write_singly(struct queue_sched *s)
{
	for (size_t i = 0; i < s->n_settled; i++) {
		struct queue_settlement *t = &s->settled[i];
		struct queue_verdict *v = s->verdicts[i];
		int rc = queue_settle(s->q, t, 1);

		if (queue_is_lasting(rc)) {
			forget(s, i);
			return rc;
		}
		if (rc == 0)
			continue;
		LOG(ERROR, "queue.settle", F_STR("qid", t->message->qid), F_Z("err", err_row(rc)->name),
		    F_Z("then", "keeping its recipients for later"));
		for (size_t k = 0; k < t->n; k++)
			if (v[k].outcome == QUEUE_FAILED)
				v[k].outcome = QUEUE_DEFERRED;
		t->is_quiet = true;
		rc = queue_settle(s->q, t, 1);
		if (queue_is_lasting(rc)) {
			forget(s, i);
			return rc;
		}
		if (rc < 0) { /* its attempt never ends, so it is tried again by the next schedule only */
			s->landed[i]->is_stuck = true;
			s->landed[i] = NULL;
		}
	}
	return 0;
}

static bool write_down(struct queue_sched *s)
{
	int rc;

	if (s->n_settled == 0)
		return true;
	rc = queue_settle(s->q, s->settled, s->n_settled);
	if (rc < 0)
		rc = queue_is_lasting(rc) ? rc : write_singly(s);
	if (rc < 0) {
		s->retry_ms = clock_mono_ms() + RETRY_MS;
		return false;
	}
	forget(s, s->n_settled);
	return true;
}

/* ---- from the socket ---- */

static bool has_landed(const struct queue_sched *s, const struct queue_flight *f)
{
	for (size_t i = 0; i < s->n_settled; i++)
		if (s->landed[i] == f)
			return true;
	return false;
}

/* The sender is gone with all that it had: as many as fit land now. False: there is none. */
static bool lose_some(struct queue_sched *s)
{
	const struct queue_result lost = { .id = 0 };

	for (const struct queue_dest *d = s->first; d; d = d->next)
		for (struct queue_flight *f = d->flights; f; f = f->next)
			if (!f->is_stuck && (s->n_settled == QUEUE_SETTLE || !land(s, f, &lost)))
				return s->n_settled > 0;
	return s->n_settled > 0;
}

static bool lose_all(struct queue_sched *s)
{
	while (s->is_losing && lose_some(s))
		if (!write_down(s))
			return false;
	s->is_losing = false;
	return true;
}

/* 1: one was taken; 0: none is there; negative: the socket is of no use. */
static int take_one(struct queue_sched *s)
{
	struct queue_flight *f;
	struct queue_result r;
	int rc = queue_result_receive(s->fd, &s->results, &r);

	if (rc == -E_SYNTAX)
		LOG(ERROR, "queue.result", F_Z("fault", "the sending process talks nonsense"), F_Z("then", "counting its attempt as tried"));
	else if (rc <= 0)
		return rc;
	if (rc > 0 && r.id == 0) {
		s->is_losing = true;
		s->n_lost++;
		queue_reports_lost(s);
		return 0;
	}
	if (queue_reports_take(s, &r))
		return 1;
	f = queue_flight_find(s, r.id);
	if (!f || f->is_stuck || has_landed(s, f))
		return 1; /* of an attempt that counts as lost */
	if (rc < 0 || r.n_rcpts != f->n) { /* it has no other */
		LOG(ERROR, "queue.result", F_STR("qid", f->message.qid), F_Z("fault", "the result does not fit its attempt"));
		r = (struct queue_result){ .id = 0 };
	}
	return land(s, f, &r) ? 1 : -E_LIMIT;
}

void queue_results_take(struct queue_sched *s)
{
	int rc = 1;

	if (s->retry_ms > clock_mono_ms() || (s->retry_ms > 0 && !write_down(s)) || !lose_all(s))
		return;
	s->retry_ms = 0;
	arena_reset(&s->results); /* nothing is waiting: what was nonsense is gone as well */
	for (int n = 0; rc > 0 && n < TAKEN_MAX && s->n_settled < QUEUE_SETTLE; n++)
		rc = take_one(s);
	if (rc == -E_CLOSED && !s->is_cut_off) {
		LOG(ERROR, "queue.result", F_Z("fault", "the socket to the sending process is shut"));
		s->is_cut_off = true;
	}
	if (write_down(s) && s->is_losing)
		(void)lose_all(s);
}
