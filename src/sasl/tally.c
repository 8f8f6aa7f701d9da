/* SPDX-License-Identifier: MIT */
/*
 * How often something happened lately, for a bounded number of things.
 *
 * 1. The memory is fixed. A thing is a keyed digest, which names a row and stands in one of the
 *    row's places; nobody can choose things that share a row.
 * 2. A count is kept as the moment at which it will have run out: each event moves that moment by
 *    the time in which one event is forgiven. So counts age without anybody walking the table,
 *    and a changed setting holds at once.
 * 3. A new thing takes the place in its row that runs out first. What was done most and last
 *    stays longest; who wants to push it out has to do more, on average all over the table.
 * The caller has the lock.
 */
#include "sasl/sasl_int.h"

#define WAYS 8

void sasl_tally_init(struct sasl_tally *t, size_t n, bool has_labels)
{
	t->n = n;
	/* In one piece, which malloc maps: then what is not used takes no memory. */
	t->entries = mem_alloc(n, sizeof(t->entries[0]) + (has_labels ? sizeof(t->labels[0]) : 0));
	t->labels = has_labels ? (void *)&t->entries[n] : NULL;
}

void sasl_tally_fini(struct sasl_tally *t)
{
	mem_free(t->entries);
}

static struct sasl_tally_entry *row_of(const struct sasl_tally *t, uint64_t key)
{
	return &t->entries[(key >> 1) % (t->n / WAYS) * WAYS];
}

struct sasl_tally_entry *sasl_tally_find(const struct sasl_tally *t, uint64_t key, int64_t now_ms)
{
	struct sasl_tally_entry *row = row_of(t, key);

	for (size_t i = 0; i < WAYS && key != 0; i++)
		if (row[i].key == key && row[i].end_ms > now_ms)
			return &row[i];
	return NULL;
}

struct sasl_tally_entry *sasl_tally_take(struct sasl_tally *t, uint64_t key, const char *label_z,
					 int64_t now_ms)
{
	struct sasl_tally_entry *e = sasl_tally_find(t, key, now_ms), *row = row_of(t, key);

	if (e != NULL)
		return e;
	e = row;
	for (size_t i = 0; i < WAYS; i++) {
		if (row[i].key == key) {
			e = &row[i];
			break;
		}
		if (row[i].end_ms < e->end_ms)
			e = &row[i];
	}
	*e = (struct sasl_tally_entry){ .key = key, .end_ms = now_ms };
	if (t->labels != NULL)
		snprintf(t->labels[e - t->entries], SASL_LABEL, "%s", label_z);
	return e;
}

static int64_t cost_ms(struct sasl_rate r)
{
	return r.memory_ms / r.limit > 0 ? r.memory_ms / r.limit : 1;
}

int64_t sasl_tally_count(const struct sasl_tally_entry *e, struct sasl_rate r, int64_t now_ms)
{
	if (e == NULL || r.limit <= 0 || e->end_ms <= now_ms)
		return 0;
	return (e->end_ms - now_ms + cost_ms(r) - 1) / cost_ms(r);
}

void sasl_tally_add(struct sasl_tally_entry *e, struct sasl_rate r, int64_t by, int64_t now_ms)
{
	int64_t max_ms = now_ms + 2 * r.limit * cost_ms(r);

	if (e->end_ms < now_ms)
		e->end_ms = now_ms;
	e->end_ms += by * cost_ms(r);
	if (e->end_ms > max_ms)
		e->end_ms = max_ms;
	if (e->end_ms < now_ms)
		e->end_ms = now_ms;
}
