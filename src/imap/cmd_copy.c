/* SPDX-License-Identifier: MIT */
/*
 * COPY, MOVE and their UID forms (RFC 9051 6.4.7, 6.4.8; RFC 4315 3 for COPYUID; RFC 6851).
 * The store does either in one transaction. The order of MOVE's answers is: untagged OK
 * [COPYUID], EXPUNGEs (by the notices after the command), tagged OK.
 */
#include "base/limits.h"
#include "imap/append.h"
#include "imap/imap_int.h"
#include "imap/language.h"
#include "imap/limit.h"
#include "imap/resp.h"
#include "imap/seqset.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/rights.h"
#include "store/view.h"

/* SP sequence-set SP mailbox */
static int parse(struct imap_parse *p, struct imap_seqset *set, struct str *mailbox)
{
	int r = imap_need(imap_parse_sp(p));

	if (r == 0)
		r = imap_need(imap_parse_seqset(p, set));
	if (r == 0)
		r = imap_need(imap_parse_sp(p));
	if (r == 0)
		r = imap_need(imap_parse_mailbox(p, mailbox));
	return r < 0 ? r : imap_need(imap_parse_end(p));
}

static int print_uids(struct arena *a, const uint32_t *uids, size_t n, struct buf *out)
{
	struct uidset set = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (uidset_add(a, &set, uids[i], uids[i]) < 0)
			return -E_LIMIT;
	}
	uidset_print(out, &set);
	return 0;
}

/*
 * resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set; both sets are in ascending
 * order, so they pair up.
 */
static int print_copyuid(struct arena *a, const struct store_copied *c, struct buf *out)
{
	int r;

	buf_printf(out, "COPYUID %u ", c->uidvalidity);
	r = print_uids(a, c->from, c->n, out);
	buf_add_char(out, ' ');
	if (r == 0)
		r = print_uids(a, c->to, c->n, out);
	return r == 0 && buf_overflowed(out) ? -E_LIMIT : r;
}

/* Says where the copies are. That it cannot be told undoes nothing, so it is no failure. */
/* RFC 4315 3: UIDs tell how much is in a mailbox that may not be read. */
static void answer(struct imap_session *s, bool is_move, bool may_tell,
		   const struct store_copied *c)
{
	AUTO(buf_fini) struct buf code = BUF_INIT(LIMIT_IMAP_COMMAND);
	bool has_code = may_tell && print_copyuid(&s->arena, c, &code) == 0;

	if (has_code && is_move) {
		imap_resp(s, S("* OK ["));
		imap_resp(s, buf_str(&code));
		imap_resp(s, S("] "));
		imap_resp(s, imap_language_text(s->language, S("moved")));
		imap_resp_end(s);
	} else if (has_code) {
		imap_code(s, "%" STR_FMT, STR_ARG(buf_str(&code)));
	}
	if (is_move && s->has_condstore)
		imap_code(s, "HIGHESTMODSEQ %llu", (unsigned long long)c->src_modseq);
}

static int copy(struct imap_session *s, bool is_move)
{
	struct imap_seqset set;
	struct str name;
	struct uidset seqs, uids;
	struct store_mailbox to = { 0 };
	struct store_copied copied = { 0 };
	struct store_copying how = { .user = s->account, .uids = &uids, .is_move = is_move };
	int r = parse(&s->p, &set, &name);

	if (r == 0)
		r = imap_seqset_resolve(&s->arena, &set, s->cmd.is_uid, s->sel->view,
					&s->sel->saved, &seqs);
	if (r == 0 && is_move)
		r = imap_rights_need(s, IMAP_RIGHTS_TAKE);
	if (r < 0)
		return r;
	r = imap_mailbox_find(s, name, STORE_R_INSERT, &to);
	if (r == 0 && to.id == 0)
		r = -E_NOT_FOUND;
	/* RFC 9051 6.4.7: the client may create it and try again. */
	if (r == -E_NOT_FOUND)
		imap_code(s, "TRYCREATE");
	if (r == 0)
		r = is_move ? imap_limit_cut(s, &seqs) : imap_limit_copy(s, &seqs);
	if (r < 0 || seqs.n == 0)
		return r;
	how.src = s->sel->mailbox;
	how.dst = to.id;
	/* RFC 2180 4.4.1: of numbers all or none, so that OK means all. RFC 9051 6.4.9: not of UIDs; RFC 6851 3.3: MOVE may do a part. */
	how.want = is_move || s->cmd.is_uid ? 0 : uidset_count(&seqs);
	r = imap_seqset_uids(&s->arena, &seqs, s->sel->view, &uids);
	if (r == 0)
		r = store_copy_by(imap_store(s), &s->arena, &how, &copied);
	if (r == -E_NOT_FOUND)
		imap_code(s, "TRYCREATE");
	if (r < 0)
		return r;
	if (copied.n > 0) {
		imap_notify_own(s, to.id, copied.to[0], copied.to[copied.n - 1]);
		if (is_move)
			imap_notify_own(s, s->sel->mailbox, 0, 0);
		answer(s, is_move, to.rights & STORE_R_READ, &copied);
		return 0;
	}
	/* Nothing was copied, because of what others have expunged meanwhile (RFC 9051 7.1 EXPUNGEISSUED). */
	imap_code(s, "EXPUNGEISSUED");
	imap_say(s, IMAP_SAYS_GONE);
	return s->cmd.is_uid ? 0 : -E_NOT_FOUND;
}

int imap_cmd_copy(struct imap_session *s)
{
	return copy(s, false);
}

int imap_cmd_move(struct imap_session *s)
{
	return copy(s, true);
}
