/* SPDX-License-Identifier: MIT */
/*
 * The search index (docs/decisions/024). Private to its files:
 *
 *   index_words.c   text -> words, a needle -> pieces of words
 *   index_build.c   the words of some contents, in memory
 *   index_write.c   a segment: a file that is written once
 *   index_read.c    the same file, believed only where its checksums hold
 *   index_merge.c   many segments -> one
 *   index.c         which contents are missing, and the directory
 *   search_index.c  what store_search_run() asks
 *
 * A segment tells of some contents which words they have, and where (zones). It stands alone: what it says
 * of a content is true whatever else is there, because a content id means the same bytes for ever in
 * one database; segments that the database does not name (index_write.c) are not opened.
 */
#pragma once

#include "base/buf.h"
#include "store/index.h"
#include "store/store_int.h"

/* ---- words ---- */

/*
 * Words are cut from text in the form of mime_casemap(): letters, digits and everything beyond
 * ASCII, and single . - _ @ between two of those. Whether a byte belongs to a word depends on its two
 * neighbours only, so a needle that is one word is in a text exactly when it is in one of its
 * words. Longer words are kept as windows that overlap by half.
 */
#define INDEX_WORD_MAX 96
#define INDEX_PIECE_MAX (INDEX_WORD_MAX / 2) /* what is surely inside of one window */
#define INDEX_PIECE_MIN 3

struct index_words {
	void (*word)(void *ctx, struct str word);
	void *ctx;
	size_t n;
	char joiner;   /* waits for what follows; 0: none */
	bool is_split; /* the front of this word has been told */
	char text[INDEX_WORD_MAX];
};
void index_words_add(struct index_words *w, struct str folded);
void index_words_end(struct index_words *w); /* what comes next is no neighbour of what came */

struct index_piece {
	struct str text;
	bool begins, ends; /* a word begins, ends with it */
};
#define INDEX_PIECES 8
/*
 * Pieces that a text must have in its words to contain the needle; of the longest INDEX_PIECES
 * at most. *ret_exact: and then it does. 0: the index cannot help.
 */
size_t index_pieces(struct str needle, struct index_piece ret[INDEX_PIECES], bool *ret_exact);

/* ---- segments ---- */

enum index_zone { /* where in the message; bits */
	INDEX_BODY = 1,     /* what BODY looks at */
	INDEX_HEAD = 2,     /* what TEXT looks at beside it */
	INDEX_SUBJECT = 4, INDEX_FROM = 8, INDEX_TO = 16, INDEX_CC = 32,
	INDEX_FIELD = 64,   /* the value of any other header field */
};

struct index_doc {
	int64_t content;
	uint32_t size;       /* as in the view; another size: another content */
	uint32_t is_partial; /* it may have words that are not here */
};

struct index_hit {
	uint32_t doc; /* its place in the segment */
	uint32_t zones;
};

/* Of the value of a header field. */
unsigned index_zone_of(struct str name);

#define INDEX_BLOCK 16384          /* bytes of words that are looked through together */
#define INDEX_POSTS (256u << 10)   /* a block ends when its hits take more than this */
#define INDEX_DOCS_MAX (1u << 22)  /* of one segment */
#define INDEX_SEGMENTS_MAX 256     /* of one account */
#define INDEX_HASHES 16384         /* of three bytes of a word */
#define INDEX_SLAB 64              /* blocks whose hashes stand together: a word of 64 bits for each hash */
#define INDEX_GROUP 64             /* hashes of a slab under one checksum */
#define INDEX_GROUPS (INDEX_HASHES / INDEX_GROUP)
#define INDEX_GROUP_BYTES (INDEX_GROUP * sizeof(uint64_t) + sizeof(uint32_t))

struct index_block {
	uint64_t off;
	uint32_t words_n, posts_n;
	uint32_t words_crc, posts_crc;
};

/* The last bytes of a segment. */
struct index_footer {
	char magic[8];
	uint32_t order;    /* 0x01020304: of bytes */
	uint32_t n_docs, n_blocks, n_slabs;
	uint64_t off;      /* of docs, then blocks, then offsets of slabs */
	uint64_t size;     /* of the file */
	uint32_t crc;      /* of those three */
	uint32_t own_crc;  /* of this footer before it */
};
#define INDEX_MAGIC "mrtlidx3" /* 3: more names of charsets, Content-Type "text"; files of others are made anew */

