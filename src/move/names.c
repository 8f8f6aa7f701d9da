/* SPDX-License-Identifier: MIT */
/*
 * Names on the disk: of message files (https://cr.yp.to/proto/maildir.html, with the letters a to z that Dovecot adds) and of mailboxes
 * (Maildir++: ".Sent.2024" below the INBOX, in modified UTF-7, RFC 3501 5.1.3; some servers write UTF-8).
 */
#include "move/move.h"

#include "base/arena.h"
#include "base/limits.h"
#include "imap/utf7.h"
#include "store/mailbox.h"
#include "store/rights.h"

/* ---- files ---- */

static const struct {
	char letter;
	unsigned flag;
} letters[] = {
	{ 'D', STORE_DRAFT }, { 'F', STORE_FLAGGED }, { 'R', STORE_ANSWERED }, { 'S', STORE_SEEN }, { 'T', STORE_DELETED },
};

/* ":2,", or what stands for it where a file system has no colons. */
static ptrdiff_t find_info(struct str file)
{
	static const struct str marks[] = { STR_INIT(":2,"), STR_INIT(";2,"), STR_INIT("!2,") };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		ptrdiff_t at = str_find(file, marks[i]);

		if (at > 0)
			return at;
	}
	return -1;
}

struct move_file_name move_file_name_parse(struct str file)
{
	ptrdiff_t at = find_info(file);
	struct move_file_name r = { .base = at < 0 ? file : str_head(file, (size_t)at) };
	struct str info = at < 0 ? S("") : str_skip(file, (size_t)at + 3);

	for (size_t i = 0; i < info.n; i++) {
		char c = info.p[i];

		if (c >= 'a' && c <= 'z')
			r.letters |= 1u << (c - 'a');
		r.is_forwarded |= c == 'P';
		for (size_t k = 0; k < ARRAY_LEN(letters); k++)
			if (letters[k].letter == c)
				r.flags |= letters[k].flag;
	}
	return r;
}

void move_file_name_add_flags(struct buf *out, unsigned flags, bool is_forwarded, uint32_t keywords)
{
	buf_add(out, S(":2,"));
	for (size_t k = 0; k < ARRAY_LEN(letters); k++) {
		if (is_forwarded && letters[k].letter == 'R')
			buf_add_char(out, 'P');
		if (flags & letters[k].flag)
			buf_add_char(out, letters[k].letter);
	}
	for (int i = 0; i < 26; i++)
		if (keywords >> i & 1)
			buf_add_char(out, (char)('a' + i));
}

/* ---- mailboxes ---- */

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* "&AC4-" at the beginning, a '.' that must not be a separator: the character, or 0. */
static char read_shifted(struct str s)
{
	const char *b, *c;

	if (s.n < 5 || s.p[0] != '&' || s.p[1] != 'A' || s.p[4] != '-')
		return 0;
	b = memchr(base64, s.p[2], 64);
	c = memchr(base64, s.p[3], 64);
	if (!b || !c || (b - base64) > 7 || (c - base64) & 3)
		return 0;
	return (char)((b - base64) << 4 | (c - base64) >> 2);
}

static void unshift_ascii(struct buf *out, struct str s)
{
	while (s.n) {
		char c = read_shifted(s);

		if (c)
			buf_add_char(out, c);
		if (c == '&')
			buf_add_char(out, '-');
		if (!c)
			buf_add_char(out, s.p[0]);
		s = str_skip(s, c ? 5 : 1);
	}
}

/* One level; what cannot be part of a name becomes '_'. False: something was changed. */
static bool read_level(struct buf *out, struct str level)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(8 * LIMIT_MAILBOX_NAME);
	AUTO(buf_fini) struct buf text = BUF_INIT(8 * LIMIT_MAILBOX_NAME);
	bool is_as_it_was = true;
	struct str s;

	unshift_ascii(&plain, level);
	if (!imap_utf7_decode(&text, buf_str(&plain))) {
		buf_reset(&text);
		buf_add(&text, level);
	}
	s = buf_str(&text);
	if (!str_is_utf8(s) || s.n == 0) {
		is_as_it_was = false;
		if (s.n == 0)
			buf_add_char(out, '_');
	}
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool is_fine = c >= 0x20 && c != '/' && c != 0x7f && (c < 0x80 || str_is_utf8(s));

		buf_add_char(out, is_fine ? s.p[i] : '_');
		is_as_it_was &= is_fine;
	}
	return is_as_it_was;
}

