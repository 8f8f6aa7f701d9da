/* SPDX-License-Identifier: MIT */
/*
 * The race to the first address that answers, RFC 8305 5: the addresses in their order, the next one begun when one has failed or
 * stagger_ms have passed, whichever comes first; who answers first wins, the others are closed.
 */
#include "net/stream_int.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

#define STAGGER_MS 250 /* RFC 8305 8 */

struct runner {
	int fd;
	size_t index;
	int64_t end_ms;
};

struct race {
	const struct net_stream_connect *c;
	struct runner runners[LIMIT_STREAM_RACE];
	size_t n;
	size_t next;         /* address to begin */
	int64_t next_ms;
	struct buf why;
	int code;            /* of the failure that says most */
};

void net_stream_no_delay(struct net_stream *s)
{
	const int on = 1;

	if (s->fd >= 0)
		(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static socklen_t length_of(const struct net_address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

static void note(struct race *r, size_t index, const char *why_z)
{
	char text[NET_ADDRESS_TEXT];

	net_address_text(&r->c->addresses[index], text);
	buf_printf(&r->why, "%s%s: %s", r->why.n > 0 ? "; " : "", text, why_z);
}

static void failed(struct race *r, size_t index, int errnum)
{
	note(r, index, strerror(errnum));
	if (errnum != ETIMEDOUT)
		r->code = -E_IO;
	r->next_ms = 0; /* RFC 8305 5: the next one at once */
}

/* A socket on its way, or -1 with errno. */
static int begin(const struct net_stream_connect *c, const struct net_address *to)
{
	const struct net_address *from = to->any.sa_family == AF_INET6 ? c->from_v6 : c->from_v4;
	const int on = 1;
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int errnum;

	if (fd < 0)
		return -1;
	/* The port is chosen when the peer is known: the same one may serve many peers. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if ((from == NULL || bind(fd, &from->any, length_of(from)) == 0) &&
	    (connect(fd, &to->any, length_of(to)) == 0 || errno == EINPROGRESS))
		return fd;
	errnum = errno;
	close(fd);
	errno = errnum;
	return -1;
}

static void begin_next(struct race *r)
{
	int64_t now = clock_mono_ms();
	int fd = begin(r->c, &r->c->addresses[r->next]);

	if (fd < 0) {
		failed(r, r->next++, errno);
		return;
	}
	r->runners[r->n++] = (struct runner){
		.fd = fd, .index = r->next++, .end_ms = r->c->each_ms > 0 ? now + r->c->each_ms : INT64_MAX,
	};
	r->next_ms = now + (r->c->stagger_ms > 0 ? r->c->stagger_ms : STAGGER_MS);
}

static void drop(struct race *r, size_t i, int errnum)
{
	failed(r, r->runners[i].index, errnum);
	close(r->runners[i].fd);
	r->n--;
	memmove(&r->runners[i], &r->runners[i + 1], (r->n - i) * sizeof(r->runners[0])); /* the first stays first */
}

/* The first of the runners that have arrived, or -1. */
static int arrived(struct race *r, const struct pollfd *polls)
{
	int64_t now = clock_mono_ms();
	int winner = -1;

	for (size_t i = r->n; i-- > 0;) {
		int err = 0;
		socklen_t n = sizeof(err);

		if (polls[i].revents != 0 && getsockopt(r->runners[i].fd, SOL_SOCKET, SO_ERROR, &err, &n) < 0)
			err = errno;
		if (err == 0 && polls[i].revents == 0 && now >= r->runners[i].end_ms)
			err = ETIMEDOUT;
		if (err != 0) {
			drop(r, i, err);
			winner -= winner >= 0; /* it stands behind */
		} else if (polls[i].revents != 0) {
			winner = (int)i;
		}
	}
	return winner;
}

static bool can_begin(const struct race *r)
{
	return r->next < r->c->n && r->n < LIMIT_STREAM_RACE;
}

/* Waits for news, the next start or an end. A runner that has arrived, or -1. */
static int wait_news(struct race *r)
{
	struct pollfd polls[LIMIT_STREAM_RACE];
	int64_t until = r->c->deadline_ms, left;

	for (size_t i = 0; i < r->n; i++) {
		polls[i] = (struct pollfd){ .fd = r->runners[i].fd, .events = POLLOUT };
		until = r->runners[i].end_ms < until ? r->runners[i].end_ms : until;
	}
	if (can_begin(r) && r->next_ms < until)
		until = r->next_ms;
	left = until - clock_mono_ms();
	if (poll(polls, r->n, left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left) < 0)
		return -1; /* EINTR: once more */
	return arrived(r, polls);
}

static int run(struct race *r)
{
	int winner = -1;

	while (winner < 0 && (r->n > 0 || r->next < r->c->n)) {
		if (clock_mono_ms() >= r->c->deadline_ms)
			return -1;
		if (can_begin(r) && (r->n == 0 || clock_mono_ms() >= r->next_ms))
			begin_next(r);
		else
			winner = wait_news(r);
	}
	return winner;
}

int net_stream_connect(const struct net_stream_connect *c, struct net_stream **ret, size_t *ret_index, struct fault *fault)
{
	struct race r = { .c = c, .why = BUF_INIT(sizeof(fault->text)), .code = c->n > 0 ? -E_TIMEOUT : -E_IO };
	int winner = run(&r);

	for (size_t i = 0; i < r.n; i++) {
		if ((int)i == winner)
			continue;
		note(&r, r.runners[i].index, winner < 0 ? strerror(ETIMEDOUT) : "no answer yet");
		close(r.runners[i].fd);
	}
	if (winner >= 0) {
		*ret = net_stream_of_fd(r.runners[winner].fd);
		*ret_index = r.runners[winner].index;
		net_stream_no_delay(*ret);
		if (r.why.n > 0)
			(void)!fault_set(fault, 0, "%" STR_FMT, STR_ARG(buf_str(&r.why)));
	} else {
		fault_set(fault, r.code, "%" STR_FMT, STR_ARG(r.why.n > 0 ? buf_str(&r.why) : S("there is no address")));
	}
	buf_fini(&r.why);
	return winner >= 0 ? 0 : r.code;
}
