/* SPDX-License-Identifier: MIT */
/*
 * What the files were: for each change since the last sync the bytes under it and the size, newest
 * first. A failed sync of the kind DISK_REVERT puts them back in that order. The list is this
 * process's own: after its death the next process reads what it finds.
 */
#include "disk.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct undo {
	struct undo *older;
	uint64_t ino, at; /* trace position of the change */
	uint64_t off, size;
	size_t n;
	char bytes[];
};

static struct undo *newest;

void disk_undo_note(int fd, uint64_t ino, uint64_t off, size_t n)
{
	int keep = errno;
	struct undo *u;
	struct stat st;
	ssize_t got = 0;

	if (!disk->can_revert)
		return;
	if (fstat(fd, &st) < 0)
		disk_die("fstat");
	if (n == 0 && off < (uint64_t)st.st_size)
		n = (size_t)((uint64_t)st.st_size - off); /* to be cut off */
	u = malloc(sizeof(*u) + n);
	if (!u)
		disk_die("no memory");
	if (n)
		got = syscall(SYS_pread64, fd, u->bytes, n, off);
	*u = (struct undo){ .older = newest,
			    .ino = ino,
			    .at = disk->end,
			    .off = off,
			    .size = (uint64_t)st.st_size,
			    .n = got > 0 ? (size_t)got : 0 };
	newest = u;
	errno = keep;
}

void disk_undo_drop(uint64_t ino, uint64_t before)
{
	for (struct undo **at = &newest; *at;) {
		struct undo *u = *at;

		if (u->ino != ino || u->at >= before) {
			at = &u->older;
			continue;
		}
		*at = u->older;
		free(u);
	}
}

void disk_undo_revert(int fd, uint64_t ino, uint64_t before)
{
	int keep = errno;

	for (struct undo *u = newest; u; u = u->older) {
		if (u->ino != ino || u->at >= before)
			continue;
		if (u->n && syscall(SYS_pwrite64, fd, u->bytes, u->n, u->off) != (long)u->n)
			disk_die("cannot put bytes back");
		if (syscall(SYS_ftruncate, fd, u->size) < 0)
			disk_die("cannot put a size back");
	}
	disk_undo_drop(ino, before);
	errno = keep;
}
