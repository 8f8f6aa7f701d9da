/* SPDX-License-Identifier: MIT */
/* message trace: the stories of messages, for people. What strangers said is printed without what could move the cursor. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#include "base/log.h"
#include "server/admin.h"

static const char *text_of(const json_t *v, const char *key)
{
	const char *z = json_string_value(json_object_get(v, key));

	return z ? z : "";
}

/* Further lines stand below the first. */
static void print_text(const char *z)
{
	for (; *z; z++) {
		unsigned char c = (unsigned char)*z;

		if (c == '\n')
			printf("\n          ");
		else
			putchar(c < 32 || c == 127 || (c == 0xc2 && (unsigned char)z[1] < 0xa0) ? '?' : c);
	}
}

/* " before VALUE after" when there is a value. */
static void print_member(const json_t *v, const char *before, const char *key, const char *after)
{
	if (text_of(v, key)[0] == '\0')
		return;
	printf("%s", before);
	print_text(text_of(v, key));
	printf("%s", after);
}

static void print_reply(const json_t *v, const char *before)
{
	json_int_t code = json_integer_value(json_object_get(v, "code"));
	const char *enhanced = text_of(v, "enhanced"), *reply = text_of(v, "reply");

	if (code == 0 && *reply == '\0')
		return;
	printf("%s", before);
	if (code)
		printf("%lld ", (long long)code);
	if (*enhanced && !str_starts(str_z(reply), str_z(enhanced))) {
		print_text(enhanced);
		printf(" ");
	}
	print_text(reply);
}

static void print_recipient(const json_t *v)
{
	const json_t *forwards = json_object_get(v, "forwards");

	printf("      to <");
	print_text(text_of(v, "address"));
	printf(">");
	print_member(v, ": ", "into", "");
	print_member(v, ": refused, ", "refused", "");
	print_member(v, ": ", "outcome", "");
	print_reply(v, ": ");
	for (size_t i = 0; i < json_array_size(forwards); i++) {
		printf("%s<", i ? ", " : ": forwarded to ");
		print_text(json_string_value(json_array_get(forwards, i)));
		printf(">");
	}
	printf("\n");
}

/* How the message came: of those that were accepted or refused. */
static void print_origin(const json_t *v)
{
	printf(": from <");
	print_text(text_of(v, "from"));
	printf(">, %lld bytes", (long long)json_integer_value(json_object_get(v, "size")));
	print_member(v, ", ", "message_id", "");
	print_member(v, "\n      over ", "protocol", "");
	print_member(v, " from ", "peer", "");
	print_member(v, " (", "helo", ")");
	print_member(v, ", ", "tls", "");
	print_member(v, ", logged in as ", "user", "");
	print_member(v, ", session ", "sid", "");
	if (text_of(v, "protocol")[0] == '\0')
		printf("\n      written by this server");
	print_reply(v, "\n      ");
}

static void print_attempt(const json_t *v)
{
	if (json_is_true(json_object_get(v, "lost"))) {
		printf(": its outcome is not known");
		return;
	}
	print_member(v, ": ", "host", "");
	print_member(v, " [", "ip", "]");
	print_member(v, ", the fallback of ", "fallback_for", "");
	print_member(v, ", ", "tls", "");
	print_member(v, ", as far as ", "stage", "");
	printf(", %lld ms", (long long)json_integer_value(json_object_get(v, "ms")));
	if (json_is_true(json_object_get(v, "down")))
		printf(", no host could be spoken to");
}

static void print_event(const json_t *v)
{
	time_t at = (time_t)json_integer_value(json_object_get(v, "at"));
	const json_t *to = json_object_get(v, "to");
	char date[40];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%SZ", &tm);
	printf("  %s  %s", date, text_of(v, "event"));
	if (json_object_get(v, "from"))
		print_origin(v);
	else if (json_object_get(v, "ms") || json_object_get(v, "lost"))
		print_attempt(v);
	print_member(v, ": ", "detail", "");
	printf("\n");
	for (size_t i = 0; i < json_array_size(to); i++)
		print_recipient(json_array_get(to, i));
	if (json_object_get(v, "recipients"))
		printf("      to %lld recipients\n", (long long)json_integer_value(json_object_get(v, "recipients")));
}

static void print_stories(const json_t *events)
{
	const char *before = "";

	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *v = json_array_get(events, i);

		if (!str_eq(str_z(before), str_z(text_of(v, "qid")))) {
			printf("%s", i ? "\n" : "");
			print_text(text_of(v, "qid"));
			printf("\n");
		}
		print_event(v);
		before = text_of(v, "qid");
	}
}

enum cli_status cli_trace(const struct cli_command *cmd, const struct cli_args *args)
{
	struct fault fault = { 0 };
	json_t *request = json_object(), *result = NULL;
	int r;

	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	json_object_set_new(request, "what", admin_json_str(str_z(args->positional[0])));
	r = cli_ask(args, cmd->verb, request, &result, &fault);
	json_decref(request);
	if (r < 0)
		return cli_fail(args, r, &fault);
	if (cli_option(args, "--json"))
		return cli_result(args, result);
	print_stories(result);
	json_decref(result);
	return CLI_OK;
}
