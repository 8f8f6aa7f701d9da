/* SPDX-License-Identifier: MIT */
/*
 * SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 3). Identifiers are login names of
 * accounts and "anyone", with "-" in front for rights that are taken away. Rights are not tied to
 * each other; the owner of a mailbox has all of them, whatever is said.
 */
#include "base/limits.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/mailbox.h"
#include "store/rights.h"

/* SP mailbox */
static int parse_mailbox(struct imap_session *s, struct str *ret)
{
	int r = imap_need(imap_parse_sp(&s->p));

	return r < 0 ? r : imap_need(imap_parse_mailbox(&s->p, ret));
}

static int parse_string(struct imap_session *s, struct str *ret)
{
	int r = imap_need(imap_parse_sp(&s->p));

	return r < 0 ? r : imap_need(imap_parse_astring(&s->p, ret));
}

/* RFC 4314 3: BAD for what cannot be an identifier, NO for one that nobody has. */
static int find_identifier(struct imap_session *s, const struct store_mailbox *box, struct str text,
			   struct store_identifier *ret)
{
	int r = store_identifier_find(imap_store(s), &s->arena, box->id, text, ret);

	if (r == -E_NOT_FOUND) {
		imap_say(s, "nobody has that name");
		return -E_CANNOT;
	}
	return r;
}

static int change(struct imap_session *s, struct str mailbox, struct str identifier,
		  enum store_rights_op op, unsigned rights)
{
	struct store_identifier id = { 0 };
	struct store_mailbox box = { 0 };
	int r = imap_mailbox_find(s, mailbox, STORE_R_ADMIN, &box);

	if (r == 0)
		r = find_identifier(s, &box, identifier, &id);
	if (r == 0 && id.is_owner) {
		imap_say(s, "the owner has all rights");
		return -E_CANNOT;
	}
	return r < 0 ? r : store_rights_change(imap_store(s), box.id, s->account, &id, op, rights);
}

/* mod-rights = astring   ;; +rights to add, -rights to remove, rights to replace */
static int parse_rights(struct imap_session *s, struct str text, enum store_rights_op *ret_op,
			unsigned *ret)
{
	*ret_op = str_starts(text, S("+"))   ? STORE_RIGHTS_ADD
		  : str_starts(text, S("-")) ? STORE_RIGHTS_TAKE
					     : STORE_RIGHTS_SET;
	if (store_rights_parse(str_skip(text, *ret_op != STORE_RIGHTS_SET), ret))
		return 0;
	imap_say(s, "no such right");
	return -E_SYNTAX;
}

/* setacl = "SETACL" SP mailbox SP identifier SP mod-rights */
int imap_cmd_setacl(struct imap_session *s)
{
	struct str mailbox, identifier, text;
	enum store_rights_op op;
	unsigned rights;
	int r;

	if ((r = parse_mailbox(s, &mailbox)) < 0 || (r = parse_string(s, &identifier)) < 0 ||
	    (r = parse_string(s, &text)) < 0 || (r = imap_need(imap_parse_end(&s->p))) < 0 ||
	    (r = parse_rights(s, text, &op, &rights)) < 0)
		return r;
	return change(s, mailbox, identifier, op, rights);
}

/* deleteacl = "DELETEACL" SP mailbox SP identifier */
int imap_cmd_deleteacl(struct imap_session *s)
{
	struct str mailbox, identifier;
	int r;

	if ((r = parse_mailbox(s, &mailbox)) < 0 || (r = parse_string(s, &identifier)) < 0 ||
	    (r = imap_need(imap_parse_end(&s->p))) < 0)
		return r;
	return change(s, mailbox, identifier, STORE_RIGHTS_SET, 0);
}

/* rights = astring */
static void resp_rights(struct imap_session *s, unsigned rights)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(64);

	store_rights_print(rights, &text);
	if (rights != 0)
		imap_resp(s, buf_str(&text));
	else
		imap_resp(s, S("\"\""));
}

/* getacl = "GETACL" SP mailbox; acl-data = "ACL" SP mailbox *(SP identifier SP rights) */
int imap_cmd_getacl(struct imap_session *s)
{
	struct store_rights_entry *v = NULL;
	struct store_mailbox box = { 0 };
	struct str mailbox;
	size_t n = 0;
	int r;

	if ((r = parse_mailbox(s, &mailbox)) < 0 || (r = imap_need(imap_parse_end(&s->p))) < 0)
		return r;
	r = imap_mailbox_find(s, mailbox, STORE_R_ADMIN, &box);
	if (r == 0)
		r = store_rights_list(imap_store(s), &s->arena, box.id, &v, &n);
	if (r < 0)
		return r;
	imap_resp(s, S("* ACL "));
	imap_resp_mailbox(s, box.name);
	for (size_t i = 0; i < n; i++) {
		imap_resp(s, S(" "));
		imap_resp_string(s, v[i].identifier);
		imap_resp(s, S(" "));
		resp_rights(s, v[i].rights);
	}
	imap_resp_end(s);
	return 0;
}

/*
 * listrights = "LISTRIGHTS" SP mailbox SP identifier
 * listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)
 */
int imap_cmd_listrights(struct imap_session *s)
{
	struct str mailbox, identifier;
	struct store_identifier id = { 0 };
	struct store_mailbox box = { 0 };
	int r;

	if ((r = parse_mailbox(s, &mailbox)) < 0 || (r = parse_string(s, &identifier)) < 0 ||
	    (r = imap_need(imap_parse_end(&s->p))) < 0)
		return r;
	r = imap_mailbox_find(s, mailbox, STORE_R_ADMIN, &box);
	if (r == 0)
		r = find_identifier(s, &box, identifier, &id);
	if (r < 0)
		return r;
	imap_resp(s, S("* LISTRIGHTS "));
	imap_resp_mailbox(s, box.name);
	imap_resp(s, S(" "));
	imap_resp_string(s, identifier); /* RFC 4314 3.4: as the client said it */
	imap_resp(s, S(" "));
	/* Nothing of the owner's can be taken away, "-owner" gets nothing. */
	resp_rights(s, id.is_owner && !id.is_negative ? STORE_RIGHTS_ALL : 0);
	if (!id.is_owner)
		imap_resp(s, S(" l r s w i p k x t e a n c d"));
	imap_resp_end(s);
	return 0;
}

void imap_myrights_show(struct imap_session *s, const struct store_mailbox *box)
{
	imap_resp(s, S("* MYRIGHTS "));
	imap_resp_mailbox(s, box->name);
	imap_resp(s, S(" "));
	resp_rights(s, box->rights);
	imap_resp_end(s);
}

/* myrights = "MYRIGHTS" SP mailbox */
int imap_cmd_myrights(struct imap_session *s)
{
	struct store_mailbox box = { 0 };
	struct str mailbox;
	int r;

	if ((r = parse_mailbox(s, &mailbox)) < 0 || (r = imap_need(imap_parse_end(&s->p))) < 0)
		return r;
	r = imap_mailbox_find(s, mailbox, 0, &box);
	if (r == 0)
		imap_myrights_show(s, &box);
	return r;
}
