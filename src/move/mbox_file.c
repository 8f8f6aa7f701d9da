/* SPDX-License-Identifier: MIT */
/*
 * An mbox file: mapped, so that its size does not matter, and what was read is given back. A message is known again by its bytes, without
 * the fields in which mail programs keep its flags, and by how many like it came before in the file: for that 8 bytes a message are kept.
 */
#include "move/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

#define GIVE_BACK (64u << 20)

/* ---- how often was that hash there? ---- */

struct seen {
	uint64_t *v; /* open addressing; 0: free */
	size_t n, cap;
};

static bool seen_add(struct seen *s, uint64_t hash);

static void grow(struct seen *s)
{
	struct seen old = *s;

	s->cap = old.cap ? 2 * old.cap : 4096;
	s->v = mem_alloc(s->cap, sizeof(*s->v));
	s->n = 0;
	for (size_t i = 0; i < old.cap; i++)
		if (old.v[i])
			seen_add(s, old.v[i]);
	mem_free(old.v);
}

/* True: it is new. */
static bool seen_add(struct seen *s, uint64_t hash)
{
	size_t i;

	if (2 * s->n >= s->cap)
		grow(s);
	hash |= hash == 0;
	for (i = hash & (s->cap - 1); s->v[i]; i = (i + 1) & (s->cap - 1))
		if (s->v[i] == hash)
			return false;
	s->v[i] = hash;
	s->n++;
	return true;
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
	char nth[16];

	while (bytes.n && (bytes.p[bytes.n - 1] == '\n' || bytes.p[bytes.n - 1] == '\r'))
		bytes.n--; /* the last message gets them when another one comes behind it */
	for (unsigned i = 0;; i++) {
		uint64_t hash;

		snprintf(nth, sizeof(nth), "%u", i);
		move_key(S("mbox"), str_z(nth), bytes, m->key);
		memcpy(&hash, m->key, sizeof(hash));
		if (seen_add(&r->seen, hash))
			return;
	}
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

static int map(const char *path_z, struct str *ret, struct fault *fault)
{
	AUTO(move_close_fd) int fd = open(path_z, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
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

int move_mbox(const char *path_z, const char *into_z, enum move_mbox_quoting quoting, const struct move_sink *sink,
	      struct fault *fault)
{
	struct reader r = { .sink = sink, .path_z = path_z, .quoting = quoting, .message = BUF_INIT(LIMIT_IMPORT_MESSAGE) };
	const struct move_box box = { .name = into_z ? str_z(into_z) : S("INBOX") };
	int rc = map(path_z, &r.whole, fault);

	if (rc == 0)
		rc = sink->box(sink->ctx, &box, fault);
	if (rc == 0)
		rc = read_messages(&r, fault);
	if (r.whole.n)
		munmap((void *)(uintptr_t)r.whole.p, r.whole.n);
	buf_fini(&r.message);
	mem_free(r.seen.v);
	return rc;
}
