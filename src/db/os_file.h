/* SPDX-License-Identifier: MIT */
/*
 * Every system call on our own files (packs, spools, lock) stands in os_file.c, so that one
 * place can fail or record writes. SQLite's calls go through its own layer. Results: 0 (or what
 * is named), or a negative code; errno tells more.
 */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/err.h"

/* What db_fail_next() has asked for; thread-safe. */
struct os_fail {
	atomic_int point; /* enum db_fail_point */
	atomic_int left;
	atomic_int err;
};
/* 0, or the negative code when this call is the one that has to fail. f may be NULL. */
int os_fail_hit(struct os_fail *f, int point);

/* mkdir with mode 0700 unless it is there. 1: made (sync its parent), 0: was there. */
MUST_CHECK int os_file_make_dir(int dir_fd, const char *name_z);
/* File descriptors, close-on-exec; -E_NOT_FOUND, -E_EXISTS, ... */
MUST_CHECK int os_file_open_dir(int dir_fd, const char *name_z);
MUST_CHECK int os_file_open_read(int dir_fd, const char *name_z);
MUST_CHECK int os_file_open_write(int dir_fd, const char *name_z); /* made (0600) when missing */
MUST_CHECK int os_file_open_old(int dir_fd, const char *name_z);   /* to write; must exist */
MUST_CHECK int os_file_create(int dir_fd, const char *name_z);     /* must not exist yet */
/* A nameless file in dir; a named and unlinked one where the file system cannot. */
MUST_CHECK int os_file_temp(int dir_fd);
/* Closes and sets -1; accepts a pointer to -1. For AUTO(). */
void os_file_close(int *fd);
int os_file_unlink(int dir_fd, const char *name_z);
/* Within the directory; what stood there goes. */
MUST_CHECK int os_file_rename(int dir_fd, const char *from_z, const char *to_z);
bool os_file_dir_is_empty(int dir_fd); /* false also when it cannot be read */

/* All bytes or an error; iov is used up. */
MUST_CHECK int os_file_write(int fd, struct iovec *iov, size_t n, off_t off);
/* At most n bytes; how many: 0 at the end of the file. */
MUST_CHECK ssize_t os_file_read_some(int fd, void *dst, size_t n, off_t off);
/* Exactly n bytes; -E_IO at the end of the file. */
MUST_CHECK int os_file_read(int fd, void *dst, size_t n, off_t off);
MUST_CHECK int os_file_truncate(int fd, off_t size);
/* What the file system under that directory has left for everybody. */
MUST_CHECK int os_file_free_bytes(int dir_fd, int64_t *ret);
MUST_CHECK int os_file_size(int dir_fd, const char *name_z, int64_t *ret);
/*
 * Data and size reach the disk. After a failure nothing may be concluded about what was written
 * before.
 */
MUST_CHECK int os_file_sync(int fd);
/* Names made or removed in the directory reach the disk. */
MUST_CHECK int os_file_sync_dir(int fd);
/* Takes the whole-file lock: 0, -E_BUSY, -E_IO. Held until the descriptor is closed. */
MUST_CHECK int os_file_lock(int fd);
