/* SPDX-License-Identifier: MIT */
/*
 * The calls of libc that change files, as disk.so has them. Each looks whether it is about a file
 * below the root, asks whether it has to fail, is written down, and makes the system call.
 *
 * Order: a change is written down before it is made, under the lock, so that a process killed
 * between the two leaves at most a change more in the trace than in the file; the other way round
 * later readers could rely on bytes that the trace does not know. A sync covers what stands in the
 * trace when it is called, and is written down when it ends. No real sync is made: what a power cut
 * leaves is computed from the trace.
 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHORT_TO(n) ((n) / 2)

static int fail(const struct disk_rule *r)
{
	errno = r->errnum;
	return -1;
}

/* ---- opening ---- */

static void note_open(int fd, bool is_new, int flags)
{
	char name[PATH_MAX];
	enum disk_file file;
	struct stat st;

	if (fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return;
	if (!disk_name(fd, "", name, sizeof(name))) /* by way of "..", say */
		return;
	file = S_ISDIR(st.st_mode) ? DISK_DIR : disk_class(name);
	disk_know(st.st_ino, file);
	if (file == DISK_SHM || (flags & O_TMPFILE) == O_TMPFILE)
		return; /* nothing of these is there after a power cut */
	disk_record(DISK_R_OPEN, is_new, st.st_ino, 0, name, strlen(name));
	if (!is_new && (flags & O_TRUNC) && st.st_size)
		disk_record(DISK_R_CUT, 0, st.st_ino, 0, NULL, 0);
}

static int open_at(int dir_fd, const char *path, int flags, mode_t mode)
{
	char name[PATH_MAX];
	const struct disk_rule *r = NULL;
	bool is_new;
	struct stat st;
	int fd;

	if (!disk_name(dir_fd, path, name, sizeof(name)))
		return (int)syscall(SYS_openat, dir_fd, path, flags, mode);
	disk_lock();
	is_new = (flags & O_TMPFILE) == O_TMPFILE ||
		 ((flags & O_CREAT) && fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0);
	if (is_new)
		r = disk_fails(DISK_MAKE,
			       (flags & O_TMPFILE) == O_TMPFILE ? DISK_TMP : disk_class(name));
	fd = r ? fail(r) : (int)syscall(SYS_openat, dir_fd, path, flags, mode);
	if (fd >= 0)
		note_open(fd, is_new, flags);
	disk_unlock();
	return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int dir_fd, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_at(dir_fd, path, flags, mode);
}

int openat64(int dir_fd, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return open_at(dir_fd, path, flags, mode);
}

int creat(const char *path, mode_t mode)
{
	return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

/* ---- writing ---- */

/* One piece that goes to off; what fails is not written down. */
static ssize_t write_piece(int fd, uint64_t ino, enum disk_file file, const void *p, size_t n,
			   off_t off)
{
	const struct disk_rule *r = disk_fails(DISK_WRITE, file);

	if (r && (!r->is_short || n < 2))
		return fail(r);
	if (r)
		n = SHORT_TO(n);
	if (file != DISK_SHM && file != DISK_TMP) {
		disk_undo_note(fd, ino, (uint64_t)off, n);
		disk_record(DISK_R_WRITE, 0, ino, (uint64_t)off, p, n);
	}
	if (syscall(SYS_pwrite64, fd, p, n, off) != (long)n)
		disk_die("the disk below the test is full or broken");
	return (ssize_t)n;
}

static ssize_t write_pieces(int fd, const struct iovec *iov, int n_iov, off_t off, uint64_t ino,
			    enum disk_file file)
{
	ssize_t done = 0;

	disk_lock();
	for (int i = 0; i < n_iov; i++) {
		ssize_t got;

		if (!iov[i].iov_len)
			continue;
		got = write_piece(fd, ino, file, iov[i].iov_base, iov[i].iov_len, off + done);
		if (got < 0 && done == 0)
			done = -1;
		if (got < 0)
			break;
		done += got;
		if ((size_t)got < iov[i].iov_len)
			break;
	}
	disk_unlock();
	return done;
}

/* At the descriptor's own position, which moves on. */
static ssize_t write_here(int fd, const struct iovec *iov, int n_iov, uint64_t ino,
			  enum disk_file file)
{
	bool is_append = syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND;
	off_t off = lseek(fd, 0, is_append ? SEEK_END : SEEK_CUR);
	ssize_t done = write_pieces(fd, iov, n_iov, off, ino, file);

	if (done > 0)
		lseek(fd, off + done, SEEK_SET);
	return done;
}

ssize_t write(int fd, const void *p, size_t n)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };
	enum disk_file file;
	uint64_t ino;

	if (!disk_of_fd(fd, &ino, &file))
		return syscall(SYS_write, fd, p, n);
	return write_here(fd, &iov, 1, ino, file);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	enum disk_file file;
	uint64_t ino;

	if (!disk_of_fd(fd, &ino, &file))
		return syscall(SYS_writev, fd, iov, n);
	return write_here(fd, iov, n, ino, file);
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	enum disk_file file;
	uint64_t ino;

	if (!disk_of_fd(fd, &ino, &file))
		return syscall(SYS_pwritev, fd, iov, n, off, 0);
	return write_pieces(fd, iov, n, off, ino, file);
}

