/* SPDX-License-Identifier: MIT */
/* Annotations of messages, RFC 5257: the grammar of section 5, and the data of FETCH (4.4). */
#include "imap/note.h"

#include "base/limits.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "mime/mime.h"

/* ---- names ---- */

/* Names are told apart by case (RFC 5257 3.2). */
static const struct {
	struct str name;
	bool is_size;
	unsigned scopes;
} atts[] = {
	{ STR_INIT("value"), false, STORE_NOTE_PRIVATE | STORE_NOTE_SHARED },
	{ STR_INIT("value.priv"), false, STORE_NOTE_PRIVATE },
	{ STR_INIT("value.shared"), false, STORE_NOTE_SHARED },
	{ STR_INIT("size"), true, STORE_NOTE_PRIVATE | STORE_NOTE_SHARED },
	{ STR_INIT("size.priv"), true, STORE_NOTE_PRIVATE },
	{ STR_INIT("size.shared"), true, STORE_NOTE_SHARED },
};

/* attrib = astring; *ret: the row */
static int attrib(struct imap_parse *p, size_t *ret)
{
	struct str name;
	size_t i = 0;
	int r = imap_parse_astring(p, &name);

	if (r <= 0)
		return r;
	while (i < ARRAY_LEN(atts) && !str_eq(name, atts[i].name))
		i++;
	*ret = i;
	return i < ARRAY_LEN(atts);
}

int imap_note_scopes_parse(struct imap_parse *p, unsigned *ret)
{
	size_t row;
	int r = attrib(p, &row);

	if (r <= 0)
		return r;
	*ret = atts[row].scopes;
	return !atts[row].is_size;
}

int imap_note_entry_parse(struct imap_parse *p, bool is_pattern, struct str *ret)
{
	int r = is_pattern ? imap_parse_list_chars(p, ret) : imap_parse_astring(p, ret);

	return r > 0 ? store_note_check(*ret, is_pattern, NULL, NULL) == 0 : r;
}

int imap_note_value_parse(struct imap_parse *p, struct str *ret)
{
	bool is_binary;
	int r = imap_parse_nstring(p, ret);

	return r == 0 ? imap_parse_literal(p, ret, &is_binary) : r;
}

static bool is_of_part(struct str entry)
{
	size_t n = 0;

	return store_note_check(entry, false, NULL, &n) == 0 && n > 0;
}

static bool has_part(struct str map, struct str entry)
{
	uint32_t part[STORE_NOTE_PART];
	struct mime_map_part found;
	size_t n = 0;

	if (store_note_check(entry, false, part, &n) < 0 || n == 0)
		return true;
	return mime_map_find(map, part, n, &found) != 0;
}

/* ---- FETCH: what is asked ---- */

static bool has_entry(const struct imap_note_fetch *f, struct str entry)
{
	for (size_t i = 0; i < f->n; i++) {
		if (str_eq(f->entries[i], entry))
			return true;
	}
	return false;
}

static int add_entry(struct imap_parse *p, size_t max, struct imap_note_fetch *f)
{
	struct str entry;
	int r = imap_note_entry_parse(p, true, &entry);

	if (r <= 0)
		return r;
	if (++f->n_given > max)
		return -E_LIMIT;
	if (has_entry(f, entry))
		return 1;
	if (arena_grow(p->arena, &f->entries, f->n, &f->cap, sizeof(entry)) < 0)
		return -E_LIMIT;
	f->entries[f->n++] = entry;
	f->has_parts |= is_of_part(entry);
	return 1;
}

static void add_att(struct imap_note_fetch *f, bool is_size, unsigned scope)
{
	for (size_t i = 0; i < f->n_atts; i++) {
		if (f->atts[i].is_size == is_size && f->atts[i].scope == scope)
			return;
	}
	f->atts[f->n_atts++] = (struct imap_note_att){ is_size, scope };
}

static int add_atts(struct imap_parse *p, struct imap_note_fetch *f)
{
	size_t row;
	int r = attrib(p, &row);

	if (r <= 0)
		return r;
	if (atts[row].scopes & STORE_NOTE_PRIVATE)
		add_att(f, atts[row].is_size, STORE_NOTE_PRIVATE);
	if (atts[row].scopes & STORE_NOTE_SHARED)
		add_att(f, atts[row].is_size, STORE_NOTE_SHARED);
	return 1;
}

