/* SPDX-License-Identifier: MIT */
/*
 * Attempts: recipients of one message that are due at one destination, with the message, to the sender. Which rows have an attempt is in
 * memory alone (settle.c, 2).
 *
 * While a destination is down, what waits for it goes to its fallback, if it has one that is good enough. The rows stay the destination's:
 *
 *  1. its attempt reaches no host, in a way that a fallback is for (send/walk.c, 5): it is down, as always, for a pause that grows. Its row says what
 *     a fallback has to be, and is due, so a restart goes on with 2.
 *  2. it is down: attempts of its rows have the fallback as their way. Sessions, window and trouble are those of the way.
 *  3. the fallback takes or refuses the mail: settled. It puts it off, or is down itself: the rows wait, and begin with 1 or 2 when they or one of both are due.
 *  4. the pause is over: one attempt goes to its own hosts again, and when that works all do.
 */
#include "queue/schedule_int.h"

#include "base/log.h"
#include "base/must.h"

#define WAY_ARENA (64u << 10)
#define PARSED_ARENA (64u << 20) /* what parsing a message leaves that is for somebody here */
#define IDLE_S 3600    /* between looks at what may not be sent */
#define SKIPPED_S 60   /* until rows are looked at again that have an attempt elsewhere, or no message */
#define WAITING_S 10   /* until a destination comes back whose messages are too much now, when others wait for its place */
#define TROUBLE_S 10   /* until a destination of which not even the failure can be written down is tried again */
#define ROOT_SIGNED_S 86400 /* so long a root without signatures is not believed, should the resolvers have become others */
#define ROWS_MAX 20000 /* looked at in one turn for one destination */
#define WAYLESS_MAX 100 /* of them, that have no fallback or one that is down */
#define WAITING_MAX 100 /* of their messages, that are too much now */
#define WAITING_ROWS_MAX 2000 /* of those */

/*
 * Messages that are under way are in memory, those of each size in a part of their own: huge ones, that a slow host may take for hours, are in the way of huge
 * ones only.
 */
static const struct {
	uint64_t from, max;
} sizes[SCHED_SIZES] = {
	{ 0, (uint64_t)64 << 20 },
	{ (uint64_t)64 << 10, (uint64_t)192 << 20 },
	{ (uint64_t)4 << 20, (uint64_t)256 << 20 },
};

static struct queue_flight **bucket_of(struct queue_sched *s, uint64_t id)
{
	return &s->by_id[id % SCHED_BUCKETS];
}

struct queue_flight *queue_flight_find(struct queue_sched *s, uint64_t id)
{
	struct queue_flight *f = *bucket_of(s, id);

	while (f && f->id != id)
		f = f->next_by_id;
	return f;
}

bool queue_flies(const struct queue *q, int64_t rcpt)
{
	must(lock_held(&q->flying));
	for (size_t b = 0; q->sched && b < SCHED_BUCKETS; b++)
		for (const struct queue_flight *f = q->sched->by_id[b]; f; f = f->next_by_id)
			for (size_t i = 0; i < f->n; i++)
				if (f->rcpts[i].id == rcpt)
					return true;
	return false;
}

static size_t size_of(uint64_t bytes)
{
	size_t i = SCHED_SIZES - 1;

	while (bytes < sizes[i].from)
		i--;
	return i;
}

/* Is there no memory for one of so many bytes now? */
static bool is_too_much(const struct queue_sched *s, uint64_t bytes)
{
	size_t i = size_of(bytes);

	return s->flying_bytes[i] >= sizes[i].max;
}

/* Is there none for any? */
static bool is_all_taken(const struct queue_sched *s)
{
	for (size_t i = 0; i < SCHED_SIZES; i++)
		if (s->flying_bytes[i] < sizes[i].max)
			return false;
	return true;
}

/* The caller holds q->flying. */
static void add(struct queue_sched *s, struct queue_dest *d, struct queue_flight *f)
{
	struct queue_flight **bucket;

	f->id = ++s->last_id;
	f->dest = d;
	f->way->n_coming++;
	f->next = d->flights;
	d->flights = f;
	d->n_flights++;
	s->n_flights++;
	s->flying_bytes[size_of(f->message.size)] += f->message.size;
	bucket = bucket_of(s, f->id);
	f->next_by_id = *bucket;
	*bucket = f;
}

