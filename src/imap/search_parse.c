/* SPDX-License-Identifier: MIT */
/*
 * SEARCH programs (RFC 9051 6.4.4, 9 "search-key"; RFC 3501 6.4.4 for NEW, OLD, RECENT;
 * RFC 7162 3.1.5 MODSEQ; RFC 8474 5 and RFC 8514 5 for ids and save dates; RFC 5032 OLDER, YOUNGER) to the tree that
 * the store evaluates; RFC 5466 (FILTER); RFC 9738 3.2; RFC 5257 4.8 (ANNOTATION). One table row for each key, one function for each kind of argument.
 * Depth and number of keys are bounded before memory or time is spent.
 */
#include "imap/search.h"

#include "base/clock.h"
#include "base/limits.h"
#include "imap/imap_int.h"
#include "imap/note.h"
#include "imap/seqset.h"
#include "mime/mime.h"
#include "store/annotation.h"
#include "store/view.h"

#define FILTERS_DEEP 8 /* RFC 5466 3.1: at least 3 */

/* A filter that is being read. */
struct filter {
	struct str name;
	size_t depth;
	const struct filter *outer;
};

struct parser {
	struct imap_session *s;
	struct imap_parse *p;
	struct imap_search *search;
	struct str charset; /* empty: UTF-8 */
	size_t n_keys;
	size_t depth;
	const struct filter *filter; /* p is within; NULL: the command */
	bool is_check;               /* nothing is run: a FILTER need not be there */
};

/* clang-format off */
enum arg {
	ARG_NONE, ARG_STRING, ARG_DATE, ARG_NUMBER, ARG_KEYWORD, ARG_HEADER, ARG_UIDS, ARG_MODSEQ,
	ARG_NOT, ARG_OR, ARG_FUZZY, ARG_INTERVAL, ARG_ID, ARG_RECENT, ARG_NEW, ARG_OLD,
	ARG_FILTER, ARG_UID_AFTER, ARG_UID_BEFORE, ARG_ANNOTATION,
};
/* clang-format on */

/*
 * With is_not the key is the opposite of op; number and name are what the word itself
 * implies.
 */
struct row {
	struct str word;
	enum arg arg;
	enum store_search_op op;
	bool is_not;
	uint64_t number;
	struct str name;
};

#define NO_NAME STR_INIT("")
/* clang-format off */
#define FLAG(word, flag) \
	{ STR_INIT(word), ARG_NONE, STORE_S_FLAGS, false, flag, NO_NAME }, \
	{ STR_INIT("UN" word), ARG_NONE, STORE_S_FLAGS, true, flag, NO_NAME }
#define FIELD(word) { STR_INIT(word), ARG_STRING, STORE_S_HEADER, false, 0, STR_INIT(word) }
#define KEY(word, arg, op) { STR_INIT(word), arg, op, false, 0, NO_NAME }
/* clang-format on */

