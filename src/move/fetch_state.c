/* SPDX-License-Identifier: MIT */
/*
 * What was fetched before: a table in memory, and a file that it is read from. The file is text, a line for each change, each with the CRC-32 of what follows:
 *
 *   martlet-fetch 1 pop3 ann@mail.example.org:995
 *   5d41402a +uAAAB<TAB>1234 9b74c9897bac770f 1795464480
 *   77f0e2c1 -uAAAB
 *
 * States: 1. changes wait in memory (move_state_set). 2. They are appended, in one write (move_state_sync). 3. The file is synced: they count. A crash in 1 loses
 * them, in 2 leaves a line that is cut or wrong: the next run cuts the file there, for what stands behind was not synced either.
 *
 * Written anew: 1. all pairs go into NAME.new. 2. That is synced. 3. It takes the name. 4. The directory is synced. A crash before 3 leaves a NAME.new that the next one
 * replaces.
 *
 * The lock is on the file that has the name: who got one that has lost it meanwhile opens again.
 */
#include "move/fetch.h"
#include "move/folder.h"
#include "move/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/limits.h"
#include "base/must.h"

#define HEAD "martlet-fetch 1 "
#define MEMORY (1u << 30)
#define CRC_DIGITS 8

struct pair {
	struct str key, value; /* key.p NULL: free; value.p NULL: removed */
};

struct move_state {
	int dir, fd;
	char *name_z;
	struct buf head;      /* the first line */
	struct buf changes;   /* not written yet */
	uint64_t size;        /* of the file, as far as it is right */
	size_t n_lines;
	struct pair *v;       /* cap is a power of two, at most half of it in use */
	size_t cap, n_used, n_live;
	struct arena arena;
};

/* ---- the table ---- */

