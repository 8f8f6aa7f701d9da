/* SPDX-License-Identifier: MIT */
/* Mailbox names in modified UTF-7 (RFC 9051 appendix A.1, RFC 3501 5.1.3), both ways. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Adds the UTF-7 form of valid UTF-8. */
void imap_utf7_encode(struct buf *out, struct str utf8);
/*
 * Strict: printable ASCII stands for itself, a shift is needed, minimal, well padded and
 * well paired. False on any violation (what was added to out stays). parse(print(x)) == x
 * and print(parse(y)) == y.
 */
bool imap_utf7_decode(struct buf *out, struct str utf7);
