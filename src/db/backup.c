/* SPDX-License-Identifier: MIT */
/*
 * A backup is a data directory whose files were copied in the right order: first a snapshot of the
 * database, then the packs that the snapshot names, as far as it names them. Packs are append-only and
 * the server removes none meanwhile, so whatever the snapshot names is there and final.
 *
 * States of DIR, who moves it on, and what a crash leaves:
 *  1. missing, or empty.
 *  2. with backup.unfinished, synced (claim): not a data directory, db_open() refuses it. The next
 *     backup goes on from here.
 *  3. martlet.db.new is a synced snapshot (db_sqlite_snapshot). After a crash it is made anew.
 *  4. packs are copied, each to pack/pack.new, synced, renamed (copy_pack): a pack with its
 *     final name is whole, and is not copied again unless rows name more of it.
 *  5. martlet.db.new has become martlet.db, and DIR is synced (finish). Before that DIR is what
 *     it was: an earlier backup (its database, and at least the packs and bytes it names), or 2.
 *     From here it is the new backup.
 *  6. backup.json says when it was made; backup.unfinished is gone. A crash between 5 and 6 of
 *     a first backup leaves it refused; the next one has nothing left to copy.
 *  7. packs that the new database does not name are removed. A crash leaves some of them, or parts that an
 *     earlier backup copied.
 *
 * A server that starts in DIR takes backup.json away (db_claim): from then on it is live data, and
 * no backup touches it.
 */
#include "db/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "db/pack_int.h"

#define PIECE (1u << 20)
#define SAMPLE (64 << 10) /* at both ends of a pack that is there already */
#define NEW_DB "martlet.db.new"
#define NEW_PACK "pack.new"
#define NEW_DONE "backup.json.new"

struct backup {
	const struct db_backup_job *job;
	struct db_backup_counts n;
	struct fault *fault;
	int from, from_packs; /* directories */
	int to, to_packs;
	int from_lock, to_lock;
	struct db_pack_end *ends;
	size_t n_ends;
	char *piece;
};

static void backup_fini(struct backup *b)
{
	os_file_close(&b->from_packs);
	os_file_close(&b->to_packs);
	os_file_close(&b->from_lock);
	os_file_close(&b->to_lock);
	os_file_close(&b->from);
	os_file_close(&b->to);
	mem_free(b->ends);
	mem_free(b->piece);
}

__attribute__((format(printf, 2, 3))) static void damaged(struct backup *b, const char *format, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	b->n.damaged++;
	if (b->job->damaged)
		b->job->damaged(b->job->ctx, text);
}

static int go_on(struct backup *b)
{
	return b->job->go_on ? b->job->go_on(b->job->ctx, b->fault) : 0;
}

/* ---- opening both ---- */

static int take_lock(int dir_fd, const char *dir_z, int *ret_fd, struct fault *f)
{
	int rc;

	*ret_fd = os_file_open_write(dir_fd, "martlet.lock");
	if (*ret_fd < 0)
		return fault_errno(f, errno, "cannot open %s/martlet.lock", dir_z);
	rc = os_file_lock(*ret_fd);
	if (rc == -E_BUSY)
		return fault_set(f, rc, "a martlet uses %s", dir_z);
	return rc < 0 ? fault_errno(f, errno, "cannot lock %s/martlet.lock", dir_z) : 0;
}

static int open_from(struct backup *b)
{
	const char *dir_z = b->job->from_z;
	int64_t size;

	b->from = os_file_open_dir(AT_FDCWD, dir_z);
	if (b->from < 0)
		return fault_errno(b->fault, errno, "cannot open %s", dir_z);
	if (os_file_size(b->from, "martlet.db", &size) < 0)
		return fault_errno(b->fault, errno, "cannot find %s/martlet.db", dir_z);
	b->from_packs = os_file_open_dir(b->from, "pack");
	if (b->from_packs < 0)
		return fault_errno(b->fault, errno, "cannot open %s/pack", dir_z);
	return b->job->is_alone ? take_lock(b->from, dir_z, &b->from_lock, b->fault) : 0;
}

