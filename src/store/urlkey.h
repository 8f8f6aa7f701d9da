/* SPDX-License-Identifier: MIT */
/*
 * Mailbox access keys (RFC 4467 2.2): one for each user and mailbox, at random; what the user has signed with it is worth
 * nothing any more when it changes. They go with the mailbox and with the account.
 */
#pragma once

#include "store/store.h"

#define STORE_URL_KEY_BYTES 32
/* -E_NOT_FOUND: there is none (with may_make it is made), or no such mailbox that the user may read. Durable. */
MUST_CHECK int store_url_key(struct store *s, int64_t user, int64_t mailbox, bool may_make, uint8_t ret[STORE_URL_KEY_BYTES]);
/* A new one; mailbox 0: all keys of the user go. -E_NOT_FOUND as above. Durable. */
MUST_CHECK int store_url_key_reset(struct store *s, int64_t user, int64_t mailbox);
