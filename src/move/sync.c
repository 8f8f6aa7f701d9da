/* SPDX-License-Identifier: MIT */
/*
 * A mailbox and its folder, made the same. The state has for each mailbox
 *
 *   SBOX          UIDVALIDITY and modseq: up to here all is the same (modseq 0: list everything)
 *   MBOX/UID      flags, and which file it is: a message that is on both sides
 *   UBOX/FILE     a file that may be on the server, because it was being sent
 *
 * States, and what a crash leaves:
 *
 *   1. A message comes: in tmp, then in the folder under a name that tells it (fetch_maildir.c), then row M. A crash before that brings it again, and the target knows it.
 *   2. A file goes: row U; APPEND; row M instead of U, with the UID that the server told or that was found by size and header. A crash in between leaves U: the file is looked for on
 *      the server, by size and header, before it is sent again.
 *   3. Flags: set there, then in the name of the file, then row M. A crash in between: what differs from row M has changed, and both sides come to the same.
 *   4. Deleted here: \Deleted and UID EXPUNGE there, then row M goes. Deleted there: the file goes, then row M. A crash in between: gone on both sides, row M goes.
 *   5. Row S comes last.
 *
 * Before anything is deleted there, the folder is read once more: a file that another program was just giving another name may have been overlooked. Where all messages of one side
 * are gone at once, nothing is deleted on the other unless the user says that it is meant so. When the server numbers a mailbox anew (UIDVALIDITY), its
 * messages are found again by size and header; so they are when both sides had mail before the first sync. What was deleted on one side meanwhile comes back then: nothing is lost.
 */
#include "move/sync.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "move/folder.h"

#define ARENA ((size_t)2 << 30)

void move_sync_leave(struct move_sync *y, const char *fmt, ...)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1000);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	y->is_incomplete = true;
	y->f->n_left++;
	move_fetch_note(y->f, "%s: %s", buf_z(&y->i->name), buf_z(&text));
}

/* ---- the state ---- */

static void row_key(struct move_sync *y, uint32_t uid)
{
	buf_reset(&y->key);
	buf_printf(&y->key, "M%" STR_FMT "/%u", STR_ARG(buf_str(&y->i->name)), uid);
}

static void row_value(struct move_sync *y, unsigned flags, struct str id)
{
	buf_reset(&y->value);
	buf_printf(&y->value, "%u %" STR_FMT, flags, STR_ARG(id));
}

void move_sync_note(struct move_sync *y, const struct move_sync_entry *e, unsigned flags)
{
	row_key(y, e->uid);
	row_value(y, flags, e->id);
	move_state_set(y->f->state, buf_str(&y->key), buf_str(&y->value));
}

void move_sync_forget(struct move_sync *y, const struct move_sync_entry *e)
{
	row_key(y, e->uid);
	move_state_remove(y->f->state, buf_str(&y->key));
}

static bool parse_row(struct str value, struct move_sync_entry *ret)
{
	struct str flags;
	uint64_t v;

	if (!str_split(&value, ' ', &flags) || !str_to_u64(flags, 31, &v) || value.n == 0)
		return false;
	ret->known = (unsigned)v;
	ret->id = value;
	return true;
}

/* A key of this mailbox, not of one below it. */
static bool is_of(const struct move_sync *y, char kind, struct str key, struct str *ret_rest)
{
	struct str name = buf_str(&y->i->name);

	if (key.n < name.n + 2 || key.p[0] != kind || !str_starts(str_skip(key, 1), name) || key.p[1 + name.n] != '/')
		return false;
	*ret_rest = str_skip(key, name.n + 2);
	return str_chr(*ret_rest, '/') < 0;
}

static int add_known(struct move_sync *y, uint64_t uid, struct str value, struct fault *fault)
{
	struct move_sync_entry e = { .uid = (uint32_t)uid, .is_known = true };

	if (!parse_row(value, &e))
		return fault_set(fault, -E_CANNOT, "the state of the mailbox %s cannot be read", buf_z(&y->i->name));
	e.id = arena_str(&y->arena, e.id);
	if (e.id.p == NULL || arena_grow(&y->arena, &y->v, y->n, &y->cap, sizeof(*y->v)) < 0)
		return fault_set(fault, -E_LIMIT, "the mailbox has more messages than fit");
	y->v[y->n++] = e;
	return 0;
}

