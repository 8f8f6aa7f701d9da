/* SPDX-License-Identifier: MIT */
/*
 * Annotations of messages (RFC 5257): their names, and reading them. A row of message_annotations
 * belongs to a message and to a user (0: shared). One that was removed stays without a value, with
 * the modseq of its removal, so that other sessions can be told which it was (RFC 5257 4.4); see
 * note_set.c for when it goes.
 */
#include "store/note.h"

#include "base/limits.h"
#include "base/work.h"
#include "mime/mime.h"
#include "store/store_int.h"

#define FOLDED_MAX (32 * LIMIT_ANNOTATION_VALUE + 64)
#define ASK_EVERY 1000 /* rows between two looks whether anybody still waits */

/* ---- names ---- */

static bool is_wildcard(char c)
{
	return c == '*' || c == '%';
}

bool store_note_is_pattern(struct str entry)
{
	return str_chr(entry, '*') >= 0 || str_chr(entry, '%') >= 0;
}

/* RFC 5257 3.2; no control character is taken. */
static bool has_form(struct str entry, bool is_pattern)
{
	if (entry.n == 0 || entry.n > LIMIT_ANNOTATION_ENTRY || entry.p[entry.n - 1] == '/' ||
	    (entry.p[0] != '/' && !(is_pattern && is_wildcard(entry.p[0]))))
		return false;
	for (size_t i = 0; i < entry.n; i++) {
		char c = entry.p[i];

		if (c < 0x20 || c >= 0x7f || (is_wildcard(c) && !is_pattern) ||
		    (c == '/' && entry.p[i + 1] == '/'))
			return false;
	}
	return true;
}

/* section-part = nz-number *("." nz-number), all of the text */
static int parse_part(struct str text, uint32_t *part, size_t *ret_n)
{
	size_t n = 0;
	struct str number;

	if (str_ends(text, S(".")))
		return -E_SYNTAX;
	while (str_split(&text, '.', &number)) {
		uint64_t v;

		if (number.n == 0 || number.p[0] == '0' || n == STORE_NOTE_PART ||
		    !str_to_u64(number, UINT32_MAX, &v))
			return -E_SYNTAX;
		part[n++] = (uint32_t)v;
	}
	*ret_n = n;
	return 0;
}

int store_note_check(struct str entry, bool is_pattern, uint32_t *part, size_t *ret_n_part)
{
	uint32_t numbers[STORE_NOTE_PART];
	struct str rest, top = S("");
	size_t n = 0;
	int rc = 0;

	if (!has_form(entry, is_pattern))
		return -E_SYNTAX;
	rest = str_skip(entry, entry.p[0] == '/');
	if (!str_split(&rest, '/', &top) || str_eq(top, S("flags")))
		return -E_SYNTAX;
	if (top.p[0] >= '0' && top.p[0] <= '9' && !store_note_is_pattern(top)) {
		rc = parse_part(top, part ? part : numbers, &n);
		if (rc == 0 && rest.n == 0)
			rc = -E_SYNTAX; /* the part itself has no attributes */
	}
	if (rc == 0 && ret_n_part)
		*ret_n_part = store_note_is_pattern(entry) ? 0 : n;
	return rc;
}

bool store_note_value_fits(struct str entry, struct str value)
{
	static const struct str flags[] = {
		STR_INIT("flags/seen"),
		STR_INIT("flags/answered"),
		STR_INIT("flags/flagged"),
		STR_INIT("flags/forwarded"),
	};
	struct str rest = str_skip(entry, 1), top;

	if (entry.n < 2 || entry.p[1] < '0' || entry.p[1] > '9')
		return true;
	(void)str_split(&rest, '/', &top);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (str_eq(rest, flags[i]))
			return str_eq(value, S("0")) || str_eq(value, S("1"));
	}
	return true;
}

#define MATCH_WORDS ((LIMIT_ANNOTATION_ENTRY + 1 + 63) / 64)

/*
 * Bit i of at: the first i characters of the pattern match what was read. Each character of the name
 * moves all of them at once, so a pattern of many wildcards costs no more. A wildcard takes at least
 * one, so there are no moves without one.
 */
bool store_note_matches(struct str pattern, struct str entry)
{
	uint64_t same[128][MATCH_WORDS], any[MATCH_WORDS] = { 0 }, level[MATCH_WORDS] = { 0 };
	uint64_t at[MATCH_WORDS] = { 1 };
	size_t words = pattern.n / 64 + 1;
	bool has_any = true;

	if (pattern.n > LIMIT_ANNOTATION_ENTRY)
		return false;
	for (size_t k = 0; k < entry.n; k++)
		memset(same[entry.p[k] & 127], 0, sizeof(same[0]));
	for (size_t i = 0; i < pattern.n; i++)
		memset(same[pattern.p[i] & 127], 0, sizeof(same[0]));
	for (size_t i = 0; i < pattern.n; i++) {
		char c = pattern.p[i];
		uint64_t *set = c == '*' ? any : c == '%' ? level : same[c & 127];

		set[i / 64] |= UINT64_C(1) << (i % 64);
	}
	for (size_t k = 0; k < entry.n && has_any; k++) {
		const uint64_t *is = same[entry.p[k] & 127];
		uint64_t carry = 0;

		has_any = false;
		for (size_t w = 0; w < words; w++) {
			uint64_t stay = at[w] & (entry.p[k] == '/' ? any[w] : any[w] | level[w]);
			uint64_t moved = stay | (at[w] & is[w]);

			at[w] = moved << 1 | carry | stay;
			carry = moved >> 63;
			has_any |= at[w] != 0;
		}
	}
	return at[pattern.n / 64] >> (pattern.n % 64) & 1;
}

