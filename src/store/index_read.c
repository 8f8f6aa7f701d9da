/* SPDX-License-Identifier: MIT */
/*
 * Reading segments. Files are read, never mapped (a file may be cut off while it is open), and
 * nothing is used before its checksum was compared; even then no number in it is trusted.
 */
#include "store/index_int.h"

#include <stdio.h>
#include <zlib.h>

#include "db/os_file.h"

static bool is_intact(const void *p, size_t n, uint32_t crc)
{
	return (uint32_t)crc32_z(0, p, n) == crc;
}

/* ---- the tables ---- */

static int read_footer(int fd, int64_t size, struct index_footer *f)
{
	uint64_t tables;

	if (size < (int64_t)sizeof(*f))
		return -E_BUG;
	if (os_file_read(fd, f, sizeof(*f), (off_t)size - (off_t)sizeof(*f)) < 0)
		return -E_IO;
	tables = (uint64_t)f->n_docs * sizeof(struct index_doc) +
		 (uint64_t)f->n_blocks * sizeof(struct index_block) +
		 (uint64_t)f->n_slabs * sizeof(uint64_t) + sizeof(*f);
	if (memcmp(f->magic, INDEX_MAGIC, sizeof(f->magic)) != 0 || f->order != 0x01020304 ||
	    !is_intact(f, offsetof(struct index_footer, own_crc), f->own_crc) ||
	    f->size != (uint64_t)size || f->n_docs > INDEX_DOCS_MAX || tables > f->size ||
	    f->off != f->size - tables || f->n_slabs != (f->n_blocks + INDEX_SLAB - 1) / INDEX_SLAB)
		return -E_BUG;
	return 0;
}

static bool are_sane(const struct index_segment *g)
{
	for (uint32_t i = 0; i < g->n_docs; i++) {
		if (i > 0 && g->docs[i].content <= g->docs[i - 1].content)
			return false;
	}
	for (uint32_t i = 0; i < g->n_blocks; i++) {
		const struct index_block *b = &g->blocks[i];

		if (b->words_n > INDEX_BLOCK + INDEX_WORD_MAX + 1 || b->off > g->size ||
		    (uint64_t)b->words_n + b->posts_n > g->size - b->off)
			return false;
	}
	for (uint32_t i = 0; i < g->n_slabs; i++) {
		if (g->slabs[i] > g->size || g->size - g->slabs[i] < INDEX_GROUPS * INDEX_GROUP_BYTES)
			return false;
	}
	return true;
}

static int read_tables(struct index_segment *g, const struct index_footer *f)
{
	size_t docs_n = f->n_docs * sizeof(*g->docs), blocks_n = f->n_blocks * sizeof(*g->blocks);
	size_t n = docs_n + blocks_n + f->n_slabs * sizeof(*g->slabs);
	char *to;

	buf_init(&g->tables, n + 1);
	to = buf_reserve(&g->tables, n + 1);
	if (to == NULL)
		return -E_LIMIT;
	g->n_docs = f->n_docs;
	g->n_blocks = f->n_blocks;
	g->n_slabs = f->n_slabs;
	g->size = f->off;
	g->docs = (void *)to;
	g->blocks = (void *)(to + docs_n);
	g->slabs = (void *)(to + docs_n + blocks_n);
	if (os_file_read(g->fd, to, n, (off_t)f->off) < 0)
		return -E_IO;
	return is_intact(to, n, f->crc) && are_sane(g) ? 0 : -E_BUG;
}

int index_segment_open(int dir_fd, const char *name_z, struct index_segment **ret)
{
	struct index_segment *g = MEM_NEW(struct index_segment);
	struct index_footer f;
	int64_t size = 0;
	int r;

	snprintf(g->name_z, sizeof(g->name_z), "%s", name_z);
	g->fd = os_file_open_read(dir_fd, name_z);
	r = g->fd < 0 || os_file_size(dir_fd, name_z, &size) < 0 ? -E_NOT_FOUND : 0;
	if (r == 0)
		r = read_footer(g->fd, size, &f);
	if (r == 0)
		r = read_tables(g, &f);
	if (r < 0) {
		index_segment_close(&g);
		return r;
	}
	*ret = g;
	return 0;
}

