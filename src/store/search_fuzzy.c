/* SPDX-License-Identifier: MIT */
/*
 * Fuzzy keys (RFC 6203): all words of the value must be in the message, in any order, each about as it was
 * written. A word counts as much as it is like the best word of the message, less where only the body has
 * it; a message's score is the mean over the words.
 */
#include "store/index_int.h"
#include "store/search_int.h"

#define TEXT_MAX (8u << 20)

enum { SAME = 100, LONGER = 85, INSIDE = 70, SHORTER = 60, ONE_OFF = 55, TWO_OFF = 40 };

/* ---- how much two words are alike ---- */

/* Letters that one has and the other has not: each changed, missing or added letter makes at most two. */
static uint64_t letters(struct str s)
{
	uint64_t set = 0;

	for (size_t i = 0; i < s.n; i++)
		set |= (uint64_t)1 << ((unsigned char)s.p[i] & 63);
	return set;
}

/* Changed, missing, added and swapped bytes from a to b; a and b are short. */
static size_t distance(struct str a, struct str b)
{
	unsigned char row[3][INDEX_WORD_MAX + 1];

	for (size_t k = 0; k <= b.n; k++)
		row[0][k] = (unsigned char)k;
	for (size_t i = 1; i <= a.n; i++) {
		const unsigned char *up = row[(i - 1) % 3], *up2 = row[(i + 1) % 3];
		unsigned char *at = row[i % 3];

		at[0] = (unsigned char)i;
		for (size_t k = 1; k <= b.n; k++) {
			unsigned best = up[k - 1] + (a.p[i - 1] != b.p[k - 1]);

			if (up[k] + 1u < best)
				best = up[k] + 1u;
			if (at[k - 1] + 1u < best)
				best = at[k - 1] + 1u;
			if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1] &&
			    up2[k - 2] + 1u < best)
				best = up2[k - 2] + 1u;
			at[k] = (unsigned char)best;
		}
	}
	return row[a.n % 3][b.n];
}

unsigned search_fuzzy_alike(struct str want, struct str word)
{
	size_t may = want.n < 4 ? 0 : want.n < 8 ? 1 : 2;
	size_t longer = want.n > word.n ? want.n - word.n : word.n - want.n;

	if (str_starts(word, want))
		return word.n == want.n ? SAME : LONGER;
	if (want.n >= INDEX_PIECE_MIN && word.n > want.n && str_find(word, want) >= 0)
		return INSIDE;
	if (word.n >= 4 && longer <= 3 && str_starts(want, word))
		return SHORTER;
	if (longer > may || __builtin_popcountll(letters(want) ^ letters(word)) > (int)(2 * may))
		return 0;
	longer = distance(want, word);
	return longer > may ? 0 : longer == 1 ? ONE_OFF : TWO_OFF;
}

unsigned search_fuzzy_weight(const struct store_search *key, unsigned zones)
{
	if (key->op == STORE_S_BODY)
		return (zones & INDEX_BODY) != 0 ? 100 : 0;
	if (key->op == STORE_S_HEADER)
		return (zones & index_zone_of(key->name)) != 0 ? 100 : 0;
	if ((zones & (INDEX_SUBJECT | INDEX_FROM | INDEX_TO | INDEX_CC)) != 0)
		return 100;
	return (zones & (INDEX_BODY | INDEX_HEAD)) != 0 ? 80 : 0;
}

/* ---- the words of a value ---- */

static void on_want(void *ctx, struct str word)
{
	struct search_fuzzy *f = ctx;

	if (f->n == SEARCH_FUZZY_WORDS)
		return;
	memcpy(f->text[f->n], word.p, word.n);
	f->want[f->n] = str_of(f->text[f->n], word.n);
	f->n++;
}

void search_fuzzy_init(struct search_fuzzy *f, const struct store_search *key)
{
	struct index_words words = { .word = on_want, .ctx = f };

	f->n = 0;
	index_words_add(&words, key->value);
	index_words_end(&words);
}

unsigned search_fuzzy_score(const struct search_fuzzy *f, const uint8_t *best)
{
	unsigned sum = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (best[i] == 0)
			return 0;
		sum += best[i];
	}
	return f->n > 0 ? sum / (unsigned)f->n : 0;
}

/* ---- one message ---- */

struct looking {
	struct search_fuzzy fuzzy;
	const struct store_search *key;
	unsigned weight; /* of the text at hand */
	uint8_t best[SEARCH_FUZZY_WORDS];
	struct index_words words;
};

static void on_word(void *ctx, struct str word)
{
	struct looking *l = ctx;

	for (size_t i = 0; i < l->fuzzy.n; i++) {
		unsigned got = search_fuzzy_alike(l->fuzzy.want[i], word) * l->weight / 100;

		if (got > l->best[i])
			l->best[i] = (uint8_t)got;
	}
}

static void on_text(void *ctx, unsigned zones, struct str folded, bool is_end)
{
	struct looking *l = ctx;

	l->weight = search_fuzzy_weight(l->key, zones);
	if (l->weight == 0)
		return;
	index_words_add(&l->words, folded);
	if (is_end)
		index_words_end(&l->words);
}

unsigned search_fuzzy_text(struct search_msg *m, const struct store_search *key)
{
	struct looking l = { .key = key, .words = { .word = on_word, .ctx = &l } };
	struct search_sink sink = { .add = on_text, .ctx = &l, .left = TEXT_MAX };

	search_fuzzy_init(&l.fuzzy, key);
	search_text_collect(m, &sink);
	index_words_end(&l.words);
	return search_fuzzy_score(&l.fuzzy, l.best);
}
