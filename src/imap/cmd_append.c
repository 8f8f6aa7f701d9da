/* SPDX-License-Identifier: MIT */
/*
 * APPEND, RFC 9051 6.3.12. Its message never stands in memory with the command: input.c
 * asks imap_append_literal() about each literal, and the one that is the message goes to
 * a spool (db/blob.h). When the command is complete the cursor meets "{n}" CRLF with
 * nothing behind it, and the bytes are in session.spool.
 *
 * The bytes are stored as they came, line ends included: what a client uploads is what it
 * gets back.
 */
#include "base/limits.h"
#include "db/blob.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/mailbox.h"
#include "store/message.h"

struct append {
	struct str mailbox;
	struct imap_flags flags;
	int64_t internaldate_s; /* 0: now */
	bool is_binary;
	uint64_t n;
};

/*
 * append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP (literal / literal8)
 * from the SP to the CRLF of the literal. Exactly that must be left in p.
 */
static int parse_append(struct imap_parse *p, struct append *ret)
{
	int r;

	if ((r = imap_need(imap_parse_sp(p))) < 0 ||
	    (r = imap_need(imap_parse_mailbox(p, &ret->mailbox))) < 0 ||
	    (r = imap_need(imap_parse_sp(p))) < 0)
		return r;
	r = imap_parse_flag_list(p, &ret->flags);
	if (r < 0 || (r > 0 && (r = imap_need(imap_parse_sp(p))) < 0))
		return r;
	if (imap_parse_date_time(p, &ret->internaldate_s) > 0 &&
	    (r = imap_need(imap_parse_sp(p))) < 0)
		return r;
	ret->is_binary = imap_parse_char(p, '~') > 0;
	if (imap_parse_char(p, '{') <= 0)
		return -E_SYNTAX;
	if (imap_parse_number64(p, &ret->n) <= 0)
		return -E_TOO_BIG;
	(void)imap_parse_char(p, '+');
	return imap_parse_prefix(p, S("}\r\n")) > 0 && imap_parse_end(p) ? 0 : -E_SYNTAX;
}

static int find_target(struct imap_session *s, struct str name, struct store_mailbox *ret)
{
	int r = imap_mailbox_find(s, name, ret);

	if (r == -E_NOT_FOUND)
		imap_code(s, "TRYCREATE");
	return r;
}

int imap_append_literal(struct imap_session *s, struct str so_far, uint64_t n)
{
	struct append append = { 0 };
	struct store_mailbox box;
	struct imap_parse p;
	struct str tag;
	int r;

	imap_parse_init(&p, &s->arena, so_far, s->is_rev2);
	if (s->spool != NULL || !(s->state & IMAP_IN_AUTH) || imap_parse_tag(&p, &tag) <= 0 ||
	    imap_parse_sp(&p) <= 0 || imap_parse_word(&p, S("APPEND")) <= 0)
		return 0;
	/*
	 * Not (yet) the message: a mailbox name as literal, or nonsense that the handler
	 * will refuse.
	 */
	r = parse_append(&p, &append);
	if (r == -E_SYNTAX)
		return 0;
	if (r < 0)
		return r;
	if (n > (uint64_t)s->conf->max_message_bytes)
		return -E_TOO_BIG;
	r = find_target(s, append.mailbox, &box);
	if (r < 0)
		return r;
	r = spool_new(store_db(imap_store(s)), (size_t)s->conf->max_message_bytes, &s->spool);
	return r < 0 ? r : 1;
}

static int add(struct imap_session *s, const struct append *append, int64_t mailbox,
	       struct str bytes)
{
	AUTO(arena_fini) struct arena a;
	struct store_content_new content;
	struct store_append row = {
		.mailbox = mailbox,
		.content = &content,
		.flags = append->flags.flags,
		.keywords = append->flags.keywords,
		.n_keywords = append->flags.n_keywords,
		.internaldate_s = append->internaldate_s,
	};
	struct store_appended at;
	int r;

	arena_init(&a, LIMIT_MIME_ARENA);
	r = store_content_prepare(&a, bytes, &content);
	if (r == 0)
		r = store_append(imap_store(s), &row, 1, &at);
	if (r == 0)
		imap_code(s, "APPENDUID %u %u", at.uidvalidity, at.uid);
	return r;
}

int imap_cmd_append(struct imap_session *s)
{
	struct append append = { 0 };
	struct store_mailbox box;
	struct str bytes = { 0 };
	int r = parse_append(&s->p, &append);

	if (r < 0)
		return r;
	if (s->spool == NULL)
		return -E_SYNTAX;
	r = find_target(s, append.mailbox, &box);
	if (r == 0)
		r = spool_view(s->spool, &bytes);
	if (r < 0)
		return r;
	if (bytes.n == 0) {
		imap_say(s, "the message is empty");
		return -E_CANNOT;
	}
	/* RFC 9051 4.3.1: NUL only in a literal8. */
	if (!append.is_binary && str_chr(bytes, '\0') >= 0)
		return -E_SYNTAX;
	return add(s, &append, box.id, bytes);
}
