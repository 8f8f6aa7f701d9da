/* SPDX-License-Identifier: MIT */
/*
 * Searching a mailbox view (RFC 9051 6.4.4): a tree of keys, evaluated for each message with
 * the cheapest first. The caller builds the tree in an arena with store_search_new() and the
 * fields below; it may be run any number of times, on any view.
 */
#pragma once

#include "base/arena.h"
#include "base/uidset.h"
#include "store/store.h"

struct store_view;

enum store_search_op {
	/* from other keys */
	STORE_S_AND, STORE_S_OR, STORE_S_NOT,
	/* from the view */
	STORE_S_ALL, STORE_S_NONE,
	STORE_S_SEQS,           /* set: sequence numbers of the view */
	STORE_S_UIDS,           /* set: UIDs */
	STORE_S_FLAGS,          /* number: bits that must all be set */
	STORE_S_KEYWORD,        /* name */
	STORE_S_LARGER, STORE_S_SMALLER, /* number */
	STORE_S_BEFORE, STORE_S_ON, STORE_S_SINCE, /* day_s against the internal date */
	STORE_S_SAVED_BEFORE, STORE_S_SAVED_ON, STORE_S_SAVED_SINCE,
	STORE_S_UNTIL, STORE_S_FROM, /* day_s, to the second: the internal date up to it, or from it on */
	STORE_S_MODSEQ,         /* number: at least */
	STORE_S_EMAILID, STORE_S_THREADID, /* number */
	/* from the annotations of the mailbox (store/note.h), read once for all messages */
	STORE_S_ANNOTATION,     /* name: entry, or a pattern; number: enum store_note_scope; user; value */
	/* from the content row and, near a border, the Date field */
	STORE_S_SENT_BEFORE, STORE_S_SENT_ON, STORE_S_SENT_SINCE, /* day_s */
	/* from the header */
	STORE_S_HEADER,         /* name: field; value: empty: the field is there */
	/* from everything */
	STORE_S_BODY, STORE_S_TEXT, /* value */
};

struct store_search {
	enum store_search_op op;
	struct store_search *child, *next; /* AND, OR: any number; NOT: one */
	uint64_t number;
	int64_t day_s;          /* midnight UTC */
	struct uidset set;
	struct uidset uids;     /* SEQS that were written as UIDs: these, for store_search_keep() */
	int64_t user;           /* ANNOTATION: who asks */
	struct str name;
	struct store_scores *scores; /* of the topmost key, filled by store_search_run(); NULL: not wanted */
	struct str value;       /* UTF-8, in the form of mime_casemap() */
	bool is_fuzzy;          /* HEADER with Subject, From, To, Cc; BODY, TEXT: RFC 6203 */
	int cost;               /* private, as the next */
	struct search_hits *hits; /* from the index */
	const struct store_keywords *keywords; /* of the view: KEYWORD, where it is no bit */
};

/*
 * Which of the matches are wanted; with FIRST or LAST the search ends at the first one from
 * that end.
 */
enum store_search_want { STORE_SEARCH_ALL, STORE_SEARCH_FIRST, STORE_SEARCH_LAST };

/* How well each match fits, 1 to 100, in the order of *ret_seqs (RFC 6203 4); in the arena of the result. */
struct store_scores {
	uint8_t *v;
	size_t n, cap;
};

#define STORE_SEARCH_DEPTH 64   /* of nested keys, the caller's to keep */
#define STORE_SEARCH_VALUE 4096 /* bytes of a value, the caller's to keep */

/* NULL when the arena is full. */
struct store_search *store_search_new(struct arena *a, enum store_search_op op);
/* Puts a key at the end of the children; *at is where (start with &parent->child). */
void store_search_add(struct store_search ***at, struct store_search *key);

/*
 * The sequence numbers of the matching messages, in the arena. Reorders the tree. A message
 * whose content cannot be read does not match. Takes as long as reading the mail takes; no
 * peer I/O. -E_LIMIT, -E_CLOSED (base/work.h), or trouble of the database.
 */
MUST_CHECK int store_search_run(struct store *s, struct arena *a, const struct store_view *v,
				struct store_search *tree, enum store_search_want want,
				struct uidset *ret_seqs);
/* The same, but only these messages of the view are looked at: it costs by their number. */
MUST_CHECK int store_search_among(struct store *s, struct arena *a, const struct store_view *v,
				  struct store_search *tree, const struct uidset *seqs,
				  struct uidset *ret_seqs);

/*
 * A copy in the arena that means on later views of the mailbox what the tree means on v (RFC 5267 4.3): sequence
 * numbers become the UIDs that they stand for. *ret_is_volatile: what a message is asked may change
 * while it is there (flags, modseq, annotations). -E_LIMIT; -E_CANNOT: the answer changes while the mailbox does not (intervals
 * that end now, \Recent).
 */
MUST_CHECK int store_search_keep(struct arena *a, const struct store_view *v,
				 const struct store_search *tree, struct store_search **ret,
				 bool *ret_is_volatile);
