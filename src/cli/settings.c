/* SPDX-License-Identifier: MIT */
/* Settings and files that commands read which need no server. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

#include "server/server.h"

#define PIECE 16384

static bool is_named(const struct cli_args *args)
{
	return cli_option(args, "--config") || cli_option(args, "--dir");
}

int cli_settings_load(const struct cli_args *args, struct conf **ret, struct fault *fault)
{
	char buf[4096];
	const char *path = cli_config_path(args, buf, sizeof(buf));

	if (!is_named(args) && access(path, F_OK) < 0)
		return conf_load(server_tables, server_n_tables, NULL, ret, fault);
	return server_conf_load(path, ret, fault);
}

int cli_settings_need(const struct cli_args *args, struct conf **ret, struct fault *fault)
{
	char buf[4096];
	int r = server_conf_load(cli_config_path(args, buf, sizeof(buf)), ret, fault);

	if (r != -E_NOT_FOUND || is_named(args))
		return r;
	return fault_set(fault, r, "there is no " CLI_DEFAULT_CONFIG ": name the settings by --config FILE, those of a demo by --dir DIR, "
			 "or make some by martlet quickstart ADDRESS");
}

int cli_file_read(const char *path_z, struct buf *out, struct fault *fault)
{
	FILE *file = fopen(path_z, "re");
	bool is_whole;
	size_t n;
	char *p;

	if (!file)
		return fault_errno(fault, errno, "cannot read %s", path_z);
	while ((p = buf_reserve(out, PIECE)) != NULL && (n = fread(p, 1, PIECE, file)) > 0)
		buf_commit(out, n);
	is_whole = p != NULL && !ferror(file);
	fclose(file);
	return is_whole ? 0 : fault_set(fault, -E_IO, "cannot read %s, or it is too large", path_z);
}
