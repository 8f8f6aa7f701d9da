/* SPDX-License-Identifier: MIT */
/*
 * mboxrd: a file NAME.mbox for each mailbox, with '.' between levels. Flags stand in Status, X-Status and X-Keywords, as other programs know
 * them. Beside it NAME.mbox.martlet says what is in it: UIDVALIDITY, the next UID, the size.
 *
 * States of a mailbox: 1. messages are appended; the note is that of the run before. 2. the file is synced. 3. the new note takes
 * the place of the old one. A crash in 1 or 2: the next run cuts the file to the size that the note has, and goes on there.
 */
#include "move/folder.h"
#include "move/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct out {
	int fd;
	uint64_t size;
	struct move_box box;
	struct buf name, note;
	struct buf text; /* not written yet */
};

static void out_free(struct out *o)
{
	move_close_fd(&o->fd);
	buf_fini(&o->name);
	buf_fini(&o->note);
	buf_fini(&o->text);
	mem_free(o);
}

/* "UIDVALIDITY UIDNEXT SIZE": whether it is one. */
static bool read_note(struct str s, uint64_t v[3])
{
	struct str word;

	for (size_t i = 0; i < 3; i++)
		if (!str_split(&s, ' ', &word) || !str_to_u64(str_trim(word), i < 2 ? UINT32_MAX : INT64_MAX, &v[i]))
			return false;
	return true;
}

static int open_file(struct out *o, struct move_writer *w, struct fault *fault)
{
	struct stat st;

	o->fd = openat(w->fd, buf_z(&o->name), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (o->fd < 0 || fstat(o->fd, &st) < 0)
		return fault_errno(fault, errno, "cannot write %s", buf_z(&o->name));
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || (uint64_t)st.st_size < o->size)
		return fault_set(fault, -E_CANNOT, "%s is there and not from us", buf_z(&o->name));
	if (ftruncate(o->fd, (off_t)o->size) < 0 || lseek(o->fd, 0, SEEK_END) < 0)
		return fault_errno(fault, errno, "cannot write %s", buf_z(&o->name));
	return 0;
}

static int put_note(struct out *o, struct move_writer *w, uint32_t uidnext, struct fault *fault)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(100);
	AUTO(move_close_fd) int fd = move_create(w->fd, "martlet-note", fault);
	int r;

	buf_printf(&text, "%u %u %" PRIu64 "\n", o->box.uidvalidity, uidnext, o->size);
	r = fd < 0 ? fd : move_write_all(fd, buf_str(&text), fault);
	return r < 0 ? r : move_put(w->fd, fd, "martlet-note", buf_z(&o->note), fault);
}

