/* SPDX-License-Identifier: MIT */
/*
 * The subcommands. One exit-status convention for all of them; texts for people on standard output, errors on standard
 * error with what to do about them, --json for scripts.
 */
#pragma once

#include <stdio.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1,      /* it was understood and could not be done */
	CLI_USAGE = 2,       /* wrong arguments or settings */
	CLI_NOT_FOUND = 3,   /* the thing that was named is not there */
	CLI_EXISTS = 4,      /* the thing to be made is there already */
	CLI_UNAVAILABLE = 5, /* trouble that may pass: data in use, disk full, I/O */
	/* `send` and `fetch` have more of their own, from 10 on: where it ended; `check` from 20 on: whose fault it is */
};

struct cli_option {
	const char *name;    /* "--dir" */
	const char *value;   /* "DIR" in the help; NULL: a switch */
	const char *help;
};

#define CLI_OPTIONS_MAX 256 /* of one call; recipients and files of `send` are options */

struct cli_args {
	const char *positional[32];
	size_t n_positional;
	struct {
		const char *name, *value;
	} options[CLI_OPTIONS_MAX];
	size_t n_options;
};

struct cli_command {
	const char *name;      /* "serve", or "account add" */
	const char *usage;     /* positional arguments, one word each: "ALIAS [ACCOUNT]"; at most as many as positional[]; a last "[X...]" means all of it */
	const char *help;      /* one line */
	const struct cli_option *options; /* ends with a row without name */
	enum cli_status (*run)(const struct cli_command *cmd, const struct cli_args *args);
	int (*run_words)(int argc, char **argv); /* instead of run: takes the words as they are behind argv[0], gives the exit status */
	const char *verb;      /* administrative commands: the verb, and the names of its positional arguments */
	const char *arg_names[4];
	const char *rest_z;    /* the name of an array of those behind them; NULL: there may be none */
	size_t n_required;     /* fewer positional arguments are refused before run() */
	const char *switch_z;  /* of the verb, that the command stands for; NULL: none */
	const char *empty_z;   /* what is said instead of a table without rows; JSON is [] */
};

/* How this program was called, for lines to paste. */
extern const char *cli_program_z;

extern const struct cli_command cli_commands[];
extern const size_t cli_n_commands;

/* The value of an option ("" for a switch), or NULL. */
const char *cli_option(const struct cli_args *args, const char *name);
/* Splits argv by the command's options. CLI_OK, or CLI_USAGE after saying what is wrong. */
enum cli_status cli_args_parse(const struct cli_command *cmd, int argc, char **argv, struct cli_args *ret);
void cli_usage(const struct cli_command *cmd);

/* What may be a stranger's words: nothing of them moves the cursor (text_clean()). An LF is one, or "?". */
void cli_print(FILE *to, struct str s, bool keeps_lines);
/* Says the fault on standard error ("martlet: ..."), with --json also as {"error", "text"} on standard output; gives the exit status of a code. */
enum cli_status cli_fail(const struct cli_args *args, int code, const struct fault *fault);

/* The same of arguments that could not be split: --json counts wherever it stands. CLI_USAGE. */
enum cli_status cli_refuse(int argc, char **argv, const struct fault *fault);

/* A connection to the server that runs on that data directory; -E_NOT_FOUND when none does. */
MUST_CHECK int cli_control_connect(const char *data_dir_z, struct fault *fault);
/* Asks it; *ret is a new value. The negative code of a refusal, with its text. */
MUST_CHECK int cli_control_ask(int fd, const char *verb, json_t *request, json_t **ret, struct fault *fault);
void cli_close_fd(int *fd); /* for AUTO(); accepts a pointer to -1 */

/* The verb in the running server, or over the opened data when none runs. *ret is a new value. */
MUST_CHECK int cli_ask(const struct cli_args *args, const char *verb, json_t *request, json_t **ret, struct fault *fault);

#define CLI_DATA_WAIT_MS 5000 /* for another command; as long as a server that starts (server/process.c) */
#define CLI_DATA_LOOK_MS 50

/*
 * Becomes the server's own user, whose files are then made, and opens the data. 0: they are open, with *ret_fd -1; or a server began meanwhile, and *ret_fd
 * is a connection to it. Waits CLI_DATA_WAIT_MS for another command that has them open, and for a server that has them and does not listen yet; then -E_BUSY.
 */
struct conf_live;
struct server_conf;
struct server_data;
MUST_CHECK int cli_data_open(const struct server_conf *s, struct conf_live *live, struct server_data *data, int *ret_fd, struct fault *fault);

/* Prints the result of a command and frees it; CLI_FAILED when it says that something was found ("clean" is false). */
enum cli_status cli_result(const struct cli_args *args, json_t *result);

/* The settings file that --config or --dir name (DIR/martlet.conf), or the default; in buf. */
const char *cli_config_path(const struct cli_args *args, char *buf, size_t n);
#define CLI_DEFAULT_CONFIG "/etc/martlet/martlet.conf"

/* Those of that file; without one at the default place the defaults. *ret is the caller's (conf_unref). */
struct conf;
MUST_CHECK int cli_settings_load(const struct cli_args *args, struct conf **ret, struct fault *fault);
/* The same, but the file has to be there. */
MUST_CHECK int cli_settings_need(const struct cli_args *args, struct conf **ret, struct fault *fault);
/* What there is to do about settings that could not be taken: there is no file, or it has more mistakes than the one that was told. Others stay as they are. */
void cli_settings_fault(const struct cli_args *args, int code, struct fault *fault);

/* A whole file, appended; at most what out holds. */
MUST_CHECK int cli_file_read(const char *path_z, struct buf *out, struct fault *fault);
/* The first line of a file or of standard input (NULL, "-"), asked for without echo on a terminal. */
MUST_CHECK int cli_read_secret(const char *path_z, struct buf *out, struct fault *fault);
/* Asks the server that runs on that directory. -E_NOT_FOUND without fault: none does. *ret is the caller's. */
MUST_CHECK int cli_ask_running(const char *data_dir_z, const char *verb, json_t *request, json_t **ret, struct fault *fault);

enum cli_status cli_admin(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_explain(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_trace(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_serve(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_demo(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_backup(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_import(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_fetch(const struct cli_command *cmd, const struct cli_args *args);
int cli_sendmail(int argc, char **argv);
enum cli_status cli_send(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_export(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_check(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_doctor(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_check_domain(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_quickstart(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_dns(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_config(const struct cli_command *cmd, const struct cli_args *args);
enum cli_status cli_version(const struct cli_command *cmd, const struct cli_args *args);
