/* SPDX-License-Identifier: MIT */
/*
 * ESEARCH: a search in several mailboxes (RFC 7377). Mailboxes are gone through one after the other, in
 * the order of LIST, with one view at a time; each answers for itself. A program with
 * numbers in it means something else in each of them and is parsed for each, any other once.
 *
 * Names that do not exist, or are no mailbox of this user, are passed over in silence (RFC 7377 5).
 * "inboxes" are all "personal" ones: any mailbox may be delivered to (RFC 5465 6.3).
 */
#include "base/limits.h"
#include "base/work.h"
#include "imap/imap_int.h"
#include "imap/search.h"
#include "imap/update.h"
#include "store/mailbox.h"
#include "store/view.h"

enum scope { SCOPE_SELECTED = 1, SCOPE_PERSONAL = 2, SCOPE_SUBSCRIBED = 4, SCOPE_NAMES = 8 };
enum kind { NO_NAMES, ONLY_IT, ITS_CHILDREN, ITS_TREE };

struct named {
	struct str name; /* normalised */
	enum kind kind;
};

struct sources {
	unsigned scopes; /* enum scope */
	struct named *names;
	size_t n_names, cap;
};

/* ---- source options ---- */

/* A name that no mailbox can have is one that does not exist. */
static int add_name(struct imap_session *s, enum kind kind, struct sources *ret)
{
	struct str raw, name;
	int r = imap_parse_mailbox(&s->p, &raw);

	if (r <= 0)
		return r;
	if (ret->n_names >= LIMIT_IMAP_ESEARCH_NAMES)
		return -E_LIMIT;
	r = store_name_check(&s->arena, raw, &name, NULL);
	if (r == -E_CANNOT)
		return 1;
	if (r == 0)
		r = arena_grow(&s->arena, &ret->names, ret->n_names, &ret->cap, sizeof(*ret->names));
	if (r < 0)
		return r;
	ret->names[ret->n_names++] = (struct named){ .name = name, .kind = kind };
	return 1;
}

/* one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" */
static int add_names(struct imap_session *s, enum kind kind, struct sources *ret)
{
	int r;

	if (imap_parse_char(&s->p, '(') <= 0)
		return add_name(s, kind, ret);
	do {
		r = add_name(s, kind, ret);
	} while (r > 0 && imap_parse_sp(&s->p) > 0);
	return r > 0 ? imap_parse_char(&s->p, ')') : r;
}

/* filter-mailboxes, RFC 5465 8, as RFC 7377 4 has it */
static int source(struct imap_session *s, struct sources *ret)
{
	static const struct {
		struct str word;
		enum scope scope;
		enum kind kind;
	} rows[] = {
		{ STR_INIT("selected"), SCOPE_SELECTED, NO_NAMES },
		{ STR_INIT("inboxes"), SCOPE_PERSONAL, NO_NAMES },
		{ STR_INIT("personal"), SCOPE_PERSONAL, NO_NAMES },
		{ STR_INIT("subscribed"), SCOPE_SUBSCRIBED, NO_NAMES },
		{ STR_INIT("subtree"), SCOPE_NAMES, ITS_TREE },
		{ STR_INIT("subtree-one"), SCOPE_NAMES, ITS_CHILDREN },
		{ STR_INIT("mailboxes"), SCOPE_NAMES, ONLY_IT },
	};
	size_t i = 0;

	while (i < ARRAY_LEN(rows) && imap_parse_word(&s->p, rows[i].word) <= 0)
		i++;
	if (i == ARRAY_LEN(rows))
		return 0;
	ret->scopes |= rows[i].scope;
	if (rows[i].kind == NO_NAMES)
		return 1;
	return imap_parse_sp(&s->p) > 0 ? add_names(s, rows[i].kind, ret) : 0;
}

/*
 * [SP "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"]; there are no scope-options. 0, or
 * negative: the grammar is not kept.
 */
