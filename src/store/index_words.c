/* SPDX-License-Identifier: MIT */
/* Words of texts and of needles: the rule stands in index_int.h. */
#include "store/index_int.h"

enum { CUT, WORD, JOINER };

static int kind(char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    ((unsigned char)c & 0x80) != 0)
		return WORD;
	return c == '.' || c == '-' || c == '_' || c == '@' ? JOINER : CUT;
}

static void put(struct index_words *w, char c)
{
	if (w->n == INDEX_WORD_MAX) {
		w->word(w->ctx, str_of(w->text, w->n));
		memmove(w->text, w->text + INDEX_WORD_MAX - INDEX_PIECE_MAX, INDEX_PIECE_MAX);
		w->n = INDEX_PIECE_MAX;
		w->is_split = true;
	}
	w->text[w->n++] = c;
}

void index_words_end(struct index_words *w)
{
	if (w->n > 0 && !(w->is_split && w->n <= INDEX_PIECE_MAX))
		w->word(w->ctx, str_of(w->text, w->n));
	w->n = 0;
	w->joiner = 0;
	w->is_split = false;
}

void index_words_add(struct index_words *w, struct str folded)
{
	for (size_t i = 0; i < folded.n; i++) {
		char c = folded.p[i];
		int k = kind(c);

		if (k == WORD) {
			if (w->joiner != 0)
				put(w, w->joiner);
			w->joiner = 0;
			put(w, c);
		} else if (k == JOINER && w->n > 0 && w->joiner == 0) {
			w->joiner = c;
		} else {
			index_words_end(w);
		}
	}
}

/* ---- needles ---- */

/* Does needle[i] stand in a word? What may stand beside the needle is not known: then it may. */
static bool in_word(struct str needle, size_t i)
{
	int k = kind(needle.p[i]);

	return k == WORD || (k == JOINER && i > 0 && i + 1 < needle.n && kind(needle.p[i - 1]) == WORD &&
			     kind(needle.p[i + 1]) == WORD);
}

/* At the edges a joiner may belong to the word of its inner neighbour. */
static bool is_cut(struct str needle, size_t i)
{
	return kind(needle.p[i]) == CUT || (i > 0 && i + 1 < needle.n);
}

static struct index_piece piece_of(struct str needle, size_t from, size_t to)
{
	struct index_piece p = { .text = str_of(needle.p + from, to - from) };

	p.begins = from > 0 && is_cut(needle, from - 1);
	p.ends = to < needle.n && is_cut(needle, to);
	if (p.text.n > INDEX_PIECE_MAX) {
		p.text.n = INDEX_PIECE_MAX;
		p.ends = false;
	}
	return p;
}

/* Keeps the longest, longest first: what is longer is rarer. */
static size_t keep(struct index_piece v[INDEX_PIECES], size_t n, struct index_piece p)
{
	size_t i = n;

	if (n == INDEX_PIECES && v[n - 1].text.n >= p.text.n)
		return n;
	if (n == INDEX_PIECES)
		i = n - 1;
	else
		n++;
	for (; i > 0 && v[i - 1].text.n < p.text.n; i--)
		v[i] = v[i - 1];
	v[i] = p;
	return n;
}

size_t index_pieces(struct str needle, struct index_piece ret[INDEX_PIECES], bool *ret_exact)
{
	size_t n = 0;

	*ret_exact = false;
	for (size_t i = 0; i < needle.n;) {
		size_t from = i;

		while (i < needle.n && in_word(needle, i))
			i++;
		if (i - from >= INDEX_PIECE_MIN)
			n = keep(ret, n, piece_of(needle, from, i));
		if (i - from == needle.n)
			*ret_exact = n == 1 && needle.n <= INDEX_PIECE_MAX;
		i += i == from;
	}
	return n;
}
