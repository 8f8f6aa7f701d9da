/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: reads the settings, binds the listeners, keeps one server process alive. It has one thread and reads
 * nothing from the network. Listeners stay open while a server process that died is replaced.
 *
 *   starting --"R"--> serving --SIGTERM/SIGINT--> stopping --child ends--> return
 *   starting --"E text" (first time)--> return with the text
 *   serving  --child dies--> starting, at once; after 50 ms, 100 ms, ... 5 s when it lives short again and again
 */
#include "server/server_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define SHORT_LIFE_MS 5000     /* one that lived less makes the next pause longer */
#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 5000

struct supervisor {
	const struct server_options *options;
	struct conf *conf;     /* as started: the listeners are bound from it */
	struct conf *latest;   /* as last reloaded: what the next server process gets */
	struct conf *next;     /* handed to the server process, which has not said yet whether it can use it */
	struct server_bound *bound;
	size_t n_bound;
	struct server_files *files;      /* that go with latest: settings, certificates, keys */
	struct server_files *next_files; /* that go with next */
	int files_fd;          /* hands new ones to the server process; -1: none runs */
	bool is_reload_wanted; /* SIGHUP came while next waits for its answer: one set at a time, so answers are never mixed up */
	int signal_fd;
	int ready_fd;          /* reading end while starting, else -1 */
	pid_t child;
	int64_t started_ms;
	int64_t pause_ms;      /* before the last restart */
	bool was_ready;        /* once, ever */
	bool is_stopping;
};

/* systemd's readiness protocol: one datagram to $NOTIFY_SOCKET. */
static void notify_manager(const char *state_z)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, strlen(path));
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state_z, strlen(state_z), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
		LOG(WARN, "server.notify", F_Z("fault", "cannot tell the service manager, ignoring"));
	close(fd);
}

static int bind_all(struct supervisor *s, struct fault *fault)
{
	s->n_bound = conf_count(s->conf, &server_listener_table);
	s->bound = mem_alloc(s->n_bound, sizeof(*s->bound));
	for (size_t i = 0; i < s->n_bound; i++)
		s->bound[i].fd = -1;
	for (size_t i = 0; i < s->n_bound; i++) {
		struct server_bound *b = &s->bound[i];
		mode_t old;
		int r;

		b->conf = conf_get_nth(s->conf, &server_listener_table, i, &b->name_z);
		/* A unix socket is for other programs' users; its directory says who may come near. */
		old = umask(b->conf->address[0] == '/' ? 0 : 077);
		r = net_bind(b->conf->address, (uint16_t)b->conf->port, &b->fd, fault);
		umask(old);
		if (r < 0)
			return r;
	}
	return 0;
}

static void close_bound(struct supervisor *s)
{
	for (size_t i = 0; i < s->n_bound; i++) {
		if (s->bound[i].fd >= 0)
			close(s->bound[i].fd);
		if (s->bound[i].conf && s->bound[i].conf->address[0] == '/')
			unlink(s->bound[i].conf->address);
	}
	mem_free(s->bound);
}

/* In the child; never returns. */
static _Noreturn void run_child(struct supervisor *s, int ready_fd, int files_fd)
{
	const struct server_start start = {
		.options = s->options,
		.first = s->conf,
		.conf = s->latest,
		.files = s->files,
		.bound = s->bound,
		.n_bound = s->n_bound,
		.ready_fd = ready_fd,
		.files_fd = files_fd,
	};

	close(s->signal_fd);
	server_process_main(&start);
}

static void close_pair(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void drop_next(struct supervisor *s)
{
	conf_unref(s->next);
	server_files_free(s->next_files);
	s->next = NULL;
	s->next_files = NULL;
}

static int start_child(struct supervisor *s, struct fault *fault)
{
	int ready[2], files[2];

	drop_next(s); /* the one that was asked is gone */
	if (s->files_fd >= 0)
		close(s->files_fd);
	s->files_fd = -1;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return fault_errno(fault, errno, "cannot make a pipe");
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, files) < 0) {
		close_pair(ready);
		return fault_errno(fault, errno, "cannot make a pair of sockets");
	}
	s->child = fork();
	if (s->child < 0) {
		int errnum = errno;

		close_pair(ready);
		close_pair(files);
		return fault_errno(fault, errnum, "cannot start the server process");
	}
	if (s->child == 0) {
		close(ready[0]);
		close(files[0]);
		run_child(s, ready[1], files[1]);
	}
	close(ready[1]);
	close(files[1]);
	s->ready_fd = ready[0];
	s->files_fd = files[0];
	s->started_ms = clock_mono_ms();
	return 0;
}

/* The child's one message. Negative: it could not start and never has, so there is no sense in trying again. */
static int hear_child(struct supervisor *s, struct fault *fault)
{
	char message[sizeof(struct fault) + 1];
	ssize_t n = read(s->ready_fd, message, sizeof(message) - 1);

	close(s->ready_fd);
	s->ready_fd = -1;
	if (n > 0 && message[0] == 'R') {
		notify_manager("READY=1");
		if (!s->was_ready && s->options->ready)
			s->options->ready(s->conf);
		s->was_ready = true;
		return 0;
	}
	message[n > 0 ? n : 0] = '\0';
	if (s->was_ready) {
		LOG(ERROR, "server.start", F_Z("fault", n > 0 ? message + 1 : "died while starting"));
		return 0;
	}
	if (n <= 0)
		return fault_set(fault, -E_CANNOT, "the server process died while starting");
	return fault_set(fault, -message[0], "%s", message + 1);
}

