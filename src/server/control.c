/* SPDX-License-Identifier: MIT */
/*
 * The control socket: DIR/control.sock, one JSON object a line each way, served like any other protocol.
 *
 *   {"verb": "account.list", "args": {}}
 *   {"ok": true, "result": [...]}      or      {"ok": false, "code": 1, "error": "NOT_FOUND", "text": "..."}
 *
 * "bytes": N in a request: so many bytes follow its line (messages of an import). A verb that gives a message back has "bytes" in its
 * result, and they follow the answer's line. When they cannot be had to the end the connection is closed.
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
#include "db/blob.h"
#include "net/conn.h"
#include "store/store.h"

#define CONTROL_IDLE_MS 60000
#define CONTROL_MOVE_IDLE_MS 3600000 /* an import may wait for another server, an export for a disk */

struct control {
	struct conn *conn;
	struct server_process *process;
	json_t *request;     /* whose bytes are to come */
	struct spool *spool; /* those that are there */
	int64_t left;        /* those that are not */
};

static void forget_request(struct control *s)
{
	json_decref(s->request);
	spool_free(s->spool);
	s->request = NULL;
	s->spool = NULL;
}

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
	forget_request(session);
	mem_free(session);
}

/* For one line without bytes. */
json_t *server_control_answer(struct admin *ad, struct str line)
{
	json_t *request = json_loadb(line.p, line.n, 0, NULL);
	json_t *reply = admin_answer(ad, request);

	json_decref(request);
	return reply;
}

static int write_chunk(const char *p, size_t n, void *conn)
{
	conn_write(conn, str_of(p, n));
	return conn_failed(conn) ? -1 : 0;
}

static int write_piece(void *conn, struct str piece)
{
	return write_chunk(piece.p, piece.n, conn) < 0 ? -E_CLOSED : 0;
}

/* The request is complete. 0, or negative: close. */
static int answer(struct control *s)
{
	struct admin ad = s->process->admin; /* the verb's own */
	json_t *reply = NULL;
	int r = s->spool ? spool_view(s->spool, &ad.body) : 0;

	if (admin_is_move(s->request))
		conn_set_idle_ms(s->conn, CONTROL_MOVE_IDLE_MS);
	if (r == 0)
		reply = admin_answer(&ad, s->request);
	forget_request(s);
	if (!reply)
		return r;
	json_dump_callback(reply, write_chunk, s->conn, JSON_COMPACT);
	json_decref(reply);
	conn_write(s->conn, S("\n"));
	return ad.sends.size ? admin_send(&ad, write_piece, s->conn) : 0;
}

/* Bytes that come with a request. 1: all are there; 0: park; negative: close. */
static int take_body(struct control *s)
{
	struct str bytes;
	int r = 1;

	while (s->left > 0 && (r = conn_body_peek(s->conn, &bytes)) == 1) {
		bytes = str_head(bytes, (size_t)s->left);
		r = spool_append(s->spool, bytes);
		if (r < 0)
			return r;
		conn_take(s->conn, bytes.n);
		s->left -= (int64_t)bytes.n;
		r = 1;
	}
	if (r == 1)
		conn_body_end(s->conn);
	return r;
}

/* 1: the request is complete; 0: bytes are to come; negative: close. */
static int begin(struct control *s, struct str line)
{
	static const struct conn_body_limit limit = { .idle_ms = CONTROL_IDLE_MS };
	int r;

	s->request = json_loadb(line.p, line.n, 0, NULL);
	s->left = admin_request_bytes(s->request);
	if (s->left <= 0)
		return s->left < 0 ? (int)s->left : 1;
	r = spool_new(store_db(s->process->admin.store), LIMIT_CONTROL_BODY, &s->spool);
	return r < 0 ? r : conn_body_begin(s->conn, &limit);
}

static enum net_next control_run(void *session, enum net_reason why)
{
	struct control *s = session;
	struct conn_line line;
	int r = 1;

	if (why == NET_TIMEOUT || why == NET_STOP)
		return NET_CLOSE;
	while (r == 1) {
		if (s->left == 0) {
			r = conn_line(s->conn, LIMIT_CONN_IN, &line);
			if (r == 1)
				r = begin(s, line.text);
			if (r < 0 || (r == 0 && s->left == 0))
				break;
		}
		r = take_body(s);
		if (r == 1)
			r = answer(s) < 0 ? -E_CLOSED : 1;
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
