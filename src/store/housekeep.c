/* SPDX-License-Identifier: MIT */
/*
 * One pass of housekeeping: contents that died long enough ago (here), expunged UIDs (prune.c),
 * packs (compact.c). Each step is a small transaction of its own, so that deliveries wait for
 * none, and a pass may end between any two of them.
 *
 * States of a content that nobody names, who moves it on, and what a crash leaves:
 *  1. its row in content_refs has refs 0 and dead_since (store_tx_content_ref, in the transaction
 *     that removed the last row that named it). Sessions that still show the message can read it.
 *  2. its rows are removed, the live bytes of its pack shrink (remove_tx, one transaction, lazy). A
 *     crash may bring it back to 1; the next pass removes it again. Who still shows the message
 *     is told that it was expunged (RFC 2180 4.1.2).
 *  3. its body is dead space: compact.c.
 */
#include "store/housekeep.h"

#include "store/keep_int.h"

#define SLICE 200
#define SLICE_PAUSE_MS 20

/* ---- one at a time ---- */

bool store_keep_enter(struct store *s)
{
	bool is_in;

	lock_get(&s->keep_lock);
	s->n_keep_waiting++;
	while (s->is_keeping && !atomic_load(&s->is_keep_stopped))
		lock_wait(&s->keep_lock, &s->keep_free, 0);
	s->n_keep_waiting--;
	is_in = !atomic_load(&s->is_keep_stopped);
	if (is_in)
		s->is_keeping = true;
	lock_put(&s->keep_lock);
	return is_in;
}

void store_keep_leave(struct store *s)
{
	lock_get(&s->keep_lock);
	s->is_keeping = false;
	lock_signal(&s->keep_free);
	lock_put(&s->keep_lock);
}

void store_keep_stop(struct store *s)
{
	lock_get(&s->keep_lock);
	atomic_store(&s->is_keep_stopped, true);
	lock_broadcast(&s->keep_free);
	lock_put(&s->keep_lock);
}

bool store_keep_pause(struct keep *k, int64_t ms)
{
	bool is_hurried;

	lock_get(&k->s->keep_lock);
	is_hurried = k->s->n_keep_waiting > 0;
	lock_put(&k->s->keep_lock);
	if (!is_hurried && ms > 0 && k->job->pause && !k->job->pause(k->job->ctx, ms))
		k->is_over = true;
	if (atomic_load(&k->s->is_keep_stopped))
		k->is_over = true;
	return !k->is_over;
}

/* ---- dead contents ---- */

struct slice {
	int64_t dead_before_s;
	int64_t n;
};

struct dead {
	int64_t content, pack, bytes;
	bool is_there; /* damage can leave references to a content that is missing */
};

static int read_dead(struct db_tx *tx, int64_t before_s, struct dead v[SLICE], int64_t *ret_n)
{
	AUTO(db_done) struct db_query q = { 0 };
	int64_t n = 0;
	int rc;

	DB_QUERY(tx, &q, SQL(KEEP_DEAD), DB_I(before_s), DB_I(SLICE));
	for (; (rc = db_step(&q)) > 0 && n < SLICE; n++)
		v[n] = (struct dead){ db_int(&q, 0), db_int(&q, 1),
				      db_int(&q, 2) + BLOB_RECORD_EXTRA, !db_is_null(&q, 1) };
	*ret_n = n;
	return rc < 0 ? rc : 0;
}

static int remove_tx(struct db_tx *tx, void *arg)
{
	struct slice *slice = arg;
	struct dead v[SLICE];
	int rc = read_dead(tx, slice->dead_before_s, v, &slice->n);

	for (int64_t i = 0; i < slice->n && rc == 0; i++) {
		rc = store_tx_content_remove(tx, v[i].content, NULL);
		if (rc == 0 && v[i].is_there)
			rc = DB_EXEC(tx, SQL(PACK_SHRINK), DB_I(v[i].pack), DB_I(v[i].bytes));
	}
	return rc;
}

static int remove_dead(struct keep *k)
{
	int64_t grace_s = atomic_load(&k->s->expunge_grace_ms) / 1000;
	struct slice slice = { .dead_before_s = store_now_s() - grace_s };
	int rc;

	do {
		rc = db_write(k->s->db,
			      &(struct db_write_job){
				      .fn = remove_tx, .arg = &slice, .durability = DB_LAZY });
		if (rc < 0)
			return rc;
		k->kept.contents += slice.n;
	} while (slice.n == SLICE && store_keep_pause(k, SLICE_PAUSE_MS));
	return 0;
}

/* ---- the pass ---- */

int store_keep_house(struct store *s, const struct store_keep_job *job, struct store_kept *ret)
{
	struct keep k = { .s = s, .job = job };
	int rc;

	*ret = k.kept;
	if (!store_keep_enter(s))
		return 0;
	rc = remove_dead(&k);
	if (rc == 0 && !k.is_over)
		rc = store_keep_prune(&k);
	if (rc == 0 && !k.is_over)
		rc = store_keep_packs(&k);
	store_keep_leave(s);
	*ret = k.kept;
	return rc;
}
