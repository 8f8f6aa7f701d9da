/* SPDX-License-Identifier: MIT */
/*
 * IDLE, RFC 9051 6.3.13. The session parks with a watch on its mailbox; each change wakes
 * it (NET_WAKE) and is shown at once (events.c); RFC 5465 4: what NOTIFY wants, too. The watch is set before the first look, so that
 * nothing falls between.
 */
#include "imap/events.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "net/conn.h"
#include "store/view.h"

/* idle = "IDLE" CRLF "DONE" */
int imap_cmd_idle(struct imap_session *s)
{
	int r;

	if (!imap_parse_end(&s->p) || s->cmd.tag.n >= sizeof(s->parked_tag))
		return -E_SYNTAX;
	s->waiting = IMAP_WAIT_IDLE;
	imap_events_watch(s);
	imap_resp(s, S("+ "));
	imap_resp(s, imap_language_text(s->language, S("idling")));
	imap_resp_end(s);
	r = imap_notify(s, true);
	if (r < 0) {
		s->waiting = IMAP_WAIT_COMMAND;
		imap_events_watch(s);
		return r;
	}
	snprintf(s->parked_tag, sizeof(s->parked_tag), "%" STR_FMT, STR_ARG(s->cmd.tag));
	return IMAP_PARKED;
}

int imap_idle_line(struct imap_session *s, struct str line)
{
	s->waiting = IMAP_WAIT_COMMAND;
	imap_events_watch(s);
	if (!str_ieq(line, S("DONE"))) {
		imap_say(s, "DONE ends IDLE");
		return -E_SYNTAX;
	}
	return 0;
}
