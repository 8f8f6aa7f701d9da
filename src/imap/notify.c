/* SPDX-License-Identifier: MIT */
/*
 * Telling a client what others did to its mailbox. A session keeps the view that it has
 * shown; the difference to the newest view is what it has not been told. Showing all of
 * it makes the newest view the shown one.
 *
 * When an EXPUNGE may not be sent now (RFC 9051 7.5.1) and there is one, all else is shown, in a
 * view that keeps the expunged messages in their places. So the session never goes back behind
 * what it knows: its own STORE is in its next FETCH and SEARCH whatever others expunge.
 *
 * After NOTIFY (RFC 5465) only what it wants is shown; and new messages of others may be fetched.
 *
 * RFC 9051 7.4.1 (EXISTS), 7.5.1 (EXPUNGE), 7.5.2 (FETCH), 7.3.5 (FLAGS); RFC 7162 3.2.4
 * (MODSEQ); RFC 3501 7.3.2 (RECENT)
 */
#include "base/limits.h"
#include "base/log.h"
#include "imap/event_filter.h"
#include "imap/imap_int.h"
#include "imap/note.h"
#include "imap/resp.h"
#include "imap/update.h"
#include "net/conn.h"
#include "store/mailbox.h"
#include "store/news.h"
#include "store/rights.h"
#include "store/view.h"

bool imap_is_recent(const struct imap_session *s, uint32_t uid)
{
	return !s->is_rev2 && s->sel != NULL && uidset_has(&s->sel->recent, uid);
}

int imap_notify_recent(struct imap_session *s, const struct store_view *now)
{
	struct imap_selected *sel = s->sel;
	uint32_t first;

	if (s->is_rev2)
		return 0;
	/* In trouble, or when the set is full, the messages are just not recent. */
	if (now->uidnext > sel->recent_below &&
	    store_mailbox_recent(imap_store(s), sel->mailbox, sel->is_readonly ? 0 : now->uidnext,
				 &first) == 0) {
		if (first > 0 && first < now->uidnext)
			(void)!uidset_add(&sel->recent_arena, &sel->recent, first, now->uidnext - 1);
		if (!sel->is_readonly)
			sel->recent_below = now->uidnext;
	}
	return store_view_count(imap_store(s), now, &sel->recent, &sel->n_recent);
}

bool imap_notify_wants_recent(const struct imap_session *s, int64_t mailbox)
{
	return !s->is_rev2 && s->sel != NULL && s->sel->mailbox == mailbox && !s->sel->is_readonly;
}

void imap_notify_own_recent(struct imap_session *s, uint32_t lo, uint32_t hi)
{
	(void)!uidset_add(&s->sel->recent_arena, &s->sel->recent, lo, hi);
	s->sel->recent_below = hi + 1;
}

void imap_notify_flags_shown(struct imap_session *s, const struct uidset *uids, uint64_t modseq)
{
	struct imap_selected *sel = s->sel;
	struct imap_shown *shown = ARENA_NEW(&sel->shown_arena, struct imap_shown);
	size_t i;

	sel->has_own = true;
	/* Without room for the note the client is told twice, which is allowed. */
	if (shown == NULL)
		return;
	shown->modseq = modseq;
	for (i = 0; i < uids->n; i++) {
		if (uidset_add(&sel->shown_arena, &shown->uids, uids->r[i].lo, uids->r[i].hi) < 0)
			break;
	}
	shown->next = sel->shown;
	sel->shown = shown;
}

void imap_notify_own(struct imap_session *s, int64_t mailbox, uint32_t lo, uint32_t hi)
{
	struct imap_selected *sel = s->sel;

	if (sel == NULL || sel->mailbox != mailbox)
		return;
	sel->has_own = true;
	/* Without room for it they are fetched, which is allowed. */
	if (lo > 0 && s->events != NULL)
		(void)!uidset_add(&sel->own_arena, &sel->own, lo, hi);
}

/* What NOTIFY wants to know of the selected mailbox; without it everything. */
static bool wants(const struct imap_session *s, enum store_news_kind kind)
{
	return s->events == NULL || (s->events->selected & kind);
}

static bool was_shown(const struct imap_selected *sel, const struct store_msg *m)
{
	const struct imap_shown *shown;

	for (shown = sel->shown; shown != NULL; shown = shown->next) {
		if (m->modseq <= shown->modseq && uidset_has(&shown->uids, m->uid))
			return true;
	}
	return false;
}

