/* SPDX-License-Identifier: MIT */
/*
 * import ACCOUNT SOURCE: this process reads the source (room move), as whoever called it, and hands messages over in batches (port.h):
 * to the running server, or to a process of ours that has the data. While a batch is stored the next one is read.
 *
 * Nothing is kept between runs but what stands in the data (store/import.c): a second run reads all again and hands over what is
 * missing. Memory: two batches, and the names of the messages of one folder.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/port.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "cli/progress.h"
#include "move/imap.h"
#include "server/admin.h"

#define MEMORY_MAX ((size_t)4 << 30) /* a message of the largest size, as it grows in buffers; nobody else is here */
#define BAD_MAX 10000 /* that --json lists */

struct record {
	size_t head, n; /* where its line begins in the batch; with the message */
	uint32_t uid;
	uint8_t key[STORE_IMPORT_KEY];
	char *where_z;
};

struct batch {
	struct buf bytes;
	struct record v[LIMIT_IMPORT_MESSAGES];
	size_t n;
};

struct import {
	const struct cli_args *args;
	const char *address_z;
	struct cli_port port;
	bool is_begun; /* the source has a mailbox, so it is of its kind */
	/* the mailbox at hand */
	json_int_t mailbox;
	bool keeps_uids, was_begun;
	struct batch filling, sent; /* sent.n > 0: it waits for its answer */
	/* of all */
	struct cli_progress progress;
	json_int_t imported, was_there, bad, lost_keywords, new_uids, mailboxes;
	json_t *bad_list, *notes;
};

/* ---- what is said ---- */

static void say_bad(void *ctx, const char *where_z, const char *why_z)
{
	struct import *im = ctx;

	cli_progress_say(&im->progress, where_z, why_z);
	if (im->bad++ < BAD_MAX)
		json_array_append_new(im->bad_list, json_pack("{s:o, s:o}", "source", admin_json_str(str_z(where_z)), "text",
							      admin_json_str(str_z(why_z))));
}

static void say_note(void *ctx, const char *text_z)
{
	struct import *im = ctx;

	cli_progress_say(&im->progress, NULL, text_z);
	json_array_append_new(im->notes, admin_json_str(str_z(text_z)));
}

/* ---- batches ---- */

static void batch_reset(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		mem_free(b->v[i].where_z);
	b->n = 0;
	buf_reset(&b->bytes);
	if (b->bytes.cap > 2 * LIMIT_IMPORT_BATCH) /* of one large message */
		buf_fini(&b->bytes);
}

static void count_one(struct import *im, const struct record *rec, json_int_t uid)
{
	if (uid < 0) {
		say_bad(im, rec->where_z, err_row((int)uid)->text);
		return;
	}
	im->was_there += uid == 0;
	im->imported += uid > 0;
	im->new_uids += uid > 0 && rec->uid != 0 && uid != (json_int_t)rec->uid;
}

/* The answer to the batch that was sent last. */
static int finish_sent(struct import *im, struct fault *fault)
{
	json_t *answer = NULL, *uids;
	int r = 0;

	if (im->sent.n == 0)
		return 0;
	r = cli_port_receive(&im->port, &answer, fault);
	if (r < 0)
		return r;
	uids = json_object_get(answer, "uids");
	for (size_t i = 0; i < im->sent.n; i++)
		count_one(im, &im->sent.v[i], json_integer_value(json_array_get(uids, i)));
	im->lost_keywords += json_integer_value(json_object_get(answer, "lost_keywords"));
	json_decref(answer);
	batch_reset(&im->sent);
	cli_progress_show(&im->progress, (uint64_t)(im->imported + im->was_there));
	return 0;
}

static int ask_have(struct import *im, const uint8_t (*keys)[STORE_IMPORT_KEY], size_t n, bool *ret, struct fault *fault)
{
	const struct str body = str_of(keys, n * STORE_IMPORT_KEY);
	json_t *answer = NULL;
	const char *digits_z;
	int r = cli_port_send(&im->port, "import.have", json_pack("{s:I}", "mailbox", im->mailbox), &body, 1, fault);

	if (r == 0)
		r = cli_port_receive(&im->port, &answer, fault);
	if (r < 0)
		return r;
	digits_z = json_string_value(json_object_get(answer, "have"));
	for (size_t i = 0; i < n; i++)
		ret[i] = digits_z && i < strlen(digits_z) && digits_z[i] == '1';
	json_decref(answer);
	return 0;
}

