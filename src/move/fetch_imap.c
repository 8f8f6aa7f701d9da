/* SPDX-License-Identifier: MIT */
/*
 * IMAP as a source: a session logs in, goes through the mailboxes that are wanted, and ends; or, with is_idle, waits for more mail as long as the connection lives.
 *
 * Waiting is IDLE (RFC 2177) in the first of the mailboxes, begun anew long before the 29 minutes after which a server may hang up; the others are looked at in
 * between. A server without IDLE is asked by NOOP.
 */
#include "move/sync.h"

#include "base/clock.h"
#include "base/limits.h"

#define ARENA (1u << 30)
#define NAMES_MAX (64u << 20)
#define IDLE_MS (10 * 60000)   /* routers forget quiet connections sooner than servers */
#define NOOP_MS 30000
#define THOROUGH_S 3600        /* how often, where mail is waited for */
#define OTHERS_MS 60000        /* how long a mailbox waits that we do not idle in */

static int log_in(struct move_fetch_imap *s, struct net_stream *stream, struct fault *fault)
{
	const struct move_fetch_options *o = s->f->o;
	const char *names_z[2];
	const struct imap_client_options c = {
		.starttls = o->starttls,
		.tls = o->tls,
		.want = move_fetch_want(s->f, names_z),
		.user = o->user,
		.password = o->password,
		.may_plain = o->is_insecure,
		.host_z = o->host_z,
		.max_literal = o->max_message,
		.trace = o->trace,
		.trace_ctx = s->f->watch->ctx,
	};
	enum imap_client_stage stage = IMAP_CLIENT_GREETING;
	int r = imap_client_open(stream, &c, &s->c, &stage, fault);

	return r == -E_DENIED && stage == IMAP_CLIENT_GREETING ? -E_BUSY : r; /* too many connections, or it goes down */
}

/* ---- which mailboxes ---- */

static bool is_wanted(struct str want, struct str name)
{
	return str_eq(want, S("*")) || str_eq(want, name) || (str_ieq(want, S("INBOX")) && str_ieq(name, S("INBOX")));
}

static int box_of(struct move_fetch_imap *s, const struct move_imap_box *box, struct str name, struct fault *fault)
{
	return s->f->o->is_sync ? move_sync_box(s, box, name, fault) : move_fetch_imap_box(s, box, name, fault);
}

/* Each that is there and wanted; a mailbox that cannot be read is no reason to leave out the others. */
static int fetch_wanted(struct move_fetch_imap *s, struct str want, struct fault *fault)
{
	static const struct move_imap_box inbox = { .raw = STR_INIT("INBOX") };
	struct fault why = { "" };
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < s->boxes.n && r == 0; i++) {
		const struct move_imap_box *b = &s->boxes.v[i];
		AUTO(buf_fini) struct buf name = BUF_INIT(65536);

		(void)move_imap_boxes_name(&s->boxes, b->raw, b->delimiter, &name);
		if (b->is_noselect || !is_wanted(want, buf_str(&name)))
			continue;
		n++;
		if (b->is_twin) { /* with the same rows of the state one could make us delete what is in the other */
			s->f->n_left++;
			move_fetch_note(s->f, "%" STR_FMT " is left alone: another mailbox has that name here", STR_ARG(str_head(b->raw, 200)));
			continue;
		}
		r = box_of(s, b, str_ieq(buf_str(&name), S("INBOX")) ? S("INBOX") : buf_str(&name), &why);
		if (r == -E_CANNOT && s->f->broken == 0 && str_eq(want, S("*"))) {
			move_fetch_note(s->f, "%s: %s", buf_z(&name), why.text);
			r = 0;
		}
	}
	if (r == 0 && n == 0 && str_ieq(want, S("INBOX"))) /* it is always there (RFC 9051 5.1), told or not */
		r = box_of(s, &inbox, S("INBOX"), &why);
	else if (r == 0 && n == 0)
		r = fault_set(&why, -E_CANNOT, "the server has no mailbox %" STR_FMT, STR_ARG(str_head(want, 200)));
	if (r < 0)
		*fault = why;
	return r;
}

/* The first one comes last: it stays selected. */
static int round_of(struct move_fetch_imap *s, struct fault *fault)
{
	static const struct str inbox = STR_INIT("INBOX");
	const struct str *wanted = s->f->o->n_boxes > 0 ? s->f->o->boxes : &inbox;
	size_t n = s->f->o->n_boxes > 0 ? s->f->o->n_boxes : 1;
	int r = 0;

	s->now_s = clock_wall_ms() / 1000;
	s->is_thorough = s->is_first_round || s->now_s - s->thorough_s >= THOROUGH_S;
	if (s->is_thorough) {
		s->thorough_s = s->now_s;
		s->f->n_left = 0; /* all of them are asked for again */
	}
	for (size_t i = n; i > 0 && r == 0; i--)
		r = fetch_wanted(s, wanted[i - 1], fault);
	s->is_first_round = false;
	return r;
}

