/* SPDX-License-Identifier: MIT */
/* Rights: letters, sums, names of other users' mailboxes, what others see, races. */
#include "store/rights.h"

#include "base/limits.h"
#include "store/store_test.h"

#define ALICE "Other Users/alice@example.org/"

static const char *print(unsigned rights)
{
	static char text[64];
	AUTO(buf_fini) struct buf out = BUF_INIT(64);

	store_rights_print(rights, &out);
	snprintf(text, sizeof(text), "%s", buf_z(&out));
	return text;
}

/* RFC 4314 2.1.1, with its examples */
TEST(rights_letters)
{
	static const struct {
		const char *text, *printed;
	} rows[] = {
		{ "", "" },
		{ "lrswida", "lrswitead" },
		{ "lrswikda", "lrswikteacd" },
		{ "cda", "kxteacd" },
		{ "lrswipkxtea", "lrswipkxteacd" },
		{ "nr", "rn" }, /* RFC 5257 3.4 */
		{ "x", "xc" },
		{ "llrl", "lr" },
	};
	static const char *const wrong[] = { "lrQswicda", "lrqswicda", "lr ", "0", "l\xc3" };
	unsigned rights;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(store_rights_parse(str_z(rows[i].text), &rights));
		assert_string_equal(print(rights), rows[i].printed);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(store_rights_parse(str_z(wrong[i]), &rights));
}

TEST(rights_place)
{
	static const struct {
		const char *name, *login, *local, *shown;
		bool is_other;
	} rows[] = {
		{ "a/b", "", "a/b", "a/b", false },
		{ "inbox/x", "", "INBOX/x", "INBOX/x", false },
		{ "other users/x", "", "other users/x", "other users/x", false },
		{ "Other Users", "", "", "Other Users", true },
		{ ALICE "inbox", "alice@example.org", "INBOX", ALICE "INBOX", true },
		{ "Other Users/ALICE@Example.org/x/y@z/w", "alice@example.org", "x/y@z/w",
		  ALICE "x/y@z/w", true },
		{ "Other Users/a/b@example.org/x", "a/b@example.org", "x", "Other Users/a/b@example.org/x",
		  true },
		{ "Other Users/alice@example.org", "alice@example.org", "",
		  "Other Users/alice@example.org", true },
		{ "Other Users/nobody/x", "", "", "Other Users/nobody/x", true },
	};
	AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
	struct store_place p;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(store_place_parse(&a, str_z(rows[i].name), &p, NULL), 0);
		assert_str_eq(p.login, str_z(rows[i].login));
		assert_str_eq(p.local, str_z(rows[i].local));
		assert_str_eq(p.shown, str_z(rows[i].shown));
		assert_int_equal(p.is_other, rows[i].is_other);
	}
	assert_int_equal(store_place_parse(&a, S("Other Users/"), &p, NULL), -E_CANNOT);
	assert_int_equal(store_place_parse(&a, S(ALICE "/x"), &p, NULL), -E_CANNOT);
	assert_int_equal(store_place_parse(&a, S(ALICE "x\x01"), &p, NULL), -E_CANNOT);
}

struct two {
	struct test_store t;
	int64_t bob, eve; /* of alice's domain; of another one */
};

static void two_open(struct two *w)
{
	struct fault f = { "" };

	test_open(&w->t);
	assert_int_equal(store_domain_add(w->t.s, S("example.net"), &f), 0);
	assert_int_equal(
		store_account_add(w->t.s, S("bob@example.org"), NULL, NULL, 0, &w->bob, &f), 0);
	assert_int_equal(
		store_account_add(w->t.s, S("eve@example.net"), NULL, NULL, 0, &w->eve, &f), 0);
}

static void change(struct two *w, int64_t who, bool is_negative, const char *rights_z)
{
	const struct store_identifier id = { .who = who, .is_negative = is_negative };
	unsigned rights;

	assert_true(store_rights_parse(str_z(rights_z), &rights));
	assert_int_equal(store_rights_change(w->t.s, w->t.archive, 0, &id, STORE_RIGHTS_SET, rights),
			 0);
}

