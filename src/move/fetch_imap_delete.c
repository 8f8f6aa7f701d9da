/* SPDX-License-Identifier: MIT */
/*
 * Deleting on the server what is on the disk here. \Deleted is set by UID; then they are expunged:
 *
 * 1. With UIDPLUS (RFC 4315) by UID, and nothing else is.
 * 2. Without it EXPUNGE takes everything that is \Deleted, so it is said only when all of that is ours, seen right before and right after we have set it.
 *    Else ours stay with \Deleted, and another time may do.
 */
#include "move/fetch_imap.h"

#include <stdio.h>

#include "store/view.h"

#define CHUNK 500

struct look {
	struct move_fetch_imap *s;
	uint32_t last;
	const struct uidset *wanted; /* these, and no others; NULL: all up to last */
	bool is_done;
	struct uidset ours;      /* that may go */
	uint64_t n_others;       /* that are \Deleted, and not ours */
};

static bool is_late(const struct move_fetch_imap *s, uint32_t uid)
{
	int64_t keep_s = s->f->o->keep_s;

	return keep_s > 0 && uidset_has(&s->row.late, uid) && s->row.late_s > s->now_s - keep_s;
}

static bool is_ours(const struct look *l, uint32_t uid)
{
	const struct move_fetch_imap *s = l->s;

	if (l->wanted != NULL)
		return uidset_has(l->wanted, uid);
	return uid <= l->last && !uidset_has(&s->row.left, uid) && !is_late(s, uid);
}

static int see(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	struct look *l = ctx;

	l->s->has_news |= r->kind == IMAP_CLIENT_EXISTS;
	if (r->kind != IMAP_CLIENT_FETCH || r->uid == 0)
		return 0;
	if (!is_ours(l, r->uid))
		l->n_others += (r->flags.flags & STORE_DELETED) != 0;
	else if (uidset_add(&l->s->arena, &l->ours, r->uid, r->uid) < 0)
		return fault_set(fault, -E_LIMIT, "the mailbox has more messages than fit");
	return 0;
}

static int look(struct look *l, struct fault *fault)
{
	char line[80];

	l->ours = (struct uidset){ 0 };
	l->n_others = 0;
	if (imap_client_caps(l->s->c)->has_uidplus)
		snprintf(line, sizeof(line), "UID FETCH 1:%u (UID FLAGS)", l->last);
	else
		snprintf(line, sizeof(line), "UID FETCH 1:* (UID FLAGS)");
	return imap_client_ask(l->s->c, str_z(line), see, l, fault);
}

static int see_nothing(void *ctx, const struct imap_client_reply *r, struct fault *fault)
{
	struct move_fetch_imap *s = ctx;

	(void)fault;
	s->has_news |= r->kind == IMAP_CLIENT_EXISTS;
	return 0;
}

/* Up to CHUNK of a set; *at goes on. */
static void print_some(const struct uidset *set, struct uidset_iter *at, struct arena *a, struct buf *out, uint64_t *ret_n)
{
	struct uidset some = { 0 };

	for (*ret_n = 0; *ret_n < CHUNK && uidset_next(set, at); ++*ret_n)
		if (uidset_add(a, &some, at->v, at->v) < 0)
			break;
	uidset_print(out, &some);
}

int move_fetch_imap_each(struct move_fetch_imap *s, const struct uidset *set, struct str before, struct str behind, move_fetch_see *see_each, void *ctx,
			 struct fault *fault)
{
	struct uidset_iter at = { 0 };
	uint64_t n;
	int r = 0;

	while (r == 0) {
		AUTO(buf_fini) struct buf line = BUF_INIT(65536);

		buf_add(&line, before);
		print_some(set, &at, &s->arena, &line, &n);
		buf_add(&line, behind);
		if (n == 0)
			break;
		r = imap_client_ask(s->c, buf_str(&line), see_each != NULL ? see_each : see_nothing, see_each != NULL ? ctx : s, fault);
	}
	return r;
}

static int expunge(struct look *l, struct fault *fault)
{
	uint64_t n = uidset_count(&l->ours);
	int r;

	if (imap_client_caps(l->s->c)->has_uidplus) {
		r = move_fetch_imap_each(l->s, &l->ours, S("UID EXPUNGE "), S(""), NULL, NULL, fault);
	} else {
		r = look(l, fault);
		if (r == 0 && (l->n_others > 0 || uidset_count(&l->ours) != n)) {
			move_fetch_note(l->s->f, "others have deleted messages in %s meanwhile: ours are marked as deleted, and expunged another time", buf_z(&l->s->name));
			return 0;
		}
		if (r == 0)
			r = imap_client_ask(l->s->c, S("EXPUNGE"), see_nothing, l->s, fault);
	}
	if (r < 0)
		return r;
	l->is_done = true;
	l->s->f->n_deleted += n;
	if (l->s->f->watch->deleted != NULL)
		l->s->f->watch->deleted(l->s->f->watch->ctx, n);
	return 0;
}

static int delete(struct look *l, struct fault *fault)
{
	int r = look(l, fault);

	l->is_done = r == 0 && l->ours.n == 0;
	if (r < 0 || l->ours.n == 0)
		return r;
	if (l->n_others > 0 && !imap_client_caps(l->s->c)->has_uidplus) {
		move_fetch_note(l->s->f, "%s has messages that others have marked as deleted, and the server cannot expunge by UID (UIDPLUS): nothing is deleted there",
				buf_z(&l->s->name));
		return 0;
	}
	r = move_fetch_imap_each(l->s, &l->ours, S("UID STORE "), S(" +FLAGS.SILENT (\\Deleted)"), NULL, NULL, fault);
	return r < 0 ? r : expunge(l, fault);
}

static int delete_or_say(struct look *l, struct fault *fault)
{
	struct move_fetch_imap *s = l->s;
	struct fault why = { "" };
	int r;

	if (s->is_read_only) {
		move_fetch_note(s->f, "nothing can be deleted in %s: the server lets us only read it", buf_z(&s->name));
		return 0;
	}
	r = delete(l, &why);
	if (r == -E_CANNOT) { /* all is here: that it stays there too is no failure */
		move_fetch_note(s->f, "cannot delete in %s: %s", buf_z(&s->name), why.text);
		return 0;
	}
	*fault = why;
	return r;
}

int move_fetch_imap_delete(struct move_fetch_imap *s, uint32_t last, struct fault *fault)
{
	struct look l = { .s = s, .last = last };

	return delete_or_say(&l, fault);
}

int move_fetch_imap_expunge(struct move_fetch_imap *s, const struct uidset *uids, bool *ret_is_done, struct fault *fault)
{
	struct look l = { .s = s, .wanted = uids, .last = uids->r[uids->n - 1].hi };
	int r = delete_or_say(&l, fault);

	*ret_is_done = l.is_done;
	return r;
}
