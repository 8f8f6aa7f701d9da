/* SPDX-License-Identifier: MIT */
/*
 * Settings: one INI file, one row per key. A room declares a table of rows beside the code that
 * uses them (smtp/conf.c) and a struct that the values are written to; parser, checks,
 * `martlet config show|explain|check`, the sample file and the manual page come from the rows.
 *
 *   [smtp]                      a plain section: one struct
 *   [listener "imaps"]          a named section: one struct for each name
 *   # a comment has its own line, with # or ;
 *
 * A loaded file is an immutable, reference-counted snapshot; a reload loads a new one and swaps it.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum conf_type {
	CONF_STR,   /* const char *          : text, never NULL */
	CONF_INT,   /* int64_t               : min..max */
	CONF_BOOL,  /* bool                  : yes/no/true/false/on/off */
	CONF_TIME,  /* int64_t milliseconds  : 500ms 30s 5m 4h 5d */
	CONF_SIZE,  /* int64_t bytes         : 100 64K 25M 2G */
	CONF_ENUM,  /* int                   : index into row.names */
	CONF_LIST,  /* struct conf_list      : words separated by spaces or commas */
};

struct conf_list {
	const char *const *v; /* NUL-terminated words */
	size_t n;
};

enum conf_reload { CONF_LIVE, CONF_NEW_SESSIONS, CONF_RESTART };

struct conf_row {
	const char *key;
	enum conf_type type;
	size_t offset;              /* of the member in the table's struct */
	const char *default_z;      /* as written in a file; parsed like one */
	int64_t min, max;           /* INT, TIME, SIZE; 0, 0: no bounds */
	const char *const *names;   /* ENUM: NULL-terminated */
	enum conf_reload reload;
	const char *help;           /* one sentence */
};

struct conf; /* the snapshot */

struct conf_table {
	const char *section;
	bool is_named;              /* [section "name"], any number */
	size_t struct_size;
	const struct conf_row *rows;
	size_t n_rows;
	const char *help;
	/* Checks one filled struct; NULL when rows say all. Sets the fault and returns -E_USAGE. */
	int (*check)(const void *values, struct fault *fault);
	/* The same with the others beside it, when each of them is right by itself. */
	int (*check_with)(const struct conf *c, const void *values, struct fault *fault);
};

/*
 * Reads the file at path_z (NULL: defaults only) against the tables. On any unknown section, unknown
 * key (the nearest valid name is offered), or bad value: -E_USAGE and a fault "FILE:LINE: what is
 * wrong and what to write". *ret then stays as it was. The tables must outlive the snapshot.
 */
MUST_CHECK int conf_load(const struct conf_table *const *tables, size_t n_tables, const char *path_z,
			 struct conf **ret, struct fault *fault);
/* The same from text in memory; name_z stands for the file name in errors. Fuzz target conf. */
MUST_CHECK int conf_parse(const struct conf_table *const *tables, size_t n_tables,
			  const char *name_z, struct str text, struct conf **ret,
			  struct fault *fault);
/*
 * Every mistake of a file that conf_load() refused, a line each, at most LIMIT_CONF_MISTAKES; what only follows from another
 * is left out. Returns how many there are in out.
 */
size_t conf_mistakes(const struct conf_table *const *tables, size_t n_tables, const char *path_z,
		     struct buf *out);
struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf *c); /* accepts NULL; any thread */

/* The values of a plain section: a pointer to the table's struct, valid as long as the snapshot. Never NULL. */
const void *conf_get(const struct conf *c, const struct conf_table *t);
/* Named sections in the order of the file. */
size_t conf_count(const struct conf *c, const struct conf_table *t);
const void *conf_get_nth(const struct conf *c, const struct conf_table *t, size_t i, const char **ret_name_z);

/* All settings as a file; with_help: each key with its sentence, unit, default and reload class, as the sample file. */
void conf_print(const struct conf *c, struct buf *out, bool with_help);
/*
 * Adds the keys of one reload class whose values differ, as `section.key, section "name".key`, and named sections with such
 * keys that came or went, as `section "name" (new)`, `(gone)`. Nothing is added when nothing differs.
 */
void conf_changes(const struct conf *old, const struct conf *next, enum conf_reload class, struct buf *out);
/* The row's explanation for `config explain section.key`; -E_NOT_FOUND with the nearest name in fault. */
MUST_CHECK int conf_explain(const struct conf_table *const *tables, size_t n_tables, struct str key,
			    struct buf *out, struct fault *fault);
