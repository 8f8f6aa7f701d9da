/* SPDX-License-Identifier: MIT */
/*
 * Keywords of a mailbox: names with numbers. A number keeps its name as long as the mailbox lives. A new one comes behind the last: a
 * gap is a row that was lost, and messages may still have its number.
 */
#include "store/keywords_int.h"

#include <string.h>

#include "base/must.h"
#include "store/store_int.h"

int store_tx_keywords(struct db_tx *tx, struct arena *a, int64_t mailbox,
		      struct store_keyword_names *ret)
{
	AUTO(db_done) struct db_query q = { 0 };
	int rc;

	*ret = (struct store_keyword_names){ .n = 0 };
	DB_QUERY(tx, &q, SQL(KEYWORD_LIST), DB_I(mailbox));
	while ((rc = db_step(&q)) > 0) {
		int64_t i = db_int(&q, 0) - STORE_KEYWORD_BIT;

		if (i < 0 || i >= LIMIT_IMAP_KEYWORDS)
			continue;
		/* What is longer is none: it need not have room. */
		ret->v[i] = arena_str(a, str_head(db_text(&q, 1), LIMIT_IMAP_KEYWORD_BYTES + 1));
		if (!ret->v[i].p)
			return -E_LIMIT;
		ret->n = (size_t)i + 1;
		ret->bytes += ret->v[i].n;
	}
	return rc;
}

static int find(const struct store_keyword_names *have, struct str name)
{
	for (size_t i = 0; i < have->n; i++)
		if (have->v[i].n && str_ieq(have->v[i], name))
			return (int)i;
	return -1;
}

/* RFC 9051 9: flag-keyword = atom. Answers have it as it is, and it may come out of a file of another program. */
bool store_is_keyword(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 127 || strchr("(){%*\"\\]", name.p[i]) != NULL)
			return false;
	return name.n > 0 && name.n <= LIMIT_IMAP_KEYWORD_BYTES;
}

static int add(struct db_tx *tx, int64_t mailbox, struct store_keyword_names *have, struct str name)
{
	int rc;

	if (!store_is_keyword(name))
		return -E_SYNTAX;
	if (have->n == LIMIT_IMAP_KEYWORDS || have->bytes + name.n > LIMIT_KEYWORD_NAMES)
		return -E_LIMIT;
	rc = DB_EXEC(tx, SQL(KEYWORD_ADD), DB_I(mailbox),
		     DB_I((int64_t)have->n + STORE_KEYWORD_BIT), DB_T(name));
	if (rc < 0)
		return rc;
	have->v[have->n] = name;
	have->bytes += name.n;
	return (int)have->n++;
}

int store_tx_keyword_numbers(struct db_tx *tx, int64_t mailbox, struct store_keyword_names *have,
			     const struct str *names, size_t n, bool may_add,
			     struct store_keyword_list *ret)
{
	for (size_t i = 0; i < n; i++) {
		int k = find(have, names[i]);

		if (k < 0 && !may_add)
			continue;
		if (k < 0)
			k = add(tx, mailbox, have, names[i]);
		if (k < 0)
			return k;
		if (!store_keyword_list_add(ret, (unsigned)k))
			return -E_LIMIT;
	}
	return 0;
}

/* ---- lists ---- */

/* Where it is, or belongs. */
static size_t place(const struct store_keyword_list *l, unsigned number)
{
	size_t i = l->n;

	while (i > 0 && l->v[i - 1] >= number)
		i--;
	return i;
}

bool store_keyword_list_add(struct store_keyword_list *l, unsigned number)
{
	size_t i = place(l, number);

	if (i < l->n && l->v[i] == number)
		return true;
	if (number >= STORE_KEYWORD_BITS && l->n - place(l, STORE_KEYWORD_BITS) == LIMIT_MESSAGE_KEYWORDS)
		return false;
	memmove(&l->v[i + 1], &l->v[i], (l->n - i) * sizeof(l->v[0]));
	l->v[i] = (uint16_t)number;
	l->n++;
	return true;
}

void store_keyword_list_remove(struct store_keyword_list *l, unsigned number)
{
	size_t i = place(l, number);

	if (i == l->n || l->v[i] != number)
		return;
	l->n--;
	memmove(&l->v[i], &l->v[i + 1], (l->n - i) * sizeof(l->v[0]));
}
