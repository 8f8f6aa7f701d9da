/* SPDX-License-Identifier: MIT */
/*
 * The pool of reading connections: opened when needed, at most READERS_MAX, given back last in
 * first out, closed when nobody used them for READERS_IDLE_MS. A thread holds one at most, so a
 * waiter always waits for somebody who goes on. A connection with its statements takes 200 KB and
 * most reads take microseconds: so beyond READERS_AT_ONCE one is opened only when none came free
 * in READERS_PATIENCE_MS. One that cannot be opened (no descriptors) is done without, as long as there
 * is another.
 */
#include "db/db_int.h"

#include "base/clock.h"
#include "base/must.h"

#define READERS_MAX 8
#define READERS_IDLE_MS 10000
#define READERS_AT_ONCE 2
#define READERS_PATIENCE_MS 5

struct db_readers {
	struct lock lock;
	struct lock_cond freed;
	struct db_tx *idle; /* the one used last is first */
	unsigned n_open;
	unsigned n_waiting;
};

static _Thread_local bool is_reading;

struct db_readers *db_readers_new(void)
{
	struct db_readers *r = MEM_NEW(struct db_readers);

	lock_init(&r->lock);
	lock_cond_init(&r->freed);
	return r;
}

static void reader_free(struct db_tx *tx)
{
	tx->db->driver->close(tx->conn);
	mem_free(tx);
}

void db_readers_free(struct db_readers **rp, struct db *db)
{
	struct db_readers *r = *rp;

	if (!r)
		return;
	while (r->idle) {
		struct db_tx *tx = r->idle;

		must(tx->db == db);
		r->idle = tx->next;
		r->n_open--;
		reader_free(tx);
	}
	must(r->n_open == 0); /* a snapshot is still open */
	lock_cond_fini(&r->freed);
	lock_fini(&r->lock);
	mem_free(r);
	*rp = NULL;
}

static bool wait_once(struct db_readers *r, int64_t until_ms)
{
	bool is_in_time;

	r->n_waiting++;
	is_in_time = lock_wait(&r->lock, &r->freed, until_ms);
	r->n_waiting--;
	return is_in_time;
}

/* Until one is idle, or until_ms (0: no end) when one more may be opened then. */
static void wait_idle(struct db_readers *r, unsigned n_enough, int64_t until_ms)
{
	bool is_in_time = true;

	while (!r->idle && r->n_open >= n_enough && is_in_time)
		is_in_time = wait_once(r, until_ms);
}

/* An idle reader, or NULL and the right to open one more. */
static struct db_tx *take(struct db_readers *r)
{
	struct db_tx *tx;

	lock_get(&r->lock);
	if (!r->idle && r->n_open >= READERS_AT_ONCE)
		wait_idle(r, READERS_AT_ONCE, clock_mono_ms() + READERS_PATIENCE_MS);
	wait_idle(r, READERS_MAX, 0);
	tx = r->idle;
	if (tx)
		r->idle = tx->next;
	else
		r->n_open++;
	lock_put(&r->lock);
	return tx;
}

static void put(struct db_readers *r, struct db_tx *tx)
{
	lock_get(&r->lock);
	tx->idle_since_ms = clock_mono_ms();
	tx->next = r->idle;
	r->idle = tx;
	if (r->n_waiting)
		lock_signal(&r->freed);
	lock_put(&r->lock);
}

/* Who could not open one gives that right back, and waits for one that is open. NULL: none is. */
static struct db_tx *take_other(struct db_readers *r)
{
	struct db_tx *tx;

	lock_get(&r->lock);
	r->n_open--;
	lock_broadcast(&r->freed);
	while (!r->idle && r->n_open > 0)
		wait_once(r, 0);
	tx = r->idle;
	if (tx)
		r->idle = tx->next;
	lock_put(&r->lock);
	return tx;
}

static int open_reader(struct db *db, struct db_tx **ret)
{
	struct db_conn *conn;
	struct fault fault;
	int rc = db->driver->open(db, false, &conn, &fault);

	if (rc < 0) {
		db_note_fault(db, rc, "cannot open a reader", fault.text);
		return rc;
	}
	*ret = MEM_NEW(struct db_tx);
	**ret = (struct db_tx){ .magic = DB_TX_MAGIC, .db = db, .conn = conn };
	db_writer_nudge(db);
	return 0;
}

/* Without descriptors for one more, those that there are will do. */
static int find(struct db *db, struct db_tx **ret)
{
	int rc;

	*ret = take(db->readers);
	rc = *ret ? 0 : open_reader(db, ret);
	if (rc < 0)
		*ret = take_other(db->readers);
	return *ret ? 0 : rc;
}

bool db_is_reading(void)
{
	return is_reading;
}

int db_read_begin(struct db *db, struct db_tx **ret)
{
	struct db_tx *tx;
	int rc;

	must(!is_reading);
	must(!db_writer_is_me(db));
	rc = find(db, &tx);
	if (rc < 0)
		return rc;
	rc = db->driver->begin(tx->conn, DB_BEGIN_READ);
	if (rc < 0) {
		put(db->readers, tx);
		return rc;
	}
	is_reading = true;
	*ret = tx;
	return 0;
}

void db_read_end(struct db_tx **txp)
{
	struct db_tx *tx = *txp;

	if (!tx)
		return;
	must(tx->magic == DB_TX_MAGIC && !tx->is_write);
	must(tx->n_open == 0);
	tx->db->driver->rollback(tx->conn); /* nothing to keep */
	is_reading = false;
	*txp = NULL;
	put(tx->db->readers, tx);
}

bool db_readers_shrink(struct db *db, int64_t now_ms)
{
	struct db_readers *r = db->readers;
	struct db_tx **at, *old;
	bool is_any;

	/* The list is sorted by time of last use: all behind the first old one are older. */
	lock_get(&r->lock);
	for (at = &r->idle; *at && now_ms - (*at)->idle_since_ms < READERS_IDLE_MS;)
		at = &(*at)->next;
	old = *at;
	*at = NULL;
	for (struct db_tx *tx = old; tx; tx = tx->next)
		r->n_open--;
	is_any = r->n_open > 0;
	lock_put(&r->lock);
	while (old) {
		struct db_tx *tx = old;

		old = tx->next;
		reader_free(tx);
	}
	return is_any;
}
