/* SPDX-License-Identifier: MIT */
/*
 * build/bench MODE --port N ...: puts one kind of work on any mail server and prints a line for
 * each kind of sample: name, rate, unit, median and 99th percentile in milliseconds; the last line
 * is the program's own processor time. Connections are strands (strand.h) of one thread, or of
 * --threads.
 */
#include "load.h"

#include <pthread.h>
#include <signal.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "strand.h"

#define MAX_CONNECTIONS 20000

static const struct mode {
	const char *name_z, *unit_z;
	void (*prepare)(struct worker *w); /* before the clock starts; may be NULL */
	void (*run)(struct worker *w);
	enum { EACH, ONE, THREADS } how; /* a strand each connection, one for all, a thread each */
	const char *help_z;
} modes[] = {
	{ "smtp", "messages/s", NULL, load_smtp, EACH, "deliver until the final 250" },
	{ "imap", "commands/s", load_imap_login, load_imap, EACH,
	  "the commands of --mix, again and again" },
	{ "pop3-drain", "messages/s", NULL, load_pop3_drain, EACH,
	  "RETR and DELE all of one user each" },
	{ "tls", "handshakes/s", NULL, load_tls, EACH, "connect, shake hands, close" },
	{ "idle", "logins/s", NULL, load_idle, ONE,
	  "log in --connections times, hold them --hold seconds" },
	{ "limit", "messages/s", NULL, load_limit, THREADS,
	  "no server: append to a file in --dir, group commit" },
	{ "bare", "", NULL, load_bare, ONE,
	  "a server that is that behind SMTP, on --port, until it is killed" },
	{ "sink", "", NULL, load_sink, ONE,
	  "a server that takes mail and drops it, on --port, until it is killed" },
};

#define AT(member) offsetof(struct load, member)
static const struct option {
	const char *name_z;
	size_t offset;
	bool is_text;
	const char *help_z;
} options[] = {
	{ "--host", AT(host_z), true, "numeric address (127.0.0.1)" },
	{ "--port", AT(port), false, "always needed, but for limit" },
	{ "--tls", AT(tls), false, "1: TLS from the first byte" },
	{ "--connections", AT(connections), false, "at the same time (20)" },
	{ "--threads", AT(threads), false, "that the connections are spread over (1)" },
	{ "--count", AT(count), false, "messages, rounds or handshakes in all (1000)" },
	{ "--ms", AT(ms), false, "milliseconds after which nothing new is begun (no end)" },
	{ "--per-connection", AT(per_connection), false, "messages before QUIT (1)" },
	{ "--size", AT(size_bytes), false, "bytes of a message (4096)" },
	{ "--mix", AT(mix_z), true, "session, mixed, long, visit, select, flags, fetch, store, search (session)" },
	{ "--idle", AT(idle), false, "1: idle connections select INBOX and send IDLE" },
	{ "--domain", AT(domain_z), true, "of the accounts u0, u1, ... (example.test)" },
	{ "--users", AT(users), false, "accounts that the work is spread over (20)" },
	{ "--first", AT(first), false, "number of the first of them (0)" },
	{ "--password", AT(password_z), true, "(demo)" },
	{ "--hold", AT(hold_s), false, "seconds, or until standard input ends (0)" },
	{ "--dir", AT(dir_z), true, "for limit and bare (.)" },
};

uint64_t load_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void load_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "bench: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	_exit(1);
}

bool load_take(struct load *l, uint64_t *ret_index)
{
	if (l->ms && load_now_us() >= l->end_us)
		return false;
	*ret_index = atomic_fetch_add(&l->taken, 1);
	return *ret_index < l->count;
}

static int usage(void)
{
	fprintf(stderr, "usage: bench MODE [--option value]...\n\n");
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		fprintf(stderr, "  %-18s %s\n", modes[i].name_z, modes[i].help_z);
	fprintf(stderr, "\n");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		fprintf(stderr, "  %-18s %s\n", options[i].name_z, options[i].help_z);
	return 2;
}

