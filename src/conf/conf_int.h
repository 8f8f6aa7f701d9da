/* SPDX-License-Identifier: MIT */
/* What the files of this room share: the snapshot, and values as text. Nobody else includes it. */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "conf/conf.h"

struct conf_section {
	struct conf_section *next; /* in the order of the file */
	const struct conf_table *table;
	const char *name_z; /* "" in a plain section */
	void *values;       /* struct_size bytes */
	int *row_lines;     /* where each row was set; 0: default */
	int line;           /* of its heading; 0: not in the file */
};

struct conf {
	_Atomic unsigned refs;
	struct arena arena; /* holds all but this struct */
	const struct conf_table *const *tables;
	size_t n_tables;
	struct conf_section
		*sections; /* plain ones first, in table order; then named ones as in the file */
	size_t n_sections;
};

/*
 * Reads text as the row says and writes the member. On a bad value -E_USAGE and a fault that says
 * what to write (without file and line); -E_LIMIT when the arena is full.
 */
MUST_CHECK int conf_value_parse(struct arena *a, const struct conf_row *row, const char *text_z,
				void *values, struct fault *fault);
/* As it would stand in a file. */
void conf_value_print(struct buf *out, const struct conf_row *row, const void *values);
/* "time, 1s to 1h" */
void conf_value_describe(struct buf *out, const struct conf_row *row);

/* The index of the candidate with the least edits between it and s; n when none is near. */
size_t conf_nearest(struct str s, const char *const *candidates, size_t n);
/* The row of that key, or the nearest one (*ret_is_exact false). NULL when none is near. */
const struct conf_row *conf_nearest_row(const struct conf_table *t, struct str key,
					bool *ret_is_exact);
/* The same for tables by their section word. */
const struct conf_table *conf_nearest_table(const struct conf_table *const *tables, size_t n,
					    struct str section, bool *ret_is_exact);
/* -E_USAGE, with what to write instead. nearest: from the functions above, NULL when none is near. */
int conf_unknown_section(struct fault *fault, struct str section, const struct conf_table *nearest,
			 const struct conf_table *const *tables, size_t n);
int conf_unknown_key(struct fault *fault, struct str key, const struct conf_table *t,
		     const struct conf_row *nearest);
