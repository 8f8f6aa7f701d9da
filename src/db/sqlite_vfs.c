/* SPDX-License-Identifier: MIT */
/*
 * SQLite writes each frame of the WAL in two calls, its header of 24 bytes and its page, ten
 * frames or so for a small transaction. Here they gather in memory and leave in one call, with the last
 * frame of the transaction: the one whose header says how large the database is after the commit
 * (bytes 4 to 7 of the header; else they are zero). What does not follow the write before it leaves at once: the
 * first of a new WAL, and the headers that SQLite changes at the end of a transaction which wrote pages twice.
 *
 * Why nothing can be lost by it: who looks at a frame is told of it by the WAL's index, which SQLite
 * changes after the last frame of a commit was written without a failure; and any other call for the WAL
 * (a read, a sync, a new size, a write elsewhere) first writes what is held. A failure is answered to
 * the call that writes, which for a commit is the one of its last frame, and to all calls after it until the
 * transaction is given up: SQLite may take it for the failure of a statement that reads, and go on.
 * What a transaction that was given up has left here is never written.
 *
 * All else goes to the system's own VFS, and so do the calls below it that tests replace.
 */
#include "db/sqlite_vfs.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"

#define FRAME_HEAD 24
#define COMMIT_AT 4 /* in the header */
#define HELD_MAX (16 * (FRAME_HEAD + 4096))

struct wal_file {
	sqlite3_file base;
	char *held; /* NULL until something is written */
	sqlite3_int64 end; /* of the last write, held or not */
	int n_held;        /* bytes before that */
	int lost; /* of what was held: the failure, until the transaction is given up */
	bool is_commit; /* the last header was that of a commit's last frame */
};

static sqlite3_vfs *below;
static sqlite3_vfs vfs;

/* The system's file stands behind ours. */
static sqlite3_file *inner_of(sqlite3_file *f)
{
	return (sqlite3_file *)((struct wal_file *)f + 1);
}

static int flush(struct wal_file *w)
{
	sqlite3_file *inner = inner_of(&w->base);
	int n = w->n_held;

	w->n_held = 0;
	if (n > 0 && w->lost == SQLITE_OK)
		w->lost = inner->pMethods->xWrite(inner, w->held, n, w->end - n);
	return w->lost;
}

/*
 * Before a call that is no write. After SQLITE_FULL SQLite would undo nothing but the statement of that call; the frames are of those
 * before it.
 */
static int settle(struct wal_file *w)
{
	return flush(w) == SQLITE_OK ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static void hold(struct wal_file *w, const void *p, int n)
{
	if (!w->held)
		w->held = mem_alloc(HELD_MAX, 1);
	memcpy(w->held + w->n_held, p, (size_t)n);
	w->n_held += n;
}

static int wal_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	static const char no_commit[COMMIT_AT] = { 0 };
	struct wal_file *w = (struct wal_file *)f;
	sqlite3_file *inner = inner_of(f);
	bool is_head = n == FRAME_HEAD, is_next = at == w->end && n <= HELD_MAX;
	int rc = SQLITE_OK;

	if (!is_next || n > HELD_MAX - w->n_held)
		rc = flush(w);
	if (rc != SQLITE_OK)
		return rc;
	w->end = at + n;
	if (!is_next)
		rc = inner->pMethods->xWrite(inner, p, n, at);
	else
		hold(w, p, n);
	if (!is_head && w->is_commit && rc == SQLITE_OK)
		rc = flush(w);
	w->is_commit = is_head && memcmp((const char *)p + COMMIT_AT, no_commit, sizeof(no_commit)) != 0;
	return rc;
}

static int wal_close(sqlite3_file *f)
{
	struct wal_file *w = (struct wal_file *)f;
	sqlite3_file *inner = inner_of(f);
	int rc = flush(w), closed = inner->pMethods->xClose(inner);

	mem_free(w->held);
	w->held = NULL;
	return rc != SQLITE_OK ? rc : closed;
}

static int wal_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	sqlite3_file *inner = inner_of(f);
	int rc = settle((struct wal_file *)f);

	return rc == SQLITE_OK ? inner->pMethods->xRead(inner, p, n, at) : rc;
}