static const char *of(struct two *w, int64_t user)
{
	unsigned rights = 0;

	assert_int_equal(store_rights_get(w->t.s, w->t.archive, user, &rights), 0);
	return print(rights);
}

/* How many names LIST has below "Other Users" that exist. */
static size_t n_shared(struct two *w, int64_t user)
{
	struct store_mailbox *v;
	size_t n, found = 0;

	assert_int_equal(store_mailbox_list_visible(w->t.s, &w->t.a, user, &v, &n), 0);
	for (size_t i = 0; i < n; i++) {
		if (v[i].id == 0 || !str_starts(v[i].name, S("Other Users/")))
			continue;
		found++;
		assert_true(v[i].rights & STORE_R_LOOKUP);
		assert_false(v[i].is_subscribed);
		assert_int_equal(v[i].special_use, 0);
	}
	return found;
}

TEST(rights_sum)
{
	struct two w;

	two_open(&w);
	assert_string_equal(of(&w, w.t.alice), "lrswipkxteancd");
	assert_string_equal(of(&w, w.bob), "");
	assert_int_equal(n_shared(&w, w.bob), 0);
	change(&w, w.bob, false, "lr");
	change(&w, 0, false, "lsw");
	assert_string_equal(of(&w, w.bob), "lrsw");
	/* "anyone" is who has the same domain, until the settings say otherwise. */
	assert_string_equal(of(&w, w.eve), "");
	assert_int_equal(n_shared(&w, w.eve), 0);
	change(&w, w.bob, true, "w");
	assert_string_equal(of(&w, w.bob), "lrs");
	change(&w, 0, true, "l");
	assert_string_equal(of(&w, w.bob), "rs");
	assert_int_equal(n_shared(&w, w.bob), 0);
	change(&w, 0, true, "");
	assert_int_equal(n_shared(&w, w.bob), 1);
	atomic_store(&w.t.s->anyone, STORE_ANYONE_ALL);
	assert_string_equal(of(&w, w.eve), "lsw");
	assert_int_equal(n_shared(&w, w.eve), 1);
	atomic_store(&w.t.s->anyone, STORE_ANYONE_NO);
	assert_string_equal(of(&w, w.bob), "lr");
	change(&w, w.bob, false, "");
	assert_string_equal(of(&w, w.bob), "");
	assert_int_equal(n_shared(&w, w.bob), 0);
	test_close(&w.t);
}

static int lookup(struct two *w, int64_t user, const char *name_z, unsigned need)
{
	struct store_mailbox m;
	int rc = store_mailbox_lookup(w->t.s, &w->t.a, user, str_z(name_z), need, &m);

	if (rc == 0) {
		assert_str_eq(m.name, str_z(name_z));
		assert_int_equal(m.id, w->t.archive);
	}
	return rc;
}

TEST(rights_lookup)
{
	struct two w;

	two_open(&w);
	assert_int_equal(lookup(&w, w.t.alice, "Archive", STORE_RIGHTS_ALL), 0);
	assert_int_equal(lookup(&w, w.t.alice, ALICE "Archive", 0), -E_NOT_FOUND);
	assert_int_equal(lookup(&w, w.bob, ALICE "Archive", 0), -E_NOT_FOUND);
	/* "s" tells nobody that it is there. */
	change(&w, w.bob, false, "swpte");
	assert_int_equal(lookup(&w, w.bob, ALICE "Archive", 0), -E_NOT_FOUND);
	assert_int_equal(lookup(&w, w.bob, ALICE "Archive", STORE_R_SEEN), -E_NOT_FOUND);
	change(&w, w.bob, false, "r");
	assert_int_equal(lookup(&w, w.bob, ALICE "Archive", STORE_R_READ), 0);
	assert_int_equal(lookup(&w, w.bob, ALICE "Archive", STORE_R_INSERT), -E_NOT_FOUND);
	change(&w, w.bob, false, "l");
	assert_int_equal(lookup(&w, w.bob, ALICE "Archive", STORE_R_INSERT), -E_DENIED);
	assert_int_equal(lookup(&w, w.bob, ALICE "nothing", STORE_R_INSERT), -E_NOT_FOUND);
	assert_int_equal(lookup(&w, w.bob, "Other Users/nobody@example.org/Archive", 0), -E_NOT_FOUND);
	test_close(&w.t);
}

