/* SPDX-License-Identifier: MIT */
/* Attempts and results cross a pair of sockets whole, and nothing else is taken for one. */
#include "base/test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "queue/attempt.h"

#define ARENA_MAX (1u << 20)

static struct queue_attempt_rcpt rcpts[] = {
	{ STR_INIT("bob@example.org"), STR_INIT("rfc822;bob@example.org"), QUEUE_NOTIFY_FAILURE },
	{ STR_INIT("carol@example.org"), STR_INIT(""), 0 },
};

static const struct queue_attempt sample = {
	.id = 7,
	.n_lost = 3,
	.is_root_signed = true,
	.hop = { .destination = STR_INIT("example.org"), .domain = STR_INIT("example.org"), .port = 25, .tls = QUEUE_TLS_ENCRYPT },
	.sts = { STR_INIT("20160831"), STR_INIT("version: STSv1"), 1700000000 },
	.qid = STR_INIT("abc"),
	.reverse_path = STR_INIT("alice@example.test"),
	.envid = STR_INIT("QQ314159"),
	.dsn_ret = QUEUE_RET_HDRS,
	.flags = 3,
	.wish = { .by_s = 1700000000, .by_returns = true, .priority = -9, .has_priority = true },
	.max_sessions = 20,
	.has_fallback = true,
	.post = STR_INIT("https://h.example/"),
	.rcpts = rcpts,
	.n_rcpts = 2,
	.message = STR_INIT("Subject: a\r\n\r\nb\r\n"),
};

static void pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
}

static void close_pair(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void assert_sample(const struct queue_attempt *a, struct str message)
{
	assert_int_equal(a->id, 7);
	assert_int_equal(a->n_lost, 3);
	assert_true(a->is_root_signed);
	assert_str_eq(a->hop.destination, S("example.org"));
	assert_int_equal(a->hop.host.n, 0);
	assert_int_equal(a->hop.tls, QUEUE_TLS_ENCRYPT);
	assert_str_eq(a->sts.text, S("version: STSv1"));
	assert_int_equal(a->sts.fetched_s, 1700000000);
	assert_str_eq(a->reverse_path, S("alice@example.test"));
	assert_str_eq(a->envid, S("QQ314159"));
	assert_int_equal(a->dsn_ret, QUEUE_RET_HDRS);
	assert_int_equal(a->flags, 3);
	assert_int_equal(a->wish.by_s, 1700000000);
	assert_true(a->wish.by_returns && !a->wish.by_traces && a->wish.has_priority);
	assert_int_equal(a->wish.priority, -9);
	assert_int_equal(a->max_sessions, 20);
	assert_true(a->has_fallback);
	assert_int_equal(a->n_rcpts, 2);
	assert_str_eq(a->rcpts[0].orcpt, S("rfc822;bob@example.org"));
	assert_int_equal(a->rcpts[0].notify, QUEUE_NOTIFY_FAILURE);
	assert_str_eq(a->rcpts[1].address, S("carol@example.org"));
	assert_str_eq(a->post, S("https://h.example/"));
	assert_true(str_eq(a->message, message));
}

TEST(an_attempt_crosses)
{
	static const size_t sizes[] = { 0, 1, 4096, 60u << 10, 64u << 10, 20u << 20 };
	int fds[2];

	pair(fds);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO(arena_fini) struct arena arena;
		struct queue_attempt a = sample, got = { 0 };
		struct queue_attempt_map map = { 0 };
		char *bytes = mem_alloc(sizes[i] + 1, 1);

		memset(bytes, 'x', sizes[i]);
		a.message = str_of(bytes, sizes[i]);
		arena_init(&arena, ARENA_MAX);
		assert_int_equal(queue_attempt_receive(fds[1], &arena, &got, &map), 0);
		assert_int_equal(queue_attempt_send(fds[0], &a), 0);
		assert_int_equal(queue_attempt_receive(fds[1], &arena, &got, &map), 1);
		assert_sample(&got, a.message);
		queue_attempt_unmap(&map);
		mem_free(bytes);
	}
	close_pair(fds);
}

