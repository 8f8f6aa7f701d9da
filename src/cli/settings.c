/* SPDX-License-Identifier: MIT */
/* Settings and files that commands read which need no server. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

#include "base/limits.h"
#include "server/server.h"

#define PIECE 16384

static bool is_named(const struct cli_args *args)
{
	return cli_option(args, "--config") || cli_option(args, "--dir");
}

void cli_settings_fault(const struct cli_args *args, int code, struct fault *fault)
{
	AUTO(buf_fini) struct buf all = BUF_INIT(LIMIT_CONF_FILE);
	const struct fault first = *fault;
	char buf[4096];
	const char *path = cli_config_path(args, buf, sizeof(buf));

	if (code == -E_NOT_FOUND && !is_named(args) && access(path, F_OK) < 0)
		(void)fault_set(fault, code, "there is no " CLI_DEFAULT_CONFIG ": name the settings by --config FILE, those of a demo by --dir DIR, "
				"or make some by martlet quickstart ADDRESS");
	else if (code == -E_USAGE && conf_mistakes(server_tables, server_n_tables, path, &all) > 1)
		(void)fault_set(fault, code, "%s (and more: martlet config check --config %s)", first.text, path);
}

int cli_settings_load(const struct cli_args *args, struct conf **ret, struct fault *fault)
{
	char buf[4096];
	const char *path = cli_config_path(args, buf, sizeof(buf));
	int r;

	if (!is_named(args) && access(path, F_OK) < 0)
		return conf_load(server_tables, server_n_tables, NULL, ret, fault);
	r = server_conf_load(path, ret, fault);
	cli_settings_fault(args, r, fault);
	return r;
}

int cli_settings_need(const struct cli_args *args, struct conf **ret, struct fault *fault)
{
	char buf[4096];
	int r = server_conf_load(cli_config_path(args, buf, sizeof(buf)), ret, fault);

	cli_settings_fault(args, r, fault);
	return r;
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
