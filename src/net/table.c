/* SPDX-License-Identifier: MIT */
/*
 * Connections by id: a chained hash whose key is a counter, so its lowest bits spread by
 * themselves.
 */
#include "net/net_int.h"

#include "base/mem.h"
#include "base/must.h"

#define BUCKETS_FIRST 256u

static struct conn **bucket(const struct net_table *t, uint64_t id)
{
	return &t->buckets[id & (t->n_buckets - 1)];
}

static void grow(struct net_table *t)
{
	struct net_table bigger = {
		.n_buckets = t->n_buckets == 0 ? BUCKETS_FIRST : t->n_buckets * 2,
		.n = t->n,
	};

	bigger.buckets = mem_alloc(bigger.n_buckets, sizeof(bigger.buckets[0]));
	for (size_t i = 0; i < t->n_buckets; i++) {
		struct conn *c = t->buckets[i], *next;

		for (; c != NULL; c = next) {
			struct conn **at = bucket(&bigger, c->id);

			next = c->next_by_id;
			c->next_by_id = *at;
			*at = c;
		}
	}
	mem_free(t->buckets);
	*t = bigger;
}

void net_table_add(struct net_table *t, struct conn *c)
{
	struct conn **at;

	if (t->n >= t->n_buckets)
		grow(t);
	at = bucket(t, c->id);
	c->next_by_id = *at;
	*at = c;
	t->n++;
}

void net_table_remove(struct net_table *t, struct conn *c)
{
	struct conn **at = bucket(t, c->id);

	while (*at != NULL && *at != c)
		at = &(*at)->next_by_id;
	must(*at == c);
	*at = c->next_by_id;
	t->n--;
}

struct conn *net_table_find(const struct net_table *t, uint64_t id)
{
	struct conn *c;

	if (t->n == 0)
		return NULL;
	for (c = *bucket(t, id); c != NULL && c->id != id; c = c->next_by_id)
		;
	return c;
}

void net_table_fini(struct net_table *t)
{
	must(t->n == 0);
	mem_free(t->buckets);
	*t = (struct net_table){ 0 };
}
