/* SPDX-License-Identifier: MIT */
/*
 * Maildir++ that Dovecot can serve: dovecot-uidlist keeps UIDVALIDITY and UIDs, dovecot-keywords names the letters of keywords.
 *
 * A file's name comes from the mailbox and the UID, so that a run that was interrupted writes none twice:
 *
 *   1795464480.M7P1234567.martlet,S=120,W=123:2,S     INTERNALDATE, UID, UIDVALIDITY; with LF, as it is usual
 *   1795464480.M7P1234567.martlet-as-is,S=123:2,S     a message that has other line ends than CRLF: its bytes
 *
 * States of a folder: 1. files come, each made in tmp and renamed to cur; dovecot-uidlist is that of the run before, and the new one grows
 * beside it. 2. all files are synced (syncfs). 3. the new dovecot-uidlist is synced and takes the place of the old one. A crash
 * in 1 or 2: the next run begins where the old one ends, and finds the files that are there.
 */
#include "move/folder.h"
#include "move/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

#define LIST "dovecot-uidlist"
#define LIST_TEMP "martlet-uidlist"

struct out {
	int fd, cur, tmp, list;
	struct move_folder there;
	struct move_box box;
	struct buf lf;       /* the message at hand */
	struct buf lines;    /* of the new list, not written yet */
	bool has_new_keywords;
};

static void out_free(struct out *o)
{
	move_close_fd(&o->list);
	move_close_fd(&o->tmp);
	move_close_fd(&o->cur);
	move_close_fd(&o->fd);
	move_folder_fini(&o->there);
	buf_fini(&o->lf);
	buf_fini(&o->lines);
	mem_free(o);
}

/* ---- open ---- */

static int open_dirs(struct move_writer *w, struct out *o, struct fault *fault)
{
	AUTO(buf_fini) struct buf name = BUF_INIT(65536);
	AUTO(move_close_fd) int new_dir = -1;

	if (str_eq(o->box.name, S("INBOX"))) {
		o->fd = openat(w->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (o->fd < 0)
			return fault_errno(fault, errno, "cannot write");
	} else {
		buf_add_char(&name, '.');
		move_name_write(&name, o->box.name, '.');
		o->fd = move_make_dir(w->fd, buf_z(&name), fault);
	}
	if (o->fd < 0)
		return o->fd;
	o->cur = move_make_dir(o->fd, "cur", fault);
	o->tmp = o->cur < 0 ? -1 : move_make_dir(o->fd, "tmp", fault);
	new_dir = o->tmp < 0 ? -1 : move_make_dir(o->fd, "new", fault);
	return o->cur < 0 ? o->cur : o->tmp < 0 ? o->tmp : new_dir < 0 ? new_dir : 0;
}

/* The head of the new list, and the lines of the old one. */
static int begin_list(struct out *o, struct fault *fault)
{
	AUTO(buf_fini) struct buf old = BUF_INIT(MOVE_LIST_MAX);
	struct str rest;
	struct move_uidlist head;
	int r = move_read_file(o->fd, LIST, &old, NULL);

	if (r < 0 && r != -E_NOT_FOUND)
		return fault_set(fault, r, "cannot read its %s", LIST);
	o->list = move_create(o->fd, LIST_TEMP, fault);
	if (o->list < 0)
		return o->list;
	buf_printf(&o->lines, "3 V%u N%u\n", o->box.uidvalidity, o->box.uidnext);
	rest = buf_str(&old);
	if (move_uidlist_head(&rest, &head) && head.version == 3) {
		r = move_write_all(o->list, buf_str(&o->lines), fault);
		buf_reset(&o->lines);
		return r < 0 ? r : move_write_all(o->list, rest, fault);
	}
	return 0;
}

/* Whether each UID of the list names a file of ours; else somebody delivers there, and its UIDs are not those of our messages. */
static bool is_all_ours(const struct out *o)
{
	char ours[40];

	for (size_t i = 0; i < o->there.n; i++) {
		const struct move_entry *e = &o->there.v[i];

		snprintf(ours, sizeof(ours), ".M%uP%u.martlet", e->uid, o->box.uidvalidity);
		if (e->uid && str_find(str_of(e->file_z, e->base_n), str_z(ours)) < 0)
			return false;
	}
	return o->there.list.uidnext <= o->box.uidnext;
}

static int open_folder(struct move_writer *w, const struct move_box *box, uint32_t *ret_from, struct fault *fault)
{
	struct out *o = MEM_NEW(struct out);
	int r;

	*o = (struct out){ .fd = -1, .cur = -1, .tmp = -1, .list = -1, .box = *box, .there = { .fd = -1 },
			   .lf = BUF_INIT((size_t)2 << 30), .lines = BUF_INIT(1u << 20) };
	w->state = o;
	r = open_dirs(w, o, fault);
	if (r == 0)
		r = move_folder_read(o->fd, &o->there, fault);
	if (r == 0 && o->there.list.uidvalidity && o->there.list.uidvalidity != box->uidvalidity)
		r = fault_set(fault, -E_CANNOT, "a mailbox of that name and another UIDVALIDITY is there already");
	if (r == 0 && !is_all_ours(o))
		r = fault_set(fault, -E_CANNOT, "it has messages there that are not from us; export into a new directory");
	if (r == 0)
		r = begin_list(o, fault);
	if (r == 0)
		*ret_from = o->there.list.uidvalidity ? o->there.list.uidnext : 1;
	return r;
}

/* ---- add ---- */

/* The letter of a keyword, a new one if there is one left; 26: none. */
static unsigned letter_of(struct out *o, struct str keyword)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(o->there.keywords_z) && o->there.keywords_z[i]; i++)
		if (str_ieq(str_z(o->there.keywords_z[i]), keyword))
			return i;
	if (i < ARRAY_LEN(o->there.keywords_z)) {
		o->there.keywords_z[i] = mem_dup_z(keyword);
		o->has_new_keywords = true;
	}
	return i;
}

