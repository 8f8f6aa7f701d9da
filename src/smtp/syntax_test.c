/* SPDX-License-Identifier: MIT */
/* Paths, parameters, xtext: what the grammar of RFC 5321 4.1.2 lets through, and what not. */
#include "smtp/syntax.h"

#include "base/limits.h"
#include "base/test.h"

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

TEST(paths)
{
	static const struct { /* long: table */
		const char *in;
		unsigned flags;
		int want;
		const char *address, *rest;
	} rows[] = {
		{ "<a@b.c>", 0, 1, "a@b.c", "" },
		{ "<a@b.c> SIZE=1", 0, 1, "a@b.c", " SIZE=1" },
		{ "<>", SMTP_PATH_NULL, 1, "", "" },
		{ "<>", 0, 0, NULL, NULL },
		{ "a@b.c", 0, 0, NULL, NULL },
		{ "<a@b.c", 0, 0, NULL, NULL },
		{ "<a b@c>", 0, 0, NULL, NULL },
		{ "<@b.c>", 0, 0, NULL, NULL },
		{ "<a@>", 0, 0, NULL, NULL },
		{ "<a>", 0, 0, NULL, NULL },
		{ "<a@b@c>", 0, 0, NULL, NULL },
		{ "<a..b@c>", 0, 0, NULL, NULL },
		{ "<.a@c>", 0, 0, NULL, NULL },
		{ "<a.@c>", 0, 0, NULL, NULL },
		{ "<a.b+tag=x@c-d.e>", 0, 1, "a.b+tag=x@c-d.e", "" },
		{ "<a@-b.c>", 0, 0, NULL, NULL },
		{ "<a@b-.c>", 0, 0, NULL, NULL },
		{ "<a@b..c>", 0, 0, NULL, NULL },
		{ "<a@b.c.>", 0, 0, NULL, NULL },
		{ "<a@my_pc.lan>", 0, 1, "a@my_pc.lan", "" },
		{ "<a@" LABEL63 ".c>", 0, 1, "a@" LABEL63 ".c", "" },
		{ "<a@" LABEL63 "a.c>", 0, 0, NULL, NULL },
		/* Postmaster needs no domain: RFC 5321 4.5.1 */
		{ "<Postmaster>", SMTP_PATH_POSTMASTER, 1, "postmaster", "" },
		{ "<PostMaster@b.c>", SMTP_PATH_POSTMASTER, 1, "PostMaster@b.c", "" },
		{ "<postmaster>", 0, 0, NULL, NULL },
		/* source routes are ignored: RFC 5321 C */
		{ "<@x.y,@z:a@b.c>", 0, 1, "a@b.c", "" },
		{ "<@x.y:a@b.c>", 0, 1, "a@b.c", "" },
		{ "<@x.y,:a@b.c>", 0, 0, NULL, NULL },
		{ "<@x.y a@b.c>", 0, 0, NULL, NULL },
		/* quoted local parts: RFC 5321 4.1.2 */
		{ "<\"a.b\"@c>", 0, 1, "a.b@c", "" },
		{ "<\"a\\.b\"@c>", 0, 1, "a.b@c", "" },
		{ "<\"a b\"@c>", 0, 1, "\"a b\"@c", "" },
		{ "<\"a\\ b\"@c>", 0, 1, "\"a b\"@c", "" },
		{ "<\"a\\\"b\"@c>", 0, 1, "\"a\\\"b\"@c", "" },
		{ "<\"a>b\"@c>", 0, 1, "\"a>b\"@c", "" },
		{ "<\"a@b\"@c>", 0, 1, "\"a@b\"@c", "" },
		{ "<\"\"@c>", 0, 1, "\"\"@c", "" },
		{ "<\"a\"b@c>", 0, 0, NULL, NULL },
		{ "<\"a@c>", 0, 0, NULL, NULL },
		{ "<\"a\\", 0, 0, NULL, NULL },
		{ "<\"a\tb\"@c>", 0, 0, NULL, NULL },
		/* address literals: RFC 5321 4.1.3 */
		{ "<a@[192.0.2.1]>", 0, 1, "a@[192.0.2.1]", "" },
		{ "<a@[IPv6:2001:db8::1]>", 0, 1, "a@[IPv6:2001:db8::1]", "" },
		{ "<a@[192.0.2.256]>", 0, 0, NULL, NULL },
		{ "<a@[2001:db8::1]>", 0, 0, NULL, NULL },
		{ "<a@[]>", 0, 0, NULL, NULL },
		{ "<a@[x:y]>", 0, 0, NULL, NULL },
		/* RFC 6531 3.3 */
		{ "<j\xc3\xbcrgen@b\xc3\xbc.c>", SMTP_PATH_UTF8, 1, "j\xc3\xbcrgen@b\xc3\xbc.c",
		  "" },
		{ "<j\xc3\xbcrgen@b.c>", 0, -E_BAD_CHARSET, NULL, NULL },
		{ "<j\xfcrgen@b.c>", SMTP_PATH_UTF8, 0, NULL, NULL },
	};
	struct arena a;

	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str all = str_z(rows[i].in), address = { 0 };
		char *copy = test_copy(all);
		struct str in = str_of(copy, all.n);

		test_row(rows[i].in);
		assert_int_equal(smtp_path_parse(&in, rows[i].flags, &a, &address), rows[i].want);
		if (rows[i].want == 1) {
			assert_str_eq(address, str_z(rows[i].address));
			assert_str_eq(in, str_z(rows[i].rest));
		} else {
			assert_int_equal(in.n, all.n);
		}
		mem_free(copy);
	}
	arena_fini(&a);
}

