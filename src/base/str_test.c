/* SPDX-License-Identifier: MIT */
/* Slices: comparisons, searches, cuts, numbers, UTF-8. */
#include "base/str.h"

#include "base/test.h"

TEST(str_comparisons)
{
	assert_true(str_eq(S(""), (struct str){ NULL, 0 }));
	assert_true(str_ieq(S("INBOX"), S("inBox")));
	assert_false(str_ieq(S("INBOX"), S("inBoxx")));
	assert_false(str_ieq(S("a["), S("a{")));
	assert_true(str_istarts(S("MAIL FROM:<>"), S("mail from:")));
	assert_false(str_istarts(S("MAI"), S("mail")));
	assert_true(str_icmp(S("a"), S("B")) < 0);
	assert_true(str_icmp(S("ab"), S("A")) > 0);
	assert_true(str_cmp(S("\x80"), S("a")) > 0);
	assert_true(str_cmp(S("a"), S("a")) == 0);
	assert_true(str_ends(S("a.example"), S(".example")));
	assert_true(str_eq_secret(S("secret"), S("secret")));
	assert_false(str_eq_secret(S("secret"), S("secreT")));
	assert_false(str_eq_secret(S("secret"), S("secre")));
}

TEST(str_searches)
{
	assert_int_equal(str_chr(S("a,b,c"), ','), 1);
	assert_int_equal(str_rchr(S("a,b,c"), ','), 3);
	assert_int_equal(str_chr((struct str){ NULL, 0 }, ','), -1);
	assert_int_equal(str_find(S("abcabd"), S("abd")), 3);
	assert_int_equal(str_find(S("abc"), S("")), 0);
	assert_int_equal(str_find(S("ab"), S("abc")), -1);
	assert_int_equal(str_ifind(S("xABd"), S("abD")), 1);
	assert_int_equal(str_ifind(S(""), S("")), 0);
	assert_int_equal(str_ifind(S("ab"), S("abc")), -1);
}

TEST(str_cuts)
{
	struct str s = S("a,,b,"), head;
	static const char *const want[] = { "a", "", "b" };

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(str_split(&s, ',', &head));
		assert_str_eq(head, str_z(want[i]));
	}
	assert_false(str_split(&s, ',', &head));
	assert_str_eq(str_trim(S(" \t a b\r\n")), S("a b"));
	assert_str_eq(str_trim(S(" \r\n")), S(""));
	assert_str_eq(str_skip(S("abc"), 5), S(""));
	assert_str_eq(str_head(S("abc"), 2), S("ab"));
}

TEST(str_to_u64)
{
	static const struct {
		const char *text;
		uint64_t max, want;
		bool is_ok;
	} rows[] = {
		{ "0", 10, 0, true },
		{ "10", 10, 10, true },
		{ "11", 10, 0, false },
		{ "", 10, 0, false },
		{ "-1", 10, 0, false },
		{ "+1", 10, 0, false },
		{ " 1", 10, 0, false },
		{ "1a", 10, 0, false },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
		{ "18446744073709551616", UINT64_MAX, 0, false },
		{ "99999999999999999999", UINT64_MAX, 0, false },
		{ "00000000000000000001", UINT64_MAX, 1, true },
		{ "000000000000000000001", UINT64_MAX, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t v = 77;

		test_row(rows[i].text);
		assert_int_equal(str_to_u64(str_z(rows[i].text), rows[i].max, &v), rows[i].is_ok);
		assert_true(v == (rows[i].is_ok ? rows[i].want : 77));
	}
}

TEST(str_is_utf8)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{ "", true },
		{ "plain ASCII, longer than eight", true },
		{ "gr\xc3\xbc\xc3\x9f", true },
		{ "12345678\xe2\x82\xac", true },
		{ "\xf0\x9f\x93\xa7", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xf4\x90\x80\x80", false }, /* beyond U+10FFFF */
		{ "\xc0\x80", false },         /* overlong NUL */
		{ "\xc1\xbf", false },
		{ "\xe0\x9f\xbf", false },     /* overlong */
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xed\xa0\x80", false },     /* surrogate */
		{ "\xc3", false },
		{ "\xe2\x82", false },
		{ "a\x80", false },
		{ "\xff", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].text);
		char *copy = test_copy(str_z(rows[i].text));

		test_row(rows[i].text);
		assert_int_equal(str_is_utf8(str_of(copy, n)), rows[i].want);
		mem_free(copy);
	}
	assert_true(str_is_ascii(S("abc\x7f")));
	assert_false(str_is_ascii(S("\x80")));
	assert_false(str_is_ascii(str_of("a\0b", 3)));
}

/* One odd byte at each place of texts of each length. */
TEST(str_is_ascii_at_each_place)
{
	char text[100];

	memset(text, 1, sizeof(text)); /* the byte that is nearest to 0 */
	for (size_t n = 0; n <= sizeof(text); n++) {
		assert_true(str_is_ascii(str_of(text, n)));
		for (size_t i = 0; i < n; i++) {
			for (int k = 0; k < 3; k++) {
				text[i] = (char)(k == 0 ? 0 : k == 1 ? 0x80 : 0xff);
				assert_false(str_is_ascii(str_of(text, n)));
			}
			text[i] = i % 2 ? 1 : 0x7f;
		}
		memset(text, 1, sizeof(text));
	}
}

/* The same, and a letter of two bytes. */
TEST(str_is_utf8_at_each_place)
{
	char text[100];

	memset(text, 'x', sizeof(text));
	for (size_t n = 0; n <= sizeof(text); n++) {
		assert_true(str_is_utf8(str_of(text, n)));
		for (size_t i = 0; i < n; i++) {
			text[i] = (char)0xc3;
			assert_false(str_is_utf8(str_of(text, n)));
			if (i + 1 < n) {
				text[i + 1] = (char)0xa9;
				assert_true(str_is_utf8(str_of(text, n)));
				text[i + 1] = 'x';
			}
			text[i] = (char)0x80;
			assert_false(str_is_utf8(str_of(text, n)));
			text[i] = 'x';
		}
	}
}

/* Against the same search in lower case. */
TEST(str_ifind_as_str_find)
{
	char text[12], lower[12], needle[4];
	uint64_t seed = 5;

	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)(round % 13), n_needle = (size_t)(round % 5);

		for (size_t i = 0; i < n; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[i] = "aAbB@\xe1"[(seed >> 40) % 6];
			lower[i] = str_lower_char(text[i]);
		}
		for (size_t i = 0; i < n_needle; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			needle[i] = "abb@"[(seed >> 40) % 4];
		}
		assert_int_equal(str_ifind(str_of(text, n), str_of(needle, n_needle)),
				 str_find(str_of(lower, n), str_of(needle, n_needle)));
	}
}
