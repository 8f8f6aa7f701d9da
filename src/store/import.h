/* SPDX-License-Identifier: MIT */
/*
 * Messages that come from another mail system: with their UIDs where that is possible, and each once, however often the same
 * source is imported. For administrators: quotas do not hold here.
 */
#pragma once

#include "store/message.h"

#define STORE_IMPORT_KEY 16 /* bytes that name a message of a source: part of a SHA-256 */

struct store_import {
	struct store_content_new *content;
	uint64_t flags;                /* system flags */
	const struct str *keywords;    /* those that cannot be kept are left out */
	size_t n_keywords;
	int64_t internaldate_s;        /* 0: now */
	uint32_t uid;                  /* at the source; 0: any will do */
	uint8_t key[STORE_IMPORT_KEY];
};
struct store_imported {
	uint32_t uid;                  /* 0: it was imported before, and nothing happened */
	unsigned lost_keywords;
};

/*
 * Says what comes. When the mailbox has never had a message it takes the UIDVALIDITY of the source (0: none is wanted). If it has that
 * UIDVALIDITY then, UIDs below uidnext are reserved for the import: other mail gets larger ones. *ret_keeps: that is so, and UIDs may
 * be wanted. *ret_was_begun: something was imported into it before. -E_NOT_FOUND. Durable.
 */
MUST_CHECK int store_import_begin(struct store *s, int64_t mailbox, uint32_t uidvalidity, uint32_t uidnext, bool *ret_keeps,
				  bool *ret_was_begun);
/* Which of n keys (STORE_IMPORT_KEY bytes each) were imported into the mailbox. */
MUST_CHECK int store_import_have(struct store *s, int64_t mailbox, struct str keys, bool *ret);
/*
 * Adds n messages, all or none; those whose key is there already are left out. A UID is kept when it is larger than all that the
 * mailbox has had. Durable. -E_NOT_FOUND mailbox, -E_LIMIT (UIDs are used up), -E_DISK_FULL ...
 */
MUST_CHECK int store_import(struct store *s, int64_t mailbox, const struct store_import *v, size_t n, struct store_imported *ret);
