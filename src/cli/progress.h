/* SPDX-License-Identifier: MIT */
/*
 * How far a long command is: on a terminal one line that is written again and again, otherwise a line for each mailbox; with --json
 * neither. All on standard error.
 */
#pragma once

#include "base/str.h"

struct cli_progress {
	bool is_quiet, is_terminal, has_line;
	char box[80];
	uint64_t of, start; /* messages of this mailbox; the count when it began */
	int64_t begun_ms, shown_ms;
};

void cli_progress_begin(struct cli_progress *p, bool is_quiet);
/* A new mailbox; of: its messages, 0 when not known. done: the count of all so far. */
void cli_progress_box(struct cli_progress *p, struct str name, uint64_t of, uint64_t done);
void cli_progress_show(struct cli_progress *p, uint64_t done);
/* A line "martlet: WHERE: WHY" of its own; where_z may be NULL. Both may come from strangers: nothing of them moves the cursor. */
void cli_progress_say(struct cli_progress *p, const char *where_z, const char *why_z);
void cli_progress_end(struct cli_progress *p, uint64_t done);