void queue_flight_end(struct queue_sched *s, struct queue_flight *f)
{
	struct queue_flight **p = bucket_of(s, f->id);

	lock_get(&s->q->flying);
	while (*p != f)
		p = &(*p)->next_by_id;
	*p = f->next_by_id;
	lock_put(&s->q->flying);
	p = &f->dest->flights;
	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
	f->dest->n_flights--;
	f->way->n_coming--;
	s->n_flights--;
	s->flying_bytes[size_of(f->message.size)] -= f->message.size;
	s->n_old -= s->n_old > 0 && f->id <= s->rekeyed_id;
	arena_fini(&f->arena);
	mem_free(f);
}

static bool has(const struct queue_dest *d, int64_t rcpt)
{
	for (const struct queue_flight *f = d->flights; f; f = f->next)
		for (size_t i = 0; i < f->n; i++)
			if (f->rcpts[i].id == rcpt)
				return true;
	return false;
}

bool queue_flights_have(const struct queue_sched *s, int64_t rcpt)
{
	for (const struct queue_dest *d = s->first; d; d = d->next)
		if (has(d, rcpt))
			return true;
	return false;
}

/* ---- one attempt ---- */

static void free_flight(struct queue_flight *f)
{
	if (!f)
		return;
	arena_fini(&f->arena);
	mem_free(f);
}

/* The rows of one message that go together; none yet. NULL: the message cannot be read. */
static struct queue_flight *new_flight(struct db_tx *tx, struct str qid, int *ret_rc)
{
	struct queue_flight *f = MEM_NEW(struct queue_flight);

	arena_init(&f->arena, SCHED_FLIGHT_ARENA);
	*ret_rc = queue_message_get(tx, &f->arena, qid, &f->message);
	if (*ret_rc == 0)
		return f;
	free_flight(f);
	return NULL;
}

static int add_row(struct queue_flight *f, struct db_query *q)
{
	int rc = arena_grow(&f->arena, &f->rcpts, f->n, &f->cap, sizeof(*f->rcpts));

	if (rc == 0)
		rc = queue_row_rcpt(q, &f->arena, &f->rcpts[f->n]);
	f->n += rc == 0;
	return rc;
}

/* Our own trouble: it counts as an attempt, so that it does not come again at once. */
static void fail_here(struct queue_sched *s, struct queue_flight *f, int rc)
{
	struct queue_verdict verdicts[QUEUE_ATTEMPT_RCPTS];
	const struct queue_settlement settled = {
		.message = &f->message, .verdicts = verdicts, .n = f->n, .destination = str_z(f->dest->name), .now_s = s->now_s };

	LOG(ERROR, "queue.attempt", F_STR("qid", f->message.qid), F_Z("fault", "the message cannot be handed over"),
	    F_Z("err", err_row(rc)->name));
	for (size_t i = 0; i < f->n; i++)
		verdicts[i] = (struct queue_verdict){ .row = &f->rcpts[i], .outcome = QUEUE_DEFERRED,
						      .reply = { 0, S("4.3.0"), S("trouble of this server with the message") } };
	if (queue_settle(s->q, &settled, 1) < 0)
		f->way->not_before_s = s->now_s + TROUBLE_S; /* the database does not take it either */
	queue_flight_end(s, f);
}

bool queue_is_root_signed(const struct queue_sched *s)
{
	return s->now_s - s->root_signed_s < ROOT_SIGNED_S;
}

/*
 * All mail may have one way out, and some of it be for somebody here: those that are not as the first of the attempt, here or elsewhere, are not in
 * it, and stay due.
 */
static int part(struct queue_sched *s, struct queue_flight *f, const struct queue_hop *first)
{
	bool is_here = queue_is_local(s->q, first, f->rcpts[0].address), is_in[QUEUE_ATTEMPT_RCPTS] = { true };
	size_t n = 0;

	if (first->host.n == 0) /* they have one domain */
		return 0;
	for (size_t i = 1; i < f->n; i++) {
		AUTO(arena_fini) struct arena a = { .cap = WAY_ARENA };
		struct queue_hop hop;
		int rc = queue_hop_find(s->conf, &a, f->message.reverse_path, f->rcpts[i].address, &hop);

		if (rc < 0)
			return rc;
		is_in[i] = queue_is_local(s->q, &hop, f->rcpts[i].address) == is_here;
	}
	lock_get(&s->q->flying);
	for (size_t i = 0; i < f->n; i++)
		if (is_in[i])
			f->rcpts[n++] = f->rcpts[i];
	f->dest->is_exhausted &= n == f->n;
	f->n = n;
	lock_put(&s->q->flying);
	return 0;
}

