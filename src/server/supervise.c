/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: reads the settings, binds the listeners, keeps one server process alive. It has one thread and reads
 * nothing from the network. Listeners stay open while a server process that died is replaced.
 *
 *   starting --"R"--> serving --SIGTERM/SIGINT--> stopping --child ends--> return
 *   starting --"E text" (first time)--> return with the text
 *   starting, serving --child dies--> pausing (restart.c says how long) --> starting
 *   pausing  --SIGTERM/SIGINT--> return
 *   stopping --SIGTERM/SIGINT again--> the child is told to hurry
 *   stopping --stop_grace and STOP_MARGIN_MS over--> the child is killed
 *
 * Beside it live helpers (helper.c), which make connections for the server process. Their lives are of no concern to the
 * states above.
 *
 * It binds with the rights of whoever started it, and keeps only those of privileges.c.
 */
#include "server/server_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dl.h"
#include "base/log.h"

#define STOP_MARGIN_MS 5000 /* beyond the grace, for closing the data */

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
	struct server_helper helpers[SERVER_N_HELPERS];
	int signal_fd;
	int ready_fd;          /* reading end while starting, else -1 */
	pid_t child;           /* 0: none runs */
	int64_t started_ms;
	unsigned n_short;      /* lives in a row that were short */
	int64_t restart_ms;    /* while no child runs: when the next one starts */
	int64_t kill_ms;       /* while stopping: when patience ends */
	bool was_ready;        /* once, ever */
	bool is_stopping;
};

static const struct server_conf *latest_conf(const struct supervisor *s)
{
	return conf_get(s->latest, &server_conf_table);
}

static void log_as_set(const struct conf *conf)
{
	const struct server_conf *s = conf_get(conf, &server_conf_table);

	log_setup(STDERR_FILENO, (enum log_level)s->log_level, (enum log_format)s->log_format);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- a server process begins ---- */

/* In the child; never returns. */
static _Noreturn void run_child(struct supervisor *s, pid_t supervisor, int ready_fd, int files_fd)
{
	struct server_start start = {
		.options = s->options,
		.first = s->conf,
		.conf = s->latest,
		.files = s->files,
		.bound = s->bound,
		.n_bound = s->n_bound,
		.ready_fd = ready_fd,
		.files_fd = files_fd,
		.supervisor = supervisor,
	};

	for (size_t i = 0; i < SERVER_N_HELPERS; i++) {
		start.helper_fds[i] = s->helpers[i].fds[0];
		start.far_fds[i] = s->helpers[i].fds[1];
	}
	close(s->signal_fd);
	server_process_main(&start);
}

static void close_pair(int fds[2])
{
	close_fd(&fds[0]);
	close_fd(&fds[1]);
}

static int start_child(struct supervisor *s, struct fault *fault)
{
	const pid_t supervisor = getpid();
	int ready[2], files[2];

	for (size_t i = 0; i < SERVER_N_HELPERS; i++)
		if (server_helper_pair(&s->helpers[i], fault) < 0)
			return -E_CANNOT;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return fault_errno(fault, errno, "cannot make a pipe");
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, files) < 0) {
		close_pair(ready);
		return fault_errno(fault, errno, "cannot make a pair of sockets");
	}
	s->child = fork();
	if (s->child < 0) {
		int errnum = errno;

		s->child = 0;
		close_pair(ready);
		close_pair(files);
		return fault_errno(fault, errnum, "cannot start the server process");
	}
	if (s->child == 0) {
		close(ready[0]);
		close(files[0]);
		run_child(s, supervisor, ready[1], files[1]);
	}
	close(ready[1]);
	close(files[1]);
	s->ready_fd = ready[0];
	s->files_fd = files[0];
	s->started_ms = clock_mono_ms();
	return 0;
}

/*
 * The child's one message; without one it died, and child_ended() says how. Negative: it could not start and never has, so there is
 * no sense in trying again.
 */
