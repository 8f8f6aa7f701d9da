/* SPDX-License-Identifier: MIT */
/*
 * Messages in other orders than their own (RFC 5256, RFC 5957): sorted, or as threads. What is
 * compared of a message stands beside its content, made once when it arrives (keys.c).
 */
#pragma once

#include "base/arena.h"
#include "base/uidset.h"
#include "store/note.h"
#include "store/store.h"

struct store_view;

/* Texts are UTF-8 in the form of mime_casemap(), so their bytes compare as i;unicode-casemap. */
enum store_key_text {
	STORE_K_SUBJECT,      /* base subject, RFC 5256 2.1 */
	STORE_K_FROM, STORE_K_TO, STORE_K_CC, /* addr-mailbox of the first address */
	STORE_K_DISPLAY_FROM, STORE_K_DISPLAY_TO, /* RFC 5957 3 */
	STORE_K_TEXTS,
};
struct store_keys {
	int64_t sent_s;       /* INT64_MIN: no usable Date */
	bool is_reply;        /* RFC 5256 3: or a forward, by its subject */
	struct str ids;       /* hashes, 8 bytes each: its own Message-ID (0: none), then its ancestors, oldest first */
	struct str text[STORE_K_TEXTS];
};
#define STORE_ID_BYTES 8

enum store_sort_by {
	STORE_SORT_ARRIVAL, STORE_SORT_DATE, STORE_SORT_SIZE,
	STORE_SORT_RELEVANCY, /* RFC 6203 6: the highest score first */
	STORE_SORT_ANNOTATION, /* RFC 5257 4.9: the value of note; those without one first */
	/* and then enum store_key_text, in its order */
	STORE_SORT_TEXT,
};
struct store_sort {
	unsigned by;          /* enum store_sort_by, or STORE_SORT_TEXT + enum store_key_text */
	bool is_reverse;
	const uint8_t *scores; /* RELEVANCY: by sequence number */
	struct store_note_key note; /* ANNOTATION */
};
#define STORE_SORT_KEYS 16 /* the 10 that there are besides annotations, and some of those; the caller leaves repeated ones out */

/*
 * Those sequence numbers of the view in that order (RFC 5256 3 SORT), in the arena. Equal ones in the order of the
 * mailbox. Takes as long as reading a row for each message takes, without peer I/O. -E_LIMIT: more than
 * LIMIT_SORT_ARENA.
 */
MUST_CHECK int store_sort_run(struct store *s, struct arena *a, const struct store_view *v, const struct uidset *seqs,
			      const struct store_sort *by, size_t n_by, uint32_t **ret_seqs, size_t *ret_n);

/* REFS: as REFERENCES, but subjects join nothing, and the thread that mail came to last is the last one. */
enum store_thread_algorithm { STORE_THREAD_ORDEREDSUBJECT, STORE_THREAD_REFERENCES, STORE_THREAD_REFS };
#define STORE_NO_NODE UINT32_MAX
struct store_thread_node {
	uint32_t seq;         /* 0: a dummy (only at the top, with more than one child) */
	uint32_t parent, child, next; /* indices into nodes, or STORE_NO_NODE; next of the top ones too */
};
struct store_threads {
	struct store_thread_node *nodes; /* heap: store_threads_fini() */
	uint32_t first;       /* thread, or STORE_NO_NODE */
};
/* The threads of those messages (RFC 5256 3 THREAD). -E_LIMIT: more than LIMIT_SORT_ARENA or LIMIT_THREAD_NODES. */
MUST_CHECK int store_thread_run(struct store *s, const struct store_view *v, const struct uidset *seqs,
				enum store_thread_algorithm algorithm, struct store_threads *ret);
void store_threads_fini(struct store_threads *t);
