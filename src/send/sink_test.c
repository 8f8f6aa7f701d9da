/* SPDX-License-Identifier: MIT */
/* What send_test.h says: scripted servers, a DNS that is a table, and an open room. */
#include "send/send_test.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"

/* ---- servers ---- */

#define VERBS 8
static const char *const verbs[VERBS] = { "EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "QUIT", "RSET", "HELO" };

struct sink {
	struct sink_says says;
	int fd;
	pthread_t thread;
	struct lock lock;
	struct lock_cond change;
	unsigned n_connections, n_messages, n_open;
	unsigned n_commands[VERBS];
	bool is_released, saw_8bit, saw_8bitmime;
};

struct guest {
	struct sink *sink;
	int fd;
	FILE *in;
	bool has_mail, has_rcpt;
};

/*
 * At every address of this machine. It is held by a socket that does not listen: where no sink is, connections are refused, and nobody else gets the port
 * meanwhile, neither to listen nor for a connection of his own.
 */
uint16_t sink_port(void)
{
	static uint16_t port;
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd, on = 1;

	if (port > 0)
		return port;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* from now on sinks may bind it too */
	port = ntohs(a.sin_port);
	return port;
}

static void wait_release(struct sink *s)
{
	lock_get(&s->lock);
	while (!s->is_released)
		lock_wait(&s->lock, &s->change, 0);
	lock_put(&s->lock);
}

/* False: the connection is at its end. */
static bool say(struct guest *g, const char *said_z, const char *usual_z)
{
	char line[512];
	int n;

	if (said_z && said_z[0] == '\0') {
		wait_release(g->sink);
		return false;
	}
	if (said_z && str_eq(str_z(said_z), S("-")))
		return false;
	n = snprintf(line, sizeof(line), "%s\r\n", said_z ? said_z : usual_z);
	return send(g->fd, line, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool take_body(struct guest *g)
{
	char line[4096];

	while (fgets(line, sizeof(line), g->in)) {
		bool is_end = str_eq(str_z(line), S(".\r\n"));

		lock_get(&g->sink->lock);
		g->sink->n_messages += is_end;
		g->sink->saw_8bit |= !str_is_ascii(str_z(line));
		lock_put(&g->sink->lock);
		if (is_end)
			return true;
	}
	return false;
}

static bool answer(struct guest *g, struct str line)
{
	const struct sink_says *says = &g->sink->says;
	size_t i = 0;

	while (i < VERBS && !str_istarts(line, str_z(verbs[i])))
		i++;
	if (i == VERBS)
		return say(g, NULL, "500 5.5.2 what");
	lock_get(&g->sink->lock);
	g->sink->n_commands[i]++;
	g->sink->saw_8bitmime |= str_ifind(line, S(" BODY=8BITMIME")) >= 0;
	lock_put(&g->sink->lock);
	switch (verbs[i][0]) {
	case 'E':
		return say(g, says->ehlo_z, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES");
	case 'S':
		return say(g, says->starttls_z, "502 5.5.1 no");
	case 'M':
		g->has_mail = !says->mail_z;
		g->has_rcpt = false;
		return say(g, says->mail_z, "250 2.1.0 ok");
	case 'D':
		if (!g->has_rcpt)
			return say(g, NULL, "503 5.5.1 nobody");
		return say(g, says->data_z, "354 go on") &&
		       (says->data_z ? true : take_body(g) && say(g, says->end_z, "250 2.0.0 taken"));
	case 'Q':
		(void)say(g, NULL, "221 2.0.0 bye");
		return false;
	case 'R':
		if (verbs[i][1] == 'S')
			return say(g, NULL, "250 2.0.0 ok");
		if (!g->has_mail)
			return say(g, NULL, "503 5.5.1 MAIL first");
		if (says->has_bad_rcpt && str_ifind(line, S("<bad")) >= 0)
			return say(g, NULL, "550 5.1.1 nobody of that name");
		g->has_rcpt |= !says->rcpt_z;
		return say(g, says->rcpt_z, "250 2.1.5 ok");
	default:
		return say(g, NULL, "250 sink.test");
	}
}

static void *serve_guest(void *arg)
{
	struct guest *g = arg;
	char line[4096];
	unsigned n = 0;

	g->in = fdopen(dup(g->fd), "r");
	if (say(g, g->sink->says.greeting_z, "220 sink.test ESMTP"))
		while (fgets(line, sizeof(line), g->in) && answer(g, str_z(line)))
			if (str_istarts(str_z(line), S("DATA")) && g->sink->says.close_after && ++n >= g->sink->says.close_after)
				break;
	fclose(g->in);
	close(g->fd);
	lock_get(&g->sink->lock);
	g->sink->n_open--;
	lock_broadcast(&g->sink->change);
	lock_put(&g->sink->lock);
	mem_free(g);
	return NULL;
}

static void *accept_guests(void *arg)
{
	struct sink *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		struct guest *g = MEM_NEW(struct guest);
		int on = 1;
		pthread_t t;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		*g = (struct guest){ .sink = s, .fd = fd };
		lock_get(&s->lock);
		s->n_connections++;
		s->n_open++;
		lock_put(&s->lock);
		must(pthread_create(&t, NULL, serve_guest, g) == 0);
		pthread_detach(t);
	}
	return NULL;
}

struct sink *sink_open(unsigned host, const struct sink_says *says)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(sink_port()), .sin_addr.s_addr = htonl(0x7f000000 + host) };
	struct sink *s = MEM_NEW(struct sink);
	int on = 1;

	*s = (struct sink){ .says = *says, .fd = socket(AF_INET, SOCK_STREAM, 0) };
	lock_init(&s->lock);
	lock_cond_init(&s->change);
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(bind(s->fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(s->fd, 128) == 0);
	must(pthread_create(&s->thread, NULL, accept_guests, s) == 0);
	return s;
}

void sink_release(struct sink *s)
{
	lock_get(&s->lock);
	s->is_released = true;
	lock_broadcast(&s->change);
	lock_put(&s->lock);
}

void sink_close(struct sink *s)
{
	sink_release(s);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	lock_get(&s->lock);
	while (s->n_open > 0)
		lock_wait(&s->lock, &s->change, 0);
	lock_put(&s->lock);
	mem_free(s);
}

static unsigned look(struct sink *s, const unsigned *n)
{
	unsigned v;

	lock_get(&s->lock);
	v = *n;
	lock_put(&s->lock);
	return v;
}

unsigned sink_connections(struct sink *s)
{
	return look(s, &s->n_connections);
}

unsigned sink_messages(struct sink *s)
{
	return look(s, &s->n_messages);
}

static bool look_if(struct sink *s, const bool *is_so)
{
	bool v;

	lock_get(&s->lock);
	v = *is_so;
	lock_put(&s->lock);
	return v;
}

bool sink_saw_8bit(struct sink *s)
{
	return look_if(s, &s->saw_8bit);
}

bool sink_saw_8bitmime(struct sink *s)
{
	return look_if(s, &s->saw_8bitmime);
}

unsigned sink_commands(struct sink *s, const char *verb_z)
{
	for (size_t i = 0; i < VERBS; i++)
		if (str_eq(str_z(verbs[i]), str_z(verb_z)))
			return look(s, &s->n_commands[i]);
	must(!"no such verb");
	return 0;
}

/* ---- the DNS ---- */

static int test_mx(void *ctx, struct arena *a, struct str domain, const char *const *own_names, int64_t deadline_ms,
		   struct send_hosts *ret, struct queue_reply *ret_reply)
{
	struct str rest = domain, name;

	(void)ctx, (void)own_names, (void)deadline_ms;
	if (str_eq(domain, S("broken"))) {
		*ret_reply = send_say(a, "4.4.3", "the DNS does not answer");
		return -E_TIMEOUT;
	}
	if (str_eq(domain, S("null"))) {
		*ret_reply = send_say(a, "5.1.10", "the domain takes no mail");
		return 0;
	}
	ret->hosts = ARENA_ARRAY(a, struct send_host, SEND_HOSTS);
	if (str_eq(domain, S("there.test")))
		rest = S("h11");
	while (str_split(&rest, ',', &name))
		ret->hosts[ret->n++] = (struct send_host){ .name = name, .preference = (uint16_t)ret->n, .is_mx = true };
	return 0;
}

static int test_addresses(void *ctx, struct arena *a, struct str host, uint16_t port, bool may_private, int64_t deadline_ms,
			  struct send_place *ret, struct queue_reply *ret_reply)
{
	struct str name;
	char text[32];

	(void)ctx, (void)deadline_ms, (void)may_private;
	if (str_eq(host, S("own"))) {
		ret->has_own = true;
		*ret_reply = send_say(a, "5.4.4", "own has addresses of this host only");
		return 0;
	}
	ret->v = ARENA_ARRAY(a, struct net_address, host.n);
	while (str_split(&host, '+', &name)) {
		uint64_t n = 0;

		if (!str_starts(name, S("h")) || !str_to_u64(str_skip(name, 1), 254, &n)) {
			*ret_reply = send_say(a, "4.4.3", "no address");
			return -E_TIMEOUT;
		}
		snprintf(text, sizeof(text), "127.0.0.%u", (unsigned)n);
		must(net_address_parse(str_z(text), port, &ret->v[ret->n++]));
	}
	return 0;
}

static int test_tlsa(void *ctx, struct arena *a, const struct send_place *place, uint16_t port, int64_t deadline_ms, struct send_records *ret,
		     struct queue_reply *ret_reply)
{
	(void)ctx, (void)a, (void)place, (void)port, (void)deadline_ms, (void)ret, (void)ret_reply;
	return 0;
}

const struct send_names test_names = { .mx = test_mx, .addresses = test_addresses, .tlsa = test_tlsa };

/* ---- the room ---- */

static void take_result(void *ctx, const struct queue_result *r)
{
	struct test_send *t = ctx;

	lock_get(&t->lock);
	if (t->n_results < ARRAY_LEN(t->order))
		t->order[t->n_results] = r->id;
	t->n_results++;
	t->n_delivered += r->rcpts[0].outcome == QUEUE_DELIVERED;
	t->n_down += r->is_down;
	lock_broadcast(&t->more);
	lock_put(&t->lock);
}

void test_send_open(struct test_send *t, const char *settings_z)
{
	static const struct conf_table *const tables[] = { &queue_conf_table,
							   &queue_tlsrpt_conf_table };
	struct fault fault = { 0 };
	struct send_options o = { .helo_z = "we.test", .own = &t->own, .n_own = 1, .result = take_result, .ctx = t };
	char text[1024];

	*t = (struct test_send){ 0 };
	lock_init(&t->lock);
	lock_cond_init(&t->more);
	must(net_address_parse(S("127.0.0.99"), sink_port(), &t->own));
	snprintf(text, sizeof(text), "[queue]\nport = %u\n%s\n", sink_port(), settings_z);
	if (conf_parse(tables, ARRAY_LEN(tables), "test", str_z(text), &t->conf, &fault) < 0)
		fail_msg("%s", fault.text);
	o.conf = t->conf;
	if (send_open(&o, &t->send, &fault) < 0)
		fail_msg("%s", fault.text);
	t->send->names = test_names;
}

void test_send_close(struct test_send *t)
{
	assert_true(send_drain(t->send, 30000));
	send_close(&t->send);
	conf_unref(t->conf);
	lock_cond_fini(&t->more);
	lock_fini(&t->lock);
}

bool test_send_wait(struct test_send *t, size_t n_results, int seconds)
{
	int64_t until_ms = clock_mono_ms() + seconds * 1000;
	bool is_there;

	lock_get(&t->lock);
	while (t->n_results < n_results && lock_wait(&t->lock, &t->more, until_ms))
		;
	is_there = t->n_results >= n_results;
	lock_put(&t->lock);
	return is_there;
}

void test_send_give(struct test_send *t, uint64_t id, const char *domain_z, uint32_t max_sessions)
{
	struct arena *arena = MEM_NEW(struct arena);
	struct queue_attempt a = { .id = id, .hop.port = sink_port(),
				   .reverse_path = S("from@we.test"), .max_sessions = max_sessions, .n_rcpts = 1,
				   .message = S("Subject: x\r\n\r\nHello\r\n") };

	arena_init(arena, 1 << 20);
	a.hop.destination = a.hop.domain = arena_str(arena, str_z(domain_z));
	a.rcpts = ARENA_ARRAY(arena, struct queue_attempt_rcpt, 1);
	a.rcpts[0].address = S("to@there.test");
	send_give(t->send, &a, (struct queue_attempt_map){ 0 }, arena);
}
