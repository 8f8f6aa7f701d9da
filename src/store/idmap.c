/* SPDX-License-Identifier: MIT */
/*
 * A small hash table from 64-bit ids to pointers: open addressing, at most half full, no
 * tombstones.
 */
#include "store/store_int.h"

#include "base/must.h"

static size_t slot_of(const struct store_idmap *m, int64_t key)
{
	uint64_t h = (uint64_t)key * 0x9e3779b97f4a7c15u;

	return (size_t)(h ^ h >> 32) & (m->cap - 1);
}

/* The slot that has the key, or the free one where it belongs. */
static size_t find(const struct store_idmap *m, int64_t key)
{
	size_t i = slot_of(m, key);

	while (m->slots[i].value && m->slots[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

void *store_idmap_get(const struct store_idmap *m, int64_t key)
{
	return m->cap ? m->slots[find(m, key)].value : NULL;
}

static void grow(struct store_idmap *m)
{
	struct store_idmap next = { .cap = m->cap ? 2 * m->cap : 64, .n = m->n };

	next.slots = mem_alloc(next.cap, sizeof(*next.slots));
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].value)
			next.slots[find(&next, m->slots[i].key)] = m->slots[i];
	mem_free(m->slots);
	*m = next;
}

void store_idmap_put(struct store_idmap *m, int64_t key, void *value)
{
	size_t i;

	must(value);
	if (2 * (m->n + 1) > m->cap)
		grow(m);
	i = find(m, key);
	if (!m->slots[i].value)
		m->n++;
	m->slots[i] = (struct store_idslot){ key, value };
}

void store_idmap_remove(struct store_idmap *m, int64_t key)
{
	size_t hole, i;

	if (!m->cap)
		return;
	hole = i = find(m, key);
	if (!m->slots[i].value)
		return;
	m->n--;
	/* Moves back what was pushed over this place, so that no search stops too early. */
	for (;;) {
		i = (i + 1) & (m->cap - 1);
		if (!m->slots[i].value)
			break;
		size_t home = slot_of(m, m->slots[i].key);

		if (((i - home) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct store_idslot){ 0 };
}

void store_idmap_fini(struct store_idmap *m)
{
	must(m->n == 0); /* somebody still holds something */
	mem_free(m->slots);
	*m = (struct store_idmap){ 0 };
}
