/* SPDX-License-Identifier: MIT */
/*
 * Annotations of messages (RFC 5257), called notes here: `annotation` alone is what RFC 5464 keeps
 * with a mailbox. A note is an entry of a message with a value, shared or private to one user.
 * Notes go with their message, and a change of one gives the message a new modseq, whosever it is.
 */
#pragma once

#include "base/arena.h"
#include "base/uidset.h"
#include "store/store.h"

struct store_reader;
struct store_view;

enum store_note_scope { STORE_NOTE_PRIVATE = 1, STORE_NOTE_SHARED = 2 };

struct store_note {
	struct str entry;
	struct str value;  /* p == NULL: none; when it is set: the note goes */
	bool is_shared;
};

/* ---- names ---- */

#define STORE_NOTE_PART 100 /* numbers in the section-part of an entry */
/*
 * Can an entry of that name have a value (RFC 5257 3.2)? Names are told apart by case. With
 * is_pattern "*" and "%" may stand in it. 0; -E_SYNTAX: no, or /flags, which is reserved.
 * *ret_n_part (may be NULL): how many numbers its section-part has, written to part (room for
 * STORE_NOTE_PART); 0: it is of the whole message.
 */
MUST_CHECK int store_note_check(struct str entry, bool is_pattern, uint32_t *part, size_t *ret_n_part);
/* RFC 5257 3.2.1: /1/flags/seen and its like have only "1" and "0". */
bool store_note_value_fits(struct str entry, struct str value);
/* "*" is one character or more, "%" the same without "/" (RFC 5257 4.3). pattern: as checked. */
bool store_note_matches(struct str pattern, struct str entry);
bool store_note_is_pattern(struct str entry);

/* ---- reading ---- */

/* What a user sees with a message, by entry, his own first; in the arena. */
MUST_CHECK int store_notes_get(struct store_reader *r, struct arena *a, int64_t mailbox, int64_t user, uint32_t uid,
			       struct store_note **ret, size_t *ret_n);

struct store_note_change { /* or removal */
	uint32_t uid;
	uint64_t modseq;
	struct str entry;
};
/*
 * The newest changes after modseq that a user may know of, by UID and entry. One that has gone
 * again with its message, or was forgotten because the account had no room left, is not among
 * them. -E_LIMIT: the arena.
 */
MUST_CHECK int store_notes_changed(struct store *s, struct arena *a, int64_t mailbox, int64_t user, uint64_t modseq,
				   struct store_note_change **ret, size_t *ret_n);
/*
 * UIDs of messages, from lo to hi, with a note of a matching entry, in one of the scopes (enum
 * store_note_scope), whose value has the text in it; value is in the form of mime_casemap(). In
 * the arena. -E_LIMIT, -E_CLOSED (base/work.h).
 */
struct store_note_search {
	int64_t user;
	struct str pattern, value;
	unsigned scopes;
	uint32_t lo, hi;
};
MUST_CHECK int store_notes_search(struct store *s, struct arena *a, int64_t mailbox,
				  const struct store_note_search *q, struct uidset *ret);
/*
 * Calls fn with each value of an entry, of messages from lo to hi, folded as mime_casemap() does,
 * by UID. Ends with fn's negative result.
 */
typedef int store_notes_fn(void *ctx, uint32_t uid, struct str folded);
struct store_note_key {
	int64_t user; /* 0: the shared value */
	struct str entry;
};
MUST_CHECK int store_notes_each(struct store *s, int64_t mailbox, const struct store_note_key *key, uint32_t lo,
				uint32_t hi, store_notes_fn *fn, void *ctx);

/* ---- setting ---- */

struct store_notes_change {
	int64_t user; /* who changes them; never 0 */
	const struct store_note *v; /* checked; the last of an entry counts */
	size_t n;
	bool has_unchangedsince; /* RFC 7162 3.1.3 */
	uint64_t unchangedsince;
};
/*
 * Sets and removes notes of those UIDs that exist, all or none. Only messages of which one really
 * changes get a new modseq. *ret_modified: UIDs that failed UNCHANGEDSINCE. -E_DENIED: the user
 * lacks `r`, or for shared ones `n` (RFC 5257 3.4); -E_NOTE_SIZE: a value beyond
 * LIMIT_ANNOTATION_VALUE; -E_NOTES: a message would have more than LIMIT_MESSAGE_ANNOTATIONS, or
 * an account more than LIMIT_ANNOTATION_BYTES. Durable.
 */
MUST_CHECK int store_notes_set(struct store *s, struct arena *a, int64_t mailbox, const struct uidset *uids,
			       const struct store_notes_change *change, struct uidset *ret_modified,
			       uint64_t *ret_modseq);
