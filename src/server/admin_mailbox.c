/* SPDX-License-Identifier: MIT */
/*
 * Verbs about the mailboxes of an account, done as by their owner: the functions that CREATE, DELETE, RENAME, SUBSCRIBE and LIST
 * use too, so names, quotas and what other sessions hear are the same.
 */
#include "server/admin.h"

#include "base/limits.h"
#include "imap/list.h"
#include "store/account.h"
#include "store/mailbox.h"

/* ---- arguments ---- */

/* A name, as the store wants it. */
static int name_arg(const json_t *args, const char *key_z, struct str *ret, struct fault *fault)
{
	int r = admin_arg(args, key_z, ret, fault);

	if (r == 0)
		*ret = store_name_trim(*ret);
	return r;
}

/* "address" and "mailbox". */
static int name_args(struct admin *ad, struct arena *a, const json_t *args, struct store_account *account, struct str *ret, struct fault *fault)
{
	int r = admin_arg_account(ad, a, args, account, fault);

	return r < 0 ? r : name_arg(args, "mailbox", ret, fault);
}

/* "sent", "\Sent", "sent,archive" to bits. */
static int special_use_arg(const json_t *args, unsigned *ret, struct fault *fault)
{
	struct str rest = admin_arg_opt(args, "special_use"), word = S("");
	unsigned use = 0;

	while (json_object_get(args, "special_use") && (use == 0 || rest.n > 0)) {
		unsigned bit = str_split(&rest, ',', &word) ? imap_list_use_bit(str_skip(word, str_starts(word, S("\\")))) : 0;

		if (bit == 0)
			return fault_set(fault, -E_USAGE, "special use \"%" STR_FMT "\": write drafts, sent, junk, trash or archive", STR_ARG(str_head(word, 40)));
		use |= bit;
	}
	*ret = use;
	return 0;
}

/* What the store has refused, with what to look at. */
static int refusal(int r, const struct store_account *account, struct str name, struct fault *fault)
{
	return r == -E_NOT_FOUND ? admin_no_mailbox(account->name, name, fault) : r;
}

/* ---- list ---- */

struct list {
	struct imap_list_pattern *patterns[LIMIT_ADMIN_PATTERNS];
	size_t n_patterns; /* 0: all names */
	bool is_subscribed, has_status;
};

static int list_args(struct arena *a, const json_t *args, struct list *ret, struct fault *fault)
{
	const json_t *v = json_object_get(args, "patterns");
	int r = 0;

	ret->is_subscribed = json_is_true(json_object_get(args, "subscribed"));
	ret->has_status = json_is_true(json_object_get(args, "status"));
	if (json_array_size(v) > LIMIT_ADMIN_PATTERNS)
		return fault_set(fault, -E_LIMIT, "too many patterns: %d at most", LIMIT_ADMIN_PATTERNS);
	for (; r == 0 && ret->n_patterns < json_array_size(v); ret->n_patterns++) {
		const json_t *text = json_array_get(v, ret->n_patterns);

		if (!json_is_string(text))
			return fault_set(fault, -E_USAGE, "a pattern is a string");
		r = imap_list_pattern_parse(a, str_of(json_string_value(text), json_string_length(text)), &ret->patterns[ret->n_patterns]);
	}
	return r;
}

static bool is_wanted(const struct list *l, const struct store_mailbox *m)
{
	bool is_matched = l->n_patterns == 0;

	for (size_t i = 0; i < l->n_patterns && !is_matched; i++)
		is_matched = imap_list_pattern_match(l->patterns[i], m->name);
	return is_matched && (m->is_subscribed || !l->is_subscribed);
}

/* null: there is no such mailbox, only one below it, or a subscription. */
static json_t *number(const struct store_mailbox *m, uint64_t n)
{
	return m->id == 0 ? json_null() : json_integer((json_int_t)n);
}

static json_t *row(const struct store_mailbox *m, bool has_status)
{
	AUTO(buf_fini) struct buf use = BUF_INIT(200);
	json_t *v;

	imap_list_use_print(m->special_use, &use);
	v = json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "mailbox", admin_json_str(m->name), "messages", number(m, m->messages),
		      "unseen", number(m, m->unseen), "bytes", number(m, m->size_bytes), "special_use", admin_json_str(buf_str(&use)),
		      "subscribed", m->is_subscribed);
	if (has_status) {
		json_object_set_new(v, "deleted", number(m, m->deleted));
		json_object_set_new(v, "uidvalidity", number(m, m->uidvalidity));
		json_object_set_new(v, "uidnext", number(m, m->uidnext));
		json_object_set_new(v, "highestmodseq", number(m, m->highestmodseq));
		json_object_set_new(v, "mailboxid", m->id == 0 ? json_null() : admin_json_str(m->mailboxid));
	}
	return v;
}

