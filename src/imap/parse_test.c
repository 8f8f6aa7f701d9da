/* SPDX-License-Identifier: MIT */
/*
 * The cursor: RFC 9051 9, production by production, in exact heap copies so that a read
 * past the end shows.
 */
#include "imap/parse.h"

#include "base/limits.h"
#include "base/test.h"
#include "store/view.h"

#define ARENA (1u << 20)

/* ---- strings ---- */

enum kind { ASTRING, STRING, NSTRING, ATOM, TAG, QUOTED, LITERAL, MAILBOX, MAILBOX8, PATTERN };

static const struct {
	enum kind kind;
	const char *in;
	int want; /* what the function returns */
	const char *text;
	const char *rest;
} strings[] = {
	{ ATOM, "abc def", 1, "abc", " def" },
	{ ATOM, "a]b", 1, "a", "]b" },
	{ ATOM, "(", 0, NULL, "(" },
	{ ATOM, "", 0, NULL, "" },
	{ ATOM, "\xc3\xa9", 0, NULL, "\xc3\xa9" },
	{ TAG, "a1+b", 1, "a1", "+b" },
	{ TAG, "+", 0, NULL, "+" },
	{ TAG, "a] x", 1, "a]", " x" },
	{ ASTRING, "a]b c", 1, "a]b", " c" },
	{ ASTRING, "a%b", 1, "a", "%b" },
	{ ASTRING, "\"a b\" c", 1, "a b", " c" },
	{ ASTRING, "{3}\r\na\"bc", 1, "a\"b", "c" },
	{ ASTRING, "{3+}\r\nabc", 1, "abc", "" },
	{ QUOTED, "\"a\\\"b\\\\c\"", 1, "a\"b\\c", "" },
	{ QUOTED, "\"\"", 1, "", "" },
	{ QUOTED, "\"a\\bc\"", 0, NULL, "\"a\\bc\"" },
	{ QUOTED, "\"abc", 0, NULL, "\"abc" },
	{ QUOTED, "\"abc\\", 0, NULL, "\"abc\\" },
	{ QUOTED, "\"a\rb\"", 0, NULL, "\"a\rb\"" },
	{ QUOTED, "\"\xc3\xa9\"", 1, "\xc3\xa9", "" },
	{ QUOTED, "\"\xe9\"", 0, NULL, "\"\xe9\"" },
	{ LITERAL, "{0}\r\nx", 1, "", "x" },
	{ LITERAL, "{4}\r\nabc", 0, NULL, "{4}\r\nabc" },
	{ LITERAL, "{}\r\nabc", 0, NULL, "{}\r\nabc" },
	{ LITERAL, "{-1}\r\nabc", 0, NULL, "{-1}\r\nabc" },
	{ LITERAL, "{1}abc", 0, NULL, "{1}abc" },
	{ LITERAL, "{99999999999999999999}\r\na", 0, NULL, "{99999999999999999999}\r\na" },
	{ LITERAL, "~{1}\r\na", 0, NULL, "~{1}\r\na" },
	{ STRING, "abc", 0, NULL, "abc" },
	{ NSTRING, "NIL)", 1, NULL, ")" },
	{ NSTRING, "nil", 1, NULL, "" },
	{ NSTRING, "NILS", 0, NULL, "NILS" },
	{ NSTRING, "\"NIL\"", 1, "NIL", "" },
	{ MAILBOX, "inBox x", 1, "INBOX", " x" },
	{ MAILBOX, "\"inbox\"", 1, "INBOX", "" },
	{ MAILBOX, "Entw&APw-rfe", 1, "Entw\xc3\xbcrfe", "" },
	{ MAILBOX, "a&b", -E_CANNOT, NULL, "a&b" },
	{ MAILBOX, "\"\xc3\xa9 &-\"", 1, "\xc3\xa9 &-", "" }, /* RFC 6855 3: UTF-8, and nothing else */
	{ MAILBOX, "{2}\r\n\xc3(", -E_CANNOT, NULL, "{2}\r\n\xc3(" },
	{ MAILBOX8, "\"Entw\xc3\xbcrfe\"", 1, "Entw\xc3\xbcrfe", "" },
	{ MAILBOX8, "a&b", 1, "a&b", "" },
	{ MAILBOX8, "{1}\r\n\xe9", -E_CANNOT, NULL, "{1}\r\n\xe9" },
	{ PATTERN, "a%b*c]", 1, "a%b*c]", "" },
	{ PATTERN, "\"\" x", 1, "", " x" },
};

