/* SPDX-License-Identifier: MIT */
/* The table of administrative verbs, and the helpers that their functions share. */
#include "server/admin.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "base/text.h"
#include "db/db.h"
#include "queue/queue.h"
#include "queue/schedule.h"
#include "store/account.h"
#include "store/store.h"

static const struct admin_verb verbs[] = {
	{ .name = "account.add", .fn = admin_account_add },
	{ .name = "account.remove", .fn = admin_account_remove },
	{ .name = "account.enable", .fn = admin_account_enable },
	{ .name = "account.disable", .fn = admin_account_disable },
	{ .name = "account.disconnect", .fn = admin_account_disconnect, .needs_server = true },
	{ .name = "account.list", .fn = admin_account_list },
	{ .name = "account.password", .fn = admin_account_password },
	{ .name = "account.quota", .fn = admin_account_quota },
	{ .name = "alias.add", .fn = admin_alias_add },
	{ .name = "alias.remove", .fn = admin_alias_remove },
	{ .name = "alias.list", .fn = admin_alias_list },
	{ .name = "mailbox.list", .fn = admin_mailbox_list },
	{ .name = "mailbox.create", .fn = admin_mailbox_create },
	{ .name = "mailbox.delete", .fn = admin_mailbox_delete },
	{ .name = "mailbox.rename", .fn = admin_mailbox_rename },
	{ .name = "mailbox.subscribe", .fn = admin_mailbox_subscribe },
	{ .name = "mailbox.unsubscribe", .fn = admin_mailbox_unsubscribe },
	{ .name = "acl.list", .fn = admin_acl_list },
	{ .name = "acl.set", .fn = admin_acl_set },
	{ .name = "acl.remove", .fn = admin_acl_remove },
	{ .name = "domain.add", .fn = admin_domain_add },
	{ .name = "domain.remove", .fn = admin_domain_remove },
	{ .name = "domain.list", .fn = admin_domain_list },
	{ .name = "domain.known", .fn = admin_domain_known },
	{ .name = "queue.list", .fn = admin_queue_list },
	{ .name = "queue.show", .fn = admin_queue_show },
	{ .name = "queue.retry", .fn = admin_queue_retry },
	{ .name = "queue.hold", .fn = admin_queue_hold },
	{ .name = "queue.release", .fn = admin_queue_release },
	{ .name = "queue.remove", .fn = admin_queue_remove },
	{ .name = "message.trace", .fn = admin_message_trace },
	{ .name = "auth.list", .fn = admin_auth_list, .needs_server = true },
	{ .name = "auth.forget", .fn = admin_auth_forget, .needs_server = true },
	{ .name = "import.mailbox", .fn = admin_import_mailbox },
	{ .name = "import.have", .fn = admin_import_have, .is_frequent = true },
	{ .name = "import.add", .fn = admin_import_add, .is_frequent = true },
	{ .name = "import.subscribe", .fn = admin_import_subscribe, .is_frequent = true },
	{ .name = "export.mailboxes", .fn = admin_export_mailboxes },
	{ .name = "export.list", .fn = admin_export_list, .is_frequent = true },
	{ .name = "export.body", .fn = admin_export_body, .is_frequent = true },
	{ .name = "fsck", .fn = admin_fsck },
	{ .name = "compact", .fn = admin_compact },
	{ .name = "backup.hold", .fn = admin_backup_hold, .needs_server = true },
	{ .name = "status", .fn = admin_status, .needs_server = true },
	{ .name = "config.started", .fn = admin_started, .needs_server = true },
	{ .name = "test.clock", .fn = admin_clock, .needs_server = true, .is_test = true },
	{ .name = "test.fail", .fn = admin_fail, .needs_server = true, .is_test = true },
	{ .name = "test.sandbox", .fn = admin_sandbox, .needs_server = true, .is_test = true },
};

static const struct admin_verb *find_verb(const struct admin *ad, struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (str_eq(str_z(verbs[i].name), name) && (!verbs[i].is_test || ad->has_test_verbs))
			return &verbs[i];
	return NULL;
}

int admin_run(struct admin *ad, const char *verb_z, const json_t *args, json_t **ret, struct fault *fault)
{
	const struct admin_verb *verb = find_verb(ad, str_z(verb_z));
	AUTO(arena_fini) struct arena a;

	if (!verb)
		return fault_set(fault, -E_USAGE, "no such verb: %.60s", verb_z);
	if (verb->needs_server && !ad->net)
		return fault_set(fault, -E_CANNOT, "no server is running on this data directory; start it: systemctl start martlet, or martlet serve");
	arena_init(&a, LIMIT_COMMAND_ARENA);
	return verb->fn(ad, &a, args, ret, fault);
}

/* ---- requests and answers ---- */

static json_t *failure(int code, const struct fault *fault)
{
	const struct err_row *row = err_row(code);

	return json_pack("{s:b, s:i, s:s, s:o}", "ok", 0, "code", row->code, "error", row->name, "text",
			 admin_json_str(str_z(fault->text[0] ? fault->text : row->text)));
}

/* Whom or what a verb is about, for the log; never a password or a hash. */
static struct str subject(const json_t *args)
{
	static const char *const keys[] = { "address", "alias", "domain", "name", "what" };
	struct str s = { 0 };

	for (size_t i = 0; s.n == 0 && i < ARRAY_LEN(keys); i++)
		s = admin_arg_opt(args, keys[i]);
	return s;
}

