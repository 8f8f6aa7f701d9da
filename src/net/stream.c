/* SPDX-License-Identifier: MIT */
/*
 * Outgoing connections as straight-line code sees them. The socket never blocks; each wait is a poll() with what is left until the
 * deadline.
 *
 * 1. Everything read goes through s->in, which grows to the longest line that a caller allows and no further.
 * 2. While we wait to write we also read (up to STREAM_AHEAD), so that a peer which writes before it reads never stands against us
 *    (RFC 2920 3.1).
 * 3. TLS seals into s->wire, in memory: an SSL_write() never waits, and reading in the middle of it is no matter.
 * 4. Nothing here raises SIGPIPE.
 */
#include "net/stream_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"

int net_stream_fail(struct net_stream *s, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->fault, sizeof(s->fault), fmt, ap);
	va_end(ap);
	return code;
}

const char *net_stream_fault_z(const struct net_stream *s)
{
	return s->fault;
}

struct net_stream *net_stream_of_fd(int fd)
{
	struct net_stream *s = MEM_NEW(struct net_stream);

	s->fd = fd;
	buf_init(&s->in, LIMIT_STREAM_LINE + STREAM_AHEAD);
	buf_init(&s->out, 2 * STREAM_OUT);
	buf_init(&s->wire, STREAM_WIRE);
	return s;
}

void net_stream_own_address(const struct net_stream *s, char ret[NET_ADDRESS_TEXT])
{
	struct net_address a = { 0 };
	socklen_t n = sizeof(a);

	ret[0] = '\0';
	if (getsockname(s->fd, &a.any, &n) == 0 &&
	    (a.any.sa_family == AF_INET || a.any.sa_family == AF_INET6))
		net_address_text(&a, ret);
}

void net_stream_close(struct net_stream **sp)
{
	struct net_stream *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	if (s->ssl != NULL)
		net_stream_tls_bye(s);
	if (s->fd >= 0)
		close(s->fd);
	SSL_free(s->ssl);
	buf_fini(&s->in);
	buf_fini(&s->out);
	buf_fini(&s->wire);
	buf_fini(&s->script);
	buf_fini(&s->said);
	mem_free(s);
}

int net_stream_wait(struct net_stream *s, short events, int64_t deadline_ms, short *ret_events)
{
	struct pollfd p = { .fd = s->fd, .events = events };

	if (s->is_scripted)
		return net_stream_fail(s, -E_TIMEOUT, "timed out");
	for (;;) {
		int64_t left = deadline_ms - clock_mono_ms();
		int r = poll(&p, 1, left <= 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left);

		if (r > 0) {
			*ret_events = p.revents;
			return 0;
		}
		if (r < 0 && errno != EINTR)
			return net_stream_fail(s, -E_IO, "poll: %s", strerror(errno));
		if (r == 0 && left <= INT32_MAX)
			return net_stream_fail(s, -E_TIMEOUT, "timed out");
	}
}

/* ---- reading ---- */

static int ended(struct net_stream *s)
{
	s->is_ended = true;
	return net_stream_fail(s, -E_CLOSED, "the peer closed the connection");
}

static int socket_fault(struct net_stream *s, int errnum)
{
	s->is_ended = true;
	return net_stream_fail(s, errnum == ECONNRESET || errnum == EPIPE ? -E_CLOSED : -E_IO, "%s", strerror(errnum));
}

/* Of the script what stands before the next separator; passing one takes something sent since the last. */
static int script_take(struct net_stream *s, char *p, size_t n)
{
	struct str rest = str_skip(buf_str(&s->script), s->script_at);
	ptrdiff_t end;

	if (s->has_said && rest.n > 0 && rest.p[0] == NET_STREAM_SCRIPT_SEPARATOR) {
		s->has_said = false;
		s->script_at++;
		rest = str_skip(rest, 1);
	}
	end = str_chr(rest, NET_STREAM_SCRIPT_SEPARATOR);
	if (rest.n == 0)
		return ended(s);
	rest = end < 0 ? rest : str_head(rest, (size_t)end);
	rest = str_head(rest, n);
	memcpy(p, rest.p, rest.n);
	s->script_at += rest.n;
	return (int)rest.n;
}