static int parse_one(struct imap_parse *p, enum kind kind, struct str *ret)
{
	switch (kind) {
	case ASTRING:
		return imap_parse_astring(p, ret);
	case STRING:
		return imap_parse_string(p, ret);
	case NSTRING:
		return imap_parse_nstring(p, ret);
	case ATOM:
		return imap_parse_atom(p, ret);
	case TAG:
		return imap_parse_tag(p, ret);
	case QUOTED:
		return imap_parse_quoted(p, ret);
	case LITERAL:
		return imap_parse_literal(p, ret, NULL);
	case MAILBOX:
		return imap_parse_mailbox(p, ret);
	case MAILBOX8:
		p->is_utf8 = true;
		return imap_parse_mailbox(p, ret);
	case PATTERN:
		return imap_parse_list_mailbox(p, ret);
	}
	return 0;
}

TEST(parse_strings)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(strings); i++) {
		AUTO(arena_fini) struct arena a = { 0 };
		struct str text = S("untouched");
		struct imap_parse p;
		char *in = test_copy(str_z(strings[i].in));

		test_row(strings[i].in);
		arena_init(&a, ARENA);
		imap_parse_init(&p, &a, str_of(in, strlen(strings[i].in)), false);
		assert_int_equal(parse_one(&p, strings[i].kind, &text), strings[i].want);
		assert_str_eq(str_of(p.p, (size_t)(p.end - p.p)), str_z(strings[i].rest));
		if (strings[i].want > 0)
			assert_str_eq(text, str_z(strings[i].text));
		mem_free(in);
	}
}

TEST(parse_literal8)
{
	AUTO(arena_fini) struct arena a = { 0 };
	struct imap_parse p;
	struct str got;
	bool is_binary = false;

	arena_init(&a, ARENA);
	imap_parse_init(&p, &a, S("~{3}\r\na\0b{2}\r\nxy{2}\r\nx\0"), false);
	assert_int_equal(imap_parse_literal(&p, &got, &is_binary), 1);
	assert_true(is_binary);
	assert_str_eq(got, S("a\0b"));
	assert_int_equal(imap_parse_literal(&p, &got, &is_binary), 1);
	assert_false(is_binary);
	assert_int_equal(imap_parse_literal(&p, &got, &is_binary), 0);
}

/* ---- numbers and words ---- */

