/* SPDX-License-Identifier: MIT */
/*
 * SELECT, EXAMINE, CLOSE, UNSELECT, and the selected mailbox itself: made in
 * open_mailbox(), freed in imap_deselect(), both together with the change of state.
 *
 * RFC 9051 6.3.2, 6.3.3, 6.4.1, 6.4.2; RFC 3501 6.3.1 (UNSEEN, RECENT); RFC 7162 3.1.8
 * (CONDSTORE), 3.2.5 (QRESYNC), 3.2.11 (CLOSED); RFC 5182 2.1 ("$")
 */
#include "base/limits.h"
#include "base/must.h"
#include "imap/cmd_list.h"
#include "imap/events.h"
#include "imap/imap_int.h"
#include "imap/qresync.h"
#include "imap/resp.h"
#include "imap/update.h"
#include "store/mailbox.h"
#include "store/rights.h"
#include "store/view.h"

#define SAVED_ARENA (4u << 20)
#define SHOWN_ARENA (256u << 10)
#define RECENT_ARENA (64u << 10)

static void free_selected(struct imap_selected *sel)
{
	imap_updates_end(sel);
	store_view_unref(sel->view);
	store_mbox_close(&sel->mbox);
	arena_fini(&sel->saved_arena);
	arena_fini(&sel->shown_arena);
	arena_fini(&sel->recent_arena);
	arena_fini(&sel->own_arena);
	arena_fini(&sel->told_arena);
	mem_free(sel);
}

void imap_deselect(struct imap_session *s)
{
	if (s->sel == NULL)
		return;
	free_selected(s->sel);
	s->sel = NULL;
	s->state = IMAP_ST_AUTH;
	imap_events_watch(s);
}

static int open_mailbox(struct imap_session *s, const struct store_mailbox *box, bool is_examined,
			uint64_t generation)
{
	struct imap_selected *sel = MEM_NEW(struct imap_selected);
	int r = store_mbox_open(imap_store(s), box->id, &sel->mbox);

	if (r == 0)
		r = store_mbox_glance(sel->mbox, &sel->view);
	if (r == 0 && sel->view->is_gone)
		r = -E_NOT_FOUND;
	if (r < 0) {
		free_selected(sel);
		return r;
	}
	sel->mailbox = box->id;
	sel->owner = box->account;
	sel->is_examined = is_examined;
	sel->rights_generation = generation;
	imap_rights_set(sel, box->rights);
	arena_init_held(&sel->saved_arena, SAVED_ARENA);
	arena_init_held(&sel->shown_arena, SHOWN_ARENA);
	arena_init_held(&sel->recent_arena, RECENT_ARENA);
	arena_init_held(&sel->own_arena, RECENT_ARENA);
	arena_init_held(&sel->told_arena, RECENT_ARENA);
	must(s->sel == NULL);
	s->sel = sel;
	s->state = IMAP_ST_SELECTED;
	imap_events_watch(s);
	return 0;
}

/* RFC 7162 3.1.1: never 0. */
static unsigned long long highestmodseq(const struct store_view *v)
{
	return v->highestmodseq > 0 ? v->highestmodseq : 1;
}

void imap_condstore_enable(struct imap_session *s)
{
	if (s->has_condstore)
		return;
	s->has_condstore = true;
	if (s->sel != NULL)
		imap_resp_untagged(s, "OK [HIGHESTMODSEQ %llu] CONDSTORE is on",
				   highestmodseq(s->sel->view));
}

int imap_saved_set(struct imap_session *s, const struct uidset *uids)
{
	struct imap_selected *sel = s->sel;
	size_t i;

	sel->saved = (struct uidset){ 0 };
	arena_fini(&sel->saved_arena);
	for (i = 0; uids != NULL && i < uids->n; i++) {
		if (uidset_add(&sel->saved_arena, &sel->saved, uids->r[i].lo, uids->r[i].hi) < 0) {
			sel->saved = (struct uidset){ 0 };
			return -E_LIMIT;
		}
	}
	return 0;
}

/* \Recent ones among too many to be counted by rows. Nothing was told yet: any view will do. */
static int count_recent(struct imap_session *s)
{
	struct store_view *v;
	int r = store_mbox_view(s->sel->mbox, &v);

	if (r < 0)
		return r;
	store_view_unref(s->sel->view);
	s->sel->view = v;
	return v->is_gone ? -E_NOT_FOUND : imap_notify_recent(s, v);
}

/* What RFC 3501 6.3.1 has besides. Without UNSEEN the client knows nothing of it, and may search. */
static int look_rev1(struct imap_session *s, uint32_t *ret_unseen)
{
	int r = imap_notify_recent(s, s->sel->view);

	if (r == -E_LIMIT)
		r = count_recent(s);
	if (r == 0 && store_view_first_unseen(imap_store(s), s->sel->view, ret_unseen) < 0)
		*ret_unseen = 0;
	return r;
}

