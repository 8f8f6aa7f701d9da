/* SPDX-License-Identifier: MIT */
/*
 * EXPUNGE, UID EXPUNGE (RFC 9051 6.4.3, 6.4.9; RFC 4315 2.1) and the expunging half of CLOSE
 * (RFC 9051 6.4.1). The untagged EXPUNGEs are the notices that follow the command, as for
 * expunges by anybody else.
 */
#include "imap/imap_int.h"
#include "imap/limit.h"
#include "imap/seqset.h"
#include "store/message.h"
#include "store/rights.h"
#include "store/view.h"

/* SP sequence-set of UIDs, as UIDs; only messages that the client has been shown. */
static int parse_uids(struct imap_session *s, struct uidset *ret)
{
	struct imap_seqset set;
	struct uidset seqs = { 0 };
	int r = imap_need(imap_parse_sp(&s->p));

	if (r == 0)
		r = imap_need(imap_parse_seqset(&s->p, &set));
	if (r == 0)
		r = imap_need(imap_parse_end(&s->p));
	if (r == 0)
		r = imap_seqset_resolve(&s->arena, &set, true, s->sel->view, &s->sel->saved, &seqs);
	if (r == 0)
		r = imap_limit_cut_deleted(s, &seqs);
	return r < 0 ? r : imap_seqset_uids(&s->arena, &seqs, s->sel->view, ret);
}

int imap_cmd_expunge(struct imap_session *s)
{
	struct uidset uids = { 0 }, expunged = { 0 };
	uint64_t modseq = 0;
	int r = s->cmd.is_uid ? parse_uids(s, &uids) : imap_need(imap_parse_end(&s->p));

	if (r == 0)
		r = imap_rights_need(s, STORE_R_EXPUNGE);
	if (r < 0 || (s->cmd.is_uid && uids.n == 0))
		return r;
	r = store_expunge_by(imap_store(s), &s->arena, s->account, s->sel->mailbox,
			     s->cmd.is_uid ? &uids : NULL, true, &expunged, &modseq);
	imap_notify_own(s, s->sel->mailbox, 0, 0);
	/*
	 * RFC 7162 3.2.7: the client need not ask for it. The notices before the tagged
	 * answer cover all up to it.
	 */
	if (r == 0 && expunged.n > 0 && s->has_condstore)
		imap_code(s, "HIGHESTMODSEQ %llu", (unsigned long long)modseq);
	return r;
}

int imap_close_expunge(struct imap_session *s)
{
	struct uidset expunged = { 0 };
	uint64_t modseq = 0;
	int r;

	/*
	 * RFC 4314 4: without "e" nothing happens, and CLOSE is OK all the same (RFC 9051 6.4.1 knows no NO);
	 * so it is when somebody has deleted the mailbox.
	 */
	if (s->sel == NULL || s->sel->is_examined || !(s->sel->rights & STORE_R_EXPUNGE))
		return 0;
	r = store_expunge_by(imap_store(s), &s->arena, s->account, s->sel->mailbox, NULL, true,
			     &expunged, &modseq);
	return r == -E_DENIED || r == -E_NOT_FOUND ? 0 : r;
}
