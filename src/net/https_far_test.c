/* SPDX-License-Identifier: MIT */
/* Questions about HTTPS between two processes: what each end makes of what the other says. server/fetcher_test.c has the processes. */
#include "net/https_far.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/test.h"

#define NEVER_MS 60000

struct question {
	int fd;
	struct net_https_get g;
	struct str document;
	struct buf out;
	bool is_post;
	int code;
	struct fault fault;
	pthread_t thread;
};

static struct net_address addresses[HTTPS_FAR_ADDRESSES + 1];

static void *ask(void *arg)
{
	struct question *q = arg;

	q->code = https_far_ask(q->fd, &q->g, q->document, q->is_post ? NULL : &q->out, &q->fault);
	return NULL;
}

static struct net_https_get asked(int64_t ms)
{
	return (struct net_https_get){ .host_z = "a.test", .port = 443, .path_z = "/x", .type_z = "text/plain", .addresses = addresses,
				       .n_addresses = 1, .deadline_ms = clock_mono_ms() + ms };
}

static void begin(struct question *q, int fd, int64_t ms)
{
	*q = (struct question){ .fd = fd, .g = asked(ms), .out = BUF_INIT(100) };
	must(pthread_create(&q->thread, NULL, ask, q) == 0);
}

static int end(struct question *q)
{
	must(pthread_join(q->thread, NULL) == 0);
	return q->code;
}

static void open_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

/* The next question, and its socket. */
static int receive(int fd, struct https_far_request *r)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int socket = -1;

	assert_int_equal(poll(&p, 1, 30000), 1);
	assert_int_equal(https_far_receive(fd, r, &socket), 1);
	return socket;
}

/* Whatever the other process says, it is taken for what it may be, and no more. */
TEST(https_far_answers)
{
	static const struct row {
		const char *name_z, *body_z;
		int32_t code;
		uint32_t n;  /* that it says there are */
		int want;
		const char *text_z; /* of the fault */
	} rows[] = {
		{ "a document", "policy", 0, 6, 0, "" },
		{ "an empty one", "", 0, 0, 0, "" },
		{ "a failure", "", -E_TLS, 0, -E_TLS, "said so" },
		{ "a failure with a document", "x", -E_TLS, 1, -E_IO, NULL },
		{ "it dies in the middle", "pol", 0, 6, -E_IO, NULL },
		{ "longer than was asked for", "policy", 0, 101, -E_IO, NULL },
		{ "longer than all memory", "policy", 0, UINT32_MAX, -E_IO, NULL },
		{ "a code of something else", "", -E_AUTH_FAILED, 0, -E_IO, NULL },
		{ "a code that is none", "", INT32_MIN, 0, -E_IO, NULL },
		{ "success with a number", "", 1, 0, -E_IO, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct https_far_answer a = { .code = row->code, .n = row->n };
		struct https_far_request r;
		struct question q;
		int pair[2], socket;

		test_row(row->name_z);
		open_pair(pair);
		begin(&q, pair[0], NEVER_MS);
		socket = receive(pair[1], &r);
		assert_string_equal(r.host_z, "a.test");
		assert_string_equal(r.path_z, "/x");
		assert_int_equal(r.max_answer, 100);
		memset(a.fault.text, 'x', sizeof(a.fault.text)); /* without an end */
		if (row->text_z)
			(void)fault_set(&a.fault, 0, "%s", row->text_z);
		assert_int_equal(send(socket, &a, sizeof(a), 0), sizeof(a));
		(void)send(socket, row->body_z, strlen(row->body_z), MSG_NOSIGNAL); /* it may have heard enough */
		close(socket);
		assert_int_equal(end(&q), row->want);
		if (row->text_z)
			assert_string_equal(q.fault.text, row->text_z);
		assert_str_eq(buf_str(&q.out), row->want == 0 ? str_z(row->body_z) : S(""));
		buf_fini(&q.out);
		close_pair(pair);
	}
}

/* Its fault has no end: it is cut. */
TEST(https_far_fault_without_end)
{
	struct https_far_answer a = { .code = -E_IO };
	struct https_far_request r;
	struct question q;
	int pair[2], socket;

	open_pair(pair);
	begin(&q, pair[0], NEVER_MS);
	socket = receive(pair[1], &r);
	memset(a.fault.text, 'x', sizeof(a.fault.text));
	assert_int_equal(send(socket, &a, sizeof(a), 0), sizeof(a));
	close(socket);
	assert_int_equal(end(&q), -E_IO);
	assert_int_equal(strlen(q.fault.text), sizeof(q.fault.text) - 1);
	close_pair(pair);
}

/* Nobody takes it; nobody answers; who has it dies; the pair is full. */
TEST(https_far_nobody)
{
	struct https_far_request r;
	struct question q;
	int pair[2], socket;
	char byte;

	open_pair(pair);
	begin(&q, pair[0], 50);
	assert_int_equal(end(&q), -E_TIMEOUT);
	socket = receive(pair[1], &r);
	close(socket);
	begin(&q, pair[0], 50);
	socket = receive(pair[1], &r);
	assert_int_equal(end(&q), -E_TIMEOUT);
	close(socket);
	begin(&q, pair[0], NEVER_MS);
	close(receive(pair[1], &r));
	assert_int_equal(end(&q), -E_IO);
	/* thrown away unread, as the supervisor does after a death */
	begin(&q, pair[0], NEVER_MS);
	assert_int_equal(recv(pair[1], &byte, 1, 0), 1);
	assert_int_equal(end(&q), -E_IO);
	close(pair[1]);
	begin(&q, pair[0], NEVER_MS);
	assert_int_equal(end(&q), -E_BUSY);
	close(pair[0]);
}

/* More than there is room for is not asked. */
TEST(https_far_too_much)
{
	char path[HTTPS_FAR_PATH + 1];
	int pair[2];

	open_pair(pair);
	memset(path, '/', sizeof(path));
	path[HTTPS_FAR_PATH] = '\0';
	for (int i = 0; i < 3; i++) {
		struct question q = { .fd = pair[0], .g = asked(NEVER_MS), .out = BUF_INIT(100) };
		struct fault fault = { 0 };
		struct https_far_request r;
		int socket;

		if (i == 0)
			q.g.path_z = path;
		if (i == 1)
			q.g.n_addresses = HTTPS_FAR_ADDRESSES + 1;
		if (i == 2)
			q.document = str_of(path, (size_t)HTTPS_FAR_DOCUMENT + 1);
		assert_int_equal(https_far_ask(q.fd, &q.g, q.document, i == 2 ? NULL : &q.out, &fault), -E_LIMIT);
		assert_int_equal(https_far_receive(pair[1], &r, &socket), 0);
	}
	close_pair(pair);
}

/* ---- what the other process makes of questions ---- */

static void send_packet(int fd, const void *p, size_t n, int with_fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} m = { 0 };
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	const int fds[] = { with_fd, with_fd };

	if (with_fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = m.room;
		msg.msg_controllen = sizeof(m.room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(c), fds, sizeof(fds));
	}
	assert_int_equal(sendmsg(fd, &msg, 0), n);
}

