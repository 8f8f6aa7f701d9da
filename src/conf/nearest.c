/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the valid name with the fewest edits (Levenshtein) from what was written, if half of
 * it at least is right.
 */
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

/* More edits than that make another word of it. */
static size_t edits_max(struct str s)
{
	size_t n = str_head(s, WORD_MAX).n;

	return n < 2 ? 1 : n / 2;
}

size_t conf_nearest(struct str s, const char *const *candidates, size_t n)
{
	size_t best = n, best_edits = edits_max(s) + 1;

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
	size_t best_edits = edits_max(key) + 1;

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
	size_t best_edits = edits_max(section) + 1;

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

int conf_unknown_section(struct fault *fault, struct str section, const struct conf_table *nearest,
			 const struct conf_table *const *tables, size_t n)
{
	AUTO(buf_fini) struct buf all = BUF_INIT(200);

	section = str_head(section, WORD_MAX);
	if (nearest != NULL)
		return fault_set(fault, -E_USAGE, "unknown section [%" STR_FMT "]; did you mean [%s]?",
				 STR_ARG(section), nearest->section);
	for (size_t i = 0; i < n; i++)
		buf_printf(&all, "%s[%s]", i > 0 ? " " : "", tables[i]->section);
	return fault_set(fault, -E_USAGE, "unknown section [%" STR_FMT "]; write one of: %s",
			 STR_ARG(section), buf_z(&all));
}

int conf_unknown_key(struct fault *fault, struct str key, const struct conf_table *t,
		     const struct conf_row *nearest)
{
	key = str_head(key, WORD_MAX);
	if (nearest != NULL)
		return fault_set(fault, -E_USAGE,
				 "unknown key \"%" STR_FMT "\" in [%s]; did you mean \"%s\"?",
				 STR_ARG(key), t->section, nearest->key);
	return fault_set(fault, -E_USAGE,
			 "unknown key \"%" STR_FMT "\" in [%s]; martlet config explain %s lists its keys",
			 STR_ARG(key), t->section, t->section);
}
