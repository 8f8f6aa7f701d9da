/* SPDX-License-Identifier: MIT */
/*
 * Dovecot's files in a Maildir, as its documentation describes them:
 *
 *   dovecot-uidlist   3 V1795464480 N12 Gb8...     version, UIDVALIDITY, UIDNEXT, the mailbox's GUID
 *                     7 W123 S120 :1795464480.M1P2.host,S=120,W=123:2,S
 *   version 1:        1 1795464480 12
 *                     7 1795464480.M1P2.host:2,S
 *   dovecot-keywords  0 $Forwarded                 0 is the letter a in names of files
 *   subscriptions     a name each line; version 2 begins with "V\t2" and an empty line, and has TABs between levels
 */
#include "move/move.h"

static bool next_line(struct str *in, struct str *ret)
{
	ptrdiff_t end = str_chr(*in, '\n');

	if (in->n == 0)
		return false;
	*ret = end < 0 ? *in : str_head(*in, (size_t)end);
	*in = end < 0 ? str_of(in->p + in->n, 0) : str_skip(*in, (size_t)end + 1);
	return true;
}

/* ---- dovecot-uidlist ---- */

static bool number(struct str s, uint32_t *ret)
{
	uint64_t v;

	if (!str_to_u64(s, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool head_v1(struct str line, struct move_uidlist *ret)
{
	struct str word;

	return str_split(&line, ' ', &word) && number(word, &ret->uidvalidity) && str_split(&line, ' ', &word) &&
	       number(word, &ret->uidnext);
}

static bool head_v3(struct str line, struct move_uidlist *ret)
{
	struct str word;

	while (str_split(&line, ' ', &word)) {
		if (str_starts(word, S("V")) && !number(str_skip(word, 1), &ret->uidvalidity))
			return false;
		if (str_starts(word, S("N")) && !number(str_skip(word, 1), &ret->uidnext))
			return false;
	}
	return true;
}

int move_uidlist_head(struct str *in, struct move_uidlist *ret)
{
	struct move_uidlist list = { 0 };
	struct str rest = *in, line, word;
	bool is_good;

	if (!next_line(&rest, &line) || !str_split(&line, ' ', &word) || !number(word, &list.version))
		return 0;
	if (list.version != 1 && list.version != 3)
		return 0;
	is_good = list.version == 1 ? head_v1(line, &list) : head_v3(line, &list);
	if (!is_good || list.uidvalidity == 0)
		return 0;
	*ret = list;
	*in = rest;
	return 1;
}

int move_uidlist_entry(struct str *in, const struct move_uidlist *list, uint32_t *ret_uid, struct str *ret_file)
{
	struct str line, word, file;
	uint32_t uid;

	if (!next_line(in, &line))
		return 0;
	if (!str_split(&line, ' ', &word) || !number(word, &uid) || uid == 0)
		return -E_SYNTAX;
	file = line;
	while (list->version == 3 && !str_starts(line, S(":"))) {
		if (!str_split(&line, ' ', &word))
			return -E_SYNTAX;
		file = line;
	}
	if (list->version == 3)
		file = str_skip(line, 1);
	if (file.n == 0)
		return -E_SYNTAX;
	*ret_uid = uid;
	*ret_file = file;
	return 1;
}

/* ---- dovecot-keywords ---- */

int move_keyword_entry(struct str *in, unsigned *ret_letter, struct str *ret_name)
{
	struct str line, word;
	uint64_t v;

	if (!next_line(in, &line))
		return 0;
	if (!str_split(&line, ' ', &word) || !str_to_u64(word, 25, &v) || line.n == 0)
		return -E_SYNTAX;
	*ret_letter = (unsigned)v;
	*ret_name = line;
	return 1;
}

/* ---- subscriptions ---- */

/* Levels are between TABs; \001 escapes: 1 is \001, t TAB, r CR, n LF, 0 NUL. */
static void add_v2(struct buf *out, struct str line)
{
	static const char from[] = "1trn", to[] = "\001\t\r\n";

	for (size_t i = 0; i < line.n; i++) {
		char c = line.p[i];
		const char *at;

		if (c == '\001' && i + 1 < line.n) {
			at = strchr(from, line.p[++i]);
			c = at && *at ? to[at - from] : '?';
		} else if (c == '\t') {
			c = '/';
		}
		buf_add_char(out, c);
	}
}

int move_subscription_entry(struct str *in, struct move_subscriptions *s, struct buf *out)
{
	struct str line;

	while (next_line(in, &line)) {
		if (!s->is_begun && str_starts(line, S("V\t"))) {
			s->is_begun = s->is_v2 = true;
			continue;
		}
		s->is_begun = true;
		if (line.n == 0)
			continue;
		if (s->is_v2)
			add_v2(out, line);
		else
			buf_add(out, line);
		return 1;
	}
	return 0;
}