/* A socket without room for so much at once: the message goes beside the packet. When it is full, nothing goes. */
TEST(an_attempt_crosses_a_narrow_socket)
{
	AUTO(arena_fini) struct arena arena;
	struct queue_attempt a = sample, got = { 0 };
	struct queue_attempt_map map = { 0 };
	static char bytes[60 << 10];
	int fds[2], n = 0, rc;

	pair(fds);
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &(int){ 1 }, sizeof(int)), 0);
	for (size_t i = 0; i < 2; i++) {
		a.message = str_of(bytes, i == 0 ? sizeof(bytes) : 10);
		while ((rc = queue_attempt_send(fds[0], &a)) == 0 && n < 10000)
			n++;
		assert_int_equal(rc, -E_BUSY);
		assert_true(n > 0);
		for (; n > 0; n--) {
			arena_init(&arena, ARENA_MAX);
			assert_int_equal(queue_attempt_receive(fds[1], &arena, &got, &map), 1);
			assert_true(map.is_heap == (i == 1));
			assert_sample(&got, a.message);
			queue_attempt_unmap(&map);
			arena_fini(&arena);
		}
	}
	close_pair(fds);
}

/* A sealed file with the attempt, as queue_attempt_send() makes it. */
static int sealed_sample(void)
{
	AUTO(buf_fini) struct buf all = BUF_INIT(65536);
	int fd = memfd_create("attempt", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	queue_attempt_write(&sample, &all);
	buf_add(&all, sample.message);
	assert_int_equal(write(fd, all.p, all.n), (ssize_t)all.n);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	return fd;
}

/* A file, and something in the packet too: nonsense, and nothing stays open. Without that it is one. */
TEST(a_packet_that_is_both_is_no_attempt)
{
	AUTO(arena_fini) struct arena arena;
	struct queue_attempt got;
	struct queue_attempt_map map = { 0 };
	struct {
		uint64_t magic, id;
		char more[100];
	} bytes = { 0x4d61724174747031u, sample.id, "" }; /* as in attempt.c */
	struct iovec part = { &bytes, sizeof(bytes) };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fds[2], next, file = sealed_sample();

	arena_init(&arena, ARENA_MAX);
	pair(fds);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &file, sizeof(int));
	next = dup(fds[0]);
	close(next);
	assert_int_equal(sendmsg(fds[0], &m, 0), (ssize_t)sizeof(bytes));
	assert_int_equal(queue_attempt_receive(fds[1], &arena, &got, &map), -E_SYNTAX);
	assert_int_equal(fcntl(next, F_GETFD), -1);
	assert_null(map.p);
	part.iov_len = 2 * sizeof(uint64_t);
	assert_int_equal(sendmsg(fds[0], &m, 0), (ssize_t)part.iov_len);
	assert_int_equal(queue_attempt_receive(fds[1], &arena, &got, &map), 1);
	queue_attempt_unmap(&map);
	close(file);
	close_pair(fds);
}

