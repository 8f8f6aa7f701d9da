/* SPDX-License-Identifier: MIT */
#include "mime/mime_int.h"

#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "base/test.h"

/* Byte for byte by iconv, with U+FFFD for what it refuses: what a table has to give. */
static void by_iconv(iconv_t cd, struct str in, struct buf *out)
{
	char copy[512], text[2048];
	char *from = copy, *to = text;
	size_t left = in.n, room = sizeof(text);

	memcpy(copy, in.p, in.n);
	iconv(cd, NULL, NULL, NULL, NULL);
	while (left > 0 && iconv(cd, &from, &left, &to, &room) == (size_t)-1) {
		memcpy(to, "\xEF\xBF\xBD", 3);
		to += 3;
		room -= 3;
		from++;
		left--;
	}
	iconv(cd, NULL, NULL, &to, &room); /* what it would hold back */
	buf_add(out, str_of(text, sizeof(text) - room));
}

/* Each byte beside each other one would be 65,536 pairs; a walk in odd steps puts each beside several. */
static void fill_bytes(char bytes[512], unsigned step)
{
	for (unsigned i = 0; i < 512; i++)
		bytes[i] = (char)(unsigned char)(i * step + i / 256);
}

/* A set of Windows stands for one that is the same but for controls, which it has characters for: what iconv has for another byte is right. */
static void check_bytes(const char *name_z, const uint16_t *codes)
{
	iconv_t cd = iconv_open("UTF-8", name_z);

	for (unsigned b = 0; b < 256 && cd != (iconv_t)-1; b++) {
		AUTO(buf_fini) struct buf want = BUF_INIT(16), got = BUF_INIT(16);
		char byte = (char)(unsigned char)b;

		by_iconv(cd, str_of(&byte, 1), &want);
		charset_table_convert(codes, str_of(&byte, 1), &got);
		if ((b < 0x80 || b > 0x9F) && !str_eq(buf_str(&want), S("\xEF\xBF\xBD")))
			assert_str_eq(buf_str(&got), buf_str(&want));
	}
	if (cd != (iconv_t)-1)
		iconv_close(cd);
}

static void check_name(const char *name_z, const char *first_z)
{
	const uint16_t *codes = charset_table(name_z);
	iconv_t cd = iconv_open("UTF-8", first_z);
	char bytes[512];

	test_row(name_z);
	assert_non_null(codes);
	for (unsigned step = 1; step < 64 && cd != (iconv_t)-1; step += 2) {
		AUTO(buf_fini) struct buf want = BUF_INIT(2048), got = BUF_INIT(2048);

		fill_bytes(bytes, step);
		by_iconv(cd, str_of(bytes, sizeof(bytes)), &want);
		charset_table_convert(codes, str_of(bytes, sizeof(bytes)), &got);
		assert_str_eq(buf_str(&got), buf_str(&want));
	}
	if (cd != (iconv_t)-1)
		iconv_close(cd);
	check_bytes(name_z, codes);
}

TEST(charset_tables_give_what_iconv_gives)
{
	char name_z[LIMIT_MIME_CHARSET + 1], first_z[LIMIT_MIME_CHARSET + 1];
	size_t n_names = 0;

	for (size_t i = 0; charset_table_names(i) != NULL; i++) {
		const char *names = charset_table_names(i);

		snprintf(first_z, sizeof(first_z), "%.*s", (int)strcspn(names + 1, " "), names + 1);
		for (const char *p = names + 1; *p != '\0'; p += strlen(name_z) + 1, n_names++) {
			assert_true(strcspn(p, " ") < sizeof(name_z));
			snprintf(name_z, sizeof(name_z), "%.*s", (int)strcspn(p, " "), p);
			check_name(name_z, first_z);
		}
	}
	assert_true(n_names > 200);
}

/* A name stands once, or the second set would never be found by it. */
TEST(charset_tables_share_no_name)
{
	char word_z[LIMIT_MIME_CHARSET + 3];

	for (size_t i = 0; charset_table_names(i) != NULL; i++)
		for (const char *p = charset_table_names(i); p[1] != '\0'; p += strlen(word_z) - 1) {
			snprintf(word_z, sizeof(word_z), "%.*s", (int)strcspn(p + 1, " ") + 2, p);
			test_row(word_z);
			for (size_t k = 0; k < i; k++)
				assert_null(strstr(charset_table_names(k), word_z));
		}
}

TEST(charset_tables_are_not_for_more_bytes)
{
	static const char *const names[] = { "gbk", "shift_jis", "utf-16", "utf-7", "windows-1255", "windows-1258", "iso-2022-jp", "", "no-such", "8859", "iso" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		test_row(names[i]);
		assert_null(charset_table(names[i]));
	}
}

/* Where the buffer is full there are whole characters. */
TEST(charset_tables_stop_between_characters)
{
	AUTO(buf_fini) struct buf got = BUF_INIT(2000);
	char in[3000];

	memset(in, 0x80, sizeof(in)); /* U+20AC */
	assert_int_equal(mime_to_utf8(S("windows-1252"), str_of(in, sizeof(in)), &got), 0);
	assert_true(buf_overflowed(&got));
	assert_true(str_is_utf8(buf_str(&got)));
	assert_int_equal(got.n % 3, 0);
}
