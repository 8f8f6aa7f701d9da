/* SPDX-License-Identifier: MIT */
/*
 * All names of an account: its mailboxes, the superiors that are only implied by them, and what
 * is only subscribed. Gathered in any order, sorted, then doubles are joined; a bit says what
 * each name came from.
 */
#include "store/store_int.h"

#include "base/limits.h"

struct list {
	struct arena *a;
	struct store_mailbox *v;
	size_t n, cap;
};

static struct store_mailbox *add(struct list *l)
{
	if (arena_grow(l->a, &l->v, l->n, &l->cap, sizeof(*l->v)) < 0)
		return NULL;
	l->v[l->n] = (struct store_mailbox){ 0 };
	return &l->v[l->n++];
}

/* INBOX, then by bytes; of equal names the one with a row first. */
static int compare_names(struct str a, struct str b)
{
	int inbox = str_eq(b, S("INBOX")) - str_eq(a, S("INBOX"));

	return inbox ? inbox : str_cmp(a, b);
}

static int compare(const void *pa, const void *pb)
{
	const struct store_mailbox *a = pa, *b = pb;
	int by_name = compare_names(a->name, b->name);

	return by_name ? by_name : (b->id != 0) - (a->id != 0);
}

static struct store_mailbox *find(const struct list *l, struct str name)
{
	const struct store_mailbox key = { .name = name };
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = compare_names(key.name, l->v[mid].name);

		if (c == 0)
			return &l->v[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static void sort_and_join(struct list *l)
{
	size_t n = 0;

	if (l->n == 0)
		return;
	qsort(l->v, l->n, sizeof(*l->v), compare);
	for (size_t i = 1; i < l->n; i++) {
		if (!str_eq(l->v[n].name, l->v[i].name))
			l->v[++n] = l->v[i];
		else
			l->v[n].is_subscribed |= l->v[i].is_subscribed;
	}
	l->n = n + 1;
}

static int add_mailboxes(struct list *l, struct db_tx *tx, int64_t account)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(MAILBOX_LIST), DB_I(account), DB_I(LIMIT_MAILBOXES));
	while ((rc = db_step(&q)) > 0) {
		struct store_mailbox *m = add(l);

		if (!m || store_mailbox_row(&q, l->a, m) < 0)
			return -E_LIMIT;
	}
	return rc;
}

/* How much of it the name before it, in their order, has too: superiors that end there are done. */
static size_t common(struct str a, struct str b)
{
	size_t n = 0;

	while (n < a.n && n < b.n && a.p[n] == b.p[n])
		n++;
	return n;
}

/*
 * One entry without a row for each missing superior of the first n names, which are sorted; at most
 * LIMIT_MAILBOXES, since those of shared ones are made by others.
 */
static int add_superiors(struct list *l, int64_t account)
{
	size_t n = l->n;
	struct list known = *l;

	for (size_t i = 0; i < n; i++) {
		struct str name = known.v[i].name;

		for (size_t k = i > 0 ? common(known.v[i - 1].name, name) : 0; k < name.n; k++) {
			struct store_mailbox *m;

			if (name.p[k] != '/')
				continue;
			m = find(&known, str_head(name, k));
			if (m) {
				/* Those in l: they move when it grows. */
				l->v[m - known.v].has_children = true;
				continue;
			}
			if (l->n - n >= LIMIT_MAILBOXES)
				return 0;
			m = add(l);
			if (!m)
				return -E_LIMIT;
			m->account = account;
			m->name = str_head(name, k);
			m->has_children = true;
		}
	}
	return 0;
}

static int add_subscriptions(struct list *l, struct db_tx *tx, int64_t account)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(SUBSCRIPTION_LIST), DB_I(account), DB_I(LIMIT_MAILBOXES));
	while ((rc = db_step(&q)) > 0) {
		struct store_mailbox *m = add(l);

		if (!m)
			return -E_LIMIT;
		m->account = account;
		m->is_subscribed = true;
		m->name = arena_str(l->a, db_text(&q, 0));
		if (!m->name.p)
			return -E_LIMIT;
	}
	return rc;
}

