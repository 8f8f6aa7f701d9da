/* SPDX-License-Identifier: MIT */
/*
 * The sender: the process that sends mail to other hosts (docs/decisions/029-the-sender.md), because the server process may make no connection. It
 * has no data, no keys of certificates, no listeners; it takes attempts from one socket (queue/attempt.h), each with its message, and
 * hands back what came of them. Room send does the work, on threads of its own.
 *
 *  1. Started when something waits in its socket. It ends when it has had nothing to do for [queue] sender_idle.
 *  2. What finds no room here stays in the socket, and then at the server process.
 *  3. SIGTERM: what it has is done, for at most DRAIN_MS or until SIGTERM comes again, nothing new is taken; what is not done by then is said to be
 *     deferred, so that a host which holds us up costs its own mail an attempt, and not that of our successor, as our death would. SIGKILL comes when the
 *     server process, the supervisor or another sender dies: what had no last answer by then is not delivered by us, and is tried again.
 *  4. It ends by a failure when an attempt has had no result for longer than all its timeouts together (send/walk.c): only then may the server process make
 *     it again, which hears of it as of any death.
 *  5. HTTPS is spoken by the fetcher (fetcher_main.c): policies and reports are asked of it, and when it dies they could not be had.
 *  6. Passwords of other hosts come from the supervisor's files straight to here; the server process does not keep them.
 */
#include "server/server_int.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dl.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/dns.h"
#include "net/https.h"
#include "net/libunbound.h"
#include "net/stream.h"
#include "queue/attempt.h"
#include "queue/route.h"
#include "send/send.h"

#define DRAIN_MS 900000          /* longer than the longest timeout of one reply */
#define LOOK_MS 1000
#define ATTEMPT_ARENA (8u << 20) /* of one attempt: answers of the DNS, replies; it grows as needed */
#define HEAP_ARENAS 4            /* of malloc, for any number of threads */

struct sender {
	uint64_t n_lost;             /* attempts that know of less deaths are not ours */
	int fd, signal_fd, room_fd;  /* room_fd: an attempt has its result */
	int64_t idle_ms;
	struct send *send;
	struct net_dns *dns;
	char hostname[256];
	char *ca;
	size_t n_ca;
	struct send_secret *secrets; /* as many as the settings have, like what follows */
	size_t n_secrets;
	struct net_address *own;
	size_t n_own;
	uint16_t *ports;
	size_t n_ports;
	struct server_sandbox sandbox;
};

static _Noreturn void fail(const char *why_z)
{
	server_helper_fail(server_sender_kind.start_z, why_z);
}

/* ---- results ---- */

static void take_result(void *ctx, const struct queue_result *r)
{
	struct sender *s = ctx;
	uint64_t one = 1;

	if (queue_result_send(s->fd, r) < 0)
		fail("the server process takes no results");
	if (write(s->room_fd, &one, sizeof(one)) < 0)
		fail("eventfd");
}

/* ---- attempts ---- */

static void take_attempts(struct sender *s)
{
	for (size_t room = send_room(s->send); room > 0; room--) {
		struct arena *arena = MEM_NEW(struct arena);
		struct queue_attempt_map map = { 0 };
		struct queue_attempt a;
		int r;

		arena_init(arena, ATTEMPT_ARENA);
		r = queue_attempt_receive(s->fd, arena, &a, &map);
		if (r > 0 && a.n_lost < s->n_lost) { /* handed over before our predecessor's death was known: it counts as lost */
			queue_attempt_unmap(&map);
			arena_fini(arena);
			mem_free(arena);
			continue;
		}
		if (r > 0) {
			send_give(s->send, &a, map, arena);
			continue;
		}
		arena_fini(arena);
		mem_free(arena);
		if (r < 0)
			fail(r == -E_CLOSED ? "the server process has closed its end" : "the server process talks nonsense");
		return;
	}
}

static void empty(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		fail("eventfd");
}

