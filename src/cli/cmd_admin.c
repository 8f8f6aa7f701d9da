/* SPDX-License-Identifier: MIT */
/*
 * Administrative commands: arguments to one JSON request, to the running server through its control socket, or, when no server
 * runs, to the same verb functions over the opened data. Results are printed as a table or as JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <utf8proc.h>

#include "cli/cli.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "conf/live.h"
#include "server/admin.h"
#include "server/data.h"
#include "server/server.h"

/* ---- the request ---- */

int cli_read_secret(const char *path_z, struct buf *out, struct fault *fault)
{
	bool is_stdin = !path_z || str_eq(str_z(path_z), S("-"));
	struct termios saved;
	bool is_tty = is_stdin && tcgetattr(STDIN_FILENO, &saved) == 0;
	char line[1024] = "";
	FILE *f = is_stdin ? stdin : fopen(path_z, "r");
	char *got;

	if (!f)
		return fault_errno(fault, errno, "cannot read %s", path_z);
	if (is_tty) {
		struct termios quiet = saved;

		quiet.c_lflag &= ~(tcflag_t)ECHO;
		fprintf(stderr, "Password: ");
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	got = fgets(line, sizeof(line), f);
	if (is_tty) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
		fprintf(stderr, "\n");
	}
	if (!is_stdin)
		fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	buf_add(out, str_z(line));
	mem_wipe(line, sizeof(line));
	if (!got || out->n == 0)
		return fault_set(fault, -E_USAGE, "no password: write it to standard input, or name a file with --password-file");
	return 0;
}

static bool has_option_row(const struct cli_command *cmd, const char *name)
{
	for (const struct cli_option *o = cmd->options; o->name; o++)
		if (str_eq(str_z(o->name), str_z(name)))
			return true;
	return false;
}

static int add_secret(const struct cli_command *cmd, const struct cli_args *args, json_t *request, struct fault *fault)
{
	const char *hash_file = cli_option(args, "--hash-file");
	AUTO(buf_fini) struct buf secret = BUF_INIT(4096);
	struct conf *conf = NULL;
	int r;

	if (!has_option_row(cmd, "--password-file"))
		return 0;
	r = cli_settings_need(args, &conf, fault); /* nobody types a password in vain */
	conf_unref(conf);
	if (r == 0)
		r = cli_read_secret(hash_file ? hash_file : cli_option(args, "--password-file"), &secret, fault);
	if (r == 0)
		json_object_set_new(request, hash_file ? "hash" : "password", json_stringn(secret.p, secret.n));
	mem_wipe(secret.p, secret.n);
	return r;
}

/* 5G -> bytes. */
static int add_size(const struct cli_args *args, json_t *request, struct fault *fault)
{
	const char *text = cli_option(args, "--quota");
	static const char units[] = "KMGT";
	struct str digits = str_z(text);
	uint64_t n = 0;
	unsigned shift = 0;
	const char *unit;

	if (!text)
		return 0;
	unit = digits.n ? memchr(units, digits.p[digits.n - 1], 4) : NULL;
	if (unit) {
		shift = 10u * (unsigned)(unit - units + 1);
		digits.n--;
	}
	if (!str_to_u64(digits, INT64_MAX >> shift, &n))
		return fault_set(fault, -E_USAGE, "--quota %s: write a size such as 500M or 5G, or 0 for no limit", text);
	json_object_set_new(request, "quota", json_integer((json_int_t)n << shift));
	return 0;
}

static int add_number(const struct cli_args *args, const char *option, const char *key, json_t *request,
		      struct fault *fault)
{
	const char *text = cli_option(args, option);
	uint64_t n = 0;

	if (!text)
		return 0;
	if (!str_to_u64(str_z(text), INT64_MAX, &n))
		return fault_set(fault, -E_USAGE, "%s %s: write a number, or 0 for no limit", option, text);
	json_object_set_new(request, key, json_integer((json_int_t)n));
	return 0;
}

static int add_quota(const struct cli_args *args, json_t *request, struct fault *fault)
{
	int r = add_size(args, request, fault);

	if (r == 0)
		r = add_number(args, "--quota-messages", "quota_messages", request, fault);
	if (r == 0)
		r = add_number(args, "--quota-mailboxes", "quota_mailboxes", request, fault);
	return r;
}

/* What stands behind "--" of an option, as a name of the request: --remove-unreadable is "remove_unreadable". */
static void key_of(const struct cli_option *o, char key[64])
{
	snprintf(key, 64, "%s", o->name + 2);
	for (char *p = key; *p; p++)
		*p = *p == '-' ? '_' : *p;
}

/* *ret is a new value. */
static int text_json(const char *text_z, json_t **ret, struct fault *fault)
{
	*ret = json_string(text_z);
	return *ret ? 0 : fault_set(fault, -E_USAGE, "\"%.200s\" is not UTF-8; names are", text_z);
}

