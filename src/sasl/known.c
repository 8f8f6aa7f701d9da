/* SPDX-License-Identifier: MIT */
/*
 * From which addresses an account has logged in lately.
 *
 * A row belongs to the accounts that fall into it, and one account takes at most KNOWN_EACH of its
 * places (then its own oldest makes room): who has an account cannot push out others' addresses
 * by logging in from many. Else the oldest of the row makes room. The caller has the lock.
 */
#include "sasl/sasl_int.h"

#include "base/limits.h"

#define WAYS 16
#define KNOWN_EACH 12

void sasl_known_init(struct sasl_known *k)
{
	k->entries = mem_alloc(LIMIT_AUTH_KNOWN, sizeof(k->entries[0]));
}

void sasl_known_fini(struct sasl_known *k)
{
	mem_free(k->entries);
}

static struct sasl_known_entry *row_of(const struct sasl_known *k, uint64_t account)
{
	return &k->entries[(account >> 1) % (LIMIT_AUTH_KNOWN / WAYS) * WAYS];
}

struct sasl_known_entry *sasl_known_find(const struct sasl_known *k, uint64_t account,
					 uint64_t pair, int64_t now_ms)
{
	struct sasl_known_entry *row = row_of(k, account);

	for (size_t i = 0; i < WAYS && pair != 0; i++)
		if (row[i].pair == pair && row[i].account == account && row[i].end_ms > now_ms)
			return &row[i];
	return NULL;
}

void sasl_known_add(struct sasl_known *k, uint64_t account, uint64_t pair, int64_t now_ms,
		    int64_t end_ms)
{
	struct sasl_known_entry *row = row_of(k, account), *oldest = row, *own = NULL, *e;
	size_t n_own = 0;

	e = sasl_known_find(k, account, pair, now_ms);
	for (size_t i = 0; i < WAYS && e == NULL; i++) {
		if (row[i].end_ms < oldest->end_ms)
			oldest = &row[i];
		if (row[i].account != account || row[i].end_ms <= now_ms)
			continue;
		n_own++;
		if (own == NULL || row[i].end_ms < own->end_ms)
			own = &row[i];
	}
	if (e == NULL)
		e = n_own >= KNOWN_EACH ? own : oldest;
	*e = (struct sasl_known_entry){ .account = account, .pair = pair, .end_ms = end_ms };
}
