/* SPDX-License-Identifier: MIT */
/* TLS: contexts, names, reload, handshakes in steps, STARTTLS, bindings, client certificates. */
#include "net/tls.h"

#include "base/clock.h"
#include "base/test.h"
#include "net/echo_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
	struct echo_ctx ctx;
	struct net *net;
	uint16_t port;
};

static void start_with(struct fixture *f, const struct net_conf *conf, struct net_tls *tls, enum net_tls_mode mode)
{
	*f = (struct fixture){ .ctx = { .tls = tls, .body = { .total_ms = 60000 } } };
	f->net = echo_server(conf, &f->ctx, mode, &f->port);
}

static void start(struct fixture *f, struct net_tls *tls, enum net_tls_mode mode)
{
	struct net_conf conf = echo_conf();

	start_with(f, &conf, tls, mode);
}

static void stop(struct fixture *f)
{
	net_close(&f->net, 60000); /* sooner when all have ended */
	net_tls_unref(f->ctx.tls);
	assert_int_equal(atomic_load(&f->ctx.n_open), atomic_load(&f->ctx.n_closed));
}

static void assert_cert_name(struct peer *p, const char *name)
{
	assert_int_equal(X509_check_host(SSL_get0_peer_certificate(p->ssl), name, 0, 0, NULL), 1);
}

TEST(tls_implicit_versions_and_bindings)
{
	static const struct {
		int version;
		const char *want;
	} rows[] = {
		{ TLS1_3_VERSION, "TLSv1.3 sni=localhost alpn=imap exporter=1 unique=0\r\n" },
		{ TLS1_2_VERSION, "TLSv1.2 sni=localhost alpn=imap exporter=1 unique=1\r\n" },
	};
	struct fixture f;

	start(&f, echo_tls("imap", true), NET_TLS_IMPLICIT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct peer p = peer_open(f.port);

		test_row(rows[i].want);
		assert_true(peer_tls(&p, "localhost", "imap", rows[i].version));
		peer_expect(&p, "hello\r\n");
		peer_send(&p, "INFO\r\nECHO x\r\n");
		peer_expect(&p, rows[i].want);
		peer_expect(&p, "x\r\n");
		peer_send(&p, "QUIT\r\n");
		peer_expect(&p, "bye\r\n");
		peer_expect_end(&p);
		assert_int_equal(SSL_get_shutdown(p.ssl) & SSL_RECEIVED_SHUTDOWN,
				 SSL_RECEIVED_SHUTDOWN);
		peer_close(&p);
	}
	stop(&f);
}

/* RFC 9325 3.1.1, RFC 8996 4, 5: nothing below TLS 1.2. */
TEST(tls_old_versions_and_strange_protocols_are_refused)
{
	struct fixture f;
	struct peer p;

	start(&f, echo_tls("imap", false), NET_TLS_IMPLICIT);
	p = peer_open(f.port);
	assert_false(peer_tls(&p, NULL, NULL, TLS1_1_VERSION));
	peer_close(&p);
	p = peer_open(f.port);
	assert_false(peer_tls(&p, NULL, "http/1.1", 0));
	peer_close(&p);
	p = peer_open(f.port);
	assert_true(peer_tls(&p, NULL, NULL, 0));
	peer_expect(&p, "hello\r\n");
	peer_close(&p);
	p = peer_open(f.port);
	peer_send(&p, "EHLO this is no TLS\r\n");
	(void)recv(p.fd, (char[64]){ 0 }, 64, 0);
	peer_close(&p);
	stop(&f);
}

/*
 * Bytes sent in one packet with the end of the handshake are seen (they are read ahead by
 * OpenSSL).
 */
TEST(tls_data_right_after_the_handshake)
{
	struct fixture f;

	start(&f, echo_tls(NULL, false), NET_TLS_IMPLICIT);
	for (int i = 0; i < 20; i++) {
		struct peer p = peer_open(f.port);

		assert_true(peer_tls(&p, NULL, NULL, 0));
		peer_send(&p, "ECHO first\r\n");
		peer_send(&p, "ECHO second\r\n");
		peer_expect(&p, "hello\r\nfirst\r\nsecond\r\n");
		peer_close(&p);
	}
	stop(&f);
}

TEST(tls_starttls)
{
	struct fixture f;
	struct peer p;

	start(&f, echo_tls(NULL, false), NET_TLS_STARTTLS);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	peer_send(&p, "INFO\r\n");
	peer_expect(&p, "plain\r\n");
	/* RFC 3207 4.2: what follows in the clear is not executed. */
	peer_send(&p, "STLS\r\nECHO injected\r\n");
	peer_expect(&p, "go\r\n");
	assert_true(peer_tls(&p, NULL, NULL, 0));
	peer_send(&p, "ECHO inside\r\n");
	peer_expect(&p, "inside\r\n");
	peer_send(&p, "STLS\r\n");
	peer_expect(&p, "go\r\n");
	peer_expect_end(&p); /* -E_BUG: TLS is on already */
	peer_close(&p);
	stop(&f);
}

