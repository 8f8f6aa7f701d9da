/* SPDX-License-Identifier: MIT */
/*
 * ISO-2022-JP to EUC-JP. DEVIATION(RFC 2046 4.1.2): mail in it has the numbers in circles and the other characters that Windows puts into the
 * rows of JIS X 0208 that are free, half-width katakana and JIS X 0212. iconv's ISO-2022-JP refuses them, and is then off by a byte; its
 * EUC-JP-MS has them all.
 */
#include "mime/mime_int.h"

enum { ESC = 0x1B };

static const struct {
	struct str mark;
	enum charset_jis set;
} marks[] = {
	{ STR_INIT("\033(B"), CHARSET_JIS_ASCII }, { STR_INIT("\033(J"), CHARSET_JIS_ASCII }, /* JIS X 0201: its yen sign is a backslash for Windows */
	{ STR_INIT("\033$B"), CHARSET_JIS_0208 },  { STR_INIT("\033$@"), CHARSET_JIS_0208 },
	{ STR_INIT("\033(I"), CHARSET_JIS_KANA },  { STR_INIT("\033$(D"), CHARSET_JIS_0212 },
};

/* The length of the mark at the start of s; 0: none, -1: it may be the begin of one. */
static int take_mark(struct str s, enum charset_jis *set)
{
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (str_starts(s, marks[i].mark)) {
			*set = marks[i].set;
			return (int)marks[i].mark.n;
		}
		if (str_starts(marks[i].mark, s))
			return -1;
	}
	return 0;
}

static bool is_graphic(char c)
{
	return c > 0x20 && c < 0x7F;
}

/* The bytes of one character, taken from *s; 0: it needs more. */
static size_t take_character(struct str *s, enum charset_jis set, char to[3])
{
	bool is_double = set == CHARSET_JIS_0208 || set == CHARSET_JIS_0212;
	bool is_7bit = (s->p[0] & 0x80) == 0;
	size_t n = 0;

	if (is_7bit && (set == CHARSET_JIS_ASCII || !is_graphic(s->p[0]))) {
		to[0] = s->p[0];
		*s = str_skip(*s, 1);
		return 1;
	}
	if (is_7bit && is_double && s->n < 2)
		return 0;
	/* Half a character, as before a line end, and bytes that are none: two that EUC-JP has not. */
	if (!is_7bit || (is_double && !is_graphic(s->p[1]))) {
		to[0] = to[1] = (char)0xFF;
		*s = str_skip(*s, 1);
		return 2;
	}
	if (set == CHARSET_JIS_KANA)
		to[n++] = (char)0x8E;
	else if (set == CHARSET_JIS_0212)
		to[n++] = (char)0x8F;
	to[n++] = (char)(s->p[0] | 0x80);
	if (is_double)
		to[n++] = (char)(s->p[1] | 0x80);
	*s = str_skip(*s, is_double ? 2 : 1);
	return n;
}

size_t charset_jis_to_euc(enum charset_jis *set, struct str *s, char *to, size_t room)
{
	size_t n = 0;

	while (s->n > 0 && room - n >= 3) {
		int mark = s->p[0] == ESC ? take_mark(*s, set) : 0;
		size_t got;

		if (mark < 0)
			break;
		if (mark > 0) {
			*s = str_skip(*s, (size_t)mark);
			continue;
		}
		got = take_character(s, *set, to + n);
		if (got == 0)
			break;
		n += got;
	}
	return n;
}
