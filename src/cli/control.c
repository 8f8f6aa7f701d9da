/* SPDX-License-Identifier: MIT */
/* The client of the control socket (server/control.c): one request, one answer, a line of JSON each. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/cli.h"

#include "base/buf.h"
#include "base/limits.h"

#define ANSWER_MAX (256u << 20)

void cli_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int cli_control_connect(const char *data_dir_z, struct fault *fault)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock", data_dir_z);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(to.sun_path))
		return fault_set(fault, -E_USAGE, "data_dir is too long for a socket path: %s", data_dir_z);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fault_errno(fault, errno, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	n = errno;
	close(fd);
	if (n == ENOENT || n == ECONNREFUSED)
		return -E_NOT_FOUND;
	if (n == EACCES)
		return fault_set(fault, -E_DENIED, "%s is for root and the user of [server] user alone; run it as one of them", data_dir_z);
	return fault_errno(fault, n, "cannot reach the server at %s", to.sun_path);
}

static int send_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -E_CLOSED;
		if (n > 0)
			s = str_skip(s, (size_t)n);
	}
	return 0;
}

static int receive_line(int fd, struct buf *in)
{
	while (in->n == 0 || in->p[in->n - 1] != '\n') {
		char *p = buf_reserve(in, 65536);
		ssize_t n = p ? recv(fd, p, 65536, 0) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -E_CLOSED;
		buf_commit(in, (size_t)n);
	}
	return 0;
}

static int add_chunk(const char *p, size_t n, void *out)
{
	buf_add(out, str_of(p, n));
	return 0;
}

int cli_control_ask(int fd, const char *verb, json_t *request, json_t **ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf in = BUF_INIT(ANSWER_MAX);
	AUTO(buf_fini) struct buf line = BUF_INIT(LIMIT_CONN_IN);
	json_t *message = json_pack("{s:s, s:O}", "verb", verb, "args", request);
	json_t *answer = NULL;
	int r;

	json_dump_callback(message, add_chunk, &line, JSON_COMPACT);
	json_decref(message);
	buf_add_char(&line, '\n');
	r = buf_overflowed(&line) ? -E_LIMIT : send_all(fd, buf_str(&line));
	mem_wipe(line.p, line.n);
	if (r == 0)
		r = receive_line(fd, &in);
	if (r == 0)
		answer = json_loadb(in.p, in.n, 0, NULL);
	if (!answer)
		return fault_set(fault, -E_CLOSED, "the server closed the connection without an answer; its log says why");
	if (json_is_true(json_object_get(answer, "ok"))) {
		*ret = json_incref(json_object_get(answer, "result"));
	} else {
		const char *text = json_string_value(json_object_get(answer, "text"));

		r = fault_set(fault, -(int)json_integer_value(json_object_get(answer, "code")), "%s", text ? text : "failed");
		r = r < 0 ? r : -E_BUG;
	}
	json_decref(answer);
	return r;
}

int cli_ask_running(const char *data_dir_z, const char *verb, json_t *request, json_t **ret, struct fault *fault)
{
	AUTO(cli_close_fd) int fd = cli_control_connect(data_dir_z, fault);

	return fd < 0 ? fd : cli_control_ask(fd, verb, request, ret, fault);
}
