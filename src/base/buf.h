/* SPDX-License-Identifier: MIT */
/*
 * Growable byte buffer with a mandatory maximum, for everything that is written.
 * An addition that would pass the maximum is not made and sets the overflow mark, which stays:
 * write a whole text first, ask buf_overflowed() once at the end.
 */
#pragma once

#include <stdarg.h>

#include "base/budget.h"
#include "base/str.h"

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max;
	bool overflowed;
	enum budget purse;
};

/*
 * No memory is taken before the first addition. max: bytes, at least 1. What is large comes from
 * the budget too (base/budget.h): then an addition may fail before max.
 */
#define BUF_INIT(max_bytes) { .max = (max_bytes) }
void buf_init(struct buf *b, size_t max);
/* For what is kept while a peer is waited for. */
void buf_init_held(struct buf *b, size_t max);
/* Gives the memory back; the buffer may be used again with the same maximum. Accepts NULL. */
void buf_fini(struct buf *b);
/* Empties it and keeps the memory; clears the overflow mark. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, struct str s);
void buf_add_char(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/*
 * Room for n more bytes at the end, to be written and then counted with buf_commit(). NULL at the
 * maximum; within BUDGET_BUF_FREE and the maximum never.
 */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
/* Drops the first n bytes / everything after the first n. */
void buf_consume(struct buf *b, size_t n);
void buf_truncate(struct buf *b, size_t n);

static inline bool buf_overflowed(const struct buf *b)
{
	return b->overflowed;
}

/* Valid until the next addition. */
static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

/* NUL-terminated view (the NUL is not counted); valid until the next addition. */
const char *buf_z(struct buf *b);
