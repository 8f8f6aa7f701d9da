/* SPDX-License-Identifier: MIT */
/*
 * mbox (RFC 4155): messages one behind the other, each after a line "From SENDER DATE". There are four kinds, which no file names:
 *
 *   mboxo    "From " at the beginning of a line of the body is ">From "; what was ">From " before looks the same
 *   mboxrd   and ">From " is ">>From ", and so on: nothing is lost
 *   mboxcl   as one of them, and Content-Length has the length of the body
 *   mboxcl2  Content-Length, and nothing is quoted
 *
 * A message ends before an empty line and a From_ line with a date, or one that says nothing ("From ", "From -"; Thunderbird) before a
 * field; or where Content-Length says so, if such a line (or the end of
 * the file) is there indeed. When the body then has lines that begin with "From ", it is mboxcl2: nothing was quoted.
 *
 * Fields that only an mbox has say what the flags are: Status (R read), X-Status (A answered, F flagged, D deleted, T draft),
 * X-Keywords; of Thunderbird X-Mozilla-Status (bits; what it has deleted stays in the file) and X-Mozilla-Keys. X-UID, X-IMAP, X-IMAPbase,
 * X-Mozilla-Status2 and Content-Length are dropped with them.
 */
#include "move/move.h"

#include "base/limits.h"

/* ---- lines ---- */

/* With its end. */
static struct str line_at(struct str s)
{
	ptrdiff_t lf = str_chr(s, '\n');

	return lf < 0 ? s : str_head(s, (size_t)lf + 1);
}

static struct str without_end(struct str line)
{
	if (line.n && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* ---- the date of a From_ line ---- */

static bool number(struct str s, uint64_t max, int *ret)
{
	uint64_t v;

	if (!str_to_u64(s, max, &v))
		return false;
	*ret = (int)v;
	return true;
}

/* "Nov" */
static bool month(struct str s, int *ret)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int i = 0; i < 12; i++) {
		if (str_ieq(s, str_of(names + (ptrdiff_t)i * 3, 3))) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* "20:08:00" or "20:08" */
static bool time_of_day(struct str s, struct tm *tm)
{
	struct str word;

	tm->tm_sec = 0;
	if (!str_split(&s, ':', &word) || !number(word, 23, &tm->tm_hour) || !str_split(&s, ':', &word) ||
	    !number(word, 59, &tm->tm_min))
		return false;
	return s.n == 0 || number(s, 60, &tm->tm_sec);
}

/* "+0100" */
static bool zone(struct str s, int *ret_min)
{
	int v;

	if (s.n != 5 || (s.p[0] != '+' && s.p[0] != '-') || !number(str_skip(s, 1), 9999, &v))
		return false;
	*ret_min = (v / 100 * 60 + v % 100) * (s.p[0] == '-' ? -1 : 1);
	return true;
}

static bool next_word(struct str *s, struct str *ret)
{
	do {
		if (!str_split(s, ' ', ret))
			return false;
	} while (ret->n == 0);
	return true;
}

/* What stands behind "Mon ": "Nov 23 20:08:00 [zone] 2026 [zone]". */
static bool date_at(struct str s, int64_t *ret)
{
	struct tm tm = { .tm_isdst = -1 };
	bool has_year = false, has_zone = false;
	int zone_min = 0, year;
	struct str word;

	if (!next_word(&s, &word) || !month(word, &tm.tm_mon) || !next_word(&s, &word) || !number(word, 31, &tm.tm_mday) ||
	    !next_word(&s, &word) || !time_of_day(word, &tm))
		return false;
	while (next_word(&s, &word)) {
		if (!has_year && word.n == 4 && number(word, 9999, &year)) {
			tm.tm_year = year - 1900;
			has_year = true;
		} else if (zone(word, &zone_min) || str_eq(word, S("GMT")) || str_eq(word, S("UTC"))) {
			has_zone = true;
		}
	}
	if (!has_year)
		return false;
	*ret = has_zone ? (int64_t)timegm(&tm) - (int64_t)zone_min * 60 : (int64_t)mktime(&tm);
	return true;
}

bool move_mbox_date(struct str from, int64_t *ret_epoch_s)
{
	static const char days[] = "montuewedthufrisatsun";

	for (size_t i = 5; i + 16 < from.n && i < 1000; i++) {
		if (from.p[i - 1] != ' ' || from.p[i + 3] != ' ')
			continue;
		for (size_t d = 0; d < 7; d++)
			if (str_ieq(str_of(from.p + i, 3), str_of(days + 3 * d, 3)) &&
			    date_at(str_skip(from, i + 4), ret_epoch_s))
				return true;
	}
	return false;
}

/* Does it begin with "name:"? */
static bool is_field(struct str line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 127 && line.p[n] != ':')
		n++;
	return n > 0 && n < line.n && line.p[n] == ':';
}

bool move_mbox_is_begin(struct str s)
{
	struct str line = line_at(s), text = without_end(str_head(line, 1000));
	int64_t date;

	if (!str_starts(text, S("From ")))
		return false;
	if (str_eq(text, S("From ")) || str_eq(text, S("From -")))
		return is_field(line_at(str_skip(s, line.n)));
	return move_mbox_date(text, &date);
}

/* ---- the end of a message ---- */

/* Everything to the empty line, with it. */
static struct str header_of(struct str s)
{
	struct str rest = s;

