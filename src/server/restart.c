/* SPDX-License-Identifier: MIT */
/*
 * How soon a server process that died is started again: at once, but slower and slower when it keeps dying, so that a fault which
 * comes back with every start does not eat the machine. Long lives in between make it quick again.
 */
#include "server/server_int.h"

#define SHORT_LIFE_MS 5000
#define PAUSE_FIRST_MS 50
#define DOUBLINGS_MAX 20

unsigned server_n_short(unsigned n_short, int64_t lived_ms)
{
	return lived_ms >= SHORT_LIFE_MS ? 0 : n_short + 1;
}

int64_t server_restart_pause_ms(unsigned n_short, int64_t max_ms)
{
	unsigned doublings = n_short < 2 ? 0 : n_short - 2 < DOUBLINGS_MAX ? n_short - 2 : DOUBLINGS_MAX;
	int64_t pause_ms = n_short < 2 ? 0 : (int64_t)PAUSE_FIRST_MS << doublings;

	return pause_ms < max_ms ? pause_ms : max_ms;
}
