/* SPDX-License-Identifier: MIT */
/*
 * One mailbox of a fetch over IMAP. What is new is listed (UID and size), then asked for in chunks, of which the next is under way while one comes. BODY.PEEK[]
 * leaves \Seen as it is, EXAMINE the rest, unless something is to be deleted.
 *
 * 1. The state says "all up to this UID" only of messages whose fate is known: here, gone, or left.
 * 2. What the target does not take, and what the server does not give, stays in the state as left, and is asked for again next time.
 * 3. A message that a chunk's end leaves out is probably gone from the server (RFC 9051 6.4.9). It is left: what is listed again next time was not gone, and must not be
 *    deleted as if it were here. One of a chunk that was refused is asked for alone.
 * 4. UIDs that come again (RFC 9051 2.3.1.1 forbids it; an old copy of the mailbox was put back) are as good as another UIDVALIDITY.
 * 5. A row "?BOX/UIDVALIDITY.UID" is of a message that the target has found after a crash (fetch_mbox.c). It goes when the row of the mailbox knows it.
 */
#include "move/fetch_imap.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"

#define CHUNK_BYTES (4u << 20)
#define CHUNK 200
#define ITEMS 5000000         /* that one run lists */
#define ROW 60000             /* bytes of it */

/* ---- the state ---- */

static int see_last(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	uint32_t *last = ctx;

	(void)fault;
	if (r->kind == IMAP_CLIENT_FETCH && r->uid > *last)
		*last = r->uid;
	return 0;
}

int move_fetch_imap_is_back(struct move_fetch_imap *s, uint32_t last, bool *ret, struct fault *fault)
{
	uint32_t highest = 0;
	int r;

	*ret = false;
	if (s->uidnext == 0 || last < s->uidnext)
		return 0;
	r = s->exists > 0 ? imap_client_ask(s->c, S("UID FETCH * (UID)"), see_last, &highest, fault) : 0;
	if (r < 0)
		return r;
	*ret = highest < s->uidnext;
	if (!*ret)
		s->uidnext = 0;
	return 0;
}

static void add_key(struct buf *out, const struct move_fetch_imap *s)
{
	buf_printf(out, "b%" STR_FMT, STR_ARG(buf_str(&s->name)));
}

static int load_row(struct move_fetch_imap *s, struct fault *fault)
{
	AUTO(buf_fini) struct buf key = BUF_INIT(65536);
	struct str text;
	bool is_back = false;
	int r = 0;

	add_key(&key, s);
	text = move_state_get(s->f->state, buf_str(&key));
	s->row = (struct move_fetch_row){ 0 };
	if (text.p != NULL && !move_fetch_row_parse(&s->arena, text, &s->row))
		return fault_set(fault, -E_CANNOT, "the state of the mailbox %s cannot be read", buf_z(&s->name));
	s->old_left = s->row.left;
	if (s->row.uidvalidity == s->uidvalidity)
		r = move_fetch_imap_is_back(s, s->row.last, &is_back, fault);
	if (r < 0 || (s->row.uidvalidity == s->uidvalidity && !is_back))
		return r;
	s->old_left = (struct uidset){ 0 };
	if (is_back)
		move_fetch_note(s->f, "the server gives numbers of the mailbox %s again (UIDNEXT): all of it comes again", buf_z(&s->name));
	else if (s->row.uidvalidity > 0)
		move_fetch_note(s->f, "the server has numbered the mailbox %s anew (UIDVALIDITY): all of it comes again", buf_z(&s->name));
	s->row = (struct move_fetch_row){ .uidvalidity = s->uidvalidity };
	return 0;
}

