/* SPDX-License-Identifier: MIT */
#include "net/https_far.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* The room for one descriptor in a packet; more are closed by the kernel. */
union fd_room {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* ---- bytes over the socket of one question ---- */

/* 0: it is time for the next byte; -E_TIMEOUT. */
static int wait_for(int fd, short events, int64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left_ms = until_ms - clock_mono_ms();
	int n;

	if (left_ms <= 0)
		return -E_TIMEOUT;
	n = poll(&p, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
	return n == 0 ? -E_TIMEOUT : n < 0 && errno != EINTR ? -E_IO : 0;
}

static int write_all(int fd, struct str s, int64_t until_ms)
{
	int r = 0;

	while (r == 0 && s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0)
			s = str_skip(s, (size_t)n);
		else
			r = errno == EAGAIN ? wait_for(fd, POLLOUT, until_ms) : errno == EINTR ? 0 : -E_IO;
	}
	return r;
}

static int read_all(int fd, void *to, size_t n, int64_t until_ms)
{
	char *p = to;
	int r = 0;

	while (r == 0 && n > 0) {
		ssize_t got = recv(fd, p, n, MSG_DONTWAIT);

		if (got > 0) {
			p += got;
			n -= (size_t)got;
		} else {
			r = got == 0 ? -E_IO : errno == EAGAIN ? wait_for(fd, POLLIN, until_ms) : errno == EINTR ? 0 : -E_IO;
		}
	}
	return r;
}

/* ---- who asks ---- */

/* False: it does not fit. */
static bool set_text(char *to, size_t max, const char *text_z)
{
	return (size_t)snprintf(to, max, "%s", text_z) < max;
}

static bool set_request(struct https_far_request *r, const struct net_https_get *g, struct str document, const struct buf *out)
{
	*r = (struct https_far_request){ .deadline_ms = g->deadline_ms, .n_document = (uint32_t)document.n, .port = g->port,
					 .n_addresses = (uint16_t)g->n_addresses, .is_post = out == NULL };
	if (out)
		r->max_answer = out->max < HTTPS_FAR_ANSWER ? (uint32_t)out->max : HTTPS_FAR_ANSWER;
	if (g->n_addresses > HTTPS_FAR_ADDRESSES || document.n > HTTPS_FAR_DOCUMENT)
		return false;
	for (size_t i = 0; i < g->n_addresses; i++)
		r->addresses[i] = g->addresses[i];
	return set_text(r->host_z, sizeof(r->host_z), g->host_z) && set_text(r->type_z, sizeof(r->type_z), g->type_z) &&
	       set_text(r->path_z, sizeof(r->path_z), g->path_z);
}

static int send_request(int fd, struct https_far_request *r, int socket)
{
	struct iovec iov = { r, sizeof(*r) };
	union fd_room m = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = m.room, .msg_controllen = sizeof(m.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &socket, sizeof(int));
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(*r) ? 0 : -E_BUSY;
}

/* What may be said is no more than net_https_get() says. */
static bool is_code(int32_t code)
{
	static const int32_t codes[] = { 0, -E_LIMIT, -E_NOT_FOUND, -E_SYNTAX, -E_TLS, -E_TIMEOUT, -E_IO };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static int read_answer(int fd, const struct https_far_request *r, struct buf *out, struct fault *fault)
{
	const int64_t until_ms = r->deadline_ms + HTTPS_FAR_MARGIN_MS;
	struct https_far_answer a;
	char *to = NULL;
	int rc = read_all(fd, &a, sizeof(a), until_ms);

	if (rc == 0 && (!is_code(a.code) || a.n > r->max_answer || (a.n > 0 && a.code < 0)))
		rc = -E_IO;
	if (rc == 0 && a.n > 0) {
		to = buf_reserve(out, a.n);
		rc = to ? read_all(fd, to, a.n, until_ms) : -E_LIMIT;
	}
	if (rc < 0)
		return fault_set(fault, rc, "%s: %s", r->host_z,
				 rc == -E_TIMEOUT ? "no answer in time" : "the process for HTTPS ended, or was not understood");
	if (to)
		buf_commit(out, a.n);
	a.fault.text[sizeof(a.fault.text) - 1] = '\0';
	return a.code < 0 ? fault_set(fault, a.code, "%s", a.fault.text) : 0;
}

int https_far_ask(int fd, const struct net_https_get *g, struct str document, struct buf *out, struct fault *fault)
{
	struct https_far_request r;
	AUTO(close_fd) int ours = -1;
	int pair[2], rc;

	if (!set_request(&r, g, document, out))
		return fault_set(fault, -E_LIMIT, "%.100s: too much is asked", g->host_z);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fault_set(fault, -E_BUSY, "%s: no more sockets", r.host_z);
	ours = pair[0];
	rc = send_request(fd, &r, pair[1]);
	close(pair[1]); /* else its end would not be heard of */
	if (rc < 0)
		return fault_set(fault, rc, "%s: too many others ask for HTTPS", r.host_z);
	(void)write_all(ours, document, r.deadline_ms); /* when it ended meanwhile, that is read */
	return read_answer(ours, &r, out, fault);
}

/* ---- who does it ---- */

static bool ends(const char *text, size_t max)
{
	return memchr(text, '\0', max) != NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return str_lower_char(c) >= 'a' && str_lower_char(c) <= 'z';
}

/* A name in the DNS: what a URL could take for an address in whatever writing would lead past the addresses that came along. */
static bool is_host(const char *z)
{
	struct str s = str_z(z), last = str_skip(s, (size_t)(str_rchr(s, '.') + 1));

	for (size_t i = 0; i < s.n; i++)
		if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-' && s.p[i] != '.' && s.p[i] != '_')
			return false;
	return last.n > 0 && !is_digit(last.p[0]);
}

/* Nothing in it ends a line or a URL. */
static bool is_line(const char *z, bool may_space)
{
	for (; *z; z++)
		if (*z > '~' || *z < (may_space ? ' ' : '!'))
			return false;
	return true;
}

static bool is_well_formed(const struct https_far_request *r)
{
	return r->n_addresses <= HTTPS_FAR_ADDRESSES && r->n_document <= HTTPS_FAR_DOCUMENT && r->max_answer <= HTTPS_FAR_ANSWER &&
	       (r->is_post || r->max_answer > 0) && r->deadline_ms < INT64_MAX - HTTPS_FAR_MARGIN_MS && ends(r->host_z, sizeof(r->host_z)) &&
	       ends(r->type_z, sizeof(r->type_z)) && ends(r->path_z, sizeof(r->path_z)) && is_host(r->host_z) && r->path_z[0] == '/' &&
	       is_line(r->path_z, false) && is_line(r->type_z, true);
}

int https_far_receive(int fd, struct https_far_request *ret, int *ret_socket)
{
	struct iovec iov = { ret, sizeof(*ret) };
	union fd_room m = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = m.room, .msg_controllen = CMSG_LEN(sizeof(int)) };
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	if (n == 0)
		return -E_CLOSED;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return 0;
	memcpy(ret_socket, CMSG_DATA(c), sizeof(int));
	if (n == (ssize_t)sizeof(*ret) && !(msg.msg_flags & MSG_TRUNC) && is_well_formed(ret))
		return 1;
	close(*ret_socket);
	return 0;
}

static void run(struct net_https *h, const struct https_far_request *r, int socket, struct https_far_answer *ret, struct buf *out)
{
	const struct net_https_get g = { .host_z = r->host_z, .port = r->port, .path_z = r->path_z, .type_z = r->type_z, .addresses = r->addresses,
					 .n_addresses = r->n_addresses, .deadline_ms = r->deadline_ms };
	char *document;

	if (!r->is_post) {
		ret->code = net_https_get(h, &g, out, &ret->fault);
		ret->n = ret->code == 0 ? (uint32_t)out->n : 0;
		return;
	}
	document = mem_alloc(r->n_document + 1, 1);
	ret->code = read_all(socket, document, r->n_document, r->deadline_ms);
	if (ret->code == 0)
		ret->code = net_https_post(h, &g, str_of(document, r->n_document), &ret->fault);
	mem_free(document);
}

void https_far_do(struct net_https *h, const struct https_far_request *r, int socket)
{
	const int64_t until_ms = r->deadline_ms + HTTPS_FAR_MARGIN_MS;
	AUTO(buf_fini) struct buf out = BUF_INIT(r->is_post ? 1 : r->max_answer);
	struct https_far_answer a = { 0 };

	run(h, r, socket, &a, &out);
	if (write_all(socket, str_of(&a, sizeof(a)), until_ms) == 0)
		(void)write_all(socket, str_head(buf_str(&out), a.n), until_ms);
	close(socket);
}
