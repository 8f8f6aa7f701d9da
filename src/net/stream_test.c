/* SPDX-License-Identifier: MIT */
/* Outgoing connections without TLS: addresses, the race, lines, bounds, deadlines, and peers that do not read. */
#include "net/stream.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "base/test.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* ---- addresses ---- */

static struct net_address address(const char *text_z, uint16_t port)
{
	struct net_address a;

	assert_true(net_address_parse(str_z(text_z), port, &a));
	return a;
}

TEST(address_text)
{
	static const char *const good[] = { "192.0.2.1", "2001:db8::1", "::", "::ffff:192.0.2.1" };
	static const char *const bad[] = { "", "192.0.2", "192.0.2.256", "example.org", "[::1]", "::1%lo", "1.2.3.4 ",
					   "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	char text[NET_ADDRESS_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct net_address a = address(good[i], 25);

		net_address_text(&a, text);
		assert_string_equal(text, good[i]);
		assert_int_equal(ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port), 25);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct net_address a;

		test_row(bad[i]);
		assert_false(net_address_parse(str_z(bad[i]), 25, &a));
	}
	assert_false(net_address_parse(str_of("1.2.3.4\0x", 9), 25, &(struct net_address){ 0 }));
}

/* RFC 1918 3, RFC 4193 3.1, RFC 6598 7. */
TEST(address_private)
{
	static const struct {
		const char *text_z;
		bool is_private;
	} rows[] = {
		{ "0.0.0.0", true }, { "10.1.2.3", true }, { "11.0.0.1", false }, { "100.63.255.255", false }, { "100.64.0.1", true },
		{ "100.127.255.255", true }, { "100.128.0.0", false }, { "127.0.0.1", true }, { "169.254.1.1", true },
		{ "172.15.255.255", false }, { "172.16.0.0", true }, { "172.31.255.255", true }, { "172.32.0.0", false },
		{ "192.168.0.1", true }, { "192.169.0.1", false }, { "223.255.255.255", false }, { "224.0.0.1", true },
		{ "255.255.255.255", true }, { "8.8.8.8", false }, { "::", true }, { "::1", true }, { "::2", true },
		{ "fe80::1", true }, { "febf::1", true }, { "fec0::1", true }, { "fc00::1", true }, { "fd12::1", true },
		{ "fe00::1", false }, { "ff02::1", true }, { "2606:4700::1", false }, { "::ffff:10.0.0.1", true },
		{ "::ffff:8.8.8.8", false }, { "64:ff9b::7f00:1", true }, { "64:ff9b::808:808", false },
		{ "2002:a00:1::1", true }, { "2002:808:808::1", false }, { "::ffff:0:10.0.0.1", true }, { "::ffff:0:8.8.8.8", false },
		{ "64:ff9b:1::808:808", true }, { "192.0.0.192", true }, { "192.0.1.1", false }, { "198.17.255.255", false },
		{ "198.18.0.1", true }, { "198.19.255.255", true }, { "198.20.0.0", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_address a = address(rows[i].text_z, 25);

		test_row(rows[i].text_z);
		assert_int_equal(net_address_is_private(&a), rows[i].is_private);
	}
}

TEST(address_lookup)
{
	struct net_address got[2];
	struct fault fault = { "" };
	char text[NET_ADDRESS_TEXT];
	size_t n = 9;

	assert_int_equal(net_address_lookup("2001:db8::7", 25, got, 2, &n, &fault), 0);
	assert_int_equal(n, 1);
	net_address_text(&got[0], text);
	assert_string_equal(text, "2001:db8::7");
	assert_int_equal(ntohs(got[0].v6.sin6_port), 25);
	assert_int_equal(net_address_lookup("a..b", 25, got, 2, &n, &fault), -E_NOT_FOUND);
	assert_true(str_starts(str_z(fault.text), S("a..b: ")));
}

/* ---- the race ---- */

static int bound(const char *ip_z, struct net_address *ret)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(ret->v4);

	*ret = address(ip_z, 0);
	assert_int_equal(bind(fd, &ret->any, n), 0);
	assert_int_equal(getsockname(fd, &ret->any, &n), 0);
	return fd;
}

static int listener(const char *ip_z, int backlog, struct net_address *ret)
{
	int fd = bound(ip_z, ret);

	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* An address that answers nothing: its queue is full. */
static int deaf(struct net_address *ret, int fillers[4])
{
	int fd = listener("127.0.0.1", 0, ret);

	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)!connect(fillers[i], &ret->any, sizeof(ret->v4));
	}
	usleep(50000);
	return fd;
}