static int open_mbox(struct move_writer *w, const struct move_box *box, uint32_t *ret_from, struct fault *fault)
{
	AUTO(buf_fini) struct buf old = BUF_INIT(1000);
	struct out *o = MEM_NEW(struct out);
	uint64_t v[3] = { box->uidvalidity, 1, 0 };
	int r;

	*o = (struct out){ .fd = -1, .box = *box, .name = BUF_INIT(65536), .note = BUF_INIT(65536), .text = BUF_INIT((size_t)3 << 30) };
	w->state = o;
	move_name_write(&o->name, box->name, '.');
	buf_add(&o->name, S(".mbox"));
	if (o->name.n + 8 > NAME_MAX)
		return fault_set(fault, -E_CANNOT, "its name is too long for a file");
	r = move_read_file(w->fd, (buf_add(&o->note, buf_str(&o->name)), buf_add(&o->note, S(".martlet")), buf_z(&o->note)), &old, NULL);
	if (r == 0 && !read_note(buf_str(&old), v))
		return fault_set(fault, -E_CANNOT, "%s is not from us", buf_z(&o->note));
	if (r < 0 && r != -E_NOT_FOUND)
		return fault_set(fault, r, "cannot read %s", buf_z(&o->note));
	if (v[0] != box->uidvalidity)
		return fault_set(fault, -E_CANNOT, "a mailbox of that name and another UIDVALIDITY is there already");
	if (r == -E_NOT_FOUND && faccessat(w->fd, buf_z(&o->name), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return fault_set(fault, -E_CANNOT, "%s is there already, and not from us", buf_z(&o->name));
	o->size = v[2];
	*ret_from = (uint32_t)v[1];
	if (r == -E_NOT_FOUND)
		r = put_note(o, w, 1, fault); /* from here on the file is ours */
	return r < 0 ? r : open_file(o, w, fault);
}

static int flush(struct out *o, struct fault *fault)
{
	int r = buf_overflowed(&o->text) ? fault_set(fault, -E_LIMIT, "there is not enough memory")
					 : move_write_all(o->fd, buf_str(&o->text), fault);

	o->size += o->text.n;
	buf_reset(&o->text);
	return r;
}

static void add_from(struct buf *out, int64_t date_s)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)date_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	buf_printf(out, "From MAILER-DAEMON %.3s %.3s %2d %02d:%02d:%02d %d +0000\n", days + (ptrdiff_t)tm.tm_wday * 3,
		   months + (ptrdiff_t)tm.tm_mon * 3, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
}

static void add_status(struct buf *out, const struct move_message *m)
{
	buf_printf(out, "Status: %sO\n", m->flags & STORE_SEEN ? "R" : "");
	if (m->flags & ~(unsigned)STORE_SEEN)
		buf_printf(out, "X-Status: %s%s%s%s\n", m->flags & STORE_ANSWERED ? "A" : "", m->flags & STORE_FLAGGED ? "F" : "",
			   m->flags & STORE_DELETED ? "D" : "", m->flags & STORE_DRAFT ? "T" : "");
	if (m->n_keywords)
		buf_add(out, S("X-Keywords:"));
	for (size_t i = 0; i < m->n_keywords; i++)
		buf_printf(out, " %" STR_FMT, STR_ARG(m->keywords[i]));
	if (m->n_keywords)
		buf_add_char(out, '\n');
}

/* From the end of the header on: ">From " for "From ", ">>From " for ">From ", ... */
static void add_quoted(struct buf *out, struct str text)
{
	while (text.n) {
		ptrdiff_t lf = str_chr(text, '\n');
		struct str line = lf < 0 ? text : str_head(text, (size_t)lf + 1);
		size_t n = 0;

		while (n < line.n && line.p[n] == '>')
			n++;
		if (str_starts(str_skip(line, n), S("From ")))
			buf_add_char(out, '>');
		buf_add(out, line);
		text = str_skip(text, line.n);
	}
}

int move_add_mboxrd(struct buf *out, const struct move_message *m, bool has_status)
{
	AUTO(buf_fini) struct buf lf = BUF_INIT((size_t)2 << 30);

	move_add_lf(&lf, m->bytes);
	add_from(out, m->date_s);
	if (has_status)
		add_status(out, m);
	add_quoted(out, buf_str(&lf));
	if (lf.n && lf.p[lf.n - 1] != '\n')
		buf_add_char(out, '\n');
	buf_add_char(out, '\n');
	return buf_overflowed(&lf) || buf_overflowed(out) ? -E_LIMIT : 0;
}

static int add_message(struct move_writer *w, const struct move_message *m, struct fault *fault)
{
	struct out *o = w->state;

	if (move_add_mboxrd(&o->text, m, true) < 0)
		return fault_set(fault, -E_LIMIT, "there is not enough memory for %s", m->where_z);
	return o->text.n > 1u << 20 ? flush(o, fault) : 0;
}

static int close_mbox(struct move_writer *w, bool is_done, struct fault *fault)
{
	struct out *o = w->state;
	int r = 0;

	w->state = NULL;
	if (is_done) {
		r = flush(o, fault);
		if (r == 0 && fsync(o->fd) < 0)
			r = fault_errno(fault, errno, "cannot sync %s", buf_z(&o->name));
		if (r == 0)
			r = put_note(o, w, o->box.uidnext, fault);
	}
	out_free(o);
	return r;
}

const struct move_writing move_mbox_writing = { .name = "mbox", .open = open_mbox, .add = add_message, .close = close_mbox };