/* ---- waiting ---- */

static bool is_news(const struct imap_client_reply *r)
{
	return r->kind == IMAP_CLIENT_EXISTS;
}

/* 1: something came; 0: the time is over. */
static int hear(struct move_fetch_imap *s, int64_t ms, bool *ret_is_ended, struct fault *fault)
{
	int64_t until_ms = clock_mono_ms() + ms;
	struct imap_client_reply reply;
	int r = 1;

	*ret_is_ended = false;
	while (r == 1) {
		int64_t left_ms = until_ms - clock_mono_ms();

		r = imap_client_await(s->c, left_ms > 0 ? left_ms : 0, &reply, fault);
		if (r != 1)
			return r;
		*ret_is_ended |= reply.kind == IMAP_CLIENT_TAGGED;
		if (is_news(&reply) || *ret_is_ended)
			return 1;
	}
	return r;
}

static int see_news(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	struct move_fetch_imap *s = ctx;

	(void)fault;
	s->has_news |= is_news(r);
	return 0;
}

static int noop(struct move_fetch_imap *s, int64_t ms, struct fault *fault)
{
	bool is_ended;
	int r = hear(s, ms, &is_ended, fault);

	s->has_news |= r > 0;
	return r < 0 ? r : imap_client_ask(s->c, S("NOOP"), see_news, s, fault);
}

static int idle(struct move_fetch_imap *s, int64_t ms, struct fault *fault)
{
	struct imap_client_reply reply = { 0 };
	bool is_ended = false;
	int r = imap_client_send(s->c, S("IDLE"), NULL, fault);

	if (r == 0)
		r = hear(s, ms, &is_ended, fault);
	if (r < 0)
		return r;
	s->has_news |= r > 0 && !is_ended;
	if (is_ended) /* it does not idle, or not longer */
		return noop(s, NOOP_MS, fault);
	r = imap_client_put(s->c, S("DONE\r\n"), fault);
	while (r == 0 && reply.kind != IMAP_CLIENT_TAGGED) {
		r = imap_client_next(s->c, &reply, fault);
		s->has_news |= r == 0 && is_news(&reply);
	}
	return r;
}

/* Until something has come, or the other mailboxes are to be looked at. */
static int wait(struct move_fetch_imap *s, struct fault *fault)
{
	bool has_others = s->f->o->n_boxes > 1 || (s->f->o->n_boxes == 1 && str_eq(s->f->o->boxes[0], S("*")));
	int r = 0;

	while (r == 0 && !s->has_news) {
		r = imap_client_caps(s->c)->has_idle ? idle(s, has_others ? OTHERS_MS : IDLE_MS, fault) : noop(s, NOOP_MS, fault);
		if (has_others)
			break;
	}
	return r;
}

/* ---- a session ---- */

static int session(struct move_fetch_imap *s, struct net_stream *stream, struct fault *fault)
{
	int r = log_in(s, stream, fault);

	if (r == 0)
		r = move_imap_boxes_take(&s->boxes, s->c, S("LIST \"\" \"*\""), fault);
	if (r < 0)
		return r;
	(void)move_imap_boxes_find_prefix(&s->boxes);
	if (move_imap_boxes_find_twins(&s->boxes) < 0)
		return fault_set(fault, -E_LIMIT, "the server has too many mailboxes");
	do {
		r = round_of(s, fault);
		if (r == 0 && s->f->o->is_idle)
			r = wait(s, fault);
	} while (r == 0 && s->f->o->is_idle);
	return r;
}

static int run(struct move_fetch *f, struct net_stream *stream, struct fault *fault)
{
	struct move_fetch_imap s = { .f = f, .is_first_round = true, .name = BUF_INIT(65536) };
	int r;

	arena_init(&s.arena, ARENA);
	arena_init(&s.left_arena, ARENA);
	arena_init(&s.boxes.arena, NAMES_MAX);
	r = session(&s, stream, fault);
	if (f->broken == 0)
		move_fetch_imap_note(&s);
	imap_client_close(&s.c);
	arena_fini(&s.arena);
	arena_fini(&s.left_arena);
	arena_fini(&s.boxes.arena);
	buf_fini(&s.name);
	return r;
}

const struct move_fetch_source move_fetch_imap = { .name_z = "imap", .port = 143, .tls_port = 993, .run = run };