	while (rest.n) {
		struct str line = line_at(rest);

		rest = str_skip(rest, line.n);
		if (without_end(line).n == 0)
			break;
	}
	return str_head(s, s.n - rest.n);
}

static bool has_name(struct str line, const char *name_z)
{
	struct str name = str_z(name_z);

	return line.n > name.n && line.p[name.n] == ':' && str_istarts(line, name);
}

static struct str value_of(struct str line)
{
	return str_trim(str_skip(line, (size_t)str_chr(line, ':') + 1));
}

/* Is a line "From ..." in it? */
static bool has_from(struct str body)
{
	return str_starts(body, S("From ")) || str_find(body, S("\nFrom ")) >= 0;
}

/* The body that Content-Length names, if a message ends there. */
static bool body_by_length(struct str header, struct str rest, struct str *ret)
{
	uint64_t n = 0;
	bool has_length = false;
	struct str after;

	while (header.n) {
		struct str line = line_at(header);

		header = str_skip(header, line.n);
		if (has_name(line, "content-length"))
			has_length = str_to_u64(value_of(line), SIZE_MAX, &n);
	}
	if (!has_length || n > rest.n)
		return false;
	after = str_skip(rest, (size_t)n);
	if (n > 0 && rest.p[n - 1] != '\n' && after.n && without_end(line_at(after)).n > 0)
		return false;
	while (after.n && without_end(line_at(after)).n == 0)
		after = str_skip(after, line_at(after).n);
	if (after.n && !move_mbox_is_begin(after))
		return false;
	*ret = str_head(rest, (size_t)n);
	return true;
}

/* Up to an empty line and a From_ line, or to the end; *ret_rest: from that From_ line on. */
static struct str body_by_lines(struct str s, struct str *ret_rest)
{
	struct str rest = s;
	size_t empty = 1; /* the line before: how long it was, if it was empty. The one after the header was. */
	size_t n_empty = 0;

