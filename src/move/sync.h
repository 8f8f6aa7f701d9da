/* SPDX-License-Identifier: MIT */
/*
 * `martlet fetch --sync`: a mailbox and a folder of a Maildir are made the same, both ways: new messages, the five flags that both have (Seen, Answered, Flagged, Draft,
 * Deleted), deletions. The state says what both sides had last; what differs from it has changed. It is the source over IMAP in other clothes (fetch_imap.c); what comes from
 * the server goes the way of fetch, through its target.
 */
#pragma once

#include "move/fetch_imap.h"

/* As move_fetch_imap_box(), both ways. */
MUST_CHECK int move_sync_box(struct move_fetch_imap *i, const struct move_imap_box *box, struct str name, struct fault *fault);

/* ---- what is to be done (sync_plan.c, pure) ---- */

enum move_sync_act {
	MOVE_SYNC_NOTHING,
	MOVE_SYNC_BRING,        /* new on the server */
	MOVE_SYNC_SEND,         /* new here */
	MOVE_SYNC_FLAGS,        /* on both sides */
	MOVE_SYNC_DELETE_THERE,
	MOVE_SYNC_DELETE_HERE,
	MOVE_SYNC_FORGET,       /* gone on both */
};
/* known: by the state. */
enum move_sync_act move_sync_act(bool is_known, bool is_here, bool is_there);
/* Each flag that changed on one side changes on the other; of a message that is not known, those of either. */
unsigned move_sync_flags(bool is_known, unsigned known, unsigned here, unsigned there);

/* ---- a mailbox at work ---- */

struct move_sync_file {
	struct str file;        /* its name, with flags */
	struct str id;          /* what of it never changes */
	bool is_new;            /* in new, not in cur */
	bool is_used;           /* a message of the server's is this one */
	bool is_sent;           /* an earlier run may have sent it, and did not come to write that down */
	unsigned flags;
};

struct move_sync_entry {
	uint32_t uid;
	uint64_t size;
	bool is_known, is_there, is_linked; /* is_linked: found out now that the two are one */
	unsigned known, there;  /* flags */
	struct str id;          /* of the file, once it had one */
	struct move_sync_file *file; /* NULL: it is not here */
	bool is_done;
};

struct move_sync {
	struct move_fetch_imap *i;
	struct move_fetch *f;
	int root;
	struct move_fetch_dirs at;
	struct arena arena;
	struct move_sync_entry *v; /* in the order of UIDs */
	size_t n, cap, n_sorted;
	struct move_sync_file *files; /* by id */
	size_t n_files, cap_files;
	uint32_t uidvalidity;   /* of the state; 0: it does not know this mailbox */
	uint64_t modseq;        /* up to which changes there are known */
	uint64_t n_expunged;    /* while it was listed */
	bool is_anew;           /* all files may be messages that are on the server */
	bool is_incomplete;     /* something is to be done another time */
	struct buf key, value;  /* of the row that is being put */
};

struct move_sync_entry *move_sync_find(struct move_sync *y, uint32_t uid);
/* The entry is as it should be, on both sides: into the state. */
void move_sync_note(struct move_sync *y, const struct move_sync_entry *e, unsigned flags);
void move_sync_forget(struct move_sync *y, const struct move_sync_entry *e);
/* Says that something is left for another time, and why. */
void move_sync_leave(struct move_sync *y, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- the folder (sync_here.c) ---- */

/* Reads the names. An error of the disk is one: files that are not seen would be taken for deleted ones. */
MUST_CHECK int move_sync_scan(struct move_sync *y, struct fault *fault);
struct move_sync_file *move_sync_find_file(struct move_sync *y, struct str id);
const char *move_sync_file_z(struct move_sync *y, const struct move_sync_file *file); /* its name, for people; "" when there is no memory */
/* The message as the server has it. -E_NOT_FOUND: it has just gone; -E_TOO_BIG, ... */
MUST_CHECK int move_sync_read(struct move_sync *y, const struct move_sync_file *file, struct buf *out, int64_t *ret_date_s);
/* 0; -E_NOT_FOUND: somebody has changed its name meanwhile. Durable with move_sync_settle(). */
MUST_CHECK int move_sync_set_flags(struct move_sync *y, struct move_sync_file *file, unsigned flags);
MUST_CHECK int move_sync_unlink(struct move_sync *y, const struct move_sync_file *file);
MUST_CHECK int move_sync_settle(struct move_sync *y, struct fault *fault);

/* ---- the mailbox (sync_there.c) ---- */

/* What is there, and with which flags; with CONDSTORE only what has changed. */
MUST_CHECK int move_sync_list(struct move_sync *y, struct fault *fault);
/* Links messages that are there to files that may be them: same size, same header. */
MUST_CHECK int move_sync_match(struct move_sync *y, struct fault *fault);
/* It is known now whether it was: the state's row about that goes. */
void move_sync_sent(struct move_sync *y, const struct move_sync_file *file);
/* All files that are no message of the server yet. */
MUST_CHECK int move_sync_send(struct move_sync *y, const struct move_imap_box *box, struct fault *fault);
MUST_CHECK int move_sync_store_flags(struct move_sync *y, struct fault *fault);
