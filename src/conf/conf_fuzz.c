/* SPDX-License-Identifier: MIT */
/*
 * Settings files: any text is refused or loaded, and what a snapshot prints, plain or as a sample,
 * loads again and prints the same.
 */
#include "conf/conf.h"

#include "base/must.h"

struct values {
	const char *text;
	int64_t number, time_ms, size;
	bool is_on;
	int kind;
	struct conf_list words;
};

static const char *const kinds[] = { "red", "green", NULL };
#define AT(member) offsetof(struct values, member)
static const struct conf_row rows[] = {
	{ .key = "text", .type = CONF_STR, .offset = AT(text), .default_z = "", .help = "T." },
	{ .key = "number", .type = CONF_INT, .offset = AT(number), .default_z = "-1", .help = "N." },
	{ .key = "time", .type = CONF_TIME, .offset = AT(time_ms), .default_z = "5m", .help = "T." },
	{ .key = "size", .type = CONF_SIZE, .offset = AT(size), .default_z = "1M", .min = 1024,
	  .max = 1 << 30, .help = "S." },
	{ .key = "is_on", .type = CONF_BOOL, .offset = AT(is_on), .default_z = "no", .help = "B." },
	{ .key = "kind", .type = CONF_ENUM, .offset = AT(kind), .default_z = "red", .names = kinds, .help = "K." },
	{ .key = "words", .type = CONF_LIST, .offset = AT(words), .default_z = "", .help = "W." },
};

static const struct conf_table plain = {
	.section = "plain", .struct_size = sizeof(struct values), .rows = rows, .n_rows = ARRAY_LEN(rows),
	.help = "One.",
};
static const struct conf_table named = {
	.section = "named", .is_named = true, .struct_size = sizeof(struct values), .rows = rows,
	.n_rows = ARRAY_LEN(rows), .help = "Many.",
};
static const struct conf_table *const tables[] = { &plain, &named };

static void check_round_trip(const struct conf *c, const struct buf *want, bool with_help)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(64u << 20);
	AUTO(buf_fini) struct buf again = BUF_INIT(64u << 20);
	struct conf *second = NULL;
	struct fault f;

	conf_print(c, &text, with_help);
	/* What prints larger than the limit of a file cannot be read back. */
	if (text.n > 1u << 20)
		return;
	must(conf_parse(tables, ARRAY_LEN(tables), "again", buf_str(&text), &second, &f) == 0);
	conf_print(second, &again, false);
	must(str_eq(buf_str(want), buf_str(&again)));
	conf_unref(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf first = BUF_INIT(64u << 20);
	struct conf *c = NULL;
	struct fault f = { "" };

	if (conf_parse(tables, ARRAY_LEN(tables), "fuzz", str_of(data, size), &c, &f) < 0) {
		must(f.text[0] != '\0' && c == NULL);
		return 0;
	}
	conf_print(c, &first, false);
	check_round_trip(c, &first, false);
	check_round_trip(c, &first, true);
	conf_unref(c);
	return 0;
}
