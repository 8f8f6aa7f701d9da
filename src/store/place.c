/* SPDX-License-Identifier: MIT */
/*
 * What a name means that a user says (rights.h): an own mailbox, or one of another account below
 * "Other Users". A login ends at the first "/" behind its "@": local parts may have one.
 */
#include "base/limits.h"
#include "store/rights.h"
#include "store/store_int.h"

#define PREFIX STORE_OTHER_USERS "/"

bool store_name_is_reserved(struct str name)
{
	return str_eq(name, S(STORE_OTHER_USERS)) || str_starts(name, S(PREFIX));
}

/* LOGIN ["/" NAME] */
static void split_login(struct str rest, struct str *ret_login, struct str *ret_local)
{
	ptrdiff_t at = str_chr(rest, '@');
	struct str behind = str_skip(rest, at > 0 ? (size_t)at : 0);
	ptrdiff_t slash = str_chr(behind, '/');
	size_t n = slash < 0 ? rest.n : (size_t)(behind.p - rest.p) + (size_t)slash;

	*ret_login = str_head(rest, n);
	*ret_local = str_skip(rest, slash < 0 ? n : n + 1);
}

static int parse_other(struct arena *a, struct str name, struct store_place *ret,
		       struct fault *fault)
{
	struct store_place p = { .is_other = true, .shown = name };
	struct store_address address;
	struct str login, local;
	int rc;

	split_login(str_skip(name, sizeof(PREFIX) - 1), &login, &local);
	rc = store_address_parse(a, login, false, &address);
	if (rc == 0 && local.n > 0)
		rc = store_name_check(a, local, &p.local, fault);
	if (rc == 0) {
		p.login = address.full;
		p.shown = arena_printf(a, PREFIX "%" STR_FMT "%s%" STR_FMT, STR_ARG(p.login),
				       p.local.n > 0 ? "/" : "", STR_ARG(p.local));
		rc = p.shown.p ? 0 : -E_LIMIT;
	}
	if (rc < 0 && rc != -E_SYNTAX)
		return rc;
	if (rc == -E_SYNTAX)
		p.local = (struct str){ 0 };
	*ret = p;
	return 0;
}

int store_place_parse(struct arena *a, struct str name, struct store_place *ret,
		      struct fault *fault)
{
	struct str checked;
	int rc;

	if (str_starts(name, S(PREFIX)) && name.n > sizeof(PREFIX) - 1)
		return parse_other(a, name, ret, fault);
	rc = store_name_check(a, name, &checked, fault);
	if (rc < 0)
		return rc;
	*ret = (struct store_place){ .shown = checked };
	if (store_name_is_reserved(checked))
		ret->is_other = true;
	else
		ret->local = checked;
	return 0;
}

int store_place_owner(struct store *s, struct arena *a, int64_t user, const struct store_place *p,
		      int64_t *ret_owner)
{
	struct store_account account;
	int rc;

	if (!p->is_other) {
		*ret_owner = user;
		return 0;
	}
	if (p->login.n == 0 || p->local.n == 0)
		return -E_NOT_FOUND;
	rc = store_account_find(s, a, p->login, &account);
	if (rc == 0 && account.id == user)
		rc = -E_NOT_FOUND;
	if (rc == 0)
		*ret_owner = account.id;
	return rc;
}

/* Sets what depends on who asks, but for the name. */
static int for_user(struct store *s, int64_t user, unsigned need, struct store_mailbox *m)
{
	int rc;

	m->local = m->name;
	m->rights = STORE_RIGHTS_ALL;
	if (m->account == user)
		return 0;
	rc = store_rights_get(s, m->id, user, &m->rights);
	/* Those of the owner. */
	m->special_use = 0;
	m->is_subscribed = false;
	return rc < 0 ? rc : store_rights_check(m->rights, need);
}

int store_mailbox_lookup(struct store *s, struct arena *a, int64_t user, struct str name,
			 unsigned need, struct store_mailbox *ret)
{
	struct store_mailbox m;
	struct store_place p;
	int64_t owner;
	int rc = store_place_parse(a, name, &p, NULL);

	if (rc == 0)
		rc = store_place_owner(s, a, user, &p, &owner);
	if (rc == 0)
		rc = store_mailbox_find(s, a, owner, p.local, &m);
	if (rc < 0)
		return rc;
	rc = for_user(s, user, need, &m);
	if (owner != user)
		m.name = p.shown;
	if (rc == 0)
		*ret = m;
	return rc;
}

/* What another one's mailbox is called by this user, and whether he has subscribed to that. */
static int name_shared(struct store *s, struct arena *a, int64_t user, struct store_mailbox *m)
{
	struct store_account owner;
	struct store_mailbox named;
	int rc = store_account_get(s, a, m->account, &owner);

	if (rc < 0)
		return rc;
	m->name = arena_printf(a, PREFIX "%" STR_FMT "/%" STR_FMT, STR_ARG(owner.name),
			       STR_ARG(m->local));
	if (m->name.p == NULL)
		return -E_LIMIT;
	rc = store_mailbox_look(s, a, user, m->name, &named);
	m->is_subscribed = rc == 0 && named.is_subscribed;
	return rc;
}

int store_mailbox_get_for(struct store *s, struct arena *a, int64_t user, int64_t id, unsigned need,
			  struct store_mailbox *ret)
{
	struct store_mailbox m;
	int rc = store_mailbox_get(s, a, id, &m);

	if (rc == 0)
		rc = for_user(s, user, need, &m);
	if (rc == 0 && m.account != user)
		rc = name_shared(s, a, user, &m);
	if (rc == 0)
		*ret = m;
	return rc;
}
