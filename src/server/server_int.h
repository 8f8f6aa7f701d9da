/* SPDX-License-Identifier: MIT */
/* What the files of room server share: the bound sockets of the supervisor and the state of the server process. */
#pragma once

#include "imap/imap.h"
#include "pop3/pop3.h"
#include "server/admin.h"
#include "server/data.h"
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

struct server_process {
	struct conf_live *conf;
	struct server_data data;
	struct net *net;
	struct admin admin;
	struct net_tls *tls[SERVER_N_TLS];
	union server_context *contexts;          /* one for each listener */
	char hostname[256];
};

/* ---- supervise.c: see server.h ---- */

/* ---- process.c ---- */

/*
 * The server process: never returns. ready_fd takes one message: "R" when connections are served, or "E" and a
 * text when it could not start.
 */
_Noreturn void server_process_main(const struct server_options *o, struct conf *conf, const struct server_bound *bound,
				   size_t n_bound, int ready_fd);

/* ---- listeners.c ---- */

/* Loads the certificates that the settings name into p->tls (all or none are replaced on reload). */
MUST_CHECK int server_tls_open(struct server_process *p, struct fault *fault);
MUST_CHECK int server_tls_reload(struct server_process *p, struct fault *fault);
/* True when the settings name no certificate, so that one is made in the data directory. */
bool server_tls_is_self_made(const struct conf *conf);
/* Makes a context for each bound socket and hands them to p->net. */
MUST_CHECK int server_listeners_open(struct server_process *p, const struct server_bound *bound, size_t n, struct fault *fault);

/* ---- control.c ---- */

/* Opens DIR/control.sock for the owner and root, served by p->net with the verbs of server/admin. */
MUST_CHECK int server_control_open(struct server_process *p, struct fault *fault);

