/* SPDX-License-Identifier: MIT */
/*
 * Verbs of `martlet import`. A batch of messages comes as bytes: for each a line of JSON, and the message behind it:
 *
 *   {"n": 1234, "flags": 1, "keywords": ["$Forwarded"], "date": 1234567890, "uid": 7, "key": "32 hex digits"}
 *
 * It is committed in pieces of bounded memory, so a request that fails may be done in part; the keys tell (store/import.c).
 */
#include "server/admin.h"

#include "base/limits.h"
#include "base/mem.h"
#include "store/account.h"
#include "store/import.h"
#include "store/mailbox.h"

#define PIECE 250                /* messages of one commit */
#define PIECE_MEMORY (16u << 20) /* that their parsed forms may take before they are committed */
#define KEYWORDS_MAX STORE_KEYWORDS_MAX /* of one message */
#define DATE_MAX 253402300799    /* 9999-12-31: INTERNALDATE has four digits for the year (RFC 9051 9, date-year) */

/* ---- mailboxes ---- */

/* The mailbox of that name, made if it is not there. */
static int take_mailbox(struct admin *ad, struct arena *a, int64_t account, struct str name, int64_t *ret, struct fault *fault)
{
	struct store_mailbox box;
	int r = store_mailbox_find(ad->store, a, account, name, &box);

	if (r == 0)
		*ret = box.id;
	return r != -E_NOT_FOUND ? r : store_mailbox_create(ad->store, account, name, STORE_USE_NONE, ret, fault);
}

static uint32_t number(const json_t *args, const char *key_z)
{
	json_int_t v = json_integer_value(json_object_get(args, key_z));

	return v < 0 || v > UINT32_MAX ? 0 : (uint32_t)v;
}

int admin_import_mailbox(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	bool keeps = false, was_begun = false;
	struct store_account account = { 0 };
	struct str name = { 0 };
	int64_t id = 0;
	int r = admin_arg_account(ad, a, args, &account, fault);

	if (r == 0)
		r = admin_arg(args, "mailbox", &name, fault);
	if (r == 0)
		r = take_mailbox(ad, a, account.id, name, &id, fault);
	if (r == 0)
		r = store_import_begin(ad->store, id, number(args, "uidvalidity"), number(args, "uidnext"), &keeps, &was_begun);
	if (r == 0)
		*ret = json_pack("{s:I, s:b, s:b}", "mailbox", (json_int_t)id, "keeps_uids", keeps, "was_begun", was_begun);
	return r;
}

int admin_import_subscribe(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_account account = { 0 };
	struct str name = { 0 };
	int r = admin_arg_account(ad, a, args, &account, fault);

	(void)ret;
	if (r == 0)
		r = admin_arg(args, "mailbox", &name, fault);
	return r < 0 ? r : store_mailbox_subscribe(ad->store, account.id, name, true, fault);
}

/* ---- what is there already ---- */

int admin_import_have(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	size_t n = ad->body.n / STORE_IMPORT_KEY;
	bool have[LIMIT_IMPORT_MESSAGES];
	char digits[LIMIT_IMPORT_MESSAGES];
	int r;

	(void)a;
	if (n > LIMIT_IMPORT_MESSAGES)
		return fault_set(fault, -E_LIMIT, "too many keys");
	r = store_import_have(ad->store, json_integer_value(json_object_get(args, "mailbox")), ad->body, have);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		digits[i] = have[i] ? '1' : '0';
	*ret = json_pack("{s:s%}", "have", digits, n);
	return 0;
}

/* ---- messages ---- */

struct piece {
	struct admin *ad;
	int64_t mailbox;
	size_t n;
	size_t memory;
	struct store_import v[PIECE];
	struct store_content_new content[PIECE];
	struct arena arenas[PIECE];
	size_t place[PIECE]; /* in uids */
	json_t *uids;        /* one for each message of the batch: 0 was there, negative: refused with that code */
	json_int_t kept, lost_keywords;
};

static bool read_key(struct str hex, uint8_t ret[STORE_IMPORT_KEY])
{
	if (hex.n != 2 * (size_t)STORE_IMPORT_KEY)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		const char *digits = "0123456789abcdef";
		const char *at = memchr(digits, hex.p[i], 16);

		if (!at)
			return false;
		ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | (at - digits));
	}
	return true;
}

