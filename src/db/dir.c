/* SPDX-License-Identifier: MIT */
/*
 * The data directory: made when missing, locked, cleared of left-over spools.
 *
 * States: 1. no directory; 2. DIR exists (its parent synced); 3. DIR/martlet.lock, pack, tmp,
 * martlet.db exist. A crash between them leaves fewer names, and the next open makes the rest.
 * The lock is the kernel's (it ends with the process that holds it, however that dies); the pid
 * in the file is for people only and may be stale when nobody holds the lock.
 */
#include "db/backup.h"
#include "db/db_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

/*
 * The parent's entry must not be lost either: everything stands below it. It is synced at each
 * open, because an earlier process may have died right after mkdir; who may not open the parent
 * did not make DIR.
 */
int db_make_dir(const char *dir_z, struct fault *f)
{
	int rc = os_file_make_dir(AT_FDCWD, dir_z);
	bool is_made = rc == 1;

	if (rc < 0 && errno == ENOENT)
		return fault_set(f, -E_NOT_FOUND, "cannot make the directory %s: the one above it is not there; make that first", dir_z);
	if (rc < 0)
		return fault_errno(f, errno, "cannot make the directory %s", dir_z);
	AUTO(os_file_close) int fd = os_file_open_dir(AT_FDCWD, dir_z);
	AUTO(os_file_close) int up = fd < 0 ? fd : os_file_open_dir(fd, "..");

	rc = up < 0 ? up : os_file_sync_dir(up);
	if (rc < 0 && is_made)
		return fault_errno(f, errno, "cannot sync the parent of %s", dir_z);
	return 0;
}

#define LOCK_PAUSE_US 10000

static int lock_in_time(int fd, int64_t wait_ms)
{
	int64_t until_ms = clock_mono_ms() + wait_ms;
	int rc;

	while ((rc = os_file_lock(fd)) == -E_BUSY && clock_mono_ms() < until_ms)
		usleep(LOCK_PAUSE_US);
	return rc;
}

static int take_lock(struct db *db, int64_t wait_ms, struct fault *f)
{
	char text[24] = "";
	struct str pid;
	int rc;

	db->lock_fd = os_file_open_write(db->dir_fd, "martlet.lock");
	if (db->lock_fd < 0)
		return fault_errno(f, errno, "cannot open %s/martlet.lock", db->dir_z);
	rc = lock_in_time(db->lock_fd, wait_ms);
	if (rc == -E_BUSY) {
		ssize_t got = pread(db->lock_fd, text, sizeof(text) - 1, 0);

		pid = str_trim(str_of(text, got > 0 ? (size_t)got : 0));
		return fault_set(f, rc, "another martlet (pid %" STR_FMT ") uses %s",
				 STR_ARG(pid.n ? pid : S("unknown")), db->dir_z);
	}
	if (rc < 0)
		return fault_errno(f, errno, "cannot lock %s/martlet.lock", db->dir_z);
	struct iovec iov = { text, (size_t)snprintf(text, sizeof(text), "%ld\n", (long)getpid()) };
	size_t n = iov.iov_len;

	/* The text is for people: a full disk does not matter here. */
	if (os_file_write(db->lock_fd, &iov, 1, 0) < 0 || os_file_truncate(db->lock_fd, (off_t)n) < 0)
		LOG(DEBUG, "db.lock_unnamed", F_Z("dir", db->dir_z));
	return 0;
}

static void clear_spools(int tmp_fd)
{
	int fd = os_file_open_dir(tmp_fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		os_file_close(&fd);
		return;
	}
	while ((e = readdir(dir)))
		if (str_starts(str_z(e->d_name), S("spool-")))
			os_file_unlink(tmp_fd, e->d_name);
	closedir(dir);
}

/*
 * So that the database file is ours alone from its first moment; SQLite gives its other files
 * the same mode.
 */
static int touch_database(struct db *db, struct fault *f)
{
	AUTO(os_file_close) int fd = os_file_open_write(db->dir_fd, "martlet.db");

	if (fd < 0 || os_file_sync_dir(db->dir_fd) < 0)
		return fault_errno(f, errno, "cannot make %s/martlet.db", db->dir_z);
	return 0;
}

int db_dir_open(struct db *db, const struct db_options *o, struct fault *f)
{
	const char *dir_z = o->dir_z;
	int rc = db_make_dir(dir_z, f);
	int64_t size;

	if (rc < 0)
		return rc;
	AUTO(mem_auto_free) char *given = mem_dup_z(str_z(dir_z));
	char *full = realpath(given, NULL);

	if (!full)
		return fault_errno(f, errno, "cannot find %s", dir_z);
	db->dir_z = mem_dup_z(str_z(full));
	mem_free(full);
	db->dir_fd = os_file_open_dir(AT_FDCWD, db->dir_z);
	if (db->dir_fd < 0)
		return fault_errno(f, errno, "cannot open %s", db->dir_z);
	rc = take_lock(db, o->lock_wait_ms, f);
	if (rc < 0)
		return rc;
	if (os_file_size(db->dir_fd, DB_BACKUP_UNFINISHED, &size) == 0)
		return fault_set(f, -E_CANNOT,
				 "%s is a backup that was not finished; martlet backup %s goes on with it",
				 db->dir_z, db->dir_z);
	if (os_file_make_dir(db->dir_fd, "tmp") < 0 ||
	    (db->tmp_fd = os_file_open_dir(db->dir_fd, "tmp")) < 0)
		return fault_errno(f, errno, "cannot open %s/tmp", db->dir_z);
	clear_spools(db->tmp_fd);
	return touch_database(db, f);
}

int db_claim(struct db *db, struct fault *f)
{
	int rc = os_file_unlink(db->dir_fd, DB_BACKUP_DONE);

	if (rc == -E_NOT_FOUND)
		return 0;
	if (rc == 0)
		rc = os_file_sync_dir(db->dir_fd);
	return rc < 0 ? fault_errno(f, errno, "cannot make %s live", db->dir_z) : 0;
}

void db_dir_close(struct db *db)
{
	os_file_close(&db->tmp_fd);
	os_file_close(&db->lock_fd);
	os_file_close(&db->dir_fd);
	mem_free(db->dir_z);
	db->dir_z = NULL;
}