/*
 * entries = entry-match / "(" entry-match *(SP entry-match) ")"
 */
static int entries(struct imap_parse *p, size_t max, struct imap_note_fetch *f)
{
	int r;

	if (imap_parse_char(p, '(') <= 0)
		return add_entry(p, max, f);
	do {
		r = add_entry(p, max, f);
		if (r <= 0)
			return r;
	} while (imap_parse_sp(p) > 0);
	return imap_parse_char(p, ')');
}

/*
 * attribs = attrib / "(" attrib *(SP attrib) ")"
 */
static int attribs(struct imap_parse *p, struct imap_note_fetch *f)
{
	int r;

	if (imap_parse_char(p, '(') <= 0)
		return add_atts(p, f);
	do {
		r = add_atts(p, f);
		if (r <= 0)
			return r;
	} while (imap_parse_sp(p) > 0);
	return imap_parse_char(p, ')');
}

/* fetch-att =/ "ANNOTATION" SP "(" entries SP attribs ")" */
int imap_note_fetch_parse(struct imap_parse *p, size_t max, struct imap_note_fetch *ret)
{
	struct imap_parse q = *p;
	int r;

	*ret = (struct imap_note_fetch){ 0 };
	if (imap_parse_sp(&q) <= 0 || imap_parse_char(&q, '(') <= 0)
		return 0;
	r = entries(&q, max, ret);
	if (r > 0)
		r = imap_parse_sp(&q);
	if (r > 0)
		r = attribs(&q, ret);
	if (r > 0)
		r = imap_parse_char(&q, ')');
	if (r > 0)
		p->p = q.p;
	return r;
}

/* ---- FETCH: the answer ---- */

/* entry = astring */
static void resp_entry(struct imap_session *s, struct str entry)
{
	bool is_plain = entry.n > 0;

	for (size_t i = 0; i < entry.n; i++) {
		char c = str_lower_char(entry.p[i]);

		is_plain &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    strchr("/.-_", c) != NULL;
	}
	if (is_plain)
		imap_resp(s, entry);
	else
		imap_resp_string(s, entry);
}

void imap_note_names_write(struct imap_session *s, const char *sep_z,
			   const struct store_note_change *v, size_t n)
{
	imap_respf(s, "%sANNOTATION (", sep_z);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && str_eq(v[i].entry, v[i - 1].entry))
			continue;
		imap_resp(s, i > 0 ? S(" ") : S(""));
		resp_entry(s, v[i].entry);
	}
	imap_resp(s, S(")"));
}

static void write_value(struct imap_session *s, struct str value)
{
	if (value.p == NULL || str_chr(value, '\0') < 0) {
		imap_resp_nstring(s, value);
		return;
	}
	imap_resp_literal(s, value.n, true);
	imap_resp(s, value);
}

/* priv, shared: the values of the entry; NULL: none */
static void write_entry(struct imap_session *s, const struct imap_note_fetch *f, struct str entry,
			const struct store_note *private, const struct store_note *shared)
{
	resp_entry(s, entry);
	for (size_t i = 0; i < f->n_atts; i++) {
		bool is_shared = f->atts[i].scope == STORE_NOTE_SHARED;
		const struct store_note *note = is_shared ? shared : private;

		imap_respf(s, "%s%s%s ", i > 0 ? " " : " (", f->atts[i].is_size ? "size" : "value",
			   is_shared ? ".shared" : ".priv");
		if (f->atts[i].is_size)
			imap_respf(s, "\"%zu\"", note != NULL ? note->value.n : 0);
		else
			write_value(s, note != NULL ? note->value : (struct str){ 0 });
	}
	imap_resp(s, S(")"));
}

static bool is_wanted(const struct imap_note_fetch *f, const struct store_note *v)
{
	for (size_t i = 0; i < f->n_atts; i++) {
		if ((f->atts[i].scope == STORE_NOTE_SHARED) == v->is_shared)
			return true;
	}
	return false;
}

bool imap_note_has_answer(const struct imap_note_fetch *f, const struct store_note *v, size_t n)
{
	for (size_t k = 0; k < f->n; k++) {
		if (!store_note_is_pattern(f->entries[k]))
			return true;
		for (size_t i = 0; i < n; i++) {
			if (is_wanted(f, &v[i]) && store_note_matches(f->entries[k], v[i].entry))
				return true;
		}
	}
	return false;
}