/* 0: the sender has it; 1: it is settled; negative. */
static int hand_over(struct queue_sched *s, struct queue_flight *f)
{
	AUTO(mem_auto_free) char *body = NULL;
	AUTO(arena_fini) struct arena parsed = { .cap = PARSED_ARENA };
	struct queue_attempt_rcpt rcpts[QUEUE_ATTEMPT_RCPTS];
	struct queue_attempt a = {
		.id = f->id, .n_lost = s->n_lost, .qid = f->message.qid, .reverse_path = f->message.reverse_path, .envid = f->message.envid,
		.dsn_ret = f->message.dsn_ret, .flags = f->message.flags,
		.wish = { .by_s = f->message.age.by_s, .by_returns = f->message.age.by_returns, .by_traces = f->message.by_traces,
			  .priority = f->message.priority, .has_priority = f->message.has_priority },
		.is_root_signed = queue_is_root_signed(s),
		.max_sessions = f->way->window, .has_fallback = f->has_fallback, .rcpts = rcpts,
	};
	struct str bytes = { 0 };
	int rc = (f->way == f->dest ? queue_hop_find : queue_hop_fallback)(s->conf, &f->arena, a.reverse_path, f->rcpts[0].address, &a.hop);

	if (rc == 0)
		rc = part(s, f, &a.hop);
	a.hop.destination = str_z(f->way->name); /* as it was when the message came, even if the routes have changed */
	a.n_rcpts = f->n;
	for (size_t i = 0; i < f->n; i++)
		rcpts[i] = (struct queue_attempt_rcpt){ f->rcpts[i].address, f->rcpts[i].orcpt, f->rcpts[i].notify };
	if (rc == 0 && a.hop.host.n == 0)
		rc = queue_policy_get(s->q, &f->arena, a.hop.domain, &a.sts);
	if (rc == 0)
		rc = queue_body_read(s->q, f->message.content, &body, &bytes);
	if (rc < 0)
		return rc;
	if (queue_is_local(s->q, &a.hop, rcpts[0].address)) {
		rc = queue_deliver_here(s, f, &parsed, bytes);
		return rc < 0 ? rc : 1;
	}
	if (!s->set->is_sending)
		return -E_CANNOT;
	a.message = queue_body_outgoing(bytes);
	return queue_attempt_send(s->fd, &a);
}

/* False: no more can be handed over now. */
static bool start(struct queue_sched *s, struct queue_flight *f)
{
	int rc = hand_over(s, f);

	if (rc == 0)
		return true;
	if (rc == 1) {
		f->dest->has_worked = true;
		queue_flight_end(s, f);
		return true;
	}
	if (rc == -E_CANNOT) { /* [queue] send = no: it waits */
		f->way->not_before_s = s->now_s + IDLE_S;
		queue_flight_end(s, f);
		return true;
	}
	if (rc == -E_BUSY || rc == -E_CLOSED) {
		s->is_full = rc == -E_BUSY;
		s->is_cut_off = rc == -E_CLOSED;
		f->dest->is_exhausted = false;
		queue_flight_end(s, f);
		return false;
	}
	fail_here(s, f, rc);
	return true;
}

/* ---- as many as there is room for ---- */

/* So many at once that a session has its next while what came of the last is written down. */
static size_t room(const struct queue_sched *s, const struct queue_dest *d, size_t most)
{
	size_t allowed = d->window == 1 && !d->has_worked ? 1 : 2 * (size_t)d->window;
	size_t max = 2 * (size_t)s->set->max_sessions;
	size_t left = s->n_flights < max ? max - s->n_flights : 0;

	if (allowed > most)
		allowed = most;
	if (d->not_before_s > s->now_s || d->n_coming >= allowed || is_all_taken(s))
		return 0;
	return left < allowed - d->n_coming ? left : allowed - d->n_coming;
}

bool queue_goes_round(const struct queue_sched *s, const struct queue_dest *d)
{
	return d->not_before_s > s->now_s && d->fallback != QUEUE_LEVEL_UNKNOWN && d->no_way_s <= s->now_s;
}

/* The least that a connection has by that. */
static enum queue_level level_of(enum queue_tls tls)
{
	static const enum queue_level levels[QUEUE_N_TLS] = {
		[QUEUE_TLS_MAY] = QUEUE_LEVEL_PLAIN, [QUEUE_TLS_NONE] = QUEUE_LEVEL_PLAIN, [QUEUE_TLS_ENCRYPT] = QUEUE_LEVEL_ENCRYPTED,
		[QUEUE_TLS_VERIFY] = QUEUE_LEVEL_VERIFIED, [QUEUE_TLS_IMPLICIT] = QUEUE_LEVEL_VERIFIED };

	return levels[tls];
}

