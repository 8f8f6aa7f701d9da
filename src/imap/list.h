/* SPDX-License-Identifier: MIT */
/*
 * What LIST and CREATE know of mailboxes apart from a session: patterns of names, and special uses by their names. The command
 * line has them from here too (server/admin_mailbox.c).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct buf;

/* RFC 6154 2: enum store_special_use for "Drafts" (without backslash, any case); 0: unknown (cmd_list.c). */
unsigned imap_list_use_bit(struct str attr);
/* "\Drafts \Sent" of those bits, as LIST shows them, to the end of out (cmd_list.c). */
void imap_list_use_print(unsigned special_use, struct buf *out);

/*
 * A LIST pattern ready for matching (list_pattern.c; RFC 9051 6.3.9): "*" any characters, "%" any but the
 * separator. Matching is linear in the name for any pattern.
 */
struct imap_list_pattern;
/* In the arena, of bytes as they are; a pattern longer than any name can be matches nothing. NULL: arena full. */
MUST_CHECK struct imap_list_pattern *imap_list_pattern_new(struct arena *a, struct str pattern);
/* What somebody wrote: in NFC, as names are (RFC 9051 5.1). -E_LIMIT: arena full; -E_CANNOT: no UTF-8. */
MUST_CHECK int imap_list_pattern_parse(struct arena *a, struct str text, struct imap_list_pattern **ret);
bool imap_list_pattern_match(const struct imap_list_pattern *p, struct str name);
