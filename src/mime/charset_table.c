/* SPDX-License-Identifier: MIT */
/*
 * Character sets with one byte for each character: 256 code points for each, asked of iconv once. After that its module, 8 KB of memory
 * that is written to and more for a handle, is not needed any more, and converting takes no lock.
 *
 * A set belongs here if iconv gives exactly one character at once for each byte, whatever came before, or refuses it. That is tried, so
 * a row that is wrong costs nothing but the trying. Without its module iconv knows no other names for the set: all stand here.
 *
 * ISO-8859-1, ISO-8859-9 and TIS-620 are read as the sets of Windows that have quotes, dashes and more where they have the controls from 0x80
 * to 0x9F: mail names the one and carries the other, and nobody means the controls.
 */
#include "mime/mime_int.h"

#include <errno.h>
#include <iconv.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/lock.h"

#define REPLACEMENT 0xFFFD /* for bytes that iconv refuses */

enum table_state { UNTRIED, HAS_CODES, NOT_ONE_BYTE };

/* The names of each set, in lower case, each between spaces: IANA's "Character Sets", and those that iconv has besides. */
static const char *const sets[] = {
	(" iso-8859-2 cp912 ibm912 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 8859_2 csisolatin2 "
	 "l2 latin2 latin-2 "),
	(" iso-8859-5 cp915 ibm915 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988 8859_5 "
	 "csisolatincyrillic cyrillic "),
	(" iso-8859-7 cp813 ibm813 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 iso_8859-7:2003 "
	 "8859_7 csisolatingreek ecma-118 elot_928 greek greek8 sun_eu_greek "),
	(" iso-8859-15 iso-ir-203 iso8859-15 iso885915 iso_8859-15 iso_8859-15:1998 latin-9 latin9 l9 "
	 "csisolatin9 csiso885915 "),
	" windows-1250 cp1250 ms-ee x-cp1250 cp-1250 ",
	" windows-1251 cp1251 ms-cyrl x-cp1251 cp-1251 win-1251 win1251 windows1251 ",
	(" windows-1252 cp1252 ms-ansi x-cp1252 cp-1252 win-1252 windows1252 x-ansi ansi iso-8859-1 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 "
	 "iso8859_1 8859_1 iso-8859 iso-latin-1 iso-ir-100 latin1 latin-1 l1 csisolatin1 cp819 ibm819 windows-28591 "),
	" windows-1253 cp1253 ms-greek x-cp1253 ",
	(" windows-1254 cp1254 ms-turk x-cp1254 iso-8859-9 cp920 ibm920 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 8859_9 "
	 "csisolatin5 ecma-128 l5 latin5 latin-5 ts-5881 "),
	" windows-1256 cp1256 ms-arab x-cp1256 ",
	" windows-1257 cp1257 winbaltrim x-cp1257 ",
	" koi8-r cskoi8r koi8r koi8_r koi8 koi x-koi8-r ",
	" koi8-u koi8u ",
	" koi8-ru ",
	" macintosh csmacintosh mac x-mac-roman mac-roman macroman ",
	" ibm850 cp850 850 cp-850 cspc850multilingual ",
	" iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 8859_3 csisolatin3 l3 latin3 ",
	" iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 8859_4 csisolatin4 l4 latin4 ",
	(" iso-8859-6 cp1089 ibm1089 iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987 8859_6 arabic "
	 "asmo-708 csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i csiso88596e csiso88596i "),
	(" iso-8859-8 cp916 ibm916 iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 8859_8 "
	 "csisolatinhebrew hebrew iso-8859-8-e iso-8859-8-i iso-8859-8i csiso88598e csiso88598i logical visual "),
	" iso-8859-10 iso-ir-157 iso8859-10 iso885910 iso_8859-10 iso_8859-10:1992 csisolatin6 l6 latin6 ",
	" iso-8859-13 iso-ir-179 iso8859-13 iso885913 baltic l7 latin7 ",
	" iso-8859-14 iso-celtic iso-ir-199 iso8859-14 iso885914 iso_8859-14 iso_8859-14:1998 l8 latin8 ",
	" iso-8859-16 iso-ir-226 iso8859-16 iso885916 iso_8859-16 iso_8859-16:2001 l10 latin10 ",
	(" windows-874 cp874 ibm874 874 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 iso-ir-166 tis620 tis620-0 tis620.2529-1 "
	 "tis620.2533-0 "),
	" ibm437 cp437 437 cspc8codepage437 ",
	" ibm852 cp852 852 cspcp852 ",
	" ibm855 cp855 855 csibm855 ",
	" ibm857 cp857 857 csibm857 ",
	" ibm858 cp858 858 cspc858multilingual ",
	" ibm862 dos-862 cp862 862 cspc862latinhebrew ",
	" ibm866 cp866 866 csibm866 ",
	" koi8-t ",
	" viscii ",
	" armscii-8 armscii8 ",
	" ibm865 cp865 865 csibm865 ",
	" ibm861 cp861 861 csibm861 ",
	" mac-centraleurope x-mac-centraleurope x-mac-ce mac-ce macce cmac ",
	" mac-cyrillic x-mac-cyrillic maccyrillic ",
	" mac-uk x-mac-ukrainian macukrainian macuk ",
	" mac-is x-mac-icelandic x-mac-iceland mac-iceland macis ",
};

