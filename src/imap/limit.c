/* SPDX-License-Identifier: MIT */
/*
 * MESSAGELIMIT and SAVELIMIT (RFC 9738 3).
 *
 * What is left out is always the messages with the lowest UIDs.
 * DEVIATION(RFC 9738 3.1): within the rest FETCH, STORE and SEARCH answer in the order of the mailbox, not from the
 * highest UID down: a client learns from the tagged answer that there was a limit, and then all are done.
 */
#include "imap/limit.h"

#include "base/limits.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "imap/search.h"
#include "imap/seqset.h"
#include "store/view.h"

#define NO_LIMIT UINT32_MAX

static uint32_t limit_of_copies(const struct imap_session *s)
{
	return s->conf->message_limit > 0 ? (uint32_t)s->conf->message_limit : NO_LIMIT;
}

static uint32_t limit(const struct imap_session *s)
{
	return s->conf->is_limit_for_copies ? NO_LIMIT : limit_of_copies(s);
}

void imap_limit_caps(const struct imap_session *s, struct buf *out)
{
	if (s->conf->message_limit > 0)
		buf_printf(out, " %s=%u", s->conf->is_limit_for_copies ? "SAVELIMIT" : "MESSAGELIMIT",
			   limit_of_copies(s));
}

/* ---- those that take the last ones ---- */

static uint32_t lowest_uid(const struct imap_session *s, const struct uidset *seqs)
{
	return store_view_at(s->sel->view, seqs->r[0].lo)->uid;
}

int imap_limit_cut(struct imap_session *s, struct uidset *seqs)
{
	int r;

	if (uidset_count(seqs) <= limit(s))
		return 0;
	r = imap_seqset_last(&s->arena, seqs, limit(s), seqs);
	if (r == 0)
		s->cmd.lowest_done = lowest_uid(s, seqs);
	return r;
}

/* The n-th \Deleted one of them from the end; 0: there are not more than n. */
static uint32_t nth_deleted(const struct store_view *v, const struct uidset *seqs, uint32_t n)
{
	uint32_t lowest = 0, found = 0;

	for (size_t i = seqs->n; i-- > 0;) {
		for (uint32_t seq = seqs->r[i].hi; seq >= seqs->r[i].lo; seq--) {
			if (!(store_view_at(v, seq)->flags & STORE_DELETED))
				continue;
			if (found++ == n)
				return lowest;
			lowest = seq;
		}
	}
	return 0;
}

/* Where others have set \Deleted since the view was shown, it may be a few more than N. */
int imap_limit_cut_deleted(struct imap_session *s, struct uidset *seqs)
{
	uint32_t lo = limit(s) == NO_LIMIT ? 0 : nth_deleted(s->sel->view, seqs, limit(s));
	struct uid_range rest = { .lo = lo, .hi = UINT32_MAX };
	const struct uidset from_lo = { .r = &rest, .n = 1 };
	int r;

	if (lo == 0)
		return 0;
	r = imap_seqset_both(&s->arena, seqs, &from_lo, seqs);
	if (r == 0)
		s->cmd.lowest_done = lowest_uid(s, seqs);
	return r;
}

/* Takes from *seqs what no match can be. The tree is no deeper than STORE_SEARCH_DEPTH. */
static int narrow(struct arena *a, const struct store_search *key, struct uidset *seqs)
{
	const struct store_search *k = key->op == STORE_S_AND ? key->child : NULL;
	int r = key->op == STORE_S_SEQS ? imap_seqset_both(a, seqs, &key->set, seqs) : 0;

	for (; k != NULL && r == 0; k = k->next)
		r = narrow(a, k, seqs);
	return r;
}

int imap_limit_scope(struct imap_session *s, const struct imap_search *q, struct uidset *ret)
{
	struct uidset all = { 0 };
	int r = 0;

	if (limit(s) == NO_LIMIT)
		return 0;
	if (q->in.view->n > 0)
		r = uidset_add(&s->arena, &all, 1, q->in.view->n);
	if (r == 0)
		r = narrow(&s->arena, q->tree, &all);
	*ret = all;
	return r < 0 ? r : 1;
}

/* ---- those that are refused ---- */

static int refuse(struct imap_session *s, uint32_t n, uint32_t uid)
{
	if (uid > 0)
		imap_code(s, "MESSAGELIMIT %u %u", n, uid);
	else
		imap_code(s, "MESSAGELIMIT %u", n);
	imap_say(s, "too many messages for one command");
	return -E_CANNOT;
}

/* RFC 9738 3.1: the UID is the one where a COPY of the last ones would begin. */
int imap_limit_copy(struct imap_session *s, const struct uidset *seqs)
{
	struct uidset last;
	int r;

	if (uidset_count(seqs) <= limit_of_copies(s))
		return 0;
	r = imap_seqset_last(&s->arena, seqs, limit_of_copies(s), &last);
	return r < 0 ? r : refuse(s, limit_of_copies(s), lowest_uid(s, &last));
}

int imap_limit_whole(struct imap_session *s, const struct uidset *seqs)
{
	return uidset_count(seqs) <= limit(s) ? 0 : refuse(s, limit(s), 0);
}

uint32_t imap_limit_append(const struct imap_session *s)
{
	uint32_t n = limit_of_copies(s);

	return n < LIMIT_IMAP_APPEND_MESSAGES ? n : LIMIT_IMAP_APPEND_MESSAGES;
}

void imap_limit_append_refused(struct imap_session *s)
{
	if (limit_of_copies(s) != NO_LIMIT)
		(void)refuse(s, imap_limit_append(s), 0);
}

/* ---- the answer ---- */

void imap_limit_answer(struct imap_session *s)
{
	static const char *const text_z = "that was for the last messages only, say it again for the others";

	if (s->cmd.lowest_done == 0)
		return;
	if (s->cmd.code.n > 0) {
		imap_resp_untagged(s, "NO [MESSAGELIMIT %u %u] %" STR_FMT, limit(s), s->cmd.lowest_done,
				   STR_ARG(imap_language_text(s->language, str_z(text_z))));
		return;
	}
	imap_code(s, "MESSAGELIMIT %u %u", limit(s), s->cmd.lowest_done);
	imap_say(s, "%s", text_z);
}