/*
 * Is the fallback as well protected as what it stands in for would have to be, as the settings want it for this mail, which need not be that by which
 * the hosts were found to be down, and as the message asks (RFC 8689)? Where the settings want no TLS, nothing that is published counts (send/policy.c).
 */
static bool is_good_enough(const struct queue_dest *d, const struct queue_message_row *m, const struct queue_hop *own, const struct queue_hop *hop)
{
	bool needs_verified = (m->flags & QUEUE_REQUIRETLS) && m->reverse_path.n > 0;
	enum queue_level has = level_of(hop->tls);

	return (own->tls == QUEUE_TLS_NONE || has >= d->fallback) && has >= level_of(own->tls) && (!needs_verified || has == QUEUE_LEVEL_VERIFIED);
}

/* How one of its rows may go. 1: *ret; 0: not now; negative. */
static int find_way(struct queue_sched *s, struct db_tx *tx, struct queue_dest *d, const struct queue_message_row *m, struct str address,
		    struct queue_dest **ret)
{
	AUTO(arena_fini) struct arena a = { .cap = WAY_ARENA };
	struct queue_hop own = { 0 }, hop;
	int rc;

	*ret = d;
	if (d->not_before_s <= s->now_s)
		return 1;
	rc = queue_hop_fallback(s->conf, &a, m->reverse_path, address, &hop);
	if (rc == 0)
		rc = queue_hop_find(s->conf, &a, m->reverse_path, address, &own);
	if (rc < 0 || !is_good_enough(d, m, &own, &hop))
		return rc < 0 && rc != -E_NOT_FOUND ? rc : 0;
	rc = queue_dests_way(s, tx, hop.destination, ret);
	return rc < 0 ? rc : (*ret)->not_before_s <= s->now_s;
}

static bool has_fallback(struct queue_sched *s, const struct queue_flight *f, struct str address)
{
	AUTO(arena_fini) struct arena a;
	struct queue_hop hop;

	arena_init(&a, WAY_ARENA);
	return queue_hop_fallback(s->conf, &a, f->message.reverse_path, address, &hop) == 0;
}

/* A look at the rows of a destination. */
struct look {
	struct queue_dest *d;
	size_t n, most;            /* attempts that it may have, and that a way may */
	struct queue_flight **v;   /* they */
	size_t found;
	bool has_skipped;          /* a row that has an attempt elsewhere, or no message */
	size_t n_wayless;          /* rows that cannot go anywhere now */
	size_t n_waiting;          /* messages that are too much now: when one has ended all are looked at again */
	struct queue_flight *waiting; /* the last of them, without rows */
	size_t n_waiting_rows;
	int64_t again_s;           /* when the first of them perhaps can */
};

static void note_wayless(struct queue_sched *s, struct look *l, const struct queue_dest *way)
{
	int64_t again_s = way != l->d ? way->not_before_s : s->now_s + SKIPPED_S;

	if (l->n_wayless++ == 0 || again_s < l->again_s)
		l->again_s = again_s;
}

/* For the row that the query is at. 1: *ret; 0: it cannot go now; -E_BUSY: its way has no room; other negative. */
static int open_flight(struct queue_sched *s, struct db_tx *tx, struct look *l, struct db_query *q, struct queue_flight **ret)
{
	struct queue_dest *way;
	struct queue_flight *f;
	int rc = 0;

	if (l->waiting && str_eq(l->waiting->message.qid, db_text(q, 1))) {
		l->n_waiting_rows++;
		return 0;
	}
	f = new_flight(tx, db_text(q, 1), &rc);
	if (!f)
		return rc;
	if (is_too_much(s, f->message.size)) {
		l->n_waiting++;
		free_flight(l->waiting);
		l->waiting = f;
		return 0;
	}
	rc = find_way(s, tx, l->d, &f->message, db_text(q, 2), &way);
	if (rc == 0)
		note_wayless(s, l, way);
	if (rc > 0 && way != l->d && room(s, way, l->most) == 0)
		rc = -E_BUSY;
	if (rc <= 0) {
		free_flight(f);
		return rc;
	}
	f->way = way;
	f->has_fallback = way == l->d && has_fallback(s, f, db_text(q, 2));
	add(s, l->d, f);
	*ret = l->v[l->found++] = f;
	return 1;
}

/* May the row that the query is at go along? */
static bool goes_along(struct queue_sched *s, struct db_tx *tx, struct queue_flight *f, struct db_query *q)
{
	struct queue_dest *way;

	if (!f || f->n == QUEUE_ATTEMPT_RCPTS || !str_eq(f->message.qid, db_text(q, 1)))
		return false;
	return f->way == f->dest || (find_way(s, tx, f->dest, &f->message, db_text(q, 2), &way) > 0 && way == f->way);
}

