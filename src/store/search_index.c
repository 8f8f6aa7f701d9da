/* SPDX-License-Identifier: MIT */
/*
 * What the index says of the messages of one search. It is opened when more than a few messages would
 * have to be looked into, and each key is looked up once, in all segments. Where a segment turns out to be
 * damaged it is removed, and says nothing of its contents any more: they are looked into.
 */
#include "store/index_int.h"
#include "store/search_int.h"

#include <stdlib.h>

#include "base/work.h"
#include "db/os_file.h"

#define FREE_ASKS 16          /* as many messages are looked into sooner than the index */
#define HITS_MAX (64u << 20)

/* Where the index has a content. */
struct place {
	int64_t content;
	uint32_t segment, doc;
};

struct search_hits {
	bool is_exact;
	bool is_useless;
	uint64_t **docs; /* of each segment, bits */
	uint8_t **scores; /* instead, of a fuzzy key */
};

struct search_index {
	struct store *s;
	int64_t mailbox;
	unsigned n_asked, refusals;
	bool is_tried;
	int dir_fd;
	struct index_segment **v;
	bool *is_bad;
	size_t n;
	struct buf places_buf;
	struct place *places;
	size_t n_places, at;
	struct arena a;
};

struct search_index *search_index_new(struct store *s, int64_t mailbox)
{
	struct search_index *ix = MEM_NEW(struct search_index);

	ix->s = s;
	ix->mailbox = mailbox;
	ix->dir_fd = -1;
	arena_init(&ix->a, HITS_MAX);
	return ix;
}

void search_index_free(struct search_index **ixp)
{
	struct search_index *ix = *ixp;

	if (ix == NULL)
		return;
	index_close_all(ix->v, ix->n);
	os_file_close(&ix->dir_fd);
	buf_fini(&ix->places_buf);
	arena_fini(&ix->a);
	mem_free(ix->is_bad);
	mem_free(ix);
	*ixp = NULL;
}

unsigned search_index_refusals(const struct search_index *ix)
{
	return ix->refusals;
}

/* ---- opening ---- */

static int64_t owner(struct search_index *ix)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };

	if (db_read_begin(ix->s->db, &tx) < 0)
		return 0;
	DB_QUERY(tx, &q, SQL(INDEX_OWNER), DB_I(ix->mailbox));
	return db_step(&q) > 0 ? db_int(&q, 0) : 0;
}

static int by_content(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	return (a->content > b->content) - (a->content < b->content);
}

static void gather(struct search_index *ix)
{
	bool is_sorted = true;
	size_t n = 0;

	for (size_t i = 0; i < ix->n; i++)
		n += ix->v[i]->n_docs;
	buf_init(&ix->places_buf, n * sizeof(struct place) + 1);
	ix->places = (void *)buf_reserve(&ix->places_buf, n * sizeof(struct place) + 1);
	if (ix->places == NULL)
		return;
	for (size_t i = 0; i < ix->n; i++) {
		for (uint32_t k = 0; k < ix->v[i]->n_docs; k++) {
			struct place p = { ix->v[i]->docs[k].content, (uint32_t)i, k };

			if (ix->n_places > 0 && ix->places[ix->n_places - 1].content > p.content)
				is_sorted = false;
			ix->places[ix->n_places++] = p;
		}
	}
	if (!is_sorted)
		qsort(ix->places, ix->n_places, sizeof(struct place), by_content);
}

static int by_first(const void *x, const void *y)
{
	struct index_segment *const *a = x, *const *b = y;

	return ((*a)->docs[0].content > (*b)->docs[0].content) -
	       ((*a)->docs[0].content < (*b)->docs[0].content);
}