static const struct row rows[] = {
	KEY("ALL", ARG_NONE, STORE_S_ALL),
	FLAG("ANSWERED", STORE_ANSWERED),
	FLAG("DELETED", STORE_DELETED),
	FLAG("DRAFT", STORE_DRAFT),
	FLAG("FLAGGED", STORE_FLAGGED),
	FLAG("SEEN", STORE_SEEN),
	KEY("KEYWORD", ARG_KEYWORD, STORE_S_KEYWORD),
	{ STR_INIT("UNKEYWORD"), ARG_KEYWORD, STORE_S_KEYWORD, true, 0, NO_NAME },
	FIELD("BCC"),
	FIELD("CC"),
	FIELD("FROM"),
	FIELD("SUBJECT"),
	FIELD("TO"),
	KEY("HEADER", ARG_HEADER, STORE_S_HEADER),
	KEY("BODY", ARG_STRING, STORE_S_BODY),
	KEY("TEXT", ARG_STRING, STORE_S_TEXT),
	KEY("BEFORE", ARG_DATE, STORE_S_BEFORE),
	KEY("ON", ARG_DATE, STORE_S_ON),
	KEY("SINCE", ARG_DATE, STORE_S_SINCE),
	KEY("SENTBEFORE", ARG_DATE, STORE_S_SENT_BEFORE),
	KEY("SENTON", ARG_DATE, STORE_S_SENT_ON),
	KEY("SENTSINCE", ARG_DATE, STORE_S_SENT_SINCE),
	KEY("SAVEDBEFORE", ARG_DATE, STORE_S_SAVED_BEFORE),
	KEY("SAVEDON", ARG_DATE, STORE_S_SAVED_ON),
	KEY("SAVEDSINCE", ARG_DATE, STORE_S_SAVED_SINCE),
	KEY("SAVEDATESUPPORTED", ARG_NONE, STORE_S_ALL),
	KEY("OLDER", ARG_INTERVAL, STORE_S_UNTIL),
	KEY("YOUNGER", ARG_INTERVAL, STORE_S_FROM),
	KEY("LARGER", ARG_NUMBER, STORE_S_LARGER),
	KEY("SMALLER", ARG_NUMBER, STORE_S_SMALLER),
	KEY("UID", ARG_UIDS, STORE_S_SEQS),
	KEY("UIDAFTER", ARG_UID_AFTER, STORE_S_SEQS),
	KEY("UIDBEFORE", ARG_UID_BEFORE, STORE_S_SEQS),
	KEY("MODSEQ", ARG_MODSEQ, STORE_S_MODSEQ),
	{ STR_INIT("EMAILID"), ARG_ID, STORE_S_EMAILID, false, 'E', NO_NAME },
	{ STR_INIT("THREADID"), ARG_ID, STORE_S_THREADID, false, 'T', NO_NAME },
	KEY("ANNOTATION", ARG_ANNOTATION, STORE_S_ANNOTATION),
	KEY("FILTER", ARG_FILTER, STORE_S_AND),
	KEY("NOT", ARG_NOT, STORE_S_NOT),
	KEY("OR", ARG_OR, STORE_S_OR),
	KEY("FUZZY", ARG_FUZZY, STORE_S_AND),
	KEY("RECENT", ARG_RECENT, STORE_S_UIDS),
	KEY("NEW", ARG_NEW, STORE_S_AND),
	KEY("OLD", ARG_OLD, STORE_S_NOT),
};

/* Parsers of keys: 1 with *ret, 0 not the grammar, negative as in imap_search_parse(). */
static int search_key(struct parser *ps, struct store_search **ret);
static int key_list(struct parser *ps, struct store_search **ret);

static int new_key(struct parser *ps, enum store_search_op op, struct store_search **ret)
{
	if (++ps->n_keys > IMAP_SEARCH_KEYS)
		return -E_LIMIT;
	*ret = store_search_new(ps->p->arena, op);
	return *ret == NULL ? -E_LIMIT : 1;
}

static int new_not(struct parser *ps, struct store_search *key, struct store_search **ret)
{
	int r = new_key(ps, STORE_S_NOT, ret);

	if (r > 0)
		(*ret)->child = key;
	return r;
}

/* ---- arguments ---- */

/* The value to look for: to UTF-8, then into the form that is compared. */
static int fold(struct parser *ps, struct str raw, struct str *ret)
{
	AUTO(buf_fini) struct buf utf8 = BUF_INIT(8 * STORE_SEARCH_VALUE);
	AUTO(buf_fini) struct buf folded = BUF_INIT(64 * STORE_SEARCH_VALUE);
	int r;

	if (raw.n > STORE_SEARCH_VALUE)
		return -E_LIMIT;
	r = mime_to_utf8(ps->charset.n > 0 ? ps->charset : S("utf-8"), raw, &utf8);
	if (r < 0)
		return r;
	mime_casemap(buf_str(&utf8), &folded);
	if (buf_overflowed(&utf8) || buf_overflowed(&folded))
		return -E_LIMIT;
	*ret = arena_str(ps->p->arena, buf_str(&folded));
	return ret->p == NULL ? -E_LIMIT : 1;
}

