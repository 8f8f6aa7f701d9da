/* SPDX-License-Identifier: MIT */
/*
 * The fetcher: the process that speaks HTTPS for the sender (docs/decisions/044-https-in-a-process-of-its-own.md): it fetches the policies of other domains
 * (MTA-STS) and posts reports to them (TLSRPT), with libcurl, which the process that has the mail does not load. It has no mail, no data, no keys,
 * no passwords, and asks no DNS: the addresses come with each question (net/https_far.h).
 *
 *  1. Started when a question waits in its socket. It ends when it has had none for [queue] sender_idle.
 *  2. A thread for each question, at most FETCHES_MAX; more wait in the socket, until those who ask give up.
 *  3. SIGTERM: what runs is finished, nothing new is taken. SIGKILL comes when the server process, the supervisor or another fetcher dies. Each time the
 *     questions that have no answer fail, as if the web server had closed the connection.
 */
#include "server/server_int.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/dl.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/must.h"
#include "net/https_far.h"
#include "queue/queue.h"
#include "queue/tlsrpt.h"
#include "send/send.h"

#define FETCHES_MAX 64
#define HEAP_ARENAS 2 /* of malloc, for any number of threads */
#ifdef __SANITIZE_THREAD__ /* has its own data on each stack */
#define STACK_BYTES (2u << 20)
#else
#define STACK_BYTES (512u << 10) /* libcurl and OpenSSL need a part of it */
#endif

struct fetcher {
	int fd, signal_fd, done_fd; /* done_fd: a question has its answer */
	int idle_ms;
	bool may_private;           /* connect to addresses of this host and of private networks */
	struct net_https *https;
	struct lock lock;
	size_t n_running;           /* the lock's */
	bool is_stopping;
};

struct job {
	struct fetcher *f;
	struct https_far_request request;
	int socket;
};

static _Noreturn void fail(const char *why_z)
{
	server_helper_fail(server_fetcher_kind.start_z, why_z);
}

static _Noreturn void finish(const char *why_z)
{
	LOG(INFO, "fetcher.end", F_INT("pid", getpid()), F_Z("why", why_z));
	_exit(0);
}

/* ---- one question ---- */

static void count(struct fetcher *f, int by)
{
	lock_get(&f->lock);
	f->n_running += (size_t)by;
	lock_put(&f->lock);
}

static size_t n_running(struct fetcher *f)
{
	size_t n;

	lock_get(&f->lock);
	n = f->n_running;
	lock_put(&f->lock);
	return n;
}

static void *fetch(void *arg)
{
	struct job *j = arg;
	struct fetcher *f = j->f;
	uint64_t one = 1;

	https_far_do(f->https, &j->request, j->socket);
	mem_free(j);
	count(f, -1);
	must(write(f->done_fd, &one, sizeof(one)) == sizeof(one));
	return NULL;
}

static void begin(struct job *j)
{
	pthread_attr_t attr;
	pthread_t t;
	int r;

	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setstacksize(&attr, STACK_BYTES) == 0);
	must(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0);
	count(j->f, 1);
	r = pthread_create(&t, &attr, fetch, j);
	pthread_attr_destroy(&attr);
	if (r == 0)
		return;
	count(j->f, -1);
	close(j->socket);
	mem_free(j);
}

/* The sender asks for no others: whoever has taken it over is not led into our own networks by us. */
static bool is_allowed(const struct fetcher *f, const struct https_far_request *r)
{
	for (size_t i = 0; i < r->n_addresses && !f->may_private; i++)
		if (net_address_is_private(&r->addresses[i]))
			return false;
	return true;
}

static void take_questions(struct fetcher *f)
{
	while (n_running(f) < FETCHES_MAX) {
		struct job *j = MEM_NEW(struct job);
		int r = https_far_receive(f->fd, &j->request, &j->socket);

		j->f = f;
		if (r > 0 && is_allowed(f, &j->request)) {
			begin(j);
			continue;
		}
		if (r > 0)
			close(j->socket);
		mem_free(j);
		if (r < 0)
			fail("the sender's end is closed");
		return;
	}
}

