/* SPDX-License-Identifier: MIT */
/*
 * The system calls on our own files, each finished (no short writes, no EINTR) and with our
 * error codes. Later layers that drop, fail or record writes hook in here and nowhere else.
 */
#include "db/os_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/rnd.h"

int os_fail_hit(struct os_fail *f, int point)
{
	if (!f || atomic_load_explicit(&f->point, memory_order_relaxed) != point)
		return 0;
	if (atomic_fetch_sub(&f->left, 1) != 1)
		return 0;
	atomic_store(&f->point, 0);
	errno = 0;
	return atomic_load(&f->err);
}

int os_file_make_dir(int dir_fd, const char *name_z)
{
	struct stat st;

	if (mkdirat(dir_fd, name_z, 0700) == 0)
		return 1;
	if (errno != EEXIST)
		return err_from_errno(errno);
	if (fstatat(dir_fd, name_z, &st, 0) < 0)
		return err_from_errno(errno);
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -E_IO;
	}
	return 0;
}

static int open_any(int dir_fd, const char *name_z, int flags)
{
	int fd;

	do {
		fd = openat(dir_fd, name_z, flags | O_CLOEXEC | O_NOCTTY, 0600);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? err_from_errno(errno) : fd;
}

int os_file_open_dir(int dir_fd, const char *name_z)
{
	return open_any(dir_fd, name_z, O_RDONLY | O_DIRECTORY);
}

int os_file_open_read(int dir_fd, const char *name_z)
{
	return open_any(dir_fd, name_z, O_RDONLY | O_NOFOLLOW);
}

int os_file_open_write(int dir_fd, const char *name_z)
{
	return open_any(dir_fd, name_z, O_RDWR | O_CREAT | O_NOFOLLOW);
}

int os_file_open_old(int dir_fd, const char *name_z)
{
	return open_any(dir_fd, name_z, O_RDWR | O_NOFOLLOW);
}

int os_file_create(int dir_fd, const char *name_z)
{
	return open_any(dir_fd, name_z, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
}

int os_file_temp(int dir_fd)
{
	char name[32] = "spool-";
	int fd = open_any(dir_fd, ".", O_RDWR | O_TMPFILE);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	rnd_id_z(name + 6, 16);
	fd = os_file_create(dir_fd, name);
	if (fd >= 0)
		os_file_unlink(dir_fd, name);
	return fd;
}

void os_file_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int os_file_unlink(int dir_fd, const char *name_z)
{
	return unlinkat(dir_fd, name_z, 0) < 0 ? err_from_errno(errno) : 0;
}

int os_file_rename(int dir_fd, const char *from_z, const char *to_z)
{
	return renameat(dir_fd, from_z, dir_fd, to_z) < 0 ? err_from_errno(errno) : 0;
}

bool os_file_dir_is_empty(int dir_fd)
{
	int fd = os_file_open_dir(dir_fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool is_empty = true;

	if (!dir) {
		os_file_close(&fd);
		return false;
	}
	while ((e = readdir(dir)))
		is_empty &= str_eq(str_z(e->d_name), S(".")) || str_eq(str_z(e->d_name), S(".."));
	closedir(dir);
	return is_empty;
}

/* Steps over done bytes; returns how many elements are finished. */
static size_t iov_skip(struct iovec *iov, size_t n, size_t done)
{
	size_t i = 0;

	while (i < n && done >= iov[i].iov_len)
		done -= iov[i++].iov_len;
	if (i < n) {
		iov[i].iov_base = (char *)iov[i].iov_base + done;
		iov[i].iov_len -= done;
	}
	return i;
}

int os_file_write(int fd, struct iovec *iov, size_t n, off_t off)
{
	size_t i = iov_skip(iov, n, 0);

	while (i < n) {
		size_t some = n - i < IOV_MAX ? n - i : IOV_MAX;
		ssize_t got = pwritev(fd, iov + i, (int)some, off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_from_errno(errno);
		if (got == 0) {
			errno = EIO;
			return -E_IO;
		}
		off += got;
		i += iov_skip(iov + i, n - i, (size_t)got);
	}
	return 0;
}

ssize_t os_file_read_some(int fd, void *dst, size_t n, off_t off)
{
	ssize_t got;

	do {
		got = pread(fd, dst, n, off);
	} while (got < 0 && errno == EINTR);
	return got < 0 ? err_from_errno(errno) : got;
}

int os_file_read(int fd, void *dst, size_t n, off_t off)
{
	char *p = dst;

	while (n) {
		ssize_t got = os_file_read_some(fd, p, n, off);

		if (got < 0)
			return (int)got;
		if (got == 0) {
			errno = 0;
			return -E_IO;
		}
		p += got;
		off += got;
		n -= (size_t)got;
	}
	return 0;
}

int os_file_truncate(int fd, off_t size)
{
	return ftruncate(fd, size) < 0 ? err_from_errno(errno) : 0;
}

int os_file_free_bytes(int dir_fd, int64_t *ret)
{
	struct statfs st;

	if (fstatfs(dir_fd, &st) < 0)
		return err_from_errno(errno);
	*ret = (int64_t)st.f_bavail * (int64_t)st.f_bsize;
	return 0;
}

int os_file_size(int dir_fd, const char *name_z, int64_t *ret)
{
	struct stat st;

	if (fstatat(dir_fd, name_z, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_from_errno(errno);
	*ret = st.st_size;
	return 0;
}

int os_file_sync(int fd)
{
	return fdatasync(fd) < 0 ? err_from_errno(errno) : 0;
}

int os_file_sync_dir(int fd)
{
	return fsync(fd) < 0 ? err_from_errno(errno) : 0;
}

int os_file_lock(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return -E_BUSY;
	return err_from_errno(errno);
}
