/* SPDX-License-Identifier: MIT */
/*
 * FETCH items made from a content: the ready-made ENVELOPE and BODYSTRUCTURE texts, sections
 * found through the stored map, BINARY. Bytes go from the pack to the connection in pieces;
 * only a header is held whole, because fields are picked from it.
 *
 * A literal announces its length first. So everything that can fail is done before it: a
 * section is resolved and its first piece read, a BINARY is decoded once to be counted. What
 * fails after that can only be told by closing.
 *
 * RFC 9051 6.4.5, 6.4.5.1, 7.5.2; RFC 3516 4; RFC 8970 3.
 */
#include "imap/fetch.h"

#include "base/limits.h"
#include "base/log.h"
#include "db/blob.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "net/conn.h"
#include "store/part.h"

#define PIECE (64u << 10)
/* Of a header that fields are picked from; the rest of a longer one is not seen. */
#define HEADER_MAX (16u << 20)
#define STRUCTURE_MAX (64u << 20)

struct span {
	uint64_t off, n;
};

void imap_fetch_msg_fini(struct imap_fetch_msg *m)
{
	buf_fini(&m->header);
	m->has_header = false;
}

/*
 * The part of the whole that a partial names; a start beyond the end gives nothing (RFC 9051
 * 6.4.5).
 */
static struct span clip(const struct imap_fetch_item *item, uint64_t n)
{
	struct span s = { 0, n };

	if (!item->has_partial)
		return s;
	s.off = item->start < n ? item->start : n;
	s.n = item->count < n - s.off ? item->count : n - s.off;
	return s;
}

static void write_label(struct imap_session *s, const struct imap_fetch_item *item)
{
	imap_resp(s, item->label);
	imap_resp(s, S(" "));
}

static int write_nil(struct imap_session *s, const struct imap_fetch_item *item, int err)
{
	write_label(s, item);
	imap_resp(s, S("NIL"));
	return err;
}

/*
 * Bytes of a literal. RFC 9051 4.3.1: NUL stands in a literal8 only, and BODY has none; 0x80 is in its place, as other servers have it.
 * Sizes and pieces stay what they are; BINARY gives the bytes themselves.
 */
static void write_bytes(struct imap_session *s, struct str bytes)
{
	char block[1024]; /* from a NUL on, so that one that is full of them costs no call for each */

	while (bytes.n > 0) {
		ptrdiff_t nul = str_chr(bytes, '\0');
		size_t n = nul < 0 ? bytes.n : (size_t)nul;

		imap_resp(s, str_head(bytes, n));
		bytes = str_skip(bytes, n);
		for (n = 0; n < bytes.n && n < sizeof(block); n++)
			block[n] = bytes.p[n] != '\0' ? bytes.p[n] : '\x80';
		imap_resp(s, str_of(block, n));
		bytes = str_skip(bytes, n);
	}
}

static void write_text(struct imap_session *s, const struct imap_fetch_item *item, struct str text)
{
	struct span sp = clip(item, text.n);

	write_label(s, item);
	imap_resp_literal(s, sp.n, false);
	write_bytes(s, str_head(str_skip(text, (size_t)sp.off), (size_t)sp.n));
}

/* That much of it, if it was read before. */
static bool write_ahead(struct imap_session *s, const struct imap_fetch_msg *m,
			const struct imap_fetch_item *item, uint64_t off, uint64_t n)
{
	const char *bytes = imap_fetch_ahead_find(m->ahead, &m->content, off, (size_t)n);

	if (bytes == NULL)
		return false;
	write_label(s, item);
	imap_resp_literal(s, n, false);
	write_bytes(s, str_of(bytes, (size_t)n));
	return true;
}

/* A range of the message as it is stored. */
static int write_range(struct imap_session *s, const struct imap_fetch_msg *m,
		       const struct imap_fetch_item *item, struct span range)
{
	struct span sp = clip(item, range.n);
	size_t room = sp.n < PIECE ? (size_t)sp.n : PIECE;
	AUTO(mem_auto_free) char *piece = NULL;
	bool has_begun = false;

	if (write_ahead(s, m, item, range.off + sp.off, sp.n))
		return conn_failed(s->conn) ? -E_CLOSED : 0;
	piece = mem_resize(NULL, room + 1, 1); /* not cleared: it is read before it is written */
	for (uint64_t done = 0; done < sp.n || !has_begun;) {
		size_t n = sp.n - done < room ? (size_t)(sp.n - done) : room;
		uint64_t at = range.off + sp.off + done;
		int r = n == 0 ? 0 : store_content_read(imap_store(s), &m->content, at, piece, n);

		if (r < 0)
			return has_begun ? -E_CLOSED : write_nil(s, item, r);
		if (!has_begun) {
			write_label(s, item);
			imap_resp_literal(s, sp.n, false);
			has_begun = true;
		}
		write_bytes(s, str_of(piece, n));
		if (conn_failed(s->conn))
			return -E_CLOSED;
		done += n;
	}
	return 0;
}

