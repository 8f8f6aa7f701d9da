/* SPDX-License-Identifier: MIT */
/*
 * The database port: SQL by row id, typed values, read snapshots, and group commit. SQLite
 * stands behind it; nothing above may assume SQLite, one process, or local files (PostgreSQL is
 * the second driver to come).
 *
 * Writing: db_write() hands a function to the one writer, which gathers all that wait into a
 * batch: their bodies are appended to the pack and synced once, each function runs in its own
 * savepoint, one commit (one sync) makes all durable, and then everybody is answered. A
 * function that fails is rolled back alone.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/blob.h"

struct db;
struct db_tx; /* a write transaction inside db_write(), or a read snapshot */

/*
 * One statement; rooms hold them in a table (store/sql.c) and name them by pointer:
 * &store_sql[STORE_SQL_X].
 */
struct db_sql {
	const char *sql;
	const char *postgres; /* NULL: the same text */
};
struct db_sql_set {
	const char *room;
	const struct db_sql *rows;
	size_t n;
};

/*
 * Numbered, forward-only steps; each room has its own sequence, recorded in table
 * schema_version(room, version).
 */
struct db_migration {
	int version;     /* 1, 2, ... without gaps */
	const char *sql; /* one or more statements */
};
struct db_migration_set {
	const char *room;
	const struct db_migration *rows;
	size_t n;
};

struct db_options {
	const char *dir_z;  /* data directory; made when missing (mode 0700) */
	const struct db_sql_set *sql;
	size_t n_sql;
	const struct db_migration_set *migrations;
	size_t n_migrations;
	int64_t pack_bytes; /* a new pack begins beyond this; 0: default 64 MiB */
	int64_t min_free_bytes; /* see db_has_room(); 0: none */
	int64_t lock_wait_ms; /* so long another process may have the lock still, such as a command that ends soon; 0: -E_BUSY at once */
	/* So many changed pages (4 KiB) are worth being copied into the database file; 0: 4000. */
	int64_t checkpoint_pages;
	/*
	 * A sync of the database failed: what it was for may be on the disk or not, and may never
	 * come there. Called once, on the writer thread, before anybody is answered. It should end
	 * the process: the next db_open() makes everything good that can be. When it returns, or is
	 * NULL, all reads and writes fail with -E_IO until db_close().
	 */
	void (*lost)(const char *why_z);
};

/*
 * The first step of db_open(), for a process that will not be able to open what is above DIR: makes DIR when it is missing and
 * syncs its entry.
 */
MUST_CHECK int db_make_dir(const char *dir_z, struct fault *fault);
/*
 * Opens or creates DIR/martlet.db and DIR/pack/, takes the lock DIR/martlet.lock (-E_BUSY with
 * "another martlet (pid N) uses DIR", after lock_wait_ms), runs migrations, removes left-over spool files. The
 * option tables must outlive it.
 */
MUST_CHECK int db_open(const struct db_options *o, struct db **ret, struct fault *fault);
/* Whether the process before did not close it: what it had committed DB_LAZY may be gone. */
bool db_was_cut_off(const struct db *db);
/*
 * Finishes queued writes, syncs, closes. No call may be in progress. Accepts a pointer to NULL.
 */
void db_close(struct db **db);

/*
 * For whoever lives in the directory from now on: when it is a backup (db/backup.h), it stops being
 * one, so that no later backup replaces what comes.
 */
MUST_CHECK int db_claim(struct db *db, struct fault *fault);

/* ---- values and queries ---- */

struct db_val {
	enum { DB_NULL, DB_INT, DB_TEXT, DB_BLOB } type;
	int64_t i;
	struct str s; /* borrowed until the query ends */
};
#define DB_I(v) ((struct db_val){ .type = DB_INT, .i = (int64_t)(v) })
#define DB_T(v) ((struct db_val){ .type = DB_TEXT, .s = (v) })
#define DB_B(v) ((struct db_val){ .type = DB_BLOB, .s = (v) })
#define DB_N ((struct db_val){ .type = DB_NULL })

struct db_query {
	struct db_tx *tx;
	void *stmt;
	int err;
};

/*
 * Starts a query with its arguments:
 *
 *   DB_QUERY(tx, &q, &store_sql[X], DB_I(id), DB_T(name));
 *
 * An error is kept in q and comes back from db_step(). A statement may be in use once at a time in
 * one tx (must). The bytes of text and blob arguments are borrowed until db_done(). The number of
 * arguments must fit the statement. End each query with db_done(), or declare it as
 * AUTO(db_done) struct db_query q = { 0 };
 */
void db_query(struct db_tx *tx, struct db_query *q, const struct db_sql *sql,
	      const struct db_val *args, size_t n);
#define DB_QUERY(tx, q, sql, ...) \
	do { \
		const struct db_val db_args_[] = { __VA_ARGS__ }; \
		db_query((tx), (q), (sql), db_args_, sizeof(db_args_) / sizeof(db_args_[0])); \
	} while (0)
/*
 * 1: a row; 0: no more (also when asked again); negative: -E_EXISTS (a unique constraint),
 * -E_CANNOT (another constraint), -E_DISK_FULL, -E_BUSY, -E_IO, -E_BUG (wrong SQL;
 * db_last_error_z() has the text).
 */
MUST_CHECK int db_step(struct db_query *q);
void db_done(struct db_query *q);

