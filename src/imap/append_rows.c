/* SPDX-License-Identifier: MIT */
/*
 * The messages of an APPEND or REPLACE, as rows for the store. A message that came as one literal
 * is stored from the spool where it stands; one of several parts (CATENATE, RFC 4469) is put
 * together in a spool of its own. URLs are looked up and read before the transaction, so a message
 * may be replaced by one that is made of it.
 *
 * The bytes are stored as they came, line ends included: what a client uploads is what it gets
 * back.
 *
 * DEVIATION(RFC 6855 4): 8-bit header fields are taken also without ENABLE UTF8=ACCEPT. Mail that
 * has them comes by SMTP as well, and a client that copies it here from elsewhere must not lose it.
 */
#include "imap/append.h"

#include "base/limits.h"
#include "db/blob.h"
#include "imap/fetch.h"
#include "imap/imap_int.h"
#include "imap/url.h"
#include "store/mailbox.h"
#include "store/rights.h"

/* ---- URLs ---- */

/* RFC 4469 4.1; what cannot stand in a response code, or would end it, is percent-encoded. */
static int bad_url(struct imap_session *s, struct str url)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(4096);

	for (size_t i = 0; i < url.n && text.n < 1000; i++) {
		unsigned char c = (unsigned char)url.p[i];

		if (c <= 0x20 || c >= 0x7f || strchr("]\"\\", c) != NULL)
			buf_printf(&text, "%%%02X", c);
		else
			buf_add_char(&text, (char)c);
	}
	imap_code(s, "BADURL \"%s\"", buf_z(&text));
	imap_say(s, "a URL names nothing that is here");
	return -E_CANNOT;
}

/* The mailbox of a URL; -E_NOT_FOUND also when it is another one of that name by now. */
static int find_mailbox(struct imap_session *s, const struct imap_url *url, int64_t *ret)
{
	struct store_mailbox box;
	int r;

	if (url->mailbox.p == NULL) {
		*ret = s->sel != NULL ? s->sel->mailbox : 0;
		return s->sel != NULL ? 0 : -E_NOT_FOUND;
	}
	r = imap_mailbox_find(s, url->mailbox, STORE_R_READ, &box);
	if (r == 0 && url->uidvalidity != 0 && url->uidvalidity != box.uidvalidity)
		r = -E_NOT_FOUND;
	if (r == 0)
		*ret = box.id;
	return r;
}

/* RFC 4469 3: as if the literal of a FETCH BODY.PEEK response stood there; at most max bytes. */
static int add_url(struct imap_session *s, struct str text, uint64_t max, struct spool *out)
{
	AUTO(imap_fetch_msg_fini) struct imap_fetch_msg m = { 0 };
	struct imap_fetch_room room = { max, LIMIT_IMAP_APPEND_HEADERS - s->append->header_bytes };
	struct imap_fetch_item item;
	struct imap_url url;
	int64_t mailbox;
	int r = imap_url_parse(&s->arena, text, &url);

	if (r > 0)
		r = imap_url_item(&s->arena, &url, &item);
	if (r <= 0)
		return r < 0 ? r : bad_url(s, text);
	r = find_mailbox(s, &url, &mailbox);
	if (r == 0)
		r = imap_url_content(s, mailbox, url.uid, STORE_C_MAP, &m.content);
	if (r == 0)
		r = imap_fetch_item_spool(s, &m, &item, &room, out);
	s->append->header_bytes = LIMIT_IMAP_APPEND_HEADERS - room.header_bytes;
	return r == -E_NOT_FOUND || r == -E_CANNOT || r == -E_DENIED ? bad_url(s, text) : r;
}

/* ---- messages ---- */

static struct str literal_of(const struct imap_append_part *part, struct str literals)
{
	return str_head(str_skip(literals, part->off), part->n);
}

/* RFC 9051 4.3.1: NUL only in a literal8. */
static int check_literals(const struct imap_append_message *m, struct str literals)
{
	for (size_t i = 0; i < m->n_parts; i++) {
		const struct imap_append_part *part = &m->parts[i];

		if (part->url.p == NULL && !part->is_binary &&
		    str_chr(literal_of(part, literals), '\0') >= 0)
			return -E_SYNTAX;
	}
	return 0;
}

static bool is_whole(const struct imap_append_message *m)
{
	return m->n_parts == 1 && m->parts[0].url.p == NULL;
}

