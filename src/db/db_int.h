/* SPDX-License-Identifier: MIT */
/*
 * Private to the db room: what its files share, and the face of a driver. A second driver is
 * one more file that fills in a struct db_driver in the order below, as sqlite.c does.
 */
#pragma once

#include "base/lock.h"
#include "db/db.h"
#include "db/os_file.h"

struct db_conn; /* one connection; its content is the driver's */

enum db_begin {
	DB_BEGIN_READ,    /* a snapshot */
	DB_BEGIN_LAZY,    /* to write; the commit need not reach the disk */
	DB_BEGIN_DURABLE, /* to write; the commit has reached the disk when it returns */
};
enum db_savepoint { DB_SAVEPOINT_SET, DB_SAVEPOINT_KEEP, DB_SAVEPOINT_UNDO };
enum db_tidy {
	DB_TIDY_BUSY,   /* after a batch, others wait: only what cannot be put off */
	DB_TIDY_IDLE,   /* after a batch, nobody waits */
	DB_TIDY_REST, /* nothing happened for a while: give memory back */
};

/* All int functions: 0 or a negative code. One thread at a time per connection. */
struct db_driver {
	const char *name;
	int (*open)(struct db *db, bool is_writer, struct db_conn **ret, struct fault *f);
	void (*close)(struct db_conn *c);

	int (*begin)(struct db_conn *c, enum db_begin how);
	int (*commit)(struct db_conn *c); /* on failure the caller rolls back */
	void (*rollback)(struct db_conn *c);
	int (*savepoint)(struct db_conn *c, enum db_savepoint what);
	bool (*is_in_tx)(struct db_conn *c); /* false: the database threw it away */
	int (*script)(struct db_conn *c, const char *sql_z); /* several statements, no values */

	/* *ret_stmt is NULL on failure; step: 1 row, 0 end */
	int (*stmt_start)(struct db_conn *c, const struct db_sql *sql, const struct db_val *args,
			  size_t n, void **ret_stmt);
	int (*stmt_step)(struct db_conn *c, void *stmt);
	void (*stmt_done)(struct db_conn *c, void *stmt);
	int64_t (*stmt_int)(void *stmt, int column);
	struct str (*stmt_text)(void *stmt, int column);
	bool (*stmt_is_null)(void *stmt, int column);
	int (*stmt_check)(struct db_conn *c, const struct db_sql *sql); /* can it be prepared? */
	int64_t (*changes)(struct db_conn *c);
	int64_t (*last_id)(struct db_conn *c);

	bool (*is_unsynced)(struct db_conn *c); /* lazy commits that have not reached the disk */
	int (*sync)(struct db_conn *c);
	int (*tidy)(struct db_conn *c, enum db_tidy what);
	const char *(*error_z)(struct db_conn *c); /* text of the last failure */
};
extern const struct db_driver db_sqlite;

#define DB_TX_MAGIC 0x6462747au
struct db_tx {
	unsigned magic;
	bool is_write;
	unsigned n_open; /* queries that are not done */
	struct db *db;
	struct db_conn *conn;
	uint64_t actor; /* of the job that is being run */
	/* reader.c: the pool */
	struct db_tx *next;
	int64_t idle_since_ms;
};

struct db_readers;
struct db_writer;
struct db_packs;
struct db_gathering;

struct db {
	const struct db_driver *driver;
	struct db_options o;
	struct db_sql_set *sets; /* what o.sql points to: ours and then the caller's */
	char *dir_z;             /* absolute */
	int dir_fd, lock_fd, tmp_fd;
	_Atomic int64_t min_free_bytes;
	struct os_fail fail;
	atomic_bool is_lost;
	bool was_cut_off; /* before it was opened: there was a WAL */
	struct db_packs *packs;
	struct db_readers *readers;
	struct db_writer *writer;
	struct db_gathering *gathering;
	struct lock fault_lock;
	struct fault fault; /* the last one */
	uint64_t n_faults;
};

/* Keeps a failure of the environment for db_last_fault(). */
void db_note_fault(struct db *db, int code, const char *what_z, const char *detail_z);

