/* SPDX-License-Identifier: MIT */
/*
 * A block of a segment as it may stand on a damaged disk: two bytes with the length of its words, the words, the hits.
 * Reading ends, within what is there. And the same bytes as a needle: its pieces are in its own words, if it is in a text.
 */
#include "base/must.h"
#include "store/index_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DOCS 1000

static void read_block(struct str words, struct str posts)
{
	struct index_page page = { .words = BUF_INIT(1u << 20), .posts = BUF_INIT(1u << 20) };
	struct str word, hits;
	size_t n = 0;

	buf_add(&page.words, words);
	buf_add(&page.posts, posts);
	while (index_page_next(&page, &word, &hits) > 0) {
		struct index_hit hit = { .doc = UINT32_MAX };
		uint32_t before = 0;

		must(word.n > 0 && word.n <= INDEX_WORD_MAX && n++ < words.n);
		while (index_hit_next(&hits, DOCS, &hit) > 0) {
			must(hit.doc < DOCS && hit.doc >= before && hit.zones <= 255);
			before = hit.doc + 1;
		}
	}
	index_page_fini(&page);
}

struct sought {
	const struct index_piece *piece;
	bool is_there;
};

static void on_word(void *ctx, struct str word)
{
	struct sought *s = ctx;
	const struct index_piece *p = s->piece;

	must(word.n > 0 && word.n <= INDEX_WORD_MAX);
	if ((p->begins && !str_starts(word, p->text)) || (p->ends && !str_ends(word, p->text)))
		return;
	s->is_there |= str_find(word, p->text) >= 0;
}

/* A text with the needle in it, between neighbours of each kind. */
static void find_pieces(struct str needle)
{
	static const char *const around[] = { "", " ", "x", ".", "x.", "-" };
	struct index_piece pieces[INDEX_PIECES];
	bool is_exact;
	size_t n = index_pieces(needle, pieces, &is_exact);

	must(n <= INDEX_PIECES && (!is_exact || n == 1));
	for (size_t i = 0; i < n * ARRAY_LEN(around); i++) {
		struct sought s = { .piece = &pieces[i / ARRAY_LEN(around)] };
		struct index_words w = { .word = on_word, .ctx = &s };
		struct str side = str_z(around[i % ARRAY_LEN(around)]);

		index_words_add(&w, side);
		index_words_add(&w, needle);
		index_words_add(&w, side);
		index_words_end(&w);
		must(s.is_there);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);
	size_t n;

	if (size < 2 || size > (1u << 16))
		return 0;
	n = data[0] | (size_t)data[1] << 8;
	in = str_skip(in, 2);
	read_block(str_head(in, n), str_skip(in, n));
	if (in.n <= 4096)
		find_pieces(in);
	return 0;
}