/* Who may change them, how many there may be, and that they go with what they are about. */
TEST(rights_change)
{
	struct two w;
	struct store_identifier id;
	struct store_rights_entry *v;
	uint64_t generation;
	struct fault f = { "" };
	size_t n;

	two_open(&w);
	generation = store_rights_generation(w.t.s);
	id = (struct store_identifier){ .who = w.eve };
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, w.bob, &id, STORE_RIGHTS_ADD, 1),
			 -E_NOT_FOUND);
	change(&w, w.bob, false, "l");
	assert_true(store_rights_generation(w.t.s) > generation);
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, w.bob, &id, STORE_RIGHTS_ADD, 1),
			 -E_DENIED);
	change(&w, w.bob, false, "la");
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, w.bob, &id, STORE_RIGHTS_ADD, 3), 0);
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, w.bob, &id, STORE_RIGHTS_TAKE, 1), 0);
	id.who = w.t.alice;
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, w.bob, &id, STORE_RIGHTS_SET, 0),
			 -E_CANNOT);
	id.is_negative = true;
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, w.bob, &id, STORE_RIGHTS_SET, 1),
			 -E_CANNOT);
	id = (struct store_identifier){ .who = 4711 };
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, 0, &id, STORE_RIGHTS_SET, 1),
			 -E_NOT_FOUND);
	assert_int_equal(store_rights_list(w.t.s, &w.t.a, w.t.archive, &v, &n), 0);
	assert_int_equal(n, 3);
	assert_str_eq(v[0].identifier, S("alice@example.org"));
	assert_str_eq(v[1].identifier, S("bob@example.org"));
	assert_str_eq(v[2].identifier, S("eve@example.net"));
	assert_int_equal(v[2].rights, STORE_R_READ);
	assert_int_equal(store_account_remove(w.t.s, S("eve@example.net"), &f), 0);
	assert_int_equal(store_rights_list(w.t.s, &w.t.a, w.t.archive, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(store_mailbox_delete(w.t.s, w.t.alice, S("Archive"), &f), 0);
	assert_int_equal(n_shared(&w, w.bob), 0);
	test_recount(&w.t);
	test_close(&w.t);
}

/* RFC 4314 4: CREATE inherits, RENAME keeps; what each needs. */
TEST(rights_create_rename_delete)
{
	struct two w;
	struct fault f = { "" };
	int64_t id;

	two_open(&w);
	change(&w, w.bob, false, "lr");
	assert_int_equal(store_mailbox_create_by(w.t.s, w.bob, w.t.alice, S("Archive/a"), 0, &id, &f),
			 -E_DENIED);
	assert_int_equal(store_mailbox_create_by(w.t.s, w.bob, w.t.alice, S("top"), 0, &id, &f),
			 -E_DENIED);
	assert_int_equal(store_mailbox_create_by(w.t.s, w.bob, w.t.alice, S("Sent/a"), 0, &id, &f),
			 -E_DENIED);
	change(&w, w.bob, false, "lrk");
	assert_int_equal(store_mailbox_create_by(w.t.s, w.bob, w.t.alice, S("Archive/a"),
						 STORE_USE_SENT, &id, &f),
			 -E_CANNOT);
	assert_int_equal(store_mailbox_create_by(w.t.s, w.bob, w.t.alice, S("Archive/a/b"), 0, &id, &f),
			 0);
	assert_int_equal(n_shared(&w, w.bob), 3);
	assert_int_equal(store_mailbox_delete_by(w.t.s, w.bob, w.t.alice, S("Archive/a"), &f), -E_DENIED);
	assert_int_equal(store_mailbox_delete_by(w.t.s, w.bob, w.t.alice, S("Sent"), &f), -E_NOT_FOUND);
	assert_int_equal(
		store_mailbox_rename_by(w.t.s, w.bob, w.t.alice, S("Archive/a"), S("Archive/c"), &f),
		-E_DENIED);
	test_share(&w.t, test_mailbox(&w.t, "Archive/a"), w.bob, "lx");
	assert_int_equal(
		store_mailbox_rename_by(w.t.s, w.bob, w.t.alice, S("Archive/a"), S("elsewhere"), &f),
		-E_DENIED);
	assert_int_equal(
		store_mailbox_rename_by(w.t.s, w.bob, w.t.alice, S("Archive/a"), S("Archive/c"), &f), 0);
	assert_int_equal(n_shared(&w, w.bob), 3);
	assert_int_equal(store_mailbox_delete_by(w.t.s, w.bob, w.t.alice, S("Archive/c"), &f), 0);
	assert_int_equal(n_shared(&w, w.bob), 2);
	test_share(&w.t, w.t.inbox, w.bob, "lxk");
	assert_int_equal(store_mailbox_delete_by(w.t.s, w.bob, w.t.alice, S("INBOX"), &f), -E_CANNOT);
	assert_int_equal(
		store_mailbox_rename_by(w.t.s, w.bob, w.t.alice, S("INBOX"), S("INBOX/c"), &f),
		-E_CANNOT);
	/* That name is nobody's own. */
	assert_int_equal(store_mailbox_create(w.t.s, w.t.alice, S("Other Users/x"), 0, &id, &f), -E_CANNOT);
	assert_int_equal(store_mailbox_rename(w.t.s, w.t.alice, S("Sent"), S("Other Users"), &f), -E_CANNOT);
	test_recount(&w.t);
	test_close(&w.t);
}

static int flag(struct two *w, enum store_flag_op op, uint64_t flags, uint64_t *ret)
{
	struct uidset uids = test_uids(&w->t, 1, 1), modified;
	struct store_flag_change c = { .user = w->bob, .op = op, .flags = flags };
	struct store_mbox *m;
	struct store_view *v;
	uint64_t modseq;
	int rc = store_flags(w->t.s, &w->t.a, w->t.archive, &uids, &c, &modified, &modseq);

	assert_int_equal(store_mbox_open(w->t.s, w->t.archive, &m), 0);
	v = test_view(m);
	*ret = store_view_at(v, 1)->flags;
	store_view_unref(v);
	store_mbox_close(&m);
	return rc;
}

/* RFC 4314 4, STORE */
TEST(rights_flags)
{
	struct two w;
	uint64_t now;

	two_open(&w);
	test_append(&w.t, w.t.archive, STORE_DRAFT, 1);
	change(&w, w.bob, false, "lr");
	assert_int_equal(flag(&w, STORE_FLAGS_ADD, STORE_SEEN, &now), -E_DENIED);
	change(&w, w.bob, false, "lrs");
	assert_int_equal(flag(&w, STORE_FLAGS_ADD, STORE_SEEN | STORE_DELETED, &now), 0);
	assert_int_equal(now, STORE_SEEN | STORE_DRAFT);
	assert_int_equal(flag(&w, STORE_FLAGS_REMOVE, STORE_DRAFT, &now), -E_DENIED);
	assert_int_equal(now, STORE_SEEN | STORE_DRAFT);
	assert_int_equal(flag(&w, STORE_FLAGS_SET, 0, &now), 0);
	assert_int_equal(now, STORE_DRAFT);
	change(&w, w.bob, false, "lrt");
	assert_int_equal(flag(&w, STORE_FLAGS_SET, STORE_DELETED | STORE_SEEN, &now), 0);
	assert_int_equal(now, STORE_DRAFT | STORE_DELETED);
	change(&w, w.bob, false, "lrw");
	assert_int_equal(flag(&w, STORE_FLAGS_SET, STORE_FLAGGED, &now), 0);
	assert_int_equal(now, STORE_FLAGGED | STORE_DELETED);
	/* Not without reading. */
	change(&w, w.bob, false, "lswte");
	assert_int_equal(flag(&w, STORE_FLAGS_SET, STORE_SEEN, &now), -E_DENIED);
	test_recount(&w.t);
	test_close(&w.t);
}

/* What a session has checked is checked again where it is done: rights may have gone in between. */
TEST(rights_in_the_transaction)
{
	struct two w;
	struct store_content_new c;
	struct store_append v;
	struct store_appended at;
	struct uidset gone;
	struct store_mailbox m;
	uint64_t modseq;

	two_open(&w);
	c = test_prepare(&w.t.a, S("Subject: a\r\n"));
	v = (struct store_append){ .user = w.bob,
				   .mailbox = w.t.archive,
				   .content = &c,
				   .flags = STORE_SEEN | STORE_DELETED | STORE_DRAFT };
	assert_int_equal(store_append(w.t.s, &v, 1, &at), -E_NOT_FOUND);
	change(&w, w.bob, false, "lrswte");
	assert_int_equal(store_append(w.t.s, &v, 1, &at), -E_DENIED);
	change(&w, w.bob, false, "it");
	assert_int_equal(store_append(w.t.s, &v, 1, &at), 0);
	assert_int_equal(store_mailbox_get(w.t.s, &w.t.a, w.t.archive, &m), 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.unseen, 1);
	assert_int_equal(m.deleted, 1);
	change(&w, w.bob, false, "lrswt");
	assert_int_equal(
		store_expunge_by(w.t.s, &w.t.a, w.bob, w.t.archive, NULL, true, &gone, &modseq),
		-E_DENIED);
	change(&w, w.bob, false, "lte");
	assert_int_equal(
		store_expunge_by(w.t.s, &w.t.a, w.bob, w.t.archive, NULL, true, &gone, &modseq),
		-E_DENIED);
	change(&w, w.bob, false, "re");
	assert_int_equal(
		store_expunge_by(w.t.s, &w.t.a, w.bob, w.t.archive, NULL, true, &gone, &modseq), 0);
	assert_int_equal(gone.n, 1);
	test_recount(&w.t);
	test_close(&w.t);
}

static int fill_tx(struct db_tx *tx, void *arg)
{
	struct two *w = arg;
	int rc = 0;

	for (int64_t i = 0; i < LIMIT_RIGHTS && rc == 0; i++)
		rc = DB_EXEC(tx, SQL(RIGHTS_PUT), DB_I(w->t.archive), DB_I(1000 + i), DB_I(1), DB_I(1));
	return rc;
}

TEST(rights_limit)
{
	struct two w;
	const struct store_identifier old = { .who = 0 };
	struct store_identifier id;

	two_open(&w);
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, 0, &old, STORE_RIGHTS_SET, 1), 0);
	assert_int_equal(db_write(w.t.db, &(struct db_write_job){ .fn = fill_tx, .arg = &w }), 0);
	id = (struct store_identifier){ .who = w.bob };
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, 0, &id, STORE_RIGHTS_SET, 1), -E_LIMIT);
	/* What is there can be changed, and go. */
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, 0, &old, STORE_RIGHTS_ADD, 2), 0);
	assert_int_equal(store_rights_change(w.t.s, w.t.archive, 0, &old, STORE_RIGHTS_SET, 0), 0);
	test_close(&w.t);
}

