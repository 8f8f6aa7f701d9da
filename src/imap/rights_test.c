/* SPDX-License-Identifier: MIT */
/*
 * Each command that names a mailbox or works in one, as somebody else than its owner, with each set of
 * rights that decides something: the table of RFC 4314 4 and what the extensions add to it.
 *
 *   - It is done exactly when the rights are there.
 *   - When it is refused nothing has changed.
 *   - When it is refused to somebody without "l", every byte of the answer is that of a mailbox
 *     that does not exist.
 */
#include "imap/imap_test.h"

#include "base/test.h"
#include "store/annotation.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/note.h"
#include "store/rights.h"
#include "store/view.h"

#define OF "Other Users/alice@example.test/"
#define URL_OF "/Other%20Users/alice@example.test/Work/"
#define MAIL "{17+}\r\nSubject: a\r\n\r\nb\r\n"

/* %M is Plans of alice (or Cargo, which is not there); bob has the same rights on its superior Work. */
static const struct row {
	const char *setup; /* a command before it; NULL: none */
	const char *command;
	const char *need; /* all of them */
	const char *any;  /* and one of these; NULL: nothing */
} rows[] = {
	{ NULL, "SELECT %M", "r", NULL },
	{ NULL, "EXAMINE %M", "r", NULL },
	{ NULL, "SELECT %M (CONDSTORE)", "r", NULL },
	{ NULL, "STATUS %M (MESSAGES UIDNEXT MAILBOXID)", "r", NULL },
	{ NULL, "STATUS %M (DELETED-STORAGE RECENT)", "r", NULL },
	{ NULL, "GETQUOTAROOT %M", "r", NULL },
	{ NULL, "MYRIGHTS %M", "", "lrikxa" },
	{ NULL, "GETACL %M", "a", NULL },
	{ NULL, "LISTRIGHTS %M anyone", "a", NULL },
	{ NULL, "SETACL %M anyone lr", "a", NULL },
	{ NULL, "DELETEACL %M bob@example.test", "a", NULL },
	{ NULL, "GETMETADATA %M /shared/comment", "l", "rswip" },
	{ NULL, "SETMETADATA %M (/shared/comment \"x\")", "l", "rswip" },
	{ NULL, "SETMETADATA %M (/private/comment \"x\")", "l", "rswip" },
	{ NULL, "CREATE %M/new", "k", NULL },
	{ NULL, "CREATE %M/new/er", "k", NULL },
	{ NULL, "DELETE %M", "x", NULL },
	{ NULL, "RENAME %M \"" OF "Work/Renamed\"", "xk", NULL },
	{ NULL, "APPEND %M " MAIL, "i", NULL },
	{ NULL, "APPEND %M ANNOTATION (/a (value.priv \"x\")) " MAIL, "ir", NULL },
	{ NULL, "APPEND %M ANNOTATION (/a (value.shared \"x\")) " MAIL, "in", NULL },
	{ NULL, "APPEND %M " MAIL " ANNOTATION (/a (value.shared NIL)) " MAIL, "in", NULL },
	{ NULL, "APPEND %M (\\Seen) " MAIL " (\\Deleted x) " MAIL, "i", NULL },
	{ NULL, "APPEND INBOX CATENATE (URL \"" URL_OF "%m/;UID=1\")", "r", NULL },
	{ NULL, "APPEND INBOX CATENATE (URL \"" URL_OF "%m/;UID=1/;SECTION=1\")", "r", NULL },
	{ NULL, "RESETKEY %M", "r", NULL },
	{ NULL, "GENURLAUTH \"imap://bob%40example.test@h" URL_OF "%m/;UID=1;URLAUTH=anonymous\" INTERNAL",
	  "r", NULL },
	{ "SELECT INBOX", "COPY 1 %M", "i", NULL },
	{ "SELECT INBOX", "UID COPY * %M", "i", NULL },
	{ "SELECT INBOX", "MOVE 1 %M", "i", NULL },
	{ "SELECT INBOX", "UID MOVE * %M", "i", NULL },
	{ "SELECT INBOX", "REPLACE 1 %M " MAIL, "i", NULL },
	{ "SELECT INBOX", "UID REPLACE * %M " MAIL, "i", NULL },
	{ "SELECT INBOX", "REPLACE 1 %M ANNOTATION (/a (value.shared \"x\")) " MAIL, "in", NULL },
	{ "SELECT %M", "FETCH 1 BODY[]", "r", NULL },
	{ "SELECT %M", "UID FETCH 1 (FLAGS BINARY[1] PREVIEW)", "r", NULL },
	{ "SELECT %M", "SEARCH RETURN (SAVE ALL) ALL", "r", NULL },
	{ "SELECT %M", "SORT (DATE) UTF-8 ALL", "r", NULL },
	{ "SELECT %M", "SEARCH ANNOTATION * value \"secret\"", "r", NULL },
	{ "SELECT %M", "SORT (ANNOTATION /note value.shared) UTF-8 ALL", "r", NULL },
	{ "SELECT %M", "THREAD REFERENCES UTF-8 ALL", "r", NULL },
	{ "SELECT %M", "STORE 1 FLAGS.SILENT (\\Seen)", "rs", NULL },
	{ "SELECT %M", "STORE 1 +FLAGS (\\Seen)", "rs", NULL },
	{ "SELECT %M", "UID STORE 1 -FLAGS (\\Deleted)", "rt", NULL },
	{ "SELECT %M", "STORE 1 +FLAGS (\\Flagged)", "rw", NULL },
	{ "SELECT %M", "STORE 1 +FLAGS (keyword)", "rw", NULL },
	{ "SELECT %M", "STORE 1 +FLAGS (\\Seen \\Deleted \\Draft keyword)", "r", "stw" },
	{ "SELECT %M", "STORE 1 FLAGS ()", "r", "stw" },
	{ "SELECT %M", "STORE 1 ANNOTATION (/x (value.priv \"x\"))", "r", NULL },
	{ "SELECT %M", "STORE 1 ANNOTATION (/x (value.shared \"x\"))", "rn", NULL },
	{ "SELECT %M", "UID STORE 1 ANNOTATION (/note (value.shared NIL))", "rn", NULL },
	{ "SELECT %M", "STORE 1 ANNOTATION (/x (value.priv \"x\" value.shared \"y\"))", "rn", NULL },
	{ "SELECT %M", "FETCH 1 (ANNOTATION (* value))", "r", NULL },
	{ "SELECT %M", "EXPUNGE", "re", NULL },
	{ "SELECT %M", "UID EXPUNGE 1", "re", NULL },
	{ "SELECT %M", "CLOSE", "r", NULL },
	{ "SELECT %M", "COPY 1 INBOX", "r", NULL },
	{ "SELECT %M", "MOVE 1 INBOX", "rte", NULL },
	{ "SELECT %M", "UID MOVE 1 INBOX", "rte", NULL },
	{ "SELECT %M", "REPLACE 1 INBOX " MAIL, "rte", NULL },
	{ "SELECT %M", "UID REPLACE 1 INBOX " MAIL, "rte", NULL },
	{ "SELECT %M", "REPLACE 1 %M " MAIL, "rtei", NULL },
	{ "SELECT %M", "COPY 1 %M", "ri", NULL },
	{ "SELECT %M", "APPEND INBOX CATENATE (URL \";UID=1\")", "r", NULL },
};

