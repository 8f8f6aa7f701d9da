/* SPDX-License-Identifier: MIT */
/* Shared by the files that write a notification: not for others. */
#pragma once

#include "queue/dsn.h"

#define DSN_WORDS 600 /* of any one string of a stranger: with its name it stays one legal line */

/*
 * Adds at most DSN_WORDS bytes of s: control characters become '?', and so do bytes that are not UTF-8, or (unless may_utf8) not ASCII. So nobody
 * writes header lines of his own.
 */
void dsn_words(struct str s, bool may_utf8, struct buf *out);
/* RFC 3461 4: xtext. False when it is none, or what it means is not printable ASCII; then nothing was added. */
bool dsn_xtext(struct str s, struct buf *out);
/* RFC 6533 3: an address in its utf-8-address form (from any of the three), or as utf-8-addr-xtext. */
void dsn_utf8_address(struct str s, struct buf *out);
void dsn_utf8_xtext(struct str s, struct buf *out);

/* "550 5.1.1 " before each line's text: the code when there is one, the enhanced one unless the text has it. */
void dsn_reply_line(const struct queue_reply *r, struct str line, bool may_utf8, struct buf *out);

/* The human part: plain text, UTF-8 when what others said is. */
void dsn_text_write(const struct queue_dsn *d, struct buf *out);
/* Does the machine part need UTF-8 (message/global-delivery-status)? */
bool dsn_status_is_global(const struct queue_dsn *d);
void dsn_status_write(const struct queue_dsn *d, struct buf *out);
