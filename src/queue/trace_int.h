/* SPDX-License-Identifier: MIT */
/* Shared by the files of the trace: not for others. */
#pragma once

#include "queue/queue_int.h"
#include "queue/trace.h"

#define TRACE_STORY_MAX (1u << 20) /* of one event; with more recipients than fit it tells how many there were */
#define TRACE_KEY 4                /* bytes of one in a row */
#define TRACE_QID 16               /* a forwarded message's id begins with that of the one it came from */

/* What is looked for is a hash: of a queue id, an address, a Message-ID without brackets; ASCII case does not matter. */
uint32_t trace_key(struct str s);

/* Both initialised, empty. */
void trace_row_init(struct trace_row *r, enum queue_trace_event event);
void trace_row_fini(struct trace_row *r);
/* The story of a message that is accepted (code 0), or refused with these words. */
void trace_row_message(struct trace_row *r, const struct queue_envelope *e, struct str message_id, uint64_t size, const struct queue_reply *refused);
MUST_CHECK int trace_row_write(struct db_tx *tx, const struct trace_row *r, int64_t at_s);

/* JSON: a string of a stranger, escaped and cut. */
void trace_json_str(struct buf *out, struct str s);

/* trace_index.c: 8 bytes each, sorted: the hash, big-endian, and how far the row is from the block's first. */
#define TRACE_BLOCK_KEY 8
uint32_t trace_load32(const char *p);
