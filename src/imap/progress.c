/* SPDX-License-Identifier: MIT */
/*
 * A client that waits for a long search is told how far it is, so that it shows that and does not give
 * up (RFC 9585). Nothing is told before the first interval is over.
 */
#include "base/clock.h"
#include "base/work.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "net/conn.h"

/*
 * resp-text-code =/ "INPROGRESS" [SP "(" inprogress-tag SP inprogress-state ")"]
 * RFC 9585 4: a tag with "]" in it is not told.
 */
static void tell(struct imap_session *s, uint64_t done, uint64_t goal)
{
	struct str tag = s->cmd.tag;

	imap_resp(s, S("* OK [INPROGRESS ("));
	if (tag.n > 0 && memchr(tag.p, ']', tag.n) == NULL) {
		imap_resp(s, S("\""));
		imap_resp(s, tag);
		imap_resp(s, S("\""));
	} else {
		imap_resp(s, S("NIL"));
	}
	imap_respf(s, " %llu %llu)] ", (unsigned long long)done, (unsigned long long)goal);
	imap_resp(s, imap_language_text(s->language, S("still working")));
	imap_resp_end(s);
	/* An error sticks to the connection; the search ends by base/work.h. */
	(void)!conn_flush(s->conn);
}

static void heard(void *ctx, uint64_t done, uint64_t goal)
{
	struct imap_session *s = ctx;
	int64_t now = clock_mono_ms();

	if (now < s->progress.next_ms || conn_failed(s->conn))
		return;
	s->progress.next_ms = now + s->conf->progress_ms;
	if (s->progress.goal > 0)
		tell(s, s->progress.done, s->progress.goal);
	else
		tell(s, done, goal);
}

void imap_progress_begin(struct imap_session *s)
{
	s->progress = (struct imap_progress){ .next_ms = clock_mono_ms() + s->conf->progress_ms };
	work_watch(heard, s);
}

void imap_progress_end(void)
{
	work_watch(NULL, NULL);
}
