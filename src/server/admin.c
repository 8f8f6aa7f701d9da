/* SPDX-License-Identifier: MIT */
/* The table of administrative verbs, and the helpers that their functions share. */
#include "server/admin.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/str.h"
#include "db/db.h"
#include "queue/queue.h"
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
	{ .name = "acl.list", .fn = admin_acl_list },
	{ .name = "acl.set", .fn = admin_acl_set },
	{ .name = "acl.remove", .fn = admin_acl_remove },
	{ .name = "domain.add", .fn = admin_domain_add },
	{ .name = "domain.remove", .fn = admin_domain_remove },
	{ .name = "domain.list", .fn = admin_domain_list },
	{ .name = "queue.list", .fn = admin_queue_list },
	{ .name = "auth.list", .fn = admin_auth_list, .needs_server = true },
	{ .name = "auth.forget", .fn = admin_auth_forget, .needs_server = true },
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
		return fault_set(fault, -E_CANNOT, "no server is running on this data directory");
	arena_init(&a, LIMIT_COMMAND_ARENA);
	return verb->fn(ad, &a, args, ret, fault);
}

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

json_t *admin_json_str(struct str s)
{
	json_t *v = json_stringn(s.n ? s.p : "", s.n);

	return v ? v : json_string("(not UTF-8)");
}

int admin_queue_list(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct queue_item *items;
	size_t n;
	int r = queue_list(ad->queue, a, &items, &n);

	(void)args;
	(void)fault;
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, json_pack("{s:o, s:o, s:o, s:I, s:I}",
			"qid", admin_json_str(items[i].qid), "from", admin_json_str(items[i].reverse_path),
			"to", admin_json_str(items[i].recipient), "accepted", (json_int_t)items[i].accepted_s,
			"size", (json_int_t)items[i].size));
	return 0;
}

int admin_clock(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	(void)ad;
	(void)a;
	(void)ret;
	(void)fault;
	clock_shift_ms(json_integer_value(json_object_get(args, "ms")));
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
