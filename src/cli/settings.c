/* SPDX-License-Identifier: MIT */
/* Settings and files that commands read which need no server. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

#include "server/server.h"

#define PIECE 16384

int cli_settings_load(const struct cli_args *args, struct conf **ret, struct fault *fault)
{
	char buf[4096];
	const char *path = cli_config_path(args, buf, sizeof(buf));
	bool is_named = cli_option(args, "--config") || cli_option(args, "--dir");

	if (!is_named && access(path, F_OK) < 0)
		return conf_load(server_tables, server_n_tables, NULL, ret, fault);
	return server_conf_load(path, ret, fault);
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
