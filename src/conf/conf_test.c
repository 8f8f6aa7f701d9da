/* SPDX-License-Identifier: MIT */
/* Settings: what loads, what is refused with which words, what prints and explains itself. */
#include "conf/conf.h"
#include "conf/live.h"

#include "base/limits.h"
#include "base/test.h"

#include <fcntl.h>
#include <unistd.h>

struct values {
	const char *name;
	int64_t count, wait_ms, max_bytes;
	bool is_on;
	int color;
	struct conf_list words;
};

static const char *const colors[] = { "red", "green", "blue", NULL };
#define AT(member) offsetof(struct values, member)
static const struct conf_row rows[] = {
	{ .key = "name", .type = CONF_STR, .offset = AT(name), .default_z = "nobody", .help = "A name." },
	{ .key = "count", .type = CONF_INT, .offset = AT(count), .default_z = "3", .min = -5, .max = 10,
	  .reload = CONF_LIVE, .help = "A count." },
	{ .key = "wait", .type = CONF_TIME, .offset = AT(wait_ms), .default_z = "5m", .min = 1000,
	  .max = 86400000, .reload = CONF_NEW_SESSIONS, .help = "A time." },
	{ .key = "max_size", .type = CONF_SIZE, .offset = AT(max_bytes), .default_z = "25M", .max = INT64_MAX,
	  .reload = CONF_RESTART, .help = "A size." },
	{ .key = "active", .type = CONF_BOOL, .offset = AT(is_on), .default_z = "yes", .help = "A switch." },
	{ .key = "color", .type = CONF_ENUM, .offset = AT(color), .default_z = "green", .names = colors,
	  .help = "A color." },
	{ .key = "words", .type = CONF_LIST, .offset = AT(words), .default_z = "a b", .help = "Some words." },
};

static int check_values(const void *values, struct fault *fault)
{
	const struct values *v = values;

	return v->count == 7 ? fault_set(fault, -E_USAGE, "count may not be 7") : 0;
}

static const struct conf_table imap = {
	.section = "imap", .struct_size = sizeof(struct values), .rows = rows, .n_rows = ARRAY_LEN(rows),
	.help = "Plain.", .check = check_values,
};
static const struct conf_row smtp_rows[] = {
	{ .key = "banner", .type = CONF_STR, .offset = 0, .default_z = "", .help = "A banner." },
};
static const struct conf_table smtp = {
	.section = "smtp", .struct_size = sizeof(char *), .rows = smtp_rows, .n_rows = 1, .help = "Plain too.",
};
static const struct conf_table listener = {
	.section = "listener", .is_named = true, .struct_size = sizeof(struct values), .rows = rows,
	.n_rows = ARRAY_LEN(rows), .help = "Named.", .check = check_values,
};
static const struct conf_table *const tables[] = { &imap, &smtp, &listener };

static struct conf *parse(const char *text)
{
	struct fault f = { "" };
	struct conf *c = NULL;

	if (conf_parse(tables, ARRAY_LEN(tables), "t.conf", str_z(text), &c, &f) < 0)
		fail_msg("%s", f.text);
	return c;
}

TEST(conf_defaults)
{
	struct fault f = { "" };
	struct conf *c = NULL;
	const struct values *v;

	assert_int_equal(conf_load(tables, ARRAY_LEN(tables), NULL, &c, &f), 0);
	v = conf_get(c, &imap);
	assert_string_equal(v->name, "nobody");
	assert_int_equal(v->count, 3);
	assert_int_equal(v->wait_ms, 300000);
	assert_int_equal(v->max_bytes, 25 << 20);
	assert_true(v->is_on);
	assert_int_equal(v->color, 1);
	assert_int_equal(v->words.n, 2);
	assert_string_equal(v->words.v[1], "b");
	assert_int_equal(conf_count(c, &listener), 0);
	conf_unref(c);
}

