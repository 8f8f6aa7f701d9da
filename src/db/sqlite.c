/* SPDX-License-Identifier: MIT */
/*
 * The SQLite driver: connections, prepared statements, error mapping, checkpoints.
 *
 * The idea: one writing connection (the writer thread's) and a few reading ones on a WAL
 * database. A commit in synchronous=FULL is durable when it returns and becomes visible only
 * then; one in NORMAL is written to the WAL but not synced. The WAL is one file of frames with
 * chained checksums, so a sync of it makes all earlier commits durable, and a hole in it hides
 * all later ones.
 *
 * States of a row change, and what a crash (process or power) leaves:
 *  1. inside the transaction: in this process's memory, perhaps in WAL frames without a commit
 *     mark. Gone after a crash.
 *  2. committed lazily (NORMAL): survives the death of the process, not of the machine.
 *     sqlite_sync(), any durable commit or a checkpoint moves it to 3.
 *  3. in the synced WAL: safe. A checkpoint (sqlite_tidy) copies it into the database file and
 *     syncs that: 4.
 *  4. in the database file: safe; the WAL may start over.
 *
 * A checkpoint that is cut short is done again from the WAL.
 *
 * After a failed sync of the WAL or of the database file nobody knows what is on the disk, the
 * kernel may call the next sync a success without having written those pages, and SQLite may have
 * noted pages as copied that are not. So nothing is tried again here: db_lose() ends the process,
 * nobody is answered. The next open writes the whole WAL once more and syncs it (wal.c); SQLite
 * checks it frame by frame, forgets what was copied, and all of it is copied again. The commits
 * that nobody was told of are there then or not, whole, as after every crash.
 *
 * No mmap of the database: a bad sector under a mapping kills the process, under pread it is an
 * error code.
 */
#include "db/db_int.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/log.h"
#include "base/must.h"
#include "db/sqlite_vfs.h"

/* A WAL of so many pages is worth a checkpoint when nobody waits; twice as many when they do. */
#define CHECKPOINT_PAGES 4000
#define RESTART_FACTOR 8 /* beyond so many times that, wait for readers so that it starts over */
#define BUSY_MS 2000        /* for readers that a restart waits for; nobody else writes */

/* Transaction words, prepared once per connection. */
enum word {
	W_BEGIN,
	W_BEGIN_WRITE,
	W_COMMIT,
	W_ROLLBACK,
	W_SAVEPOINT,
	W_RELEASE,
	W_ROLLBACK_TO,
	W_COUNT_
};
static const char *const words[W_COUNT_] = {
	[W_BEGIN] = "BEGIN DEFERRED",
	[W_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[W_COMMIT] = "COMMIT",
	[W_ROLLBACK] = "ROLLBACK",
	[W_SAVEPOINT] = "SAVEPOINT job",
	[W_RELEASE] = "RELEASE job",
	[W_ROLLBACK_TO] = "ROLLBACK TO job",
};

static const char *const pragmas_all[] = {
	"PRAGMA foreign_keys=ON",
	"PRAGMA trusted_schema=OFF",
	"PRAGMA temp_store=MEMORY",
	"PRAGMA mmap_size=0",
	"PRAGMA wal_autocheckpoint=0",
};
static const char *const pragmas_writer[] = {
	"PRAGMA synchronous=FULL",
	"PRAGMA journal_size_limit=33554432",
	"PRAGMA cache_size=-1024",
	"PRAGMA cache_spill=1000", /* pages: what a large transaction may take more, and gives back */
};
static const char *const pragmas_reader[] = {
	"PRAGMA query_only=ON",
	"PRAGMA cache_size=-1024",
};

struct slot {
	sqlite3_stmt *s;
	bool is_used;
	bool is_at_end;
};

struct db_conn {
	struct db *db;
	sqlite3 *h;
	sqlite3_stmt *word[W_COUNT_];
	struct slot *slots; /* one per row of each statement set, in order */
	size_t n_slots;
	bool is_writer;
	bool is_full;     /* synchronous is FULL now */
	bool is_unsynced; /* a lazy commit stands in the WAL */
	int wal_pages;    /* after the last commit */
	int checkpoint_pages, checkpoint_at;
	char error[200];
};

/* ---- errors ---- */

static int map_error(sqlite3 *h, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
		    rc == SQLITE_CONSTRAINT_ROWID)
			return -E_EXISTS;
		return -E_CANNOT;
	case SQLITE_FULL:
		return -E_DISK_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -E_BUSY;
	case SQLITE_TOOBIG:
		return -E_LIMIT;
	case SQLITE_IOERR:
		switch (sqlite3_system_errno(h)) {
		case ENOSPC:
		case EDQUOT:
		case EFBIG:
			return -E_DISK_FULL;
		default:
			return -E_IO;
		}
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return -E_BUG;
	default:
		return -E_IO;
	}
}

