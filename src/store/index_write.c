/* SPDX-License-Identifier: MIT */
/*
 * A segment is written once, from front to back: blocks (words with a newline after each, then
 * the hits of each word), after every 64 blocks their hashes, at the end the tables and the footer.
 *
 * States, and what a crash leaves:
 *  1. a file new-ID grows. A later pass removes it.
 *  2. it is complete and has its name, ID.seg, without a sync. A later pass removes it.
 *  3. the database names it (table index_segments) and it is believed. After a power cut its bytes
 *     may be missing: its checksums tell, it is removed, its contents are indexed again. The row
 *     goes in a later pass.
 *
 * Contents are indexed after the commit of their rows, and ID is random. So a database that names a
 * segment has had all its contents, and will not give their ids to others: also one that was put
 * back from a backup, where ids come again that the database it replaced had given. What that one
 * wrote is not named, and removed.
 */
#include "store/index_int.h"

#include <stdio.h>
#include <zlib.h>

#include "base/rnd.h"
#include "db/os_file.h"

#define OUT (1u << 20) /* gathered before it is written */

struct index_writer {
	int dir_fd, fd;
	char id_z[24], new_z[INDEX_NAME_SIZE];
	const struct index_doc *docs;
	size_t n_docs;
	char *out;
	size_t out_n, out_cap;
	uint64_t off; /* of out */
	struct buf words, posts;
	struct index_block *blocks;
	size_t n_blocks, cap_blocks;
	uint64_t *slabs;
	size_t n_slabs;
	uint64_t hashes[INDEX_HASHES]; /* of this slab */
};

int index_word_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = memcmp(a.p, b.p, n);

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

int index_writer_open(int dir_fd, const struct index_doc *docs, size_t n_docs,
		      struct index_writer **ret)
{
	struct index_writer *w = MEM_NEW(struct index_writer);

	w->dir_fd = dir_fd;
	w->docs = docs;
	w->n_docs = n_docs;
	rnd_id_z(w->id_z, 16);
	snprintf(w->new_z, sizeof(w->new_z), "new-%s", w->id_z);
	buf_init(&w->words, INDEX_BLOCK + INDEX_WORD_MAX + 1);
	buf_init(&w->posts, INDEX_POSTS + 64 + 8 * (n_docs + 1));
	w->fd = os_file_create(dir_fd, w->new_z);
	if (w->fd < 0) {
		int r = w->fd;

		index_writer_close(&w);
		return r;
	}
	*ret = w;
	return 0;
}

static int flush(struct index_writer *w)
{
	struct iovec iov = { w->out, w->out_n };
	int r = w->out_n > 0 ? os_file_write(w->fd, &iov, 1, (off_t)w->off) : 0;

	w->off += w->out_n;
	w->out_n = 0;
	return r;
}

static int put(struct index_writer *w, const void *p, size_t n)
{
	if (w->out_cap - w->out_n < n) {
		w->out_cap = w->out_n + n > OUT ? w->out_n + n : OUT;
		w->out = mem_resize(w->out, w->out_cap, 1);
	}
	if (n > 0)
		memcpy(w->out + w->out_n, p, n);
	w->out_n += n;
	return w->out_n >= OUT / 2 ? flush(w) : 0;
}

static uint32_t crc_of(const void *p, size_t n)
{
	return (uint32_t)crc32_z(0, p, n);
}

static int put_slab(struct index_writer *w)
{
	int r = 0;

	w->slabs = mem_resize(w->slabs, w->n_slabs + 1, sizeof(*w->slabs));
	w->slabs[w->n_slabs++] = w->off + w->out_n;
	for (size_t i = 0; i < INDEX_GROUPS && r == 0; i++) {
		const uint64_t *group = w->hashes + i * INDEX_GROUP;
		uint32_t crc = crc_of(group, INDEX_GROUP * sizeof(*group));

		r = put(w, group, INDEX_GROUP * sizeof(*group));
		if (r == 0)
			r = put(w, &crc, sizeof(crc));
	}
	memset(w->hashes, 0, sizeof(w->hashes));
	return r;
}

static int end_block(struct index_writer *w)
{
	struct index_block b = { .off = w->off + w->out_n,
				 .words_n = (uint32_t)w->words.n,
				 .posts_n = (uint32_t)w->posts.n };
	int r;

	if (buf_overflowed(&w->words) || buf_overflowed(&w->posts))
		return -E_LIMIT;
	if (w->words.n == 0)
		return 0;
	b.words_crc = crc_of(w->words.p, w->words.n);
	b.posts_crc = crc_of(w->posts.p, w->posts.n);
	if (w->n_blocks == w->cap_blocks) {
		w->cap_blocks = w->cap_blocks * 2 + 64;
		w->blocks = mem_resize(w->blocks, w->cap_blocks, sizeof(*w->blocks));
	}
	w->blocks[w->n_blocks++] = b;
	r = put(w, w->words.p, w->words.n);
	if (r == 0)
		r = put(w, w->posts.p, w->posts.n);
	buf_reset(&w->words);
	buf_reset(&w->posts);
	if (r == 0 && w->n_blocks % INDEX_SLAB == 0)
		r = put_slab(w);
	return r;
}

