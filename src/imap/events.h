/* SPDX-License-Identifier: MIT */
/*
 * Telling a client what happens while it does nothing (RFC 5465, RFC 5464 4.4.2): which news of
 * its account the session is given, and how they are told. What happens in the selected
 * mailbox is notify.c's. Between session.c, cmd_notify.c, cmd_idle.c and who changes the selection.
 */
#pragma once

#include "base/err.h"
#include "base/mem.h"

struct imap_event_filter;
struct imap_session;
struct store_mailbox;

/* From now on this filter counts (taken; NOTIFY), NULL: as before the first NOTIFY. */
void imap_events_set(struct imap_session *s, struct imap_event_filter *f);
/*
 * Something that decides which news are wanted has changed: the filter, ENABLE METADATA, the
 * account.
 */
void imap_events_update(struct imap_session *s);
/*
 * The session is woken by changes of the selected mailbox while it idles, and as long as NOTIFY
 * wants them. To be called when one of these has changed.
 */
void imap_events_watch(struct imap_session *s);
/*
 * Tells all news. Between two commands, or in IDLE. 0, or -E_CLOSED, -E_TIMEOUT: the session is
 * over. Other trouble is told as an overflow.
 */
MUST_CHECK int imap_events_tell(struct imap_session *s, bool is_idling);
/*
 * RFC 5465 3.1: a STATUS of each mailbox of which messages are watched, but for the selected
 * one. 0 or negative.
 */
MUST_CHECK int imap_events_status(struct imap_session *s, const struct imap_event_filter *f);
/* What is wanted of a mailbox now: enum store_news_kind. */
unsigned imap_events_wanted(const struct imap_session *s, const struct store_mailbox *box);
/* The items of the STATUS that tells what happened to somebody who wants that. */
unsigned imap_events_status_items(const struct imap_session *s, unsigned happened, unsigned want);

/* ---- mailboxes of others (events_shared.c) ---- */

/* Those that the session knows of, and whose news come into its queue. */
struct imap_shared;
/*
 * NOTIFY SET was given: watches what others share, if the filter can mean any of it. RFC 5465 3.1: what may be
 * seen and not read is told with \NoAccess. 0; -E_LIMIT: more than LIMIT_NOTIFY_SHARED_BYTES.
 */
MUST_CHECK int imap_shared_watch(struct imap_session *s);
/*
 * Others have shared something, or do not any more, or gave it another name: what the client can see of that
 * is told if is_told (else it has done it itself), RFC 5465 5.4, 5.9. 0 or negative.
 */
MUST_CHECK int imap_shared_changed(struct imap_session *s, bool is_told);
/* Nothing of others is watched any more, and nothing of it is known. */
void imap_shared_unwatch(struct imap_session *s);
void imap_shared_free(struct imap_shared **sh); /* accepts a pointer to NULL */
