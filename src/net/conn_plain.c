/* SPDX-License-Identifier: MIT */
/* The transport of a bare socket. */
#include "net/net_int.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* "Not now" is 0; a peer that vanished is -E_CLOSED, whatever word the kernel has for it. */
static int code_of(int errnum)
{
	switch (errnum) {
	case EAGAIN:
	case EINTR:
		return 0;
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
	case ENOTCONN:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return -E_CLOSED;
	default:
		return -E_IO;
	}
}

static int plain_read(struct conn *c, void *p, size_t n, size_t *ret_n)
{
	ssize_t got;

	*ret_n = 0;
	c->is_drained = true;
	if (c->phase == NET_PHASE_HANDSHAKE) /* STARTTLS: nothing in clear is for the session now */
		return 0;
	got = recv(c->fd, p, n, 0);
	*ret_n = got > 0 ? (size_t)got : 0;
	c->read_wants = POLLIN;
	/* A short read emptied the socket; if the end of file follows, epoll says so. */
	c->is_drained = *ret_n < n;
	if (got == 0)
		return -E_CLOSED;
	return got < 0 ? code_of(errno) : 0;
}

static int plain_write(struct conn *c, const void *p, size_t n, size_t *ret_n)
{
	ssize_t put = send(c->fd, p, n, MSG_NOSIGNAL);

	*ret_n = put > 0 ? (size_t)put : 0;
	c->write_wants = POLLOUT;
	return put < 0 ? code_of(errno) : 0;
}

static void plain_shutdown(struct conn *c)
{
	(void)c;
}

const struct net_transport net_plain_transport = {
	.read = plain_read,
	.write = plain_write,
	.shutdown = plain_shutdown,
};