/* ---- finding sections ---- */

/* What a message/rfc822 part holds, as if it stood alone. */
static void enter_message(struct mime_map_part *part)
{
	uint64_t n = part->message_header_n < part->body_n ? part->message_header_n : part->body_n;

	part->header_off = part->body_off;
	part->header_n = n;
	part->body_off += n;
	part->body_n -= n;
}

/* The range that the item names. 1; 0: there is no such section; negative: a damaged map. */
static int find_section(const struct imap_fetch_msg *m, const struct imap_fetch_item *item,
			struct span *ret)
{
	const struct store_content *c = &m->content;
	struct mime_map_part part = { .header_n = c->header_n, .body_off = c->header_n };
	int r = 1;

	part.body_n = c->size - (c->header_n < c->size ? c->header_n : c->size);
	if (item->n_part > 0)
		r = mime_map_find(c->map, item->part, item->n_part, &part);
	if (r <= 0)
		return r;
	/* RFC 9051 6.4.5.1: HEADER and TEXT of a part are those of the message in it. */
	if (item->n_part > 0 && item->text != IMAP_TEXT_ALL && item->text != IMAP_TEXT_MIME) {
		if (!part.is_message)
			return 0;
		enter_message(&part);
	}
	if (item->n_part == 0 && item->text == IMAP_TEXT_ALL)
		*ret = (struct span){ 0, c->size };
	else if (item->text == IMAP_TEXT_ALL || item->text == IMAP_TEXT_TEXT)
		*ret = (struct span){ part.body_off, part.body_n };
	else
		*ret = (struct span){ part.header_off, part.header_n };
	if (ret->off > c->size || ret->n > c->size - ret->off)
		return -E_IO;
	return 1;
}

/* ---- header fields ---- */

static int read_header(struct imap_session *s, struct imap_fetch_msg *m, struct span range,
		       struct buf *ret)
{
	size_t n = range.n < HEADER_MAX ? (size_t)range.n : HEADER_MAX;
	char *to;
	int r;

	buf_init(ret, HEADER_MAX);
	to = buf_reserve(ret, n);
	if (to == NULL)
		return -E_LIMIT;
	r = n == 0 ? 0 : store_content_read(imap_store(s), &m->content, range.off, to, n);
	if (r < 0)
		buf_fini(ret);
	else
		buf_commit(ret, n);
	return r;
}

static bool is_named(const struct imap_fetch_item *item, struct str name)
{
	for (size_t i = 0; i < item->n_fields; i++) {
		if (str_ieq(item->fields[i], name))
			return true;
	}
	return false;
}

/*
 * The fields that were asked for, as they stand there, and the empty line if the header has
 * one.
 */
static void pick_fields(const struct imap_fetch_item *item, struct str header, struct buf *out)
{
	struct str rest = header;
	struct mime_field f;
	const char *end = header.p;

	while (mime_field_next(&rest, &f) > 0) {
		bool is_wanted = f.name.n > 0 && is_named(item, f.name);

		if (is_wanted == (item->text == IMAP_TEXT_FIELDS))
			buf_add(out, f.raw);
		end = f.raw.p + f.raw.n;
	}
	if (header.n > 0 && end < header.p + header.n)
		buf_add(out, S("\r\n"));
}

static int make_fields(struct imap_session *s, struct imap_fetch_msg *m,
		       const struct imap_fetch_item *item, struct span range, struct buf *out)
{
	AUTO(buf_fini) struct buf inner = { 0 };
	bool is_own = item->n_part == 0;
	struct buf *header = is_own ? &m->header : &inner;
	int r = 0;

	if (!is_own || !m->has_header)
		r = read_header(s, m, range, header);
	if (r < 0)
		return r;
	m->has_header |= is_own;
	pick_fields(item, buf_str(header), out);
	return buf_overflowed(out) ? -E_LIMIT : 0;
}

