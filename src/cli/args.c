/* SPDX-License-Identifier: MIT */
/* Command line arguments against a command's table of options; usage and errors. */
#include <stdio.h>

#include <jansson.h>

#include "cli/cli.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/text.h"
#include "server/admin.h"

#define SCREEN 80
#define OPTION_WIDTH 24 /* of an option with the name of its value */

const char *cli_option(const struct cli_args *args, const char *name)
{
	for (size_t i = 0; i < args->n_options; i++)
		if (str_eq(str_z(args->options[i].name), str_z(name)))
			return args->options[i].value;
	return NULL;
}

/* What an option is for, in lines that fit beside it. */
static void print_wrapped(struct str text, size_t indent)
{
	size_t at = indent;
	struct str word;

	while (str_split(&text, ' ', &word)) {
		bool fits = at == indent || at + 1 + word.n <= SCREEN;

		if (!fits)
			printf("\n%*s", (int)indent, "");
		at = fits ? at : indent;
		at += (size_t)printf("%s%" STR_FMT, at == indent ? "" : " ", STR_ARG(word));
	}
	printf("\n");
}

void cli_usage(const struct cli_command *cmd)
{
	printf("martlet %s%s%s\n    %s\n", cmd->name, cmd->usage[0] ? " " : "", cmd->usage, cmd->help);
	for (const struct cli_option *o = cmd->options; o->name; o++) {
		printf("  %s%s%-*s ", o->name, o->value ? " " : "", OPTION_WIDTH - (int)str_z(o->name).n - (o->value ? 1 : 0),
		       o->value ? o->value : "");
		print_wrapped(str_z(o->help), OPTION_WIDTH + 3);
	}
}

static int refuse(const struct cli_command *cmd, const char *what, const char *word, struct fault *fault)
{
	return fault_set(fault, -E_USAGE, "%s: %s%s%.200s; see: martlet help %s", cmd->name, what, word[0] ? " " : "", word, cmd->name);
}

static const struct cli_option *find_option(const struct cli_command *cmd, struct str name)
{
	for (const struct cli_option *o = cmd->options; o->name; o++)
		if (str_eq(str_z(o->name), name))
			return o;
	return NULL;
}

/* As many as the usage has words. */
static size_t positional_max(const struct cli_command *cmd)
{
	struct str rest = str_z(cmd->usage);
	struct str word;
	size_t n = 0;

	while (str_split(&rest, ' ', &word)) {
		if (str_ends(word, S("...]")))
			return ARRAY_LEN(((struct cli_args *)NULL)->positional);
		n += word.n > 0;
	}
	return n;
}

/* --name VALUE and --name=VALUE. */
static int take_option(const struct cli_command *cmd, int argc, char **argv, int *i, struct cli_args *args, struct fault *fault)
{
	struct str word = str_z(argv[*i]);
	ptrdiff_t eq = str_chr(word, '=');
	const struct cli_option *o = find_option(cmd, eq < 0 ? word : str_head(word, (size_t)eq));
	const char *value = "";

	if (!o && !str_starts(word, S("--")))
		return fault_set(fault, -E_USAGE, "%s: no option %.200s; write -- before arguments that begin with -; see: martlet help %s", cmd->name,
				 argv[*i], cmd->name);
	if (!o)
		return refuse(cmd, "no option", argv[*i], fault);
	if (!o->value && eq >= 0)
		return refuse(cmd, "no value goes with", o->name, fault);
	if (args->n_options == ARRAY_LEN(args->options))
		return refuse(cmd, "too many options", "", fault);
	if (o->value && eq >= 0)
		value = argv[*i] + eq + 1;
	else if (o->value && *i + 1 < argc)
		value = argv[++*i];
	else if (o->value)
		return refuse(cmd, "a value must follow", o->name, fault);
	args->options[args->n_options].name = o->name;
	args->options[args->n_options++].value = value;
	return 0;
}

static int split(const struct cli_command *cmd, int argc, char **argv, struct cli_args *args, struct fault *fault)
{
	size_t most = positional_max(cmd);
	bool is_plain = false; /* after -- */
	int r = 0;

	for (int i = 0; r == 0 && i < argc; i++) {
		if (!is_plain && str_eq(str_z(argv[i]), S("--")))
			is_plain = true;
		else if (!is_plain && str_starts(str_z(argv[i]), S("-")) && argv[i][1])
			r = take_option(cmd, argc, argv, &i, args, fault);
		else if (args->n_positional == most)
			r = refuse(cmd, "one argument too many:", argv[i], fault);
		else
			args->positional[args->n_positional++] = argv[i];
	}
	if (r == 0 && args->n_positional < cmd->n_required)
		r = fault_set(fault, -E_USAGE, "usage: martlet %s %s", cmd->name, cmd->usage);
	return r;
}

enum cli_status cli_args_parse(const struct cli_command *cmd, int argc, char **argv, struct cli_args *ret)
{
	struct cli_args args = { 0 };
	struct fault fault = { 0 };

	if (split(cmd, argc, argv, &args, &fault) < 0)
		return cli_refuse(argc, argv, &fault);
	*ret = args;
	return CLI_OK;
}

void cli_print(FILE *to, struct str s, bool keeps_lines)
{
	AUTO(buf_fini) struct buf clean = BUF_INIT(s.n + 1);

	text_clean(&clean, s);
	for (size_t i = 0; i < clean.n; i++)
		fputc(clean.p[i] == '\n' && !keeps_lines ? '?' : clean.p[i], to);
}

enum cli_status cli_refuse(int argc, char **argv, const struct fault *fault)
{
	struct cli_args args = { 0 };

	args.options[0].name = "--json";
	args.options[0].value = "";
	for (int i = 0; i < argc && args.n_options == 0; i++)
		args.n_options = str_eq(str_z(argv[i]), S("--json"));
	return cli_fail(&args, -E_USAGE, fault);
}

enum cli_status cli_fail(const struct cli_args *args, int code, const struct fault *fault)
{
	const struct err_row *row = err_row(code);
	const char *text = fault->text[0] ? fault->text : row->text;

	fputs("martlet: ", stderr);
	cli_print(stderr, str_z(text), true); /* some of it may be a stranger's */
	fputc('\n', stderr);
	if (cli_option(args, "--json")) {
		json_t *v = json_pack("{s:s, s:o}", "error", row->name, "text", admin_json_str(str_z(text)));

		json_dumpf(v, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(v);
	}
	switch (row->code) {
	case E_NOT_FOUND:
		return CLI_NOT_FOUND;
	case E_EXISTS:
		return CLI_EXISTS;
	case E_USAGE:
	case E_SYNTAX:
		return CLI_USAGE;
	case E_BUSY:
	case E_DISK_FULL:
	case E_IO:
	case E_TIMEOUT:
	case E_CLOSED:
		return CLI_UNAVAILABLE;
	default:
		return CLI_FAILED;
	}
}

const char *cli_config_path(const struct cli_args *args, char *buf, size_t n)
{
	const char *config = cli_option(args, "--config");
	const char *dir = cli_option(args, "--dir");

	if (config)
		return config;
	if (!dir)
		return CLI_DEFAULT_CONFIG;
	snprintf(buf, n, "%s/martlet.conf", dir);
	return buf;
}
