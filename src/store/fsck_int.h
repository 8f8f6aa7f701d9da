/* SPDX-License-Identifier: MIT */
/* Private to the check: fsck.c (rows), fsck_bodies.c (bodies and whose they are), repair.c (what is done about it). */
#pragma once

#include "store/fsck.h"
#include "store/keep_int.h"

#define FSCK_TEXT 512

enum fsck_kind {
	FSCK_TABLE,       /* name: of the table */
	FSCK_UNREAD,      /* a table that cannot be read to the end */
	FSCK_COUNTER,     /* the last UIDVALIDITY */
	FSCK_ACCOUNT,     /* id */
	FSCK_MAILBOX,     /* id */
	FSCK_NO_ACCOUNT,  /* id of the account, that mailboxes name */
	FSCK_NO_MAILBOX,  /* id of the mailbox, that messages name */
	FSCK_LEFT_OVER,   /* id: index in fsck_left_overs */
	FSCK_PACK,        /* id */
	FSCK_PACK_FILE,   /* id */
	FSCK_SIZE,        /* id of the content */
	FSCK_REFS,        /* id of the content; by: what to add to refs */
	FSCK_NO_CONTENT,  /* id of the content, that rows name */
	FSCK_BODY,        /* id of the content */
	FSCK_COUNT_
};

/* A fault that waits for its repair. */
struct fsck_damage {
	enum fsck_kind kind;
	int64_t id, by;
	const char *name_z;
	char *text_z;
};

/* A content that is not what it was. */
struct fsck_bad {
	int64_t content;
	enum fsck_bad_why { FSCK_BAD_ROW, FSCK_BAD_MISSING, FSCK_BAD_DAMAGED } why;
};

struct fsck {
	struct store *s;
	const struct store_fsck_job *job;
	struct store_fsck_counts n;
	bool is_repairing; /* in this round; else faults are said */
	struct fsck_damage *pending;
	size_t n_pending, cap_pending;
	int64_t n_repaired; /* in this round */
	struct fsck_bad *bad; /* of this round */
	size_t n_bad, cap_bad;
	int64_t *again; /* contents whose bodies were bad when all were read */
	size_t n_again, cap_again;
};

/* Says the fault, or keeps it for fsck_settle() when repairing. A snapshot may be open. */
__attribute__((format(printf, 5, 6))) void fsck_found(struct fsck *c, enum fsck_kind kind, int64_t id,
						      int64_t by, const char *format, ...);
/* With the name of a table. */
void fsck_found_table(struct fsck *c, const char *table_z, struct str what);
void fsck_found_bad(struct fsck *c, int64_t content, enum fsck_bad_why why);
bool fsck_is_stopped(const struct fsck *c);
/* No snapshot is open: repairs what waits. */
MUST_CHECK int fsck_settle(struct fsck *c);

/* fsck.c */
int fsck_check_table(struct fsck *c, const char *table_z);
struct fsck_left_over {
	const char *what_z;
	enum store_sql_id count, remove;
};
#define FSCK_LEFT_OVERS 16
extern const struct fsck_left_over fsck_left_overs[FSCK_LEFT_OVERS];

/* fsck_bodies.c */
MUST_CHECK int fsck_bodies(struct fsck *c);       /* every one */
MUST_CHECK int fsck_bodies_again(struct fsck *c); /* those that were bad then */
/* Whose the bad contents are. While repairing: takes away what cannot be read. */
MUST_CHECK int fsck_whose(struct fsck *c);

/* repair.c: a sentence for each kind. */
const char *fsck_why_not(enum fsck_kind kind);