static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

/* Not well formed: dropped, and no descriptor is kept. */
TEST(https_far_odd_questions)
{
	const struct https_far_request good = { .host_z = "a.test", .path_z = "/", .type_z = "text/plain", .max_answer = 1 };
	struct https_far_request bad[19], r;
	static const char *const hosts_z[] = { "", "127.0.0.1", "0x7f000001", "a.test/", "u@a.test", "[::1]", "a.test\r", "a:1" };
	static const char *const paths_z[] = { "", "x", "/ x" };
	int pair[2], socket = -1, other[2], fd;

	open_pair(pair);
	open_pair(other);
	fd = next_fd();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = good;
	memset(bad[0].host_z, 'x', sizeof(bad[0].host_z));
	memset(bad[1].path_z, 'x', sizeof(bad[1].path_z));
	memset(bad[2].type_z, 'x', sizeof(bad[2].type_z));
	bad[3].n_addresses = HTTPS_FAR_ADDRESSES + 1;
	bad[4].n_document = HTTPS_FAR_DOCUMENT + 1;
	bad[5].max_answer = HTTPS_FAR_ANSWER + 1;
	bad[6].deadline_ms = INT64_MAX;
	snprintf(bad[7].type_z, sizeof(bad[7].type_z), "text/plain\r\nX: y");
	for (size_t i = 0; i < ARRAY_LEN(hosts_z); i++)
		snprintf(bad[8 + i].host_z, sizeof(bad[0].host_z), "%s", hosts_z[i]);
	for (size_t i = 0; i < ARRAY_LEN(paths_z); i++)
		snprintf(bad[16 + i].path_z, sizeof(bad[0].path_z), "%s", paths_z[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		send_packet(pair[0], &bad[i], sizeof(bad[i]), other[0]);
		assert_int_equal(https_far_receive(pair[1], &r, &socket), 0);
	}
	send_packet(pair[0], &good, sizeof(good) - 1, other[0]);
	assert_int_equal(https_far_receive(pair[1], &r, &socket), 0);
	send_packet(pair[0], &good, sizeof(good), -1);
	assert_int_equal(https_far_receive(pair[1], &r, &socket), 0);
	assert_int_equal(next_fd(), fd);
	send_packet(pair[0], &good, sizeof(good), other[0]); /* two descriptors: one is taken */
	assert_int_equal(https_far_receive(pair[1], &r, &socket), 1);
	assert_int_equal(socket, fd);
	close(socket);
	assert_int_equal(next_fd(), fd);
	close(pair[0]);
	assert_int_equal(https_far_receive(pair[1], &r, &socket), -E_CLOSED);
	close(pair[1]);
	close_pair(other);
}

/* A document that never comes whole is not posted, and holds nobody up. */
TEST(https_far_document_is_late)
{
	const struct https_far_request r = { .host_z = "a.test", .path_z = "/", .type_z = "text/plain", .is_post = true, .n_document = 100,
					     .deadline_ms = clock_mono_ms() + 50 };
	struct https_far_answer a;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(send(pair[0], "short", 5, 0), 5);
	https_far_do(NULL, &r, pair[1]); /* gets as far as no HTTPS */
	assert_int_equal(recv(pair[0], &a, sizeof(a), 0), sizeof(a));
	assert_int_equal(a.code, -E_TIMEOUT);
	close(pair[0]);
}