/* RFC 8305 5: a refusal begins the next one at once, silence does after the stagger. */
TEST(stream_connect_races)
{
	struct net_address a[3];
	int fillers[4], live = listener("127.0.0.1", 8, &a[2]), silent = deaf(&a[1], fillers);
	int gone = bound("127.0.0.1", &a[0]); /* refused, and nobody else's meanwhile */
	struct net_stream_connect c = { .addresses = a, .n = 3, .stagger_ms = 60, .deadline_ms = clock_mono_ms() + 60000 };
	struct net_stream *s = NULL;
	struct fault fault = { "" };
	int64_t begun = clock_mono_ms();
	size_t index = 9;

	assert_int_equal(net_stream_connect(&c, &s, &index, &fault), 0);
	assert_int_equal(index, 2);
	assert_true(clock_mono_ms() - begun >= 60);
	assert_string_equal(fault.text, "127.0.0.1: Connection refused; 127.0.0.1: no answer yet");
	net_stream_close(&s);
	assert_null(s);
	net_stream_close(&s);

	/* Each attempt has its own end, and the fault names every address. */
	c.n = 2;
	c.each_ms = 150;
	assert_int_equal(net_stream_connect(&c, &s, &index, &fault), -E_IO);
	assert_string_equal(fault.text, "127.0.0.1: Connection refused; 127.0.0.1: Connection timed out");
	c.addresses = &a[1];
	c.n = 1;
	c.each_ms = 0;
	c.deadline_ms = clock_mono_ms() + 100;
	assert_int_equal(net_stream_connect(&c, &s, &index, &fault), -E_TIMEOUT);
	assert_string_equal(fault.text, "127.0.0.1: Connection timed out");
	c.n = 0;
	assert_int_equal(net_stream_connect(&c, &s, &index, &fault), -E_IO);
	close(gone);
	close(live);
	close(silent);
	for (int i = 0; i < 4; i++)
		close(fillers[i]);
}

TEST(stream_connect_from_an_own_address)
{
	struct net_address to, from = address("127.0.0.7", 0), peer;
	int fd = listener("127.0.0.1", 8, &to), got;
	struct net_stream_connect c = { .addresses = &to, .n = 1, .from_v4 = &from, .deadline_ms = clock_mono_ms() + 60000 };
	struct net_stream *s = NULL;
	socklen_t n = sizeof(peer.v4);
	size_t index;
	char text[NET_ADDRESS_TEXT];

	assert_int_equal(net_stream_connect(&c, &s, &index, NULL), 0);
	got = accept(fd, &peer.any, &n);
	net_address_text(&peer, text);
	assert_string_equal(text, "127.0.0.7");
	net_stream_own_address(s, text);
	assert_string_equal(text, "127.0.0.7");
	close(got);
	close(fd);
	net_stream_close(&s);
}

/* ---- bytes ---- */

static struct net_stream *pair(int *ret_peer)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*ret_peer = fds[1];
	return net_stream_of_fd(fds[0]);
}

static int64_t soon(void)
{
	return clock_mono_ms() + 60000;
}

