/* SPDX-License-Identifier: MIT */
/*
 * All mailboxes of an account of another server. Each is examined, so nothing changes there. Its messages are looked at a page at a time
 * (UID and size); those that did not come before are fetched with one command.
 *
 * A message is known again by the user, the mailbox, its UIDVALIDITY, UID and size. When a connection breaks, a new one leaves
 * out those of which something was said to the sink.
 */
#include "move/imap.h"

#include <stdio.h>
#include <time.h>

#include "base/limits.h"
#include "base/uidset.h"

#define PAGE 500
#define TRIES 5               /* connections that break without a message in between */
#define NAMES_MAX (64u << 20) /* of all mailboxes */

struct wanted {
	uint32_t uid;
	bool is_had, is_done;
	uint64_t size;
	uint8_t key[STORE_IMPORT_KEY];
};

struct walk {
	const struct move_imap_options *o;
	const struct move_sink *sink;
	struct move_imap_link link;
	struct move_imap_boxes boxes, subscribed;
	unsigned tries;
	bool is_sink_broken;
	/* the mailbox at hand */
	struct str raw;         /* its name there: two may have to share one of ours */
	struct buf name;        /* ours */
	bool is_told;           /* the sink knows it */
	uint32_t uidvalidity, uidnext, exists, next_seq, done_uid;
	struct wanted page[PAGE];
	size_t n_page;
	struct uidset done;     /* of pages during which the connection broke */
	struct arena done_arena;
	char where[1200];
};

/* What the sink answered: its trouble is not that of the connection. */
static int of_sink(struct walk *w, int r)
{
	w->is_sink_broken |= r < 0;
	return r;
}

static const char *where(struct walk *w, uint32_t uid)
{
	snprintf(w->where, sizeof(w->where), "%.1000s, UID %u", buf_z(&w->name), uid);
	return w->where;
}

/* ---- which mailboxes there are ---- */

static void name_mailbox(struct walk *w, const struct move_imap_box *m, struct buf *out)
{
	if (move_imap_boxes_name(&w->boxes, m->raw, m->delimiter, out))
		return;
	snprintf(w->where, sizeof(w->where), "%" STR_FMT " cannot have that name here: it is %.500s", STR_ARG(str_head(m->raw, 500)),
		 buf_z(out));
	w->sink->note(w->sink->ctx, w->where);
}

/* ---- one mailbox ---- */

static int examine(struct walk *w, const struct move_imap_box *m, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(65536);
	struct imap_client_reply reply = { 0 };
	uint32_t uidvalidity = 0;
	int r;

	buf_add(&line, S("EXAMINE "));
	if (!imap_client_add_name(&line, m->raw))
		return fault_set(fault, -E_CANNOT, "no command can carry its name");
	w->exists = w->uidnext = 0;
	w->next_seq = 1;
	r = imap_client_send(w->link.client, buf_str(&line), NULL, fault);
	while (r == 0 && reply.kind != IMAP_CLIENT_TAGGED) {
		r = imap_client_next(w->link.client, &reply, fault);
		if (r == 0 && reply.kind == IMAP_CLIENT_EXISTS)
			w->exists = reply.number;
		if (r == 0 && reply.uidvalidity)
			uidvalidity = reply.uidvalidity;
		if (r == 0 && reply.uidnext)
			w->uidnext = reply.uidnext;
	}
	if (r == 0)
		r = imap_client_result(w->link.client, &reply, fault);
	if (r == 0 && w->is_told && uidvalidity != w->uidvalidity)
		r = fault_set(fault, -E_CANNOT, "the mailbox was made anew while it was read; run the command again");
	if (r == 0)
		w->uidvalidity = uidvalidity;
	return r;
}

/* Messages may go and come while we read: sequence numbers follow. */
static void follow(struct walk *w, const struct imap_client_reply *r)
{
	if (r->kind == IMAP_CLIENT_EXISTS && r->number > w->exists)
		w->exists = r->number;
	if (r->kind == IMAP_CLIENT_EXPUNGE && r->number > 0 && r->number <= w->exists) {
		w->exists--;
		w->next_seq -= r->number < w->next_seq;
	}
}

static bool is_done_already(const struct walk *w, uint32_t uid)
{
	return uid <= w->done_uid || uidset_has(&w->done, uid);
}

static void note_wanted(struct walk *w, const struct imap_client_reply *r)
{
	char text[80];
	struct wanted *one = &w->page[w->n_page];

	if (w->n_page == PAGE || r->uid == 0 || is_done_already(w, r->uid) || (w->n_page > 0 && r->uid <= one[-1].uid))
		return;
	*one = (struct wanted){ .uid = r->uid, .size = r->size };
	snprintf(text, sizeof(text), "%u %u %llu", w->uidvalidity, r->uid, (unsigned long long)r->size);
	move_key(S("imap"), w->o->user, S(""), one->key); /* hashed together with what follows */
	move_key(str_of(one->key, sizeof(one->key)), w->raw, str_z(text), one->key);
	w->n_page++;
}

