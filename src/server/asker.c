/* SPDX-License-Identifier: MIT */
/*
 * The supervisor's side of the asker (asker_main.c): one pair of sockets for all server processes and askers that come and go,
 * and one process at the other end.
 *
 *  1. Both ends stay open here, so what the server process asks while no asker runs waits for the next one.
 *  2. When an asker dies, what it was working at is lost. The server process is told so at once, with the id 0
 *     (sasl/ask.h), and answers "try again later" to whoever waits.
 *  3. New settings make a new asker; the old one finishes what it has, and is not ours any more.
 */
#include "server/server_int.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "sasl/ask.h"
#include "sasl/sasl.h"

int server_asker_open(struct server_asker *a, struct fault *fault)
{
	*a = (struct server_asker){ .fds = { -1, -1 } };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, a->fds) < 0)
		return fault_errno(fault, errno, "cannot make a pair of sockets");
	return 0;
}

void server_asker_close(struct server_asker *a)
{
	if (a->pid > 0) {
		kill(a->pid, SIGKILL);
		waitpid(a->pid, NULL, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(a->fds); i++)
		if (a->fds[i] >= 0)
			close(a->fds[i]);
	*a = (struct server_asker){ .fds = { -1, -1 } };
}

/* Sets when the next one is due; gives the pause before it. */
static int64_t plan(struct server_asker *a, int64_t max_pause_ms)
{
	int64_t now = clock_mono_ms(), pause_ms;

	a->n_short = server_n_short(a->n_short, now - a->started_ms);
	pause_ms = server_restart_pause_ms(a->n_short, max_pause_ms);
	a->restart_ms = now + pause_ms;
	return pause_ms;
}

bool server_asker_start(struct server_asker *a, const struct conf *conf)
{
	const struct sasl_conf *auth = conf_get(conf, &sasl_conf_table);
	const struct server_conf *server = conf_get(conf, &server_conf_table);
	pid_t pid;

	if (a->pid > 0)
		kill(a->pid, SIGTERM);
	a->pid = 0;
	a->is_wanted = auth->oauth_introspection_url[0] != '\0';
	if (!a->is_wanted)
		return false;
	a->started_ms = clock_mono_ms();
	pid = fork();
	if (pid == 0)
		return true;
	if (pid < 0) {
		LOG(ERROR, "asker.start", F_Z("fault", "cannot start a process"));
		(void)plan(a, server->restart_pause_ms);
		return false;
	}
	a->pid = pid;
	return false;
}

static void tell_lost(const struct server_asker *a)
{
	const struct sasl_ask_answer all = { .id = 0 };

	if (send(a->fds[1], &all, SASL_ASK_ANSWER_HEAD, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		LOG(WARN, "asker.died", F_Z("fault", "cannot tell the server process, whose logins wait for their timeout"));
}

bool server_asker_ended(struct server_asker *a, pid_t pid, int status, int64_t max_pause_ms)
{
	int64_t pause_ms;

	if (pid != a->pid)
		return false;
	a->pid = 0;
	tell_lost(a);
	pause_ms = plan(a, max_pause_ms);
	LOG(ERROR, "asker.died", F_INT("status", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
	    F_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0), F_Z("then", "starting it again"), F_INT("in_ms", pause_ms));
	return true;
}

int64_t server_asker_due_ms(const struct server_asker *a)
{
	return a->is_wanted && a->pid == 0 ? a->restart_ms : INT64_MAX;
}
