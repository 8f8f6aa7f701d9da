/* SPDX-License-Identifier: MIT */
/*
 * A file UID.eml for each message, byte for byte, in a directory for each mailbox, with '.' between levels. Its time is INTERNALDATE.
 * index.tsv there has what a file cannot say: a line "# UIDVALIDITY UIDNEXT", then for each message its UID and its flags.
 *
 * States of a mailbox: 1. files are written, a new index grows beside the old one. 2. all files are synced (syncfs). 3. the new index is
 * synced and takes the place of the old one. A crash in 1 or 2: the next run writes those files again.
 */
#include "move/folder.h"
#include "move/writer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX "index.tsv"
#define INDEX_TEMP "index.unfinished"

struct out {
	int fd, index;
	struct buf lines;
};

/* "# 1234567 20" of the index that is there. */
static bool read_head(struct str *index, uint64_t *ret_uidvalidity, uint64_t *ret_uidnext)
{
	struct str line, word;

	return str_split(index, '\n', &line) && str_split(&line, ' ', &word) && str_eq(word, S("#")) &&
	       str_split(&line, ' ', &word) && str_to_u64(word, UINT32_MAX, ret_uidvalidity) &&
	       str_to_u64(line, UINT32_MAX, ret_uidnext);
}

static int begin_index(struct out *o, const struct move_box *box, uint32_t *ret_from, struct fault *fault)
{
	AUTO(buf_fini) struct buf old = BUF_INIT(MOVE_LIST_MAX);
	uint64_t uidvalidity = box->uidvalidity, uidnext = 1;
	int r = move_read_file(o->fd, INDEX, &old, NULL);
	struct str rest = buf_str(&old);

	if (r < 0 && r != -E_NOT_FOUND)
		return fault_set(fault, r, "cannot read its %s", INDEX);
	if (r == 0 && !read_head(&rest, &uidvalidity, &uidnext))
		return fault_set(fault, -E_CANNOT, "its %s is not from us", INDEX);
	if (uidvalidity != box->uidvalidity)
		return fault_set(fault, -E_CANNOT, "a mailbox of that name and another UIDVALIDITY is there already");
	o->index = move_create(o->fd, INDEX_TEMP, fault);
	if (o->index < 0)
		return o->index;
	*ret_from = (uint32_t)uidnext;
	buf_printf(&o->lines, "# %u %u\n", box->uidvalidity, box->uidnext);
	r = move_write_all(o->index, buf_str(&o->lines), fault);
	buf_reset(&o->lines);
	return r < 0 ? r : move_write_all(o->index, rest, fault);
}

static int open_dir(struct move_writer *w, const struct move_box *box, uint32_t *ret_from, struct fault *fault)
{
	AUTO(buf_fini) struct buf name = BUF_INIT(65536);
	struct out *o = MEM_NEW(struct out);

	*o = (struct out){ .fd = -1, .index = -1, .lines = BUF_INIT(1u << 20) };
	w->state = o;
	move_name_write(&name, box->name, '.');
	o->fd = move_make_dir(w->fd, buf_z(&name), fault);
	return o->fd < 0 ? o->fd : begin_index(o, box, ret_from, fault);
}

static int flush_lines(struct out *o, struct fault *fault)
{
	int r = move_write_all(o->index, buf_str(&o->lines), fault);

	buf_reset(&o->lines);
	return r;
}

static void add_line(struct buf *out, const struct move_message *m)
{
	static const struct {
		unsigned flag;
		const char *name;
	} names[] = {
		{ STORE_SEEN, "\\Seen" }, { STORE_ANSWERED, "\\Answered" }, { STORE_FLAGGED, "\\Flagged" },
		{ STORE_DELETED, "\\Deleted" }, { STORE_DRAFT, "\\Draft" },
	};

	buf_printf(out, "%u\t", m->uid);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (m->flags & names[i].flag)
			buf_printf(out, "%s ", names[i].name);
	for (size_t i = 0; i < m->n_keywords; i++)
		buf_printf(out, "%" STR_FMT " ", STR_ARG(m->keywords[i]));
	if (out->p[out->n - 1] == ' ')
		buf_truncate(out, out->n - 1);
	buf_add_char(out, '\n');
}

static int add_message(struct move_writer *w, const struct move_message *m, struct fault *fault)
{
	const struct timespec times[2] = { { .tv_sec = m->date_s }, { .tv_sec = m->date_s } };
	struct out *o = w->state;
	AUTO(move_close_fd) int fd = -1;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "%u.eml", m->uid);
	fd = move_create(o->fd, name, fault);
	r = fd < 0 ? fd : move_write_all(fd, m->bytes, fault);
	if (r == 0 && futimens(fd, times) < 0)
		r = fault_errno(fault, errno, "cannot write %s", name);
	add_line(&o->lines, m);
	return r == 0 && o->lines.n > 65536 ? flush_lines(o, fault) : r;
}

static int close_dir(struct move_writer *w, bool is_done, struct fault *fault)
{
	struct out *o = w->state;
	int r = 0;

	w->state = NULL;
	if (is_done) {
		r = flush_lines(o, fault);
		if (r == 0 && syncfs(o->fd) < 0)
			r = fault_errno(fault, errno, "cannot sync");
		if (r == 0)
			r = move_put(o->fd, o->index, INDEX_TEMP, INDEX, fault);
	}
	move_close_fd(&o->index);
	move_close_fd(&o->fd);
	buf_fini(&o->lines);
	mem_free(o);
	return r;
}

const struct move_writing move_eml_writing = { .name = "eml", .open = open_dir, .add = add_message, .close = close_dir };
