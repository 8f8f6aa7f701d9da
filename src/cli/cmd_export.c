/* SPDX-License-Identifier: MIT */
/*
 * export ACCOUNT DIR: this process asks for messages (port.h) and writes files as whoever called it (room move). Each mailbox is exported
 * as far as its UIDNEXT was when the command began; a second run adds what came since.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/port.h"

#include "base/log.h"
#include "cli/progress.h"
#include "move/writer.h"
#include "server/admin.h"

#define MEMORY_MAX ((size_t)8 << 30)
#define AHEAD 16                        /* requests on their way */
#define AHEAD_BYTES ((json_int_t)4 << 20) /* what they may ask for together, if not one is larger */

struct export {
	const struct cli_args *args;
	const char *address_z;
	struct cli_port port;
	struct move_writer writer;
	struct cli_progress progress;
	struct buf body;
	json_int_t mailboxes, exported, bad;
	json_t *bad_list;
};

static void say_bad(struct export *ex, const char *where_z, const char *why_z)
{
	cli_progress_say(&ex->progress, where_z, why_z);
	ex->bad++;
	json_array_append_new(ex->bad_list, json_pack("{s:o, s:o}", "source", admin_json_str(str_z(where_z)), "text",
						      admin_json_str(str_z(why_z))));
}

/* ---- one message ---- */

/* The answer to export.body, and the bytes behind it. */
static int receive_body(struct export *ex, struct fault *fault)
{
	json_t *answer = NULL;
	int r = cli_port_receive(&ex->port, &answer, fault);
	json_int_t left = json_integer_value(json_object_get(answer, "bytes"));

	json_decref(answer);
	buf_reset(&ex->body);
	while (r == 0 && left > 0) {
		struct str piece;

		r = cli_port_bytes(&ex->port, (size_t)left, &piece, fault);
		if (r < 0)
			return r;
		buf_add(&ex->body, piece);
		cli_port_took(&ex->port, piece.n);
		left -= (json_int_t)piece.n;
	}
	return r;
}

static int write_message(struct export *ex, const json_t *row, const char *where_z, struct fault *fault)
{
	struct move_message m = {
		.bytes = buf_str(&ex->body),
		.flags = (unsigned)json_integer_value(json_object_get(row, "flags")),
		.date_s = json_integer_value(json_object_get(row, "date")),
		.uid = (uint32_t)json_integer_value(json_object_get(row, "uid")),
		.where_z = where_z,
	};
	const json_t *keywords = json_object_get(row, "keywords");

	for (size_t i = 0; i < json_array_size(keywords) && m.n_keywords < MOVE_KEYWORDS; i++)
		m.keywords[m.n_keywords++] = str_z(json_string_value(json_array_get(keywords, i)));
	if (buf_overflowed(&ex->body))
		return fault_set(fault, -E_LIMIT, "there is not enough memory for %s", where_z);
	ex->exported++;
	return ex->writer.how->add(&ex->writer, &m, fault);
}

static int take_message(struct export *ex, const json_t *row, struct str mailbox, struct fault *fault)
{
	struct fault why = { 0 };
	char where[600];
	int r = receive_body(ex, &why);

	snprintf(where, sizeof(where), "%" STR_FMT ", UID %lld", STR_ARG(str_head(mailbox, 500)),
		 (long long)json_integer_value(json_object_get(row, "uid")));
	if (r == -E_CLOSED || r == -E_LIMIT) {
		*fault = why;
		return r;
	}
	if (r < 0) {
		say_bad(ex, where, why.text);
		return 0;
	}
	return write_message(ex, row, where, fault);
}

/* ---- one mailbox ---- */

/* Answers on their way when a mailbox is given up: those to the next requests stand behind them. */
static int drop_answers(struct export *ex, size_t n, struct fault *fault)
{
	int r = 0;

	for (; n > 0 && r != -E_CLOSED && r != -E_LIMIT; n--)
		r = receive_body(ex, fault);
	return r == -E_CLOSED || r == -E_LIMIT ? r : 0;
}