/*
 * DEVIATION(RFC 6855 3): a quoted string that is no UTF-8 is a charset that we do not know, and no
 * bad command: Jakarta Mail sends ISO-8859-1 when UTF8=ACCEPT is on, and searches by itself after NO.
 */
static int arg_string(struct parser *ps, struct store_search *key)
{
	struct str raw;
	int r = imap_parse_sp(ps->p);

	if (r > 0)
		r = imap_parse_astring(ps->p, &raw);
	if (r == 0 && imap_parse_is_other_charset(ps->p))
		return -E_BAD_CHARSET;
	return r > 0 ? fold(ps, raw, &key->value) : r;
}

/* "HEADER" SP header-fld-name SP astring */
static int arg_header(struct parser *ps, struct store_search *key)
{
	int r = imap_parse_sp(ps->p);

	if (r > 0)
		r = imap_parse_astring(ps->p, &key->name);
	return r > 0 ? arg_string(ps, key) : r;
}

/*
 * "ANNOTATION" SP entry-match SP att-search SP value
 * NIL is no text that a value could have in it: it is looked for by messages that have no value there.
 */
static int arg_annotation(struct parser *ps, struct store_search *key)
{
	struct store_search *has_value;
	struct str raw = { 0 };
	unsigned scopes = 0;
	int r = imap_parse_sp(ps->p);

	if (r > 0)
		r = imap_note_entry_parse(ps->p, true, &key->name);
	if (r > 0)
		r = imap_parse_sp(ps->p) > 0 ? imap_note_scopes_parse(ps->p, &scopes) : 0;
	if (r > 0)
		r = imap_parse_sp(ps->p) > 0 ? imap_note_value_parse(ps->p, &raw) : 0;
	key->user = ps->s->account;
	key->number = scopes;
	if (r <= 0 || raw.p != NULL)
		return r > 0 ? fold(ps, raw, &key->value) : r;
	r = new_key(ps, STORE_S_ANNOTATION, &has_value);
	if (r <= 0)
		return r;
	*has_value = *key;
	*key = (struct store_search){ .op = STORE_S_NOT, .child = has_value };
	return 1;
}

/* flag-keyword = "$MDNSent" / ... / atom */
static int arg_keyword(struct parser *ps, struct store_search *key)
{
	return imap_parse_sp(ps->p) > 0 ? imap_parse_atom(ps->p, &key->name) : 0;
}

/* ("OLDER" / "YOUNGER") SP nz-number: so many seconds ago (RFC 5032 2) */
static int arg_interval(struct parser *ps, struct store_search *key)
{
	uint32_t seconds;

	if (imap_parse_sp(ps->p) <= 0 || imap_parse_nz_number(ps->p, &seconds) <= 0)
		return 0;
	key->day_s = clock_wall_ms() / 1000 - seconds;
	return 1;
}

/* "$" */
static const struct uidset *saved(const struct imap_search_place *in)
{
	static const struct uidset none;

	return in->saved != NULL ? in->saved : &none;
}

/*
 * The same for messages that are still to come: "300:*" has no end. "*" by itself is the message
 * that is the last one now.
 */
static int open_uids(struct parser *ps, const struct imap_seqset *set, struct uidset *ret)
{
	const struct store_view *v = ps->search->in.view;
	const struct store_msg *last = store_view_at(v, v->n);
	bool has_star = false;
	int r;

	if (set->is_saved) {
		*ret = *saved(&ps->search->in);
		return 0;
	}
	for (size_t i = 0; i < set->n; i++)
		has_star |= set->r[i].lo == 0 || set->r[i].hi == 0;
	r = imap_seqset_numbers(ps->p->arena, set, UINT32_MAX, ret);
	if (r == 0 && has_star && last != NULL)
		r = uidset_add(ps->p->arena, ret, last->uid, last->uid);
	return r;
}

