/* SPDX-License-Identifier: MIT */
/* "Did you mean": the valid name with the fewest edits (Levenshtein) from what was written. */
#include "conf/conf_int.h"

#define WORD_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Only the first WORD_MAX bytes of each count. */
static size_t edits(struct str a, struct str b)
{
	size_t row[WORD_MAX + 1];

	a = str_head(a, WORD_MAX);
	b = str_head(b, WORD_MAX);
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			bool same = str_lower_char(a.p[i - 1]) == str_lower_char(b.p[j - 1]);
			size_t here = min3(row[j] + 1, row[j - 1] + 1, diagonal + !same);

			diagonal = row[j];
			row[j] = here;
		}
	}
	return row[b.n];
}

size_t conf_nearest(struct str s, const char *const *candidates, size_t n)
{
	size_t best = 0, best_edits = SIZE_MAX;

	for (size_t i = 0; i < n; i++) {
		size_t e = edits(s, str_z(candidates[i]));

		if (e < best_edits) {
			best = i;
			best_edits = e;
		}
	}
	return best;
}

const struct conf_row *conf_nearest_row(const struct conf_table *t, struct str key,
					bool *ret_is_exact)
{
	const struct conf_row *best = NULL;
	size_t best_edits = SIZE_MAX;

	*ret_is_exact = false;
	for (size_t i = 0; i < t->n_rows; i++) {
		size_t e;

		*ret_is_exact = str_eq(key, str_z(t->rows[i].key));
		if (*ret_is_exact)
			return &t->rows[i];
		e = edits(key, str_z(t->rows[i].key));
		if (e < best_edits) {
			best = &t->rows[i];
			best_edits = e;
		}
	}
	return best;
}

const struct conf_table *conf_nearest_table(const struct conf_table *const *tables, size_t n,
					    struct str section, bool *ret_is_exact)
{
	const struct conf_table *best = NULL;
	size_t best_edits = SIZE_MAX;

	*ret_is_exact = false;
	for (size_t i = 0; i < n; i++) {
		size_t e;

		*ret_is_exact = str_eq(section, str_z(tables[i]->section));
		if (*ret_is_exact)
			return tables[i];
		e = edits(section, str_z(tables[i]->section));
		if (e < best_edits) {
			best = tables[i];
			best_edits = e;
		}
	}
	return best;
}
