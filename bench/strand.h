/* SPDX-License-Identifier: MIT */
/*
 * Strands: functions that look as if they blocked, many of them on one thread. A strand that has
 * to wait for its socket gives the thread to one whose socket is ready. A hundred connections then
 * cost the machine an epoll_wait() now and then, not a thread switch for each reply, and more of
 * it is left to the server that is to be measured.
 *
 * A strand belongs to the thread that runs its set. It may open any number of sockets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* fn(args + i * size) for each i < n, at the same time, on this thread. */
struct strands *strands_new(size_t n, void *args, size_t size);
/* Runs fn in all strands until each has returned. May be called again: sockets stay watched. */
void strands_run(struct strands *s, void (*fn)(void *arg));
void strands_free(struct strands *s);

/* Inside a strand. Watches a new non-blocking socket; closing it ends that. */
void strand_watch(int fd);
/* Waits for news of a watched socket (edges: read and write until EAGAIN, or until less came than
 * was asked for and this did not say "hung up"). True: the peer has hung up. */
bool strand_wait_input(void);
/* Waits until fd takes more output. */
void strand_wait_output(int fd);
