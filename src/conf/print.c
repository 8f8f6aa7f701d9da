/* SPDX-License-Identifier: MIT */
/*
 * Settings as text for people: the whole file, the sample with its explanations, one key. What
 * conf_print() writes loads to the same values; in the sample a key at its default is commented out.
 */
#include "conf/conf_int.h"

static const char *const reload_texts[] = {
	[CONF_LIVE] = "applies at once on reload",
	[CONF_NEW_SESSIONS] = "on reload applies to new sessions",
	[CONF_RESTART] = "needs a restart",
};

static void print_facts(struct buf *out, const struct conf_row *row)
{
	conf_value_describe(out, row);
	buf_printf(out, "; default %s; %s", row->default_z[0] ? row->default_z : "empty",
		   reload_texts[row->reload]);
}

static void print_heading(struct buf *out, const struct conf_table *t, const char *name_z,
			  const char *lead)
{
	if (t->is_named)
		buf_printf(out, "%s[%s \"%s\"]\n", lead, t->section, name_z);
	else
		buf_printf(out, "%s[%s]\n", lead, t->section);
}

static void print_row_help(struct buf *out, const struct conf_row *row)
{
	buf_printf(out, "\n# %s\n# (", row->help);
	print_facts(out, row);
	buf_add(out, S(")\n"));
}

/* `key = value`, or `key =` when the value is empty. */
static void print_assignment(struct buf *out, const char *lead, const struct conf_row *row,
			     struct str value)
{
	buf_printf(out, "%s%s =%s%" STR_FMT "\n", lead, row->key, value.n > 0 ? " " : "",
		   STR_ARG(value));
}

static void print_section(struct buf *out, const struct conf_section *s, bool with_help)
{
	AUTO(buf_fini) struct buf value = BUF_INIT(LIMIT_CONF_LINE);
	const struct conf_table *t = s->table;

	if (with_help)
		buf_printf(out, "# %s\n", t->help);
	print_heading(out, t, s->name_z, "");
	for (size_t i = 0; i < t->n_rows; i++) {
		const struct conf_row *row = &t->rows[i];

		buf_reset(&value);
		conf_value_print(&value, row, s->values);
		if (with_help)
			print_row_help(out, row);
		print_assignment(out, with_help && s->row_lines[i] == 0 ? "#" : "", row,
				 buf_str(&value));
	}
	buf_add_char(out, '\n');
}

/* A named section that the file does not have, as a comment to copy. */
static void print_example(struct buf *out, const struct conf_table *t)
{
	buf_printf(out, "# %s\n", t->help);
	print_heading(out, t, "NAME", "#");
	for (size_t i = 0; i < t->n_rows; i++) {
		print_row_help(out, &t->rows[i]);
		print_assignment(out, "#", &t->rows[i], str_z(t->rows[i].default_z));
	}
	buf_add_char(out, '\n');
}

void conf_print(const struct conf *c, struct buf *out, bool with_help)
{
	for (size_t i = 0; i < c->n_tables; i++) {
		for (const struct conf_section *s = c->sections; s != NULL; s = s->next)
			if (s->table == c->tables[i])
				print_section(out, s, with_help);
		if (with_help && conf_count(c, c->tables[i]) == 0 && c->tables[i]->is_named)
			print_example(out, c->tables[i]);
	}
}

static void explain_row(struct buf *out, const struct conf_table *t, const struct conf_row *row)
{
	buf_printf(out, "%s.%s (", t->section, row->key);
	print_facts(out, row);
	buf_printf(out, ")\n    %s\n", row->help);
}

int conf_explain(const struct conf_table *const *tables, size_t n_tables, struct str key,
		 struct buf *out, struct fault *fault)
{
	const struct conf_table *t;
	const struct conf_row *row;
	struct str section, rest = key;
	bool is_exact;

	if (n_tables == 0 || !str_split(&rest, '.', &section))
		return fault_set(fault, -E_NOT_FOUND, "write section.key");
	t = conf_nearest_table(tables, n_tables, section, &is_exact);
	if (!is_exact) {
		(void)conf_unknown_section(fault, section, t, tables, n_tables);
		return -E_NOT_FOUND;
	}
	if (rest.n == 0) {
		buf_printf(out, "[%s%s]  %s\n", t->section, t->is_named ? " \"NAME\"" : "",
			   t->help);
		for (size_t i = 0; i < t->n_rows; i++)
			explain_row(out, t, &t->rows[i]);
		return 0;
	}
	row = conf_nearest_row(t, rest, &is_exact);
	if (!is_exact) {
		(void)conf_unknown_key(fault, rest, t, row);
		return -E_NOT_FOUND;
	}
	explain_row(out, t, row);
	return 0;
}
