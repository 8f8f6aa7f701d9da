/* SPDX-License-Identifier: MIT */
/*
 * One mbox file, mboxrd. Others may deliver to it and read it: it is locked (fcntl) while we append, and opened anew for each batch, for a reader may have put another file in
 * its place. Messages of all mailboxes go there. Bare CR and LF are what an mbox cannot keep.
 *
 * States of a batch: 1. It waits in memory. 2. The state has a note of each message: where in the file, how long, its hash and From_ line, and what the state is to be told. The notes are
 * synced before a byte goes to the file. 3. The file grows. 4. It is synced. 5. The state is told (fetch.c); the notes go with the next batch or at the end.
 * A crash in 3 or 4: the next run reads what the notes point to. Messages that are whole count as fetched, so none comes twice; behind them the file is cut, if it ends in the
 * middle of one of ours and nobody has written behind it. A write that fails is cut off at once.
 */
#include "move/fetch.h"
#include "move/folder.h"
#include "move/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"

#define BATCH 512
#define NOTE "!mbox."
#define LOCK_MS 30000
#define HEX (2 * STORE_IMPORT_KEY)

struct waiting {
	size_t at, n;      /* in text */
	char *key_z, *value_z;
};

struct mbox {
	struct buf text;
	struct waiting v[BATCH];
	size_t n, n_notes;
};

/* ---- the file ---- */

static int lock(int fd, struct fault *fault)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int64_t until_ms = clock_mono_ms() + LOCK_MS;

	while (fcntl(fd, F_SETLK, &l) < 0) {
		if (errno != EACCES && errno != EAGAIN && errno != EINTR)
			return fault_errno(fault, errno, "cannot lock the mbox");
		if (clock_mono_ms() > until_ms)
			return fault_set(fault, -E_BUSY, "somebody else has locked the mbox");
		poll(NULL, 0, 100);
	}
	return 0;
}