int64_t db_int(struct db_query *q, int column); /* 0 for NULL */
/* Also blobs; p == NULL for NULL; until the next db_step/db_done. */
struct str db_text(struct db_query *q, int column);
bool db_is_null(struct db_query *q, int column);

/* One statement without rows: 0 or negative; *ret_changes (may be NULL): rows touched. */
MUST_CHECK int db_exec(struct db_tx *tx, const struct db_sql *sql, const struct db_val *args,
		       size_t n, int64_t *ret_changes);
#define DB_EXEC(tx, sql, ...) \
	db_exec((tx), (sql), (const struct db_val[]){ __VA_ARGS__ }, \
		sizeof((const struct db_val[]){ __VA_ARGS__ }) / sizeof(struct db_val), NULL)
/* The id that the last insert made. */
int64_t db_last_id(struct db_tx *tx);

/*
 * Inside db_write(): builds the indexes of that table anew from its rows. Takes as long as it takes; the
 * name is the program's own.
 */
MUST_CHECK int db_rebuild(struct db_tx *tx, const char *table_z);

/* ---- reading ---- */

/*
 * A consistent snapshot (taken by its first query), from a bounded pool of readers (waits for a
 * free one). Short: never held over peer I/O or db_write(). One at a time per thread (must);
 * not inside a write function, which reads through its own tx.
 */
MUST_CHECK int db_read_begin(struct db *db, struct db_tx **ret);
void db_read_end(struct db_tx **tx); /* accepts a pointer to NULL */
/* Has this thread a snapshot open? For what must not run then. */
bool db_is_reading(void);

/* ---- writing ---- */

enum db_durability {
	DB_DURABLE, /* synced before db_write() returns */
	DB_LAZY,    /* visible when it returns, synced at most 1 s later */
};

/*
 * Runs at most once, on the writer thread, inside a savepoint. Returns 0 to keep its changes,
 * negative to roll them back. No peer I/O, no waiting.
 */
typedef int db_write_fn(struct db_tx *tx, void *arg);

struct db_write_job {
	db_write_fn *fn;
	void *arg;
	enum db_durability durability;
	struct db_body *bodies; /* appended and synced before fn runs; fn finds .ref filled in */
	size_t n_bodies;
};

/*
 * Blocks until the batch is committed. The fn's own negative result, or the failure of the
 * bodies or the commit (-E_DISK_FULL, also when no room is left for bodies; -E_IO): then nothing changed. fn may have run all the
 * same: what it left in arg counts only with 0.
 */
MUST_CHECK int db_write(struct db *db, struct db_write_job *job);

/*
 * Inside fn: asks that hook(ctx, owned) is called once after the commit succeeded, in commit
 * order, on the writer thread, before the writers are answered. Dropped when the savepoint or the
 * commit fails. Hooks must be quick and may not write. owned (may be NULL) is the hook's from here
 * on: it is given to mem_free() after the call, or when that is dropped.
 */
typedef void db_commit_hook(void *ctx, void *owned);
void db_on_commit(struct db_tx *tx, db_commit_hook *hook, void *ctx, void *owned);

/*
 * fn(ctx) is called after the hooks of a commit, if there were any; at most one such function, set
 * before the first write.
 */
void db_after_hooks(struct db *db, void (*fn)(void *ctx), void *ctx);

/*
 * What the calling thread writes from now on is done for that actor (0, as at first: nobody in
 * particular). db_actor() tells it inside fn.
 */
void db_act_as(uint64_t actor);
uint64_t db_actor(const struct db_tx *tx);

/*
 * Would min_free_bytes still be free on the disk after so many bytes more? What is added asks first (bodies in db_write()
 * and spools do, with -E_DISK_FULL), what takes away or changes does not: so it has room when the disk is full for mail.
 */
bool db_has_room(struct db *db, int64_t bytes); /* false is noted as a fault, for the log */
/* For what takes of the room that is kept in order to make more: would half of it stay? */
bool db_has_reserve(struct db *db, int64_t bytes);
/* Changes min_free_bytes. Thread-safe. */
void db_keep_free(struct db *db, int64_t min_free_bytes);
MUST_CHECK int db_free_bytes(struct db *db, int64_t *ret);

/* The data directory, absolute. */
const char *db_dir_z(const struct db *db);

/* ---- trouble ---- */

/*
 * Text of the last failure of a statement in this tx, for the log; valid until the next call.
 * "" when there was none.
 */
const char *db_last_error_z(struct db_tx *tx);
/*
 * How many failures of commits, syncs, packs and checkpoints there were since db_open(), and
 * the last one's text (ret may be NULL; untouched when there was none). The edge logs it when
 * the number has changed. Thread-safe.
 */
uint64_t db_last_fault(struct db *db, struct fault *ret);
/*
 * Prepares every statement of every set, for tests: 0, or negative with the first wrong one
 * named.
 */
MUST_CHECK int db_check_sql(struct db *db, struct fault *f);

/* ---- adversity, for tests ---- */

enum db_fail_point {
	DB_FAIL_NONE,
	DB_FAIL_STATEMENT,
	DB_FAIL_COMMIT, /* also the late sync of lazy commits */
	DB_FAIL_PACK_WRITE,
	DB_FAIL_PACK_SYNC,
};
/* The nth of these from now fails once with err; (DB_FAIL_NONE, 0, 0) switches it off. */
void db_fail_next(struct db *db, enum db_fail_point point, int nth, int err);
