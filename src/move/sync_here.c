/* SPDX-License-Identifier: MIT */
/*
 * The folder's side of a sync. Files are known by the part of their names that never changes; those that fetch has written, by the key in it. Other programs may give them other names
 * at any time (flags are part of the name), so whatever does not find one leaves it for the next run.
 */
#include "move/sync.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "move/folder.h"
#include "move/writer.h"

#define FILES 5000000

static int by_id(const void *a, const void *b)
{
	const struct move_sync_file *x = a, *y = b;
	int c = str_cmp(x->id, y->id);

	return c != 0 ? c : str_cmp(x->file, y->file);
}

/* A file whose name no line of the state can carry is left alone. */
static bool is_message(struct str file)
{
	return file.n > 0 && file.p[0] != '.' && str_chr(file, '\n') < 0 && str_chr(file, '\t') < 0;
}

static int note_file(struct move_sync *y, struct str name, bool is_new)
{
	struct str file = arena_str(&y->arena, name), ours;
	struct move_file_name parts;

	if (file.p == NULL || y->n_files == FILES || arena_grow(&y->arena, &y->files, y->n_files, &y->cap_files, sizeof(*y->files)) < 0)
		return -E_LIMIT;
	parts = move_file_name_parse(file);
	ours = move_fetch_maildir_name(parts.base);
	y->files[y->n_files++] = (struct move_sync_file){
		.file = file,
		.id = ours.n > 0 ? ours : parts.base,
		.is_new = is_new,
		.flags = is_new ? 0 : parts.flags,
	};
	return 0;
}

static int read_names(struct move_sync *y, int fd, bool is_new, struct fault *fault)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e = NULL;

	if (dir == NULL) {
		r = fault_errno(fault, errno, "cannot read the Maildir");
		move_close_fd(&copy);
		return r;
	}
	while (r == 0 && (errno = 0, e = readdir(dir)) != NULL)
		if (is_message(str_z(e->d_name)) && note_file(y, str_z(e->d_name), is_new) < 0)
			r = fault_set(fault, -E_LIMIT, "the Maildir has more messages than fit");
	if (r == 0 && errno != 0)
		r = fault_errno(fault, errno, "cannot read the Maildir");
	closedir(dir);
	return r;
}

int move_sync_scan(struct move_sync *y, struct fault *fault)
{
	size_t n = 0;
	int r;

	y->files = NULL;
	y->n_files = y->cap_files = 0;
	/* First new: what somebody moves to cur meanwhile is seen there, at the worst twice. */
	r = read_names(y, y->at.new, true, fault);
	if (r == 0)
		r = read_names(y, y->at.cur, false, fault);
	if (r < 0 || y->n_files == 0)
		return r;
	qsort(y->files, y->n_files, sizeof(*y->files), by_id);
	for (size_t i = 0; i < y->n_files; i++) {
		if (n > 0 && str_eq(y->files[n - 1].id, y->files[i].id)) {
			if (y->files[n - 1].is_new)
				y->files[n - 1] = y->files[i];
			continue;
		}
		y->files[n++] = y->files[i];
	}
	y->n_files = n;
	return 0;
}

struct move_sync_file *move_sync_find_file(struct move_sync *y, struct str id)
{
	size_t lo = 0, hi = y->n_files;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(y->files[mid].id, id);

		if (c == 0)
			return &y->files[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const char *move_sync_file_z(struct move_sync *y, const struct move_sync_file *file)
{
	const char *z = arena_z(&y->arena, file->file);

	return z != NULL ? z : "";
}

static int dir_of(const struct move_sync *y, const struct move_sync_file *file)
{
	return file->is_new ? y->at.new : y->at.cur;
}

int move_sync_read(struct move_sync *y, const struct move_sync_file *file, struct buf *out, int64_t *ret_date_s)
{
	AUTO(mem_auto_free) char *name_z = mem_dup_z(file->file);
	AUTO(buf_fini) struct buf raw = BUF_INIT(LIMIT_IMPORT_MESSAGE);
	int r;

	buf_reset(out);
	/* One that fetch has written as it came, because its line ends are of other kinds. */
	if (str_find(file->file, S(".martlet-as-is")) >= 0)
		return move_read_file(dir_of(y, file), name_z, out, ret_date_s);
	r = move_read_file(dir_of(y, file), name_z, &raw, ret_date_s);
	if (r == 0)
		move_add_crlf(out, buf_str(&raw), '\0');
	return r == 0 && buf_overflowed(out) ? -E_TOO_BIG : r;
}

int move_sync_set_flags(struct move_sync *y, struct move_sync_file *file, unsigned flags)
{
	struct move_file_name old = move_file_name_parse(file->file);
	AUTO(mem_auto_free) char *from_z = mem_dup_z(file->file);
	AUTO(buf_fini) struct buf to = BUF_INIT(4096);

	buf_add(&to, old.base);
	move_file_name_add_flags(&to, flags, old.is_forwarded, old.letters);
	if (renameat(dir_of(y, file), from_z, y->at.cur, buf_z(&to)) < 0)
		return errno == ENOENT ? -E_NOT_FOUND : err_from_errno(errno);
	file->flags = flags;
	return 0;
}

int move_sync_unlink(struct move_sync *y, const struct move_sync_file *file)
{
	AUTO(mem_auto_free) char *name_z = mem_dup_z(file->file);

	if (unlinkat(dir_of(y, file), name_z, 0) < 0)
		return errno == ENOENT ? -E_NOT_FOUND : err_from_errno(errno);
	return 0;
}

int move_sync_settle(struct move_sync *y, struct fault *fault)
{
	if (fsync(y->at.cur) < 0 || fsync(y->at.new) < 0)
		return fault_errno(fault, errno, "cannot sync the Maildir");
	return 0;
}
