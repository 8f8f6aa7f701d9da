/* SPDX-License-Identifier: MIT */
/* What the kinds of export share: files that are made safely. */
#include "move/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "move/folder.h"

int move_writer_open(const char *path_z, const struct move_writing *how, struct move_writer *ret, struct fault *fault)
{
	*ret = (struct move_writer){ .how = how, .path_z = path_z, .fd = -1 };
	ret->fd = move_open_path(path_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC, true, fault);
	return ret->fd < 0 ? ret->fd : 0;
}

void move_writer_close(struct move_writer *w)
{
	move_close_fd(&w->fd);
}

int move_write_all(int fd, struct str s, struct fault *fault)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno != EINTR)
			return fault_errno(fault, errno, "cannot write");
		if (n > 0)
			s = str_skip(s, (size_t)n);
	}
	return 0;
}

int move_make_dir(int dir_fd, const char *name_z, struct fault *fault)
{
	int fd;

	if (mkdirat(dir_fd, name_z, 0700) < 0 && errno != EEXIST)
		return errno == ENAMETOOLONG ? fault_set(fault, -E_CANNOT, "its name is too long for a file") : fault_errno(fault, errno, "cannot make %s", name_z);
	fd = move_open_dir(dir_fd, name_z);
	return fd < 0 ? fault_set(fault, fd, "%s is not a directory", name_z) : fd;
}

int move_create(int dir_fd, const char *name_z, struct fault *fault)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, fd = openat(dir_fd, name_z, flags, 0600);

	if (fd < 0 && errno == EEXIST) {
		if (unlinkat(dir_fd, name_z, 0) < 0 && errno != ENOENT)
			return fault_errno(fault, errno, "cannot replace %s", name_z);
		fd = openat(dir_fd, name_z, flags, 0600);
	}
	return fd < 0 ? fault_errno(fault, errno, "cannot make %s", name_z) : fd;
}

int move_put(int dir_fd, int fd, const char *temp_z, const char *name_z, struct fault *fault)
{
	if (fsync(fd) < 0 || renameat(dir_fd, temp_z, dir_fd, name_z) < 0 || fsync(dir_fd) < 0)
		return fault_errno(fault, errno, "cannot write %s", name_z);
	return 0;
}

bool move_is_canonical(struct str bytes)
{
	while (bytes.n) {
		const char *p = memchr(bytes.p, '\n', bytes.n);
		struct str line = p ? str_head(bytes, (size_t)(p - bytes.p)) : bytes;

		if (p && (line.n == 0 || line.p[line.n - 1] != '\r'))
			return false;
		if (p)
			line.n--;
		if (str_chr(line, '\r') >= 0)
			return false;
		bytes = str_skip(bytes, p ? (size_t)(p - bytes.p) + 1 : bytes.n);
	}
	return true;
}

void move_add_lf(struct buf *out, struct str bytes)
{
	while (bytes.n) {
		ptrdiff_t lf = str_chr(bytes, '\n');
		struct str line = lf < 0 ? bytes : str_head(bytes, (size_t)lf);

		bytes = str_skip(bytes, lf < 0 ? bytes.n : (size_t)lf + 1);
		if (lf >= 0 && line.n && line.p[line.n - 1] == '\r')
			line.n--;
		buf_add(out, line);
		if (lf >= 0)
			buf_add_char(out, '\n');
	}
}
