/* SPDX-License-Identifier: MIT */
/*
 * What a FETCH asks for (RFC 9051 6.4.5 and 9 "fetch-att"), as structs. Each item that comes
 * from the content gets its response label here, in canonical spelling, so that writing it is
 * one piece.
 *
 *   fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822.SIZE" / "UID" /
 *               "BODY" ["STRUCTURE"] /
 *               "BODY" [".PEEK"] section [partial] / "BINARY" [".PEEK"] section-binary [partial] /
 *               "BINARY.SIZE" section-binary
 *   and RFC 3501 9: "RFC822" [".HEADER" / ".TEXT"]; RFC 7162 7: "MODSEQ";
 *   RFC 8474 7: "EMAILID" / "THREADID";
 *   RFC 5257 5: "ANNOTATION" SP "(" entries SP attribs ")";
 *   RFC 8514 8: "SAVEDATE"; RFC 8970 6: "PREVIEW" [SP "(" "LAZY" *(SP "LAZY") ")"]
 */
#include "imap/fetch.h"

#include "base/limits.h"
#include "base/text.h"

enum { ROW_SEEN = 1, ROW_SECTION = 2, ROW_PARTIAL = 4, ROW_LAZY = 8, ROW_NOTES = 16 };

/* One row for each name; with ROW_SECTION it is the one that "[" follows. */
static const struct {
	struct str name;
	unsigned bit; /* enum imap_fetch_bit, or the rest */
	enum imap_fetch_kind kind;
	unsigned flags;
	enum imap_fetch_text text; /* of a section that the name implies */
} rows[] = {
	{ STR_INIT("UID"), IMAP_FETCH_UID, 0, 0, 0 },
	{ STR_INIT("FLAGS"), IMAP_FETCH_FLAGS, 0, 0, 0 },
	{ STR_INIT("MODSEQ"), IMAP_FETCH_MODSEQ, 0, 0, 0 },
	{ STR_INIT("INTERNALDATE"), IMAP_FETCH_INTERNALDATE, 0, 0, 0 },
	{ STR_INIT("RFC822.SIZE"), IMAP_FETCH_SIZE, 0, 0, 0 },
	{ STR_INIT("EMAILID"), IMAP_FETCH_EMAILID, 0, 0, 0 },
	{ STR_INIT("THREADID"), IMAP_FETCH_THREADID, 0, 0, 0 },
	{ STR_INIT("SAVEDATE"), IMAP_FETCH_SAVEDATE, 0, 0, 0 },
	{ STR_INIT("ENVELOPE"), 0, IMAP_FETCH_ENVELOPE, 0, 0 },
	{ STR_INIT("BODYSTRUCTURE"), 0, IMAP_FETCH_BODYSTRUCTURE, 0, 0 },
	{ STR_INIT("PREVIEW"), 0, IMAP_FETCH_PREVIEW, ROW_LAZY, 0 },
	{ STR_INIT("ANNOTATION"), 0, IMAP_FETCH_ANNOTATION, ROW_NOTES, 0 },
	{ STR_INIT("RFC822"), 0, IMAP_FETCH_SECTION, ROW_SEEN, IMAP_TEXT_ALL },
	{ STR_INIT("RFC822.HEADER"), 0, IMAP_FETCH_SECTION, 0, IMAP_TEXT_HEADER },
	{ STR_INIT("RFC822.TEXT"), 0, IMAP_FETCH_SECTION, ROW_SEEN, IMAP_TEXT_TEXT },
	{ STR_INIT("BODY"), 0, IMAP_FETCH_SECTION, ROW_SECTION | ROW_PARTIAL | ROW_SEEN, 0 },
	{ STR_INIT("BODY.PEEK"), 0, IMAP_FETCH_SECTION, ROW_SECTION | ROW_PARTIAL, 0 },
	{ STR_INIT("BINARY"), 0, IMAP_FETCH_BINARY, ROW_SECTION | ROW_PARTIAL | ROW_SEEN, 0 },
	{ STR_INIT("BINARY.PEEK"), 0, IMAP_FETCH_BINARY, ROW_SECTION | ROW_PARTIAL, 0 },
	{ STR_INIT("BINARY.SIZE"), 0, IMAP_FETCH_BINARY_SIZE, ROW_SECTION, 0 },
	{ STR_INIT("BODY"), 0, IMAP_FETCH_BODY, 0, 0 },
};