/* The untagged data of RFC 9051 6.3.2; given: the name that the client wrote. */
static int show_mailbox(struct imap_session *s, const struct store_mailbox *box, struct str given)
{
	const struct store_view *v;
	uint32_t unseen = 0;
	int r = s->is_rev2 ? 0 : look_rev1(s, &unseen);

	if (r < 0)
		return r;
	v = s->sel->view;
	imap_notify_keywords(s, v);
	imap_resp_untagged(s, "%u EXISTS", v->n);
	if (!s->is_rev2)
		imap_resp_untagged(s, "%u RECENT", s->sel->n_recent);
	if (unseen > 0 && !s->has_uidonly)
		imap_resp_untagged(s, "OK [UNSEEN %u] first unseen", unseen);
	imap_resp_untagged(s, "OK [UIDVALIDITY %u] UIDs are valid", v->uidvalidity);
	imap_resp_untagged(s, "OK [UIDNEXT %u] predicted next UID", v->uidnext);
	imap_resp_untagged(s, "OK [HIGHESTMODSEQ %llu] highest", highestmodseq(v));
	imap_resp_untagged(s, "OK [URLMECH INTERNAL] mechanisms of URLAUTH"); /* RFC 4467 8 */
	/* RFC 5257 4.1 */
	if (s->sel->is_examined)
		imap_resp_untagged(s, "OK [ANNOTATIONS READ-ONLY] annotations");
	else
		imap_resp_untagged(s, "OK [ANNOTATIONS %d] annotations", LIMIT_ANNOTATION_VALUE);
	/* RFC 8474 4.2 */
	imap_resp_untagged(s, "OK [MAILBOXID (%" STR_FMT ")] id", STR_ARG(box->mailboxid));
	if (s->is_rev2) {
		AUTO(buf_fini) struct buf use = BUF_INIT(1000);

		imap_list_use_print(box->special_use, &use);
		imap_list_given(s, buf_str(&use), box->name, given);
	}
	return 0;
}

struct params {
	struct str given;    /* the name as it was written */
	bool has_condstore;  /* RFC 7162 3.1.8 */
	bool has_annotate;   /* RFC 5257 4.2 */
	bool has_qresync;    /* RFC 7162 3.2.5 */
	struct imap_qresync qresync;
};

static int parse_param(struct imap_parse *p, struct params *ret)
{
	int r;

	if (imap_parse_word(p, S("CONDSTORE")) > 0) {
		ret->has_condstore = true;
		return 1;
	}
	if (imap_parse_word(p, S("ANNOTATE")) > 0) {
		ret->has_annotate = true;
		return 1;
	}
	r = ret->has_qresync ? 0 : imap_qresync_parse(p, &ret->qresync);
	ret->has_qresync |= r > 0;
	return r;
}

/* [SP "(" select-param *(SP select-param) ")"]   RFC 4466 2.4 */
static int parse_params(struct imap_parse *p, struct params *ret)
{
	int r;

	if (imap_parse_end(p))
		return 0;
	if (imap_parse_sp(p) <= 0 || imap_parse_char(p, '(') <= 0)
		return -E_SYNTAX;
	do {
		r = imap_need(parse_param(p, ret));
		if (r < 0)
			return r;
	} while (imap_parse_sp(p) > 0);
	return imap_parse_char(p, ')') > 0 && imap_parse_end(p) ? 0 : -E_SYNTAX;
}

static int parse_select(struct imap_session *s, struct str *ret_name, struct params *ret)
{
	int r;

	if ((r = imap_need(imap_parse_sp(&s->p))) < 0 ||
	    (r = imap_need(imap_parse_mailbox_given(&s->p, ret_name, &ret->given))) < 0 ||
	    (r = parse_params(&s->p, ret)) < 0)
		return r;
	if (ret->has_qresync && !s->has_qresync) {
		imap_say(s, "ENABLE QRESYNC first");
		return -E_USAGE;
	}
	/* RFC 9586 3.7 */
	return s->has_uidonly && ret->qresync.match_seqs.n > 0 ? imap_uid_required(s) : 0;
}

/* select = "SELECT" SP mailbox [select-params] */
static int select_mailbox(struct imap_session *s, bool is_examined)
{
	struct store_mailbox box;
	struct params params = { 0 };
	struct str name;
	uint64_t generation = store_rights_generation(imap_store(s));
	int r = parse_select(s, &name, &params);

	if (r < 0)
		return r;
	/*
	 * Also when this fails the old mailbox is left (RFC 9051 6.3.2). RFC 7162 3.2.11: CLOSED is
	 * for every client.
	 */
	if (s->sel != NULL)
		imap_resp_untagged(s, "OK [CLOSED] previous mailbox closed");
	imap_deselect(s);
	s->has_condstore |= params.has_condstore;
	r = imap_mailbox_find(s, name, STORE_R_READ, &box);
	if (r == 0)
		r = open_mailbox(s, &box, is_examined, generation);
	if (r == 0)
		s->sel->has_annotate = params.has_annotate;
	if (r == 0)
		r = show_mailbox(s, &box, params.given);
	if (r == 0 && params.has_qresync)
		r = imap_qresync_show(s, &params.qresync);
	if (r < 0) {
		imap_deselect(s);
		return r;
	}
	imap_code(s, "%s", s->sel->is_readonly ? "READ-ONLY" : "READ-WRITE");
	return 0;
}

int imap_cmd_select(struct imap_session *s)
{
	return select_mailbox(s, false);
}

int imap_cmd_examine(struct imap_session *s)
{
	return select_mailbox(s, true);
}

int imap_cmd_close(struct imap_session *s)
{
	int r = imap_parse_end(&s->p) ? 0 : -E_SYNTAX;

	if (r == 0)
		r = imap_close_expunge(s);
	if (r == 0)
		imap_deselect(s);
	return r;
}

int imap_cmd_unselect(struct imap_session *s)
{
	if (!imap_parse_end(&s->p))
		return -E_SYNTAX;
	imap_deselect(s);
	return 0;
}
