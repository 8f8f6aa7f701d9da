/* SPDX-License-Identifier: MIT */
/*
 * Attempts and results as bytes. Both are a run of fields: a number is eight bytes of the machine's order, a text its length and its bytes.
 * Reading never believes a length, a count or a choice.
 *
 * An attempt is one packet. Up to INLINE_MAX all is in it, if the socket can ever take so much; else the envelope and the message are in
 * a sealed file without a name that goes along. A file costs several times what two copies do: making it, page faults, unmapping.
 */
#include "queue/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"

#define PACKET_MAGIC 0x4d61724174747031u
#define INLINE_MAX (64 << 10)
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct packet {
	uint64_t magic, id;
};

/* ---- fields ---- */

static void put_u64(struct buf *b, uint64_t v)
{
	buf_add(b, str_of(&v, sizeof(v)));
}

static void put_str(struct buf *b, struct str s)
{
	put_u64(b, s.n);
	buf_add(b, s);
}

struct reader {
	struct str rest;
	bool is_bad;
};

static uint64_t get_u64(struct reader *r, uint64_t max)
{
	uint64_t v = 0;

	if (r->rest.n < sizeof(v)) {
		r->is_bad = true;
		return 0;
	}
	memcpy(&v, r->rest.p, sizeof(v));
	r->rest = str_skip(r->rest, sizeof(v));
	if (v <= max)
		return v;
	r->is_bad = true;
	return 0;
}

/* A slice of what is read. */
static struct str get_str(struct reader *r, size_t max)
{
	size_t n = (size_t)get_u64(r, max);
	struct str s;

	if (n > r->rest.n) {
		r->is_bad = true;
		n = 0;
	}
	s = str_head(r->rest, n);
	r->rest = str_skip(r->rest, n);
	return s;
}

/* ---- an attempt ---- */

static void put_sts(struct buf *out, const struct queue_sts *s)
{
	put_str(out, s->id);
	put_str(out, s->text);
	put_u64(out, (uint64_t)s->fetched_s);
}

static void get_sts(struct reader *r, struct queue_sts *s)
{
	s->id = get_str(r, 32);
	s->text = get_str(r, QUEUE_STS_TEXT);
	s->fetched_s = (int64_t)get_u64(r, INT64_MAX);
}

/* by_s is one of the past or the future; priority is -9..9. */
static void put_wish(struct buf *out, const struct queue_wish *w)
{
	put_u64(out, (uint64_t)w->by_s);
	put_u64(out, w->by_returns);
	put_u64(out, w->by_traces);
	put_u64(out, w->has_priority);
	put_u64(out, (uint64_t)((int64_t)w->priority + 9));
}

static void get_wish(struct reader *r, struct queue_wish *w)
{
	w->by_s = (int64_t)get_u64(r, INT64_MAX);
	w->by_returns = get_u64(r, 1);
	w->by_traces = get_u64(r, 1);
	w->has_priority = get_u64(r, 1);
	w->priority = (int)get_u64(r, 18) - 9;
}

static void put_hop(struct buf *out, const struct queue_hop *h)
{
	put_str(out, h->destination);
	put_str(out, h->host);
	put_str(out, h->domain);
	put_u64(out, h->port);
	put_u64(out, h->tls);
	put_u64(out, h->is_lmtp);
	put_str(out, h->user);
	put_str(out, h->password);
}

static void get_hop(struct reader *r, struct queue_hop *h)
{
	h->destination = get_str(r, QUEUE_ATTEMPT_HEAD);
	h->host = get_str(r, QUEUE_ATTEMPT_HEAD);
	h->domain = get_str(r, QUEUE_ATTEMPT_HEAD);
	h->port = (uint16_t)get_u64(r, UINT16_MAX);
	h->tls = (enum queue_tls)get_u64(r, QUEUE_N_TLS - 1);
	h->is_lmtp = get_u64(r, 1);
	h->user = get_str(r, QUEUE_ATTEMPT_HEAD);
	h->password = get_str(r, QUEUE_ATTEMPT_HEAD);
}

void queue_attempt_write(const struct queue_attempt *a, struct buf *out)
{
	put_u64(out, a->id);
	put_u64(out, a->n_lost);
	put_u64(out, a->is_root_signed);
	put_hop(out, &a->hop);
	put_sts(out, &a->sts);
	put_str(out, a->qid);
	put_str(out, a->reverse_path);
	put_str(out, a->envid);
	put_u64(out, a->dsn_ret);
	put_u64(out, a->flags);
	put_wish(out, &a->wish);
	put_u64(out, a->max_sessions);
	put_u64(out, a->has_fallback);
	put_str(out, a->post);
	put_u64(out, a->n_rcpts);
	for (size_t i = 0; i < a->n_rcpts; i++) {
		put_str(out, a->rcpts[i].address);
		put_str(out, a->rcpts[i].orcpt);
		put_u64(out, a->rcpts[i].notify);
	}
	put_u64(out, a->message.n);
}