/* Sessions that have a mailbox selected ask again when the settings have changed. */
TEST(rights_anyone_changes)
{
	const struct store_conf conf = { .anyone = STORE_ANYONE_ALL };
	struct two w;
	uint64_t before;

	two_open(&w);
	before = store_rights_generation(w.t.s);
	store_configure(w.t.s, &conf);
	assert_int_equal(store_rights_generation(w.t.s), before + 1);
	store_configure(w.t.s, &conf);
	assert_int_equal(store_rights_generation(w.t.s), before + 1);
	test_close(&w.t);
}

/* ---- what LIST bears ---- */

static int put(struct db_tx *tx, int64_t mailbox, int64_t who, bool is_given)
{
	return DB_EXEC(tx, SQL(RIGHTS_PUT), DB_I(mailbox), DB_I(who), DB_I(is_given),
		       DB_I(STORE_RIGHTS_ALL));
}

/* As many rows about bob as LIST looks at, then one that takes away what anyone has. */
static int crowd_tx(struct db_tx *tx, void *arg)
{
	struct two *w = arg;
	int rc = put(tx, w->t.archive, 0, true);

	for (int64_t i = 1; i <= LIMIT_SHARED && rc == 0; i++)
		rc = put(tx, -i, w->bob, true);
	return rc == 0 ? put(tx, w->t.archive, w->bob, false) : rc;
}

