/* SPDX-License-Identifier: MIT */
/* config show, config explain, config check: the settings as text, or as JSON. */
#include <stdio.h>

#include <jansson.h>

#include "cli/cli.h"

#include "base/buf.h"
#include "server/admin.h"
#include "server/server.h"

#define CONFIG_TEXT_MAX (16u << 20)

static int explain(const struct cli_args *args, struct buf *out, struct fault *fault)
{
	if (args->n_positional != 1)
		return fault_set(fault, -E_USAGE,
				 "name one setting, for example: martlet config explain smtp.max_message_size");
	return conf_explain(server_tables, server_n_tables, str_z(args->positional[0]), out, fault);
}

static int show(const struct cli_args *args, struct buf *out, struct fault *fault)
{
	bool is_sample = cli_option(args, "--sample");
	struct conf *conf = NULL;
	char path[4096];
	int r;

	if (is_sample)
		r = conf_load(server_tables, server_n_tables, NULL, &conf, fault);
	else
		r = server_conf_load(cli_config_path(args, path, sizeof(path)), &conf, fault);
	if (r < 0)
		return r;
	conf_print(conf, out, is_sample && !cli_option(args, "--json"));
	conf_unref(conf);
	return 0;
}

static int check(const struct cli_args *args, struct buf *out, struct fault *fault)
{
	struct conf *conf = NULL;
	char path[4096];
	int r = server_conf_load(cli_config_path(args, path, sizeof(path)), &conf, fault);

	if (r < 0)
		return r;
	r = server_conf_try(conf, cli_config_path(args, path, sizeof(path)), fault);
	if (r == 0)
		buf_printf(out, "%s: no mistakes\n", cli_config_path(args, path, sizeof(path)));
	conf_unref(conf);
	return r;
}

/* {"smtp": {"max_errors": "20", ...}, "listener \"imap\"": {...}} from the printed file. */
static json_t *settings_json(struct str text)
{
	json_t *all = json_object();
	json_t *section = all;
	struct str line;

	while (str_split(&text, '\n', &line)) {
		ptrdiff_t eq = str_find(line, S(" = "));

		if (line.n > 2 && line.p[0] == '[') {
			section = json_object();
			json_object_setn_new(all, line.p + 1, line.n - 2, section);
		} else if (line.n && line.p[0] != '#' && str_chr(line, '=') > 0) {
			size_t at = eq > 0 ? (size_t)eq : (size_t)str_chr(line, '=');
			struct str value = str_trim(str_skip(line, eq > 0 ? at + 3 : at + 1));

			json_object_setn_new(section, line.p, str_trim(str_head(line, at)).n, admin_json_str(value));
		}
	}
	return all;
}

static const struct {
	const char *name;
	int (*run)(const struct cli_args *args, struct buf *out, struct fault *fault);
	const char *json_key; /* NULL: the text is a settings file */
} commands[] = {
	{ "config show", show, NULL },
	{ "config explain", explain, "explanation" },
	{ "config check", check, "result" },
};

static void print_json(const char *key, struct str text)
{
	json_t *v = key ? json_pack("{s:o}", key, admin_json_str(str_trim(text))) : settings_json(text);

	json_dumpf(v, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(v);
}

enum cli_status cli_config(const struct cli_command *cmd, const struct cli_args *args)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(CONFIG_TEXT_MAX);
	struct fault fault = { 0 };
	size_t i = 0;
	int r;

	while (!str_eq(str_z(commands[i].name), str_z(cmd->name)))
		i++;
	r = commands[i].run(args, &out, &fault);
	if (r < 0)
		return cli_fail(args, r, &fault);
	if (cli_option(args, "--json"))
		print_json(commands[i].json_key, buf_str(&out));
	else
		fwrite(out.p, 1, out.n, stdout);
	return fflush(stdout) == 0 ? CLI_OK : CLI_UNAVAILABLE;
}