/*
 * Ascending; each EXPUNGE moves the numbers after it down by one. RFC 7162 3.2.10.2: VANISHED has
 * only UIDs that the client was shown. RFC 9586 3.4 has it too.
 */
static void show_expunged(struct imap_session *s, const struct store_view *old,
			  const struct uidset *expunged)
{
	uint32_t gone = 0;
	size_t i;

	if ((s->has_qresync || s->has_uidonly) && expunged->n > 0) {
		imap_resp(s, S("* VANISHED "));
		imap_resp_uidset(s, expunged);
		imap_resp_end(s);
		return;
	}
	for (i = 0; i < expunged->n; i++) {
		uint32_t seq = store_view_seq_from(old, expunged->r[i].lo);
		const struct store_msg *m;

		for (; (m = store_view_at(old, seq)) != NULL && m->uid <= expunged->r[i].hi; seq++)
			imap_resp_untagged(s, "%u EXPUNGE", seq - gone++);
	}
}

static const struct {
	struct str name;
	uint64_t flag;
} system_flags[] = {
	{ STR_INIT("\\Answered"), STORE_ANSWERED }, { STR_INIT("\\Flagged"), STORE_FLAGGED },
	{ STR_INIT("\\Deleted"), STORE_DELETED },   { STR_INIT("\\Seen"), STORE_SEEN },
	{ STR_INIT("\\Draft"), STORE_DRAFT },
};

static void say_flag(struct imap_session *s, const char **sep, struct str name)
{
	imap_resp(s, str_z(*sep));
	imap_resp(s, name);
	*sep = " ";
}

static size_t count_keywords(const struct store_view *v)
{
	return v->keywords != NULL ? v->keywords->n : 0;
}

/* RFC 4314 5.1.1: PERMANENTFLAGS has what the user may change. */
void imap_notify_keywords(struct imap_session *s, const struct store_view *v)
{
	uint64_t may = s->sel->is_examined ? 0 : store_rights_flags(s->sel->rights);
	size_t n = count_keywords(v), bytes = 0;
	int turn;

	s->sel->n_keywords = n;
	for (size_t i = 0; i < n; i++)
		bytes += v->keywords->v[i].n;
	for (turn = 0; turn < 2; turn++) {
		uint64_t shown = turn == 0 ? UINT64_MAX : may;
		bool has_keywords = shown >> STORE_KEYWORD_BIT;
		const char *sep = "";

		imap_resp(s, turn == 0 ? S("* FLAGS (") : S("* OK [PERMANENTFLAGS ("));
		for (size_t i = 0; i < ARRAY_LEN(system_flags); i++) {
			if (shown & system_flags[i].flag)
				say_flag(s, &sep, system_flags[i].name);
		}
		for (size_t i = 0; has_keywords && i < n; i++) {
			if (v->keywords->v[i].n > 0)
				say_flag(s, &sep, v->keywords->v[i]);
		}
		if (turn == 1 && has_keywords && n < LIMIT_IMAP_KEYWORDS && bytes < LIMIT_KEYWORD_NAMES)
			say_flag(s, &sep, S("\\*"));
		imap_resp(s, turn == 0 ? S(")") : S(")] flags that are kept"));
		imap_resp_end(s);
	}
}

void imap_notify_new_keywords(struct imap_session *s, const struct store_view *v)
{
	if (s->sel->n_keywords != count_keywords(v))
		imap_notify_keywords(s, v);
}

/* ---- messages that have changed ---- */

/* RFC 5257 4.4, 4.2; RFC 5465 5.1 */
static bool wants_notes(const struct imap_session *s)
{
	return s->events != NULL ? wants(s, STORE_NEWS_NOTES) : s->sel->has_annotate;
}

/* What to tell of one of them. */
struct changed {
	uint32_t seq;
	const struct store_msg *m;
	uint64_t known;                  /* the modseq that the client has seen */
	bool has_flags;                  /* they are told */
	struct store_note_change *notes; /* that others have changed since */
	size_t n_notes;
};

/* Somebody else has changed the annotation since the client was told. */
static bool is_news(const struct imap_selected *sel, const struct changed *c,
		    const struct store_note_change *note)
{
	const struct imap_shown *shown;

	if (note->modseq <= c->known)
		return false;
	for (shown = sel->shown; shown != NULL; shown = shown->next) {
		if (note->modseq == shown->modseq && uidset_has(&shown->uids, c->m->uid))
			return false;
	}
	return true;
}

