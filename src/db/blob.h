/* SPDX-License-Identifier: MIT */
/*
 * Message bodies: spools (a body while it is received) and packs (append-only files of finished
 * bodies). Face of the pack files and spool.c. A stored body is named by a blob_ref, which rows keep.
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
/* -E_DISK_FULL, as below: no room is left for mail (db_has_room). */
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
/* What the record at that place says of its length; -E_IO when no record begins there, -E_NOT_FOUND. */
MUST_CHECK int blob_length(struct db *db, const struct blob_ref *ref, int64_t *ret);
/* Reads and compares the whole record with its checksum: 0, -E_IO damaged, -E_NOT_FOUND. */
MUST_CHECK int blob_verify(struct db *db, const struct blob_ref *ref);

/* ---- packs: where bodies stand together (pack_keep.c) ---- */

/* What a body takes of its pack beyond its own length. */
#define BLOB_RECORD_EXTRA 32

struct blob_pack {
	int64_t number;
	/*
	 * Still written to, or holding bodies of a job that has no certain end yet. Rows that name
	 * another pack are all committed.
	 */
	bool is_busy;
};
/* All packs, ascending; *ret is the caller's (mem_free). Thread-safe, as what follows. */
MUST_CHECK int blob_packs(struct db *db, struct blob_pack **ret, size_t *ret_n);
/* Size of its file, as far as there are records in it; -E_NOT_FOUND. */
MUST_CHECK int blob_pack_bytes(struct db *db, int64_t pack, int64_t *ret);
/*
 * The same of one at rest, for a row that must stay true: all of the file is synced first. A process that was killed may have
 * left bytes behind the last sync that a power cut would still take. -E_NOT_FOUND, -E_IO.
 */
MUST_CHECK int blob_pack_final_bytes(struct db *db, int64_t pack, int64_t *ret);
/* The size at which a pack is full. */
int64_t blob_pack_limit(const struct db *db);
/* When small bodies go to that pack, the next ones get a new one. */
void blob_pack_finish(struct db *db, int64_t pack);
/* False: not now. It is busy, packs are held, or no later one shows that its number was used. */
bool blob_pack_may_drop(struct db *db, int64_t pack);
/*
 * Removes a pack. The caller has made sure that no row names it, by a durable commit. -E_BUSY:
 * not now. Who reads from it keeps its descriptor until it is done; who comes later finds
 * -E_NOT_FOUND.
 */
MUST_CHECK int blob_pack_drop(struct db *db, int64_t pack);
/* At least for so long no pack is removed, because somebody copies them all. True: they were held until now. */
bool blob_packs_hold(struct db *db, int64_t ms);
bool blob_packs_held(struct db *db);

/*
 * Copies a body, in pieces, to the end of a pack that only copies go to, and checks it on the
 * way. *ret may be put into rows after blob_copy_sync() answered 0; without that it is dead
 * space. Negative with *ret_is_damaged: the body cannot be read or does not match its checksum,
 * others may be copied. Any other failure (-E_DISK_FULL, -E_IO): nothing more may be copied
 * before blob_copy_sync(). The three are called by one thread at a time.
 */
MUST_CHECK int blob_copy(struct db *db, const struct blob_ref *from, struct blob_ref *ret,
			 bool *ret_is_damaged);
/* Negative: nothing copied since the last sync may be used. */
MUST_CHECK int blob_copy_sync(struct db *db);
/* When copies go to that pack, the next one gets a new one. */
void blob_copy_end(struct db *db, int64_t pack);