static void box_key(struct move_sync *y)
{
	buf_reset(&y->key);
	buf_printf(&y->key, "S%" STR_FMT, STR_ARG(buf_str(&y->i->name)));
}

static int load(struct move_sync *y, struct fault *fault)
{
	struct str key, value, rest, first;
	uint64_t v;
	int r = 0;

	box_key(y);
	value = move_state_get(y->f->state, buf_str(&y->key));
	if (value.p != NULL && str_split(&value, ' ', &first) && str_to_u64(first, UINT32_MAX, &v) && str_to_u64(value, INT64_MAX, &y->modseq))
		y->uidvalidity = (uint32_t)v;
	y->is_anew = y->uidvalidity != y->i->uidvalidity;
	if (y->is_anew)
		y->modseq = 0;
	if (y->is_anew && y->uidvalidity != 0)
		move_fetch_note(y->f, "the server has numbered the mailbox %s anew (UIDVALIDITY): its messages are found again by size and header", buf_z(&y->i->name));
	for (size_t at = 0; r == 0 && move_state_next(y->f->state, &at, &key, &value);) {
		struct move_sync_file *file;

		if (is_of(y, 'M', key, &rest) && str_to_u64(rest, UINT32_MAX, &v) && v > 0) {
			if (y->is_anew)
				move_state_remove(y->f->state, key);
			else
				r = add_known(y, v, value, fault);
		} else if (is_of(y, 'U', key, &rest)) {
			file = move_sync_find_file(y, rest);
			if (file != NULL)
				file->is_sent = true;
			else
				move_state_remove(y->f->state, key);
		}
	}
	return r;
}

static void save(struct move_sync *y)
{
	box_key(y);
	buf_reset(&y->value);
	buf_printf(&y->value, "%u %" PRIu64, y->i->uidvalidity, y->is_incomplete ? 0 : y->i->highestmodseq);
	move_state_set(y->f->state, buf_str(&y->key), buf_str(&y->value));
}

/* ---- from the server ---- */

static void name_message(void *ctx, uint32_t uid, struct move_fetched *m)
{
	struct move_sync *y = ctx;
	AUTO(buf_fini) struct buf id = BUF_INIT(2 * STORE_IMPORT_KEY + 2);
	uint8_t key[STORE_IMPORT_KEY];

	m->n_keywords = 0;
	m->flags &= STORE_SYSTEM_FLAGS;
	move_fetch_maildir_key(y->f->target.who, m, key);
	buf_add_char(&id, 'K');
	text_hex(&id, str_of(key, sizeof(key)));
	row_key(y, uid);
	row_value(y, m->flags, buf_str(&id));
	m->key = buf_str(&y->key);
	m->value = buf_str(&y->value);
}

static void took(void *ctx, uint32_t uid, const struct move_fetched *m)
{
	struct move_sync *y = ctx;
	struct move_sync_entry *e = move_sync_find(y, uid);
	struct str value = m->value, flags;
	struct move_sync_file *file;

	(void)str_split(&value, ' ', &flags);
	file = move_sync_find_file(y, value);
	if (file != NULL) /* a crash has left it here, unknown */
		file->is_used = true;
	if (e != NULL)
		e->is_done = true;
}

