/* SPDX-License-Identifier: MIT */
/*
 * Keywords of a mailbox: names for the flag bits from STORE_KEYWORD_BIT on. A bit keeps its name
 * as long as the mailbox lives.
 */
#include "store/store_int.h"

#include "base/limits.h"

#include <string.h>

#define N_BITS (64 - STORE_KEYWORD_BIT)
_Static_assert(LIMIT_IMAP_KEYWORDS <= N_BITS, "a bit for each keyword");

int store_tx_keywords(struct db_tx *tx, struct arena *a, int64_t mailbox,
		      struct store_keyword_set *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	*ret = (struct store_keyword_set){ 0 };
	DB_QUERY(tx, &q, SQL(KEYWORD_LIST), DB_I(mailbox));
	while ((rc = db_step(&q)) > 0) {
		int64_t i = db_int(&q, 0) - STORE_KEYWORD_BIT;

		if (i < 0 || i >= N_BITS)
			continue;
		ret->v[i] = arena_str(a, db_text(&q, 1));
		if (!ret->v[i].p)
			return -E_LIMIT;
		ret->used |= (uint64_t)1 << (i + STORE_KEYWORD_BIT);
	}
	return rc;
}

static int find(const struct store_keyword_set *have, struct str name)
{
	for (int i = 0; i < N_BITS; i++)
		if (have->v[i].n && str_ieq(have->v[i], name))
			return i;
	return -1;
}

/* RFC 9051 9: flag-keyword = atom. Answers have it as it is, and it may come out of a file of another program. */
static bool is_keyword(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 127 || strchr("(){%*\"\\]", name.p[i]) != NULL)
			return false;
	return name.n > 0 && name.n <= LIMIT_IMAP_KEYWORD_BYTES;
}

static int add(struct db_tx *tx, int64_t mailbox, struct store_keyword_set *have, struct str name)
{
	int rc;

	if (!is_keyword(name))
		return -E_SYNTAX;
	for (int i = 0; i < LIMIT_IMAP_KEYWORDS; i++) {
		if (have->v[i].n)
			continue;
		rc = DB_EXEC(tx, SQL(KEYWORD_ADD), DB_I(mailbox), DB_I(i + STORE_KEYWORD_BIT),
			     DB_T(name));
		if (rc < 0)
			return rc;
		have->v[i] = name;
		have->used |= (uint64_t)1 << (i + STORE_KEYWORD_BIT);
		return i;
	}
	return -E_LIMIT;
}

int store_tx_keyword_bits(struct db_tx *tx, int64_t mailbox, struct store_keyword_set *have,
			  const struct str *names, size_t n, bool may_add, uint64_t *ret)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < n; i++) {
		int k = find(have, names[i]);

		if (k < 0 && !may_add)
			continue;
		if (k < 0)
			k = add(tx, mailbox, have, names[i]);
		if (k < 0)
			return k;
		bits |= (uint64_t)1 << (k + STORE_KEYWORD_BIT);
	}
	*ret = bits;
	return 0;
}