/* A sync of the database failed; see struct db_options. */
void db_lose(struct db *db, const char *why_z);

/*
 * dir.c: makes and locks the directories, removes left-over spools, sets dir_z, dir_fd,
 * lock_fd, tmp_fd.
 */
MUST_CHECK int db_dir_open(struct db *db, const struct db_options *o, struct fault *f);
void db_dir_close(struct db *db);

/*
 * migrate.c: brings the schema up to date; its own statements, the first set of every database.
 */
extern const struct db_sql db_migrate_sql[1];
MUST_CHECK int db_migrate_run(struct db *db, struct db_conn *c, struct fault *f);

/* wal.c: makes sure that the WAL stands on the disk as it can be read; before SQLite opens it. */
MUST_CHECK int db_wal_renew(struct db *db, struct fault *f);

/* reader.c */
struct db_readers *db_readers_new(void);
void db_readers_free(struct db_readers **r, struct db *db);
/* Closes the readers that nobody used for a while; false when none is left open. */
bool db_readers_shrink(struct db *db, int64_t now_ms);

/* writer.c: owns the writing connection from now on. */
struct db_writer *db_writer_new(struct db *db, struct db_conn *conn);
/* Finishes what is queued, syncs, ends the thread, which looks after idle readers too. Accepts NULL. */
void db_writer_stop(struct db_writer *w);
void db_writer_free(struct db_writer **w); /* after db_writer_stop() */
/* Asks the writer to look after idle readers one day. */
void db_writer_nudge(struct db *db);
bool db_writer_is_me(const struct db *db);
/* Jobs that wait for the batch after the one that runs; for tests. */
size_t db_writer_n_waiting(struct db *db);

/* gather.c: where the bodies of small jobs wait for each other. */
struct db_gathering *db_gathering_new(void);
void db_gathering_free(struct db_gathering **g);
/* Jobs that nobody has taken yet; for tests. */
size_t db_gathering_n_waiting(struct db *db, bool *ret_is_led);

/*
 * sqlite_backup.c: copies the database to the existing empty file to_z, and reads what packs it names
 * (sql_z as db_backup_job.packs; *ret is the caller's). step() as db_backup_job.go_on.
 */
struct db_pack_end {
	int64_t pack, bytes;
};
MUST_CHECK int db_sqlite_snapshot(const char *from_z, const char *to_z, const char *sql_z,
				  int (*step)(void *ctx), void *ctx, struct db_pack_end **ret,
				  size_t *ret_n, struct fault *f);
/* Nobody uses that database: what stands in its WAL goes into the file, the WAL goes. */
MUST_CHECK int db_sqlite_settle(const char *path_z);

/* pack.c; pack_int.h is for the pack files alone */
struct db_pack_item {
	struct db_pack_item *next;
	struct db_body *body;
	uint32_t crc;
	uint8_t head[32];
};
MUST_CHECK int db_packs_open(struct db *db, struct db_packs **ret, struct fault *f);
void db_packs_close(struct db_packs **p);
/* Fills in body and checksum; runs on the caller's thread, because checksums take time. */
void db_pack_item_init(struct db_pack_item *item, struct db_body *body);
/*
 * Appends and syncs all bodies of the chain, fills in their refs. One thread at a time. All or
 * nothing. The pack is held n_holds times: it stays busy until each was let go.
 */
MUST_CHECK int db_pack_append(struct db_packs *p, struct db_pack_item *chain, size_t n_holds, int64_t *ret_pack);
void db_pack_let_go(struct db_packs *p, int64_t pack);
/* The same into a new pack that holds nothing else; any thread. */
MUST_CHECK int db_pack_write_own(struct db_packs *p, struct db_pack_item *chain);
/*
 * The end of the job of such a pack: removed again, because no row can name it; or kept. A job
 * whose end nobody knows gets neither: its pack stays busy, and so stays, until the next open.
 */
void db_pack_drop_own(struct db_packs *p, int64_t pack);
void db_pack_keep_own(struct db_packs *p, int64_t pack);
