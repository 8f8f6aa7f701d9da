/* SPDX-License-Identifier: MIT */
/*
 * GETMETADATA and SETMETADATA (RFC 5464 4.2, 4.3), and the METADATA responses that LIST shares (RFC
 * 9590).
 *
 * Mailboxes have /private and /shared entries, the server has /private ones of each user; its
 * /shared ones come from the settings and cannot be set. /private/specialuse is no annotation: it
 * is the special use of the mailbox (RFC 6154 4). Changes by others are told to who has said ENABLE
 * METADATA (4.4.2), or wants them by NOTIFY: the names of the entries only.
 */
#include "base/limits.h"
#include "imap/cmd_list.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "imap/search.h"
#include "store/annotation.h"
#include "store/mailbox.h"
#include "store/rights.h"

/* ---- what is wanted ---- */

/* entry = astring, RFC 5464 5; a name that cannot be is no entry. */
static int parse_entry(struct imap_parse *p, bool is_set, struct str *ret)
{
	struct imap_parse q = *p;
	struct str raw;
	int r = imap_parse_astring(&q, &raw);

	if (r <= 0)
		return r;
	r = store_entry_check(p->arena, raw, is_set, ret);
	if (r < 0)
		return r == -E_SYNTAX ? 0 : r;
	p->p = q.p;
	return 1;
}

static int add_entry(struct imap_parse *p, struct imap_metadata *ret)
{
	struct str entry;
	int r = parse_entry(p, false, &entry);

	if (r <= 0)
		return r;
	if (ret->n >= IMAP_METADATA_ENTRIES ||
	    arena_grow(p->arena, &ret->entries, ret->n, &ret->cap, sizeof(entry)) < 0)
		return -E_LIMIT;
	ret->entries[ret->n++] = entry;
	return 1;
}

static int add_entries(struct imap_parse *p, struct imap_metadata *ret)
{
	int r;

	do {
		r = add_entry(p, ret);
	} while (r > 0 && imap_parse_sp(p) > 0);
	return r;
}

int imap_metadata_parse(struct imap_parse *p, struct imap_metadata *ret)
{
	struct imap_metadata q = { .max_bytes = UINT64_MAX };
	int r;

	if (imap_parse_char(p, '(') <= 0)
		return 0;
	r = add_entries(p, &q);
	if (r <= 0 || imap_parse_char(p, ')') <= 0)
		return r < 0 ? r : 0;
	*ret = q;
	return 1;
}

/* maxsize-opt = "MAXSIZE" SP number; scope-opt = "DEPTH" SP ("0" / "1" / "infinity") */
static int parse_option(struct imap_parse *p, struct imap_metadata *ret)
{
	uint32_t number;

	if (imap_parse_word(p, S("MAXSIZE")) > 0) {
		if (imap_parse_sp(p) <= 0 || imap_parse_number(p, &number) <= 0)
			return 0;
		ret->max_bytes = number;
		return 1;
	}
	if (imap_parse_word(p, S("DEPTH")) <= 0 || imap_parse_sp(p) <= 0)
		return 0;
	if (imap_parse_word(p, S("infinity")) > 0)
		ret->depth = IMAP_DEPTH_INFINITY;
	else if (imap_parse_number(p, &number) <= 0 || number > 1)
		return 0;
	else
		ret->depth = number == 1 ? IMAP_DEPTH_1 : IMAP_DEPTH_0;
	return 1;
}

/* getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")" */
static int parse_options(struct imap_parse *p, struct imap_metadata *ret)
{
	struct imap_parse q = *p;

	if (imap_parse_char(&q, '(') <= 0)
		return 0;
	do {
		if (parse_option(&q, ret) <= 0)
			return 0;
	} while (imap_parse_sp(&q) > 0);
	if (imap_parse_char(&q, ')') <= 0)
		return 0;
	p->p = q.p;
	return 1;
}

/*
 * getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
 * The examples of RFC 5464 4.2.1 and 4.4.1 have the options behind the mailbox, and several entries
 * without parentheses; both are taken.
 */
