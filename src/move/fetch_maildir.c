/* SPDX-License-Identifier: MIT */
/*
 * A Maildir, with Maildir++ folders for mailboxes other than INBOX. Unseen mail goes to new, mail with flags to cur. A file's name has a key of the account, the server's
 * name of the message and its bytes:
 *
 *   1795464480.M000123K0f3a...9c.martlet,S=120,W=123       with LF, as it is usual
 *   1795464480.M000124K77be...01.martlet-as-is,S=123:2,S   a message that has other line ends than CRLF: its bytes
 *
 * States of a message: 1. It is written below tmp. 2. The file is synced (commit). 3. It has its name in new or cur. 4. That directory is synced. A crash in 1 or 2 leaves a
 * file in tmp, which the next try for that message replaces, or whoever cleans tmp after 36 hours as Maildir has it; in 3 or 4 a message that is there, and is known by its
 * key when it comes again.
 *
 * Writing back begins while more messages come (sync_file_range). A batch of more than a few is synced with all that the file system has to write (syncfs, which tells of errors
 * since Linux 5.8): that waits for the disk once, where each file's own sync would wait for it each time.
 */
#include "move/fetch.h"
#include "move/folder.h"
#include "move/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define BATCH 512
#define FEW 4           /* are synced one by one */
#define HEX (2 * STORE_IMPORT_KEY)

struct waiting {
	int fd;            /* of the first few; -1: closed */
	bool is_seen;      /* goes to cur */
	char *temp_z, *name_z;
};

struct maildir {
	int root;
	char *box_z;       /* the one that is open; NULL: none */
	struct move_fetch_dirs at;
	bool is_new_used, is_cur_used;
	uint8_t (*keys)[STORE_IMPORT_KEY]; /* of our files in it, sorted */
	size_t n_keys;
	struct waiting v[BATCH];
	size_t n;
	unsigned serial;
	struct buf lf;
};

/* ---- the folder ---- */

static void forget_box(struct maildir *d)
{
	move_fetch_dirs_close(&d->at);
	mem_free(d->box_z);
	mem_free(d->keys);
	d->box_z = NULL;
	d->keys = NULL;
	d->n_keys = 0;
}

struct str move_fetch_maildir_name(struct str file)
{
	ptrdiff_t end = str_find(file, S(".martlet"));
	struct str name;

	if (end < HEX + 1 || file.p[end - HEX - 1] != 'K')
		return S("");
	name = str_of(file.p + end - HEX - 1, HEX + 1);
	for (size_t i = 1; i < name.n; i++)
		if (text_hex_digit(name.p[i]) < 0)
			return S("");
	return name;
}

/* The key in the name of a file of ours. */
static bool key_of(struct str file, uint8_t ret[STORE_IMPORT_KEY])
{
	struct str name = move_fetch_maildir_name(file);

	for (size_t i = 0; name.n > 0 && i < STORE_IMPORT_KEY; i++)
		ret[i] = (uint8_t)(text_hex_digit(name.p[1 + 2 * i]) << 4 | text_hex_digit(name.p[2 + 2 * i]));
	return name.n > 0;
}

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, STORE_IMPORT_KEY);
}

static void note_keys(struct maildir *d, int dir)
{
	char **names_z = NULL;
	size_t n = move_list_names(dir, &names_z);

	d->keys = mem_resize(d->keys, d->n_keys + n + 1, sizeof(*d->keys));
	for (size_t i = 0; i < n; i++) {
		d->n_keys += key_of(str_z(names_z[i]), d->keys[d->n_keys]);
		mem_free(names_z[i]);
	}
	mem_free(names_z);
}