static int get_rcpts(struct reader *r, struct arena *arena, struct queue_attempt *a)
{
	a->n_rcpts = (size_t)get_u64(r, QUEUE_ATTEMPT_RCPTS);
	if (r->is_bad || a->n_rcpts == 0)
		return -E_SYNTAX;
	a->rcpts = ARENA_ARRAY(arena, struct queue_attempt_rcpt, a->n_rcpts);
	if (!a->rcpts)
		return -E_LIMIT;
	for (size_t i = 0; i < a->n_rcpts; i++) {
		a->rcpts[i].address = get_str(r, QUEUE_ATTEMPT_HEAD);
		a->rcpts[i].orcpt = get_str(r, QUEUE_ATTEMPT_HEAD);
		a->rcpts[i].notify = (unsigned)get_u64(r, UINT32_MAX);
	}
	return 0;
}

int queue_attempt_read(struct str bytes, struct arena *arena, struct queue_attempt *ret)
{
	struct reader r = { .rest = bytes };
	struct queue_attempt a = { .id = get_u64(&r, UINT64_MAX), .n_lost = get_u64(&r, UINT64_MAX) };
	int rc;

	a.is_root_signed = get_u64(&r, 1);
	get_hop(&r, &a.hop);
	get_sts(&r, &a.sts);
	a.qid = get_str(&r, QUEUE_ATTEMPT_HEAD);
	a.reverse_path = get_str(&r, QUEUE_ATTEMPT_HEAD);
	a.envid = get_str(&r, QUEUE_ATTEMPT_HEAD);
	a.dsn_ret = (enum queue_ret)get_u64(&r, QUEUE_RET_HDRS);
	a.flags = (unsigned)get_u64(&r, UINT32_MAX);
	get_wish(&r, &a.wish);
	a.max_sessions = (uint32_t)get_u64(&r, UINT32_MAX);
	a.has_fallback = get_u64(&r, 1);
	a.post = get_str(&r, TLSRPT_URI_MAX);
	rc = get_rcpts(&r, arena, &a);
	if (rc < 0)
		return rc;
	a.message = str_of(NULL, (size_t)get_u64(&r, SIZE_MAX));
	if (r.is_bad || a.id == 0 || a.message.n != r.rest.n)
		return -E_SYNTAX;
	a.message = r.rest;
	*ret = a;
	return 0;
}

/* ---- a result ---- */

static void put_seen(struct buf *out, const struct queue_tlsrpt_seen *t)
{
	put_str(out, t->rua);
	put_u64(out, t->n_policies);
	for (size_t i = 0; i < t->n_policies; i++) {
		put_u64(out, t->policies[i].type);
		put_str(out, t->policies[i].domain);
		put_str(out, t->policies[i].text);
	}
	put_u64(out, t->n_sessions);
	for (size_t i = 0; i < t->n_sessions; i++) {
		put_u64(out, t->sessions[i].policy);
		put_u64(out, t->sessions[i].outcome);
		put_str(out, t->sessions[i].host);
		put_str(out, t->sessions[i].peer);
		put_str(out, t->sessions[i].own);
		put_str(out, t->sessions[i].reason);
	}
}

void queue_result_write(const struct queue_result *r, struct buf *out)
{
	put_u64(out, r->id);
	put_u64(out, r->stage);
	put_u64(out, r->is_down);
	put_u64(out, r->is_reused);
	put_u64(out, r->fallback);
	put_str(out, r->host);
	put_str(out, r->address);
	put_str(out, r->tls);
	put_u64(out, r->level);
	put_u64(out, r->is_root_signed);
	put_sts(out, &r->sts);
	put_u64(out, (uint64_t)r->ms);
	put_u64(out, r->n_rcpts);
	for (size_t i = 0; i < r->n_rcpts; i++) {
		put_u64(out, r->rcpts[i].outcome);
		put_u64(out, (uint64_t)r->rcpts[i].reply.code);
		put_str(out, r->rcpts[i].reply.enhanced);
		put_str(out, r->rcpts[i].reply.text);
	}
	put_seen(out, &r->tlsrpt);
}