void index_segment_close(struct index_segment **gp)
{
	struct index_segment *g = *gp;

	if (g == NULL)
		return;
	os_file_close(&g->fd);
	buf_fini(&g->tables);
	mem_free(g);
	*gp = NULL;
}

/* ---- blocks ---- */

void index_page_init(struct index_page *p)
{
	*p = (struct index_page){ 0 };
	buf_init(&p->words, INDEX_BLOCK + INDEX_WORD_MAX + 1);
	buf_init(&p->posts, INDEX_POSTS + 64 + 8 * ((size_t)INDEX_DOCS_MAX + 1));
}

void index_page_fini(struct index_page *p)
{
	buf_fini(&p->words);
	buf_fini(&p->posts);
}

static int read_part(struct index_segment *g, struct buf *b, uint64_t off, uint32_t n, uint32_t crc)
{
	char *to;

	buf_reset(b);
	if (n == 0)
		return crc == 0 ? 0 : -E_BUG;
	to = buf_reserve(b, n);
	if (to == NULL)
		return -E_LIMIT;
	if (os_file_read(g->fd, to, n, (off_t)off) < 0)
		return -E_IO;
	buf_commit(b, n);
	return is_intact(b->p, n, crc) ? 0 : -E_BUG;
}

static int read_posts(struct index_segment *g, uint32_t block, struct index_page *p)
{
	const struct index_block *b = &g->blocks[block];

	return read_part(g, &p->posts, b->off + b->words_n, b->posts_n, b->posts_crc);
}

int index_page_read(struct index_segment *g, uint32_t block, bool has_posts, struct index_page *p)
{
	const struct index_block *b = &g->blocks[block];
	int r = read_part(g, &p->words, b->off, b->words_n, b->words_crc);

	p->word_at = p->post_at = 0;
	buf_reset(&p->posts);
	return r == 0 && has_posts ? read_posts(g, block, p) : r;
}

static bool read_varint(struct str *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s->n && i < 9; i++) {
		v |= (uint64_t)((unsigned char)s->p[i] & 0x7f) << (7 * i);
		if (((unsigned char)s->p[i] & 0x80) == 0) {
			*s = str_skip(*s, i + 1);
			*ret = v;
			return true;
		}
	}
	return false;
}

static int next_posts(struct index_page *p, struct str *ret)
{
	struct str rest = str_skip(buf_str(&p->posts), p->post_at);
	uint64_t n;

	if (!read_varint(&rest, &n) || n > rest.n)
		return -E_BUG;
	*ret = str_head(rest, (size_t)n);
	p->post_at = p->posts.n - rest.n + (size_t)n;
	return 1;
}

int index_page_next(struct index_page *p, struct str *ret_word, struct str *ret_hits)
{
	struct str rest = str_skip(buf_str(&p->words), p->word_at);
	ptrdiff_t end = str_chr(rest, '\n');

	if (rest.n == 0)
		return 0;
	if (end <= 0 || end > INDEX_WORD_MAX)
		return -E_BUG;
	*ret_word = str_head(rest, (size_t)end);
	p->word_at += (size_t)end + 1;
	return next_posts(p, ret_hits);
}

int index_hit_next(struct str *hits, uint32_t n_docs, struct index_hit *hit)
{
	uint64_t v, doc;

	if (hits->n == 0)
		return 0;
	if (!read_varint(hits, &v) || v >> 1 == 0 || v >> 1 > n_docs)
		return -E_BUG;
	doc = (uint64_t)(uint32_t)(hit->doc + 1) + (v >> 1) - 1;
	if (doc >= n_docs)
		return -E_BUG;
	hit->doc = (uint32_t)doc;
	hit->zones = INDEX_BODY;
	if ((v & 1) != 0) {
		if (hits->n == 0)
			return -E_BUG;
		hit->zones = (unsigned char)hits->p[0];
		*hits = str_skip(*hits, 1);
	}
	return 1;
}

/* ---- finding ---- */

