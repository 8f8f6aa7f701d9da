/* SPDX-License-Identifier: MIT */
/* Bodies and long replies over real sockets: their deadlines, their places, and who goes without. */
#include "net/net.h"

#include "base/clock.h"
#include "net/net_test.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(net_body)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;

	start(&f, &conf);
	p = peer_open(f.port);
	peer_send(&p, "BODY 5\r\nabcdeECHO x\r\n");
	peer_expect(&p, "hello\r\ngo\r\ngot 5 ae\r\nx\r\n");
	peer_send(&p, "BODY 100000\r\n");
	peer_expect(&p, "go\r\n");
	for (int i = 0; i < 10000; i++)
		peer_send(&p, "123456789-");
	peer_expect(&p, "got 100000 1-\r\n");
	peer_close(&p);
	stop(&f);
}

TEST(net_body_deadlines)
{
	static const struct {
		const char *name;
		struct conn_body_limit limit;
	} rows[] = {
		{ "total", { .total_ms = 200, .idle_ms = 60000 } },
		{ "idle", { .idle_ms = 200 } },
	};
	struct net_conf conf = echo_conf();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;
		struct peer p;

		test_row(rows[i].name);
		start(&f, &conf);
		f.ctx.body = rows[i].limit;
		p = peer_open(f.port);
		peer_send(&p, "BODY 5\r\nab");
		peer_expect(&p, "hello\r\ngo\r\nfailed TIMEOUT\r\n");
		peer_close(&p);
		stop(&f);
	}
}

/* Bodies that wait hold no worker. When all places are taken, the slowest makes room. */
TEST(net_bodies_have_a_cap_and_do_not_starve_others)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[9], q;

	conf.max_workers = 2;
	conf.max_bodies = 8;
	start(&f, &conf);
	for (size_t i = 0; i < 8; i++) {
		p[i] = peer_open(f.port);
		peer_send(&p[i], "BODY 5\r\n");
		peer_expect(&p[i], "hello\r\ngo\r\n");
		usleep(5000);
	}
	EVENTUALLY(counts(&f).parked == 8);
	assert_int_equal(counts(&f).bodies, 8);
	p[8] = peer_open(f.port);
	peer_send(&p[8], "BODY 5\r\n");
	peer_expect(&p[8], "hello\r\ngo\r\n");
	peer_expect(&p[0], "failed BUSY\r\n"); /* the oldest of those that sent nothing */
	assert_int_equal(counts(&f).bodies, 8);
	q = peer_open(f.port);
	peer_send(&q, "ECHO still here\r\n");
	peer_expect(&q, "hello\r\nstill here\r\n");
	for (size_t i = 1; i < 9; i++) {
		peer_send(&p[i], "abcde");
		peer_expect(&p[i], "got 5 ae\r\n");
	}
	assert_int_equal(counts(&f).bodies, 0);
	for (size_t i = 0; i < 9; i++)
		peer_close(&p[i]);
	peer_close(&q);
	stop(&f);
}

/* Who sends keeps its place; a newcomer that finds nobody slow is refused. */
TEST(net_fast_bodies_keep_their_places)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[2], q;
	char block[80001]; /* pays for five seconds */

	conf.max_bodies = 2;
	start(&f, &conf);
	memset(block, 'x', sizeof(block) - 1);
	block[sizeof(block) - 1] = '\0';
	for (size_t i = 0; i < 2; i++) {
		p[i] = peer_open(f.port);
		peer_send(&p[i], "BODY 160000\r\n");
		peer_expect(&p[i], "hello\r\ngo\r\n");
		peer_send(&p[i], block);
	}
	EVENTUALLY(counts(&f).parked == 2);
	q = peer_open(f.port);
	peer_send(&q, "BODY 5\r\n");
	peer_expect(&q, "hello\r\ngo\r\nfailed BUSY\r\n");
	for (size_t i = 0; i < 2; i++) {
		peer_send(&p[i], block);
		peer_expect(&p[i], "got 160000 xx\r\n");
		peer_close(&p[i]);
	}
	peer_close(&q);
	stop(&f);
}

TEST(net_an_address_has_a_share_of_the_bodies)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[3];

	conf.is_loopback_exempt = false;
	conf.max_bodies_per_address = 2;
	start(&f, &conf);
	for (size_t i = 0; i < 3; i++) {
		p[i] = peer_open(f.port);
		peer_send(&p[i], "BODY 5\r\n");
		peer_expect(&p[i], "hello\r\ngo\r\n");
		usleep(5000);
	}
	peer_expect(&p[0], "failed BUSY\r\n"); /* the slowest of that address */
	assert_int_equal(counts(&f).bodies, 2);
	for (size_t i = 1; i < 3; i++) {
		peer_send(&p[i], "abcde");
		peer_expect(&p[i], "got 5 ae\r\n");
	}
	for (size_t i = 0; i < 3; i++)
		peer_close(&p[i]);
	stop(&f);
}

/* A reply that waits for its reader is a body too: slow readers do not take all threads. */
TEST(net_slow_readers_have_a_cap_and_do_not_starve_others)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[6], q;

	conf.max_workers = 2;
	conf.max_bodies = 3;
	conf.write_timeout_ms = 60000;
	start(&f, &conf);
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = peer_open(f.port);
		peer_expect(&p[i], "hello\r\n");
		peer_send(&p[i], "BIG 50000000\r\n");
	}
	EVENTUALLY(counts(&f).connections == 3);
	assert_int_equal(counts(&f).bodies, 3);
	q = peer_open(f.port);
	peer_send(&q, "ECHO still here\r\n");
	peer_expect(&q, "hello\r\nstill here\r\n");
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_close(&p[i]);
	EVENTUALLY(counts(&f).bodies == 0);
	peer_close(&q);
	stop(&f);
}
