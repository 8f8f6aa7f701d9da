/* SPDX-License-Identifier: MIT */
/* MTA-STS: records, policies and names, with the examples of RFC 8461 3.1, 3.2 and 4.1. */
#include "mailauth/sts.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/test.h"

#define MANY_MX 101

TEST(a_record_is_the_one_that_says_its_version)
{
	static const struct {
		const char *name, *records[3], *id;
	} rows[] = {
		{ "the RFC's", { "v=STSv1; id=20160831085700Z;" }, "20160831085700Z" },
		{ "no last delimiter", { "v=STSv1;id=1" }, "1" },
		{ "spaces around delimiters", { "v=STSv1 \t;\t id=1 ; " }, "1" },
		{ "others beside it", { "v=spf1 -all", "v=STSv1; id=a", "v=STSv10; id=b" }, "a" },
		{ "an unknown field", { "v=STSv1; x-y.z_1=a:b; id=1;" }, "1" },
		{ "the first id counts", { "v=STSv1; id=1; id=2;" }, "1" },
		{ "two records", { "v=STSv1; id=1;", "v=STSv1; id=2;" }, NULL },
		{ "no id", { "v=STSv1;" }, NULL },
		{ "an empty id", { "v=STSv1; id=;" }, NULL },
		{ "a bad id", { "v=STSv1; id=1-2;" }, NULL },
		{ "a long id", { "v=STSv1; id=123456789012345678901234567890123;" }, NULL },
		{ "no delimiter", { "v=STSv1" }, NULL },
		{ "not at its begin", { " v=STSv1; id=1;" }, NULL },
		{ "wrong case", { "v=stsv1; id=1;" }, NULL },
		{ "a field without value", { "v=STSv1; id=1; x;" }, NULL },
		{ "a space inside", { "v=STSv1; id=1; x=a b;" }, NULL },
		{ "an empty field", { "v=STSv1;; id=1;" }, NULL },
		{ "nothing", { "" }, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str records[3], id = { 0 };
		size_t n = 0;

		test_row(rows[i].name);
		for (; n < 3 && rows[i].records[n]; n++)
			records[n] = str_z(rows[i].records[n]);
		assert_int_equal(sts_record_parse(records, n, &id), rows[i].id != NULL);
		if (rows[i].id)
			assert_str_eq(id, str_z(rows[i].id));
	}
}

#define GOOD "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"

TEST(a_policy_is_well_formed_or_none)
{
	static const struct {
		const char *name, *text;
		int rc;
		enum sts_mode mode;
		int64_t age;
		size_t n_mx;
	} rows[] = {
		{ "the RFC's", GOOD "mx: backupmx.example.com\r\n", 0, STS_ENFORCE, 604800, 3 },
		{ "LF alone, no last one", "version: STSv1\nmode: testing\nmx: a.b\nmax_age: 1", 0, STS_TESTING, 1, 1 },
		{ "no spaces, any order", "max_age:0\nmx:A.B\nmode:enforce\nversion:STSv1\n", 0, STS_ENFORCE, 0, 1 },
		{ "none needs no mx", "version: STSv1\nmode: none\nmax_age: 86400\n", 0, STS_NONE, 86400, 0 },
		{ "an extension", GOOD "x-reason: h\xc3\xa9llo you\r\n", 0, STS_ENFORCE, 604800, 2 },
		{ "trailing spaces and empty lines", "\nversion: STSv1 \nmode: none\t\n\nmax_age: 1\n \n", 0, STS_NONE, 1, 0 },
		{ "the first of two counts", GOOD "mode: none\r\nmax_age: 1\r\n", 0, STS_ENFORCE, 604800, 2 },
		{ "an age beyond the longest", "version: STSv1\nmode: none\nmax_age: 9999999999\n", 0, STS_NONE, STS_MAX_AGE_S, 0 },
		{ "no mx", "version: STSv1\nmode: enforce\nmax_age: 1\n", -E_SYNTAX, 0, 0, 0 },
		{ "no version", "mode: none\nmax_age: 1\n", -E_SYNTAX, 0, 0, 0 },
		{ "another version", "version: STSv2\nmode: none\nmax_age: 1\n", -E_SYNTAX, 0, 0, 0 },
		{ "no mode", "version: STSv1\nmx: a.b\nmax_age: 1\n", -E_SYNTAX, 0, 0, 0 },
		{ "an unknown mode", "version: STSv1\nmode: Enforce\nmx: a.b\nmax_age: 1\n", -E_SYNTAX, 0, 0, 0 },
		{ "no age", "version: STSv1\nmode: none\n", -E_SYNTAX, 0, 0, 0 },
		{ "a long age", "version: STSv1\nmode: none\nmax_age: 12345678901\n", -E_SYNTAX, 0, 0, 0 },
		{ "a negative age", "version: STSv1\nmode: none\nmax_age: -1\n", -E_SYNTAX, 0, 0, 0 },
		{ "an inner star", GOOD "mx: mx.*.example.com\n", -E_SYNTAX, 0, 0, 0 },
		{ "a bare star", GOOD "mx: *\n", -E_SYNTAX, 0, 0, 0 },
		{ "an empty label", GOOD "mx: a..b\n", -E_SYNTAX, 0, 0, 0 },
		{ "a last dot", GOOD "mx: a.b.\n", -E_SYNTAX, 0, 0, 0 },
		{ "no colon", GOOD "<html>\n", -E_SYNTAX, 0, 0, 0 },
		{ "not UTF-8", GOOD "x: \xff\n", -E_SYNTAX, 0, 0, 0 },
		{ "nothing", "", -E_SYNTAX, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a;
		struct sts_policy p = { 0 };

		test_row(rows[i].name);
		arena_init(&a, 1u << 20);
		assert_int_equal(sts_policy_parse(str_z(rows[i].text), &a, &p), rows[i].rc);
		if (rows[i].rc < 0)
			continue;
		assert_int_equal(p.mode, rows[i].mode);
		assert_int_equal(p.max_age_s, rows[i].age);
		assert_int_equal(p.n_mx, rows[i].n_mx);
	}
}

TEST(a_nul_is_in_no_name)
{
	AUTO(arena_fini) struct arena a;
	struct sts_policy p;

	arena_init(&a, 1u << 20);
	assert_int_equal(sts_policy_parse(S(GOOD "mx: a.b\0c.example\n"), &a, &p), -E_SYNTAX);
	assert_int_equal(sts_policy_parse(S(GOOD "x\0y: z\n"), &a, &p), -E_SYNTAX);
}

TEST(a_policy_has_bounds)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1u << 20);
	AUTO(arena_fini) struct arena a;
	struct sts_policy p;

	arena_init(&a, 1u << 20);
	buf_add(&text, S(GOOD));
	while (text.n <= STS_POLICY_MAX)
		buf_add(&text, S("x: y\r\n"));
	assert_int_equal(sts_policy_parse(str_head(buf_str(&text), text.n - 6), &a, &p), 0);
	assert_int_equal(sts_policy_parse(buf_str(&text), &a, &p), -E_LIMIT);
	buf_reset(&text);
	buf_add(&text, S(GOOD));
	for (size_t i = 2; i < MANY_MX; i++)
		buf_printf(&text, "mx: a%zu.example\n", i);
	assert_int_equal(sts_policy_parse(buf_str(&text), &a, &p), -E_LIMIT);
}

