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
