/* SPDX-License-Identifier: MIT */
/*
 * NOTIFY and the mailboxes of others (RFC 5465 3.1, 5.4, 5.9). A session that wants to hear of them keeps a list
 * of all that it can see, with the names they have for its user, and has the news of those that it wants come
 * into its queue. When something has changed of what others share it reads that list anew; what is told is the
 * difference of the two. So nothing can be told that the user could not see before or cannot see now.
 *
 * A mailbox that was seen and is not any more is told in the same way whether it was deleted, or the user's `l` was
 * taken away: who may not look must not learn that it is still there.
 */
#include "base/limits.h"
#include "imap/cmd_list.h"
#include "imap/event_filter.h"
#include "imap/events.h"
#include "imap/imap_int.h"
#include "net/conn.h"
#include "store/mailbox.h"
#include "store/news.h"
#include "store/rights.h"

#define NAMES (STORE_NEWS_CREATED | STORE_NEWS_DELETED | STORE_NEWS_RENAMED)

struct known {
	int64_t id;
	struct str name;
	bool can_read;
	bool is_renamed; /* told now, or its superior's new name says it */
};

struct imap_shared {
	struct arena arena; /* at most LIMIT_NOTIFY_SHARED_BYTES, counted as held */
	struct known *v;    /* by name */
	size_t n;
};

/* Everything that the user can see, now. */
struct seen {
	struct store_mailbox *v; /* in the order of LIST */
	size_t n;
	struct store_mailbox **others; /* those of others that exist, by id */
	size_t n_others;
};

void imap_shared_free(struct imap_shared **shp)
{
	struct imap_shared *sh = *shp;

	if (sh == NULL)
		return;
	*shp = NULL;
	arena_fini(&sh->arena);
	mem_free(sh);
}

void imap_shared_unwatch(struct imap_session *s)
{
	imap_shared_free(&s->shared);
	if (s->news != NULL)
		(void)!store_news_watch(s->news, NULL, 0);
}

/* ---- reading ---- */

static int by_id(const void *pa, const void *pb)
{
	int64_t a = (*(struct store_mailbox *const *)pa)->id;
	int64_t b = (*(struct store_mailbox *const *)pb)->id;

	return (a > b) - (a < b);
}

static bool is_of_others(const struct store_mailbox *box, const struct imap_session *s)
{
	return box->id != 0 && box->account != s->account;
}

static int look(struct imap_session *s, struct arena *a, struct seen *ret)
{
	int r = store_mailbox_list_visible(imap_store(s), a, s->account, &ret->v, &ret->n);

	if (r < 0)
		return r;
	ret->others = arena_alloc(a, ret->n + 1, sizeof(ret->others[0]));
	if (ret->others == NULL)
		return -E_LIMIT;
	for (size_t i = 0; i < ret->n; i++) {
		if (is_of_others(&ret->v[i], s))
			ret->others[ret->n_others++] = &ret->v[i];
	}
	qsort(ret->others, ret->n_others, sizeof(ret->others[0]), by_id);
	return 0;
}

static const struct store_mailbox *find_id(const struct seen *now, int64_t id)
{
	const struct store_mailbox key = { .id = id }, *key_p = &key;
	struct store_mailbox *const *found =
		bsearch(&key_p, now->others, now->n_others, sizeof(now->others[0]), by_id);

	return found != NULL ? *found : NULL;
}

