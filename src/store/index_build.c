/* SPDX-License-Identifier: MIT */
/* The words of some contents in memory, and their segment. */
#include "store/index_int.h"

#include <stdlib.h>

struct entry {
	uint32_t at, n;      /* of text */
	uint32_t hash;
	uint32_t zones;      /* in the content at hand; 0: not seen in it */
	uint32_t first;      /* while writing: of its hits */
	uint32_t n_hits;
};

struct hit {
	uint32_t entry, doc, zones;
};

struct index_builder {
	struct index_doc *docs;
	size_t n_docs, cap_docs;
	char *text;
	size_t text_n, text_cap;
	struct entry *entries;
	size_t n_entries, cap_entries;
	uint32_t *slots; /* entry + 1; a power of two */
	size_t n_slots;
	uint32_t *seen;  /* entries in the content at hand */
	size_t n_seen, cap_seen;
	struct hit *hits;
	size_t n_hits, cap_hits;
	unsigned zones;  /* of the text at hand */
	struct index_words words;
};

static void *grown(void *v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	*cap = *cap * 2 + 1024;
	return mem_resize(v, *cap, size);
}

static uint32_t hash_of(struct str s)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ s.n;

	while (s.n >= 8) {
		uint64_t v;

		memcpy(&v, s.p, 8);
		h = (h ^ v) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
		s = str_skip(s, 8);
	}
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	h ^= h >> 29;
	h *= 0xc4ceb9fe1a85ec53u;
	return (uint32_t)(h >> 32);
}

static void rehash(struct index_builder *b)
{
	b->n_slots = b->n_slots != 0 ? b->n_slots * 2 : 65536;
	mem_free(b->slots);
	b->slots = mem_alloc(b->n_slots, sizeof(*b->slots));
	for (size_t i = 0; i < b->n_entries; i++) {
		size_t at = b->entries[i].hash & (b->n_slots - 1);

		while (b->slots[at] != 0)
			at = (at + 1) & (b->n_slots - 1);
		b->slots[at] = (uint32_t)i + 1;
	}
}

static uint32_t entry_add(struct index_builder *b, struct str word, uint32_t hash)
{
	b->entries = grown(b->entries, b->n_entries, &b->cap_entries, sizeof(*b->entries));
	if (b->text_cap - b->text_n < word.n) {
		b->text_cap = b->text_cap * 2 + 65536;
		b->text = mem_resize(b->text, b->text_cap, 1);
	}
	memcpy(b->text + b->text_n, word.p, word.n);
	b->entries[b->n_entries] = (struct entry){
		.at = (uint32_t)b->text_n, .n = (uint32_t)word.n, .hash = hash };
	b->text_n += word.n;
	return (uint32_t)b->n_entries++;
}

static uint32_t entry_of(struct index_builder *b, struct str word)
{
	uint32_t hash = hash_of(word);
	size_t at;

	if (b->n_entries * 2 >= b->n_slots)
		rehash(b);
	at = hash & (b->n_slots - 1);
	for (; b->slots[at] != 0; at = (at + 1) & (b->n_slots - 1)) {
		const struct entry *e = &b->entries[b->slots[at] - 1];

		if (e->hash == hash && e->n == word.n && memcmp(b->text + e->at, word.p, word.n) == 0)
			return b->slots[at] - 1;
	}
	b->slots[at] = entry_add(b, word, hash) + 1;
	return b->slots[at] - 1;
}

static void on_word(void *ctx, struct str word)
{
	struct index_builder *b = ctx;
	uint32_t i = entry_of(b, word);

	if (b->entries[i].zones == 0) {
		b->seen = grown(b->seen, b->n_seen, &b->cap_seen, sizeof(*b->seen));
		b->seen[b->n_seen++] = i;
	}
	b->entries[i].zones |= b->zones;
}

struct index_builder *index_builder_new(void)
{
	struct index_builder *b = MEM_NEW(struct index_builder);

	b->words.word = on_word;
	b->words.ctx = b;
	return b;
}