static int arg_uids(struct parser *ps, struct store_search *key)
{
	const struct imap_search_place *in = &ps->search->in;
	struct imap_seqset set;
	int r = imap_parse_sp(ps->p);

	if (r > 0)
		r = imap_parse_seqset(ps->p, &set);
	if (r <= 0)
		return r;
	ps->search->has_sets = true;
	r = imap_seqset_resolve(ps->p->arena, &set, true, in->view, saved(in), &key->set);
	if (r == 0 && (ps->search->returns & IMAP_RETURN_UPDATE))
		r = open_uids(ps, &set, &key->uids);
	return r < 0 ? r : 1;
}

static int add_range(struct parser *ps, struct uidset *set, uint32_t lo, uint32_t hi)
{
	return lo <= hi ? uidset_add(ps->p->arena, set, lo, hi) : 0;
}

/*
 * ("UIDAFTER" / "UIDBEFORE") SP uniqueid: what is strictly on that side (RFC 9738 3.2). After the last UID there is
 * nothing, also where the "UID n:*" to which the RFC compares it would name the last message.
 */
static int arg_uid_side(struct parser *ps, bool is_after, struct store_search *key)
{
	const struct store_view *v = ps->search->in.view;
	uint32_t uid, at;
	int r;

	if (imap_parse_sp(ps->p) <= 0 || imap_parse_nz_number(ps->p, &uid) <= 0)
		return 0;
	ps->search->has_sets = true;
	at = store_view_seq_from(v, uid);
	if (is_after && store_view_seq(v, uid) == at)
		at++;
	r = is_after ? add_range(ps, &key->set, at, v->n) : add_range(ps, &key->set, 1, at - 1);
	if (r < 0 || !(ps->search->returns & IMAP_RETURN_UPDATE))
		return r < 0 ? r : 1;
	if (is_after && uid < UINT32_MAX)
		r = add_range(ps, &key->uids, uid + 1, UINT32_MAX);
	else if (!is_after)
		r = add_range(ps, &key->uids, 1, uid - 1);
	return r < 0 ? r : 1;
}

/*
 * search-modseq = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer
 * search-modseq-ext = SP entry-name SP entry-type-req
 * One modseq is kept for a message, so the entry makes no difference (RFC 7162 3.1.5).
 */
static int arg_modseq(struct parser *ps, struct store_search *key)
{
	static const struct str types[] = { STR_INIT("all"), STR_INIT("priv"), STR_INIT("shared") };
	struct str entry;
	size_t i = 0;
	int r;

	if (imap_parse_sp(ps->p) <= 0)
		return 0;
	r = imap_parse_quoted(ps->p, &entry);
	if (r < 0)
		return r;
	if (r > 0) {
		if (!str_istarts(entry, S("/flags/")) || imap_parse_sp(ps->p) <= 0)
			return 0;
		while (i < ARRAY_LEN(types) && imap_parse_word(ps->p, types[i]) <= 0)
			i++;
		if (i == ARRAY_LEN(types) || imap_parse_sp(ps->p) <= 0)
			return 0;
	}
	ps->search->has_modseq = true;
	return imap_parse_number64(ps->p, &key->number);
}

/* RFC 8474 5.3: an id of another shape is well-formed and matches nothing. */
static int arg_id(struct parser *ps, char letter, struct store_search *key)
{
	struct str id;

	if (imap_parse_sp(ps->p) <= 0 || imap_parse_atom(ps->p, &id) <= 0)
		return 0;
	if (id.n < 2 || id.p[0] != letter || !str_to_u64(str_skip(id, 1), INT64_MAX, &key->number))
		key->op = STORE_S_NONE;
	return 1;
}

static int arg_or(struct parser *ps, struct store_search *key)
{
	struct store_search **at = &key->child, *k;

	for (int i = 0; i < 2; i++) {
		int r = imap_parse_sp(ps->p) > 0 ? search_key(ps, &k) : 0;

		if (r <= 0)
			return r;
		store_search_add(&at, k);
	}
	return 1;
}