/* FNV-1a: nobody gains by making names of messages collide but a slower fetch of their own. */
static size_t hash(struct str s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static struct pair *slot(const struct move_state *s, struct str key)
{
	size_t i = hash(key) & (s->cap - 1);

	while (s->v[i].key.p != NULL && !str_eq(s->v[i].key, key))
		i = (i + 1) & (s->cap - 1);
	return &s->v[i];
}

static void make_room(struct move_state *s)
{
	struct move_state old = *s;

	if (2 * (s->n_used + 1) <= s->cap)
		return;
	s->cap = s->cap > 0 ? 2 * s->cap : 1024;
	s->v = mem_alloc(s->cap, sizeof(*s->v));
	for (size_t i = 0; i < old.cap; i++)
		if (old.v[i].key.p != NULL)
			*slot(s, old.v[i].key) = old.v[i];
	mem_free(old.v);
}

/* False: there is not enough memory. */
static bool put(struct move_state *s, struct str key, struct str value)
{
	struct pair *p;
	struct str copy = arena_str(&s->arena, value);

	make_room(s);
	p = slot(s, key);
	if (p->key.p == NULL) {
		struct str own = arena_str(&s->arena, key);

		if (own.p == NULL)
			return false;
		p->key = own;
		s->n_used++;
	}
	if (copy.p == NULL)
		return false;
	s->n_live += p->value.p == NULL;
	p->value = copy;
	return true;
}

static void drop(struct move_state *s, struct str key)
{
	struct pair *p = s->cap > 0 ? slot(s, key) : NULL;

	if (p == NULL || p->value.p == NULL)
		return;
	s->n_live--;
	p->value = (struct str){ NULL, 0 };
}

struct str move_state_get(const struct move_state *s, struct str key)
{
	return s->cap > 0 ? slot(s, key)->value : (struct str){ NULL, 0 };
}

bool move_state_next(const struct move_state *s, size_t *at, struct str *ret_key, struct str *ret_value)
{
	while (*at < s->cap && s->v[*at].value.p == NULL)
		++*at;
	if (*at == s->cap)
		return false;
	*ret_key = s->v[*at].key;
	*ret_value = s->v[(*at)++].value;
	return true;
}

/* ---- lines ---- */

static void add_line(struct buf *out, char sign, struct str key, struct str value)
{
	size_t at = out->n;

	buf_printf(out, "%08x %c%" STR_FMT, 0u, sign, STR_ARG(key));
	if (sign == '+') {
		buf_add_char(out, '\t');
		buf_add(out, value);
	}
	if (!buf_overflowed(out)) {
		char digits[CRC_DIGITS + 1];

		snprintf(digits, sizeof(digits), "%08x",
			 (unsigned)crc32_z(0, (const Bytef *)out->p + at + CRC_DIGITS, out->n - at - CRC_DIGITS));
		memcpy(out->p + at, digits, CRC_DIGITS);
	}
	buf_add_char(out, '\n');
}

static void check_words(struct str key, struct str value)
{
	must(key.n > 0 && key.n + value.n < 65536 && str_chr(key, '\t') < 0 && str_chr(key, '\n') < 0 && str_chr(value, '\n') < 0);
}

void move_state_set(struct move_state *s, struct str key, struct str value)
{
	check_words(key, value);
	if (put(s, key, value))
		add_line(&s->changes, '+', key, value);
	else
		s->changes.overflowed = true;
}

void move_state_remove(struct move_state *s, struct str key)
{
	check_words(key, S(""));
	if (move_state_get(s, key).p == NULL)
		return;
	drop(s, key);
	add_line(&s->changes, '-', key, S(""));
}

/* False: it is not one of ours. */
static bool take_line(struct move_state *s, struct str line)
{
	char digits[CRC_DIGITS + 1];
	struct str key, rest = str_skip(line, CRC_DIGITS + 2);

	if (line.n < CRC_DIGITS + 3 || line.p[CRC_DIGITS] != ' ')
		return false;
	snprintf(digits, sizeof(digits), "%08x", (unsigned)crc32_z(0, (const Bytef *)line.p + CRC_DIGITS, line.n - CRC_DIGITS));
	if (!str_starts(line, str_z(digits)))
		return false;
	s->n_lines++;
	if (line.p[CRC_DIGITS + 1] == '-')
		drop(s, rest);
	else if (!str_split(&rest, '\t', &key) || key.n == 0 || !put(s, key, rest))
		return false;
	return true;
}

/* ---- the file ---- */

static int open_locked(struct move_state *s, struct fault *fault)
{
	struct stat own, named;

	for (;;) {
		s->fd = openat(s->dir, s->name_z, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		if (s->fd < 0 || fstat(s->fd, &own) < 0)
			return fault_errno(fault, errno, "cannot open the state %s", s->name_z);
		if (!S_ISREG(own.st_mode))
			return fault_set(fault, -E_CANNOT, "the state %s is no file", s->name_z);
		if (flock(s->fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? fault_set(fault, -E_BUSY, "another process fetches this account to there (it has the lock of %s)", s->name_z)
						    : fault_errno(fault, errno, "cannot lock %s", s->name_z);
		if (fstatat(s->dir, s->name_z, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == own.st_ino && named.st_dev == own.st_dev)
			return 0;
		move_close_fd(&s->fd);
	}
}

static int read_lines(struct move_state *s, struct str text, struct fault *fault)
{
	struct str rest = text, line;

	if (!str_starts(text, buf_str(&s->head)))
		return fault_set(fault, -E_CANNOT, "%s is not the state of %" STR_FMT, s->name_z, STR_ARG(str_skip(str_trim(buf_str(&s->head)), sizeof(HEAD) - 1)));
	rest = str_skip(rest, s->head.n);
	s->size = s->head.n;
	while (str_find(rest, S("\n")) >= 0 && str_split(&rest, '\n', &line) && take_line(s, line))
		s->size += line.n + 1;
	if (s->size < text.n && ftruncate(s->fd, (off_t)s->size) < 0)
		return fault_errno(fault, errno, "cannot cut %s", s->name_z);
	return 0;
}

/* A file that a crash left before its first line was whole is as good as none. */
static int begin(struct move_state *s, struct fault *fault)
{
	int r;

	if (ftruncate(s->fd, 0) < 0)
		return fault_errno(fault, errno, "cannot write %s", s->name_z);
	r = move_write_all(s->fd, buf_str(&s->head), fault);
	if (r == 0 && (fsync(s->fd) < 0 || fsync(s->dir) < 0))
		r = fault_errno(fault, errno, "cannot sync %s", s->name_z);
	s->size = s->head.n;
	return r;
}

static int load(struct move_state *s, struct fault *fault)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(MEMORY);
	struct str head = buf_str(&s->head);
	int r = move_read_file(s->dir, s->name_z, &text, NULL);

	if (r < 0)
		return fault_set(fault, r, "cannot read %s", s->name_z);
	if (text.n < head.n && str_starts(head, buf_str(&text)))
		return begin(s, fault);
	return read_lines(s, buf_str(&text), fault);
}

int move_state_open(int dir_fd, const char *name_z, struct str who, struct move_state **ret, struct fault *fault)
{
	struct move_state *s = MEM_NEW(struct move_state);
	int r;

	*s = (struct move_state){ .fd = -1, .dir = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0), .name_z = mem_dup_z(str_z(name_z)), .head = BUF_INIT(65536),
				  .changes = BUF_INIT(MEMORY) };
	arena_init(&s->arena, MEMORY);
	buf_printf(&s->head, HEAD "%" STR_FMT "\n", STR_ARG(who));
	r = open_locked(s, fault);
	if (r == 0)
		r = load(s, fault);
	if (r == 0)
		*ret = s;
	else
		move_state_close(&s);
	return r;
}

int move_state_sync(struct move_state *s, struct fault *fault)
{
	int r = 0;

	if (buf_overflowed(&s->changes))
		return fault_set(fault, -E_LIMIT, "there is not enough memory for the state %s", s->name_z);
	if (s->changes.n == 0)
		return 0;
	if (lseek(s->fd, (off_t)s->size, SEEK_SET) < 0)
		r = fault_errno(fault, errno, "cannot write %s", s->name_z);
	if (r == 0)
		r = move_write_all(s->fd, buf_str(&s->changes), fault);
	if (r == 0 && fdatasync(s->fd) < 0)
		r = fault_errno(fault, errno, "cannot sync %s", s->name_z);
	if (r < 0)
		return r; /* what was written comes once more to the same place, or is cut */
	s->size += s->changes.n;
	for (size_t i = 0; i < s->changes.n; i++)
		s->n_lines += s->changes.p[i] == '\n';
	buf_reset(&s->changes);
	return 0;
}

/* Nothing is lost if it does not work: the old file is still there. */
static void write_anew(struct move_state *s)
{
	AUTO(mem_auto_free) char *temp_z = mem_alloc(strlen(s->name_z) + 5, 1);
	AUTO(buf_fini) struct buf text = BUF_INIT(MEMORY);
	AUTO(move_close_fd) int fd = -1;
	struct str key, value;
	size_t at = 0;

	snprintf(temp_z, strlen(s->name_z) + 5, "%s.new", s->name_z);
	fd = move_create(s->dir, temp_z, NULL);
	buf_add(&text, buf_str(&s->head));
	while (move_state_next(s, &at, &key, &value))
		add_line(&text, '+', key, value);
	if (fd < 0 || buf_overflowed(&text) || flock(fd, LOCK_EX | LOCK_NB) < 0 || move_write_all(fd, buf_str(&text), NULL) < 0 ||
	    move_put(s->dir, fd, temp_z, s->name_z, NULL) < 0)
		(void)!unlinkat(s->dir, temp_z, 0);
}

void move_state_close(struct move_state **sp)
{
	struct move_state *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	if (s->fd >= 0 && s->changes.n == 0 && !s->changes.overflowed && s->n_lines > 2 * s->n_live + 1000)
		write_anew(s);
	move_close_fd(&s->fd);
	move_close_fd(&s->dir);
	mem_free(s->name_z);
	buf_fini(&s->head);
	buf_fini(&s->changes);
	mem_free(s->v);
	arena_fini(&s->arena);
	mem_free(s);
}
