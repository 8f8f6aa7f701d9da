/* SPDX-License-Identifier: MIT */
/*
 * Before the handshake: is all of the ClientHello's first record there, and is it of a sane size?
 * It is looked at where it waits in the kernel, and OpenSSL hears of the peer only then. So a
 * peer that stops in the middle of its first message costs no more than a silent one; and one
 * that announces a message of 128 KB, for which OpenSSL takes the memory at once, is refused.
 *
 * RFC 8446 5.1 (records), 4 and 4.1.2 (ClientHello). What is no TLS at all goes on to OpenSSL,
 * which knows what to say.
 */
#include "net/net_int.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define RECORD_HEAD 5
#define MESSAGE_HEAD 4
#define HANDSHAKE 22
#define CLIENT_HELLO 1

int net_tls_hello_check(struct str s, size_t *ret_need)
{
	const unsigned char *b = (const unsigned char *)s.p;
	size_t record, message;

	*ret_need = RECORD_HEAD + MESSAGE_HEAD;
	if (s.n > 0 && b[0] != HANDSHAKE)
		return 1;
	if (s.n < RECORD_HEAD)
		return 0;
	record = (size_t)b[3] << 8 | b[4];
	/* RFC 8446 5.1: no empty fragments; and a first one that holds not even a length is no peer's. */
	if (record < MESSAGE_HEAD || record > LIMIT_TLS_HELLO)
		return -E_LIMIT;
	if (s.n < RECORD_HEAD + MESSAGE_HEAD)
		return 0;
	message = (size_t)b[6] << 16 | (size_t)b[7] << 8 | b[8];
	if (b[5] != CLIENT_HELLO)
		return 1;
	if (message > LIMIT_TLS_HELLO)
		return -E_LIMIT;
	*ret_need = RECORD_HEAD + record;
	return s.n >= *ret_need;
}

static void wake_at(const struct conn *c, size_t n)
{
	int low = (int)n;

	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
}

/* "fatal, decode_error": RFC 8446 6. */
static void say_no(const struct conn *c)
{
	static const char alert[] = "\x15\x03\x03\x00\x02\x02\x32";

	(void)send(c->fd, alert, sizeof(alert) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int net_tls_hello_wait(struct conn *c, struct fault *fault)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
	char b[RECORD_HEAD + LIMIT_TLS_HELLO];
	ssize_t n = recv(c->fd, b, sizeof(b), MSG_PEEK | MSG_DONTWAIT);
	size_t need = 0;
	int rc;

	if (c->is_unix) /* knows no low mark */
		return 1;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return fault_set(fault, -E_CLOSED, "the peer closed before the handshake");
	rc = net_tls_hello_check(str_of(b, n > 0 ? (size_t)n : 0), &need);
	if (rc < 0) {
		say_no(c);
		return fault_set(fault, -E_TLS, "the peer's first message is too large, or empty");
	}
	/* A peer that has sent its last would wake us for ever. */
	if (rc == 0 && poll(&p, 1, 0) == 1)
		return fault_set(fault, -E_CLOSED, "the peer closed before the handshake");
	if (rc == 1 && c->is_hello_cut)
		wake_at(c, 1);
	if (rc == 0)
		wake_at(c, need);
	c->is_hello_cut = rc == 0;
	c->read_wants = POLLIN;
	return rc;
}
