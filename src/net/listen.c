/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets, and taking connections from them. Accepting costs two system calls: accepted
 * sockets inherit TCP_NODELAY and keep-alive from the listener, everything else is left to the
 * worker that gets them.
 *
 * A connection that is refused for a cap gets the protocol's text (not on implicit TLS, where it
 * could not be read) and is closed. Out of files: the spare one is given up for a moment to
 * accept and drop, so the listener does not keep a worker spinning.
 */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_PER_ROUND 128
#define KEEP_IDLE_S 600

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* ---- binding ---- */

static int set_opt(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

union any_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage any;
};

/* The socket address of "127.0.0.1", "::1", "*" (all of IPv6 and IPv4). False: not an address. */
static bool addr_parse(const char *z, uint16_t port, union any_addr *ret, socklen_t *ret_n)
{
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, z, &ret->in.sin_addr) == 1) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(port);
		*ret_n = sizeof(ret->in);
		return true;
	}
	if (strcmp(z, "*") != 0 && inet_pton(AF_INET6, z, &ret->in6.sin6_addr) != 1)
		return false;
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(port);
	*ret_n = sizeof(ret->in6);
	return true;
}

static int not_bound(const char *address_z, uint16_t port, int errnum, struct fault *fault)
{
	int r = fault_errno(fault, errnum, "%s port %u", address_z, (unsigned)port);

	if (errnum == EADDRINUSE)
		return fault_set(fault, r, "%s port %u: another program listens there; `ss -ltnp` tells which", address_z, (unsigned)port);
	if (errnum == EADDRNOTAVAIL)
		return fault_set(fault, r, "%s port %u: this host does not have that address; `ip address` tells those it has", address_z, (unsigned)port);
	if (errnum == EACCES)
		return fault_set(fault, r, "%s port %u: only root may listen on ports below %d; start it as root, it gives that up afterwards", address_z,
				 (unsigned)port, IPPORT_RESERVED);
	return r;
}

static int bind_tcp(const char *address_z, uint16_t port, int *ret_fd, struct fault *fault)
{
	AUTO(fd_close) int fd = -1;
	union any_addr a;
	socklen_t n;
	bool is_all = strcmp(address_z, "*") == 0;

	if (!addr_parse(address_z, port, &a, &n))
		return fault_set(fault, -E_USAGE,
				 "\"%s\" is not an IP address; write one, or \"*\" for all",
				 address_z);
	fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && is_all && errno == EAFNOSUPPORT) /* a host without IPv6 */
		return bind_tcp("0.0.0.0", port, ret_fd, fault);
	if (fd < 0)
		return fault_errno(fault, errno, "%s", address_z);
	(void)set_opt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (a.sa.sa_family == AF_INET6)
		(void)set_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY, !is_all);
	(void)set_opt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	(void)set_opt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	(void)set_opt(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	if (bind(fd, &a.sa, n) != 0 || listen(fd, BACKLOG) != 0)
		return not_bound(address_z, port, errno, fault);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* A socket file that nobody listens on is left over from a crash. */
static void remove_stale(const struct sockaddr_un *un)
{
	AUTO(fd_close) int fd = -1;
	struct stat st;

	if (lstat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)un, sizeof(*un)) != 0 &&
	    errno == ECONNREFUSED)
		unlink(un->sun_path);
}

