/* SPDX-License-Identifier: MIT */
/*
 * Private to the pack files: pack.c (the record, writing), pack_read.c (reading), pack_keep.c
 * (which packs there are, copying bodies, removing packs).
 */
#pragma once

#include "db/db_int.h"

#define PACK_HEAD ((int64_t)BLOB_RECORD_EXTRA) /* bytes of a record's header */
#define PACK_READ_FDS 64 /* packs kept open for reading */

/* A pack that is appended to. */
struct pack_out {
	int fd; /* -1: none yet */
	int64_t number;
	int64_t end;   /* of the last good record */
	int64_t synced; /* up to here; the rest may be lost */
	int64_t ready;  /* the file is written so far, with zeros behind the last record */
	bool is_named; /* its directory entry is synced */
};

struct pack_read_fd {
	int64_t pack;
	int fd; /* -1: free slot */
	unsigned refs;
	uint64_t used;
	bool is_gone; /* unlinked: closed by the last who gives it back */
};

/* A pack that is written to, or that holds bodies of a job which has no certain end yet. */
struct pack_busy {
	int64_t pack;
	size_t n_holds; /* its writer, and such jobs */
};

struct db_packs {
	struct db *db;
	int dir_fd;
	int64_t pack_bytes;
	atomic_int_fast64_t next;
	struct lock batch_lock; /* the one lock of the room that is held over I/O; guards batch */
	struct pack_out batch; /* where the bodies of many jobs go */
	struct pack_out moved; /* where copies go; of the one thread that keeps house */
	/* the rest is guarded by the lock */
	struct lock lock;
	struct pack_read_fd readers[PACK_READ_FDS];
	uint64_t tick;
	uint64_t n_gone; /* packs removed since the start */
	struct pack_busy *busy;
	size_t n_busy, cap_busy;
	int64_t top; /* the highest pack that has a synced record and stays */
	int64_t hold_until_ms;
};

/* ---- pack.c ---- */

void pack_name(char out[32], int64_t pack);
void pack_head_put(uint8_t *h, int64_t pack, uint64_t length, uint32_t body_crc);
bool pack_head_is_good(const uint8_t *h, const struct blob_ref *ref);
uint32_t pack_head_crc(const uint8_t *h); /* of the body */
int64_t pack_head_length(const uint8_t *h);
/* The one way to a new pack: its writer holds it from now on. A descriptor or negative. */
MUST_CHECK int pack_make(struct db_packs *p, int64_t *ret_number);
/* One hold less; the last makes it busy no more. stays: it has a synced record and will not be removed by its writer. */
void pack_settle(struct db_packs *p, int64_t pack, bool stays);
/* Under the lock; NULL: nobody holds it. */
struct pack_busy *pack_busy_find(const struct db_packs *p, int64_t pack);
/* Makes one when there is none. */
MUST_CHECK int pack_out_open(struct db_packs *p, struct pack_out *o);
/* Nothing is appended to it any more; its file goes when it holds nothing. */
void pack_out_close(struct db_packs *p, struct pack_out *o);
/* One sync of the file; not noted. */
MUST_CHECK int pack_sync(struct db_packs *p, int fd);
/* The write up to end reached the disk, the name too. A failure closes it. */
MUST_CHECK int pack_out_sync(struct db_packs *p, struct pack_out *o, int64_t end);
/* Cuts what was written behind the last good record; closes it when even that fails. */
void pack_out_undo(struct db_packs *p, struct pack_out *o);
/* Keeps the failure for the operator; returns rc. */
int pack_note(struct db_packs *p, int rc, const char *what_z);
/* The numbers of all files, unsorted; *ret is the caller's. */
MUST_CHECK int pack_numbers(int dir_fd, int64_t **ret, size_t *ret_n);

/* ---- pack_read.c ---- */

/* A borrowed descriptor; slot -1: of nobody else, closed after use. */
struct pack_borrowed {
	struct db_packs *p;
	int slot;
	int fd;
};
#define PACK_NOT_BORROWED { .slot = -1, .fd = -1 }
MUST_CHECK int pack_borrow(struct db_packs *p, int64_t pack, struct pack_borrowed *ret);
void pack_give_back(struct pack_borrowed *b); /* for AUTO() */
/* No descriptor of that pack is kept open any longer than its readers need it. */
void pack_forget(struct db_packs *p, int64_t pack);