/* Which messages of the filled batch are there already. */
static int look_up(struct import *im, bool have[LIMIT_IMPORT_MESSAGES], struct fault *fault)
{
	uint8_t keys[LIMIT_IMPORT_MESSAGES][STORE_IMPORT_KEY];

	memset(have, 0, LIMIT_IMPORT_MESSAGES * sizeof(*have));
	if (!im->was_begun)
		return 0;
	for (size_t i = 0; i < im->filling.n; i++)
		memcpy(keys[i], im->filling.v[i].key, STORE_IMPORT_KEY);
	return ask_have(im, (const uint8_t (*)[STORE_IMPORT_KEY])keys, im->filling.n, have, fault);
}

/* Sends what is filled; its answer is taken when the next batch is ready. */
static int send_filled(struct import *im, struct fault *fault)
{
	bool have[LIMIT_IMPORT_MESSAGES] = { false };
	struct str pieces[LIMIT_IMPORT_MESSAGES];
	struct batch *b = &im->filling;
	size_t n = 0;
	int r = finish_sent(im, fault);

	if (r == 0 && b->n > 0)
		r = look_up(im, have, fault);
	if (r < 0 || b->n == 0)
		return r;
	for (size_t i = 0; i < b->n; i++) {
		if (have[i]) {
			im->was_there++;
			mem_free(b->v[i].where_z);
			continue;
		}
		pieces[n] = str_of(b->bytes.p + b->v[i].head, b->v[i].n);
		b->v[n++] = b->v[i];
	}
	b->n = n;
	if (n == 0) {
		batch_reset(b);
		cli_progress_show(&im->progress, (uint64_t)(im->imported + im->was_there));
		return 0;
	}
	r = cli_port_send(&im->port, "import.add", json_pack("{s:I}", "mailbox", im->mailbox), pieces, n, fault);
	if (r == 0) {
		struct batch other = im->sent;

		im->sent = im->filling;
		im->filling = other;
	}
	return r;
}

static int flush(struct import *im, struct fault *fault)
{
	int r = send_filled(im, fault);

	return r < 0 ? r : finish_sent(im, fault);
}

/* ---- the sink ---- */

static int take_box(void *ctx, const struct move_box *box, struct fault *fault)
{
	struct import *im = ctx;
	json_t *answer = NULL;
	int r = flush(im, fault);

	im->is_begun = true;
	if (r == 0)
		r = cli_port_ask(&im->port, "import.mailbox",
				 json_pack("{s:s, s:o, s:I, s:I}", "address", im->address_z, "mailbox", admin_json_str(box->name),
					   "uidvalidity", (json_int_t)box->uidvalidity, "uidnext", (json_int_t)box->uidnext),
				 &answer, fault);
	if (r < 0)
		return r;
	im->mailboxes++;
	im->mailbox = json_integer_value(json_object_get(answer, "mailbox"));
	im->keeps_uids = json_is_true(json_object_get(answer, "keeps_uids"));
	im->was_begun = json_is_true(json_object_get(answer, "was_begun"));
	json_decref(answer);
	cli_progress_box(&im->progress, box->name, box->n, (uint64_t)(im->imported + im->was_there));
	if (box->uidvalidity && !im->keeps_uids) {
		AUTO(buf_fini) struct buf text = BUF_INIT(8192);

		buf_printf(&text, "%" STR_FMT " had mail before, or has another UIDVALIDITY: its messages get new UIDs",
			   STR_ARG(box->name));
		say_note(im, buf_z(&text));
	}
	return 0;
}

static void add_hex(struct buf *out, const uint8_t key[STORE_IMPORT_KEY])
{
	for (size_t i = 0; i < STORE_IMPORT_KEY; i++)
		buf_printf(out, "%02x", key[i]);
}

static int add_chunk(const char *p, size_t n, void *out)
{
	buf_add(out, str_of(p, n));
	return 0;
}

static void add_keywords(struct buf *out, const struct move_message *m)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->n_keywords; i++)
		json_array_append_new(list, admin_json_str(m->keywords[i]));
	json_dump_callback(list, add_chunk, out, JSON_COMPACT);
	json_decref(list);
}

