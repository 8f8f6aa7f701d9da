/* SPDX-License-Identifier: MIT */
/*
 * The server process: drops privileges, opens the data, serves, reloads on SIGHUP, stops on SIGTERM. Its main thread only
 * waits for signals; the waiter and the workers of room net do the rest. Never returns to the supervisor's code.
 */
#include "server/server_int.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dl.h"
#include "base/log.h"
#include "conf/live.h"
#include "db/db.h"
#include "mailauth/dkim.h"
#include "net/tls.h"
#include "queue/dkim.h"
#include "queue/schedule.h"
#include "queue/tlsrpt.h"
#include "sasl/sasl.h"

#define LOCK_WAIT_MS 5000 /* for a command that has the data open, as it found no server */
#define HEAP_ARENAS 2  /* of malloc for each processor, for any number of threads; each keeps what its largest hour took */
#define FAULT_LOOK_S 5  /* how often trouble with the data is looked for */
#define SENT_GRACE_MS 2000 /* for results of attempts that run; later ones are tried again */
#define STOP_LOOK_MS 20 /* how often it is looked for the end of the last session */

/* To the supervisor: 'R' when ready, else the number of an error and its text. */
static void tell(int fd, char kind, const char *text_z)
{
	char message[sizeof(struct fault) + 1];
	int n = snprintf(message, sizeof(message), "%c%s", kind, text_z);

	if (write(fd, message, (size_t)n) < 0)
		_exit(1); /* the supervisor is gone */
}

void server_hostname(const struct server_conf *s, char *ret, size_t n)
{
	if (s->hostname[0])
		snprintf(ret, n, "%s", s->hostname);
	else if (gethostname(ret, n - 1) < 0 || !ret[0])
		snprintf(ret, n, "localhost");
}

/* Gives up what this process may and closes it in, before its first thread and before it opens anything. */
static int give_up_rights(struct server_process *p, const struct server_start *start, struct fault *fault)
{
	const struct server_conf *s = p->fixed;
	int r = server_privileges_drop(s, fault);

	prctl(PR_SET_PDEATHSIG, SIGTERM); /* only now: becoming another user clears it */
	if (getppid() != start->supervisor)
		_exit(1); /* it died before that */
	if (r == 0)
		r = server_privileges_none(fault);
	if (r == 0)
		r = db_make_dir(s->data_dir, fault);
	return r < 0 ? r : server_sandbox_begin(&p->sandbox, (enum server_sandbox_mode)s->sandbox, s->data_dir, fault);
}

/* From here on bytes of the network are read, and only the system calls of seccomp.c are made. */
static int open_network(struct server_process *p, const struct server_start *start, struct fault *fault)
{
	int control = -1;
	int r = server_control_bind(p, &control, fault);

	if (r == 0)
		r = server_sandbox_finish(&p->sandbox, fault);
	if (r == 0)
		r = server_listeners_open(p, start->bound, start->n_bound, fault);
	return r < 0 ? r : server_control_open(p, control, fault);
}

/* Access tokens: the keys for signed ones, and whom to ask about the others. */
static int open_tokens(struct server_process *p, const struct server_start *start, struct fault *fault)
{
	struct sasl_jwks *keys = NULL;
	int r = server_files_jwks(start->conf, start->files, &keys, fault);

	if (r < 0)
		return r;
	sasl_oauth_configure(p->data.sasl, keys);
	return sasl_oauth_connect(p->data.sasl, start->helper_fds[SERVER_ASKER], net_wake_cb, p->net, fault);
}

/* What signs reports to other domains about their TLS. Whoever makes reports and has no key hears what that costs. */
static void take_report_key(struct server_process *p, const struct conf *conf, struct dkim_key *key)
{
	const struct queue_tlsrpt_conf *t = conf_get(conf, &queue_tlsrpt_conf_table);

	if (t->address[0] && !key)
		LOG(WARN, "tlsrpt.no-key", F_Z("note", "reports about TLS go by HTTPS only; for those by mail set dkim_selector and dkim_key_file "
						      "in [tlsrpt]"));
	queue_tlsrpt_key(p->data.queue, key);
}

static int open_report_key(struct server_process *p, const struct server_start *start, struct fault *fault)
{
	struct dkim_key *key = NULL;
	int r = server_files_dkim(start->conf, start->files, &key, fault);

	if (r == 0)
		take_report_key(p, start->conf, key);
	return r;
}

/* What signs the mail of domains here. */
static int open_signers(struct server_process *p, const struct server_start *start, struct fault *fault)
{
	struct queue_dkim *signers = NULL;
	int r = server_files_signers(start->conf, start->files, &signers, fault);

	if (r == 0)
		queue_dkim_configure(p->data.queue, signers);
	return r;
}

