/* SPDX-License-Identifier: MIT */
/*
 * The fetcher as a process: this file is the supervisor (helper.c), the sender that asks, and a web server that says nothing. tests/clients/relay_dns.py and
 * tlsrpt.py have policies and reports.
 */
#include "server/helper_test.h"
#include "server/server_int.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/test.h"
#include "net/https.h"
#include "net/stream.h"

#define MANY 70 /* more than are fetched at once */

/* ---- a web server: takes connections ---- */

static void listen_at(const char *address_z, int *ret_fd, uint16_t *ret_port)
{
	if (net_bind(address_z, 0, ret_fd, NULL) < 0)
		skip(); /* no IPv6 here */
	assert_int_equal(net_bound_port(*ret_fd, ret_port), 0);
}

static int take(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	int fd;

	assert_int_equal(poll(&p, 1, 30000), 1);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	return fd;
}

/* ---- the supervisor ---- */

struct world {
	struct conf *conf;
	struct server_files *files;
	struct server_helper helper;
	struct net_https *https; /* the sender's */
	int listener;
	uint16_t port;
};

static void world_open_as(struct world *w, const char *address_z, const char *idle_z, bool may_private)
{
#ifdef __SANITIZE_THREAD__
	skip(); /* it cannot follow a process with threads that forks */
#endif
	struct fault fault = { 0 };
	sigset_t signals;
	AUTO(buf_fini) struct buf text = BUF_INIT(4096);

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM); /* as the supervisor does */
	sigprocmask(SIG_BLOCK, &signals, NULL);
	*w = (struct world){ 0 };
	listen_at(address_z, &w->listener, &w->port);
	buf_printf(&text, "[server]\nsandbox = yes\n[queue]\nmta_sts = yes\nmta_sts_port = %u\nsender_idle = %s\nallow_private_addresses = %s\n[listener \"a\"]\nport = 25\n", w->port,
		   idle_z, may_private ? "yes" : "no");
	if (server_conf_parse("test", buf_str(&text), &w->conf, &fault) < 0 || server_files_read(w->conf, &w->files, &fault) < 0)
		fail_msg("%s", fault.text);
	server_helper_init(&w->helper, &server_fetcher_kind);
	assert_int_equal(server_helper_pair(&w->helper, &fault), 0);
	server_helper_configure(&w->helper, w->conf);
	w->https = net_https_far(w->helper.fds[0]);
}

static void world_open_at(struct world *w, const char *address_z, const char *idle_z)
{
	world_open_as(w, address_z, idle_z, true);
}

static void world_open(struct world *w)
{
	world_open_at(w, "127.0.0.1", "60s");
}

static void world_close(struct world *w)
{
	net_https_close(&w->https);
	server_helper_close(&w->helper);
	server_files_free(w->files);
	conf_unref(w->conf);
	close(w->listener);
}

/* ---- who asks ---- */

struct question {
	struct net_https *https;
	struct net_address address;
	int64_t deadline_ms;
	atomic_bool is_done;
	int code;
	struct fault fault;
	pthread_t thread;
};

static void *ask(void *arg)
{
	struct question *q = arg;
	AUTO(buf_fini) struct buf out = BUF_INIT(1000);
	const struct net_https_get g = { .host_z = "mta-sts.there.test", .port = net_address_port(&q->address), .path_z = "/", .type_z = "text/plain",
					 .addresses = &q->address, .n_addresses = 1, .deadline_ms = q->deadline_ms };

	q->code = net_https_get(q->https, &g, &out, &q->fault);
	q->is_done = true;
	return NULL;
}

static void begin_at(struct world *w, struct question *q, const char *address_z, int64_t ms)
{
	*q = (struct question){ .https = w->https, .deadline_ms = clock_mono_ms() + ms };
	assert_true(net_address_parse(str_z(address_z), w->port, &q->address));
	must(pthread_create(&q->thread, NULL, ask, q) == 0);
}

static void begin(struct world *w, struct question *q, int64_t ms)
{
	begin_at(w, q, "127.0.0.1", ms);
}

static int end(struct question *q)
{
	must(pthread_join(q->thread, NULL) == 0);
	return q->code;
}

/* It fetches: a connection comes; without an answer that is a failure. Late ones of questions before may come, too. */
static void assert_fetches(struct world *w)
{
	struct pollfd p = { .fd = w->listener, .events = POLLIN };
	struct question q;

	begin(w, &q, 60000);
	while (w->helper.pid == 0)
		test_helper_start(&w->helper, w->conf, w->files, 100);
	while (!q.is_done)
		if (poll(&p, 1, 10) == 1)
			close(take(w->listener));
	assert_int_equal(end(&q), -E_TLS);
}

/* ---- tests ---- */

