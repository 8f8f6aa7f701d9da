/* SPDX-License-Identifier: MIT */
/*
 * Loading: inih cuts the text into sections, keys and values, the tables say what they mean, and
 * the result is one snapshot in one arena.
 *
 * inih does not say which line a handler is called for, is silent about a section without keys, cuts
 * over-long names, and ends a line at a NUL. So the lines reach it through read_line(), which
 * 1. counts them (inih stops at the first error: the line being read is the line of the error),
 * 2. refuses over-long lines and control characters,
 * 3. adds a line `\x01 =` after each heading: the handler sees it as the start of the section.
 */
#include "conf/conf_int.h"

#include "base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* A key that no file can contain, see 2. */
#define START_KEY "\x01"

struct loader {
	struct conf *conf;
	struct conf_section **tail;
	struct conf_section *section; /* the one that keys go to now */
	const char *name_z;           /* of the file */
	struct str left;              /* text that is not read yet */
	int line;
	bool is_heading; /* the line read last is one */
	bool is_skipping; /* its keys: the heading was wrong */
	int rc;
	struct buf *all; /* every mistake goes to it; NULL: the first one ends the loading */
	size_t n_mistakes;
	struct fault *fault;
};

static void inih_setup(void)
{
	ini_max_line = LIMIT_CONF_LINE + 3;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_stop_on_first_error = true;
}

/* --- snapshot --------------------------------------------------------------------------------- */

struct conf *conf_ref(struct conf *c)
{
	c->refs++;
	return c;
}

void conf_unref(struct conf *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	arena_fini(&c->arena);
	mem_free(c);
}

const void *conf_get(const struct conf *c, const struct conf_table *t)
{
	must(!t->is_named);
	for (const struct conf_section *s = c->sections; s != NULL; s = s->next)
		if (s->table == t)
			return s->values;
	must(!"conf_get: not a table of this snapshot");
	return NULL;
}

size_t conf_count(const struct conf *c, const struct conf_table *t)
{
	size_t n = 0;

	for (const struct conf_section *s = c->sections; s != NULL; s = s->next)
		n += s->table == t;
	return n;
}

const void *conf_get_nth(const struct conf *c, const struct conf_table *t, size_t i,
			 const char **ret_name_z)
{
	for (const struct conf_section *s = c->sections; s != NULL; s = s->next) {
		if (s->table != t || i-- > 0)
			continue;
		if (ret_name_z != NULL)
			*ret_name_z = s->name_z;
		return s->values;
	}
	must(!"conf_get_nth: no such section");
	return NULL;
}

/* --- sections and keys ------------------------------------------------------------------------ */

/* Records an error, with its place: the first one, or all. */
static int __attribute__((format(printf, 3, 4)))
fail(struct loader *l, int line, const char *fmt, ...)
{
	struct fault f, here;
	va_list ap;

	if (l->rc < 0 && (l->all == NULL || l->n_mistakes >= LIMIT_CONF_MISTAKES))
		return l->rc;
	va_start(ap, fmt);
	vsnprintf(f.text, sizeof(f.text), fmt, ap);
	va_end(ap);
	if (line > 0)
		(void)fault_set(&here, 0, "%s:%d: %s", l->name_z, line, f.text);
	else
		(void)fault_set(&here, 0, "%s: %s", l->name_z, f.text);
	if (l->rc == 0)
		*l->fault = here;
	if (l->all != NULL)
		buf_printf(l->all, "%s\n", here.text);
	l->n_mistakes++;
	l->rc = -E_USAGE;
	return l->rc;
}

/* inih goes on. */
static bool goes_on(const struct loader *l, int rc)
{
	return rc == 0 || l->all != NULL;
}

static int section_new(struct loader *l, const struct conf_table *t, struct str name)
{
	struct arena *a = &l->conf->arena;
	struct conf_section *s = ARENA_NEW(a, struct conf_section);
	struct fault f;

	if (s == NULL || l->conf->n_sections >= LIMIT_CONF_SECTIONS + l->conf->n_tables)
		return fail(l, l->line, "too many sections");
	s->table = t;
	s->name_z = arena_z(a, name);
	s->values = arena_alloc(a, 1, t->struct_size);
	s->row_lines = ARENA_ARRAY(a, int, t->n_rows);
	if (s->name_z == NULL || s->values == NULL || s->row_lines == NULL)
		return fail(l, l->line, "too many settings");
	for (size_t i = 0; i < t->n_rows; i++) {
		int rc = conf_value_parse(a, &t->rows[i], t->rows[i].default_z, s->values, &f);

		if (rc == -E_LIMIT)
			return fail(l, l->line, "too many settings");
		must(rc == 0); /* a default that its own row refuses */
	}
	*l->tail = s;
	l->tail = &s->next;
	l->conf->n_sections++;
	l->section = s;
	return 0;
}

