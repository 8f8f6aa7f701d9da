/* SPDX-License-Identifier: MIT */
/*
 * Character sets to UTF-8. UTF-8 and US-ASCII are done here, sets with one byte for each character by
 * charset_table.c, the rest by iconv, which keeps each set in a module of its own and loads it on first use. Mail may name a
 * different one in each word, so modules are never unloaded: the first handle of each name stays open (pins).
 *
 * DEVIATION(RFC 2046 4.1.2): a name stands for the set that mail carries under it: "gb2312" has characters of GB 18030 in it, "shift_jis" is
 * what Windows means by it, and has a backslash where the standard has a yen sign. The larger set gives the same for what is in the smaller.
 */
#include "mime/mime_int.h"

#include "base/lock.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#define REPLACEMENT S("\xEF\xBF\xBD") /* U+FFFD */
#define PINS 512 /* more than iconv has modules */

static struct lock pin_lock = LOCK_INIT;
static struct {
	uint32_t hash;
	iconv_t cd;
} pins[PINS];
static size_t n_pins;

static const struct str utf8_names[] = {
	STR_INIT("utf-8"), STR_INIT("utf8"), STR_INIT("unicode-1-1-utf-8"), STR_INIT("iso-10646-utf-8"),
	STR_INIT("unicode-2-0-utf-8"), STR_INIT("unicode11utf8"), STR_INIT("unicode20utf8"), STR_INIT("x-unicode20utf8"),
	STR_INIT("x-utf-8"), STR_INIT("utf_8"), STR_INIT("cp65001"), STR_INIT("windows-65001"),
};

/* Names that say nothing about bytes above 0x7F. */
static const struct str unknown_names[] = {
	STR_INIT("us-ascii"), STR_INIT("ascii"), STR_INIT("unknown-8bit"), STR_INIT("x-unknown"), STR_INIT("unknown"),
	STR_INIT("default"), STR_INIT("x-user-defined"), STR_INIT("ansi_x3.4-1968"), STR_INIT("us-ascii-7-bit"),
	STR_INIT("usascii"), STR_INIT("us_ascii"), STR_INIT("x-ascii"), STR_INIT("646"), STR_INIT("iso646-us"),
	STR_INIT("iso-ir-6"), STR_INIT("7bit"), STR_INIT("8bit"), STR_INIT("binary"), STR_INIT("none"),
};

/*
 * The sets that mime_charsets_load() loads, as it does the tables: what mail carries. The server process can read no others later. Each with
 * its names in lower case, between spaces; the first is the one that iconv is asked for.
 */
static const char *const sets[] = {
	(" gb18030 gb2312 gb_2312 gb_2312-80 gb2312-80 csgb2312 csiso58gb231280 iso-ir-58 chinese euc-cn euccn cn-gb x-euc-cn gbk x-gbk cp936 "
	 "ms936 windows-936 gb18030-2000 gb_18030-2000 x-gb18030 "),
	" big5-hkscs big5hkscs big5 big-5 cn-big5 csbig5 x-x-big5 x-big5 big5-eten cp950 ms950 windows-950 ",
	" windows-31j cswindows31j shift_jis shift-jis shiftjis sjis x-sjis x-shift-jis ms_kanji csshiftjis cp932 ms932 windows-932 ",
	" euc-jp-ms eucjp-ms euc-jp eucjp x-euc-jp x-euc cseucpkdfmtjapanese cp51932 eucjp-win ",
	(" uhc ks_c_5601-1987 ks_c_5601-1989 ks_c_5601 ksc5601 ksc_5601 ksc5601-1987 csksc56011987 iso-ir-149 korean euc-kr euckr cseuckr "
	 "x-euc-kr cp949 ms949 windows-949 x-windows-949 "),
	" iso-2022-jp csiso2022jp iso-2022-jp-1 iso-2022-jp-ms cp50220 cp50221 cp50222 x-iso-2022-jp jis ",
	" iso-2022-jp-2 csiso2022jp2 ",
	" iso-2022-kr csiso2022kr ",
	" iso-2022-cn csiso2022cn ",
	" utf-7 utf7 unicode-1-1-utf-7 csunicode11utf7 unicode-2-0-utf-7 x-unicode-2-0-utf-7 ",
	" utf-16 utf16 unicode csunicode unicodefeff ucs-2 ucs2 iso-10646-ucs-2 ",
	" utf-16le utf16le utf-16-le ",
	" utf-16be utf16be utf-16-be ",
	" utf-32 utf32 ucs-4 ucs4 iso-10646-ucs-4 ",
	" utf-32le utf32le ",
	" utf-32be utf32be ",
	" windows-1255 cp1255 ms-hebr x-cp1255 ",
	" windows-1258 cp1258 x-cp1258 ",
	" tcvn5712-1 tcvn tcvn-5712 ",
	" euc-tw euctw x-euc-tw ",
	" johab cp1361 x-johab ",
};