/* A copy without what could harm a log, a header or a terminal. */
static int get_text(struct reader *r, struct arena *arena, size_t max, struct str *ret)
{
	struct str from = get_str(r, max);
	char *p = arena_alloc(arena, from.n + 1, 1);

	if (!p)
		return -E_LIMIT;
	for (size_t i = 0; i < from.n; i++) {
		unsigned char c = (unsigned char)from.p[i];

		p[i] = (c < 0x20 && c != '\n') || c == 0x7f ? '?' : (char)c;
	}
	*ret = str_of(p, from.n);
	if (!str_is_utf8(*ret))
		r->is_bad = true;
	return 0;
}

/* The packet is gone when the result is looked at: copies, and of a policy its bytes as they are, for it is parsed again. */
static int keep_sts(struct reader *r, struct arena *arena, struct queue_sts *ret)
{
	struct queue_sts s;

	get_sts(r, &s);
	ret->id = arena_str(arena, s.id);
	ret->text = arena_str(arena, s.text);
	ret->fetched_s = s.fetched_s;
	return ret->id.p && ret->text.p ? 0 : -E_LIMIT;
}

static int get_result_rcpts(struct reader *r, struct arena *arena, struct queue_result *ret)
{
	int rc = 0;

	ret->n_rcpts = (size_t)get_u64(r, QUEUE_ATTEMPT_RCPTS);
	ret->rcpts = ARENA_ARRAY(arena, struct queue_rcpt_result, ret->n_rcpts + 1);
	if (!ret->rcpts)
		return -E_LIMIT;
	for (size_t i = 0; i < ret->n_rcpts && rc == 0; i++) {
		struct queue_rcpt_result *one = &ret->rcpts[i];

		one->outcome = (enum queue_outcome)get_u64(r, QUEUE_N_OUTCOMES - 1);
		one->reply.code = (int)get_u64(r, 599);
		rc = get_text(r, arena, 16, &one->reply.enhanced);
		if (rc == 0)
			rc = get_text(r, arena, QUEUE_REPLY_TEXT, &one->reply.text);
	}
	return rc;
}

/* Of such an attempt nothing would be written down. */
static bool is_nothing_tried(const struct queue_result *r)
{
	size_t n_left = 0;

	for (size_t i = 0; i < r->n_rcpts; i++)
		n_left += r->rcpts[i].outcome == QUEUE_LEFT;
	return n_left > 0 && n_left == r->n_rcpts;
}

static int get_policies(struct reader *r, struct arena *arena, struct queue_tlsrpt_seen *ret)
{
	int rc = 0;

	ret->n_policies = (size_t)get_u64(r, QUEUE_TLSRPT_POLICIES);
	ret->policies = ARENA_ARRAY(arena, struct queue_tlsrpt_policy, ret->n_policies + 1);
	if (!ret->policies)
		return -E_LIMIT;
	for (size_t i = 0; i < ret->n_policies && rc == 0; i++) {
		struct queue_tlsrpt_policy *p = &ret->policies[i];

		p->type = (enum queue_tlsrpt_type)get_u64(r, QUEUE_TLSRPT_N_TYPES - 1);
		rc = get_text(r, arena, 255, &p->domain);
		if (rc == 0)
			rc = get_text(r, arena, QUEUE_TLSRPT_POLICY, &p->text);
	}
	return rc;
}

static int get_session(struct reader *r, struct arena *arena, size_t n_policies,
		       struct queue_tlsrpt_session *s)
{
	int rc;

	s->policy = (size_t)get_u64(r, QUEUE_TLSRPT_POLICIES);
	s->outcome = (enum queue_tlsrpt_outcome)get_u64(r, QUEUE_TLSRPT_N_OUTCOMES - 1);
	r->is_bad |= s->policy >= n_policies;
	rc = get_text(r, arena, 255, &s->host);
	if (rc == 0)
		rc = get_text(r, arena, 63, &s->peer);
	if (rc == 0)
		rc = get_text(r, arena, 63, &s->own);
	return rc < 0 ? rc : get_text(r, arena, QUEUE_TLSRPT_REASON, &s->reason);
}

static int get_seen(struct reader *r, struct arena *arena, struct queue_tlsrpt_seen *ret)
{
	int rc = get_text(r, arena, TLSRPT_RUA_MAX, &ret->rua);

	if (rc == 0)
		rc = get_policies(r, arena, ret);
	if (rc < 0)
		return rc;
	ret->n_sessions = (size_t)get_u64(r, QUEUE_TLSRPT_SESSIONS);
	ret->sessions = ARENA_ARRAY(arena, struct queue_tlsrpt_session, ret->n_sessions + 1);
	if (!ret->sessions)
		return -E_LIMIT;
	for (size_t i = 0; i < ret->n_sessions && rc == 0; i++)
		rc = get_session(r, arena, ret->n_policies, &ret->sessions[i]);
	return rc;
}

