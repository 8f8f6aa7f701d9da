/* SPDX-License-Identifier: MIT */
/* See progress.h. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"

#define SHOW_MS 200

void cli_progress_begin(struct cli_progress *p, bool is_quiet)
{
	*p = (struct cli_progress){ .is_quiet = is_quiet, .is_terminal = isatty(STDERR_FILENO) == 1, .begun_ms = clock_mono_ms() };
}

static uint64_t per_second(const struct cli_progress *p, uint64_t done)
{
	int64_t ms = clock_mono_ms() - p->begun_ms;

	return ms > 0 ? done * 1000 / (uint64_t)ms : 0;
}

static void clear(struct cli_progress *p)
{
	if (p->has_line)
		fprintf(stderr, "\r\033[K");
	p->has_line = false;
}

void cli_progress_say(struct cli_progress *p, const char *where_z, const char *why_z)
{
	clear(p);
	fputs("martlet: ", stderr);
	if (where_z) {
		cli_print(stderr, str_z(where_z), false);
		fputs(": ", stderr);
	}
	cli_print(stderr, str_z(why_z), false);
	fputc('\n', stderr);
}

static void print_box(const struct cli_progress *p)
{
	cli_print(stderr, str_z(p->box), false);
	fputc(':', stderr);
}

/* The mailbox that is done. */
static void finish_box(struct cli_progress *p, uint64_t done)
{
	clear(p);
	if (!p->box[0] || p->is_quiet)
		return;
	print_box(p);
	fprintf(stderr, " %" PRIu64 " messages\n", done - p->start);
}

void cli_progress_box(struct cli_progress *p, struct str name, uint64_t of, uint64_t done)
{
	finish_box(p, done);
	snprintf(p->box, sizeof(p->box), "%" STR_FMT, STR_ARG(str_head(name, sizeof(p->box) - 1)));
	p->of = of;
	p->start = done;
	p->shown_ms = 0;
}

void cli_progress_show(struct cli_progress *p, uint64_t done)
{
	int64_t now = clock_mono_ms();

	if (p->is_quiet || !p->is_terminal || now - p->shown_ms < SHOW_MS)
		return;
	p->shown_ms = now;
	clear(p);
	print_box(p);
	fprintf(stderr, " %" PRIu64, done - p->start);
	if (p->of)
		fprintf(stderr, " of %" PRIu64, p->of);
	fprintf(stderr, ", %" PRIu64 " a second", per_second(p, done));
	fflush(stderr);
	p->has_line = true;
}

void cli_progress_end(struct cli_progress *p, uint64_t done)
{
	finish_box(p, done);
	p->box[0] = '\0';
}