static struct lock tables_lock = LOCK_INIT;
static struct {
	_Atomic enum table_state state;
	uint16_t codes[256];
} tables[ARRAY_LEN(sets)];

/* One character in up to three bytes of UTF-8; false when it is anything else. */
static bool read_code(const char *p, size_t n, uint16_t *ret)
{
	const unsigned char *u = (const unsigned char *)p;

	if (n == 1 && u[0] < 0x80)
		*ret = u[0];
	else if (n == 2 && u[0] >= 0xC0 && u[0] < 0xE0)
		*ret = (uint16_t)((u[0] & 0x1F) << 6 | (u[1] & 0x3F));
	else if (n == 3 && u[0] >= 0xE0 && u[0] < 0xF0)
		*ret = (uint16_t)((u[0] & 0x0F) << 12 | (u[1] & 0x3F) << 6 | (u[2] & 0x3F));
	else
		return false;
	return true;
}

/* False: this byte is not one character by itself. */
static bool try_byte(iconv_t cd, unsigned byte, uint16_t *ret)
{
	char in = (char)byte, out[16];
	char *from = &in, *to = out;
	size_t left = 1, room = sizeof(out);

	*ret = REPLACEMENT;
	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &from, &left, &to, &room) == (size_t)-1)
		return errno == EILSEQ;
	return read_code(out, sizeof(out) - room, ret);
}

static bool ask_iconv(const char *name_z, uint16_t codes[256])
{
	iconv_t cd = iconv_open("UTF-8", name_z);
	bool is_one_byte = true;

	if (cd == (iconv_t)-1)
		return false;
	for (unsigned b = 0; b < 256 && is_one_byte; b++)
		is_one_byte = try_byte(cd, b, &codes[b]);
	iconv_close(cd);
	return is_one_byte;
}

/* Its first name is the one that iconv is asked for. */
static void fill(size_t i)
{
	char name_z[LIMIT_MIME_CHARSET + 1];

	snprintf(name_z, sizeof(name_z), "%.*s", (int)strcspn(sets[i] + 1, " "), sets[i] + 1);
	lock_get(&tables_lock);
	if (tables[i].state == UNTRIED)
		tables[i].state = ask_iconv(name_z, tables[i].codes) ? HAS_CODES : NOT_ONE_BYTE;
	lock_put(&tables_lock);
}

const char *charset_table_names(size_t i)
{
	return i < ARRAY_LEN(sets) ? sets[i] : NULL;
}

const uint16_t *charset_table(const char *name_z)
{
	char word_z[LIMIT_MIME_CHARSET + 3];
	size_t i = 0;

	snprintf(word_z, sizeof(word_z), " %s ", name_z);
	while (i < ARRAY_LEN(sets) && strstr(sets[i], word_z) == NULL)
		i++;
	if (i == ARRAY_LEN(sets))
		return NULL;
	if (tables[i].state == UNTRIED)
		fill(i);
	return tables[i].state == HAS_CODES ? tables[i].codes : NULL;
}

void charset_tables_load(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		fill(i);
}

static size_t write_code(uint16_t c, char *to)
{
	size_t n = 0;

	if (c >= 0x800) {
		to[n++] = (char)(0xE0 | c >> 12);
		to[n++] = (char)(0x80 | (c >> 6 & 0x3F));
	} else if (c >= 0x80) {
		to[n++] = (char)(0xC0 | c >> 6);
	}
	to[n++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3F));
	return n;
}

void charset_table_convert(const uint16_t codes[256], struct str in, struct buf *out)
{
	char block[1024]; /* whole characters, also where the buffer is full */
	size_t n = 0;

	for (size_t i = 0; i < in.n && !buf_overflowed(out); i++) {
		n += write_code(codes[(unsigned char)in.p[i]], block + n);
		if (n > sizeof(block) - 3) {
			buf_add(out, str_of(block, n));
			n = 0;
		}
	}
	buf_add(out, str_of(block, n));
}
