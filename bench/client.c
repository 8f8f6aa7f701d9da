/* SPDX-License-Identifier: MIT */
/* One connection of a strand with a line reader, plain or TLS; the message that all modes send. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "strand.h"

/* What OpenSSL waits for; anything else is the end. */
static void wait_tls(struct client *c, int rc, const char *what_z)
{
	switch (SSL_get_error(c->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		strand_wait_input();
		return;
	case SSL_ERROR_WANT_WRITE:
		strand_wait_output(c->fd);
		return;
	default:
		load_fail("TLS: %s failed", what_z);
	}
}

/*
 * Many connections a second from one address to one port use up the free ports, and the kernel
 * searches longer and longer for one. On loopback there are other addresses.
 */
static void spread_source(int fd, const struct sockaddr_in *to)
{
	static __thread uint32_t n;
	uint32_t loopback = ntohl(to->sin_addr.s_addr);
	struct sockaddr_in from = { .sin_family = AF_INET };
	int on = 1;

	if (loopback >> 24 != 127)
		return;
	from.sin_addr.s_addr = htonl((127u << 24) | (1 + n++ % 250));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	(void)bind(fd, (struct sockaddr *)&from, sizeof(from));
}

void client_open(struct client *c, const struct load *l)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->port) };
	int on = 1, rc;

	c->at = c->end = 0;
	c->ssl = NULL;
	c->may_have_more = false;
	if (inet_pton(AF_INET, l->host_z, &to.sin_addr) != 1)
		load_fail("%s is not an IPv4 address", l->host_z);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	spread_source(c->fd, &to);
	if (c->fd < 0 ||
	    (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS))
		load_fail("cannot connect to %s port %u: %s", l->host_z, (unsigned)l->port,
			  strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	strand_watch(c->fd);
	if (!l->tls)
		return;
	strand_wait_output(c->fd);
	c->ssl = SSL_new(l->tls_ctx);
	SSL_set_fd(c->ssl, c->fd);
	while ((rc = SSL_connect(c->ssl)) != 1)
		wait_tls(c, rc, "handshake");
}

void client_close(struct client *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	c->ssl = NULL;
	c->fd = -1;
}

static size_t send_some(struct client *c, struct str s)
{
	for (;;) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, s.p, (int)s.n)
				   : send(c->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n > 0)
			return (size_t)n;
		if (c->ssl)
			wait_tls(c, (int)n, "write");
		else if (n < 0 && errno == EAGAIN)
			strand_wait_output(c->fd);
		else
			load_fail("write: %s", strerror(errno));
	}
}

void client_send(struct client *c, struct str s)
{
	while (s.n)
		s = str_skip(s, send_some(c, s));
}

void client_printf(struct client *c, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		load_fail("a command is too long");
	client_send(c, str_of(line, (size_t)n));
}

static size_t receive_tls(struct client *c, char *to, size_t max)
{
	int n;

	while ((n = SSL_read(c->ssl, to, (int)max)) <= 0)
		wait_tls(c, n, "read");
	return (size_t)n;
}

/* The answer is hardly ever there already: waits first and saves the call that would say so. */
static size_t receive_plain(struct client *c, char *to, size_t max)
{
	for (;;) {
		bool is_end = !c->may_have_more && strand_wait_input();
		ssize_t n = recv(c->fd, to, max, 0);

		c->may_have_more = n > 0 && (is_end || (size_t)n == max);
		if (n > 0)
			return (size_t)n;
		if (n == 0)
			load_fail("the server closed the connection");
		if (errno != EAGAIN)
			load_fail("read: %s", strerror(errno));
	}
}

/* Reads more behind what is there; moves that to the front first. */
static void fill(struct client *c)
{
	memmove(c->in, c->in + c->at, c->end - c->at);
	c->end -= c->at;
	c->at = 0;
	c->end += (c->ssl ? receive_tls : receive_plain)(c, c->in + c->end, sizeof(c->in) - c->end);
}

struct str client_line(struct client *c)
{
	for (;;) {
		char *p = c->in + c->at, *nl = memchr(p, '\n', c->end - c->at);

		if (nl) {
			c->at = (size_t)(nl + 1 - c->in);
			return str_trim(str_of(p, (size_t)(nl - p)));
		}
		if (c->end - c->at == sizeof(c->in))
			c->end = sizeof(c->in) / 2;
		fill(c);
	}
}

void client_skip(struct client *c, uint64_t n)
{
	while (n > c->end - c->at) {
		n -= c->end - c->at;
		c->at = c->end;
		fill(c);
	}
	c->at += (size_t)n;
}

void client_skip_to_dot(struct client *c)
{
	static const char end[] = "\r\n.\r\n";

	for (;;) {
		char *p = c->in + c->at, *dot = memmem(p, c->end - c->at, end, 5);

		if (dot) {
			c->at = (size_t)(dot + 5 - c->in);
			return;
		}
		if (c->end - c->at > 4)
			c->at = c->end - 4;
		fill(c);
	}
}

void client_expect(struct client *c, const char *want_z)
{
	struct str line;

	do {
		line = client_line(c);
		if (!str_starts(line, str_z(want_z)))
			load_fail("wanted %s, got %" STR_FMT, want_z, STR_ARG(line));
	} while (line.n > 3 && line.p[3] == '-');
}

void load_user(const struct load *l, uint64_t index, char *ret, size_t size)
{
	snprintf(ret, size, "u%u@%s", (unsigned)(l->first + index % l->users), l->domain_z);
}

void load_message(struct buf *out, uint64_t number, uint64_t size_bytes)
{
	static const char text[] =
		"The quick brown fox jumps over the lazy dog and carries the mail home. ";

	buf_printf(
		out,
		"From: Load <load@bench.test>\r\nTo: you@example.test\r\nSubject: Message %llu\r\n"
		"Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <%llu.%llu@bench.test>\r\n"
		"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n",
		(unsigned long long)number, (unsigned long long)number,
		(unsigned long long)load_now_us());
	while (out->n + 2 < size_bytes) {
		buf_add(out, str_head(str_of(text, sizeof(text) - 1), size_bytes - out->n - 2));
		buf_add(out, S("\r\n"));
	}
}