static bool has_fuzzy_form(const struct store_search *key)
{
	static const char *const names[] = { "Subject", "From", "To", "Cc" };

	if (key->op == STORE_S_BODY || key->op == STORE_S_TEXT)
		return key->value.n > 0;
	for (size_t i = 0; key->op == STORE_S_HEADER && i < ARRAY_LEN(names); i++) {
		if (str_ieq(key->name, str_z(names[i])))
			return key->value.n > 0;
	}
	return false;
}

/* As deep as STORE_SEARCH_DEPTH. */
static void make_fuzzy(struct store_search *key)
{
	key->is_fuzzy = has_fuzzy_form(key);
	for (struct store_search *k = key->child; k != NULL; k = k->next)
		make_fuzzy(k);
}

/* "FUZZY" SP search-key. Keys without words are matched exactly (RFC 6203 5). */
static int arg_fuzzy(struct parser *ps, struct store_search *key)
{
	int r = imap_parse_sp(ps->p) > 0 ? search_key(ps, &key->child) : 0;

	if (r > 0)
		make_fuzzy(key->child);
	ps->search->has_fuzzy |= r > 0;
	return r;
}

/* RFC 3501 6.4.4: RECENT; NEW is RECENT UNSEEN; OLD is NOT RECENT. */
static int arg_recent(struct parser *ps, enum arg arg, struct store_search *key)
{
	struct store_search **at = &key->child, *k;
	int r;

	if (arg == ARG_RECENT) {
		ps->search->has_sets = true;
		if (!ps->s->is_rev2 && ps->search->in.recent != NULL)
			key->set = *ps->search->in.recent;
		return 1;
	}
	r = new_key(ps, STORE_S_UIDS, &k);
	if (r <= 0)
		return r;
	(void)arg_recent(ps, ARG_RECENT, k);
	store_search_add(&at, k);
	if (arg == ARG_OLD)
		return 1;
	r = new_key(ps, STORE_S_FLAGS, &k);
	if (r <= 0)
		return r;
	k->number = STORE_SEEN;
	r = new_not(ps, k, &k);
	if (r > 0)
		store_search_add(&at, k);
	return r;
}

/* ---- filters (RFC 5466 3.1) ---- */

static int undefined(struct parser *ps, struct str name)
{
	/* It is an atom: there is nothing in it that could end the code. */
	imap_code(ps->s, "UNDEFINED-FILTER %" STR_FMT, STR_ARG(name));
	imap_say(ps->s, "no such filter");
	return -E_NOT_FOUND;
}

/* Names are compared as those of annotations are. /shared has no filters: it cannot be set. */
static int filter_value(struct parser *ps, struct str name, struct str *ret)
{
	struct str entry = arena_printf(ps->p->arena, IMAP_FILTER_VALUES "%" STR_FMT, STR_ARG(name));
	int r = entry.p != NULL ? store_entry_check(ps->p->arena, entry, true, &entry) : -E_LIMIT;

	for (const struct filter *f = ps->filter; f != NULL; f = f->outer)
		if (str_ieq(f->name, name) || f->depth >= FILTERS_DEEP)
			return undefined(ps, name);
	if (r == 0 && ps->s->account != 0)
		r = store_annotation_get(imap_store(ps->s), ps->p->arena, ps->s->account, entry, ret);
	else if (r == 0)
		r = -E_NOT_FOUND;
	return r == -E_NOT_FOUND || r == -E_SYNTAX ? undefined(ps, name) : r;
}


/* Its value is a program of its own, in UTF-8. */
static int filter_keys(struct parser *ps, struct str name, struct str value, struct store_search *key)
{
	struct filter filter = { .name = name, .outer = ps->filter };
	struct parser inner = *ps;
	struct imap_parse p;
	int r;

	imap_parse_init(&p, ps->p->arena, value, ps->p->is_utf8);
	filter.depth = filter.outer != NULL ? filter.outer->depth + 1 : 1;
	inner.p = &p;
	inner.charset = (struct str){ 0 };
	inner.filter = &filter;
	r = key_list(&inner, &key->child);
	ps->n_keys = inner.n_keys;
	if (r < 0 || (r > 0 && imap_parse_end(&p)))
		return r;
	imap_say(ps->s, "the filter is no search program");
	return -E_CANNOT;
}