static int sources_parse(struct imap_session *s, struct sources *ret)
{
	struct imap_parse before = s->p;
	int r;

	*ret = (struct sources){ .scopes = SCOPE_SELECTED };
	if (imap_parse_sp(&s->p) <= 0 || imap_parse_word(&s->p, S("IN")) <= 0) {
		s->p = before;
		return 0;
	}
	ret->scopes = 0;
	if (imap_parse_sp(&s->p) <= 0 || imap_parse_char(&s->p, '(') <= 0)
		return -E_SYNTAX;
	do {
		r = source(s, ret);
	} while (r > 0 && imap_parse_sp(&s->p) > 0);
	return imap_need(r > 0 ? imap_parse_char(&s->p, ')') : r);
}

/* ---- which mailboxes those are ---- */

static bool is_named(const struct named *n, struct str box)
{
	struct str rest;

	if (str_eq(n->name, box))
		return true;
	if (n->kind == ONLY_IT || box.n <= n->name.n || !str_starts(box, n->name) ||
	    box.p[n->name.n] != '/')
		return false;
	rest = str_skip(box, n->name.n + 1);
	return n->kind == ITS_TREE || memchr(rest.p, '/', rest.n) == NULL;
}

/* What is not named itself must be visible too; the list has nothing else (RFC 7377 2.2). */
static bool is_source(const struct imap_session *s, const struct sources *q,
		      const struct store_mailbox *box)
{
	if (box->id == 0 || !(box->rights & STORE_R_READ))
		return false;
	if ((q->scopes & SCOPE_PERSONAL) && box->account == s->account)
		return true;
	if ((q->scopes & SCOPE_SUBSCRIBED) && box->is_subscribed)
		return true;
	if ((q->scopes & SCOPE_SELECTED) && s->sel != NULL && s->sel->mailbox == box->id)
		return true;
	for (size_t i = 0; i < q->n_names; i++)
		if (is_named(&q->names[i], box->name))
			return true;
	return false;
}

/* Those that are named and may be read, but not be seen in a list. */
static int add_unlisted(struct imap_session *s, const struct sources *q, struct store_mailbox *list,
			size_t *n)
{
	for (size_t i = 0; i < q->n_names; i++) {
		struct store_mailbox box;
		size_t at = 0;
		int r = imap_mailbox_find(s, q->names[i].name, STORE_R_READ, &box);

		if (r == -E_NOT_FOUND || r == -E_DENIED || r == -E_CANNOT)
			continue;
		if (r < 0)
			return r;
		while (at < *n && list[at].id != box.id)
			at++;
		if (at == *n)
			list[(*n)++] = box;
	}
	return 0;
}

/*
 * Every mailbox that is to be searched, once, in the arena. This is the one place that knows which
 * mailboxes a user may search: those with the right to read them.
 */
static int sources_list(struct imap_session *s, const struct sources *q, struct store_mailbox **ret,
			size_t *ret_n)
{
	struct store_mailbox *all, *list;
	size_t n, n_list = 0;
	int r = store_mailbox_list_visible(imap_store(s), &s->arena, s->account, &all, &n);

	if (r < 0)
		return r;
	list = ARENA_ARRAY(&s->arena, struct store_mailbox, n + q->n_names);
	if (list == NULL)
		return -E_LIMIT;
	for (size_t i = 0; i < n; i++) {
		if (q->n_names > 0 && i % 64 == 0 && !work_go_on())
			return -E_CLOSED;
		if (is_source(s, q, &all[i]))
			list[n_list++] = all[i];
	}
	*ret = list;
	r = add_unlisted(s, q, list, &n_list);
	*ret_n = n_list;
	return r;
}

/* ---- searching ---- */

struct esearch {
	struct imap_search search; /* in the selected mailbox, or in an empty one */
	struct imap_parse program; /* the cursor before it */
};

static int search_view(struct imap_session *s, const struct esearch *e,
		       const struct store_mailbox *box, const struct store_view *v, struct arena *a)
{
	struct imap_search q = e->search;
	struct imap_parse p = e->program;
	int r = 0;

	q.in = (struct imap_search_place){ .view = v, .arena = a, .mailbox = box->name };
	p.arena = a;
	if (q.has_sets)
		r = imap_search_program(s, &p, &q);
	return r < 0 ? r : imap_search_mailbox(s, &q, NULL);
}