static bool has(int dir_fd, const char *name_z)
{
	int64_t size;

	return os_file_size(dir_fd, name_z, &size) == 0;
}

/* Ours to write to: new, empty, or a backup. */
static int claim(struct backup *b)
{
	const char *dir_z = b->job->to_z;
	bool is_backup = has(b->to, DB_BACKUP_DONE) || has(b->to, DB_BACKUP_UNFINISHED);
	AUTO(os_file_close) int fd = -1;
	int rc;

	if (!is_backup && !os_file_dir_is_empty(b->to))
		return fault_set(b->fault, -E_EXISTS,
				 "%s is not empty and no backup; name an empty or a new directory", dir_z);
	if (!is_backup) {
		fd = os_file_create(b->to, DB_BACKUP_UNFINISHED);
		rc = fd < 0 ? fd : os_file_sync_dir(b->to);
		if (rc < 0)
			return fault_errno(b->fault, errno, "cannot write to %s", dir_z);
	}
	return take_lock(b->to, dir_z, &b->to_lock, b->fault);
}

static int open_to(struct backup *b)
{
	const char *dir_z = b->job->to_z;
	int made = os_file_make_dir(AT_FDCWD, dir_z);
	AUTO(os_file_close) int up = -1;
	int rc;

	if (made < 0)
		return fault_errno(b->fault, errno, "cannot make %s", dir_z);
	b->to = os_file_open_dir(AT_FDCWD, dir_z);
	if (b->to < 0)
		return fault_errno(b->fault, errno, "cannot open %s", dir_z);
	up = made ? os_file_open_dir(b->to, "..") : -1;
	if (made && (up < 0 || os_file_sync_dir(up) < 0))
		return fault_errno(b->fault, errno, "cannot sync the parent of %s", dir_z);
	rc = claim(b);
	if (rc < 0)
		return rc;
	if (os_file_make_dir(b->to, "pack") < 0 ||
	    (b->to_packs = os_file_open_dir(b->to, "pack")) < 0 || os_file_sync_dir(b->to) < 0)
		return fault_errno(b->fault, errno, "cannot make %s/pack", dir_z);
	return 0;
}

/* ---- the database ---- */

static int step(void *ctx)
{
	return go_on(ctx);
}

static int copy_database(struct backup *b)
{
	char from[4096], to[4096];
	AUTO(os_file_close) int fd = -1;
	int n = snprintf(from, sizeof(from), "%s/martlet.db", b->job->from_z);
	int m = snprintf(to, sizeof(to), "%s/" NEW_DB, b->job->to_z);
	int rc;

	if (n < 0 || m < 0 || (size_t)n >= sizeof(from) || (size_t)m >= sizeof(to))
		return fault_set(b->fault, -E_LIMIT, "the name of a directory is too long");
	os_file_unlink(b->to, NEW_DB);
	fd = os_file_create(b->to, NEW_DB); /* before SQLite makes it with a mode of its own */
	if (fd < 0)
		return fault_errno(b->fault, errno, "cannot make %s", to);
	rc = db_sqlite_snapshot(from, to, b->job->packs->sql, step, b, &b->ends, &b->n_ends, b->fault);
	if (rc < 0)
		return rc;
	if (os_file_sync(fd) < 0)
		return fault_errno(b->fault, errno, "cannot sync %s", to);
	return os_file_size(b->to, NEW_DB, &b->n.database_bytes);
}

/* ---- packs ---- */

/* Both have the same n bytes at off. */
static int same_at(int a, int b, int64_t off, size_t n, char *space, bool *ret)
{
	int rc = os_file_read(a, space, n, off);

	if (rc == 0)
		rc = os_file_read(b, space + n, n, off);
	*ret = rc == 0 && memcmp(space, space + n, n) == 0;
	return rc;
}

