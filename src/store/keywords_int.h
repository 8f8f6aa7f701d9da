/* SPDX-License-Identifier: MIT */
/*
 * Private to the store: keywords inside a write (docs/decisions/045). A keyword of a mailbox has a number, from 0, which it keeps as
 * long as the mailbox lives. Those below STORE_KEYWORD_BITS are bits of a message's flags. What else a message has is a set of
 * numbers, which stands once in the mailbox (table keyword_sets), and the topmost bits of the flags have the number of that set: so flags
 * are 64 bits and nothing more, and the same flags mean the same keywords, in each message of a mailbox.
 *
 * 1. A set has at least one member and at most LIMIT_MESSAGE_KEYWORDS, ascending, none below STORE_KEYWORD_BITS. Two sets of a mailbox
 *    differ. A set never changes.
 * 2. Flags name no set that is not there. Sets that no message has are taken away when there are many (keyword_sets.c), and
 *    only then.
 * 3. A number of a set means another one later only when all 65535 were used up, and then the mailbox's keyword_epoch
 *    is another one, too: views know by it that they have to read all anew. So it is when the set with the largest number is taken away, because
 *    the next one gets it.
 */
#pragma once

#include "base/limits.h"
#include "db/db.h"
#include "store/view.h"

struct store_box;

#define STORE_KEYWORD_ARENA (256u << 10) /* for the names of a mailbox: LIMIT_IMAP_KEYWORDS of LIMIT_IMAP_KEYWORD_BYTES */
#define STORE_SETS 65536                 /* numbers of sets; 0: the empty one, which has no row */
#define STORE_SET_BYTES (2 * LIMIT_MESSAGE_KEYWORDS)

static inline unsigned store_set_of(uint64_t flags)
{
	return (unsigned)(flags >> STORE_SET_BIT);
}

/* Numbers of sets as bits, STORE_SETS / 8 bytes of them. */
static inline bool store_set_has(const uint8_t *bits, unsigned set)
{
	return bits[set / 8] >> (set % 8) & 1;
}

static inline void store_set_note(uint8_t *bits, unsigned set)
{
	bits[set / 8] |= (uint8_t)(1 << (set % 8));
}

/* ---- names (keywords.c) ---- */

struct store_keyword_names { /* of a mailbox, by number; n == 0: none. They stand in the arena */
	struct str v[LIMIT_IMAP_KEYWORDS];
	size_t n, bytes;
};
/* Some of them: numbers, ascending. At most LIMIT_MESSAGE_KEYWORDS of these are no bits, so there is room for all that a message may have. */
struct store_keyword_list {
	uint16_t v[STORE_KEYWORDS_MAX];
	size_t n;
};
/* RFC 9051 9: flag-keyword, not longer than LIMIT_IMAP_KEYWORD_BYTES. */
bool store_is_keyword(struct str name);
/* All that have a row. What is no keyword has its name, too; views leave it out. -E_LIMIT: the arena. */
MUST_CHECK int store_tx_keywords(struct db_tx *tx, struct arena *a, int64_t mailbox, struct store_keyword_names *ret);
/*
 * Adds those keywords to the list; new names get a row with may_add, else they are left out. -E_LIMIT: the mailbox, or the list, has no room
 * for one; -E_SYNTAX: one is no keyword. What came before that one is in the list then. Names must live as long as have.
 */
MUST_CHECK int store_tx_keyword_numbers(struct db_tx *tx, int64_t mailbox, struct store_keyword_names *have, const struct str *names,
					size_t n, bool may_add, struct store_keyword_list *ret);
/* false: it has no room. */
bool store_keyword_list_add(struct store_keyword_list *l, unsigned number);
void store_keyword_list_remove(struct store_keyword_list *l, unsigned number);

/* ---- sets (keyword_sets.c) ---- */

/* Bytes of a set, as they stand in its row; only members that are no bits. to: STORE_SET_BYTES. */
struct str store_set_print(const struct store_keyword_list *l, char *to);
/* false: it is not as 1 says; *ret has what makes sense. */
bool store_set_parse(struct str bytes, struct store_keyword_list *ret);

/* What a transaction does with the sets of one mailbox; { .box = ... }, store_sets_end() after the last use. */
struct store_sets {
	const struct store_box *box;
	/* private */
	int64_t n, last, bytes; /* rows; the largest number; of members */
	bool is_counted, is_swept;
	uint8_t *held;    /* a bit for each number that this transaction has got: its messages may not be written yet */
	uint8_t *taken;   /* NULL: not read yet; a bit for each row */
	unsigned free;    /* the last number below the largest that was given */
	struct store_set_map *map;
};
void store_sets_end(struct store_sets *s);
/* Flags without system flags. -E_LIMIT: too many sets. */
MUST_CHECK int store_tx_keyword_flags(struct db_tx *tx, struct store_sets *s, const struct store_keyword_list *l, uint64_t *ret);
/* The keywords of those flags, added to the list, which must be empty; a set that is not there is left out. */
MUST_CHECK int store_tx_keyword_list(struct db_tx *tx, int64_t mailbox, uint64_t flags, struct store_keyword_list *ret);
/*
 * What becomes of a set when the list's members come or go: *ret, found once for each set. -E_LIMIT: too many sets, or members.
 * store_sets_map() has those that were asked for.
 */
MUST_CHECK int store_tx_set_change(struct db_tx *tx, struct store_sets *s, unsigned set, const struct store_keyword_list *l, bool is_add);
const uint16_t *store_sets_map(const struct store_sets *s);
/* Messages with sets have gone from the mailbox, and all that came were written. */
MUST_CHECK int store_tx_sets_trim(struct db_tx *tx, const struct store_box *box);

/* ---- the check (keywords_check.c) ---- */

struct store_keywords_sum {
	int64_t wrong_names; /* rows of keywords that are no keyword, or another's, or have a number that cannot be; numbers in use without a name */
	int64_t wrong_sets;  /* rows of sets that are not as 1 says; numbers in use without a row */
};
/* flags: all that a message of the mailbox has, as store_tx_states_sum() tells. */
MUST_CHECK int store_tx_keywords_sum(struct db_tx *tx, int64_t mailbox, uint64_t flags, struct store_keywords_sum *ret);
/*
 * Mends that: what is no keyword gets a name that is one and is made of it; what has no name, a new one. Sets that are wrong go, and are gone
 * from the messages. Messages that had one of either get that modseq.
 */
MUST_CHECK int store_tx_keywords_mend(struct db_tx *tx, int64_t mailbox, uint64_t flags, uint64_t modseq);