static bool take_signal(const struct sender *s)
{
	struct signalfd_siginfo info;
	struct pollfd p = { .fd = s->signal_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && read(s->signal_fd, &info, sizeof(info)) > 0;
}

static _Noreturn void finish(struct sender *s, const char *why_z)
{
	int64_t until_ms = clock_mono_ms() + DRAIN_MS;
	bool is_done = send_drain(s->send, LOOK_MS);

	while (!is_done && clock_mono_ms() < until_ms && !take_signal(s))
		is_done = send_drain(s->send, LOOK_MS);
	if (!is_done)
		send_abandon(s->send);
	LOG(INFO, "sender.end", F_INT("pid", getpid()), F_Z("why", why_z));
	_exit(0);
}

static _Noreturn void serve(struct sender *s)
{
	int64_t busy_ms = clock_mono_ms();

	for (;;) {
		bool has_room = send_room(s->send) > 0;
		struct pollfd fds[] = { { .fd = s->signal_fd, .events = POLLIN },
					{ .fd = s->room_fd, .events = POLLIN },
					{ .fd = has_room ? s->fd : -1, .events = POLLIN } };

		if (poll(fds, ARRAY_LEN(fds), s->idle_ms < LOOK_MS ? (int)s->idle_ms : LOOK_MS) < 0 && errno != EINTR)
			fail("poll");
		if (take_signal(s))
			finish(s, "told to");
		if (fds[1].revents)
			empty(s->room_fd);
		if (fds[2].revents)
			take_attempts(s);
		if (send_is_stuck(s->send, clock_mono_ms()))
			fail("an attempt has no end, so all are made again");
		if (!send_is_idle(s->send) || fds[2].revents)
			busy_ms = clock_mono_ms();
		else if (clock_mono_ms() - busy_ms >= s->idle_ms)
			finish(s, "nothing to do");
	}
}

/* ---- the start ---- */

static void add_port(struct sender *s, int64_t port)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return;
	if (port <= 0 || port > UINT16_MAX)
		return;
	s->ports = mem_resize(s->ports, s->n_ports + 1, sizeof(*s->ports));
	s->ports[s->n_ports++] = (uint16_t)port;
}

/* "ADDRESS@PORT" of a resolver. */
static int64_t resolver_port(const char *text_z)
{
	ptrdiff_t at = str_rchr(str_z(text_z), '@');
	uint64_t port = 53;

	if (at >= 0 && !str_to_u64(str_skip(str_z(text_z), (size_t)at + 1), UINT16_MAX, &port))
		return 0;
	return (int64_t)port;
}

static void find_ports(struct sender *s, const struct conf *conf)
{
	const struct queue_conf *q = conf_get(conf, &queue_conf_table);
	const struct net_dns_conf *d = conf_get(conf, &net_dns_conf_table);

	add_port(s, q->port);
	add_port(s, 53);
	for (size_t i = 0; i < conf_count(conf, &queue_route_table); i++) {
		const char *name_z;
		const struct queue_route_conf *r = conf_get_nth(conf, &queue_route_table, i, &name_z);

		add_port(s, r->port);
	}
	for (size_t i = 0; i < d->servers.n; i++)
		add_port(s, resolver_port(d->servers.v[i]));
}

static struct str first_line(struct str all)
{
	struct str line = { 0 };

	if (str_split(&all, '\n', &line) && str_ends(line, S("\r")))
		line.n--;
	return line;
}

static void add_secret(struct sender *s, const struct server_helper_start *start, const char *host_z, int64_t port, const char *user_z,
		       const char *file_z)
{
	size_t n;
	char *p = server_helper_file(start, file_z, &n);

	if (!p)
		return;
	s->secrets = mem_resize(s->secrets, s->n_secrets + 1, sizeof(*s->secrets));
	s->secrets[s->n_secrets++] = (struct send_secret){ str_z(host_z), (uint16_t)port, str_z(user_z), first_line(str_of(p, n)) };
}