/* All of a page, with some requests ahead of the answers. *ret_from: the next UID. */
static int export_page(struct export *ex, json_t *rows, const struct move_box *box, uint32_t *ret_from, struct fault *fault)
{
	size_t n = json_array_size(rows), asked = 0, i;
	struct fault lost = { 0 };
	json_int_t ahead = 0;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		while (r == 0 && asked < n && asked < i + AHEAD && (asked == i || ahead < AHEAD_BYTES)) {
			const json_t *row = json_array_get(rows, asked++);

			ahead += json_integer_value(json_object_get(row, "size"));
			r = cli_port_send(&ex->port, "export.body",
					  json_pack("{s:O}", "content", json_object_get(row, "content")), NULL, 0, fault);
		}
		if (r == 0)
			r = take_message(ex, json_array_get(rows, i), box->name, fault);
		ahead -= json_integer_value(json_object_get(json_array_get(rows, i), "size"));
		*ret_from = (uint32_t)json_integer_value(json_object_get(json_array_get(rows, i), "uid")) + 1;
		cli_progress_show(&ex->progress, (uint64_t)ex->exported);
	}
	if ((r == -E_CANNOT || r == -E_NOT_FOUND) && drop_answers(ex, asked - i, &lost) < 0) {
		*fault = lost;
		r = -E_CLOSED;
	}
	return r;
}

/* Messages that came after the command began are left to the next run. */
static void cut(json_t *rows, uint32_t uidnext)
{
	size_t n = json_array_size(rows);

	while (n > 0 && json_integer_value(json_object_get(json_array_get(rows, n - 1), "uid")) >= uidnext)
		json_array_remove(rows, --n);
}

static int export_messages(struct export *ex, json_int_t id, const struct move_box *box, uint32_t from, struct fault *fault)
{
	size_t n = 1;
	int r = 0;

	while (r == 0 && n > 0) {
		json_t *rows = NULL;

		r = cli_port_ask(&ex->port, "export.list", json_pack("{s:I, s:I}", "mailbox", id, "from", (json_int_t)from), &rows, fault);
		if (r == 0) {
			cut(rows, box->uidnext);
			n = json_array_size(rows);
			r = export_page(ex, rows, box, &from, fault);
		}
		json_decref(rows);
	}
	return r;
}

static int export_mailbox(struct export *ex, const json_t *row, struct fault *fault)
{
	const char *name_z = json_string_value(json_object_get(row, "name"));
	const struct move_box box = {
		.name = str_z(name_z),
		.uidvalidity = (uint32_t)json_integer_value(json_object_get(row, "uidvalidity")),
		.uidnext = (uint32_t)json_integer_value(json_object_get(row, "uidnext")),
		.n = (uint64_t)json_integer_value(json_object_get(row, "messages")),
	};
	struct fault why = { 0 };
	uint32_t from = 1;
	int r = ex->writer.how->open(&ex->writer, &box, &from, &why);
	bool is_open = r == 0;

	cli_progress_box(&ex->progress, box.name, box.n, (uint64_t)ex->exported);
	if (is_open)
		r = export_messages(ex, json_integer_value(json_object_get(row, "mailbox")), &box, from, &why);
	if (r < 0) {
		(void)ex->writer.how->close(&ex->writer, false, NULL);
	} else {
		r = ex->writer.how->close(&ex->writer, true, &why);
		ex->mailboxes++;
	}
	if (r == -E_CANNOT || r == -E_NOT_FOUND) { /* this mailbox only */
		say_bad(ex, name_z, why.text[0] ? why.text : err_row(r)->text);
		r = 0;
	}
	if (r < 0)
		fault_set(fault, r, "%s: %s", name_z, why.text[0] ? why.text : err_row(r)->text);
	return r;
}

/* ---- all of them ---- */