/* RFC 7162 3.2.4: with its UID. */
static void show_message(struct imap_session *s, const struct store_view *now,
			 const struct changed *c)
{
	const char *sep = s->has_uidonly ? "" : " ";

	if (s->has_uidonly)
		imap_respf(s, "* %u UIDFETCH (", c->m->uid);
	else
		imap_respf(s, "* %u FETCH (UID %u", c->seq, c->m->uid);
	if (c->has_flags) {
		imap_respf(s, "%sFLAGS ", sep);
		imap_resp_flags(s, now, c->m);
		sep = " ";
	}
	if (s->has_condstore) {
		imap_respf(s, "%sMODSEQ (%llu)", sep, (unsigned long long)c->m->modseq);
		sep = " ";
	}
	if (c->n_notes > 0)
		imap_note_names_write(s, sep, c->notes, c->n_notes);
	imap_resp(s, S(")\r\n"));
	/* Without room for it a silent STORE stays silent. */
	if (c->has_flags && s->cmd.is_in_front)
		(void)!uidset_add(&s->sel->told_arena, &s->sel->told, c->m->uid, c->m->uid);
}

/* All that have changed since the view was shown; when they cannot be read they are not told. */
static void read_notes(struct imap_session *s, struct arena *a, const struct store_diff *diff,
		       struct changed *ret)
{
	if (diff->n_changed == 0 || !wants_notes(s) ||
	    store_notes_changed(imap_store(s), a, s->sel->mailbox, s->account,
				s->sel->view->highestmodseq, &ret->notes, &ret->n_notes) < 0)
		*ret = (struct changed){ 0 };
}

/* Takes those of the message from the front of all. */
static void take_notes(const struct imap_selected *sel, struct changed *all, struct changed *c)
{
	size_t i = 0;

	while (i < all->n_notes && all->notes[i].uid < c->m->uid)
		i++;
	c->notes = all->notes + i;
	for (; i < all->n_notes && all->notes[i].uid == c->m->uid; i++) {
		if (is_news(sel, c, &all->notes[i]))
			c->notes[c->n_notes++] = all->notes[i];
	}
	all->notes += i;
	all->n_notes -= i;
}

static void show_changed(struct imap_session *s, struct arena *a, const struct store_view *now,
			 const struct store_diff *diff)
{
	struct store_near was = { .v = s->sel->view }, is = { .v = now };
	struct changed all = { 0 };

	read_notes(s, a, diff, &all);
	for (size_t i = 0; i < diff->n_changed; i++) {
		struct changed c = { .m = store_near_uid(&is, diff->changed[i]) };

		if (c.m == NULL)
			continue;
		c.seq = is.seq;
		c.known = store_near_uid(&was, c.m->uid)->modseq;
		c.has_flags = wants(s, STORE_NEWS_FLAGS) && !was_shown(s->sel, c.m);
		if (all.n_notes > 0)
			take_notes(s->sel, &all, &c);
		if (c.has_flags || c.n_notes > 0)
			show_message(s, now, &c);
	}
}

static void show(struct imap_session *s, struct arena *a, const struct store_view *now,
		 const struct store_diff *diff)
{
	struct imap_selected *sel = s->sel;
	uint32_t told = sel->n_recent;

	imap_update_expunged(s, sel->view, &diff->expunged);
	show_expunged(s, sel->view, &diff->expunged);
	if (diff->first_new_uid != 0)
		imap_resp_untagged(s, "%u EXISTS", now->n);
	if (diff->first_new_uid != 0 || diff->expunged.n > 0)
		(void)!imap_notify_recent(s, now); /* it is counted in memory */
	if (sel->n_recent != told)
		imap_resp_untagged(s, "%u RECENT", sel->n_recent);
	imap_notify_new_keywords(s, now);
	show_changed(s, a, now, diff);
	imap_update_changed(s, now, diff);
}

/* RFC 5465 5.2: sequence numbers of what is new and came from others; empty: nothing is fetched. */
static int find_fetched(struct imap_session *s, struct arena *a, const struct store_view *now,
			uint32_t first_new_uid, struct uidset *ret)
{
	uint32_t seq = first_new_uid != 0 ? store_view_seq_from(now, first_new_uid) : now->n + 1;
	int r = 0;

	if (s->events == NULL || !s->events->has_fetch)
		return 0;
	for (; seq <= now->n && r == 0; seq++) {
		if (!uidset_has(&s->sel->own, store_view_at(now, seq)->uid))
			r = uidset_add(a, ret, seq, seq);
	}
	return r;
}

