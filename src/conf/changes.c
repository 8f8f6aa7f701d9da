/* SPDX-License-Identifier: MIT */
/* What differs between two snapshots of the same tables, by the class of its rows. */
#include "conf/conf_int.h"

#include <string.h>

static const struct conf_section *find(const struct conf *c, const struct conf_section *like)
{
	for (const struct conf_section *s = c->sections; s != NULL; s = s->next)
		if (s->table == like->table && strcmp(s->name_z, like->name_z) == 0)
			return s;
	return NULL;
}

static bool has_class(const struct conf_table *t, enum conf_reload class)
{
	for (size_t i = 0; i < t->n_rows; i++)
		if (t->rows[i].reload == class)
			return true;
	return false;
}

static bool is_same(const struct conf_row *row, const void *a, const void *b)
{
	AUTO(buf_fini) struct buf x = BUF_INIT(LIMIT_CONF_LINE);
	AUTO(buf_fini) struct buf y = BUF_INIT(LIMIT_CONF_LINE);

	conf_value_print(&x, row, a);
	conf_value_print(&y, row, b);
	return str_eq(buf_str(&x), buf_str(&y));
}

static void name(struct buf *out, const struct conf_section *s, const char *tail_z)
{
	buf_printf(out, "%s%s", out->n > 0 ? ", " : "", s->table->section);
	if (s->table->is_named)
		buf_printf(out, " \"%s\"", s->name_z);
	buf_printf(out, "%s", tail_z);
}

/* A key as section.key, for a named section "section "name".key". */
static void name_key(struct buf *out, const struct conf_section *s, const char *key_z)
{
	name(out, s, ".");
	buf_printf(out, "%s", key_z);
}

void conf_changes(const struct conf *old, const struct conf *next, enum conf_reload class, struct buf *out)
{
	for (const struct conf_section *s = next->sections; s != NULL; s = s->next) {
		const struct conf_section *was = find(old, s);

		if (was == NULL && has_class(s->table, class))
			name(out, s, " (new)");
		for (size_t i = 0; was != NULL && i < s->table->n_rows; i++) {
			const struct conf_row *row = &s->table->rows[i];

			if (row->reload == class && !is_same(row, was->values, s->values))
				name_key(out, s, row->key);
		}
	}
	for (const struct conf_section *s = old->sections; s != NULL; s = s->next)
		if (find(next, s) == NULL && has_class(s->table, class))
			name(out, s, " (gone)");
}
