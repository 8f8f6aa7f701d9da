/* SPDX-License-Identifier: MIT */
/*
 * Who asks the DNS for the checks of this room: a port, as the room does no I/O. Answers may be anything that strangers publish; a check bounds how many questions
 * it asks.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

enum lookup_type { LOOKUP_TXT, LOOKUP_A, LOOKUP_AAAA, LOOKUP_MX, LOOKUP_PTR, LOOKUP_N_TYPES };

/*
 * TXT: the strings of each record put together; A, AAAA: 4 and 16 bytes, in network order; MX: the exchanges, which may be "" (null MX); PTR: names.
 * Names without the last dot.
 */
struct lookup_answer {
	struct str *v;
	size_t n;
	bool is_nxdomain;
};

struct lookup {
	/* 0: *ret, in the arena, also when there are none; negative: no answer now, or a wrong one. name: A-labels, any bytes between the dots. */
	int (*ask)(void *ctx, struct arena *a, struct str name, enum lookup_type type, struct lookup_answer *ret);
	/* Will be asked soon; may be NULL. */
	void (*ahead)(void *ctx, struct str name, enum lookup_type type);
	void *ctx;
};
