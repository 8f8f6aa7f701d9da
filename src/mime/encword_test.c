/* SPDX-License-Identifier: MIT */
/* Encoded words (RFC 2047 8), charsets, and the case mapping of SEARCH (RFC 5051). */
#include "base/test.h"
#include "mime/mime_int.h"

#include <stdio.h>
#include <string.h>

TEST(encword_decodes)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "plain", "plain" },
		{ "", "" },
		{ "=?US-ASCII?Q?Keith_Moore?=", "Keith Moore" },
		{ "=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xC3\xA9 Pirard" },
		{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
		  " =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
		  "If you can read this you understand the example." },
		/* RFC 2047 8, the table */
		{ "(=?ISO-8859-1?Q?a?=)", "(a)" },
		{ "(=?ISO-8859-1?Q?a?= b)", "(a b)" },
		{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)" },
		{ "(=?ISO-8859-1?Q?a?=    =?ISO-8859-1?Q?b?=)", "(ab)" },
		{ "(=?ISO-8859-1?Q?a_b?=)", "(a b)" },
		{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)" },
		/* RFC 2231 5: with a language */
		{ "=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore" },
		/* A character cut in two */
		{ "=?utf-8?Q?=C3?= =?UTF-8?B?vA==?=", "\xC3\xBC" },
		{ "=?koi8-r?Q?=C1?=", "\xD0\xB0" },
		{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xE6\x97\xA5\xE6\x9C\xAC" },
		{ "x=?utf-8?q?y?=z", "xyz" },
		{ "=?utf-8?q?a b?=", "a b" },
		{ "=?utf-8?q?" "?=", "" },
		{ "=?utf-8?q?why?" "?= =?utf-8?q?_how?_so?=", "why? how? so" },
		/* What is none stays */
		{ "=?utf-8?q?a?b =?utf-8?q?c?=", "=?utf-8?q?a?b c" },
		{ "=?utf-8?b?YQ?b?=", "=?utf-8?b?YQ?b?=" },
		{ "=?utf-8?q?a", "=?utf-8?q?a" },
		{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
		{ "=??q?a?=", "=??q?a?=" },
		{ "=?no/such//IGNORE?q?a?= =?utf-8?q?b?=", "=?no/such//IGNORE?q?a?= b" },
		{ "=?utf-8?q?b?= =?nosuch?q?a?= c", "b =?nosuch?q?a?= c" },
		{ "=?=?utf-8?q?b?=", "=?b" },
		/* Not UTF-8 */
		{ "a\xFC" "b\xC3\xBC\xC3 =?utf-8?q?c?=\x93", "a\xC3\xBC" "b\xC3\xBC\xC3\x83 c\xE2\x80\x9C" },
		{ "=?utf-8?q?=FF?=", "\xEF\xBF\xBD" },
		{ "=?euc-jp?q?=FF=41?=", "\xEF\xBF\xBD" "A" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf got = BUF_INIT(1000);
		AUTO(mem_auto_free) char *copy = test_copy(str_z(rows[i].in));

		test_row(rows[i].in);
		mime_encword_decode(str_of(copy, strlen(rows[i].in)), &got);
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}

TEST(charset_converts)
{
	static const struct {
		const char *charset, *in, *want;
		int err;
	} rows[] = {
		{ "utf8", "\xC3\xBC", "\xC3\xBC", 0 },
		{ "", "a", "a", 0 },
		{ "utf-8", "\x80", "\xEF\xBF\xBD", 0 },
		{ "unknown-8bit", "\x80", "\xE2\x82\xAC", 0 },
		{ "us-ascii", "\x81", "\xEF\xBF\xBD", 0 },
		{ "us-ascii", "\xC3\xBC", "\xC3\xBC", 0 },
		{ "ISO-8859-1", "\x80\xFC", "\xE2\x82\xAC\xC3\xBC", 0 },
		{ "iso8859-1", "\xFC", "\xC3\xBC", 0 },
		{ "latin-1", "\xFC", "\xC3\xBC", 0 },
		{ "iso-8859-8-i", "\xF9", "\xD7\xA9", 0 },
		{ "x-mac-roman", "\x9F", "\xC3\xBC", 0 },
		{ "windows-1252", "\x80", "\xE2\x82\xAC", 0 },
		{ " Shift_JIS ", "\x93\xFA", "\xE6\x97\xA5", 0 },
		{ "x-sjis", "~\\\x87\x40", "~\\\xE2\x91\xA0", 0 },
		{ "euc-jp", "\xAD\xA1", "\xE2\x91\xA0", 0 },
		{ "gb2312", "\xC4\xE3\xC4", "\xE4\xBD\xA0\xEF\xBF\xBD", 0 },
		{ "gb2312", "\x81\x40", "\xE4\xB8\x82", 0 },
		{ "KS_C_5601-1987", "\xC7\xD1\x8C\x63", "\xED\x95\x9C\xEB\x98\xA0", 0 },
		{ "big5", "\xA4\xA4", "\xE4\xB8\xAD", 0 },
		{ "unicode-1-1-utf-7", "+APw-", "\xC3\xBC", 0 },
		/* A set that waits for a mark behind each letter. */
		{ "windows-1255", "\xF9\xE0", "\xD7\xA9\xD7\x90", 0 },
		{ "windows-1258", "ng\x61", "nga", 0 },
		{ "UTF-8//IGNORE", "a", "", -E_BAD_CHARSET },
		{ "no such", "a", "", -E_BAD_CHARSET },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "a", "",
		  -E_BAD_CHARSET },
	};

	mime_charsets_load();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf got = BUF_INIT(1000);

		test_row(rows[i].charset);
		assert_int_equal(mime_to_utf8(str_z(rows[i].charset), str_z(rows[i].in), &got), rows[i].err);
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}

/* All names that stand in the tables mean a set that iconv has, and each stands once. */
TEST(charset_names_are_known)
{
	char word_z[LIMIT_MIME_CHARSET + 3];

	for (size_t i = 0; mime_charset_names(i) != NULL; i++)
		for (const char *p = mime_charset_names(i); p[1] != '\0'; p += strlen(word_z) - 1) {
			AUTO(buf_fini) struct buf got = BUF_INIT(100);

			snprintf(word_z, sizeof(word_z), "%.*s", (int)strcspn(p + 1, " ") + 2, p);
			test_row(word_z);
			assert_int_equal(mime_to_utf8(str_trim(str_z(word_z)), S(""), &got), 0);
			for (size_t k = 0; k < i; k++)
				assert_null(strstr(mime_charset_names(k), word_z));
			for (size_t k = 0; charset_table_names(k) != NULL; k++)
				assert_null(strstr(charset_table_names(k), word_z));
		}
}

/* Cut anywhere, once and everywhere. */
TEST(charset_in_pieces)
{
	static const struct {
		const char *charset;
		struct str in;
		const char *want;
	} rows[] = {
		{ "utf-8", STR_INIT("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xE2\x82"), "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "", STR_INIT("\xC3\xA4\xFC\xC3"), "\xC3\xA4\xC3\xBC\xC3\x83" },
		{ "utf-16le", STR_INIT("a\0\r\0\n\0\xE4\0=\xD8\0\xDE"), "a\r\n\xC3\xA4\xF0\x9F\x98\x80" },
		{ "utf-16le", STR_INIT("\0\xDE" "a\0"), "\xEF\xBF\xBD" "a" },
		{ "utf-16", STR_INIT("\xFE\xFF\0a\0\n\0\xE4"), "a\n\xC3\xA4" },
		{ "utf-32", STR_INIT("\xFF\xFE\0\0a\0\0\0\xE4\0\0\0"), "a\xC3\xA4" },
		{ "utf-7", STR_INIT("a+AOQ-b+AOQA5A-"), "a\xC3\xA4" "b\xC3\xA4\xC3\xA4" },
		{ "gb2312", STR_INIT("\xC4\xE3\xBA\xC3"), "\xE4\xBD\xA0\xE5\xA5\xBD" },
		{ "gb18030", STR_INIT("\x95\x32\x82\x36" "a"), "\xF0\xA0\x80\x80" "a" },
		{ "iso-2022-jp", STR_INIT("\033$BF|\nK\\\033(Ba"), "\xE6\x97\xA5\n\xE6\x9C\xAC" "a" },
		/* a number in a circle, half-width katakana, JIS X 0212 */
		{ "iso-2022-jp", STR_INIT("\033$B-!F|\033(I1\033(J~\033$(D\x30\x21\033(B"),
		  "\xE2\x91\xA0\xE6\x97\xA5\xEF\xBD\xB1~\xE4\xB8\x82" },
		/* two that are not there, and one that is; bytes of 8 bits */
		{ "iso-2022-jp", STR_INIT("\033$B)!)!F|\033$(D!!0!\033(Ba\xE9" "b"),
		  "\xEF\xBF\xBD\xEF\xBF\xBD\xE6\x97\xA5\xEF\xBF\xBD\xE4\xB8\x82" "a\xEF\xBF\xBD" "b" },
		/* half a character, a mark that is none, one that has no end */
		{ "iso-2022-jp", STR_INIT("\033$BF\nF|\033(Bx\033y\033$"), "\xEF\xBF\xBD\n\xE6\x97\xA5x\033y\xEF\xBF\xBD" },
		{ "iso-2022-kr", STR_INIT("\033$)C\016\107\121\017\nx\016\107\121\017"), "\xED\x95\x9C\nx\xED\x95\x9C" },
		{ "windows-1255", STR_INIT("\xF9\xC1\xE0"), "\xD7\xA9\xD6\xB1\xD7\x90" },
		{ "koi8-r", STR_INIT("\xC1\xC2"), "\xD0\xB0\xD0\xB1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t cut = 0; cut <= rows[i].in.n; cut++) {
			AUTO(mime_charset_close) struct mime_charset c;
			AUTO(buf_fini) struct buf got = BUF_INIT(1000);
			struct str in = rows[i].in;

			test_row(rows[i].charset);
			assert_int_equal(mime_charset_open(&c, str_z(rows[i].charset)), 0);
			for (size_t k = 0; cut == in.n && k < in.n; k++)
				mime_charset_add(&c, str_of(in.p + k, 1), &got);
			if (cut < in.n) {
				mime_charset_add(&c, str_head(in, cut), &got);
				mime_charset_add(&c, str_skip(in, cut), &got);
			}
			mime_charset_end(&c, &got);
			assert_str_eq(buf_str(&got), str_z(rows[i].want));
		}
}

TEST(charset_stops_at_the_maximum)
{
	AUTO(buf_fini) struct buf got = BUF_INIT(3);

	assert_int_equal(mime_to_utf8(S("koi8-r"), S("\xC1\xC1\xC1\xC1"), &got), 0);
	assert_true(buf_overflowed(&got));
}

TEST(casemap_titlecases_and_decomposes)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "Hello, World", "HELLO, WORLD" },
		{ "\xC3\xBC", "U\xCC\x88" },
		{ "\xC3\x9C", "U\xCC\x88" },
		/* RFC 5051 2: U+01C4 becomes D z U+030C */
		{ "\xC7\x84", "Dz\xCC\x8C" },
		{ "\xEF\xAC\x81", "fi" },
		{ "\xD0\xB0", "\xD0\x90" },
		{ "a\xFF", "a\xFF" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf got = BUF_INIT(1000);

		test_row(rows[i].in);
		mime_casemap(str_z(rows[i].in), &got);
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}
