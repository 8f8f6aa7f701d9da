/* SPDX-License-Identifier: MIT */
/*
 * The arguments of APPEND (RFC 9051 6.3.12, RFC 3502, RFC 4469) and REPLACE (RFC 8508), taken in
 * steps: the head up to the mailbox, then message after message, of a CATENATE part after part. A
 * step is taken whole or not at all; so at each literal the text goes on from where the last step
 * ended, and is read once however many messages there are. What a step keeps is copied, because the
 * command grows and moves.
 */
#include "imap/append.h"

#include "base/limits.h"
#include "db/blob.h"
#include "imap/imap_int.h"
#include "imap/limit.h"
#include "store/account.h"
#include "store/mailbox.h"
#include "store/rights.h"

#define MESSAGE_TRIES (4 * IMAP_NOTES)

/* ---- steps ---- */

/* tag SP ("APPEND" / ["UID" SP] "REPLACE" SP seq-number) SP mailbox */
static int take_head(struct imap_parse *p, struct imap_append *ap)
{
	struct str tag, mailbox, given;
	int r;

	if (imap_parse_tag(p, &tag) <= 0 || imap_parse_sp(p) <= 0)
		return 0;
	if (imap_parse_word(p, S("APPEND")) <= 0) {
		if (imap_parse_word(p, S("UID")) > 0 && imap_parse_sp(p) <= 0)
			return 0;
		if (imap_parse_word(p, S("REPLACE")) <= 0 || imap_parse_sp(p) <= 0)
			return 0;
		ap->is_replace = true;
		if (imap_parse_char(p, '*') <= 0 && imap_parse_nz_number(p, &ap->replaced) <= 0)
			return 0;
	}
	if (imap_parse_sp(p) <= 0)
		return 0;
	r = imap_parse_mailbox_given(p, &mailbox, &given);
	if (r <= 0)
		return r;
	ap->mailbox = arena_str(p->arena, mailbox);
	ap->given = arena_str(p->arena, given);
	ap->has_head = true;
	return ap->mailbox.p != NULL && ap->given.p != NULL ? 1 : -E_LIMIT;
}

static int keep_keywords(struct arena *a, struct imap_flags *flags)
{
	for (size_t i = 0; i < flags->n_keywords; i++) {
		flags->keywords[i] = arena_str(a, flags->keywords[i]);
		if (flags->keywords[i].p == NULL)
			return -E_LIMIT;
	}
	return 1;
}

static int add_part(struct arena *a, struct imap_append *ap, struct imap_append_message *m,
		    const struct imap_append_part *part)
{
	if (++ap->n_parts > LIMIT_IMAP_APPEND_PARTS ||
	    arena_grow(a, &m->parts, m->n_parts, &m->cap, sizeof(*part)) < 0)
		return -E_LIMIT;
	m->parts[m->n_parts++] = *part;
	return 1;
}

/* ["~"] "{" number64 ["+"] "}" CRLF, with the bytes in the spool and not here */
static int take_literal(struct imap_parse *p, struct imap_append *ap, struct imap_append_message *m)
{
	struct imap_append_part part = { .is_binary = imap_parse_char(p, '~') > 0 };
	uint64_t n;

	if (imap_parse_char(p, '{') <= 0)
		return 0;
	if (imap_parse_number64(p, &n) <= 0)
		return -E_TOO_BIG;
	(void)imap_parse_char(p, '+');
	if (imap_parse_prefix(p, S("}\r\n")) <= 0)
		return 0;
	if (ap->is_utf8 && !part.is_binary)
		return 0;
	part.n = (size_t)n;
	ap->is_literal = true;
	return add_part(p->arena, ap, m, &part);
}

/* [utf8-literal] = "UTF8" SP "(" literal8 ")", with take_close() for its end   RFC 6855 4 */
static int take_data(struct imap_parse *p, struct imap_append *ap, struct imap_append_message *m)
{
	int r;

	ap->is_utf8 = imap_parse_prefix(p, S("UTF8 (")) > 0;
	r = take_literal(p, ap, m);
	ap->is_utf8 = ap->is_utf8 && r > 0;
	return r;
}

static int take_close(struct imap_parse *p, struct imap_append *ap)
{
	ap->is_utf8 = imap_parse_char(p, ')') <= 0;
	return !ap->is_utf8;
}

/* url = "URL" SP astring   RFC 4469 5 */
static int take_url(struct imap_parse *p, struct imap_append *ap, struct imap_append_message *m)
{
	struct imap_append_part part = { 0 };
	int r = imap_parse_astring(p, &part.url);

	if (r <= 0)
		return r;
	part.url = arena_str(p->arena, part.url);
	return part.url.p != NULL ? add_part(p->arena, ap, m, &part) : -E_LIMIT;
}

/*
 * "(" cat-part *(SP cat-part) ")", one part or the end
 * cat-part = "TEXT" SP literal / url / utf8-literal
 */