static int hear_child(struct supervisor *s, struct fault *fault)
{
	char message[sizeof(struct fault) + 1];
	ssize_t n = read(s->ready_fd, message, sizeof(message) - 1);

	close_fd(&s->ready_fd);
	if (n > 0 && message[0] == 'R') {
		server_notify("READY=1");
		if (!s->was_ready && s->options->ready)
			s->options->ready(s->conf);
		s->was_ready = true;
		return 0;
	}
	if (n <= 0)
		return 0;
	message[n] = '\0';
	if (!s->was_ready)
		return fault_set(fault, -message[0], "%s", message + 1);
	LOG(ERROR, "server.start", F_Z("fault", message + 1));
	return 0;
}

/* ---- helpers ---- */

static const struct server_helper_kind *const helper_kinds[SERVER_N_HELPERS] = {
	[SERVER_ASKER] = &server_asker_kind, [SERVER_SENDER] = &server_sender_kind, [SERVER_FETCHER] = &server_fetcher_kind,
};

static void drop_next(struct supervisor *s)
{
	conf_unref(s->next);
	server_files_free(s->next_files);
	s->next = NULL;
	s->next_files = NULL;
}

static void start_helper(struct supervisor *s, struct server_helper *h)
{
	const struct server_helper_start start = { .conf = s->latest, .files = s->files, .fd = h->fds[1], .supervisor = getpid(),
						   .n_lost = h->n_lost,
						   .fetcher_fd = h->kind == &server_sender_kind ? s->helpers[SERVER_FETCHER].fds[0] : -1 };

	if (!server_helper_start(h, latest_conf(s)->restart_pause_ms))
		return;
	drop_next(s); /* keys of certificates that the server process has not answered for */
	h->kind->main(&start);
}

static void configure_helpers(struct supervisor *s)
{
	for (size_t i = 0; i < SERVER_N_HELPERS; i++)
		server_helper_configure(&s->helpers[i], s->latest);
}

/* Those that the clock says, and those for which something waits. */
static void start_due_helpers(struct supervisor *s)
{
	for (size_t i = 0; i < SERVER_N_HELPERS; i++) {
		struct server_helper *h = &s->helpers[i];
		struct pollfd waits = { .fd = server_helper_poll_fd(h), .events = POLLIN };

		if (clock_mono_ms() >= server_helper_due_ms(h) || (waits.fd >= 0 && poll(&waits, 1, 0) > 0))
			start_helper(s, h);
	}
}

/* ---- reload ---- */

static void reload_failed(const char *why_z)
{
	LOG(ERROR, "server.reload", F_Z("result", "failed, keeping the old settings"), F_Z("fault", why_z));
}

/* Without a child the wish is kept for the next one. */
static void reload(struct supervisor *s)
{
	struct fault fault = { 0 };
	struct conf *next = NULL;
	struct server_files *files = NULL;
	int r;

	s->is_reload_wanted = s->next != NULL || s->child == 0;
	if (s->is_reload_wanted)
		return;
	r = server_files_load(s->options->config_path_z, &next, &files, &fault);
	if (r == 0)
		r = server_files_send(s->files_fd, files, &fault);
	if (r < 0) {
		reload_failed(fault.text);
		conf_unref(next);
		server_files_free(files);
		return;
	}
	s->next = next;
	s->next_files = files;
	kill(s->child, SIGHUP);
}

static void warn_of_restart(const struct supervisor *s)
{
	AUTO(buf_fini) struct buf keys = BUF_INIT(4096);

	conf_changes(s->conf, s->latest, CONF_RESTART, &keys);
	if (keys.n > 0)
		LOG(WARN, "server.needs_restart", F_STR("keys", buf_str(&keys)));
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
		warn_of_restart(s);
		configure_helpers(s);
	}
	drop_next(s);
	if (s->is_reload_wanted)
		reload(s);
}

/* ---- a server process ends ---- */