static void put(int fd, struct str s)
{
	assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

static void expect_line(struct net_stream *s, size_t max, struct str want)
{
	struct str line;

	assert_int_equal(net_stream_line(s, max, soon(), &line), 0);
	assert_str_eq(line, want);
}

TEST(stream_lines)
{
	struct str line;
	char body[4];
	int peer;
	struct net_stream *s = pair(&peer);

	assert_false(net_stream_has_input(s));
	put(peer, S("one\r\ntwo\n\r\n\nfive\r\r\nbody67"));
	expect_line(s, 5, S("one"));
	expect_line(s, 5, S("two"));
	expect_line(s, 5, S(""));
	expect_line(s, 5, S(""));
	expect_line(s, 5, S("five\r"));
	assert_true(net_stream_has_input(s));
	assert_int_equal(net_stream_read(s, body, 4, soon()), 4);
	assert_memory_equal(body, "body", 4);
	assert_int_equal(net_stream_line(s, 5, clock_mono_ms() + 20, &line), -E_TIMEOUT);
	assert_string_equal(net_stream_fault_z(s), "timed out");
	put(peer, S("8\r"));
	assert_int_equal(net_stream_line(s, 5, clock_mono_ms(), &line), -E_TIMEOUT);
	put(peer, S("\n9"));
	expect_line(s, 5, S("678"));
	close(peer);
	assert_int_equal(net_stream_line(s, 5, soon(), &line), -E_CLOSED);
	assert_true(net_stream_has_input(s));
	net_stream_close(&s);
}

TEST(stream_lines_have_a_bound)
{
	static const struct {
		struct str bytes;
		int want;
	} rows[] = {
		{ STR_INIT("12345\r\n"), 0 }, { STR_INIT("12345\n"), 0 }, { STR_INIT("123456\r\n"), -E_LIMIT },
		{ STR_INIT("123456\n"), -E_LIMIT }, { STR_INIT("1234567"), -E_LIMIT }, { STR_INIT("12345\r"), -E_TIMEOUT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str line;
		int peer;
		struct net_stream *s = pair(&peer);

		test_row(rows[i].bytes.p);
		put(peer, rows[i].bytes);
		assert_int_equal(net_stream_line(s, 5, clock_mono_ms() + 30, &line), rows[i].want);
		close(peer);
		net_stream_close(&s);
	}
}

struct talker {
	int fd;
	size_t says, reads, got;
	bool is_same;
};

/* Says all of its own before it reads. */
static void *talk(void *arg)
{
	struct talker *t = arg;
	static char page[4096];
	ssize_t n;

	for (size_t i = 0; i < t->says; i++)
		if (send(t->fd, "250 OK\r\n", 8, MSG_NOSIGNAL) != 8)
			return NULL;
	t->is_same = true;
	while (t->got < t->reads && (n = recv(t->fd, page, sizeof(page), 0)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			t->is_same = t->is_same && page[i] == (char)((t->got + (size_t)i) % 251);
		t->got += (size_t)n;
	}
	return NULL;
}

/* RFC 2920 3.1: neither side may wait for the other to read. */
TEST(stream_reads_while_it_writes)
{
	const size_t n = 3u << 20, replies = 25000; /* 200 KB: more than the socket takes */
	char *bytes = mem_alloc(n, 1);
	struct talker t = { .says = replies, .reads = n };
	struct net_stream *s = pair(&t.fd);
	pthread_t thread;
	const int small = 4096;

	setsockopt(t.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i % 251);
	assert_int_equal(pthread_create(&thread, NULL, talk, &t), 0);
	for (size_t at = 0, piece = 1; at < n; at += piece, piece = piece * 2 % 100003) {
		piece = piece < n - at ? piece : n - at;
		net_stream_write(s, str_of(bytes + at, piece), soon());
	}
	assert_int_equal(net_stream_flush(s, soon()), 0);
	for (size_t i = 0; i < replies; i++)
		expect_line(s, 100, S("250 OK"));
	pthread_join(thread, NULL);
	assert_int_equal(t.got, n);
	assert_true(t.is_same);
	close(t.fd);
	net_stream_close(&s);
	mem_free(bytes);
}

TEST(stream_write_errors_stick)
{
	char *bytes = mem_alloc(4u << 20, 1);
	int peer;
	struct net_stream *s = pair(&peer);
	sig_t before = signal(SIGPIPE, SIG_DFL); /* none may come */

	/* A peer that does not read. */
	net_stream_write(s, str_of(bytes, 4u << 20), clock_mono_ms() + 50);
	assert_int_equal(net_stream_flush(s, soon()), -E_TIMEOUT);
	net_stream_write(s, S("more"), soon());
	assert_int_equal(net_stream_flush(s, soon()), -E_TIMEOUT);
	net_stream_close(&s);
	close(peer);

	/* One that has gone; what it said before can still be read. */
	s = pair(&peer);
	put(peer, S("421 bye\r\n"));
	close(peer);
	net_stream_write(s, S("QUIT\r\n"), soon());
	assert_int_equal(net_stream_flush(s, soon()), -E_CLOSED);
	expect_line(s, 100, S("421 bye"));
	net_stream_close(&s);
	signal(SIGPIPE, before);
	mem_free(bytes);
}

TEST(stream_scripted)
{
	struct net_stream *s = net_stream_scripted(S("220 hi\r\n\x1e"
						      "250 a\r\n\x1e"
						      "250 b\r\n250 c\r\n"));
	struct str line;

	expect_line(s, 100, S("220 hi"));
	assert_int_equal(net_stream_line(s, 100, soon(), &line), -E_TIMEOUT);
	net_stream_write(s, S("X\r\n"), soon());
	assert_int_equal(net_stream_line(s, 100, soon(), &line), -E_TIMEOUT);
	assert_int_equal(net_stream_flush(s, soon()), 0);
	expect_line(s, 100, S("250 a"));
	assert_false(net_stream_has_input(s));
	net_stream_write(s, S("Y\r\n"), soon());
	assert_int_equal(net_stream_flush(s, soon()), 0);
	assert_true(net_stream_has_input(s));
	expect_line(s, 100, S("250 b"));
	expect_line(s, 100, S("250 c"));
	assert_int_equal(net_stream_line(s, 100, soon(), &line), -E_CLOSED);
	assert_str_eq(net_stream_scripted_said(s), S("X\r\nY\r\n"));
	net_stream_close(&s);
}