/* RFC 1035 2.3.4: labels of 63 bytes, names of 255. */
TEST(hosts_of_a_policy_have_bounds)
{
	static const struct {
		size_t label, labels, rest;
		int rc;
	} rows[] = { { 63, 1, 0, 0 }, { 64, 1, 0, -E_SYNTAX }, { 63, 3, 63, 0 }, { 62, 3, 63, 0 }, { 31, 8, 0, 0 }, { 31, 8, 1, -E_SYNTAX } };
	AUTO(arena_fini) struct arena a;
	struct sts_policy p;

	arena_init(&a, 1u << 20);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf text = BUF_INIT(1000);

		test_row("a row of labels");
		buf_add(&text, S("version: STSv1\nmode: enforce\nmax_age: 1\nmx: "));
		for (size_t k = 0; k < rows[i].labels; k++)
			buf_printf(&text, "%s%0*d", k ? "." : "", (int)rows[i].label, 0);
		if (rows[i].rest > 0)
			buf_printf(&text, ".%0*d", (int)rows[i].rest, 0);
		buf_add(&text, S("\n"));
		assert_int_equal(sts_policy_parse(buf_str(&text), &a, &p), rows[i].rc);
	}
	assert_int_equal(sts_policy_parse(S("version: STSv1\nmode: enforce\nmax_age: 1\nmx: a\0b\n"), &a, &p), -E_SYNTAX);
	assert_int_equal(sts_policy_parse(S(GOOD "x\0y: z\n"), &a, &p), -E_SYNTAX);
}

TEST(a_star_is_one_whole_label)
{
	static const struct {
		const char *host;
		bool is_good;
	} rows[] = {
		{ "mail.example.com", true },  { "MAIL.Example.COM", true }, { "a.example.net", true },     { "A.EXAMPLE.NET", true },
		{ "example.net", false },      { "a.b.example.net", false }, { "xexample.net", false },     { "mail.example.com.", false },
		{ ".example.net", false },     { "example.com", false },     { "x.mail.example.com", false }, { "", false },
		{ "a.example.net.evil.test", false },
	};
	AUTO(arena_fini) struct arena a;
	struct sts_policy p;

	arena_init(&a, 1u << 20);
	assert_int_equal(sts_policy_parse(S(GOOD), &a, &p), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].host);
		assert_int_equal(sts_policy_has_mx(&p, str_z(rows[i].host)), rows[i].is_good);
	}
}
