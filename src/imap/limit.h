/* SPDX-License-Identifier: MIT */
/*
 * How many messages one command may take (RFC 9738; settings imap.message_limit and
 * imap.message_limit_copies_only). Without a limit all of these do nothing.
 *
 * A command that may stop half-way (FETCH, STORE, MOVE, SEARCH, UID EXPUNGE) takes the last N messages of what it
 * names, and its answer tells the lowest UID among them; one that is all or nothing (COPY, APPEND) is refused.
 *
 * EXPUNGE, CLOSE and STATUS have no limit (3.1). Neither has SORT: what it compares is kept with each message
 * (3.3); nor ESEARCH of several mailboxes, which the RFC does not name.
 */
#pragma once

#include "base/uidset.h"
#include "base/err.h"

struct buf;
struct imap_search;
struct imap_session;

/* " MESSAGELIMIT=1000", " SAVELIMIT=1000" or nothing */
void imap_limit_caps(const struct imap_session *s, struct buf *out);

/* Leaves the last N of these sequence numbers of the shown view; the answer then tells. 0 or -E_LIMIT. */
MUST_CHECK int imap_limit_cut(struct imap_session *s, struct uidset *seqs);
/* The same, where only \Deleted messages count. */
MUST_CHECK int imap_limit_cut_deleted(struct imap_session *s, struct uidset *seqs);
/*
 * The messages that a search in the shown view has to look at: all, or those of the sets that every match is
 * in (3.1: the ones searched count, not the ones found). 1; 0: there is no limit, *ret is not set; -E_LIMIT.
 */
MUST_CHECK int imap_limit_scope(struct imap_session *s, const struct imap_search *q, struct uidset *ret);

/* For COPY: more than N are refused. 0, -E_CANNOT with its code, -E_LIMIT. */
MUST_CHECK int imap_limit_copy(struct imap_session *s, const struct uidset *seqs);
/* For what else cannot be done by parts (THREAD; PARTIAL says itself which part). 0 or -E_CANNOT with its code. */
MUST_CHECK int imap_limit_whole(struct imap_session *s, const struct uidset *seqs);
/* How many messages one APPEND may have, at most LIMIT_IMAP_APPEND_MESSAGES; the code when it had more. */
uint32_t imap_limit_append(const struct imap_session *s);
void imap_limit_append_refused(struct imap_session *s);

/*
 * After a handler that succeeded: if its set was cut, [MESSAGELIMIT N uid] is the code of the tagged answer, or,
 * when that has another, of an untagged NO (3.1).
 */
void imap_limit_answer(struct imap_session *s);
