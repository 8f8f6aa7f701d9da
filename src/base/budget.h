/* SPDX-License-Identifier: MIT */
/*
 * What peers can make the process hold, all of them together. Arenas and buffers have caps of
 * their own, but a cap times all sessions is more than any machine has. So what they take beyond
 * their first bytes (BUDGET_..._FREE) comes from one of two purses.
 *
 * A holder may have at most as much as is left over for all others. So n greedy ones together
 * leave 1/(n+1) of the purse, and a newcomer may have half of that: nobody can use it up.
 * Who is refused meets what the cap would say (NULL, overflow): -E_LIMIT, "try again later".
 *
 * Counted is what is asked of the heap. Any thread; no locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum budget {
	BUDGET_WORK, /* what commands need while they run */
	BUDGET_HELD, /* what waits for a peer: unfinished commands and messages, sets that are kept */
};

#define BUDGET_ARENA_FREE (16u << 10)
#define BUDGET_BUF_FREE (256u << 10) /* so that a piece of work never fails */
#define BUDGET_HELD_BUF_FREE (16u << 10)

/* Bytes of each of the two; LIMIT_PEER_MEMORY before the first call. What is taken stays taken. */
void budget_set(size_t bytes);
/* May somebody who has `have` bytes of it take n more? True: they are taken. */
bool budget_take(enum budget which, size_t have, size_t n);
void budget_give(enum budget which, size_t n);
size_t budget_used(enum budget which);

/*
 * How often this thread was refused. A result that is kept for ever must not be a poorer one
 * because memory was short for a moment: compare before and after, and let it be tried again.
 */
unsigned budget_refusals(void);
