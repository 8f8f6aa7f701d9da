/* SPDX-License-Identifier: MIT */
/* A message that `send` makes of its options (mime_compose): --from, --to, --subject, --attach. The main thread only. */
#pragma once

#include <stdio.h>

#include "cli/cli.h"
#include "mime/mime.h"

struct draft {
	struct mime_draft d; /* slices of the arguments, of the arena, and of the files */
	struct mime_attachment *files;
	struct buf *bytes; /* of each file */
	size_t n_files;
};

/* Whether the options ask for one: a subject or a file. */
bool draft_is_wanted(const struct cli_args *args);
/* Reads who it is from (--from, or else from_z if not NULL) and for; at most CLI_OPTIONS_MAX recipients. -E_USAGE, in the fault which option. */
MUST_CHECK int draft_addresses(struct draft *draft, const struct cli_args *args, const char *from_z, struct arena *a,
			       struct fault *fault);
/* The whole message behind what is in out, with the files, which are read now; text: lines of any kind. Once for each draft. */
MUST_CHECK int draft_make(struct draft *draft, const struct cli_args *args, struct str text,
			  struct buf *out, struct fault *fault);
void draft_fini(struct draft *draft);

/* Local part and domain as they stand in an envelope; in the arena. Empty: longer than any may be. */
struct str draft_addr_spec(const struct mime_address *address, struct arena *a);
/* Minutes east of UTC, here and then. */
int draft_zone_min(int64_t at_s);
/* All of a file to the end of out; -E_TOO_BIG, -E_IO. */
MUST_CHECK int draft_read_file(FILE *f, const char *name_z, struct buf *out, struct fault *fault);
