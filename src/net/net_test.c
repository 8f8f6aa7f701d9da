/* SPDX-License-Identifier: MIT */
/* The waiter and the pool over real sockets: parking, wakes, deadlines, caps, the stop. */
#include "net/net.h"

#include "base/clock.h"
#include "base/test.h"
#include "net/net_test.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static uint64_t ask_id(struct peer *p)
{
	char line[64];
	uint64_t id = 0;

	peer_send(p, "ID\r\n");
	peer_line(p, line, sizeof(line));
	assert_true(str_to_u64(str_z(line), UINT64_MAX, &id));
	return id;
}

TEST(net_commands_in_pieces_and_pipelined)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;

	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	peer_send(&p, "ECHO o");
	usleep(20000);
	peer_send(&p, "ne\r\nECHO two\r\nECHO th");
	peer_expect(&p, "one\r\ntwo\r\n");
	peer_send(&p, "ree\r\nQUIT\r\n");
	peer_expect(&p, "three\r\nbye\r\n");
	peer_expect_end(&p);
	peer_close(&p);
	EVENTUALLY(counts(&f).connections == 0);
	stop(&f);
}

TEST(net_last_words_reach_a_peer_that_goes_on_sending)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;

	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	peer_send(&p, "QUIT\r\nECHO more");
	for (int i = 0; i < 50; i++) {
		usleep(1000);
		peer_send(&p, " and more\r\n");
	}
	peer_expect(&p, "bye\r\n");
	peer_expect_end(&p);
	peer_close(&p);
	EVENTUALLY(counts(&f).connections == 0);
	stop(&f);
}

TEST(net_half_closed_peer_gets_its_answers)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;

	start(&f, &conf);
	p = peer_open(f.port);
	peer_send(&p, "ECHO a\r\nECHO b\r\n");
	shutdown(p.fd, SHUT_WR);
	peer_expect(&p, "hello\r\na\r\nb\r\n");
	peer_expect_end(&p);
	peer_close(&p);
	stop(&f);
}

TEST(net_pipelining_peer_that_never_reads_costs_no_thread)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[4], q;
	char block[900];
	ssize_t rc = 1;

	conf.max_workers = 2;
	start(&f, &conf);
	memset(block, 'y', sizeof(block));
	memcpy(block, "ECHO ", 5);
	memcpy(block + sizeof(block) - 2, "\r\n", 2);
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = peer_open(f.port);
		for (rc = 1; rc > 0;) {
			struct pollfd pfd = { .fd = p[i].fd, .events = POLLOUT };

			rc = poll(&pfd, 1, 300) == 1 ? send(p[i].fd, block, sizeof(block),
							    MSG_DONTWAIT | MSG_NOSIGNAL)
						     : 0;
		}
	}
	q = peer_open(f.port);
	peer_send(&q, "ECHO alive\r\n");
	peer_expect(&q, "hello\r\nalive\r\n");
	EVENTUALLY(counts(&f).parked == 5);
	peer_close(&q);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_close(&p[i]);
	stop(&f);
}

TEST(net_long_reply)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;
	char *got;
	size_t n = 0, want = 20000000;

	start(&f, &conf);
	got = mem_alloc(want, 1);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	peer_send(&p, "BIG 20000000\r\nECHO after\r\n");
	usleep(100000);
	while (n < want) {
		ssize_t rc = recv(p.fd, got + n, want - n, 0);

		assert_true(rc > 0);
		n += (size_t)rc;
	}
	assert_true(got[0] == 'x' && got[want - 1] == 'x');
	peer_expect(&p, "\r\nafter\r\n");
	peer_close(&p);
	mem_free(got);
	stop(&f);
}

TEST(net_write_deadline)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;

	conf.write_timeout_ms = 200;
	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	peer_send(&p, "BIG 50000000\r\n");
	EVENTUALLY(counts(&f).connections == 0);
	peer_close(&p);
	stop(&f);
}

TEST(net_wake_parked_and_running)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;
	uint64_t id;

	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	id = ask_id(&p);
	EVENTUALLY(counts(&f).parked == 1);
	net_wake(f.net, id);
	peer_expect(&p, "* wake\r\n");
	net_wake_cb(f.net, id);
	peer_expect(&p, "* wake\r\n");
	net_wake(f.net, id + 1000); /* nobody */
	peer_send(&p, "GATE\r\n");
	EVENTUALLY(atomic_load(&f.ctx.n_at_gate) == 1);
	net_wake(f.net, id);
	net_wake(f.net, id);
	echo_open_gate(&f.ctx);
	peer_expect(&p, "* wake\r\n");
	peer_send(&p, "ECHO one\r\n");
	peer_expect(&p, "one\r\n"); /* the two wakes were one */
	peer_close(&p);
	stop(&f);
}