/* The length of the character at the start of s, which is not empty; 0: there is none. */
static size_t character(struct str s)
{
	utf8proc_int32_t code;
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &code);

	return n > 0 ? (size_t)n : 0;
}

/* With each byte that is none replaced: by U+FFFD, or by what it is in a table. */
static void add_utf8(struct str in, const uint16_t *codes, struct buf *out)
{
	if (str_is_utf8(in)) {
		buf_add(out, in);
		return;
	}
	while (in.n > 0 && !buf_overflowed(out)) {
		size_t good = 0, bad = 0, n;

		while (good < in.n && (n = character(str_skip(in, good))) > 0)
			good += n;
		buf_add(out, str_head(in, good));
		in = str_skip(in, good);
		while (bad < in.n && character(str_skip(in, bad)) == 0)
			bad++;
		if (codes != NULL)
			charset_table_convert(codes, str_head(in, bad), out);
		for (size_t i = 0; i < bad && codes == NULL; i++)
			buf_add(out, REPLACEMENT);
		in = str_skip(in, bad);
	}
}

void mime_utf8_clean(struct str in, struct buf *out)
{
	add_utf8(in, NULL, out);
}

void mime_utf8_guess(struct str in, struct buf *out)
{
	add_utf8(in, charset_table("windows-1252"), out);
}

static bool is_one_of(const struct str *names, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(names[i], name))
			return true;
	}
	return false;
}

/* Opens name_z a second time, to stay, unless that was done before. */
static void pin(const char *name_z)
{
	uint32_t hash = 2166136261u;
	size_t i = 0;

	for (const char *p = name_z; *p != '\0'; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	lock_get(&pin_lock);
	while (i < n_pins && pins[i].hash != hash)
		i++;
	if (i == n_pins && n_pins < PINS) {
		pins[i].hash = hash;
		pins[i].cd = iconv_open("UTF-8", name_z);
		n_pins += pins[i].cd != (iconv_t)-1;
	}
	lock_put(&pin_lock);
}

static void first_name(const char *names_z, char out_z[LIMIT_MIME_CHARSET + 1])
{
	snprintf(out_z, LIMIT_MIME_CHARSET + 1, "%.*s", (int)strcspn(names_z + 1, " "), names_z + 1);
}

const char *mime_charset_names(size_t i)
{
	return i < ARRAY_LEN(sets) ? sets[i] : NULL;
}

/* What iconv is asked for when mail says name_z. */
static void iconv_name(char name_z[LIMIT_MIME_CHARSET + 1])
{
	char word_z[LIMIT_MIME_CHARSET + 3];
	size_t i = 0;

	snprintf(word_z, sizeof(word_z), " %s ", name_z);
	while (i < ARRAY_LEN(sets) && strstr(sets[i], word_z) == NULL)
		i++;
	if (i < ARRAY_LEN(sets))
		first_name(sets[i], name_z);
}

void mime_charsets_load(void)
{
	char name_z[LIMIT_MIME_CHARSET + 1];

	charset_tables_load();
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		first_name(sets[i], name_z);
		pin(name_z);
	}
}

