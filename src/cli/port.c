/* SPDX-License-Identifier: MIT */
/* See port.h. Without a server the other end is server/alone.c in a child process. */
#include "cli/port.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "conf/live.h"
#include "server/admin.h"
#include "server/data.h"
#include "server/server.h"

#define ANSWER_MAX (256u << 20)
#define PIECE 65536

/* ---- bytes ---- */

static int lost(struct fault *fault)
{
	return fault_set(fault, -E_CLOSED, "the server closed the connection; its log says why. Run the command again: it goes on");
}

static int send_all(struct cli_port *p, struct str s, struct fault *fault)
{
	while (s.n) {
		ssize_t n = send(p->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return lost(fault);
		if (n > 0)
			s = str_skip(s, (size_t)n);
	}
	return 0;
}

static int fill(struct cli_port *p, struct fault *fault)
{
	char *to = buf_reserve(&p->in, PIECE);
	ssize_t n;

	if (!to)
		return fault_set(fault, -E_LIMIT, "the answer is too long");
	do
		n = recv(p->fd, to, PIECE, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return lost(fault);
	buf_commit(&p->in, (size_t)n);
	return 0;
}

/* ---- requests ---- */

static int add_chunk(const char *p, size_t n, void *out)
{
	buf_add(out, str_of(p, n));
	return 0;
}

int cli_port_send(struct cli_port *p, const char *verb, json_t *request, const struct str *body, size_t n, struct fault *fault)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(LIMIT_CONN_IN);
	json_t *message;
	size_t bytes = 0;
	int r;

	for (size_t i = 0; i < n; i++)
		bytes += body[i].n;
	message = json_pack("{s:s, s:o, s:I}", "verb", verb, "args", request, "bytes", (json_int_t)bytes);
	json_dump_callback(message, add_chunk, &line, JSON_COMPACT);
	json_decref(message);
	buf_add_char(&line, '\n');
	if (buf_overflowed(&line))
		return fault_set(fault, -E_LIMIT, "a request is too long");
	r = send_all(p, buf_str(&line), fault);
	for (size_t i = 0; i < n && r == 0; i++)
		r = send_all(p, body[i], fault);
	return r;
}

int cli_port_receive(struct cli_port *p, json_t **ret, struct fault *fault)
{
	json_t *answer;
	ptrdiff_t end;
	int r = 0;

	while ((end = str_chr(buf_str(&p->in), '\n')) < 0 && r == 0)
		r = fill(p, fault);
	if (r < 0)
		return r;
	answer = json_loadb(p->in.p, (size_t)end, 0, NULL);
	buf_consume(&p->in, (size_t)end + 1);
	if (!answer)
		return lost(fault);
	if (json_is_true(json_object_get(answer, "ok"))) {
		*ret = json_incref(json_object_get(answer, "result"));
	} else {
		const char *text_z = json_string_value(json_object_get(answer, "text"));

		r = fault_set(fault, -(int)json_integer_value(json_object_get(answer, "code")), "%s", text_z ? text_z : "failed");
		r = r < 0 ? r : -E_BUG;
	}
	json_decref(answer);
	return r;
}

int cli_port_ask(struct cli_port *p, const char *verb, json_t *request, json_t **ret, struct fault *fault)
{
	int r = cli_port_send(p, verb, request, NULL, 0, fault);

	return r < 0 ? r : cli_port_receive(p, ret, fault);
}

int cli_port_bytes(struct cli_port *p, size_t n, struct str *ret, struct fault *fault)
{
	int r = p->in.n ? 0 : fill(p, fault);

	if (r == 0)
		*ret = str_head(buf_str(&p->in), n);
	return r;
}

void cli_port_took(struct cli_port *p, size_t n)
{
	buf_consume(&p->in, n);
}

/* ---- without a server ---- */

/* The first line tells whether the data could be opened; true: a server began meanwhile, ask that one. */
static int say_opened(int fd, int r, bool is_served, const struct fault *fault)
{
	json_t *v = r < 0 ? json_pack("{s:b, s:i, s:o}", "ok", 0, "code", -r, "text", admin_json_str(str_z(fault->text)))
			  : json_pack("{s:b, s:b}", "ok", 1, "result", is_served);
	char *text_z = json_dumps(v, JSON_COMPACT);
	int n = dprintf(fd, "%s\n", text_z);

	mem_free(text_z);
	json_decref(v);
	return n < 0 ? -E_CLOSED : r;
}

static void run_child(struct conf *conf, const struct server_conf *s, int fd)
{
	struct conf_live *live = conf_live_new(conf_ref(conf));
	AUTO(cli_close_fd) int server = -1;
	struct fault fault = { 0 };
	struct server_data data;
	int r = cli_data_open(s, live, &data, &server, &fault);

	if (say_opened(fd, r, server >= 0, &fault) == 0 && server < 0) {
		struct admin ad = { .store = data.store, .queue = data.queue, .sasl = data.sasl, .conf = live };

		server_alone(&ad, fd);
	}
	if (r == 0 && server < 0)
		server_data_close(&data);
	conf_live_free(live);
}

static void end_child(struct cli_port *p)
{
	cli_close_fd(&p->fd);
	p->fd = -1;
	if (p->child > 0)
		waitpid(p->child, NULL, 0);
	p->child = 0;
}

static int start_child(struct cli_port *p, struct conf *conf, const struct server_conf *s, struct fault *fault)
{
	json_t *is_served = NULL;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fault_errno(fault, errno, "cannot make a socket");
	p->child = fork();
	if (p->child == 0) {
		close(pair[0]);
		run_child(conf, s, pair[1]);
		_exit(0);
	}
	close(pair[1]);
	p->fd = pair[0];
	if (p->child < 0)
		return fault_errno(fault, errno, "cannot make a process");
	r = cli_port_receive(p, &is_served, fault);
	if (r == 0 && json_is_true(is_served)) {
		end_child(p);
		p->fd = cli_control_connect(s->data_dir, fault);
		r = p->fd == -E_NOT_FOUND ? fault_set(fault, -E_CLOSED, "the server that had just begun is gone; its log says why") : p->fd < 0 ? p->fd : 0;
	}
	json_decref(is_served);
	return r;
}

int cli_port_open(const struct cli_args *args, struct cli_port *ret, struct fault *fault)
{
	struct conf *conf = NULL;
	const struct server_conf *s;
	int r;

	*ret = (struct cli_port){ .fd = -1, .in = BUF_INIT(ANSWER_MAX) };
	r = cli_settings_need(args, &conf, fault);
	if (r < 0)
		return r;
	s = conf_get(conf, &server_conf_table);
	ret->fd = cli_control_connect(s->data_dir, fault);
	if (ret->fd == -E_NOT_FOUND)
		r = start_child(ret, conf, s, fault);
	else if (ret->fd < 0)
		r = ret->fd;
	conf_unref(conf);
	return r;
}

void cli_port_close(struct cli_port *p)
{
	end_child(p);
	buf_fini(&p->in);
}