static bool is_wanted(const struct export *ex, const json_t *row)
{
	const char *only_z = cli_option(ex->args, "--mailbox");

	return json_integer_value(json_object_get(row, "mailbox")) != 0 &&
	       (!only_z || str_eq(str_z(only_z), str_z(json_string_value(json_object_get(row, "name")))));
}

static int export_subscriptions(struct export *ex, json_t *rows, struct fault *fault)
{
	size_t n = json_array_size(rows), used = 0;
	AUTO(mem_auto_free) struct str *names = mem_alloc(n + 1, sizeof(*names));

	if (!ex->writer.how->subscriptions || cli_option(ex->args, "--mailbox"))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (json_is_true(json_object_get(json_array_get(rows, i), "subscribed")))
			names[used++] = str_z(json_string_value(json_object_get(json_array_get(rows, i), "name")));
	return ex->writer.how->subscriptions(&ex->writer, names, used, fault);
}

static int export_all(struct export *ex, struct fault *fault)
{
	json_t *rows = NULL;
	size_t n_wanted = 0;
	int r = cli_port_ask(&ex->port, "export.mailboxes", json_pack("{s:s}", "address", ex->address_z), &rows, fault);

	for (size_t i = 0; r == 0 && i < json_array_size(rows); i++) {
		if (!is_wanted(ex, json_array_get(rows, i)))
			continue;
		n_wanted++;
		r = export_mailbox(ex, json_array_get(rows, i), fault);
	}
	if (r == 0 && n_wanted == 0)
		r = fault_set(fault, -E_NOT_FOUND, "%s has no mailbox \"%s\"; see: martlet mailbox list %s", ex->address_z,
			      cli_option(ex->args, "--mailbox"), ex->address_z);
	if (r == 0)
		r = export_subscriptions(ex, rows, fault);
	json_decref(rows);
	return r;
}

static int choose(const struct cli_args *args, const struct move_writing **ret, struct fault *fault)
{
	static const struct move_writing *const kinds[] = { &move_maildir_writing, &move_mbox_writing, &move_eml_writing };
	const char *format_z = cli_option(args, "--format");

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!format_z || str_eq(str_z(format_z), str_z(kinds[i]->name))) {
			*ret = kinds[i];
			return 0;
		}
	}
	return fault_set(fault, -E_USAGE, "--format %s: write maildir, mbox or eml", format_z);
}

static int run(struct export *ex, const char *dir_z, struct fault *fault)
{
	const struct move_writing *how = NULL;
	int r = choose(ex->args, &how, fault);

	if (r == 0)
		r = cli_port_open(ex->args, &ex->port, fault);
	if (r == 0)
		r = move_writer_open(dir_z, how, &ex->writer, fault);
	if (r == 0)
		r = export_all(ex, fault);
	move_writer_close(&ex->writer);
	cli_port_close(&ex->port);
	cli_progress_end(&ex->progress, (uint64_t)ex->exported);
	buf_fini(&ex->body);
	return r;
}

enum cli_status cli_export(const struct cli_command *cmd, const struct cli_args *args)
{
	struct export ex = { .args = args, .port.fd = -1, .writer.fd = -1, .body = BUF_INIT((size_t)2 << 30), .bad_list = json_array() };
	struct fault fault = { 0 };
	int r;

	(void)cmd;
	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	budget_set(MEMORY_MAX);
	cli_progress_begin(&ex.progress, cli_option(args, "--json") != NULL);
	ex.address_z = args->positional[0];
	r = run(&ex, args->positional[1], &fault);
	if (r < 0) {
		json_decref(ex.bad_list);
		return cli_fail(args, r, &fault);
	}
	return cli_result(args, json_pack("{s:I, s:I, s:I, s:I, s:o, s:b}", "mailboxes", ex.mailboxes, "exported", ex.exported,
					  "lost_keywords", (json_int_t)ex.writer.lost_keywords, "bad", ex.bad, "bad_messages",
					  ex.bad_list, "clean", ex.bad == 0));
}