/* Longer than a name may be, or of characters that it may not have: what is left is ASCII and short. */
static bool make_legal(struct buf *out)
{
	AUTO(arena_fini) struct arena a;
	struct str checked;
	int r;

	arena_init(&a, 16 * LIMIT_MAILBOX_NAME + 65536);
	r = store_name_check(&a, buf_str(out), &checked, NULL);
	if (r == 0)
		return true;
	for (size_t i = 0; i < out->n; i++)
		if ((unsigned char)out->p[i] >= 0x80)
			out->p[i] = '_';
	if (out->n > LIMIT_MAILBOX_NAME)
		buf_truncate(out, LIMIT_MAILBOX_NAME);
	while (out->n > 0 && out->p[out->n - 1] == '/')
		buf_truncate(out, out->n - 1);
	return false;
}

/* RFC 2342: below that name stands what others share. */
static bool leave_others(struct buf *out)
{
	AUTO(buf_fini) struct buf name = BUF_INIT(65536);
	struct str s = buf_str(out);

	if (!str_starts(s, S(STORE_OTHER_USERS)) ||
	    (s.n > sizeof(STORE_OTHER_USERS) - 1 && s.p[sizeof(STORE_OTHER_USERS) - 1] != '/'))
		return true;
	buf_add(&name, s);
	buf_reset(out);
	buf_add(out, S("My "));
	buf_add(out, buf_str(&name));
	return false;
}

bool move_name_add(struct buf *out, struct str disk, char sep)
{
	bool is_as_it_was = true;
	struct str level;

	while (str_split(&disk, sep, &level)) {
		if (out->n > 0)
			buf_add_char(out, '/');
		is_as_it_was &= read_level(out, level);
	}
	return is_as_it_was;
}

bool move_name_end(struct buf *out)
{
	bool is_as_it_was = leave_others(out);

	if (out->n == 0) {
		buf_add_char(out, '_');
		return false;
	}
	return make_legal(out) && is_as_it_was;
}

bool move_name_read(struct buf *out, struct str disk, char sep)
{
	bool is_as_it_was = move_name_add(out, disk, sep);

	return move_name_end(out) && is_as_it_was;
}

bool move_is_of_kmail(struct str name)
{
	return name.n > 11 && name.p[0] == '.' && str_ends(name, S(".directory"));
}

void move_path_plain(struct buf *out, struct str path)
{
	bool is_first = true;
	struct str level;

	while (str_split(&path, '/', &level)) {
		bool is_last = path.n == 0;

		if (!is_last && move_is_of_kmail(level))
			level = str_head(str_skip(level, 1), level.n - 11);
		else if (!is_last && level.n > 4 && str_ends(level, S(".sbd")))
			level.n -= 4;
		else if (!is_first && level.n > 1 && level.p[0] == '.')
			level = str_skip(level, 1);
		buf_printf(out, "%s%" STR_FMT, is_first ? "" : "/", STR_ARG(level));
		is_first = false;
	}
}

/* Any character in modified UTF-7: a shift is also allowed for what could stand for itself, and other servers do so for '.' and '/'. */
static void add_shifted(struct buf *out, char c)
{
	unsigned v = (unsigned char)c;

	buf_printf(out, "&A%c%c-", base64[v >> 4 & 0x3f], base64[v << 2 & 0x3f]);
}

void move_name_write(struct buf *out, struct str name, char sep)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(8 * LIMIT_MAILBOX_NAME);

	imap_utf7_encode(&text, name);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '/')
			buf_add_char(out, sep);
		else if (text.p[i] == sep || text.p[i] == '~')
			add_shifted(out, text.p[i]);
		else
			buf_add_char(out, text.p[i]);
	}
}
