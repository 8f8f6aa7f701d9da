/* SPDX-License-Identifier: MIT */
/*
 * backup DIR: this process copies (db/backup.h), as the server's user; a running server is only asked to keep all packs
 * until we are done. It is asked again and again, so that it is free again soon when we die.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#include "base/clock.h"
#include "base/log.h"
#include "db/backup.h"
#include "server/admin.h"
#include "server/server.h"
#include "store/store.h"

#define ASK_AGAIN_MS 30000 /* well within what the server promises */

struct backup {
	const char *data_dir_z;
	bool is_held; /* the server has promised once */
	int64_t ask_at_ms;
	json_t *damaged;
};

/* ---- the running server ---- */

static int ask_hold(struct backup *b, struct fault *fault)
{
	json_t *request = json_object();
	json_t *answer = NULL;
	int r = cli_ask_running(b->data_dir_z, "backup.hold", request, &answer, fault);

	json_decref(request);
	if (r == -E_NOT_FOUND && b->is_held)
		r = fault_set(fault, -E_CLOSED, "the server stopped during the backup; begin again");
	else if (r == 0 && b->is_held && !json_is_true(json_object_get(answer, "was_held")))
		r = fault_set(fault, -E_TIMEOUT, "the server was restarted or did not hear from us for too long; begin again");
	json_decref(answer);
	if (r < 0)
		return r;
	b->is_held = true;
	b->ask_at_ms = clock_mono_ms() + ASK_AGAIN_MS;
	return 0;
}

static int go_on(void *ctx, struct fault *fault)
{
	struct backup *b = ctx;

	return b->is_held && clock_mono_ms() >= b->ask_at_ms ? ask_hold(b, fault) : 0;
}

static void keep_damaged(void *ctx, const char *text_z)
{
	struct backup *b = ctx;

	json_array_append_new(b->damaged, admin_json_str(str_z(text_z)));
}

/* ---- whose the copy is ---- */

/* As root: a new directory becomes the server's, who then writes to it and may serve from it. */
static int give_dir(const char *dir_z, const struct server_conf *s, struct fault *fault)
{
	char space[4096];
	struct passwd pw;
	struct passwd *found = NULL;
	bool is_new = mkdir(dir_z, 0700) == 0;

	if (!is_new && errno != EEXIST)
		return fault_errno(fault, errno, "cannot make %s", dir_z);
	if (!is_new || geteuid() != 0 || !s->user[0])
		return 0;
	getpwnam_r(s->user, &pw, space, sizeof(space), &found);
	if (!found)
		return fault_set(fault, -E_USAGE, "[server] user = %s: no such user", s->user);
	if (chown(dir_z, pw.pw_uid, pw.pw_gid) < 0)
		return fault_errno(fault, errno, "cannot give %s to user %s", dir_z, s->user);
	return 0;
}

/* ---- the command ---- */

static int copy_once(const char *dir_z, struct backup *b, struct db_backup_counts *n, struct fault *fault)
{
	int r = ask_hold(b, fault);
	const struct db_backup_job job = {
		.from_z = b->data_dir_z,
		.to_z = dir_z,
		.packs = &store_backup_packs,
		.is_alone = r == -E_NOT_FOUND,
		.go_on = go_on,
		.damaged = keep_damaged,
		.ctx = b,
	};

	return r < 0 && r != -E_NOT_FOUND ? r : db_backup(&job, n, fault);
}

/* Waits for another command that has the data open; a server that begins meanwhile is asked. */
static int copy(const char *dir_z, struct backup *b, struct db_backup_counts *n, struct fault *fault)
{
	int64_t until_ms = clock_mono_ms() + CLI_DATA_WAIT_MS;
	int r;

	while ((r = copy_once(dir_z, b, n, fault)) == -E_BUSY && !b->is_held && clock_mono_ms() < until_ms)
		usleep(CLI_DATA_LOOK_MS * 1000);
	return r;
}

static int run(const struct cli_args *args, const char *dir_z, struct backup *b, struct db_backup_counts *n,
	       struct fault *fault)
{
	struct conf *conf = NULL;
	const struct server_conf *s;
	bool was_root = geteuid() == 0;
	int r = cli_settings_need(args, &conf, fault);

	if (r < 0)
		return r;
	s = conf_get(conf, &server_conf_table);
	b->data_dir_z = s->data_dir;
	r = server_privileges_prepare(s, fault);
	if (r == 0)
		r = give_dir(dir_z, s, fault);
	if (r == 0)
		r = server_privileges_drop(s, fault);
	if (r == 0)
		r = copy(dir_z, b, n, fault);
	if (r == -E_DENIED && was_root && geteuid() != 0) {
		const struct fault why = *fault;

		(void)fault_set(fault, r, "%s; it is made as user %s, who has to be able to write there and to enter the directories above", why.text, s->user);
	}
	conf_unref(conf);
	return r;
}

enum cli_status cli_backup(const struct cli_command *cmd, const struct cli_args *args)
{
	struct backup b = { .damaged = json_array() };
	struct db_backup_counts n = { 0 };
	struct fault fault = { 0 };
	int r;

	(void)cmd;
	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	r = run(args, args->positional[0], &b, &n, &fault);
	if (r < 0) {
		json_decref(b.damaged);
		return cli_fail(args, r, &fault);
	}
	return cli_result(args, json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "damaged", b.damaged, "packs",
					  (json_int_t)n.packs, "pack_bytes", (json_int_t)n.bytes, "packs_copied",
					  (json_int_t)n.copied, "bytes_copied", (json_int_t)n.copied_bytes,
					  "database_bytes", (json_int_t)n.database_bytes, "packs_removed",
					  (json_int_t)n.removed, "clean", n.damaged == 0));
}
