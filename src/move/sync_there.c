/* SPDX-License-Identifier: MIT */
/* The server's side of a sync: what is there, which files it is, what it is sent. */
#include "move/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "store/view.h"

#define ENTRIES 5000000
#define SENT_BATCH 50     /* messages between two syncs of the state */

static const struct {
	unsigned flag;
	const char *name_z;
} flags[] = {
	{ STORE_SEEN, "\\Seen" },
	{ STORE_ANSWERED, "\\Answered" },
	{ STORE_FLAGGED, "\\Flagged" },
	{ STORE_DRAFT, "\\Draft" },
	{ STORE_DELETED, "\\Deleted" },
};

/* ---- what is there ---- */

static int by_uid(const void *a, const void *b)
{
	uint32_t x = ((const struct move_sync_entry *)a)->uid, y = ((const struct move_sync_entry *)b)->uid;

	return x < y ? -1 : x > y;
}

struct move_sync_entry *move_sync_find(struct move_sync *y, uint32_t uid)
{
	const struct move_sync_entry key = { .uid = uid };

	return y->n_sorted > 0 ? bsearch(&key, y->v, y->n_sorted, sizeof(key), by_uid) : NULL;
}

/* A message may be told of more than once: the last counts. */
static void sort(struct move_sync *y)
{
	size_t n = 0;

	if (y->n > 0)
		qsort(y->v, y->n, sizeof(*y->v), by_uid);
	for (size_t i = 0; i < y->n; i++) {
		if (n > 0 && y->v[n - 1].uid == y->v[i].uid)
			y->v[n - 1].there = y->v[i].there, y->v[n - 1].is_there |= y->v[i].is_there;
		else
			y->v[n++] = y->v[i];
	}
	y->n = y->n_sorted = n;
}

static int see_entry(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	struct move_sync *y = ctx;
	struct move_sync_entry *e;

	y->n_expunged += r->kind == IMAP_CLIENT_EXPUNGE;
	if (r->kind != IMAP_CLIENT_FETCH || r->uid == 0 || !r->has_flags)
		return 0;
	e = move_sync_find(y, r->uid);
	if (e == NULL) {
		if (y->n == ENTRIES || arena_grow(&y->arena, &y->v, y->n, &y->cap, sizeof(*y->v)) < 0)
			return fault_set(fault, -E_LIMIT, "the mailbox has more messages than fit");
		e = &y->v[y->n++];
		*e = (struct move_sync_entry){ .uid = r->uid };
	}
	e->is_there = true;
	e->there = (unsigned)r->flags.flags & STORE_SYSTEM_FLAGS;
	e->size = r->size > 0 ? r->size : e->size;
	return 0;
}

/* What a server leaves out must not be taken for deleted. */
static int list_all(struct move_sync *y, struct fault *fault)
{
	uint64_t n = 0;
	int r;

	y->n_expunged = 0;
	for (size_t i = 0; i < y->n; i++)
		y->v[i].is_there = false;
	r = y->i->exists > 0 ? imap_client_ask(y->i->c, S("UID FETCH 1:* (UID FLAGS RFC822.SIZE)"), see_entry, y, fault) : 0;
	sort(y);
	for (size_t i = 0; i < y->n; i++)
		n += y->v[i].is_there;
	if (r == 0 && n + y->n_expunged < y->i->exists)
		r = fault_set(fault, -E_CANNOT, "the server has %u messages in the mailbox %s and tells only of %llu: nothing is changed", y->i->exists, buf_z(&y->i->name),
			      (unsigned long long)n);
	return r;
}

/* RFC 7162 3.1.4: what has changed since then. Messages that have gone are not told: then the numbers do not fit, and all is listed. */
static int list_changes(struct move_sync *y, struct fault *fault)
{
	char line[120];
	int r = 0;

	for (size_t i = 0; i < y->n; i++) {
		y->v[i].is_there = true;
		y->v[i].there = y->v[i].known;
	}
	snprintf(line, sizeof(line), "UID FETCH 1:* (UID FLAGS RFC822.SIZE) (CHANGEDSINCE %llu)", (unsigned long long)y->modseq);
	if (y->i->highestmodseq != y->modseq && y->i->exists > 0)
		r = imap_client_ask(y->i->c, str_z(line), see_entry, y, fault);
	sort(y);
	return r < 0 || y->n == y->i->exists ? r : list_all(y, fault);
}

int move_sync_list(struct move_sync *y, struct fault *fault)
{
	bool has_changes = imap_client_caps(y->i->c)->has_condstore && y->i->highestmodseq > 0 && y->modseq > 0;

	sort(y); /* what the state knows */
	return has_changes ? list_changes(y, fault) : list_all(y, fault);
}