static int take_part(struct imap_parse *p, struct imap_append *ap)
{
	struct imap_append_message *m = &ap->messages[ap->n - 1];

	if (m->n_parts > 0) {
		ap->is_inside = imap_parse_char(p, ')') <= 0;
		if (!ap->is_inside)
			return 1;
		if (imap_parse_sp(p) <= 0)
			return 0;
	}
	if (imap_parse_prefix(p, S("TEXT ")) > 0)
		return take_literal(p, ap, m);
	if (imap_parse_prefix(p, S("URL ")) > 0)
		return take_url(p, ap, m);
	return imap_parse_peek(p) != '~' && imap_parse_peek(p) != '{' ? take_data(p, ap, m) : 0;
}

static int keep_note(struct arena *a, struct imap_note_list *list, const struct store_note *v)
{
	struct store_note note = { .entry = arena_str(a, v->entry), .is_shared = v->is_shared };

	if (v->value.p != NULL)
		note.value = arena_str(a, v->value);
	if (note.entry.p == NULL || (v->value.p != NULL && note.value.p == NULL) ||
	    arena_grow(a, &list->v, list->n, &list->cap, sizeof(note)) < 0)
		return -E_LIMIT;
	list->v[list->n++] = note;
	return 1;
}

/* [att-annotate SP], with the literals of its values in it: until they are all there it is not understood. */
static int take_notes(struct imap_parse *p, struct imap_note_list *ret)
{
	AUTO(arena_fini) struct arena scratch;
	struct imap_parse q = *p;
	struct imap_note_list list;
	int r;

	arena_init(&scratch, 2 * LIMIT_IMAP_COMMAND);
	q.arena = &scratch;
	if (imap_parse_prefix(&q, S("ANNOTATION ")) <= 0)
		return 1;
	r = imap_note_list_parse(&q, &list);
	if (r > 0)
		r = imap_parse_sp(&q);
	for (size_t i = 0; r > 0 && i < list.n; i++)
		r = keep_note(p->arena, ret, &list.v[i]);
	ret->has_parts = r > 0 && list.has_parts;
	if (r > 0)
		p->p = q.p;
	return r;
}

/*
 * append-message = append-opts SP append-data                 RFC 4466 3
 * append-opts = [SP flag-list] [SP date-time] [SP att-annotate]       RFC 5257 5
 * append-data = literal / literal8 / "CATENATE" SP "(" ... / utf8-literal
 *                                                   RFC 3516 7, RFC 4469 5, RFC 6855 4
 */
static int take_message(struct imap_parse *p, struct imap_append *ap)
{
	struct imap_append_message m = { 0 };
	int r;

	/* Each literal of an annotation has it read again from its beginning. */
	if (++ap->n_tries > MESSAGE_TRIES)
		return -E_LIMIT;
	/* RFC 8508 4.7: one message takes the place of one. */
	if (imap_parse_sp(p) <= 0 || (ap->is_replace && ap->n > 0))
		return 0;
	r = imap_parse_flag_list(p, &m.flags);
	if (r < 0 || (r > 0 && imap_parse_sp(p) <= 0))
		return r < 0 ? r : 0;
	if (imap_parse_date_time(p, &m.internaldate_s) > 0 && imap_parse_sp(p) <= 0)
		return 0;
	r = take_notes(p, &m.notes);
	if (r <= 0)
		return r;
	ap->is_inside = imap_parse_prefix(p, S("CATENATE (")) > 0;
	r = ap->is_inside ? 1 : take_data(p, ap, &m);
	if (r > 0)
		r = keep_keywords(p->arena, &m.flags);
	if (r <= 0)
		return r;
	ap->is_full = ap->n >= ap->max;
	if (ap->is_full ||
	    arena_grow(p->arena, &ap->messages, ap->n, &ap->cap, sizeof(m)) < 0)
		return -E_LIMIT;
	ap->messages[ap->n++] = m;
	ap->n_tries = 0;
	return 1;
}

static int take_step(struct imap_parse *p, struct imap_append *ap)
{
	ap->is_literal = false;
	if (!ap->has_head)
		return take_head(p, ap);
	if (ap->is_utf8)
		return take_close(p, ap);
	return ap->is_inside ? take_part(p, ap) : take_message(p, ap);
}

/*
 * Takes as many steps as the command so far has. 1: the last ended with a literal that is of a
 * message; 0: it did not, or there is something that cannot be understood (yet).
 */
static int advance(struct imap_session *s, struct str command)
{
	struct imap_append *ap = s->append;
	struct imap_parse p;
	int r = 1;

	while (r > 0 && ap->at < command.n) {
		imap_parse_init(&p, &s->arena, str_skip(command, ap->at),
				imap_is_utf8(s));
		r = take_step(&p, ap);
		if (r > 0)
			ap->at = (size_t)(p.p - command.p);
	}
	if (r < 0 && ap->is_full)
		imap_limit_append_refused(s);
	if (r < 0)
		return r;
	return ap->at == command.n && ap->is_literal;
}