/*
 * "FILTER" SP filter-name; filter-name = 1*<any ATOM-CHAR except "/">
 * DEVIATION(RFC 5466 3.1): what stands in its place is the value in parentheses, so that NOT and OR mean
 * all of a filter with several keys.
 */
static int arg_filter(struct parser *ps, struct store_search *key)
{
	struct str name, value = { 0 };
	int r;

	if (imap_parse_sp(ps->p) <= 0 || imap_parse_atom(ps->p, &name) <= 0 ||
	    memchr(name.p, '/', name.n) != NULL)
		return 0;
	if (ps->charset.n > 0 && !str_ieq(ps->charset, S("UTF-8")) &&
	    !str_ieq(ps->charset, S("US-ASCII"))) {
		imap_code(ps->s, "BADCHARSET (UTF-8)");
		return -E_USAGE;
	}
	if (ps->is_check) {
		key->op = STORE_S_ALL;
		return 1;
	}
	r = filter_value(ps, name, &value);
	return r < 0 ? r : filter_keys(ps, name, value, key);
}

bool imap_search_is_program(struct imap_session *s, struct str text)
{
	static const struct store_view nothing = { .uidnext = 1 };
	struct imap_search q = { .in = { .view = &nothing, .arena = &s->arena } };
	struct parser ps = { .s = s, .search = &q, .is_check = true };
	struct imap_parse p;

	imap_parse_init(&p, &s->arena, text, imap_is_utf8(s));
	ps.p = &p;
	return str_is_utf8(text) && key_list(&ps, &q.tree) > 0 && imap_parse_end(&p);
}

static int argument(struct parser *ps, const struct row *row, struct store_search *key)
{
	switch (row->arg) {
	case ARG_NONE:
		return 1;
	case ARG_STRING:
		return arg_string(ps, key);
	case ARG_DATE:
		return imap_parse_sp(ps->p) > 0 ? imap_parse_date(ps->p, &key->day_s) : 0;
	case ARG_NUMBER:
		return imap_parse_sp(ps->p) > 0 ? imap_parse_number64(ps->p, &key->number) : 0;
	case ARG_INTERVAL:
		return arg_interval(ps, key);
	case ARG_KEYWORD:
		return arg_keyword(ps, key);
	case ARG_HEADER:
		return arg_header(ps, key);
	case ARG_UIDS:
		return arg_uids(ps, key);
	case ARG_UID_AFTER:
	case ARG_UID_BEFORE:
		return arg_uid_side(ps, row->arg == ARG_UID_AFTER, key);
	case ARG_MODSEQ:
		return arg_modseq(ps, key);
	case ARG_ID:
		return arg_id(ps, (char)row->number, key);
	case ARG_NOT:
		return imap_parse_sp(ps->p) > 0 ? search_key(ps, &key->child) : 0;
	case ARG_OR:
		return arg_or(ps, key);
	case ARG_FUZZY:
		return arg_fuzzy(ps, key);
	case ARG_RECENT:
	case ARG_NEW:
	case ARG_OLD:
		return arg_recent(ps, row->arg, key);
	case ARG_FILTER:
		return arg_filter(ps, key);
	case ARG_ANNOTATION:
		return arg_annotation(ps, key);
	}
	return 0;
}

/* ---- keys ---- */

static int word_key(struct parser *ps, struct store_search **ret)
{
	struct store_search *key;
	struct str word;
	size_t i = 0;
	int r;

	if (imap_parse_name(ps->p, &word) <= 0)
		return 0;
	while (i < ARRAY_LEN(rows) && !str_ieq(word, rows[i].word))
		i++;
	if (i == ARRAY_LEN(rows))
		return 0;
	r = new_key(ps, rows[i].op, &key);
	if (r <= 0)
		return r;
	key->number = rows[i].number;
	key->name = rows[i].name;
	r = argument(ps, &rows[i], key);
	if (r <= 0)
		return r;
	*ret = key;
	return rows[i].is_not ? new_not(ps, key, ret) : 1;
}

