/* SPDX-License-Identifier: MIT */
/*
 * APPEND, RFC 9051 6.3.12, with several messages (RFC 3502): all of them or none, in one
 * transaction. The arguments are understood in append.c.
 */
#include "imap/append.h"

#include "base/limits.h"
#include "imap/cmd_list.h"
#include "imap/imap_int.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/rights.h"

/* resp-code-apnd = "APPENDUID" SP nz-number SP append-uid; RFC 4315 3: as many UIDs as messages. */
static void tell_uids(struct imap_session *s, const struct store_appended *at, size_t n)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(LIMIT_IMAP_LINE);
	struct uidset uids = { 0 };
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = uidset_add(&s->arena, &uids, at[i].uid, at[i].uid);
	uidset_print(&text, &uids);
	/* That it cannot be told undoes nothing. */
	if (r == 0 && !buf_overflowed(&text))
		imap_code(s, "APPENDUID %u %s", at[0].uidvalidity, buf_z(&text));
}

static int add(struct imap_session *s, const struct store_mailbox *box)
{
	AUTO(imap_append_rows_fini) struct imap_append_rows rows = { 0 };
	AUTO(mem_auto_free) struct store_appended *at = NULL;
	int r = imap_append_rows(s, box->id, &rows);

	if (r < 0)
		return r;
	at = mem_alloc(rows.n, sizeof(*at));
	r = store_append(imap_store(s), rows.v, rows.n, at);
	if (r < 0)
		return r;
	imap_notify_own(s, box->id, at[0].uid, at[rows.n - 1].uid);
	if (at[0].is_recent)
		imap_notify_own_recent(s, at[0].uid, at[rows.n - 1].uid);
	/* RFC 4315 3: UIDs tell how much is in a mailbox that may not be read. */
	if (box->rights & STORE_R_READ)
		tell_uids(s, at, rows.n);
	return 0;
}

int imap_cmd_append(struct imap_session *s)
{
	struct store_mailbox box;
	int r = imap_append_finish(s);

	if (r == 0)
		r = imap_append_target(s, &box);
	if (r == 0)
		r = add(s, &box);
	/* RFC 9051 6.3.12 */
	if (r == 0 && s->is_rev2 && !str_eq(s->append->given, box.name))
		imap_list_given(s, S(""), box.name, s->append->given);
	return r;
}