/* Rights first, then data, then the network: nothing is answered before everything stands. */
static int open_all(struct server_process *p, const struct server_start *start, struct fault *fault)
{
	const struct conf *conf = start->conf;
	const struct server_conf *s = p->fixed;
	int r;

	server_hostname(s, p->hostname, sizeof(p->hostname));
	r = give_up_rights(p, start, fault);
	if (r == 0)
		r = net_open(conf_get(conf, &net_conf_table), &p->net, fault);
	if (r == 0)
		r = server_data_open(s->data_dir, LOCK_WAIT_MS, p->conf, net_wake_cb, p->net, &p->data, fault);
	if (r == 0)
		r = db_claim(p->data.db, fault);
	if (r == 0)
		r = server_tls_open(p, conf, start->files, fault);
	if (r == 0)
		r = open_tokens(p, start, fault);
	if (r == 0)
		r = open_report_key(p, start, fault);
	if (r == 0)
		r = open_signers(p, start, fault);
	if (r < 0)
		return r;
	p->admin = (struct admin){ .store = p->data.store, .queue = p->data.queue, .sasl = p->data.sasl,
				   .conf = p->conf, .net = p->net, .process = p, .has_test_verbs = s->has_test_verbs };
	if (start->options->prepare)
		r = start->options->prepare(&p->admin, fault);
	if (r == 0)
		r = open_network(p, start, fault);
	if (r == 0)
		p->housekeeper = server_housekeeper_start(p->data.store, p->data.queue, p->conf);
	if (r == 0)
		p->indexer = server_indexer_start(p->data.store, p->conf);
	if (r == 0)
		r = queue_sched_start(p->data.queue, start->helper_fds[SERVER_SENDER], &p->sched, fault);
	return r;
}

/* What a reload may still find wrong. */
struct keys {
	struct sasl_jwks *tokens;
	struct dkim_key *reports;
	struct queue_dkim *signers;
};

/* Takes all over. */
static void apply(struct server_process *p, struct conf *next, const struct keys *k)
{
	const struct server_conf *s = conf_get(next, &server_conf_table);

	log_setup(STDERR_FILENO, (enum log_level)s->log_level, (enum log_format)s->log_format);
	store_configure(p->data.store, conf_get(next, &store_conf_table));
	net_reload(p->net, conf_get(next, &net_conf_table));
	queue_configure(p->data.queue, next, p->hostname);
	take_report_key(p, next, k->reports);
	queue_dkim_configure(p->data.queue, k->signers);
	conf_live_swap(p->conf, next);
	sasl_oauth_configure(p->data.sasl, k->tokens);
	queue_sched_wake(p->data.queue);
}

/* All or nothing: keys and certificates first, because they are what may still be wrong. */
static int take_files(struct server_process *p, const struct server_files *files, const char *path_z, struct fault *fault)
{
	struct conf *next = NULL;
	struct keys k = { 0 };
	int r = server_conf_parse(path_z, server_files_get(files, path_z), &next, fault);

	if (r < 0)
		return r;
	r = server_files_jwks(next, files, &k.tokens, fault);
	if (r == 0)
		r = server_files_dkim(next, files, &k.reports, fault);
	if (r == 0)
		r = server_files_signers(next, files, &k.signers, fault);
	if (r == 0)
		r = server_tls_reload(p, next, files, fault);
	if (r == 0) {
		apply(p, next, &k);
		return 0;
	}
	conf_unref(next);
	sasl_jwks_unref(k.tokens);
	dkim_key_unref(k.reports);
	queue_dkim_unref(k.signers);
	return r;
}

