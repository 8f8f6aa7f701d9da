/* SPDX-License-Identifier: MIT */
/*
 * LIST in its simple and extended forms, and LSUB. One pass over the account's mailboxes
 * (the store gives them all, with the superiors that are only implied and the names that
 * are only subscribed): does a name fulfil the selection options, does it match a
 * pattern. RECURSIVEMATCH, and LSUB with "%", need a pass before it that marks the
 * superiors of names which are selected but not matched.
 *
 * The mailboxes that others share stand below "Other Users" (store/rights.h), with their rights.
 *
 * RFC 9051 6.3.9, RFC 5258 (LIST-EXTENDED), RFC 5819 (LIST-STATUS), RFC 6154 (SPECIAL-
 * USE), RFC 9590 (LIST-METADATA), RFC 8440 (LIST-MYRIGHTS), RFC 3348 (CHILDREN), RFC 3501 6.3.9 (LSUB)
 */
#include "base/limits.h"
#include "imap/cmd_list.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/annotation.h"
#include "store/mailbox.h"
#include "store/rights.h"

#define PATTERNS_MAX 64
/* Of all patterns: each byte costs time for each byte of each name. */
#define PATTERN_BYTES (4 * LIMIT_MAILBOX_NAME)

enum list_option {
	SELECT_SUBSCRIBED = 1,
	SELECT_REMOTE = 2,
	SELECT_RECURSIVE = 4,
	SELECT_SPECIAL = 8,
	RETURN_SUBSCRIBED = 16,
	RETURN_CHILDREN = 32,
	RETURN_SPECIAL = 64,
	RETURN_STATUS = 128,
	RETURN_METADATA = 256,
	RETURN_MYRIGHTS = 512,
};

struct option {
	struct str name;
	enum list_option bit;
};

/* REMOTE selects nothing more: there are no remote mailboxes. */
static const struct option select_options[] = {
	{ STR_INIT("SUBSCRIBED"), SELECT_SUBSCRIBED },
	{ STR_INIT("REMOTE"), SELECT_REMOTE },
	{ STR_INIT("RECURSIVEMATCH"), SELECT_RECURSIVE },
	{ STR_INIT("SPECIAL-USE"), SELECT_SPECIAL },
};

static const struct option return_options[] = {
	{ STR_INIT("SUBSCRIBED"), RETURN_SUBSCRIBED },
	{ STR_INIT("CHILDREN"), RETURN_CHILDREN },
	{ STR_INIT("SPECIAL-USE"), RETURN_SPECIAL },
	{ STR_INIT("STATUS"), RETURN_STATUS },
	{ STR_INIT("METADATA"), RETURN_METADATA },
	{ STR_INIT("MYRIGHTS"), RETURN_MYRIGHTS },
};

static const struct {
	struct str name;
	unsigned bit;
} uses[] = {
	{ STR_INIT("Drafts"), STORE_USE_DRAFTS },   { STR_INIT("Sent"), STORE_USE_SENT },
	{ STR_INIT("Junk"), STORE_USE_JUNK },       { STR_INIT("Trash"), STORE_USE_TRASH },
	{ STR_INIT("Archive"), STORE_USE_ARCHIVE },
};

unsigned imap_list_use_bit(struct str attr)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(uses); i++) {
		if (str_ieq(attr, uses[i].name))
			return uses[i].bit;
	}
	return 0;
}

void imap_list_use_print(unsigned special_use, struct buf *out)
{
	const char *sep = "";

	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		if (special_use & uses[i].bit) {
			buf_printf(out, "%s\\%s", sep, uses[i].name.p);
			sep = " ";
		}
	}
}

struct request {
	unsigned options;
	unsigned status_items;
	struct imap_metadata metadata;
	bool is_extended; /* selection or return options, or several patterns */
	bool is_lsub;
	struct str reference;
	struct str *patterns;
	size_t n_patterns, cap;
	struct imap_list_pattern **compiled;
};

/* A mailbox and what was found out about it. */
struct item {
	const struct store_mailbox *box;
	bool is_matched, is_selected;
	bool has_selected_child; /* that no pattern matches */
};

/* ---- parsing ---- */

