/* SPDX-License-Identifier: MIT */
/*
 * Active destinations. A destination enters memory when something of it is due, and leaves when it has no attempts and nothing more that is
 * due, or is down. Its row then says when to look again.
 *
 * Those that failed last time may be as many as half of the sessions, those that nobody knows yet as many as three quarters, so that
 * hosts which take half a minute to be dead never take the places of those that live.
 */
#include "queue/schedule_int.h"

#include "base/log.h"

#define REST_BATCH 64
#define SCAN_ROWS 4000 /* looked at beyond those that are active */
#define ARENA_MAX (16u << 20)

static struct queue_dest **bucket_of(struct queue_sched *s, struct str name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619u;
	return &s->by_name[h % SCHED_BUCKETS];
}

static struct queue_dest *find(struct queue_sched *s, struct str name)
{
	struct queue_dest *d = *bucket_of(s, name);

	while (d && !str_eq(str_z(d->name), name))
		d = d->next_in_bucket;
	return d;
}

static bool is_failing(const struct queue_dest *d)
{
	return d->failures > 0 && !d->has_worked;
}

/* Mail has gone there before, or the settings name it. */
static bool is_unknown(const struct queue_dest *d)
{
	return d->failures == 0 && !d->has_worked && !d->is_known;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many more of a kind may become active. */
static size_t room(const struct queue_sched *s, bool failing, bool is_known)
{
	size_t max = (size_t)s->set->max_sessions;
	size_t share = failing ? max / 2 : is_known ? max : max - max / 4;
	size_t used = failing ? s->n_failing : is_known ? 0 : s->n_unknown;

	if (share == 0)
		share = 1;
	return s->n_dests >= max || used >= share ? 0 : least(max - s->n_dests, share - used);
}

static struct queue_dest *activate(struct queue_sched *s, struct str name, int64_t failures, bool is_known)
{
	struct queue_dest *d = MEM_NEW(struct queue_dest);
	struct queue_dest **bucket = bucket_of(s, name);

	d->name = mem_dup_z(name);
	d->failures = failures;
	d->is_known = is_known;
	d->window = 1; /* until it has shown that it is there */
	d->next_in_bucket = *bucket;
	*bucket = d;
	d->next = s->first;
	if (s->first)
		s->first->prev = d;
	s->first = d;
	s->n_dests++;
	s->n_failing += failures > 0;
	s->n_unknown += is_unknown(d);
	return d;
}

/* As its row (DESTINATION_GET, DESTINATIONS_DUE) says. */
static struct queue_dest *activate_row(struct queue_sched *s, struct db_query *q)
{
	struct queue_dest *d = activate(s, db_text(q, 0), db_int(q, 2), db_int(q, 5) != 0);

	d->not_before_s = db_int(q, 6);
	d->fallback = db_int(q, 7) < QUEUE_N_LEVELS ? (enum queue_level)db_int(q, 7) : QUEUE_LEVEL_UNKNOWN;
	return d;
}

static void leave(struct queue_sched *s, struct queue_dest *d)
{
	struct queue_dest **p = bucket_of(s, str_z(d->name));

	while (*p != d)
		p = &(*p)->next_in_bucket;
	*p = d->next_in_bucket;
	if (d->prev)
		d->prev->next = d->next;
	else
		s->first = d->next;
	if (d->next)
		d->next->prev = d->prev;
	s->n_dests--;
	s->has_room = true;
	mem_free(d->name);
	mem_free(d);
}

void queue_dests_free(struct queue_sched *s)
{
	while (s->first)
		leave(s, s->first);
}

/* Counted anew: what has failed and worked since is not failing any more. */
static void count_kinds(struct queue_sched *s)
{
	s->n_failing = s->n_unknown = 0;
	for (const struct queue_dest *d = s->first; d; d = d->next) {
		s->n_failing += is_failing(d);
		s->n_unknown += is_unknown(d);
	}
}

/* ---- what is due ---- */

static int scan_kind(struct queue_sched *s, struct db_tx *tx, bool failing)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	if (room(s, failing, true) == 0) {
		s->has_unseen = true;
		return 0;
	}
	/* Active ones come first, as they have been due for longest; known ones may stand behind many that nobody knows. */
	DB_QUERY(tx, &q, SQL(DESTINATIONS_DUE), DB_I(failing), DB_I(s->now_s), DB_I(s->n_dests + SCAN_ROWS));
	while ((rc = db_step(&q)) > 0) {
		struct queue_dest *d = find(s, db_text(&q, 0));
		bool is_known = db_int(&q, 5) != 0;

		if (d) {
			d->is_exhausted = false;
			d->no_way_s = 0;
			if (d->failures > 0 && db_int(&q, 2) == 0) { /* an administrator wants it tried */
				d->failures = d->not_before_s = 0;
				d->fallback = QUEUE_LEVEL_UNKNOWN;
			}
			continue;
		}
		if (room(s, failing, is_known) > 0)
			activate_row(s, &q);
		else
			s->has_unseen = true;
		if (room(s, failing, true) == 0) { /* there may be more */
			s->has_unseen = true;
			return 0;
		}
	}
	return rc;
}