int net_stream_take(struct net_stream *s, char *p, size_t n)
{
	ssize_t got;

	if (s->is_ended)
		return -E_CLOSED; /* the fault says why */
	if (s->is_scripted)
		return script_take(s, p, n);
	if (s->ssl != NULL)
		return net_stream_tls_take(s, p, n);
	do
		got = recv(s->fd, p, n, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return (int)got;
	if (got == 0)
		return ended(s);
	return errno == EAGAIN ? 0 : socket_fault(s, errno);
}

/* Adds what is there now to s->in. As net_stream_take(). */
static int gather(struct net_stream *s)
{
	size_t n = s->has_much ? STREAM_READ : STREAM_FIRST;
	char *p;
	int r;

	if (s->used > 0) {
		buf_consume(&s->in, s->used);
		s->used = 0;
	}
	p = buf_reserve(&s->in, n);
	if (p == NULL)
		return net_stream_fail(s, -E_LIMIT, "the peer sends more than fits");
	r = net_stream_take(s, p, n);
	s->has_much = r == (int)n;
	if (r > 0)
		buf_commit(&s->in, (size_t)r);
	else if (s->in.n == 0)
		buf_fini(&s->in); /* it may be long before something comes */
	return r;
}

/*
 * Waits until there is more. What comes is mostly the answer to what was just sent, so it waits first; but TLS may have bytes that the
 * socket has no more.
 */
static int fill(struct net_stream *s, int64_t deadline_ms)
{
	bool may_have = s->is_scripted || (s->ssl != NULL && SSL_has_pending(s->ssl));
	int r = may_have ? gather(s) : 0;

	while (r == 0) {
		short events;

		r = net_stream_wait(s, POLLIN, deadline_ms, &events);
		if (r == 0)
			r = gather(s);
	}
	return r < 0 ? r : 0;
}

static struct str unread(const struct net_stream *s)
{
	return str_skip(buf_str(&s->in), s->used);
}

int net_stream_line(struct net_stream *s, size_t max, int64_t deadline_ms, struct str *ret)
{
	must(max <= LIMIT_STREAM_LINE);
	for (;;) {
		struct str in = unread(s);
		ptrdiff_t lf = str_chr(str_skip(in, s->looked), '\n');
		size_t n = s->looked + (size_t)lf;
		int r;

		if (lf >= 0) {
			s->looked = 0;
			s->used += n + 1;
			n -= n > 0 && in.p[n - 1] == '\r';
			*ret = str_head(in, n);
			return n <= max ? 0 : net_stream_fail(s, -E_LIMIT, "the peer sends a line that is too long");
		}
		s->looked = in.n;
		if (in.n > max + 1)
			return net_stream_fail(s, -E_LIMIT, "the peer sends a line that is too long");
		r = fill(s, deadline_ms);
		if (r < 0)
			return r;
	}
}

int net_stream_read(struct net_stream *s, char *buf, size_t n, int64_t deadline_ms)
{
	struct str in = unread(s);
	short events;
	int r;

	if (in.n > 0) {
		in = str_head(in, n);
		memcpy(buf, in.p, in.n);
		s->used += in.n;
		s->looked = 0;
		return (int)in.n;
	}
	while ((r = net_stream_take(s, buf, n < INT32_MAX ? n : INT32_MAX)) == 0) {
		r = net_stream_wait(s, POLLIN, deadline_ms, &events);
		if (r < 0)
			return r;
	}
	return r;
}

bool net_stream_has_input(struct net_stream *s)
{
	return unread(s).n > 0 || gather(s) != 0;
}

/* ---- writing ---- */

static int wait_writable(struct net_stream *s, int64_t deadline_ms)
{
	short events = 0;
	bool may_read = unread(s).n < STREAM_AHEAD && !s->is_ended && !s->is_shaking;
	int r = net_stream_wait(s, may_read ? POLLIN | POLLOUT : POLLOUT, deadline_ms, &events);

	if (r < 0)
		return r;
	if (may_read && (events & POLLIN) != 0)
		(void)gather(s); /* if it failed, writing will */
	if (s->is_ended)
		return -E_CLOSED;
	return 0;
}

static int script_send(struct net_stream *s, struct str first, struct str second)
{
	buf_add(&s->said, first);
	buf_add(&s->said, second);
	s->has_said = true;
	return 0;
}

int net_stream_send(struct net_stream *s, struct str first, struct str second, bool has_more, int64_t deadline_ms)
{
	if (s->is_scripted)
		return script_send(s, first, second);
	while (first.n + second.n > 0) {
		struct iovec v[2] = { { (void *)(uintptr_t)first.p, first.n }, { (void *)(uintptr_t)second.p, second.n } };
		struct msghdr m = { .msg_iov = first.n > 0 ? v : v + 1, .msg_iovlen = first.n > 0 && second.n > 0 ? 2 : 1 };
		ssize_t n = sendmsg(s->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT | (has_more ? MSG_MORE : 0));
		int r = 0;

		if (n >= 0) {
			size_t of_first = (size_t)n < first.n ? (size_t)n : first.n;

			first = str_skip(first, of_first);
			second = str_skip(second, (size_t)n - of_first);
		} else if (errno == EAGAIN) {
			r = wait_writable(s, deadline_ms);
		} else if (errno != EINTR) {
			r = net_stream_fail(s, errno == ECONNRESET || errno == EPIPE ? -E_CLOSED : -E_IO, "%s", strerror(errno));
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int net_stream_send_wire(struct net_stream *s, int64_t deadline_ms)
{
	struct buf going = s->wire;
	int r;

	buf_init(&s->wire, STREAM_WIRE); /* reading ahead may add to it */
	r = net_stream_send(s, buf_str(&going), S(""), false, deadline_ms);
	buf_fini(&going);
	return r;
}

/* Seals in pieces, and sends when there is enough: the rest goes with what follows, or the flush. */
static int seal(struct net_stream *s, struct str bytes, int64_t deadline_ms)
{
	int r = 0;

	while (r == 0 && bytes.n > 0) {
		struct str piece = str_head(bytes, STREAM_SEAL);

		r = net_stream_tls_seal(s, piece);
		if (r == 0 && s->wire.n >= STREAM_SEAL)
			r = net_stream_send_wire(s, deadline_ms);
		bytes = str_skip(bytes, piece.n);
	}
	return r;
}

/* What was gathered, and then that. */
static void send_out(struct net_stream *s, struct str then, bool has_more, int64_t deadline_ms)
{
	int r;

	if (s->ssl != NULL) {
		r = seal(s, buf_str(&s->out), deadline_ms);
		if (r == 0)
			r = seal(s, then, deadline_ms);
	} else {
		r = net_stream_send(s, buf_str(&s->out), then, has_more, deadline_ms);
		s->is_held = has_more;
	}
	s->broken = r;
	buf_reset(&s->out);
}

void net_stream_write(struct net_stream *s, struct str bytes, int64_t deadline_ms)
{
	if (s->broken < 0 || bytes.n == 0)
		return;
	if (bytes.n >= (s->ssl != NULL ? STREAM_OUT : STREAM_COPY)) {
		send_out(s, bytes, true, deadline_ms);
		return;
	}
	buf_add(&s->out, bytes);
	must(!buf_overflowed(&s->out));
	if (s->out.n >= STREAM_OUT)
		send_out(s, S(""), true, deadline_ms);
}

int net_stream_flush(struct net_stream *s, int64_t deadline_ms)
{
	if (s->broken < 0)
		return s->broken;
	if (s->out.n > 0)
		send_out(s, S(""), false, deadline_ms);
	else if (s->is_held)
		net_stream_no_delay(s); /* pushes what the kernel holds */
	if (s->broken == 0 && s->wire.n > 0)
		s->broken = net_stream_send_wire(s, deadline_ms);
	s->is_held = false;
	buf_fini(&s->out);
	return s->broken;
}

/* ---- a peer of memory ---- */

struct net_stream *net_stream_scripted(struct str script)
{
	struct net_stream *s = net_stream_of_fd(-1);

	s->is_scripted = true;
	buf_init(&s->script, script.n + 1);
	buf_add(&s->script, script);
	buf_init(&s->said, 64u << 20);
	return s;
}

struct str net_stream_scripted_said(const struct net_stream *s)
{
	return buf_str(&s->said);
}
