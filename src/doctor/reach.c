/* SPDX-License-Identifier: MIT */
/*
 * The way to an address, with the system's own words for what is wrong with it: whether this host has a route is asked of a datagram socket, which sends nothing;
 * then TCP. A network that answers "unreachable" for the other side (ICMP) is told apart from silence and from a refusal by the error of the socket.
 */
#include "doctor/attempt_int.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"

#define TCP_MS 3500 /* the third SYN is sent after 3 s (RFC 6298 2): who does not answer that one is silent */

static socklen_t length_of(const struct net_address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

static const char *own_text(struct doctor_try *t, int fd)
{
	struct net_address own = { 0 };
	socklen_t n = sizeof(own);
	char text[NET_ADDRESS_TEXT];
	struct str from;

	if (getsockname(fd, &own.any, &n) < 0)
		return NULL;
	net_address_text(&own, text);
	from = arena_printf(&t->a->arena, "from %s%c", text, '\0');
	return from.p;
}

static bool route(struct doctor_try *t)
{
	struct doctor_attempt *a = t->a;
	int fd = socket(a->address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_good = fd >= 0 && connect(fd, &a->address.any, length_of(&a->address)) == 0;

	if (!is_good)
		a->errnum = errno;
	doctor_try_end(t, DOCTOR_AT_ROUTE, is_good ? 0 : err_from_errno(a->errnum), is_good ? own_text(t, fd) : strerror(a->errnum));
	if (fd >= 0)
		close(fd);
	return is_good;
}

/* 0, or an errno: ETIMEDOUT also when the time is up. */
static int wait_connected(int fd, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t n = sizeof(int);
	int err = 0, r;

	do {
		int64_t left = deadline_ms - clock_mono_ms();

		r = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return ETIMEDOUT;
	if (r < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0)
		return errno;
	return err;
}

/* A socket, or -1 with errno. */
static int tcp(const struct net_address *to, int64_t deadline_ms)
{
	const int on = 1;
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err;

	if (fd < 0)
		return -1;
	err = connect(fd, &to->any, length_of(to)) == 0 ? 0 : errno;
	if (err == EINPROGRESS)
		err = wait_connected(fd, deadline_ms);
	if (err == 0) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		return fd;
	}
	close(fd);
	errno = err;
	return -1;
}

int doctor_reach(struct doctor_try *t)
{
	int64_t end_ms = clock_mono_ms() + TCP_MS;
	int fd;

	if (!route(t))
		return -1;
	fd = tcp(&t->a->address, end_ms < t->until_ms ? end_ms : t->until_ms);
	if (fd < 0)
		t->a->errnum = errno;
	doctor_try_end(t, DOCTOR_AT_TCP, fd >= 0 ? 0 : t->a->errnum == ETIMEDOUT ? -E_TIMEOUT : err_from_errno(t->a->errnum),
		       fd >= 0 ? NULL : t->a->errnum == ETIMEDOUT ? "no answer" : strerror(t->a->errnum));
	return fd;
}

int doctor_reach_again(const struct doctor_try *t, int64_t ms)
{
	int64_t end_ms = clock_mono_ms() + ms;

	return tcp(&t->a->address, end_ms < t->until_ms ? end_ms : t->until_ms);
}

bool doctor_reach_hears(int fd, int64_t ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms > 0 ? (int)ms : 0) > 0;
}
