/* SPDX-License-Identifier: MIT */
/* Accounts, domains, aliases, credentials, and where addresses lead. */
#include "store/store_test.h"

TEST(every_statement_can_be_prepared)
{
	struct test_store t;
	struct fault f = { "" };

	test_open(&t);
	if (db_check_sql(t.db, &f) < 0)
		fail_msg("%s", f.text);
	test_close(&t);
}

TEST(secret_is_made_once)
{
	uint8_t first[STORE_SECRET_BYTES], again[STORE_SECRET_BYTES], other[STORE_SECRET_BYTES];
	struct fault f = { "" };
	struct test_store t;

	test_open(&t);
	assert_int_equal(store_secret(t.s, S("one"), first), 0);
	assert_int_equal(store_secret(t.s, S("two"), other), 0);
	store_close(&t.s);
	assert_int_equal(store_open(t.db, NULL, NULL, &t.s, &f), 0);
	assert_int_equal(store_secret(t.s, S("one"), again), 0);
	assert_memory_equal(first, again, sizeof(first));
	assert_memory_not_equal(first, other, sizeof(first));
	assert_memory_not_equal(first, first + 8, 8);
	/* What cannot be kept is not given out. */
	db_fail_next(t.db, DB_FAIL_COMMIT, 1, E_IO);
	assert_int_equal(store_secret(t.s, S("three"), again), -E_IO);
	assert_memory_equal(first, again, sizeof(first));
	test_close(&t);
}

TEST(account_refusals_say_what_to_do)
{
	static const struct {
		const char *address;
		int want;
		const char *text;
	} rows[] = {
		{ "bob@example.net", -E_NOT_FOUND,
		  "domain example.net is not served here; add it with: martlet domain add example.net" },
		{ "ALICE@Example.ORG", -E_EXISTS,
		  "alice@example.org is an account or an alias already" },
		{ "info@example.org", -E_EXISTS,
		  "info@example.org is an account or an alias already" },
		{ "bob", -E_SYNTAX, "bob is not an address; write name@domain" },
		{ "@example.org", -E_SYNTAX, "@example.org is not an address; write name@domain" },
		{ "a\nb@example.org", -E_SYNTAX, NULL },
		{ "\"\"@example.org", -E_SYNTAX, NULL },
		{ "bob@exa mple.org", -E_SYNTAX, NULL },
	};
	struct test_store t;
	struct fault f = { "" };
	int64_t id;

	test_open(&t);
	assert_int_equal(store_alias_add(t.s, S("info@example.org"), S("alice@example.org"), &f),
			 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].address);
		assert_int_equal(store_account_add(t.s, str_z(rows[i].address), NULL, NULL, 0, &id,
						   &f),
				 rows[i].want);
		if (rows[i].text)
			assert_string_equal(f.text, rows[i].text);
	}
	assert_int_equal(store_domain_remove(t.s, S("example.org"), &f), -E_BUSY);
	assert_string_equal(
		f.text, "domain example.org still has 1 accounts and 1 aliases; remove them first");
	assert_int_equal(store_alias_add(t.s, S("x@example.org"), S("nobody@example.org"), &f),
			 -E_NOT_FOUND);
	assert_int_equal(store_alias_add(t.s, S("alice@example.org"), S("alice@example.org"), &f),
			 -E_EXISTS);
	assert_int_equal(store_alias_add(t.s, S("info@example.org"), S("alice@example.org"), &f),
			 -E_EXISTS);
	assert_int_equal(store_alias_remove(t.s, S("none@example.org"), S(""), &f), -E_NOT_FOUND);
	assert_int_equal(store_account_remove(t.s, S("nobody@example.org"), &f), -E_NOT_FOUND);
	test_close(&t);
}

TEST(account_gets_the_usual_mailboxes)
{
	static const struct {
		const char *name;
		unsigned use;
	} want[] = {
		{ "INBOX", 0 },
		{ "Archive", STORE_USE_ARCHIVE },
		{ "Drafts", STORE_USE_DRAFTS },
		{ "Junk", STORE_USE_JUNK },
		{ "Sent", STORE_USE_SENT },
		{ "Trash", STORE_USE_TRASH },
	};
	struct test_store t;
	struct store_mailbox *v;
	size_t n;

	test_open(&t);
	assert_int_equal(store_mailbox_list(t.s, &t.a, t.alice, &v, &n), 0);
	assert_int_equal(n, ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++) {
		assert_str_eq(v[i].name, str_z(want[i].name));
		assert_int_equal(v[i].special_use, want[i].use);
		assert_true(v[i].is_subscribed);
		assert_true(v[i].highestmodseq > 0);
		assert_int_equal(v[i].mailboxid.n, 16);
	}
	test_close(&t);
}