/* section "name": the word goes to *ret_word, the name to *ret_name (p NULL when there is none). */
static bool split_heading(struct str s, struct str *ret_word, struct str *ret_name)
{
	ptrdiff_t quote = str_chr(s, '"');

	*ret_name = (struct str){ NULL, 0 };
	*ret_word = str_trim(s);
	if (quote < 0)
		return true;
	*ret_word = str_trim(str_head(s, (size_t)quote));
	s = str_trim(str_skip(s, (size_t)quote + 1));
	if (s.n < 2 || str_chr(s, '"') != (ptrdiff_t)s.n - 1)
		return false;
	*ret_name = str_head(s, s.n - 1);
	return true;
}

static struct conf_section *section_find(const struct conf *c, const struct conf_table *t,
					 struct str name)
{
	for (struct conf_section *s = c->sections; s != NULL; s = s->next)
		if (s->table == t && str_eq(str_z(s->name_z), name))
			return s;
	return NULL;
}

static int section_start(struct loader *l, struct str heading)
{
	const struct conf_table *t;
	struct conf_section *old;
	struct str word, name;
	struct fault f;
	bool is_exact;

	if (!split_heading(heading, &word, &name))
		return fail(l, l->line, "write the heading as [section \"name\"]");
	t = conf_nearest_table(l->conf->tables, l->conf->n_tables, word, &is_exact);
	if (!is_exact) {
		(void)conf_unknown_section(&f, word, t, l->conf->tables, l->conf->n_tables);
		return fail(l, l->line, "%s", f.text);
	}
	if (t->is_named && name.p == NULL)
		return fail(l, l->line, "[%s] needs a name, write [%s \"NAME\"]", t->section,
			    t->section);
	if (!t->is_named && name.p != NULL)
		return fail(l, l->line, "[%s] takes no name, write [%s]", t->section, t->section);
	old = section_find(l->conf, t, name);
	if (old == NULL)
		return section_new(l, t, name);
	if (old->line > 0 && t->is_named)
		return fail(l, l->line, "[%s \"%s\"] is in line %d already", t->section,
			    old->name_z, old->line);
	l->section = old;
	return 0;
}

static int unknown_key(struct loader *l, const char *key_z, const struct conf_row *nearest)
{
	const struct conf *c = l->conf;
	const char *section = l->section->table->section;
	struct fault f;

	for (size_t i = 0; i < c->n_tables; i++) {
		bool is_exact;

		(void)conf_nearest_row(c->tables[i], str_z(key_z), &is_exact);
		if (is_exact)
			return fail(l, l->line, "unknown key \"%s\" in [%s]; it belongs to [%s]",
				    key_z, section, c->tables[i]->section);
	}
	(void)conf_unknown_key(&f, str_z(key_z), l->section->table, nearest);
	return fail(l, l->line, "%s", f.text);
}

static int key_set(struct loader *l, const char *key_z, const char *value_z)
{
	struct conf_section *s = l->section;
	const struct conf_row *row;
	struct fault why = { "" };
	bool is_exact;
	int *line;
	int rc;

	if (s == NULL && l->is_skipping)
		return 0;
	if (s == NULL)
		return fail(l, l->line, "\"%.80s\" stands before the first [section]", key_z);
	row = conf_nearest_row(s->table, str_z(key_z), &is_exact);
	if (!is_exact)
		return unknown_key(l, key_z, row);
	line = &s->row_lines[row - s->table->rows];
	/* As conf_print() would write it, with its spaces, it must be readable again. */
	if (strlen(row->key) + strlen(" = ") + strlen(value_z) > LIMIT_CONF_LINE)
		return fail(l, l->line, "the line is too long");
	if (*line > 0)
		return fail(l, l->line, "\"%s\" is set in line %d already", key_z, *line);
	*line = l->line;
	rc = conf_value_parse(&l->conf->arena, row, value_z, s->values, &why);
	if (rc == -E_LIMIT)
		return fail(l, l->line, "too many settings");
	if (rc < 0)
		return fail(l, l->line, "%s = %.60s: %s", key_z, value_z, why.text);
	return 0;
}

/* --- inih's two callbacks --------------------------------------------------------------------- */

static int on_key(void *arg, const char *section, const char *key, const char *value)
{
	struct loader *l = arg;
	int rc;

	if (strcmp(key, START_KEY) != 0)
		return goes_on(l, key_set(l, key, value));
	rc = section_start(l, str_z(section));
	if (rc < 0)
		l->section = NULL;
	else if (l->section->line == 0)
		l->section->line = l->line;
	l->is_skipping = rc < 0;
	return goes_on(l, rc);
}

static const char *line_fault(struct str line)
{
	struct str s = str_trim(line);

	if (line.n > LIMIT_CONF_LINE)
		return "the line is too long";
	if (str_starts(s, S("[")) && str_chr(s, ']') > LIMIT_CONF_SECTION + 1)
		return "the section's name is too long";
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7F)
			return "control character in the line";
	return NULL;
}