/* Nothing that was the child's is kept; a reload that it did not answer may be what killed it, so it is not tried again. */
static void forget_child(struct supervisor *s)
{
	s->child = 0;
	for (size_t i = 0; i < SERVER_N_HELPERS; i++)
		server_helper_server_ended(&s->helpers[i]);
	close_fd(&s->files_fd);
	if (s->next)
		reload_failed("the server process died before it took them; send SIGHUP to try again");
	drop_next(s);
}

/* Gives the pause before it. */
static int64_t plan_restart(struct supervisor *s)
{
	int64_t now = clock_mono_ms();
	int64_t pause_ms;

	s->n_short = server_n_short(s->n_short, now - s->started_ms);
	pause_ms = server_restart_pause_ms(s->n_short, latest_conf(s)->restart_pause_ms);
	s->restart_ms = now + pause_ms;
	return pause_ms;
}

static const char *why_z(int status)
{
	if (!WIFSIGNALED(status))
		return "exit";
	if (WTERMSIG(status) == SIGSYS)
		return "SIGSYS: a system call that its sandbox forbids; the kernel's log has the number";
	return sigabbrev_np(WTERMSIG(status));
}

static int child_ended(struct supervisor *s, int status, struct fault *fault)
{
	int64_t pause_ms;
	int r = 0;

	forget_child(s);
	if (s->is_stopping)
		return 0;
	if (s->ready_fd >= 0)
		r = hear_child(s, fault);
	if (r == 0 && !s->was_ready)
		r = fault_set(fault, -E_CANNOT, "the server process died while starting: %s", why_z(status));
	if (r < 0)
		return r;
	pause_ms = plan_restart(s);
	LOG(ERROR, "server.died", F_INT("status", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
	    F_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0), F_Z("why", why_z(status)),
	    F_Z("then", "starting it again"), F_INT("in_ms", pause_ms));
	return 0;
}

static void helper_ended(struct supervisor *s, pid_t pid, int status)
{
	for (size_t i = 0; i < SERVER_N_HELPERS; i++)
		if (server_helper_ended(&s->helpers[i], pid, status, latest_conf(s)->restart_pause_ms))
			return;
}

/* All children that ended: as the first process of a container we inherit those of others. */
static int reap(struct supervisor *s, struct fault *fault)
{
	int status = 0;
	int r = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == s->child)
			r = child_ended(s, status, fault);
		else
			helper_ended(s, pid, status);
	return r;
}

static void restart(struct supervisor *s)
{
	struct fault fault = { 0 };

	if (start_child(s, &fault) < 0) {
		LOG(ERROR, "server.start", F_Z("fault", fault.text));
		s->started_ms = clock_mono_ms();
		(void)plan_restart(s);
	} else if (s->is_reload_wanted) {
		reload(s);
	}
}

/* ---- stop ---- */

/* Who asks again is never given a later end. */
static void stop(struct supervisor *s)
{
	int64_t kill_ms = clock_mono_ms() + STOP_MARGIN_MS + (s->is_stopping ? 0 : latest_conf(s)->stop_grace_ms);

	if (!s->is_stopping)
		server_notify("STOPPING=1");
	else
		LOG(WARN, "server.stop", F_Z("then", "asked again: sessions are cut"));
	if (!s->is_stopping || kill_ms < s->kill_ms)
		s->kill_ms = kill_ms;
	if (s->child > 0)
		kill(s->child, s->is_stopping ? SERVER_SIG_HURRY : SIGTERM);
	s->is_stopping = true;
}

static void kill_child(struct supervisor *s)
{
	LOG(WARN, "server.stop", F_Z("then", "the server process does not end: killed"));
	kill(s->child, SIGKILL);
	s->kill_ms = INT64_MAX;
}

/* ---- the loop ---- */

static int on_signal(struct supervisor *s, struct fault *fault)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (info.ssi_signo == SIGCHLD)
		return reap(s, fault);
	if (info.ssi_signo == SIGHUP)
		reload(s);
	else
		stop(s);
	return 0;
}

