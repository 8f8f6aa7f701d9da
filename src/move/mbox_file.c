/* SPDX-License-Identifier: MIT */
/*
 * An mbox file: mapped, so that its size does not matter, and what was read is given back. A message is known again by its bytes, without
 * the fields in which mail programs keep its flags, and by how many like it came before in the file: for that up to 64 bytes a message are kept.
 */
#include "move/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

#define DEPTH_MAX 20
#define GIVE_BACK (4u << 20)

/* ---- how often was that hash there? ---- */

struct seen {
	struct seen_entry {
		uint64_t hash;
		unsigned n; /* 0: free */
	} *v; /* open addressing */
	size_t n, cap;
};

static struct seen_entry *find(const struct seen *s, uint64_t hash)
{
	size_t i = hash & (s->cap - 1);

	while (s->v[i].n > 0 && s->v[i].hash != hash)
		i = (i + 1) & (s->cap - 1);
	return &s->v[i];
}

static void grow(struct seen *s)
{
	struct seen old = *s;

	s->cap = old.cap ? 2 * old.cap : 4096;
	s->v = mem_alloc(s->cap, sizeof(*s->v));
	for (size_t i = 0; i < old.cap; i++)
		if (old.v[i].n > 0)
			*find(s, old.v[i].hash) = old.v[i];
	mem_free(old.v);
}

/* How often it was there before. */
static unsigned seen_add(struct seen *s, uint64_t hash)
{
	struct seen_entry *e;

	if (2 * s->n >= s->cap)
		grow(s);
	e = find(s, hash);
	s->n += e->n == 0;
	e->hash = hash;
	return e->n++;
}

/* ---- messages ---- */

struct reader {
	const struct move_sink *sink;
	const char *path_z;
	enum move_mbox_quoting quoting;
	struct str whole;
	size_t given_back;
	struct seen seen;
	struct buf message;
	unsigned number;
	char where[4096];
};

/* Messages that are alike get keys of their own: the first, the second, ... */
static void make_key(struct reader *r, struct move_message *m)
{
	struct str bytes = m->bytes;
	uint64_t hash;
	unsigned n;
	char nth[16];

	while (bytes.n && (bytes.p[bytes.n - 1] == '\n' || bytes.p[bytes.n - 1] == '\r'))
		bytes.n--; /* the last message gets them when another one comes behind it */
	move_key(S("mbox"), S("0"), bytes, m->key);
	memcpy(&hash, m->key, sizeof(hash));
	n = seen_add(&r->seen, hash);
	if (n == 0)
		return;
	snprintf(nth, sizeof(nth), "%u", n);
	move_key(S("mbox"), str_z(nth), bytes, m->key);
}

static int give(struct reader *r, const struct move_mbox_part *part, struct fault *fault)
{
	struct move_message m = { .where_z = r->where };
	int rc;

	snprintf(r->where, sizeof(r->where), "%s, message %u", r->path_z, r->number);
	if (r->number == 1 && move_mbox_is_internal(part)) {
		r->sink->note(r->sink->ctx, "the first message of the mbox is no mail but data of a mail program: left out");
		return 0;
	}
	buf_reset(&r->message);
	rc = move_mbox_message(part, r->quoting, &r->message, &m);
	if (rc < 0)
		r->sink->bad(r->sink->ctx, r->where, "larger than 256 MiB");
	else if (r->message.n == 0)
		r->sink->bad(r->sink->ctx, r->where, "empty");
	if (rc < 0 || r->message.n == 0)
		return 0;
	m.bytes = buf_str(&r->message);
	make_key(r, &m);
	return r->sink->message(r->sink->ctx, &m, fault);
}

/* Pages that are behind us count as ours until we say that they are not needed. */
static void give_back(struct reader *r, struct str rest)
{
	size_t done = (size_t)(rest.p - r->whole.p) & ~(size_t)0xffff;

	if (done < r->given_back + GIVE_BACK)
		return;
	madvise((char *)(uintptr_t)r->whole.p + r->given_back, done - r->given_back, MADV_DONTNEED);
	r->given_back = done;
}

static int read_messages(struct reader *r, struct fault *fault)
{
	struct str rest = r->whole;
	struct move_mbox_part part;
	int rc;

	while ((rc = move_mbox_next(&rest, &part)) == 1) {
		r->number++;
		rc = give(r, &part, fault);
		if (rc < 0)
			return rc;
		give_back(r, rest);
	}
	if (rc < 0)
		r->sink->bad(r->sink->ctx, r->path_z, "not an mbox: it does not begin with a line \"From ...\"");
	return 0;
}

/* The whole file, if it is one. */
static int map(int fd, const char *path_z, struct str *ret, struct fault *fault)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return fault_errno(fault, errno, "cannot read %s", path_z);
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, -E_CANNOT, "%s is not a file", path_z);
	*ret = str_of("", 0);
	if (st.st_size == 0)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return fault_errno(fault, errno, "cannot read %s", path_z);
	madvise(p, (size_t)st.st_size, MADV_SEQUENTIAL);
	*ret = str_of(p, (size_t)st.st_size);
	return 0;
}

#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int give_file(struct reader *r, int fd, struct str mailbox, struct fault *fault)
{
	const struct move_box box = { .name = mailbox };
	int rc = map(fd, r->path_z, &r->whole, fault);

	if (rc == 0)
		rc = r->sink->box(r->sink->ctx, &box, fault);
	if (rc == 0)
		rc = read_messages(r, fault);
	if (r->whole.n)
		munmap((void *)(uintptr_t)r->whole.p, r->whole.n);
	buf_fini(&r->message);
	mem_free(r->seen.v);
	return rc;
}

