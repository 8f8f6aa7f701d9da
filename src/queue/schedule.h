/* SPDX-License-Identifier: MIT */
/*
 * The schedule: one thread that decides what is tried when, hands attempts to the sender and writes down what came of them
 * (docs/decisions/030-the-schedule.md). The rows are the truth; memory has only what is active.
 */
#pragma once

#include "queue/queue.h"

struct queue_sched;

/*
 * fd: a SOCK_SEQPACKET socket to the sender, kept. One at a time for a queue. Returns when it has looked once at what is due,
 * or half a second later.
 */
MUST_CHECK int queue_sched_start(struct queue *q, int fd, struct queue_sched **ret, struct fault *fault);
/* Nothing new is tried; waits until what is being tried has its result, at most ms; ends the thread. Accepts a pointer to NULL. */
void queue_sched_stop(struct queue_sched **s, int64_t ms);
/* Something changed from outside (rows, settings, the clock): look everywhere. Any thread. */
void queue_sched_wake(struct queue *q);

/* What runs now, for queue_count(): 0 when no schedule does. Any thread. */
void queue_sched_counts(struct queue *q, struct queue_counts *ret);