static size_t varint(unsigned char *out, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (unsigned char)(v | 0x80);
	out[n++] = (unsigned char)v;
	return n;
}

/* Hits: the distance from the one before, and a byte with the zones unless it is the body alone. */
static void put_hits(struct index_writer *w, const struct index_hit *hits, size_t n)
{
	unsigned char size[10];
	size_t size_n, at = w->posts.n;
	uint32_t last = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		bool has_zones = hits[i].zones != INDEX_BODY;
		unsigned char one[12];
		size_t one_n = varint(one, (uint64_t)(hits[i].doc - last) << 1 | has_zones);

		if (has_zones)
			one[one_n++] = (unsigned char)hits[i].zones;
		buf_add(&w->posts, str_of(one, one_n));
		last = hits[i].doc;
	}
	size_n = varint(size, w->posts.n - at);
	buf_add(&w->posts, str_of(size, size_n));
	if (buf_overflowed(&w->posts))
		return;
	memmove(w->posts.p + at + size_n, w->posts.p + at, w->posts.n - at - size_n);
	memcpy(w->posts.p + at, size, size_n);
}

int index_writer_word(struct index_writer *w, struct str word, const struct index_hit *hits,
		      size_t n)
{
	uint64_t bit = (uint64_t)1 << w->n_blocks % INDEX_SLAB;

	for (size_t i = 0; i + 3 <= word.n; i++)
		w->hashes[index_hash(word.p + i)] |= bit;
	buf_add(&w->words, word);
	buf_add_char(&w->words, '\n');
	put_hits(w, hits, n);
	return w->words.n >= INDEX_BLOCK || w->posts.n >= INDEX_POSTS || buf_overflowed(&w->posts)
		       ? end_block(w)
		       : 0;
}

static int put_tables(struct index_writer *w)
{
	const struct {
		const void *p;
		size_t n;
	} tables[] = {
		{ w->docs, w->n_docs * sizeof(*w->docs) },
		{ w->blocks, w->n_blocks * sizeof(*w->blocks) },
		{ w->slabs, w->n_slabs * sizeof(*w->slabs) },
	};
	struct index_footer f = { .magic = INDEX_MAGIC, .order = 0x01020304 };
	uLong crc = 0;
	int r = 0;

	f.n_docs = (uint32_t)w->n_docs;
	f.n_blocks = (uint32_t)w->n_blocks;
	f.n_slabs = (uint32_t)w->n_slabs;
	f.off = w->off + w->out_n;
	for (size_t i = 0; i < ARRAY_LEN(tables) && r == 0; i++) {
		if (tables[i].n > 0)
			crc = crc32_z(crc, tables[i].p, tables[i].n);
		r = put(w, tables[i].p, tables[i].n);
	}
	f.size = w->off + w->out_n + sizeof(f);
	f.crc = (uint32_t)crc;
	f.own_crc = crc_of(&f, offsetof(struct index_footer, own_crc));
	return r < 0 ? r : put(w, &f, sizeof(f));
}

int index_writer_finish(struct index_writer *w, char name_z[INDEX_NAME_SIZE])
{
	int r = end_block(w);

	if (r == 0 && w->n_blocks % INDEX_SLAB != 0)
		r = put_slab(w);
	if (r == 0)
		r = put_tables(w);
	if (r == 0)
		r = flush(w);
	snprintf(name_z, INDEX_NAME_SIZE, "%s.seg", w->id_z);
	if (r == 0)
		r = os_file_rename(w->dir_fd, w->new_z, name_z);
	if (r == 0)
		w->new_z[0] = 0;
	return r;
}

void index_writer_close(struct index_writer **wp)
{
	struct index_writer *w = *wp;

	if (w == NULL)
		return;
	if (w->fd >= 0 && w->new_z[0] != 0)
		os_file_unlink(w->dir_fd, w->new_z);
	os_file_close(&w->fd);
	buf_fini(&w->words);
	buf_fini(&w->posts);
	mem_free(w->out);
	mem_free(w->blocks);
	mem_free(w->slabs);
	mem_free(w);
	*wp = NULL;
}