/* ---- what others share ---- */

struct shared { /* the mailbox whose rows are being added up */
	struct store_mailbox m;
	struct str owner;
	struct store_rights_rows rows;
};

static int add_shared(struct list *l, const struct store *s, const struct shared *sh)
{
	unsigned rights = sh->m.id ? store_rights_sum(s, &sh->rows) : 0;
	struct store_mailbox *m;

	if (!(rights & STORE_R_LOOKUP))
		return 0;
	m = add(l);
	if (!m)
		return -E_LIMIT;
	*m = sh->m;
	m->rights = rights;
	m->local = sh->m.name;
	m->name = arena_printf(l->a, STORE_OTHER_USERS "/%" STR_FMT "/%" STR_FMT,
			       STR_ARG(sh->owner), STR_ARG(sh->m.name));
	/* Those of the owner. */
	m->special_use = 0;
	m->is_subscribed = false;
	return m->name.p ? 0 : -E_LIMIT;
}

static int begin_shared(struct list *l, struct db_query *q, struct shared *ret)
{
	int rc;

	*ret = (struct shared){ .owner = arena_str(l->a, db_text(q, 13)) };
	ret->rows.is_same_domain = db_int(q, 14) != 0;
	rc = store_mailbox_row(q, l->a, &ret->m);
	return rc == 0 && !ret->owner.p ? -E_LIMIT : rc;
}

static int has_any_shared(struct db_tx *tx, int64_t user, int64_t anyone)
{
	AUTO(db_done) struct db_query q = { 0 };

	DB_QUERY(tx, &q, SQL(SHARED_ANY), DB_I(user), DB_I(anyone));
	return db_step(&q);
}

static int add_all_shared(struct list *l, const struct store *s, struct db_tx *tx, int64_t user)
{
	AUTO(db_done) struct db_query q = { 0 };
	int64_t anyone = atomic_load(&s->anyone);
	struct shared sh = { 0 };
	int rc = has_any_shared(tx, user, anyone);

	if (rc <= 0)
		return rc;
	DB_QUERY(tx, &q, SQL(SHARED_LIST), DB_I(user), DB_I(LIMIT_SHARED), DB_I(anyone));
	while ((rc = db_step(&q)) > 0) {
		if (db_int(&q, 0) != sh.m.id) {
			rc = add_shared(l, s, &sh);
			if (rc == 0)
				rc = begin_shared(l, &q, &sh);
			if (rc < 0)
				return rc;
		}
		store_rights_add_row(&sh.rows, db_int(&q, 15) == 0, db_int(&q, 16) == 0,
				     (unsigned)db_int(&q, 17));
	}
	return rc < 0 ? rc : add_shared(l, s, &sh);
}

/* ---- all together ---- */

static int list(struct store *s, struct arena *a, int64_t account, bool has_shared,
		struct store_mailbox **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	struct list l = { .a = a };
	int rc = db_read_begin(s->db, &tx);

	if (rc == 0)
		rc = add_mailboxes(&l, tx, account);
	for (size_t i = 0; i < l.n && rc == 0; i++) {
		l.v[i].local = l.v[i].name;
		l.v[i].rights = STORE_RIGHTS_ALL;
	}
	if (rc == 0 && has_shared)
		rc = add_all_shared(&l, s, tx, account);
	if (rc < 0)
		return rc;
	sort_and_join(&l);
	rc = add_superiors(&l, account);
	if (rc == 0) {
		sort_and_join(&l); /* few or none are new */
		rc = add_subscriptions(&l, tx, account);
	}
	if (rc < 0)
		return rc;
	sort_and_join(&l);
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

int store_mailbox_list(struct store *s, struct arena *a, int64_t account,
		       struct store_mailbox **ret, size_t *ret_n)
{
	return list(s, a, account, false, ret, ret_n);
}

int store_mailbox_list_visible(struct store *s, struct arena *a, int64_t user,
			       struct store_mailbox **ret, size_t *ret_n)
{
	return list(s, a, user, true, ret, ret_n);
}