TEST(rights_taken_away_beyond_the_limit)
{
	struct two w;

	two_open(&w);
	assert_int_equal(db_write(w.t.db, &(struct db_write_job){ .fn = crowd_tx, .arg = &w }), 0);
	assert_string_equal(of(&w, w.bob), "");
	assert_int_equal(n_shared(&w, w.bob), 0);
	test_close(&w.t);
}

#define LEVELS 400
#define LEAVES 60

/* Names whose superiors are not shared: each superior is in the list once, not once for each name below it. */
TEST(rights_deep_names)
{
	struct two w;
	struct store_mailbox *v;
	struct arena a;
	struct fault f = { "" };
	char name[2 * LEVELS + 3];
	int64_t id;
	size_t n;

	two_open(&w);
	for (size_t i = 0; i < LEVELS; i++)
		memcpy(name + 2 * i, "d/", 2);
	name[2 * LEVELS + 1] = '\0';
	for (size_t i = 0; i < LEAVES; i++) {
		const struct store_identifier bob = { .who = w.bob };

		name[2 * LEVELS] = (char)('0' + (int)i);
		if (name[2 * LEVELS] == '/')
			continue;
		assert_int_equal(store_mailbox_create(w.t.s, w.t.alice, str_z(name), 0, &id, &f), 0);
		assert_int_equal(store_rights_change(w.t.s, id, 0, &bob, STORE_RIGHTS_SET, 3), 0);
	}
	arena_init(&a, 1u << 20);
	assert_int_equal(store_mailbox_list_visible(w.t.s, &a, w.bob, &v, &n), 0);
	/* "Other Users", the login, INBOX and what else bob has are few. */
	assert_in_range(n, LEVELS + LEAVES, LEVELS + LEAVES + 10);
	arena_fini(&a);
	test_close(&w.t);
}