static int begin(struct imap_session *s)
{
	if (s->append != NULL)
		return 0;
	s->append = ARENA_NEW(&s->arena, struct imap_append);
	if (s->append == NULL)
		return -E_LIMIT;
	s->append->max = imap_limit_append(s);
	return 0;
}

/* ---- for input.c ---- */

/* Is it worth looking for the arguments of these commands? Only where they are allowed. */
static bool is_upload(const struct imap_session *s, struct str command)
{
	struct imap_parse p;
	struct str tag, name;

	imap_parse_init(&p, NULL, command, false);
	if (imap_parse_tag(&p, &tag) <= 0 || imap_parse_sp(&p) <= 0)
		return false;
	if (imap_parse_word(&p, S("UID")) > 0 && imap_parse_sp(&p) <= 0)
		return false;
	if (imap_parse_atom(&p, &name) <= 0)
		return false;
	if (str_ieq(name, S("APPEND")))
		return s->state & IMAP_IN_AUTH;
	return str_ieq(name, S("REPLACE")) && s->state == IMAP_ST_SELECTED;
}

/* RFC 3502: all messages together have a bound, too, which a single one may reach. */
uint64_t imap_append_bytes_max(const struct imap_session *s)
{
	uint64_t one = (uint64_t)s->conf->max_message_bytes;

	return one > LIMIT_IMAP_APPEND_BYTES ? one : LIMIT_IMAP_APPEND_BYTES;
}

/* Room for the n bytes of the newest part. */
static int reserve(const struct imap_session *s, uint64_t n)
{
	struct imap_append *ap = s->append;
	struct imap_append_message *m = &ap->messages[ap->n - 1];

	if (n > (uint64_t)s->conf->max_message_bytes - m->bytes)
		return -E_TOO_BIG;
	if (n > imap_append_bytes_max(s) - ap->bytes)
		return -E_LIMIT;
	m->parts[m->n_parts - 1].off = ap->bytes;
	m->bytes += n;
	ap->bytes += n;
	return 0;
}

/*
 * So that nobody sends what cannot be kept; the store looks again when it takes the messages. A
 * REPLACE makes room of its own, which is known only there.
 */
static int quota_room(struct imap_session *s, const struct store_mailbox *box, uint64_t *ret)
{
	struct store_quota limit, used;
	int r = store_quota_get(imap_store(s), box->account, &limit, &used);

	*ret = UINT64_MAX;
	if (r == 0 && limit.bytes > 0 && !s->append->is_replace)
		*ret = limit.bytes > used.bytes ? (uint64_t)(limit.bytes - used.bytes) : 0;
	return r;
}

/* The first literal: is there a mailbox for it? */
static int open_spool(struct imap_session *s)
{
	struct store_mailbox box;
	int r = imap_append_target(s, &box);

	if (r == 0)
		r = quota_room(s, &box, &s->append->room);
	if (r == 0 && s->append->bytes <= s->append->room)
		r = spool_new(store_db(imap_store(s)), imap_append_bytes_max(s), &s->spool);
	return r;
}

int imap_append_literal(struct imap_session *s, struct str so_far, uint64_t n)
{
	int r = 0;

	if (!is_upload(s, so_far) || (r = begin(s)) < 0)
		return r;
	r = advance(s, so_far);
	if (r <= 0)
		return r;
	if (s->append->is_replace && (s->sel->is_readonly || imap_rights_need(s, IMAP_RIGHTS_TAKE) < 0))
		return -E_DENIED;
	r = reserve(s, n);
	if (r == 0 && s->spool == NULL)
		r = open_spool(s);
	if (r == 0 && s->append->bytes > s->append->room)
		r = -E_QUOTA;
	return r < 0 ? r : 1;
}

/* ---- for the handlers ---- */

int imap_append_finish(struct imap_session *s)
{
	struct imap_append *ap;
	int r = begin(s);

	if (r == 0)
		r = advance(s, buf_str(&s->in));
	if (r < 0)
		return r;
	ap = s->append;
	return ap->at == s->in.n && ap->n > 0 && !ap->is_inside && !ap->is_utf8 ? 0 : -E_SYNTAX;
}

/* RFC 4314 4, RFC 5257 3.4 */
static unsigned rights_needed(const struct imap_append *ap)
{
	unsigned need = STORE_R_INSERT;

	for (size_t i = 0; i < ap->n; i++) {
		const struct imap_note_list *notes = &ap->messages[i].notes;

		for (size_t k = 0; k < notes->n; k++)
			need |= notes->v[k].is_shared ? STORE_R_ANNOTATE : STORE_R_READ;
	}
	return need;
}

int imap_append_target(struct imap_session *s, struct store_mailbox *ret)
{
	int r = imap_mailbox_find(s, s->append->mailbox, rights_needed(s->append), ret);

	if (r == -E_NOT_FOUND)
		imap_code(s, "TRYCREATE");
	return r;
}
