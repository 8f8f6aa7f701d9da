/* SPDX-License-Identifier: MIT */
/*
 * Keys that look into a message. Text is compared as RFC 9051 6.4.4 wants it: transfer
 * encodings, encoded words and charsets undone, then both sides in the form of
 * i;unicode-casemap. ASCII text takes a short cut that gives the same answer.
 *
 * A field of addresses is read twice: as it stands, and as the addresses that ENVELOPE has, without comments, quotes and
 * folds between their parts.
 *
 * A body is searched part by part and a part piece by piece; the end of one piece is kept in
 * front of the next, so that nothing that crosses the border is missed. Parts of other types
 * than text and message are left out, as RFC 9051 6.4.4 permits.
 */
#include "store/search_int.h"

#include "base/limits.h"
#include "base/work.h"
#include "store/index_int.h"
#include "store/part.h"

/* A piece after its charset, which may grow it sixfold, and what is kept of the one before. */
#define UTF8_MAX (4u << 20)
#define FOLDED_MAX (16u << 20)

void search_msg_init(struct search_msg *m, struct store *s)
{
	*m = (struct search_msg){ .store = s };
	buf_init(&m->header, SEARCH_HEADER_MAX);
	buf_init(&m->plain, SEARCH_HEADER_MAX);
	buf_init(&m->utf8, UTF8_MAX);
	buf_init(&m->folded, FOLDED_MAX);
}

void search_msg_fini(struct search_msg *m)
{
	buf_fini(&m->header);
	buf_fini(&m->plain);
	buf_fini(&m->utf8);
	buf_fini(&m->folded);
}

void search_msg_begin(struct search_msg *m, const struct store_content *c)
{
	m->content = c;
	m->has_header = false;
}

/* ---- comparing ---- */

/*
 * ASCII that folds to itself. Small letters stay in the folded form of other characters only
 * (U+FB01 gives "fi"), and the folded form of ASCII text has none.
 */
static bool is_ascii_folded(struct str value)
{
	bool has_small = false;

	for (size_t i = 0; i < value.n; i++)
		has_small |= value.p[i] >= 'a' && value.p[i] <= 'z';
	return !has_small && str_is_ascii(value);
}

static bool contains(struct search_msg *m, struct str utf8, struct str value)
{
	if (value.n == 0)
		return true;
	if (is_ascii_folded(value) && str_is_ascii(utf8))
		return str_ifind(utf8, value) >= 0;
	buf_reset(&m->folded);
	mime_casemap(utf8, &m->folded);
	return str_find(buf_str(&m->folded), value) >= 0;
}

/* Nothing is folded or encoded. */
static bool is_plain(struct str text)
{
	return str_is_ascii(text) && str_chr(text, '\n') < 0 && str_chr(text, '\r') < 0 &&
	       str_find(text, S("=?")) < 0;
}

/* A field's text without its folds and encodings, in m->utf8 or where it was. */
static struct str field_text(struct search_msg *m, struct str text)
{
	if (is_plain(text))
		return str_trim(text);
	buf_reset(&m->plain);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\r' && text.p[i] != '\n')
			buf_add_char(&m->plain, text.p[i]);
	}
	buf_reset(&m->utf8);
	mime_encword_decode(str_trim(buf_str(&m->plain)), &m->utf8);
	return buf_str(&m->utf8);
}

static bool field_contains(struct search_msg *m, struct str text, struct str value)
{
	return contains(m, field_text(m, text), value);
}

/* ---- addresses ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Blanks stand where the envelope has none: two of them, or beside a dot or "@". */
static bool has_odd_blanks(struct str text)
{
	for (size_t i = 1; i < text.n; i++) {
		char a = text.p[i - 1], b = text.p[i];

		if (is_blank(a) && (is_blank(b) || b == '.' || b == '@'))
			return true;
		if (is_blank(b) && (a == '.' || a == '@'))
			return true;
	}
	return false;
}