/* Switches of the verb. */
static void add_switches(const struct cli_command *cmd, const struct cli_args *args, json_t *request)
{
	char key[64];

	for (const struct cli_option *o = cmd->options; o->name; o++) {
		if (o->value || str_eq(str_z(o->name), S("--json")) || !cli_option(args, o->name))
			continue;
		key_of(o, key);
		json_object_set_new(request, key, json_true());
	}
}

/* Texts of the verb: --to WHOM is "to". */
static int add_texts(const struct cli_command *cmd, const struct cli_args *args, json_t *request, struct fault *fault)
{
	static const char *const options[] = { "--to", "--from", "--state", "--special-use" };
	char key[64];
	int r = 0;

	for (const struct cli_option *o = cmd->options; o->name && r == 0; o++) {
		bool is_text = false;
		json_t *v = NULL;

		for (size_t i = 0; i < ARRAY_LEN(options); i++)
			is_text |= str_eq(str_z(o->name), str_z(options[i]));
		if (!is_text || !cli_option(args, o->name))
			continue;
		key_of(o, key);
		r = text_json(cli_option(args, o->name), &v, fault);
		json_object_set_new(request, key, v);
	}
	return r;
}

/* The positional ones, by their names. */
static int add_arguments(const struct cli_command *cmd, const struct cli_args *args, json_t *request, struct fault *fault)
{
	json_t *rest = json_array();
	size_t max = 0;
	int r = 0;

	while (max < ARRAY_LEN(cmd->arg_names) && cmd->arg_names[max])
		max++;
	for (size_t i = 0; r == 0 && i < args->n_positional; i++) {
		json_t *v = NULL;

		r = text_json(args->positional[i], &v, fault);
		if (i < max)
			json_object_set_new(request, cmd->arg_names[i], v);
		else
			json_array_append_new(rest, v);
	}
	if (cmd->rest_z)
		json_object_set(request, cmd->rest_z, rest);
	json_decref(rest);
	return r;
}

static int build_request(const struct cli_command *cmd, const struct cli_args *args, json_t *request, struct fault *fault)
{
	int r = add_arguments(cmd, args, request, fault);

	add_switches(cmd, args, request);
	if (cmd->switch_z)
		json_object_set_new(request, cmd->switch_z, json_true());
	if (r == 0)
		r = add_texts(cmd, args, request, fault);
	if (r == 0)
		r = add_quota(args, request, fault);
	return r < 0 ? r : add_secret(cmd, args, request, fault);
}

/* ---- the running server, or the data ---- */

/* As the server's own user: the files that are made here are the ones that the server opens next. */
static int ask_data(struct conf *conf, const struct server_conf *s, const char *verb, json_t *request, json_t **ret,
		    struct fault *fault)
{
	struct conf_live *live = conf_live_new(conf_ref(conf));
	struct server_data data;
	AUTO(cli_close_fd) int fd = -1;
	int r = cli_data_open(s, live, &data, &fd, fault);
	if (r == 0 && fd >= 0) {
		r = cli_control_ask(fd, verb, request, ret, fault);
	} else if (r == 0) {
		struct admin ad = { .store = data.store, .queue = data.queue, .sasl = data.sasl, .conf = live };

		r = admin_run(&ad, verb, request, ret, fault);
		server_data_close(&data);
	}
	conf_live_free(live);
	return r;
}

/*
 * --data: another directory than the settings name, such as a backup; it must be there. Root looks at it as the user whose data it is, who
 * need not be that of the settings.
 */
static int choose_data(const struct cli_args *args, struct server_conf *s, char *user, size_t user_bytes, struct fault *fault)
{
	const char *dir = cli_option(args, "--data");
	char path[4096], space[4096];
	struct passwd pw, *owner = NULL;
	struct stat st;

	if (!dir)
		return 0;
	snprintf(path, sizeof(path), "%s/martlet.db", dir);
	if (lstat(path, &st) < 0)
		return fault_errno(fault, errno, "no data in %s", dir);
	s->data_dir = dir;
	if (geteuid() == 0 && getpwuid_r(st.st_uid, &pw, space, sizeof(space), &owner) == 0 && owner) {
		snprintf(user, user_bytes, "%s", owner->pw_uid == 0 ? "" : owner->pw_name);
		s->user = user;
	}
	return 0;
}

int cli_ask(const struct cli_args *args, const char *verb, json_t *request, json_t **ret, struct fault *fault)
{
	struct conf *conf = NULL;
	struct server_conf s;
	char user[256] = "";
	int r = cli_option(args, "--data") ? cli_settings_load(args, &conf, fault) : cli_settings_need(args, &conf, fault);
	AUTO(cli_close_fd) int fd = -1;

	if (r < 0)
		return r;
	s = *(const struct server_conf *)conf_get(conf, &server_conf_table);
	r = choose_data(args, &s, user, sizeof(user), fault);
	if (r == 0)
		fd = cli_control_connect(s.data_dir, fault);
	if (fd >= 0)
		r = cli_control_ask(fd, verb, request, ret, fault);
	else if (r == 0 && fd == -E_NOT_FOUND)
		r = ask_data(conf, &s, verb, request, ret, fault);
	else if (r == 0)
		r = fd;
	conf_unref(conf);
	return r;
}

