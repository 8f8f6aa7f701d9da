/* SPDX-License-Identifier: MIT */
/*
 * The control socket without a server: one peer, one request after the other, on a socket pair. For a process that a command made
 * to open the data as the server's user, while the command itself reads and writes files of others.
 */
#include "server/admin.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "db/blob.h"
#include "store/store.h"

struct alone {
	int fd;
	struct buf in; /* received and not used */
};

static int receive(struct alone *s)
{
	char *p = buf_reserve(&s->in, 65536);
	ssize_t n;

	if (!p)
		return -E_LIMIT;
	do
		n = recv(s->fd, p, 65536, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -E_CLOSED;
	buf_commit(&s->in, (size_t)n);
	return 0;
}

static int send_all(void *ctx, struct str s)
{
	const struct alone *to = ctx;

	while (s.n) {
		ssize_t n = send(to->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -E_CLOSED;
		if (n > 0)
			s = str_skip(s, (size_t)n);
	}
	return 0;
}

static int add_chunk(const char *p, size_t n, void *out)
{
	buf_add(out, str_of(p, n));
	return 0;
}

static int send_answer(struct alone *s, json_t *answer)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(256u << 20);

	json_dump_callback(answer, add_chunk, &line, JSON_COMPACT);
	json_decref(answer);
	buf_add_char(&line, '\n');
	return buf_overflowed(&line) ? -E_LIMIT : send_all(s, buf_str(&line));
}

static int read_request(struct alone *s, json_t **ret)
{
	ptrdiff_t end;
	int r = 0;

	while ((end = str_chr(buf_str(&s->in), '\n')) < 0 && r == 0)
		r = s->in.n > LIMIT_CONN_IN ? -E_LIMIT : receive(s);
	if (r < 0)
		return r;
	*ret = json_loadb(s->in.p, (size_t)end, 0, NULL);
	buf_consume(&s->in, (size_t)end + 1);
	return 0;
}

static int read_body(struct alone *s, int64_t n, struct spool *to)
{
	int r = 0;

	while (r == 0 && n > 0) {
		struct str piece = str_head(buf_str(&s->in), (size_t)n);

		r = piece.n ? spool_append(to, piece) : receive(s);
		n -= (int64_t)piece.n;
		buf_consume(&s->in, piece.n);
	}
	return r;
}

static int answer_one(struct alone *s, struct admin *ad)
{
	struct spool *spool = NULL;
	json_t *request = NULL;
	int64_t n = 0;
	int r = read_request(s, &request);

	ad->sends.size = 0;
	ad->body = str_of(NULL, 0);
	if (r == 0)
		n = admin_request_bytes(request);
	if (r == 0 && n < 0)
		r = -E_TOO_BIG;
	if (r == 0 && n > 0)
		r = spool_new(store_db(ad->store), LIMIT_CONTROL_BODY, &spool);
	if (r == 0 && n > 0)
		r = read_body(s, n, spool);
	if (r == 0 && n > 0)
		r = spool_view(spool, &ad->body);
	if (r == 0)
		r = send_answer(s, admin_answer(ad, request));
	if (r == 0)
		r = admin_send(ad, send_all, s);
	json_decref(request);
	spool_free(spool);
	return r;
}

void server_alone(struct admin *ad, int fd)
{
	struct alone s = { .fd = fd, .in = BUF_INIT(LIMIT_CONN_IN + 131072) };

	while (answer_one(&s, ad) == 0)
		;
	buf_fini(&s.in);
}
