/* SPDX-License-Identifier: MIT */
/* What `config check` finds out before a server would: the same steps as a start, without data and listeners. */
#include "server/server_int.h"

#include <pwd.h>

#include "mailauth/dkim.h"
#include "net/tls.h"
#include "queue/dkim.h"
#include "sasl/sasl.h"

static int try_files(const struct conf *conf, struct fault *fault)
{
	struct server_process p = { .fixed = conf_get(conf, &server_conf_table) };
	struct server_files *files = NULL;
	struct sasl_jwks *keys = NULL;
	struct dkim_key *dkim = NULL;
	struct queue_dkim *signers = NULL;
	int r = server_files_read(conf, &files, fault);

	if (r == 0)
		r = server_files_jwks(conf, files, &keys, fault);
	sasl_jwks_unref(keys);
	if (r == 0)
		r = server_files_dkim(conf, files, &dkim, fault);
	dkim_key_unref(dkim);
	if (r == 0)
		r = server_files_signers(conf, files, &signers, fault);
	queue_dkim_unref(signers);
	if (r == 0 && !server_tls_is_self_made(conf))
		r = server_tls_open(&p, conf, files, fault);
	for (size_t i = 0; i < SERVER_N_TLS; i++)
		net_tls_unref(p.tls[i]);
	server_files_free(files);
	return r;
}

int server_conf_try(const struct conf *conf, const char *path_z, struct fault *fault)
{
	const struct server_conf *s = conf_get(conf, &server_conf_table);
	char space[4096];
	struct passwd pw;
	struct passwd *found = NULL;
	struct fault f = { 0 };
	int r;

	if (s->user[0])
		getpwnam_r(s->user, &pw, space, sizeof(space), &found);
	if (s->user[0] && !found)
		return fault_set(fault, -E_USAGE, "%s: [server] user = %s: no such user; make it with: useradd --system %s",
				 path_z, s->user, s->user);
	r = try_files(conf, &f);
	return r < 0 ? fault_set(fault, r, "%s: %s", path_z, f.text) : 0;
}
