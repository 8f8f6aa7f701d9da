/* SPDX-License-Identifier: MIT */
/* Quoted-printable written, and read again. */
#include "base/rnd.h"
#include "base/test.h"
#include "mime/mime_int.h"

/* RFC 2045 6.7 */
TEST(encode_qp)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "plain\r\n", "plain\r\n" },
		{ "a=b", "a=3Db" },
		{ "gr\xc3\xbc\xc3\x9f", "gr=C3=BC=C3=9F" },
		{ "end \r\nend\t\r\n ", "end=20\r\nend=09\r\n=20" },
		{ "a b\tc", "a b\tc" },
		{ "--b\r\n-- \r\n-\r\na--b\r\n", "=2D-b\r\n=2D-=20\r\n-\r\na--b\r\n" },
		{ "012345678901234567890123456789012345678901234567890123456789012345678901234--b\r\n",
		  "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n=2D-b\r\n" },
		{ "a\nb\rc\r\r\n", "a=0Ab=0Dc=0D\r\n" },
		{ "012345678901234567890123456789012345678901234567890123456789012345678901234\r\n",
		  "012345678901234567890123456789012345678901234567890123456789012345678901234\r\n" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n",
		  "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n5\r\n" },
		{ "01234567890123456789012345678901234567890123456789012345678901234567890123\x80",
		  "01234567890123456789012345678901234567890123456789012345678901234567890123=\r\n=80" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(1000);

		test_row(rows[i].in);
		mime_qp_encode(str_z(rows[i].in), &out);
		assert_str_eq(buf_str(&out), str_z(rows[i].want));
	}
}

TEST(encode_qp_any_bytes_come_back)
{
	for (int round = 0; round < 200; round++) {
		AUTO(buf_fini) struct buf text = BUF_INIT(10000), back = BUF_INIT(10000);
		char in[500];
		size_t n = (size_t)(rnd_u64() % sizeof(in));
		struct str rest, line;

		rnd_bytes(in, n);
		for (size_t i = 0; i < n; i++)
			if (round % 2 && in[i] % 3 == 0)
				in[i] = " \r\n"[(unsigned char)in[i] / 3 % 3];
		mime_qp_encode(str_of(in, n), &text);
		assert_true(mime_has_plain_lines(mime_buf_text(&text)) && (n == 0 || str_is_ascii(buf_str(&text))));
		for (rest = buf_str(&text); str_split(&rest, '\n', &line);)
			assert_true(line.n <= 77);
		mime_cte_decode(MIME_CTE_QP, buf_str(&text), &back);
		assert_str_eq(buf_str(&back), str_of(in, n));
	}
}

TEST(encode_has_long_lines)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(1 << 20);

	assert_false(mime_has_long_lines(S("")));
	for (size_t before = 0; before < 1100; before += 7) {
		buf_reset(&text);
		for (size_t i = 0; i < before; i++)
			buf_add_char(&text, i % 77 == 76 ? '\n' : 'a');
		buf_add(&text, S("\r\n"));
		for (size_t n = text.n; text.n < n + 998;)
			buf_add_char(&text, 'b');
		assert_false(mime_has_long_lines(buf_str(&text)));
		buf_add(&text, S("\r\n"));
		assert_false(mime_has_long_lines(buf_str(&text)));
		buf_truncate(&text, text.n - 2);
		buf_add_char(&text, 'b');
		assert_true(mime_has_long_lines(buf_str(&text)));
		buf_add(&text, S("\r\nend\r\n"));
		assert_true(mime_has_long_lines(buf_str(&text)));
	}
}

TEST(encode_has_plain_lines)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(2000);

	assert_true(mime_has_plain_lines(S("")));
	assert_true(mime_has_plain_lines(S("a\r\n\r\n\xff")));
	assert_false(mime_has_plain_lines(S("a\nb")));
	assert_false(mime_has_plain_lines(S("\n")));
	assert_false(mime_has_plain_lines(S("a\rb\r\n")));
	assert_false(mime_has_plain_lines(S("a\r\r\n")));
	assert_false(mime_has_plain_lines(S("end\r")));
	assert_false(mime_has_plain_lines(S("a\0b\r\n")));
	for (int i = 0; i < 998; i++)
		buf_add_char(&line, 'x');
	buf_add(&line, S("\r\n"));
	assert_true(mime_has_plain_lines(buf_str(&line)));
	buf_truncate(&line, 998);
	buf_add(&line, S("x\r\n"));
	assert_false(mime_has_plain_lines(buf_str(&line)));
}