/* Do the addresses of that field read otherwise than the field itself? */
static bool is_read_twice(const struct mime_field *f)
{
	static const char *const names[] = { "From", "To", "Cc", "Bcc" };
	bool has_addresses = false;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		has_addresses |= str_ieq(f->name, str_z(names[i]));
	if (!has_addresses)
		return false;
	for (size_t i = 0; i < f->value.n; i++) {
		if (f->value.p[i] != '\0' && strchr("(\"\\\t\r\n", f->value.p[i]) != NULL)
			return true;
	}
	return has_odd_blanks(str_trim(f->value));
}

static void add_address(const struct mime_address *v, struct buf *out)
{
	bool is_group = v->kind == MIME_ADDR_GROUP_START;

	buf_add(out, is_group ? v->mailbox : v->name);
	if (is_group || v->kind == MIME_ADDR_GROUP_END) {
		buf_add(out, is_group ? S(": ") : S("; "));
		return;
	}
	buf_add(out, v->name.n > 0 ? S(" <") : S("<"));
	buf_add(out, v->mailbox);
	if (v->domain.p != NULL) {
		buf_add_char(out, '@');
		buf_add(out, v->domain);
	}
	buf_add(out, S(">, "));
}

/* Name <mailbox@domain>, group: <mailbox@domain>, ; with encoded words undone, in m->utf8. */
static struct str address_text(struct search_msg *m, struct str value)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct mime_addresses list = { 0 };

	buf_reset(&m->plain);
	buf_reset(&m->utf8);
	if (mime_addresses_parse(&a, value, &list) < 0)
		list.n = 0;
	for (size_t i = 0; i < list.n; i++)
		add_address(&list.v[i], &m->plain);
	mime_encword_decode(buf_str(&m->plain), &m->utf8);
	return buf_str(&m->utf8);
}

/* ---- headers ---- */

/* Reads a range into b, at most as much as b may hold. */
static bool read_range(struct search_msg *m, uint64_t off, uint64_t n, struct buf *b)
{
	uint64_t size = m->content->size;
	char *to;

	buf_reset(b);
	if (off > size || n > size - off)
		return false;
	if (n > b->max)
		n = b->max;
	if (n == 0)
		return true;
	to = buf_reserve(b, (size_t)n);
	if (to == NULL || store_content_read(m->store, m->content, off, to, (size_t)n) < 0)
		return false;
	buf_commit(b, (size_t)n);
	return true;
}

/* The message's own header; empty when it cannot be read. */
static struct str own_header(struct search_msg *m)
{
	if (!m->has_header && !read_range(m, 0, m->content->header_n, &m->header))
		buf_reset(&m->header);
	m->has_header = true;
	return buf_str(&m->header);
}

bool search_text_header(struct search_msg *m, const struct store_search *key)
{
	struct str rest = own_header(m);
	struct mime_field f;

	while (mime_field_next(&rest, &f) > 0) {
		if (!str_ieq(f.name, key->name))
			continue;
		if (key->value.n == 0 || field_contains(m, f.value, key->value) ||
		    (is_read_twice(&f) && contains(m, address_text(m, f.value), key->value)))
			return true;
	}
	return false;
}

bool search_text_sent_day(struct search_msg *m, int64_t *ret_day_s)
{
	struct mime_field f;
	int64_t at, day;
	int zone_min;

	if (!mime_field_find(own_header(m), S("Date"), &f) ||
	    !mime_date_parse(f.value, &at, &zone_min))
		return false;
	at += (int64_t)zone_min * 60;
	day = at / 86400 - (at % 86400 < 0);
	*ret_day_s = day * 86400;
	return true;
}

static bool fields_contain(struct search_msg *m, struct str header, struct str value)
{
	struct mime_field f;

	while (mime_field_next(&header, &f) > 0) {
		if (field_contains(m, f.raw, value))
			return true;
	}
	return false;
}

/* ---- bodies ---- */

/* The charset that a part's header names, in the arena; empty when none. */
static struct str part_charset(struct arena *a, struct str header)
{
	struct mime_part *root;