/* "(" [option *(SP option)] ")", each by its row; STATUS takes its items, METADATA its entries. */
static int parse_options(struct imap_parse *p, const struct option *rows, size_t n,
			 struct request *ret)
{
	bool is_first = true;

	if (imap_parse_char(p, '(') <= 0)
		return -E_SYNTAX;
	while (imap_parse_char(p, ')') <= 0) {
		struct str name;
		size_t i;

		if ((!is_first && imap_parse_sp(p) <= 0) || imap_parse_name(p, &name) <= 0)
			return -E_SYNTAX;
		for (i = 0; i < n && !str_ieq(name, rows[i].name); i++)
			;
		if (i == n)
			return -E_SYNTAX;
		ret->options |= rows[i].bit;
		if (rows[i].bit == RETURN_STATUS &&
		    (imap_parse_sp(p) <= 0 || imap_status_parse(p, &ret->status_items) <= 0))
			return -E_SYNTAX;
		if (rows[i].bit == RETURN_METADATA) {
			int r = imap_parse_sp(p) > 0 ? imap_metadata_parse(p, &ret->metadata) : 0;

			if (r <= 0)
				return imap_need(r);
		}
		is_first = false;
	}
	return 0;
}

static int parse_pattern(struct imap_parse *p, struct request *ret)
{
	struct str pattern;
	int r = imap_need(imap_parse_list_mailbox(p, &pattern));

	if (r == 0 && ret->n_patterns >= PATTERNS_MAX)
		r = -E_LIMIT;
	if (r == 0)
		r = arena_grow(p->arena, &ret->patterns, ret->n_patterns, &ret->cap,
			       sizeof(pattern));
	if (r == 0)
		ret->patterns[ret->n_patterns++] = pattern;
	return r;
}

/* mbox-or-pat = list-mailbox / patterns, patterns = "(" list-mailbox *(SP list-mailbox) ")" */
static int parse_patterns(struct imap_parse *p, struct request *ret)
{
	int r;

	if (imap_parse_char(p, '(') <= 0)
		return parse_pattern(p, ret);
	ret->is_extended = true;
	do {
		r = parse_pattern(p, ret);
		if (r < 0)
			return r;
	} while (imap_parse_sp(p) > 0);
	return imap_need(imap_parse_char(p, ')'));
}

/* list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts] */
static int parse_list(struct imap_parse *p, struct request *ret)
{
	unsigned base = SELECT_SUBSCRIBED | SELECT_SPECIAL;
	int r = imap_need(imap_parse_sp(p));

	if (r == 0 && imap_parse_peek(p) == '(' && !ret->is_lsub) {
		ret->is_extended = true;
		r = parse_options(p, select_options, ARRAY_LEN(select_options), ret);
		if (r == 0)
			r = imap_need(imap_parse_sp(p));
	}
	if (r < 0 || (r = imap_need(imap_parse_mailbox(p, &ret->reference))) < 0 ||
	    (r = imap_need(imap_parse_sp(p))) < 0 || (r = parse_patterns(p, ret)) < 0)
		return r;
	if (imap_parse_sp(p) > 0) {
		if (ret->is_lsub || imap_parse_prefix(p, S("RETURN ")) <= 0)
			return -E_SYNTAX;
		ret->is_extended = true;
		r = parse_options(p, return_options, ARRAY_LEN(return_options), ret);
	}
	if (r < 0 || !imap_parse_end(p) || (ret->is_lsub && ret->is_extended))
		return r < 0 ? r : -E_SYNTAX;
	/* RFC 9051 6.3.9.1: RECURSIVEMATCH needs an option that selects. */
	return (ret->options & SELECT_RECURSIVE) && !(ret->options & base) ? -E_SYNTAX : 0;
}