TEST(account_removed_with_all_its_mail)
{
	struct test_store t;
	struct fault f;
	struct store_mbox *mbox;
	struct store_view *before, *after;
	struct store_account account;
	uint32_t old_uidvalidity;
	int64_t id;

	test_open(&t);
	test_append(&t, t.inbox, 0, 2500);
	assert_int_equal(store_mbox_open(t.s, t.inbox, &mbox), 0);
	before = test_view(mbox);
	old_uidvalidity = before->uidvalidity;
	assert_int_equal(store_account_remove(t.s, S("Alice@example.org"), &f), 0);
	assert_int_equal(store_account_find(t.s, &t.a, S("alice@example.org"), &account),
			 -E_NOT_FOUND);
	assert_true(store_mbox_has_news(mbox, before));
	after = test_view(mbox);
	assert_true(after->is_gone);
	assert_int_equal(after->n, 2500);
	store_view_unref(before);
	store_view_unref(after);
	store_mbox_close(&mbox);
	test_recount(&t);
	assert_int_equal(store_account_add(t.s, S("alice@example.org"), NULL, NULL, 0, &id, &f), 0);
	assert_true(id > t.alice);
	t.alice = id;
	assert_true(test_mailbox(&t, "INBOX") > t.archive);
	struct store_mailbox inbox;

	assert_int_equal(store_mailbox_find(t.s, &t.a, id, S("inbox"), &inbox), 0);
	assert_true(inbox.uidvalidity > old_uidvalidity);
	assert_int_equal(inbox.messages, 0);
	test_close(&t);
}

TEST(account_credentials)
{
	const struct store_credential first[] = { { S("crypt"), S("$y$1") },
						  { S("scram-sha-256"), S("k") } };
	const struct store_credential second[] = { { S("crypt"), S("$y$2") } };
	struct test_store t;
	struct str value;

	test_open(&t);
	assert_int_equal(store_credentials_set(t.s, t.alice, first, 2), 0);
	assert_int_equal(store_credential_get(t.s, &t.a, t.alice, S("scram-sha-256"), &value), 0);
	assert_str_eq(value, S("k"));
	assert_int_equal(store_credentials_set(t.s, t.alice, second, 1), 0);
	assert_int_equal(store_credential_get(t.s, &t.a, t.alice, S("crypt"), &value), 0);
	assert_str_eq(value, S("$y$2"));
	assert_int_equal(store_credential_get(t.s, &t.a, t.alice, S("scram-sha-256"), &value),
			 -E_NOT_FOUND);
	assert_int_equal(store_credentials_set(t.s, 999, second, 1), -E_NOT_FOUND);
	test_close(&t);
}

/* What changed since it was read stays as it is. */
TEST(account_credentials_if_unchanged)
{
	const struct store_credential old = { S("crypt"), S("$y$1") };
	const struct store_credential other = { S("crypt"), S("$y$2") };
	const struct store_credential both[] = { { S("crypt"), S("$y$1") },
						 { S("scram-sha-1"), S("k") } };
	struct test_store t;
	struct str value;

	test_open(&t);
	assert_int_equal(store_credentials_set_if(t.s, t.alice, &old, both, 2), -E_BUSY);
	assert_int_equal(store_credentials_set(t.s, t.alice, &old, 1), 0);
	assert_int_equal(store_credentials_set_if(t.s, t.alice, &old, both, 2), 0);
	assert_int_equal(store_credential_get(t.s, &t.a, t.alice, S("scram-sha-1"), &value), 0);
	assert_int_equal(store_credentials_set(t.s, t.alice, &other, 1), 0);
	assert_int_equal(store_credentials_set_if(t.s, t.alice, &old, both, 2), -E_BUSY);
	assert_int_equal(store_credential_get(t.s, &t.a, t.alice, S("crypt"), &value), 0);
	assert_str_eq(value, S("$y$2"));
	assert_int_equal(store_credential_get(t.s, &t.a, t.alice, S("scram-sha-1"), &value),
			 -E_NOT_FOUND);
	test_close(&t);
}