TEST(parse_numbers)
{
	static const struct {
		const char *in;
		int number, nz;
		uint32_t value;
	} rows[] = {
		{ "0", 1, 0, 0 },          { "1 ", 1, 1, 1 },  { "4294967295", 1, 1, UINT32_MAX },
		{ "4294967296", 0, 0, 0 }, { "007", 1, 0, 7 }, { "", 0, 0, 0 },
		{ "-1", 0, 0, 0 },         { "+1", 0, 0, 0 },  { "x", 0, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct imap_parse p;
		uint32_t v = 0;

		test_row(rows[i].in);
		imap_parse_init(&p, NULL, str_z(rows[i].in), false);
		assert_int_equal(imap_parse_number(&p, &v), rows[i].number);
		assert_int_equal(v, rows[i].value);
		imap_parse_init(&p, NULL, str_z(rows[i].in), false);
		assert_int_equal(imap_parse_nz_number(&p, &v), rows[i].nz);
	}
}

TEST(parse_words)
{
	struct imap_parse p;

	imap_parse_init(&p, NULL, S("return (x"), false);
	assert_int_equal(imap_parse_word(&p, S("RETUR")), 0);
	assert_int_equal(imap_parse_word(&p, S("RETURN")), 1);
	assert_int_equal(imap_parse_sp(&p), 1);
	assert_int_equal(imap_parse_char(&p, '('), 1);
	assert_int_equal(imap_parse_end(&p), 0);
	assert_int_equal(imap_parse_prefix(&p, S("X")), 1);
	assert_int_equal(imap_parse_end(&p), 1);
	assert_int_equal(imap_parse_peek(&p), -1);
	assert_int_equal(imap_parse_sp(&p), 0);
}

/* ---- sequence sets, flags, dates ---- */

TEST(parse_seqset)
{
	static const struct {
		const char *in;
		int want;
		size_t n;
		uint32_t lo, hi; /* of the last range */
	} rows[] = {
		{ "1", 1, 1, 1, 1 },
		{ "1:*", 1, 1, 1, 0 },
		{ "*", 1, 1, 0, 0 },
		{ "*:4,5:7", 1, 2, 5, 7 },
		{ "2,4:7,9,12:*", 1, 4, 12, 0 },
		{ "$", 1, 0, 0, 0 },
		{ "0", 0, 0, 0, 0 },
		{ "1,", 0, 0, 0, 0 },
		{ "1:", 0, 0, 0, 0 },
		{ ":1", 0, 0, 0, 0 },
		{ "1:0", 0, 0, 0, 0 },
		{ "", 0, 0, 0, 0 },
		{ "4294967296", 0, 0, 0, 0 },
		{ "1,,2", 0, 0, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { 0 };
		struct imap_seqset set = { 0 };
		struct imap_parse p;

		test_row(rows[i].in);
		arena_init(&a, ARENA);
		imap_parse_init(&p, &a, str_z(rows[i].in), false);
		assert_int_equal(imap_parse_seqset(&p, &set), rows[i].want);
		assert_int_equal(set.n, rows[i].n);
		if (set.n > 0) {
			assert_int_equal(set.r[set.n - 1].lo, rows[i].lo);
			assert_int_equal(set.r[set.n - 1].hi, rows[i].hi);
		}
		assert_int_equal(set.is_saved, rows[i].in[0] == '$');
	}
}

TEST(parse_partial)
{
	static const struct {
		const char *in;
		int want;
		uint32_t lo, hi;
		bool is_last;
	} rows[] = {
		{ "1:500", 1, 1, 500, false }, { "500:400", 1, 400, 500, false },
		{ "-1:-100", 1, 1, 100, true }, { "-500:-400", 1, 400, 500, true },
		{ "7:7", 1, 7, 7, false },      { "1:4294967295", 1, 1, UINT32_MAX, false },
		{ "-1:100", 0, 0, 0, false },   { "1:-100", 0, 0, 0, false },
		{ "0:5", 0, 0, 0, false },      { "-0:-5", 0, 0, 0, false },
		{ "1:*", 0, 0, 0, false },      { "1", 0, 0, 0, false },
		{ "1:4294967296", 0, 0, 0, false }, { "", 0, 0, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = ARENA };
		struct imap_partial v = { 0 };
		struct imap_parse p;

		test_row(rows[i].in);
		imap_parse_init(&p, &a, str_z(rows[i].in), false);
		assert_int_equal(imap_parse_partial(&p, &v), rows[i].want);
		assert_true(v.lo == rows[i].lo && v.hi == rows[i].hi && v.is_last == rows[i].is_last);
		assert_true(rows[i].want ? imap_parse_end(&p) && str_eq(v.text, str_z(rows[i].in))
					 : p.p == rows[i].in);
	}
}

TEST(parse_flag_list)
{
	static const struct {
		const char *in;
		int want;
		uint64_t flags;
		size_t n_keywords;
	} rows[] = {
		{ "()", 1, 0, 0 },
		{ "(\\seen \\DELETED)", 1, STORE_SEEN | STORE_DELETED, 0 },
		{ "(\\Answered $Forwarded $forwarded x)", 1, STORE_ANSWERED, 2 },
		{ "(\\Recent)", 0, 0, 0 },
		{ "(\\Other)", 0, 0, 0 },
		{ "( )", 0, 0, 0 },
		{ "( $Forwarded x)", 1, 0, 2 },
		{ "(  x)", 0, 0, 0 },
		{ "(a", 0, 0, 0 },
		{ "(a  b)", 0, 0, 0 },
		{ "(a )", 0, 0, 0 },
		{ "a", 0, 0, 0 },
		{ "(\\*)", 0, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { 0 };
		struct imap_flags flags = { 0 };
		struct imap_parse p;

		test_row(rows[i].in);
		arena_init(&a, ARENA);
		imap_parse_init(&p, &a, str_z(rows[i].in), false);
		assert_int_equal(imap_parse_flag_list(&p, &flags), rows[i].want);
		assert_int_equal(flags.flags, rows[i].flags);
		assert_int_equal(flags.n_keywords, rows[i].n_keywords);
	}
}

TEST(parse_dates)
{
	static const struct {
		const char *in;
		int want;
		int64_t s;
	} rows[] = {
		{ "\"17-Jul-1996 02:44:25 -0700\"", 1, 837596665 },
		{ "\" 1-Jan-1970 00:00:00 +0000\"", 1, 0 },
		{ "\"29-feb-2024 12:00:00 +0130\"", 1, 1709202600 },
		{ "\"29-Feb-2023 12:00:00 +0000\"", 0, 0 },
		{ "\"31-Dec-9999 23:59:60 +0000\"", 1, 253402300800 },
		{ "\"1-Jan-1970 00:00:00 +0000\"", 1, 0 },
		{ "\" 12-Jan-1970 00:00:00 +0000\"", 0, 0 },
		{ "\"-Jan-1970 00:00:00 +0000\"", 0, 0 },
		{ "\"  1-Jan-1970 00:00:00 +0000\"", 0, 0 },
		{ "\"001-Jan-1970 00:00:00 +0000\"", 0, 0 },
		{ "\"01-Jan-1970 24:00:00 +0000\"", 0, 0 },
		{ "\"01-Jan-1970 00:00:00 0000\"", 0, 0 },
		{ "\"01-Jan-1970 00:00:00 +0000", 0, 0 },
		{ "\"00-Jan-1970 00:00:00 +0000\"", 0, 0 },
		{ "\"01-Foo-1970 00:00:00 +0000\"", 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		char *in = test_copy(str_z(rows[i].in));
		struct imap_parse p;
		int64_t s = 0;

		test_row(rows[i].in);
		imap_parse_init(&p, NULL, str_of(in, strlen(rows[i].in)), false);
		assert_int_equal(imap_parse_date_time(&p, &s), rows[i].want);
		assert_int_equal(s, rows[i].s);
		mem_free(in);
	}
}

TEST(parse_search_dates)
{
	static const struct {
		const char *in;
		int want;
		int64_t s;
	} rows[] = {
		{ "1-Feb-1994", 1, 760060800 },
		{ "\"1-Feb-1994\"", 1, 760060800 },
		{ "01-Feb-1994", 1, 760060800 },
		{ "\"1-Feb-1994", 0, 0 },
		{ "1-Feb-94", 0, 0 },
		{ "31-Apr-1994", 0, 0 },
		{ "100-Apr-1994", 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct imap_parse p;
		int64_t s = 0;

		test_row(rows[i].in);
		imap_parse_init(&p, NULL, str_z(rows[i].in), false);
		assert_int_equal(imap_parse_date(&p, &s), rows[i].want);
		assert_int_equal(s, rows[i].s);
	}
}