/* Those that were left before and are still to come stay so. */
static int advance(struct move_fetch_imap *s)
{
	struct uidset left = { 0 };
	int r = 0;

	if (!s->is_listed)
		return 0;
	arena_reset(&s->left_arena);
	for (; s->n_decided < s->n && s->v[s->n_decided].is_done; s->n_decided++)
		if (s->v[s->n_decided].uid > s->row.last)
			s->row.last = s->v[s->n_decided].uid;
	for (size_t i = 0; i < s->old_left.n && !s->is_thorough && r == 0; i++)
		r = uidset_add(&s->left_arena, &left, s->old_left.r[i].lo, s->old_left.r[i].hi);
	for (size_t i = 0; i < s->n && s->v[i].was_left && r == 0; i++)
		if (!s->v[i].is_done)
			r = uidset_add(&s->left_arena, &left, s->v[i].uid, s->v[i].uid);
	for (size_t i = 0; i < s->left.n && r == 0; i++)
		if (s->left.r[i].lo <= s->row.last)
			r = uidset_add(&s->left_arena, &left, s->left.r[i].lo, s->left.r[i].hi);
	if (r == 0)
		s->row.left = left;
	return r;
}

void move_fetch_imap_note(struct move_fetch_imap *s)
{
	AUTO(buf_fini) struct buf key = BUF_INIT(65536), value = BUF_INIT(ROW);
	const struct move_fetch_options *o = s->f->o;
	struct str old;

	if (s->row.uidvalidity == 0 || advance(s) < 0)
		return;
	if (o->is_delete && o->keep_s > 0)
		move_fetch_row_mark(&s->row, s->now_s, o->keep_s);
	add_key(&key, s);
	move_fetch_row_print(&value, &s->row);
	old = move_state_get(s->f->state, buf_str(&key));
	if (!buf_overflowed(&value) && !buf_overflowed(&key) && !(old.p != NULL && str_eq(old, buf_str(&value))))
		move_fetch_later(s->f, buf_str(&key), buf_str(&value));
}

static int commit(struct move_fetch_imap *s, struct fault *fault)
{
	move_fetch_imap_note(s);
	return move_fetch_commit(s->f, fault);
}

/* ---- select ---- */

static int see_select(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	struct move_fetch_imap *s = ctx;

	(void)fault;
	if (r->kind == IMAP_CLIENT_EXISTS)
		s->exists = r->number;
	if (r->kind == IMAP_CLIENT_UNTAGGED && r->uidvalidity > 0)
		s->uidvalidity = r->uidvalidity;
	if (r->kind == IMAP_CLIENT_UNTAGGED && r->uidnext > 0)
		s->uidnext = r->uidnext;
	if (r->kind == IMAP_CLIENT_UNTAGGED && r->highestmodseq > 0)
		s->highestmodseq = r->highestmodseq;
	return 0;
}

int move_fetch_imap_select(struct move_fetch_imap *s, const struct move_imap_box *box, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(65536);
	struct imap_client_reply reply = { 0 };
	unsigned tag;
	int r;

	buf_add(&line, s->f->o->is_delete || s->f->o->is_sync ? S("SELECT ") : S("EXAMINE "));
	if (!imap_client_add_name(&line, box->raw))
		return fault_set(fault, -E_CANNOT, "no command can carry the name of this mailbox");
	if (s->f->o->is_sync && imap_client_caps(s->c)->has_condstore)
		buf_add(&line, S(" (CONDSTORE)")); /* RFC 7162 3.1.8 */
	s->exists = s->uidvalidity = s->uidnext = 0;
	s->highestmodseq = 0;
	r = imap_client_send(s->c, buf_str(&line), &tag, fault);
	while (r == 0) {
		r = imap_client_next(s->c, &reply, fault);
		if (r == 0 && reply.kind == IMAP_CLIENT_TAGGED)
			break;
		if (r == 0)
			r = see_select(s, &reply, fault);
	}
	if (r == 0)
		r = imap_client_result(s->c, &reply, fault);
	s->is_read_only = r == 0 && str_ieq(reply.code, S("READ-ONLY"));
	if (r == 0 && s->uidvalidity == 0)
		r = fault_set(fault, -E_CANNOT, "the server gives its messages no lasting numbers (UIDVALIDITY)");
	return r;
}

/* ---- what is new ---- */