/* Each level gets the rows of the one above it. */
TEST(rights_limit_of_the_account)
{
	struct two w;
	struct fault f = { "" };
	struct store_mailbox m;
	char name[1000] = "Archive";
	int64_t id;

	two_open(&w);
	assert_int_equal(db_write(w.t.db, &(struct db_write_job){ .fn = fill_tx, .arg = &w }), 0);
	for (size_t i = 0; i < LIMIT_RIGHTS_ACCOUNT / LIMIT_RIGHTS; i++)
		snprintf(name + strlen(name), sizeof(name) - strlen(name), "/d");
	assert_int_equal(store_mailbox_create(w.t.s, w.t.alice, str_z(name), 0, &id, &f), -E_LIMIT);
	assert_int_equal(store_mailbox_find(w.t.s, &w.t.a, w.t.alice, S("Archive/d"), &m), -E_NOT_FOUND);
	name[strlen(name) - 2] = '\0';
	assert_int_equal(store_mailbox_create(w.t.s, w.t.alice, str_z(name), 0, &id, &f), 0);
	assert_int_equal(store_mailbox_create(w.t.s, w.t.alice, S("Archive/e"), 0, &id, &f), -E_LIMIT);
	assert_int_equal(store_mailbox_create(w.t.s, w.t.alice, S("free"), 0, &id, &f), 0);
	test_close(&w.t);
}