ssize_t pwritev64(int fd, const struct iovec *iov, int n, off64_t off)
{
	return pwritev(fd, iov, n, off);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t off)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };
	enum disk_file file;
	uint64_t ino;

	if (!disk_of_fd(fd, &ino, &file))
		return syscall(SYS_pwrite64, fd, p, n, off);
	return write_pieces(fd, &iov, 1, off, ino, file);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t off)
{
	return pwrite(fd, p, n, off);
}

int ftruncate(int fd, off_t size)
{
	const struct disk_rule *r;
	enum disk_file file;
	uint64_t ino;
	int rc;

	if (!disk_of_fd(fd, &ino, &file))
		return (int)syscall(SYS_ftruncate, fd, size);
	disk_lock();
	r = disk_fails(DISK_CUT, file);
	if (!r && file != DISK_SHM && file != DISK_TMP) {
		disk_undo_note(fd, ino, (uint64_t)size, 0);
		disk_record(DISK_R_CUT, 0, ino, (uint64_t)size, NULL, 0);
	}
	rc = r ? fail(r) : (int)syscall(SYS_ftruncate, fd, size);
	disk_unlock();
	return rc;
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

/* ---- syncing ---- */

static int sync_fails(const struct disk_rule *r, int fd, uint64_t ino, uint64_t begin)
{
	if (r->loss != DISK_KEEP)
		disk_record(DISK_R_UNSYNCED, r->loss, ino, begin, NULL, 0);
	if (r->loss == DISK_REVERT)
		disk_undo_revert(fd, ino, begin);
	if (r->loss == DISK_CLEAN)
		disk_undo_drop(ino, begin);
	return fail(r);
}

static int sync_file(int fd, uint64_t ino, enum disk_file file)
{
	enum disk_kind kind = file == DISK_DIR ? DISK_SYNC_DIR : DISK_SYNC;
	const struct disk_rule *r;
	uint64_t begin;
	uint32_t us;
	int rc = 0;

	disk_lock();
	begin = disk->end;
	us = disk_random(disk->sync_us);
	disk_unlock();
	if (us)
		usleep(us);
	disk_lock();
	r = disk_fails(kind, file);
	if (r) {
		rc = sync_fails(r, fd, ino, begin);
	} else {
		disk_record(DISK_R_SYNCED, 0, ino, begin, NULL, 0);
		disk_undo_drop(ino, begin);
	}
	disk_unlock();
	return rc;
}

int fsync(int fd)
{
	enum disk_file file;
	uint64_t ino;

	return disk_of_fd(fd, &ino, &file) ? sync_file(fd, ino, file) : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	enum disk_file file;
	uint64_t ino;

	return disk_of_fd(fd, &ino, &file) ? sync_file(fd, ino, file)
					   : (int)syscall(SYS_fdatasync, fd);
}

/* ---- names ---- */

int unlinkat(int dir_fd, const char *path, int flags)
{
	char name[PATH_MAX];
	const struct disk_rule *r;
	int rc;

	if (!disk_name(dir_fd, path, name, sizeof(name)))
		return (int)syscall(SYS_unlinkat, dir_fd, path, flags);
	disk_lock();
	r = disk_fails(DISK_REMOVE, disk_class(name));
	rc = r ? fail(r) : (int)syscall(SYS_unlinkat, dir_fd, path, flags);
	if (rc == 0 && disk_class(name) != DISK_SHM)
		disk_record(DISK_R_REMOVE, 0, 0, 0, name, strlen(name));
	disk_unlock();
	return rc;
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int mkdirat(int dir_fd, const char *path, mode_t mode)
{
	char name[PATH_MAX];
	const struct disk_rule *r;
	int rc;

	if (!disk_name(dir_fd, path, name, sizeof(name)))
		return (int)syscall(SYS_mkdirat, dir_fd, path, mode);
	disk_lock();
	r = disk_fails(DISK_MAKE, DISK_DIR);
	rc = r ? fail(r) : (int)syscall(SYS_mkdirat, dir_fd, path, mode);
	if (rc == 0)
		disk_record(DISK_R_MKDIR, 0, 0, 0, name, strlen(name));
	disk_unlock();
	return rc;
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

/* Both names are ours, or neither. */
static bool two_names(int from_fd, const char *from, int to_fd, const char *to, char *both,
		      size_t *ret_n)
{
	char a[PATH_MAX], b[PATH_MAX];
	bool is_a = disk_name(from_fd, from, a, sizeof(a)),
	     is_b = disk_name(to_fd, to, b, sizeof(b));

	if (is_a != is_b)
		disk_die("a name goes over the edge of the directory");
	if (!is_a)
		return false;
	*ret_n = strlen(a) + 1 + strlen(b);
	memcpy(both, a, strlen(a) + 1);
	memcpy(both + strlen(a) + 1, b, strlen(b));
	return true;
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	char both[2 * PATH_MAX];
	const struct disk_rule *r;
	size_t n;
	int rc;

	if (!two_names(from_fd, from, to_fd, to, both, &n))
		return (int)syscall(SYS_renameat, from_fd, from, to_fd, to);
	disk_lock();
	r = disk_fails(DISK_REMOVE, disk_class(both));
	rc = r ? fail(r) : (int)syscall(SYS_renameat, from_fd, from, to_fd, to);
	if (rc == 0)
		disk_record(DISK_R_RENAME, 0, 0, 0, both, n);
	disk_unlock();
	return rc;
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	char both[2 * PATH_MAX];
	const struct disk_rule *r;
	size_t n;
	int rc;

	if (!two_names(from_fd, from, to_fd, to, both, &n))
		return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
	disk_lock();
	r = disk_fails(DISK_MAKE, disk_class(both));
	rc = r ? fail(r) : (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
	if (rc == 0)
		disk_record(DISK_R_LINK, 0, 0, 0, both, n);
	disk_unlock();
	return rc;
}

int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- what nobody here uses yet: better to stop than to miss a change ---- */

static void not_ours(int fd, const char *what)
{
	enum disk_file file;
	uint64_t ino;

	if (disk_of_fd(fd, &ino, &file) && file != DISK_SHM && file != DISK_TMP)
		disk_die(what);
}

int fallocate(int fd, int mode, off_t off, off_t n)
{
	not_ours(fd, "fallocate() is not known here: teach it");
	return (int)syscall(SYS_fallocate, fd, mode, off, n);
}

int posix_fallocate(int fd, off_t off, off_t n)
{
	not_ours(fd, "posix_fallocate() is not known here: teach it");
	return syscall(SYS_fallocate, fd, 0, off, n) < 0 ? errno : 0;
}

ssize_t copy_file_range(int in, off64_t *in_off, int out, off64_t *out_off, size_t n,
			unsigned flags)
{
	not_ours(out, "copy_file_range() is not known here: teach it");
	return syscall(SYS_copy_file_range, in, in_off, out, out_off, n, flags);
}

ssize_t sendfile(int out, int in, off_t *off, size_t n)
{
	not_ours(out, "sendfile() is not known here: teach it");
	return syscall(SYS_sendfile, out, in, off, n);
}

int sync_file_range(int fd, off64_t off, off64_t n, unsigned flags)
{
	not_ours(fd, "sync_file_range() promises nothing after a power cut");
	return (int)syscall(SYS_sync_file_range, fd, off, n, flags);
}

int truncate(const char *path, off_t size)
{
	char name[PATH_MAX];

	if (disk_name(AT_FDCWD, path, name, sizeof(name)))
		disk_die("truncate() is not known here: teach it");
	return (int)syscall(SYS_truncate, path, size);
}

void *mmap(void *where, size_t n, int prot, int flags, int fd, off_t off)
{
	if (fd >= 0 && (prot & PROT_WRITE) && (flags & MAP_SHARED))
		not_ours(fd, "a shared mapping that is written to cannot be seen");
	return (void *)syscall(SYS_mmap, where, n, prot, flags, fd, off);
}

void *mmap64(void *where, size_t n, int prot, int flags, int fd, off64_t off)
{
	return mmap(where, n, prot, flags, fd, off);
}