static int see_item(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	struct move_fetch_imap *s = ctx;
	bool was_left = s->is_thorough && uidset_has(&s->old_left, r->uid);

	s->has_news |= r->kind == IMAP_CLIENT_EXISTS;
	/* "8:*" is the last one too where it is before 8 (RFC 9051 9, seq-range). */
	if (r->kind != IMAP_CLIENT_FETCH || r->uid == 0 || (r->uid <= s->row.last && !was_left))
		return 0;
	if (s->n == ITEMS || arena_grow(&s->arena, &s->v, s->n, &s->cap, sizeof(*s->v)) < 0)
		return fault_set(fault, -E_LIMIT, "the mailbox has more messages than fit");
	s->v[s->n++] = (struct move_fetch_item){ .uid = r->uid, .size = r->size, .was_left = was_left };
	return 0;
}

static int by_uid(const void *a, const void *b)
{
	uint32_t x = ((const struct move_fetch_item *)a)->uid, y = ((const struct move_fetch_item *)b)->uid;

	return x < y ? -1 : x > y;
}

/* In the order of UIDs, each once. */
static void sort(struct move_fetch_imap *s)
{
	size_t n = 0;

	if (s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), by_uid);
	for (size_t i = 0; i < s->n; i++)
		if (n == 0 || s->v[i].uid != s->v[n - 1].uid)
			s->v[n++] = s->v[i];
	s->n = n;
}

static int list(struct move_fetch_imap *s, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(2 * ROW);
	bool asks_left = s->is_thorough && s->old_left.n > 0;
	int r;

	s->v = NULL;
	s->n = s->cap = s->n_decided = s->n_under_way = 0;
	s->left = (struct uidset){ 0 };
	s->has_news = s->is_listed = false;
	if (s->exists == 0 || (s->uidnext > 0 && s->uidnext - 1 <= s->row.last && !asks_left))
		return 0;
	buf_add(&line, S("UID FETCH "));
	if (asks_left)
		uidset_print(&line, &s->old_left);
	if (s->row.last < UINT32_MAX)
		buf_printf(&line, "%s%u:*", asks_left ? "," : "", s->row.last + 1);
	buf_add(&line, S(" (UID RFC822.SIZE)"));
	r = imap_client_ask(s->c, buf_str(&line), see_item, s, fault);
	sort(s);
	s->is_listed = r == 0;
	return r;
}

/* ---- messages ---- */

static struct move_fetched message_of(struct move_fetch_imap *s, uint32_t uid, char name[32])
{
	snprintf(name, 32, "%u.%u", s->uidvalidity, uid);
	return (struct move_fetched){ .box = buf_str(&s->name), .name = str_z(name) };
}

/* Of one that is put, where the row does not know it yet. */
static void add_found_key(struct buf *out, const struct move_fetch_imap *s, uint32_t uid)
{
	buf_printf(out, "?%" STR_FMT "/%u.%u", STR_ARG(buf_str(&s->name)), s->uidvalidity, uid);
}

/* Those that the target has found after a crash are here. */
static void take_found(struct move_fetch_imap *s)
{
	for (size_t i = 0; i < s->n; i++) {
		AUTO(buf_fini) struct buf key = BUF_INIT(65536);
		char name[32];
		struct move_fetched m = message_of(s, s->v[i].uid, name);

		add_found_key(&key, s, s->v[i].uid);
		if (move_state_get(s->f->state, buf_str(&key)).p == NULL)
			continue;
		s->v[i].is_done = s->has_found = true;
		s->f->n_there++;
		if (s->f->watch->message != NULL)
			s->f->watch->message(s->f->watch->ctx, &m, 1, "");
	}
}

/* The row of the mailbox knows them now. */
static void forget_found(struct move_fetch_imap *s)
{
	AUTO(buf_fini) struct buf begin = BUF_INIT(65536);
	struct str key, value;

	buf_printf(&begin, "?%" STR_FMT "/", STR_ARG(buf_str(&s->name)));
	for (size_t at = 0; s->has_found && move_state_next(s->f->state, &at, &key, &value);)
		if (str_starts(key, buf_str(&begin)) && str_chr(str_skip(key, begin.n), '/') < 0)
			move_state_remove(s->f->state, key);
	s->has_found = false;
}