static void reload(struct supervisor *s)
{
	struct fault fault = { 0 };
	struct conf *next = NULL;
	struct server_files *files = NULL;
	int r;

	s->is_reload_wanted = s->next != NULL;
	if (s->is_reload_wanted)
		return;
	r = server_files_load(s->options->config_path_z, &next, &files, &fault);
	if (r == 0)
		r = server_files_send(s->files_fd, files, &fault);
	if (r < 0) {
		LOG(ERROR, "server.reload", F_Z("result", "failed, keeping the old settings"), F_Z("fault", fault.text));
		conf_unref(next);
		server_files_free(files);
		return;
	}
	s->next = next;
	s->next_files = files;
	kill(s->child, SIGHUP);
}

static void log_as_set(const struct conf *conf)
{
	const struct server_conf *s = conf_get(conf, &server_conf_table);

	log_setup(STDERR_FILENO, (enum log_level)s->log_level, (enum log_format)s->log_format);
}

/* The server process tells how the reload went: only what it runs with is good enough for its successor. */
static void hear_reload(struct supervisor *s)
{
	char answer = 0;

	if (recv(s->files_fd, &answer, 1, MSG_DONTWAIT) != 1)
		return;
	if (answer == 'A' && s->next) {
		conf_unref(s->latest);
		server_files_free(s->files);
		s->latest = s->next;
		s->files = s->next_files;
		s->next = NULL;
		s->next_files = NULL;
		log_as_set(s->latest);
	}
	drop_next(s);
	if (s->is_reload_wanted)
		reload(s);
}

static void pause_before_restart(struct supervisor *s)
{
	if (clock_mono_ms() - s->started_ms >= SHORT_LIFE_MS) {
		s->pause_ms = 0;
		return;
	}
	usleep((useconds_t)s->pause_ms * 1000);
	s->pause_ms = s->pause_ms ? 2 * s->pause_ms : PAUSE_FIRST_MS;
	if (s->pause_ms > PAUSE_MAX_MS)
		s->pause_ms = PAUSE_MAX_MS;
}

static int child_ended(struct supervisor *s, struct fault *fault)
{
	int status = 0;
	int r = 0;

	if (waitpid(s->child, &status, WNOHANG) != s->child)
		return 0;
	s->child = 0;
	if (s->ready_fd >= 0)
		r = hear_child(s, fault);
	if (r < 0 || s->is_stopping)
		return r;
	LOG(ERROR, "server.died", F_INT("status", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
	    F_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0), F_Z("then", "starting it again"));
	pause_before_restart(s);
	r = start_child(s, fault);
	if (r == 0 && s->is_reload_wanted)
		reload(s);
	return r;
}

static int on_signal(struct supervisor *s, struct fault *fault)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	switch (info.ssi_signo) {
	case SIGCHLD:
		return child_ended(s, fault);
	case SIGHUP:
		if (s->child > 0)
			reload(s);
		return 0;
	default:
		s->is_stopping = true;
		notify_manager("STOPPING=1");
		if (s->child > 0)
			kill(s->child, SIGTERM);
		return 0;
	}
}

static int watch(struct supervisor *s, struct fault *fault)
{
	int r = start_child(s, fault);

	while (r == 0 && !(s->is_stopping && s->child == 0)) {
		struct pollfd fds[3] = {
			{ .fd = s->signal_fd, .events = POLLIN },
			{ .fd = s->ready_fd, .events = POLLIN },
			{ .fd = s->files_fd, .events = POLLIN },
		};

		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		if (fds[2].revents & POLLIN)
			hear_reload(s);
		if (fds[1].revents && s->ready_fd >= 0)
			r = hear_child(s, fault);
		if (r == 0 && fds[0].revents)
			r = on_signal(s, fault);
	}
	if (s->child > 0) {
		kill(s->child, SIGTERM);
		waitpid(s->child, NULL, 0);
	}
	return r;
}

int server_run(const struct server_options *o, struct fault *fault)
{
	struct supervisor s = { .options = o, .signal_fd = -1, .ready_fd = -1, .files_fd = -1 };
	sigset_t signals;
	int r = server_files_load(o->config_path_z, &s.conf, &s.files, fault);

	if (r < 0)
		return r;
	s.latest = conf_ref(s.conf);
	log_as_set(s.latest);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	s.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	r = s.signal_fd < 0 ? fault_errno(fault, errno, "signalfd") : bind_all(&s, fault);
	if (r == 0)
		r = watch(&s, fault);
	close_bound(&s);
	if (s.signal_fd >= 0)
		close(s.signal_fd);
	if (s.files_fd >= 0)
		close(s.files_fd);
	drop_next(&s);
	server_files_free(s.files);
	conf_unref(s.latest);
	conf_unref(s.conf);
	return r;
}