int move_fetch_maildir_dirs(int root, struct str box, struct move_fetch_dirs *ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf name = BUF_INIT(65536);

	*ret = (struct move_fetch_dirs){ -1, -1, -1, -1 };
	if (str_ieq(box, S("INBOX"))) {
		ret->fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (ret->fd < 0)
			return fault_errno(fault, errno, "cannot write");
	} else {
		buf_add_char(&name, '.');
		move_name_write(&name, box, '.');
		ret->fd = move_make_dir(root, buf_z(&name), fault);
	}
	ret->cur = ret->fd < 0 ? ret->fd : move_make_dir(ret->fd, "cur", fault);
	ret->new = ret->cur < 0 ? ret->cur : move_make_dir(ret->fd, "new", fault);
	ret->tmp = ret->new < 0 ? ret->new : move_make_dir(ret->fd, "tmp", fault);
	if (ret->tmp >= 0 && (fsync(ret->fd) < 0 || fsync(root) < 0))
		return fault_errno(fault, errno, "cannot sync the directory");
	return ret->tmp < 0 ? ret->tmp : 0;
}

void move_fetch_dirs_close(struct move_fetch_dirs *d)
{
	move_close_fd(&d->cur);
	move_close_fd(&d->new);
	move_close_fd(&d->tmp);
	move_close_fd(&d->fd);
}

/* Nothing waits: fetch.c commits before the mailbox changes. */
static int choose(struct maildir *d, struct str box, struct fault *fault)
{
	int r;

	if (d->box_z != NULL && str_eq(str_z(d->box_z), box))
		return 0;
	forget_box(d);
	r = move_fetch_maildir_dirs(d->root, box, &d->at, fault);
	if (r < 0)
		return r;
	note_keys(d, d->at.new);
	note_keys(d, d->at.cur);
	qsort(d->keys, d->n_keys, sizeof(*d->keys), by_key);
	d->box_z = mem_dup_z(box);
	return 0;
}

static int open_maildir(struct move_target *t, struct fault *fault)
{
	struct maildir *d = MEM_NEW(struct maildir);

	*d = (struct maildir){ .root = -1, .at = { -1, -1, -1, -1 }, .lf = BUF_INIT((size_t)2 << 30) };
	t->own = d;
	d->root = move_open_path(t->path_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC, true, fault);
	return d->root < 0 ? d->root : 0;
}

/* ---- messages ---- */

static void name_file(struct maildir *d, const struct move_fetched *m, const uint8_t key[STORE_IMPORT_KEY], bool is_canonical, size_t on_disk, struct buf *name)
{
	buf_printf(name, "%lld.M%06uK", (long long)(m->date_s != 0 ? m->date_s : clock_wall_ms() / 1000), d->serial++ % 1000000);
	text_hex(name, str_of(key, STORE_IMPORT_KEY));
	if (is_canonical)
		buf_printf(name, ".martlet,S=%zu,W=%zu", on_disk, m->bytes.n);
	else
		buf_printf(name, ".martlet-as-is,S=%zu", on_disk);
}

static int write_temp(struct maildir *d, const struct move_fetched *m, struct str bytes, struct waiting *w, struct fault *fault)
{
	const struct timespec times[2] = { { .tv_sec = m->date_s }, { .tv_sec = m->date_s } };
	int r;

	w->fd = move_create(d->at.tmp, w->temp_z, fault);
	r = w->fd < 0 ? w->fd : move_write_all(w->fd, bytes, fault);
	if (r == 0 && m->date_s != 0 && futimens(w->fd, times) < 0)
		r = fault_errno(fault, errno, "cannot write %s", w->temp_z);
	if (r == 0) /* begins; whether it went well is told by the sync */
		(void)!sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return r;
}

static void drop(struct maildir *d, struct waiting *w)
{
	if (w->temp_z != NULL)
		(void)!unlinkat(d->at.tmp, w->temp_z, 0);
	move_close_fd(&w->fd);
	mem_free(w->temp_z);
	mem_free(w->name_z);
}

static bool is_letter_flag(const struct move_fetched *m)
{
	for (size_t i = 0; i < m->n_keywords; i++)
		if (str_ieq(m->keywords[i], S("$Forwarded")))
			return true;
	return false;
}

