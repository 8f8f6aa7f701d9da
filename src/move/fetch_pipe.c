/* SPDX-License-Identifier: MIT */
/*
 * Targets that keep no mail themselves: standard output, as mboxrd, so that one message can be told from the next; and a command for each message, on its standard
 * input, with LF where the message has CRLF throughout, as programs of mail delivery expect it. Its exit status counts: 0 took it, anything else did not.
 */
#include "move/fetch.h"
#include "move/folder.h"
#include "move/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

/* ---- standard output ---- */

static int open_nothing(struct move_target *t, struct fault *fault)
{
	(void)fault;
	t->own = t;
	return 0;
}

static void close_nothing(struct move_target *t)
{
	t->own = NULL;
}

static int add_stdout(struct move_target *t, const struct move_fetched *m, struct fault *fault)
{
	AUTO(buf_fini) struct buf text = BUF_INIT((size_t)2 << 30);
	struct move_message as = { .bytes = m->bytes, .flags = m->flags, .date_s = m->date_s != 0 ? m->date_s : clock_wall_ms() / 1000 };

	(void)t;
	if (move_add_mboxrd(&text, &as, m->flags != 0) < 0)
		return fault_set(fault, -E_LIMIT, "there is not enough memory for a message");
	return move_write_all(STDOUT_FILENO, buf_str(&text), fault);
}

static int commit_stdout(struct move_target *t, struct fault *fault)
{
	struct stat st;

	(void)t;
	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && fsync(STDOUT_FILENO) < 0)
		return fault_errno(fault, errno, "cannot sync the standard output");
	return 0;
}

const struct move_target_kind move_to_stdout = { "stdout", 64, open_nothing, add_stdout, commit_stdout, close_nothing };

/* ---- a command ---- */

/* A file without a name: the command may read it or not, there is no pipe that breaks. */
static int message_file(struct str bytes, struct fault *fault)
{
	AUTO(buf_fini) struct buf lf = BUF_INIT((size_t)2 << 30);
	int fd = memfd_create("message", MFD_CLOEXEC), r;

	if (fd < 0)
		return fault_errno(fault, errno, "cannot keep a message for the command");
	if (move_is_canonical(bytes)) {
		move_add_lf(&lf, bytes);
		bytes = buf_str(&lf);
	}
	r = buf_overflowed(&lf) ? fault_set(fault, -E_LIMIT, "there is not enough memory for a message") : move_write_all(fd, bytes, fault);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = fault_errno(fault, errno, "cannot read a message again");
	if (r < 0)
		move_close_fd(&fd);
	return r < 0 ? r : fd;
}

/* Ours without the variable that has the password. The list is to be freed, what it points to is not. */
static char **environment(const char *secret_z)
{
	size_t n = 0, kept = 0;
	char **list;

	while (environ[n] != NULL)
		n++;
	list = mem_alloc(n + 1, sizeof(*list));
	for (size_t i = 0; i < n; i++) {
		struct str rest = str_z(environ[i]), name;

		if (secret_z == NULL || !str_split(&rest, '=', &name) || !str_eq(name, str_z(secret_z)))
			list[kept++] = environ[i];
	}
	list[kept] = NULL;
	return list;
}

/* Its output is not ours: it goes where errors go, so that lines of --json stay alone. */
static int run(const struct move_target *t, int fd, int *ret_status, struct fault *fault)
{
	const char *argv[] = { "/bin/sh", "-c", t->path_z, NULL };
	char **env_z = environment(t->secret_env_z);
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	err = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, env_z);
	posix_spawn_file_actions_destroy(&actions);
	mem_free(env_z);
	if (err != 0)
		return fault_errno(fault, err, "cannot run the command");
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return fault_errno(fault, errno, "cannot wait for the command");
	return 0;
}

static int add_command(struct move_target *t, const struct move_fetched *m, struct fault *fault)
{
	AUTO(move_close_fd) int fd = message_file(m->bytes, fault);
	int status = 0, r = fd < 0 ? fd : run(t, fd, &status, fault);

	if (r < 0)
		return r;
	if (WIFSIGNALED(status))
		return fault_set(fault, -E_CANNOT, "the command was ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status) == 0 ? 0 : fault_set(fault, -E_CANNOT, "the command ended with status %d", WEXITSTATUS(status));
}

static int commit_command(struct move_target *t, struct fault *fault)
{
	(void)t;
	(void)fault;
	return 0;
}

const struct move_target_kind move_to_command = { "command", 1, open_nothing, add_command, commit_command, close_nothing };