/* RFC 9051 6.3.9: the pattern is what reference and mailbox give side by side. */
static int compile(struct arena *a, struct request *q)
{
	size_t i, bytes = 0;

	q->compiled = arena_alloc(a, q->n_patterns, sizeof(struct imap_list_pattern *));
	if (q->compiled == NULL)
		return -E_LIMIT;
	for (i = 0; i < q->n_patterns; i++) {
		struct str whole = arena_printf(a, "%" STR_FMT "%" STR_FMT, STR_ARG(q->reference),
						STR_ARG(q->patterns[i]));
		int r;

		bytes += whole.n;
		if (bytes > PATTERN_BYTES || whole.p == NULL)
			return -E_LIMIT;
		r = imap_list_pattern_parse(a, whole, &q->compiled[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- deciding ---- */

static bool is_selected(const struct request *q, const struct store_mailbox *box)
{
	bool has_base = q->options & (SELECT_SUBSCRIBED | SELECT_SPECIAL);

	if ((q->options & SELECT_SUBSCRIBED) && !box->is_subscribed)
		return false;
	if ((q->options & SELECT_SPECIAL) && box->special_use == 0)
		return false;
	/* Without a selection: what exists, and superiors; not what is only subscribed. */
	return has_base || box->id != 0 || box->has_children;
}

static bool is_matched(const struct request *q, struct str name)
{
	size_t i;

	for (i = 0; i < q->n_patterns; i++) {
		if (imap_list_pattern_match(q->compiled[i], name))
			return true;
	}
	return false;
}

static int item_cmp(const void *a, const void *b)
{
	const struct item *x = *(struct item *const *)a, *y = *(struct item *const *)b;

	return str_cmp(x->box->name, y->box->name);
}

static struct item *find_item(struct item **by_name, size_t n, struct str name)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = str_cmp(by_name[mid]->box->name, name);

		if (c == 0)
			return by_name[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Tells all superiors of a name. */
static void mark_superiors(struct item **by_name, size_t n, struct str name)
{
	ptrdiff_t slash;

	while ((slash = str_rchr(name, '/')) > 0) {
		struct item *superior;

		name = str_head(name, (size_t)slash);
		superior = find_item(by_name, n, name);
		if (superior != NULL)
			superior->has_selected_child = true;
	}
}

static int mark_all(struct arena *a, struct item *items, size_t n)
{
	struct item **by_name = arena_alloc(a, n + 1, sizeof(struct item *));
	size_t i;

	if (by_name == NULL)
		return -E_LIMIT;
	for (i = 0; i < n; i++)
		by_name[i] = &items[i];
	qsort(by_name, n, sizeof(by_name[0]), item_cmp);
	for (i = 0; i < n; i++) {
		if (items[i].is_selected && !items[i].is_matched)
			mark_superiors(by_name, n, items[i].box->name);
	}
	return 0;
}

static int decide(struct imap_session *s, const struct request *q, struct item **ret, size_t *ret_n)
{
	struct store_mailbox *boxes;
	struct item *items;
	size_t n, i;
	int r = store_mailbox_list_visible(imap_store(s), &s->arena, s->account, &boxes, &n);

	if (r < 0)
		return r;
	items = ARENA_ARRAY(&s->arena, struct item, n + 1);
	if (items == NULL)
		return -E_LIMIT;
	for (i = 0; i < n; i++) {
		items[i].box = &boxes[i];
		items[i].is_matched = is_matched(q, boxes[i].name);
		items[i].is_selected = is_selected(q, &boxes[i]);
	}
	*ret = items;
	*ret_n = n;
	return q->is_lsub || (q->options & SELECT_RECURSIVE) ? mark_all(&s->arena, items, n) : 0;
}

/* ---- showing ---- */

static void attr(struct imap_session *s, const char **sep, struct str name)
{
	imap_respf(s, "%s\\", *sep);
	imap_resp(s, name);
	*sep = " ";
}

static void show_attrs(struct imap_session *s, const struct request *q, const struct item *item)
{
	const struct store_mailbox *box = item->box;
	const char *sep = "";
	size_t i;

	/* RFC 3501 6.3.9: a superior of subscribed names is \Noselect here, whatever it is. */
	if (q->is_lsub) {
		if (!item->is_selected)
			attr(s, &sep, S("Noselect"));
		return;
	}
	if (box->id == 0)
		attr(s, &sep, q->is_extended || s->is_rev2 ? S("NonExistent") : S("Noselect"));
	/* RFC 4314: it can be seen, not selected; RFC 5819 2 */
	else if (!(box->rights & STORE_R_READ))
		attr(s, &sep, S("Noselect"));
	if (box->is_subscribed && (q->options & (SELECT_SUBSCRIBED | RETURN_SUBSCRIBED)))
		attr(s, &sep, S("Subscribed"));
	attr(s, &sep, box->has_children ? S("HasChildren") : S("HasNoChildren"));
	for (i = 0; i < ARRAY_LEN(uses); i++) {
		if (box->special_use & uses[i].bit)
			attr(s, &sep, uses[i].name);
	}
}

/*
 * mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
 * [SP mbox-list-extended]
 */
static int show_item(struct imap_session *s, const struct request *q, const struct item *item)
{
	uint64_t longest = 0;
	int r = 0;

	imap_resp(s, q->is_lsub ? S("* LSUB (") : S("* LIST ("));
	show_attrs(s, q, item);
	imap_resp(s, S(") \"/\" "));
	imap_resp_mailbox(s, item->box->name);
	if (item->has_selected_child && (q->options & SELECT_RECURSIVE))
		imap_resp(s, q->options & SELECT_SUBSCRIBED
				     ? S(" (\"CHILDINFO\" (\"SUBSCRIBED\"))")
				     : S(" (\"CHILDINFO\" (\"SPECIAL-USE\"))"));
	imap_resp_end(s);
	/* RFC 8440 3 */
	if ((q->options & RETURN_MYRIGHTS) && item->box->id != 0)
		imap_myrights_show(s, item->box);
	/* RFC 5819 2: not for names that cannot be selected. */
	if ((q->options & RETURN_STATUS) && (item->box->rights & STORE_R_READ))
		r = imap_status_show(s, item->box, q->status_items);
	/* RFC 9590 4: nor for those that are here only because of their children. */
	if (r == 0 && (q->options & RETURN_METADATA) && item->is_selected &&
	    store_annotations_may(item->box->rights))
		r = imap_metadata_show(s, item->box, &q->metadata, &longest);
	return r;
}

/* mailbox SP mbox-list-extended, with oldname-extended-item = "OLDNAME" SP "(" mailbox ")" */
static void end_item(struct imap_session *s, struct str name, struct str old_name)
{
	imap_resp_mailbox(s, name);
	if (old_name.n > 0) {
		imap_resp(s, S(" (\"OLDNAME\" ("));
		imap_resp_mailbox(s, old_name);
		imap_resp(s, S("))"));
	}
	imap_resp_end(s);
}

void imap_list_tell(struct imap_session *s, const struct store_mailbox *box, struct str old_name,
		    bool has_no_access)
{
	const struct request q = { .is_extended = true, .options = RETURN_SUBSCRIBED };
	const struct item item = { .box = box };

	imap_resp(s, has_no_access ? S("* LIST (\\NoAccess ") : S("* LIST ("));
	show_attrs(s, &q, &item);
	imap_resp(s, S(") \"/\" "));
	end_item(s, box->name, old_name);
}

void imap_list_given(struct imap_session *s, struct str attrs, struct str name, struct str given)
{
	imap_respf(s, "* LIST (%" STR_FMT ") \"/\" ", STR_ARG(attrs));
	end_item(s, name, str_eq(given, name) ? S("") : given);
}

static int list(struct imap_session *s, struct request *q)
{
	struct item *items;
	size_t n, i;
	int r = parse_list(&s->p, q);

	if (r < 0)
		return r;
	/* RFC 9051 6.3.9: an empty name asks for the separator and the root. */
	if (!q->is_extended && q->patterns[0].n == 0) {
		imap_resp_untagged(s, "%s (\\Noselect) \"/\" \"\"", q->is_lsub ? "LSUB" : "LIST");
		return 0;
	}
	if (q->status_items & IMAP_STATUS_HIGHESTMODSEQ)
		imap_condstore_enable(s);
	if ((r = compile(&s->arena, q)) < 0 || (r = decide(s, q, &items, &n)) < 0)
		return r;
	for (i = 0; i < n && r == 0; i++) {
		if (items[i].is_matched && (items[i].is_selected || items[i].has_selected_child))
			r = show_item(s, q, &items[i]);
	}
	return r;
}

int imap_cmd_list(struct imap_session *s)
{
	struct request q = { 0 };

	return list(s, &q);
}

/* lsub = "LSUB" SP mailbox SP list-mailbox   RFC 3501 6.3.9 */
int imap_cmd_lsub(struct imap_session *s)
{
	struct request q = { .is_lsub = true, .options = SELECT_SUBSCRIBED };

	return list(s, &q);
}