/* fgets() for inih: size is ini_max_line. */
static char *read_line(char *to, int size, void *arg)
{
	struct loader *l = arg;
	const char *wrong;
	struct str line;

	if (l->is_heading) {
		l->is_heading = false;
		snprintf(to, (size_t)size, START_KEY " =\n");
		return to;
	}
	if (!goes_on(l, l->rc) || !str_split(&l->left, '\n', &line))
		return NULL;
	l->line++;
	wrong = line_fault(line);
	if (wrong != NULL || line.n + 2 > (size_t)size) {
		fail(l, l->line, "%s", wrong != NULL ? wrong : "the line is too long");
		line = S("");
	}
	if (!goes_on(l, l->rc))
		return NULL;
	memcpy(to, line.p, line.n);
	to[line.n] = '\n';
	to[line.n + 1] = '\0';
	if (l->line == 1 && str_starts(line, S("\xEF\xBB\xBF")))
		line = str_skip(line, 3);
	l->is_heading = str_starts(str_trim(line), S("["));
	return to;
}

/* --- loading ---------------------------------------------------------------------------------- */

static bool section_is_right(const struct conf *c, const struct conf_section *s, bool with_others, struct fault *why)
{
	if (with_others)
		return s->table->check_with == NULL || s->table->check_with(c, s->values, why) == 0;
	return s->table->check == NULL || s->table->check(s->values, why) == 0;
}

static int check_sections(struct loader *l, bool with_others)
{
	for (struct conf_section *s = l->conf->sections; s != NULL; s = s->next) {
		struct fault why = { "" };
		bool is_named = s->table->is_named;

		if (section_is_right(l->conf, s, with_others, &why))
			continue;
		(void)fail(l, s->line, "[%s%s%s%s]: %s", s->table->section, is_named ? " \"" : "",
			    s->name_z, is_named ? "\"" : "", why.text);
		if (l->all == NULL)
			break;
	}
	return l->rc;
}

static int load_text(struct loader *l, struct str text)
{
	int rc;

	for (size_t i = 0; i < l->conf->n_tables; i++) {
		const struct conf_table *t = l->conf->tables[i];

		if (!t->is_named && section_new(l, t, S("")) < 0)
			return l->rc;
	}
	l->section = NULL;
	l->left = text;
	do {
		rc = ini_parse_stream(read_line, l, on_key, l);
		if (rc != 0 && goes_on(l, l->rc))
			fail(l, l->line, "write [section], key = value, or # comment");
	} while (goes_on(l, l->rc) && l->left.n > 0);
	if (l->rc == 0)
		l->rc = check_sections(l, false);
	return l->rc < 0 ? l->rc : check_sections(l, true);
}

static int parse(const struct conf_table *const *tables, size_t n_tables, const char *name_z,
		 struct str text, struct buf *all, struct conf **ret, struct fault *fault)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct conf *c;
	struct loader l = { .name_z = name_z, .all = all, .fault = fault };
	int rc;

	pthread_once(&once, inih_setup);
	if (text.n > LIMIT_CONF_FILE)
		return fault_set(fault, -E_USAGE, "%s: the file is too large", name_z);
	c = MEM_NEW(struct conf);
	c->refs = 1;
	arena_init(&c->arena, LIMIT_CONF_ARENA);
	c->tables = tables;
	c->n_tables = n_tables;
	l.conf = c;
	l.tail = &c->sections;
	rc = load_text(&l, text);
	if (rc < 0)
		conf_unref(c);
	else
		*ret = c;
	return rc;
}

int conf_parse(const struct conf_table *const *tables, size_t n_tables, const char *name_z,
	       struct str text, struct conf **ret, struct fault *fault)
{
	return parse(tables, n_tables, name_z, text, NULL, ret, fault);
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void conf_drop(struct conf **c)
{
	conf_unref(*c);
}

static int read_file(const char *path_z, struct buf *to, struct fault *fault)
{
	AUTO(fd_close) int fd = -1;
	ssize_t got;

	fd = open(path_z, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault_errno(fault, errno, "settings file %s", path_z);
	do {
		size_t want = to->max - to->n < 16384 ? to->max - to->n : 16384;

		got = read(fd, buf_reserve(to, want), want);
		if (got < 0 && errno != EINTR)
			return fault_errno(fault, errno, "settings file %s", path_z);
		if (got > 0)
			buf_commit(to, (size_t)got);
	} while (got != 0 && to->n < to->max);
	return 0;
}

int conf_load(const struct conf_table *const *tables, size_t n_tables, const char *path_z,
	      struct conf **ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(LIMIT_CONF_FILE + 1);
	int rc = path_z != NULL ? read_file(path_z, &text, fault) : 0;

	if (rc < 0)
		return rc;
	return conf_parse(tables, n_tables, path_z != NULL ? path_z : "defaults", buf_str(&text), ret,
			  fault);
}

size_t conf_mistakes(const struct conf_table *const *tables, size_t n_tables, const char *path_z,
		     struct buf *out)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(LIMIT_CONF_FILE + 1);
	AUTO(conf_drop) struct conf *c = NULL;
	struct fault ignored;
	size_t n = 0;

	if (read_file(path_z, &text, &ignored) < 0 ||
	    parse(tables, n_tables, path_z, buf_str(&text), out, &c, &ignored) == 0)
		return 0;
	for (size_t i = 0; i < out->n; i++)
		n += out->p[i] == '\n';
	return n;
}
