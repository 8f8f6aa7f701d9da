/* SPDX-License-Identifier: MIT */
/*
 * The control socket: DIR/control.sock, one JSON object a line each way, served like any other protocol.
 *
 *   {"verb": "account.list", "args": {}}
 *   {"ok": true, "result": [...]}      or      {"ok": false, "code": 1, "error": "NOT_FOUND", "text": "..."}
 *
 * Only root and the user that the server runs as may speak: the socket's mode says so, and the peer's
 * credentials are looked at again.
 */
#include "server/server_int.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "net/conn.h"

#define CONTROL_IDLE_MS 60000

struct control {
	struct conn *conn;
	struct server_process *process;
};

static void *control_open(struct conn *c, void *ctx)
{
	int64_t uid = conn_peer_uid(c);
	struct control *s;

	if (uid != 0 && uid != (int64_t)geteuid())
		return NULL;
	s = MEM_NEW(struct control);
	s->conn = c;
	s->process = ctx;
	conn_set_idle_ms(c, CONTROL_IDLE_MS);
	return s;
}

static void control_close(void *session)
{
	mem_free(session);
}

static json_t *failure(int code, const struct fault *fault)
{
	const struct err_row *row = err_row(code);

	return json_pack("{s:b, s:i, s:s, s:o}", "ok", 0, "code", row->code, "error", row->name, "text",
			 admin_json_str(str_z(fault->text[0] ? fault->text : row->text)));
}

/* Whom or what a verb is about, for the log; never a password or a hash. */
static struct str subject(const json_t *args)
{
	static const char *const keys[] = { "address", "alias", "domain", "name" };
	struct str s = { 0 };

	for (size_t i = 0; s.n == 0 && i < ARRAY_LEN(keys); i++)
		s = admin_arg_opt(args, keys[i]);
	return s;
}

json_t *server_control_answer(struct admin *ad, struct str line)
{
	struct fault fault = { 0 };
	json_error_t jerr;
	json_t *request = json_loadb(line.p, line.n, 0, &jerr);
	const char *verb = request ? json_string_value(json_object_get(request, "verb")) : NULL;
	json_t *result = NULL;
	json_t *reply;
	int r;

	if (!verb)
		r = fault_set(&fault, -E_USAGE, "not a request: one JSON object with \"verb\" and \"args\" is expected");
	else
		r = admin_run(ad, verb, json_object_get(request, "args"), &result, &fault);
	LOG(INFO, "control.verb", F_Z("verb", verb), F_STR("of", subject(json_object_get(request, "args"))), F_Z("err", r < 0 ? err_row(r)->name : "OK"));
	reply = r < 0 ? failure(r, &fault)
		      : json_pack("{s:b, s:o}", "ok", 1, "result", result ? result : json_null());
	json_decref(request);
	return reply;
}

static int write_chunk(const char *p, size_t n, void *conn)
{
	conn_write(conn, str_of(p, n));
	return conn_failed(conn) ? -1 : 0;
}

static enum net_next control_run(void *session, enum net_reason why)
{
	struct control *s = session;
	struct conn_line line;
	int r;

	if (why == NET_TIMEOUT || why == NET_STOP)
		return NET_CLOSE;
	while ((r = conn_line(s->conn, LIMIT_CONN_IN, &line)) == 1) {
		json_t *reply = server_control_answer(&s->process->admin, line.text);

		json_dump_callback(reply, write_chunk, s->conn, JSON_COMPACT);
		json_decref(reply);
		conn_write(s->conn, S("\n"));
	}
	return r == 0 ? NET_PARK : NET_CLOSE;
}

static struct str control_refuse(int err)
{
	(void)err;
	return S("{\"ok\": false, \"code\": 4, \"error\": \"LIMIT\", \"text\": \"too many connections\"}\n");
}

static const struct net_protocol control_protocol = {
	.name = "control",
	.open = control_open,
	.run = control_run,
	.close = control_close,
	.refuse_text = control_refuse,
};

int server_control_bind(struct server_process *p, int *ret_fd, struct fault *fault)
{
	char path[4096];
	mode_t old;
	int r;

	snprintf(path, sizeof(path), "%s/control.sock", p->fixed->data_dir);
	old = umask(0177);
	r = net_bind(path, 0, ret_fd, fault);
	umask(old);
	return r;
}

int server_control_open(struct server_process *p, int fd, struct fault *fault)
{
	struct net_listener l = { .name = "control", .fd = fd, .protocol = &control_protocol, .ctx = p };

	return net_listen(p->net, &l, fault);
}