/* The same pack, as far as a look at its beginning and its end tells. */
static int is_same(struct backup *b, int from_fd, int to_fd, int64_t bytes, bool *ret)
{
	size_t n = bytes < SAMPLE ? (size_t)bytes : SAMPLE;
	int rc = same_at(from_fd, to_fd, 0, n, b->piece, ret);

	if (rc == 0 && *ret)
		rc = same_at(from_fd, to_fd, bytes - (int64_t)n, n, b->piece, ret);
	return rc;
}

/* 1: it is there with all that rows name; 0: it is to be copied. */
static int find_earlier(struct backup *b, int from_fd, const char *name_z, int64_t bytes)
{
	AUTO(os_file_close) int fd = os_file_open_read(b->to_packs, name_z);
	int64_t size = 0;
	bool same = true;
	int rc;

	if (fd == -E_NOT_FOUND)
		return 0;
	rc = fd < 0 ? fd : os_file_size(b->to_packs, name_z, &size);
	if (rc == 0)
		rc = is_same(b, from_fd, fd, size < bytes ? size : bytes, &same);
	if (rc < 0)
		return fault_errno(b->fault, errno, "cannot compare pack/%s", name_z);
	if (!same)
		return fault_set(b->fault, -E_CANNOT,
				 "pack/%s is not the one in %s: either the backup is of other data, or one of "
				 "both is damaged (martlet fsck tells); take a new directory",
				 name_z, b->job->to_z);
	return size >= bytes;
}

static int copy_bytes(struct backup *b, int from_fd, int to_fd, int64_t bytes)
{
	for (int64_t at = 0; at < bytes;) {
		size_t n = bytes - at < (int64_t)PIECE ? (size_t)(bytes - at) : PIECE;
		struct iovec iov = { b->piece, n };
		int rc = os_file_read(from_fd, b->piece, n, at);

		if (rc == 0)
			rc = os_file_write(to_fd, &iov, 1, at);
		if (rc < 0)
			return fault_errno(b->fault, errno, "cannot copy a pack");
		rc = go_on(b);
		if (rc < 0)
			return rc;
		at += (int64_t)n;
	}
	return 0;
}

static int copy_pack(struct backup *b, int from_fd, const char *name_z, int64_t bytes)
{
	AUTO(os_file_close) int fd = -1;
	int rc;

	os_file_unlink(b->to_packs, NEW_PACK);
	fd = os_file_create(b->to_packs, NEW_PACK);
	if (fd < 0)
		return fault_errno(b->fault, errno, "cannot make pack/" NEW_PACK);
	rc = copy_bytes(b, from_fd, fd, bytes);
	if (rc < 0)
		return rc;
	if (os_file_sync(fd) < 0 || os_file_rename(b->to_packs, NEW_PACK, name_z) < 0)
		return fault_errno(b->fault, errno, "cannot write pack/%s", name_z);
	b->n.copied++;
	b->n.copied_bytes += bytes;
	return 0;
}

/*
 * What is missing here is perhaps in an earlier backup, which then keeps it. As long as the server
 * keeps all packs, one that is missing was missing before.
 */
static int take_pack(struct backup *b, const struct db_pack_end *end)
{
	char name[32];
	int64_t size = 0, bytes = end->bytes;
	int rc = go_on(b);

	pack_name(name, end->pack);
	AUTO(os_file_close) int fd = rc < 0 ? -1 : os_file_open_read(b->from_packs, name);

	if (rc < 0)
		return rc;
	b->n.packs++;
	b->n.bytes += bytes;
	if (fd == -E_NOT_FOUND) {
		damaged(b, "pack/%s is missing in %s%s", name, b->job->from_z,
			has(b->to_packs, name) ? "; the one of the earlier backup stays" : "");
		return 0;
	}
	rc = fd < 0 ? fd : os_file_size(b->from_packs, name, &size);
	if (rc < 0)
		return fault_errno(b->fault, errno, "cannot open pack/%s", name);
	if (size < bytes) {
		damaged(b, "pack/%s has only %" PRId64 " of %" PRId64 " bytes in %s", name, size, bytes,
			b->job->from_z);
		bytes = size;
	}
	rc = find_earlier(b, fd, name, bytes);
	return rc == 0 ? copy_pack(b, fd, name, bytes) : rc < 0 ? rc : 0;
}