/* RFC 2978 2.3: only letters, digits and a few marks; "/" would reach options of iconv_open(). */
static bool name_to_z(struct str name, char out[LIMIT_MIME_CHARSET + 1])
{
	if (name.n > LIMIT_MIME_CHARSET)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = str_lower_char(name.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("-_.:+()", c) == NULL))
			return false;
		out[i] = c;
	}
	out[name.n] = '\0';
	return true;
}

/* ---- text in pieces ---- */

int mime_charset_open(struct mime_charset *c, struct str charset)
{
	char name_z[LIMIT_MIME_CHARSET + 1];
	iconv_t cd;

	*c = (struct mime_charset){ .kind = MIME_CHARSET_UTF8 };
	charset = str_trim(charset);
	if (is_one_of(utf8_names, ARRAY_LEN(utf8_names), charset))
		return 0;
	if (charset.n == 0 || is_one_of(unknown_names, ARRAY_LEN(unknown_names), charset)) {
		c->codes = charset_table("windows-1252");
		return 0;
	}
	if (!name_to_z(charset, name_z))
		return -E_BAD_CHARSET;
	c->codes = charset_table(name_z);
	c->kind = c->codes != NULL ? MIME_CHARSET_TABLE : MIME_CHARSET_ICONV;
	if (c->codes != NULL)
		return 0;
	iconv_name(name_z);
	if (strcmp(name_z, "iso-2022-jp") == 0) {
		c->kind = MIME_CHARSET_JIS;
		c->unit = 2;
		snprintf(name_z, sizeof(name_z), "euc-jp-ms");
	}
	cd = iconv_open("UTF-8", name_z);
	if (cd == (iconv_t)-1)
		return -E_BAD_CHARSET;
	pin(name_z);
	c->cd = cd;
	if (c->kind == MIME_CHARSET_ICONV)
		c->unit = strncmp(name_z, "utf-16", 6) == 0 ? 2 : strncmp(name_z, "utf-32", 6) == 0 ? 4 : 1;
	return 0;
}

void mime_charset_close(struct mime_charset *c)
{
	if (c->cd != NULL)
		iconv_close(c->cd);
	c->cd = NULL;
}

/* Bytes at the end that may be the begin of a character. */
static size_t unfinished_utf8(struct str s)
{
	for (size_t back = 1; back <= 3 && back <= s.n; back++) {
		unsigned char lead = (unsigned char)s.p[s.n - back];

		if (lead >= 0xC0)
			return back < (lead >= 0xF0 ? 4u : lead >= 0xE0 ? 3u : 2u) ? back : 0;
		if (lead < 0x80)
			return 0;
	}
	return 0;
}

/* Returns how many bytes are left at the end that cannot be converted without those that follow. */
static size_t convert_by_iconv(struct mime_charset *c, struct str in, struct buf *out)
{
	/* iconv() takes a pointer to non-const but never writes there. */
	union {
		const char *in;
		char *out;
	} from = { .in = in.p };
	size_t left = in.n;
	char block[1024];

	while (left > 0 && !buf_overflowed(out)) {
		char *to = block;
		size_t room = sizeof(block), skipped;
		size_t got = iconv(c->cd, &from.out, &left, &to, &room);
		int err = got == (size_t)-1 ? errno : 0;

		/* It knows characters beyond U+10FFFF; each block holds whole ones. */
		mime_utf8_clean(str_of(block, sizeof(block) - room), out);
		if (err == 0 || err == E2BIG)
			continue;
		if (err != EILSEQ)
			return left;
		buf_add(out, REPLACEMENT);
		skipped = c->kind == MIME_CHARSET_JIS && (unsigned char)from.in[0] == 0x8F ? 3 : c->unit;
		skipped = skipped < left ? skipped : left;
		from.in += skipped;
		left -= skipped;
	}
	return 0;
}

static size_t convert_jis(struct mime_charset *c, struct str in, struct buf *out)
{
	enum charset_jis set = (enum charset_jis)c->jis;
	char block[1024];
	size_t before;

	do {
		size_t n;

		before = in.n;
		n = charset_jis_to_euc(&set, &in, block, sizeof(block));
		convert_by_iconv(c, str_of(block, n), out);
	} while (in.n > 0 && in.n < before && !buf_overflowed(out));
	c->jis = set;
	return in.n;
}

