/* SPDX-License-Identifier: MIT */
/*
 * The WAL that an earlier process left: after kill -9, or after a failed sync.
 *
 * What can be read from it need not be on the disk: the kernel may have written nothing yet, or,
 * after a sync that failed, may never do it, because it takes the pages for clean. To read such
 * commits, show them, and write others behind them would be to build on sand: a power cut takes
 * them all, the answered ones too. So all its bytes are written once more, in place, and synced.
 *
 * States: 1. bytes of any age; 2. written again, byte for byte the same: whatever part of that
 * reaches the disk, more of the WAL is good than before; 3. synced: the WAL is on the disk as it
 * can be read, and SQLite may open it. A crash in between leaves 1 for the next open.
 */
#include "db/db_int.h"

#include <errno.h>

#include "base/mem.h"

#define BLOCK ((size_t)1 << 20)

/* *ret_n: its bytes. */
static int rewrite(int fd, off_t *ret_n)
{
	AUTO(mem_auto_free) char *block = mem_alloc(BLOCK, 1);
	off_t at = 0;
	ssize_t n;

	while ((n = os_file_read_some(fd, block, BLOCK, at)) > 0) {
		struct iovec iov = { block, (size_t)n };
		int rc = os_file_write(fd, &iov, 1, at);

		if (rc < 0)
			return rc;
		at += n;
	}
	*ret_n = at;
	return n < 0 ? (int)n : at > 0 ? os_file_sync(fd) : 0;
}

bool db_was_cut_off(const struct db *db)
{
	return db->was_cut_off;
}

int db_wal_renew(struct db *db, struct fault *f)
{
	AUTO(os_file_close) int fd = os_file_open_old(db->dir_fd, "martlet.db-wal");
	off_t n = 0;
	int rc = fd < 0 ? fd : rewrite(fd, &n);

	db->was_cut_off = n > 0;
	if (rc == -E_NOT_FOUND)
		return 0;
	return rc < 0 ? fault_errno(f, errno, "cannot write %s/martlet.db-wal again", db->dir_z)
		      : 0;
}