/* ---- the end ---- */

static int write_done(struct backup *b)
{
	AUTO(os_file_close) int fd = -1;
	char text[256];
	struct iovec iov = { text, 0 };

	iov.iov_len = (size_t)snprintf(text, sizeof(text),
				       "{\"made\":%" PRId64 ",\"packs\":%" PRId64 ",\"bytes\":%" PRId64
				       ",\"damaged\":%" PRId64 "}\n",
				       clock_wall_ms() / 1000, b->n.packs, b->n.bytes, b->n.damaged);
	os_file_unlink(b->to, NEW_DONE);
	fd = os_file_create(b->to, NEW_DONE);
	if (fd < 0 || os_file_write(fd, &iov, 1, 0) < 0 || os_file_sync(fd) < 0 ||
	    os_file_rename(b->to, NEW_DONE, DB_BACKUP_DONE) < 0 || os_file_sync_dir(b->to) < 0)
		return fault_errno(b->fault, errno, "cannot write %s/" DB_BACKUP_DONE, b->job->to_z);
	os_file_unlink(b->to, DB_BACKUP_UNFINISHED);
	if (os_file_sync_dir(b->to) < 0)
		return fault_errno(b->fault, errno, "cannot sync %s", b->job->to_z);
	return 0;
}

/* Nobody may have left changes of the earlier database in a WAL: the new one would take them in. */
static int settle_earlier(struct backup *b)
{
	char path[4096];

	if (!has(b->to, "martlet.db-wal") && !has(b->to, "martlet.db-journal"))
		return 0;
	snprintf(path, sizeof(path), "%s/martlet.db", b->job->to_z);
	if (db_sqlite_settle(path) == 0 && !has(b->to, "martlet.db-wal"))
		return 0;
	return fault_set(b->fault, -E_CANNOT,
			 "%s/martlet.db-wal belongs to the earlier backup and cannot be merged with it; take a "
			 "new directory",
			 b->job->to_z);
}

static int finish(struct backup *b)
{
	int rc = settle_earlier(b);

	if (rc < 0)
		return rc;
	if (os_file_sync_dir(b->to_packs) < 0 || os_file_rename(b->to, NEW_DB, "martlet.db") < 0 ||
	    os_file_sync_dir(b->to) < 0)
		return fault_errno(b->fault, errno, "cannot put %s/martlet.db in place", b->job->to_z);
	return write_done(b);
}

static int compare_numbers(const void *pa, const void *pb)
{
	int64_t a = *(const int64_t *)pa, b = ((const struct db_pack_end *)pb)->pack;

	return (a > b) - (a < b);
}

/* The backup is whole with them too. */
static void remove_rest(struct backup *b)
{
	AUTO(mem_auto_free) int64_t *numbers = NULL;
	size_t n = 0;
	char name[40];

	if (pack_numbers(b->to_packs, &numbers, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (b->n_ends && bsearch(&numbers[i], b->ends, b->n_ends, sizeof(*b->ends), compare_numbers))
			continue;
		pack_name(name, numbers[i]);
		b->n.removed += os_file_unlink(b->to_packs, name) == 0;
	}
}

static int run(struct backup *b)
{
	int rc = open_from(b);

	if (rc == 0)
		rc = open_to(b);
	if (rc == 0)
		rc = copy_database(b);
	for (size_t i = 0; rc == 0 && i < b->n_ends; i++)
		rc = take_pack(b, &b->ends[i]);
	if (rc == 0)
		rc = finish(b);
	if (rc == 0)
		remove_rest(b);
	return rc;
}

int db_backup(const struct db_backup_job *job, struct db_backup_counts *ret, struct fault *fault)
{
	struct backup b = {
		.job = job, .fault = fault, .from = -1, .from_packs = -1, .to = -1,
		.to_packs = -1, .from_lock = -1, .to_lock = -1,
	};
	int rc;

	b.piece = mem_alloc(PIECE, 1);
	rc = run(&b);
	*ret = b.n;
	backup_fini(&b);
	return rc;
}