static bool set_option(struct load *l, const char *name_z, const char *value_z)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		void *at = (char *)l + options[i].offset;

		if (!str_eq(str_z(name_z), str_z(options[i].name_z)))
			continue;
		if (options[i].is_text)
			memcpy(at, &value_z, sizeof(value_z));
		return options[i].is_text || str_to_u64(str_z(value_z), UINT32_MAX, at);
	}
	return false;
}

/* ---- one run ---- */

/* A thread's part of the workers. */
struct share {
	pthread_t thread;
	struct strands *strands;
	void (*fn)(struct worker *w);
	struct worker *w;
};

static void run_worker(void *arg)
{
	struct worker *w = arg;

	w->fn(w);
}

static void *run_share(void *arg)
{
	struct share *s = arg;

	strands_run(s->strands, run_worker);
	return NULL;
}

static void run_all(struct share *s, size_t n, struct worker *w, size_t n_workers,
		    void (*fn)(struct worker *w))
{
	for (size_t i = 0; i < n_workers; i++)
		w[i].fn = fn;
	for (size_t i = 0; i < n; i++)
		if (pthread_create(&s[i].thread, NULL, run_share, &s[i]) != 0)
			load_fail("cannot make thread %zu", i);
	for (size_t i = 0; i < n; i++)
		pthread_join(s[i].thread, NULL);
}

static void run(const struct mode *m, struct load *l)
{
	size_t n = m->how == ONE ? 1 : l->connections;
	size_t n_shares = m->how == THREADS ? n : m->how == ONE || l->threads > n ? 1 : l->threads;
	struct worker *w = mem_alloc(n, sizeof(*w));
	struct share *s = mem_alloc(n_shares, sizeof(*s));
	uint64_t start;

	for (size_t i = 0; i < n; i++)
		w[i] = (struct worker){ .load = l, .index = (unsigned)i };
	for (size_t i = 0, at = 0; i < n_shares; i++) {
		size_t of = n / n_shares + (i < n % n_shares);

		s[i].strands = strands_new(of, w + at, sizeof(*w));
		at += of;
	}
	if (m->prepare)
		run_all(s, n_shares, w, n, m->prepare);
	start = load_now_us();
	l->end_us = start + l->ms * 1000;
	run_all(s, n_shares, w, n, m->run);
	workers_report(m->name_z, m->unit_z, w, n, (double)(load_now_us() - start) / 1e6);
	for (size_t i = 0; i < n_shares; i++)
		strands_free(s[i].strands);
	for (size_t i = 0; i < n; i++)
		mem_free(w[i].samples);
	mem_free(w);
	mem_free(s);
}

/* Connections of `idle` stay open after the report until whoever measures closes our input; the end
 * of the process closes them all at once. */
__attribute__((noreturn)) static void hold(uint64_t seconds)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	poll(&in, 1, (int)(seconds * 1000));
	_exit(0);
}

static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
	struct load l = { .host_z = "127.0.0.1",
			  .connections = 20,
			  .count = 1000,
			  .size_bytes = 4096,
			  .threads = 1,
			  .per_connection = 1,
			  .users = 20,
			  .domain_z = "example.test",
			  .password_z = "demo",
			  .dir_z = ".",
			  .mix_z = "session" };

	if (argc < 2 || argc % 2)
		return usage();
	l.mode_z = argv[1];
	for (int i = 2; i < argc; i += 2)
		if (!set_option(&l, argv[i], argv[i + 1]))
			return usage();
	if (!l.users || !l.per_connection || !l.connections || !l.threads || l.hold_s > 3600 ||
	    l.connections > MAX_CONNECTIONS)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	l.tls_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(l.tls_ctx, SSL_SESS_CACHE_OFF);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (!str_eq(str_z(l.mode_z), str_z(modes[i].name_z)))
			continue;
		run(&modes[i], &l);
		hold(l.hold_s);
	}
	return usage();
}
