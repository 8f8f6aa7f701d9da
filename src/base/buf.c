/* SPDX-License-Identifier: MIT */
/*
 * The growable buffer. Capacity doubles until it meets the maximum; the heap block always has one
 * byte more than the capacity, so that buf_z() needs no room of its own.
 */
#include "base/buf.h"

#include "base/mem.h"
#include "base/must.h"

#include <stdio.h>

#define BUF_FIRST 64

void buf_init(struct buf *b, size_t max)
{
	must(max > 0 && max < SIZE_MAX / 2);
	*b = (struct buf)BUF_INIT(max);
}

void buf_init_held(struct buf *b, size_t max)
{
	buf_init(b, max);
	b->purse = BUDGET_HELD;
}

static size_t free_bytes(const struct buf *b)
{
	return b->purse == BUDGET_HELD ? BUDGET_HELD_BUF_FREE : BUDGET_BUF_FREE;
}

/* What it has of the budget when its capacity is cap. */
static size_t counted(const struct buf *b, size_t cap)
{
	return cap > free_bytes(b) ? cap - free_bytes(b) : 0;
}

void buf_fini(struct buf *b)
{
	if (b == NULL)
		return;
	mem_free(b->p);
	budget_give(b->purse, counted(b, b->cap));
	*b = (struct buf){ .max = b->max, .purse = b->purse };
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->overflowed = false;
}

/* From the budget: as much as is wanted for growth, or else just what is needed now. */
static bool take(const struct buf *b, size_t *cap, size_t want)
{
	size_t have = counted(b, b->cap);

	if (budget_take(b->purse, have, counted(b, *cap) - have))
		return true;
	*cap = want;
	return budget_take(b->purse, have, counted(b, want) - have);
}

char *buf_reserve(struct buf *b, size_t n)
{
	size_t want, cap;

	if (n > b->max - b->n) {
		b->overflowed = true;
		return NULL;
	}
	want = b->n + n;
	if (want <= b->cap && b->p != NULL)
		return b->p + b->n;
	cap = b->cap < BUF_FIRST / 2 ? BUF_FIRST : b->cap * 2;
	if (cap < want)
		cap = want;
	if (cap > b->max)
		cap = b->max;
	if (cap > free_bytes(b) && want <= free_bytes(b))
		cap = free_bytes(b);
	if (cap > free_bytes(b) && !take(b, &cap, want)) {
		b->overflowed = true;
		return NULL;
	}
	b->p = mem_resize(b->p, cap + 1, 1);
	b->cap = cap;
	return b->p + b->n;
}

void buf_commit(struct buf *b, size_t n)
{
	must(n <= b->cap - b->n);
	b->n += n;
}

void buf_add(struct buf *b, struct str s)
{
	char *to;

	if (s.n == 0)
		return;
	to = buf_reserve(b, s.n);
	if (to == NULL)
		return;
	memcpy(to, s.p, s.n);
	b->n += s.n;
}

void buf_add_char(struct buf *b, char c)
{
	char *to = buf_reserve(b, 1);

	if (to == NULL)
		return;
	*to = c;
	b->n++;
}

void buf_add_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, str_of(digits + i, sizeof(digits) - i));
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->cap - b->n;
	va_list again;
	char *to;
	int n;

	/* First try into what is there (with the byte for the NUL), then with room for all of it. */
	va_copy(again, ap);
	n = vsnprintf(b->p != NULL ? b->p + b->n : NULL, b->p != NULL ? room + 1 : 0, fmt, ap);
	must(n >= 0);
	if (b->p != NULL && (size_t)n <= room) {
		b->n += (size_t)n;
	} else {
		to = buf_reserve(b, (size_t)n);
		if (to != NULL) {
			vsnprintf(to, (size_t)n + 1, fmt, again);
			b->n += (size_t)n;
		}
	}
	va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_consume(struct buf *b, size_t n)
{
	must(n <= b->n);
	if (n == 0)
		return;
	b->n -= n;
	if (b->n > 0)
		memmove(b->p, b->p + n, b->n);
}

void buf_truncate(struct buf *b, size_t n)
{
	must(n <= b->n);
	b->n = n;
}

const char *buf_z(struct buf *b)
{
	if (b->p == NULL)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}
