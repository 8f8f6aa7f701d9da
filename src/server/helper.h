/* SPDX-License-Identifier: MIT */
/*
 * Helpers, processes beside the server process that may connect where it may not: the asker (decision 027), the sender
 * (decision 029) and the fetcher (decision 044). helper.c is the supervisor's side, helper_main.c what all of them do at their start.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "conf/conf.h"

struct server_files;

/* What a process of the kind is started with. It wipes what it does not need of the files, and never returns. */
struct server_helper_start {
	const struct conf *conf;
	struct server_files *files;
	int fd; /* its end of the pair */
	int fetcher_fd;     /* the sender's end of the pair to the fetcher; others: -1 */
	pid_t supervisor;
	uint64_t n_lost;    /* how often the server process of this pair was told that all is lost */
};

struct server_helper_kind {
	const char *start_z, *died_z; /* events of the log */
	bool is_lazy;                 /* see helper.c, 4 */
	bool is_of_server;            /* 5 */
	bool (*is_wanted)(const struct conf *conf);
	int (*tell_lost)(int fd);     /* negative: it could not be told; must not block */
	void (*main)(const struct server_helper_start *start); /* never returns */
};

enum server_helper_id { SERVER_ASKER, SERVER_SENDER, SERVER_FETCHER, SERVER_N_HELPERS };
extern const struct server_helper_kind server_asker_kind, server_sender_kind, server_fetcher_kind;

#define SERVER_HELPERS_LEAVING 8 /* that finish what they have, by settings before the last */
#define SERVER_HELPERS_PATIENT 4 /* of them, the newest; the others are asked once more to end */

struct server_helper {
	const struct server_helper_kind *kind;
	int fds[2];         /* ends of the server process and of the helper */
	pid_t pid;          /* 0: none runs */
	pid_t leaving[SERVER_HELPERS_LEAVING]; /* the newest first */
	bool is_wanted;
	uint64_t n_lost;    /* told so often on this pair */
	bool is_untold;     /* something was lost, and the server process does not know yet */
	int64_t started_ms, restart_ms, tell_ms;
	unsigned n_short;   /* lives in a row that were short */
};

void server_helper_init(struct server_helper *h, const struct server_helper_kind *kind);
void server_helper_close(struct server_helper *h); /* ends its processes; accepts one that is only initialized */
/* Before a server process is forked: there is a pair, a new one where the kind is bound to the server process. */
MUST_CHECK int server_helper_pair(struct server_helper *h, struct fault *fault);
void server_helper_server_ended(struct server_helper *h);
/* New settings: whoever runs finishes what it has, and ends; the next is due if they want one. */
void server_helper_configure(struct server_helper *h, const struct conf *conf);
void server_helper_retire(struct server_helper *h);
/* When it is due: starts one, or tells the server process what it has to know before. True: this is the new process, which goes on in kind->main(). */
bool server_helper_start(struct server_helper *h, int64_t max_pause_ms);
/* A child of the supervisor ended: was it one of this helper's? Then another is started when it is due. */
bool server_helper_ended(struct server_helper *h, pid_t pid, int status, int64_t max_pause_ms);
/* When one is to be started; INT64_MAX: not by the clock. */
int64_t server_helper_due_ms(const struct server_helper *h);
/* One is to be started as soon as this is readable; -1: it does not depend on that. */
int server_helper_poll_fd(const struct server_helper *h);

/* ---- helper_main.c: in the new process ---- */

/* Logs and ends the process, which is started again. */
_Noreturn void server_helper_fail(const char *event_z, const char *why_z);
/*
 * The first steps of all: what the supervisor has open is closed, the user is changed, no capability is left, SIGTERM comes by the descriptor
 * that it gives back. Files and libraries must be read after it and before the cage. Never returns a failure.
 */
int server_helper_begin(const struct server_helper_start *start, const char *event_z);
/* A copy of one file with a NUL behind it, in *ret_n without it; NULL when the settings name none. */
char *server_helper_file(const struct server_helper_start *start, const char *path_z, size_t *ret_n);