static void name_file(struct move_writer *w, struct out *o, const struct move_message *m, bool is_canonical, size_t on_disk,
		      struct buf *name, size_t *ret_base)
{
	bool is_forwarded = false;
	uint32_t letters = 0;

	buf_printf(name, "%lld.M%uP%u.martlet", (long long)m->date_s, m->uid, o->box.uidvalidity);
	if (is_canonical)
		buf_printf(name, ",S=%zu,W=%zu", on_disk, m->bytes.n);
	else
		buf_printf(name, "-as-is,S=%zu", on_disk);
	*ret_base = name->n;
	for (size_t i = 0; i < m->n_keywords; i++) {
		bool is_p = str_ieq(m->keywords[i], S("$Forwarded")); /* Dovecot knows its letter only, others P only */
		unsigned letter = letter_of(o, m->keywords[i]);

		is_forwarded |= is_p;
		if (letter < 26)
			letters |= 1u << letter;
		w->lost_keywords += letter == 26 && !is_p;
	}
	move_file_name_add_flags(name, m->flags, is_forwarded, letters);
}

/* A run that was interrupted has made it: those without a UID stand at the end, by name. */
static bool is_there(const struct move_folder *f, struct str base)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct move_entry *e = &f->v[mid];
		int r = e->uid ? -1 : str_cmp(str_of(e->file_z, e->base_n), base);

		if (r == 0)
			return true;
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* In tmp its name has no flags: they may be others when a run that was killed is made good. */
static int write_file(struct out *o, const char *name_z, struct str base, struct str bytes, int64_t date_s, struct fault *fault)
{
	const struct timespec times[2] = { { .tv_sec = date_s }, { .tv_sec = date_s } };
	AUTO(mem_auto_free) char *temp_z = mem_dup_z(base);
	AUTO(move_close_fd) int fd = move_create(o->tmp, temp_z, fault);
	int r = fd < 0 ? fd : move_write_all(fd, bytes, fault);

	if (r == 0 && (futimens(fd, times) < 0 || renameat(o->tmp, temp_z, o->cur, name_z) < 0))
		r = fault_errno(fault, errno, "cannot write %s", name_z);
	return r;
}

static int flush_lines(struct out *o, struct fault *fault)
{
	int r = move_write_all(o->list, buf_str(&o->lines), fault);

	buf_reset(&o->lines);
	return r;
}

static int add_message(struct move_writer *w, const struct move_message *m, struct fault *fault)
{
	struct out *o = w->state;
	AUTO(buf_fini) struct buf name = BUF_INIT(4096);
	bool is_canonical = move_is_canonical(m->bytes);
	struct str bytes = m->bytes;
	size_t base;
	int r = 0;

	if (is_canonical) {
		buf_reset(&o->lf);
		move_add_lf(&o->lf, m->bytes);
		if (buf_overflowed(&o->lf))
			return fault_set(fault, -E_LIMIT, "there is not enough memory for %s", m->where_z);
		bytes = buf_str(&o->lf);
	}
	name_file(w, o, m, is_canonical, bytes.n, &name, &base);
	if (!is_there(&o->there, str_head(buf_str(&name), base)))
		r = write_file(o, buf_z(&name), str_head(buf_str(&name), base), bytes, m->date_s, fault);
	buf_printf(&o->lines, "%u :%" STR_FMT "\n", m->uid, STR_ARG(str_head(buf_str(&name), base)));
	return r == 0 && o->lines.n > 65536 ? flush_lines(o, fault) : r;
}

/* ---- close ---- */

static int write_keywords(struct out *o, struct fault *fault)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1u << 20);
	AUTO(move_close_fd) int fd = -1;
	int r;

	if (!o->has_new_keywords)
		return 0;
	for (unsigned i = 0; i < ARRAY_LEN(o->there.keywords_z) && o->there.keywords_z[i]; i++)
		buf_printf(&text, "%u %s\n", i, o->there.keywords_z[i]);
	fd = move_create(o->fd, "martlet-keywords", fault);
	r = fd < 0 ? fd : move_write_all(fd, buf_str(&text), fault);
	return r < 0 ? r : move_put(o->fd, fd, "martlet-keywords", "dovecot-keywords", fault);
}

static int close_folder(struct move_writer *w, bool is_done, struct fault *fault)
{
	struct out *o = w->state;
	int r = 0;

	w->state = NULL;
	if (is_done) {
		r = flush_lines(o, fault);
		if (r == 0)
			r = write_keywords(o, fault);
		if (r == 0 && syncfs(o->fd) < 0)
			r = fault_errno(fault, errno, "cannot sync");
		if (r == 0)
			r = move_put(o->fd, o->list, LIST_TEMP, LIST, fault);
	}
	out_free(o);
	return r;
}

static int write_subscriptions(struct move_writer *w, const struct str *names, size_t n, struct fault *fault)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(64u << 20);
	AUTO(move_close_fd) int fd = -1;
	int r;

	buf_add(&text, S("V\t2\n\n"));
	for (size_t i = 0; i < n; i++) {
		move_name_write(&text, names[i], '\t');
		buf_add_char(&text, '\n');
	}
	fd = move_create(w->fd, "martlet-subscriptions", fault);
	r = fd < 0 ? fd : move_write_all(fd, buf_str(&text), fault);
	return r < 0 ? r : move_put(w->fd, fd, "martlet-subscriptions", "subscriptions", fault);
}

const struct move_writing move_maildir_writing = {
	.name = "maildir",
	.open = open_folder,
	.add = add_message,
	.close = close_folder,
	.subscriptions = write_subscriptions,
};