/*
 * Numbers past the end match nothing here: they select, they do not address (RFC 9051 6.4.4
 * <sequence set>).
 */
static int seqs_key(struct parser *ps, struct store_search **ret)
{
	const struct imap_search_place *in = &ps->search->in;
	struct imap_seqset set;
	struct uidset all = { 0 };
	int r = imap_parse_seqset(ps->p, &set);

	if (r > 0 && ps->s->has_uidonly && !set.is_saved && !ps->is_check)
		return imap_uid_required(ps->s);
	if (r > 0)
		r = new_key(ps, STORE_S_SEQS, ret);
	if (r <= 0)
		return r;
	ps->s->cmd.has_seqs |= !ps->is_check;
	ps->search->has_sets = true;
	if (set.is_saved)
		r = imap_seqset_resolve(ps->p->arena, &set, true, in->view, saved(in),
					&(*ret)->set);
	else
		r = imap_seqset_numbers(ps->p->arena, &set, in->view->n, &all);
	for (size_t i = 0; r == 0 && i < all.n && all.r[i].lo <= in->view->n; i++) {
		uint32_t hi = all.r[i].hi < in->view->n ? all.r[i].hi : in->view->n;

		r = uidset_add(ps->p->arena, &(*ret)->set, all.r[i].lo, hi);
	}
	return r < 0 ? r : 1;
}

/* search-key *(SP search-key) */
static int key_list(struct parser *ps, struct store_search **ret)
{
	struct store_search **at, *key = NULL;
	int r = new_key(ps, STORE_S_AND, ret);

	if (r <= 0)
		return r;
	at = &(*ret)->child;
	do {
		r = search_key(ps, &key);
		if (r <= 0)
			return r;
		store_search_add(&at, key);
	} while (imap_parse_sp(ps->p) > 0);
	return 1;
}

/* search-key = ... / sequence-set / "(" search-key *(SP search-key) ")" */
static int search_key(struct parser *ps, struct store_search **ret)
{
	int c = imap_parse_peek(ps->p);
	int r;

	if (ps->depth >= STORE_SEARCH_DEPTH)
		return -E_LIMIT;
	ps->depth++;
	if (imap_parse_char(ps->p, '(') > 0) {
		r = key_list(ps, ret);
		r = r > 0 ? imap_parse_char(ps->p, ')') : r;
	} else if ((c >= '0' && c <= '9') || c == '*' || c == '$') {
		r = seqs_key(ps, ret);
	} else {
		r = word_key(ps, ret);
	}
	ps->depth--;
	return r;
}

/* ---- the command ---- */

/* modifier-partial = "PARTIAL" SP partial-range; once */
static bool partial_opt(struct imap_parse *p, struct imap_search *ret)
{
	return !(ret->returns & IMAP_RETURN_PARTIAL) && imap_parse_sp(p) > 0 &&
	       imap_parse_partial(p, &ret->partial) > 0;
}

