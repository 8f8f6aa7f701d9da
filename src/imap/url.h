/* SPDX-License-Identifier: MIT */
/*
 * IMAP URLs (RFC 5092) that name a message, or a part of one, of the own account: those without
 * scheme and server, which CATENATE takes (RFC 4469 3).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct imap_url {
	struct str mailbox;   /* decoded, UTF-8; p == NULL: the one that is selected */
	uint32_t uidvalidity; /* 0: any */
	uint32_t uid;
	struct str section;   /* decoded: what stands in BODY[...] */
	bool has_partial;
	uint64_t start, count; /* count 0: to the end */
};

/* 1; 0: no such URL (another kind, a wrong one); -E_LIMIT: the arena is full. */
int imap_url_parse(struct arena *a, struct str url, struct imap_url *ret);