static int parse_get(struct imap_parse *p, struct str *ret_mailbox, struct imap_metadata *ret)
{
	int r;

	ret->max_bytes = UINT64_MAX;
	if (imap_parse_sp(p) <= 0 || (parse_options(p, ret) > 0 && imap_parse_sp(p) <= 0))
		return -E_SYNTAX;
	if ((r = imap_need(imap_parse_mailbox(p, ret_mailbox))) < 0 ||
	    (r = imap_need(imap_parse_sp(p))) < 0)
		return r;
	if (parse_options(p, ret) > 0 && imap_parse_sp(p) <= 0)
		return -E_SYNTAX;
	if (imap_parse_char(p, '(') <= 0)
		r = imap_need(add_entries(p, ret));
	else if ((r = imap_need(add_entries(p, ret))) == 0)
		r = imap_need(imap_parse_char(p, ')'));
	return r < 0 ? r : imap_need(imap_parse_end(p));
}

/* ---- what is there ---- */

struct found {
	struct store_annotation *v;
	size_t n;
};

static int add_computed(struct arena *a, struct found *f, struct str entry, struct str value)
{
	struct store_annotation *v = ARENA_ARRAY(a, struct store_annotation, f->n + 1);

	if (v == NULL)
		return -E_LIMIT;
	if (f->n > 0)
		memcpy(v, f->v, f->n * sizeof(*v));
	v[f->n] = (struct store_annotation){ entry, arena_str(a, value) };
	f->v = v;
	f->n++;
	return v[f->n - 1].value.p != NULL ? 0 : -E_LIMIT;
}

static int find_server(struct imap_session *s, struct arena *a, struct found *f)
{
	int r = store_annotations_list(imap_store(s), a, 0, s->account, &f->v, &f->n);

	if (r == 0 && s->conf->server_comment[0] != '\0')
		r = add_computed(a, f, S("/shared/comment"), str_z(s->conf->server_comment));
	if (r == 0 && s->conf->server_admin[0] != '\0')
		r = add_computed(a, f, S("/shared/admin"), str_z(s->conf->server_admin));
	return r;
}

static int find_mailbox(struct imap_session *s, struct arena *a, const struct store_mailbox *box,
			struct found *f)
{
	AUTO(buf_fini) struct buf use = BUF_INIT(1000);
	int r = store_annotations_list(imap_store(s), a, box->id, s->account, &f->v, &f->n);

	/* RFC 5464 3.3 */
	if (!store_annotations_may(box->rights))
		return r < 0 ? r : -E_DENIED;
	imap_list_use_print(box->special_use, &use);
	return r == 0 && use.n > 0 ? add_computed(a, f, S(STORE_ENTRY_SPECIAL_USE), buf_str(&use)) : r;
}

/* RFC 5464 4.2.2: the entry itself, its children, all below it. */
static bool is_wanted(const struct imap_metadata *q, struct str entry)
{
	for (size_t i = 0; i < q->n; i++) {
		struct str below = str_skip(entry, q->entries[i].n);

		if (!str_starts(entry, q->entries[i]))
			continue;
		if (below.n == 0)
			return true;
		if (below.p[0] == '/' && q->depth != IMAP_DEPTH_0 &&
		    (q->depth == IMAP_DEPTH_INFINITY || str_chr(str_skip(below, 1), '/') < 0))
			return true;
	}
	return false;
}

/* ---- responses ---- */

struct response {
	struct imap_session *s;
	const struct store_mailbox *box; /* NULL: the server */
	bool has_begun;
};

static void resp_entry(struct imap_session *s, struct str entry)
{
	for (size_t i = 0; i < entry.n; i++) {
		char c = entry.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && strchr("/-_.$", c) == NULL) {
			imap_resp_string(s, entry);
			return;
		}
	}
	imap_resp(s, entry);
}

static void resp_target(struct imap_session *s, const struct store_mailbox *box)
{
	imap_resp(s, S("* METADATA "));
	if (box != NULL)
		imap_resp_mailbox(s, box->name);
	else
		imap_resp(s, S("\"\""));
}