TEST(net_idle_deadline)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;
	int64_t before;

	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	before = clock_mono_ms();
	peer_send(&p, "IDLE 300\r\n");
	peer_expect(&p, "* timeout\r\n");
	assert_in_range(clock_mono_ms() - before, 290, 15000);
	peer_expect_end(&p);
	peer_close(&p);
	stop(&f);
}

/* What is written leaves, what is pipelined waits for the wake or the deadline, and no worker does. */
TEST(net_await)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;
	int64_t before;
	uint64_t id;

	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	id = ask_id(&p);
	peer_send(&p, "AWAIT 60000\r\nECHO behind\r\n");
	peer_expect(&p, "asked\r\n");
	EVENTUALLY(counts(&f).parked == 1);
	peer_send(&p, "ECHO later\r\n");
	usleep(50000);
	assert_int_equal(counts(&f).parked, 1);
	assert_int_equal(recv(p.fd, (char[1]){ 0 }, 1, MSG_DONTWAIT), -1);
	net_wake(f.net, id);
	peer_expect(&p, "* wake\r\nbehind\r\nlater\r\n");
	before = clock_mono_ms();
	peer_send(&p, "AWAIT 100\r\nECHO c\r\n");
	peer_expect(&p, "asked\r\n* wake\r\nc\r\n");
	assert_in_range(clock_mono_ms() - before, 90, 15000);
	peer_send(&p, "AWAIT 60000\r\n");
	peer_expect(&p, "asked\r\n");
	peer_close(&p);
	stop(&f);
}

/* The answer and all that is pipelined behind it wait, no worker does, and nothing is lost. */
TEST(net_hold)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p, q;
	int64_t before;
	uint64_t id;
	int n_wakes = 0, want = 0;

	conf.max_workers = 2;
	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	id = ask_id(&p);
	before = clock_mono_ms();
	peer_send(&p, "ECHO a\r\nHOLD 600\r\nECHO b\r\n");
	EVENTUALLY(counts(&f).parked == 1 && clock_mono_ms() - before > 50);
	peer_send(&p, "ECHO c\r\n");
	net_wake(f.net, id);
	q = peer_open(f.port);
	peer_send(&q, "SLEEP 1\r\nECHO other\r\n");
	peer_expect(&q, "hello\r\nother\r\n");
	EVENTUALLY(counts(&f).parked == 2);
	assert_true(recv(p.fd, (char[1]){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) == -1 || clock_mono_ms() - before >= 590);
	peer_expect(&p, "a\r\nheld\r\n");
	assert_in_range(clock_mono_ms() - before, 590, 15000);
	for (int i = 0; i < 3; i++) {
		char line[64];

		peer_line(&p, line, sizeof(line));
		if (strcmp(line, "* wake") == 0)
			n_wakes++;
		else
			assert_string_equal(line, want++ == 0 ? "b" : "c");
	}
	assert_int_equal(n_wakes, 1);
	peer_close(&p);
	peer_close(&q);
	stop(&f);
}

/* Closing waits too, and hanging up frees no place; other deadlines hold afterwards as before. */
TEST(net_hold_to_the_end)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p, q, r;
	int64_t before;

	start(&f, &conf);
	p = peer_open(f.port);
	q = peer_open(f.port);
	r = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	peer_expect(&q, "hello\r\n");
	peer_expect(&r, "hello\r\n");
	before = clock_mono_ms();
	peer_send(&p, "LEAVE 500\r\nECHO never\r\n");
	peer_send(&q, "HOLD 500\r\n");
	peer_send(&r, "IDLE 100\r\nHOLD 500\r\n");
	usleep(100000);
	peer_close(&q);
	usleep(100000);
	assert_true(counts(&f).connections == 3 || clock_mono_ms() - before > 450);
	peer_expect(&p, "left\r\n");
	assert_in_range(clock_mono_ms() - before, 490, 15000);
	peer_expect_end(&p);
	peer_expect(&r, "held\r\n* timeout\r\n");
	peer_expect_end(&r);
	EVENTUALLY(counts(&f).connections == 0);
	peer_close(&p);
	peer_close(&r);
	stop(&f);
}

