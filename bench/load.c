/* SPDX-License-Identifier: MIT */
/*
 * build/bench MODE --port N ...: puts one kind of work on any mail server and prints a line for each
 * kind of sample: name, rate, unit, median and 99th percentile in milliseconds. One thread a
 * connection, blocking sockets, nothing clever: up to a few hundred connections the threads cost
 * little beside the server. `idle` alone opens all from one thread.
 */
#include "load.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

#define MAX_THREADS 1000

static const struct mode {
	const char *name_z, *unit_z;
	void (*run)(struct worker *w);
	bool one_thread;
	const char *help_z;
} modes[] = {
	{ "smtp", "messages/s", load_smtp, false, "deliver --messages until the final 250" },
	{ "imap-fetch", "messages/s", load_imap_fetch, false, "FETCH 1:* (UID FLAGS), --rounds times" },
	{ "imap-mix", "commands/s", load_imap_mix, false, "whole sessions, --rounds times" },
	{ "pop3-drain", "messages/s", load_pop3_drain, false, "RETR and DELE all of one user a connection" },
	{ "idle", "logins/s", load_idle, true, "log in --connections times, hold them --hold seconds" },
	{ "tls", "handshakes/s", load_tls, false, "connect, shake hands, close; --messages times" },
	{ "limit", "messages/s", load_limit, false, "no server: append to a file in --dir, group commit" },
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
	{ "--connections", AT(connections), false, "at the same time, each a thread (20)" },
	{ "--threads", AT(connections), false, "the same, for limit" },
	{ "--messages", AT(messages), false, "in all (1000)" },
	{ "--per-connection", AT(per_connection), false, "messages before QUIT (1)" },
	{ "--size", AT(size_bytes), false, "bytes of a message (4096)" },
	{ "--domain", AT(domain_z), true, "of the accounts u0, u1, ... (example.test)" },
	{ "--users", AT(users), false, "accounts that the work is spread over (20)" },
	{ "--first", AT(first), false, "number of the first of them (0)" },
	{ "--password", AT(password_z), true, "(demo)" },
	{ "--rounds", AT(rounds), false, "repetitions (10)" },
	{ "--hold", AT(hold_s), false, "seconds, or until standard input ends (0)" },
	{ "--dir", AT(dir_z), true, "for limit (.)" },
};

static const char *const kinds[LOAD_KINDS] = { "", "/login", "/select", "/flags", "/envelope", "/body",
					       "/store", "/search", "/logout" };

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

void load_sample(struct worker *w, enum load_kind kind, uint64_t since_us)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 256;
		w->samples = mem_resize(w->samples, w->cap, sizeof(*w->samples));
	}
	w->samples[w->n++] = (struct sample){ (uint32_t)(load_now_us() - since_us), (uint8_t)kind };
}

bool load_take(struct load *l, uint64_t *ret_index)
{
	*ret_index = atomic_fetch_add(&l->taken, 1);
	return *ret_index < l->messages;
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

static int by_time(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->us > y->us) - (x->us < y->us);
}

static double percentile_ms(const struct sample *s, size_t n, double share)
{
	return (double)s[(size_t)((double)(n - 1) * share)].us / 1000;
}

/* One line for all work, then one for each kind of sample there is. */
static void report(const struct mode *m, struct worker *w, size_t n, double seconds)
{
	struct worker all = { 0 };
	uint64_t done = 0;

	for (size_t i = 0; i < n; i++) {
		all.samples = mem_resize(all.samples, all.n + w[i].n + 1, sizeof(*all.samples));
		if (w[i].n)
			memcpy(all.samples + all.n, w[i].samples, w[i].n * sizeof(*all.samples));
		all.n += w[i].n;
		done += w[i].done;
	}
	qsort(all.samples, all.n, sizeof(*all.samples), by_time);
	for (int kind = 0; kind < LOAD_KINDS; kind++) {
		struct sample *of = mem_alloc(all.n + 1, sizeof(*of));
		size_t k = 0;

		for (size_t i = 0; i < all.n; i++)
			if (all.samples[i].kind == kind || kind == LOAD_MAIN)
				of[k++] = all.samples[i];
		if (k)
			printf("%s%s %.1f %s %.3f %.3f\n", m->name_z, kinds[kind],
			       (double)(kind == LOAD_MAIN ? done : k) / seconds, m->unit_z,
			       percentile_ms(of, k, 0.5), percentile_ms(of, k, 0.99));
		mem_free(of);
	}
	fflush(stdout);
	mem_free(all.samples);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (str_eq(str_z(w->load->mode_z), str_z(modes[i].name_z)))
			modes[i].run(w);
	return NULL;
}

static void run(const struct mode *m, struct load *l)
{
	size_t n = m->one_thread ? 1 : l->connections;
	struct worker *w = mem_alloc(n, sizeof(*w));
	pthread_t *threads = mem_alloc(n, sizeof(*threads));
	uint64_t start = load_now_us();

	for (size_t i = 0; i < n; i++) {
		w[i] = (struct worker){ .load = l, .index = (unsigned)i };
		if (pthread_create(&threads[i], NULL, work, &w[i]) != 0)
			load_fail("cannot make thread %zu", i);
	}
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	report(m, w, n, (double)(load_now_us() - start) / 1e6);
	for (size_t i = 0; i < n; i++)
		mem_free(w[i].samples);
	mem_free(w);
	mem_free(threads);
}

/* Connections of `idle` stay open after the report until whoever measures closes our input; the end
 * of the process closes them all at once. */
__attribute__((noreturn)) static void hold(uint64_t seconds)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	poll(&in, 1, (int)(seconds * 1000));
	_exit(0);
}

int main(int argc, char **argv)
{
	struct load l = { .host_z = "127.0.0.1", .connections = 20, .messages = 1000, .size_bytes = 4096,
			  .per_connection = 1, .users = 20, .rounds = 10, .domain_z = "example.test",
			  .password_z = "demo", .dir_z = "." };
	struct rlimit files;

	if (argc < 2 || argc % 2)
		return usage();
	l.mode_z = argv[1];
	for (int i = 2; i < argc; i += 2)
		if (!set_option(&l, argv[i], argv[i + 1]))
			return usage();
	if (!l.users || !l.per_connection || !l.connections || l.hold_s > 3600)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	l.tls_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(l.tls_ctx, SSL_SESS_CACHE_OFF);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (!str_eq(str_z(l.mode_z), str_z(modes[i].name_z)))
			continue;
		if (!modes[i].one_thread && l.connections > MAX_THREADS)
			load_fail("at most %d connections", MAX_THREADS);
		run(&modes[i], &l);
		hold(l.hold_s);
	}
	return usage();
}
