/* SPDX-License-Identifier: MIT */
/*
 * The sender as a process, without a server: this file is the supervisor (helper.c) and the server process, which gives attempts and
 * takes results, and the other host. tests/clients/relay.py has the whole.
 */
#include "server/helper_test.h"
#include "server/server_int.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/must.h"
#include "base/test.h"
#include "queue/attempt.h"

/* ---- another host: takes every message, the last answer may be held ---- */

static struct {
	int fd;
	uint16_t port;
	struct lock lock;
	struct lock_cond change;
	unsigned n_connections, n_messages;
	bool is_held;
} host = { .fd = -1, .lock = LOCK_INIT };

static void hold(bool is_held)
{
	lock_get(&host.lock);
	host.is_held = is_held;
	lock_broadcast(&host.change);
	lock_put(&host.lock);
}

static unsigned wait_messages(unsigned n)
{
	int64_t until = clock_mono_ms() + 30000;
	unsigned got;

	lock_get(&host.lock);
	while (host.n_messages < n && lock_wait(&host.lock, &host.change, until))
		;
	got = host.n_messages;
	lock_put(&host.lock);
	return got;
}

static void take_message(void)
{
	lock_get(&host.lock);
	host.n_messages++;
	lock_broadcast(&host.change);
	while (host.is_held)
		lock_wait(&host.lock, &host.change, 0);
	lock_put(&host.lock);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	FILE *in = fdopen(dup(fd), "r");
	char line[2048];
	bool is_body = false;

	dprintf(fd, "220 host.test ESMTP\r\n");
	while (fgets(line, sizeof(line), in)) {
		bool is_end = str_eq(str_z(line), S(".\r\n"));

		if (is_body && !is_end)
			continue;
		if (is_end)
			take_message();
		is_body = !is_end && str_istarts(str_z(line), S("DATA"));
		dprintf(fd, is_body ? "354 go on\r\n" : "250 2.0.0 ok\r\n");
	}
	fclose(in);
	close(fd);
	return NULL;
}

static void *accept_all(void *arg)
{
	int fd;

	while ((fd = accept(host.fd, NULL, NULL)) >= 0) {
		pthread_t t;

		lock_get(&host.lock);
		host.n_connections++;
		lock_put(&host.lock);
		must(pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) == 0);
		pthread_detach(t);
	}
	return arg;
}

static void host_open(void)
{
	pthread_t t;

	host.n_messages = host.n_connections = 0;
	hold(false);
	if (host.fd >= 0)
		return;
	lock_cond_init(&host.change);
	assert_int_equal(net_bind("127.0.0.1", 0, &host.fd, NULL), 0);
	assert_int_equal(net_bound_port(host.fd, &host.port), 0);
	assert_int_equal(fcntl(host.fd, F_SETFL, 0), 0); /* it is one that does not wait */
	must(pthread_create(&t, NULL, accept_all, NULL) == 0);
	pthread_detach(t);
}

/* ---- the supervisor ---- */

struct world {
	struct conf *conf;
	struct server_files *files;
	struct server_helper helper;
	struct arena arena;
	uint64_t n_lost; /* results with id 0 that were read */
};

/* more_z: sections behind the usual ones. */
static void world_open_with(struct world *w, uint16_t port, const char *more_z)
{
#ifdef __SANITIZE_THREAD__
	skip(); /* it cannot follow a process with threads that forks */
#endif
	struct fault fault = { 0 };
	sigset_t signals;
	AUTO(buf_fini) struct buf text = BUF_INIT(64u << 10);

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM); /* as the supervisor does */
	sigprocmask(SIG_BLOCK, &signals, NULL);
	*w = (struct world){ 0 };
	host_open();
	buf_printf(&text, "[server]\nhostname = we.test\nsandbox = yes\n[queue]\nport = %u\nmta_sts = no\nidle_timeout = 60s\n"
		 "[dns]\nservers = 127.0.0.1@1\n[listener \"a\"]\nport = 25\n%s", port > 0 ? port : host.port, more_z);
	if (server_conf_parse("test", buf_str(&text), &w->conf, &fault) < 0 || server_files_read(w->conf, &w->files, &fault) < 0)
		fail_msg("%s", fault.text);
	arena_init(&w->arena, 1 << 20);
	server_helper_init(&w->helper, &server_sender_kind);
	assert_int_equal(server_helper_pair(&w->helper, &fault), 0);
	server_helper_configure(&w->helper, w->conf);
}

static void world_open(struct world *w)
{
	world_open_with(w, 0, "");
}

static void world_close(struct world *w)
{
	server_helper_close(&w->helper);
	server_files_free(w->files);
	conf_unref(w->conf);
	arena_fini(&w->arena);
}

/* ---- the server process ---- */

