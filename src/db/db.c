/* SPDX-License-Identifier: MIT */
/*
 * The port: opening and closing, and queries on whatever driver stands behind.
 *
 * Parts of an open database: the directory with its lock (dir.c), packs (pack.c), the writer
 * thread with the one writing connection (writer.c), where bodies gather (gather.c), the pool of
 * readers (reader.c), the driver (sqlite.c). They are opened in this order and closed in the opposite one, so that the lock is
 * the last thing that goes.
 */
#include "db/db_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/must.h"

/* ---- opening and closing ---- */

/* Our own set stands first. */
static void copy_options(struct db *db, const struct db_options *o)
{
	db->o = *o;
	db->sets = mem_alloc(o->n_sql + 1, sizeof(*db->sets));
	db->sets[0] = (struct db_sql_set){ "db", db_migrate_sql, ARRAY_LEN(db_migrate_sql) };
	for (size_t i = 0; i < o->n_sql; i++)
		db->sets[i + 1] = o->sql[i];
	db->o.sql = db->sets;
	db->o.n_sql = o->n_sql + 1;
}

static int open_parts(struct db *db, const struct db_options *o, struct fault *f)
{
	struct db_conn *conn = NULL;
	int rc = db_dir_open(db, o->dir_z, f);

	if (rc == 0)
		rc = db_packs_open(db, &db->packs, f);
	if (rc == 0)
		rc = db->driver->open(db, true, &conn, f);
	if (rc < 0)
		return rc;
	rc = db_migrate_run(db, conn, f);
	if (rc < 0) {
		db->driver->close(conn);
		return rc;
	}
	/* The WAL's name: SQLite syncs it too, but does not look whether that worked. */
	if (os_file_sync_dir(db->dir_fd) < 0) {
		rc = fault_errno(f, errno, "cannot sync %s", db->dir_z);
		db->driver->close(conn);
		return rc;
	}
	db->readers = db_readers_new();
	db->writer = db_writer_new(db, conn);
	db->gathering = db_gathering_new();
	return 0;
}

int db_open(const struct db_options *o, struct db **ret, struct fault *fault)
{
	struct db *db = MEM_NEW(struct db);
	int rc;

	db->driver = &db_sqlite;
	db_keep_free(db, o->min_free_bytes);
	db->dir_fd = db->lock_fd = db->tmp_fd = -1;
	lock_init(&db->fault_lock);
	copy_options(db, o);
	rc = open_parts(db, o, fault);
	if (rc < 0) {
		db_close(&db);
		return rc;
	}
	*ret = db;
	return 0;
}

void db_close(struct db **dbp)
{
	struct db *db = *dbp;

	if (!db)
		return;
	db_writer_stop(db->writer);
	db_gathering_free(&db->gathering);
	db_readers_free(&db->readers, db);
	db_writer_free(&db->writer);
	db_packs_close(&db->packs);
	db_dir_close(db);
	lock_fini(&db->fault_lock);
	mem_free(db->sets);
	mem_free(db);
	*dbp = NULL;
}

/* ---- room ---- */

void db_keep_free(struct db *db, int64_t min_free_bytes)
{
	atomic_store(&db->min_free_bytes, min_free_bytes);
}

int db_free_bytes(struct db *db, int64_t *ret)
{
	return os_file_free_bytes(db->dir_fd, ret);
}

/* A file system that does not say how much is free says so when it is full. */
bool db_has_room(struct db *db, int64_t bytes)
{
	int64_t least = atomic_load(&db->min_free_bytes), have = 0;
	char detail[100];

	if (least == 0 || db_free_bytes(db, &have) < 0 || have - bytes >= least)
		return true;
	snprintf(detail, sizeof(detail), "%" PRId64 " bytes are free, %" PRId64 " are kept for deletions", have, least);
	db_note_fault(db, -E_DISK_FULL, "no room for more mail", detail);
	return false;
}

bool db_has_reserve(struct db *db, int64_t bytes)
{
	int64_t half = atomic_load(&db->min_free_bytes) / 2, have = 0;

	return half == 0 || db_free_bytes(db, &have) < 0 || have - bytes >= half;
}

const char *db_dir_z(const struct db *db)
{
	return db->dir_z;
}

/* ---- trouble ---- */

void db_lose(struct db *db, const char *why_z)
{
	if (!atomic_exchange(&db->is_lost, true) && db->writer && db->o.lost)
		db->o.lost(why_z);
}