int move_mbox(const char *path_z, const char *into_z, enum move_mbox_quoting quoting, const struct move_sink *sink,
	      struct fault *fault)
{
	struct reader r = { .sink = sink, .path_z = path_z, .quoting = quoting, .message = BUF_INIT(LIMIT_IMPORT_MESSAGE) };
	AUTO(move_close_fd) int fd = move_open_path(path_z, OPEN_FLAGS, false, fault);

	if (fd < 0)
		return fd;
	return give_file(&r, fd, into_z ? str_z(into_z) : S("INBOX"), fault);
}

/* ---- a directory of them ---- */

struct dir_walk {
	const struct move_sink *sink;
	bool is_beside; /* Maildirs: what cannot be read there was told already, or is none of ours */
	enum move_mbox_quoting quoting;
	size_t top_n;   /* of a path: what is before the names */
	unsigned n;
};

static void say_bad(const struct dir_walk *w, const char *path_z, const char *why_z)
{
	if (!w->is_beside)
		w->sink->bad(w->sink->ctx, path_z, why_z);
}

/* Sent.2024.mbox of ours, or Sent/2024 of others; Sent.mbox/mbox of Apple Mail. */
static void name_mailbox(struct dir_walk *w, const char *path_z, struct buf *name)
{
	struct str disk = str_skip(str_z(path_z), w->top_n + 1);
	bool is_ours = str_ends(disk, S(".mbox")) && disk.n > 5;
	AUTO(buf_fini) struct buf text = BUF_INIT(65536), plain = BUF_INIT(65536);

	if (is_ours)
		disk.n -= 5;
	else if (str_ends(disk, S(".mbox/mbox")) && disk.n > 10)
		disk.n -= 10;
	move_path_plain(&plain, disk);
	if (move_name_read(name, is_ours ? disk : buf_str(&plain), is_ours ? '.' : '/'))
		return;
	buf_printf(&text, "%s cannot have that name here: it is %s", path_z, buf_z(name));
	w->sink->note(w->sink->ctx, buf_z(&text));
}

/* Beside Maildirs there may be anything, also a text that begins with "From ". */
static bool is_mbox(const struct dir_walk *w, int fd, const char *path_z)
{
	char head[4096];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	struct str s = str_of(head, n < 0 ? 0 : (size_t)n);
	AUTO(buf_fini) struct buf text = BUF_INIT(65536);

	if (!str_starts(s, S("From ")))
		return false;
	if (!w->is_beside || move_mbox_is_begin(s))
		return true;
	buf_printf(&text, "%s begins like an mbox and is none: left out", path_z);
	w->sink->note(w->sink->ctx, buf_z(&text));
	return false;
}

static int walk_dir(struct dir_walk *w, int fd, const char *path_z, unsigned depth, struct fault *fault);

static int try_file(struct dir_walk *w, int parent, const char *path_z, const char *name_z, unsigned depth, struct fault *fault)
{
	struct reader r = { .sink = w->sink, .path_z = path_z, .quoting = w->quoting, .message = BUF_INIT(LIMIT_IMPORT_MESSAGE) };
	AUTO(move_close_fd) int fd = openat(parent, name_z, OPEN_FLAGS | O_NOFOLLOW);
	AUTO(buf_fini) struct buf name = BUF_INIT(65536);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		say_bad(w, path_z, errno == ELOOP ? "a symbolic link: left out" : "cannot be read");
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return walk_dir(w, fd, path_z, depth + 1, fault);
	if (!S_ISREG(st.st_mode) || !is_mbox(w, fd, path_z))
		return 0;
	w->n++;
	name_mailbox(w, path_z, &name);
	return give_file(&r, fd, buf_str(&name), fault);
}

static int walk_dir(struct dir_walk *w, int fd, const char *path_z, unsigned depth, struct fault *fault)
{
	char **names = NULL;
	char path[4096];
	size_t n = depth > DEPTH_MAX ? 0 : move_list_names(fd, &names);
	bool is_maildir = move_is_folder(fd);
	int r = 0;

	if (depth > DEPTH_MAX)
		say_bad(w, path_z, "too deep: what is in it is left out");
	for (size_t i = 0; i < n; i++) {
		bool fits = (size_t)snprintf(path, sizeof(path), "%s/%s", path_z, names[i]) < sizeof(path);

		if (!fits)
			say_bad(w, path, "its path is too long: left out");
		else if (r == 0 && (names[i][0] != '.' || move_is_of_kmail(str_z(names[i]))) &&
			 !(is_maildir && move_is_part_of_folder(names[i])))
			r = try_file(w, fd, path, names[i], depth, fault);
		mem_free(names[i]);
	}
	mem_free(names);
	return r;
}

int move_mbox_dir(const char *path_z, bool is_beside, enum move_mbox_quoting quoting, const struct move_sink *sink,
		  struct fault *fault)
{
	struct dir_walk w = { .sink = sink, .is_beside = is_beside, .quoting = quoting, .top_n = strlen(path_z) };
	AUTO(move_close_fd) int fd = move_open_path(path_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC, false, fault);
	int r;

	if (fd < 0)
		return fd;
	r = walk_dir(&w, fd, path_z, 0, fault);
	if (r == 0 && w.n == 0 && !is_beside)
		r = fault_set(fault, -E_NOT_FOUND, "%s: there is neither a Maildir nor an mbox in it", path_z);
	return r;
}
