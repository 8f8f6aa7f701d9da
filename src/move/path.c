/* SPDX-License-Identifier: MIT */
/*
 * Opening a path that leads through directories of others. A user may put a symbolic link into any directory of theirs, also while root
 * walks through it; so each name is opened by itself, and a link that is not root's is refused when root asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "move/folder.h"

#define LINKS_MAX 40

struct path {
	int fd;           /* of the directory that was reached */
	struct buf rest;  /* names to come, between '/' */
	unsigned links;
};

/* The first of the names to come, '\0' behind it; whether there is one. */
static bool take_name(struct path *p, char name[NAME_MAX + 1], int *ret)
{
	struct str rest = buf_str(&p->rest);
	ptrdiff_t end;
	size_t n, skip = 0;

	while (skip < rest.n && rest.p[skip] == '/')
		skip++;
	buf_consume(&p->rest, skip);
	rest = buf_str(&p->rest);
	end = str_chr(rest, '/');
	n = end < 0 ? rest.n : (size_t)end;
	*ret = n > NAME_MAX ? ENAMETOOLONG : 0;
	if (n == 0 || n > NAME_MAX)
		return false;
	memcpy(name, rest.p, n);
	name[n] = '\0';
	while (n < rest.n && rest.p[n] == '/')
		n++;
	buf_consume(&p->rest, n);
	return true;
}

static int open_top(struct path *p)
{
	bool is_absolute = p->rest.n && p->rest.p[0] == '/';

	move_close_fd(&p->fd);
	p->fd = open(is_absolute ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return p->fd < 0 ? errno : 0;
}

/* What the link says comes before the rest. link is opened with O_PATH, so nobody changes it. An errno, as below. */
static int follow(struct path *p, int link, const struct stat *st)
{
	AUTO(buf_fini) struct buf rest = BUF_INIT(4 * PATH_MAX);
	char to[PATH_MAX];
	ssize_t n = readlinkat(link, "", to, sizeof(to));

	if (geteuid() == 0 && st->st_uid != 0)
		return EPERM;
	if (n <= 0 || n == sizeof(to) || ++p->links > LINKS_MAX)
		return n < 0 ? errno : ELOOP;
	buf_add(&rest, str_of(to, (size_t)n));
	buf_add_char(&rest, '/');
	buf_add(&rest, buf_str(&p->rest));
	buf_reset(&p->rest);
	buf_add(&p->rest, buf_str(&rest));
	if (buf_overflowed(&rest) || buf_overflowed(&p->rest))
		return ENAMETOOLONG;
	return to[0] == '/' ? open_top(p) : 0;
}

/* One name on. *ret: the opened end of the path, if it was the last. */
static int step(struct path *p, const char *name_z, int flags, bool make, int *ret)
{
	bool is_last = p->rest.n == 0;
	AUTO(move_close_fd) int fd = -1;
	struct stat st;

	if (make && is_last && mkdirat(p->fd, name_z, 0700) < 0 && errno != EEXIST)
		return errno;
	fd = openat(p->fd, name_z, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno;
	if (S_ISLNK(st.st_mode))
		return follow(p, fd, &st);
	if (is_last) {
		*ret = openat(p->fd, name_z, flags | O_NOFOLLOW);
		return *ret < 0 ? errno : 0;
	}
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	move_close_fd(&p->fd);
	p->fd = fd;
	fd = -1;
	return 0;
}

int move_open_path(const char *path_z, int flags, bool make, struct fault *fault)
{
	struct path p = { .fd = -1, .rest = BUF_INIT(4 * PATH_MAX) };
	char name[NAME_MAX + 1];
	int errnum, ret = -1;

	buf_add(&p.rest, str_z(path_z));
	errnum = path_z[0] == '\0' ? ENOENT : buf_overflowed(&p.rest) ? ENAMETOOLONG : open_top(&p);
	while (errnum == 0 && ret < 0 && take_name(&p, name, &errnum))
		errnum = step(&p, name, flags, make, &ret);
	if (errnum == 0 && ret < 0) { /* it ends in a directory that was reached: "/" */
		ret = openat(p.fd, ".", flags);
		errnum = ret < 0 ? errno : 0;
	}
	move_close_fd(&p.fd);
	buf_fini(&p.rest);
	if (errnum == EPERM)
		return fault_set(fault, -E_DENIED, "%s leads through a symbolic link that is not root's; name the real path", path_z);
	return errnum ? fault_errno(fault, errnum, "cannot open %s", path_z) : ret;
}
