/* SPDX-License-Identifier: MIT */
/*
 * Many segments become one, word by word; what is in memory is one block of each and the hits of
 * one word. The old segments are left to the caller, who removes them when the new one is named
 * in their place.
 */
#include "store/index_int.h"

#include <stdlib.h>

#include "db/os_file.h"

#define GONE UINT32_MAX

struct source {
	struct index_segment *g;
	uint32_t *place; /* of its docs in the new segment, or GONE */
	uint32_t block;  /* the next one */
	struct index_page page;
	struct str word, hits;
	bool is_over;
};

struct merge {
	struct source *v;
	size_t n;
	struct index_doc *docs;
	size_t n_docs;
	struct index_hit *hits;
	size_t n_hits, cap_hits;
};

static int advance(struct source *s)
{
	int r = index_page_next(&s->page, &s->word, &s->hits);

	while (r == 0 && s->block < s->g->n_blocks) {
		r = index_page_read(s->g, s->block++, true, &s->page);
		if (r == 0)
			r = index_page_next(&s->page, &s->word, &s->hits);
	}
	s->is_over = r == 0;
	return r < 0 ? r : 0;
}

static bool is_live(const int64_t *live, size_t n, int64_t content)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (live[mid] == content)
			return true;
		if (live[mid] < content)
			lo = mid + 1;
		else
			n = mid;
	}
	return false;
}

/* The one that stands at this place, NULL behind the last. */
static const struct index_doc *doc_at(const struct source *s, uint32_t at)
{
	return s->g->docs != NULL && at < s->g->n_docs ? &s->g->docs[at] : NULL;
}

/* All docs in order; each source learns the new places of its own. */
static void number_docs(struct merge *m, const int64_t *live, size_t n_live)
{
	AUTO(mem_auto_free) uint32_t *at = mem_alloc(m->n, sizeof(*at));

	for (;;) {
		const struct index_doc *least = NULL;
		uint32_t place = GONE;
		int64_t content;

		for (size_t i = 0; i < m->n; i++) {
			const struct index_doc *d = doc_at(&m->v[i], at[i]);

			if (d != NULL && (least == NULL || d->content < least->content))
				least = d;
		}
		if (least == NULL)
			return;
		content = least->content;
		if (is_live(live, n_live, least->content)) {
			place = (uint32_t)m->n_docs;
			m->docs[m->n_docs++] = *least;
		}
		for (size_t i = 0; i < m->n; i++) {
			const struct index_doc *d = doc_at(&m->v[i], at[i]);

			if (d != NULL && d->content == content)
				m->v[i].place[at[i]++] = place;
		}
	}
}

static int take(struct merge *m, struct source *s)
{
	struct index_hit hit = { .doc = UINT32_MAX };
	struct str hits = s->hits;
	int r;

	while ((r = index_hit_next(&hits, s->g->n_docs, &hit)) > 0) {
		if (s->place[hit.doc] == GONE)
			continue;
		if (m->n_hits == m->cap_hits) {
			m->cap_hits = m->cap_hits * 2 + 1024;
			m->hits = mem_resize(m->hits, m->cap_hits, sizeof(*m->hits));
		}
		m->hits[m->n_hits++] = (struct index_hit){ s->place[hit.doc], hit.zones };
	}
	return r;
}

static int by_doc(const void *x, const void *y)
{
	const struct index_hit *a = x, *b = y;

	return (a->doc > b->doc) - (a->doc < b->doc);
}

/* In order, each content once. */
static void tidy(struct merge *m)
{
	size_t n = 0;
	bool is_sorted = true;

	for (size_t i = 1; i < m->n_hits; i++)
		is_sorted &= m->hits[i - 1].doc < m->hits[i].doc;
	if (is_sorted)
		return;
	qsort(m->hits, m->n_hits, sizeof(*m->hits), by_doc);
	for (size_t i = 0; i < m->n_hits; i++) {
		if (n > 0 && m->hits[n - 1].doc == m->hits[i].doc)
			m->hits[n - 1].zones |= m->hits[i].zones;
		else
			m->hits[n++] = m->hits[i];
	}
	m->n_hits = n;
}

static const struct source *least_of(const struct merge *m)
{
	const struct source *least = NULL;

	for (size_t i = 0; i < m->n; i++) {
		const struct source *s = &m->v[i];

		if (!s->is_over && (least == NULL || index_word_cmp(s->word, least->word) < 0))
			least = s;
	}
	return least;
}

static int merge_words(struct merge *m, struct index_writer *w)
{
	const struct source *least;
	char text[INDEX_WORD_MAX];
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0; i++)
		r = advance(&m->v[i]);
	while (r == 0 && (least = least_of(m)) != NULL) {
		struct str word = str_of(text, least->word.n);

		memcpy(text, least->word.p, word.n);
		m->n_hits = 0;
		for (size_t i = 0; i < m->n && r == 0; i++) {
			if (m->v[i].is_over || !str_eq(m->v[i].word, word))
				continue;
			r = take(m, &m->v[i]);
			if (r == 0)
				r = advance(&m->v[i]);
		}
		tidy(m);
		if (r == 0 && m->n_hits > 0)
			r = index_writer_word(w, word, m->hits, m->n_hits);
	}
	return r;
}

static void open_sources(struct merge *m, struct index_segment **v, size_t n)
{
	size_t docs = 0;

	m->v = mem_alloc(n, sizeof(*m->v));
	m->n = n;
	for (size_t i = 0; i < n; i++) {
		m->v[i].g = v[i];
		m->v[i].place = mem_alloc((size_t)v[i]->n_docs + 1, sizeof(uint32_t));
		index_page_init(&m->v[i].page);
		docs += v[i]->n_docs;
	}
	m->docs = mem_alloc(docs + 1, sizeof(*m->docs));
}

static void close_sources(struct merge *m)
{
	for (size_t i = 0; i < m->n; i++) {
		mem_free(m->v[i].place);
		index_page_fini(&m->v[i].page);
	}
	mem_free(m->v);
	mem_free(m->docs);
	mem_free(m->hits);
}

int index_merge(int dir_fd, struct index_segment **v, size_t n, const int64_t *live, size_t n_live,
		char name_z[INDEX_NAME_SIZE])
{
	AUTO(index_writer_close) struct index_writer *w = NULL;
	struct merge m = { 0 };
	int r = 0;

	name_z[0] = 0;
	open_sources(&m, v, n);
	number_docs(&m, live, n_live);
	if (m.n_docs > 0) {
		r = index_writer_open(dir_fd, m.docs, m.n_docs, &w);
		if (r == 0)
			r = merge_words(&m, w);
		if (r == 0)
			r = index_writer_finish(w, name_z);
	}
	close_sources(&m);
	return r;
}