/* One that is not selected. What was deleted meanwhile is not there. */
static int search_other(struct imap_session *s, const struct esearch *e,
			const struct store_mailbox *box)
{
	AUTO(store_mbox_close) struct store_mbox *mbox = NULL;
	AUTO(arena_fini) struct arena a;
	struct store_view *v = NULL;
	int r = store_mbox_open(imap_store(s), box->id, &mbox);

	arena_init(&a, LIMIT_COMMAND_ARENA);
	if (r == 0)
		r = store_mbox_view(mbox, &v);
	if (r < 0 || v == NULL)
		return r == -E_NOT_FOUND ? 0 : r;
	if (!v->is_gone)
		r = search_view(s, e, box, v, &a);
	store_view_unref(v);
	return r;
}

static int search_all(struct imap_session *s, struct esearch *e, const struct store_mailbox *boxes,
		      size_t n, struct uidset *found)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (!work_go_on())
			return -E_CLOSED;
		s->progress.done = i;
		s->progress.goal = n;
		if (s->sel == NULL || s->sel->mailbox != boxes[i].id)
			r = search_other(s, e, &boxes[i]);
		else
			r = imap_search_mailbox(s, &e->search, found);
	}
	return r;
}

/* The name of the selected mailbox as it is now; nothing when it is not among them. */
static struct str selected_name(const struct imap_session *s, const struct store_mailbox *boxes,
				size_t n)
{
	for (size_t i = 0; s->sel != NULL && i < n; i++)
		if (boxes[i].id == s->sel->mailbox)
			return boxes[i].name;
	return (struct str){ 0 };
}

/* RFC 7377 2.2: what the options and the state must be to each other. */
static int check(const struct imap_session *s, const struct sources *from,
		 const struct imap_search *q)
{
	bool needs_selected = (from->scopes & SCOPE_SELECTED) || (q->returns & IMAP_RETURN_UPDATE);

	if (needs_selected && s->sel == NULL)
		return -E_USAGE;
	if ((q->returns & IMAP_RETURN_SAVE) && from->scopes != SCOPE_SELECTED)
		return -E_USAGE;
	return 0;
}

/* esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program */
static int parse(struct imap_session *s, struct sources *from, struct esearch *ret)
{
	static const struct store_view nothing = { .uidnext = 1 };
	struct imap_search *q = &ret->search;
	int r = sources_parse(s, from);

	*q = (struct imap_search){ 0 };
	if (r == 0)
		r = imap_need(imap_search_returns(&s->p, q));
	if (r == 0)
		r = check(s, from, q);
	if (r == 0 && s->sel != NULL)
		r = imap_view_need(s);
	if (r < 0)
		return r;
	q->in = s->sel != NULL ? imap_search_here(s)
			       : (struct imap_search_place){ .view = &nothing, .arena = &s->arena };
	ret->program = s->p;
	return imap_search_program(s, &s->p, q);
}

int imap_cmd_esearch(struct imap_session *s)
{
	struct imap_update *update = NULL;
	struct store_mailbox *boxes;
	struct uidset found = { 0 };
	struct sources from;
	struct esearch e;
	size_t n;
	int r;

	s->cmd.is_uid = true; /* RFC 7377 2.1 */
	r = parse(s, &from, &e);
	if (r == 0)
		r = sources_list(s, &from, &boxes, &n);
	if (r == 0) {
		e.search.in.mailbox = selected_name(s, boxes, n);
		r = imap_update_new(s, &e.search, NULL, 0, &update);
	}
	if (r == 0 && e.search.has_modseq)
		imap_condstore_enable(s);
	if (r == 0)
		r = search_all(s, &e, boxes, n, &found);
	if (r == 0 && e.search.in.mailbox.p == NULL) {
		/* Of the other mailboxes nothing is told. */
		imap_update_free(update);
		update = NULL;
	}
	if (r < 0) {
		imap_update_free(update);
		return imap_search_failed(s, &e.search, r);
	}
	imap_update_start(s, &e.search, update, &found, NULL);
	return 0;
}
