/* SPDX-License-Identifier: MIT */
/*
 * A disk that fails and remembers, for tests: disk.so is loaded before the libraries of a server
 * (LD_PRELOAD) and stands between it, SQLite included, and the calls that change files below one
 * directory. It makes calls fail as the control file says, and writes down each change and each
 * sync in the order in which they happened. tests/crash/README.md has the whole picture.
 *
 *   MARTLET_DISK        the control file, made by the test: struct disk_shared
 *   MARTLET_DISK_ROOT   the directory, an absolute name without links
 *   MARTLET_DISK_TRACE  the trace; not set: nothing is written down
 *
 * tests/crash/disk.py knows the same layouts.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DISK_MAGIC 0x4d444b31u
#define DISK_RULES 8

/* What a call does; one bit each. */
enum disk_kind {
	DISK_WRITE = 1,
	DISK_SYNC = 2,     /* of a file */
	DISK_SYNC_DIR = 4, /* of a directory */
	DISK_MAKE = 8,     /* a new file or directory */
	DISK_CUT = 16,     /* ftruncate */
	DISK_REMOVE = 32,  /* unlink, rmdir, rename */
};

/* What kind of file it is about; one bit each. */
enum disk_file {
	DISK_DB = 1,
	DISK_WAL = 2,
	DISK_SHM = 4, /* SQLite's shared memory: may fail, is not written down */
	DISK_JOURNAL = 8,
	DISK_PACK = 16,
	DISK_TMP = 32,
	DISK_DIR = 64,
	DISK_OTHER = 128,
};

/* What a failed sync does to the bytes that it was to bring to the disk. */
enum disk_loss {
	DISK_KEEP,   /* nothing: the next sync brings them */
	DISK_CLEAN,  /* they can be read but are never written (ext4, XFS) */
	DISK_REVERT, /* the file is again as after the last sync (Btrfs) */
};

/* Call number `after` + 1 and the `times` - 1 next ones that match fail; times < 0: all. */
struct disk_rule {
	uint32_t kinds, files;
	int32_t after, times;
	uint32_t one_in; /* only every so many-eth, at random; 0 and 1: each */
	int32_t errnum;
	uint32_t is_short; /* writes: half of it is done; only what cannot be halved fails */
	uint32_t loss;     /* syncs: enum disk_loss */
};

struct disk_shared {
	uint32_t magic;
	uint32_t is_ready;   /* lock and random are set up */
	uint64_t end;        /* bytes of the trace: the position that tests compare */
	uint32_t sync_us;    /* a sync takes up to this long; no real sync is made */
	uint32_t can_revert; /* old bytes are kept for DISK_REVERT */
	uint64_t failed;     /* calls that failed as told */
	struct disk_rule rules[DISK_RULES];
	uint64_t random;
	pthread_mutex_t lock; /* robust: a killed holder does not stop the others */
};

/* ---- the trace: records in order, each a head, its bytes or names, and padding to 8 ---- */

enum disk_record_type {
	DISK_R_OPEN = 1, /* name; arg 1: it was made by this call; also directories */
	DISK_R_WRITE,    /* bytes at off */
	DISK_R_CUT,      /* off: the new size */
	DISK_R_SYNCED,   /* off: all records of the file before this position are on the disk */
	DISK_R_UNSYNCED, /* the same range is lost: arg is enum disk_loss */
	DISK_R_MKDIR,    /* name */
	DISK_R_REMOVE,   /* name */
	DISK_R_RENAME,   /* old name, NUL, new name */
	DISK_R_LINK,     /* the same */
};

struct disk_record {
	uint32_t size; /* of all of it */
	uint16_t type;
	uint16_t arg;
	uint64_t ino;
	uint64_t off;
	uint64_t n; /* payload bytes */
	uint64_t mono_us;
};

/* ---- disk_state.c: what all calls share ---- */

extern struct disk_shared *disk; /* NULL: not told where, everything passes */

/* What is wrong with the test itself: says so and ends the process. */
_Noreturn void disk_die(const char *what_z);

/* One at a time: held while a record is written and the call that it describes is made. */
void disk_lock(void);
void disk_unlock(void);

/* The name below the root ("" is the root itself); false: outside. */
bool disk_name(int dir_fd, const char *path_z, char *name, size_t size);
/* The file class by such a name. */
enum disk_file disk_class(const char *name_z);

/* Remembers an open file of this process; 0 for a file that is not ours. */
void disk_know(uint64_t ino, enum disk_file file);
/* The file behind a descriptor; false: none of ours. */
bool disk_of_fd(int fd, uint64_t *ret_ino, enum disk_file *ret_file);

/* With the lock held: the rule that lets this call fail, or NULL. */
const struct disk_rule *disk_fails(enum disk_kind kind, enum disk_file file);
uint32_t disk_random(uint32_t below);

/* With the lock held. */
void disk_record(enum disk_record_type type, unsigned arg, uint64_t ino, uint64_t off,
		 const void *payload, size_t n);

/* ---- disk_undo.c: what a file was before its writes, for DISK_REVERT; with the lock held ---- */

/* Before a change of [off, off + n) of an open file, or of its size (n 0), at trace position at. */
void disk_undo_note(int fd, uint64_t ino, uint64_t off, size_t n);
/* What was noted before that position is not needed any more, or is put back. */
void disk_undo_drop(uint64_t ino, uint64_t before);
void disk_undo_revert(int fd, uint64_t ino, uint64_t before);