struct world {
	struct imap_fixture f;
	int64_t bob;
	struct arena a; /* of one case */
};

static int64_t box_id(struct world *w, int64_t account, const char *name_z)
{
	struct store_mailbox m;

	assert_int_equal(store_mailbox_find(w->f.store, &w->a, account, str_z(name_z), &m), 0);
	return m.id;
}

static void add_mail(struct world *w, int64_t mailbox, int64_t owner)
{
	const struct store_note notes[] = { { S("/note"), S("secret"), true }, { S("/note"), S("secret"), false } };
	struct store_content_new c;
	struct store_append v = { .user = owner, .mailbox = mailbox, .content = &c, .flags = STORE_DELETED,
				  .notes = notes, .n_notes = 2 };
	struct store_appended at;

	assert_int_equal(store_content_prepare(&w->a, S("Subject: s\r\n\r\nsecret\r\n"), &c), 0);
	assert_int_equal(store_append(w->f.store, &v, 1, &at), 0);
}

/* Everything of alice's anew, and a message for bob. */
static void make(struct world *w)
{
	static const char *const names[] = { "Work/Renamed", "Work/Plans/new/er", "Work/Plans/new",
					     "Work/Plans", "Work/Cargo/new/er", "Work/Cargo/new", "Work/Cargo", "Work" };
	struct fault f;
	int64_t id;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)!store_mailbox_delete(w->f.store, w->f.alice, str_z(names[i]), &f);
	assert_int_equal(store_mailbox_create(w->f.store, w->f.alice, S("Work/Plans"), 0, &id, &f), 0);
	add_mail(w, id, w->f.alice);
	add_mail(w, box_id(w, w->bob, "INBOX"), w->bob);
}

