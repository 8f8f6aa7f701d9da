/* SPDX-License-Identifier: MIT */
/* What the state of a fetch over IMAP has of a mailbox: one line, however much mail there is. UIDs only grow (RFC 9051 2.3.1.1). */
#include "move/fetch_imap.h"

#include <inttypes.h>

static bool parse_number(struct str s, uint32_t *ret)
{
	uint64_t v;

	if (!str_to_u64(s, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* "1,3:5", or "-". */
static bool parse_set(struct arena *a, struct str s, struct uidset *ret)
{
	struct str part, lo;
	uint32_t from, to;

	if (str_eq(s, S("-")))
		return true;
	while (str_split(&s, ',', &part)) {
		bool is_range = str_chr(part, ':') >= 0;

		if (!str_split(&part, ':', &lo) || !parse_number(lo, &from))
			return false;
		to = from;
		if ((is_range && !parse_number(part, &to)) || uidset_add(a, ret, from, to) < 0)
			return false;
	}
	return true;
}

static bool parse_marks(struct str s, struct move_fetch_row *row)
{
	struct str part, then;
	uint64_t v;

	if (str_eq(s, S("-")))
		return true;
	while (str_split(&s, ',', &part)) {
		struct move_fetch_mark *m = &row->marks[row->n_marks];

		if (row->n_marks == MOVE_FETCH_MARKS || !str_split(&part, ':', &then) || !str_to_u64(then, INT64_MAX, &v) || !parse_number(part, &m->uid))
			return false;
		m->s = (int64_t)v;
		row->n_marks++;
	}
	return true;
}

bool move_fetch_row_parse(struct arena *a, struct str text, struct move_fetch_row *ret)
{
	struct move_fetch_row row = { 0 };
	struct str words[6];
	uint64_t late_s;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!str_split(&text, ' ', &words[i]))
			return false;
	if (!parse_number(words[0], &row.uidvalidity) || !parse_number(words[1], &row.last) || !parse_set(a, words[2], &row.left) ||
	    !parse_set(a, words[3], &row.late) || !str_to_u64(words[4], INT64_MAX, &late_s) || !parse_marks(words[5], &row))
		return false;
	row.late_s = (int64_t)late_s;
	*ret = row;
	return true;
}

static void print_set(struct buf *out, const struct uidset *set)
{
	if (set->n > 0)
		uidset_print(out, set);
	else
		buf_add_char(out, '-');
}

void move_fetch_row_print(struct buf *out, const struct move_fetch_row *row)
{
	buf_printf(out, "%u %u ", row->uidvalidity, row->last);
	print_set(out, &row->left);
	buf_add_char(out, ' ');
	print_set(out, &row->late);
	buf_printf(out, " %" PRId64 " ", row->late_s);
	for (size_t i = 0; i < row->n_marks; i++)
		buf_printf(out, "%s%" PRId64 ":%u", i > 0 ? "," : "", row->marks[i].s, row->marks[i].uid);
	if (row->n_marks == 0)
		buf_add_char(out, '-');
}

/* Marks are about a thirtieth of the time apart; the newest one moves until it is that far from the one before it. */
void move_fetch_row_mark(struct move_fetch_row *row, int64_t now_s, int64_t keep_s)
{
	int64_t apart_s = keep_s / 30 + 1;
	size_t first = 0;

	while (first + 1 < row->n_marks && row->marks[first + 1].s <= now_s - keep_s)
		first++;
	row->n_marks -= first;
	memmove(row->marks, row->marks + first, row->n_marks * sizeof(row->marks[0]));
	if (row->n_marks > 0 && row->marks[row->n_marks - 1].uid >= row->last)
		return;
	if (row->n_marks > 1 && row->marks[row->n_marks - 1].s - row->marks[row->n_marks - 2].s < apart_s)
		row->n_marks--;
	if (row->n_marks == MOVE_FETCH_MARKS)
		row->n_marks--;
	row->marks[row->n_marks++] = (struct move_fetch_mark){ now_s, row->last };
}

uint32_t move_fetch_row_kept(const struct move_fetch_row *row, int64_t now_s, int64_t keep_s)
{
	uint32_t uid = 0;

	if (keep_s == 0)
		return row->last;
	for (size_t i = 0; i < row->n_marks && row->marks[i].s <= now_s - keep_s; i++)
		uid = row->marks[i].uid;
	return uid;
}
