/* SPDX-License-Identifier: MIT */
/*
 * Long work, such as a search through all mail, asks now and then whether to go on. Whoever runs
 * the thread knows (room net: is the peer still there?) and takes the chance to let short work
 * pass. Nobody has to be asked: then the answer is yes.
 */
#pragma once

#include <stdbool.h>

/* Every few milliseconds. False: nobody waits for the result; give up with -E_CLOSED. */
bool work_go_on(void);
/* For the calling thread; NULL: nobody. */
void work_set(bool (*go_on)(void *ctx), void *ctx);