/* At the end of the spool; *ret_n: its size. */
static int put_together(struct imap_session *s, const struct imap_append_message *m,
			struct str literals, struct spool *out, size_t *ret_n)
{
	size_t from = spool_size(out);
	uint64_t one = (uint64_t)s->conf->max_message_bytes, all = imap_append_bytes_max(s);
	int r = 0;

	for (size_t i = 0; i < m->n_parts && r == 0; i++) {
		const struct imap_append_part *part = &m->parts[i];
		uint64_t so_far = spool_size(out);
		uint64_t max = one - (so_far - from) < all - so_far ? one - (so_far - from)
								    : all - so_far;

		if (part->url.p != NULL)
			r = add_url(s, part->url, max, out);
		else
			r = part->n > max ? -E_TOO_BIG
					  : spool_append(out, literal_of(part, literals));
	}
	*ret_n = spool_size(out) - from;
	return r;
}

/* Where each message is: *ret has a slice for each. */
static int gather(struct imap_session *s, struct imap_append_rows *rows, struct str *ret)
{
	const struct imap_append *ap = s->append;
	struct str literals = { 0 }, made = { 0 };
	size_t at = 0;
	int r = s->spool != NULL ? spool_view(s->spool, &literals) : 0;

	if (r == 0)
		r = spool_new(store_db(imap_store(s)), imap_append_bytes_max(s), &rows->spool);
	for (size_t i = 0; i < ap->n && r == 0; i++) {
		const struct imap_append_message *m = &ap->messages[i];

		r = check_literals(m, literals);
		if (r == 0 && is_whole(m))
			ret[i] = literal_of(&m->parts[0], literals);
		else if (r == 0)
			r = put_together(s, m, literals, rows->spool, &ret[i].n);
	}
	if (r == 0)
		r = spool_view(rows->spool, &made);
	for (size_t i = 0; i < ap->n && r == 0; i++) {
		if (is_whole(&ap->messages[i]))
			continue;
		ret[i] = str_head(str_skip(made, at), ret[i].n);
		at += ret[i].n;
	}
	return r;
}

static int fill_row(struct imap_session *s, const struct imap_append_message *m, struct str bytes,
		    struct arena *a, struct store_append *row)
{
	struct store_content_new *content = ARENA_NEW(&s->arena, struct store_content_new);
	int r;

	if (bytes.n == 0) {
		imap_say(s, "the message is empty");
		return -E_CANNOT;
	}
	if (content == NULL)
		return -E_LIMIT;
	row->content = content;
	row->flags = m->flags.flags;
	row->keywords = m->flags.keywords;
	row->n_keywords = m->flags.n_keywords;
	row->internaldate_s = m->internaldate_s;
	row->notes = m->notes.v;
	row->n_notes = m->notes.n;
	arena_init(a, LIMIT_MIME_ARENA);
	r = store_content_prepare(a, bytes, content);
	if (r == 0 && m->notes.has_parts &&
	    !imap_note_has_parts(content->map, m->notes.v, m->notes.n)) {
		imap_say(s, "a message has no such part");
		r = -E_SYNTAX;
	}
	return r;
}

int imap_append_rows(struct imap_session *s, int64_t mailbox, struct imap_append_rows *ret)
{
	const struct imap_append *ap = s->append;
	struct str *bytes = ARENA_ARRAY(&s->arena, struct str, ap->n);
	size_t used = 0;
	int r;

	*ret = (struct imap_append_rows){
		.v = mem_alloc(ap->n, sizeof(*ret->v)),
		.arenas = mem_alloc(ap->n, sizeof(*ret->arenas)),
		.n = ap->n,
	};
	r = bytes != NULL ? gather(s, ret, bytes) : -E_LIMIT;
	for (size_t i = 0; i < ap->n && r == 0; i++) {
		ret->v[i].user = s->account;
		ret->v[i].mailbox = mailbox;
		ret->v[i].wants_recent = imap_notify_wants_recent(s, mailbox);
		r = used > LIMIT_COMMAND_ARENA ? -E_LIMIT
					       : fill_row(s, &ap->messages[i], bytes[i],
							  &ret->arenas[i], &ret->v[i]);
		used += ret->arenas[i].used;
	}
	return r;
}

void imap_append_rows_fini(struct imap_append_rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		arena_fini(&r->arenas[i]);
	mem_free(r->arenas);
	mem_free(r->v);
	spool_free(r->spool);
	*r = (struct imap_append_rows){ 0 };
}
