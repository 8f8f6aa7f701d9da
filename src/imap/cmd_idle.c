/* SPDX-License-Identifier: MIT */
/*
 * IDLE, RFC 9051 6.3.13. The session parks with a watch on its mailbox; each change wakes
 * it (NET_WAKE) and is shown at once. The watch is set before the first look, so that
 * nothing falls between.
 */
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "net/conn.h"
#include "store/view.h"

/* idle = "IDLE" CRLF "DONE" */
int imap_cmd_idle(struct imap_session *s)
{
	int r = 0;

	if (!imap_parse_end(&s->p) || s->cmd.tag.n >= sizeof(s->parked_tag))
		return -E_SYNTAX;
	if (s->sel != NULL)
		r = store_watch_add(imap_store(s), s->account, s->sel->mailbox, conn_id(s->conn));
	if (r < 0)
		return r;
	imap_resp(s, S("+ "));
	imap_resp(s, imap_language_text(s->language, S("idling")));
	imap_resp_end(s);
	r = imap_notify(s, true);
	if (r < 0) {
		store_watch_remove(imap_store(s), conn_id(s->conn));
		return r;
	}
	snprintf(s->parked_tag, sizeof(s->parked_tag), "%" STR_FMT, STR_ARG(s->cmd.tag));
	s->waiting = IMAP_WAIT_IDLE;
	return IMAP_PARKED;
}

int imap_idle_line(struct imap_session *s, struct str line)
{
	s->waiting = IMAP_WAIT_COMMAND;
	store_watch_remove(imap_store(s), conn_id(s->conn));
	if (!str_ieq(line, S("DONE"))) {
		imap_say(s, "DONE ends IDLE");
		return -E_SYNTAX;
	}
	return 0;
}

void imap_idle_wake(struct imap_session *s)
{
	/* Trouble shows again, and is logged, at the end of the IDLE. */
	(void)!imap_notify(s, true);
}
