/* SPDX-License-Identifier: MIT */
/*
 * What the user of the session may do (RFC 4314): names to mailboxes, and the rights in the selected
 * one, which others can change at any time. They are kept with it and asked for again when the
 * store's generation of rights has moved on. The store checks them once more in each transaction.
 */
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/mailbox.h"
#include "store/rights.h"

int imap_mailbox_find(struct imap_session *s, struct str name, unsigned need,
		      struct store_mailbox *ret)
{
	return store_mailbox_lookup(imap_store(s), &s->arena, s->account, name, need, ret);
}

int imap_rights_need(const struct imap_session *s, unsigned need)
{
	return (s->sel->rights & need) == need ? 0 : -E_DENIED;
}

void imap_rights_set(struct imap_selected *sel, unsigned rights)
{
	sel->rights = rights;
	sel->is_readonly = sel->is_examined || !(rights & STORE_RIGHTS_CHANGE);
}

/* RFC 4314 5.1.1 allows it: a client that gets NO for everything would not understand it either. */
static int lost(struct imap_session *s)
{
	imap_resp_untagged(s, "BYE the selected mailbox may not be read any more");
	s->is_over = true;
	return -E_CLOSED;
}

int imap_rights_refresh(struct imap_session *s)
{
	struct imap_selected *sel = s->sel;
	uint64_t generation = store_rights_generation(imap_store(s));
	unsigned before, rights = 0;
	int r;

	if (sel == NULL || sel->owner == s->account || sel->rights_generation == generation)
		return 0;
	r = store_rights_get(imap_store(s), sel->mailbox, s->account, &rights);
	if (r < 0 && r != -E_NOT_FOUND)
		return r;
	if (!(rights & STORE_R_READ))
		return lost(s);
	sel->rights_generation = generation;
	before = sel->rights;
	imap_rights_set(sel, rights);
	if (store_rights_flags(before) != store_rights_flags(rights))
		imap_notify_keywords(s, sel->view);
	return 0;
}