static void open_index(struct search_index *ix)
{
	int64_t account = atomic_load(&ix->s->search_index) ? owner(ix) : 0;

	ix->is_tried = true;
	ix->dir_fd = account > 0 ? index_dir(ix->s, account, false) : -1;
	if (ix->dir_fd < 0 || index_open_all(ix->s, account, ix->dir_fd, &ix->v, &ix->n) < 0 || ix->n == 0)
		return;
	qsort(ix->v, ix->n, sizeof(struct index_segment *), by_first);
	ix->is_bad = mem_alloc(ix->n, sizeof(*ix->is_bad));
	gather(ix);
}

/* ---- asking ---- */

static const struct place *find(struct search_index *ix, int64_t content)
{
	size_t lo = 0, hi = ix->n_places;

	if (ix->at < hi && ix->places[ix->at].content == content)
		return &ix->places[ix->at++];
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->places[mid].content < content)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == ix->n_places || ix->places[lo].content != content)
		return NULL;
	ix->at = lo + 1;
	return &ix->places[lo];
}

static unsigned zones_of(const struct store_search *key)
{
	if (key->op == STORE_S_BODY)
		return INDEX_BODY;
	if (key->op == STORE_S_TEXT)
		return INDEX_BODY | INDEX_HEAD;
	return index_zone_of(key->name);
}

/* All pieces are in one of the zones. 0 or negative. */
static int look_up(struct search_index *ix, struct index_segment *g,
		   const struct index_piece *pieces, size_t n, unsigned zones, uint64_t *docs)
{
	size_t words = (size_t)g->n_docs / 64 + 1;
	uint64_t *more = n > 1 ? ARENA_ARRAY(&ix->a, uint64_t, words) : NULL;
	int r = index_segment_find(g, &pieces[0], zones, docs);

	if (n > 1 && more == NULL)
		return -E_LIMIT;
	for (size_t i = 1; i < n && r == 0; i++) {
		memset(more, 0, words * sizeof(*more));
		r = index_segment_find(g, &pieces[i], zones, more);
		for (size_t k = 0; k < words; k++)
			docs[k] &= more[k];
	}
	return r;
}

static void look_up_all(struct search_index *ix, const struct store_search *key,
			struct search_hits *hits)
{
	struct index_piece pieces[INDEX_PIECES];
	size_t n = index_pieces(key->value, pieces, &hits->is_exact);
	unsigned zones = zones_of(key);

	hits->docs = ARENA_ARRAY(&ix->a, uint64_t *, ix->n + 1);
	hits->is_useless = n == 0 || hits->docs == NULL;
	hits->is_exact = hits->is_exact && zones != INDEX_FIELD;
	for (size_t i = 0; i < ix->n && !hits->is_useless; i++) {
		struct index_segment *g = ix->v[i];
		int r = -E_LIMIT;

		hits->docs[i] = ARENA_ARRAY(&ix->a, uint64_t, (size_t)g->n_docs / 64 + 1);
		if (hits->docs[i] != NULL && !ix->is_bad[i])
			r = look_up(ix, g, pieces, n, zones, hits->docs[i]);
		if (r < 0)
			hits->docs[i] = NULL;
		if (r == -E_BUG || r == -E_IO) {
			ix->is_bad[i] = true;
			os_file_unlink(ix->dir_fd, g->name_z);
		}
	}
}

/* ---- fuzzy keys ---- */

/* Scores of the words of a block, into best: a row of f->n for each content. */
static int rate_block(struct index_segment *g, struct index_page *p, const struct store_search *key,
		      const struct search_fuzzy *f, uint8_t *best)
{
	struct str word, hits;
	int r;

	while ((r = index_page_next(p, &word, &hits)) > 0) {
		for (size_t i = 0; i < f->n && r > 0; i++) {
			unsigned alike = search_fuzzy_alike(f->want[i], word);
			struct index_hit hit = { .doc = UINT32_MAX };
			struct str rest = hits;

			while (alike > 0 && (r = index_hit_next(&rest, g->n_docs, &hit)) > 0) {
				unsigned got = alike * search_fuzzy_weight(key, hit.zones) / 100;
				uint8_t *at = &best[hit.doc * f->n + i];

				*at = got > *at ? (uint8_t)got : *at;
			}
			r = r == 0 ? 1 : r;
		}
		if (r < 0)
			return r;
	}
	return r;
}