void db_note_fault(struct db *db, int code, const char *what_z, const char *detail_z)
{
	lock_get(&db->fault_lock);
	fault_set(&db->fault, code, "%s: %s", what_z, detail_z);
	db->n_faults++;
	lock_put(&db->fault_lock);
	LOG(DEBUG, "db.fault", F_Z("what", what_z), F_Z("detail", detail_z),
	    F_Z("err", err_row(code)->name));
}

uint64_t db_last_fault(struct db *db, struct fault *ret)
{
	uint64_t n;

	lock_get(&db->fault_lock);
	n = db->n_faults;
	if (n && ret)
		*ret = db->fault;
	lock_put(&db->fault_lock);
	return n;
}

void db_fail_next(struct db *db, enum db_fail_point point, int nth, int err)
{
	atomic_store(&db->fail.point, DB_FAIL_NONE);
	atomic_store(&db->fail.err, err > 0 ? -err : err);
	atomic_store(&db->fail.left, nth);
	if (nth > 0 && err != 0)
		atomic_store(&db->fail.point, point);
}

/* ---- queries ---- */

const char *db_last_error_z(struct db_tx *tx)
{
	must(tx->magic == DB_TX_MAGIC);
	return tx->db->driver->error_z(tx->conn);
}

void db_query(struct db_tx *tx, struct db_query *q, const struct db_sql *sql,
	      const struct db_val *args, size_t n)
{
	must(tx->magic == DB_TX_MAGIC);
	*q = (struct db_query){ .tx = tx };
	/* The database threw it away: what is written now would be there although the job has failed. */
	if (tx->is_write && !tx->db->driver->is_in_tx(tx->conn))
		q->err = -E_IO;
	else
		q->err = tx->db->driver->stmt_start(tx->conn, sql, args, n, &q->stmt);
	if (q->stmt)
		tx->n_open++;
}

int db_step(struct db_query *q)
{
	int rc;

	if (q->err < 0)
		return q->err;
	must(q->stmt);
	rc = q->tx->db->driver->stmt_step(q->tx->conn, q->stmt);
	if (rc < 0)
		q->err = rc;
	return rc;
}

void db_done(struct db_query *q)
{
	if (!q->stmt)
		return;
	must(q->tx->magic == DB_TX_MAGIC && q->tx->n_open > 0);
	q->tx->db->driver->stmt_done(q->tx->conn, q->stmt);
	q->tx->n_open--;
	q->stmt = NULL;
}

int64_t db_int(struct db_query *q, int column)
{
	must(q->stmt);
	return q->tx->db->driver->stmt_int(q->stmt, column);
}

struct str db_text(struct db_query *q, int column)
{
	must(q->stmt);
	return q->tx->db->driver->stmt_text(q->stmt, column);
}

bool db_is_null(struct db_query *q, int column)
{
	must(q->stmt);
	return q->tx->db->driver->stmt_is_null(q->stmt, column);
}

int db_exec(struct db_tx *tx, const struct db_sql *sql, const struct db_val *args, size_t n,
	    int64_t *ret_changes)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	db_query(tx, &q, sql, args, n);
	do {
		rc = db_step(&q);
	} while (rc > 0);
	if (rc == 0 && ret_changes)
		*ret_changes = tx->db->driver->changes(tx->conn);
	return rc;
}

int db_rebuild(struct db_tx *tx, const char *table_z)
{
	char sql[100];

	must(tx->magic == DB_TX_MAGIC && tx->is_write);
	must(snprintf(sql, sizeof(sql), "REINDEX %s", table_z) < (int)sizeof(sql));
	return tx->db->driver->script(tx->conn, sql);
}

int64_t db_last_id(struct db_tx *tx)
{
	return tx->db->driver->last_id(tx->conn);
}

/* ---- checks ---- */

int db_check_sql(struct db *db, struct fault *f)
{
	struct db_tx *tx = NULL;
	int rc = db_read_begin(db, &tx);

	if (rc < 0)
		return fault_set(f, rc, "cannot read");
	for (size_t i = 0; i < db->o.n_sql && rc == 0; i++)
		for (size_t k = 0; k < db->sets[i].n && rc == 0; k++) {
			rc = db->driver->stmt_check(tx->conn, &db->sets[i].rows[k]);
			if (rc < 0)
				fault_set(f, rc, "statement %zu of %s: %s", k, db->sets[i].room,
					  db_last_error_z(tx));
		}
	db_read_end(&tx);
	return rc;
}
