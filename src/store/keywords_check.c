/* SPDX-License-Identifier: MIT */
/*
 * Keywords and their sets against what messages have: a name that is no keyword (RFC 9051 9: whoever asks for flags would get an answer that cannot
 * be read; an import once let such names in), a number in use without a name, a set that is not there. All names and sets of one
 * mailbox are few, so they are in memory together.
 */
#include <stdio.h>

#include "base/mem.h"
#include "store/keywords_int.h"
#include "store/store_int.h"

#define NAME_TRIES 10000

struct look {
	struct arena a;
	struct store_keyword_names names;
	int64_t strays;                      /* rows of names whose number cannot be */
	bool is_used[LIMIT_IMAP_KEYWORDS];   /* by a message or a set */
	bool is_wrong[LIMIT_IMAP_KEYWORDS];  /* it has no name, or one that is no keyword, or that of another */
	uint8_t sets[STORE_SETS / 8];        /* that messages have */
	uint8_t good[STORE_SETS / 8];        /* that have a row as it must be */
	uint8_t renamed[STORE_SETS / 8];     /* of these: with a member that is wrong */
	int64_t *bad;                        /* numbers of other rows */
	size_t n_bad, cap_bad;
};

static void look_end(struct look **l)
{
	if (!*l)
		return;
	arena_fini(&(*l)->a);
	mem_free((*l)->bad);
	mem_free(*l);
	*l = NULL;
}

/* ---- looking ---- */

static int look_at_names(struct db_tx *tx, int64_t mailbox, struct look *l)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc = store_tx_keywords(tx, &l->a, mailbox, &l->names);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(KEYWORD_LIST), DB_I(mailbox));
	while ((rc = db_step(&q)) > 0) {
		int64_t number = db_int(&q, 0) - STORE_KEYWORD_BIT;

		if (number < 0 || number >= LIMIT_IMAP_KEYWORDS)
			l->strays++;
		else
			l->is_wrong[number] = !store_is_keyword(l->names.v[number]);
	}
	for (size_t i = 0; i < l->names.n; i++)
		for (size_t k = 0; k < i && !l->is_wrong[i]; k++)
			l->is_wrong[i] = l->names.v[i].n && str_ieq(l->names.v[i], l->names.v[k]);
	return rc;
}

static void look_at_flags(struct look *l, uint64_t flags)
{
	for (unsigned i = 0; i < STORE_KEYWORD_BITS; i++)
		l->is_used[i] |= flags >> (STORE_KEYWORD_BIT + i) & 1;
	store_set_note(l->sets, store_set_of(flags));
}

/* All states, but of a mailbox without keywords none. */
static int look_at_messages(struct db_tx *tx, int64_t mailbox, struct look *l)
{
	AUTO(store_states_end) struct store_states_walk w = store_states_walk(tx, mailbox, NULL);
	int rc;

	while ((rc = store_states_next(&w)) > 0)
		for (unsigned i = 0; i < w.s.n; i++)
			look_at_flags(l, w.s.v[i].flags);
	return rc;
}

static void add_bad(struct look *l, int64_t number)
{
	if (l->n_bad == l->cap_bad) {
		l->cap_bad = 2 * l->cap_bad + 16;
		l->bad = mem_resize(l->bad, l->cap_bad, sizeof(*l->bad));
	}
	l->bad[l->n_bad++] = number;
}

/* fn: what is done with the members of each that is good. */
static int look_at_sets(struct db_tx *tx, int64_t mailbox, struct look *l,
			void (*fn)(struct look *l, unsigned set, const struct store_keyword_list *members))
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	DB_QUERY(tx, &q, SQL(KEYWORD_SET_LIST), DB_I(mailbox), DB_I(INT64_MIN));
	while ((rc = db_step(&q)) > 0) {
		struct store_keyword_list members;
		int64_t number = db_int(&q, 0);

		if (store_set_parse(db_text(&q, 1), &members) && number > 0 && number < STORE_SETS)
			fn(l, (unsigned)number, &members);
		else
			add_bad(l, number);
	}
	return rc;
}

static void use_members(struct look *l, unsigned set, const struct store_keyword_list *members)
{
	store_set_note(l->good, set);
	for (size_t i = 0; i < members->n; i++)
		l->is_used[members->v[i]] = true;
}

static int look(struct db_tx *tx, int64_t mailbox, uint64_t flags, struct look **ret)
{
	struct look *l = MEM_NEW(struct look);
	int rc;

	*ret = l;
	arena_init(&l->a, 2 * STORE_KEYWORD_ARENA);
	rc = look_at_names(tx, mailbox, l);
	if (rc == 0)
		rc = look_at_sets(tx, mailbox, l, use_members);
	if (rc == 0 && store_set_of(flags))
		rc = look_at_messages(tx, mailbox, l);
	else
		look_at_flags(l, flags);
	for (size_t i = 0; i < LIMIT_IMAP_KEYWORDS; i++)
		l->is_wrong[i] |= l->is_used[i] && l->names.v[i].n == 0;
	return rc;
}

int store_tx_keywords_sum(struct db_tx *tx, int64_t mailbox, uint64_t flags,
			  struct store_keywords_sum *ret)
{
	AUTO(look_end) struct look *l = NULL;
	int rc = look(tx, mailbox, flags, &l);

