/* SPDX-License-Identifier: MIT */
/*
 * How many connections each account has, over all protocols. There are never more entries than
 * connections, and nobody chooses account ids, so a plain chained table does.
 */
#include "sasl/sasl_int.h"

#include "base/must.h"

#define N_BUCKETS 1024u

struct entry {
	int64_t account;
	int64_t n;
	struct entry *next;
};

struct sasl_seats {
	struct lock lock;
	int64_t n;
	struct entry *buckets[N_BUCKETS];
};

struct sasl_seats *sasl_seats_new(void)
{
	struct sasl_seats *s = MEM_NEW(struct sasl_seats);

	lock_init(&s->lock);
	return s;
}

void sasl_seats_free(struct sasl_seats *s)
{
	if (s == NULL)
		return;
	must(s->n == 0);
	lock_fini(&s->lock);
	mem_free(s);
}

int64_t sasl_seats_count(struct sasl_seats *s)
{
	int64_t n;

	lock_get(&s->lock);
	n = s->n;
	lock_put(&s->lock);
	return n;
}

/* The link that points to the account's entry, or the end of its chain. */
static struct entry **find(struct sasl_seats *s, int64_t account)
{
	struct entry **at = &s->buckets[(uint64_t)account % N_BUCKETS];

	must(lock_held(&s->lock));
	while (*at != NULL && (*at)->account != account)
		at = &(*at)->next;
	return at;
}

static bool take(struct sasl_seats *s, int64_t account, int64_t max)
{
	struct entry **at = find(s, account);

	if (*at == NULL) {
		*at = MEM_NEW(struct entry);
		(*at)->account = account;
	}
	if ((*at)->n >= max)
		return false;
	(*at)->n++;
	s->n++;
	return true;
}

int sasl_seat_take(struct sasl *s, int64_t account, struct sasl_seat *seat)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	int64_t max = sasl_conf_get(s, &hold)->max_connections_per_account;
	bool is_taken;

	must(seat->sasl == NULL);
	lock_get(&s->seats->lock);
	is_taken = take(s->seats, account, max);
	lock_put(&s->seats->lock);
	if (!is_taken)
		return -E_LIMIT;
	*seat = (struct sasl_seat){ .sasl = s, .account = account };
	return 0;
}

static void give(struct sasl_seats *s, int64_t account)
{
	struct entry **at = find(s, account), *e = *at;

	must(e != NULL && e->n > 0);
	s->n--;
	if (--e->n > 0)
		return;
	*at = e->next;
	mem_free(e);
}

void sasl_seat_give(struct sasl_seat *seat)
{
	struct sasl_seats *s = seat->sasl != NULL ? seat->sasl->seats : NULL;

	if (s == NULL)
		return;
	lock_get(&s->lock);
	give(s, seat->account);
	lock_put(&s->lock);
	*seat = (struct sasl_seat){ 0 };
}