/* search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")" */
static int return_opts(struct imap_parse *p, struct imap_search *ret)
{
	static const struct {
		struct str name;
		unsigned bit;
	} opts[] = {
		{ STR_INIT("MIN"), IMAP_RETURN_MIN },
		{ STR_INIT("MAX"), IMAP_RETURN_MAX },
		{ STR_INIT("ALL"), IMAP_RETURN_ALL },
		{ STR_INIT("COUNT"), IMAP_RETURN_COUNT },
		{ STR_INIT("SAVE"), IMAP_RETURN_SAVE },
		{ STR_INIT("PARTIAL"), IMAP_RETURN_PARTIAL },
		{ STR_INIT("UPDATE"), IMAP_RETURN_UPDATE },
		{ STR_INIT("CONTEXT"), 0 }, /* RFC 5267 4.2: a hint, and we need none */
		{ STR_INIT("RELEVANCY"), IMAP_RETURN_RELEVANCY },
	};
	struct str name;

	if (imap_parse_sp(p) <= 0 || imap_parse_char(p, '(') <= 0)
		return 0;
	ret->has_return = true;
	/* RFC 9051 6.4.4: an empty list is ALL. */
	ret->returns = IMAP_RETURN_ALL;
	if (imap_parse_char(p, ')') > 0)
		return 1;
	ret->returns = 0;
	do {
		size_t i = 0;

		if (imap_parse_name(p, &name) <= 0)
			return 0;
		while (i < ARRAY_LEN(opts) && !str_ieq(name, opts[i].name))
			i++;
		if (i == ARRAY_LEN(opts) ||
		    (opts[i].bit == IMAP_RETURN_PARTIAL && !partial_opt(p, ret)))
			return 0;
		ret->returns |= opts[i].bit;
	} while (imap_parse_sp(p) > 0);
	/* RFC 9394 3.1 */
	if ((ret->returns & IMAP_RETURN_ALL) && (ret->returns & IMAP_RETURN_PARTIAL))
		return 0;
	return imap_parse_char(p, ')');
}

/*
 * "CHARSET" SP charset; asked now whether it is known, so that it is an error also without a
 * string.
 */
static int charset(struct parser *ps)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(64);

	if (imap_parse_sp(ps->p) <= 0 || imap_parse_astring(ps->p, &ps->charset) <= 0)
		return 0;
	if (ps->charset.n == 0)
		return -E_BAD_CHARSET;
	return mime_to_utf8(ps->charset, S("a"), &out) < 0 ? -E_BAD_CHARSET : imap_parse_sp(ps->p);
}

/* 1*(SP search-key), to the end. RFC 6203 4: RELEVANCY needs FUZZY. */
static int program(struct parser *ps)
{
	struct imap_search *q = ps->search;
	int r = key_list(ps, &q->tree);

	if (r > 0)
		r = imap_parse_end(ps->p);
	if (r > 0 && (q->returns & IMAP_RETURN_RELEVANCY) && !q->has_fuzzy)
		r = 0;
	if (r > 0 && q->has_fuzzy)
		q->tree->scores = &q->scores;
	return imap_need(r);
}

struct imap_search_place imap_search_here(struct imap_session *s)
{
	return (struct imap_search_place){
		.view = s->sel->view,
		.saved = &s->sel->saved,
		.recent = &s->sel->recent,
		.arena = &s->arena,
	};
}

/* search-program = ["CHARSET" SP charset SP] search-key *(SP search-key) */
int imap_search_program(struct imap_session *s, struct imap_parse *p, struct imap_search *ret)
{
	struct parser ps = { .s = s, .p = p, .search = ret };
	int r = 1;

	/* RFC 6855 3: the charset is settled then. */
	if (s->has_utf8 && imap_parse_word(p, S("CHARSET")) > 0)
		return -E_SYNTAX;
	if (imap_parse_word(p, S("CHARSET")) > 0)
		r = charset(&ps);
	return r > 0 ? program(&ps) : imap_need(r);
}

/* search = "SEARCH" [search-return-opts] SP search-program */
int imap_search_parse(struct imap_session *s, struct imap_search *ret)
{
	int r = imap_search_returns(&s->p, ret);

	ret->in = imap_search_here(s);
	return r > 0 ? imap_search_program(s, &s->p, ret) : imap_need(r);
}

int imap_search_returns(struct imap_parse *p, struct imap_search *ret)
{
	int r = imap_parse_sp(p);

	*ret = (struct imap_search){ .returns = IMAP_RETURN_ALL };
	if (r > 0 && imap_parse_word(p, S("RETURN")) > 0) {
		r = return_opts(p, ret);
		r = r > 0 ? imap_parse_sp(p) : r;
	}
	return r;
}

int imap_search_criteria(struct imap_session *s, struct imap_search *ret)
{
	struct parser ps = { .s = s, .p = &s->p, .search = ret };
	int r = charset(&ps);

	ret->in = imap_search_here(s);
	return r > 0 ? program(&ps) : imap_need(r);
}