struct answer {
	struct imap_session *s;
	const struct imap_note_fetch *f;
	const struct store_note *v; /* by entry, a private one before the shared one */
	size_t n;
	bool *is_told; /* of each of them */
	const char *sep;
};

/* Each once, whatever else of the list it matches. */
static void tell(struct answer *a, struct str entry)
{
	const struct store_note *found[2] = { NULL, NULL };

	for (size_t i = 0; i < a->n; i++) {
		if (!str_eq(a->v[i].entry, entry))
			continue;
		if (a->is_told[i])
			return;
		found[a->v[i].is_shared] = &a->v[i];
		a->is_told[i] = true;
	}
	imap_resp(a->s, str_z(a->sep));
	a->sep = " ";
	write_entry(a->s, a->f, entry, found[0], found[1]);
}

static void tell_matching(struct answer *a, struct str pattern)
{
	for (size_t i = 0; i < a->n; i++) {
		if (!a->is_told[i] && is_wanted(a->f, &a->v[i]) &&
		    store_note_matches(pattern, a->v[i].entry))
			tell(a, a->v[i].entry);
	}
}

int imap_note_write(struct imap_session *s, const struct imap_note_fetch *f, struct str map,
		    const struct store_note *v, size_t n)
{
	AUTO(mem_auto_free) bool *is_told = mem_alloc(n + 1, sizeof(*is_told));
	struct answer a = { .s = s, .f = f, .v = v, .n = n, .is_told = is_told, .sep = "" };
	int r = 0;

	imap_resp(s, S("ANNOTATION ("));
	for (size_t k = 0; k < f->n; k++) {
		if (store_note_is_pattern(f->entries[k]))
			tell_matching(&a, f->entries[k]);
		else
			tell(&a, f->entries[k]);
		if (f->has_parts && !store_note_is_pattern(f->entries[k]) &&
		    !has_part(map, f->entries[k]))
			r = -E_SYNTAX;
	}
	imap_resp(s, S(")"));
	return r;
}

/* ---- STORE, APPEND ---- */

/* att-value = attrib SP value; only "value.priv" and "value.shared" can be set (RFC 5257 3.2.2). */
static int att_value(struct imap_parse *p, struct str entry, struct imap_note_list *list)
{
	struct store_note note = { .entry = entry };
	unsigned scopes;
	int r = imap_note_scopes_parse(p, &scopes);

	if (r > 0)
		r = scopes == STORE_NOTE_PRIVATE || scopes == STORE_NOTE_SHARED;
	if (r > 0)
		r = imap_parse_sp(p);
	if (r > 0)
		r = imap_note_value_parse(p, &note.value);
	if (r <= 0)
		return r;
	note.is_shared = scopes == STORE_NOTE_SHARED;
	if (note.value.p != NULL && !store_note_value_fits(entry, note.value))
		return 0;
	if (list->n >= IMAP_NOTES ||
	    arena_grow(p->arena, &list->v, list->n, &list->cap, sizeof(note)) < 0)
		return -E_NOTES;
	list->v[list->n++] = note;
	return 1;
}

/* entry-att = entry SP "(" att-value *(SP att-value) ")" */
static int entry_att(struct imap_parse *p, struct imap_note_list *list)
{
	struct str entry;
	int r = imap_note_entry_parse(p, false, &entry);

	if (r <= 0)
		return r;
	list->has_parts |= is_of_part(entry);
	if (imap_parse_sp(p) <= 0 || imap_parse_char(p, '(') <= 0)
		return 0;
	do {
		r = att_value(p, entry, list);
		if (r <= 0)
			return r;
	} while (imap_parse_sp(p) > 0);
	return imap_parse_char(p, ')');
}

int imap_note_list_parse(struct imap_parse *p, struct imap_note_list *ret)
{
	struct imap_parse q = *p;
	int r;

	*ret = (struct imap_note_list){ 0 };
	if (imap_parse_char(&q, '(') <= 0)
		return 0;
	do {
		r = entry_att(&q, ret);
		if (r <= 0)
			return r;
	} while (imap_parse_sp(&q) > 0);
	r = imap_parse_char(&q, ')');
	if (r > 0)
		p->p = q.p;
	return r;
}

bool imap_note_has_parts(struct str map, const struct store_note *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!has_part(map, v[i].entry))
			return false;
	}
	return true;
}
