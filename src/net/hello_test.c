/* SPDX-License-Identifier: MIT */
/* What comes before a handshake, and what comes instead of data after it. */
#include "net/net_int.h"

#include "base/clock.h"
#include "base/test.h"
#include "net/echo_test.h"

#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD(record, type, message) \
	"\x16\x03\x01" record type message

static const struct {
	const char *name;
	struct str bytes;
	size_t there;
	int want;
	size_t need; /* when want is 0 */
} rows[] = {
	{ "nothing", STR_INIT(""), 0, 0, 9 },
	{ "one byte", STR_INIT("\x16"), 1, 0, 9 },
	{ "a length", STR_INIT("\x16\x03\x01\x02\x00"), 5, 0, 9 },
	{ "a head", STR_INIT(HEAD("\x02\x00", "\x01", "\x00\x01\xfc")), 9, 0, 517 },
	{ "nearly all", STR_INIT(HEAD("\x02\x00", "\x01", "\x00\x01\xfc")), 516, 0, 517 },
	{ "all", STR_INIT(HEAD("\x02\x00", "\x01", "\x00\x01\xfc")), 517, 1, 0 },
	{ "more", STR_INIT(HEAD("\x02\x00", "\x01", "\x00\x01\xfc")), 600, 1, 0 },
	{ "in two records", STR_INIT(HEAD("\x00\x40", "\x01", "\x00\x01\xfc")), 69, 1, 0 },
	{ "the largest", STR_INIT(HEAD("\x40\x00", "\x01", "\x00\x40\x00")), 9, 0, 16389 },
	{ "a larger record", STR_INIT(HEAD("\x40\x01", "\x01", "\x00\x01\x00")), 9, -E_LIMIT, 0 },
	{ "a larger message", STR_INIT(HEAD("\x40\x00", "\x01", "\x00\x40\x01")), 9, -E_LIMIT, 0 },
	{ "128 KB announced", STR_INIT(HEAD("\x40\x00", "\x01", "\x01\xff\xff")), 9, -E_LIMIT, 0 },
	{ "an empty record", STR_INIT("\x16\x03\x01\x00\x00"), 5, -E_LIMIT, 0 },
	{ "half a length", STR_INIT("\x16\x03\x01\x00\x03\x01\x00\x00"), 8, -E_LIMIT, 0 },
	{ "another message", STR_INIT(HEAD("\x40\x00", "\x02", "\xff\xff\xff")), 9, 1, 0 },
	{ "no TLS", STR_INIT("GET / HTTP"), 9, 1, 0 },
};

TEST(hello_is_looked_at_before_it_is_read)
{
	static char bytes[600];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t need = 0;

		test_row(rows[i].name);
		memset(bytes, 'x', sizeof(bytes));
		memcpy(bytes, rows[i].bytes.p, rows[i].bytes.n);
		assert_int_equal(net_tls_hello_check(str_of(bytes, rows[i].there), &need),
				 rows[i].want);
		if (rows[i].want == 0)
			assert_int_equal(need, rows[i].need);
	}
}

struct fixture {
	struct echo_ctx ctx;
	struct net *net;
	uint16_t port;
};

static void start(struct fixture *f)
{
	struct net_conf conf = echo_conf();

	*f = (struct fixture){ .ctx = { .tls = echo_tls(NULL, false) } };
	f->net = echo_server(&conf, &f->ctx, NET_TLS_IMPLICIT, &f->port);
}

static void stop(struct fixture *f)
{
	net_close(&f->net, 60000); /* sooner when all have ended */
	net_tls_unref(f->ctx.tls);
}

/* A handshake by hand: the client's bytes can be cut anywhere. */
struct by_hand {
	struct peer p;
	BIO *to_us, *from_us;
};

static void by_hand_open(struct by_hand *h, uint16_t port)
{
	h->p = peer_open(port);
	peer_cert(&h->p, NULL);
	h->p.ssl = SSL_new(h->p.ctx);
	h->to_us = BIO_new(BIO_s_mem());
	h->from_us = BIO_new(BIO_s_mem());
	SSL_set_bio(h->p.ssl, h->to_us, h->from_us);
}

/* Sends what the client has to say, step bytes at a time. */
static void by_hand_send(struct by_hand *h, size_t step)
{
	char *b;
	long n = BIO_get_mem_data(h->from_us, &b);

	for (size_t at = 0; at < (size_t)n; at += step) {
		size_t part = step < (size_t)n - at ? step : (size_t)n - at;

		assert_int_equal(send(h->p.fd, b + at, part, MSG_NOSIGNAL), part);
		usleep(1000);
	}
	(void)BIO_reset(h->from_us);
}

static void by_hand_receive(struct by_hand *h)
{
	char b[4096];
	ssize_t n = recv(h->p.fd, b, sizeof(b), 0);

	assert_true(n > 0);
	BIO_write(h->to_us, b, (int)n);
}

TEST(hello_may_come_in_pieces)
{
	static const size_t steps[] = { 1, 7, 100, 100000 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct by_hand h;
		struct fixture f;
		char got[16] = "";

		start(&f);
		by_hand_open(&h, f.port);
		while (SSL_connect(h.p.ssl) != 1) {
			by_hand_send(&h, steps[i]);
			by_hand_receive(&h);
		}
		by_hand_send(&h, steps[i]);
		while (SSL_read(h.p.ssl, got, sizeof(got)) <= 0)
			by_hand_receive(&h);
		assert_memory_equal(got, "hello\r\n", 7);
		peer_close(&h.p);
		stop(&f);
	}
}

TEST(hello_that_is_too_large_gets_an_alert)
{
	struct fixture f;
	struct peer p;
	char got[7];

	start(&f);
	p = peer_open(f.port);
	assert_int_equal(send(p.fd, "\x16\x03\x01\x40\x00\x01\x01\xff\xff", 9, MSG_NOSIGNAL), 9);
	assert_int_equal(recv(p.fd, got, sizeof(got), MSG_WAITALL), 7);
	assert_memory_equal(got, "\x15\x03\x03\x00\x02\x02\x32", 7);
	peer_expect_end(&p);
	peer_close(&p);
	stop(&f);
}

/* Half a hello and then the end: not waited for until the handshake's deadline. */
TEST(hello_of_a_peer_that_leaves)
{
	struct net_counts c;
	struct fixture f;
	struct peer p;

	start(&f);
	p = peer_open(f.port);
	assert_int_equal(send(p.fd, "\x16\x03\x01\x02\x00", 5, MSG_NOSIGNAL), 5);
	EVENTUALLY((net_counts(f.net, &c), c.parked == 1));
	shutdown(p.fd, SHUT_WR);
	peer_expect_end(&p);
	peer_close(&p);
	stop(&f);
}

/* RFC 8446 4.6.3: keys may be renewed, but not for ever instead of data. */
TEST(tls_key_updates_without_data_have_an_end)
{
	struct fixture f;
	struct peer p;
	int n = 0;

	start(&f);
	p = peer_open(f.port);
	assert_true(peer_tls(&p, NULL, NULL, 0));
	peer_expect(&p, "hello\r\n");
	for (; n < 100; n++)
		assert_true(SSL_key_update(p.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
			    SSL_do_handshake(p.ssl) == 1);
	peer_send(&p, "ECHO fine\r\n");
	peer_expect(&p, "fine\r\n");
	for (; n < 100000; n++)
		if (SSL_key_update(p.ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
		    SSL_do_handshake(p.ssl) != 1)
			break;
	assert_true(n < 100000);
	ERR_clear_error();
	peer_close(&p);
	stop(&f);
}
