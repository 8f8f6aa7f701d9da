/* SPDX-License-Identifier: MIT */
/* Between search.c, which walks, and search_text.c, which looks into one message. */
#pragma once

#include "base/buf.h"
#include "mime/mime.h"
#include "store/message.h"
#include "store/search.h"
#include "store/view.h"

/* Of header fields that are looked at; the rest of a longer header is not searched. */
#define SEARCH_HEADER_MAX (4u << 20)

/* A message being looked into; buffers are kept from one to the next. */
struct search_index;

struct search_msg {
	struct store *store;
	const struct store_content *content; /* NULL: only the view is there yet */
	struct buf header;        /* of the message, when has_header */
	bool has_header;
	struct buf plain, utf8, folded; /* scratch */
	struct search_index *index; /* NULL: none */
	unsigned score, n_scores; /* of fuzzy keys that matched this message */
	bool is_given_up;         /* nobody waits for the answer any more (base/work.h) */
};

void search_msg_init(struct search_msg *m, struct store *s);
void search_msg_fini(struct search_msg *m);
/* Goes on to another message. */
void search_msg_begin(struct search_msg *m, const struct store_content *c);

/* Each answers one key for a message with its content. */
bool search_text_header(struct search_msg *m, const struct store_search *key);
bool search_text_body(struct search_msg *m, const struct store_search *key, bool with_headers);
/*
 * The day (midnight UTC in seconds) that the Date field names in its own zone. False: no
 * date.
 */
bool search_text_sent_day(struct search_msg *m, int64_t *ret_day_s);

/*
 * All text that those two would compare, folded, in pieces: what they look for in a value of a header field is in one of
 * its pieces up to one that ends it. Zones: index_int.h.
 */
struct search_sink {
	void (*add)(void *ctx, unsigned zones, struct str folded, bool is_end);
	void *ctx;
	size_t left;   /* bytes that it still takes */
	bool is_short; /* something was left out */
};
void search_text_collect(struct search_msg *m, struct search_sink *sink);

/* ---- fuzzy keys (search_fuzzy.c) ---- */

#define SEARCH_FUZZY_WORDS 8
struct search_fuzzy { /* the words of a value; more are left out */
	size_t n;
	struct str want[SEARCH_FUZZY_WORDS];
	char text[SEARCH_FUZZY_WORDS][96]; /* INDEX_WORD_MAX */
};
void search_fuzzy_init(struct search_fuzzy *f, const struct store_search *key);
/* 0 (not at all) to 100 (the same). */
unsigned search_fuzzy_alike(struct str want, struct str word);
/* Per cent that a word counts for a key, by where it stands. */
unsigned search_fuzzy_weight(const struct store_search *key, unsigned zones);
/* Of the best likeness of each word. 0: no match. */
unsigned search_fuzzy_score(const struct search_fuzzy *f, const uint8_t *best);
/* The score of a message, 0 when it does not match. */
unsigned search_fuzzy_text(struct search_msg *m, const struct store_search *key);

/* ---- the index (search_index.c) ---- */

struct search_index *search_index_new(struct store *s, int64_t mailbox);
void search_index_free(struct search_index **ix); /* accepts a pointer to NULL */
/*
 * 1 (of a fuzzy key the score): the message matches that key; 0: it does not; -1: it has to be looked into. No reader may be open in this
 * thread.
 */
int search_index_ask(struct search_index *ix, struct store_search *key, const struct store_msg *m);
/* How often memory was refused to it (base/budget.h), which is no trouble of the search. */
unsigned search_index_refusals(const struct search_index *ix);