static void log_verb(const struct admin *ad, const char *verb_z, const json_t *args, int r)
{
	const struct admin_verb *verb = find_verb(ad, str_z(verb_z));
	const char *err_z = r < 0 ? err_row(r)->name : "OK";
	struct str of = subject(args), mailbox = admin_arg_opt(args, "mailbox"), to = admin_arg_opt(args, "new_name");

	if (verb && verb->is_frequent && r >= 0)
		LOG(DEBUG, "control.verb", F_Z("verb", verb_z), F_STR("of", of), F_Z("err", err_z));
	else if (to.n > 0)
		LOG(INFO, "control.verb", F_Z("verb", verb_z), F_STR("of", of), F_STR("mailbox", mailbox), F_STR("to", to), F_Z("err", err_z));
	else if (mailbox.n > 0)
		LOG(INFO, "control.verb", F_Z("verb", verb_z), F_STR("of", of), F_STR("mailbox", mailbox), F_Z("err", err_z));
	else
		LOG(INFO, "control.verb", F_Z("verb", verb_z), F_STR("of", of), F_Z("err", err_z));
}

json_t *admin_answer(struct admin *ad, const json_t *request)
{
	const char *verb_z = request ? json_string_value(json_object_get(request, "verb")) : NULL;
	const json_t *args = json_object_get(request, "args");
	struct fault fault = { 0 };
	json_t *result = NULL;
	int r;

	if (!verb_z)
		r = fault_set(&fault, -E_USAGE, "not a request: one JSON object with \"verb\" and \"args\" is expected");
	else
		r = admin_run(ad, verb_z, args, &result, &fault);
	log_verb(ad, verb_z ? verb_z : "", args, r);
	if (r < 0)
		return failure(r, &fault);
	return json_pack("{s:b, s:o}", "ok", 1, "result", result ? result : json_null());
}

bool admin_is_move(const json_t *request)
{
	struct str verb = str_z(json_string_value(json_object_get(request, "verb")));

	return str_starts(verb, S("import.")) || str_starts(verb, S("export."));
}

int64_t admin_request_bytes(const json_t *request)
{
	json_int_t n = json_integer_value(json_object_get(request, "bytes"));

	return n < 0 || n > LIMIT_CONTROL_BODY ? -E_TOO_BIG : n;
}

int admin_send(struct admin *ad, int (*write)(void *ctx, struct str piece), void *ctx)
{
	AUTO(mem_auto_free) char *piece = mem_alloc(LIMIT_CONN_OUT, 1);
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && at < ad->sends.size) {
		uint64_t left = ad->sends.size - at;
		size_t n = left < LIMIT_CONN_OUT ? (size_t)left : LIMIT_CONN_OUT;

		r = store_content_read(ad->store, &ad->sends, at, piece, n);
		if (r == 0)
			r = write(ctx, str_of(piece, n));
		at += n;
	}
	return r;
}

/* ---- arguments ---- */

struct str admin_arg_opt(const json_t *args, const char *key_z)
{
	const json_t *v = json_object_get(args, key_z);

	return json_is_string(v) ? str_of(json_string_value(v), json_string_length(v)) : str_z("");
}

int admin_arg(const json_t *args, const char *key_z, struct str *ret, struct fault *fault)
{
	struct str v = admin_arg_opt(args, key_z);

	if (v.n == 0)
		return fault_set(fault, -E_USAGE, "missing: %s", key_z);
	*ret = v;
	return 0;
}

int admin_arg_account(struct admin *ad, struct arena *a, const json_t *args, struct store_account *ret, struct fault *fault)
{
	struct str address = { 0 };
	int r = admin_arg(args, "address", &address, fault);

	if (r == 0)
		r = store_account_find(ad->store, a, address, ret);
	return r == -E_NOT_FOUND ? fault_set(fault, r, "no account %" STR_FMT "; see: martlet account list", STR_ARG(str_head(address, 200))) : r;
}

int admin_no_mailbox(struct str address, struct str mailbox, struct fault *fault)
{
	return fault_set(fault, -E_NOT_FOUND, "%" STR_FMT " has no mailbox \"%" STR_FMT "\"; see: martlet mailbox list %" STR_FMT, STR_ARG(str_head(address, 100)),
			 STR_ARG(str_head(mailbox, 150)), STR_ARG(str_head(address, 100)));
}

json_t *admin_json_str(struct str s)
{
	json_t *v = json_stringn(s.n ? s.p : "", s.n);
	AUTO(buf_fini) struct buf clean = BUF_INIT(s.n + 1);

	if (v)
		return v;
	text_clean(&clean, s); /* a stranger's words, or a fault whose end was cut */
	v = clean.n > 0 ? json_stringn(clean.p, clean.n) : NULL;
	return v ? v : json_string("(not UTF-8)");
}

int admin_clock(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	(void)a;
	(void)ret;
	(void)fault;
	clock_shift_ms(json_integer_value(json_object_get(args, "ms")));
	queue_sched_wake(ad->queue);
	return 0;
}

int admin_fail(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	static const struct {
		const char *name;
		enum db_fail_point point;
	} points[] = {
		{ "none", DB_FAIL_NONE },
		{ "statement", DB_FAIL_STATEMENT },
		{ "commit", DB_FAIL_COMMIT },
		{ "pack-write", DB_FAIL_PACK_WRITE },
		{ "pack-sync", DB_FAIL_PACK_SYNC },
	};
	bool is_full = json_is_true(json_object_get(args, "disk_full"));
	int nth = (int)json_integer_value(json_object_get(args, "nth"));
	struct str name = { 0 };
	int r = admin_arg(args, "point", &name, fault);

	(void)a;
	(void)ret;
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		if (!str_eq(str_z(points[i].name), name))
			continue;
		db_fail_next(store_db(ad->store), points[i].point, nth, is_full ? E_DISK_FULL : E_IO);
		return 0;
	}
	return fault_set(fault, -E_USAGE, "no such point; one of: none statement commit pack-write pack-sync");
}