static int leave(struct move_fetch_imap *s, struct move_fetch_item *it, struct fault *fault)
{
	it->is_done = true;
	if (uidset_add(&s->arena, &s->left, it->uid, it->uid) < 0 || s->left.n > ROW / 24)
		return fault_set(fault, -E_LIMIT, "too many messages of the mailbox %s are not taken", buf_z(&s->name));
	return 0;
}

static int leave_and_tell(struct move_fetch_imap *s, struct move_fetch_item *it, int err, const char *why_z, struct fault *fault)
{
	char name[32];
	struct move_fetched m = message_of(s, it->uid, name);

	s->f->n_left++;
	if (s->f->watch->message != NULL)
		s->f->watch->message(s->f->watch->ctx, &m, err, why_z);
	return leave(s, it, fault);
}

static int put(struct move_fetch_imap *s, struct move_fetch_item *it, const struct imap_client_reply *r, struct fault *fault)
{
	char name[32];
	AUTO(buf_fini) struct buf key = BUF_INIT(65536);
	struct move_fetched m = message_of(s, it->uid, name);
	int rc = 0;

	m.bytes = r->body;
	m.flags = (unsigned)r->flags.flags;
	m.date_s = r->date_s > 0 ? r->date_s : 0;
	for (size_t i = 0; i < r->flags.n_keywords && m.n_keywords < MOVE_KEYWORDS; i++)
		m.keywords[m.n_keywords++] = r->flags.keywords[i];
	add_found_key(&key, s, it->uid);
	m.key = buf_str(&key);
	m.value = S("1");
	if (s->name_message != NULL)
		s->name_message(s->ctx, it->uid, &m);
	if (move_fetch_is_due(s->f))
		rc = commit(s, fault);
	if (rc == 0)
		rc = move_fetch_put(s->f, &m, fault);
	if (rc != 0)
		return rc < 0 ? rc : leave(s, it, fault);
	it->is_done = true;
	if (s->took != NULL)
		s->took(s->ctx, it->uid, &m);
	if (!it->was_left)
		return 0;
	s->row.late_s = s->now_s;
	return uidset_add(&s->arena, &s->row.late, it->uid, it->uid) < 0 ? fault_set(fault, -E_LIMIT, "there is not enough memory") : 0;
}

static int take(struct move_fetch_imap *s, const struct imap_client_reply *r, struct fault *fault)
{
	const struct move_fetch_item key = { .uid = r->uid };
	struct move_fetch_item *it = s->n > 0 ? bsearch(&key, s->v, s->n, sizeof(key), by_uid) : NULL;

	if (it == NULL || !it->is_asked || it->is_done || !r->is_whole)
		return 0; /* changed flags of some message */
	if (r->body.n == 0)
		return leave_and_tell(s, it, -E_CANNOT, "the server gives no bytes of it", fault);
	return put(s, it, r, fault);
}

/* The next of those that wait and were refused as wanted; at least one, at most a chunk. */
static int ask(struct move_fetch_imap *s, size_t *next, bool is_alone, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(65536);
	struct move_fetch_chunk chunk = { .from = *next };
	struct uidset set = { 0 };
	uint64_t bytes = 0;
	size_t n = 0;

	for (; *next < s->n && n < (is_alone ? 1 : CHUNK) && bytes < CHUNK_BYTES; ++*next) {
		struct move_fetch_item *it = &s->v[*next];

		if (it->is_done || it->is_refused != is_alone)
			continue;
		if (uidset_add(&s->arena, &set, it->uid, it->uid) < 0)
			return fault_set(fault, -E_LIMIT, "there is not enough memory");
		it->is_asked = true;
		bytes += it->size;
		n++;
	}
	if (n == 0)
		return 0;
	chunk.to = *next;
	buf_add(&line, S("UID FETCH "));
	uidset_print(&line, &set);
	buf_add(&line, S(" (UID FLAGS INTERNALDATE BODY.PEEK[])"));
	s->under_way[s->n_under_way++] = chunk;
	return imap_client_send(s->c, buf_str(&line), &s->under_way[s->n_under_way - 1].tag, fault);
}