/* For poll(): until the next thing that happens by itself. */
static int patience_ms(const struct supervisor *s)
{
	int64_t at = s->is_stopping ? s->kill_ms : s->child == 0 ? s->restart_ms : INT64_MAX;
	int64_t left;

	for (size_t i = 0; i < SERVER_N_HELPERS && !s->is_stopping; i++)
		if (server_helper_due_ms(&s->helpers[i]) < at)
			at = server_helper_due_ms(&s->helpers[i]);
	if (at == INT64_MAX)
		return -1;
	left = at - clock_mono_ms();
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static void do_what_is_due(struct supervisor *s)
{
	int64_t now = clock_mono_ms();

	if (s->is_stopping && s->child > 0 && now >= s->kill_ms)
		kill_child(s);
	else if (!s->is_stopping && s->child == 0 && now >= s->restart_ms)
		restart(s);
	if (!s->is_stopping)
		start_due_helpers(s);
}

static int watch(struct supervisor *s, struct fault *fault)
{
	int r = start_child(s, fault);

	if (r == 0)
		configure_helpers(s);
	if (r == 0)
		start_due_helpers(s);
	while (r == 0 && !(s->is_stopping && s->child == 0)) {
		struct pollfd fds[3 + SERVER_N_HELPERS] = {
			{ .fd = s->signal_fd, .events = POLLIN },
			{ .fd = s->ready_fd, .events = POLLIN },
			{ .fd = s->files_fd, .events = POLLIN },
		};

		for (size_t i = 0; i < SERVER_N_HELPERS; i++)
			fds[3 + i] = (struct pollfd){ .fd = s->is_stopping ? -1 : server_helper_poll_fd(&s->helpers[i]), .events = POLLIN };
		dl_settle(); /* something happens every few weeks */
		if (poll(fds, ARRAY_LEN(fds), patience_ms(s)) < 0)
			continue;
		if (fds[2].revents & POLLIN)
			hear_reload(s);
		if (fds[1].revents && s->ready_fd >= 0)
			r = hear_child(s, fault);
		if (r == 0 && fds[0].revents)
			r = on_signal(s, fault);
		if (r == 0)
			do_what_is_due(s);
	}
	if (s->child > 0) {
		kill(s->child, SIGTERM);
		waitpid(s->child, NULL, 0);
	}
	return r;
}

static int block_signals(struct supervisor *s, struct fault *fault)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SERVER_SIG_HURRY); /* the child's; blocked from its first moment */
	sigprocmask(SIG_BLOCK, &signals, NULL);
	sigdelset(&signals, SERVER_SIG_HURRY);
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return s->signal_fd < 0 ? fault_errno(fault, errno, "signalfd") : 0;
}

static int run(struct supervisor *s, struct fault *fault)
{
	const struct server_conf *conf = latest_conf(s);
	int r = block_signals(s, fault);

	if (r == 0)
		r = server_privileges_prepare(conf, fault);
	if (r == 0)
		r = server_bound_open(s->conf, &s->bound, &s->n_bound, fault);
	if (r == 0)
		r = server_privileges_narrow(conf, fault);
	return r < 0 ? r : watch(s, fault);
}

int server_run(const struct server_options *o, struct fault *fault)
{
	struct supervisor s = { .options = o, .signal_fd = -1, .ready_fd = -1, .files_fd = -1 };
	int r = server_files_load(o->config_path_z, &s.conf, &s.files, fault);

	if (r < 0)
		return r;
	for (size_t i = 0; i < SERVER_N_HELPERS; i++)
		server_helper_init(&s.helpers[i], helper_kinds[i]);
	umask(077);
	s.latest = conf_ref(s.conf);
	log_as_set(s.latest);
	r = run(&s, fault);
	for (size_t i = 0; i < SERVER_N_HELPERS; i++)
		server_helper_close(&s.helpers[i]);
	server_bound_close(s.bound, s.n_bound);
	close_fd(&s.signal_fd);
	close_fd(&s.ready_fd);
	close_fd(&s.files_fd);
	drop_next(&s);
	server_files_free(s.files);
	conf_unref(s.latest);
	conf_unref(s.conf);
	return r;
}