/* What is needed of the files is copied, the rest of them (keys of certificates!) is wiped. */
static void take_files(struct sender *s, const struct server_helper_start *start)
{
	const struct queue_conf *q = conf_get(start->conf, &queue_conf_table);

	s->idle_ms = q->sender_idle_ms;
	s->ca = server_helper_file(start, q->ca_file, &s->n_ca);
	for (size_t i = 0; i < conf_count(start->conf, &queue_route_table); i++) {
		const char *name_z;
		const struct queue_route_conf *r = conf_get_nth(start->conf, &queue_route_table, i, &name_z);

		add_secret(s, start, r->host, r->port, r->user, r->password_file);
	}
	server_files_free(start->files);
}

/* Libraries first: they cannot be found any more from inside. */
static void load_libraries(void)
{
	static struct libunbound unbound;
	const char *why_z;

	if (!libunbound_load(&unbound, &why_z))
		fail(why_z);
}

/* First half of the cage: threads of the DNS are made inside. */
static void begin_cage(struct sender *s, const struct conf *conf)
{
	const struct server_conf *server = conf_get(conf, &server_conf_table);
	const struct net_dns_conf *d = conf_get(conf, &net_dns_conf_table);
	const char *const files[] = { d->trust_anchor_file };
	const struct server_doors doors = { .ports = s->ports, .n_ports = s->n_ports, .files = files,
					    .n_files = d->trust_anchor_file[0] ? 1 : 0 };
	struct fault fault = { 0 };

	load_libraries();
	if (server_sandbox_helper_begin(&s->sandbox, (enum server_sandbox_mode)server->sandbox, SERVER_CAGE_SENDER, &doors, &fault) < 0)
		fail(fault.text);
}

static void open_rooms(struct sender *s, const struct server_helper_start *start)
{
	struct send_options o = { .conf = start->conf, .dns = s->dns, .ca_pem = str_of(s->ca, s->n_ca), .helo_z = s->hostname,
					.secrets = s->secrets, .n_secrets = s->n_secrets, .own = s->own, .n_own = s->n_own,
					.result = take_result, .ctx = s };
	struct fault fault = { 0 };

	if (send_wants_https(start->conf))
		o.https = net_https_far(start->fetcher_fd);
	s->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->room_fd < 0)
		fail("eventfd");
	if (send_open(&o, &s->send, &fault) < 0)
		fail(fault.text);
}

/* Each connection takes one, more while addresses race. */
static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

__attribute__((noreturn)) static void sender_main(const struct server_helper_start *start)
{
	static struct sender s;
	struct fault fault = { 0 };

	s.fd = start->fd;
	s.n_lost = start->n_lost;
	mallopt(M_ARENA_MAX, HEAP_ARENAS);
	raise_limits();
	take_files(&s, start);
	s.signal_fd = server_helper_begin(start, server_sender_kind.start_z);
	server_hostname(conf_get(start->conf, &server_conf_table), s.hostname, sizeof(s.hostname));
	s.n_own = server_own_addresses(start->conf, &s.own);
	find_ports(&s, start->conf);
	begin_cage(&s, start->conf);
	if (net_dns_open(conf_get(start->conf, &net_dns_conf_table), &s.dns, &fault) < 0)
		fail(fault.text);
	open_rooms(&s, start);
	if (server_sandbox_helper_finish(&s.sandbox, SERVER_CAGE_SENDER, &fault) < 0)
		fail(fault.text);
	LOG(INFO, "sender.start", F_INT("pid", getpid()), F_Z("sandbox", s.sandbox.text));
	dl_settle();
	serve(&s);
}

/* ---- what the supervisor knows of it ---- */

static bool is_wanted(const struct conf *conf)
{
	(void)conf; /* nothing comes here when [queue] send is off */
	return true;
}

static int tell_lost(int fd)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(QUEUE_RESULT_MAX);
	const struct queue_result all = { .id = 0 };

	queue_result_write(&all, &bytes);
	return send(fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -E_IO : 0;
}

const struct server_helper_kind server_sender_kind = {
	.start_z = "sender.start", .died_z = "sender.died", .is_lazy = true, .is_of_server = true,
	.is_wanted = is_wanted, .tell_lost = tell_lost, .main = sender_main,
};
