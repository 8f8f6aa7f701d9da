/* SPDX-License-Identifier: MIT */
/* What the well-known refusals of other hosts mean, in plain words, and what to do about them. Pure. */
#pragma once

#include "base/str.h"

struct queue_explain {
	const char *provider_z; /* who speaks so; "" anybody */
	const char *meaning_z;  /* one or two sentences */
	const char *sender_z;   /* one line for whoever sent the message; never NULL */
	const char *admin_z;    /* for the administrator of the sending host; "" nothing more */
};

/*
 * code: 0 when unknown; enhanced: "5.7.26" or empty; text: what the host said. host: who said it, may be empty. Never NULL: by the known texts first, then by
 * the enhanced code (RFC 3463), then by the code.
 */
const struct queue_explain *queue_explain(int code, struct str enhanced, struct str text, struct str host);
/* Takes "550 5.7.26 text", "550-5.7.26 ..." or only a part of that apart. */
const struct queue_explain *queue_explain_line(struct str reply);