/* One record as server/admin_import.c reads it. */
static void add_record(struct import *im, const struct move_message *m)
{
	struct batch *b = &im->filling;
	struct record *rec = &b->v[b->n];
	struct buf *out = &b->bytes;

	*rec = (struct record){ .head = out->n, .uid = im->keeps_uids ? m->uid : 0, .where_z = mem_dup_z(str_z(m->where_z)) };
	memcpy(rec->key, m->key, sizeof(rec->key));
	buf_printf(out, "{\"n\":%zu,\"flags\":%u,\"date\":%lld,\"uid\":%u,\"key\":\"", m->bytes.n, m->flags,
		   (long long)m->date_s, rec->uid);
	add_hex(out, m->key);
	buf_add_char(out, '"');
	if (m->n_keywords) {
		buf_add(out, S(",\"keywords\":"));
		add_keywords(out, m);
	}
	buf_add(out, S("}\n"));
	buf_add(out, m->bytes);
	rec->n = out->n - rec->head;
	b->n++;
}

static int take_message(void *ctx, const struct move_message *m, struct fault *fault)
{
	struct import *im = ctx;
	int r = 0;

	if (im->filling.n == LIMIT_IMPORT_MESSAGES || im->filling.bytes.n + m->bytes.n > LIMIT_IMPORT_BATCH)
		r = send_filled(im, fault);
	if (r < 0)
		return r;
	add_record(im, m);
	if (buf_overflowed(&im->filling.bytes))
		return fault_set(fault, -E_LIMIT, "there is not enough memory for %s", m->where_z);
	return 0;
}

static int answer_have(void *ctx, const uint8_t (*keys)[STORE_IMPORT_KEY], size_t n, bool *ret, struct fault *fault)
{
	struct import *im = ctx;
	int r = flush(im, fault);

	memset(ret, 0, n * sizeof(*ret));
	if (r == 0 && im->was_begun)
		r = ask_have(im, keys, n, ret, fault);
	for (size_t i = 0; i < n && r == 0; i++)
		im->was_there += ret[i];
	return r;
}

static int take_subscription(void *ctx, struct str name, struct fault *fault)
{
	struct import *im = ctx;
	struct fault why = { 0 };
	json_t *answer = NULL;
	int r = flush(im, fault);

	if (r == 0)
		r = cli_port_ask(&im->port, "import.subscribe",
				 json_pack("{s:s, s:o}", "address", im->address_z, "mailbox", admin_json_str(name)), &answer, &why);
	json_decref(answer);
	if (r < 0 && r != -E_CLOSED && r != -E_IO) {
		say_note(im, why.text);
		r = 0;
	}
	if (r < 0)
		*fault = why;
	return r;
}

/* ---- the command ---- */

static int read_imap(struct import *im, struct move_imap_options *o, const struct move_sink *sink, struct fault *fault)
{
	AUTO(buf_fini) struct buf password = BUF_INIT(4096);
	int r = cli_read_secret(cli_option(im->args, "--password-file"), &password, fault);

	o->password = buf_str(&password);
	o->ca_file_z = cli_option(im->args, "--ca-file");
	o->is_insecure = cli_option(im->args, "--insecure") != NULL;
	if (r == 0 && cli_option(im->args, "--into"))
		r = fault_set(fault, -E_USAGE, "--into is for a Maildir or an mbox");
	if (r == 0)
		r = move_imap(o, sink, fault);
	mem_wipe(password.p, password.n);
	return r;
}

/* Maildirs, mboxes, or some of each. */
static int read_directory(struct import *im, const char *source_z, enum move_mbox_quoting quoting, const struct move_sink *sink,
			  struct fault *fault)
{
	int r = move_maildir(source_z, NULL, sink, fault);
	bool is_other = r == -E_NOT_FOUND && !im->is_begun;

	return r == 0 || is_other ? move_mbox_dir(source_z, !is_other, quoting, sink, fault) : r;
}