TEST(path_limits)
{
	char text[LIMIT_SMTP_PATH + 64];
	struct str in = str_of(text, sizeof(text)), address;
	struct arena a;

	arena_init(&a, 1 << 16);
	memset(text, 'a', sizeof(text));
	memcpy(text, "<", 1);
	memcpy(text + sizeof(text) - 6, "@b.cc>", 6);
	assert_int_equal(smtp_path_parse(&in, 0, &a, &address), -E_TOO_BIG);
	arena_fini(&a);
	arena_init(&a, 1);
	in = S("<a@b>");
	assert_int_equal(smtp_path_parse(&in, 0, &a, &address), -E_LIMIT);
	arena_fini(&a);
}

TEST(params)
{
	static const struct {
		const char *in;
		int want;
		const char *keyword, *value;
	} rows[] = {
		{ "", 0, NULL, NULL },
		{ "  ", 0, NULL, NULL },
		{ " SIZE=100", 1, "SIZE", "100" },
		{ "  SIZE=100 X", 1, "SIZE", "100" },
		{ " SMTPUTF8", 1, "SMTPUTF8", NULL },
		{ "SIZE=1", -E_SYNTAX, NULL, NULL },
		{ " SIZE=", -E_SYNTAX, NULL, NULL },
		{ " =1", -E_SYNTAX, NULL, NULL },
		{ " -A=1", -E_SYNTAX, NULL, NULL },
		{ " A=b=c", -E_SYNTAX, NULL, NULL },
		{ " A_B=c", -E_SYNTAX, NULL, NULL },
		{ " A=\x7f", -E_SYNTAX, NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str in = str_z(rows[i].in);
		struct smtp_param param = { 0 };

		test_row(rows[i].in);
		assert_int_equal(smtp_param_next(&in, &param), rows[i].want);
		if (rows[i].want == 1) {
			assert_str_eq(param.keyword, str_z(rows[i].keyword));
			assert_int_equal(param.value.p == NULL, rows[i].value == NULL);
			assert_str_eq(param.value, str_z(rows[i].value));
		}
	}
}

TEST(xtext)
{
	static const struct {
		const char *in, *want; /* NULL: not xtext */
	} rows[] = {
		{ "abc", "abc" },  { "a+2Bb", "a+b" }, { "+3D", "=" },  { "", "" },
		{ "a+2bb", NULL }, { "a+2", NULL },    { "a=b", NULL }, { "a b", NULL },
		{ "+", NULL },     { "\x80", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(64);

		test_row(rows[i].in);
		assert_int_equal(smtp_xtext_decode(str_z(rows[i].in), &out), rows[i].want != NULL);
		if (rows[i].want)
			assert_str_eq(buf_str(&out), str_z(rows[i].want));
	}
}

TEST(orcpt)
{
	assert_true(smtp_orcpt_is_valid(S("rfc822;a@b.c"), false));
	assert_true(smtp_orcpt_is_valid(S("rfc822;a+2Bb@b.c"), false));
	assert_true(smtp_orcpt_is_valid(S("utf-8;j\xc3\xbc@b.c"), true));
	assert_true(smtp_orcpt_is_valid(S("utf-8;j\\x{FC}@b.c"), false));
	assert_false(smtp_orcpt_is_valid(S("utf-8;j\xc3\xbc@b.c"), false));
	assert_false(smtp_orcpt_is_valid(S("rfc822;j\xc3\xbc@b.c"), true));
	assert_false(smtp_orcpt_is_valid(S("rfc822;"), false));
	assert_false(smtp_orcpt_is_valid(S(";a@b.c"), false));
	assert_false(smtp_orcpt_is_valid(S("a@b.c"), false));
	assert_false(smtp_orcpt_is_valid(S("rf c;a@b.c"), false));
}

TEST(helo_names)
{
	assert_true(smtp_helo_is_valid(S("mx.example.org")));
	assert_true(smtp_helo_is_valid(S("MY_PC")));
	assert_true(smtp_helo_is_valid(S("[192.0.2.1]")));
	assert_true(smtp_helo_is_valid(S("[IPv6:::1]")));
	assert_false(smtp_helo_is_valid(S("")));
	assert_false(smtp_helo_is_valid(S("a;b")));
	assert_false(smtp_helo_is_valid(S("a(b)")));
	assert_false(smtp_helo_is_valid(S("caf\xc3\xa9")));
}
