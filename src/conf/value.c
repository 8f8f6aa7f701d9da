/* SPDX-License-Identifier: MIT */
/*
 * Values as text: one parse and one print function for each type, in one table. What print writes,
 * parse reads back to the same value.
 */
#include "conf/conf_int.h"

#include "base/must.h"

struct unit {
	const char *suffix;
	int64_t factor;
};

/* Smallest first. A bare number is a size in bytes; a bare time is only 0. */
static const struct unit size_units[] = {
	{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { "T", (int64_t)1 << 40 },
};
static const struct unit time_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
};

static const struct {
	const char *word;
	bool value;
} bool_words[] = {
	{ "yes", true }, { "no", false }, { "true", true },
	{ "false", false }, { "on", true }, { "off", false },
};

/* A member of the struct by its offset. memcpy keeps alignment and aliasing out of the question. */
static void put(void *values, const struct conf_row *row, const void *v, size_t n)
{
	memcpy((char *)values + row->offset, v, n);
}

static void get(const void *values, const struct conf_row *row, void *v, size_t n)
{
	memcpy(v, (const char *)values + row->offset, n);
}

static void print_units(struct buf *out, int64_t v, const struct unit *units, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; v != 0 && i < n; i++)
		if (v % units[i].factor == 0)
			best = i;
	buf_printf(out, "%lld%s", (long long)(v / units[best].factor), v ? units[best].suffix : "");
}

static void print_number(struct buf *out, enum conf_type type, int64_t v)
{
	if (type == CONF_SIZE)
		print_units(out, v, size_units, ARRAY_LEN(size_units));
	else if (type == CONF_TIME)
		print_units(out, v, time_units, ARRAY_LEN(time_units));
	else
		buf_printf(out, "%lld", (long long)v);
}

static bool has_bounds(const struct conf_row *row)
{
	return row->min != 0 || row->max != 0;
}

/* "1s to 1h"; "0 or more" where only the type has an end. */
static void print_bounds(struct buf *out, const struct conf_row *row)
{
	print_number(out, row->type, row->min);
	if (row->max == INT64_MAX) {
		buf_add(out, S(" or more"));
		return;
	}
	buf_add(out, S(" to "));
	print_number(out, row->type, row->max);
}

static int check_bounds(const struct conf_row *row, int64_t v, struct fault *fault)
{
	AUTO(buf_fini) struct buf range = BUF_INIT(100);

	if (!has_bounds(row) || (v >= row->min && v <= row->max))
		return 0;
	print_bounds(&range, row);
	return fault_set(fault, -E_USAGE, "out of range, write %s", buf_z(&range));
}

/* Digits and one of the units. */
static bool parse_units(struct str s, const struct unit *units, size_t n, int64_t *ret)
{
	size_t digits = 0;
	uint64_t v;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (!str_to_u64(str_head(s, digits), INT64_MAX, &v))
		return false;
	s = str_skip(s, digits);
	if (v == 0 && s.n == 0) {
		*ret = 0;
		return true;
	}
	for (size_t i = 0; i < n; i++)
		if (str_ieq(s, str_z(units[i].suffix)))
			return !__builtin_mul_overflow((int64_t)v, units[i].factor, ret);
	return false;
}

static int parse_number(const struct conf_row *row, struct str s, void *values, struct fault *fault)
{
	bool is_negative = row->type == CONF_INT && str_starts(s, S("-"));
	uint64_t u;
	int64_t v;
	int rc;

	if (row->type == CONF_SIZE && !parse_units(s, size_units, ARRAY_LEN(size_units), &v))
		return fault_set(fault, -E_USAGE, "not a size, write bytes or a number with K, M, G or T, such as 25M");
	if (row->type == CONF_TIME && !parse_units(s, time_units, ARRAY_LEN(time_units), &v))
		return fault_set(fault, -E_USAGE, "not a time, write a number with ms, s, m, h or d, such as 30s");
	if (row->type == CONF_INT) {
		if (!str_to_u64(str_skip(s, is_negative), INT64_MAX, &u))
			return fault_set(fault, -E_USAGE, "not a whole number");
		v = is_negative ? -(int64_t)u : (int64_t)u;
	}
	rc = check_bounds(row, v, fault);
	if (rc == 0)
		put(values, row, &v, sizeof(v));
	return rc;
}

static int parse_bool(const struct conf_row *row, struct str s, void *values, struct fault *fault)
{
	for (size_t i = 0; i < ARRAY_LEN(bool_words); i++) {
		if (!str_ieq(s, str_z(bool_words[i].word)))
			continue;
		put(values, row, &bool_words[i].value, sizeof(bool));
		return 0;
	}
	return fault_set(fault, -E_USAGE, "write yes or no");
}

