/* SPDX-License-Identifier: MIT */
/*
 * Keys of destinations are made when a message comes, by the routes of then. When routes change, all that waits gets its key anew. The
 * note "routes" says by which the keys were made; 0, as in a new database, by none.
 *
 *  1. the note differs, or a row has no key (an older program wrote it): the schedule walks all rows, some at a time.
 *  2. each step is a transaction; a crash begins again, and finds less to do.
 *  3. after the last step the note is written.
 *
 * A destination that nothing waits for any more goes when it is looked at next.
 */
#include "queue/schedule_int.h"

#include "base/log.h"
#include "queue/route.h"

#define STEP 500
#define STEP_ARENA (8u << 20)

struct step {
	struct queue_sched *s;
	int64_t after;     /* the last row looked at */
	int64_t routes;
	size_t n_rows, n_changed;
};

static uint64_t mix(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return (h ^ 0xff) * 1099511628211u;
}

static uint64_t mix_list(uint64_t h, const struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		h = mix(h, str_z(list->v[i]));
	return mix(h, S(";"));
}

/* What keys depend on, as a number that is not 0. */
static int64_t routes_of(const struct conf *c)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; c && i < conf_count(c, &queue_route_table); i++) {
		const char *name;
		const struct queue_route_conf *r = conf_get_nth(c, &queue_route_table, i, &name);

		h = mix(mix_list(mix_list(h, &r->domains), &r->senders), str_z(r->host));
		h = mix(h, str_z(r->user));
		h = (h ^ (uint64_t)r->port ^ (uint64_t)r->protocol << 32 ^ (uint64_t)r->is_only_fallback << 33 ^ (uint64_t)r->tls << 34) * 1099511628211u;
	}
	/* Of address literals; "may" leaves the number as it is. */
	h ^= (uint64_t)queue_conf_of(c)->tls << 40;
	return (int64_t)(h >> 1) + 1;
}

static int is_needed(struct queue_sched *s, int64_t routes)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query any = { 0 }, note = { 0 }, bare = { 0 };
	int rc = db_read_begin(store_db(s->q->store), &tx);

	if (rc < 0)
		return rc;
	db_query(tx, &any, SQL(RECIPIENT_ANY), NULL, 0);
	rc = db_step(&any);
	if (rc <= 0)
		return rc;
	DB_QUERY(tx, &note, SQL(NOTE_GET), DB_T(S("routes")));
	rc = db_step(&note);
	if (rc < 0 || rc == 0 || db_int(&note, 0) != routes)
		return rc < 0 ? rc : 1;
	DB_QUERY(tx, &bare, SQL(RECIPIENT_WITHOUT_KEY), DB_I(0));
	return db_step(&bare);
}

struct change {
	int64_t id, next_attempt;
	struct str key;
};

static int change(struct db_tx *tx, const struct change *c)
{
	int rc = DB_EXEC(tx, SQL(RECIPIENT_KEY), DB_I(c->id), DB_T(c->key));

	return rc < 0 ? rc : DB_EXEC(tx, SQL(DESTINATION_ADD), DB_T(c->key), DB_I(c->next_attempt));
}

static int find_changes(struct db_tx *tx, struct step *p, struct arena *a, struct change changes[STEP])
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(RECIPIENTS_AFTER), DB_I(p->after), DB_I(STEP));
	while ((rc = db_step(&q)) > 0) {
		struct change *c = &changes[p->n_changed];
		struct queue_hop hop;

		p->n_rows++;
		p->after = db_int(&q, 0);
		rc = queue_hop_find(p->s->conf, a, db_text(&q, 4), db_text(&q, 1), &hop);
		if (rc < 0)
			return rc;
		if (str_eq(hop.destination, db_text(&q, 2)))
			continue;
		*c = (struct change){ db_int(&q, 0), db_int(&q, 3), arena_str(a, hop.destination) };
		if (!c->key.p)
			return -E_LIMIT;
		p->n_changed++;
	}
	return rc;
}

static int step_tx(struct db_tx *tx, void *arg)
{
	AUTO(arena_fini) struct arena a;
	struct step *p = arg;
	struct change *changes;
	int rc;

	arena_init(&a, STEP_ARENA);
	p->n_rows = p->n_changed = 0;
	changes = ARENA_ARRAY(&a, struct change, STEP);
	if (!changes)
		return -E_LIMIT;
	rc = find_changes(tx, p, &a, changes);
	for (size_t i = 0; i < p->n_changed && rc == 0; i++)
		rc = change(tx, &changes[i]);
	if (rc == 0 && p->n_rows < STEP)
		rc = DB_EXEC(tx, SQL(NOTE_PUT), DB_T(S("routes")), DB_I(p->routes));
	return rc;
}

int queue_rekey(struct queue_sched *s)
{
	struct step p = { .s = s, .routes = routes_of(s->conf), .n_rows = STEP };
	size_t n_changed = 0;
	int rc = is_needed(s, p.routes);

	while (rc > 0 && p.n_rows == STEP && !s->is_stopping) {
		rc = db_write(store_db(s->q->store), &(struct db_write_job){ .fn = step_tx, .arg = &p, .durability = DB_LAZY });
		n_changed += p.n_changed;
		rc = rc < 0 ? rc : 1;
	}
	if (n_changed > 0) {
		s->rekeyed_id = s->last_id;
		s->n_old = s->n_flights;
	}
	if (n_changed > 0)
		LOG(INFO, "queue.routes", F_INT("recipients", n_changed), F_Z("note", "they go another way than before"));
	s->wants_scan |= n_changed > 0;
	return rc < 0 ? rc : 0;
}
