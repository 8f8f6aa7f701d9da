/* SPDX-License-Identifier: MIT */
/* A DNS that is a table, for tests of this room. */
#pragma once

#include <arpa/inet.h>

#include "base/err.h"
#include "base/test.h"
#include "mailauth/lookup.h"

struct lookup_row {
	const char *name_z;
	enum lookup_type type;
	const char *value_z; /* NULL: no answer */
};
struct lookup_world {
	const struct lookup_row *rows; /* ends with a row without name */
	unsigned n_asked;
};

static inline struct str lookup_value(struct arena *a, const struct lookup_row *row)
{
	char address[16];

	if (row->type == LOOKUP_A && inet_pton(AF_INET, row->value_z, address) == 1)
		return arena_str(a, str_of(address, 4));
	if (row->type == LOOKUP_AAAA && inet_pton(AF_INET6, row->value_z, address) == 1)
		return arena_str(a, str_of(address, 16));
	return arena_str(a, str_z(row->value_z));
}

static inline int lookup_table(void *ctx, struct arena *a, struct str name, enum lookup_type type,
			       struct lookup_answer *ret)
{
	struct lookup_world *w = ctx;
	size_t cap = 0;

	w->n_asked++;
	*ret = (struct lookup_answer){ .is_nxdomain = true };
	for (const struct lookup_row *row = w->rows; row->name_z; row++) {
		if (!str_ieq(name, str_z(row->name_z)))
			continue;
		ret->is_nxdomain = false;
		if (row->type != type)
			continue;
		if (!row->value_z)
			return -E_TIMEOUT;
		assert_int_equal(arena_grow(a, &ret->v, ret->n, &cap, sizeof(*ret->v)), 0);
		ret->v[ret->n++] = lookup_value(a, row);
	}
	return 0;
}
