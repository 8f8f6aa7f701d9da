/* SPDX-License-Identifier: MIT */
/*
 * The keywords of a view: names, and the sets that its flags name (keywords_int.h). Views of a mailbox share them as long as they are the
 * same. Sets that are new since are read alone: they have larger numbers, or the mailbox another epoch.
 */
#include <string.h>

#include "base/must.h"
#include "store/store_int.h"

struct store_set {
	uint16_t number, n;
	uint32_t at; /* of its first member */
};

struct keywords {
	struct store_keywords k; /* first: what views point to */
	int refs;
	struct store_set *sets;  /* heap; those of k */
	uint16_t *members;
	size_t n_sets, cap_sets, n_members, cap_members;
	struct str v[]; /* and then the text */
};

static struct keywords *keywords_of(const struct store_keywords *k)
{
	struct keywords *whole;

	memcpy(&whole, &k, sizeof(whole)); /* the count is the only thing in it that changes */
	return whole;
}

void store_keywords_ref(const struct store_keywords *k)
{
	__atomic_add_fetch(&keywords_of(k)->refs, 1, __ATOMIC_RELAXED);
}

static void keywords_free(struct keywords *k)
{
	mem_free(k->sets);
	mem_free(k->members);
	mem_free(k);
}

void store_keywords_unref(const struct store_keywords *k)
{
	if (k && __atomic_sub_fetch(&keywords_of(k)->refs, 1, __ATOMIC_ACQ_REL) == 0)
		keywords_free(keywords_of(k));
}

/* ---- asking ---- */

static const struct store_set *set_of(const struct store_keywords *k, uint64_t flags)
{
	unsigned number = store_set_of(flags);
	size_t lo = 0, hi = k->n_sets;

	while (number != 0 && lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->sets[mid].number == number)
			return &k->sets[mid];
		if (k->sets[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool has_name(const struct store_keywords *k, unsigned number)
{
	return number < k->n && k->v[number].n > 0;
}

size_t store_keywords_of(const struct store_keywords *k, uint64_t flags,
			 uint16_t ret[STORE_KEYWORDS_MAX])
{
	const struct store_set *set = set_of(k, flags);
	uint64_t bits = flags << (64 - STORE_SET_BIT) >> (64 - STORE_SET_BIT + STORE_KEYWORD_BIT);
	size_t n = 0;

	for (; bits; bits &= bits - 1)
		if (has_name(k, (unsigned)__builtin_ctzll(bits)))
			ret[n++] = (uint16_t)__builtin_ctzll(bits);
	for (size_t i = 0; set && i < set->n; i++)
		if (has_name(k, k->members[set->at + i]))
			ret[n++] = k->members[set->at + i];
	return n;
}

bool store_keywords_has(const struct store_keywords *k, uint64_t flags, unsigned number)
{
	const struct store_set *set;

	if (!has_name(k, number))
		return false;
	if (number < STORE_KEYWORD_BITS)
		return flags >> (STORE_KEYWORD_BIT + number) & 1;
	set = set_of(k, flags);
	for (size_t i = 0; set && i < set->n; i++)
		if (k->members[set->at + i] == number)
			return true;
	return false;
}

int store_keywords_find(const struct store_keywords *k, struct str keyword)
{
	for (size_t i = 0; i < k->n; i++)
		if (keyword.n && str_ieq(k->v[i], keyword))
			return (int)i;
	return -1;
}

/* ---- making ---- */

/* What is no keyword is not shown: answers have names as they are (RFC 9051 9). The check tells of it. */
static struct keywords *keywords_new(const struct store_keyword_names *names)
{
	size_t bytes = 0;
	struct keywords *k;
	char *p;

	for (size_t i = 0; i < names->n; i++)
		bytes += names->v[i].n;
	k = mem_alloc(1, sizeof(*k) + names->n * sizeof(k->v[0]) + bytes);
	k->refs = 1;
	k->k.v = k->v;
	k->k.n = names->n;
	p = (char *)&k->v[names->n];
	for (size_t i = 0; i < names->n; i++) {
		if (!store_is_keyword(names->v[i]))
			continue;
		memcpy(p, names->v[i].p, names->v[i].n);
		k->v[i] = str_of(p, names->v[i].n);
		p += names->v[i].n;
	}
	return k;
}

static bool same_names(const struct store_keywords *k, const struct store_keyword_names *names)
{
	if (k->n != names->n)
		return false;
	for (size_t i = 0; i < names->n; i++)
		if (k->v[i].n ? !str_eq(k->v[i], names->v[i]) : store_is_keyword(names->v[i]))
			return false;
	return true;
}

static void room_for(struct keywords *k, size_t sets, size_t members)
{
	if (k->n_sets + sets > k->cap_sets) {
		k->cap_sets = 2 * k->cap_sets + sets;
		k->sets = mem_resize(k->sets, k->cap_sets, sizeof(*k->sets));
	}
	if (k->n_members + members > k->cap_members) {
		k->cap_members = 2 * k->cap_members + members;
		k->members = mem_resize(k->members, k->cap_members, sizeof(*k->members));
	}
}

static void take_sets(struct keywords *k, const struct store_keywords *old)
{
	const struct keywords *from = keywords_of(old);

	room_for(k, from->n_sets, from->n_members);
	if (from->n_sets == 0)
		return;
	memcpy(k->sets, from->sets, from->n_sets * sizeof(*k->sets));
	memcpy(k->members, from->members, from->n_members * sizeof(*k->members));
	k->n_sets = from->n_sets;
	k->n_members = from->n_members;
}

/* Those behind the last one. */
static int read_sets(struct db_tx *tx, int64_t mailbox, struct keywords *k)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(KEYWORD_SET_LIST), DB_I(mailbox),
		 DB_I(k->n_sets ? k->sets[k->n_sets - 1].number : 0));
	while ((rc = db_step(&q)) > 0) {
		struct store_keyword_list l;

		(void)store_set_parse(db_text(&q, 1), &l);
		if (db_int(&q, 0) >= STORE_SETS)
			break;
		room_for(k, 1, l.n);
		k->sets[k->n_sets++] = (struct store_set){ (uint16_t)db_int(&q, 0), (uint16_t)l.n,
							   (uint32_t)k->n_members };
		memcpy(&k->members[k->n_members], l.v, l.n * sizeof(l.v[0]));
		k->n_members += l.n;
	}
	return rc < 0 ? rc : 0;
}

/* As the view has them. */
static void end_sets(struct keywords *k)
{
	k->k.sets = k->sets;
	k->k.n_sets = k->n_sets;
	k->k.members = k->members;
}

static int read_epoch(struct db_tx *tx, int64_t mailbox, int64_t *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(KEYWORD_EPOCH), DB_I(mailbox));
	rc = db_step(&q);
	*ret = rc > 0 ? db_int(&q, 0) : 0;
	return rc < 0 ? rc : 0;
}