TEST(account_pop3_lock)
{
	struct test_store t;

	test_open(&t);
	for (int64_t id = 1; id < 500; id++)
		assert_int_equal(store_pop3_lock(t.s, id), 0);
	assert_int_equal(store_pop3_lock(t.s, 77), -E_BUSY);
	for (int64_t id = 1; id < 500; id++)
		store_pop3_unlock(t.s, id);
	assert_int_equal(store_pop3_lock(t.s, 77), 0);
	store_pop3_unlock(t.s, 77);
	test_close(&t);
}

static void test_quota(const struct store_quota *q, int64_t bytes, int64_t messages,
		       int64_t mailboxes)
{
	assert_int_equal(q->bytes, bytes);
	assert_int_equal(q->messages, messages);
	assert_int_equal(q->mailboxes, mailboxes);
}

TEST(account_default_quota)
{
	const struct store_conf conf = {
		.default_quota_bytes = 1234,
		.default_quota_messages = 5,
		.default_quota_mailboxes = 6,
	};
	struct test_store t;
	struct store_account account;
	struct store_quota limit, used;
	struct fault f;
	int64_t id;

	test_open(&t);
	store_configure(t.s, &conf);
	assert_int_equal(store_account_add(t.s, S("bob@example.org"),
					   &(struct store_quota){ 0, 7, -1 }, NULL, 0, &id, &f),
			 0);
	assert_int_equal(store_quota_get(t.s, id, &limit, &used), 0);
	test_quota(&limit, 0, 7, 6);
	assert_int_equal(store_account_add(t.s, S("carl@example.org"), NULL, NULL, 0, &id, &f), 0);
	assert_int_equal(store_account_get(t.s, &t.a, id, &account), 0);
	test_quota(&account.quota, 1234, 5, 6);
	assert_int_equal(store_quota_set(t.s, id, &(struct store_quota){ 99, -1, 0 }), 0);
	assert_int_equal(store_quota_get(t.s, id, &limit, &used), 0);
	test_quota(&limit, 99, 5, 0);
	test_quota(&used, 0, 0, 6);
	assert_int_equal(store_quota_set(t.s, 12345, &limit), -E_NOT_FOUND);
	assert_int_equal(store_quota_get(t.s, 12345, &limit, &used), -E_NOT_FOUND);
	test_close(&t);
}

/* alice (1), bob (2, full), carl@catch.test (3); who gets what. */
static void open_routes(struct test_store *t, int64_t *bob, int64_t *carl)
{
	struct fault f;

	test_open(t);
	assert_int_equal(store_account_add(t->s, S("bob@example.org"),
					   &(struct store_quota){ .bytes = 100 }, NULL, 0, bob, &f), 0);
	assert_int_equal(store_domain_add(t->s, S("Catch.Test."), &f), 0);
	assert_int_equal(store_domain_add(t->s,
					  S("b\xc3\xbc"
					    "cher.example"),
					  &f),
			 0);
	assert_int_equal(store_account_add(t->s, S("Carl@catch.test"), NULL, NULL, 0, carl, &f), 0);
	assert_int_equal(store_alias_add(t->s, S("@catch.test"), S("alice@example.org"), &f), 0);
	assert_int_equal(store_alias_add(t->s, S("both@example.org"), S("alice@example.org"), &f),
			 0);
	assert_int_equal(store_alias_add(t->s, S("both@example.org"), S("bob@example.org"), &f), 0);
	assert_int_equal(
		store_alias_add(t->s, S("a+special@example.org"), S("bob@example.org"), &f), 0);
	assert_int_equal(store_alias_add(t->s, S("j\xc3\xbcrgen@xn--bcher-kva.example"),
					 S("carl@catch.test"), &f),
			 0);
}