TEST(conf_all_types)
{
	struct conf *c = parse("# text\n[imap]\nname = A  B ; C\ncount=-5\nwait = 90s\nmax_size = 1g\n"
			       "active = Off\ncolor = blue\nwords = x, y,z  w\n[smtp]\n");
	const struct values *v = conf_get(c, &imap);

	assert_string_equal(v->name, "A  B ; C");
	assert_int_equal(v->count, -5);
	assert_int_equal(v->wait_ms, 90000);
	assert_int_equal(v->max_bytes, 1 << 30);
	assert_false(v->is_on);
	assert_int_equal(v->color, 2);
	assert_int_equal(v->words.n, 4);
	assert_string_equal(v->words.v[3], "w");
	conf_unref(c);
}

TEST(conf_named_sections)
{
	struct conf *c = parse("[listener \"imaps\"]\ncount = 1\n[imap]\nactive = no\n[listener \"lmtp\"]\n"
			       "[imap]\ncount = 2\n");
	const struct values *v;
	const char *name;

	assert_int_equal(conf_count(c, &listener), 2);
	v = conf_get_nth(c, &listener, 0, &name);
	assert_string_equal(name, "imaps");
	assert_int_equal(v->count, 1);
	v = conf_get_nth(c, &listener, 1, &name);
	assert_string_equal(name, "lmtp");
	assert_int_equal(v->count, 3);
	v = conf_get(c, &imap);
	assert_int_equal(v->count, 2);
	conf_unref(c);
}

TEST(conf_refuses)
{
	static const struct {
		const char *text, *want;
	} bad[] = {
		{ "[imap]\nnmae = x\n", "t.conf:2: unknown key \"nmae\" in [imap]; did you mean \"name\"?" },
		{ "[imap]\nbanner = x\n", "t.conf:2: unknown key \"banner\" in [imap]; it belongs to [smtp]" },
		{ "[imap]\nnothing = x\n", "t.conf:2: unknown key \"nothing\" in [imap]; martlet config explain imap lists its keys" },
		{ "[nothing]\n", "t.conf:1: unknown section [nothing]; write one of: [imap] [smtp] [listener]" },
		{ "\n\n[imp]\n", "t.conf:3: unknown section [imp]; did you mean [imap]?" },
		{ "name = x\n", "t.conf:1: \"name\" stands before the first [section]" },
		{ "[imap]\ncount = 11\n", "t.conf:2: count = 11: out of range, write -5 to 10" },
		{ "[imap]\ncount = 1x\n", "t.conf:2: count = 1x: not a whole number" },
		{ "[imap]\ncount =\n", "t.conf:2: count = : not a whole number" },
		{ "[imap]\nwait = 30\n", "t.conf:2: wait = 30: not a time, write a number with ms, s, m, h or d, such as 30s" },
		{ "[imap]\nwait = 2d\n", "t.conf:2: wait = 2d: out of range, write 1s to 1d" },
		{ "[imap]\nwait = 9223372036854775807d\n", "t.conf:2: wait = 9223372036854775807d: not a time, write a number with ms, s, m, h or d, such as 30s" },
		{ "[imap]\nmax_size = 5 M\n", "t.conf:2: max_size = 5 M: not a size, write bytes or a number with K, M, G or T, such as 25M" },
		{ "[imap]\nactive = maybe\n", "t.conf:2: active = maybe: write yes or no" },
		{ "[imap]\ncolor = gren\n", "t.conf:2: color = gren: did you mean \"green\"? Write one of: red, green, blue" },
		{ "[imap]\ncolor = loud\n", "t.conf:2: color = loud: write one of: red, green, blue" },
		{ "[imap]\ncount = 1\n\ncount = 2\n", "t.conf:4: \"count\" is set in line 2 already" },
		{ "[imap]\ncount = 7\n", "t.conf:1: [imap]: count may not be 7" },
		{ "[listener \"a\"]\ncount = 7\n", "t.conf:1: [listener \"a\"]: count may not be 7" },
		{ "[listener]\n", "t.conf:1: [listener] needs a name, write [listener \"NAME\"]" },
		{ "[imap \"x\"]\n", "t.conf:1: [imap] takes no name, write [imap]" },
		{ "[listener \"a\"]\n[listener \"a\"]\n", "t.conf:2: [listener \"a\"] is in line 1 already" },
		{ "[listener \"a]\n", "t.conf:1: write the heading as [section \"name\"]" },
		{ "[imap\n", "t.conf:1: write [section], key = value, or # comment" },
		{ "[imap]\ncount\n", "t.conf:2: write [section], key = value, or # comment" },
		{ "[imap]\nname = a\n  b\n", "t.conf:3: write [section], key = value, or # comment" },
		{ "[imap]\nname = a\x01\n", "t.conf:2: control character in the line" },
		{ "[listener \"0123456789012345678901234567890123456789012345678\"]\n",
		  "t.conf:1: the section's name is too long" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fault f = { "" };
		struct conf *c = NULL;
		char *text = test_copy(str_z(bad[i].text));

		test_row(bad[i].text);
		assert_int_equal(conf_parse(tables, ARRAY_LEN(tables), "t.conf",
					    str_of(text, strlen(bad[i].text)), &c, &f), -E_USAGE);
		assert_string_equal(f.text, bad[i].want);
		assert_null(c);
		mem_free(text);
	}
}

TEST(conf_long_line)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(10000);
	struct fault f = { "" };
	struct conf *c = NULL;

	buf_add(&b, S("[imap]\nname = "));
	while (b.n < 4096 + 7)
		buf_add_char(&b, 'x');
	assert_int_equal(conf_parse(tables, 3, "t", buf_str(&b), &c, &f), 0);
	assert_int_equal(strlen(((const struct values *)conf_get(c, &imap))->name), 4096 - 7);
	conf_unref(c);
	buf_add_char(&b, 'x');
	c = NULL;
	assert_int_equal(conf_parse(tables, 3, "t", buf_str(&b), &c, &f), -E_USAGE);
	assert_string_equal(f.text, "t:2: the line is too long");
}