	*ret = (struct store_keywords_sum){ .wrong_names = l->strays,
					    .wrong_sets = (int64_t)l->n_bad };
	for (size_t i = 0; i < LIMIT_IMAP_KEYWORDS; i++)
		ret->wrong_names += l->is_wrong[i];
	for (unsigned i = 1; i < STORE_SETS; i++)
		ret->wrong_sets += store_set_has(l->sets, i) && !store_set_has(l->good, i);
	return rc;
}

/* ---- mending ---- */

static bool is_taken(const struct look *l, struct str name, size_t but)
{
	for (size_t i = 0; i < l->names.n; i++)
		if (i != but && !l->is_wrong[i] && str_ieq(l->names.v[i], name))
			return true;
	return false;
}

/* A keyword that is made of the name: what cannot stand in one is "_". With a number where it is another's. */
static int new_name(struct look *l, size_t number)
{
	const struct str was = l->names.v[number];
	struct str base = was.n ? arena_str(&l->a, str_head(was, LIMIT_IMAP_KEYWORD_BYTES - 10))
				: arena_printf(&l->a, "keyword_%zu", number);
	struct str name = base;
	char *p = (char *)(uintptr_t)base.p;

	if (!p)
		return -E_LIMIT;
	for (size_t i = 0; i < base.n; i++)
		if (!store_is_keyword(str_of(p + i, 1)))
			p[i] = '_';
	for (int i = 2; is_taken(l, name, number) && i < NAME_TRIES; i++) {
		name = arena_printf(&l->a, "%" STR_FMT "_%d", STR_ARG(base), i);
		if (!name.p)
			return -E_LIMIT;
	}
	l->names.v[number] = name;
	l->names.n = number >= l->names.n ? number + 1 : l->names.n;
	return 0;
}

static int mend_names(struct db_tx *tx, int64_t mailbox, struct look *l)
{
	int rc = DB_EXEC(tx, SQL(KEYWORD_STRAY), DB_I(mailbox), DB_I(STORE_KEYWORD_BIT),
			 DB_I(STORE_KEYWORD_BIT + LIMIT_IMAP_KEYWORDS - 1));

	for (size_t i = 0; i < LIMIT_IMAP_KEYWORDS && rc == 0; i++) {
		if (!l->is_wrong[i])
			continue;
		rc = new_name(l, i);
		l->is_wrong[i] = false; /* from here on its name is taken */
		if (rc == 0)
			rc = DB_EXEC(tx, SQL(KEYWORD_NAME), DB_I(mailbox),
				     DB_I((int64_t)i + STORE_KEYWORD_BIT), DB_T(l->names.v[i]));
	}
	return rc;
}

static int remove_bad(struct db_tx *tx, int64_t mailbox, const struct look *l)
{
	int rc = 0;

	for (size_t i = 0; i < l->n_bad && rc == 0; i++)
		rc = DB_EXEC(tx, SQL(KEYWORD_SET_REMOVE), DB_I(mailbox), DB_I(l->bad[i]));
	return rc < 0 || l->n_bad == 0 ? rc : DB_EXEC(tx, SQL(KEYWORD_EPOCH_NEXT), DB_I(mailbox));
}

static void find_renamed(struct look *l, unsigned set, const struct store_keyword_list *members)
{
	for (size_t i = 0; i < members->n; i++)
		if (l->is_wrong[members->v[i]])
			store_set_note(l->renamed, set);
}

/* Messages of a row whose keywords are told otherwise from now on. */
static int mend_row(struct db_tx *tx, const struct look *l, struct store_states *s, uint64_t wrong_bits,
		    uint64_t modseq)
{
	struct store_state_change lose = { .keep = ~(UINT64_MAX << STORE_SET_BIT), .since = UINT64_MAX,
					   .modseq = modseq };
	uint64_t renamed = 0, lost = 0;

	for (unsigned i = 0; i < s->n; i++) {
		unsigned set = store_set_of(s->v[i].flags);

		if (s->v[i].flags & wrong_bits || (set && store_set_has(l->renamed, set)))
			renamed |= s->v[i].uids;
		if (set && !store_set_has(l->good, set))
			lost |= s->v[i].uids;
	}
	if (!(renamed | lost))
		return 0;
	store_states_touch(s, renamed, modseq);
	store_states_change(s, lost, &lose);
	return store_tx_states_put(tx, s);
}

static int mend_messages(struct db_tx *tx, int64_t mailbox, struct look *l, uint64_t modseq)
{
	AUTO(store_states_end) struct store_states_walk w = store_states_walk(tx, mailbox, NULL);
	uint64_t wrong_bits = 0;
	int rc = 0, put = 0;

	for (unsigned i = 0; i < STORE_KEYWORD_BITS; i++)
		wrong_bits |= (uint64_t)l->is_wrong[i] << (STORE_KEYWORD_BIT + i);
	while (put == 0 && (rc = store_states_next(&w)) > 0)
		put = mend_row(tx, l, &w.s, wrong_bits, modseq);
	return put < 0 ? put : rc;
}

int store_tx_keywords_mend(struct db_tx *tx, int64_t mailbox, uint64_t flags, uint64_t modseq)
{
	AUTO(look_end) struct look *l = NULL;
	int rc = look(tx, mailbox, flags, &l);

	if (rc == 0)
		rc = remove_bad(tx, mailbox, l);
	l->n_bad = 0;
	if (rc == 0)
		rc = look_at_sets(tx, mailbox, l, find_renamed);
	if (rc == 0 && flags >> STORE_KEYWORD_BIT)
		rc = mend_messages(tx, mailbox, l, modseq);
	return rc < 0 ? rc : mend_names(tx, mailbox, l);
}
