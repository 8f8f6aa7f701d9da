/* SPDX-License-Identifier: MIT */
/*
 * The user's own accounts on other servers: one INI file, read by `fetch`, `send` and `sendmail`.
 *
 *   [account "work"]
 *   address = ann@example.org
 *   imap = mail.example.org
 *   smtp = mail.example.org:587
 *   smtp_tls = starttls
 *   password_command = pass show mail/work
 *   to = maildir:~/Mail
 *
 * A password stands in no argument and in no variable of ours; it comes from a file, an environment variable or a command.
 */
#pragma once

#include "base/buf.h"
#include "cli/peer.h"
#include "conf/conf.h"
#include "net/stream.h"

enum profile_protocol { PROFILE_IMAP, PROFILE_POP3, PROFILE_SMTP, PROFILE_N_PROTOCOLS };

/* As the rows of profile.c fill it; texts are "" where nothing is said. */
struct profile {
	const char *address_z, *user_z; /* user: or else the address */
	struct {
		const char *host_z;
		int tls;                /* index of profile_tls_names */
	} servers[PROFILE_N_PROTOCOLS];
	const char *ca_file_z;
	bool is_insecure;
	const char *password_file_z, *password_env_z, *password_command_z;
	/* of fetch */
	int from;                       /* PROFILE_IMAP, PROFILE_POP3 */
	struct conf_list mailboxes;
	const char *to_z;
	bool is_delete;
	int64_t delete_after_ms;
};

/*
 * The file; NULL: $XDG_CONFIG_HOME/martlet/servers.ini or ~/.config/martlet/servers.ini. 0 with *ret (conf_unref() it); -E_NOT_FOUND: it is not there; -E_USAGE: it is wrong, or others
 * may write to it.
 */
MUST_CHECK int profile_load(const char *path_z, struct conf **ret, struct fault *fault);
size_t profile_count(const struct conf *c);
const struct profile *profile_nth(const struct conf *c, size_t i, const char **ret_name_z);
/* The one of that name. -E_NOT_FOUND, with the names that there are. */
MUST_CHECK int profile_find(const struct conf *c, const char *name_z, const struct profile **ret, struct fault *fault);
/* Its server for that protocol, with the port it stands for, and how TLS begins there. -E_USAGE: it names none. */
MUST_CHECK int profile_server(const struct profile *p, enum profile_protocol protocol, struct peer *ret, enum net_starttls *ret_tls, struct fault *fault);
const char *profile_user(const struct profile *p);
/* The password, added to out, or asked for on a terminal; name_z: the account. -E_USAGE. */
MUST_CHECK int profile_password(const struct profile *p, const char *name_z, struct buf *out, struct fault *fault);
/* "~/x" as a path of who calls; the slice is out's. */
const char *profile_path(const char *path_z, struct buf *out);
/* "implicit", "starttls", "never". False: neither. */
bool profile_tls(const char *word_z, enum net_starttls *ret);