static void empty(struct index_builder *b)
{
	b->n_docs = b->n_entries = b->n_hits = b->n_seen = b->text_n = 0;
	if (b->n_slots > 0)
		memset(b->slots, 0, b->n_slots * sizeof(*b->slots));
}

void index_builder_free(struct index_builder **bp)
{
	struct index_builder *b = *bp;

	if (b == NULL)
		return;
	mem_free(b->docs);
	mem_free(b->text);
	mem_free(b->entries);
	mem_free(b->slots);
	mem_free(b->seen);
	mem_free(b->hits);
	mem_free(b);
	*bp = NULL;
}

void index_builder_begin(struct index_builder *b, int64_t content, uint32_t size)
{
	b->docs = grown(b->docs, b->n_docs, &b->cap_docs, sizeof(*b->docs));
	b->docs[b->n_docs] = (struct index_doc){ .content = content, .size = size };
}

void index_builder_add(struct index_builder *b, unsigned zones, struct str folded, bool is_end)
{
	b->zones = zones;
	index_words_add(&b->words, folded);
	if (is_end)
		index_words_end(&b->words);
}

void index_builder_end(struct index_builder *b, bool is_partial)
{
	index_words_end(&b->words);
	for (size_t i = 0; i < b->n_seen; i++) {
		struct entry *e = &b->entries[b->seen[i]];

		b->hits = grown(b->hits, b->n_hits, &b->cap_hits, sizeof(*b->hits));
		b->hits[b->n_hits++] = (struct hit){ b->seen[i], (uint32_t)b->n_docs, e->zones };
		e->zones = 0;
	}
	b->n_seen = 0;
	b->docs[b->n_docs++].is_partial = is_partial;
}

size_t index_builder_bytes(const struct index_builder *b)
{
	return b->text_n + b->n_entries * sizeof(*b->entries) + b->n_hits * sizeof(*b->hits);
}

size_t index_builder_docs(const struct index_builder *b)
{
	return b->n_docs;
}

/* ---- writing ---- */

static struct str text_of(const struct index_builder *b, uint32_t i)
{
	return str_of(b->text + b->entries[i].at, b->entries[i].n);
}

static int by_text(const void *x, const void *y, void *ctx)
{
	const uint32_t *a = x, *b = y;

	return index_word_cmp(text_of(ctx, *a), text_of(ctx, *b));
}

/* Hits by entry; those of one stay in order of contents. Heap. */
static struct index_hit *by_entry(struct index_builder *b)
{
	struct index_hit *out = mem_alloc(b->n_hits + 1, sizeof(*out));
	uint32_t at = 0;

	for (size_t i = 0; i < b->n_entries; i++)
		b->entries[i].n_hits = 0;
	for (size_t i = 0; i < b->n_hits; i++)
		b->entries[b->hits[i].entry].n_hits++;
	for (size_t i = 0; i < b->n_entries; i++) {
		b->entries[i].first = at;
		at += b->entries[i].n_hits;
		b->entries[i].n_hits = 0;
	}
	for (size_t i = 0; i < b->n_hits; i++) {
		struct entry *e = &b->entries[b->hits[i].entry];

		out[e->first + e->n_hits++] = (struct index_hit){ b->hits[i].doc, b->hits[i].zones };
	}
	return out;
}

int index_builder_write(struct index_builder *b, int dir_fd, char name_z[INDEX_NAME_SIZE])
{
	AUTO(index_writer_close) struct index_writer *w = NULL;
	AUTO(mem_auto_free) uint32_t *order = mem_alloc(b->n_entries + 1, sizeof(*order));
	AUTO(mem_auto_free) struct index_hit *hits = by_entry(b);
	int r = index_writer_open(dir_fd, b->docs, b->n_docs, &w);

	for (size_t i = 0; i < b->n_entries; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, b->n_entries, sizeof(*order), by_text, b);
	for (size_t i = 0; i < b->n_entries && r == 0; i++) {
		const struct entry *e = &b->entries[order[i]];

		r = index_writer_word(w, text_of(b, order[i]), hits + e->first, e->n_hits);
	}
	if (r == 0)
		r = index_writer_finish(w, name_z);
	empty(b);
	return r;
}