void imap_metadata_tell(struct imap_session *s, const struct store_mailbox *box, struct str entries)
{
	struct str entry;

	resp_target(s, box);
	while (entries.n > 0 && str_split(&entries, '\n', &entry)) {
		imap_resp(s, S(" "));
		resp_entry(s, entry);
	}
	imap_resp_end(s);
}

/* entry-value = entry SP value, value = nstring / literal8 */
static void show_value(struct response *r, const struct store_annotation *v)
{
	if (!r->has_begun) {
		resp_target(r->s, r->box);
		imap_resp(r->s, S(" ("));
	} else {
		imap_resp(r->s, S(" "));
	}
	r->has_begun = true;
	resp_entry(r->s, v->entry);
	imap_resp(r->s, S(" "));
	if (v->value.p != NULL && str_chr(v->value, '\0') >= 0) {
		imap_resp_literal(r->s, v->value.n, true);
		imap_resp(r->s, v->value);
	} else {
		imap_resp_nstring(r->s, v->value);
	}
}

static bool is_there(const struct found *f, struct str entry)
{
	for (size_t i = 0; i < f->n; i++) {
		if (str_eq(f->v[i].entry, entry))
			return true;
	}
	return false;
}

static void show(struct response *r, const struct imap_metadata *q, const struct found *f,
		 uint64_t *longest)
{
	bool is_none = true;

	for (size_t i = 0; i < f->n; i++) {
		if (!is_wanted(q, f->v[i].entry))
			continue;
		is_none = false;
		if (f->v[i].value.n <= q->max_bytes)
			show_value(r, &f->v[i]);
		else if (f->v[i].value.n > *longest)
			*longest = f->v[i].value.n;
	}
	/*
	 * What was asked for by its own name has no value; of what is below a name this is not
	 * said.
	 */
	for (size_t i = 0; i < q->n && (q->depth == IMAP_DEPTH_0 || is_none); i++) {
		if (!is_there(f, q->entries[i]))
			show_value(r, &(struct store_annotation){ .entry = q->entries[i] });
	}
	if (r->has_begun)
		imap_resp(r->s, S(")\r\n"));
}

int imap_metadata_show(struct imap_session *s, const struct store_mailbox *box,
		       const struct imap_metadata *q, uint64_t *longest)
{
	AUTO(arena_fini) struct arena a;
	struct response response = { .s = s, .box = box };
	struct found f = { 0 };
	int r;

	arena_init(&a, LIMIT_COMMAND_ARENA);
	r = box != NULL ? find_mailbox(s, &a, box, &f) : find_server(s, &a, &f);
	if (r == 0)
		show(&response, q, &f, longest);
	return r;
}

/* ---- commands ---- */

/* "" is the server. *ret_box NULL: that. */
static int find_target(struct imap_session *s, struct str name, struct store_mailbox *box,
		       const struct store_mailbox **ret_box)
{
	int r = name.n > 0 ? imap_mailbox_find(s, name, STORE_R_LOOKUP, box) : 0;

	*ret_box = name.n > 0 ? box : NULL;
	return r;
}

int imap_cmd_getmetadata(struct imap_session *s)
{
	struct imap_metadata q = { 0 };
	const struct store_mailbox *target;
	struct store_mailbox box;
	struct str name;
	uint64_t longest = 0;
	int r = parse_get(&s->p, &name, &q);

	if (r == 0)
		r = find_target(s, name, &box, &target);
	if (r == 0)
		r = imap_metadata_show(s, target, &q, &longest);
	if (r == 0 && longest > 0)
		imap_code(s, "METADATA LONGENTRIES %llu", (unsigned long long)longest);
	return r;
}

/* The value of /private/specialuse: "\Drafts \Sent"; none takes all uses away. */
static int parse_use(struct imap_session *s, struct str value, unsigned *ret)
{
	struct str word;

	*ret = 0;
	while (value.n > 0 && str_split(&value, ' ', &word)) {
		unsigned bit = str_starts(word, S("\\")) ? imap_list_use_bit(str_skip(word, 1)) : 0;

		if (bit == 0) {
			imap_code(s, "USEATTR");
			imap_say(s, "that special use is not supported");
			return -E_CANNOT;
		}
		*ret |= bit;
	}
	return 0;
}