static void share(struct world *w, unsigned rights)
{
	const struct store_identifier id = { .who = w->bob };

	assert_int_equal(store_rights_change(w->f.store, box_id(w, w->f.alice, "Work"), 0, &id,
					     STORE_RIGHTS_SET, rights),
			 0);
	assert_int_equal(store_rights_change(w->f.store, box_id(w, w->f.alice, "Work/Plans"), 0, &id,
					     STORE_RIGHTS_SET, rights),
			 0);
}

/* All that can change in an account, as a text. */
static struct str state_of(struct world *w, int64_t account)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(1u << 16);
	struct store_mailbox *v;
	size_t n;

	assert_int_equal(store_mailbox_list(w->f.store, &w->a, account, &v, &n), 0);
	for (size_t i = 0; i < n; i++) {
		struct store_rights_entry *e;
		struct store_annotation *an;
		size_t n_e = 0, n_an = 0;

		assert_int_equal(store_rights_list(w->f.store, &w->a, v[i].id, &e, &n_e), 0);
		assert_int_equal(store_annotations_list(w->f.store, &w->a, v[i].id, w->bob, &an, &n_an), 0);
		buf_printf(&out, "%" STR_FMT " %u %u %u %llu %u %zu %zu %u\n", STR_ARG(v[i].name),
			   v[i].messages, v[i].unseen, v[i].deleted,
			   (unsigned long long)v[i].highestmodseq, v[i].uidnext, n_e, n_an,
			   n_e > 1 ? e[1].rights : 0);
	}
	return arena_str(&w->a, buf_str(&out));
}

static void add_command(struct buf *out, const char *tag_z, const char *text_z, const char *leaf_z)
{
	buf_printf(out, "%s ", tag_z);
	for (const char *p = text_z; *p; p++) {
		if (*p == '%' && p[1] == 'M')
			buf_printf(out, "\"" OF "Work/%s\"", leaf_z);
		else if (*p == '%' && p[1] == 'm')
			buf_add(out, str_z(leaf_z));
		else {
			buf_add_char(out, *p);
			continue;
		}
		p++;
		/* "%M/new" is one string. */
		if (p[1] == '/' && *p == 'M') {
			buf_truncate(out, out->n - 1);
			for (p++; *p && *p != ' '; p++)
				buf_add_char(out, *p);
			buf_add_char(out, '"');
			p--;
		}
	}
	buf_add(out, S("\r\n"));
}

/* What bob is answered from the command on, with leaf_z called Plans. */
static struct str answer(struct world *w, const struct row *row, const char *leaf_z)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(1u << 16), out = BUF_INIT(1u << 20);
	struct imap_peer peer;
	struct str text;
	ptrdiff_t at;

	if (row->setup)
		add_command(&script, "s", row->setup, leaf_z);
	add_command(&script, "t", row->command, leaf_z);
	imap_peer_open(&w->f, &peer, buf_str(&script), 1u << 20, true);
	peer.s->account = w->bob;
	snprintf(peer.s->name, sizeof(peer.s->name), "bob@example.test");
	(void)imap_peer_run(&peer, NET_START);
	text = imap_peer_finish(&peer);
	at = row->setup ? str_find(text, S("\r\ns ")) : 0;
	text = str_skip(text, at > 0 ? (size_t)at : 0);
	while ((at = str_find(text, str_z(leaf_z))) >= 0) {
		buf_add(&out, str_head(text, (size_t)at));
		buf_add(&out, S("Plans"));
		text = str_skip(text, (size_t)at + strlen(leaf_z));
	}
	buf_add(&out, text);
	imap_peer_close(&peer);
	return arena_str(&w->a, buf_str(&out));
}

static bool has(unsigned rights, const char *all_z, const char *any_z)
{
	unsigned all, any = 0;

	assert_true(store_rights_parse(str_z(all_z), &all));
	if (any_z)
		assert_true(store_rights_parse(str_z(any_z), &any));
	return (rights & all) == all && (!any_z || (rights & any));
}

