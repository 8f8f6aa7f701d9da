/* SPDX-License-Identifier: MIT */
/* One blocking connection with a line reader, plain or TLS; the message that all modes send. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define SILENCE_S 60

void client_open(struct client *c, const struct load *l)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->port) };
	struct timeval silence = { .tv_sec = SILENCE_S };
	int on = 1;

	c->at = c->end = 0;
	c->ssl = NULL;
	if (inet_pton(AF_INET, l->host_z, &to.sin_addr) != 1)
		load_fail("%s is not an IPv4 address", l->host_z);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		load_fail("cannot connect to %s port %u: %s", l->host_z, (unsigned)l->port, strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof(silence));
	if (!l->tls)
		return;
	c->ssl = SSL_new(l->tls_ctx);
	SSL_set_fd(c->ssl, c->fd);
	if (SSL_connect(c->ssl) != 1)
		load_fail("TLS handshake with port %u failed", (unsigned)l->port);
}

void client_close(struct client *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	c->ssl = NULL;
	c->fd = -1;
}

void client_send(struct client *c, struct str s)
{
	while (s.n) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, s.p, (int)s.n) : send(c->fd, s.p, s.n, 0);

		if (n <= 0)
			load_fail("write: %s", strerror(errno));
		s = str_skip(s, (size_t)n);
	}
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

/* Reads more behind what is there; moves that to the front first. */
static void fill(struct client *c)
{
	ssize_t n;

	memmove(c->in, c->in + c->at, c->end - c->at);
	c->end -= c->at;
	c->at = 0;
	n = c->ssl ? SSL_read(c->ssl, c->in + c->end, (int)(sizeof(c->in) - c->end))
		   : recv(c->fd, c->in + c->end, sizeof(c->in) - c->end, 0);
	if (n <= 0)
		load_fail("the server closed or said nothing for %d s", SILENCE_S);
	c->end += (size_t)n;
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
	static const char text[] = "The quick brown fox jumps over the lazy dog and carries the mail home. ";

	buf_printf(out, "From: Load <load@bench.test>\r\nTo: you@example.test\r\nSubject: Message %llu\r\n"
		   "Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <%llu.%llu@bench.test>\r\n"
		   "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n",
		   (unsigned long long)number, (unsigned long long)number, (unsigned long long)load_now_us());
	while (out->n + 2 < size_bytes) {
		buf_add(out, str_head(str_of(text, sizeof(text) - 1), size_bytes - out->n - 2));
		buf_add(out, S("\r\n"));
	}
}