static int read_files(struct import *im, const char *source_z, const struct move_sink *sink, struct fault *fault)
{
	const char *into_z = cli_option(im->args, "--into");
	const char *quoting_z = cli_option(im->args, "--mbox-quoting");
	enum move_mbox_quoting quoting = quoting_z && str_eq(str_z(quoting_z), S("mboxo")) ? MOVE_MBOXO : MOVE_MBOXRD;
	struct stat st;

	if (quoting_z && quoting == MOVE_MBOXRD && !str_eq(str_z(quoting_z), S("mboxrd")))
		return fault_set(fault, -E_USAGE, "--mbox-quoting %s: write mboxrd or mboxo", quoting_z);
	if (stat(source_z, &st) < 0)
		return fault_errno(fault, errno, "cannot read %s", source_z);
	if (!S_ISDIR(st.st_mode))
		return move_mbox(source_z, into_z, quoting, sink, fault);
	return into_z ? move_maildir(source_z, into_z, sink, fault) : read_directory(im, source_z, quoting, sink, fault);
}

static int read_source(struct import *im, const char *source_z, struct fault *fault)
{
	const struct move_sink sink = {
		.box = take_box, .message = take_message, .have = answer_have, .subscribed = take_subscription,
		.bad = say_bad, .note = say_note, .ctx = im,
	};
	struct move_imap_options o;
	AUTO(arena_fini) struct arena a;

	arena_init(&a, 65536);
	if (move_imap_url(&a, str_z(source_z), &o))
		return read_imap(im, &o, &sink, fault);
	if (str_find(str_z(source_z), S("://")) >= 0)
		return fault_set(fault, -E_USAGE, "%s: write imaps://USER@HOST[:PORT] or imap://..., with %%40 for an @ in USER, "
				 "and the password in a file (--password-file)", source_z);
	return read_files(im, source_z, &sink, fault);
}

static int run(struct import *im, const char *source_z, struct fault *fault)
{
	int r = cli_port_open(im->args, &im->port, fault);

	if (r == 0)
		r = read_source(im, source_z, fault);
	if (r == 0)
		r = flush(im, fault);
	cli_port_close(&im->port);
	cli_progress_end(&im->progress, (uint64_t)(im->imported + im->was_there));
	batch_reset(&im->filling);
	batch_reset(&im->sent);
	buf_fini(&im->filling.bytes);
	buf_fini(&im->sent.bytes);
	return r;
}

static json_t *result(const struct import *im)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:O, s:b}", "mailboxes", im->mailboxes, "imported", im->imported,
			 "was_there", im->was_there, "new_uids", im->new_uids, "lost_keywords", im->lost_keywords,
			 "bad", im->bad, "bad_messages", im->bad_list, "notes", im->notes, "clean", im->bad == 0);
}

static enum cli_status end(struct import *im, int r, const struct fault *fault)
{
	enum cli_status st;

	if (r < 0) {
		if (!cli_option(im->args, "--json") && im->is_begun)
			printf("imported: %lld\n", (long long)im->imported);
		st = cli_fail(im->args, r, fault);
	} else if (cli_option(im->args, "--json")) {
		st = cli_result(im->args, result(im));
	} else {
		printf("mailboxes: %lld\nimported: %lld\nimported before: %lld\nwith another UID: %lld\nkeywords left out: %lld\n"
		       "not imported: %lld\n", (long long)im->mailboxes, (long long)im->imported, (long long)im->was_there,
		       (long long)im->new_uids, (long long)im->lost_keywords, (long long)im->bad);
		st = im->bad ? CLI_FAILED : CLI_OK;
	}
	json_decref(im->bad_list);
	json_decref(im->notes);
	return st;
}

enum cli_status cli_import(const struct cli_command *cmd, const struct cli_args *args)
{
	static struct import im; /* large */
	struct fault fault = { 0 };
	int r;

	(void)cmd;
	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	budget_set(MEMORY_MAX);
	im.args = args;
	im.bad_list = json_array();
	im.notes = json_array();
	im.port.fd = -1;
	buf_init(&im.filling.bytes, LIMIT_CONTROL_BODY);
	buf_init(&im.sent.bytes, LIMIT_CONTROL_BODY);
	cli_progress_begin(&im.progress, cli_option(args, "--json") != NULL);
	im.address_z = args->positional[0];
	r = run(&im, args->positional[1], &fault);
	return end(&im, r, &fault);
}