static int unix_listener(struct fixture *f, struct sockaddr_un *ret)
{
	struct net_listener l = { .name = "unix", .protocol = &echo_protocol, .ctx = &f->ctx };
	struct fault fault = { "" };

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/slow", test_dir());
	assert_int_equal(net_bind(ret->sun_path, 0, &l.fd, &fault), 0);
	return net_listen(f->net, &l, &fault);
}

/*
 * A peer that does not read what stands before our "go ahead" costs no worker. A unix socket,
 * because the kernel takes a known number of bytes there: with one of the counts STLS finds the
 * socket full.
 */
TEST(tls_starttls_does_not_wait_for_a_slow_reader)
{
	struct net_conf conf = echo_conf();
	struct fixture f = { .ctx = { .tls = echo_tls(NULL, false) } };
	struct sockaddr_un a;

	conf.write_timeout_ms = 60000;
	f.net = echo_server(&conf, &f.ctx, NET_TLS_STARTTLS, &f.port);
	assert_int_equal(unix_listener(&f, &a), 0);
	for (size_t n_big = 3; n_big < 12; n_big++) {
		struct peer p = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
		char *got = mem_alloc(n_big, 30002);
		struct net_counts c;

		assert_int_equal(connect(p.fd, (struct sockaddr *)&a, sizeof(a)), 0);
		peer_expect(&p, "hello\r\n");
		for (size_t i = 0; i < n_big; i++)
			peer_send(&p, "BIG 30000\r\n");
		peer_send(&p, "STLS\r\nECHO injected\r\n");
		usleep(20000);
		EVENTUALLY((net_counts(f.net, &c), c.workers_busy == 0 && c.parked == 1));
		assert_int_equal(recv(p.fd, got, n_big * 30002, MSG_WAITALL), n_big * 30002);
		peer_expect(&p, "go\r\n");
		assert_true(peer_tls(&p, NULL, NULL, 0));
		peer_send(&p, "ECHO inside\r\n");
		peer_expect(&p, "inside\r\n");
		peer_close(&p);
		mem_free(got);
		EVENTUALLY((net_counts(f.net, &c), c.connections == 0));
	}
	stop(&f);
}

TEST(tls_bodies_and_long_replies)
{
	struct fixture f;
	struct peer p;
	char *got = mem_alloc(3000003, 1);
	int n = 0, rc;

	start(&f, echo_tls(NULL, false), NET_TLS_IMPLICIT);
	p = peer_open(f.port);
	assert_true(peer_tls(&p, NULL, NULL, 0));
	peer_expect(&p, "hello\r\n");
	peer_send(&p, "BODY 500000\r\n");
	peer_expect(&p, "go\r\n");
	for (int i = 0; i < 5000; i++)
		peer_send(&p, "<123456789012345678901234567890123456789012345678"
			      "90123456789012345678901234567890123456789012345678>");
	peer_expect(&p, "got 500000 <>\r\n");
	peer_send(&p, "BIG 3000000\r\n");
	for (; n < 3000002; n += rc) {
		rc = SSL_read(p.ssl, got, 3000002 - n);
		assert_true(rc > 0);
	}
	peer_send(&p, "ECHO end\r\n");
	peer_expect(&p, "end\r\n");
	peer_close(&p);
	mem_free(got);
	stop(&f);
}

/* Silent and half-hearted peers sit in epoll, not in a worker, and are cut off in time. */
TEST(tls_slow_handshakes_cost_no_worker)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[30], q;
	struct net_counts c;
	int64_t before;

	conf.handshake_timeout_ms = 2000;
	start_with(&f, &conf, echo_tls(NULL, false), NET_TLS_IMPLICIT);
	before = clock_mono_ms();
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = peer_open(f.port);
		if (i % 2)
			assert_int_equal(send(p[i].fd, "\x16\x03\x01\x02", 4, MSG_NOSIGNAL), 4);
	}
	q = peer_open(f.port);
	assert_true(peer_tls(&q, NULL, NULL, 0));
	peer_expect(&q, "hello\r\n");
	do {
		net_counts(f.net, &c);
	} while (c.parked < 31 && clock_mono_ms() - before < 1900);
	assert_true(c.parked == 31 || clock_mono_ms() - before > 2000);
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		peer_expect_end(&p[i]);
		peer_close(&p[i]);
	}
	assert_in_range(clock_mono_ms() - before, 1990, 30000);
	peer_send(&q, "ECHO x\r\n");
	peer_expect(&q, "x\r\n");
	assert_int_equal(atomic_load(&f.ctx.n_open), 1);
	peer_close(&q);
	stop(&f);
}

/* A certificate with an RSA key, into a file; that key goes nowhere. */
static void write_rsa_cert(const char *path_z, const char *name_z)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	FILE *f = fopen(path_z, "w");

	assert_non_null(f);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)name_z, -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(f, x), 1);
	assert_int_equal(fclose(f), 0);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* Both go to one context, which has the key already, for the certificate of the other type. */