/* Names of others come by bytes in LIST, and in the list that is kept. */
static const struct store_mailbox *find_name(const struct seen *now, struct str name)
{
	size_t lo = 0, hi = now->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		bool is_inbox = str_eq(now->v[mid].name, S("INBOX"));
		int c = is_inbox ? 1 : str_cmp(name, now->v[mid].name);

		if (c == 0)
			return &now->v[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static struct known *known_name(const struct imap_shared *sh, struct str name)
{
	size_t lo = 0, hi = sh->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(name, sh->v[mid].name);

		if (c == 0)
			return &sh->v[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static int known_by_id(const void *pa, const void *pb)
{
	int64_t a = (*(struct known *const *)pa)->id, b = (*(struct known *const *)pb)->id;

	return (a > b) - (a < b);
}

/* ---- keeping ---- */

static struct imap_shared *keep(const struct seen *now, int64_t user)
{
	struct imap_shared *sh = MEM_NEW(struct imap_shared);

	arena_init_held(&sh->arena, LIMIT_NOTIFY_SHARED_BYTES);
	sh->v = ARENA_ARRAY(&sh->arena, struct known, now->n_others + 1);
	for (size_t i = 0; i < now->n && sh->v != NULL; i++) {
		const struct store_mailbox *box = &now->v[i];
		struct known *k = &sh->v[sh->n];

		if (box->id == 0 || box->account == user)
			continue;
		k->id = box->id;
		k->name = arena_str(&sh->arena, box->name);
		k->can_read = box->rights & STORE_R_READ;
		if (k->name.p == NULL)
			break;
		sh->n++;
	}
	if (sh->v == NULL || sh->n < now->n_others)
		imap_shared_free(&sh);
	return sh;
}

/* The news of these come into the queue: RFC 5465 5 wants `l` and `r` for all events. */
static int watch(struct imap_session *s, struct arena *a, const struct seen *now)
{
	int64_t *ids = arena_alloc(a, now->n_others + 1, sizeof(ids[0]));
	size_t n = 0;

	if (ids == NULL)
		return -E_LIMIT;
	for (size_t i = 0; i < now->n_others; i++) {
		const struct store_mailbox *box = now->others[i];
		unsigned want = imap_event_filter_kinds(s->events, box->name, true);

		if ((box->rights & STORE_R_READ) && (want & STORE_NEWS_OF_OTHERS))
			ids[n++] = box->id;
	}
	return store_news_watch(s->news, ids, n);
}

/* What was known until now is the caller's. */
static int exchange(struct imap_session *s, struct arena *a, struct seen *now,
		    struct imap_shared **ret_before)
{
	struct imap_shared *sh;
	int r = look(s, a, now);

	if (r < 0)
		return r;
	sh = keep(now, s->account);
	if (sh == NULL)
		return -E_LIMIT;
	*ret_before = s->shared;
	s->shared = sh;
	return watch(s, a, now);
}

int imap_shared_watch(struct imap_session *s)
{
	AUTO(arena_fini) struct arena a;
	struct imap_shared *before = NULL;
	struct seen now = { 0 };
	int r;

	if (!imap_event_filter_has_others(s->events))
		return 0;
	arena_init(&a, LIMIT_COMMAND_ARENA);
	r = exchange(s, &a, &now, &before);
	imap_shared_free(&before);
	for (size_t i = 0; i < now.n && r == 0 && !conn_failed(s->conn); i++) {
		const struct store_mailbox *box = &now.v[i];

		if (!is_of_others(box, s) || (box->rights & STORE_R_READ))
			continue;
		if (imap_event_filter_kinds(s->events, box->name, box->is_subscribed) != 0)
			imap_list_tell(s, box, (struct str){ 0 }, true);
	}
	return r;
}

/* ---- telling ---- */

struct telling {
	struct imap_session *s;
	struct seen now;
	struct imap_shared *before;
	struct known **by_id;             /* those of before */
	struct str *names, *before_names; /* of others, in order */
	struct str *told;                 /* names, in any order */
	struct str *superiors;            /* of what is new or gone */
	int64_t *gained;                  /* whose STATUS is told */
	size_t n_told, n_superiors, n_gained;
	bool is_tangled; /* new names would be misunderstood: what has one is told as gone, and as new */
};

static int prepare(struct telling *t, struct arena *a)
{
	size_t n = 2 * t->now.n_others + t->before->n; /* a name may be new and readable again */

	t->by_id = arena_alloc(a, t->before->n + 1, sizeof(t->by_id[0]));
	t->told = ARENA_ARRAY(a, struct str, n + 1);
	t->superiors = ARENA_ARRAY(a, struct str, n + 1);
	t->gained = arena_alloc(a, n + 1, sizeof(t->gained[0]));
	t->names = ARENA_ARRAY(a, struct str, t->now.n_others + 1);
	t->before_names = ARENA_ARRAY(a, struct str, t->before->n + 1);
	if (!t->by_id || !t->told || !t->superiors || !t->gained || !t->names || !t->before_names)
		return -E_LIMIT;
	for (size_t i = 0, k = 0; i < t->now.n; i++) {
		if (is_of_others(&t->now.v[i], t->s))
			t->names[k++] = t->now.v[i].name;
	}
	for (size_t i = 0; i < t->before->n; i++) {
		t->by_id[i] = &t->before->v[i];
		t->before_names[i] = t->before->v[i].name;
	}
	qsort(t->by_id, t->before->n, sizeof(t->by_id[0]), known_by_id);
	return 0;
}

static struct known *find_known(const struct telling *t, int64_t id)
{
	struct known key = { .id = id }, *key_p = &key;
	struct known **found =
		bsearch(&key_p, t->by_id, t->before->n, sizeof(t->by_id[0]), known_by_id);

	return found != NULL ? *found : NULL;
}

static struct str superior_of(struct str name)
{
	ptrdiff_t slash = str_rchr(name, '/');

	return str_head(name, slash > 0 ? (size_t)slash : 0);
}

static void tell(struct telling *t, const struct store_mailbox *box, struct str old_name,
		 bool has_no_access)
{
	imap_list_tell(t->s, box, old_name, has_no_access);
	t->told[t->n_told++] = box->name;
}

/* It may still be subscribed, or have children that can be seen. */
static struct store_mailbox nonexistent(const struct telling *t, struct str name)
{
	const struct store_mailbox *box = find_name(&t->now, name);

	return box != NULL ? *box : (struct store_mailbox){ .name = name };
}

/* RFC 5465 5.4: revocation of `l` counts as deletion; 5.9: \NoAccess. */
static void tell_lost(struct telling *t, const struct known *k)
{
	const struct store_mailbox *now = find_id(&t->now, k->id);
	struct store_mailbox box = nonexistent(t, k->name);

	if (now != NULL && (!t->is_tangled || str_eq(now->name, k->name)))
		return;
	/* Another one has the name already: its LIST says it. */
	if (box.id != 0 && !t->is_tangled)
		return;
	if (imap_event_filter_kinds(t->s->events, k->name, box.is_subscribed) == 0)
		return;
	if (box.id != 0)
		box = (struct store_mailbox){ .name = k->name };
	tell(t, &box, (struct str){ 0 }, true);
	t->superiors[t->n_superiors++] = superior_of(k->name);
}

/* The new name of the superior says it: RFC 5465 5.4 has no event for children. */
static bool went_along(const struct telling *t, const struct known *k, struct str name)
{
	struct str from = superior_of(k->name), to = superior_of(name);
	const struct known *superior = known_name(t->before, from);
	const struct store_mailbox *now = superior ? find_id(&t->now, superior->id) : NULL;

	return now != NULL && superior->is_renamed && str_eq(now->name, to) &&
	       str_eq(str_skip(k->name, from.n), str_skip(name, to.n));
}

static void tell_renamed(struct telling *t, struct known *k, const struct store_mailbox *box,
			 unsigned want)
{
	bool is_told = !went_along(t, k, box->name);

	want |= imap_event_filter_kinds(t->s->events, k->name, false);
	k->is_renamed = !is_told || (want & STORE_NEWS_RENAMED);
	if (is_told && (want & STORE_NEWS_RENAMED))
		tell(t, box, k->name, !(box->rights & STORE_R_READ));
}

static void tell_gained(struct telling *t, const struct store_mailbox *box, unsigned want)
{
	bool can_read = box->rights & STORE_R_READ;

	if (want == 0)
		return;
	tell(t, box, (struct str){ 0 }, !can_read);
	if (can_read && (want & STORE_NEWS_MESSAGES))
		t->gained[t->n_gained++] = box->id;
}

static void tell_now(struct telling *t, const struct store_mailbox *box)
{
	unsigned want = imap_event_filter_kinds(t->s->events, box->name, box->is_subscribed);
	struct known *k = find_known(t, box->id);
	bool is_renamed = k != NULL && !str_eq(k->name, box->name);

	if (k == NULL || (is_renamed && t->is_tangled)) {
		tell_gained(t, box, want);
		if (want != 0)
			t->superiors[t->n_superiors++] = superior_of(box->name);
		return;
	}
	if (is_renamed)
		tell_renamed(t, k, box, want);
	if (k->can_read != !!(box->rights & STORE_R_READ))
		tell_gained(t, box, want);
}

/* ---- several names at once ---- */

static bool is_below(struct str name, struct str root)
{
	return name.n > root.n && name.p[root.n] == '/' && str_starts(name, root);
}

/* The first that is below root, or behind, of a sorted list. */
static size_t first_below(const struct str *v, size_t n, struct str root)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(str_head(v[mid], root.n), root);

		if (c < 0 ||
		    (c == 0 && (v[mid].n == root.n || (unsigned char)v[mid].p[root.n] < '/')))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * A client that is told of a new name gives new names to all that it knows below the old one. The difference of
 * two lists may hold several, in no order that was: then that is right only where nothing has the old name, or one
 * below it, any more, and what was below it went along or is gone.
 */
static bool is_plain(const struct telling *t, const struct known *k,
		     const struct store_mailbox *box)
{
	const struct store_mailbox *other = find_name(&t->now, k->name);
	size_t i = first_below(t->names, t->now.n_others, k->name);

	if ((other != NULL && other->id != 0) ||
	    (i < t->now.n_others && is_below(t->names[i], k->name)))
		return false;
	i = first_below(t->before_names, t->before->n, k->name);
	for (; i < t->before->n && is_below(t->before_names[i], k->name); i++) {
		const struct store_mailbox *now = find_id(&t->now, t->before->v[i].id);

		if (now != NULL && (!is_below(now->name, box->name) ||
				    !str_eq(str_skip(t->before_names[i], k->name.n),
					    str_skip(now->name, box->name.n))))
			return false;
	}
	return true;
}

static bool is_tangled(const struct telling *t)
{
	for (size_t i = 0; i < t->before->n; i++) {
		const struct known *k = &t->before->v[i];
		const struct store_mailbox *box = find_id(&t->now, k->id);
		bool is_renamed = box != NULL && !str_eq(box->name, k->name);

		if (is_renamed && !is_plain(t, k, box))
			return true;
	}
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* RFC 5465 5.4: the direct superior is affected, whether it exists or not. */
static void tell_superiors(struct telling *t)
{
	size_t n_told = t->n_told;

	qsort(t->told, n_told, sizeof(t->told[0]), compare_names);
	qsort(t->superiors, t->n_superiors, sizeof(t->superiors[0]), compare_names);
	for (size_t i = 0; i < t->n_superiors; i++) {
		struct str name = t->superiors[i];
		struct store_mailbox box = nonexistent(t, name);

		if ((i > 0 && str_eq(name, t->superiors[i - 1])) ||
		    bsearch(&name, t->told, n_told, sizeof(name), compare_names) != NULL)
			continue;
		if (imap_event_filter_kinds(t->s->events, name, box.is_subscribed) & NAMES)
			imap_list_tell(t->s, &box, (struct str){ 0 },
				       box.id != 0 && !(box.rights & STORE_R_READ));
	}
}

/* Read after the watch was set, so that no message falls between. */
static int tell_status(struct telling *t, struct arena *a)
{
	struct imap_session *s = t->s;
	struct store_mailbox box;
	int r = 0;

	for (size_t i = 0; i < t->n_gained && r == 0 && !conn_failed(s->conn); i++) {
		unsigned want;

		if (s->sel != NULL && s->sel->mailbox == t->gained[i])
			continue;
		r = store_mailbox_get_for(imap_store(s), a, s->account, t->gained[i],
					  STORE_R_LOOKUP | STORE_R_READ, &box);
		if (r < 0) {
			r = r == -E_NOT_FOUND || r == -E_DENIED ? 0 : r;
			continue;
		}
		want = imap_events_wanted(s, &box);
		r = imap_status_show(s, &box, imap_events_status_items(s, STORE_NEWS_ADDED, want));
	}
	return r;
}

static int tell_all(struct telling *t, struct arena *a)
{
	int r = prepare(t, a);

	if (r < 0)
		return r;
	t->is_tangled = is_tangled(t);
	for (size_t i = 0; i < t->before->n && !conn_failed(t->s->conn); i++)
		tell_lost(t, &t->before->v[i]);
	for (size_t i = 0; i < t->before->n && !conn_failed(t->s->conn); i++) {
		const struct store_mailbox *box = find_id(&t->now, t->before->v[i].id);

		/* In the order of the old names: superiors before what went along. */
		if (box != NULL)
			tell_now(t, box);
	}
	for (size_t i = 0; i < t->now.n && !conn_failed(t->s->conn); i++) {
		const struct store_mailbox *box = &t->now.v[i];

		if (box->id != 0 && box->account != t->s->account && find_known(t, box->id) == NULL)
			tell_now(t, box);
	}
	tell_superiors(t);
	return tell_status(t, a);
}

int imap_shared_changed(struct imap_session *s, bool is_told)
{
	AUTO(arena_fini) struct arena a;
	struct telling t = { .s = s };
	int r;

	arena_init(&a, LIMIT_COMMAND_ARENA);
	r = exchange(s, &a, &t.now, &t.before);
	if (r == 0 && is_told && t.before != NULL)
		r = tell_all(&t, &a);
	imap_shared_free(&t.before);
	return r;
}
