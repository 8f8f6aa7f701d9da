/* SPDX-License-Identifier: MIT */
/*
 * A connection's life and its names. Reading is in conn_read.c, writing in conn_write.c, and below
 * them a transport moves the bytes: conn_plain.c, conn_tls.c, conn_scripted.c, with conn_deflate.c
 * above them when the peer asked for compression.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rnd.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct conn *net_conn_new(const struct net_transport *transport, int fd)
{
	struct conn *c = MEM_NEW(struct conn);

	c->magic = NET_CONN_MAGIC;
	c->fd = fd;
	c->transport = transport;
	rnd_id_z(c->sid, sizeof(c->sid) - 1);
	/* Room for the longest line with its CRLF. */
	buf_init(&c->in, LIMIT_CONN_IN + 2);
	buf_init(&c->out, LIMIT_CONN_OUT);
	c->is_drained = true;
	c->read_wants = POLLIN;
	c->write_wants = POLLOUT;
	c->idle_ms = NET_IDLE_DEFAULT_MS;
	c->heap_at = -1;
	return c;
}

void net_conn_free(struct conn *c)
{
	must(c->magic == NET_CONN_MAGIC && c->session == NULL);
	net_deflate_free(c);
	net_tls_conn_fini(c);
	if (c->fd >= 0)
		close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	c->magic = 0;
	mem_free(c);
}

void net_conn_release(struct conn *c)
{
	net_deflate_release(c);
	if (c->in_at == c->in.n) {
		buf_fini(&c->in);
		c->in_at = c->scanned = 0;
	}
	if (c->out_at == c->out.n) {
		buf_fini(&c->out);
		c->out_at = 0;
	}
}

const char *conn_sid(const struct conn *c)
{
	return c->sid;
}

uint64_t conn_id(const struct conn *c)
{
	return c->id;
}

struct str conn_peer(const struct conn *c)
{
	return str_z(c->peer);
}

struct str conn_local(const struct conn *c)
{
	return str_z(c->local);
}

uint16_t conn_peer_port(const struct conn *c)
{
	return c->peer_port;
}

bool conn_is_loopback(const struct conn *c)
{
	return c->is_loopback;
}

bool conn_is_unix(const struct conn *c)
{
	return c->is_unix;
}

int64_t conn_peer_uid(const struct conn *c)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (!c->is_unix || c->fd < 0 || getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
		return -1;
	return (int64_t)cred.uid;
}

void conn_set_idle_ms(struct conn *c, int64_t ms)
{
	c->idle_ms = ms;
	c->is_idle_set = true;
}

void conn_hold(struct conn *c, int64_t ms)
{
	int64_t until_ms = clock_mono_ms() + ms;

	must(c->magic == NET_CONN_MAGIC);
	if (c->net != NULL && ms > 0 && until_ms > c->hold_until_ms)
		c->hold_until_ms = until_ms;
}

void conn_await(struct conn *c, int64_t ms)
{
	must(c->magic == NET_CONN_MAGIC && ms > 0);
	if (c->net != NULL)
		c->await_until_ms = clock_mono_ms() + ms;
}

void conn_stand_by(struct conn *c, bool is_waiting)
{
	if (c != NULL && c->net != NULL)
		net_pool_block(c->net, is_waiting ? 1 : -1);
}

bool conn_is_tls(const struct conn *c)
{
	return c->is_tls;
}

int conn_starttls(struct conn *c, struct net_tls *tls)
{
	must(c->magic == NET_CONN_MAGIC && !c->in_body);
	if (c->is_tls || (tls == NULL && c->net != NULL))
		return -E_BUG;
	if (c->out_err != 0)
		return c->out_err;
	/* RFC 3207 4.2: what came before the handshake was not protected and is not looked at. */
	buf_fini(&c->in);
	c->in_at = c->scanned = 0;
	c->line_since_ms = 0;
	c->is_skipping = c->is_starved = c->is_yielding = false;
	c->is_tls = true;
	if (c->net == NULL) /* scripted: pretended */
		return 0;
	c->tls = net_tls_ref(tls);
	c->is_drained = true;
	c->phase = NET_PHASE_HANDSHAKE;
	c->phase_deadline_ms = 0; /* step.c sends the rest in clear, and then changes the transport */
	return 0;
}
