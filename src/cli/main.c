/* SPDX-License-Identifier: MIT */
/* main(): finds the subcommand in the table and runs it. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

#include "base/str.h"

const char *cli_program_z = "martlet";

/* Does the command's name ("account add") begin argv? Then how many words it has, else 0. */
static int name_words(const struct cli_command *cmd, int argc, char **argv)
{
	struct str rest = str_z(cmd->name);
	struct str word;
	int n = 0;

	while (str_split(&rest, ' ', &word)) {
		if (n >= argc || !str_eq(str_z(argv[n]), word))
			return 0;
		n++;
	}
	return n;
}

static const struct cli_command *find_command(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < cli_n_commands; i++) {
		int n = name_words(&cli_commands[i], argc, argv);

		if (n > 0) {
			*ret_words = n;
			return &cli_commands[i];
		}
	}
	return NULL;
}

static void print_all(FILE *to)
{
	fprintf(to, "Martlet, a mail system in one program.\n\nCommands:\n");
	for (size_t i = 0; i < cli_n_commands; i++) {
		const struct cli_command *c = &cli_commands[i];
		int n = fprintf(to, "  martlet %s %s", c->name, c->usage);

		fprintf(to, n < 40 ? "%*s%s\n" : "\n%*s%s\n", n < 40 ? 40 - n : 40, "", c->help);
	}
	fprintf(to, "\n`martlet help COMMAND` tells the options of one.\n"
		    "Exit status: 0 done, 1 could not be done, 2 usage or settings, 3 not there, 4 exists already,\n"
		    "5 trouble that may pass (in use, disk full, I/O); send, fetch and check have more: man martlet.\n");
}

/* "account" of "account add"? */
static bool is_first_word(const struct cli_command *cmd, const char *word_z)
{
	struct str rest = str_z(cmd->name);
	struct str word;

	return str_split(&rest, ' ', &word) && rest.n > 0 && str_eq(word, str_z(word_z));
}

static bool wants_help(struct str word)
{
	return str_eq(word, S("help")) || str_eq(word, S("--help")) || str_eq(word, S("-h"));
}

static int no_command(int argc, char **argv)
{
	const char *second_z = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
	struct fault fault = { 0 };
	bool is_group = false;

	for (size_t i = 0; i < cli_n_commands; i++)
		is_group |= is_first_word(&cli_commands[i], argv[0]);
	if (is_group && !second_z[0])
		(void)fault_set(&fault, -E_USAGE, "%.100s wants one more word; see: martlet help %.100s", argv[0], argv[0]);
	else
		(void)fault_set(&fault, -E_USAGE, "no command %.100s%s%.100s; see: martlet help%s%.100s", argv[0], second_z[0] ? " " : "", second_z,
			is_group ? " " : "", is_group ? argv[0] : "");
	return cli_refuse(argc, argv, &fault);
}

/* `help check mx` tells of that one alone, `help check` of all that begin so. */
static int help(int argc, char **argv)
{
	bool is_group = false;
	int most = 0;

	if (argc == 0 || wants_help(str_z(argv[0]))) {
		print_all(stdout);
		return CLI_OK;
	}
	for (size_t i = 0; i < cli_n_commands; i++) {
		int n = name_words(&cli_commands[i], argc, argv);

		most = n > most ? n : most;
		is_group |= argc == 1 && is_first_word(&cli_commands[i], argv[0]);
	}
	if (most == 0 && !is_group)
		return no_command(argc, argv);
	for (size_t i = 0; i < cli_n_commands; i++)
		if ((most > 0 && name_words(&cli_commands[i], argc, argv) == most) || (is_group && is_first_word(&cli_commands[i], argv[0])))
			cli_usage(&cli_commands[i]);
	return CLI_OK;
}

/* By a link of that name? */
static bool is_called(const char *program_z, const char *name_z)
{
	const char *slash_z = strrchr(program_z, '/');

	return str_eq(str_z(slash_z ? slash_z + 1 : program_z), str_z(name_z));
}

int main(int argc, char **argv)
{
	static char version[] = "version";
	const struct cli_command *cmd;
	struct cli_args args;
	enum cli_status st;
	int words = 0;

	cli_program_z = argv[0];
	if (is_called(argv[0], "sendmail"))
		return cli_sendmail(argc, argv);
	if (argc < 2) {
		print_all(stderr);
		return CLI_USAGE;
	}
	if (wants_help(str_z(argv[1])))
		return help(argc - 2, argv + 2);
	if (str_eq(str_z(argv[1]), S("--version")))
		argv[1] = version;
	cmd = find_command(argc - 1, argv + 1, &words);
	if (!cmd)
		return no_command(argc - 1, argv + 1);
	for (int i = 1 + words; i < argc; i++) {
		if (wants_help(str_z(argv[i])) && argv[i][0] == '-') {
			cli_usage(cmd);
			return CLI_OK;
		}
	}
	if (cmd->run_words)
		return cmd->run_words(argc - words, argv + words);
	st = cli_args_parse(cmd, argc - 1 - words, argv + 1 + words, &args);
	return (int)(st == CLI_OK ? cmd->run(cmd, &args) : st);
}
