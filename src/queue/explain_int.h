/* SPDX-License-Identifier: MIT */
/* The tables behind queue_explain(): not for others. A row applies when all that it names is there; the first one that applies is it. */
#pragma once

#include <stddef.h>

#include "queue/explain.h"

struct explain_row {
	const char *status; /* "7.26": subject and detail of the enhanced code, "" any */
	const char *words;  /* in the text or the host's name, case ignored; "" any */
	int code;           /* the reply code, or its first digit; 0 any */
	struct queue_explain e;
};

extern const struct explain_row explain_texts[]; /* what known hosts and programs say */
extern const size_t explain_n_texts;
extern const struct explain_row explain_codes[]; /* RFC 3463, RFC 5321 4.2.3; the last applies to everything */
extern const size_t explain_n_codes;
