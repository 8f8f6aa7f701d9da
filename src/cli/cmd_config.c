/* SPDX-License-Identifier: MIT */
/* config show, config explain, config check: the settings as text, or as JSON. */
#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/cli.h"

#include "base/buf.h"
#include "queue/tlsrpt.h"
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
	int r;

	if (is_sample)
		r = conf_load(server_tables, server_n_tables, NULL, &conf, fault);
	else
		r = cli_settings_need(args, &conf, fault);
	if (r < 0)
		return r;
	conf_print(conf, out, is_sample && !cli_option(args, "--json"));
	conf_unref(conf);
	return 0;
}

/*
 * What the server that runs on these settings' directory will not take by a reload. Nothing when none runs or it does not answer:
 * that is no mistake of the file.
 */
static void say_what_needs_restart(const struct conf *conf, const char *data_dir_z, struct buf *out)
{
	AUTO(buf_fini) struct buf keys = BUF_INIT(65536);
	json_t *args = json_object();
	json_t *result = NULL;
	struct conf *started = NULL;
	struct fault ignored = { 0 };
	int r = cli_ask_running(data_dir_z, "config.started", args, &result, &ignored);
	const char *text = r == 0 ? json_string_value(json_object_get(result, "settings")) : NULL;

	if (text && server_conf_parse("the running server's settings", str_z(text), &started, &ignored) == 0)
		conf_changes(started, conf, CONF_RESTART, &keys);
	if (keys.n > 0)
		buf_printf(out, "the running server takes these only by a restart: %" STR_FMT "\n", STR_ARG(buf_str(&keys)));
	conf_unref(started);
	json_decref(result);
	json_decref(args);
}

static void say_what_to_know(const struct conf *conf, struct buf *out)
{
	const struct server_conf *s = conf_get(conf, &server_conf_table);
	const struct server_tls_conf *t = conf_get(conf, &server_tls_table);
	const struct queue_tlsrpt_conf *r = conf_get(conf, &queue_tlsrpt_conf_table);

	if (geteuid() == 0 && !s->user[0])
		buf_printf(out, "[server] user is not set: started by root, the server process stays root, without its powers\n");
	if (!t->certificate[0])
		buf_printf(out, "[tls] certificate is not set: a self-made one is used, %s/self-signed.crt, which programs do not trust\n",
			   s->data_dir);
	if (r->address[0] && !r->dkim_key_file[0])
		buf_printf(out, "[tlsrpt] dkim_key_file is not set: reports about TLS go by HTTPS only, as those by mail have to be signed\n");
	say_what_needs_restart(conf, s->data_dir, out);
}

/* All but the last one, which becomes the command's error. */
static void say_mistakes(const char *path, struct fault *fault)
{
	AUTO(buf_fini) struct buf all = BUF_INIT(CONFIG_TEXT_MAX);
	struct str text, line;

	if (conf_mistakes(server_tables, server_n_tables, path, &all) < 2)
		return;
	text = buf_str(&all);
	while (str_split(&text, '\n', &line) && text.n > 0)
		fprintf(stderr, "martlet: %" STR_FMT "\n", STR_ARG(line));
	(void)fault_set(fault, 0, "%" STR_FMT, STR_ARG(line));
}

/* The first line is the result, those behind it are notes. */
static int check(const struct cli_args *args, struct buf *out, struct fault *fault)
{
	struct conf *conf = NULL;
	char buf[4096];
	const char *path = cli_config_path(args, buf, sizeof(buf));
	int r = cli_settings_need(args, &conf, fault);

	if (r < 0) {
		say_mistakes(path, fault);
		return r;
	}
	r = server_conf_try(conf, path, fault);
	if (r == 0) {
		buf_printf(out, "%s: no mistakes\n", path);
		say_what_to_know(conf, out);
	}
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
	bool has_notes;
} commands[] = {
	{ "config show", show, NULL, false },
	{ "config explain", explain, "explanation", false },
	{ "config check", check, "result", true },
};

static json_t *notes_json(struct str text)
{
	json_t *result = json_object();
	json_t *notes = json_array();
	struct str line;

	if (str_split(&text, '\n', &line))
		json_object_set_new(result, "result", admin_json_str(line));
	while (str_split(&text, '\n', &line))
		json_array_append_new(notes, admin_json_str(line));
	json_object_set_new(result, "notes", notes);
	return result;
}

static json_t *text_json(const char *key, struct str text)
{
	return json_pack("{s:o}", key, admin_json_str(str_trim(text)));
}

static void print_json(size_t i, struct str text)
{
	const char *key = commands[i].json_key;
	json_t *v = commands[i].has_notes ? notes_json(text) : key ? text_json(key, text) : settings_json(text);

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
		print_json(i, buf_str(&out));
	else
		fwrite(out.p, 1, out.n, stdout);
	return fflush(stdout) == 0 ? CLI_OK : CLI_UNAVAILABLE;
}