static int write_fields(struct imap_session *s, struct imap_fetch_msg *m,
			const struct imap_fetch_item *item, struct span range)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(HEADER_MAX + 2);
	int r = make_fields(s, m, item, range, &out);

	if (r < 0)
		return write_nil(s, item, r);
	write_text(s, item, buf_str(&out));
	return 0;
}

/* ---- BINARY ---- */

/* Size of the decoded part, and whether a NUL is in it. */
static int binary_count(struct imap_session *s, const struct imap_fetch_msg *m,
			const struct mime_map_part *part, uint64_t *ret_n, bool *ret_has_nul)
{
	AUTO(store_part_fini) struct store_part p;
	struct str piece;
	int r;

	*ret_n = 0;
	*ret_has_nul = false;
	store_part_init(&p, imap_store(s), &m->content, part->body_off, part->body_n, part->cte,
			true);
	while ((r = store_part_next(&p, &piece)) > 0) {
		*ret_n += piece.n;
		*ret_has_nul |= str_chr(piece, '\0') >= 0;
	}
	return r;
}

static int binary_stream(struct imap_session *s, const struct imap_fetch_msg *m,
			 const struct mime_map_part *part, struct span sp)
{
	AUTO(store_part_fini) struct store_part p;
	struct str piece;

	store_part_init(&p, imap_store(s), &m->content, part->body_off, part->body_n, part->cte,
			true);
	while (sp.n > 0) {
		if (store_part_next(&p, &piece) <= 0 || conn_failed(s->conn))
			return -E_CLOSED;
		if (piece.n <= sp.off) {
			sp.off -= piece.n;
			continue;
		}
		piece = str_head(str_skip(piece, (size_t)sp.off),
				 sp.n < piece.n ? (size_t)sp.n : piece.n);
		imap_resp(s, piece);
		sp.off = 0;
		sp.n -= piece.n;
	}
	return 0;
}

/*
 * The part that BINARY decodes. The whole message, a multipart and an enclosed message have no
 * encoding of their own that could be removed (RFC 2045 6.4): they are given as they are.
 */
static int find_binary(const struct imap_fetch_msg *m, const struct imap_fetch_item *item,
		       struct mime_map_part *ret)
{
	int r;

	if (item->n_part == 0) {
		*ret = (struct mime_map_part){ .body_n = m->content.size, .cte = MIME_CTE_BINARY };
		return 1;
	}
	r = mime_map_find(m->content.map, item->part, item->n_part, ret);
	if (r > 0 && (ret->is_multipart || ret->is_message) && ret->cte != MIME_CTE_UNKNOWN)
		ret->cte = MIME_CTE_BINARY;
	return r;
}

static int write_binary(struct imap_session *s, const struct imap_fetch_msg *m,
			const struct imap_fetch_item *item)
{
	struct mime_map_part part;
	struct span sp;
	uint64_t n = 0;
	bool has_nul = false;
	int r = find_binary(m, item, &part);

	if (r > 0)
		r = binary_count(s, m, &part, &n, &has_nul);
	else if (r == 0 && item->kind != IMAP_FETCH_BINARY_SIZE)
		return write_nil(s, item, 0);
	if (item->kind == IMAP_FETCH_BINARY_SIZE) {
		/* RFC 9051 9: a number, also where there is nothing to count. */
		write_label(s, item);
		imap_respf(s, "%llu", r < 0 ? 0ULL : (unsigned long long)n);
		return r;
	}
	if (r < 0)
		return write_nil(s, item, r);
	sp = clip(item, n);
	write_label(s, item);
	imap_resp_literal(s, sp.n, has_nul);
	return binary_stream(s, m, &part, sp);
}

int imap_fetch_binary_size(struct imap_session *s, const struct imap_fetch_msg *m,
			   const struct imap_fetch_item *item, uint64_t *ret)
{
	struct mime_map_part part;
	bool has_nul = false;
	int r = find_binary(m, item, &part);

	if (r > 0)
		r = binary_count(s, m, &part, ret, &has_nul);
	else if (r == 0)
		r = -E_NOT_FOUND;
	return r;
}

/* ---- items ---- */

static int write_structure(struct imap_session *s, const struct imap_fetch_msg *m,
			   const struct imap_fetch_item *item)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(STRUCTURE_MAX);

	(void)!buf_reserve(&text, m->content.structure.n); /* enough at once: it has marks besides */
	mime_bodystructure_view(m->content.structure, item->kind == IMAP_FETCH_BODYSTRUCTURE,
				&text);
	if (text.n == 0 || buf_overflowed(&text))
		return write_nil(s, item, -E_LIMIT);
	write_label(s, item);
	imap_resp(s, buf_str(&text));
	return 0;
}