int queue_result_read(struct str bytes, struct arena *arena, struct queue_result *ret)
{
	struct reader r = { .rest = bytes };
	struct queue_result q = { .id = get_u64(&r, UINT64_MAX) };
	int rc;

	q.stage = (enum queue_stage)get_u64(&r, QUEUE_N_STAGES - 1);
	q.is_down = get_u64(&r, 1);
	q.is_reused = get_u64(&r, 1);
	q.fallback = (enum queue_level)get_u64(&r, QUEUE_N_LEVELS - 1);
	rc = get_text(&r, arena, 255, &q.host);
	if (rc == 0)
		rc = get_text(&r, arena, 255, &q.address);
	if (rc == 0)
		rc = get_text(&r, arena, 255, &q.tls);
	q.level = (enum queue_level)get_u64(&r, QUEUE_N_LEVELS - 1);
	q.is_root_signed = get_u64(&r, 1);
	if (rc == 0)
		rc = keep_sts(&r, arena, &q.sts);
	q.ms = (int64_t)get_u64(&r, INT64_MAX);
	if (rc == 0)
		rc = get_result_rcpts(&r, arena, &q);
	if (rc == 0)
		rc = get_seen(&r, arena, &q.tlsrpt);
	if (rc < 0)
		return rc;
	if (r.is_bad || r.rest.n > 0 || is_nothing_tried(&q))
		return -E_SYNTAX;
	*ret = q;
	return 0;
}

/* ---- the sockets ---- */

