/* SPDX-License-Identifier: MIT */
/* One Maildir folder: the files in cur and new, joined with the UIDs of dovecot-uidlist by the part of the name that never changes. */
#include "move/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files of others ---- */

void move_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int code(int errnum)
{
	if (errnum == ELOOP || errnum == ENOTDIR || errnum == ENXIO)
		return -E_CANNOT;
	return errnum == EACCES || errnum == EPERM ? -E_DENIED : err_from_errno(errnum);
}

int move_open_dir(int dir_fd, const char *name_z)
{
	int fd = openat(dir_fd, name_z, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? code(errno) : fd;
}

static bool has_dir(int fd, const char *name_z)
{
	AUTO(move_close_fd) int sub = move_open_dir(fd, name_z);

	return sub >= 0;
}

bool move_is_folder(int fd)
{
	return has_dir(fd, "cur") || has_dir(fd, "new");
}

bool move_is_part_of_folder(const char *name_z)
{
	return str_eq(str_z(name_z), S("cur")) || str_eq(str_z(name_z), S("new")) || str_eq(str_z(name_z), S("tmp"));
}

static int read_all(int fd, size_t size, struct buf *out)
{
	while (true) {
		size_t room = size + 1 > 65536 ? size + 1 : 65536;
		size_t left = out->max - out->n;
		char one, *p = left ? buf_reserve(out, room < left ? room : left) : &one;
		ssize_t n = p ? read(fd, p, !left ? 1 : room < left ? room : left) : 1;

		if (n < 0 && errno != EINTR)
			return -E_IO;
		if (n == 0)
			return 0;
		if (n > 0 && (!left || !p))
			return -E_TOO_BIG;
		if (n > 0)
			buf_commit(out, (size_t)n);
		size = 0;
	}
}

int move_read_file(int dir_fd, const char *name_z, struct buf *out, int64_t *ret_mtime_s)
{
	AUTO(move_close_fd) int fd = openat(dir_fd, name_z, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return code(errno);
	if (fstat(fd, &st) < 0)
		return -E_IO;
	if (!S_ISREG(st.st_mode))
		return -E_CANNOT;
	if (st.st_size > (off_t)out->max)
		return -E_TOO_BIG;
	if (ret_mtime_s)
		*ret_mtime_s = st.st_mtim.tv_sec;
	return read_all(fd, (size_t)st.st_size, out);
}

static int by_name(const void *a, const void *b)
{
	return str_cmp(str_z(*(char *const *)a), str_z(*(char *const *)b));
}

size_t move_list_names(int fd, char ***ret)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	char **v = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;

	while (dir && (e = readdir(dir)) != NULL) {
		if (str_eq(str_z(e->d_name), S(".")) || str_eq(str_z(e->d_name), S("..")))
			continue;
		if (n == cap) {
			cap = cap ? 2 * cap : 64;
			v = mem_resize(v, cap, sizeof(*v));
		}
		v[n++] = mem_dup_z(str_z(e->d_name));
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(v, n, sizeof(*v), by_name);
	*ret = v;
	return n;
}

/* ---- the list ---- */

static size_t base_of(const char *file_z)
{
	return move_file_name_parse(str_z(file_z)).base.n;
}

static struct str base(const struct move_entry *e)
{
	return str_of(e->file_z, e->base_n);
}

static void add(struct move_folder *f, const char *file_z, bool is_new)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 256;
		f->v = mem_resize(f->v, f->cap, sizeof(*f->v));
	}
	f->v[f->n++] = (struct move_entry){ .file_z = mem_dup_z(str_z(file_z)), .base_n = base_of(file_z), .is_new = is_new };
}

static int list_dir(struct move_folder *f, const char *name_z, bool is_new, struct fault *fault)
{
	int fd = move_open_dir(f->fd, name_z);
	struct dirent *e;
	DIR *dir;

	if (fd < 0)
		return fd == -E_NOT_FOUND ? 0 : fault_set(fault, fd, "cannot list its directory %s", name_z);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return fault_set(fault, -E_IO, "cannot list its directory %s", name_z);
	}
	while ((errno = 0, e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			add(f, e->d_name, is_new);
	if (errno) {
		int errnum = errno;

		closedir(dir);
		return fault_errno(fault, errnum, "cannot list its directory %s", name_z);
	}
	closedir(dir);
	return 0;
}

static int by_base(const void *a, const void *b)
{
	const struct move_entry *x = a, *y = b;
	int r = str_cmp(base(x), base(y));

	return r != 0 ? r : x->is_new - y->is_new;
}

static int by_uid(const void *a, const void *b)
{
	const struct move_entry *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid == 0 ? 1 : y->uid == 0 ? -1 : x->uid < y->uid ? -1 : 1;
	return by_base(a, b);
}

static struct move_entry *find(struct move_folder *f, struct str name)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int r = str_cmp(base(&f->v[mid]), name);

		if (r == 0)
			return &f->v[mid];
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* A UID for two files, or two for one, is none. */
static void join(struct move_folder *f, struct str text)
{
	struct str file;
	uint32_t uid, last = 0;
	int r;

	if (!move_uidlist_head(&text, &f->list))
		return;
	while ((r = move_uidlist_entry(&text, &f->list, &uid, &file)) != 0) {
		struct move_entry *e = r == 1 ? find(f, move_file_name_parse(file).base) : NULL;

		f->n_strange += r < 0 || uid <= last;
		if (r < 0)
			continue;
		if (e && e->uid == 0 && uid > last)
			e->uid = uid;
		if (uid > last)
			last = uid;
		if (f->list.uidnext <= last)
			f->list.uidnext = last < UINT32_MAX ? last + 1 : last;
	}
}

static void read_keywords(struct move_folder *f, struct str text)
{
	struct str name;
	unsigned letter;
	int r;

	while ((r = move_keyword_entry(&text, &letter, &name)) != 0) {
		if (r != 1)
			continue;
		mem_free(f->keywords_z[letter]);
		f->keywords_z[letter] = mem_dup_z(name);
	}
}

/* One of Dovecot's files; that it is not there is fine. */
static int read_side(struct move_folder *f, const char *name_z, struct buf *out, struct fault *fault)
{
	int r = move_read_file(f->fd, name_z, out, NULL);

	return r < 0 && r != -E_NOT_FOUND ? fault_set(fault, r, "cannot read its %s", name_z) : 0;
}

int move_folder_read(int fd, struct move_folder *ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf uidlist = BUF_INIT(MOVE_LIST_MAX);
	AUTO(buf_fini) struct buf keywords = BUF_INIT(1u << 20);
	int r;

	*ret = (struct move_folder){ .fd = fd };
	r = list_dir(ret, "cur", false, fault);
	if (r == 0)
		r = list_dir(ret, "new", true, fault);
	if (r == 0)
		r = read_side(ret, "dovecot-uidlist", &uidlist, fault);
	if (r == 0)
		r = read_side(ret, "dovecot-keywords", &keywords, fault);
	if (r < 0)
		return r;
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_base);
	join(ret, buf_str(&uidlist));
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_uid);
	read_keywords(ret, buf_str(&keywords));
	return 0;
}

void move_folder_fini(struct move_folder *f)
{
	for (size_t i = 0; i < f->n; i++)
		mem_free(f->v[i].file_z);
	for (size_t i = 0; i < ARRAY_LEN(f->keywords_z); i++)
		mem_free(f->keywords_z[i]);
	mem_free(f->v);
	*f = (struct move_folder){ .fd = -1 };
}
