/* SPDX-License-Identifier: MIT */
/*
 * Kept searches: their life, and what a change of the mailbox is for them. The result is an array
 * of UIDs, ascending; a SORT has a second one in its order. Positions are those of the second
 * array while the changes are made one after the other, so the client, which does the same, has
 * the same list. What a message is sorted by never changes, so only new ones are compared: each is put in by
 * halving, or all are ranked at once when that is cheaper.
 *
 * RFC 5267 4.3
 */
#include "imap/update.h"

#include "base/limits.h"
#include "base/mem.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/view.h"

#define RANK_FROM 5   /* new ones; fewer are never worth a sort of all */
#define RANK_ALL 256  /* placing one costs about as much as so many in a sort of all */

struct numbers {
	uint32_t *v;
	size_t n, cap;
};

struct imap_update {
	struct imap_update *next;
	struct arena arena; /* program, tag and name */
	struct str tag;
	struct str mailbox; /* of ESEARCH: its correlator, as it was called then */
	uint32_t uidvalidity;
	bool is_uid, is_volatile;
	struct store_search *tree;
	struct store_sort by[STORE_SORT_KEYS];
	size_t n_by;
	struct numbers found; /* UIDs, ascending */
	struct numbers order; /* the same as SORT has them */
};

/* A message that comes or goes, in the order in which the client makes the changes. */
struct item {
	uint32_t uid;
	uint32_t pos; /* 0: anywhere */
};

/* ---- life ---- */

static int numbers_reserve(struct numbers *a, size_t n)
{
	size_t cap = n + n / 4 + 16;

	if (n <= a->cap)
		return 0;
	if (!budget_take(BUDGET_HELD, a->cap * sizeof(*a->v), (cap - a->cap) * sizeof(*a->v)))
		return -E_LIMIT;
	a->v = mem_resize(a->v, cap, sizeof(*a->v));
	a->cap = cap;
	return 0;
}

static void numbers_free(struct numbers *a)
{
	budget_give(BUDGET_HELD, a->cap * sizeof(*a->v));
	mem_free(a->v);
}

void imap_update_free(struct imap_update *u)
{
	if (u == NULL)
		return;
	numbers_free(&u->found);
	numbers_free(&u->order);
	arena_fini(&u->arena);
	mem_free(u);
}

void imap_updates_end(struct imap_selected *sel)
{
	while (sel->updates != NULL) {
		struct imap_update *u = sel->updates;

		sel->updates = u->next;
		imap_update_free(u);
	}
}

/* Where it hangs in the list; at the end of it when there is none of that tag. */
static struct imap_update **find(struct imap_selected *sel, struct str tag)
{
	struct imap_update **at = &sel->updates;

	while (*at != NULL && !str_eq((*at)->tag, tag))
		at = &(*at)->next;
	return at;
}

static bool is_full(const struct imap_selected *sel)
{
	size_t n = 0;

	for (const struct imap_update *u = sel->updates; u != NULL; u = u->next)
		n++;
	return n >= LIMIT_IMAP_UPDATES;
}

/* Room for n more numbers in the results of the session? */
static bool has_room(const struct imap_selected *sel, size_t n)
{
	for (const struct imap_update *u = sel->updates; u != NULL; u = u->next)
		n += u->found.n + u->order.n;
	return n <= LIMIT_IMAP_UPDATE_NUMBERS;
}

static bool has_notes(const struct store_sort *by, size_t n_by)
{
	for (size_t i = 0; i < n_by; i++) {
		if (by[i].by == STORE_SORT_ANNOTATION)
			return true;
	}
	return false;
}