int store_tx_view_keywords(struct db_tx *tx, int64_t mailbox, const struct store_view *old,
			   const struct store_keywords **ret)
{
	AUTO(arena_fini) struct arena a;
	struct store_keyword_names names;
	struct keywords *k;
	bool is_same;
	int rc;

	*ret = NULL;
	arena_init(&a, STORE_KEYWORD_ARENA);
	rc = store_tx_keywords(tx, &a, mailbox, &names);
	if (rc < 0)
		return rc;
	is_same = old && same_names(old->keywords, &names);
	if (is_same && names.n <= STORE_KEYWORD_BITS) {
		*ret = old->keywords;
		store_keywords_ref(old->keywords);
		return 0;
	}
	k = keywords_new(&names);
	if (names.n > STORE_KEYWORD_BITS) {
		rc = read_epoch(tx, mailbox, &k->k.epoch);
		if (old && old->keywords->epoch == k->k.epoch &&
		    old->keywords->n_sets < 2 * LIMIT_KEYWORD_SETS)
			take_sets(k, old->keywords);
		if (rc == 0)
			rc = read_sets(tx, mailbox, k);
	}
	if (rc == 0 && is_same && k->k.epoch == old->keywords->epoch && k->n_sets == old->keywords->n_sets) {
		*ret = old->keywords;
		store_keywords_ref(old->keywords);
	}
	if (rc < 0 || *ret) {
		keywords_free(k);
		return rc;
	}
	end_sets(k);
	*ret = &k->k;
	return 0;
}

/* ---- taking along ---- */

static bool same_members(const struct store_keywords *a, const struct store_set *x, const struct store_keywords *b,
			 const struct store_set *y)
{
	return x->n == y->n && memcmp(&a->members[x->at], &b->members[y->at], x->n * sizeof(a->members[0])) == 0;
}

/* The first n names, and all sets. */
static struct keywords *copy(const struct store_keywords *of, size_t n)
{
	struct store_keyword_names names = { .n = n };
	struct keywords *k;

	memcpy(names.v, of->v, n * sizeof(of->v[0]));
	k = keywords_new(&names);
	k->k.epoch = of->epoch;
	take_sets(k, of);
	end_sets(k);
	return k;
}

const struct store_keywords *store_keywords_told(const struct store_keywords *k, size_t n)
{
	if (n < k->n)
		return &copy(k, n)->k;
	store_keywords_ref(k);
	return k;
}

/* Behind the last one; 0: there is no number left. */
static uint16_t add_set(struct keywords *k, const struct store_keywords *from, const struct store_set *set)
{
	unsigned number = k->n_sets ? k->sets[k->n_sets - 1].number + 1u : 1;

	if (number == STORE_SETS)
		return 0;
	room_for(k, 1, set->n);
	k->sets[k->n_sets++] = (struct store_set){ (uint16_t)number, set->n, (uint32_t)k->n_members };
	memcpy(&k->members[k->n_members], &from->members[set->at], set->n * sizeof(from->members[0]));
	k->n_members += set->n;
	end_sets(k);
	return (uint16_t)number;
}

void store_carrying_end(struct store_carrying *c)
{
	mem_free(c->sets);
	c->sets = NULL;
}

uint64_t store_keywords_carry(struct store_carrying *c, uint64_t flags)
{
	const struct store_set *was = set_of(c->old, flags), *is = set_of(c->now, flags);
	uint64_t rest = flags & ~(UINT64_MAX << STORE_SET_BIT);

	if (c->old == c->now || (was && is && same_members(c->old, was, c->now, is)))
		return flags;
	if (!was)
		return rest;
	if (!c->own) {
		c->sets = mem_alloc(STORE_SETS, sizeof(*c->sets));
		c->own = copy(c->now, c->now->n);
		store_keywords_unref(c->now);
		c->now = &c->own->k;
	}
	if (!c->sets[was->number])
		c->sets[was->number] = add_set(c->own, c->old, was);
	return rest | (uint64_t)c->sets[was->number] << STORE_SET_BIT;
}
