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
