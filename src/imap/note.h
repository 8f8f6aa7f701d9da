/* SPDX-License-Identifier: MIT */
/*
 * Annotations of messages (RFC 5257) as a client writes and reads them: the arguments of FETCH,
 * STORE, APPEND, SEARCH and SORT, and the data of FETCH. What they are: store/note.h.
 */
#pragma once

#include "imap/parse.h"
#include "store/note.h"

struct imap_session;

/* ---- FETCH ---- */

struct imap_note_att {
	bool is_size;  /* or the value */
	unsigned scope; /* one of enum store_note_scope */
};
struct imap_note_fetch {
	struct str *entries;         /* checked, each once; patterns too */
	size_t n, cap, n_given;
	struct imap_note_att atts[4]; /* each once, in the order of the answer */
	size_t n_atts;
	bool has_parts;              /* an entry that is no pattern is of a part: the map is needed */
};
/* SP "(" entries SP attribs ")". 1, 0 or negative, as in parse.h; at most max entries. */
int imap_note_fetch_parse(struct imap_parse *p, size_t max, struct imap_note_fetch *ret);

/*
 * Is there anything to answer for a message with these notes? An entry that is no pattern always
 * has an answer.
 */
bool imap_note_has_answer(const struct imap_note_fetch *f, const struct store_note *v, size_t n);
/*
 * "ANNOTATION (...)", if there is. 0; -E_SYNTAX: an entry is of a part that the message (its map)
 * has not: NIL was written.
 */
MUST_CHECK int imap_note_write(struct imap_session *s, const struct imap_note_fetch *f, struct str map,
			       const struct store_note *v, size_t n);
/*
 * What stands in front, and "ANNOTATION (/comment ...)": names without values, for who was not
 * asked (RFC 5257 4.4). n > 0; one that has changed twice, for the user and for all, stands once.
 */
void imap_note_names_write(struct imap_session *s, const char *sep_z, const struct store_note_change *v, size_t n);

/* ---- STORE, APPEND ---- */

#define IMAP_NOTES 128 /* that one list may set: twice what a message can have (LIMIT_MESSAGE_ANNOTATIONS) */

struct imap_note_list {
	struct store_note *v;
	size_t n, cap;
	bool has_parts;
};
/*
 * "(" entry-att *(SP entry-att) ")". 1, 0 or negative. Slices are the command's, or in its arena.
 */
int imap_note_list_parse(struct imap_parse *p, struct imap_note_list *ret);
/* Has the message (its map) all parts that are named? */
bool imap_note_has_parts(struct str map, const struct store_note *v, size_t n);

/* ---- SEARCH, SORT ---- */

/* att-search: "value" / "value.priv" / "value.shared". 1 or 0. */
int imap_note_scopes_parse(struct imap_parse *p, unsigned *ret);
/* entry-match, checked; or an entry. 1, 0 or negative. */
int imap_note_entry_parse(struct imap_parse *p, bool is_pattern, struct str *ret);
/* value = nstring / literal8; NIL: p == NULL. 1, 0 or negative. */
int imap_note_value_parse(struct imap_parse *p, struct str *ret);
