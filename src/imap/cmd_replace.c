/* SPDX-License-Identifier: MIT */
/*
 * REPLACE and UID REPLACE (RFC 8508): a message of the selected mailbox goes and a new one comes,
 * there or in another mailbox, in one transaction. The arguments are those of APPEND (append.c),
 * behind the number of the old message; nothing of the old one is inherited.
 *
 * The order of the answers is that of RFC 8508 4.3: untagged OK [APPENDUID], EXPUNGE and EXISTS by
 * the notices after the command, tagged OK.
 */
#include "imap/append.h"

#include "imap/imap_int.h"
#include "imap/resp.h"
#include "imap/seqset.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/rights.h"

/*
 * The UID of the message that goes. -E_SYNTAX: no such sequence number; -E_NOT_FOUND: no such UID.
 */
static int find_replaced(struct imap_session *s, uint32_t *ret_uid)
{
	struct imap_seq_range range = { s->append->replaced, s->append->replaced };
	const struct imap_seqset set = { .r = &range, .n = 1 };
	struct uidset seqs;
	int r = imap_seqset_resolve(&s->arena, &set, s->cmd.is_uid, s->sel->view, &s->sel->saved,
				    &seqs);

	if (r < 0)
		return r;
	if (seqs.n == 0)
		return -E_NOT_FOUND;
	*ret_uid = store_view_at(s->sel->view, seqs.r[0].lo)->uid;
	return 0;
}

static int replace(struct imap_session *s, const struct store_mailbox *to, uint32_t uid)
{
	AUTO(imap_append_rows_fini) struct imap_append_rows rows = { 0 };
	struct store_appended at = { 0 };
	uint64_t modseq = 0;
	int r = imap_append_rows(s, to->id, &rows);

	if (r == 0)
		r = store_replace(imap_store(s), rows.v, s->sel->mailbox, uid, &at, &modseq);
	/* Somebody else has expunged it meanwhile, or deleted the target. */
	if (r == -E_NOT_FOUND)
		imap_code(s, "EXPUNGEISSUED");
	if (r < 0)
		return r;
	imap_notify_own(s, s->sel->mailbox, 0, 0);
	imap_notify_own(s, to->id, at.uid, at.uid);
	if (at.is_recent)
		imap_notify_own_recent(s, at.uid, at.uid);
	/* RFC 4315 3: as for APPEND. */
	if (to->rights & STORE_R_READ)
		imap_resp_untagged(s, "OK [APPENDUID %u %u] replacement is there", at.uidvalidity,
				   at.uid);
	/* RFC 8508 4.5: as for UID EXPUNGE. */
	if (s->has_condstore)
		imap_code(s, "HIGHESTMODSEQ %llu", (unsigned long long)modseq);
	return 0;
}

/* replace = "REPLACE" SP seq-number SP mailbox append-message */
int imap_cmd_replace(struct imap_session *s)
{
	struct store_mailbox box;
	uint32_t uid;
	int r = imap_append_finish(s);

	if (r == 0)
		r = imap_rights_need(s, IMAP_RIGHTS_TAKE);
	if (r == 0)
		r = find_replaced(s, &uid);
	if (r == 0)
		r = imap_append_target(s, &box);
	if (r == 0)
		r = replace(s, &box, uid);
	return r;
}
