/* SPDX-License-Identifier: MIT */
/* What LIST shares with CREATE (special-use names) and with STATUS (items), and its patterns. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct imap_parse;
struct imap_session;
struct store_mailbox;

/* enum store_special_use for "Drafts" (without backslash, any case); 0: unknown (cmd_list.c). */
unsigned imap_list_use_bit(struct str attr);

/* "(" status-att *(SP status-att) ")" as bits. 1/0 like parse.h (cmd_status.c). */
int imap_status_parse(struct imap_parse *p, unsigned *ret_items);
/* "* STATUS name (...)" of an existing mailbox. 0 or negative. */
MUST_CHECK int imap_status_show(struct imap_session *s, const struct store_mailbox *box,
				unsigned items);

/*
 * A LIST pattern ready for matching (list_pattern.c): "*" any characters, "%" any but the
 * separator. Matching is linear in the name for any pattern.
 */
struct imap_list_pattern;
/* In the arena; a pattern longer than any name can be matches nothing. NULL: arena full. */
MUST_CHECK struct imap_list_pattern *imap_list_pattern_new(struct arena *a, struct str pattern);
bool imap_list_pattern_match(const struct imap_list_pattern *p, struct str name);