/* The next UIDs and sizes. */
static int look(struct walk *w, struct fault *fault)
{
	struct imap_client_reply reply = { 0 };
	char line[80];
	uint32_t last = w->exists - w->next_seq < PAGE ? w->exists : w->next_seq + PAGE - 1;
	int r;

	snprintf(line, sizeof(line), "FETCH %u:%u (UID RFC822.SIZE)", w->next_seq, last);
	w->n_page = 0;
	w->next_seq = last + 1;
	r = imap_client_send(w->link.client, str_z(line), NULL, fault);
	while (r == 0 && reply.kind != IMAP_CLIENT_TAGGED) {
		r = imap_client_next(w->link.client, &reply, fault);
		if (r == 0 && reply.kind == IMAP_CLIENT_FETCH)
			note_wanted(w, &reply);
		else if (r == 0)
			follow(w, &reply);
	}
	if (r == 0)
		r = imap_client_result(w->link.client, &reply, fault);
	return r;
}

static int ask_sink(struct walk *w, struct fault *fault)
{
	uint8_t keys[PAGE][STORE_IMPORT_KEY];
	bool had[PAGE];
	int r;

	if (w->n_page == 0)
		return 0;
	for (size_t i = 0; i < w->n_page; i++)
		memcpy(keys[i], w->page[i].key, STORE_IMPORT_KEY);
	r = of_sink(w, w->sink->have(w->sink->ctx, (const uint8_t (*)[STORE_IMPORT_KEY])keys, w->n_page, had, fault));
	for (size_t i = 0; i < w->n_page && r == 0; i++) {
		w->page[i].is_had = w->page[i].is_done = had[i];
		if (!had[i] && w->page[i].size > LIMIT_IMPORT_MESSAGE) {
			w->sink->bad(w->sink->ctx, where(w, w->page[i].uid), "larger than 256 MiB");
			w->page[i].is_done = true;
		}
	}
	return r;
}

static struct wanted *find_wanted(struct walk *w, uint32_t uid)
{
	for (size_t i = 0; i < w->n_page; i++)
		if (w->page[i].uid == uid && !w->page[i].is_done)
			return &w->page[i];
	return NULL;
}

static int give(struct walk *w, const struct imap_client_reply *r, struct fault *fault)
{
	struct wanted *one = find_wanted(w, r->uid);
	struct move_message m = { .bytes = r->body, .flags = (unsigned)r->flags.flags, .date_s = r->date_s, .uid = r->uid };

	if (!one || !r->has_body || !r->is_whole)
		return 0; /* changed flags of some message */
	one->is_done = true;
	w->tries = 0;
	m.where_z = where(w, r->uid);
	for (size_t i = 0; i < r->flags.n_keywords && m.n_keywords < MOVE_KEYWORDS; i++)
		m.keywords[m.n_keywords++] = r->flags.keywords[i];
	if (m.date_s < 0)
		m.date_s = 0;
	memcpy(m.key, one->key, sizeof(m.key));
	if (m.bytes.n == 0) {
		w->sink->bad(w->sink->ctx, w->where, "empty");
		return 0;
	}
	return of_sink(w, w->sink->message(w->sink->ctx, &m, fault));
}

/* UIDs from..to of the page that are not done; *ret_is_refused: the server says NO. */
static int fetch(struct walk *w, size_t from, size_t to, bool *ret_is_refused, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(65536);
	struct imap_client_reply reply = { 0 };
	size_t n = 0;
	int r;

	buf_add(&line, S("UID FETCH "));
	for (size_t i = from; i < to; i++) {
		if (w->page[i].is_done)
			continue;
		buf_printf(&line, "%s%u", n++ ? "," : "", w->page[i].uid);
	}
	if (n == 0)
		return 0;
	buf_add(&line, S(" (UID FLAGS INTERNALDATE BODY.PEEK[])"));
	r = imap_client_send(w->link.client, buf_str(&line), NULL, fault);
	while (r == 0 && reply.kind != IMAP_CLIENT_TAGGED) {
		r = imap_client_next(w->link.client, &reply, fault);
		if (r == 0 && reply.kind == IMAP_CLIENT_FETCH)
			r = give(w, &reply, fault);
		else if (r == 0)
			follow(w, &reply);
	}
	if (r == 0)
		*ret_is_refused = !reply.is_ok;
	return r;
}

/* Together; those that do not come then, one by one; what does not come then either is bad, unless it was expunged. */
static int fetch_page(struct walk *w, struct fault *fault)
{
	bool is_refused = false;
	int r = fetch(w, 0, w->n_page, &is_refused, fault);

	for (size_t i = 0; i < w->n_page && r == 0; i++) {
		bool is_alone_refused = false;

		if (!w->page[i].is_done)
			r = fetch(w, i, i + 1, &is_alone_refused, fault);
		if (r < 0 || w->page[i].is_done)
			continue;
		w->sink->bad(w->sink->ctx, where(w, w->page[i].uid),
			     is_alone_refused ? "the server does not give it" : "gone while it was to be read");
		w->page[i].is_done = true;
	}
	if (r == 0 && w->n_page)
		w->done_uid = w->page[w->n_page - 1].uid;
	return r;
}

