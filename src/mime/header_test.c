/* SPDX-License-Identifier: MIT */
/* Cutting headers into fields, and unfolding. */
#include "base/test.h"
#include "mime/mime_int.h"

TEST(header_fields)
{
	static const char text[] = "From mbox line\n"
				   "Subject: a\r\n b\n\tc\r\n"
				   "Obsolete \t: x\r\n"
				   "no colon here\r\n"
				   "Empty:\r\n"
				   "B\xC3\xA4h: y\r\n"
				   "\r\n"
				   "Body: z\r\n";
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "", "From mbox line" },
		{ "Subject", " a\r\n b\n\tc" },
		{ "Obsolete", " x" },
		{ "", "no colon here" },
		{ "Empty", "" },
		{ "", "B\xC3\xA4h: y" },
	};
	AUTO(mem_auto_free) char *copy = test_copy(str_z(text));
	struct str rest = str_of(copy, strlen(text)), header, body;
	struct mime_field f;
	size_t raw_n = 0;

	mime_split(rest, &header, &body);
	assert_str_eq(body, S("Body: z\r\n"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].value);
		assert_int_equal(mime_field_next(&rest, &f), 1);
		assert_str_eq(f.name, str_z(rows[i].name));
		assert_str_eq(f.value, str_z(rows[i].value));
		raw_n += f.raw.n;
	}
	assert_int_equal(mime_field_next(&rest, &f), 0);
	assert_str_eq(rest, body);
	assert_int_equal(raw_n + 2, header.n);
	assert_true(mime_field_find(header, S("SUBJECT"), &f));
	assert_false(mime_field_find(header, S("Body"), &f));
}

TEST(header_split)
{
	static const struct {
		const char *message, *header;
	} rows[] = {
		{ "", "" },
		{ "\r\nbody", "\r\n" },
		{ "\nbody", "\n" },
		{ "A: b", "A: b" },
		{ "A: b\n", "A: b\n" },
		{ "A: b\r\n\r\n", "A: b\r\n\r\n" },
		{ "A: b\n \n\nc\n\nd", "A: b\n \n\n" },
		{ "A: b\r\r\n\nc", "A: b\r\r\n\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(mem_auto_free) char *copy = test_copy(str_z(rows[i].message));
		struct str header, body;

		test_row(rows[i].message);
		mime_split(str_of(copy, strlen(rows[i].message)), &header, &body);
		assert_str_eq(header, str_z(rows[i].header));
		assert_str_eq(body, str_z(rows[i].message + header.n));
	}
}

TEST(header_unfold)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ " a", "a" },
		{ " a\r\n b\n\tc \r\n ", "a b\tc" },
		{ "a\rb", "a\rb" },
		{ " \r\n \r\n", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 1000 };
		struct str got;

		test_row(rows[i].in);
		assert_int_equal(mime_unfold(&a, str_z(rows[i].in), &got), 0);
		assert_str_eq(got, str_z(rows[i].want));
	}
}

TEST(header_msg_ids)
{
	struct str s = S("junk <a@b> (c) <x y> <> <c@d><e@f> <open"), id;

	assert_int_equal(mime_msg_id_next(&s, &id), 1);
	assert_str_eq(id, S("<a@b>"));
	assert_int_equal(mime_msg_id_next(&s, &id), 1);
	assert_str_eq(id, S("<c@d>"));
	assert_int_equal(mime_msg_id_next(&s, &id), 1);
	assert_str_eq(id, S("<e@f>"));
	assert_int_equal(mime_msg_id_next(&s, &id), 0);
}