/* ---- which files they are ---- */

struct match {
	uint8_t key[STORE_IMPORT_KEY];
	struct move_sync_file *file;
};

struct matching {
	struct move_sync *y;
	struct match *v;
	size_t n;
};

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, STORE_IMPORT_KEY);
}

/* Of the size and the header, without the empty line, which not every server counts to it. */
static void make_key(uint64_t size, struct str header, uint8_t ret[STORE_IMPORT_KEY])
{
	char size_z[24];

	while (str_ends(header, S("\r\n")))
		header.n -= 2;
	snprintf(size_z, sizeof(size_z), "%llu", (unsigned long long)size);
	move_key(S("sync"), str_z(size_z), header, ret);
}

static int read_files(struct matching *m, struct fault *fault)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(2 * (size_t)LIMIT_IMPORT_MESSAGE);
	struct move_sync *y = m->y;

	m->v = ARENA_ARRAY(&y->arena, struct match, y->n_files + 1);
	if (m->v == NULL)
		return fault_set(fault, -E_LIMIT, "the Maildir has more messages than fit");
	for (size_t i = 0; i < y->n_files; i++) {
		struct move_sync_file *file = &y->files[i];
		ptrdiff_t end;

		if (file->is_used || (!y->is_anew && !file->is_sent) || move_sync_read(y, file, &bytes, NULL) < 0)
			continue;
		end = str_find(buf_str(&bytes), S("\r\n\r\n"));
		make_key(bytes.n, end < 0 ? buf_str(&bytes) : str_head(buf_str(&bytes), (size_t)end), m->v[m->n].key);
		m->v[m->n++].file = file;
	}
	if (m->n > 0)
		qsort(m->v, m->n, sizeof(*m->v), by_key);
	return 0;
}

static int see_header(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	struct matching *m = ctx;
	struct move_sync_entry *e = r->kind == IMAP_CLIENT_FETCH && r->has_body ? move_sync_find(m->y, r->uid) : NULL;
	uint8_t key[STORE_IMPORT_KEY];
	size_t lo = 0, hi = m->n;

	(void)fault;
	if (e == NULL || e->is_known || e->is_linked)
		return 0;
	make_key(r->size, r->body, key);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(m->v[mid].key, key, sizeof(key)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < m->n && memcmp(m->v[lo].key, key, sizeof(key)) == 0 && m->v[lo].file->is_used)
		lo++;
	if (lo == m->n || memcmp(m->v[lo].key, key, sizeof(key)) != 0)
		return 0;
	e->file = m->v[lo].file;
	e->file->is_used = true;
	e->id = e->file->id;
	e->is_linked = true;
	return 0;
}

int move_sync_match(struct move_sync *y, struct fault *fault)
{
	struct matching m = { .y = y };
	struct uidset set = { 0 };
	int r = 0;

	for (size_t i = 0; i < y->n && r == 0; i++)
		if (!y->v[i].is_known && y->v[i].is_there && !y->v[i].is_linked)
			r = uidset_add(&y->arena, &set, y->v[i].uid, y->v[i].uid);
	if (r < 0)
		return fault_set(fault, r, "the mailbox has more messages than fit");
	if (set.n > 0)
		r = read_files(&m, fault);
	if (r == 0 && m.n > 0)
		r = move_fetch_imap_each(y->i, &set, S("UID FETCH "), S(" (UID RFC822.SIZE BODY.PEEK[HEADER])"), see_header, &m, fault);
	return r;
}

/* ---- what is sent ---- */

static void sending_key(struct move_sync *y, const struct move_sync_file *file)
{
	buf_reset(&y->key);
	buf_printf(&y->key, "U%" STR_FMT "/%" STR_FMT, STR_ARG(buf_str(&y->i->name)), STR_ARG(file->id));
}

void move_sync_sent(struct move_sync *y, const struct move_sync_file *file)
{
	if (!file->is_sent)
		return;
	sending_key(y, file);
	move_state_remove(y->f->state, buf_str(&y->key));
}

static void add_flags(struct buf *out, unsigned set)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (set & flags[i].flag)
			buf_printf(out, "%s%s", out->n > 0 ? " " : "", flags[i].name_z);
}