TEST(conf_print_round_trip)
{
	AUTO(buf_fini) struct buf once = BUF_INIT(100000), sample = BUF_INIT(100000), again = BUF_INIT(100000);
	struct conf *c = parse("[imap]\nname =\ncount = 4\nwait = 1500ms\n[listener \"x\"]\nmax_size = 1000\n");
	struct conf *d;

	conf_print(c, &once, false);
	assert_true(str_starts(buf_str(&once), S("[imap]\nname =\ncount = 4\nwait = 1500ms\nmax_size = 25M\n")));
	conf_print(c, &sample, true);
	assert_true(str_find(buf_str(&sample), S("# A count.\n# (number, -5 to 10; default 3; "
						 "applies at once on reload)\ncount = 4\n")) > 0);
	assert_true(str_find(buf_str(&sample), S("\n#max_size = 25M\n")) > 0);
	d = parse(buf_z(&sample));
	conf_print(d, &again, false);
	assert_str_eq(buf_str(&again), buf_str(&once));
	conf_unref(c);
	conf_unref(d);
}

/* Only keys of the class that is asked for, with the words that an operator finds them by. */
TEST(conf_changes)
{
	static const char old_text[] = "[imap]\nmax_size = 1M\n[listener \"a\"]\n[listener \"b\"]\nmax_size = 2M\n";
	static const struct {
		const char *text, *restart, *sessions;
	} cases[] = {
		{ old_text, "", "" },
		{ "[imap]\nmax_size = 1024K\n[listener \"b\"]\nmax_size = 2M\n[listener \"a\"]\nmax_size = 25M\n", "", "" },
		{ "[imap]\ncount = 5\n[listener \"a\"]\n[listener \"b\"]\nmax_size = 2M\nwait = 2m\n",
		  "imap.max_size", "listener \"b\".wait" },
		{ "[imap]\nmax_size = 1M\n[listener \"c\"]\n[listener \"b\"]\n",
		  "listener \"c\" (new), listener \"b\".max_size, listener \"a\" (gone)",
		  "listener \"c\" (new), listener \"a\" (gone)" },
	};
	struct conf *old = parse(old_text);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_fini) struct buf restart = BUF_INIT(1024);
		AUTO(buf_fini) struct buf sessions = BUF_INIT(1024);
		struct conf *next = parse(cases[i].text);

		conf_changes(old, next, CONF_RESTART, &restart);
		conf_changes(old, next, CONF_NEW_SESSIONS, &sessions);
		assert_true(str_eq(buf_str(&restart), str_z(cases[i].restart)));
		assert_true(str_eq(buf_str(&sessions), str_z(cases[i].sessions)));
		conf_unref(next);
	}
	conf_unref(old);
}