int imap_update_new(struct imap_session *s, const struct imap_search *q,
		    const struct store_sort *by, size_t n_by, struct imap_update **ret)
{
	struct imap_update *u;
	int r;

	*ret = NULL;
	if (!(q->returns & IMAP_RETURN_UPDATE))
		return 0;
	if (*find(s->sel, s->cmd.tag) != NULL) {
		imap_say(s, "tag reuse");
		return -E_USAGE;
	}
	/* How well a message fits is not kept with a result; annotations change, and the order with them. */
	if (is_full(s->sel) || q->has_fuzzy || has_notes(by, n_by))
		return 0;
	u = MEM_NEW(struct imap_update);
	arena_init_held(&u->arena, LIMIT_IMAP_UPDATE_PROGRAM);
	u->is_uid = s->cmd.is_uid;
	u->n_by = n_by;
	if (n_by > 0)
		memcpy(u->by, by, n_by * sizeof(*by));
	u->tag = arena_str(&u->arena, s->cmd.tag);
	u->uidvalidity = s->sel->view->uidvalidity;
	if (q->in.mailbox.p != NULL)
		u->mailbox = arena_str(&u->arena, q->in.mailbox);
	r = u->tag.p != NULL ? store_search_keep(&u->arena, s->sel->view, q->tree, &u->tree,
						 &u->is_volatile)
			     : -E_LIMIT;
	if (r == 0)
		*ret = u;
	else
		imap_update_free(u);
	return 0;
}

/* resp-text-code =/ "NOUPDATE" SP quoted */
static void refuse(struct imap_session *s, struct str tag)
{
	imap_resp(s, S("* NO [NOUPDATE \""));
	imap_resp(s, tag);
	imap_resp(s, S("\"] "));
	imap_resp(s, imap_language_text(s->language, S("changes of this result are not told")));
	imap_resp_end(s);
}

static int take_result(struct imap_session *s, struct imap_update *u, const struct uidset *found,
		       const uint32_t *order)
{
	const struct store_view *v = s->sel->view;
	size_t n = (size_t)uidset_count(found);
	struct uidset_iter it = { 0 };

	if (!has_room(s->sel, u->n_by > 0 ? 2 * n : n) || numbers_reserve(&u->found, n) < 0 ||
	    (u->n_by > 0 && numbers_reserve(&u->order, n) < 0))
		return -E_LIMIT;
	while (uidset_next(found, &it))
		u->found.v[u->found.n++] = store_view_at(v, it.v)->uid;
	for (; u->n_by > 0 && u->order.n < n; u->order.n++)
		u->order.v[u->order.n] = store_view_at(v, order[u->order.n])->uid;
	return 0;
}

void imap_update_start(struct imap_session *s, const struct imap_search *q, struct imap_update *u,
		       const struct uidset *found, const uint32_t *order)
{
	if (!(q->returns & IMAP_RETURN_UPDATE))
		return;
	if (u == NULL || take_result(s, u, found, order) < 0) {
		imap_update_free(u);
		refuse(s, s->cmd.tag);
		return;
	}
	*find(s->sel, u->tag) = u;
}

/*
 * "CANCELUPDATE" 1*(SP quoted). A tag of none is no mistake: it may have been refused, or have
 * ended, and the client gets what it asks for.
 */
int imap_cmd_cancelupdate(struct imap_session *s)
{
	struct str *tags = NULL;
	size_t n = 0, cap = 0;
	int r;

	while ((r = imap_parse_sp(&s->p)) > 0) {
		r = arena_grow(&s->arena, &tags, n, &cap, sizeof(*tags));
		if (r == 0)
			r = imap_need(imap_parse_astring(&s->p, &tags[n]));
		if (r < 0)
			return r;
		n++;
	}
	if (n == 0 || !imap_parse_end(&s->p))
		return -E_SYNTAX;
	for (size_t i = 0; i < n; i++) {
		struct imap_update **at = find(s->sel, tags[i]), *u = *at;

		if (u != NULL)
			*at = u->next;
		imap_update_free(u);
	}
	return 0;
}

/* ---- telling ---- */

static uint32_t number_of(const struct imap_update *u, const struct store_view *v, uint32_t uid)
{
	return u->is_uid ? uid : store_view_seq(v, uid);
}

/*
 * ret-data-addto = "ADDTO" SP "(" context-position SP sequence-set *(SP context-position SP
 * sequence-set) ")", and REMOVEFROM. One set goes on while the position moves by step: what was put
 * in stands in the way of the next (1), what was taken out does not (0).
 */