/* SIGHUP from the supervisor, which has sent a checked set of files before: one answer for each set, none without. */
static void reload(struct server_process *p, const struct server_start *start)
{
	struct server_files *files = NULL;
	struct fault fault = { 0 };
	int r = server_files_receive(start->files_fd, &files, &fault);

	if (r == -E_NOT_FOUND) {
		LOG(WARN, "server.reload", F_Z("fault", "nothing came from the supervisor; send SIGHUP to it"));
		return;
	}
	if (r == 0)
		r = take_files(p, files, start->options->config_path_z, &fault);
	server_files_free(files);
	if (send(start->files_fd, r < 0 ? "X" : "A", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
		LOG(WARN, "server.reload", F_Z("fault", "cannot tell the supervisor, ignoring"));
	if (r < 0)
		LOG(ERROR, "server.reload", F_Z("result", "failed, keeping the old settings"), F_Z("fault", fault.text));
	else
		LOG(INFO, "server.reload", F_Z("result", "done"));
}

/* Rooms below do not log: trouble of disk or database is told to the peer as a code, and here, once, to the operator. */
static void log_data_faults(struct server_process *p, int64_t *seen)
{
	struct fault fault = { 0 };
	int64_t n = db_last_fault(p->data.db, &fault);

	if (n > *seen)
		LOG(ERROR, "server.data", F_INT("faults", n - *seen), F_Z("last", fault.text));
	*seen = n;
}

/* Serves until SIGTERM, which it returns. SIGINT stays blocked: a terminal sends it to the supervisor too, which sends SIGTERM then. */
static int wait_for_stop(struct server_process *p, const struct server_start *start)
{
	const struct timespec look = { .tv_sec = FAULT_LOOK_S };
	int64_t faults = 0;
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	for (;;) {
		int sig = sigtimedwait(&wanted, NULL, &look);

		log_data_faults(p, &faults);
		if (sig == SIGHUP)
			reload(p, start);
		else if (sig > 0)
			return sig;
	}
}

/* Sessions finish their commands and hear good-bye, for at most the grace, less when the supervisor loses patience; the rest is cut. */
static void drain(struct server_process *p)
{
	const struct timespec look = { .tv_nsec = STOP_LOOK_MS * 1000000 };
	struct conf *conf = conf_live_get(p->conf);
	const struct server_conf *s = conf_get(conf, &server_conf_table);
	int64_t deadline = clock_mono_ms() + s->stop_grace_ms;
	struct net_counts c;
	sigset_t hurry;

	conf_unref(conf);
	sigemptyset(&hurry);
	sigaddset(&hurry, SERVER_SIG_HURRY);
	net_stop(p->net);
	do {
		net_counts(p->net, &c);
	} while (c.connections > 0 && clock_mono_ms() < deadline && sigtimedwait(&hurry, NULL, &look) != SERVER_SIG_HURRY);
	if (c.connections > 0)
		LOG(WARN, "server.stop", F_INT("cut", c.connections));
	net_close(&p->net, 0);
}

static void close_all(struct server_process *p)
{
	struct conf *conf = conf_live_get(p->conf);

	server_indexer_stop(p->indexer);
	server_housekeeper_stop(p->housekeeper);
	drain(p);
	queue_sched_stop(&p->sched, SENT_GRACE_MS); /* last: the sender goes on, and a result that nobody takes is a message sent twice */
	server_data_close(&p->data);
	for (size_t i = 0; i < SERVER_N_TLS; i++)
		net_tls_unref(p->tls[i]);
	mem_free(p->contexts);
	conf_unref(conf);
	conf_live_free(p->conf);
}

static void log_start(const struct server_process *p, const struct net_conf *net)
{
	struct net_counts c;

	LOG(INFO, "server.start", F_INT("pid", getpid()), F_Z("hostname", p->hostname), F_INT("uid", geteuid()),
	    F_Z("sandbox", p->sandbox.text));
	if (p->sandbox.missing[0])
		LOG(WARN, "server.sandbox", F_Z("missing", p->sandbox.missing));
	if (geteuid() == 0)
		LOG(WARN, "server.root", F_Z("fault", "the server process runs as root, if without its powers; set [server] user"));
	net_counts(p->net, &c);
	if (c.max_connections < net->max_connections / 2)
		LOG(WARN, "server.files", F_Z("fault", "the limit on open files (ulimit -n) allows far fewer connections than net.max_connections"),
		    F_INT("connections", c.max_connections));
}

_Noreturn void server_process_main(const struct server_start *start)
{
	struct server_process p = { .conf = conf_live_new(conf_ref(start->conf)),
				    .first = start->first,
				    .fixed = conf_get(start->first, &server_conf_table) };
	struct fault fault = { 0 };
	int r, signo;

	for (size_t i = 0; i < SERVER_N_HELPERS; i++)
		close(start->far_fds[i]);
	close(start->helper_fds[SERVER_FETCHER]); /* the sender asks it, and we get nobody to connect for us */
	mallopt(M_ARENA_MAX, HEAP_ARENAS * (int)sysconf(_SC_NPROCESSORS_ONLN));
	r = open_all(&p, start, &fault);
	server_files_free(start->files);
	if (r < 0) {
		tell(start->ready_fd, (char)err_row(r)->code, fault.text);
		_exit(1);
	}
	tell(start->ready_fd, 'R', "");
	close(start->ready_fd);
	log_start(&p, conf_get(start->conf, &net_conf_table));
	dl_settle();
	signo = wait_for_stop(&p, start); /* not inside of LOG(), which evaluates nothing when its level is off */
	LOG(INFO, "server.stop", F_INT("signal", signo));
	close_all(&p);
	close(start->files_fd);
	conf_unref(start->conf);
	conf_unref(start->first);
	exit(0);
}