static int parse_enum(const struct conf_row *row, struct str s, void *values, struct fault *fault)
{
	AUTO(buf_fini) struct buf all = BUF_INIT(200);
	size_t near;
	int i;

	for (i = 0; row->names[i] != NULL; i++) {
		if (str_eq(s, str_z(row->names[i]))) {
			put(values, row, &i, sizeof(i));
			return 0;
		}
		buf_printf(&all, "%s%s", i > 0 ? ", " : "", row->names[i]);
	}
	near = conf_nearest(s, row->names, (size_t)i);
	if (near == (size_t)i)
		return fault_set(fault, -E_USAGE, "write one of: %s", buf_z(&all));
	return fault_set(fault, -E_USAGE, "did you mean \"%s\"? Write one of: %s", row->names[near], buf_z(&all));
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',';
}

static int parse_list(struct arena *a, const struct conf_row *row, struct str s, void *values)
{
	struct conf_list list = { NULL, 0 };
	const char **words = NULL;
	size_t cap = 0;

	for (;;) {
		size_t n = 0;

		while (s.n > 0 && is_separator(s.p[0]))
			s = str_skip(s, 1);
		if (s.n == 0)
			break;
		while (n < s.n && !is_separator(s.p[n]))
			n++;
		if (arena_grow(a, &words, list.n, &cap, sizeof(*words)) < 0)
			return -E_LIMIT;
		words[list.n] = arena_z(a, str_head(s, n));
		if (words[list.n++] == NULL)
			return -E_LIMIT;
		s = str_skip(s, n);
	}
	list.v = words;
	put(values, row, &list, sizeof(list));
	return 0;
}

static int parse_str(struct arena *a, const struct conf_row *row, struct str s, void *values)
{
	const char *z = arena_z(a, s);

	if (z == NULL)
		return -E_LIMIT;
	put(values, row, &z, sizeof(z));
	return 0;
}

int conf_value_parse(struct arena *a, const struct conf_row *row, const char *text_z, void *values,
		     struct fault *fault)
{
	struct str s = str_trim(str_z(text_z));

	switch (row->type) {
	case CONF_STR:
		return parse_str(a, row, s, values);
	case CONF_LIST:
		return parse_list(a, row, s, values);
	case CONF_BOOL:
		return parse_bool(row, s, values, fault);
	case CONF_ENUM:
		return parse_enum(row, s, values, fault);
	case CONF_INT:
	case CONF_TIME:
	case CONF_SIZE:
		return parse_number(row, s, values, fault);
	}
	must(!"conf_row.type");
	return -E_BUG;
}

static void print_list(struct buf *out, const struct conf_row *row, const void *values)
{
	struct conf_list list;

	get(values, row, &list, sizeof(list));
	for (size_t i = 0; i < list.n; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", list.v[i]);
}

void conf_value_print(struct buf *out, const struct conf_row *row, const void *values)
{
	const char *z;
	int64_t number;
	bool is_on;
	int i;

	switch (row->type) {
	case CONF_STR:
		get(values, row, &z, sizeof(z));
		buf_add(out, str_z(z));
		break;
	case CONF_LIST:
		print_list(out, row, values);
		break;
	case CONF_BOOL:
		get(values, row, &is_on, sizeof(is_on));
		buf_add(out, is_on ? S("yes") : S("no"));
		break;
	case CONF_ENUM:
		get(values, row, &i, sizeof(i));
		buf_add(out, str_z(row->names[i]));
		break;
	case CONF_INT:
	case CONF_TIME:
	case CONF_SIZE:
		get(values, row, &number, sizeof(number));
		print_number(out, row->type, number);
		break;
	}
}

void conf_value_describe(struct buf *out, const struct conf_row *row)
{
	static const char *const type_names[] = {
		[CONF_STR] = "text", [CONF_INT] = "number", [CONF_BOOL] = "yes or no", [CONF_TIME] = "time",
		[CONF_SIZE] = "size", [CONF_ENUM] = "one of", [CONF_LIST] = "words",
	};

	buf_add(out, str_z(type_names[row->type]));
	for (size_t i = 0; row->type == CONF_ENUM && row->names[i] != NULL; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : " ", row->names[i]);
	if (!has_bounds(row) || row->type == CONF_STR)
		return;
	buf_add(out, S(", "));
	print_bounds(out, row);
}
