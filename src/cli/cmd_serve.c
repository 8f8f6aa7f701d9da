/* SPDX-License-Identifier: MIT */
/* serve, version. */
#include <stdio.h>

#include "cli/cli.h"

#include "server/server.h"

enum cli_status cli_serve(const struct cli_command *cmd, const struct cli_args *args)
{
	char path[4096];
	struct server_options o = { .config_path_z = cli_config_path(args, path, sizeof(path)) };
	struct fault fault = { 0 };
	int r = server_run(&o, &fault);

	(void)cmd;
	cli_settings_fault(args, r, &fault);
	return r < 0 ? cli_fail(args, r, &fault) : CLI_OK;
}

enum cli_status cli_version(const struct cli_command *cmd, const struct cli_args *args)
{
	(void)cmd;
	printf(cli_option(args, "--json") ? "{\"version\":\"0.1\"}\n" : "martlet 0.1\n");
	return CLI_OK;
}