#define FAST (IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE)

/* RFC 9051 6.4.5: the macros stand alone. */
static const struct {
	struct str name;
	unsigned bits;
	struct str items[2];
} macros[] = {
	{ STR_INIT("FAST"), FAST, { STR_INIT(""), STR_INIT("") } },
	{ STR_INIT("ALL"), FAST, { STR_INIT("ENVELOPE"), STR_INIT("") } },
	{ STR_INIT("FULL"), FAST, { STR_INIT("ENVELOPE"), STR_INIT("BODY") } },
};

static unsigned content_fields(enum imap_fetch_kind kind, size_t n_part)
{
	switch (kind) {
	case IMAP_FETCH_ENVELOPE:
		return STORE_C_ENVELOPE;
	case IMAP_FETCH_BODY:
	case IMAP_FETCH_BODYSTRUCTURE:
		return STORE_C_STRUCTURE;
	case IMAP_FETCH_PREVIEW:
		return STORE_C_PREVIEW;
	case IMAP_FETCH_ANNOTATION:
		return 0;
	default:
		return n_part > 0 ? STORE_C_MAP : 0;
	}
}

static int add_item(struct imap_parse *p, struct imap_fetch *f, size_t *cap,
		    const struct imap_fetch_item *item)
{
	f->n_fields += item->n_fields;
	if (f->n >= IMAP_FETCH_ITEMS || f->n_fields > IMAP_FETCH_FIELDS ||
	    arena_grow(p->arena, &f->items, f->n, cap, sizeof(*item)) < 0)
		return -E_LIMIT;
	f->items[f->n++] = *item;
	f->content_fields |= content_fields(item->kind, item->n_part);
	if (item->notes != NULL) {
		f->has_notes = true;
		f->content_fields |= item->notes->has_parts ? STORE_C_MAP : 0;
	}
	return 1;
}

/* ---- sections ---- */

/*
 * section-part = nz-number *("." nz-number)
 * Takes the "." after it too when more than a number follows; *ret_more tells.
 */
static int section_part(struct imap_parse *p, struct imap_fetch_item *item, bool *ret_more)
{
	uint32_t path[IMAP_FETCH_DEPTH];
	size_t n = 0;
	uint32_t number;

	*ret_more = true;
	while (imap_parse_nz_number(p, &number) > 0) {
		if (n == IMAP_FETCH_DEPTH)
			return -E_LIMIT;
		path[n++] = number;
		*ret_more = imap_parse_char(p, '.') > 0;
		if (!*ret_more)
			break;
	}
	if (n == 0)
		return 1;
	item->part = ARENA_ARRAY(p->arena, uint32_t, n);
	if (item->part == NULL)
		return -E_LIMIT;
	memcpy(item->part, path, n * sizeof(path[0]));
	item->n_part = n;
	return 1;
}

/*
 * A name that can stand between quotes; what cannot is no header-fld-name either (RFC 5322
 * 3.6.8).
 */
static bool is_printable(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] < 0x20 || name.p[i] > 0x7e)
			return false;
	}
	return true;
}

