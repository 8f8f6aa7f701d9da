/* SPDX-License-Identifier: MIT */
/*
 * GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208 4.1).
 *
 * Each account is one quota root, "#user/" and its address, for all of its mailboxes. A user sees
 * the own root only; others do not exist for him, whether they exist or not (RFC 9208 8). The
 * accounts of imap.quota_admins see and set all; only they are told QUOTASET.
 *
 * Mailboxes are limited for everybody (LIMIT_MAILBOXES), so no QUOTA response is ever empty.
 */
#include "base/limits.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/account.h"
#include "store/mailbox.h"
#include "store/rights.h"

#define ROOT "#user/"
#define KIB 1024

/* RFC 9208 5: one row per resource; where it stands in struct store_quota, and its unit. */
static const struct {
	struct str name;
	size_t offset;
	int64_t unit;
	int64_t max; /* that the server has for everybody; 0: none */
} resources[] = {
	{ STR_INIT("STORAGE"), offsetof(struct store_quota, bytes), KIB, 0 },
	{ STR_INIT("MESSAGE"), offsetof(struct store_quota, messages), 1, 0 },
	{ STR_INIT("MAILBOX"), offsetof(struct store_quota, mailboxes), 1, LIMIT_MAILBOXES },
};

static int64_t *member(struct store_quota *q, size_t i)
{
	return (int64_t *)(void *)((char *)q + resources[i].offset);
}

bool imap_is_quota_admin(const struct imap_session *s)
{
	for (size_t i = 0; s->account != 0 && i < s->conf->quota_admins.n; i++) {
		if (str_ieq(str_z(s->conf->quota_admins.v[i]), str_z(s->name)))
			return true;
	}
	return false;
}

/* ---- responses ---- */

/* In units, a part of one counted whole, so that what fits is never shown as too much. */
static int64_t units(int64_t v, int64_t unit)
{
	return v / unit + (v % unit != 0);
}

/* quota-response = "QUOTA" SP quota-root-name SP quota-list */
static void show_quota(struct imap_session *s, struct str root, struct store_quota *limit,
		       struct store_quota *used)
{
	const char *sep = "";

	imap_resp(s, S("* QUOTA "));
	imap_resp_string(s, root);
	imap_resp(s, S(" ("));
	for (size_t i = 0; i < ARRAY_LEN(resources); i++) {
		int64_t max = resources[i].max, most = *member(limit, i);

		if (max > 0 && (most == 0 || most > max))
			most = max;
		if (most == 0)
			continue;
		imap_respf(s, "%s%s %lld %lld", sep, resources[i].name.p,
			   (long long)units(*member(used, i), resources[i].unit),
			   (long long)units(most, resources[i].unit));
		sep = " ";
	}
	imap_resp(s, S(")\r\n"));
}

static int show_account(struct imap_session *s, struct str root, int64_t account)
{
	struct store_quota limit, used;
	int r = store_quota_get(imap_store(s), account, &limit, &used);

	if (r == 0)
		show_quota(s, root, &limit, &used);
	return r;
}

static struct str own_root(struct imap_session *s)
{
	return arena_printf(&s->arena, ROOT "%s", s->name);
}

/* The account behind a root, if this user may know of it. */
static int find_root(struct imap_session *s, struct str root, int64_t *ret_account)
{
	struct store_account account;
	int r = -E_NOT_FOUND;

	if (str_eq(root, own_root(s))) {
		*ret_account = s->account;
		return 0;
	}
	if (imap_is_quota_admin(s) && str_starts(root, S(ROOT)))
		r = store_account_find(imap_store(s), &s->arena, str_skip(root, sizeof(ROOT) - 1),
				       &account);
	if (r == 0)
		*ret_account = account.id;
	if (r == -E_NOT_FOUND)
		imap_say(s, "no such quota root");
	return r;
}

/* ---- commands ---- */

/* getquota = "GETQUOTA" SP quota-root-name */
int imap_cmd_getquota(struct imap_session *s)
{
	struct str root;
	int64_t account;
	int r;

	if ((r = imap_need(imap_parse_sp(&s->p))) < 0 ||
	    (r = imap_need(imap_parse_astring(&s->p, &root))) < 0 ||
	    (r = imap_need(imap_parse_end(&s->p))) < 0)
		return r;
	r = find_root(s, root, &account);
	return r < 0 ? r : show_account(s, root, account);
}

