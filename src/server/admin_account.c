/* SPDX-License-Identifier: MIT */
/* Verbs about accounts. Passwords arrive over the control socket or in memory, never in arguments of a process. */
#include "base/arena.h"
#include "sasl/sasl.h"
#include "server/admin.h"
#include "store/account.h"

/* Credentials from "password", or from "hash" (an imported one). *ret_n is 0 when neither is given. */
static int read_credentials(struct arena *a, const json_t *args, struct store_credential creds[3], size_t *ret_n,
			    struct fault *fault)
{
	struct str password = admin_arg_opt(args, "password");
	struct str hash = admin_arg_opt(args, "hash");
	int r = 0;

	*ret_n = 0;
	if (password.n) {
		r = sasl_credentials_make(a, password, creds, fault);
		*ret_n = 3;
	} else if (hash.n) {
		r = sasl_credential_import(a, hash, &creds[0], fault);
		*ret_n = 1;
	}
	return r;
}

/* Limits that are not given are negative. */
static struct store_quota read_quota(const json_t *args)
{
	static const char *const keys[] = { "quota", "quota_messages", "quota_mailboxes" };
	int64_t v[ARRAY_LEN(keys)];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const json_t *value = json_object_get(args, keys[i]);

		v[i] = value ? json_integer_value(value) : -1;
	}
	return (struct store_quota){ .bytes = v[0], .messages = v[1], .mailboxes = v[2] };
}

int admin_account_add(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_quota quota = read_quota(args);
	struct store_credential creds[3];
	struct str address;
	int64_t id;
	size_t n = 0;
	int r = admin_arg(args, "address", &address, fault);

	if (r == 0)
		r = read_credentials(a, args, creds, &n, fault);
	if (r < 0)
		return r;
	if (n == 0)
		return fault_set(fault, -E_USAGE, "an account needs a password: give it on standard input, "
				 "or with --password-file FILE");
	r = store_account_add(ad->store, address, &quota, creds, n, &id, fault);
	if (r == 0)
		*ret = json_pack("{s:o}", "address", admin_json_str(address));
	return r;
}

int admin_account_remove(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_account account = { 0 };
	int r = admin_arg_account(ad, a, args, &account, fault);

	if (r == 0)
		r = store_account_remove(ad->store, account.name, fault);
	if (r < 0)
		return r;
	sasl_forget(ad->sasl, account.id);
	/* It could still submit mail, and read what is shared with anyone. */
	if (ad->net)
		(void)sasl_disconnect(ad->sasl, ad->net, account.id);
	*ret = json_pack("{s:o}", "address", admin_json_str(account.name));
	return 0;
}

static int set_enabled(struct admin *ad, const json_t *args, bool is_enabled, json_t **ret, struct fault *fault)
{
	struct str address = { 0 };
	int64_t id = 0;
	size_t n_cut = 0;
	int r = admin_arg(args, "address", &address, fault);

	if (r == 0)
		r = store_account_enable(ad->store, address, is_enabled, &id, fault);
	if (r < 0)
		return r;
	if (!is_enabled && ad->net)
		n_cut = sasl_disconnect(ad->sasl, ad->net, id);
	*ret = json_pack("{s:o, s:b, s:I}", "address", admin_json_str(address), "enabled", is_enabled,
			 "disconnected", (json_int_t)n_cut);
	return 0;
}

int admin_account_enable(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	(void)a;
	return set_enabled(ad, args, true, ret, fault);
}

int admin_account_disable(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	(void)a;
	return set_enabled(ad, args, false, ret, fault);
}

int admin_account_disconnect(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_account account = { 0 };
	int r = admin_arg_account(ad, a, args, &account, fault);

	if (r < 0)
		return r;
	*ret = json_pack("{s:o, s:I}", "address", admin_json_str(account.name), "disconnected",
			 (json_int_t)sasl_disconnect(ad->sasl, ad->net, account.id));
	return 0;
}

int admin_account_list(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_account *v;
	size_t n;
	int r = store_account_list(ad->store, a, &v, &n);

	(void)args;
	(void)fault;
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, json_pack("{s:o, s:I, s:I, s:I, s:b}",
			"address", admin_json_str(v[i].name), "messages", (json_int_t)v[i].messages,
			"bytes", (json_int_t)v[i].used_bytes, "quota", (json_int_t)v[i].quota.bytes,
			"enabled", v[i].is_enabled));
	return 0;
}

int admin_account_password(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_credential creds[3];
	struct store_account account = { 0 };
	size_t n = 0;
	int r = admin_arg_account(ad, a, args, &account, fault);

	if (r == 0)
		r = read_credentials(a, args, creds, &n, fault);
	if (r < 0)
		return r;
	if (n == 0)
		return fault_set(fault, -E_USAGE, "give the new password on standard input, or with --password-file FILE");
	r = store_credentials_set(ad->store, account.id, creds, n);
	if (r < 0)
		return r;
	sasl_forget(ad->sasl, account.id);
	*ret = json_pack("{s:o}", "address", admin_json_str(account.name));
	return 0;
}

int admin_account_quota(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_quota change = read_quota(args), limit = { 0 }, used = { 0 };
	struct store_account account = { 0 };
	int r = admin_arg_account(ad, a, args, &account, fault);

	if (r == 0 && (change.bytes >= 0 || change.messages >= 0 || change.mailboxes >= 0))
		r = store_quota_set(ad->store, account.id, &change);
	if (r == 0)
		r = store_quota_get(ad->store, account.id, &limit, &used);
	if (r < 0)
		return r;
	*ret = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
		"bytes", (json_int_t)used.bytes, "quota", (json_int_t)limit.bytes,
		"messages", (json_int_t)used.messages, "quota_messages", (json_int_t)limit.messages,
		"mailboxes", (json_int_t)used.mailboxes, "quota_mailboxes", (json_int_t)limit.mailboxes);
	return 0;
}
