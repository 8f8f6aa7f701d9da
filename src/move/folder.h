/* SPDX-License-Identifier: MIT */
/* Inside move: safe access to files of others, and the list of messages of one folder. */
#pragma once

#include "move/move.h"

#define MOVE_LIST_MAX (512u << 20) /* of a dovecot-uidlist */

/*
 * Opens what the user named, with flags of open(). For root a symbolic link on the way is followed only if root made it: another one may
 * lead elsewhere than when root looked. make: a directory, made if it is not there. 0 or more: the descriptor; -E_NOT_FOUND, ... with fault.
 */
MUST_CHECK int move_open_path(const char *path_z, int flags, bool make, struct fault *fault);
/* Below dir_fd, without following a symbolic link; a directory, or -E_NOT_FOUND, -E_CANNOT (something else stands there). */
MUST_CHECK int move_open_dir(int dir_fd, const char *name_z);
/* Is the directory a Maildir folder? */
bool move_is_folder(int fd);
/* cur, new or tmp */
bool move_is_part_of_folder(const char *name_z);
/*
 * The bytes of a regular file, added to out. *ret_mtime_s may be NULL. -E_NOT_FOUND; -E_CANNOT: no regular file; -E_TOO_BIG: more than
 * out can hold; -E_DENIED; -E_IO. Never waits for a FIFO or a device.
 */
MUST_CHECK int move_read_file(int dir_fd, const char *name_z, struct buf *out, int64_t *ret_mtime_s);
void move_close_fd(int *fd); /* for AUTO() */
/* The names in a directory, sorted, so that each run is like the one before; the array and each are the caller's. How many. */
size_t move_list_names(int fd, char ***ret);

struct move_entry {
	char *file_z;
	size_t base_n;   /* of file_z: the part that never changes */
	uint32_t uid;    /* 0: none yet */
	bool is_new;     /* in new, not in cur */
};
/* The messages of one Maildir folder in the order of UIDs, those without one at the end by name. */
struct move_folder {
	int fd;
	struct move_uidlist list; /* uidvalidity 0: there is none */
	struct move_entry *v;
	size_t n, cap;
	char *keywords_z[26];
	unsigned n_strange;       /* lines of dovecot-uidlist that are not understood */
};
/* fd stays the caller's. 0 or negative with fault. */
MUST_CHECK int move_folder_read(int fd, struct move_folder *ret, struct fault *fault);
void move_folder_fini(struct move_folder *f);
