/* SPDX-License-Identifier: MIT */
/*
 * Helpers: processes beside the server process that make its connections, because it may make none. The supervisor's side of all
 * of them; what each is and does stands in its own file (asker_main.c, sender_main.c, fetcher_main.c). A pair of sockets leads from the server
 * process, that of the fetcher from the sender, to whichever process is the helper now.
 *
 *  1. Both ends stay open here, so what the server process says while no helper runs waits for the next one.
 *  2. When a helper dies, what it was working at is lost, and what it had not taken yet is thrown away. The server process
 *     is told so at once, by the kind's tell_lost(). What it hands over before it has read that is for nobody: the next helper
 *     knows how often it was told (n_lost), and what was handed over too early says a smaller number.
 *  3. New settings make a new helper; the old one finishes what it has and ends. Which of them took what the server process does not know. So
 *     when one dies on the way all are ended before it is told: nobody works at what counts as lost.
 *     Who still has something after SERVER_HELPERS_PATIENT further settings gets SIGTERM again, and gives up what it has if it can.
 *  4. A lazy one is started when something waits for it, and may end by itself, with status 0, when nothing does.
 *  5. One that is bound to the server process ends with it, and the next server process has a pair of its own: so it never hears
 *     of what its predecessor asked, and what that one asked is not done behind its back.
 */
#include "server/helper.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/server_int.h"

#define TELL_AGAIN_MS 50
#define SOCKET_ROOM (1 << 20)

static void close_pair(struct server_helper *h)
{
	for (size_t i = 0; i < ARRAY_LEN(h->fds); i++)
		if (h->fds[i] >= 0)
			close(h->fds[i]);
	h->fds[0] = h->fds[1] = -1;
	h->is_untold = false;
	h->n_lost = 0;
}

void server_helper_init(struct server_helper *h, const struct server_helper_kind *kind)
{
	*h = (struct server_helper){ .kind = kind, .fds = { -1, -1 } };
}

static void end_now(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static void end_all(struct server_helper *h)
{
	end_now(&h->pid);
	for (size_t i = 0; i < ARRAY_LEN(h->leaving); i++)
		end_now(&h->leaving[i]);
}

void server_helper_close(struct server_helper *h)
{
	end_all(h);
	close_pair(h);
}

int server_helper_pair(struct server_helper *h, struct fault *fault)
{
	const int room = SOCKET_ROOM;

	if (h->fds[0] >= 0 && !h->kind->is_of_server)
		return 0;
	end_all(h);
	close_pair(h);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, h->fds) < 0)
		return fault_errno(fault, errno, "cannot make a pair of sockets");
	/* for some attempts with their messages (queue/attempt.c) */
	if (setsockopt(h->fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(h->fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return 0;
}

void server_helper_server_ended(struct server_helper *h)
{
	if (!h->kind->is_of_server)
		return;
	end_all(h);
	close_pair(h);
}

/* Sets when the next one is due; gives the pause before it. */
static int64_t plan(struct server_helper *h, int64_t max_pause_ms)
{
	int64_t now = clock_mono_ms(), pause_ms;

	h->n_short = server_n_short(h->n_short, now - h->started_ms);
	pause_ms = server_restart_pause_ms(h->n_short, max_pause_ms);
	h->restart_ms = now + pause_ms;
	return pause_ms;
}

static void throw_away_unread(const struct server_helper *h)
{
	char byte;

	while (recv(h->fds[1], &byte, 1, MSG_DONTWAIT) > 0)
		;
}

/* When the server process has much to read it is told later, and no other helper is started before it was. */
static void lost(struct server_helper *h)
{
	end_all(h);
	throw_away_unread(h);
	h->is_untold = h->kind->tell_lost(h->fds[1]) < 0;
	h->n_lost += !h->is_untold;
	h->tell_ms = clock_mono_ms() + TELL_AGAIN_MS;
}

void server_helper_retire(struct server_helper *h)
{
	if (h->pid == 0)
		return;
	if (h->leaving[SERVER_HELPERS_LEAVING - 1] > 0) {
		LOG(WARN, h->kind->died_z, F_Z("fault", "settings changed again and again, and the oldest still has something to do"),
		    F_Z("then", "ending all of them"));
		lost(h);
		return;
	}
	kill(h->pid, SIGTERM);
	for (size_t i = SERVER_HELPERS_PATIENT - 1; i < ARRAY_LEN(h->leaving); i++)
		if (h->leaving[i] > 0)
			kill(h->leaving[i], SIGTERM);
	memmove(&h->leaving[1], &h->leaving[0], (SERVER_HELPERS_LEAVING - 1) * sizeof(h->leaving[0]));
	h->leaving[0] = h->pid;
	h->pid = 0;
}

void server_helper_configure(struct server_helper *h, const struct conf *conf)
{
	server_helper_retire(h);
	h->is_wanted = h->kind->is_wanted(conf);
	h->restart_ms = clock_mono_ms();
}

bool server_helper_start(struct server_helper *h, int64_t max_pause_ms)
{
	pid_t pid;

	if (h->is_untold) {
		lost(h);
		return false;
	}
	h->started_ms = clock_mono_ms();
	pid = fork();
	if (pid == 0)
		return true;
	if (pid < 0) {
		LOG(ERROR, h->kind->start_z, F_Z("fault", "cannot start a process"));
		(void)plan(h, max_pause_ms);
		return false;
	}
	h->pid = pid;
	return false;
}

static bool take_leaving(struct server_helper *h, pid_t pid)
{
	for (size_t i = 0; i < ARRAY_LEN(h->leaving); i++)
		if (h->leaving[i] == pid) {
			h->leaving[i] = 0;
			return true;
		}
	return false;
}

bool server_helper_ended(struct server_helper *h, pid_t pid, int status, int64_t max_pause_ms)
{
	const bool is_ours = pid == h->pid, is_orderly = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	int64_t pause_ms;

	if (is_ours)
		h->pid = 0;
	else if (!take_leaving(h, pid))
		return false;
	if (is_orderly && (!is_ours || h->kind->is_lazy)) {
		h->restart_ms = clock_mono_ms();
		return true;
	}
	lost(h);
	pause_ms = plan(h, max_pause_ms);
	LOG(ERROR, h->kind->died_z, F_INT("status", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
	    F_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0), F_Z("then", "starting it again"), F_INT("in_ms", pause_ms));
	return true;
}

int64_t server_helper_due_ms(const struct server_helper *h)
{
	if (h->is_untold)
		return h->tell_ms;
	if (!h->is_wanted || h->pid > 0 || h->fds[0] < 0) /* no pair: no server process */
		return INT64_MAX;
	return h->kind->is_lazy && clock_mono_ms() >= h->restart_ms ? INT64_MAX : h->restart_ms;
}

int server_helper_poll_fd(const struct server_helper *h)
{
	return h->kind->is_lazy && h->is_wanted && !h->is_untold && h->pid == 0 && clock_mono_ms() >= h->restart_ms ? h->fds[1] : -1;
}
