/* SPDX-License-Identifier: MIT */
/*
 * Snapshots of a SQLite database for backups: a second reader, in a process of its own, beside the server that
 * goes on writing.
 *
 * One read transaction stands around all: the pages that are copied and the packs that are asked for are of
 * the same moment, and nothing starts over when the server commits. While it stands, the server's WAL
 * cannot start over; it is ended as soon as the pages are copied, before the packs are.
 *
 * The reader runs as the server's own user. If it makes the WAL's files, they are the server's.
 */
#include <sqlite3.h>

#include "db/db_int.h"

#define PAGES_STEP 256
#define BUSY_MS 10000

static int fail(struct fault *f, sqlite3 *h, const char *what_z, const char *path_z)
{
	int code;

	switch (sqlite3_errcode(h) & 0xff) {
	case SQLITE_FULL:
		code = -E_DISK_FULL;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		code = -E_BUSY;
		break;
	default:
		code = -E_IO;
	}
	return fault_set(f, code, "cannot %s %s: %s", what_z, path_z, sqlite3_errmsg(h));
}

static void close_handle(sqlite3 **h)
{
	sqlite3_close(*h);
}

/* SQLite needs to write to the index of the WAL even when it only reads. */
static int open_handle(const char *path_z, const char *setup_z, sqlite3 **ret, struct fault *f)
{
	int rc = sqlite3_open_v2(path_z, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK) {
		/* Who opens the data next looks after the WAL (wal.c); we only read. */
		sqlite3_db_config(*ret, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_extended_result_codes(*ret, 1);
		sqlite3_busy_timeout(*ret, BUSY_MS);
		rc = sqlite3_exec(*ret, setup_z, NULL, NULL, NULL);
	}
	return rc == SQLITE_OK ? 0 : fail(f, *ret, "open", path_z);
}

static int read_ends(sqlite3 *h, const char *sql_z, struct db_pack_end **ret, size_t *ret_n)
{
	sqlite3_stmt *s = NULL;
	struct db_pack_end *v = NULL;
	size_t n = 0, cap = 0;
	int rc = sqlite3_prepare_v2(h, sql_z, -1, &s, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(s);
		if (rc != SQLITE_ROW)
			break;
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			v = mem_resize(v, cap, sizeof(*v));
		}
		v[n++] = (struct db_pack_end){ sqlite3_column_int64(s, 0),
					       sqlite3_column_int64(s, 1) };
	}
	sqlite3_finalize(s);
	*ret = v;
	*ret_n = n;
	return rc == SQLITE_DONE ? 0 : -E_IO;
}

static int copy_pages(sqlite3 *from, sqlite3 *to, const char *to_z, int (*step)(void *ctx),
		      void *ctx, struct fault *f)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int rc = 0, got;

	if (!b)
		return fail(f, to, "copy to", to_z);
	do {
		got = sqlite3_backup_step(b, PAGES_STEP);
		rc = got == SQLITE_OK ? step(ctx) : 0;
	} while (got == SQLITE_OK && rc == 0);
	if (sqlite3_backup_finish(b) != SQLITE_OK && rc == 0)
		rc = fail(f, to, "copy to", to_z);
	else if (rc == 0 && got != SQLITE_DONE)
		rc = fault_set(f, -E_IO, "cannot copy to %s", to_z);
	return rc;
}

int db_sqlite_snapshot(const char *from_z, const char *to_z, const char *sql_z,
		       int (*step)(void *ctx), void *ctx, struct db_pack_end **ret, size_t *ret_n,
		       struct fault *f)
{
	AUTO(close_handle) sqlite3 *from = NULL;
	AUTO(close_handle) sqlite3 *to = NULL;
	int rc = open_handle(from_z, "PRAGMA query_only=ON; PRAGMA mmap_size=0; BEGIN", &from, f);

	if (rc == 0)
		/* The caller syncs the file; after a crash it is made anew. */
		rc = open_handle(to_z, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", &to, f);
	if (rc == 0 && read_ends(from, sql_z, ret, ret_n) < 0)
		rc = fail(f, from, "read", from_z);
	return rc < 0 ? rc : copy_pages(from, to, to_z, step, ctx, f);
}

int db_sqlite_settle(const char *path_z)
{
	sqlite3 *h = NULL;
	int rc = sqlite3_open_v2(path_z, &h, SQLITE_OPEN_READWRITE, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(h, "PRAGMA wal_checkpoint(TRUNCATE); SELECT count(*) FROM sqlite_schema",
				  NULL, NULL, NULL);
	if (sqlite3_close(h) != SQLITE_OK || rc != SQLITE_OK)
		return -E_IO;
	return 0;
}