TEST(net_hold_ends_with_the_server)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;
	int64_t before;

	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	peer_send(&p, "HOLD 60000\r\nECHO never\r\n");
	EVENTUALLY(counts(&f).parked == 1 && counts(&f).workers_busy == 0);
	usleep(50000);
	before = clock_mono_ms();
	net_close(&f.net, 20000);
	assert_in_range(clock_mono_ms() - before, 0, 15000);
	peer_expect(&p, "held\r\n* stop\r\n");
	peer_expect_end(&p);
	peer_close(&p);
}

/* One byte now and then does not keep an unfinished line alive. */
TEST(net_line_deadline)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;

	conf.line_timeout_ms = 300;
	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	for (int i = 0; i < 6; i++) {
		if (send(p.fd, "E", 1, MSG_NOSIGNAL) != 1)
			break;
		usleep(100000);
	}
	peer_expect(&p, "* timeout\r\n");
	peer_expect_end(&p);
	peer_close(&p);
	stop(&f);
}

TEST(net_too_long_line_then_goes_on)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;
	char junk[5001];

	start(&f, &conf);
	memset(junk, 'z', 5000);
	junk[5000] = '\0';
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	for (int i = 0; i < 40; i++)
		peer_send(&p, junk);
	peer_send(&p, "\r\nECHO ok\r\n");
	peer_expect(&p, "too long\r\nok\r\n");
	peer_close(&p);
	stop(&f);
}

/* Commands that block (a database, say) get more threads, up to max_workers. */
TEST(net_pool_grows)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[40];

	conf.max_workers = 40;
	start(&f, &conf);
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = peer_open(f.port);
		peer_expect(&p[i], "hello\r\n");
	}
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_send(&p[i], "GATE\r\nECHO done\r\n");
	EVENTUALLY(atomic_load(&f.ctx.n_at_gate) == (int)ARRAY_LEN(p)); /* all at once */
	echo_open_gate(&f.ctx);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_expect(&p[i], "done\r\n");
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_close(&p[i]);
	stop(&f);
}

TEST(net_cap_in_all)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[3];

	conf.max_connections = 2;
	conf.max_connections_per_address = 1; /* does not hold for loopback */
	start(&f, &conf);
	for (size_t i = 0; i < 2; i++) {
		p[i] = peer_open(f.port);
		peer_expect(&p[i], "hello\r\n");
	}
	p[2] = peer_open(f.port);
	peer_expect(&p[2], "refused\r\n");
	peer_expect_end(&p[2]);
	peer_close(&p[2]);
	assert_int_equal(counts(&f).refused, 1);
	conf.max_connections = 3;
	net_reload(f.net, &conf);
	p[2] = peer_open(f.port);
	peer_expect(&p[2], "hello\r\n");
	for (size_t i = 0; i < 3; i++)
		peer_close(&p[i]);
	stop(&f);
}

/* A full server cuts off whom it does not know and who says nothing; users stay. */
TEST(net_silent_strangers_make_room)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[3], q;
	int64_t before = clock_mono_ms();

	conf.max_connections = 3;
	start(&f, &conf);
	for (size_t i = 0; i < 3; i++) {
		p[i] = peer_open(f.port);
		peer_expect(&p[i], "hello\r\n");
	}
	peer_send(&p[0], "LOGIN\r\nECHO in\r\n");
	peer_expect(&p[0], "in\r\n");
	q = peer_open(f.port); /* nobody has been silent for long */
	if (clock_mono_ms() - before < 5000)
		peer_expect(&q, "refused\r\n");
	peer_close(&q);
	usleep(5100000);
	peer_send(&p[1], "ECHO here\r\n");
	peer_expect(&p[1], "here\r\n");
	EVENTUALLY(counts(&f).parked == 3);
	q = peer_open(f.port);
	peer_expect(&q, "hello\r\n");
	peer_expect_end(&p[2]);
	for (size_t i = 0; i < 2; i++) {
		peer_send(&p[i], "ECHO still\r\n");
		peer_expect(&p[i], "still\r\n");
	}
	EVENTUALLY(counts(&f).connections == 3);
	for (size_t i = 0; i < 3; i++)
		peer_close(&p[i]);
	peer_close(&q);
	stop(&f);
}

static void *close_main(void *arg)
{
	stop(arg);
	return NULL;
}

