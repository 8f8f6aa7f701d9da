/* SPDX-License-Identifier: MIT */
/*
 * CREATE (with RFC 6154 USE), DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE. What RFC 4314 4 demands for
 * them the store checks in their transactions.
 *
 * RFC 9051 6.3.4-6.3.8
 */
#include "imap/cmd_list.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/mailbox.h"
#include "store/rights.h"

#define NO_ACCOUNT (-1)

/* A place, and the name that the client wrote. */
struct place {
	struct store_place at;
	struct str given;
};

/* SP mailbox, normalised. */
static int parse_name(struct imap_session *s, struct place *ret)
{
	struct fault fault = { 0 };
	struct str name;
	int r;

	if ((r = imap_need(imap_parse_sp(&s->p))) < 0 ||
	    (r = imap_need(imap_parse_mailbox_given(&s->p, &name, &ret->given))) < 0)
		return r;
	ret->given.n -= name.n - store_name_trim(name).n;
	name = store_name_trim(name);
	r = store_place_parse(&s->arena, name, &ret->at, &fault);
	if (r < 0 && s->language == IMAP_LANG_DEFAULT)
		imap_say(s, "%s", fault.text);
	return r;
}

/*
 * What the store says about a refusal is meant for people; it does not carry peer text
 * beyond names. It says it in English: in another language the general text must do.
 */
static int outcome(struct imap_session *s, const struct store_place *place, int r,
		   const struct fault *fault)
{
	size_t i;

	/* RFC 4314 6: one text for what is not there and for what may not be known. */
	if (place->is_other && (r == -E_NOT_FOUND || r == -E_DENIED))
		return r;

	if (r >= 0 || fault->text[0] == '\0' || r == -E_IO || r == -E_BUG ||
	    s->language != IMAP_LANG_DEFAULT)
		return r;
	for (i = 0; fault->text[i] != '\0'; i++) {
		if (fault->text[i] < 0x20 || fault->text[i] > 0x7e)
			return r;
	}
	imap_say(s, "%s", fault->text);
	return r;
}

/*
 * An account that does not exist goes the same way as one that shares nothing, with an id that nobody
 * has: who else has an account here is not told. -E_NOT_FOUND: the name alone cannot be a mailbox.
 */
static int find_owner(struct imap_session *s, const struct store_place *place, int64_t *ret)
{
	int r;

	if (place->is_other && (place->login.n == 0 || place->local.n == 0))
		return -E_NOT_FOUND;
	r = store_place_owner(imap_store(s), &s->arena, s->account, place, ret);
	if (r == -E_NOT_FOUND)
		*ret = NO_ACCOUNT;
	return r == -E_NOT_FOUND ? 0 : r;
}

/* RFC 9051 6.3.4: the client wrote the name otherwise than the mailbox is called. */
static bool is_written_otherwise(const struct place *place)
{
	return !str_eq(place->given, place->at.shown);
}

/* create-param = "USE" SP "(" [use-attr *(SP use-attr)] ")"   RFC 6154 6 */
static int parse_use(struct imap_session *s, unsigned *ret_use)
{
	struct imap_parse *p = &s->p;
	unsigned use = 0;
	struct str attr;

	if (imap_parse_end(p))
		return 0;
	if (imap_parse_sp(p) <= 0 || imap_parse_prefix(p, S("(USE (")) <= 0)
		return -E_SYNTAX;
	while (imap_parse_char(p, ')') <= 0) {
		unsigned bit;

		if (use != 0 && imap_parse_sp(p) <= 0)
			return -E_SYNTAX;
		if (imap_parse_char(p, '\\') <= 0 || imap_parse_atom(p, &attr) <= 0)
			return -E_SYNTAX;
		bit = imap_list_use_bit(attr);
		if (bit == 0) {
			imap_code(s, "USEATTR");
			imap_say(s, "that special use is not supported");
			return -E_CANNOT;
		}
		use |= bit;
	}
	*ret_use = use;
	return imap_parse_char(p, ')') > 0 && imap_parse_end(p) ? 0 : -E_SYNTAX;
}