static inline unsigned index_hash(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	uint32_t v = u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16;

	return (v * 2654435761u) >> 18;
}

/* ---- writing ---- */

struct index_writer;
/* docs: ascending contents, stays the caller's. */
MUST_CHECK int index_writer_open(int dir_fd, const struct index_doc *docs, size_t n_docs,
				 struct index_writer **ret);
/* Words in ascending order (index_word_cmp), each once; hits in ascending order of docs. */
MUST_CHECK int index_writer_word(struct index_writer *w, struct str word,
				 const struct index_hit *hits, size_t n);
#define INDEX_NAME_SIZE 32
/* Gives the file its name. The segment is there, or nothing. */
MUST_CHECK int index_writer_finish(struct index_writer *w, char name_z[INDEX_NAME_SIZE]);
void index_writer_close(struct index_writer **w); /* accepts a pointer to NULL */
int index_word_cmp(struct str a, struct str b);

struct index_builder;
struct index_builder *index_builder_new(void);
void index_builder_free(struct index_builder **b);
/* Contents in ascending order. */
void index_builder_begin(struct index_builder *b, int64_t content, uint32_t size);
void index_builder_add(struct index_builder *b, unsigned zones, struct str folded, bool is_end);
void index_builder_end(struct index_builder *b, bool is_partial);
size_t index_builder_bytes(const struct index_builder *b);
size_t index_builder_docs(const struct index_builder *b);
/* And empties it. */
MUST_CHECK int index_builder_write(struct index_builder *b, int dir_fd, char name_z[INDEX_NAME_SIZE]);

/* ---- reading ---- */

struct index_segment {
	int fd;
	char name_z[INDEX_NAME_SIZE];
	uint32_t n_docs, n_blocks, n_slabs;
	uint64_t size; /* before the tables at its end */
	struct buf tables;
	struct index_doc *docs; /* these three are in tables */
	struct index_block *blocks;
	uint64_t *slabs;
};
/* -E_NOT_FOUND: it cannot be opened; -E_BUG, -E_IO: it is damaged; -E_LIMIT: no memory for it now. */
MUST_CHECK int index_segment_open(int dir_fd, const char *name_z, struct index_segment **ret);
void index_segment_close(struct index_segment **g);
/* Sets bits of docs (by place) that have a word with that piece in one of the zones. 0 or -E_BUG, -E_IO. */
MUST_CHECK int index_segment_find(struct index_segment *g, const struct index_piece *piece,
				  unsigned zones, uint64_t *docs);
/* A block in memory. */
struct index_page {
	struct buf words, posts;
	size_t word_at, post_at; /* where the next word is */
};
void index_page_init(struct index_page *p);
void index_page_fini(struct index_page *p);
MUST_CHECK int index_page_read(struct index_segment *g, uint32_t block, bool has_posts, struct index_page *p);
/* 1: the next word and its hits, encoded; 0: the end; -E_BUG. */
MUST_CHECK int index_page_next(struct index_page *p, struct str *ret_word, struct str *ret_hits);
/* 1, 0, -E_BUG; hit: the last one, .doc UINT32_MAX before the first. */
MUST_CHECK int index_hit_next(struct str *hits, uint32_t n_docs, struct index_hit *hit);

/* ---- the directory of an account ---- */

/* The segments that the database names, the damaged ones removed. *ret_v: heap, also after an error. */
MUST_CHECK int index_open_all(struct store *s, int64_t account, int dir_fd,
			      struct index_segment ***ret_v, size_t *ret_n);
void index_close_all(struct index_segment **v, size_t n);
/* A descriptor. -E_NOT_FOUND without may_make. */
MUST_CHECK int index_dir(struct store *s, int64_t account, bool may_make);
/*
 * Writes one segment of what is in those; contents that are not in live (ascending) are left out.
 * name_z is empty when nothing is left.
 */
MUST_CHECK int index_merge(int dir_fd, struct index_segment **v, size_t n, const int64_t *live,
			   size_t n_live, char name_z[INDEX_NAME_SIZE]);