/* header-list = "(" header-fld-name *(SP header-fld-name) ")", header-fld-name = astring */
static int header_list(struct imap_parse *p, struct imap_fetch_item *item)
{
	size_t cap = 0;
	struct str name;
	int r;

	if (imap_parse_sp(p) <= 0 || imap_parse_char(p, '(') <= 0)
		return 0;
	do {
		r = imap_parse_astring(p, &name);
		if (r <= 0)
			return r;
		if (!is_printable(name))
			return 0;
		if (arena_grow(p->arena, &item->fields, item->n_fields, &cap, sizeof(name)) < 0)
			return -E_LIMIT;
		item->fields[item->n_fields++] = name;
	} while (imap_parse_sp(p) > 0);
	return imap_parse_char(p, ')');
}

/*
 * section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
 * section-text = section-msgtext / "MIME"
 */
static int section_text(struct imap_parse *p, struct imap_fetch_item *item)
{
	static const struct {
		struct str name;
		enum imap_fetch_text text;
	} texts[] = {
		{ STR_INIT("HEADER"), IMAP_TEXT_HEADER },
		{ STR_INIT("HEADER.FIELDS"), IMAP_TEXT_FIELDS },
		{ STR_INIT("HEADER.FIELDS.NOT"), IMAP_TEXT_FIELDS_NOT },
		{ STR_INIT("TEXT"), IMAP_TEXT_TEXT },
		{ STR_INIT("MIME"), IMAP_TEXT_MIME },
	};
	struct str name;
	size_t i = 0;

	if (imap_parse_name(p, &name) <= 0)
		return 0;
	while (i < ARRAY_LEN(texts) && !str_ieq(name, texts[i].name))
		i++;
	if (i == ARRAY_LEN(texts) || (texts[i].text == IMAP_TEXT_MIME && item->n_part == 0))
		return 0;
	item->text = texts[i].text;
	if (item->text == IMAP_TEXT_FIELDS || item->text == IMAP_TEXT_FIELDS_NOT)
		return header_list(p, item);
	return 1;
}

/*
 * section = "[" [section-msgtext / (section-part ["." section-text])] "]"
 * section-binary = "[" [section-part] "]"
 */
static int section(struct imap_parse *p, struct imap_fetch_item *item)
{
	bool may_text = true;
	int r;

	if (imap_parse_char(p, '[') <= 0)
		return 0;
	if (imap_parse_char(p, ']') > 0)
		return 1;
	r = section_part(p, item, &may_text);
	if (r > 0 && may_text)
		r = item->kind == IMAP_FETCH_SECTION ? section_text(p, item) : 0;
	return r <= 0 ? r : imap_parse_char(p, ']');
}

int imap_fetch_section_parse(struct imap_parse *p, struct imap_fetch_item *ret)
{
	struct imap_parse q = *p;
	struct imap_fetch_item item = { .kind = IMAP_FETCH_SECTION };
	int r = section(&q, &item);

	if (r > 0) {
		*ret = item;
		p->p = q.p;
	}
	return r;
}

/* partial = "<" number64 "." nz-number64 ">" */
static int partial(struct imap_parse *p, struct imap_fetch_item *item)
{
	if (imap_parse_char(p, '<') <= 0)
		return 1;
	if (imap_parse_number64(p, &item->start) <= 0 || imap_parse_char(p, '.') <= 0 ||
	    imap_parse_number64(p, &item->count) <= 0 || item->count == 0)
		return 0;
	item->has_partial = true;
	return imap_parse_char(p, '>');
}

/* [SP "(" preview-mod *(SP preview-mod) ")"]; another list behind a last item is the command's. */
static int lazy(struct imap_parse *p, struct imap_fetch_item *item)
{
	struct imap_parse q = *p;

	if (imap_parse_prefix(&q, S(" (")) <= 0 || imap_parse_word(&q, S("LAZY")) <= 0)
		return 1;
	while (imap_parse_sp(&q) > 0) {
		if (imap_parse_word(&q, S("LAZY")) <= 0)
			return 0;
	}
	if (imap_parse_char(&q, ')') <= 0)
		return 0;
	item->is_lazy = true;
	p->p = q.p;
	return 1;
}