/* The blocks of a slab that may have a word with that piece. */
static int blocks_of_slab(struct index_segment *g, uint32_t slab, struct str piece, uint64_t *ret)
{
	char group[INDEX_GROUP_BYTES];
	uint64_t may = ~(uint64_t)0;

	for (size_t i = 0; i + 3 <= piece.n && may != 0; i++) {
		unsigned hash = index_hash(piece.p + i);
		uint64_t off = g->slabs[slab] + hash / INDEX_GROUP * INDEX_GROUP_BYTES;
		uint64_t bits;
		uint32_t crc;

		if (os_file_read(g->fd, group, sizeof(group), (off_t)off) < 0)
			return -E_IO;
		memcpy(&crc, group + sizeof(group) - sizeof(crc), sizeof(crc));
		if (!is_intact(group, sizeof(group) - sizeof(crc), crc))
			return -E_BUG;
		memcpy(&bits, group + hash % INDEX_GROUP * sizeof(bits), sizeof(bits));
		may &= bits;
	}
	*ret = may;
	return 0;
}

static int take_hits(struct index_segment *g, struct str hits, unsigned zones, uint64_t *docs)
{
	struct index_hit hit = { .doc = UINT32_MAX };
	int r;

	while ((r = index_hit_next(&hits, g->n_docs, &hit)) > 0) {
		if ((hit.zones & zones) != 0)
			docs[hit.doc / 64] |= (uint64_t)1 << hit.doc % 64;
	}
	return r;
}

/* The word around an occurrence, by its offsets in words. */
static bool fits(struct str words, size_t at, const struct index_piece *piece, size_t *ret_end)
{
	const char *nl = memchr(words.p + at, '\n', words.n - at);
	size_t after = at + piece->text.n;

	*ret_end = nl != NULL ? (size_t)(nl - words.p) : words.n;
	return (!piece->begins || at == 0 || words.p[at - 1] == '\n') &&
	       (!piece->ends || after == *ret_end);
}

/* Goes on to the word that ends there, and takes its hits. */
static int take_word(struct index_segment *g, uint32_t block, struct index_page *p, size_t end,
		     unsigned zones, uint64_t *docs)
{
	struct str hits = S("");
	int r = 0;

	if (p->posts.n == 0)
		r = read_posts(g, block, p);
	while (r >= 0 && p->word_at <= end) {
		const char *nl = memchr(p->words.p + p->word_at, '\n', p->words.n - p->word_at);

		if (nl == NULL)
			return -E_BUG;
		p->word_at = (size_t)(nl - p->words.p) + 1;
		r = next_posts(p, &hits);
	}
	return r < 0 ? r : take_hits(g, hits, zones, docs);
}

static int find_in_block(struct index_segment *g, uint32_t block, struct index_page *p,
			 const struct index_piece *piece, unsigned zones, uint64_t *docs)
{
	int r = index_page_read(g, block, false, p);
	struct str words = buf_str(&p->words);
	size_t at = 0;

	while (r == 0 && at < words.n) {
		const char *hit = memmem(words.p + at, words.n - at, piece->text.p, piece->text.n);
		size_t end;

		if (hit == NULL)
			return 0;
		at = (size_t)(hit - words.p);
		if (fits(words, at, piece, &end)) {
			r = take_word(g, block, p, end, zones, docs);
			at = end + 1;
		} else {
			at++;
		}
	}
	return r;
}

int index_segment_find(struct index_segment *g, const struct index_piece *piece, unsigned zones,
		       uint64_t *docs)
{
	struct index_page p;
	int r = 0;

	index_page_init(&p);
	for (uint32_t slab = 0; slab < g->n_slabs && r == 0; slab++) {
		uint64_t may;

		r = blocks_of_slab(g, slab, piece->text, &may);
		for (uint32_t i = 0; i < INDEX_SLAB && r == 0; i++) {
			uint32_t block = slab * INDEX_SLAB + i;

			if ((may >> i & 1) != 0 && block < g->n_blocks)
				r = find_in_block(g, block, &p, piece, zones, docs);
		}
	}
	index_page_fini(&p);
	return r;
}
