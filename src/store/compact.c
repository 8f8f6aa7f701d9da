/* SPDX-License-Identifier: MIT */
/*
 * Space in packs comes back: a pack whose dead share is large is emptied by copying what is alive,
 * and removed; one without anything alive is just removed.
 *
 * The table packs has a row for each pack that is not busy any more: its size, and how much of
 * it rows of contents name. It is counted once, when the pack is first seen at rest; from then on
 * live bytes only leave it, by housekeep.c and by move_tx() below, each in the transaction of the
 * rows. So what is worth compacting is known without looking at packs or contents.
 *
 * States of a pack, who moves it on, and what a crash leaves (copies: head of db/pack_keep.c):
 *  1. busy: bodies come to it. No row in packs. After a crash it is at rest, 2.
 *  2. at rest without a row: enter_packs() counts it. After a crash: again.
 *  3. in packs. Its share of dead bytes grows.
 *  4. chosen: its bodies are copied a slice at a time, each slice synced, then its rows switched
 *     in one transaction where they still name the old place (move_tx, lazy). A crash leaves
 *     copies that no row names, in a pack of state 2, and the rest of this one in 3.
 *  5. nothing names it: drop() sees that in a durable transaction, which also makes the switches of
 *     4 final and removes the row in packs. After a crash: 2, with nothing alive.
 *  6. unlinked.
 *
 * A body that cannot be copied (unreadable, wrong checksum) stays where it is, and its pack with
 * it, marked damaged so that it is not tried again and again.
 *
 * Readers: a ref that was read from a row before the switch may name a pack that is gone. They
 * read the row once more (store_content_read). So no pack has to wait for its slowest reader.
 */
#include <inttypes.h>
#include <stdio.h>

#include "store/keep_int.h"

#define ENTER_SLICE 32
#define MOVE_ROWS 256
#define MOVE_BYTES (2 << 20)   /* of a slice: one sync and one transaction */
#define CHOICE_MAX 1000        /* packs of one pass */
#define OPEN_SHARE 16          /* a pack that still grows is ended when 1/16 of a full one is dead */
#define STEP_PAUSE_MS 5

/* ---- counting ---- */

static int count_live(struct db_tx *tx, int64_t pack, int64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(PACK_COUNT), DB_I(pack));
	rc = db_step(&q);
	if (rc > 0)
		*ret = db_int(&q, 0) * BLOB_RECORD_EXTRA + db_int(&q, 1);
	return rc > 0 ? 0 : rc < 0 ? rc : -E_IO;
}

struct pack {
	int64_t number, size, live;
};

static int measure_live(struct store *s, struct pack *p)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	int rc = db_read_begin(s->db, &tx);

	return rc < 0 ? rc : count_live(tx, p->number, &p->live);
}

/* Size and live bytes of one that may still grow: live is never too small. */
static int measure(struct store *s, struct pack *p)
{
	int rc = blob_pack_bytes(s->db, p->number, &p->size);

	return rc < 0 ? rc : measure_live(s, p);
}

/* Of one at rest: what a row may say of it. */
static int measure_final(struct store *s, struct pack *p)
{
	int rc = blob_pack_final_bytes(s->db, p->number, &p->size);

	return rc < 0 ? rc : measure_live(s, p);
}

/* Those that have a row, ascending; *ret is the caller's. */
static int read_known(struct store *s, int64_t **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	size_t n = 0, cap = 0;
	int64_t *v = NULL;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	db_query(tx, &q, SQL(PACK_LIST), NULL, 0);
	while ((rc = db_step(&q)) > 0) {
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			v = mem_resize(v, cap, sizeof(*v));
		}
		v[n++] = db_int(&q, 0);
	}
	*ret = v;
	*ret_n = n;
	return rc;
}

/* ---- packs that came to rest ---- */

struct entering {
	struct pack v[ENTER_SLICE];
	size_t n;
};

static int enter_tx(struct db_tx *tx, void *arg)
{
	const struct entering *e = arg;
	int rc = 0;

	for (size_t i = 0; i < e->n && rc == 0; i++)
		rc = DB_EXEC(tx, SQL(PACK_ADD), DB_I(e->v[i].number), DB_I(e->v[i].size),
			     DB_I(e->v[i].live));
	return rc;
}

