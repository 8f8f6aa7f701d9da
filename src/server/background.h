/* SPDX-License-Identifier: MIT */
/*
 * A thread that works in the background, at low priority and without signals, and rests in between: the housekeeper,
 * the indexer.
 */
#pragma once

#include <pthread.h>

#include "base/lock.h"

struct server_background {
	pthread_t thread;
	struct lock lock;
	struct lock_cond wake;
	bool is_stopping; /* under the lock */
	const char *name_z;
	int nice;
	void (*run)(void *arg); /* returns when server_background_rest() has said so */
	void *arg;
};

/* b: its last four members are set; it stays where it is until it is stopped. */
void server_background_start(struct server_background *b);
/* For the thread. False: the server stops. */
bool server_background_rest(struct server_background *b, int64_t ms);
/* Ends the rest and waits for the thread. Once. */
void server_background_stop(struct server_background *b);