/* ---- reading ---- */

static int add_note(struct arena *a, struct db_query *q, struct store_note *ret)
{
	ret->entry = arena_str(a, db_text(q, 0));
	ret->is_shared = db_int(q, 1) == 0;
	ret->value = arena_str(a, db_text(q, 2));
	return ret->entry.p != NULL && ret->value.p != NULL ? 0 : -E_LIMIT;
}

int store_tx_notes_get(struct db_tx *tx, struct arena *a, int64_t mailbox, int64_t user,
		       uint32_t uid, struct store_note **ret, size_t *ret_n)
{
	AUTO(db_done) struct db_query q = { 0 };
	struct store_note *v = NULL;
	size_t n = 0, cap = 0;
	int rc;

	DB_QUERY(tx, &q, SQL(NOTE_GET), DB_I(mailbox), DB_I(uid), DB_I(user));
	while ((rc = db_step(&q)) > 0) {
		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0 || add_note(a, &q, &v[n]) < 0)
			return -E_LIMIT;
		n++;
	}
	*ret = v;
	*ret_n = n;
	return rc;
}

int store_notes_changed(struct store *s, struct arena *a, int64_t mailbox, int64_t user,
			uint64_t modseq, struct store_note_change **ret, size_t *ret_n)
{
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	struct store_note_change *v = NULL;
	size_t n = 0, cap = 0;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(NOTE_CHANGED), DB_I(mailbox), DB_I(modseq), DB_I(user));
	while ((rc = db_step(&q)) > 0) {
		if (arena_grow(a, &v, n, &cap, sizeof(*v)) < 0)
			return -E_LIMIT;
		v[n].uid = (uint32_t)db_int(&q, 0);
		v[n].entry = arena_str(a, db_text(&q, 1));
		v[n].modseq = (uint64_t)db_int(&q, 2);
		if (v[n].entry.p == NULL)
			return -E_LIMIT;
		n++;
	}
	*ret = v;
	*ret_n = n;
	return rc;
}

/* ---- searching and sorting ---- */

static bool has_text(struct str value, struct str folded, struct buf *scratch)
{
	if (folded.n == 0)
		return true;
	buf_reset(scratch);
	mime_casemap(value, scratch);
	return str_find(buf_str(scratch), folded) >= 0;
}

int store_notes_search(struct store *s, struct arena *a, int64_t mailbox,
		       const struct store_note_search *q, struct uidset *ret)
{
	AUTO(buf_fini) struct buf scratch = BUF_INIT(FOLDED_MAX);
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query rows = { 0 };
	struct uidset found = { 0 };
	unsigned n = 0;
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &rows, SQL(NOTE_VALUES), DB_I(mailbox), DB_I(q->user), DB_I(q->lo),
		 DB_I(q->hi));
	while ((rc = db_step(&rows)) > 0) {
		uint32_t uid = (uint32_t)db_int(&rows, 0);
		unsigned scope = db_int(&rows, 1) == 0 ? STORE_NOTE_SHARED : STORE_NOTE_PRIVATE;

		if (++n % ASK_EVERY == 0 && !work_go_on())
			return -E_CLOSED;
		if ((q->scopes & scope) && store_note_matches(q->pattern, db_text(&rows, 2)) &&
		    has_text(db_text(&rows, 3), q->value, &scratch) &&
		    uidset_add(a, &found, uid, uid) < 0)
			return -E_LIMIT;
	}
	*ret = found;
	return rc;
}

int store_notes_each(struct store *s, int64_t mailbox, const struct store_note_key *key,
		     uint32_t lo, uint32_t hi, store_notes_fn *fn, void *ctx)
{
	AUTO(buf_fini) struct buf folded = BUF_INIT(FOLDED_MAX);
	AUTO(db_read_end) struct db_tx *tx = NULL;
	AUTO(db_done) struct db_query q = { 0 };
	int rc = db_read_begin(s->db, &tx);

	if (rc < 0)
		return rc;
	DB_QUERY(tx, &q, SQL(NOTE_ENTRY), DB_I(mailbox), DB_I(key->user), DB_T(key->entry),
		 DB_I(lo), DB_I(hi));
	while ((rc = db_step(&q)) > 0) {
		buf_reset(&folded);
		mime_casemap(db_text(&q, 1), &folded);
		rc = fn(ctx, (uint32_t)db_int(&q, 0), buf_str(&folded));
		if (rc < 0)
			return rc;
	}
	return rc;
}