static size_t convert(struct mime_charset *c, struct str in, struct buf *out)
{
	size_t left;

	if (c->kind == MIME_CHARSET_JIS)
		return convert_jis(c, in, out);
	if (c->kind == MIME_CHARSET_ICONV)
		return convert_by_iconv(c, in, out);
	if (c->kind == MIME_CHARSET_TABLE) {
		charset_table_convert(c->codes, in, out);
		return 0;
	}
	left = unfinished_utf8(in);
	add_utf8(str_head(in, in.n - left), c->codes, out);
	return left;
}

/* What is left of in waits for more; so much that it cannot be one character is none. */
static void keep_left(struct mime_charset *c, struct str in, size_t left, struct buf *out)
{
	for (; left >= sizeof(c->rest); left--)
		buf_add(out, REPLACEMENT);
	memmove(c->rest, in.p + in.n - left, left);
	c->n_rest = left;
}

void mime_charset_add(struct mime_charset *c, struct str piece, struct buf *out)
{
	while (c->n_rest > 0 && piece.n > 0 && !buf_overflowed(out)) {
		struct str joined = str_of(c->rest, c->n_rest + 1);

		c->rest[c->n_rest] = piece.p[0];
		piece = str_skip(piece, 1);
		keep_left(c, joined, convert(c, joined, out), out);
	}
	if (piece.n > 0 && !buf_overflowed(out))
		keep_left(c, piece, convert(c, piece, out), out);
}

void mime_charset_end(struct mime_charset *c, struct buf *out)
{
	char block[64];
	char *to = block;
	size_t room = sizeof(block);

	if (c->kind == MIME_CHARSET_UTF8)
		add_utf8(str_of(c->rest, c->n_rest), c->codes, out);
	else if (c->n_rest > 0)
		buf_add(out, REPLACEMENT);
	c->n_rest = 0;
	if (c->cd == NULL)
		return;
	/* Some sets hold a letter back until they know that no mark for it follows. */
	iconv(c->cd, NULL, NULL, &to, &room);
	mime_utf8_clean(str_of(block, sizeof(block) - room), out);
}

int mime_to_utf8(struct str charset, struct str in, struct buf *out)
{
	AUTO(mime_charset_close) struct mime_charset c;
	int err = mime_charset_open(&c, charset);

	if (err < 0)
		return err;
	mime_charset_add(&c, in, out);
	mime_charset_end(&c, out);
	return 0;
}

/* RFC 5051 2: each character titlecased, then decomposed as far as it goes. */
static void casemap_character(utf8proc_int32_t code, struct buf *out)
{
	utf8proc_int32_t parts[32];
	utf8proc_ssize_t n;
	int boundary = 0;

	n = utf8proc_decompose_char(utf8proc_totitle(code), parts, ARRAY_LEN(parts),
				    UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE, &boundary);
	for (utf8proc_ssize_t i = 0; i < n && i < (utf8proc_ssize_t)ARRAY_LEN(parts); i++) {
		utf8proc_uint8_t bytes[4];

		buf_add(out, str_of(bytes, (size_t)utf8proc_encode_char(parts[i], bytes)));
	}
}

void mime_casemap(struct str utf8, struct buf *out)
{
	size_t i = 0;

	/* RFC 5051 2 (1)(b): what is no UTF-8 is compared as it is. */
	if (!str_is_utf8(utf8)) {
		buf_add(out, utf8);
		return;
	}
	while (i < utf8.n && !buf_overflowed(out)) {
		utf8proc_int32_t code;
		utf8proc_ssize_t n;
		char c = utf8.p[i];

		if ((c & 0x80) == 0) {
			buf_add_char(out, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
			i++;
			continue;
		}
		n = utf8proc_iterate((const utf8proc_uint8_t *)utf8.p + i,
				     (utf8proc_ssize_t)(utf8.n - i), &code);
		if (n <= 0)
			return;
		casemap_character(code, out);
		i += (size_t)n;
	}
}
