/* SPDX-License-Identifier: MIT */
/*
 * The server put together: settings tables of all rooms, supervisor and server process, listeners, control socket.
 */
#pragma once

#include "base/err.h"
#include "conf/conf.h"
#include "net/net.h"

/* [server] */
extern const struct conf_table server_conf_table;
struct server_conf {
	const char *hostname;      /* "" = the machine's name */
	const char *data_dir;
	const char *user;          /* "" = stay who we are */
	int log_level;             /* enum log_level */
	int log_format;            /* enum log_format */
	int sandbox;               /* enum server_sandbox_mode */
	int64_t restart_pause_ms;  /* the longest */
	int64_t stop_grace_ms;
	bool has_test_verbs;
};

/* [listener "name"] */
enum server_protocol { SERVER_SMTP, SERVER_SUBMISSION, SERVER_LMTP, SERVER_IMAP, SERVER_POP3 };
extern const struct conf_table server_listener_table;
struct server_listener_conf {
	int protocol;              /* enum server_protocol */
	const char *address;       /* or "/path" of a unix socket */
	int64_t port;
	int tls;                   /* enum net_tls_mode */
};

/* [tls] and [certificate "name"] */
extern const struct conf_table server_tls_table;
struct server_tls_conf {
	const char *certificate, *key;  /* "" = a self-signed one is made in the data directory */
	const char *client_ca;          /* "" = no client certificates */
};
extern const struct conf_table server_certificate_table;
struct server_certificate_conf {
	const char *certificate, *key;
};

/* All tables, for conf_load() and the config command. */
extern const struct conf_table *const server_tables[];
extern const size_t server_n_tables;

/* Reads settings, finds mistakes that a single row cannot see (a listener with TLS modes that its protocol has not, ports twice). */
MUST_CHECK int server_conf_load(const char *path_z, struct conf **ret, struct fault *fault);
/* The same from the bytes of that file. */
MUST_CHECK int server_conf_parse(const char *path_z, struct str text, struct conf **ret, struct fault *fault);
/*
 * What `config check` looks at beyond the settings themselves: the user exists, certificates can be read and go with their keys.
 */
MUST_CHECK int server_conf_try(const struct conf *conf, const char *path_z, struct fault *fault);

/*
 * Two steps for whoever opens the data, so that it is never left with files that the server may not open. As root with a user set:
 * makes the data directory theirs; becomes that user for good. Then no_new_privs for everybody. -E_USAGE for root when there is data
 * of somebody else than the server would run as, or the directory is a part of the system.
 */
MUST_CHECK int server_privileges_prepare(const struct server_conf *conf, struct fault *fault);
MUST_CHECK int server_privileges_drop(const struct server_conf *conf, struct fault *fault);

/* The name of this host: the setting's, else the machine's own. */
void server_hostname(const struct server_conf *s, char *ret, size_t n);
/* Addresses and ports at which this host takes mail from others by these settings: no mail is sent there. *ret is the caller's (mem_free), NULL for none. */
struct net_address;
size_t server_own_addresses(const struct conf *conf, struct net_address **ret);

struct admin;
struct server_options {
	const char *config_path_z;
	/* Runs in the server process once the data is open, before listeners take connections; may be NULL. */
	int (*prepare)(struct admin *admin, struct fault *fault);
	/* Runs in the supervisor once the server answers for the first time; may be NULL. */
	void (*ready)(const struct conf *conf);
};

/*
 * Runs supervisor and server in the foreground until SIGTERM or SIGINT. SIGHUP reloads settings and certificates. Returns 0 after
 * an orderly stop; negative with fault when it could not start.
 */
MUST_CHECK int server_run(const struct server_options *o, struct fault *fault);