static int enter_slice(struct keep *k, struct entering *e)
{
	int rc = 0;

	for (size_t i = 0; i < e->n && rc == 0; i++)
		rc = measure_final(k->s, &e->v[i]);
	if (rc == 0)
		rc = db_write(k->s->db,
			      &(struct db_write_job){
				      .fn = enter_tx, .arg = e, .durability = DB_LAZY });
	e->n = 0;
	store_keep_pause(k, STEP_PAUSE_MS);
	return rc;
}

/* Nobody but us changes what rows name in a pack at rest: counted now is counted for good. */
static int enter_packs(struct keep *k)
{
	AUTO(mem_auto_free) struct blob_pack *packs = NULL;
	AUTO(mem_auto_free) int64_t *known = NULL;
	struct entering e = { .n = 0 };
	size_t n, n_known = 0, at = 0;
	int rc = blob_packs(k->s->db, &packs, &n);

	if (rc == 0)
		rc = read_known(k->s, &known, &n_known);
	for (size_t i = 0; rc == 0 && i < n && !k->is_over; i++) {
		while (at < n_known && known[at] < packs[i].number)
			at++;
		if (packs[i].is_busy || (at < n_known && known[at] == packs[i].number))
			continue;
		e.v[e.n++].number = packs[i].number;
		if (e.n == ENTER_SLICE)
			rc = enter_slice(k, &e);
	}
	return rc == 0 && e.n ? enter_slice(k, &e) : rc;
}

static bool is_worth_it(const struct keep *k, const struct pack *p)
{
	int64_t dead = p->size - p->live;
	int64_t least = k->job->is_asked ? 1 : blob_pack_limit(k->s->db) / OPEN_SHARE;

	return dead >= least && dead * 100 >= p->size * atomic_load(&k->s->compact_percent);
}

/* Packs that still grow are ended when much of them is dead already. */
static int finish_packs(struct keep *k)
{
	AUTO(mem_auto_free) struct blob_pack *packs = NULL;
	size_t n;
	int rc = blob_packs(k->s->db, &packs, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct pack p = { .number = packs[i].number };

		if (!packs[i].is_busy)
			continue;
		rc = measure(k->s, &p);
		if (rc == -E_NOT_FOUND) /* it was given up meanwhile */
			rc = 0;
		if (rc < 0 || !is_worth_it(k, &p))
			continue;
		blob_copy_end(k->s->db, p.number);
		blob_pack_finish(k->s->db, p.number);
	}
	return rc;
}

/* ---- emptying ---- */

struct body {
	int64_t content;
	struct blob_ref from, to;
	bool is_copied;
};

struct move {
	int64_t pack, after; /* position in it */
	struct body v[MOVE_ROWS];
	size_t n;
	int64_t bytes; /* copied in this slice */
	int64_t n_damaged;
	int64_t switched; /* by move_tx */
};

static int read_bodies(struct store *s, struct move *m)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(s->db, &tx);

	m->n = 0;
	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(PACK_BODIES), DB_I(m->pack), DB_I(m->after), DB_I(MOVE_ROWS));
	while ((rc = db_step(&q)) > 0 && m->n < MOVE_ROWS)
		m->v[m->n++] = (struct body){
			.content = db_int(&q, 0),
			.from = { m->pack, db_int(&q, 1), db_int(&q, 2) },
		};
	return rc < 0 ? rc : 0;
}

static void report(struct keep *k, struct move *m, const struct body *b, int rc)
{
	char text[200];

	m->n_damaged++;
	k->kept.damaged++;
	snprintf(text, sizeof(text),
		 "content %" PRId64 ": its record in pack %" PRId64 " at %" PRId64
		 " is %s and stays there; martlet fsck tells whose it is",
		 b->content, b->from.pack, b->from.offset,
		 rc == -E_NOT_FOUND ? "missing" : "damaged");
	if (k->job->damaged)
		k->job->damaged(k->job->ctx, text);
}

