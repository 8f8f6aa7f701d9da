/* SPDX-License-Identifier: MIT */
/*
 * A selected mailbox whose messages nobody has needed yet. SELECT is answered from the counters
 * (store/view.h: bare views), and a client that only looks whether there is mail never makes the
 * server read a list of messages. New mail is told from the counters too. The first command
 * that looks at messages, or the first notice about one, reads them: as they were when the
 * counters were told, so that the sequence numbers of the client hold; what has happened since is
 * the next notice.
 *
 * A message that was expunged in between by another session (is_lost) keeps its number until the
 * EXPUNGE may be told, but there is nothing left to read of it (RFC 2180 4.1.2): FETCH has no
 * response for it and says EXPUNGEISSUED, SEARCH does not find it.
 */
#include "base/log.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "store/view.h"

int imap_view_need(struct imap_session *s)
{
	struct imap_selected *sel = s->sel;
	struct store_view *full;
	int r;

	if (!sel->view->is_bare)
		return 0;
	r = store_mbox_fill(sel->mbox, sel->view, &full);
	if (r == -E_NOT_FOUND)
		return imap_notify_gone(s);
	if (r == -E_CANNOT) {
		LOG(WARN, "imap.view", F_INT("mailbox", sel->mailbox),
		    F_Z("note", "its messages are not those that were told; see martlet fsck"));
		imap_resp_untagged(s, "BYE the mailbox has changed too much, select it again");
		s->is_over = true;
		return -E_CLOSED;
	}
	if (r < 0)
		return r;
	imap_notify_shown(sel, full);
	return 0;
}

int imap_bare_notify(struct imap_session *s)
{
	struct imap_selected *sel = s->sel;
	uint32_t told = sel->n_recent;
	struct store_view *now;
	int r = store_view_grown(imap_store(s), sel->view, &now);

	if (r == -E_NOT_FOUND)
		return imap_notify_gone(s);
	if (r <= 0)
		return r;
	r = imap_notify_recent(s, now);
	if (r < 0) {
		store_view_unref(now);
		return r == -E_LIMIT ? 0 : r;
	}
	if (now->n != sel->view->n)
		imap_resp_untagged(s, "%u EXISTS", now->n);
	if (sel->n_recent != told)
		imap_resp_untagged(s, "%u RECENT", sel->n_recent);
	imap_notify_new_keywords(s, now);
	imap_notify_shown(sel, now);
	return 1;
}
