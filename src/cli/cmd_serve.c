/* SPDX-License-Identifier: MIT */
/* serve, config, version. */
#include <stdio.h>

#include "cli/cli.h"

#include "base/limits.h"
#include "server/server.h"

enum cli_status cli_serve(const struct cli_command *cmd, const struct cli_args *args)
{
	char path[4096];
	struct server_options o = { .config_path_z = cli_config_path(args, path, sizeof(path)) };
	struct fault fault = { 0 };
	int r = server_run(&o, &fault);

	(void)cmd;
	return r < 0 ? cli_fail(r, &fault) : CLI_OK;
}

static enum cli_status print_buf(struct buf *out)
{
	if (fwrite(out->p, 1, out->n, stdout) != out->n || fflush(stdout) != 0)
		return CLI_UNAVAILABLE;
	return CLI_OK;
}

static int config_text(const struct cli_command *cmd, const struct cli_args *args, struct buf *out, struct fault *fault)
{
	bool is_sample = cli_option(args, "--sample");
	struct conf *conf = NULL;
	char path[4096];
	int r;

	if (str_eq(str_z(cmd->name), S("config explain"))) {
		if (args->n_positional != 1)
			return fault_set(fault, -E_USAGE, "name one setting, for example: martlet config explain smtp.max_message_size");
		return conf_explain(server_tables, server_n_tables, str_z(args->positional[0]), out, fault);
	}
	if (is_sample)
		r = conf_load(server_tables, server_n_tables, NULL, &conf, fault);
	else
		r = server_conf_load(cli_config_path(args, path, sizeof(path)), &conf, fault);
	if (r < 0)
		return r;
	if (str_eq(str_z(cmd->name), S("config check")))
		buf_printf(out, "%s: no mistakes\n", cli_config_path(args, path, sizeof(path)));
	else
		conf_print(conf, out, is_sample);
	conf_unref(conf);
	return 0;
}

enum cli_status cli_config(const struct cli_command *cmd, const struct cli_args *args)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(16u << 20);
	struct fault fault = { 0 };
	int r = config_text(cmd, args, &out, &fault);

	return r < 0 ? cli_fail(r, &fault) : print_buf(&out);
}

enum cli_status cli_version(const struct cli_command *cmd, const struct cli_args *args)
{
	(void)cmd;
	(void)args;
	printf("martlet 0.1\n");
	return CLI_OK;
}