/*
 * Makes of *now what may be shown without telling of the expunges: the old view when that is
 * nothing.
 */
static void keep_expunged(struct store_view *old, struct store_view **now, struct store_diff *diff)
{
	bool is_all = diff->n_changed == 0 && diff->first_new_uid == 0;
	struct store_view *kept = is_all ? old : store_view_keep(old, *now);

	if (is_all)
		store_view_ref(old);
	store_view_unref(*now);
	*now = kept;
	diff->expunged = (struct uidset){ 0 };
}

int imap_notify_gone(struct imap_session *s)
{
	imap_resp_untagged(s, "BYE the selected mailbox was deleted");
	s->is_over = true;
	return -E_CLOSED;
}

/* Nothing of its own is left to be told. */
static void forget_own(struct imap_selected *sel)
{
	sel->has_own = false;
	sel->own = (struct uidset){ 0 };
	arena_fini(&sel->own_arena);
}

void imap_notify_tagged(struct imap_session *s)
{
	if (s->sel == NULL || s->sel->told.n == 0)
		return;
	s->sel->told = (struct uidset){ 0 };
	arena_fini(&s->sel->told_arena);
}

void imap_notify_shown(struct imap_selected *sel, struct store_view *now)
{
	store_view_unref(sel->view);
	sel->view = now;
	sel->shown = NULL;
	arena_fini(&sel->shown_arena);
}

/* The messages were read, or are read now. */
static int notify_full(struct imap_session *s, bool may_expunge)
{
	struct imap_selected *sel = s->sel;
	struct store_view *now;
	struct store_diff diff = { 0 };
	struct uidset fetched = { 0 };
	AUTO(arena_fini) struct arena a;
	int r = imap_view_need(s);

	arena_init(&a, LIMIT_COMMAND_ARENA);
	if (r == 0)
		r = store_mbox_view(sel->mbox, &now);
	if (r != 0)
		return r;
	if (now->is_gone) {
		store_view_unref(now);
		return imap_notify_gone(s);
	}
	r = store_view_diff(&a, sel->view, now, &diff);
	s->cmd.has_ghosts = r == 0 && diff.expunged.n > 0 && !may_expunge;
	if (s->cmd.has_ghosts)
		keep_expunged(sel->view, &now, &diff);
	if (r < 0 || now == sel->view) {
		store_view_unref(now);
		return r;
	}
	if (find_fetched(s, &a, now, diff.first_new_uid, &fetched) < 0)
		fetched = (struct uidset){ 0 };
	show(s, &a, now, &diff);
	imap_notify_shown(sel, now);
	forget_own(sel);
	return fetched.n > 0 ? imap_fetch_tell(s, &s->events->fetch, &fetched) : 0;
}

/*
 * NOTIFY wants nothing of this mailbox: the view stays, so that it is a snapshot (RFC 5465 5).
 * What this session itself did must be seen in it all the same, so the view moves then as ever;
 * DEVIATION(RFC 5465 3.1): what others have added or expunged is told with it, because the
 * numbers of messages would not be right without.
 */
static bool is_still(const struct imap_session *s)
{
	return !wants(s, STORE_NEWS_ADDED) && !s->sel->has_own;
}

int imap_notify(struct imap_session *s, bool may_expunge)
{
	struct imap_selected *sel = s->sel;
	int r = imap_rights_refresh(s);

	if (r < 0)
		return r;
	if (sel == NULL || !store_mbox_has_news(sel->mbox, sel->view))
		return 0;
	if (is_still(s))
		return store_mbox_is_gone(sel->mbox) ? imap_notify_gone(s) : 0;
	if (sel->view->is_bare && (s->events == NULL || !s->events->has_fetch))
		r = imap_bare_notify(s);
	if (r > 0)
		forget_own(sel);
	return r == 0 ? notify_full(s, may_expunge) : r < 0 ? r : 0;
}

void imap_notify_delay(struct imap_session *s)
{
	if (s->has_qresync && s->sel != NULL && store_mbox_has_news(s->sel->mbox, s->sel->view))
		imap_resp_untagged(s, "OK [HIGHESTMODSEQ %llu] expunges are not told yet",
				   (unsigned long long)s->sel->view->highestmodseq);
}
