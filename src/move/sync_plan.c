/* SPDX-License-Identifier: MIT */
/* What is to be done with a message, by where it was and where it is. */
#include "move/sync.h"

enum move_sync_act move_sync_act(bool is_known, bool is_here, bool is_there)
{
	static const enum move_sync_act acts[2][2][2] = { /* known, here, there */
		{ { MOVE_SYNC_NOTHING, MOVE_SYNC_BRING }, { MOVE_SYNC_SEND, MOVE_SYNC_FLAGS } },
		{ { MOVE_SYNC_FORGET, MOVE_SYNC_DELETE_THERE }, { MOVE_SYNC_DELETE_HERE, MOVE_SYNC_FLAGS } },
	};

	return acts[is_known][is_here][is_there];
}

unsigned move_sync_flags(bool is_known, unsigned known, unsigned here, unsigned there)
{
	return is_known ? known ^ ((known ^ here) | (known ^ there)) : here | there;
}