/* ---- the loop ---- */

static void empty(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		fail("eventfd");
}

/* The next question may be far. */
static void settle(void)
{
	malloc_trim(0); /* what it has read of authorities */
	dl_settle();
}

static _Noreturn void serve(struct fetcher *f)
{
	for (;;) {
		size_t n = n_running(f);
		bool may_take = n < FETCHES_MAX && !f->is_stopping;
		struct pollfd fds[] = { { .fd = f->signal_fd, .events = POLLIN },
					{ .fd = f->done_fd, .events = POLLIN },
					{ .fd = may_take ? f->fd : -1, .events = POLLIN } };
		struct signalfd_siginfo info;
		int r;

		if (f->is_stopping && n == 0)
			finish("told to");
		r = poll(fds, ARRAY_LEN(fds), n > 0 ? -1 : f->idle_ms);
		if (r < 0 && errno != EINTR)
			fail("poll");
		if (r == 0)
			finish("nothing to do"); /* what comes now waits in the socket for the next one */
		if (fds[0].revents && read(f->signal_fd, &info, sizeof(info)) > 0)
			f->is_stopping = true;
		if (fds[1].revents)
			empty(f->done_fd);
		if (fds[1].revents && n_running(f) == 0)
			settle();
		if (fds[2].revents && !f->is_stopping)
			take_questions(f);
	}
}

/* ---- the start ---- */

static void open_https(struct fetcher *f, struct str ca_pem)
{
	struct fault fault = { 0 };

	f->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->done_fd < 0)
		fail("eventfd");
	if (net_https_open(ca_pem, &f->https, &fault) < 0)
		fail(fault.text);
}

static void close_in(const struct server_helper_start *start)
{
	const struct server_conf *server = conf_get(start->conf, &server_conf_table);
	const struct queue_conf *q = conf_get(start->conf, &queue_conf_table);
	const struct queue_tlsrpt_conf *t = conf_get(start->conf, &queue_tlsrpt_conf_table);
	const uint16_t ports[] = { (uint16_t)q->sts_port, (uint16_t)t->https_port };
	const struct server_doors doors = { .ports = &ports[q->asks_sts ? 0 : 1],
					    .n_ports = (q->asks_sts ? 1 : 0) + (t->address[0] ? 1 : 0) };
	struct server_sandbox sandbox;
	struct fault fault = { 0 };

	if (server_sandbox_helper_begin(&sandbox, (enum server_sandbox_mode)server->sandbox, SERVER_CAGE_FETCHER, &doors, &fault) < 0 ||
	    server_sandbox_helper_finish(&sandbox, SERVER_CAGE_FETCHER, &fault) < 0)
		fail(fault.text);
	LOG(INFO, "fetcher.start", F_INT("pid", getpid()), F_Z("sandbox", sandbox.text));
}

__attribute__((noreturn)) static void fetcher_main(const struct server_helper_start *start)
{
	static struct fetcher f;
	const struct queue_conf *q = conf_get(start->conf, &queue_conf_table);
	size_t n_ca;
	char *ca = server_helper_file(start, q->ca_file, &n_ca);

	mallopt(M_ARENA_MAX, HEAP_ARENAS);
	server_files_free(start->files);
	f.fd = start->fd;
	f.idle_ms = (int)q->sender_idle_ms;
	f.may_private = q->may_private;
	lock_init(&f.lock);
	f.signal_fd = server_helper_begin(start, server_fetcher_kind.start_z);
	open_https(&f, str_of(ca, n_ca));
	close_in(start);
	settle();
	serve(&f);
}

/* ---- what the supervisor knows of it ---- */

/* Whoever asks hears of a death from the socket of its question. */
static int tell_lost(int fd)
{
	(void)fd;
	return 0;
}

const struct server_helper_kind server_fetcher_kind = {
	.start_z = "fetcher.start", .died_z = "fetcher.died", .is_lazy = true, .is_of_server = true,
	.is_wanted = send_wants_https, .tell_lost = tell_lost, .main = fetcher_main,
};