	if (mime_parse(a, header, &root) < 0)
		return S("");
	for (size_t i = 0; i < root->n_params; i++) {
		if (str_ieq(root->params[i].name, S("charset")))
			return root->params[i].value;
	}
	return S("");
}

/* An unknown charset is read as none is. */
static void open_charset(struct mime_charset *c, struct str name)
{
	if (mime_charset_open(c, name) < 0)
		(void)!mime_charset_open(c, S(""));
}

/* Drops all but the last n bytes, or a little less: not in the middle of a character. */
static void keep_tail(struct buf *b, size_t n)
{
	size_t from = b->n > n ? b->n - n : 0;

	while (from < b->n && ((unsigned char)b->p[from] & 0xc0) == 0x80)
		from++;
	buf_consume(b, from);
}

/* Looks into what was added to m->utf8, together with the end of what was there before. */
static bool text_contains(struct search_msg *m, struct str value)
{
	if (contains(m, buf_str(&m->utf8), value))
		return true;
	m->utf8.overflowed = false;
	/*
	 * The same text may take four times as many bytes in another form (full-width
	 * letters).
	 */
	keep_tail(&m->utf8, 4 * value.n + 16);
	return false;
}

static bool part_contains(struct search_msg *m, const struct mime_map_part *part,
			  struct str charset, struct str value)
{
	AUTO(mime_charset_close) struct mime_charset c;
	AUTO(store_part_fini) struct store_part p;
	struct str piece;

	store_part_init(&p, m->store, m->content, part->body_off, part->body_n, part->cte, false);
	open_charset(&c, charset);
	buf_reset(&m->utf8);
	while (store_part_next(&p, &piece) > 0) {
		if (m->is_given_up || !work_go_on()) {
			m->is_given_up = true;
			return false;
		}
		mime_charset_add(&c, piece, &m->utf8);
		if (text_contains(m, value))
			return true;
	}
	mime_charset_end(&c, &m->utf8);
	return text_contains(m, value);
}

/* One part: its header when asked for, its text when it is text. */
static bool look_into(struct search_msg *m, const struct mime_map_part *part, bool has_header,
		      struct str value)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	AUTO(buf_fini) struct buf inner = BUF_INIT(SEARCH_HEADER_MAX);
	bool is_leaf_text = part->is_text && !part->is_multipart && !part->is_message;
	struct str header;

	if (!has_header && !is_leaf_text)
		return false;
	if (part->header_off == 0)
		header = own_header(m);
	else if (read_range(m, part->header_off, part->header_n, &inner))
		header = buf_str(&inner);
	else
		return false;
	if (has_header && fields_contain(m, header, value))
		return true;
	return is_leaf_text && part_contains(m, part, part_charset(&a, header), value);
}

/* A message whose map cannot be read is taken as plain text. */
static bool raw_contains(struct search_msg *m, const struct store_search *key, bool with_headers)
{
	uint64_t from = with_headers ? 0 : m->content->header_n;
	struct mime_map_part all = { .body_off = from, .cte = MIME_CTE_8BIT };

	all.body_n = m->content->size > from ? m->content->size - from : 0;
	return part_contains(m, &all, S(""), key->value);
}

bool search_text_body(struct search_msg *m, const struct store_search *key, bool with_headers)
{
	struct mime_map_part part;
	bool is_inner = false; /* the header of an enclosed message belongs to the body */
	size_t pos = 0;
	int r;

	if (key->value.n == 0)
		return true;
	while ((r = mime_map_next(m->content->map, &pos, &part)) > 0) {
		if (look_into(m, &part, with_headers || is_inner, key->value))
			return true;
		is_inner = part.is_message;
	}
	return r < 0 ? raw_contains(m, key, with_headers) : false;
}

/* ---- everything, for the index ---- */