static void give(struct world *w, uint64_t id)
{
	struct queue_attempt_rcpt rcpt = { .address = S("x@there.test") };
	struct queue_attempt a = { .id = id, .n_lost = w->n_lost, .hop = { .destination = S("host"), .host = S("127.0.0.1"), .domain = S("there.test"), .port = host.port },
				   .qid = S("q"), .reverse_path = S("a@we.test"), .max_sessions = 1, .rcpts = &rcpt, .n_rcpts = 1,
				   .message = S("Subject: x\r\n\r\nHello\r\n") };

	assert_int_equal(queue_attempt_send(w->helper.fds[0], &a), 0);
}

static struct queue_result result(struct world *w)
{
	struct pollfd p = { .fd = w->helper.fds[0], .events = POLLIN };
	struct queue_result r = { 0 };

	assert_int_equal(poll(&p, 1, 30000), 1);
	assert_int_equal(queue_result_receive(w->helper.fds[0], &w->arena, &r), 1);
	w->n_lost += r.id == 0;
	return r;
}

static void assert_delivered(struct world *w, uint64_t id)
{
	struct queue_result r = result(w);

	assert_int_equal(r.id, id);
	assert_int_equal(r.n_rcpts, 1);
	assert_str_eq(r.rcpts[0].reply.text, S("ok"));
	assert_int_equal(r.rcpts[0].outcome, QUEUE_DELIVERED);
}

static bool is_silent(struct world *w)
{
	struct pollfd p = { .fd = w->helper.fds[0], .events = POLLIN };

	return poll(&p, 1, 200) == 0;
}

/* ---- tests ---- */

TEST(sender_starts_when_needed)
{
	struct world w;

	world_open(&w);
	assert_false(test_helper_start(&w.helper, w.conf, w.files, 50));
	give(&w, 7);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
	assert_delivered(&w, 7);
	assert_false(test_helper_start(&w.helper, w.conf, w.files, 0));
	for (uint64_t id = 8; id < 30; id++)
		give(&w, id);
	for (uint64_t id = 8; id < 30; id++)
		assert_delivered(&w, id);
	assert_int_equal(wait_messages(0), 23);
	assert_int_equal(host.n_connections, 1);
	world_close(&w);
}

/* The server process is told; what the dead one had not taken yet is gone as well, so nothing is done twice. */
TEST(sender_dies)
{
	struct world w;
	struct queue_result r;
	int status;

	world_open(&w);
	hold(true);
	give(&w, 1);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
	assert_int_equal(wait_messages(1), 1);
	kill(w.helper.pid, SIGSTOP);
	give(&w, 2);
	kill(w.helper.pid, SIGKILL);
	status = test_helper_ended(&w.helper, w.helper.pid);
	assert_true(WIFSIGNALED(status));
	give(&w, 9); /* before it is read that all is lost: this is, too */
	r = result(&w);
	assert_int_equal(r.id, 0);
	hold(false);
	give(&w, 3);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
	assert_delivered(&w, 3);
	assert_int_equal(wait_messages(0), 2);
	world_close(&w);
}

/* With one that has an attempt which it cannot end yet, and is asked to end. Its process. */
static pid_t world_open_retired(struct world *w)
{
	pid_t old;

	world_open(w);
	hold(true);
	give(w, 1);
	assert_true(test_helper_start(&w->helper, w->conf, w->files, 0));
	assert_int_equal(wait_messages(1), 1);
	old = w->helper.pid;
	server_helper_configure(&w->helper, w->conf);
	return old;
}

/* New settings: the old one finishes, the new one takes what comes. */
TEST(sender_retires)
{
	struct world w;
	pid_t old;

	old = world_open_retired(&w);
	assert_int_equal(w.helper.pid, 0);
	usleep(100000); /* it is told, and takes nothing more; if that is late the test is weaker, not wrong */
	give(&w, 2);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
	assert_int_not_equal(w.helper.pid, old);
	assert_int_equal(wait_messages(2), 2);
	assert_true(is_silent(&w));
	hold(false);
	assert_int_not_equal(result(&w).id, result(&w).id);
	assert_int_equal(test_helper_ended(&w.helper, old), 0);
	assert_true(is_silent(&w)); /* not "all is lost" */
	assert_true(w.helper.pid > 0);
	world_close(&w);
}

/* All is lost when one of two dies, so the other does not go on: what it has is done by the next one, and not twice. */
TEST(sender_dies_beside_another)
{
	struct world w;
	pid_t old;

	old = world_open_retired(&w);
	usleep(100000); /* as above */
	give(&w, 2);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
	assert_int_equal(wait_messages(2), 2);
	kill(old, SIGKILL);
	assert_true(WIFSIGNALED(test_helper_ended(&w.helper, old)));
	assert_int_equal(result(&w).id, 0);
	assert_int_equal(w.helper.pid, 0);
	hold(false);
	assert_true(is_silent(&w));
	give(&w, 3);
	while (!test_helper_start(&w.helper, w.conf, w.files, 100))
		;
	assert_delivered(&w, 3);
	world_close(&w);
}

