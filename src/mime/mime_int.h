/* SPDX-License-Identifier: MIT */
/* What the files of this room share: not for other rooms. */
#pragma once

#include "base/limits.h"
#include "mime/mime.h"

/* What is in a buffer, with a pointer that is never NULL (NULL means "absent" in this room). */
static inline struct str mime_buf_text(const struct buf *b)
{
	return b->n > 0 ? buf_str(b) : S("");
}

/* ---- header.c ---- */

/* A row of a table of field names. */
struct mime_field_row {
	struct str name;
	int id;
};

/* The id of the row with that name (case ignored), or -1. */
int mime_field_row(const struct mime_field_row *rows, size_t n, struct str name);
/* mime_unfold() that copies only when there is a fold: the answer may point into value. */
MUST_CHECK int mime_unfold_view(struct arena *a, struct str value, struct str *ret);
/* RFC 5322 3.2.2: the comment at the start of s, which is a "("; false and nothing skipped when it does not end. */
bool mime_comment_skip(struct str *s);
/* White space, folds and comments at the start of s, one that does not end too; true when there were any. */
bool mime_cfws_skip(struct str *s);
/* The first msg-id "<...>" at or after the start of *s, with its brackets; 1 found, 0 none. */
int mime_msg_id_next(struct str *s, struct str *ret);

/* ---- charset.c ---- */

/* UTF-8 with everything invalid replaced by U+FFFD. */
void mime_utf8_clean(struct str in, struct buf *out);
/*
 * Text of which nobody said what it is: UTF-8 (RFC 6532), and each byte that is not as windows-1252 has it, which old mail programs wrote
 * most. A piece of it reads as it does in the whole.
 */
void mime_utf8_guess(struct str in, struct buf *out);

/* The names of set i of those that iconv converts, as charset_table_names() has them; NULL: there are no more. */
const char *mime_charset_names(size_t i);

/* ---- charset_table.c ---- */

/* The code points of the 256 bytes of a set with one byte for each character, U+FFFD where it has none. NULL: no such set is known by that name (lower case). */
const uint16_t *charset_table(const char *name_z);
/* All of them, while iconv may still load modules. */
void charset_tables_load(void);
void charset_table_convert(const uint16_t codes[256], struct str in, struct buf *out);
/* The names of set i, each between spaces, the one that iconv is asked for first; NULL: there are no more. */
const char *charset_table_names(size_t i);

/* ---- charset_jis.c ---- */

enum charset_jis { CHARSET_JIS_ASCII, CHARSET_JIS_0208, CHARSET_JIS_0212, CHARSET_JIS_KANA };
/*
 * Takes as much from *s as fits and is whole; returns the length of what it is in EUC-JP. Nothing taken: *s needs more behind it, or there is no
 * room for a character (3 bytes).
 */
size_t charset_jis_to_euc(enum charset_jis *set, struct str *s, char *to, size_t room);

/* ---- address.c ---- */

/* Reads one address after the other; what it returns lives until the next call. */
struct mime_address_reader {
	struct str rest;
	struct buf phrase; /* words seen so far, single spaces between */
	struct buf addr;   /* route, then the address without CFWS */
	struct str comment; /* raw inside of the last comment, with its ")" */
	size_t n;
	bool is_in_group;
	bool has_odd_quote;   /* one that does not end: none of the rest counts */
	bool has_odd_comment; /* the same */
};

void mime_address_reader_init(struct mime_address_reader *r);
void mime_address_reader_fini(struct mime_address_reader *r);
/* Starts on another field value; keeps the memory. */
void mime_address_reader_start(struct mime_address_reader *r, struct str value);
/* 1: an address, 0: end. */
int mime_address_reader_next(struct mime_address_reader *r, struct mime_address *ret);

/* ---- param.c ---- */

/* RFC 2045 5.1 token at the start of *s; empty when there is none. */
struct str mime_token_take(struct str *s);
/*
 * *(";" parameter) with RFC 2231 continuations and charsets; at most LIMIT_MIME_PARAMS. 0 or
 * -E_LIMIT.
 */
MUST_CHECK int mime_params_parse(struct arena *a, struct str s, struct mime_param **ret,
				 size_t *ret_n);
/* The value of the first parameter of that name; p is NULL when there is none. */
struct str mime_param_find(const struct mime_param *params, size_t n, struct str name);

/* ---- part.c ---- */

/*
 * Fills type, cte and the like from the header of a part. is_digest: the parent is
 * multipart/digest.
 */
MUST_CHECK int mime_part_header(struct arena *a, struct mime_part *part, struct str header,
				bool is_digest);
/* Type "message" with subtype "rfc822" or "global"? */
bool mime_part_names_message(const struct mime_part *part);

/* ---- boundary.c ---- */

struct mime_boundary {
	struct mime_part *part;
	struct mime_part *last_child;
	struct str text;
	uint32_t hash;
	uint8_t next; /* 1 + index of the next older one in the same slot; 0: none */
};

/* The boundaries of all open multiparts, innermost last. */
struct mime_boundaries {
	struct mime_boundary v[LIMIT_MIME_DEPTH];
	size_t n;
	uint8_t slots[256]; /* 1 + index of the innermost one with that hash; 0: none */
};

void mime_boundaries_push(struct mime_boundaries *b, struct mime_part *part, struct str text);
void mime_boundaries_pop(struct mime_boundaries *b);
/*
 * Index of the innermost boundary that this line (without its line end) is a delimiter of, or -1.
 */
int mime_boundaries_match(const struct mime_boundaries *b, struct str line, bool *ret_is_close);

/* ---- quote.c ---- */

/*
 * RFC 9051 9 string: quoted when that is possible, else a literal. Control characters do not
 * survive.
 */
void mime_quote_string(struct buf *out, struct str s);
/* NIL when p is NULL. */
void mime_quote_nstring(struct buf *out, struct str s);