/* RFC 8970 3.2: never NIL without LAZY; "" when there is nothing to be shown. */
static int write_preview(struct imap_session *s, const struct imap_fetch_msg *m,
			 const struct imap_fetch_item *item)
{
	AUTO(arena_fini) struct arena a;
	struct str text = m->content.preview;
	int r = 0;

	arena_init(&a, 4096);
	if (text.p == NULL && !item->is_lazy) {
		r = store_content_preview(imap_store(s), &a, &m->content, &text);
		/* RFC 8970 8: who has it made. */
		LOG(DEBUG, "imap.preview", F_Z("user", s->name), F_INT("content", m->content.id));
	}
	write_label(s, item);
	imap_resp_nstring(s, r < 0 ? S("") : text);
	return r;
}

static int write_section(struct imap_session *s, struct imap_fetch_msg *m,
			 const struct imap_fetch_item *item)
{
	struct span range;
	int r = find_section(m, item, &range);

	if (r <= 0)
		return write_nil(s, item, r);
	if (item->text == IMAP_TEXT_FIELDS || item->text == IMAP_TEXT_FIELDS_NOT)
		return write_fields(s, m, item, range);
	return write_range(s, m, item, range);
}

static int spool_range(struct imap_session *s, const struct imap_fetch_msg *m, struct span range,
		       struct spool *out)
{
	AUTO(mem_auto_free) char *piece = mem_alloc(PIECE, 1);
	int r = 0;

	while (range.n > 0 && r == 0) {
		size_t n = range.n < PIECE ? (size_t)range.n : PIECE;

		r = store_content_read(imap_store(s), &m->content, range.off, piece, n);
		if (r == 0)
			r = spool_append(out, str_of(piece, n));
		range.off += n;
		range.n -= n;
	}
	return r;
}

/* make_fields(), if there is room for the header. */
static int make_fields_within(struct imap_session *s, struct imap_fetch_msg *m,
			      const struct imap_fetch_item *item, struct span range,
			      struct imap_fetch_room *room, struct buf *out)
{
	uint64_t n = range.n < HEADER_MAX ? range.n : HEADER_MAX;

	if (n > room->header_bytes)
		return -E_LIMIT;
	room->header_bytes -= n;
	return make_fields(s, m, item, range, out);
}

int imap_fetch_item_spool(struct imap_session *s, struct imap_fetch_msg *m,
			  const struct imap_fetch_item *item, struct imap_fetch_room *room,
			  struct spool *out)
{
	AUTO(buf_fini) struct buf fields = BUF_INIT(HEADER_MAX + 2);
	bool is_fields = item->text == IMAP_TEXT_FIELDS || item->text == IMAP_TEXT_FIELDS_NOT;
	struct span range, sp;
	int r = find_section(m, item, &range);

	if (r <= 0)
		return r < 0 ? r : -E_NOT_FOUND;
	r = is_fields ? make_fields_within(s, m, item, range, room, &fields) : 0;
	if (r < 0)
		return r;
	sp = clip(item, is_fields ? fields.n : range.n);
	if (sp.n > room->bytes)
		return -E_TOO_BIG;
	if (is_fields)
		return spool_append(out, str_head(str_skip(buf_str(&fields), (size_t)sp.off),
						  (size_t)sp.n));
	sp.off += range.off;
	return spool_range(s, m, sp, out);
}

int imap_fetch_item_write(struct imap_session *s, struct imap_fetch_msg *m,
			  const struct imap_fetch_item *item)
{
	switch (item->kind) {
	case IMAP_FETCH_ENVELOPE:
		if (m->content.envelope.n == 0)
			return write_nil(s, item, -E_BUG);
		write_label(s, item);
		imap_resp(s, m->content.envelope);
		return 0;
	case IMAP_FETCH_BODY:
	case IMAP_FETCH_BODYSTRUCTURE:
		return write_structure(s, m, item);
	case IMAP_FETCH_SECTION:
		return write_section(s, m, item);
	case IMAP_FETCH_BINARY:
	case IMAP_FETCH_BINARY_SIZE:
		return write_binary(s, m, item);
	case IMAP_FETCH_PREVIEW:
		return write_preview(s, m, item);
	case IMAP_FETCH_ANNOTATION:
		return imap_note_write(s, item->notes, m->content.map, m->notes, m->n_notes);
	}
	return 0;
}