static int end_chunk(struct move_fetch_imap *s, const struct imap_client_reply *r, bool is_alone, struct fault *fault)
{
	struct move_fetch_chunk chunk;
	size_t at = 0;
	int rc = 0;

	while (at < s->n_under_way && s->under_way[at].tag != imap_client_tag(r->tag))
		at++;
	if (at == s->n_under_way)
		return 0;
	chunk = s->under_way[at];
	s->n_under_way--;
	memmove(&s->under_way[at], &s->under_way[at + 1], (s->n_under_way - at) * sizeof(chunk));
	for (size_t i = chunk.from; i < chunk.to && rc == 0; i++) {
		struct move_fetch_item *it = &s->v[i];

		if (it->is_done || !it->is_asked || it->is_refused != is_alone)
			continue;
		if (!r->is_ok && is_alone)
			rc = leave_and_tell(s, it, -E_CANNOT, "the server does not give it", fault);
		it->is_asked = false;
		it->is_refused = !r->is_ok;
		if (r->is_ok && it->was_left) /* it was there before, and was listed again right now */
			rc = leave_and_tell(s, it, -E_CANNOT, "the server gives no bytes of it", fault);
		else if (r->is_ok)
			rc = leave(s, it, fault);
	}
	return rc;
}

static int fetch(struct move_fetch_imap *s, bool is_alone, struct fault *fault)
{
	struct imap_client_reply reply = { 0 };
	size_t next = 0;
	int r = 0;

	for (;;) {
		while (r == 0 && s->n_under_way < MOVE_FETCH_UNDER_WAY && next < s->n)
			r = ask(s, &next, is_alone, fault);
		if (r < 0 || s->n_under_way == 0)
			return r;
		r = imap_client_next(s->c, &reply, fault);
		if (r == 0 && reply.kind == IMAP_CLIENT_FETCH)
			r = take(s, &reply, fault);
		else if (r == 0 && reply.kind == IMAP_CLIENT_TAGGED)
			r = end_chunk(s, &reply, is_alone, fault);
		s->has_news |= r == 0 && reply.kind == IMAP_CLIENT_EXISTS;
	}
}

static int leave_big_ones(struct move_fetch_imap *s, struct fault *fault)
{
	uint64_t max = s->f->o->max_message > 0 ? s->f->o->max_message : LIMIT_IMPORT_MESSAGE;
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++)
		if (s->v[i].size > max)
			r = leave_and_tell(s, &s->v[i], -E_TOO_BIG, "it is larger than messages may be", fault);
	return r;
}

int move_fetch_imap_bodies(struct move_fetch_imap *s, struct fault *fault)
{
	int r = leave_big_ones(s, fault);

	if (r == 0)
		r = fetch(s, false, fault);
	return r < 0 ? r : fetch(s, true, fault);
}

/* ---- the mailbox ---- */

static uint32_t may_go(const struct move_fetch_imap *s)
{
	const struct move_fetch_options *o = s->f->o;

	return o->is_delete ? move_fetch_row_kept(&s->row, s->now_s, o->keep_s) : 0;
}

int move_fetch_imap_box(struct move_fetch_imap *s, const struct move_imap_box *box, struct str name, struct fault *fault)
{
	int r;

	buf_reset(&s->name);
	buf_add(&s->name, name);
	arena_reset(&s->arena);
	s->row = (struct move_fetch_row){ 0 };
	s->left = s->old_left = (struct uidset){ 0 };
	s->n = s->n_decided = s->n_under_way = 0;
	s->is_listed = false;
	r = move_fetch_imap_select(s, box, fault);
	if (r == 0)
		r = load_row(s, fault);
	if (r == 0)
		r = list(s, fault);
	if (r == 0)
		take_found(s);
	if (r == 0 && s->f->watch->box != NULL && (s->n > 0 || s->is_first_round))
		s->f->watch->box(s->f->watch->ctx, name, s->n);
	if (r == 0)
		r = move_fetch_imap_bodies(s, fault);
	if (r == 0)
		r = commit(s, fault);
	if (r == 0)
		forget_found(s);
	if (r == 0 && (s->n > 0 || s->is_thorough) && may_go(s) > 0)
		r = move_fetch_imap_delete(s, may_go(s), fault);
	return r;
}
