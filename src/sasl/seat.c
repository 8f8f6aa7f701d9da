/* SPDX-License-Identifier: MIT */
/*
 * The connections of each account, over all protocols. There are never more entries than
 * connections, and nobody chooses account ids, so a plain chained table does.
 *
 * The account is looked at once more when the seat is in the list already: so whoever disables it
 * and then cuts what is in the list misses nobody.
 */
#include "sasl/sasl_int.h"

#include <unistd.h>

#include "base/must.h"
#include "net/net.h"

#define N_BUCKETS 1024u
#define SEAT_ARENA (16u << 10)
#define LAST_WORDS_US 10000
#define LAST_WORDS_TRIES 20

struct entry {
	int64_t account;
	int64_t n;
	struct sasl_seat *seats;
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

static void link_seat(struct entry *e, struct sasl_seat *seat)
{
	seat->prev = NULL;
	seat->next = e->seats;
	if (e->seats != NULL)
		e->seats->prev = seat;
	e->seats = seat;
}

static void unlink_seat(struct entry *e, const struct sasl_seat *seat)
{
	*(seat->prev != NULL ? &seat->prev->next : &e->seats) = seat->next;
	if (seat->next != NULL)
		seat->next->prev = seat->prev;
}

static bool take(struct sasl_seats *s, struct sasl_seat *seat, int64_t max)
{
	struct entry **at = find(s, seat->account);

	if (*at == NULL) {
		*at = MEM_NEW(struct entry);
		(*at)->account = seat->account;
	}
	if ((*at)->n >= max)
		return false;
	link_seat(*at, seat);
	(*at)->n++;
	s->n++;
	return true;
}

/* 0, -E_AUTH_FAILED, or trouble. */
static int look_again(struct sasl *s, int64_t id)
{
	AUTO(arena_fini) struct arena a = { .cap = SEAT_ARENA };
	struct store_account account;
	int rc = store_account_get(s->store, &a, id, &account);

	if (rc == -E_NOT_FOUND || (rc == 0 && !account.is_enabled))
		return -E_AUTH_FAILED;
	return rc;
}

int sasl_seat_take(struct sasl *s, int64_t account, uint64_t conn, struct sasl_seat *seat)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	int64_t max = sasl_conf_get(s, &hold)->max_connections_per_account;
	bool is_taken;
	int rc;

	must(seat->sasl == NULL);
	*seat = (struct sasl_seat){ .account = account, .conn = conn };
	lock_get(&s->seats->lock);
	is_taken = take(s->seats, seat, max);
	lock_put(&s->seats->lock);
	if (!is_taken)
		return -E_LIMIT;
	seat->sasl = s;
	rc = look_again(s, account);
	if (rc < 0)
		sasl_seat_give(seat);
	return rc;
}

static void give(struct sasl_seats *s, const struct sasl_seat *seat)
{
	struct entry **at = find(s, seat->account), *e = *at;

	must(e != NULL && e->n > 0);
	unlink_seat(e, seat);
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
	give(s, seat);
	lock_put(&s->lock);
	*seat = (struct sasl_seat){ 0 };
}

/* Whoever rests, or is in IDLE, says good-bye and goes. */
static bool are_there(struct net *n, const uint64_t *conns, size_t n_conns)
{
	bool any = false;

	for (size_t i = 0; i < n_conns; i++)
		any |= net_hang_up(n, conns[i]);
	return any;
}

size_t sasl_disconnect(struct sasl *s, struct net *n, int64_t account)
{
	AUTO(mem_auto_free) uint64_t *conns = NULL;
	const struct sasl_seat *seat;
	const struct entry *e;
	size_t n_conns = 0;

	sasl_forget(s, account);
	lock_get(&s->seats->lock);
	e = *find(s->seats, account);
	if (e != NULL) {
		conns = mem_alloc((size_t)e->n, sizeof(conns[0]));
		for (seat = e->seats; seat != NULL; seat = seat->next)
			conns[n_conns++] = seat->conn;
	}
	lock_put(&s->seats->lock);
	for (size_t i = 0; i < LAST_WORDS_TRIES && are_there(n, conns, n_conns); i++)
		usleep(LAST_WORDS_US);
	for (size_t i = 0; i < n_conns; i++)
		net_cut(n, conns[i]);
	return n_conns;
}
