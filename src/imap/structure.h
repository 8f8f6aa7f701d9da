/* SPDX-License-Identifier: MIT */
/* One part of a stored BODYSTRUCTURE (RFC 5524 3.1: BODYPARTSTRUCTURE). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/*
 * The structure of part {1,2} of "1.2" (n 0: the whole) of mime_bodystructure_print()'s text, to the end of out.
 * decoded_size: as the part is without its content transfer encoding. -E_NOT_FOUND, -E_LIMIT.
 */
MUST_CHECK int imap_structure_part(struct str stored, const uint32_t *part, size_t n,
				   const uint64_t *decoded_size, struct buf *out);