/* ---- the result ---- */

#define CELL_MAX 1024
#define COLUMNS_MAX 16

/* One line; some of it may be a stranger's. What there is nothing to say of is "-". */
static void cell(const json_t *v, char out[CELL_MAX])
{
	AUTO(buf_fini) struct buf clean = BUF_INIT(CELL_MAX - 1);

	if (json_is_string(v))
		text_clean(&clean, str_of(json_string_value(v), json_string_length(v)));
	else if (json_is_integer(v))
		buf_printf(&clean, "%lld", (long long)json_integer_value(v));
	else if (json_is_null(v))
		buf_add(&clean, S("-"));
	else
		buf_add(&clean, json_is_true(v) ? S("yes") : S("no"));
	for (size_t i = 0; i < clean.n; i++)
		out[i] = clean.p[i] == '\n' ? ' ' : clean.p[i];
	out[clean.n] = '\0';
}

/* In columns of a terminal, of text that is clean. */
static int width_of(const char *text_z)
{
	struct str rest = str_z(text_z);
	utf8proc_int32_t c;
	int width = 0;

	while (rest.n > 0) {
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)rest.p, (utf8proc_ssize_t)rest.n, &c);

		width += n > 0 ? utf8proc_charwidth(c) : 1;
		rest = str_skip(rest, n > 0 ? (size_t)n : 1);
	}
	return width;
}

static size_t column_widths(json_t *rows, int widths[COLUMNS_MAX])
{
	size_t n = 0;
	const char *key;
	char text[CELL_MAX];
	json_t *v;

	json_object_foreach(json_array_get(rows, 0), key, v) {
		if (n == COLUMNS_MAX)
			break;
		widths[n] = width_of(key);
		for (size_t i = 0; i < json_array_size(rows); i++) {
			cell(json_object_get(json_array_get(rows, i), key), text);
			if (width_of(text) > widths[n])
				widths[n] = width_of(text);
		}
		n++;
	}
	return n;
}

/* row NULL: the head. */
static void print_row(json_t *first, const json_t *row, const int *widths, size_t n)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(1u << 20);
	const char *key;
	char text[CELL_MAX];
	size_t i = 0;
	json_t *v;

	json_object_foreach(first, key, v) {
		if (i == n)
			break;
		if (row)
			cell(json_object_get(row, key), text);
		else
			snprintf(text, sizeof(text), "%s", key);
		buf_printf(&line, "%s%*s", text, widths[i] - width_of(text) + 2, "");
		i++;
	}
	while (line.n > 0 && line.p[line.n - 1] == ' ')
		line.n--;
	printf("%" STR_FMT "\n", STR_ARG(buf_str(&line)));
}

static void print_rows(json_t *rows)
{
	json_t *first = json_array_get(rows, 0);
	int widths[COLUMNS_MAX];
	size_t n;

	if (!first)
		return;
	n = column_widths(rows, widths);
	print_row(first, NULL, widths, n);
	for (size_t i = 0; i < json_array_size(rows); i++)
		print_row(first, json_array_get(rows, i), widths, n);
}

/* "key: value"; an array is a line for each value. */
static void print_field(const char *key, const json_t *v)
{
	bool is_array = json_is_array(v);
	char text[CELL_MAX];

	for (size_t i = 0; i < (is_array ? json_array_size(v) : 1); i++) {
		cell(is_array ? json_array_get(v, i) : v, text);
		printf("%s: %s\n", key, text);
	}
}

static void print_result(json_t *result, bool is_json)
{
	const char *key;
	json_t *v;

	if (is_json) {
		json_dumpf(result, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
		printf("\n");
	} else if (json_is_array(result)) {
		print_rows(result);
	} else {
		json_object_foreach(result, key, v)
			print_field(key, v);
	}
}

enum cli_status cli_result(const struct cli_args *args, json_t *result)
{
	bool is_unclean = json_is_false(json_object_get(result, "clean"));

	print_result(result, cli_option(args, "--json"));
	json_decref(result);
	return is_unclean ? CLI_FAILED : CLI_OK;
}

enum cli_status cli_admin(const struct cli_command *cmd, const struct cli_args *args)
{
	struct fault fault = { 0 };
	json_t *request = json_object();
	json_t *result = NULL;
	int r;

	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	r = build_request(cmd, args, request, &fault);
	if (r == 0)
		r = cli_ask(args, cmd->verb, request, &result, &fault);
	json_decref(request);
	if (r < 0)
		return cli_fail(args, r, &fault);
	if (cmd->empty_z && json_array_size(result) == 0 && !cli_option(args, "--json"))
		printf("%s\n", cmd->empty_z);
	return cli_result(args, result);
}
