/* SPDX-License-Identifier: MIT */
/* Language ranges (RFC 4647), and that what every refusal says is translated. */
#include "imap/language.h"

#include "base/err.h"
#include "base/test.h"

static const struct {
	const char *range;
	int want;
	enum imap_language language;
} ranges[] = {
	{ "de", 1, IMAP_LANG_DE },
	{ "DE-AT-1996", 1, IMAP_LANG_DE },
	{ "fr-CA", 1, IMAP_LANG_FR },
	{ "de-x-a", 1, IMAP_LANG_DE },
	{ "EN", 1, IMAP_LANG_EN },
	{ "i-default", 1, IMAP_LANG_DEFAULT },
	{ "I-Default-x", 1, IMAP_LANG_DEFAULT },
	{ "*", 1, IMAP_LANG_DEFAULT },
	{ "MUL", 0, 0 },
	{ "i", 0, 0 },
	{ "i-klingon", 0, 0 },
	{ "d", 0, 0 },
	{ "deu", 0, 0 },
	{ "", -E_SYNTAX, 0 },
	{ "-", -E_SYNTAX, 0 },
	{ "de-", -E_SYNTAX, 0 },
	{ "-de", -E_SYNTAX, 0 },
	{ "de--at", -E_SYNTAX, 0 },
	{ "de_at", -E_SYNTAX, 0 },
	{ "de-*", -E_SYNTAX, 0 },
	{ "abcdefghi", -E_SYNTAX, 0 },
	{ "d3", -E_SYNTAX, 0 },
};

TEST(language_ranges)
{
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
		enum imap_language got = 0;

		test_row(ranges[i].range);
		assert_int_equal(imap_language_find(str_z(ranges[i].range), &got), ranges[i].want);
		assert_int_equal(got, ranges[i].language);
	}
}

TEST(language_has_all_errors)
{
	for (int code = 1; err_row(code)->code == code; code++) {
		struct str english = str_z(err_row(code)->text);

		test_row(err_row(code)->text);
		for (int i = IMAP_LANG_EN; i < IMAP_LANG_COUNT_; i++) {
			struct str text = imap_language_text((enum imap_language)i, english);

			assert_int_equal(str_eq(text, english), i == IMAP_LANG_EN);
			/* RFC 5255 3.5: UTF8-TEXT-CHAR, which "[" does not begin. */
			assert_true(str_is_utf8(text) && text.n > 0 && text.p[0] != '[');
			assert_true(str_chr(text, '\r') < 0 && str_chr(text, '\n') < 0);
		}
	}
	assert_str_eq(imap_language_text(IMAP_LANG_DE, S("nobody says this")), S("nobody says this"));
	assert_str_eq(imap_language_text(IMAP_LANG_DEFAULT, S("see you")), S("see you"));
}