/* Who has nothing to do hears it at once, who has a command at work when that is done. */
TEST(net_stop_says_good_bye)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[5];
	pthread_t t;

	start(&f, &conf);
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = peer_open(f.port);
		peer_expect(&p[i], "hello\r\n");
	}
	peer_send(&p[0], "GATE\r\n");
	EVENTUALLY(atomic_load(&f.ctx.n_at_gate) == 1);
	assert_int_equal(pthread_create(&t, NULL, close_main, &f), 0);
	for (size_t i = ARRAY_LEN(p); i-- > 0;) {
		if (i == 0)
			echo_open_gate(&f.ctx);
		peer_expect(&p[i], "* stop\r\n");
		peer_expect_end(&p[i]);
		peer_close(&p[i]);
	}
	pthread_join(t, NULL);
}

/* Who has sent commands for a minute has no more time than others when the server stops. */
TEST(net_stop_reaches_a_pipeline)
{
	struct net_conf conf = echo_conf();
	int64_t before;
	struct fixture f;
	struct peer p;

	start(&f, &conf);
	p = peer_open(f.port);
	peer_expect(&p, "hello\r\n");
	for (int i = 0; i < 1200; i++)
		peer_send(&p, "SLEEP 50\r\n");
	usleep(200000); /* past the first slice */
	before = clock_mono_ms();
	net_close(&f.net, 20000);
	assert_true(clock_mono_ms() - before < 10000);
	peer_expect(&p, "* stop\r\n");
	peer_close(&p);
}

TEST(net_stop_cuts_off_after_the_grace_time)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p;
	int64_t before = clock_mono_ms();

	start(&f, &conf);
	p = peer_open(f.port);
	peer_send(&p, "BODY 5\r\n");
	peer_expect(&p, "hello\r\ngo\r\n");
	net_close(&f.net, 200);
	assert_in_range(clock_mono_ms() - before, 190, 30000); /* the body may take longer */
	assert_int_equal(atomic_load(&f.ctx.n_closed), 1);
	peer_close(&p);
}

TEST(net_unix_socket)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct net_listener l = { .name = "unix", .protocol = &echo_protocol };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct peer p = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	struct fault fault = { "" };
	struct stat st;
	int fd;

	start(&f, &conf);
	l.ctx = &f.ctx;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/lmtp", test_dir());
	assert_int_equal(net_bind(a.sun_path, 0, &fd, &fault), 0);
	close(fd); /* what a crash leaves behind is no obstacle */
	assert_int_equal(net_bind(a.sun_path, 0, &l.fd, &fault), 0);
	assert_int_equal(stat(a.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0111, 0);
	assert_int_equal(net_listen(f.net, &l, &fault), 0);
	assert_true(net_bind(a.sun_path, 0, &fd, &fault) < 0);
	assert_int_equal(connect(p.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	peer_send(&p, "ECHO u\r\n");
	peer_expect(&p, "hello\r\nu\r\n");
	peer_close(&p);
	stop(&f);
}

TEST(net_bind_errors_say_what_to_do)
{
	struct fault fault = { "" };
	int fd = -1, second = -1;
	uint16_t port;

	assert_int_equal(net_bind("localhost", 0, &fd, &fault), -E_USAGE);
	assert_non_null(strstr(fault.text, "not an IP address"));
	assert_int_equal(net_bind("127.0.0.1", 0, &fd, &fault), 0);
	assert_int_equal(net_bound_port(fd, &port), 0);
	assert_true(net_bind("127.0.0.1", port, &second, &fault) < 0);
	close(fd);
	assert_int_equal(net_bind("*", 0, &fd, &fault), 0);
	close(fd);
}

/* Clients that ask again as soon as they are answered, more of them than there are workers. */
#define N_BUSY 20
struct busy {
	struct peer p[N_BUSY];
	atomic_int n_answers, is_over;
};

static void *busy_main(void *arg)
{
	struct busy *b = arg;
	struct pollfd fds[N_BUSY];

	for (size_t i = 0; i < N_BUSY; i++) {
		fds[i] = (struct pollfd){ .fd = b->p[i].fd, .events = POLLIN };
		peer_send(&b->p[i], "SLEEP 5\r\nECHO x\r\n");
	}
	while (!atomic_load(&b->is_over)) {
		(void)poll(fds, N_BUSY, 100);
		for (size_t i = 0; i < N_BUSY; i++) {
			if (!(fds[i].revents & POLLIN))
				continue;
			peer_expect(&b->p[i], "x\r\n");
			atomic_fetch_add(&b->n_answers, 1);
			peer_send(&b->p[i], "SLEEP 5\r\nECHO x\r\n");
		}
	}
	return NULL;
}

/* What is queued waits for its turn among the events, and not for one round of them each. */
TEST(net_wakes_have_their_turn)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer idle[20];
	uint64_t ids[ARRAY_LEN(idle)];
	struct busy b = { .is_over = 0 };
	pthread_t t;
	int n_meanwhile = INT_MAX;

	conf.max_workers = 2;
	start(&f, &conf);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		idle[i] = peer_open(f.port);
		peer_expect(&idle[i], "hello\r\n");
		ids[i] = ask_id(&idle[i]);
	}
	for (size_t i = 0; i < N_BUSY; i++) {
		b.p[i] = peer_open(f.port);
		peer_expect(&b.p[i], "hello\r\n");
	}
	assert_int_equal(pthread_create(&t, NULL, busy_main, &b), 0);
	EVENTUALLY(atomic_load(&b.n_answers) > 3 * N_BUSY);
	for (int tries = 0; n_meanwhile > 5 * N_BUSY && tries < 20; tries++) { /* this thread may not have its turn either */
		int before = atomic_load(&b.n_answers);

		for (size_t i = 0; i < ARRAY_LEN(idle); i++)
			net_wake(f.net, ids[i]);
		for (size_t i = 0; i < ARRAY_LEN(idle); i++)
			peer_expect(&idle[i], "* wake\r\n");
		n_meanwhile = atomic_load(&b.n_answers) - before;
	}
	assert_in_range(n_meanwhile, 0, 5 * N_BUSY);
	atomic_store(&b.is_over, 1);
	pthread_join(t, NULL);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		peer_close(&idle[i]);
	for (size_t i = 0; i < N_BUSY; i++)
		peer_close(&b.p[i]);
	stop(&f);
}