/* SP "(" entries SP attribs ")" */
static int notes(struct imap_parse *p, struct imap_fetch_item *item)
{
	int r;

	item->notes = ARENA_NEW(p->arena, struct imap_note_fetch);
	if (item->notes == NULL)
		return -E_LIMIT;
	r = imap_note_fetch_parse(p, IMAP_FETCH_FIELDS, item->notes);
	item->n_fields = item->notes->n_given;
	return r;
}

/* ---- labels ---- */

static void label_field(struct buf *b, struct str name)
{
	bool is_atom = name.n > 0;

	for (size_t i = 0; i < name.n; i++) {
		if (strchr("(){%*\"\\] ", name.p[i]) != NULL)
			is_atom = false;
	}
	if (is_atom) {
		buf_add(b, name);
		return;
	}
	text_quote(b, name);
}

static void label_section(struct buf *b, const struct imap_fetch_item *item)
{
	static const char *const texts[] = {
		"", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME",
	};

	for (size_t i = 0; i < item->n_part; i++)
		buf_printf(b, "%s%u", i > 0 ? "." : "", item->part[i]);
	if (item->n_part > 0 && item->text != IMAP_TEXT_ALL)
		buf_add_char(b, '.');
	buf_add(b, str_z(texts[item->text]));
	for (size_t i = 0; item->fields != NULL && i < item->n_fields; i++) {
		buf_add(b, i == 0 ? S(" (") : S(" "));
		label_field(b, item->fields[i]);
	}
	if (item->n_fields > 0)
		buf_add_char(b, ')');
}

/* RFC 9051 7.5.2: the label has no ".PEEK", and of the partial only the origin. */
static int label(struct imap_parse *p, struct str name, bool has_section,
		 struct imap_fetch_item *item)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(2 * LIMIT_IMAP_COMMAND);

	if (str_ends(name, S(".PEEK")))
		name.n -= 5;
	buf_add(&b, name);
	if (has_section) {
		buf_add_char(&b, '[');
		label_section(&b, item);
		buf_add_char(&b, ']');
	}
	if (item->has_partial)
		buf_printf(&b, "<%llu>", (unsigned long long)item->start);
	item->label = arena_str(p->arena, buf_str(&b));
	return item->label.p == NULL || buf_overflowed(&b) ? -E_LIMIT : 1;
}

/* ---- items ---- */

/* What follows the name of row i; an item of a bare name needs nothing more. */
static int content_item(struct imap_parse *p, size_t i, struct imap_fetch *f, size_t *cap)
{
	struct imap_fetch_item item = { .kind = rows[i].kind, .text = rows[i].text };
	bool has_section = rows[i].flags & ROW_SECTION;
	int r = 1;

	if (has_section)
		r = section(p, &item);
	if (r > 0 && (rows[i].flags & ROW_PARTIAL))
		r = partial(p, &item);
	if (r > 0 && (rows[i].flags & ROW_LAZY))
		r = lazy(p, &item);
	if (r > 0 && (rows[i].flags & ROW_NOTES))
		r = notes(p, &item);
	if (r > 0)
		r = label(p, rows[i].name, has_section, &item);
	if (r <= 0)
		return r;
	f->sets_seen |= (rows[i].flags & ROW_SEEN) != 0;
	return add_item(p, f, cap, &item);
}

static int fetch_att(struct imap_parse *p, struct imap_fetch *f, size_t *cap)
{
	struct str name;

	if (imap_parse_name(p, &name) <= 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool has_bracket = imap_parse_peek(p) == '[';

		if (!str_ieq(name, rows[i].name) ||
		    has_bracket != ((rows[i].flags & ROW_SECTION) != 0))
			continue;
		f->bits |= rows[i].bit;
		return rows[i].bit != 0 ? 1 : content_item(p, i, f, cap);
	}
	return 0;
}