/* date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE, without the quotes (RFC 9051 9) */
static void add_date(struct buf *out, int64_t s)
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)s;
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL && tm.tm_year >= 0 && tm.tm_year < 8100)
		buf_printf(out, "%2d-%s-%04d %02d:%02d:%02d +0000", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* It is there: with its UID, if the server says so (UIDPLUS). True: it does not. */
static bool note_sent(struct move_sync *y, struct move_sync_file *file, const struct imap_client_reply *reply)
{
	uint64_t uid = 0;

	y->f->n_sent++;
	if (reply->uidvalidity != y->i->uidvalidity || !str_to_u64(reply->uids_to, UINT32_MAX, &uid) || uid == 0)
		return true;
	file->is_used = true;
	move_sync_note(y, &(struct move_sync_entry){ .uid = (uint32_t)uid, .id = file->id }, file->flags);
	move_sync_sent(y, file);
	return false;
}

/* *ret_is_unknown: it is there, and nobody knows under which UID. */
static int send_one(struct move_sync *y, const struct move_imap_box *box, struct move_sync_file *file, bool *ret_is_unknown, struct fault *fault)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(2 * (size_t)LIMIT_IMPORT_MESSAGE), names = BUF_INIT(200), date = BUF_INIT(80);
	struct imap_client_reply reply = { 0 };
	struct fault why = { "" };
	int64_t date_s = 0;
	int r = move_sync_read(y, file, &bytes, &date_s);

	if (r == 0 && bytes.n == 0)
		r = fault_set(&why, -E_CANNOT, "it is empty");
	if (r == 0) {
		add_flags(&names, file->flags);
		add_date(&date, date_s);
		r = imap_client_append(y->i->c, box->raw, buf_str(&names), buf_str(&date), buf_str(&bytes), &reply, &why);
		if (r == 0)
			r = imap_client_result(y->i->c, &reply, &why);
		if (r == 0)
			*ret_is_unknown |= note_sent(y, file, &reply);
		if (r < 0 && r != -E_CANNOT)
			return fault_set(fault, r, "%s", why.text);
	}
	if (r < 0)
		move_sync_sent(y, file); /* it was not */
	if (r < 0 && r != -E_NOT_FOUND)
		move_sync_leave(y, "%.150s stays here only: %.150s", move_sync_file_z(y, file), why.text[0] != '\0' ? why.text : err_row(r)->text);
	return 0;
}

/* That they may be there is in the state before they are. */
static int announce(struct move_sync *y, size_t *ret_n, struct fault *fault)
{
	*ret_n = 0;
	for (size_t i = 0; i < y->n_files; i++) {
		if (y->files[i].is_used)
			continue;
		y->files[i].is_sent = true;
		sending_key(y, &y->files[i]);
		move_state_set(y->f->state, buf_str(&y->key), S("1"));
		++*ret_n;
	}
	return *ret_n > 0 ? move_fetch_commit(y->f, fault) : 0;
}

int move_sync_send(struct move_sync *y, const struct move_imap_box *box, struct fault *fault)
{
	bool has_unknown = false;
	size_t n, n_sent = 0;
	int r = announce(y, &n, fault);

	for (size_t i = 0; i < y->n_files && r == 0 && n > 0; i++) {
		if (y->files[i].is_used)
			continue;
		r = send_one(y, box, &y->files[i], &has_unknown, fault);
		if (r == 0 && ++n_sent % SENT_BATCH == 0)
			r = move_fetch_commit(y->f, fault);
	}
	if (r == 0 && n > 0)
		r = move_fetch_commit(y->f, fault);
	if (r < 0 || !has_unknown)
		return r;
	y->i->exists = 1; /* without UIDPLUS they are found by size and header */
	r = list_all(y, fault);
	return r < 0 ? r : move_sync_match(y, fault);
}

/* ---- flags ---- */

static int store(struct move_sync *y, unsigned flag, const char *name_z, bool is_set, struct fault *fault)
{
	struct uidset set = { 0 };
	char behind[40];

	for (size_t i = 0; i < y->n; i++) {
		const struct move_sync_entry *e = &y->v[i];
		unsigned want;

		if (e->is_done || e->file == NULL || !e->is_there)
			continue;
		want = move_sync_flags(e->is_known, e->known, e->file->flags, e->there);
		if (((want ^ e->there) & flag) && ((want & flag) != 0) == is_set && uidset_add(&y->arena, &set, e->uid, e->uid) < 0)
			return fault_set(fault, -E_LIMIT, "the mailbox has more messages than fit");
	}
	snprintf(behind, sizeof(behind), " %cFLAGS.SILENT (%s)", is_set ? '+' : '-', name_z);
	return set.n > 0 ? move_fetch_imap_each(y->i, &set, S("UID STORE "), str_z(behind), NULL, NULL, fault) : 0;
}

int move_sync_store_flags(struct move_sync *y, struct fault *fault)
{
	int r = 0;

	for (size_t i = 0; i < 2 * ARRAY_LEN(flags) && r == 0; i++)
		r = store(y, flags[i / 2].flag, flags[i / 2].name_z, i % 2 == 0, fault);
	return r;
}