TEST(a_packet_that_is_too_long_is_no_attempt)
{
	AUTO(arena_fini) struct arena arena;
	struct queue_attempt got;
	struct queue_attempt_map map = { 0 };
	static char bytes[(64 << 10) + 17];
	int fds[2];

	arena_init(&arena, ARENA_MAX);
	pair(fds);
	assert_int_equal(send(fds[0], bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
	assert_int_equal(queue_attempt_receive(fds[1], &arena, &got, &map), -E_SYNTAX);
	assert_null(map.p);
	close_pair(fds);
}

TEST(a_closed_end_is_told)
{
	AUTO(arena_fini) struct arena arena;
	struct queue_attempt got;
	struct queue_attempt_map map = { 0 };
	struct queue_result result;
	int fds[2];

	arena_init(&arena, ARENA_MAX);
	pair(fds);
	close(fds[0]);
	assert_int_equal(queue_attempt_receive(fds[1], &arena, &got, &map), -E_CLOSED);
	assert_int_equal(queue_result_receive(fds[1], &arena, &result), -E_CLOSED);
	assert_int_equal(queue_attempt_send(fds[1], &sample), -E_CLOSED);
	close(fds[1]);
}

TEST(a_packet_without_its_file_is_no_attempt)
{
	AUTO(arena_fini) struct arena arena;
	struct queue_attempt got;
	struct queue_attempt_map map = { 0 };
	int fds[2];

	arena_init(&arena, ARENA_MAX);
	pair(fds);
	assert_int_equal(send(fds[0], "0123456789abcdef", 16, 0), 16);
	assert_int_equal(queue_attempt_receive(fds[1], &arena, &got, &map), -E_SYNTAX);
	assert_null(map.p);
	close_pair(fds);
}

/* A packet with two descriptors is none either, and neither of them stays open. */
TEST(a_packet_with_two_files_leaves_none_open)
{
	struct attempt_packet {
		uint64_t magic, id;
	} bytes = { 0, 1 };
	struct iovec part = { &bytes, sizeof(bytes) };
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct queue_attempt_map map = { 0 };
	AUTO(arena_fini) struct arena arena;
	struct queue_attempt got;
	int fds[2], next;

	arena_init(&arena, ARENA_MAX);
	pair(fds);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	next = dup(fds[0]);
	close(next);
	assert_int_equal(sendmsg(fds[0], &m, 0), (ssize_t)sizeof(bytes));
	assert_int_equal(queue_attempt_receive(fds[1], &arena, &got, &map), -E_SYNTAX);
	assert_int_equal(fcntl(next, F_GETFD), -1);
	close_pair(fds);
}

TEST(a_long_envelope_is_refused_before_it_is_sent)
{
	struct queue_attempt a = sample;
	char *bytes = mem_alloc(QUEUE_ATTEMPT_HEAD, 1);
	int fds[2];

	pair(fds);
	memset(bytes, 'x', QUEUE_ATTEMPT_HEAD);
	a.envid = str_of(bytes, QUEUE_ATTEMPT_HEAD);
	assert_int_equal(queue_attempt_send(fds[0], &a), -E_LIMIT);
	mem_free(bytes);
	close_pair(fds);
}

TEST(every_cut_attempt_is_refused)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(65536);

	queue_attempt_write(&sample, &bytes);
	buf_add(&bytes, sample.message);
	for (size_t n = 0; n < bytes.n; n++) {
		AUTO(arena_fini) struct arena arena;
		struct queue_attempt got;

		arena_init(&arena, ARENA_MAX);
		assert_int_equal(queue_attempt_read(str_head(buf_str(&bytes), n), &arena, &got), -E_SYNTAX);
	}
}

static struct queue_tlsrpt_policy policies[] = {
	{ QUEUE_TLSRPT_STS, STR_INIT("example.org"), STR_INIT("version: STSv1\nmode: testing") },
	{ QUEUE_TLSRPT_NONE, STR_INIT("example.org"), STR_INIT("") }
};
static struct queue_tlsrpt_session sessions[] = {
	{ 1, QUEUE_TLSRPT_SUCCESS, STR_INIT(""), STR_INIT(""), STR_INIT(""), STR_INIT("") },
	{ 0, QUEUE_TLSRPT_EXPIRED, STR_INIT("mx.example.org"), STR_INIT("192.0.2.1"),
	  STR_INIT("192.0.2.2"), STR_INIT("last year") },
};

static struct queue_result sample_result(struct queue_rcpt_result room[2])
{
	room[0] = (struct queue_rcpt_result){ QUEUE_DELIVERED, { 250, S("2.0.0"), S("queued as 1") } };
	room[1] = (struct queue_rcpt_result){ QUEUE_FAILED, { 550, S("5.1.1"), S("no such user\nreally") } };
	return (struct queue_result){ .id = 7, .stage = QUEUE_AT_END, .is_reused = true, .fallback = QUEUE_LEVEL_ENCRYPTED, .host = S("mx.example.org"), .ms = 12,
				      .address = S("192.0.2.1"), .tls = S("TLSv1.3"), .level = QUEUE_LEVEL_VERIFIED, .is_root_signed = true, .sts = { S("1"), S("a\r\nb"), 5 }, .rcpts = room, .n_rcpts = 2,
				      .tlsrpt = { S("mailto:r@example.org"), policies, 2, sessions, 2 } };
}

TEST(a_result_crosses)
{
	AUTO(arena_fini) struct arena arena;
	struct queue_rcpt_result room[2];
	struct queue_result r = sample_result(room), got = { 0 };
	int fds[2];

	arena_init(&arena, ARENA_MAX);
	pair(fds);
	assert_int_equal(queue_result_receive(fds[1], &arena, &got), 0);
	assert_int_equal(queue_result_send(fds[0], &r), 0);
	assert_int_equal(queue_result_receive(fds[1], &arena, &got), 1);
	assert_int_equal(got.id, 7);
	assert_int_equal(got.stage, QUEUE_AT_END);
	assert_true(got.is_reused && !got.is_down);
	assert_int_equal(got.fallback, QUEUE_LEVEL_ENCRYPTED);
	assert_str_eq(got.host, S("mx.example.org"));
	assert_str_eq(got.tls, S("TLSv1.3"));
	assert_int_equal(got.level, QUEUE_LEVEL_VERIFIED);
	assert_true(got.is_root_signed);
	assert_str_eq(got.sts.id, S("1"));
	assert_str_eq(got.sts.text, S("a\r\nb"));
	assert_int_equal(got.ms, 12);
	assert_int_equal(got.n_rcpts, 2);
	assert_int_equal(got.rcpts[0].outcome, QUEUE_DELIVERED);
	assert_int_equal(got.rcpts[1].reply.code, 550);
	assert_str_eq(got.rcpts[1].reply.enhanced, S("5.1.1"));
	assert_str_eq(got.rcpts[1].reply.text, S("no such user\nreally"));
	assert_str_eq(got.tlsrpt.rua, S("mailto:r@example.org"));
	assert_int_equal(got.tlsrpt.n_policies, 2);
	assert_int_equal(got.tlsrpt.policies[0].type, QUEUE_TLSRPT_STS);
	assert_str_eq(got.tlsrpt.policies[0].text, S("version: STSv1\nmode: testing"));
	assert_int_equal(got.tlsrpt.n_sessions, 2);
	assert_int_equal(got.tlsrpt.sessions[0].policy, 1);
	assert_int_equal(got.tlsrpt.sessions[1].outcome, QUEUE_TLSRPT_EXPIRED);
	assert_str_eq(got.tlsrpt.sessions[1].host, S("mx.example.org"));
	assert_str_eq(got.tlsrpt.sessions[1].peer, S("192.0.2.1"));
	assert_str_eq(got.tlsrpt.sessions[1].own, S("192.0.2.2"));
	assert_str_eq(got.tlsrpt.sessions[1].reason, S("last year"));
	close_pair(fds);
}

static int read_with_text(struct str text, struct arena *arena, struct queue_result *ret)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(65536);
	struct queue_rcpt_result room[2];
	struct queue_result r = sample_result(room);

	room[0].reply.text = text;
	queue_result_write(&r, &bytes);
	return queue_result_read(buf_str(&bytes), arena, ret);
}

