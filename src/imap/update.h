/* SPDX-License-Identifier: MIT */
/*
 * Searches whose client is told when their result changes (RFC 5267 4.3, RETURN (UPDATE)): the
 * program and its result are kept with the selected mailbox, and notify.c tells what a difference of
 * views means for them. That costs by what has changed: only changed and new messages are asked
 * again, only new ones are put in order.
 *
 * Bounded: LIMIT_IMAP_UPDATES in a session, LIMIT_IMAP_UPDATE_NUMBERS in all their results,
 * LIMIT_IMAP_UPDATE_PROGRAM for a program, and the budget of what peers hold. What is over that, and a program
 * whose result changes while the mailbox does not (OLDER, YOUNGER, RECENT), is refused by
 * "* NO [NOUPDATE tag]"; so is one that can no longer be kept up to date.
 */
#pragma once

#include "imap/search.h"

struct imap_selected;
struct imap_update;
struct store_diff;
struct store_view;

/*
 * Keeps the program, before it is run: the tree of q, and for SORT its order (n_by 0: SEARCH). *ret is
 * NULL without UPDATE in q, or when it is refused. -E_USAGE: the tag is in use.
 */
MUST_CHECK int imap_update_new(struct imap_session *s, const struct imap_search *q,
			       const struct store_sort *by, size_t n_by, struct imap_update **ret);
/*
 * After the answer: from here on the client is told, or refused now. found: sequence numbers of the shown view; order:
 * the same as SORT has them (SEARCH: NULL). Takes u; does nothing without UPDATE in q.
 */
void imap_update_start(struct imap_session *s, const struct imap_search *q, struct imap_update *u,
		       const struct uidset *found, const uint32_t *order);
void imap_update_free(struct imap_update *u); /* accepts NULL */
/* The mailbox is no longer selected. */
void imap_updates_end(struct imap_selected *sel);

/* For notify.c. REMOVEFROM of what is gone: before the EXPUNGE, old is the shown view. */
void imap_update_expunged(struct imap_session *s, const struct store_view *old,
			  const struct uidset *expunged);
/* ADDTO and REMOVEFROM of what is new and changed: after EXISTS and FETCH, now is what was shown by them. */
void imap_update_changed(struct imap_session *s, const struct store_view *now,
			 const struct store_diff *diff);