int imap_cmd_create(struct imap_session *s)
{
	struct fault fault = { 0 };
	struct store_mailbox box;
	struct place place;
	unsigned use = 0;
	int64_t id, owner;
	int r;

	if ((r = parse_name(s, &place)) < 0 || (r = parse_use(s, &use)) < 0)
		return r;
	r = find_owner(s, &place.at, &owner);
	/* As where nothing may be made. */
	if (r == -E_NOT_FOUND)
		r = -E_DENIED;
	if (r == 0)
		r = store_mailbox_create_by(imap_store(s), s->account, owner, place.at.local, use, &id,
					    &fault);
	/* RFC 8474 4.1 */
	if (r == 0 && store_mailbox_get(imap_store(s), &s->arena, id, &box) == 0)
		imap_code(s, "MAILBOXID (%" STR_FMT ")", STR_ARG(box.mailboxid));
	if (r == 0 && s->is_rev2 && is_written_otherwise(&place))
		imap_list_given(s, S(""), place.at.shown, place.given);
	return outcome(s, &place.at, r, &fault);
}

int imap_cmd_delete(struct imap_session *s)
{
	struct fault fault = { 0 };
	struct store_mailbox box;
	struct place place;
	int64_t owner;
	int r;

	if ((r = parse_name(s, &place)) < 0 || (r = imap_need(imap_parse_end(&s->p))) < 0 ||
	    (r = find_owner(s, &place.at, &owner)) < 0)
		return r;
	/*
	 * The own selected mailbox is left first; other sessions that have it selected
	 * are told BYE.
	 */
	if (s->sel != NULL &&
	    imap_mailbox_find(s, place.at.shown, STORE_R_DELETE, &box) == 0 &&
	    box.id == s->sel->mailbox && !str_eq(place.at.local, S("INBOX"))) {
		if (s->is_rev2 || s->has_condstore)
			imap_resp_untagged(s, "OK [CLOSED] the mailbox is being deleted");
		imap_deselect(s);
	}
	r = store_mailbox_delete_by(imap_store(s), s->account, owner, place.at.local, &fault);
	if (r == 0 && s->is_rev2 && is_written_otherwise(&place))
		imap_list_given(s, S("\\NonExistent"), place.at.shown, place.given);
	return outcome(s, &place.at, r, &fault);
}

int imap_cmd_rename(struct imap_session *s)
{
	struct fault fault = { 0 };
	struct place from, to;
	int64_t owner;
	int r;

	if ((r = parse_name(s, &from)) < 0 || (r = parse_name(s, &to)) < 0 ||
	    (r = imap_need(imap_parse_end(&s->p))) < 0)
		return r;
	/* The names alone tell it, so nothing is given away. */
	if (from.at.is_other != to.at.is_other || !str_eq(from.at.login, to.at.login)) {
		imap_say(s, "a mailbox stays with its owner");
		return -E_CANNOT;
	}
	r = find_owner(s, &from.at, &owner);
	if (r == 0 && to.at.local.n == 0)
		r = -E_DENIED;
	if (r == 0)
		r = store_mailbox_rename_by(imap_store(s), s->account, owner, from.at.local, to.at.local,
					    &fault);
	if (r == 0 && s->is_rev2 && (is_written_otherwise(&from) || is_written_otherwise(&to)))
		imap_list_given(s, S(""), to.at.shown, from.given);
	return outcome(s, &from.at, r, &fault);
}

static int subscribe(struct imap_session *s, bool is_subscribed)
{
	struct fault fault = { 0 };
	struct place place;
	int r;

	if ((r = parse_name(s, &place)) < 0 || (r = imap_need(imap_parse_end(&s->p))) < 0)
		return r;
	/* Of others too it is kept here, whether the mailbox exists or not, so nothing is told. */
	r = store_mailbox_subscribe(imap_store(s), s->account, place.at.shown, is_subscribed, &fault);
	return outcome(s, &place.at, r, &fault);
}

int imap_cmd_subscribe(struct imap_session *s)
{
	return subscribe(s, true);
}

int imap_cmd_unsubscribe(struct imap_session *s)
{
	return subscribe(s, false);
}