TEST(a_result_is_read_as_a_strangers)
{
	AUTO(arena_fini) struct arena arena;
	struct queue_result got;
	char *bytes = mem_alloc(QUEUE_REPLY_TEXT + 1, 1);

	arena_init(&arena, ARENA_MAX);
	memset(bytes, 'x', QUEUE_REPLY_TEXT + 1);
	assert_int_equal(read_with_text(str_of(bytes, QUEUE_REPLY_TEXT), &arena, &got), 0);
	assert_int_equal(read_with_text(str_of(bytes, QUEUE_REPLY_TEXT + 1), &arena, &got), -E_SYNTAX);
	assert_int_equal(read_with_text(S("a\r\x1b[2J\x7f\xc3\xa9"), &arena, &got), 0);
	assert_str_eq(got.rcpts[0].reply.text, S("a??[2J?\xc3\xa9"));
	assert_int_equal(read_with_text(S("\xff"), &arena, &got), -E_SYNTAX);
	mem_free(bytes);
}

TEST(a_session_names_a_policy_that_is_there)
{
	AUTO(arena_fini) struct arena arena;
	AUTO(buf_fini) struct buf bytes = BUF_INIT(65536);
	struct queue_rcpt_result room[2];
	struct queue_result r = sample_result(room), got;

	arena_init(&arena, ARENA_MAX);
	r.tlsrpt.n_policies = 1; /* the first session's is the second */
	queue_result_write(&r, &bytes);
	assert_int_equal(queue_result_read(buf_str(&bytes), &arena, &got), -E_SYNTAX);
}