TEST(tls_key_of_another_type)
{
	const char *names[] = { "both.example.test", NULL };
	struct net_tls_cert certs[2] = { echo_cert(names), echo_cert(names) };
	struct net_tls_options o = { .certs = certs, .n_certs = 2 };
	struct fault fault = { "" };
	struct net_tls *t = NULL;

	write_rsa_cert(certs[1].cert_path_z, names[0]);
	certs[1].key_path_z = certs[0].key_path_z;
	assert_int_equal(net_tls_new(&o, &t, &fault), -E_TLS);
	assert_non_null(strstr(fault.text, "not the key of"));
}

TEST(tls_names_and_reload)
{
	const char *one[] = { "one.example.test", NULL };
	const char *two[] = { "two.example.test", "*.wild.example.test", NULL };
	const char *three[] = { "three.example.test", NULL };
	static const struct {
		const char *sni, *want;
	} rows[] = {
		{ "one.example.test", "one.example.test" },
		{ "TWO.example.test", "two.example.test" },
		{ "a.wild.example.test", "two.example.test" },
		{ "a.b.wild.example.test", "one.example.test" },
		{ "other.example.test", "one.example.test" },
		{ NULL, "one.example.test" },
	};
	struct net_tls_cert certs[] = { echo_cert(one), echo_cert(two) };
	struct net_tls_cert next = echo_cert(three);
	struct net_tls_options o = { .certs = certs, .n_certs = 2, .has_tickets = true };
	struct net_tls_options after = { .certs = &next, .n_certs = 1, .has_tickets = true };
	struct net_tls_cert mixed = { .cert_path_z = next.cert_path_z, .key_path_z = certs[0].key_path_z };
	struct net_tls_options bad = { .certs = &mixed, .n_certs = 1, .has_tickets = true };
	struct fixture f;
	struct fault fault = { "" };
	struct net_tls *t, *fresh = NULL;
	struct peer p, old;

	assert_int_equal(net_tls_new(&o, &t, &fault), 0);
	start(&f, t, NET_TLS_IMPLICIT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].sni);
		p = peer_open(f.port);
		assert_true(peer_tls(&p, rows[i].sni, NULL, 0));
		assert_cert_name(&p, rows[i].want);
		peer_close(&p);
	}
	old = peer_open(f.port);
	assert_true(peer_tls(&old, NULL, NULL, 0));
	assert_int_equal(net_tls_new(&bad, &fresh, &fault), -E_TLS);
	assert_non_null(strstr(fault.text, "not the key of"));
	assert_int_equal(net_tls_new(&after, &fresh, &fault), 0);
	net_tls_take(t, fresh);
	p = peer_open(f.port);
	assert_true(peer_tls(&p, "one.example.test", NULL, 0));
	assert_cert_name(&p, "three.example.test");
	peer_close(&p);
	peer_send(&old, "ECHO old\r\n");
	peer_expect(&old, "hello\r\nold\r\n");
	peer_close(&old);
	stop(&f);
}

/* A certificate that the CA vouches for is shown to the session, another one is as good as none. */
TEST(tls_client_certificates)
{
	const char *server[] = { "localhost", NULL }, *known[] = { "carol", NULL },
		   *stranger[] = { "mallory", NULL };
	struct net_tls_cert certs[] = { echo_cert(server), echo_cert(known), echo_cert(stranger) };
	struct net_tls_options o = { .certs = certs, .n_certs = 1, .client_ca_path_z = certs[1].cert_path_z };
	static const char *const want[] = { "cert 0 \r\n", "cert 1 CN=carol\r\n", "cert 0 \r\n" };
	struct fixture f;
	struct fault fault = { "" };
	struct net_tls *t;

	assert_int_equal(net_tls_new(&o, &t, &fault), 0);
	start(&f, t, NET_TLS_IMPLICIT);
	for (size_t i = 0; i < ARRAY_LEN(certs); i++) {
		struct peer p = peer_open(f.port);

		test_row(want[i]);
		peer_cert(&p, i == 0 ? NULL : &certs[i]);
		assert_true(peer_tls(&p, NULL, NULL, 0));
		peer_send(&p, "CERT\r\n");
		peer_expect(&p, "hello\r\n");
		peer_expect(&p, want[i]);
		peer_close(&p);
	}
	stop(&f);
}

TEST(tls_self_signed_is_kept_while_it_is_good)
{
	const char *names[] = { "a.example.test", "127.0.0.1", NULL };
	const char *more[] = { "a.example.test", "b.example.test", NULL };
	struct net_tls_cert cert = echo_cert(names);
	struct stat first, st;

	assert_int_equal(stat(cert.key_path_z, &first), 0);
	assert_int_equal(first.st_mode & 0777, 0600);
	assert_int_equal(
		net_tls_make_self_signed(cert.cert_path_z, cert.key_path_z, names, 30, NULL), 0);
	assert_int_equal(stat(cert.key_path_z, &st), 0);
	assert_int_equal(st.st_ino, first.st_ino);
	assert_int_equal(
		net_tls_make_self_signed(cert.cert_path_z, cert.key_path_z, more, 30, NULL), 0);
	assert_int_equal(stat(cert.key_path_z, &st), 0);
	assert_int_not_equal(st.st_ino, first.st_ino);
}