struct set {
	struct store_annotation *v;
	size_t n, cap;
	bool sets_use;
	struct str use;
};

/* entry-value = entry SP value */
static int parse_value(struct imap_parse *p, struct set *ret)
{
	struct store_annotation v;
	bool is_binary;
	int r;

	if ((r = imap_need(parse_entry(p, true, &v.entry))) < 0 ||
	    (r = imap_need(imap_parse_sp(p))) < 0)
		return r;
	r = imap_parse_nstring(p, &v.value);
	if (r == 0)
		r = imap_parse_literal(p, &v.value, &is_binary);
	if (r <= 0)
		return imap_need(r);
	if (str_eq(v.entry, S(STORE_ENTRY_SPECIAL_USE))) {
		ret->sets_use = true;
		ret->use = v.value;
		return 0;
	}
	/* More than there may be cannot be set. */
	if (ret->n >= 2 * LIMIT_ANNOTATIONS ||
	    arena_grow(p->arena, &ret->v, ret->n, &ret->cap, sizeof(v)) < 0)
		return -E_LIMIT;
	ret->v[ret->n++] = v;
	return 0;
}

/* setmetadata = "SETMETADATA" SP mailbox SP entry-values */
static int parse_set(struct imap_parse *p, struct str *ret_mailbox, struct set *ret)
{
	int r;

	if ((r = imap_need(imap_parse_sp(p))) < 0 ||
	    (r = imap_need(imap_parse_mailbox(p, ret_mailbox))) < 0 ||
	    (r = imap_need(imap_parse_sp(p))) < 0 ||
	    (r = imap_need(imap_parse_char(p, '('))) < 0)
		return r;
	do {
		r = parse_value(p, ret);
	} while (r == 0 && imap_parse_sp(p) > 0);
	if (r == 0)
		r = imap_need(imap_parse_char(p, ')'));
	return r < 0 ? r : imap_need(imap_parse_end(p));
}

/* RFC 5464 4.3: the response codes of a refusal. */
static int refused(struct imap_session *s, int r)
{
	if (r == -E_TOO_BIG) {
		imap_code(s, "METADATA MAXSIZE %d", LIMIT_ANNOTATION_VALUE);
		imap_say(s, "the value is too large");
	}
	if (r == -E_LIMIT)
		imap_code(s, "METADATA TOOMANY");
	return r;
}

/* filter-name = 1*<any ATOM-CHAR except "/"> */
static bool is_filter_name(struct str name)
{
	struct imap_parse p;
	struct str atom;

	imap_parse_init(&p, NULL, name, false);
	return imap_parse_atom(&p, &atom) > 0 && imap_parse_end(&p) &&
	       memchr(name.p, '/', name.n) == NULL;
}

/* RFC 5466 3.2: what SEARCH could not use is not kept. */
static int check_filters(struct imap_session *s, const struct set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct store_annotation *v = &set->v[i];

		if (v->value.p == NULL || !str_starts(v->entry, S(IMAP_FILTER_VALUES)))
			continue;
		if (!is_filter_name(str_skip(v->entry, strlen(IMAP_FILTER_VALUES))) ||
		    !imap_search_is_program(s, v->value)) {
			imap_say(s, "the filter is no search program");
			return -E_CANNOT;
		}
	}
	return 0;
}

int imap_cmd_setmetadata(struct imap_session *s)
{
	struct store_annotations_change change = { 0 };
	const struct store_mailbox *target = NULL;
	struct store_mailbox box;
	struct set set = { 0 };
	struct str name;
	int r = parse_set(&s->p, &name, &set);

	if (r == 0 && set.sets_use)
		r = parse_use(s, set.use, &change.special_use);
	if (r == 0)
		r = find_target(s, name, &box, &target);
	if (r == 0 && target == NULL)
		r = check_filters(s, &set);
	if (r < 0)
		return r == -E_LIMIT ? refused(s, r) : r;
	change.v = set.v;
	change.n = set.n;
	change.sets_special_use = set.sets_use;
	r = store_annotations_set(imap_store(s), target != NULL ? box.id : 0, s->account, &change);
	return refused(s, r);
}