TEST(conf_explain)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(10000);
	struct fault f = { "" };

	assert_int_equal(conf_explain(tables, 3, S("imap.wait"), &out, &f), 0);
	assert_str_eq(buf_str(&out), S("imap.wait (time, 1s to 1d; default 5m; on reload applies to new sessions)\n"
				       "    A time.\n"));
	buf_reset(&out);
	assert_int_equal(conf_explain(tables, 3, S("imap.max_size"), &out, &f), 0);
	assert_str_eq(buf_str(&out), S("imap.max_size (size, 0 or more; default 25M; needs a restart)\n    A size.\n"));
	assert_int_equal(conf_explain(tables, 3, S("imap.wiat"), &out, &f), -E_NOT_FOUND);
	assert_string_equal(f.text, "unknown key \"wiat\" in [imap]; did you mean \"wait\"?");
	assert_int_equal(conf_explain(tables, 3, S("smpt.x"), &out, &f), -E_NOT_FOUND);
	assert_string_equal(f.text, "unknown section [smpt]; did you mean [smtp]?");
	assert_int_equal(conf_explain(tables, 3, S("smtp"), &out, &f), 0);
}

TEST(conf_load_file)
{
	struct fault f = { "" };
	struct conf *c = NULL;
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/m.conf", test_dir());
	assert_int_equal(conf_load(tables, 3, path, &c, &f), -E_NOT_FOUND);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "[imap]\ncount=2", 14), 14);
	close(fd);
	assert_int_equal(conf_load(tables, 3, path, &c, &f), 0);
	assert_int_equal(((const struct values *)conf_get(c, &imap))->count, 2);
	conf_unref(c);
}

TEST(conf_all_mistakes)
{
	static const char text[] =
		"early = 1\n[imap]\ncount = many\nno equals\nwait = 0\nname = ok\n[imapp]\nfoo = 1\n"
		"[smtp]\nbaner = x\nbanner = \x01\n[listener]\ncount = 9\n[listener \"a\"]\ncount = 7\n";
	static const int lines[] = { 1, 3, 4, 5, 7, 10, 11, 12 };
	AUTO(buf_fini) struct buf out = BUF_INIT(65536);
	AUTO(buf_fini) struct buf many = BUF_INIT(1 << 20);
	char path[4096], at[32];
	FILE *f;

	snprintf(path, sizeof(path), "%s/bad.conf", test_dir());
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(conf_mistakes(tables, ARRAY_LEN(tables), path, &out), ARRAY_LEN(lines));
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		snprintf(at, sizeof(at), "bad.conf:%d: ", lines[i]);
		assert_non_null(strstr(buf_z(&out), at));
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[imap]\n", f);
	for (int i = 0; i < 2000; i++)
		fputs("x = 1\n", f);
	fclose(f);
	assert_int_equal(conf_mistakes(tables, ARRAY_LEN(tables), path, &many), LIMIT_CONF_MISTAKES);
	/* A section's own check is told when all its lines are right: there may be several. */
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[imap]\ncount = 7\n[listener \"a\"]\ncount = 7\n", f);
	fclose(f);
	buf_reset(&out);
	assert_int_equal(conf_mistakes(tables, ARRAY_LEN(tables), path, &out), 2);
	/* A file without mistakes has none. */
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[imap]\ncount = 8\n", f);
	fclose(f);
	buf_reset(&out);
	assert_int_equal(conf_mistakes(tables, ARRAY_LEN(tables), path, &out), 0);
}

TEST(conf_live_swaps)
{
	struct conf_live *l = conf_live_new(parse("[imap]\ncount = 1\n"));
	struct conf *old = conf_live_get(l), *now;

	conf_live_swap(l, parse("[imap]\ncount = 2\n"));
	now = conf_live_get(l);
	assert_int_equal(((const struct values *)conf_get(old, &imap))->count, 1);
	assert_int_equal(((const struct values *)conf_get(now, &imap))->count, 2);
	conf_unref(old);
	conf_unref(now);
	conf_live_free(l);
}