static int bring(struct move_sync *y, struct fault *fault)
{
	struct move_fetch_imap *i = y->i;
	size_t n = 0;
	int r;

	i->v = ARENA_ARRAY(&i->arena, struct move_fetch_item, y->n + 1);
	if (i->v == NULL)
		return fault_set(fault, -E_LIMIT, "the mailbox has more messages than fit");
	for (size_t k = 0; k < y->n; k++)
		if (!y->v[k].is_linked && move_sync_act(y->v[k].is_known, y->v[k].file != NULL, y->v[k].is_there) == MOVE_SYNC_BRING)
			i->v[n++] = (struct move_fetch_item){ .uid = y->v[k].uid, .size = y->v[k].size };
	i->n = n;
	if (y->f->watch->box != NULL)
		y->f->watch->box(y->f->watch->ctx, buf_str(&i->name), n);
	i->name_message = name_message;
	i->took = took;
	i->ctx = y;
	r = move_fetch_imap_bodies(i, fault);
	i->name_message = NULL;
	i->took = NULL;
	if (r == 0)
		r = move_fetch_commit(y->f, fault);
	for (size_t k = 0; k < y->n; k++)
		y->is_incomplete |= !y->v[k].is_known && !y->v[k].is_linked && y->v[k].is_there && !y->v[k].is_done;
	return r;
}

/* ---- flags ---- */

static int flags_here(struct move_sync *y, struct fault *fault)
{
	int r;

	for (size_t k = 0; k < y->n; k++) {
		struct move_sync_entry *e = &y->v[k];
		unsigned want;

		if (e->is_done || e->file == NULL || !e->is_there)
			continue;
		want = move_sync_flags(e->is_known, e->known, e->file->flags, e->there);
		y->f->n_flagged += e->is_known && (want != e->there || want != e->file->flags);
		r = want == e->file->flags ? 0 : move_sync_set_flags(y, e->file, want);
		if (r < 0 && r != -E_NOT_FOUND)
			return fault_set(fault, r, "cannot give a file of the Maildir its flags");
		y->is_incomplete |= r < 0;
		if (r == 0 && (!e->is_known || e->known != want))
			move_sync_note(y, e, want);
		if (r == 0 && e->is_linked)
			move_sync_sent(y, e->file);
	}
	return 0;
}

static int same_flags(struct move_sync *y, struct fault *fault)
{
	struct fault why = { "" };
	int r = move_sync_store_flags(y, &why);

	if (r == -E_CANNOT) {
		move_sync_leave(y, "flags cannot be set: %s", why.text);
		return 0;
	}
	if (r < 0)
		*fault = why;
	else
		r = flags_here(y, fault);
	if (r == 0)
		r = move_sync_settle(y, fault);
	return r < 0 ? r : move_fetch_commit(y->f, fault);
}

/* ---- deletions ---- */

static enum move_sync_act act_of(const struct move_sync_entry *e)
{
	return e->is_done ? MOVE_SYNC_NOTHING : move_sync_act(e->is_known, e->file != NULL, e->is_there);
}

static size_t count(const struct move_sync *y, enum move_sync_act act)
{
	size_t n = 0;

	for (size_t k = 0; k < y->n; k++)
		n += act_of(&y->v[k]) == act;
	return n;
}

/* All that was known is gone on one side, and is to go on the other. */
static bool is_suspicious(struct move_sync *y, enum move_sync_act act, const char *where_z)
{
	size_t n_known = 0, n_gone = count(y, act) + count(y, MOVE_SYNC_FORGET);

	for (size_t k = 0; k < y->n; k++)
		n_known += y->v[k].is_known;
	if (y->f->o->may_empty || count(y, act) == 0 || n_gone < n_known)
		return false;
	move_sync_leave(y, "all %zu messages are gone %s at once: nothing is deleted on the other side, unless you say --allow-empty", n_known, where_z);
	return true;
}

static int delete_there(struct move_sync *y, struct fault *fault)
{
	struct uidset set = { 0 };
	bool is_done;
	int r = 0;

	for (size_t k = 0; k < y->n && r == 0; k++)
		if (act_of(&y->v[k]) == MOVE_SYNC_DELETE_THERE)
			r = move_sync_find_file(y, y->v[k].id) == NULL ? uidset_add(&y->arena, &set, y->v[k].uid, y->v[k].uid) : 0;
	if (r < 0)
		return fault_set(fault, r, "the mailbox has more messages than fit");
	if (set.n == 0)
		return 0;
	r = move_fetch_imap_expunge(y->i, &set, &is_done, fault);
	y->is_incomplete |= !is_done;
	for (size_t k = 0; k < y->n && r == 0 && is_done; k++)
		if (uidset_has(&set, y->v[k].uid))
			move_sync_forget(y, &y->v[k]);
	return r;
}