static void print_items(struct imap_session *s, const struct imap_update *u,
			const struct store_view *v, const struct item *items, size_t n, uint32_t step)
{
	for (size_t i = 0, end; i < n; i = end) {
		uint32_t first = number_of(u, v, items[i].uid), last = first;
		bool is_new = i == 0 || items[i].pos != items[i - 1].pos + step;

		for (end = i + 1; end < n && items[end].pos == items[end - 1].pos + step &&
				  number_of(u, v, items[end].uid) == last + 1;
		     end++)
			last++;
		if (is_new)
			imap_respf(s, "%s%u ", i > 0 ? " " : "", items[i].pos);
		imap_respf(s, is_new ? "%u" : ",%u", first);
		if (last > first)
			imap_respf(s, ":%u", last);
	}
}

struct change {
	struct item *gone, *come;
	size_t n_gone, n_come;
};

static void tell(struct imap_session *s, const struct imap_update *u, const struct store_view *v,
		 const struct change *c)
{
	if (c->n_gone + c->n_come == 0)
		return;
	imap_resp(s, S("* ESEARCH (TAG \""));
	imap_resp(s, u->tag);
	imap_resp(s, S("\""));
	if (u->mailbox.p != NULL) {
		imap_resp(s, S(" MAILBOX "));
		imap_resp_mailbox(s, u->mailbox);
		imap_respf(s, " UIDVALIDITY %u", u->uidvalidity);
	}
	imap_resp(s, u->is_uid ? S(") UID") : S(")"));
	if (c->n_gone > 0) {
		imap_resp(s, S(" REMOVEFROM ("));
		print_items(s, u, v, c->gone, c->n_gone, 0);
		imap_resp(s, S(")"));
	}
	if (c->n_come > 0) {
		imap_resp(s, S(" ADDTO ("));
		print_items(s, u, v, c->come, c->n_come, u->n_by > 0 ? 1 : 0);
		imap_resp(s, S(")"));
	}
	imap_resp_end(s);
}

/* ---- what goes ---- */

