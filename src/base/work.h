/* SPDX-License-Identifier: MIT */
/*
 * Long work, such as a search through all mail, asks now and then whether to go on. Whoever runs
 * the thread knows (room net: is the peer still there?) and takes the chance to let short work
 * pass. Nobody has to be asked: then the answer is yes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Every few milliseconds. False: nobody waits for the result; give up with -E_CLOSED. */
bool work_go_on(void);
/* For the calling thread; NULL: nobody. */
void work_set(bool (*go_on)(void *ctx), void *ctx);

/*
 * How far it is: done things of goal (done < goal), each time that work_go_on() is asked. Only where no lock and no
 * transaction is held: who listens may write to a peer.
 */
void work_progress(uint64_t done, uint64_t goal);
/* Who listens in the calling thread; NULL: nobody. */
void work_watch(void (*fn)(void *ctx, uint64_t done, uint64_t goal), void *ctx);
