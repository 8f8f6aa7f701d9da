/* SPDX-License-Identifier: MIT */
/*
 * A range of a stored message in decoded pieces of bounded size, so that neither SEARCH nor
 * BINARY needs a large part in memory. Pieces end at line ends where lines are of a usual
 * length.
 */
#pragma once

#include "base/buf.h"
#include "mime/mime.h"
#include "store/message.h"

#define STORE_PART_PIECE (256u << 10) /* raw bytes of one piece */

struct store_part {
	struct store *store;
	const struct store_content *content;
	enum mime_cte cte;
	bool is_strict;
	uint64_t off, left;       /* what was not read yet */
	struct buf raw;           /* read and not decoded yet */
	struct buf out;
	size_t taken;             /* of raw: what the last piece was made of */
};

/*
 * body_off, body_n from the map; strict: see mime_cte_decode_strict(). content must outlive
 * it.
 */
void store_part_init(struct store_part *p, struct store *s, const struct store_content *content,
		     uint64_t off, uint64_t n, enum mime_cte cte, bool is_strict);
void store_part_fini(struct store_part *p);
/* 1: a piece, valid until the next call; 0: the end; -E_UNKNOWN_CTE (strict), -E_IO ... */
MUST_CHECK int store_part_next(struct store_part *p, struct str *ret_piece);
