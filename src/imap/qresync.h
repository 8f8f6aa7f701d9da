/* SPDX-License-Identifier: MIT */
/*
 * Quick resynchronization (RFC 7162 3.2): the parameter of SELECT, and what a client that was
 * away is told. Between cmd_select.c, cmd_fetch.c and qresync.c.
 */
#pragma once

#include "base/uidset.h"
#include "imap/parse.h"

struct imap_session;
struct store_view;

struct imap_qresync {
	uint32_t uidvalidity;
	uint64_t modseq;
	struct imap_seqset known;  /* UIDs; n == 0: all */
	/* RFC 7162 3.2.5.2: as many of both, both ascending; n == 0: none. */
	struct imap_seqset match_seqs, match_uids;
};

/* "QRESYNC" SP "(" ... ")". 1, 0 (the cursor has not moved) or -E_LIMIT. In the cursor's arena. */
int imap_qresync_parse(struct imap_parse *p, struct imap_qresync *ret);
/*
 * The largest UID of the match data that stands in the view where the client believes it: it
 * knows of all that went before it. 0: none.
 */
uint32_t imap_qresync_match(const struct imap_qresync *q, const struct store_view *v);
/*
 * For SELECT, after its other answers: VANISHED (EARLIER) and FETCH, when there is anything. 0
 * or negative, -E_CLOSED included.
 */
MUST_CHECK int imap_qresync_show(struct imap_session *s, const struct imap_qresync *q);
/*
 * VANISHED (EARLIER) with those of the UIDs that were expunged after modseq and are not in the
 * view that the client was shown; with all that are not there when it is not known any more what
 * was expunged since. Nothing when there are none. 0 or negative.
 */
MUST_CHECK int imap_qresync_vanished(struct imap_session *s, const struct uidset *uids,
				     uint64_t modseq);
/*
 * VANISHED (EARLIER) with what is in both sets and not in the view: gone is what may have been
 * expunged.
 */
void imap_qresync_tell(struct imap_session *s, const struct uidset *uids, const struct uidset *gone);