TEST(route)
{
	static const struct {
		const char *address;
		int64_t size;
		int rc;
		const char *want; /* letters of accounts */
	} rows[] = {
		{ "alice@example.org", 0, 0, "a" },
		{ "ALICE@EXAMPLE.ORG", 0, 0, "a" },
		{ "alice@example.org.", 0, 0, "a" },
		{ "\"alice\"@example.org", 0, 0, "a" },
		{ "\"al\\ice\"@example.org", 0, 0, "a" },
		{ "alice+x@example.org", 0, 0, "a" },
		{ "alice+x+y@example.org", 0, 0, "a" },
		{ "a+special@example.org", 0, 0, "b" },
		{ "bob@example.org", 100, 0, "b" },
		{ "bob@example.org", 101, -E_QUOTA, NULL },
		{ "both@example.org", 0, 0, "ab" },
		{ "both+t@example.org", 500, 0, "ab" },
		{ "nobody@example.org", 0, -E_NOT_FOUND, NULL },
		{ "+x@example.org", 0, -E_NOT_FOUND, NULL },
		{ "anybody@catch.test", 0, 0, "a" },
		{ "carl@catch.test", 0, 0, "c" },
		{ "carl@xn--catch.test", 0, -E_DENIED, NULL },
		{ "J\xc3\x9cRGEN@b\xc3\xbc"
		  "cher.example",
		  0, 0, "c" },
		{ "ju\xcc\x88rgen@B\xc3\x9c"
		  "CHER.example",
		  0, 0, "c" },
		{ "postmaster", 0, 0, "a" },
		{ "Postmaster@example.org", 0, 0, "a" },
		{ "postmaster@catch.test", 0, 0, "a" },
		{ "postmaster@elsewhere.test", 0, -E_DENIED, NULL },
		{ "x@elsewhere.test", 0, -E_DENIED, NULL },
		{ "x@[192.0.2.1]", 0, -E_DENIED, NULL },
		{ "x\x01@example.org", 0, -E_NOT_FOUND, NULL },
		{ "x", 0, -E_DENIED, NULL },
		{ "", 0, -E_DENIED, NULL },
		{ "@", 0, -E_DENIED, NULL },
		{ "x@\xff", 0, -E_DENIED, NULL },
	};
	struct test_store t;
	int64_t bob, carl;

	open_routes(&t, &bob, &carl);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct store_route r = { 0 };
		char *copy = test_copy(str_z(rows[i].address));
		char got[8] = "";

		test_row(rows[i].address);
		assert_int_equal(store_route(t.s, &t.a, str_of(copy, strlen(rows[i].address)),
					     rows[i].size, &r),
				 rows[i].rc);
		mem_free(copy);
		for (size_t k = 0; k < r.n_accounts && k < 7; k++)
			got[k] = r.accounts[k] == t.alice ? 'a' : r.accounts[k] == bob ? 'b' : 'c';
		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
	}
	test_close(&t);
}

TEST(may_send_as)
{
	static const struct {
		const char *address;
		bool alice, carl;
	} rows[] = {
		{ "alice@example.org", true, false },
		{ "Alice+tag@example.org", true, false },
		{ "both@example.org", true, false },
		{ "both+x@example.org", true, false },
		{ "anything@catch.test", true, false },
		{ "anything+x@catch.test", true, false },
		{ "carl@catch.test", false, true }, /* a catch-all is of addresses that are nobody's */
		{ "carl+x@catch.test", false, true },
		{ "postmaster@example.org", true, false }, /* the first account has its mail */
		{ "bob@example.org", false, false },
		{ "x@elsewhere.test", false, false },
		{ "j\xc3\xbcrgen@b\xc3\xbc"
		  "cher.example",
		  false, true },
		{ "", false, false },
	};
	struct test_store t;
	int64_t bob, carl;

	open_routes(&t, &bob, &carl);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].address);
		assert_int_equal(store_may_send_as(t.s, t.alice, str_z(rows[i].address)),
				 rows[i].alice ? 0 : -E_DENIED);
		assert_int_equal(store_may_send_as(t.s, carl, str_z(rows[i].address)),
				 rows[i].carl ? 0 : -E_DENIED);
	}
	assert_int_equal(store_may_send_as(t.s, 4711, S("alice@example.org")), -E_DENIED);
	test_close(&t);
}

TEST(lists_of_domains_aliases_accounts)
{
	struct test_store t;
	struct str *domains;
	struct store_alias *aliases;
	struct store_account *accounts;
	int64_t bob, carl;
	size_t n;

	open_routes(&t, &bob, &carl);
	assert_int_equal(store_domain_list(t.s, &t.a, &domains, &n), 0);
	assert_int_equal(n, 3);
	assert_str_eq(domains[0], S("catch.test"));
	assert_str_eq(domains[2], S("xn--bcher-kva.example"));
	assert_int_equal(store_alias_list(t.s, &t.a, &aliases, &n), 0);
	assert_int_equal(n, 5);
	assert_str_eq(aliases[0].address, S("@catch.test"));
	assert_str_eq(aliases[0].target, S("alice@example.org"));
	assert_int_equal(store_account_list(t.s, &t.a, &accounts, &n), 0);
	assert_int_equal(n, 3);
	assert_str_eq(accounts[2].name, S("carl@catch.test"));
	assert_int_equal(store_domain_find(t.s, S("B\xc3\x9c"
						  "CHER.example")),
			 0);
	assert_int_equal(store_domain_find(t.s, S("example.net")), -E_NOT_FOUND);
	test_close(&t);
}
