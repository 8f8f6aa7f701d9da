/* SPDX-License-Identifier: MIT */
/* What the files of room server share: the bound sockets of the supervisor and the state of the server process. */
#pragma once

#include <signal.h>

#include "imap/imap.h"
#include "pop3/pop3.h"
#include "server/admin.h"
#include "server/data.h"
#include "server/helper.h"
#include "server/sandbox.h"
#include "server/server.h"
#include "smtp/smtp.h"

/* A socket bound by the supervisor; stays open over restarts of the server process. */
struct server_bound {
	const char *name_z;                      /* of the listener section; valid with the snapshot */
	const struct server_listener_conf *conf;
	int fd;
};

enum server_tls_use { SERVER_TLS_SMTP, SERVER_TLS_SUBMISSION, SERVER_TLS_IMAP, SERVER_TLS_POP3, SERVER_N_TLS };

union server_context {
	struct smtp_context smtp;
	struct imap_context imap;
	struct pop3_context pop3;
};

struct dkim_key;
struct queue_dkim;
struct sasl_jwks;
struct server_files;
struct server_housekeeper;
struct server_indexer;

struct server_process {
	struct conf_live *conf;
	const struct conf *first;                /* as the supervisor was started: what a reload may not change */
	const struct server_conf *fixed;         /* its [server] */
	struct server_data data;
	struct server_housekeeper *housekeeper;
	struct server_indexer *indexer;
	struct queue_sched *sched;               /* NULL: nothing is sent */
	struct net *net;
	struct admin admin;
	struct net_tls *tls[SERVER_N_TLS];
	union server_context *contexts;          /* one for each listener */
	struct server_sandbox sandbox;
	char hostname[256];
};

/* ---- supervise.c: see server.h ---- */

/* From the supervisor to a server process that stops: do not wait for sessions any longer. Not SIGINT, which a terminal sends to both. */
#define SERVER_SIG_HURRY SIGUSR1

/* ---- restart.c ---- */

/* Short lives in a row after one more that lasted lived_ms; and how long to wait before the next, at most max_ms. */
unsigned server_n_short(unsigned n_short, int64_t lived_ms);
int64_t server_restart_pause_ms(unsigned n_short, int64_t max_ms);

/* ---- notify.c ---- */

/* Tells systemd, if it started us and wants to know. */
void server_notify(const char *state_z);

/* ---- bound.c ---- */

/* Binds all listeners of the settings, which must outlive the result. On failure none stays. */
MUST_CHECK int server_bound_open(const struct conf *conf, struct server_bound **ret, size_t *ret_n, struct fault *fault);
/* Closes and frees them, and removes the files of unix sockets. Accepts NULL and 0. */
void server_bound_close(struct server_bound *bound, size_t n);

/* ---- privileges.c: see also server.h ---- */

/* The supervisor, once it bound its sockets: keeps the capabilities for what is still to come, no core dumps. */
MUST_CHECK int server_privileges_narrow(const struct server_conf *conf, struct fault *fault);
/* The server process: no capability at all, also as root; no core dumps, its memory is closed to others. */
MUST_CHECK int server_privileges_none(struct fault *fault);

/* ---- process.c ---- */

/* What a server process is started with. */
struct server_start {
	const struct server_options *options;
	struct conf *first;  /* as the supervisor was started: directory, user, host name, listeners */
	struct conf *conf;   /* as last reloaded: everything else */
	struct server_files *files;
	const struct server_bound *bound;
	size_t n_bound;
	pid_t supervisor;
	int ready_fd;   /* takes one message: "R" when connections are served; an error code and a text when it could not start */
	int files_fd;   /* where a new set of files comes from, before SIGHUP */
	int helper_fds[SERVER_N_HELPERS]; /* where helpers listen; their own ends are far_fds */
	int far_fds[SERVER_N_HELPERS];
};
_Noreturn void server_process_main(const struct server_start *start);

/* ---- files.c: settings, certificates and keys as bytes, from the supervisor to the server process ---- */

/* Reads every file that the settings name. The bytes are wiped when freed. */
MUST_CHECK int server_files_read(const struct conf *conf, struct server_files **ret, struct fault *fault);
/* Reads the settings file, once, parses and checks it, and reads every file that it names. */
MUST_CHECK int server_files_load(const char *config_path_z, struct conf **conf, struct server_files **ret, struct fault *fault);
void server_files_free(struct server_files *files); /* accepts NULL */
/* The bytes of a file, valid with the set; p == NULL when it is not in it. */
struct str server_files_get(const struct server_files *files, const char *path_z);
/* The keys for access tokens that the settings name; NULL when they name none. -E_USAGE with what is wrong with them. */
MUST_CHECK int server_files_jwks(const struct conf *conf, const struct server_files *files, struct sasl_jwks **ret, struct fault *fault);
/* The key that signs reports about TLS, a reference; NULL when the settings name none. -E_USAGE as above. */
MUST_CHECK int server_files_dkim(const struct conf *conf, const struct server_files *files, struct dkim_key **ret, struct fault *fault);
/* The keys of the domains that sign their mail, a reference; NULL when the settings name none. -E_USAGE as above. */
MUST_CHECK int server_files_signers(const struct conf *conf, const struct server_files *files, struct queue_dkim **ret, struct fault *fault);
/* Over a connected pair of sockets; neither blocks. Receiving: -E_NOT_FOUND when nothing was sent; after any other fault the set is gone. */
MUST_CHECK int server_files_send(int sock, const struct server_files *files, struct fault *fault);
MUST_CHECK int server_files_receive(int sock, struct server_files **ret, struct fault *fault);

/* ---- listeners.c ---- */

/* Makes p->tls of the certificates that the settings name, out of the bytes in files; a reload leaves p->tls as it was when it fails. */
MUST_CHECK int server_tls_open(struct server_process *p, const struct conf *conf, const struct server_files *files,
			       struct fault *fault);
MUST_CHECK int server_tls_reload(struct server_process *p, const struct conf *conf, const struct server_files *files,
				 struct fault *fault);
/* True when the settings name no certificate, so that one is made in the data directory. */
bool server_tls_is_self_made(const struct conf *conf);
/* Makes a context for each bound socket and hands them to p->net. */
MUST_CHECK int server_listeners_open(struct server_process *p, const struct server_bound *bound, size_t n, struct fault *fault);

/* ---- housekeeper.c ---- */

/* A thread that keeps house from now on; store and conf must outlive it. */
struct server_housekeeper *server_housekeeper_start(struct store *store, struct queue *queue, struct conf_live *conf);
void server_housekeeper_stop(struct server_housekeeper *h); /* soon; accepts NULL */

struct server_indexer *server_indexer_start(struct store *store, struct conf_live *conf);
void server_indexer_stop(struct server_indexer *x); /* soon; accepts NULL */

/* ---- control.c ---- */

/* Makes DIR/control.sock for the owner and root. The data must be open: its lock says that no other server uses the socket. */
MUST_CHECK int server_control_bind(struct server_process *p, int *ret_fd, struct fault *fault);
/* Serves it by p->net with the verbs of server/admin; takes fd. */
MUST_CHECK int server_control_open(struct server_process *p, int fd, struct fault *fault);
/* The reply to one line, a new object; the caller's. */
json_t *server_control_answer(struct admin *ad, struct str line);

