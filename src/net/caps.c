/* SPDX-License-Identifier: MIT */
/*
 * How many connections each address has, and how many of the places (places.c). An IPv6 peer counts by its /64, which is what one
 * customer gets; the caller cuts the key. The hash is seeded: a peer cannot choose addresses that
 * share a bucket. There are never more entries than connections.
 */
#include "net/net_int.h"

#include "base/mem.h"
#include "base/must.h"
#include "base/rnd.h"

#define N_BUCKETS 4096u

struct net_cap {
	struct net_addr_key key;
	int64_t n, n_places;
	struct net_cap *next;
};

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* The link that points to the entry of key, or the end of its chain. */
static struct net_cap **find(const struct net_caps *t, const struct net_addr_key *key)
{
	uint64_t half[2];
	struct net_cap **at;

	memcpy(half, key->b, sizeof(half));
	at = &t->buckets[mix(mix(half[0] ^ t->seed) ^ half[1]) % N_BUCKETS];
	while (*at != NULL && memcmp((*at)->key.b, key->b, sizeof(key->b)) != 0)
		at = &(*at)->next;
	return at;
}

bool net_caps_take(struct net_caps *t, const struct net_addr_key *key, int64_t max)
{
	struct net_cap **at;

	if (t->buckets == NULL) {
		t->buckets = mem_alloc(N_BUCKETS, sizeof(t->buckets[0]));
		t->seed = rnd_u64();
	}
	at = find(t, key);
	if (*at == NULL) {
		*at = MEM_NEW(struct net_cap);
		(*at)->key = *key;
	}
	if ((*at)->n >= max)
		return false;
	(*at)->n++;
	return true;
}

void net_caps_give(struct net_caps *t, const struct net_addr_key *key)
{
	struct net_cap **at = find(t, key), *e = *at;

	must(e != NULL && e->n > 0 && e->n_places < e->n + 1);
	if (--e->n > 0)
		return;
	*at = e->next;
	mem_free(e);
}

int64_t net_caps_places(const struct net_caps *t, const struct net_addr_key *key)
{
	const struct net_cap *e = *find(t, key);

	must(e != NULL);
	return e->n_places;
}

void net_caps_place_add(struct net_caps *t, const struct net_addr_key *key, int by)
{
	struct net_cap *e = *find(t, key);

	must(e != NULL && e->n_places + by >= 0);
	e->n_places += by;
}

void net_caps_fini(struct net_caps *t)
{
	for (size_t i = 0; t->buckets != NULL && i < N_BUCKETS; i++)
		must(t->buckets[i] == NULL);
	mem_free(t->buckets);
	*t = (struct net_caps){ 0 };
}
