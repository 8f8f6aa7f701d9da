/* SPDX-License-Identifier: MIT */
/*
 * What `martlet export` writes: a mailbox after the other, messages in the order of UIDs. A second run into the same directory adds what is
 * new. Files are made below the directory only, through no symbolic link, and are on the disk when a mailbox is closed. One thread.
 */
#pragma once

#include "move/move.h"

struct move_writer {
	const struct move_writing *how;
	const char *path_z;
	int fd;               /* of the directory */
	unsigned lost_keywords;
	void *state;          /* of the mailbox at hand */
};

/* The kinds: Maildir++ with Dovecot's files (maildir_out.c), mboxrd (mbox_out.c), a file for each message (eml_out.c). */
struct move_writing {
	const char *name;
	/* *ret_from: UIDs below it are there. -E_CANNOT: what is there is of another mailbox. */
	int (*open)(struct move_writer *w, const struct move_box *box, uint32_t *ret_from, struct fault *fault);
	int (*add)(struct move_writer *w, const struct move_message *m, struct fault *fault);
	/* is_done false: it was not finished; gives back what open took. */
	int (*close)(struct move_writer *w, bool is_done, struct fault *fault);
	/* All subscribed names; may be NULL. */
	int (*subscriptions)(struct move_writer *w, const struct str *names, size_t n, struct fault *fault);
};
extern const struct move_writing move_maildir_writing, move_mbox_writing, move_eml_writing;

/* Makes the directory if it is not there. */
MUST_CHECK int move_writer_open(const char *path_z, const struct move_writing *how, struct move_writer *ret, struct fault *fault);
void move_writer_close(struct move_writer *w);

/* ---- for the kinds ---- */

/* All of it. 0 or negative with fault, as the following. */
MUST_CHECK int move_write_all(int fd, struct str s, struct fault *fault);
/* Makes a directory below another, or takes one that is there; its descriptor. */
MUST_CHECK int move_make_dir(int dir_fd, const char *name_z, struct fault *fault);
/* A new file for writing; one of that name goes. */
MUST_CHECK int move_create(int dir_fd, const char *name_z, struct fault *fault);
/* Syncs the file, gives it its name in the same directory, syncs that. */
MUST_CHECK int move_put(int dir_fd, int fd, const char *temp_z, const char *name_z, struct fault *fault);
/* Has every line CRLF, and stands no CR alone? Then it may be stored with LF and comes back as it was. */
bool move_is_canonical(struct str bytes);
void move_add_lf(struct buf *out, struct str bytes); /* CRLF -> LF */
/* The message as it stands in an mbox, with its From_ line (mbox_out.c); has_status: with the fields that tell flags. 0; -E_LIMIT. */
MUST_CHECK int move_add_mboxrd(struct buf *out, const struct move_message *m, bool has_status);