/* From the beginning, or behind the last UID that is done. */
static int read_mailbox(struct walk *w, const struct move_imap_box *m, struct fault *fault)
{
	int r = examine(w, m, fault);

	if (r == 0 && !w->is_told) {
		const struct move_box box = { buf_str(&w->name), w->uidvalidity, w->uidnext, w->exists };

		r = of_sink(w, w->sink->box(w->sink->ctx, &box, fault));
		w->is_told = r == 0;
	}
	while (r == 0 && w->next_seq <= w->exists) {
		r = look(w, fault);
		if (r == 0)
			r = ask_sink(w, fault);
		if (r == 0)
			r = fetch_page(w, fault);
	}
	return r;
}

/* ---- connections that break ---- */

static bool is_broken(const struct walk *w, int r)
{
	return !w->is_sink_broken && (r == -E_CLOSED || r == -E_TIMEOUT || r == -E_TLS || r == -E_IO) && w->tries < TRIES;
}

/* What was said to the sink about messages of this page stays said. */
static int keep_page(struct walk *w)
{
	int r = 0;

	for (size_t i = 0; i < w->n_page && r == 0; i++)
		if (w->page[i].is_done)
			r = uidset_add(&w->done_arena, &w->done, w->page[i].uid, w->page[i].uid);
	w->n_page = 0;
	return r;
}

static int connect_again(struct walk *w, struct fault *fault)
{
	const struct timespec wait = { .tv_sec = 1 << w->tries };
	int r;

	move_imap_link_close(&w->link);
	do {
		w->sink->note(w->sink->ctx, fault->text[0] ? fault->text : "the connection broke");
		w->tries++;
		nanosleep(&wait, NULL);
		r = move_imap_link_open(w->o, &w->link, fault);
	} while (r < 0 && r != -E_AUTH_FAILED && w->tries < TRIES);
	return r;
}

/* 0 also when this mailbox alone cannot be read. */
static int give_mailbox(struct walk *w, const struct move_imap_box *m, struct fault *fault)
{
	struct fault why = { 0 };
	int r;

	w->raw = m->raw;
	buf_reset(&w->name);
	name_mailbox(w, m, &w->name);
	w->is_told = false;
	w->done_uid = 0;
	w->n_page = 0;
	w->done = (struct uidset){ 0 };
	arena_reset(&w->done_arena);
	r = read_mailbox(w, m, &why);
	while (is_broken(w, r)) {
		r = keep_page(w);
		if (r == 0)
			r = connect_again(w, &why);
		if (r == 0)
			r = read_mailbox(w, m, &why);
	}
	if (r == -E_CANNOT && w->link.client) {
		w->sink->bad(w->sink->ctx, buf_z(&w->name), why.text);
		w->is_sink_broken = false;
		r = 0;
	}
	if (r < 0)
		*fault = why;
	return r;
}

static int give_all(struct walk *w, struct fault *fault)
{
	int r = move_imap_boxes_take(&w->boxes, w->link.client, S("LIST \"\" \"*\""), fault);

	if (r == 0)
		r = move_imap_boxes_take(&w->subscribed, w->link.client, S("LSUB \"\" \"*\""), fault);
	if (r == -E_CANNOT && w->boxes.n > 0) { /* IMAP4rev2 has it no more */
		w->sink->note(w->sink->ctx, "the server does not tell which mailboxes are subscribed");
		r = 0;
	}
	if (move_imap_boxes_find_prefix(&w->boxes))
		w->sink->note(w->sink->ctx, "all mailboxes of the server are below INBOX; here they stand beside it");
	for (size_t i = 0; i < w->boxes.n && r == 0; i++)
		if (!w->boxes.v[i].is_noselect)
			r = give_mailbox(w, &w->boxes.v[i], fault);
	for (size_t i = 0; i < w->subscribed.n && r == 0; i++) {
		AUTO(buf_fini) struct buf name = BUF_INIT(65536);

		name_mailbox(w, &w->subscribed.v[i], &name);
		r = w->sink->subscribed(w->sink->ctx, buf_str(&name), fault);
	}
	return r;
}

int move_imap(const struct move_imap_options *o, const struct move_sink *sink, struct fault *fault)
{
	static struct walk w; /* large */
	int r;

	w = (struct walk){ .o = o, .sink = sink, .name = BUF_INIT(65536) };
	arena_init(&w.boxes.arena, NAMES_MAX);
	arena_init(&w.subscribed.arena, NAMES_MAX);
	arena_init(&w.done_arena, NAMES_MAX);
	r = move_imap_link_open(o, &w.link, fault);
	if (r == 0)
		r = give_all(&w, fault);
	move_imap_link_close(&w.link);
	arena_fini(&w.boxes.arena);
	arena_fini(&w.subscribed.arena);
	arena_fini(&w.done_arena);
	buf_fini(&w.name);
	return r;
}
