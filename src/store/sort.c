/* SPDX-License-Identifier: MIT */
/*
 * SORT (RFC 5256 3). The values of all criteria are gathered first, in a form in which most
 * comparisons need only look at 8 bytes.
 */
#include "store/sort_int.h"

#include "base/limits.h"

struct value {
	uint64_t head; /* of a number all of it; of a text its first bytes */
	struct str text;
};

struct sorting {
	struct arena *work;
	int64_t mailbox;
	const struct store_keyed *v;
	size_t n;
	const struct store_sort *by;
	size_t n_by;
	struct value *values; /* n_by of each message */
};

static uint64_t head_of(struct str s)
{
	uint64_t head = 0;

	for (size_t i = 0; i < 8; i++)
		head = head << 8 | (i < s.n ? (unsigned char)s.p[i] : 0);
	return head;
}

/* In the order of unsigned numbers. */
static uint64_t head_of_number(int64_t v)
{
	return (uint64_t)v ^ (uint64_t)1 << 63;
}

static int gather_text(struct sorting *g, struct str text, struct value *ret)
{
	ret->head = head_of(text);
	if (text.n <= 8 && (text.n == 0 || text.p[text.n - 1] != '\0'))
		return 0; /* the head is all of it */
	ret->text = arena_str(g->work, text);
	return ret->text.p ? 0 : -E_LIMIT;
}

static int gather(void *ctx, size_t i, const struct store_keys *k)
{
	struct sorting *g = ctx;
	const struct store_msg *m = g->v[i].m;
	int rc = 0;

	for (size_t j = 0; j < g->n_by && rc == 0; j++) {
		struct value *value = &g->values[i * g->n_by + j];

		if (g->by[j].by == STORE_SORT_ARRIVAL)
			value->head = head_of_number(m->internaldate_s);
		else if (g->by[j].by == STORE_SORT_SIZE)
			value->head = m->size;
		else if (g->by[j].by == STORE_SORT_RELEVANCY)
			value->head = 100u - g->by[j].scores[g->v[i].seq];
		else if (g->by[j].by == STORE_SORT_DATE)
			value->head = head_of_number(store_keys_sent(k, m));
		else if (g->by[j].by != STORE_SORT_ANNOTATION)
			rc = gather_text(g, k->text[g->by[j].by - STORE_SORT_TEXT], value);
	}
	return rc;
}

struct gathering { /* of the values of one annotation; both are by UID */
	struct sorting *g;
	size_t j, at;
};

static int gather_note(void *ctx, uint32_t uid, struct str folded)
{
	struct gathering *x = ctx;
	struct sorting *g = x->g;

	while (x->at < g->n && g->v[x->at].m->uid < uid)
		x->at++;
	if (x->at == g->n || g->v[x->at].m->uid != uid)
		return 0;
	return gather_text(g, folded, &g->values[x->at * g->n_by + x->j]);
}

static int gather_notes(struct store *s, struct sorting *g)
{
	int rc = 0;

	for (size_t j = 0; j < g->n_by && rc == 0 && g->n > 0; j++) {
		struct gathering x = { .g = g, .j = j };

		if (g->by[j].by == STORE_SORT_ANNOTATION)
			rc = store_notes_each(s, g->mailbox, &g->by[j].note, g->v[0].m->uid,
					      g->v[g->n - 1].m->uid, gather_note, &x);
	}
	return rc;
}

static int compare_values(const struct value *x, const struct value *y)
{
	size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
	int c;

	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	c = n > 0 ? memcmp(x->text.p, y->text.p, n) : 0;
	return c != 0 ? c : (x->text.n > y->text.n) - (x->text.n < y->text.n);
}

static int compare(const void *a, const void *b, void *ctx)
{
	const struct sorting *g = ctx;
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	for (size_t j = 0; j < g->n_by; j++) {
		int c = compare_values(&g->values[x * g->n_by + j], &g->values[y * g->n_by + j]);

		if (c != 0)
			return g->by[j].is_reverse ? -c : c;
	}
	return (x > y) - (x < y);
}

static bool has(const struct sorting *g, unsigned least, unsigned most)
{
	for (size_t j = 0; j < g->n_by; j++)
		if (g->by[j].by >= least && g->by[j].by <= most)
			return true;
	return false;
}

static int gather_all(struct store *s, struct sorting *g)
{
	static const struct store_keys none;
	int rc;

	g->values = ARENA_ARRAY(g->work, struct value, g->n * g->n_by);
	rc = g->values ? gather_notes(s, g) : -E_LIMIT;
	if (rc == 0 && has(g, STORE_SORT_TEXT, STORE_SORT_TEXT + STORE_K_TEXTS - 1))
		return store_keys_read(s, g->v, g->n, STORE_KEYS_ALL, gather, g);
	if (rc == 0 && has(g, STORE_SORT_DATE, STORE_SORT_DATE))
		return store_keys_read(s, g->v, g->n, STORE_KEYS_SENT, gather, g);
	for (size_t i = 0; i < g->n && rc == 0; i++)
		rc = gather(g, i, &none);
	return rc;
}

int store_sort_run(struct store *s, struct arena *a, const struct store_view *v,
		   const struct uidset *seqs, const struct store_sort *by, size_t n_by,
		   uint32_t **ret_seqs, size_t *ret_n)
{
	AUTO(arena_fini) struct arena work;
	struct sorting g = { .work = &work, .mailbox = v->mailbox, .by = by, .n_by = n_by };
	struct store_keyed *list;
	uint32_t *order;
	size_t n;
	int rc;

	arena_init(&work, LIMIT_SORT_ARENA);
	rc = store_keyed_list(&work, v, seqs, &list, &n);
	if (rc < 0)
		return rc;
	g.v = list;
	g.n = n;
	order = ARENA_ARRAY(a, uint32_t, n);
	rc = order ? gather_all(s, &g) : -E_LIMIT;
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, n, sizeof(*order), compare, &g);
	for (size_t i = 0; i < n; i++)
		order[i] = list[order[i]].seq;
	*ret_seqs = order;
	*ret_n = n;
	return 0;
}