/* Who sends one command does not wait for those who send a thousand. */
TEST(net_pipelining_peers_go_behind)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct peer p[8], q;
	char line[32];
	int n_sleeps = 0, n_fast = 0;

	conf.max_workers = 2;
	start(&f, &conf);
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = peer_open(f.port);
		for (int k = 0; k < 200; k++, n_sleeps++)
			peer_send(&p[i], "SLEEP 30\r\n");
	}
	q = peer_open(f.port);
	peer_expect(&q, "hello\r\n");
	/*
	 * One after the other of the eight, with a slice of 30 ms each and two workers: each answer would take 120 ms, and some do when the machine has
	 * other things to do.
	 */
	for (int i = 0; n_fast < 8 && atomic_load(&f.ctx.n_slept) < n_sleeps / 2; i++) {
		int64_t before = clock_mono_ms();

		snprintf(line, sizeof(line), "ECHO %d\r\n", i);
		peer_send(&q, line);
		peer_expect(&q, line + 5);
		n_fast += clock_mono_ms() - before < 90 && atomic_load(&f.ctx.n_slept) < n_sleeps / 2;
	}
	assert_int_equal(n_fast, 8);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_close(&p[i]);
	peer_close(&q);
	net_close(&f.net, 0);
}

/* Several threads wake, several clients talk and vanish: for the thread sanitizer above all. */
struct wakers {
	struct net *net;
	atomic_int is_over;
};

static void *waker_main(void *arg)
{
	struct wakers *w = arg;

	while (!atomic_load(&w->is_over))
		for (uint64_t id = 1; id < 300; id++)
			net_wake(w->net, id);
	return NULL;
}

TEST(net_storm)
{
	struct net_conf conf = echo_conf();
	struct fixture f;
	struct wakers w;
	pthread_t t[2];

	start(&f, &conf);
	w.net = f.net;
	atomic_init(&w.is_over, 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, waker_main, &w), 0);
	for (int round = 0; round < 10; round++) {
		struct peer p[20];

		for (size_t i = 0; i < ARRAY_LEN(p); i++) {
			p[i] = peer_open(f.port);
			peer_send(&p[i], "ECHO a\r\nID\r\nBODY 3\r\nabc");
		}
		for (size_t i = 0; i < ARRAY_LEN(p); i++) {
			char line[64] = "";

			while (strcmp(line, "got 3 ac") != 0) {
				peer_line(&p[i], line, sizeof(line));
				assert_true(line[0] != '\0');
			}
			if (i % 2)
				peer_send(&p[i], "QUIT\r\n");
			peer_close(&p[i]);
		}
	}
	atomic_store(&w.is_over, 1);
	for (size_t i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	EVENTUALLY(counts(&f).connections == 0);
	assert_int_equal(counts(&f).accepted, 200);
	stop(&f);
}