/* The largest that the sender may make still is one packet. */
TEST(the_largest_result_fits)
{
	AUTO(arena_fini) struct arena arena;
	AUTO(buf_fini) struct buf bytes = BUF_INIT(QUEUE_RESULT_MAX);
	static char x[QUEUE_STS_TEXT];
	struct queue_rcpt_result room[QUEUE_ATTEMPT_RCPTS];
	struct queue_tlsrpt_policy p[QUEUE_TLSRPT_POLICIES];
	struct queue_tlsrpt_session s[QUEUE_TLSRPT_SESSIONS];
	struct str name = str_of(x, 255), address = str_of(x, 63);
	struct queue_result got,
		r = { .id = 7,
		      .host = name,
		      .address = name,
		      .tls = name,
		      .sts = { str_of(x, 32), str_of(x, QUEUE_STS_TEXT), 1 },
		      .rcpts = room,
		      .n_rcpts = QUEUE_ATTEMPT_RCPTS,
		      .tlsrpt = { str_of(x, TLSRPT_RUA_MAX), p, QUEUE_TLSRPT_POLICIES, s,
				  QUEUE_TLSRPT_SESSIONS } };

	memset(x, 'x', sizeof(x));
	arena_init(&arena, ARENA_MAX);
	for (size_t i = 0; i < ARRAY_LEN(room); i++)
		room[i] = (struct queue_rcpt_result){
			QUEUE_DEFERRED, { 450, str_of(x, 16), str_of(x, QUEUE_REPLY_TEXT) }
		};
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		p[i] = (struct queue_tlsrpt_policy){ QUEUE_TLSRPT_STS, name,
						     str_of(x, QUEUE_TLSRPT_POLICY) };
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		s[i] = (struct queue_tlsrpt_session){ 0,       QUEUE_TLSRPT_EXPIRED,
						      name,    address,
						      address, str_of(x, QUEUE_TLSRPT_REASON) };
	queue_result_write(&r, &bytes);
	assert_false(buf_overflowed(&bytes));
	assert_int_equal(queue_result_read(buf_str(&bytes), &arena, &got), 0);
	assert_int_equal(got.tlsrpt.n_sessions, QUEUE_TLSRPT_SESSIONS);
}

/* Somebody's answer has to be written down, else the same attempt would come again and again. */
TEST(a_result_leaves_some_but_not_all)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(65536);
	struct queue_rcpt_result room[2];
	struct queue_result r = sample_result(room), got;
	AUTO(arena_fini) struct arena arena;

	arena_init(&arena, ARENA_MAX);
	for (size_t n_left = 0; n_left <= r.n_rcpts; n_left++) {
		buf_reset(&bytes);
		room[0].outcome = n_left > 1 ? QUEUE_LEFT : QUEUE_DELIVERED;
		room[1].outcome = n_left > 0 ? QUEUE_LEFT : QUEUE_DELIVERED;
		queue_result_write(&r, &bytes);
		assert_int_equal(queue_result_read(buf_str(&bytes), &arena, &got), n_left < 2 ? 0 : -E_SYNTAX);
		if (n_left < 2)
			assert_int_equal(got.rcpts[1].outcome, room[1].outcome);
	}
}

TEST(every_cut_or_longer_result_is_refused)
{
	AUTO(buf_fini) struct buf bytes = BUF_INIT(65536);
	struct queue_rcpt_result room[2];
	struct queue_result r = sample_result(room), got;
	AUTO(arena_fini) struct arena arena;

	queue_result_write(&r, &bytes);
	arena_init(&arena, ARENA_MAX);
	for (size_t n = 0; n < bytes.n; n++)
		assert_int_equal(queue_result_read(str_head(buf_str(&bytes), n), &arena, &got), -E_SYNTAX);
	buf_add_char(&bytes, 'x');
	assert_int_equal(queue_result_read(buf_str(&bytes), &arena, &got), -E_SYNTAX);
}