/* Copies what fits into a slice; the rest of v is left for the next. */
static int copy_bodies(struct keep *k, struct move *m)
{
	size_t i = 0;
	int rc = 0;

	m->bytes = 0;
	for (; i < m->n && m->bytes < MOVE_BYTES; i++) {
		struct body *b = &m->v[i];
		bool is_damaged;

		rc = blob_copy(k->s->db, &b->from, &b->to, &is_damaged);
		b->is_copied = rc == 0;
		if (rc < 0 && !is_damaged)
			break;
		if (rc < 0)
			report(k, m, b, rc);
		else
			m->bytes += b->from.length + BLOB_RECORD_EXTRA;
		m->after = b->from.offset;
		rc = 0;
	}
	m->n = i;
	return rc;
}

/* Where a row is gone or names another place, the copy is dead space. */
static int move_tx(struct db_tx *tx, void *arg)
{
	struct move *m = arg;
	int rc = 0;

	m->switched = 0;
	for (size_t i = 0; i < m->n && rc == 0; i++) {
		const struct body *b = &m->v[i];
		const struct db_val args[] = { DB_I(b->content),     DB_I(b->from.pack),
					       DB_I(b->from.offset), DB_I(b->from.length),
					       DB_I(b->to.pack),     DB_I(b->to.offset) };
		int64_t changed = 0;

		if (!b->is_copied)
			continue;
		rc = db_exec(tx, SQL(CONTENT_MOVE), args, ARRAY_LEN(args), &changed);
		if (changed)
			m->switched += b->from.length + BLOB_RECORD_EXTRA;
	}
	return rc < 0 ? rc : DB_EXEC(tx, SQL(PACK_SHRINK), DB_I(m->pack), DB_I(m->switched));
}

/* 1: there is more; 0: all of the pack has been looked at. */
static int move_slice(struct keep *k, struct move *m)
{
	int64_t rate = atomic_load(&k->s->compact_rate_bytes);
	int copied, rc = read_bodies(k->s, m);

	if (rc < 0 || m->n == 0)
		return rc;
	copied = copy_bodies(k, m); /* what was copied before a failure is good */
	if (m->bytes)
		rc = blob_copy_sync(k->s->db);
	if (rc == 0 && m->bytes)
		rc = db_write(k->s->db,
			      &(struct db_write_job){
				      .fn = move_tx, .arg = m, .durability = DB_LAZY });
	if (rc < 0 || copied < 0)
		return rc < 0 ? rc : copied;
	for (size_t i = 0; i < m->n; i++)
		k->kept.moved += m->v[i].is_copied;
	k->kept.moved_bytes += m->bytes;
	store_keep_pause(k, rate ? m->bytes * 1000 / rate : STEP_PAUSE_MS);
	return 1;
}

/* ---- removing ---- */

struct drop {
	int64_t pack;
	bool is_free;
};

static int drop_tx(struct db_tx *tx, void *arg)
{
	struct drop *d = arg;
	const struct db_val args[] = { DB_I(d->pack) };
	struct db_query q;
	int64_t changed = 0;
	int rc;

	db_query(tx, &q, SQL(PACK_NAMED), args, ARRAY_LEN(args));
	rc = db_step(&q);
	db_done(&q);
	if (rc == 0)
		rc = db_exec(tx, SQL(PACK_REMOVE), args, ARRAY_LEN(args), &changed);
	/* A transaction that changes nothing syncs nothing, and nothing may rest on it. */
	d->is_free = rc == 0 && changed > 0;
	return rc < 0 ? rc : 0;
}

static int drop(struct keep *k, int64_t pack)
{
	struct drop d = { .pack = pack };
	int64_t size = 0;
	int rc;

	if (!blob_pack_may_drop(k->s->db, pack))
		return 0;
	rc = blob_pack_bytes(k->s->db, pack, &size);
	if (rc < 0 && rc != -E_NOT_FOUND)
		return rc;
	rc = db_write(k->s->db,
		      &(struct db_write_job){
			      .fn = drop_tx, .arg = &d, .durability = DB_DURABLE });
	if (rc < 0 || !d.is_free)
		return rc;
	rc = blob_pack_drop(k->s->db, pack);
	if (rc == 0) {
		k->kept.packs++;
		k->kept.freed_bytes += size;
	}
	return rc == -E_BUSY || rc == -E_NOT_FOUND ? 0 : rc;
}

static int mark_tx(struct db_tx *tx, void *arg)
{
	const struct move *m = arg;

	return DB_EXEC(tx, SQL(PACK_DAMAGED), DB_I(m->pack), DB_I(m->n_damaged));
}