static int rate(struct index_segment *g, const struct store_search *key, const struct search_fuzzy *f,
		uint8_t *best)
{
	struct index_page p;
	int r = 0;

	index_page_init(&p);
	for (uint32_t i = 0; i < g->n_blocks && r == 0; i++) {
		r = index_page_read(g, i, true, &p);
		if (r == 0)
			r = rate_block(g, &p, key, f, best);
		if (r == 0 && !work_go_on())
			r = -E_CLOSED;
	}
	index_page_fini(&p);
	return r;
}

static void rate_all(struct search_index *ix, const struct store_search *key, struct search_hits *hits)
{
	struct search_fuzzy f;

	search_fuzzy_init(&f, key);
	hits->scores = ARENA_ARRAY(&ix->a, uint8_t *, ix->n + 1);
	hits->is_useless = f.n == 0 || hits->scores == NULL;
	for (size_t i = 0; i < ix->n && !hits->is_useless; i++) {
		struct index_segment *g = ix->v[i];
		uint8_t *best = ARENA_ARRAY(&ix->a, uint8_t, (size_t)g->n_docs * f.n);
		int r = best == NULL || ix->is_bad[i] ? -E_LIMIT : rate(g, key, &f, best);

		for (uint32_t k = 0; k < g->n_docs && r == 0; k++)
			best[k] = (uint8_t)search_fuzzy_score(&f, best + k * f.n);
		hits->scores[i] = r == 0 ? best : NULL;
		if (r == -E_BUG || r == -E_IO) {
			ix->is_bad[i] = true;
			os_file_unlink(ix->dir_fd, g->name_z);
		}
	}
}

static int fuzzy_answer(struct search_index *ix, const struct search_hits *hits,
			const struct store_msg *m)
{
	const struct place *p = find(ix, m->content);
	const struct index_doc *d;

	if (p == NULL || ix->is_bad[p->segment] || hits->scores[p->segment] == NULL)
		return -1;
	d = &ix->v[p->segment]->docs[p->doc];
	if (d->size != m->size)
		return -1;
	return hits->scores[p->segment][p->doc];
}

/* ---- the answer ---- */

static int answer(struct search_index *ix, const struct search_hits *hits,
		  const struct store_msg *m)
{
	const struct place *p = find(ix, m->content);
	const struct index_doc *d;
	bool is_hit;

	if (p == NULL || ix->is_bad[p->segment] || hits->docs[p->segment] == NULL)
		return -1;
	d = &ix->v[p->segment]->docs[p->doc];
	if (d->size != m->size)
		return -1;
	is_hit = (hits->docs[p->segment][p->doc / 64] >> p->doc % 64 & 1) != 0;
	if (is_hit)
		return hits->is_exact ? 1 : -1;
	return d->is_partial ? -1 : 0;
}

int search_index_ask(struct search_index *ix, struct store_search *key, const struct store_msg *m)
{
	unsigned refusals = budget_refusals();

	if (ix->n_asked++ < FREE_ASKS)
		return -1;
	if (!ix->is_tried)
		open_index(ix);
	if (ix->n_places > 0 && key->hits == NULL) {
		key->hits = ARENA_NEW(&ix->a, struct search_hits);
		if (key->hits != NULL && key->is_fuzzy)
			rate_all(ix, key, key->hits);
		else if (key->hits != NULL)
			look_up_all(ix, key, key->hits);
	}
	ix->refusals += budget_refusals() - refusals;
	if (ix->n_places == 0 || key->hits == NULL || key->hits->is_useless)
		return -1;
	return key->is_fuzzy ? fuzzy_answer(ix, key->hits, m) : answer(ix, key->hits, m);
}