static int wal_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	sqlite3_file *inner = inner_of(f);
	int rc = settle((struct wal_file *)f);

	return rc == SQLITE_OK ? inner->pMethods->xTruncate(inner, size) : rc;
}

static int wal_sync(sqlite3_file *f, int flags)
{
	sqlite3_file *inner = inner_of(f);
	int rc = settle((struct wal_file *)f);

	return rc == SQLITE_OK ? inner->pMethods->xSync(inner, flags) : rc;
}

static int wal_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	sqlite3_file *inner = inner_of(f);
	int rc = settle((struct wal_file *)f);

	return rc == SQLITE_OK ? inner->pMethods->xFileSize(inner, ret) : rc;
}

static int wal_control(sqlite3_file *f, int op, void *arg)
{
	sqlite3_file *inner = inner_of(f);
	int rc = settle((struct wal_file *)f);

	return rc == SQLITE_OK ? inner->pMethods->xFileControl(inner, op, arg) : rc;
}

/* A WAL is never locked itself. */
static int wal_lock(sqlite3_file *f, int level)
{
	sqlite3_file *inner = inner_of(f);

	return inner->pMethods->xLock(inner, level);
}

static int wal_unlock(sqlite3_file *f, int level)
{
	sqlite3_file *inner = inner_of(f);

	return inner->pMethods->xUnlock(inner, level);
}

static int wal_is_reserved(sqlite3_file *f, int *ret)
{
	sqlite3_file *inner = inner_of(f);

	return inner->pMethods->xCheckReservedLock(inner, ret);
}

static int wal_sector(sqlite3_file *f)
{
	sqlite3_file *inner = inner_of(f);

	return inner->pMethods->xSectorSize(inner);
}

static int wal_traits(sqlite3_file *f)
{
	sqlite3_file *inner = inner_of(f);

	return inner->pMethods->xDeviceCharacteristics(inner);
}

static const sqlite3_io_methods wal_methods = {
	.iVersion = 1,
	.xClose = wal_close,
	.xRead = wal_read,
	.xWrite = wal_write,
	.xTruncate = wal_truncate,
	.xSync = wal_sync,
	.xFileSize = wal_size,
	.xLock = wal_lock,
	.xUnlock = wal_unlock,
	.xCheckReservedLock = wal_is_reserved,
	.xFileControl = wal_control,
	.xSectorSize = wal_sector,
	.xDeviceCharacteristics = wal_traits,
};

static int open_file(sqlite3_vfs *v, const char *name_z, sqlite3_file *f, int flags, int *ret_flags)
{
	sqlite3_file *inner = inner_of(f);
	int rc;

	(void)v;
	if (!(flags & SQLITE_OPEN_WAL))
		return below->xOpen(below, name_z, f, flags, ret_flags);
	*(struct wal_file *)f = (struct wal_file){ .held = NULL };
	rc = below->xOpen(below, name_z, inner, flags, ret_flags);
	if (inner->pMethods)
		f->pMethods = &wal_methods;
	return rc;
}

void sqlite_vfs_register(void)
{
	below = sqlite3_vfs_find(NULL);
	must(below);
	vfs = *below;
	vfs.zName = SQLITE_VFS_NAME;
	vfs.szOsFile = (int)sizeof(struct wal_file) + below->szOsFile;
	vfs.xOpen = open_file;
	must(sqlite3_vfs_register(&vfs, 0) == SQLITE_OK);
}

bool sqlite_vfs_is_wal(const sqlite3_file *f)
{
	return f->pMethods == &wal_methods;
}

bool sqlite_vfs_is_held(const sqlite3_file *wal)
{
	must(sqlite_vfs_is_wal(wal));
	return ((const struct wal_file *)wal)->n_held > 0;
}

void sqlite_vfs_forget(sqlite3_file *wal)
{
	struct wal_file *w = (struct wal_file *)wal;

	w->n_held = 0;
	w->lost = SQLITE_OK;
}

void sqlite_vfs_rest(sqlite3_file *wal)
{
	struct wal_file *w = (struct wal_file *)wal;

	must(!sqlite_vfs_is_held(wal));
	mem_free(w->held);
	w->held = NULL;
}