static int read_keywords(struct arena *a, const json_t *list, struct store_import *v)
{
	size_t n = json_array_size(list) < KEYWORDS_MAX ? json_array_size(list) : KEYWORDS_MAX;
	struct str *names = ARENA_ARRAY(a, struct str, n + 1);

	if (!names)
		return -E_LIMIT;
	for (size_t i = 0; i < n; i++) {
		const json_t *word = json_array_get(list, i);

		names[i] = arena_str(a, str_of(json_string_value(word), json_string_length(word)));
		if (!names[i].p)
			return -E_LIMIT;
	}
	v->keywords = names;
	v->n_keywords = n;
	return 0;
}

/* One record off the batch. */
static int read_record(struct str *batch, json_t **ret_head, struct str *ret_bytes)
{
	ptrdiff_t line = str_chr(str_head(*batch, LIMIT_IMPORT_LINE), '\n');
	json_t *head = line < 0 ? NULL : json_loadb(batch->p, (size_t)line, 0, NULL);
	json_int_t n = json_integer_value(json_object_get(head, "n"));

	*ret_head = head;
	if (!head || n <= 0)
		return -E_SYNTAX;
	*batch = str_skip(*batch, (size_t)line + 1);
	if ((size_t)n > batch->n)
		return -E_SYNTAX;
	*ret_bytes = str_head(*batch, (size_t)n);
	*batch = str_skip(*batch, (size_t)n);
	return 0;
}

/* The date of a file may be any number. 0: now. */
static int64_t date_of(const json_t *head)
{
	json_int_t v = json_integer_value(json_object_get(head, "date"));

	return v < 0 ? 0 : v < DATE_MAX ? v : DATE_MAX;
}

static int add(struct piece *p, const json_t *head, struct str bytes)
{
	struct store_import *v = &p->v[p->n];
	struct arena *a = &p->arenas[p->n];
	int r;

	*v = (struct store_import){
		.content = &p->content[p->n],
		.flags = number(head, "flags"),
		.internaldate_s = date_of(head),
		.uid = number(head, "uid"),
	};
	if (!read_key(admin_arg_opt(head, "key"), v->key))
		return -E_SYNTAX;
	arena_init(a, LIMIT_MIME_ARENA);
	r = store_content_prepare(a, bytes, v->content);
	if (r == 0)
		r = read_keywords(a, json_object_get(head, "keywords"), v);
	p->memory += a->bytes;
	if (r == 0)
		p->place[p->n++] = json_array_size(p->uids);
	else
		arena_fini(a);
	return json_array_append_new(p->uids, json_integer(r)) < 0 ? -E_LIMIT : 0;
}

static int commit(struct piece *p)
{
	struct store_imported done[PIECE];
	int r = p->n ? store_import(p->ad->store, p->mailbox, p->v, p->n, done) : 0;

	for (size_t i = 0; i < p->n; i++) {
		if (r == 0) {
			json_array_set_new(p->uids, p->place[i], json_integer(done[i].uid));
			p->kept += done[i].uid != 0 && done[i].uid == p->v[i].uid;
			p->lost_keywords += done[i].lost_keywords;
		}
		arena_fini(&p->arenas[i]);
	}
	p->n = 0;
	p->memory = 0;
	return r;
}

static int add_batch(struct piece *p, struct str batch)
{
	int r = 0;

	while (r == 0 && batch.n) {
		json_t *head = NULL;
		struct str bytes;

		r = read_record(&batch, &head, &bytes);
		if (r == 0)
			r = add(p, head, bytes);
		json_decref(head);
		if (r == 0 && (p->n == PIECE || p->memory > PIECE_MEMORY))
			r = commit(p);
	}
	if (r == 0)
		r = commit(p);
	for (size_t i = 0; i < p->n; i++) /* after a failure */
		arena_fini(&p->arenas[i]);
	return r;
}

int admin_import_add(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct piece *p = ARENA_NEW(a, struct piece);
	int r;

	if (!p)
		return -E_LIMIT;
	p->ad = ad;
	p->mailbox = json_integer_value(json_object_get(args, "mailbox"));
	p->uids = json_array();
	r = add_batch(p, ad->body);
	if (r == -E_SYNTAX)
		fault_set(fault, r, "a batch of messages is not what it must be");
	if (r == 0)
		*ret = json_pack("{s:O, s:I, s:I}", "uids", p->uids, "kept", p->kept, "lost_keywords", p->lost_keywords);
	json_decref(p->uids);
	return r;
}
