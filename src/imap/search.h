/* SPDX-License-Identifier: MIT */
/* SEARCH, SORT and THREAD as parsed; between search_parse.c, sort_parse.c, cmd_search.c and cmd_sort.c. */
#pragma once

#include "imap/parse.h"
#include "store/search.h"
#include "store/sort.h"

struct imap_session;
struct store_view;

enum imap_search_return { /* bits; RFC 9051 6.4.4 */
	IMAP_RETURN_MIN = 1,
	IMAP_RETURN_MAX = 2,
	IMAP_RETURN_ALL = 4,
	IMAP_RETURN_COUNT = 8,
	IMAP_RETURN_SAVE = 16,
	IMAP_RETURN_PARTIAL = 32, /* RFC 9394 3.1; never with ALL */
	IMAP_RETURN_UPDATE = 64,  /* RFC 5267 4.3: see update.h */
	IMAP_RETURN_RELEVANCY = 128, /* RFC 6203 4 */
};

/* Where a program is run: what its sets mean, and what the answer says of it. */
struct imap_search_place {
	const struct store_view *view;
	const struct uidset *saved, *recent; /* NULL: none */
	struct arena *arena;                 /* of sets, keys and results */
	struct str mailbox;                  /* RFC 7377 2.1: a correlator; p == NULL: it goes without saying */
};

struct imap_search {
	struct imap_search_place in;
	bool has_return;          /* RETURN (...) was there: the answer is an ESEARCH */
	unsigned returns;         /* enum imap_search_return */
	struct imap_partial partial;
	bool has_modseq;          /* RFC 7162 3.1.5: MODSEQ is a key, and in the answer */
	bool has_sets;            /* numbers, UIDs or \Recent: tree is for this view alone */
	bool has_fuzzy;           /* RFC 6203 3: FUZZY is a key; then there are scores */
	struct store_scores scores;
	struct store_search *tree;
};

#define IMAP_SEARCH_KEYS 512 /* of one command */

/*
 * All that follows SEARCH, up to the end of the command: 0, -E_SYNTAX, -E_BAD_CHARSET,
 * -E_LIMIT. Sets are resolved against the selected view. ret->returns is valid also with
 * -E_BAD_CHARSET and -E_LIMIT.
 */
MUST_CHECK int imap_search_parse(struct imap_session *s, struct imap_search *ret);
/* SP [search-return-opts SP]: 1, 0 or negative; *ret is fresh then. */
int imap_search_returns(struct imap_parse *p, struct imap_search *ret);
/* What follows them, [CHARSET ...] and keys, in ret->in: the rest of imap_search_parse(). */
MUST_CHECK int imap_search_program(struct imap_session *s, struct imap_parse *p,
				   struct imap_search *ret);
/* A filter (RFC 5466 3.2) that is all of a program, in UTF-8? Filters that it names need not be there. */
bool imap_search_is_program(struct imap_session *s, struct str text);
#define IMAP_FILTER_VALUES "/private/filters/values/" /* annotations of the server */
/* The selected mailbox. */
struct imap_search_place imap_search_here(struct imap_session *s);
/* RFC 5256 5: SP charset 1*(SP search-key), up to the end of the command. As imap_search_parse(). */
MUST_CHECK int imap_search_criteria(struct imap_session *s, struct imap_search *ret);

/* ---- the answer (cmd_search.c, cmd_sort.c) ---- */

/* Sequence number as the client wants it: or its UID. */
uint32_t imap_search_number(const struct imap_session *s, uint32_t seq);
/* Highest modseq of those messages. */
uint64_t imap_search_modseq(const struct store_view *v, const struct uidset *seqs);
/* "* ESEARCH (TAG "a") UID", with the mailbox of q->in */
void imap_search_begin(struct imap_session *s, const struct imap_search *q);
/*
 * The scores of the matches by sequence number, in the arena of q->in; NULL: the answer does not need them.
 * 0 or -E_LIMIT.
 */
MUST_CHECK int imap_search_scores(const struct imap_search *q, const struct uidset *seqs, const uint8_t **ret);
/* " PARTIAL (-1:-100 ": the numbers, or NIL, and ")" follow. */
void imap_search_partial(struct imap_session *s, const struct imap_search *q);
/*
 * A command that is answered NO: its code, and "$" is empty (RFC 9051 6.4.4.1). Returns err.
 */
int imap_search_failed(struct imap_session *s, const struct imap_search *q, int err);
/* The matches in the order of the answer, and which of them it names. */
struct imap_found {
	uint32_t first, last; /* sequence numbers, when there are any */
	struct uidset all;
	struct uidset partial;
};
/*
 * What "$" and MODSEQ are about (RFC 9051 6.4.4.1, RFC 9394 3.2): all matches, or with MIN, MAX and PARTIAL
 * alone just those. -E_LIMIT.
 */
MUST_CHECK int imap_search_told(const struct imap_search *q, const struct imap_found *found,
				struct uidset *ret);
/*
 * ESEARCH: runs it in q->in and answers, if there is a match (RFC 7377 2.1). *ret_found, unless NULL: all matches. With SAVE
 * "$" is set.
 */
MUST_CHECK int imap_search_mailbox(struct imap_session *s, const struct imap_search *q,
				   struct uidset *ret_found);
/* "$" is these messages. 0 or -E_LIMIT. */
MUST_CHECK int imap_search_save(struct imap_session *s, const struct uidset *seqs);

/* ---- SORT and THREAD as parsed (sort_parse.c) ---- */

struct imap_sort {
	struct imap_search search;
	struct store_sort by[STORE_SORT_KEYS];
	size_t n_by;
	enum store_thread_algorithm algorithm;
};
/* All that follows SORT; THREAD. As imap_search_parse(). */
MUST_CHECK int imap_sort_parse(struct imap_session *s, struct imap_sort *ret);
MUST_CHECK int imap_thread_parse(struct imap_session *s, struct imap_sort *ret);