/*
 * Who pays for a mailbox. An own one need not exist (RFC 9208 4.1.2); of others, "r" is needed (RFC
 * 9208 6), and the root is the owner's.
 */
static int root_of(struct imap_session *s, struct str mailbox, struct str *ret_root,
		   int64_t *ret_account)
{
	struct store_account owner = { 0 };
	struct store_mailbox box = { 0 };
	struct store_place place = { 0 };
	int r = store_place_parse(&s->arena, mailbox, &place, NULL);

	*ret_root = own_root(s);
	*ret_account = s->account;
	if (r == -E_CANNOT || (r == 0 && !place.is_other))
		return ret_root->p != NULL ? 0 : -E_LIMIT;
	if (r == 0)
		r = imap_mailbox_find(s, mailbox, STORE_R_READ, &box);
	if (r == 0)
		r = store_account_get(imap_store(s), &s->arena, box.account, &owner);
	if (r < 0)
		return r;
	*ret_account = owner.id;
	*ret_root = arena_printf(&s->arena, ROOT "%" STR_FMT, STR_ARG(owner.name));
	return ret_root->p != NULL ? 0 : -E_LIMIT;
}

/* getquotaroot = "GETQUOTAROOT" SP mailbox */
int imap_cmd_getquotaroot(struct imap_session *s)
{
	struct str mailbox, root;
	int64_t account;
	int r;

	if ((r = imap_need(imap_parse_sp(&s->p))) < 0 ||
	    (r = imap_need(imap_parse_mailbox(&s->p, &mailbox))) < 0 ||
	    (r = imap_need(imap_parse_end(&s->p))) < 0 ||
	    (r = root_of(s, mailbox, &root, &account)) < 0)
		return r;
	imap_resp(s, S("* QUOTAROOT "));
	imap_resp_mailbox(s, mailbox);
	imap_resp(s, S(" "));
	imap_resp_string(s, root);
	imap_resp_end(s);
	return show_account(s, root, account);
}

/* setquota-resource = resource-name SP resource-limit; 0 cannot be kept as a limit. */
static int parse_limit(struct imap_session *s, struct store_quota *ret)
{
	struct str name;
	uint64_t limit;
	size_t i;

	if (imap_parse_atom(&s->p, &name) <= 0 || imap_parse_sp(&s->p) <= 0 ||
	    imap_parse_number64(&s->p, &limit) <= 0)
		return -E_SYNTAX;
	for (i = 0; i < ARRAY_LEN(resources) && !str_ieq(name, resources[i].name); i++)
		;
	if (i == ARRAY_LEN(resources)) {
		imap_say(s, "no such resource");
		return -E_CANNOT;
	}
	if (limit == 0 || limit > (uint64_t)(INT64_MAX / resources[i].unit)) {
		imap_say(s, "that limit cannot be set");
		return -E_CANNOT;
	}
	*member(ret, i) = (int64_t)limit * resources[i].unit;
	return 0;
}

/* setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")" */
static int parse_limits(struct imap_session *s, struct store_quota *ret)
{
	bool is_first = true;
	int r, refused = 0;

	if (imap_parse_char(&s->p, '(') <= 0)
		return -E_SYNTAX;
	while (imap_parse_char(&s->p, ')') <= 0) {
		if (!is_first && imap_parse_sp(&s->p) <= 0)
			return -E_SYNTAX;
		r = parse_limit(s, ret);
		if (r == -E_SYNTAX)
			return r;
		refused = refused != 0 ? refused : r;
		is_first = false;
	}
	return imap_parse_end(&s->p) ? refused : -E_SYNTAX;
}

/*
 * setquota = "SETQUOTA" SP quota-root-name SP setquota-list; limits that are not in the list are
 * taken away (RFC 9208 4.1.3).
 */
int imap_cmd_setquota(struct imap_session *s)
{
	struct store_quota limit = { 0 };
	struct str root;
	int64_t account;
	int r;

	if ((r = imap_need(imap_parse_sp(&s->p))) < 0 ||
	    (r = imap_need(imap_parse_astring(&s->p, &root))) < 0 ||
	    (r = imap_need(imap_parse_sp(&s->p))) < 0 || (r = parse_limits(s, &limit)) < 0)
		return r;
	if (!imap_is_quota_admin(s)) {
		imap_say(s, "only administrators set quotas");
		return -E_DENIED;
	}
	r = find_root(s, root, &account);
	if (r == 0)
		r = store_quota_set(imap_store(s), account, &limit);
	return r < 0 ? r : show_account(s, root, account);
}
