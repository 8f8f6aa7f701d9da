/* SPDX-License-Identifier: MIT */
/*
 * Which events a client wants to be told of (RFC 5465 6, 8): the arguments of NOTIFY, parsed,
 * and asked for each piece of news. Lives as long as the NOTIFY does.
 */
#pragma once

#include "imap/fetch.h"

struct imap_session;

enum imap_event_where {
	IMAP_EVENTS_SELECTED,
	IMAP_EVENTS_DELAYED,
	IMAP_EVENTS_INBOXES,
	IMAP_EVENTS_PERSONAL,
	IMAP_EVENTS_SUBSCRIBED,
	IMAP_EVENTS_SUBTREE,
	IMAP_EVENTS_MAILBOXES,
};

struct imap_event_group {
	enum imap_event_where where;
	unsigned kinds;     /* enum store_news_kind */
	struct str *names;  /* SUBTREE, MAILBOXES: checked (store_name_check()) */
	size_t n, cap;
	struct imap_event_group *next;
};

struct imap_event_filter {
	struct arena arena; /* of all of it; at most LIMIT_NOTIFY_BYTES, counted as held */
	struct imap_event_group *groups;
	size_t n_names;
	unsigned kinds;     /* all that is wanted of other mailboxes than the selected one */
	unsigned selected;  /* what is wanted of the selected mailbox; 0: nothing */
	bool has_selected;  /* a group was for it */
	bool is_delayed;    /* SELECTED-DELAYED: EXPUNGE only when a command allows it */
	bool has_fetch;
	struct imap_fetch fetch; /* of new messages in the selected mailbox */
	bool has_unsupported; /* an event that is none of ours: NO [BADEVENT] */
};

/* Wants nothing: NOTIFY NONE. */
struct imap_event_filter *imap_event_filter_new(void);
void imap_event_filter_free(struct imap_event_filter **f); /* accepts a pointer to NULL */
/*
 * event-groups, to the end of the command; into a new filter. 0; -E_SYNTAX: not the grammar, or
 * what RFC 5465 5 and 6.1 call an error; -E_LIMIT: too much; -E_CANNOT: the encoding of a name.
 */
MUST_CHECK int imap_event_filter_parse(const struct imap_parse *p, struct imap_event_filter *ret);
/* What is wanted of the mailbox with that name when it is not selected. */
unsigned imap_event_filter_kinds(const struct imap_event_filter *f, struct str name,
				 bool is_subscribed);
/* Can it mean mailboxes of others? */
bool imap_event_filter_has_others(const struct imap_event_filter *f);
/* "MessageNew MessageExpunge ...": all that are supported. */
void imap_event_names_print(struct buf *out);
