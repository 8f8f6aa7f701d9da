/* SPDX-License-Identifier: MIT */
/*
 * NOTIFY, RFC 5465 3.1: from now on the client is told of these events whenever no command runs
 * (events.c). The queue of news begins before the first STATUS is read, so that nothing falls
 * between; a change may then be told twice.
 */
#include "base/limits.h"
#include "imap/event_filter.h"
#include "imap/events.h"
#include "imap/imap_int.h"

static int refuse_event(struct imap_session *s)
{
	AUTO(buf_fini) struct buf names = BUF_INIT(4096);

	imap_event_names_print(&names);
	imap_code(s, "BADEVENT (%s)", buf_z(&names));
	imap_say(s, "such an event is not supported");
	return -E_CANNOT;
}

/* SP event-groups; *ret is the caller's */
static int parse_set(struct imap_session *s, struct imap_event_filter *f)
{
	int r = imap_need(imap_parse_sp(&s->p));

	if (r == 0)
		r = imap_event_filter_parse(&s->p, f);
	if (r == -E_LIMIT) {
		imap_code(s, "NOTIFICATIONOVERFLOW");
		imap_say(s, "that is too much to watch");
	}
	return r == 0 && f->has_unsupported ? refuse_event(s) : r;
}

/*
 * RFC 5465 3.1: it is a NOOP as well. All that has happened so far is told, whatever was
 * wanted of it.
 */
static int tell_all(struct imap_session *s)
{
	struct imap_event_filter *before = s->events;
	int r;

	s->events = NULL;
	r = imap_notify(s, true);
	s->events = before;
	return r;
}

/* RFC 5465 5.8: it is off now, what was before it too. */
static int unwatched(struct imap_session *s, int r)
{
	imap_events_set(s, imap_event_filter_new());
	if (r == -E_LIMIT) {
		imap_code(s, "NOTIFICATIONOVERFLOW");
		imap_say(s, "others share too much to watch it, NOTIFY is off");
	}
	return r;
}

/* [SP "STATUS"] SP event-groups */
static int set(struct imap_session *s)
{
	struct imap_event_filter *f = imap_event_filter_new();
	struct imap_parse q = s->p;
	bool is_status = imap_parse_sp(&q) > 0 && imap_parse_word(&q, S("STATUS")) > 0;
	int r;

	if (is_status)
		s->p = q;
	r = parse_set(s, f);
	if (r == 0)
		r = tell_all(s);
	if (r < 0) {
		imap_event_filter_free(&f);
		return r;
	}
	if (f->has_fetch && f->fetch.has_modseq)
		imap_condstore_enable(s);
	imap_events_set(s, f);
	r = imap_shared_watch(s);
	if (r < 0)
		return unwatched(s, r);
	return is_status ? imap_events_status(s, f) : 0;
}

/* notify = "NOTIFY" SP (notify-set / notify-none) */
int imap_cmd_notify(struct imap_session *s)
{
	if (imap_parse_sp(&s->p) <= 0)
		return -E_SYNTAX;
	if (imap_parse_word(&s->p, S("SET")) > 0)
		return set(s);
	if (imap_parse_word(&s->p, S("NONE")) <= 0 || !imap_parse_end(&s->p))
		return -E_SYNTAX;
	imap_events_set(s, imap_event_filter_new());
	return 0;
}
