/* SPDX-License-Identifier: MIT */
/* Verbs about rights on mailboxes (RFC 4314), for whoever runs the server: the same rows that SETACL changes. */
#include "base/arena.h"
#include "server/admin.h"
#include "store/account.h"
#include "store/mailbox.h"
#include "store/rights.h"

/* "address" and "mailbox" to the mailbox. */
static int find(struct admin *ad, struct arena *a, const json_t *args, struct store_mailbox *ret, struct fault *fault)
{
	struct store_account account = { 0 };
	struct str mailbox = { 0 };
	int r = admin_arg_account(ad, a, args, &account, fault);

	if (r == 0)
		r = admin_arg(args, "mailbox", &mailbox, fault);
	if (r < 0)
		return r;
	r = store_mailbox_find(ad->store, a, account.id, mailbox, ret);
	return r == -E_NOT_FOUND ? admin_no_mailbox(account.name, mailbox, fault) : r;
}

static json_t *rights_json(unsigned rights)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(64);

	store_rights_print(rights, &text);
	return admin_json_str(buf_str(&text));
}

int admin_acl_list(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_rights_entry *v = NULL;
	struct store_mailbox box = { 0 };
	size_t n = 0;
	int r = find(ad, a, args, &box, fault);

	if (r == 0)
		r = store_rights_list(ad->store, a, box.id, &v, &n);
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, json_pack("{s:o, s:o}", "identifier", admin_json_str(v[i].identifier),
			"rights", rights_json(v[i].rights)));
	return 0;
}

static int change(struct admin *ad, struct arena *a, const json_t *args, unsigned rights, json_t **ret, struct fault *fault)
{
	struct store_identifier id = { 0 };
	struct store_mailbox box = { 0 };
	struct str identifier = { 0 };
	int r = find(ad, a, args, &box, fault);

	if (r == 0)
		r = admin_arg(args, "identifier", &identifier, fault);
	if (r < 0)
		return r;
	r = store_identifier_find(ad->store, a, box.id, identifier, &id);
	if (r < 0)
		return fault_set(fault, r, "\"%" STR_FMT "\" is neither an account nor \"anyone\"", STR_ARG(identifier));
	if (id.is_owner)
		return fault_set(fault, -E_CANNOT, "the owner of a mailbox has all rights");
	r = store_rights_change(ad->store, box.id, 0, &id, STORE_RIGHTS_SET, rights);
	if (r == 0)
		*ret = json_pack("{s:o, s:o}", "identifier", admin_json_str(identifier), "rights", rights_json(rights));
	return r;
}

int admin_acl_set(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct str text = { 0 };
	unsigned rights = 0;
	int r = admin_arg(args, "rights", &text, fault);

	if (r < 0)
		return r;
	if (!store_rights_parse(text, &rights))
		return fault_set(fault, -E_USAGE, "rights are letters of lrswipkxtean, c for kx, d for te");
	return change(ad, a, args, rights, ret, fault);
}

int admin_acl_remove(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	return change(ad, a, args, 0, ret, fault);
}