/* Keeps the text, with the system's reason where it has one, and returns our code. */
static int fail(struct db_conn *c, int rc, const char *sql_z)
{
	bool is_system = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
	int errnum = is_system ? sqlite3_system_errno(c->h) : 0;
	char why[64];

	snprintf(c->error, sizeof(c->error), "%s (%d)%s%s", sqlite3_errmsg(c->h), rc, errnum ? ": " : "",
		 errnum ? strerror_r(errnum, why, sizeof(why)) : "");
	LOG(DEBUG, "db.error", F_Z("text", c->error), F_Z("sql", sql_z));
	if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
		db_lose(c->db, c->error);
	return map_error(c->h, rc);
}

static int fail_asked(struct db_conn *c, int err)
{
	snprintf(c->error, sizeof(c->error), "failure asked for by a test");
	return err;
}

static const char *sqlite_error_z(struct db_conn *c)
{
	return c->error;
}

/* ---- connections ---- */

static void configure_once(void)
{
	/*
	 * Fails when something else has started SQLite already; then its own defaults are safe
	 * too.
	 */
	if (sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK) {
		sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
		sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0); /* pages one by one, when needed; else each connection begins with 20 */
	}
	sqlite_vfs_register();
}

static int exec_z(struct db_conn *c, const char *sql_z)
{
	int rc = sqlite3_exec(c->h, sql_z, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(c, rc, sql_z);
}

static int exec_all(struct db_conn *c, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = exec_z(c, list[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Some file systems cannot share the WAL's index: then the pragma answers with the old mode. */
static int set_wal(struct db_conn *c)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(c->h, "PRAGMA journal_mode=WAL", -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc != SQLITE_ROW) {
		sqlite3_finalize(s);
		return fail(c, rc, "journal_mode");
	}
	const char *mode = (const char *)sqlite3_column_text(s, 0);
	bool is_wal = mode && strcmp(mode, "wal") == 0;

	sqlite3_finalize(s);
	if (is_wal)
		return 0;
	snprintf(c->error, sizeof(c->error), "this file system cannot hold a WAL database");
	return -E_IO;
}

static int on_wal_commit(void *arg, sqlite3 *h, const char *name_z, int pages)
{
	struct db_conn *c = arg;

	(void)h;
	(void)name_z;
	if (pages < c->wal_pages)
		c->checkpoint_at = c->checkpoint_pages; /* it started over */
	c->wal_pages = pages;
	c->is_unsynced = !c->is_full;
	return SQLITE_OK;
}

static int connect(struct db_conn *c)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/martlet.db", c->db->dir_z);
	int rc;

	if (n < 0 || (size_t)n >= sizeof(path)) {
		snprintf(c->error, sizeof(c->error), "the name of the data directory is too long");
		return -E_LIMIT;
	}
	rc = sqlite3_open_v2(path, &c->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, SQLITE_VFS_NAME);
	if (rc != SQLITE_OK)
		return fail(c, rc, "open");
	sqlite3_extended_result_codes(c->h, 1);
	sqlite3_busy_timeout(c->h, BUSY_MS);
	sqlite3_db_config(c->h, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(c->h, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	rc = exec_all(c, pragmas_all, ARRAY_LEN(pragmas_all));
	if (rc < 0)
		return rc;
	if (!c->is_writer)
		return exec_all(c, pragmas_reader, ARRAY_LEN(pragmas_reader));
	sqlite3_wal_hook(c->h, on_wal_commit, c);
	rc = exec_all(c, pragmas_writer, ARRAY_LEN(pragmas_writer));
	return rc < 0 ? rc : set_wal(c);
}

static void sqlite_close(struct db_conn *c)
{
	/* The last one to close would copy the WAL and remove it. */
	if (atomic_load(&c->db->is_lost))
		sqlite3_db_config(c->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	for (size_t i = 0; i < c->n_slots; i++)
		sqlite3_finalize(c->slots[i].s);
	for (size_t i = 0; i < W_COUNT_; i++)
		sqlite3_finalize(c->word[i]);
	must(sqlite3_close(c->h) == SQLITE_OK);
	mem_free(c->slots);
	mem_free(c);
}

static int sqlite_open(struct db *db, bool is_writer, struct db_conn **ret, struct fault *f)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct db_conn *c;
	int rc = is_writer ? db_wal_renew(db, f) : 0;

	if (rc < 0)
		return rc;
	pthread_once(&once, configure_once);
	c = MEM_NEW(struct db_conn);
	c->db = db;
	c->is_writer = is_writer;
	c->is_full = true;
	c->checkpoint_pages = db->o.checkpoint_pages > 0 ? (int)db->o.checkpoint_pages
							 : CHECKPOINT_PAGES;
	c->checkpoint_at = c->checkpoint_pages;
	for (size_t i = 0; i < db->o.n_sql; i++)
		c->n_slots += db->o.sql[i].n;
	c->slots = mem_alloc(c->n_slots + 1, sizeof(*c->slots));
	rc = connect(c);
	if (rc < 0) {
		fault_set(f, rc, "cannot open %s/martlet.db: %s", db->dir_z, c->error);
		sqlite_close(c);
		return rc;
	}
	*ret = c;
	return 0;
}

/* ---- transactions ---- */

static int run_word(struct db_conn *c, enum word w)
{
	int rc = SQLITE_OK;

	if (!c->word[w])
		rc = sqlite3_prepare_v3(c->h, words[w], -1, SQLITE_PREPARE_PERSISTENT, &c->word[w],
					NULL);
	if (rc != SQLITE_OK)
		return fail(c, rc, words[w]);
	rc = sqlite3_step(c->word[w]);
	if (rc != SQLITE_DONE) {
		rc = fail(c, rc, words[w]);
		sqlite3_reset(c->word[w]);
		return rc;
	}
	sqlite3_reset(c->word[w]);
	return 0;
}

static int checkpoint(struct db_conn *c, int mode)
{
	int pages = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(c->h, NULL, mode, &pages, &done);

	/*
	 * Not again before more has come, whether it was complete, hindered by readers or
	 * failed.
	 */
	c->checkpoint_at = c->wal_pages + c->checkpoint_pages / 4;
	if (rc == SQLITE_BUSY)
		return 0;
	if (rc != SQLITE_OK)
		return fail(c, rc, "checkpoint");
	if (pages == done)
		c->is_unsynced = false;
	return 0;
}

static int sqlite_begin(struct db_conn *c, enum db_begin how)
{
	bool want_full = how == DB_BEGIN_DURABLE;

	if (atomic_load(&c->db->is_lost)) {
		snprintf(c->error, sizeof(c->error), "a sync failed before");
		return -E_IO;
	}
	if (how == DB_BEGIN_READ)
		return run_word(c, W_BEGIN);
	if (c->is_full != want_full) {
		int rc = exec_z(c, want_full ? "PRAGMA synchronous=FULL" :
					       "PRAGMA synchronous=NORMAL");

		if (rc < 0)
			return rc;
		c->is_full = want_full;
	}
	return run_word(c, W_BEGIN_WRITE);
}

/* NULL: there is none yet. */
static sqlite3_file *wal_of(struct db_conn *c)
{
	sqlite3_file *wal = NULL;
	int rc = sqlite3_file_control(c->h, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);

	return rc == SQLITE_OK && wal && sqlite_vfs_is_wal(wal) ? wal : NULL;
}

static int sqlite_commit(struct db_conn *c)
{
	int rc = c->is_writer ? os_fail_hit(&c->db->fail, DB_FAIL_COMMIT) : 0;
	sqlite3_file *wal;

	if (rc < 0)
		return fail_asked(c, rc);
	rc = run_word(c, W_COMMIT);
	wal = rc == 0 && c->is_writer ? wal_of(c) : NULL;
	must(!wal || !sqlite_vfs_is_held(wal)); /* others see the commit */
	return rc;
}

static bool sqlite_is_in_tx(struct db_conn *c)
{
	return !sqlite3_get_autocommit(c->h);
}

static void sqlite_rollback(struct db_conn *c)
{
	sqlite3_file *wal = c->is_writer ? wal_of(c) : NULL;
	char why[sizeof(c->error)];

	if (wal)
		sqlite_vfs_forget(wal);
	if (!sqlite_is_in_tx(c)) /* SQLite has done it by itself */
		return;
	memcpy(why, c->error, sizeof(why));
	if (run_word(c, W_ROLLBACK) < 0)
		must(!sqlite_is_in_tx(c)); /* a late I/O error; the transaction is over */
	memcpy(c->error, why, sizeof(why)); /* the caller asks for the reason of the rollback */
}

static int sqlite_savepoint(struct db_conn *c, enum db_savepoint what)
{
	int rc = 0;

	if (what == DB_SAVEPOINT_SET)
		return run_word(c, W_SAVEPOINT);
	if (what == DB_SAVEPOINT_UNDO)
		rc = run_word(c, W_ROLLBACK_TO);
	return rc < 0 ? rc : run_word(c, W_RELEASE);
}

static int sqlite_script(struct db_conn *c, const char *sql_z)
{
	return exec_z(c, sql_z);
}

/* ---- statements ---- */

static struct slot *find_slot(struct db_conn *c, const struct db_sql *sql)
{
	struct slot *first = c->slots;

	for (size_t i = 0; i < c->db->o.n_sql; i++) {
		const struct db_sql_set *set = &c->db->o.sql[i];
		uintptr_t at = (uintptr_t)sql - (uintptr_t)set->rows;

		if ((uintptr_t)sql >= (uintptr_t)set->rows && at < set->n * sizeof(*sql))
			return first + at / sizeof(*sql);
		first += set->n;
	}
	return NULL;
}

static int prepare(struct db_conn *c, struct slot *slot, const char *sql_z)
{
	int rc;

	if (slot->s)
		return 0;
	rc = sqlite3_prepare_v3(c->h, sql_z, -1, SQLITE_PREPARE_PERSISTENT, &slot->s, NULL);
	return rc == SQLITE_OK ? 0 : fail(c, rc, sql_z);
}

/* The bytes are the caller's and stay until stmt_done. */
static int bind(sqlite3_stmt *s, int at, const struct db_val *v)
{
	const char *p = v->s.p ? v->s.p : "";

	switch (v->type) {
	case DB_INT:
		return sqlite3_bind_int64(s, at, v->i);
	case DB_TEXT:
		return sqlite3_bind_text64(s, at, p, v->s.n, SQLITE_STATIC, SQLITE_UTF8);
	case DB_BLOB:
		return sqlite3_bind_blob64(s, at, p, v->s.n, SQLITE_STATIC);
	case DB_NULL:
		break;
	}
	return sqlite3_bind_null(s, at);
}

static void sqlite_stmt_done(struct db_conn *c, void *stmt)
{
	struct slot *slot = stmt;

	(void)c;
	sqlite3_reset(slot->s);
	sqlite3_clear_bindings(slot->s);
	slot->is_used = false;
}

static int sqlite_stmt_start(struct db_conn *c, const struct db_sql *sql, const struct db_val *args,
			     size_t n, void **ret_stmt)
{
	struct slot *slot = find_slot(c, sql);
	int rc = os_fail_hit(&c->db->fail, DB_FAIL_STATEMENT);

	*ret_stmt = NULL;
	must(slot); /* a statement of a set that db_open() was not given */
	must(!slot->is_used);
	if (rc < 0)
		return fail_asked(c, rc);
	rc = prepare(c, slot, sql->sql);
	if (rc < 0)
		return rc;
	must((size_t)sqlite3_bind_parameter_count(slot->s) == n);
	slot->is_used = true;
	slot->is_at_end = false;
	for (size_t i = 0; i < n; i++) {
		int got = bind(slot->s, (int)i + 1, &args[i]);

		if (got != SQLITE_OK) {
			rc = fail(c, got, sql->sql);
			sqlite_stmt_done(c, slot);
			return rc;
		}
	}
	*ret_stmt = slot;
	return 0;
}

static int sqlite_stmt_step(struct db_conn *c, void *stmt)
{
	struct slot *slot = stmt;
	int rc;

	if (slot->is_at_end)
		return 0;
	rc = sqlite3_step(slot->s);
	if (rc == SQLITE_ROW)
		return 1;
	slot->is_at_end = true;
	if (rc != SQLITE_DONE)
		return fail(c, rc, sqlite3_sql(slot->s));
	/*
	 * Ends the statement's hold on the tables; an UPDATE may follow. No column is read
	 * after the end.
	 */
	sqlite3_reset(slot->s);
	return 0;
}

static int64_t sqlite_stmt_int(void *stmt, int column)
{
	return sqlite3_column_int64(((struct slot *)stmt)->s, column);
}

static struct str sqlite_stmt_text(void *stmt, int column)
{
	sqlite3_stmt *s = ((struct slot *)stmt)->s;
	const void *p = sqlite3_column_blob(s, column); /* of a text or number its text */

	if (p)
		return str_of(p, (size_t)sqlite3_column_bytes(s, column));
	if (sqlite3_column_type(s, column) == SQLITE_NULL)
		return (struct str){ 0 };
	return S("");
}

static bool sqlite_stmt_is_null(void *stmt, int column)
{
	return sqlite3_column_type(((struct slot *)stmt)->s, column) == SQLITE_NULL;
}

static int sqlite_stmt_check(struct db_conn *c, const struct db_sql *sql)
{
	struct slot *slot = find_slot(c, sql);

	must(slot);
	return prepare(c, slot, sql->sql);
}

static int64_t sqlite_changes(struct db_conn *c)
{
	return sqlite3_changes64(c->h);
}

static int64_t sqlite_last_id(struct db_conn *c)
{
	return sqlite3_last_insert_rowid(c->h);
}

/* ---- lazy commits ---- */

static bool sqlite_is_unsynced(struct db_conn *c)
{
	return c->is_unsynced && !atomic_load(&c->db->is_lost);
}

/* Through SQLite's own file object, which also syncs the directory of a new WAL. */
static int sqlite_sync(struct db_conn *c)
{
	sqlite3_file *wal;
	int rc = os_fail_hit(&c->db->fail, DB_FAIL_COMMIT);

	if (rc < 0)
		return fail_asked(c, rc);
	wal = wal_of(c);
	if (wal)
		rc = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL);
	if (rc != SQLITE_OK) {
		snprintf(c->error, sizeof(c->error), "sync of the WAL failed (%d)", rc);
		db_lose(c->db, c->error);
		return -E_IO;
	}
	c->is_unsynced = false;
	return 0;
}

static int sqlite_tidy(struct db_conn *c, enum db_tidy what)
{
	sqlite3_file *wal;

	if (atomic_load(&c->db->is_lost))
		return 0;
	switch (what) {
	case DB_TIDY_BUSY:
		if (c->wal_pages < c->checkpoint_at + c->checkpoint_pages)
			return 0;
		/* A backup may hold its snapshot for longer than anybody should wait. */
		if (c->wal_pages > RESTART_FACTOR * c->checkpoint_pages && !blob_packs_held(c->db))
			return checkpoint(c, SQLITE_CHECKPOINT_RESTART);
		return checkpoint(c, SQLITE_CHECKPOINT_PASSIVE);
	case DB_TIDY_IDLE:
		if (c->wal_pages < c->checkpoint_at)
			return 0;
		return checkpoint(c, SQLITE_CHECKPOINT_PASSIVE);
	case DB_TIDY_REST:
		sqlite3_db_release_memory(c->h);
		wal = wal_of(c);
		if (wal)
			sqlite_vfs_rest(wal);
		return 0;
	}
	return 0;
}

const struct db_driver db_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.savepoint = sqlite_savepoint,
	.is_in_tx = sqlite_is_in_tx,
	.script = sqlite_script,
	.stmt_start = sqlite_stmt_start,
	.stmt_step = sqlite_stmt_step,
	.stmt_done = sqlite_stmt_done,
	.stmt_int = sqlite_stmt_int,
	.stmt_text = sqlite_stmt_text,
	.stmt_is_null = sqlite_stmt_is_null,
	.stmt_check = sqlite_stmt_check,
	.changes = sqlite_changes,
	.last_id = sqlite_last_id,
	.is_unsynced = sqlite_is_unsynced,
	.sync = sqlite_sync,
	.tidy = sqlite_tidy,
	.error_z = sqlite_error_z,
};