	while (rest.n) {
		struct str line = line_at(rest);

		if (empty && move_mbox_is_begin(rest)) {
			*ret_rest = rest;
			return str_head(s, s.n - rest.n - n_empty);
		}
		n_empty = empty = without_end(line).n == 0 ? line.n : 0;
		rest = str_skip(rest, line.n);
	}
	*ret_rest = rest;
	return str_head(s, s.n - n_empty);
}

static struct str skip_empty(struct str s)
{
	while (s.n && without_end(line_at(s)).n == 0)
		s = str_skip(s, line_at(s).n);
	return s;
}

int move_mbox_next(struct str *in, struct move_mbox_part *ret)
{
	struct str rest = skip_empty(*in);
	struct move_mbox_part part = { .is_quoted = true };
	struct str line;

	if (rest.n == 0) {
		*in = rest;
		return 0;
	}
	if (!str_starts(rest, S("From "))) {
		*in = str_skip(rest, rest.n);
		return -E_SYNTAX;
	}
	line = line_at(rest);
	part.from = without_end(line);
	rest = str_skip(rest, line.n);
	part.header = header_of(rest);
	rest = str_skip(rest, part.header.n);
	if (body_by_length(part.header, rest, &part.body)) {
		part.is_quoted = !has_from(part.body);
		rest = skip_empty(str_skip(rest, part.body.n));
	} else {
		part.body = body_by_lines(rest, &rest);
	}
	*in = rest;
	*ret = part;
	return 1;
}

bool move_mbox_is_internal(const struct move_mbox_part *part)
{
	return (str_istarts(part->header, S("X-IMAP:")) || str_ifind(part->header, S("\nX-IMAP:")) >= 0) &&
	       str_find(part->header, S("DON'T DELETE THIS MESSAGE")) >= 0;
}

/* ---- the message in it ---- */

static void read_status(struct str value, struct move_message *m)
{
	static const struct {
		char letter;
		unsigned flag;
	} rows[] = {
		{ 'R', STORE_SEEN }, { 'A', STORE_ANSWERED }, { 'F', STORE_FLAGGED }, { 'D', STORE_DELETED }, { 'T', STORE_DRAFT },
	};

	for (size_t i = 0; i < value.n; i++)
		for (size_t k = 0; k < ARRAY_LEN(rows); k++)
			if (value.p[i] == rows[k].letter)
				m->flags |= rows[k].flag;
}

static void add_keyword(struct str word, struct move_message *m)
{
	if (m->n_keywords < MOVE_KEYWORDS)
		m->keywords[m->n_keywords++] = word;
}

static void read_keywords(struct str value, struct move_message *m)
{
	struct str word;

	while (next_word(&value, &word))
		add_keyword(word, m);
}

/* X-Mozilla-Status: four hexadecimal digits */
static void read_mozilla_status(struct str value, struct move_message *m)
{
	static const struct {
		unsigned bit, flag;
	} rows[] = {
		{ 0x1, STORE_SEEN }, { 0x2, STORE_ANSWERED }, { 0x4, STORE_FLAGGED }, { 0x8, STORE_DELETED },
	};
	unsigned bits = 0;

	if (value.n > 4)
		return;
	for (size_t i = 0; i < value.n; i++) {
		ptrdiff_t digit = str_chr(S("0123456789abcdef"), str_lower_char(value.p[i]));

		if (digit < 0)
			return;
		bits = bits * 16 + (unsigned)digit;
	}
	for (size_t k = 0; k < ARRAY_LEN(rows); k++)
		if (bits & rows[k].bit)
			m->flags |= rows[k].flag;
	if (bits & 0x1000)
		add_keyword(S("$Forwarded"), m);
}

/* Is it a field that only an mbox has? Then it is read. */
static bool take_field(struct str line, struct move_message *m)
{
	static const char *const dropped[] = { "x-uid", "x-imap", "x-imapbase", "x-mozilla-status2", "content-length" };

	if (has_name(line, "status") || has_name(line, "x-status"))
		read_status(value_of(line), m);
	else if (has_name(line, "x-mozilla-status"))
		read_mozilla_status(value_of(line), m);
	else if (has_name(line, "x-keywords") || has_name(line, "x-mozilla-keys"))
		read_keywords(value_of(line), m);
	else {
		for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
			if (has_name(line, dropped[i]))
				return true;
		return false;
	}
	return true;
}

/* ">From ", and in an mboxrd ">>From " and so on. */
static bool is_quoted_from(struct str line, enum move_mbox_quoting quoting)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == '>')
		n++;
	return n > 0 && (n == 1 || quoting == MOVE_MBOXRD) && str_starts(str_skip(line, n), S("From "));
}

static void add_body(const struct move_mbox_part *part, enum move_mbox_quoting quoting, struct buf *out)
{
	struct str rest = part->body;

	if (!part->is_quoted || str_find(rest, S(">From ")) < 0) {
		move_add_crlf(out, rest, '\n');
		return;
	}
	while (rest.n) {
		struct str line = line_at(rest);

		rest = str_skip(rest, line.n);
		move_add_crlf(out, is_quoted_from(line, quoting) ? str_skip(line, 1) : line, '\n');
	}
}

int move_mbox_message(const struct move_mbox_part *part, enum move_mbox_quoting quoting, struct buf *out, struct move_message *ret)
{
	struct str rest = part->header;
	bool is_taken = false;

	if (part->header.n > LIMIT_IMPORT_MESSAGE || part->body.n > LIMIT_IMPORT_MESSAGE)
		return -E_TOO_BIG;
	ret->flags = 0;
	ret->n_keywords = 0;
	while (rest.n) {
		struct str line = line_at(rest);

		rest = str_skip(rest, line.n);
		if (line.p[0] != ' ' && line.p[0] != '\t') /* else it belongs to the line before */
			is_taken = take_field(line, ret);
		if (!is_taken)
			move_add_crlf(out, line, '\n');
	}
	add_body(part, quoting, out);
	if (!move_mbox_date(part->from, &ret->date_s) || ret->date_s < 0)
		ret->date_s = 0;
	return buf_overflowed(out) ? -E_TOO_BIG : 0;
}