static int find_next(struct queue_sched *s, struct db_tx *tx, bool failing)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(NEXT_DUE), DB_I(failing), DB_I(s->now_s));
	rc = db_step(&q);
	if (rc > 0 && !db_is_null(&q, 0) && db_int(&q, 0) < s->next_due_s)
		s->next_due_s = db_int(&q, 0);
	return rc < 0 ? rc : 0;
}

int queue_dests_scan(struct queue_sched *s)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(store_db(s->q->store), &tx);

	s->wants_scan = s->has_unseen = s->has_room = false;
	s->next_due_s = INT64_MAX;
	count_kinds(s);
	for (int failing = 0; failing < 2 && rc == 0; failing++) {
		rc = scan_kind(s, tx, failing);
		if (rc == 0)
			rc = find_next(s, tx, failing);
	}
	if (rc < 0)
		s->wants_scan = true;
	return rc;
}

static int refresh_tx(struct db_tx *tx, void *arg)
{
	(void)arg;
	return db_exec(tx, SQL(DESTINATIONS_FRESH), NULL, 0, NULL);
}

static int has_rows(struct queue_sched *s)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(store_db(s->q->store), &tx);

	if (rc < 0)
		return rc;
	db_query(tx, &q, SQL(DESTINATION_ANY), NULL, 0);
	return db_step(&q);
}

int queue_dests_refresh(struct queue_sched *s)
{
	int rc = has_rows(s);

	if (rc <= 0)
		return rc;
	return db_write(store_db(s->q->store), &(struct db_write_job){ .fn = refresh_tx, .durability = DB_LAZY });
}

int queue_dests_hint(struct queue_sched *s, struct str name)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct queue_dest *d = find(s, name);
	int rc;

	if (d) {
		d->is_exhausted = false;
		d->no_way_s = 0;
		return 0;
	}
	rc = db_read_begin(store_db(s->q->store), &tx);
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(DESTINATION_GET), DB_T(name));
	rc = db_step(&q);
	if (rc <= 0)
		return rc;
	if (db_int(&q, 1) > s->now_s) {
		if (db_int(&q, 1) < s->next_due_s)
			s->next_due_s = db_int(&q, 1);
	} else if (room(s, db_int(&q, 2) > 0, db_int(&q, 5) != 0) > 0) {
		activate_row(s, &q);
	} else {
		s->has_unseen = true;
	}
	return 0;
}

int queue_dests_way(struct queue_sched *s, struct db_tx *tx, struct str name, struct queue_dest **ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct queue_dest *d = find(s, name);
	int rc = 0;

	if (!d) {
		DB_QUERY(tx, &q, SQL(DESTINATION_GET), DB_T(name));
		rc = db_step(&q);
		if (rc < 0)
			return rc;
		d = rc > 0 ? activate_row(s, &q) : activate(s, name, 0, true);
	}
	d->is_fallback = true;
	*ret = d;
	return 0;
}

/* ---- and what is not ---- */

struct rest {
	struct queue_dest *dests[REST_BATCH];
	int64_t due_s[REST_BATCH]; /* out; INT64_MAX: nothing waits */
	size_t n;
	int64_t now_s;
};