/* The first that is not below uid. */
static size_t at_or_after(const struct numbers *a, uint32_t uid)
{
	size_t lo = 0, hi = a->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->v[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool has(const struct numbers *a, uint32_t uid)
{
	size_t i = at_or_after(a, uid);

	return i < a->n && a->v[i] == uid;
}

/* Takes them (ascending) out of the result; c->gone then has them as they go. */
static int take_out(struct arena *a, struct imap_update *u, const struct numbers *gone,
		    struct change *c)
{
	struct numbers *from = u->n_by > 0 ? &u->order : &u->found;
	size_t kept = 0;

	c->gone = ARENA_ARRAY(a, struct item, gone->n + 1);
	if (c->gone == NULL)
		return -E_LIMIT;
	for (size_t i = 0; gone->n > 0 && i < from->n; i++) {
		if (has(gone, from->v[i]))
			c->gone[c->n_gone++] = (struct item){
				.uid = from->v[i],
				.pos = u->n_by > 0 ? (uint32_t)kept + 1 : 0,
			};
		else
			from->v[kept++] = from->v[i];
	}
	if (gone->n == 0)
		return 0;
	from->n = kept;
	if (u->n_by == 0)
		return 0;
	kept = 0;
	for (size_t i = 0; i < u->found.n; i++)
		if (!has(gone, u->found.v[i]))
			u->found.v[kept++] = u->found.v[i];
	u->found.n = kept;
	return 0;
}

/* ---- what comes ---- */

struct insertion {
	struct imap_session *s;
	const struct store_view *view;
	struct arena *a;
	uint32_t *rank; /* by sequence number; NULL: two are compared by themselves */
};

/* 1: the message of the result stands before the new one; both are sequence numbers. */
static int is_before(struct insertion *in, const struct imap_update *u, uint32_t old, uint32_t new)
{
	AUTO(arena_fini) struct arena work;
	struct uidset two = { 0 };
	uint32_t *order = NULL;
	size_t n = 0;
	int r;

	if (in->rank != NULL)
		return in->rank[old] < in->rank[new];
	arena_init(&work, LIMIT_COMMAND_ARENA);
	r = uidset_add(&work, &two, old, old);
	if (r == 0)
		r = uidset_add(&work, &two, new, new);
	if (r == 0)
		r = store_sort_run(imap_store(in->s), &work, in->view, &two, u->by, u->n_by, &order,
				   &n);
	return r < 0 || n == 0 ? r : order[0] == old;
}

static int rank_all(struct insertion *in, const struct imap_update *u, const struct uidset *new)
{
	struct uidset all = { 0 };
	uint32_t *order;
	size_t n, at = 0;
	int r = 0;

	for (size_t i = 0; i < u->found.n && r == 0; i++) {
		uint32_t seq = store_view_seq(in->view, u->found.v[i]);

		r = uidset_add(in->a, &all, seq, seq);
	}
	for (size_t i = 0; i < new->n && r == 0; i++)
		r = uidset_add(in->a, &all, new->r[i].lo, new->r[i].hi);
	if (r == 0)
		r = store_sort_run(imap_store(in->s), in->a, in->view, &all, u->by, u->n_by, &order,
				   &n);
	in->rank = r == 0 ? ARENA_ARRAY(in->a, uint32_t, in->view->n + 1) : NULL;
	if (in->rank == NULL)
		return r < 0 ? r : -E_LIMIT;
	for (; at < n; at++)
		in->rank[order[at]] = (uint32_t)at;
	return 0;
}

/* How many of the result stand before it; at least from. */
static int place_of(struct insertion *in, const struct imap_update *u, uint32_t new, size_t from,
		    size_t *ret)
{
	size_t lo = from, hi = u->order.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int r = is_before(in, u, store_view_seq(in->view, u->order.v[mid]), new);

		if (r < 0)
			return r;
		if (r > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret = lo;
	return 0;
}

/* Where each of the new ones comes, in their order. */
static int place_all(struct insertion *in, const struct imap_update *u, const struct uidset *new,
		     struct change *c)
{
	size_t n, at = 0;
	uint32_t *order;
	int r = store_sort_run(imap_store(in->s), in->a, in->view, new, u->by, u->n_by, &order, &n);

	if (r == 0 && n >= RANK_FROM && n * RANK_ALL >= u->order.n)
		r = rank_all(in, u, new);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = place_of(in, u, order[i], at, &at);
		c->come[i] = (struct item){ .uid = store_view_at(in->view, order[i])->uid,
					    .pos = (uint32_t)(at + i) + 1 };
	}
	c->n_come = n;
	return r;
}

/* Puts them where they come; from the end, so that each is moved once. */
static void put_in_order(struct numbers *to, const struct item *come, size_t n)
{
	size_t left = to->n, end = to->n + n;

	to->n = end;
	while (n > 0) {
		if (end == come[n - 1].pos)
			to->v[--end] = come[--n].uid;
		else
			to->v[--end] = to->v[--left];
	}
}

/* The same into an ascending one. */
static void merge(struct numbers *to, const struct numbers *come)
{
	size_t left = to->n, n = come->n, end = left + n;

	to->n = end;
	while (n > 0) {
		if (left > 0 && to->v[left - 1] > come->v[n - 1])
			to->v[--end] = to->v[--left];
		else
			to->v[--end] = come->v[--n];
	}
}

static int put_in(struct imap_session *s, struct arena *a, struct imap_update *u,
		  const struct store_view *now, const struct numbers *come, struct change *c)
{
	struct insertion in = { .s = s, .view = now, .a = a };
	struct uidset seqs = { 0 };
	int r = has_room(s->sel, u->n_by > 0 ? 2 * come->n : come->n) ? 0 : -E_LIMIT;

	if (r == 0)
		r = numbers_reserve(&u->found, u->found.n + come->n);
	if (r == 0 && u->n_by > 0)
		r = numbers_reserve(&u->order, u->order.n + come->n);
	c->come = ARENA_ARRAY(a, struct item, come->n + 1);
	if (c->come == NULL || r < 0)
		return -E_LIMIT;
	for (size_t i = 0; i < come->n && r == 0; i++) {
		uint32_t seq = store_view_seq(now, come->v[i]);

		c->come[i].uid = come->v[i];
		r = uidset_add(a, &seqs, seq, seq);
	}
	c->n_come = come->n;
	if (r == 0 && u->n_by > 0 && come->n > 0) {
		r = place_all(&in, u, &seqs, c);
		if (r == 0)
			put_in_order(&u->order, c->come, c->n_come);
	}
	if (r == 0)
		merge(&u->found, come);
	return r;
}

/* ---- changes ---- */

/* Messages that may have come into the result, or left it. */
static int candidates(struct arena *a, const struct imap_update *u, const struct store_view *now,
		      const struct store_diff *diff, struct uidset *ret)
{
	struct uidset out = { 0 };
	int r = 0;

	for (size_t i = 0; u->is_volatile && i < diff->n_changed && r == 0; i++) {
		uint32_t seq = store_view_seq(now, diff->changed[i]);

		if (seq > 0)
			r = uidset_add(a, &out, seq, seq);
	}
	if (r == 0 && diff->first_new_uid != 0)
		r = uidset_add(a, &out, store_view_seq_from(now, diff->first_new_uid), now->n);
	*ret = out;
	return r;
}

static int split(struct arena *a, const struct imap_update *u, const struct store_view *now,
		 const struct uidset *asked, const struct uidset *match, struct numbers *gone,
		 struct numbers *come)
{
	size_t n = (size_t)uidset_count(asked);
	struct uidset_iter it = { 0 };

	gone->v = ARENA_ARRAY(a, uint32_t, n + 1);
	come->v = ARENA_ARRAY(a, uint32_t, n + 1);
	if (gone->v == NULL || come->v == NULL)
		return -E_LIMIT;
	while (uidset_next(asked, &it)) {
		uint32_t uid = store_view_at(now, it.v)->uid;
		bool was = has(&u->found, uid), is = uidset_has(match, it.v);

		if (was && !is)
			gone->v[gone->n++] = uid;
		else if (is && !was)
			come->v[come->n++] = uid;
	}
	return 0;
}

static int change_one(struct imap_session *s, struct imap_update *u, const struct store_view *now,
		      const struct store_diff *diff)
{
	AUTO(arena_fini) struct arena a;
	struct uidset asked, match = { 0 };
	struct numbers gone = { 0 }, come = { 0 };
	struct change c = { 0 };
	int r;

	arena_init(&a, LIMIT_SORT_ARENA);
	r = candidates(&a, u, now, diff, &asked);
	if (r < 0 || asked.n == 0)
		return r;
	r = store_search_among(imap_store(s), &a, now, u->tree, &asked, &match);
	if (r == 0)
		r = split(&a, u, now, &asked, &match, &gone, &come);
	if (r == 0)
		r = take_out(&a, u, &gone, &c);
	if (r == 0)
		r = put_in(s, &a, u, now, &come, &c);
	if (r == 0)
		tell(s, u, now, &c);
	return r;
}

static int expunge_one(struct imap_session *s, struct imap_update *u, const struct store_view *old,
		       const struct uidset *expunged)
{
	AUTO(arena_fini) struct arena a;
	struct numbers gone = { 0 };
	struct change c = { 0 };
	int r = 0;

	arena_init(&a, LIMIT_COMMAND_ARENA);
	for (size_t i = 0; i < expunged->n && r == 0; i++) {
		size_t at = at_or_after(&u->found, expunged->r[i].lo);

		for (; at < u->found.n && u->found.v[at] <= expunged->r[i].hi && r == 0; at++) {
			r = arena_grow(&a, &gone.v, gone.n, &gone.cap, sizeof(*gone.v));
			if (r == 0)
				gone.v[gone.n++] = u->found.v[at];
		}
	}
	if (r == 0)
		r = take_out(&a, u, &gone, &c);
	if (r == 0)
		tell(s, u, old, &c);
	return r;
}

/* One that cannot be kept up to date is not told any more; so is one of numbers with UIDONLY. */
static void drop(struct imap_session *s, struct imap_update **at)
{
	struct imap_update *u = *at;

	refuse(s, u->tag);
	*at = u->next;
	imap_update_free(u);
}

void imap_update_expunged(struct imap_session *s, const struct store_view *old,
			  const struct uidset *expunged)
{
	struct imap_update **at = &s->sel->updates;

	while (*at != NULL) {
		if ((s->has_uidonly && !(*at)->is_uid) ||
		    (expunged->n > 0 && expunge_one(s, *at, old, expunged) < 0))
			drop(s, at);
		else
			at = &(*at)->next;
	}
}

void imap_update_changed(struct imap_session *s, const struct store_view *now,
			 const struct store_diff *diff)
{
	struct imap_update **at = &s->sel->updates;

	while (*at != NULL) {
		if (change_one(s, *at, now, diff) < 0)
			drop(s, at);
		else
			at = &(*at)->next;
	}
}