/* More of them than are kept. */
TEST(sender_retires_too_often)
{
	struct world w;
	struct queue_result r;
	pid_t last = 0;

	world_open(&w);
	hold(true);
	for (uint64_t id = 1; id <= SERVER_HELPERS_LEAVING + 1; id++) {
		give(&w, id);
		assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
		assert_int_equal(wait_messages((unsigned)id), id);
		last = w.helper.pid;
		server_helper_configure(&w.helper, w.conf);
		usleep(50000);
	}
	/* The oldest have been asked again meanwhile, and may have given up what they had: that is put off, and no death is needed to know it. */
	for (r = result(&w); r.id != 0; r = result(&w)) {
		assert_true(r.id < SERVER_HELPERS_LEAVING + 1);
		assert_int_equal(r.n_rcpts, 1);
		assert_int_equal(r.rcpts[0].outcome, QUEUE_DEFERRED);
	}
	assert_int_equal(kill(last, 0), -1);
	hold(false);
	assert_true(is_silent(&w));
	world_close(&w);
}

/* Its server process dies: it ends at once, and the next server process has another pair. */
TEST(sender_ends_with_server)
{
	struct world w;
	struct fault fault = { 0 };

	world_open(&w);
	hold(true);
	give(&w, 1);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
	assert_int_equal(wait_messages(1), 1);
	server_helper_server_ended(&w.helper);
	assert_int_equal(w.helper.pid, 0);
	assert_int_equal(server_helper_poll_fd(&w.helper), -1);
	w.helper.restart_ms = clock_mono_ms() + 100000; /* as after a death: without a pair there is nothing to start for */
	assert_int_equal(server_helper_due_ms(&w.helper), INT64_MAX);
	w.helper.restart_ms = clock_mono_ms();
	hold(false);
	assert_int_equal(server_helper_pair(&w.helper, &fault), 0);
	assert_true(is_silent(&w));
	give(&w, 1);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
	assert_delivered(&w, 1);
	world_close(&w);
}

/* The server process has not read for long, so it cannot be told at once: it is told later, before there is another sender. */
TEST(sender_dies_while_nobody_reads)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(QUEUE_RESULT_MAX);
	const struct queue_result other = { .id = 99 };
	struct queue_result r;
	struct world w;
	size_t n = 0;

	world_open(&w);
	give(&w, 1);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
	assert_delivered(&w, 1);
	queue_result_write(&other, &bytes);
	while (send(w.helper.fds[1], bytes.p, bytes.n, MSG_DONTWAIT) > 0)
		n++;
	kill(w.helper.pid, SIGKILL);
	(void)test_helper_ended(&w.helper, w.helper.pid);
	give(&w, 2);
	assert_int_equal(server_helper_poll_fd(&w.helper), -1);
	assert_false(test_helper_start(&w.helper, w.conf, w.files, 0));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(result(&w).id, 99);
	while (w.helper.is_untold)
		assert_false(test_helper_start(&w.helper, w.conf, w.files, 10));
	r = result(&w);
	assert_int_equal(r.id, 0);
	give(&w, 3);
	while (!test_helper_start(&w.helper, w.conf, w.files, 100))
		;
	assert_delivered(&w, 3);
	world_close(&w);
}

/* Its cage opens the ports of all routes, however many there are. */
TEST(sender_of_many_routes)
{
	AUTO(buf_fini) struct buf routes = BUF_INIT(64u << 10);
	struct world w;

	host_open();
	for (unsigned i = 0; i < 100; i++)
		buf_printf(&routes, "[route \"r%u\"]\nhost = 127.0.0.1\nport = %u\n", i, i < 99 ? 1000 + i : host.port);
	assert_false(buf_overflowed(&routes));
	world_open_with(&w, 25, buf_z(&routes));
	give(&w, 1);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 0));
	assert_delivered(&w, 1);
	world_close(&w);
}

/* A sender that cannot live is started more and more slowly, not in a loop. */
TEST(sender_dies_again_and_again)
{
	struct world w;

	world_open(&w);
	for (int i = 0; i < 3; i++) {
		give(&w, 1 + (uint64_t)i);
		while (!test_helper_start(&w.helper, w.conf, w.files, 100))
			;
		kill(w.helper.pid, SIGKILL);
		(void)test_helper_ended(&w.helper, w.helper.pid);
		assert_int_equal(result(&w).id, 0);
	}
	w.helper.restart_ms = clock_mono_ms() + 100000;
	give(&w, 9);
	assert_int_equal(server_helper_poll_fd(&w.helper), -1);
	assert_int_equal(server_helper_due_ms(&w.helper), w.helper.restart_ms);
	world_close(&w);
}
