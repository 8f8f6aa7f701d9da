/* SPDX-License-Identifier: MIT */
/* A SEARCH as parsed; between search_parse.c and cmd_search.c. */
#pragma once

#include "imap/parse.h"
#include "store/search.h"

struct imap_session;

enum imap_search_return { /* bits; RFC 9051 6.4.4 */
	IMAP_RETURN_MIN = 1,
	IMAP_RETURN_MAX = 2,
	IMAP_RETURN_ALL = 4,
	IMAP_RETURN_COUNT = 8,
	IMAP_RETURN_SAVE = 16,
};

struct imap_search {
	bool has_return;          /* RETURN (...) was there: the answer is an ESEARCH */
	unsigned returns;         /* enum imap_search_return */
	bool has_modseq;          /* RFC 7162 3.1.5: MODSEQ is a key, and in the answer */
	struct store_search *tree;
};

#define IMAP_SEARCH_KEYS 512 /* of one command */

/*
 * All that follows SEARCH, up to the end of the command: 0, -E_SYNTAX, -E_BAD_CHARSET,
 * -E_LIMIT. Sets are resolved against the selected view. ret->returns is valid also with
 * -E_BAD_CHARSET and -E_LIMIT.
 */
MUST_CHECK int imap_search_parse(struct imap_session *s, struct imap_search *ret);