static int bind_unix(const char *path_z, int *ret_fd, struct fault *fault)
{
	AUTO(fd_close) int fd = -1;
	union any_addr a;
	struct stat st;

	memset(&a, 0, sizeof(a));
	a.un.sun_family = AF_UNIX;
	if (strlen(path_z) >= sizeof(a.un.sun_path))
		return fault_set(fault, -E_USAGE, "%s: too long for a socket (at most %zu bytes)",
				 path_z, sizeof(a.un.sun_path) - 1);
	memcpy(a.un.sun_path, path_z, strlen(path_z));
	remove_stale(&a.un);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, &a.sa, sizeof(a.un)) != 0)
		return fault_errno(fault, errno, "%s", path_z);
	/* bind() made it 0777 less umask; nobody executes a socket. */
	if (stat(path_z, &st) != 0 || chmod(path_z, st.st_mode & 0666) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return fault_errno(fault, errno, "%s", path_z);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int net_bind(const char *address_z, uint16_t port, int *ret_fd, struct fault *fault)
{
	if (address_z[0] == '/')
		return bind_unix(address_z, ret_fd, fault);
	return bind_tcp(address_z, port, ret_fd, fault);
}

int net_bound_port(int fd, uint16_t *ret)
{
	union any_addr a = { 0 };
	socklen_t n = sizeof(a);

	if (getsockname(fd, &a.sa, &n) != 0)
		return err_from_errno(errno);
	if (a.sa.sa_family != AF_INET && a.sa.sa_family != AF_INET6)
		return -E_CANNOT;
	*ret = ntohs(a.sa.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
	return 0;
}

/* ---- accepting ---- */

/* Fills in who the peer is. */
static void peer_set(struct conn *c, const union any_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *b = a->in6.sin6_addr.s6_addr;

	switch (a->sa.sa_family) {
	case AF_INET6:
		c->peer_port = ntohs(a->in6.sin6_port);
		memcpy(c->addr.b, b, sizeof(c->addr.b));
		if (memcmp(b, mapped, sizeof(mapped)) == 0)
			break;
		inet_ntop(AF_INET6, b, c->peer, sizeof(c->peer));
		c->is_loopback = IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
		memset(c->addr.b + 8, 0, 8); /* the caps count a /64 */
		return;
	case AF_INET:
		c->peer_port = ntohs(a->in.sin_port);
		memcpy(c->addr.b, mapped, sizeof(mapped));
		memcpy(c->addr.b + 12, &a->in.sin_addr, 4);
		break;
	default:
		snprintf(c->peer, sizeof(c->peer), "unix");
		c->is_unix = c->is_loopback = true;
		return;
	}
	inet_ntop(AF_INET, c->addr.b + 12, c->peer, sizeof(c->peer));
	c->is_loopback = c->addr.b[12] == 127;
}

/*
 * Is there room for one more? A local socket is what administrators and delivery from here come
 * by: a part of the overdue ones is theirs.
 */
static bool has_room(struct net *n, const struct conn *c, struct net_conn_list *ready)
{
	int64_t max = n->conf.max_connections < n->max_by_fds ? n->conf.max_connections
							      : n->max_by_fds;
	int64_t over = (int64_t)n->table.n - max;

	if (over < 0)
		return true;
	if (c->is_unix)
		return over < 2 * NET_OVERDUE;
	return over < NET_OVERDUE && net_stranger_evict(n, ready);
}

/* Enters c under the caps; -E_BUSY: too many in all, or we stop; -E_LIMIT: of its address. */
static int admit(struct net *n, struct conn *c, struct net_conn_list *ready)
{
	bool is_shared;
	int rc = 0;

	lock_get(&n->lock);
	is_shared = !c->is_unix && !(c->is_loopback && n->conf.is_loopback_exempt);
	/* The address first: whoever has too many must throw nobody out. */
	if (is_shared && !net_caps_take(&n->caps, &c->addr, n->conf.max_connections_per_address)) {
		rc = -E_LIMIT;
	} else if (n->is_stopping || !has_room(n, c, ready)) {
		rc = -E_BUSY;
		if (is_shared)
			net_caps_give(&n->caps, &c->addr);
	}
	if (rc == 0) {
		c->is_capped = is_shared;
		c->write_timeout_ms = (int32_t)n->conf.write_timeout_ms;
		c->line_timeout_ms = (int32_t)n->conf.line_timeout_ms;
		c->handshake_timeout_ms = (int32_t)n->conf.handshake_timeout_ms;
		net_table_add(&n->table, c);
		if (!c->is_unix)
			net_stranger_add(n, c);
	}
	lock_put(&n->lock);
	return rc;
}

static void refuse(struct net *n, struct conn *c, int err)
{
	const struct net_listener *l = c->listener;
	struct str text = S("");

	atomic_fetch_add(&n->n_refused, 1);
	LOG(DEBUG, "net.refuse", F_Z("sid", c->sid), F_Z("listener", l->name), F_Z("peer", c->peer),
	    F_Z("err", err_row(err)->name));
	if (l->tls_mode != NET_TLS_IMPLICIT && l->protocol->refuse_text != NULL)
		text = l->protocol->refuse_text(err);
	if (text.n > 0)
		(void)send(c->fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(c->fd, SHUT_WR);
	net_conn_free(c);
}

static void conn_accepted(struct net *n, const struct net_listener *l, int fd,
			  const union any_addr *peer, struct net_conn_list *ready)
{
	struct conn *c = net_conn_new(&net_plain_transport, fd);
	int rc;

	c->net = n;
	c->listener = l;
	c->id = atomic_fetch_add(&n->last_id, 1) + 1;
	c->phase = NET_PHASE_GREET;
	peer_set(c, peer);
	rc = admit(n, c, ready);
	if (rc < 0) {
		refuse(n, c, rc);
		return;
	}
	atomic_fetch_add(&n->n_accepted, 1);
	LOG(DEBUG, "net.accept", F_Z("sid", c->sid), F_Z("listener", l->name),
	    F_Z("peer", c->peer));
	if (l->tls_mode == NET_TLS_IMPLICIT) {
		/* The peer speaks first, so the conn waits for it and not a worker. */
		c->is_tls = true;
		c->transport = &net_tls_transport;
		c->tls = net_tls_ref(l->tls);
		c->phase = NET_PHASE_HANDSHAKE;
		c->phase_deadline_ms = clock_mono_ms() + c->handshake_timeout_ms;
		c->wait = NET_PARK_HANDSHAKE;
		c->wait_deadline_ms = c->phase_deadline_ms;
		if (net_waiter_park(n, c) == NET_PARKED)
			return;
	}
	net_conn_list_add(ready, c);
}

/* Out of files: drops one connection with the help of the spare descriptor. */
static void drop_one(struct net *n, const struct net_listener *l)
{
	int fd;

	atomic_fetch_add(&n->n_refused, 1);
	lock_get(&n->spare_lock);
	if (n->sparefd >= 0) {
		close(n->sparefd);
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
	}
	n->sparefd = fcntl(n->wakefd, F_DUPFD_CLOEXEC, 0);
	lock_put(&n->spare_lock);
}

void net_listen_accept(struct net *n, const struct net_listener *l, struct net_conn_list *ready)
{
	for (int i = 0; i < ACCEPTS_PER_ROUND; i++) {
		union any_addr peer = { .any = { .ss_family = AF_UNIX } };
		socklen_t len = sizeof(peer);
		int fd = accept4(l->fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			conn_accepted(n, l, fd, &peer, ready);
		else if (errno == EMFILE || errno == ENFILE)
			drop_one(n, l);
		else if (errno != ECONNABORTED && errno != EINTR)
			return; /* EAGAIN: none is left; anything else comes again */
	}
}
