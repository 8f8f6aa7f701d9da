/* SPDX-License-Identifier: MIT */
/*
 * The peer in memory, for unit tests and fuzzers. Input comes in chunks with a "not now" between
 * two of them, so that conn_line() and conn_body_peek() answer 0 as they do on a slow socket;
 * then end of file. Output is collected at once. There is no net: deadlines and caps do not apply.
 */
#include "net/net_int.h"

#include "base/mem.h"
#include "base/must.h"

#define OUTPUT_MAX (256u << 20)

static _Atomic uint64_t last_id;

struct scripted {
	char *input;
	size_t n, at, chunk;
	bool is_between; /* the next read says "not now" */
	struct buf output;
};

/* Without a net there is no session behind the conn; the member carries the script. */
static struct scripted *script_of(const struct conn *c)
{
	must(c->magic == NET_CONN_MAGIC && c->net == NULL && c->fd < 0);
	return c->session;
}

static int scripted_read(struct conn *c, void *p, size_t n, size_t *ret_n)
{
	struct scripted *s = script_of(c);

	*ret_n = 0;
	if (s->is_between) {
		s->is_between = false;
		return 0;
	}
	if (s->at == s->n)
		return -E_CLOSED;
	if (n > s->n - s->at)
		n = s->n - s->at;
	if (s->chunk > 0) {
		if (n > s->chunk)
			n = s->chunk;
		s->is_between = true;
	}
	memcpy(p, s->input + s->at, n);
	s->at += n;
	*ret_n = n;
	return 0;
}

static int scripted_write(struct conn *c, const void *p, size_t n, size_t *ret_n)
{
	struct scripted *s = script_of(c);

	*ret_n = n;
	buf_add(&s->output, str_of(p, n));
	return buf_overflowed(&s->output) ? -E_IO : 0;
}

static void scripted_shutdown(struct conn *c)
{
	(void)c;
}

const struct net_transport net_scripted_transport = {
	.read = scripted_read,
	.write = scripted_write,
	.shutdown = scripted_shutdown,
};

struct conn *conn_new_scripted(struct str input, size_t chunk, bool is_tls, const char *peer_z)
{
	struct conn *c = net_conn_new(&net_scripted_transport, -1);
	struct scripted *s = MEM_NEW(struct scripted);

	/* Exactly as long as the input, so that ASan sees reads beyond it. */
	s->input = mem_alloc(input.n > 0 ? input.n : 1, 1);
	if (input.n > 0)
		memcpy(s->input, input.p, input.n);
	s->n = input.n;
	s->chunk = chunk;
	buf_init(&s->output, OUTPUT_MAX);
	c->session = s;
	c->id = atomic_fetch_add(&last_id, 1) + 1;
	c->phase = NET_PHASE_OPEN;
	c->is_drained = false;
	c->is_tls = is_tls;
	c->peer_port = 40000;
	c->is_unix = strcmp(peer_z, "unix") == 0;
	c->is_loopback =
		c->is_unix || strncmp(peer_z, "127.", 4) == 0 || strcmp(peer_z, "::1") == 0;
	snprintf(c->peer, sizeof(c->peer), "%s", peer_z);
	snprintf(c->local, sizeof(c->local), "%s", c->is_loopback ? peer_z : "192.0.2.1");
	return c;
}

struct str conn_scripted_output(const struct conn *c)
{
	return buf_str(&script_of(c)->output);
}

void conn_free_scripted(struct conn *c)
{
	struct scripted *s;

	if (c == NULL)
		return;
	s = script_of(c);
	mem_free(s->input);
	buf_fini(&s->output);
	mem_free(s);
	c->session = NULL;
	net_conn_free(c);
}
