/* SPDX-License-Identifier: MIT */
/*
 * The arguments of APPEND (RFC 9051 6.3.12, RFC 3502) and REPLACE (RFC 8508), taken in steps: the
 * head up to the mailbox, then message after message. A step is taken whole or not at all; so at
 * each literal the text goes on from where the last step ended, and is read once however many
 * messages there are. What a step keeps is copied, because the command grows and moves.
 *
 * The bytes are stored as they came, line ends included: what a client uploads is what it gets back.
 */
#include "imap/append.h"

#include "base/limits.h"
#include "db/blob.h"
#include "imap/imap_int.h"
#include "store/mailbox.h"
#include "store/message.h"

/* ---- steps ---- */

/* tag SP ("APPEND" / ["UID" SP] "REPLACE" SP seq-number) SP mailbox */
static int take_head(struct imap_parse *p, struct imap_append *ap)
{
	struct str tag, mailbox;
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
	r = imap_parse_mailbox(p, &mailbox);
	if (r <= 0)
		return r;
	ap->mailbox = arena_str(p->arena, mailbox);
	ap->has_head = true;
	return ap->mailbox.p != NULL ? 1 : -E_LIMIT;
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

/* ["~"] "{" number64 ["+"] "}" CRLF, with the bytes in the spool and not here */
static int take_literal(struct imap_parse *p, struct imap_append_message *m)
{
	uint64_t n;

	m->is_binary = imap_parse_char(p, '~') > 0;
	if (imap_parse_char(p, '{') <= 0)
		return 0;
	if (imap_parse_number64(p, &n) <= 0)
		return -E_TOO_BIG;
	(void)imap_parse_char(p, '+');
	m->n = (size_t)n;
	return imap_parse_prefix(p, S("}\r\n"));
}

/* append-message = [SP flag-list] [SP date-time] SP literal   RFC 3502; literal8: RFC 9051 9 */
static int take_message(struct imap_parse *p, struct imap_append *ap)
{
	struct imap_append_message m = { 0 };
	int r;

	if (imap_parse_sp(p) <= 0)
		return 0;
	r = imap_parse_flag_list(p, &m.flags);
	if (r < 0 || (r > 0 && imap_parse_sp(p) <= 0))
		return r < 0 ? r : 0;
	if (imap_parse_date_time(p, &m.internaldate_s) > 0 && imap_parse_sp(p) <= 0)
		return 0;
	r = take_literal(p, &m);
	if (r <= 0)
		return r;
	/* RFC 8508 4.7: one message takes the place of one. */
	if (ap->is_replace && ap->n > 0)
		return 0;
	if (ap->n >= LIMIT_IMAP_APPEND_MESSAGES ||
	    arena_grow(p->arena, &ap->messages, ap->n, &ap->cap, sizeof(m)) < 0)
		return -E_LIMIT;
	ap->messages[ap->n++] = m;
	return keep_keywords(p->arena, &m.flags);
}

/*
 * Takes as many steps as the command so far has. 1: the last ended with a literal that is a
 * message; 0: it did not, or there is something that cannot be understood (yet).
 */
static int advance(struct imap_session *s, struct str command)
{
	struct imap_append *ap = s->append;
	size_t before = ap->n;
	struct imap_parse p;
	int r = 1;

	while (r > 0 && ap->at < command.n) {
		imap_parse_init(&p, &s->arena, str_skip(command, ap->at), s->is_rev2);
		r = ap->has_head ? take_message(&p, ap) : take_head(&p, ap);
		if (r > 0)
			ap->at = (size_t)(p.p - command.p);
	}
	if (r < 0)
		return r;
	return ap->at == command.n && ap->n > before;
}

static int begin(struct imap_session *s)
{
	if (s->append == NULL)
		s->append = ARENA_NEW(&s->arena, struct imap_append);
	return s->append != NULL ? 0 : -E_LIMIT;
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
static uint64_t bytes_max(const struct imap_session *s)
{
	uint64_t one = (uint64_t)s->conf->max_message_bytes;

	return one > LIMIT_IMAP_APPEND_BYTES ? one : LIMIT_IMAP_APPEND_BYTES;
}

int imap_append_literal(struct imap_session *s, struct str so_far, uint64_t n)
{
	struct store_mailbox box;
	struct imap_append *ap;
	int r = 0;

	if (!is_upload(s, so_far) || (r = begin(s)) < 0)
		return r;
	r = advance(s, so_far);
	if (r <= 0)
		return r;
	ap = s->append;
	if (ap->is_replace && s->sel->is_readonly)
		return -E_DENIED;
	if (n > (uint64_t)s->conf->max_message_bytes)
		return -E_TOO_BIG;
	if (ap->bytes + n > bytes_max(s))
		return -E_LIMIT;
	ap->messages[ap->n - 1].off = ap->bytes;
	ap->bytes += n;
	if (s->spool != NULL)
		return 1;
	r = imap_append_target(s, &box);
	if (r == 0)
		r = spool_new(store_db(imap_store(s)), bytes_max(s), &s->spool);
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
	return ap->at == s->in.n && ap->n > 0 && s->spool != NULL ? 0 : -E_SYNTAX;
}

int imap_append_target(struct imap_session *s, struct store_mailbox *ret)
{
	int r = imap_mailbox_find(s, s->append->mailbox, ret);

	if (r == -E_NOT_FOUND)
		imap_code(s, "TRYCREATE");
	return r;
}

static int fill_row(struct imap_session *s, const struct imap_append_message *m, struct str bytes,
		    struct arena *a, struct store_append *row)
{
	struct store_content_new *content = ARENA_NEW(&s->arena, struct store_content_new);

	if (bytes.n == 0) {
		imap_say(s, "the message is empty");
		return -E_CANNOT;
	}
	/* RFC 9051 4.3.1: NUL only in a literal8. */
	if (!m->is_binary && str_chr(bytes, '\0') >= 0)
		return -E_SYNTAX;
	if (content == NULL)
		return -E_LIMIT;
	row->content = content;
	row->flags = m->flags.flags;
	row->keywords = m->flags.keywords;
	row->n_keywords = m->flags.n_keywords;
	row->internaldate_s = m->internaldate_s;
	arena_init(a, LIMIT_MIME_ARENA);
	return store_content_prepare(a, bytes, content);
}

int imap_append_rows(struct imap_session *s, int64_t mailbox, struct imap_append_rows *ret)
{
	const struct imap_append *ap = s->append;
	struct str all;
	size_t used = 0;
	int r = spool_view(s->spool, &all);

	*ret = (struct imap_append_rows){
		.v = mem_alloc(ap->n, sizeof(*ret->v)),
		.arenas = mem_alloc(ap->n, sizeof(*ret->arenas)),
		.n = ap->n,
	};
	for (size_t i = 0; i < ap->n && r == 0; i++) {
		const struct imap_append_message *m = &ap->messages[i];

		ret->v[i].mailbox = mailbox;
		r = used > LIMIT_COMMAND_ARENA ? -E_LIMIT
					       : fill_row(s, m, str_head(str_skip(all, m->off), m->n),
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
	*r = (struct imap_append_rows){ 0 };
}