/* What is due at l->d, under the lock. 0 or negative. */
static int gather_rows(struct queue_sched *s, struct look *l)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct queue_flight *f = NULL;
	int rc = db_read_begin(store_db(s->q->store), &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(RECIPIENTS_DUE), DB_T(str_z(l->d->name)), DB_I(s->now_s), DB_I(ROWS_MAX));
	while (l->n_wayless < WAYLESS_MAX && l->n_waiting < WAITING_MAX && l->n_waiting_rows < WAITING_ROWS_MAX && (rc = db_step(&q)) > 0) {
		if (has(l->d, db_int(&q, 0)))
			continue;
		if (s->n_old > 0 && queue_flights_have(s, db_int(&q, 0))) {
			l->has_skipped = true;
			continue;
		}
		if (!goes_along(s, tx, f, &q)) {
			if (l->found == l->n)
				return 0;
			rc = open_flight(s, tx, l, &q, &f);
			l->has_skipped |= rc == -E_NOT_FOUND;
			if (rc == 0 || rc == -E_NOT_FOUND)
				continue; /* none, or half a message: fsck says so */
			if (rc < 0)
				return rc == -E_BUSY ? 0 : rc;
		}
		must(f != NULL);
		rc = add_row(f, &q);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	l->d->is_exhausted = l->n_waiting == 0;
	return 0;
}

/* All that it has waits for memory, and others for its place. */
static bool gives_place(const struct queue_sched *s, const struct look *l)
{
	const struct queue_dest *d = l->d;

	return l->n_waiting > 0 && d->n_flights == 0 && s->has_unseen && d->fallback == QUEUE_LEVEL_UNKNOWN && !d->is_fallback;
}

/* What stays due though it has no attempt is not looked at again and again. */
static void leave_alone(struct queue_sched *s, const struct look *l)
{
	struct queue_dest *d = l->d;

	if (gives_place(s, l)) {
		d->is_exhausted = true;
		d->not_before_s = s->now_s + WAITING_S;
	}
	if (!d->is_exhausted)
		return;
	if (l->n_wayless > 0 && l->found == 0)
		d->no_way_s = l->again_s;
	if (!l->has_skipped || d->n_flights > 0)
		return;
	if (d->not_before_s > s->now_s)
		d->no_way_s = s->now_s + SKIPPED_S;
	else
		d->not_before_s = s->now_s + SKIPPED_S;
}

/* The number of attempts or negative. */
static int gather(struct queue_sched *s, struct look *l)
{
	int rc;

	lock_get(&s->q->flying);
	rc = gather_rows(s, l);
	lock_put(&s->q->flying);
	free_flight(l->waiting);
	if (rc == 0)
		leave_alone(s, l);
	for (size_t i = 0; i < l->found && rc < 0; i++)
		queue_flight_end(s, l->v[i]);
	return rc < 0 ? rc : (int)l->found;
}

static int start_some(struct queue_sched *s, struct queue_dest *d, size_t n, size_t most)
{
	struct queue_flight *v[64];
	struct look l = { .d = d, .n = n < ARRAY_LEN(v) ? n : ARRAY_LEN(v), .most = most, .v = v };
	int found = gather(s, &l);

	for (int i = 0; i < found; i++) {
		if (!s->is_full && !s->is_cut_off && v[i]->way->not_before_s <= s->now_s) {
			(void)start(s, v[i]);
			continue;
		}
		d->is_exhausted = false;
		queue_flight_end(s, v[i]);
	}
	return found < 0 ? found : 0;
}

/* So that none has more than most. */
static int start_up_to(struct queue_sched *s, size_t most)
{
	int rc = 0;

	for (struct queue_dest *d = s->first; d && rc == 0 && !s->is_full && !s->is_cut_off; d = d->next) {
		size_t n = d->is_exhausted ? 0 : queue_goes_round(s, d) ? SIZE_MAX : room(s, d, most);

		if (n > 0)
			rc = start_some(s, d, n, most);
	}
	return rc;
}

/* A place that becomes free is for those first that have less than their share; what they do not want is for all. */
int queue_flights_start(struct queue_sched *s)
{
	size_t share = s->n_dests > 0 ? 2 * (size_t)s->set->max_sessions / s->n_dests : 0;
	int rc = start_up_to(s, share > 0 ? share : 1);

	return rc == 0 ? start_up_to(s, SIZE_MAX) : rc;
}
