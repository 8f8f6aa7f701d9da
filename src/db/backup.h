/* SPDX-License-Identifier: MIT */
/*
 * Backups: a consistent copy of a data directory, made while another process serves it or while
 * nobody does. The copy is a data directory itself. Of the embedded driver; a database server
 * has tools of its own.
 */
#pragma once

#include "db/db.h"

struct db_backup_job {
	const char *from_z; /* data directory */
	const char *to_z;   /* missing, empty, or an earlier backup, which is brought up to date */
	/*
	 * Columns pack and how many bytes from its beginning are to be copied, at least those that rows
	 * name, ascending by pack; all of them are final. Runs on a connection of its own, in the
	 * copied snapshot.
	 */
	const struct db_sql *packs;
	/*
	 * True: nobody serves from_z, so its lock is taken for the time of the copy. False: its
	 * server has been asked to keep all packs (blob_packs_hold), and go_on() keeps asking.
	 */
	bool is_alone;
	/* Called about every megabyte; negative ends the backup with that code. May be NULL. */
	int (*go_on)(void *ctx, struct fault *fault);
	/* Something is missing in from_z, so that the copy has the same fault: a line. */
	void (*damaged)(void *ctx, const char *text_z);
	void *ctx;
};

struct db_backup_counts {
	int64_t packs, bytes; /* that rows name */
	int64_t copied, copied_bytes;
	int64_t database_bytes;
	int64_t removed; /* packs that no row names any more */
	int64_t damaged;
};

/*
 * 0: to_z is a backup that holds everything committed before the call, on the disk. Negative: it is
 * what it was before, an earlier backup or none; what was copied is used by the next call.
 * -E_EXISTS: to_z holds something else; -E_BUSY: somebody uses one of the two; -E_CANNOT: a
 * pack of the earlier backup is not the one that from_z has.
 */
MUST_CHECK int db_backup(const struct db_backup_job *job, struct db_backup_counts *ret,
			 struct fault *fault);

/* Names in the directory; see the states in backup.c. */
#define DB_BACKUP_DONE "backup.json"
#define DB_BACKUP_UNFINISHED "backup.unfinished"