int admin_mailbox_list(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_account account = { 0 };
	struct store_mailbox *v = NULL;
	struct list l = { 0 };
	size_t n = 0;
	int r = admin_arg_account(ad, a, args, &account, fault);

	if (r == 0)
		r = list_args(a, args, &l, fault);
	if (r == 0)
		r = store_mailbox_list(ad->store, a, account.id, &v, &n);
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		if (is_wanted(&l, &v[i]))
			json_array_append_new(*ret, row(&v[i], l.has_status));
	return 0;
}

/* ---- changes ---- */

/* The mailbox, by the name as it is kept. */
static int say_name(struct arena *a, struct str name, json_t **ret)
{
	int r = store_name_check(a, name, &name, NULL);

	if (r == 0)
		*ret = json_pack("{s:o}", "mailbox", admin_json_str(name));
	return r;
}

int admin_mailbox_create(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_account account = { 0 };
	struct str name = { 0 };
	unsigned special_use = 0;
	int64_t id = 0;
	int r = name_args(ad, a, args, &account, &name, fault);

	if (r == 0)
		r = special_use_arg(args, &special_use, fault);
	if (r == 0)
		r = store_mailbox_create_by(ad->store, account.id, account.id, name, special_use, &id, fault);
	if (r == 0 && json_is_true(json_object_get(args, "subscribe")))
		r = store_mailbox_subscribe(ad->store, account.id, name, true, fault);
	return r < 0 ? r : say_name(a, name, ret);
}

/* All below a name, the deepest first, so that what a failure leaves can be deleted by doing it again. */
static int delete_below(struct admin *ad, struct arena *a, const struct store_account *account, struct str name, json_t *deleted, struct fault *fault)
{
	struct store_mailbox *v = NULL;
	size_t n = 0;
	int r = store_mailbox_list(ad->store, a, account->id, &v, &n);

	while (r == 0 && n-- > 0) {
		if (v[n].id == 0 || !str_starts(v[n].name, name) || v[n].name.n <= name.n || v[n].name.p[name.n] != '/')
			continue;
		r = store_mailbox_delete_by(ad->store, account->id, account->id, v[n].name, fault);
		if (r == 0)
			json_array_append_new(deleted, admin_json_str(v[n].name));
		r = r == -E_NOT_FOUND ? 0 : r; /* somebody else did */
	}
	return r;
}

int admin_mailbox_delete(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	bool is_recursive = json_is_true(json_object_get(args, "recursive"));
	struct store_account account = { 0 };
	struct str given = { 0 }, name = { 0 };
	json_t *deleted = json_array();
	int r = name_args(ad, a, args, &account, &given, fault);

	if (r == 0)
		r = store_name_check(a, given, &name, fault);
	if (r == 0)
		r = store_mailbox_delete_by(ad->store, account.id, account.id, name, fault);
	if (r == 0)
		json_array_append_new(deleted, admin_json_str(name));
	/* A name that only those below it imply goes with them. */
	if (is_recursive && (r == 0 || r == -E_NOT_FOUND)) {
		int below = delete_below(ad, a, &account, name, deleted, fault);

		r = below < 0 ? below : json_array_size(deleted) > 0 ? 0 : r;
	}
	if (r == 0)
		*ret = json_pack("{s:O}", "deleted", deleted);
	json_decref(deleted);
	return name.n ? refusal(r, &account, name, fault) : r;
}

int admin_mailbox_rename(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_account account = { 0 };
	struct str from = { 0 }, to = { 0 };
	int r = name_args(ad, a, args, &account, &from, fault);

	if (r == 0)
		r = name_arg(args, "new_name", &to, fault);
	if (r < 0)
		return r;
	r = store_mailbox_rename_by(ad->store, account.id, account.id, from, to, fault);
	return r < 0 ? refusal(r, &account, from, fault) : say_name(a, to, ret);
}

/* A subscription is to a name as its user says it, which may be another's mailbox, and need not exist (RFC 9051 6.3.7). */
static int set_subscribed(struct admin *ad, struct arena *a, const json_t *args, bool is_subscribed, json_t **ret, struct fault *fault)
{
	struct store_account account = { 0 };
	struct store_place place = { 0 };
	struct str name = { 0 };
	int r = name_args(ad, a, args, &account, &name, fault);

	if (r == 0)
		r = store_place_parse(a, name, &place, fault);
	if (r == 0)
		r = store_mailbox_subscribe(ad->store, account.id, place.shown, is_subscribed, fault);
	if (r == 0)
		*ret = json_pack("{s:o, s:b}", "mailbox", admin_json_str(place.shown), "subscribed", is_subscribed);
	return r;
}

int admin_mailbox_subscribe(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	return set_subscribed(ad, a, args, true, ret, fault);
}

int admin_mailbox_unsubscribe(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	return set_subscribed(ad, a, args, false, ret, fault);
}
