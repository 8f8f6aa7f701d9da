/* SPDX-License-Identifier: MIT */
/*
 * The limit behind SMTP: a server that does as little as one can who still answers 250 only when
 * the message is on the disk. It looks at the first letter of a line and for the final dot, and
 * gives fixed answers. One thread talks to all connections, a second one commits: while it writes
 * and syncs the bodies that have come, the next ones gather; it sends their 250s itself. No
 * address is looked at, no message parsed, no second file written, nothing is limited: it is for
 * the load program only.
 *
 * The sink is the same without a disk: where relayed mail ends. It offers PIPELINING and says, to the
 * command X, how many messages have come.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define MAX_BATCH_BYTES ((size_t)64 << 20)
#define MAX_MESSAGE_BYTES ((size_t)1 << 20)
#define EVENTS_MAX 256

struct peer {
	int fd;
	bool is_in_data;
	struct buf in; /* bytes of an unfinished line or message */
};

/* Bodies that wait for a commit and the sockets that wait for their 250. */
struct batch {
	struct buf bodies;
	int *fds;
	size_t n, cap;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct batch waiting;
	int fd;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .wake = PTHREAD_COND_INITIALIZER,
	   .waiting = { .bodies = BUF_INIT(MAX_BATCH_BYTES) } };

static bool is_sink;
static uint64_t n_sunk;

static void answer(int fd, struct str s)
{
	/* Answers are short: a socket that does not take one belongs to a peer that is gone. */
	(void)!send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- the thread that commits ---- */

static void write_all(struct str s)
{
	while (s.n) {
		ssize_t n = write(disk.fd, s.p, s.n);

		if (n <= 0)
			load_fail("write: %s", strerror(errno));
		s = str_skip(s, (size_t)n);
	}
}

static void *commit_all(void *arg)
{
	struct batch now = { .bodies = BUF_INIT(MAX_BATCH_BYTES) }, other;

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&disk.lock);
		while (disk.waiting.n == 0)
			pthread_cond_wait(&disk.wake, &disk.lock);
		other = disk.waiting;
		disk.waiting = now;
		now = other;
		pthread_mutex_unlock(&disk.lock);
		write_all(buf_str(&now.bodies));
		if (fdatasync(disk.fd) < 0)
			load_fail("fdatasync: %s", strerror(errno));
		for (size_t i = 0; i < now.n; i++)
			answer(now.fds[i], S("250 2.0.0 stored\r\n"));
		buf_reset(&now.bodies);
		now.n = 0;
	}
	return NULL;
}

static void commit_later(int fd, struct str body)
{
	struct batch *b = &disk.waiting;

	pthread_mutex_lock(&disk.lock);
	buf_add(&b->bodies, body);
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 64;
		b->fds = mem_resize(b->fds, b->cap, sizeof(*b->fds));
	}
	b->fds[b->n++] = fd;
	if (b->n == 1)
		pthread_cond_signal(&disk.wake);
	pthread_mutex_unlock(&disk.lock);
}

/* ---- the thread that talks ---- */

static const struct {
	char letter;
	const char *reply_z;
} replies[] = {
	{ 'H', "250 bare\r\n" },  { 'M', "250 2.1.0 yes\r\n" }, { 'R', "250 2.1.5 yes\r\n" },
	{ 'D', "354 go on\r\n" }, { 'Q', "221 2.0.0 bye\r\n" },
};

static void answer_ehlo(int fd)
{
	answer(fd, is_sink ? S("250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n") : S("250 bare\r\n"));
}

static void answer_count(int fd)
{
	struct buf text = BUF_INIT(64);

	buf_printf(&text, "250 %llu\r\n", (unsigned long long)n_sunk);
	answer(fd, buf_str(&text));
	buf_fini(&text);
}

static void take_message(int fd, struct str body)
{
	if (!is_sink) {
		commit_later(fd, body);
		return;
	}
	n_sunk++;
	answer(fd, S("250 2.0.0 gone\r\n"));
}

/* A whole line or message at the beginning of what came; 0: there is none. */
static size_t take(struct peer *p)
{
	struct str in = buf_str(&p->in);
	const char *end =
		p->is_in_data ? memmem(in.p, in.n, "\r\n.\r\n", 5) : memchr(in.p, '\n', in.n);

	if (!end)
		return 0;
	if (p->is_in_data) {
		take_message(p->fd, str_head(in, (size_t)(end - in.p)));
		p->is_in_data = false;
		return (size_t)(end - in.p) + 5;
	}
	if (in.p[0] == 'E')
		answer_ehlo(p->fd);
	if (in.p[0] == 'X')
		answer_count(p->fd);
	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		if (in.p[0] == replies[i].letter)
			answer(p->fd, str_z(replies[i].reply_z));
	p->is_in_data = in.p[0] == 'D';
	return (size_t)(end - in.p) + 1;
}

static void read_peer(struct peer *p)
{
	char *to = buf_reserve(&p->in, 65536);
	ssize_t n = to ? recv(p->fd, to, 65536, MSG_DONTWAIT) : 0;
	size_t used;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		close(p->fd);
		buf_fini(&p->in);
		mem_free(p);
		return;
	}
	buf_commit(&p->in, (size_t)n);
	while (p->in.n && (used = take(p)) != 0)
		buf_consume(&p->in, used);
}

static void accept_all(int epfd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct peer *p = MEM_NEW(struct peer);
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };

		*p = (struct peer){ .fd = fd, .in = BUF_INIT(MAX_MESSAGE_BYTES) };
		epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev);
		answer(fd, S("220 bare\r\n"));
	}
}

static int listen_on(const struct load *l)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (inet_pton(AF_INET, l->host_z, &at.sin_addr) != 1)
		load_fail("%s is not an IPv4 address", l->host_z);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0)
		load_fail("port %u: %s", (unsigned)l->port, strerror(errno));
	return fd;
}

/* Talks to all who come, for ever. */
static void talk(struct worker *w)
{
	struct epoll_event ev[EVENTS_MAX] = { { .events = EPOLLIN } };
	int listener = listen_on(w->load), epfd = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(epfd, EPOLL_CTL_ADD, listener, ev);
	for (;;) {
		int n = epoll_wait(epfd, ev, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr)
				read_peer(ev[i].data.ptr);
			else
				accept_all(epfd, listener);
		}
	}
}

void load_bare(struct worker *w)
{
	pthread_t thread;

	disk.fd = limit_file(w->load->dir_z);
	if (pthread_create(&thread, NULL, commit_all, NULL) != 0)
		load_fail("cannot make a thread");
	talk(w);
}

void load_sink(struct worker *w)
{
	is_sink = true;
	talk(w);
}