static void tell(struct search_msg *m, struct search_sink *sink, unsigned zones, struct str utf8,
		 bool is_end)
{
	buf_reset(&m->folded);
	mime_casemap(utf8, &m->folded);
	if (buf_overflowed(&m->folded) || m->folded.n > sink->left) {
		sink->is_short = true;
		return;
	}
	sink->left -= m->folded.n;
	sink->add(sink->ctx, zones, buf_str(&m->folded), is_end);
}

/* utf8: of field_text() or address_text() */
static void tell_text(struct search_msg *m, struct search_sink *sink, unsigned zones, struct str utf8)
{
	sink->is_short |= buf_overflowed(&m->plain) || buf_overflowed(&m->utf8);
	tell(m, sink, zones, utf8, true);
}

static void tell_fields(struct search_msg *m, struct search_sink *sink, unsigned zones,
			struct str header)
{
	struct mime_field f;

	while (!sink->is_short && mime_field_next(&header, &f) > 0)
		tell_text(m, sink, zones, field_text(m, f.raw));
}

unsigned index_zone_of(struct str name)
{
	static const struct {
		const char *name_z;
		unsigned zone;
	} rows[] = {
		{ "Subject", INDEX_SUBJECT }, { "From", INDEX_FROM }, { "To", INDEX_TO }, { "Cc", INDEX_CC },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (str_ieq(name, str_z(rows[i].name_z)))
			return rows[i].zone;
	}
	return INDEX_FIELD;
}

static void tell_values(struct search_msg *m, struct search_sink *sink)
{
	struct str rest = own_header(m);
	struct mime_field f;

	sink->is_short |= rest.n < m->content->header_n;
	while (!sink->is_short && mime_field_next(&rest, &f) > 0) {
		tell_text(m, sink, index_zone_of(f.name), field_text(m, f.value));
		if (!sink->is_short && is_read_twice(&f))
			tell_text(m, sink, index_zone_of(f.name), address_text(m, f.value));
	}
}

/* As part_contains() walks. */
static void tell_part(struct search_msg *m, struct search_sink *sink,
		      const struct mime_map_part *part, struct str charset)
{
	AUTO(mime_charset_close) struct mime_charset c;
	AUTO(store_part_fini) struct store_part p;
	struct str piece;
	int r = 1;

	store_part_init(&p, m->store, m->content, part->body_off, part->body_n, part->cte, false);
	open_charset(&c, charset);
	while (!sink->is_short && r > 0) {
		r = store_part_next(&p, &piece);
		buf_reset(&m->utf8);
		if (r > 0)
			mime_charset_add(&c, piece, &m->utf8);
		else
			mime_charset_end(&c, &m->utf8);
		sink->is_short |= r < 0 || buf_overflowed(&m->utf8);
		tell(m, sink, INDEX_BODY, buf_str(&m->utf8), r <= 0);
	}
}

/* As look_into() looks. */
static void tell_one(struct search_msg *m, struct search_sink *sink,
		     const struct mime_map_part *part, bool is_inner)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	AUTO(buf_fini) struct buf inner = BUF_INIT(SEARCH_HEADER_MAX);
	struct str header;

	if (part->header_off == 0) {
		header = own_header(m);
	} else {
		bool is_read = read_range(m, part->header_off, part->header_n, &inner);

		sink->is_short |= !is_read || inner.n < part->header_n;
		header = buf_str(&inner);
	}
	tell_fields(m, sink, is_inner ? INDEX_BODY | INDEX_HEAD : INDEX_HEAD, header);
	if (part->is_text && !part->is_multipart && !part->is_message && !sink->is_short)
		tell_part(m, sink, part, part_charset(&a, header));
}

void search_text_collect(struct search_msg *m, struct search_sink *sink)
{
	unsigned refusals = budget_refusals();
	struct mime_map_part part;
	bool is_inner = false;
	size_t pos = 0;
	int r = 0;

	tell_values(m, sink);
	while (!sink->is_short && (r = mime_map_next(m->content->map, &pos, &part)) > 0) {
		tell_one(m, sink, &part, is_inner);
		is_inner = part.is_message;
	}
	sink->is_short |= r < 0 || budget_refusals() != refusals;
}