TEST(fetcher_starts_when_asked)
{
	struct world w;
	pid_t pid;

	world_open(&w);
	assert_false(test_helper_start(&w.helper, w.conf, w.files, 50));
	assert_fetches(&w);
	pid = w.helper.pid;
	assert_fetches(&w);
	assert_int_equal(w.helper.pid, pid);
	world_close(&w);
}

/* libcurl needs no more than the cage has to connect to an address of either kind. */
TEST(fetcher_connects_by_ipv6)
{
	struct world w;
	struct question q;

	world_open_at(&w, "::1", "60s");
	begin_at(&w, &q, "::1", 30000);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 30000));
	close(take(w.listener));
	assert_int_equal(end(&q), -E_TLS);
	world_close(&w);
}

/* Whatever the sender asks: no connection to this host or a private network, if the settings want none. */
TEST(fetcher_stays_out_of_private_networks)
{
	static const char *const addresses_z[] = { "127.0.0.1", "10.0.0.1", "::1" };
	struct world w;
	struct question q;

	world_open_as(&w, "127.0.0.1", "60s", false);
	for (size_t i = 0; i < ARRAY_LEN(addresses_z); i++) {
		begin_at(&w, &q, addresses_z[i], 30000);
		while (w.helper.pid == 0)
			test_helper_start(&w.helper, w.conf, w.files, 100);
		assert_int_equal(end(&q), -E_IO);
		assert_int_equal(poll(&(struct pollfd){ .fd = w.listener, .events = POLLIN }, 1, 0), 0);
	}
	world_close(&w);
}

/* Who asked hears so at once, and the next question is for the next fetcher. */
TEST(fetcher_dies)
{
	struct world w;
	struct question begun, waiting;
	int fd;
	pid_t pid;

	world_open(&w);
	begin(&w, &begun, 60000);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 30000));
	fd = take(w.listener);
	pid = w.helper.pid;
	kill(pid, SIGSTOP);
	begin(&w, &waiting, 60000);
	while (poll(&(struct pollfd){ .fd = w.helper.fds[1], .events = POLLIN }, 1, 30000) != 1)
		;
	kill(pid, SIGKILL);
	assert_true(WIFSIGNALED(test_helper_ended(&w.helper, pid)));
	assert_int_equal(end(&begun), -E_IO);
	assert_int_equal(end(&waiting), -E_IO);
	assert_true(clock_mono_ms() < begun.deadline_ms);
	close(fd);
	assert_fetches(&w);
	assert_int_not_equal(w.helper.pid, pid);
	world_close(&w);
}

/* Nothing is waited for longer than the deadline and a margin. */
TEST(fetcher_hangs)
{
	struct world w;
	struct question q;

	world_open(&w);
	assert_fetches(&w);
	kill(w.helper.pid, SIGSTOP);
	begin(&w, &q, 100);
	assert_int_equal(end(&q), -E_TIMEOUT);
	kill(w.helper.pid, SIGCONT);
	assert_fetches(&w);
	world_close(&w);
}

/* More web servers that say nothing than are asked at once: all come to their end, and the others wait. */
TEST(fetcher_has_many_silent_hosts)
{
	struct world w;
	struct question q[MANY];

	world_open(&w);
	assert_fetches(&w);
	for (size_t i = 0; i < MANY; i++)
		begin(&w, &q[i], 1000);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(end(&q[i]), -E_TIMEOUT);
	assert_fetches(&w);
	world_close(&w);
}

/* New settings: the old one finishes, the new one takes what comes. */
TEST(fetcher_retires)
{
	struct world w;
	struct question q;
	pid_t old;
	int fd;

	world_open(&w);
	begin(&w, &q, 60000);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 30000));
	fd = take(w.listener);
	old = w.helper.pid;
	server_helper_configure(&w.helper, w.conf);
	usleep(100000); /* it is told, and takes nothing more; if that is late the test is weaker, not wrong */
	assert_fetches(&w);
	close(fd);
	assert_int_equal(end(&q), -E_TLS);
	assert_int_equal(test_helper_ended(&w.helper, old), 0);
	world_close(&w);
}

TEST(fetcher_ends_when_idle)
{
	struct world w;
	pid_t pid;

	world_open_at(&w, "127.0.0.1", "100ms");
	assert_fetches(&w);
	pid = w.helper.pid;
	assert_int_equal(test_helper_ended(&w.helper, pid), 0);
	assert_false(test_helper_start(&w.helper, w.conf, w.files, 50));
	assert_fetches(&w);
	assert_int_not_equal(w.helper.pid, pid);
	world_close(&w);
}

TEST(fetcher_ends_with_server)
{
	struct world w;
	struct question q;
	int fd;

	world_open(&w);
	begin(&w, &q, 60000);
	assert_true(test_helper_start(&w.helper, w.conf, w.files, 30000));
	fd = take(w.listener);
	server_helper_server_ended(&w.helper);
	assert_int_equal(w.helper.pid, 0);
	assert_int_equal(end(&q), -E_IO);
	close(fd);
	world_close(&w);
}
