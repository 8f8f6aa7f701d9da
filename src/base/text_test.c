/* SPDX-License-Identifier: MIT */
/* Base64 and hexadecimal: RFC 4648 10 test vectors and what must be refused. */
#include "base/text.h"

#include "base/test.h"

TEST(text_b64_vectors)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd", "//79" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf b = BUF_INIT(100);

		test_row(rows[i].plain);
		text_b64_encode(&b, str_z(rows[i].plain));
		assert_str_eq(buf_str(&b), str_z(rows[i].coded));
		buf_reset(&b);
		assert_true(text_b64_decode(&b, str_z(rows[i].coded)));
		assert_str_eq(buf_str(&b), str_z(rows[i].plain));
	}
}

TEST(text_b64_refuses)
{
	static const char *const rows[] = {
		"Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm9v\n", "Zm 9v", "Zh==", "Zm9=", "Zm-_",
		"=g==",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf b = BUF_INIT(100);

		test_row(rows[i]);
		assert_false(text_b64_decode(&b, str_z(rows[i])));
	}
}

TEST(text_quote)
{
	struct buf b = BUF_INIT(100);

	text_quote(&b, S("a \"b\" \\"));
	assert_str_eq(buf_str(&b), S("\"a \\\"b\\\" \\\\\""));
	buf_fini(&b);
}

TEST(text_hex_digit)
{
	assert_int_equal(text_hex_digit('9'), 9);
	assert_int_equal(text_hex_digit('a'), 10);
	assert_int_equal(text_hex_digit('F'), 15);
	assert_int_equal(text_hex_digit('g'), -1);
	assert_int_equal(text_hex_digit('\0'), -1);
}

TEST(text_hex)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(100);

	text_hex(&b, str_of("\x00\x7f\xff", 3));
	assert_str_eq(buf_str(&b), S("007fff"));
}

TEST(what_strangers_say_may_be_shown)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "a\tb\nc", "a b\nc" },
		{ "\033[31mred\x7f", "?[31mred?" },
		{ "\xc2\x9b" "31m", "??31m" },
		{ "caf\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe4\xbd\xa0 \xf0\x9f\x98\x80" },
		{ "\xe9t\xe9", "?t?" },
		{ "cut \xc3", "cut ?" },
		/* what makes a terminal show other text than there is: U+202A to U+202E, U+2066 to U+2069; and its lines, U+2028 and U+2029 */
		{ "exe.\xe2\x80\xaegpj", "exe.???gpj" },
		{ "\xe2\x80\xaa|\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x81\xa6|\xe2\x81\xa9", "???|???|???|???|???" },
		{ "\xe2\x80\xa7|\xe2\x80\xaf|\xe2\x81\xa5", "\xe2\x80\xa7|\xe2\x80\xaf|\xe2\x81\xa5" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(100);

		text_clean(&out, str_z(rows[i].text));
		buf_add_char(&out, '\0');
		assert_string_equal(out.p, rows[i].want);
	}
}
