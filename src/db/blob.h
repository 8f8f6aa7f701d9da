/* SPDX-License-Identifier: MIT */
/*
 * Message bodies: spools (a body while it is received) and packs (append-only files of finished
 * bodies). Face of pack.c and spool.c. A stored body is named by a blob_ref, which rows keep.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct db;

struct blob_ref {
	int64_t pack;
	int64_t offset; /* of the record's first body byte */
	int64_t length;
};

/*
 * A body on its way in: in memory up to LIMIT_SPOOL_MEMORY, then in an unlinked file below
 * DIR/tmp. Room for headers that are known only at the end is kept in front (SPOOL_HEADROOM
 * bytes). One thread at a time.
 */
#define SPOOL_HEADROOM 8192
struct spool;
MUST_CHECK int spool_new(struct db *db, size_t max_bytes, struct spool **ret);
void spool_free(struct spool *s); /* accepts NULL */
/*
 * -E_TOO_BIG past max_bytes (sticky: later appends are dropped and fail the same way),
 * -E_DISK_FULL, -E_IO.
 */
MUST_CHECK int spool_append(struct spool *s, struct str bytes);
/* Before the first byte; all prepends together at most SPOOL_HEADROOM, else -E_LIMIT. */
MUST_CHECK int spool_prepend(struct spool *s, struct str bytes);
size_t spool_size(const struct spool *s);
/*
 * All bytes, contiguous (mapped when in a file); valid until the next append/prepend or
 * spool_free. -E_IO.
 */
MUST_CHECK int spool_view(struct spool *s, struct str *ret);

/*
 * A body to be stored by db_write(): the slice must live until db_write() returns; ref is
 * filled before fn runs, zero after a failure.
 */
struct db_body {
	struct str bytes;
	struct blob_ref ref;
};

/*
 * Reads n bytes from offset off of the body into dst. -E_NOT_FOUND: no such pack; -E_IO: short
 * or broken. Thread-safe.
 */
MUST_CHECK int blob_read(struct db *db, const struct blob_ref *ref, uint64_t off, void *dst,
			 size_t n);
/* Reads and compares the whole record with its checksum: 0, -E_IO damaged, -E_NOT_FOUND. */
MUST_CHECK int blob_verify(struct db *db, const struct blob_ref *ref);