/* "ALL" / "FULL" / "FAST" */
static int macro(struct imap_parse *p, struct imap_fetch *f, size_t *cap)
{
	for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
		if (imap_parse_word(p, macros[i].name) <= 0)
			continue;
		f->bits |= macros[i].bits;
		for (size_t k = 0; k < ARRAY_LEN(macros[i].items) && macros[i].items[k].n > 0;
		     k++) {
			struct imap_parse q;
			int r;

			imap_parse_init(&q, p->arena, macros[i].items[k], false);
			r = fetch_att(&q, f, cap);
			if (r <= 0)
				return r;
		}
		return 1;
	}
	return 0;
}

/* "(" fetch-att *(SP fetch-att) ")" */
static int fetch_atts(struct imap_parse *p, struct imap_fetch *f, size_t *cap)
{
	int r;

	if (imap_parse_char(p, '(') <= 0)
		return 0;
	do {
		r = fetch_att(p, f, cap);
		if (r <= 0)
			return r;
	} while (imap_parse_sp(p) > 0);
	return imap_parse_char(p, ')');
}

/* "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")" */
static int items(struct imap_parse *p, struct imap_fetch *f)
{
	size_t cap = 0;
	int r = macro(p, f, &cap);

	if (r != 0)
		return r;
	return imap_parse_peek(p) == '(' ? fetch_atts(p, f, &cap) : fetch_att(p, f, &cap);
}

int imap_fetch_atts_parse(struct imap_parse *p, struct imap_fetch *ret)
{
	struct imap_parse q = *p;
	struct imap_fetch f = { 0 };
	size_t cap = 0;
	int r = fetch_atts(&q, &f, &cap);

	if (r <= 0)
		return r;
	f.has_modseq = f.bits & IMAP_FETCH_MODSEQ;
	*ret = f;
	p->p = q.p;
	return 1;
}

/*
 * fetch-modifier = "CHANGEDSINCE" SP mod-sequence-value / "VANISHED" /      RFC 7162 7
 *                  "PARTIAL" SP partial-range                               RFC 9394 4
 * CHANGEDSINCE brings MODSEQ along (3.1.4.1). Each stands once.
 */
static int modifier(struct imap_parse *p, struct imap_fetch *f)
{
	if (!f->has_vanished && imap_parse_word(p, S("VANISHED")) > 0) {
		f->has_vanished = true;
		return 1;
	}
	if (!f->has_partial && imap_parse_word(p, S("PARTIAL")) > 0) {
		f->has_partial = true;
		return imap_parse_sp(p) > 0 ? imap_parse_partial(p, &f->partial) : 0;
	}
	if (f->has_changedsince || imap_parse_word(p, S("CHANGEDSINCE")) <= 0 ||
	    imap_parse_sp(p) <= 0 || imap_parse_number64(p, &f->changedsince) <= 0)
		return 0;
	f->has_changedsince = true;
	f->bits |= IMAP_FETCH_MODSEQ;
	return 1;
}

/* fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"          RFC 4466 2.4 */
static int modifiers(struct imap_parse *p, struct imap_fetch *f)
{
	if (imap_parse_sp(p) <= 0)
		return 1;
	if (imap_parse_char(p, '(') <= 0)
		return 0;
	do {
		if (modifier(p, f) <= 0)
			return 0;
	} while (imap_parse_sp(p) > 0);
	/* RFC 7162 3.2.6 */
	if (f->has_vanished && !f->has_changedsince)
		return 0;
	return imap_parse_char(p, ')');
}

int imap_fetch_parse(struct imap_parse *p, struct imap_fetch *ret)
{
	struct imap_parse q = *p;
	struct imap_fetch f = { 0 };
	int r = imap_parse_sp(&q);

	if (r > 0)
		r = items(&q, &f);
	if (r > 0)
		r = modifiers(&q, &f);
	if (r <= 0)
		return r;
	f.has_modseq = f.bits & IMAP_FETCH_MODSEQ;
	*ret = f;
	p->p = q.p;
	return 1;
}