void move_fetch_maildir_key(struct str who, const struct move_fetched *m, uint8_t ret[STORE_IMPORT_KEY])
{
	AUTO(buf_fini) struct buf from = BUF_INIT(65536 * 2);

	buf_printf(&from, "%" STR_FMT "\n%" STR_FMT, STR_ARG(who), STR_ARG(m->box));
	move_key(buf_str(&from), m->name, m->bytes, ret);
}

static int add_maildir(struct move_target *t, const struct move_fetched *m, struct fault *fault)
{
	struct maildir *d = t->own;
	AUTO(buf_fini) struct buf name = BUF_INIT(4096);
	bool is_canonical = move_is_canonical(m->bytes);
	struct waiting w = { .fd = -1, .is_seen = m->flags != 0 };
	uint8_t key[STORE_IMPORT_KEY];
	int r = choose(d, m->box, fault);

	if (r < 0)
		return r;
	move_fetch_maildir_key(t->who, m, key);
	if (d->n_keys > 0 && bsearch(key, d->keys, d->n_keys, sizeof(*d->keys), by_key) != NULL)
		return 1;
	buf_reset(&d->lf);
	if (is_canonical)
		move_add_lf(&d->lf, m->bytes);
	if (buf_overflowed(&d->lf))
		return fault_set(fault, -E_LIMIT, "there is not enough memory for a message");
	name_file(d, m, key, is_canonical, is_canonical ? d->lf.n : m->bytes.n, &name);
	w.temp_z = mem_dup_z(buf_str(&name));
	if (w.is_seen)
		move_file_name_add_flags(&name, m->flags, is_letter_flag(m), 0);
	w.name_z = mem_dup_z(buf_str(&name));
	r = write_temp(d, m, is_canonical ? buf_str(&d->lf) : m->bytes, &w, fault);
	if (r < 0) {
		drop(d, &w);
		return r;
	}
	if (d->n >= FEW)
		move_close_fd(&w.fd);
	d->v[d->n++] = w;
	return r;
}

/* ---- commit ---- */

static int put_in_place(struct maildir *d, struct waiting *w, struct fault *fault)
{
	if (renameat(d->at.tmp, w->temp_z, w->is_seen ? d->at.cur : d->at.new, w->name_z) < 0)
		return fault_errno(fault, errno, "cannot write %s", w->name_z);
	mem_free(w->temp_z);
	w->temp_z = NULL; /* it is no temporary file any more */
	d->is_cur_used |= w->is_seen;
	d->is_new_used |= !w->is_seen;
	return 0;
}

static int sync_files(struct maildir *d, struct fault *fault)
{
	if (d->n > FEW)
		return syncfs(d->at.tmp) < 0 ? fault_errno(fault, errno, "cannot sync the messages") : 0;
	for (size_t i = 0; i < d->n; i++)
		if (fsync(d->v[i].fd) < 0)
			return fault_errno(fault, errno, "cannot sync %s", d->v[i].temp_z);
	return 0;
}

static int commit_maildir(struct move_target *t, struct fault *fault)
{
	struct maildir *d = t->own;
	int r = sync_files(d, fault);

	for (size_t i = 0; i < d->n && r == 0; i++)
		r = put_in_place(d, &d->v[i], fault);
	if (r == 0 && ((d->is_new_used && fsync(d->at.new) < 0) || (d->is_cur_used && fsync(d->at.cur) < 0)))
		r = fault_errno(fault, errno, "cannot sync the directory");
	if (r < 0)
		return r;
	for (size_t i = 0; i < d->n; i++)
		drop(d, &d->v[i]);
	d->n = 0;
	d->is_new_used = d->is_cur_used = false;
	return 0;
}

static void close_maildir(struct move_target *t)
{
	struct maildir *d = t->own;

	t->own = NULL;
	for (size_t i = 0; i < d->n; i++)
		drop(d, &d->v[i]);
	forget_box(d);
	move_close_fd(&d->root);
	buf_fini(&d->lf);
	mem_free(d);
}

const struct move_target_kind move_to_maildir = { "maildir", BATCH, open_maildir, add_maildir, commit_maildir, close_maildir };