static void try_rights(struct world *w, const struct row *row, unsigned rights)
{
	struct str before, bobs, said;
	bool is_done, is_wanted = has(rights, row->need, row->any);

	arena_reset(&w->a);
	share(w, rights);
	before = state_of(w, w->f.alice);
	bobs = state_of(w, w->bob);
	said = answer(w, row, "Plans");
	is_done = str_find(said, S("\r\nt OK")) >= 0;
	if (is_done != is_wanted)
		fail_msg("%s with %x: %.*s", row->command, rights, (int)said.n, said.p);
	if (is_done) {
		make(w);
		return;
	}
	assert_str_eq(state_of(w, w->f.alice), before);
	assert_str_eq(state_of(w, w->bob), bobs);
	assert_true(str_find(said, S("secret")) < 0);
	/* What it answers about a mailbox that is there and about one that is not. */
	if (!(rights & STORE_R_LOOKUP) && str_find(said, S("s OK")) < 0)
	{
		struct str other = answer(w, row, "Cargo");

		if (!str_eq(said, other))
			fail_msg("%s with %x: %.*s but of nothing: %.*s", row->command, rights, (int)said.n,
				 said.p, (int)other.n, other.p);
	}
}

static void world_open(struct world *w)
{
	struct fault f;

	imap_fixture_open(&w->f, test_dir(), "");
	arena_init(&w->a, 64u << 20);
	assert_int_equal(store_account_add(w->f.store, S("bob@example.test"), NULL, NULL, 0, &w->bob, &f),
			 0);
	make(w);
}

static void world_close(struct world *w)
{
	arena_fini(&w->a);
	imap_fixture_close(&w->f);
}

TEST(rights_of_every_command)
{
	struct world w = { 0 };

	world_open(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned need;

		assert_true(store_rights_parse(str_z(rows[i].need), &need));
		try_rights(&w, &rows[i], 0);
		try_rights(&w, &rows[i], need);
		try_rights(&w, &rows[i], need | STORE_R_LOOKUP);
		try_rights(&w, &rows[i], STORE_RIGHTS_ALL);
		for (unsigned bit = 1; bit & STORE_RIGHTS_ALL; bit <<= 1) {
			try_rights(&w, &rows[i], bit);
			/* With all others, only what is needed refuses it. */
			if (need & bit)
				try_rights(&w, &rows[i], STORE_RIGHTS_ALL & ~bit);
		}
	}
	world_close(&w);
}

/* What LIST tells, by rights. */
TEST(rights_list)
{
	static const struct {
		const char *rights;
		bool is_listed, has_status, has_metadata;
	} cases[] = {
		{ "", false, false, false },   { "rswipkxtea", false, false, false },
		{ "l", true, false, false },   { "lr", true, true, true },
		{ "li", true, false, true },   { "lkxtea", true, false, false },
	};
	static const struct row row = { NULL,
		"LIST \"\" \"*Plans\" RETURN (STATUS (MESSAGES) METADATA (/shared/x) MYRIGHTS)", "", NULL };
	struct world w = { 0 };

	world_open(&w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str said;
		unsigned rights;

		assert_true(store_rights_parse(str_z(cases[i].rights), &rights));
		share(&w, rights);
		said = answer(&w, &row, "Plans");
		assert_int_equal(str_find(said, S("* LIST")) >= 0, cases[i].is_listed);
		assert_int_equal(str_find(said, S("* MYRIGHTS")) >= 0, cases[i].is_listed);
		assert_int_equal(str_find(said, S("* STATUS")) >= 0, cases[i].has_status);
		assert_int_equal(str_find(said, S("\\Noselect")) < 0, !cases[i].is_listed || cases[i].has_status);
		assert_int_equal(str_find(said, S("* METADATA")) >= 0, cases[i].has_metadata);
	}
	world_close(&w);
}

/* CLOSE and FETCH leave undone what the rights do not give, and say OK. */
TEST(rights_silent)
{
	static const struct {
		const char *command, *rights;
		uint32_t messages, unseen;
	} cases[] = {
		{ "CLOSE", "rt", 1, 1 },
		{ "CLOSE", "re", 0, 0 },
		{ "FETCH 1 BODY[]", "rwte", 1, 1 },
		{ "FETCH 1 BODY[]", "rs", 1, 0 },
	};
	struct world w = { 0 };

	world_open(&w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct row row = { "SELECT %M", cases[i].command, "", NULL };
		struct store_mailbox m;
		unsigned rights;

		make(&w);
		assert_true(store_rights_parse(str_z(cases[i].rights), &rights));
		share(&w, rights);
		assert_true(str_find(answer(&w, &row, "Plans"), S("\r\nt OK")) >= 0);
		assert_int_equal(store_mailbox_find(w.f.store, &w.a, w.f.alice, S("Work/Plans"), &m), 0);
		assert_int_equal(m.messages, cases[i].messages);
		assert_int_equal(m.unseen, cases[i].unseen);
	}
	world_close(&w);
}