/* Envelope and message in one sealed file without a name; -1: none can be made. */
static int make_file(struct str head, struct str message)
{
	struct iovec parts[2] = { { (void *)(uintptr_t)head.p, head.n }, { (void *)(uintptr_t)message.p, message.n } };
	struct iovec *v = parts;
	int fd = memfd_create("attempt", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	while (fd >= 0 && v < parts + 2) {
		ssize_t n = writev(fd, v, (int)(parts + 2 - v));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(fd);
			return -1;
		}
		for (; v < parts + 2 && (size_t)n >= v->iov_len; v++)
			n -= (ssize_t)v->iov_len;
		if (v < parts + 2) {
			v->iov_base = (char *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	if (fd >= 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* A packet goes whole or not at all. -E_BUSY: later; -E_TOO_BIG: never; -E_CLOSED. */
static int send_whole(int sock, const struct msghdr *m)
{
	ssize_t n;

	do {
		n = sendmsg(sock, m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return 0;
	if (errno == EMSGSIZE)
		return -E_TOO_BIG;
	return errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS ? -E_BUSY : -E_CLOSED;
}

static int send_inline(int sock, struct packet *p, struct str head, struct str message)
{
	struct iovec parts[] = { { p, sizeof(*p) }, { (void *)(uintptr_t)head.p, head.n }, { (void *)(uintptr_t)message.p, message.n } };
	const struct msghdr m = { .msg_iov = parts, .msg_iovlen = ARRAY_LEN(parts) };

	return send_whole(sock, &m);
}

static int send_with_file(int sock, struct packet *p, int fd)
{
	struct iovec part = { p, sizeof(*p) };
	union control control = { 0 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return send_whole(sock, &m);
}

int queue_attempt_send(int sock, const struct queue_attempt *a)
{
	AUTO(buf_fini) struct buf head = BUF_INIT(QUEUE_ATTEMPT_HEAD);
	struct packet p = { PACKET_MAGIC, a->id };
	int fd, rc = -E_TOO_BIG;

	must(a->id != 0 && a->n_rcpts > 0 && a->n_rcpts <= QUEUE_ATTEMPT_RCPTS);
	queue_attempt_write(a, &head);
	if (buf_overflowed(&head))
		return -E_LIMIT;
	if (head.n <= INLINE_MAX && a->message.n <= INLINE_MAX - head.n)
		rc = send_inline(sock, &p, buf_str(&head), a->message);
	if (rc != -E_TOO_BIG)
		return rc;
	fd = make_file(buf_str(&head), a->message);
	if (fd < 0)
		return -E_IO;
	rc = send_with_file(sock, &p, fd);
	close(fd);
	return rc;
}

/* The descriptor that came with a packet; -1: none, or more than one (then none of them stays open): the padding has room for a second. */
static int take_fd(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fds[2] = { -1, -1 };

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len > CMSG_LEN(sizeof(fds)))
		return -1;
	memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	if (fds[1] < 0)
		return fds[0];
	close(fds[0]);
	close(fds[1]);
	return -1;
}

/* How long the next packet is; 0: none is there; negative. */
static ssize_t next_bytes(int sock)
{
	ssize_t n = recv(sock, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n <= 0 ? -E_CLOSED : n;
}

/* 1, 0 or negative; *ret_fd (else -1) or what is in *ret (else empty) is the caller's, with an error maybe both. */
static int receive_packet(int sock, struct packet *p, struct queue_attempt_map *ret, int *ret_fd)
{
	struct iovec parts[2] = { { p, sizeof(*p) } };
	union control control = { 0 };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = ARRAY_LEN(parts), .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	ssize_t n = next_bytes(sock);

	if (n <= 0)
		return (int)n;
	if (n < (ssize_t)sizeof(*p) || n > (ssize_t)sizeof(*p) + INLINE_MAX)
		return -E_SYNTAX;
	if (n > (ssize_t)sizeof(*p))
		*ret = (struct queue_attempt_map){ mem_resize(NULL, (size_t)n - sizeof(*p), 1), (size_t)n - sizeof(*p), .is_heap = true };
	parts[1] = (struct iovec){ ret->p, ret->n };
	if (recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != n) /* nobody else reads here */
		return -E_CLOSED;
	*ret_fd = take_fd(&m);
	return p->magic == PACKET_MAGIC && (*ret_fd >= 0) != (ret->n > 0) ? 1 : -E_SYNTAX;
}

static int map_file(int fd, struct queue_attempt_map *ret)
{
	struct stat st;
	void *p;

	/* Nobody may cut it off under the map. */
	if (fstat(fd, &st) < 0 || st.st_size <= 0 || (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS)
		return -E_SYNTAX;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -E_LIMIT;
	*ret = (struct queue_attempt_map){ .p = p, .n = (size_t)st.st_size };
	return 0;
}

int queue_attempt_receive(int sock, struct arena *a, struct queue_attempt *ret, struct queue_attempt_map *ret_map)
{
	struct queue_attempt_map map = { 0 };
	struct packet p;
	int fd = -1;
	int rc = receive_packet(sock, &p, &map, &fd);

	if (rc > 0) {
		rc = fd >= 0 ? map_file(fd, &map) : 0;
		if (rc == 0)
			rc = queue_attempt_read(str_of(map.p, map.n), a, ret);
		if (rc == 0 && ret->id != p.id)
			rc = -E_SYNTAX;
		if (rc == 0)
			rc = 1;
	}
	if (fd >= 0)
		close(fd);
	if (rc > 0)
		*ret_map = map;
	else
		queue_attempt_unmap(&map);
	return rc;
}

void queue_attempt_unmap(struct queue_attempt_map *m)
{
	if (m->is_heap)
		mem_free(m->p);
	else if (m->p)
		munmap(m->p, m->n);
	*m = (struct queue_attempt_map){ 0 };
}

int queue_result_send(int sock, const struct queue_result *r)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(QUEUE_RESULT_MAX);
	ssize_t n;

	queue_result_write(r, &bytes);
	must(!buf_overflowed(&bytes));
	do {
		n = send(sock, bytes.p, bytes.n, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)bytes.n ? 0 : -E_CLOSED;
}

int queue_result_receive(int sock, struct arena *a, struct queue_result *ret)
{
	ssize_t n = next_bytes(sock);
	char *bytes;
	int rc;

	if (n <= 0)
		return (int)n;
	if (n > QUEUE_RESULT_MAX)
		n = QUEUE_RESULT_MAX; /* the rest is lost, and it is not understood */
	bytes = mem_alloc((size_t)n, 1);
	if (recv(sock, bytes, (size_t)n, MSG_DONTWAIT) == n) /* nobody else reads here */
		rc = queue_result_read(str_of(bytes, (size_t)n), a, ret);
	else
		rc = -E_CLOSED;
	if (rc == -E_SYNTAX) {
		*ret = (struct queue_result){ .id = 0 };
		memcpy(&ret->id, bytes, (size_t)n < sizeof(ret->id) ? 0 : sizeof(ret->id)); /* the first field */
	}
	if (rc == 0)
		rc = 1;
	mem_free(bytes);
	return rc;
}