static int delete_here(struct move_sync *y, struct fault *fault)
{
	for (size_t k = 0; k < y->n; k++) {
		int r;

		if (act_of(&y->v[k]) != MOVE_SYNC_DELETE_HERE)
			continue;
		r = move_sync_unlink(y, y->v[k].file);
		if (r < 0 && r != -E_NOT_FOUND)
			return fault_set(fault, r, "cannot remove a file of the Maildir");
		y->is_incomplete |= r < 0; /* it has another name now */
		y->f->n_removed += r == 0;
		if (r == 0)
			move_sync_forget(y, &y->v[k]);
	}
	return move_sync_settle(y, fault);
}

static int deletions(struct move_sync *y, struct fault *fault)
{
	int r = 0;

	for (size_t k = 0; k < y->n; k++)
		if (act_of(&y->v[k]) == MOVE_SYNC_FORGET)
			move_sync_forget(y, &y->v[k]);
	if (count(y, MOVE_SYNC_DELETE_HERE) > 0 && !is_suspicious(y, MOVE_SYNC_DELETE_HERE, "on the server"))
		r = delete_here(y, fault);
	if (r == 0 && count(y, MOVE_SYNC_DELETE_THERE) > 0 && !is_suspicious(y, MOVE_SYNC_DELETE_THERE, "here")) {
		r = move_sync_scan(y, fault); /* no entry's file is used from here on */
		if (r == 0)
			r = delete_there(y, fault);
	}
	return r;
}

/* ---- the mailbox ---- */

static void find_files(struct move_sync *y)
{
	for (size_t k = 0; k < y->n; k++) {
		struct move_sync_entry *e = &y->v[k];

		e->file = e->is_known ? move_sync_find_file(y, e->id) : NULL;
		if (e->file != NULL)
			e->file->is_used = true;
	}
}

static int sync_box(struct move_sync *y, const struct move_imap_box *box, struct fault *fault)
{
	int r = move_fetch_imap_select(y->i, box, fault);

	if (r == 0)
		r = move_fetch_maildir_dirs(y->root, buf_str(&y->i->name), &y->at, fault);
	if (r == 0)
		r = move_sync_scan(y, fault);
	if (r == 0)
		r = load(y, fault);
	if (r == 0)
		r = move_sync_list(y, fault);
	if (r < 0)
		return r;
	find_files(y);
	r = move_sync_match(y, fault);
	if (r == 0)
		r = bring(y, fault);
	if (r == 0)
		r = move_sync_send(y, box, fault);
	if (r == 0)
		r = same_flags(y, fault);
	if (r == 0)
		r = deletions(y, fault);
	if (r == 0)
		save(y);
	return r < 0 ? r : move_fetch_commit(y->f, fault);
}

int move_sync_box(struct move_fetch_imap *i, const struct move_imap_box *box, struct str name, struct fault *fault)
{
	struct move_sync y = { .i = i, .f = i->f, .at = { -1, -1, -1, -1 }, .key = BUF_INIT(65536), .value = BUF_INIT(65536) };
	int r;

	buf_reset(&i->name);
	buf_add(&i->name, name);
	arena_reset(&i->arena);
	i->row = (struct move_fetch_row){ 0 };
	i->n = i->n_under_way = 0;
	i->left = i->old_left = (struct uidset){ 0 };
	arena_init(&y.arena, ARENA);
	y.root = move_open_path(i->f->target.path_z, O_RDONLY | O_DIRECTORY | O_CLOEXEC, true, fault);
	r = y.root < 0 ? y.root : sync_box(&y, box, fault);
	move_fetch_dirs_close(&y.at);
	move_close_fd(&y.root);
	arena_fini(&y.arena);
	buf_fini(&y.key);
	buf_fini(&y.value);
	return r;
}