/* Locked, and the one that has the name. */
static int open_file(const char *path_z, int *ret, uint64_t *ret_size, struct fault *fault)
{
	struct stat own, named;

	for (;;) {
		AUTO(move_close_fd) int fd = open(path_z, O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
		int r;

		if (fd < 0)
			return fault_errno(fault, errno, "cannot open %s", path_z);
		r = lock(fd, fault);
		if (r < 0)
			return r;
		if (fstat(fd, &own) < 0 || !S_ISREG(own.st_mode))
			return fault_set(fault, -E_USAGE, "%s is no file", path_z);
		if (stat(path_z, &named) < 0 || named.st_ino != own.st_ino || named.st_dev != own.st_dev)
			continue;
		*ret_size = (uint64_t)own.st_size;
		*ret = fd;
		fd = -1;
		return 0;
	}
}

static int sync_parent(const char *path_z, struct fault *fault)
{
	struct str path = str_z(path_z);
	ptrdiff_t slash = str_rchr(path, '/');
	AUTO(mem_auto_free) char *dir_z = mem_dup_z(slash < 0 ? S(".") : slash == 0 ? S("/") : str_head(path, (size_t)slash));
	AUTO(move_close_fd) int dir = open(dir_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 || fsync(dir) < 0 ? fault_errno(fault, errno, "cannot sync %s", dir_z) : 0;
}

/* Added to out; false: so much is not there. */
static bool read_at(int fd, uint64_t at, uint64_t n, struct buf *out)
{
	while (n > 0) {
		char *p = buf_reserve(out, n < 65536 ? (size_t)n : 65536);
		ssize_t got = p != NULL ? pread(fd, p, n < 65536 ? (size_t)n : 65536, (off_t)at) : 0;

		if (got <= 0)
			return false;
		buf_commit(out, (size_t)got);
		at += (uint64_t)got;
		n -= (uint64_t)got;
	}
	return true;
}

/* ---- notes ---- */

static void add_hash(struct buf *out, struct str bytes)
{
	uint8_t key[STORE_IMPORT_KEY];

	move_key(S("mbox"), S(""), bytes, key);
	text_hex(out, str_of(key, sizeof(key)));
}

static void note_key(char ret[32], size_t i)
{
	snprintf(ret, 32, NOTE "%zu", i);
}

static void remove_notes(struct move_target *t)
{
	struct mbox *b = t->own;
	char key[32];

	for (size_t i = 0; i < b->n_notes; i++) {
		note_key(key, i);
		move_state_remove(t->state, str_z(key));
	}
	b->n_notes = 0;
}

static int put_notes(struct move_target *t, uint64_t offset, struct fault *fault)
{
	struct mbox *b = t->own;

	remove_notes(t);
	for (size_t i = 0; i < b->n; i++) {
		AUTO(buf_fini) struct buf value = BUF_INIT(65536);
		struct str text = str_of(b->text.p + b->v[i].at, b->v[i].n);
		char key[32];

		note_key(key, i);
		buf_printf(&value, "%" PRIu64 "\t%zu\t", offset + b->v[i].at, b->v[i].n);
		add_hash(&value, text);
		buf_printf(&value, "\t%" STR_FMT, STR_ARG(str_head(text, (size_t)str_chr(text, '\n'))));
		buf_printf(&value, "\t%s\t%s", b->v[i].key_z, b->v[i].value_z);
		if (buf_overflowed(&value) || value.n > 65000)
			return fault_set(fault, -E_LIMIT, "the name of a message is too long");
		move_state_set(t->state, str_z(key), buf_str(&value));
	}
	b->n_notes = b->n;
	return move_state_sync(t->state, fault);
}

struct note {
	uint64_t at, n;
	struct str hash, from, key, value;
};

static bool parse_note(struct str s, struct note *ret)
{
	struct str at, n;

	if (!str_split(&s, '\t', &at) || !str_split(&s, '\t', &n) || !str_split(&s, '\t', &ret->hash) || !str_split(&s, '\t', &ret->from) ||
	    !str_split(&s, '\t', &ret->key) ||
	    !str_to_u64(at, INT64_MAX / 2, &ret->at) || !str_to_u64(n, INT64_MAX / 2, &ret->n))
		return false;
	ret->value = s;
	return true;
}

static bool is_whole(int fd, const struct note *note)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT((size_t)2 << 30), hash = BUF_INIT(HEX + 1);

	if (!read_at(fd, note->at, note->n, &bytes))
		return false;
	add_hash(&hash, buf_str(&bytes));
	return str_eq(buf_str(&hash), note->hash);
}

/*
 * Where a torn message begins the file is cut, if that is all that stands there: what begins as it does, to the second, and no other line that begins with "From ". Who has
 * written the file anew meanwhile has nothing like it at that place.
 */
static int cut(int fd, const struct note *note, uint64_t size, struct fault *fault)
{
	AUTO(buf_fini) struct buf rest = BUF_INIT((size_t)2 << 30);

	if (size <= note->at || size >= note->at + note->n || !read_at(fd, note->at, size - note->at, &rest) || str_find(buf_str(&rest), S("\nFrom ")) >= 0 ||
	    !str_eq(str_head(buf_str(&rest), note->from.n), str_head(note->from, rest.n)))
		return 0;
	return ftruncate(fd, (off_t)note->at) < 0 || fsync(fd) < 0 ? fault_errno(fault, errno, "cannot cut the mbox") : 0;
}

/* What a crash has left. */
static int recover(struct move_target *t, struct fault *fault)
{
	struct mbox *b = t->own;
	AUTO(move_close_fd) int fd = -1;
	uint64_t size;
	char key[32];
	int r = open_file(t->path_z, &fd, &size, fault);
	bool is_torn = false;

	for (note_key(key, 0); r == 0 && move_state_get(t->state, str_z(key)).p != NULL; note_key(key, ++b->n_notes)) {
		struct note note;

		if (is_torn || !parse_note(move_state_get(t->state, str_z(key)), &note))
			continue;
		is_torn = !is_whole(fd, &note);
		if (is_torn)
			r = cut(fd, &note, size, fault);
		else if (note.key.n > 0)
			move_state_set(t->state, note.key, note.value);
	}
	if (r == 0 && b->n_notes > 0 && fsync(fd) < 0)
		r = fault_errno(fault, errno, "cannot sync %s", t->path_z);
	if (r == 0)
		r = sync_parent(t->path_z, fault);
	if (r == 0) /* first what was found, then that the notes are done with */
		r = move_state_sync(t->state, fault);
	if (r < 0)
		return r;
	remove_notes(t);
	return move_state_sync(t->state, fault);
}

/* ---- the target ---- */

static int open_mbox(struct move_target *t, struct fault *fault)
{
	struct mbox *b = MEM_NEW(struct mbox);

	b->text = (struct buf)BUF_INIT((size_t)2 << 30);
	t->own = b;
	return recover(t, fault);
}

static void forget(struct mbox *b)
{
	for (size_t i = 0; i < b->n; i++) {
		mem_free(b->v[i].key_z);
		mem_free(b->v[i].value_z);
	}
	b->n = 0;
	buf_reset(&b->text);
}

static int add_mbox(struct move_target *t, const struct move_fetched *m, struct fault *fault)
{
	struct mbox *b = t->own;
	struct move_message as = { .bytes = m->bytes, .flags = m->flags, .n_keywords = m->n_keywords, .date_s = m->date_s != 0 ? m->date_s : clock_wall_ms() / 1000 };
	struct waiting *w = &b->v[b->n];
	size_t at = b->text.n;

	must(b->n < BATCH);
	memcpy(as.keywords, m->keywords, sizeof(as.keywords));
	if (move_add_mboxrd(&b->text, &as, m->flags != 0 || m->n_keywords > 0) < 0)
		return fault_set(fault, -E_LIMIT, "there is not enough memory for a message");
	*w = (struct waiting){ .at = at, .n = b->text.n - at, .key_z = mem_dup_z(m->key), .value_z = mem_dup_z(m->value) };
	b->n++;
	return 0;
}

/* An mbox ends with an empty line before the next message; *ret: the line ends that it lacks. */
static bool gap(int fd, uint64_t size, struct str *ret)
{
	AUTO(buf_fini) struct buf end = BUF_INIT(4);

	*ret = S("");
	if (size == 0)
		return true;
	if (!read_at(fd, size < 2 ? 0 : size - 2, size < 2 ? size : 2, &end))
		return false;
	*ret = str_ends(buf_str(&end), S("\n\n")) ? S("") : str_ends(buf_str(&end), S("\n")) ? S("\n") : S("\n\n");
	return true;
}

static int append(struct mbox *b, int fd, uint64_t size, struct str gap_, struct fault *fault)
{
	int r = lseek(fd, (off_t)size, SEEK_SET) < 0 ? fault_errno(fault, errno, "cannot write the mbox") : 0;

	if (r == 0)
		r = move_write_all(fd, gap_, fault);
	if (r == 0)
		r = move_write_all(fd, buf_str(&b->text), fault);
	if (r == 0 && fsync(fd) < 0)
		r = fault_errno(fault, errno, "cannot sync the mbox");
	if (r < 0)
		(void)!ftruncate(fd, (off_t)size); /* if not, the notes tell the next run where */
	return r;
}

static int commit_mbox(struct move_target *t, struct fault *fault)
{
	struct mbox *b = t->own;
	AUTO(move_close_fd) int fd = -1;
	struct str lacks;
	uint64_t size = 0;
	int r;

	if (b->n == 0) {
		remove_notes(t);
		return 0;
	}
	r = open_file(t->path_z, &fd, &size, fault);
	if (r == 0 && !gap(fd, size, &lacks))
		r = fault_set(fault, -E_IO, "cannot read the end of %s", t->path_z);
	if (r == 0)
		r = put_notes(t, size + lacks.n, fault);
	if (r == 0)
		r = append(b, fd, size, lacks, fault);
	if (r == 0)
		forget(b);
	return r;
}

static void close_mbox(struct move_target *t)
{
	struct mbox *b = t->own;
	struct fault ignored;

	remove_notes(t);
	if (b->n == 0) /* else a commit has failed, and the notes are needed */
		(void)!move_state_sync(t->state, &ignored);
	t->own = NULL;
	forget(b);
	buf_fini(&b->text);
	mem_free(b);
}

const struct move_target_kind move_to_mbox = { "mbox", BATCH, open_mbox, add_mbox, commit_mbox, close_mbox };