/* Empties the pack and removes it. */
static int compact(struct keep *k, int64_t pack)
{
	AUTO(mem_auto_free) struct move *m = MEM_NEW(struct move);
	int rc;

	m->pack = pack;
	m->after = -1;
	while ((rc = move_slice(k, m)) > 0)
		if (k->is_over)
			return 0;
	if (rc < 0)
		return rc;
	if (m->n_damaged == 0)
		return drop(k, pack);
	return db_write(k->s->db, &(struct db_write_job){
					  .fn = mark_tx, .arg = m, .durability = DB_LAZY });
}

/* ---- choosing ---- */

/* Those with the least to copy first: that gives the most space for the least room. */
static int choose(struct store *s, struct pack *v, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	size_t n = 0;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(PACK_CHOOSE), DB_I(atomic_load(&s->compact_percent)),
		 DB_I(CHOICE_MAX));
	for (; (rc = db_step(&q)) > 0 && n < CHOICE_MAX; n++)
		v[n] = (struct pack){ .number = db_int(&q, 0), .live = db_int(&q, 1) };
	*ret_n = n;
	return rc < 0 ? rc : 0;
}

static int drop_last(struct keep *k, const struct pack *v, size_t n)
{
	const struct pack *last = &v[0];
	int64_t size;

	for (size_t i = 1; i < n; i++)
		if (v[i].number > last->number)
			last = &v[i];
	if (last->live || blob_pack_bytes(k->s->db, last->number, &size) < 0)
		return 0;
	return drop(k, last->number);
}

int store_keep_packs(struct keep *k)
{
	AUTO(mem_auto_free) struct pack *v = NULL;
	size_t n = 0;
	int rc = finish_packs(k);

	if (rc == 0)
		rc = enter_packs(k);
	/* While somebody copies all packs none can be removed, and moving gains nothing. */
	if (rc < 0 || k->is_over || blob_packs_held(k->s->db))
		return rc;
	v = mem_alloc(CHOICE_MAX, sizeof(*v));
	rc = choose(k->s, v, &n);
	for (size_t i = 0; rc == 0 && i < n && !k->is_over; i++) {
		/* The rest needs even more room. */
		if (v[i].live && !db_has_reserve(k->s->db, v[i].live))
			rc = -E_DISK_FULL;
		else
			rc = v[i].live ? compact(k, v[i].number) : drop(k, v[i].number);
		store_keep_pause(k, STEP_PAUSE_MS);
	}
	/* The highest pack of all may go now, when copies have made a higher one. */
	if (rc == 0 && n && k->kept.moved && !k->is_over)
		rc = drop_last(k, v, n);
	return rc;
}

/* ---- how much there is ---- */

static int read_space(struct store *s, struct store_space *ret)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	db_query(tx, &q, SQL(SPACE), NULL, 0);
	rc = db_step(&q);
	if (rc > 0)
		*ret = (struct store_space){ .packs = db_int(&q, 0),
					     .bytes = db_int(&q, 1),
					     .dead_bytes = db_int(&q, 2),
					     .waiting = db_int(&q, 3) };
	return rc > 0 ? 0 : rc < 0 ? rc : -E_IO;
}

/* Those without a row are counted on the spot: what is written to, and what came to rest since. */
int store_space(struct store *s, struct store_space *ret)
{
	AUTO(mem_auto_free) struct blob_pack *packs = NULL;
	AUTO(mem_auto_free) int64_t *known = NULL;
	struct store_space space = { 0 };
	size_t n, n_known = 0, at = 0;
	int rc = blob_packs(s->db, &packs, &n);

	if (rc == 0)
		rc = read_known(s, &known, &n_known);
	if (rc == 0)
		rc = read_space(s, &space);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct pack p = { .number = packs[i].number };

		while (at < n_known && known[at] < p.number)
			at++;
		if (at < n_known && known[at] == p.number)
			continue;
		rc = measure(s, &p);
		if (rc == -E_NOT_FOUND)
			rc = 0;
		space.packs++;
		space.bytes += p.size;
		space.dead_bytes += p.size > p.live ? p.size - p.live : 0;
	}
	if (rc == 0)
		*ret = space;
	return rc;
}