/* Until when it is down: not at all when an administrator has said otherwise meanwhile (manage.c). */
static int read_not_before(struct db_tx *tx, const struct queue_dest *d, int64_t *ret_s)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(DESTINATION_GET), DB_T(str_z(d->name)));
	rc = db_step(&q);
	*ret_s = rc > 0 && d->failures > 0 && db_int(&q, 2) == 0 ? 0 : d->not_before_s;
	return rc < 0 ? rc : 0;
}

/* When it has something to do again: when its hosts may be tried, or before that its fallback. */
static int64_t due_of(const struct queue_dest *d, int64_t first_s, int64_t not_before_s)
{
	if (not_before_s > d->no_way_s && d->fallback != QUEUE_LEVEL_UNKNOWN)
		not_before_s = d->no_way_s;
	return first_s > not_before_s ? first_s : not_before_s;
}

/*
 * Nothing waits for it, and its row goes. But when it is down and others had its mail, that is remembered: the next message has not to wait
 * for its hosts first.
 */
static int rest_empty(struct db_tx *tx, const struct rest *r, const struct queue_dest *d)
{
	if (d->fallback == QUEUE_LEVEL_UNKNOWN || d->not_before_s <= r->now_s)
		return DB_EXEC(tx, SQL(DESTINATION_REMOVE), DB_T(str_z(d->name)));
	return DB_EXEC(tx, SQL(DESTINATION_DUE), DB_T(str_z(d->name)), DB_I(d->not_before_s));
}

static int rest_one(struct db_tx *tx, const struct rest *r, const struct queue_dest *d, int64_t *ret_due_s)
{
	AUTO(db_done) struct db_query q = { 0 };
	int64_t due_s, not_before_s;
	int rc;

	DB_QUERY(tx, &q, SQL(DESTINATION_FIRST), DB_T(str_z(d->name)));
	rc = db_step(&q);
	if (rc < 0)
		return rc;
	*ret_due_s = INT64_MAX;
	if (rc == 0 || db_is_null(&q, 0))
		return rest_empty(tx, r, d);
	rc = read_not_before(tx, d, &not_before_s);
	if (rc < 0)
		return rc;
	due_s = due_of(d, db_int(&q, 0), not_before_s);
	*ret_due_s = due_s;
	return DB_EXEC(tx, SQL(DESTINATION_DUE), DB_T(str_z(d->name)), DB_I(due_s));
}

static int rest_tx(struct db_tx *tx, void *arg)
{
	struct rest *r = arg;
	int rc = 0;

	for (size_t i = 0; i < r->n && rc == 0; i++)
		rc = rest_one(tx, r, r->dests[i], &r->due_s[i]);
	return rc;
}

static int rest(struct queue_sched *s, struct rest *r)
{
	int rc = db_write(store_db(s->q->store), &(struct db_write_job){ .fn = rest_tx, .arg = r, .durability = DB_LAZY });

	for (size_t i = 0; i < r->n && rc == 0; i++) {
		if (r->due_s[i] <= s->now_s)
			s->wants_scan = true; /* it came while we looked away */
		else if (r->due_s[i] < s->next_due_s)
			s->next_due_s = r->due_s[i];
		leave(s, r->dests[i]);
	}
	r->n = 0;
	return rc;
}

int queue_dests_rest(struct queue_sched *s)
{
	struct rest r = { .now_s = s->now_s };
	struct queue_dest *next;
	int rc = 0;

	for (struct queue_dest *d = s->first; d && rc == 0; d = next) {
		next = d->next;
		if (d->n_flights > 0 || d->n_coming > 0 || (!d->is_exhausted && (d->not_before_s <= s->now_s || queue_goes_round(s, d))))
			continue;
		if (d->is_fallback && d->not_before_s > s->now_s) /* there may be no row that says so */
			continue;
		r.dests[r.n++] = d;
		if (r.n == REST_BATCH)
			rc = rest(s, &r);
	}
	return rc == 0 && r.n > 0 ? rest(s, &r) : rc;
}
