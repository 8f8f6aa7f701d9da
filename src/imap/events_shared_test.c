/* SPDX-License-Identifier: MIT */
/*
 * NOTIFY of mailboxes of others against a client that believes it: whatever the owner does, in whatever
 * portions it is told, the client ends with what LIST would show (RFC 5465 5.4, 5.9).
 */
#include "imap/imap_test.h"

#include "base/limits.h"
#include "base/test.h"
#include "imap/events.h"
#include "store/mailbox.h"
#include "store/rights.h"

#define PREFIX "Other Users/bob@example.test/"
#define NAMES_MAX 64
#define ROUNDS 1000

struct belief { /* of the client */
	char name[100];
	bool has_no_access;
};

struct world {
	struct imap_fixture f;
	struct imap_peer p;
	int64_t bob;
	uint64_t seed;
	struct belief v[NAMES_MAX];
	size_t n;
	struct arena a; /* of a round */
	struct buf did; /* in a round; for who looks why it failed */
};

static uint32_t pick(struct world *w, uint32_t n)
{
	w->seed = w->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(w->seed >> 33) % n;
}

/* ---- what bob does ---- */

static struct str pick_name(struct world *w)
{
	static const char *const names[] = { "a", "b",     "a/a",   "a/b",   "b/a",
					     "c", "a/a/a", "b/a/a", "c/b/a", "c/c" };

	return str_z(names[pick(w, ARRAY_LEN(names))]);
}

static void set_rights(struct world *w, struct str name)
{
	static const unsigned rights[] = { 0, STORE_R_LOOKUP, STORE_R_LOOKUP | STORE_R_READ,
					   STORE_R_READ };
	const struct store_identifier id = { .who = pick(w, 4) ? w->f.alice : 0,
					     .is_negative = pick(w, 4) == 0 };
	struct store_mailbox box;
	unsigned i = pick(w, ARRAY_LEN(rights));

	if (store_mailbox_find(w->f.store, &w->a, w->bob, name, &box) < 0)
		return;
	assert_int_equal(
		store_rights_change(w->f.store, box.id, 0, &id, STORE_RIGHTS_SET, rights[i]), 0);
	buf_printf(&w->did, "; rights %" STR_FMT " %s%d %u", STR_ARG(name),
		   id.is_negative ? "-" : "", (int)id.who, rights[i]);
}

static void act(struct world *w)
{
	struct str name = pick_name(w), to = pick_name(w);
	struct fault fault;
	int64_t id;

	switch (pick(w, 7)) {
	case 0:
	case 1:
		if (store_mailbox_create(w->f.store, w->bob, name, 0, &id, &fault) == 0)
			buf_printf(&w->did, "; create %" STR_FMT, STR_ARG(name));
		break;
	case 2:
		if (store_mailbox_delete(w->f.store, w->bob, name, &fault) == 0)
			buf_printf(&w->did, "; delete %" STR_FMT, STR_ARG(name));
		break;
	case 3:
		if (store_mailbox_rename(w->f.store, w->bob, name, to, &fault) == 0)
			buf_printf(&w->did, "; rename %" STR_FMT " %" STR_FMT, STR_ARG(name),
				   STR_ARG(to));
		break;
	default:
		set_rights(w, name);
	}
}

/* ---- what alice's client makes of it ---- */

static struct belief *find(struct world *w, struct str name)
{
	for (size_t i = 0; i < w->n; i++) {
		if (str_eq(str_z(w->v[i].name), name))
			return &w->v[i];
	}
	return NULL;
}

static void forget(struct world *w, struct str name)
{
	struct belief *b = find(w, name);

	if (b != NULL)
		*b = w->v[--w->n];
}

/* With all that is below it. */
static void rename_all(struct world *w, struct str from, struct str to)
{
	for (size_t i = 0; i < w->n; i++) {
		struct str name = str_z(w->v[i].name), rest = str_skip(name, from.n);
		char new[100];

		if (!str_starts(name, from) || (rest.n > 0 && rest.p[0] != '/'))
			continue;
		snprintf(new, sizeof(new), "%.*s%.*s", STR_ARG(to), STR_ARG(rest));
		snprintf(w->v[i].name, sizeof(w->v[i].name), "%s", new);
	}
}

/* The text between the next two quotation marks. */
static struct str quoted(struct str *line)
{
	ptrdiff_t at = str_chr(*line, '"'), end;
	struct str text;

	assert_true(at >= 0);
	*line = str_skip(*line, (size_t)at + 1);
	end = str_chr(*line, '"');
	assert_true(end >= 0);
	text = str_head(*line, (size_t)end);
	*line = str_skip(*line, (size_t)end + 1);
	return text;
}

static void believe(struct world *w, struct str line)
{
	bool is_gone = str_find(line, S("\\NonExistent")) >= 0;
	bool has_no_access = str_find(line, S("\\NoAccess")) >= 0;
	bool is_renamed = str_find(line, S("OLDNAME")) >= 0;
	struct str name;
	struct belief *b;

	if (!str_starts(line, S("* LIST (")))
		return;
	(void)quoted(&line); /* the separator */
	name = quoted(&line);
	if (!str_starts(name, S(PREFIX)))
		return;
	if (is_renamed) {
		assert_true(str_eq(quoted(&line), S("OLDNAME")));
		forget(w, name);
		rename_all(w, quoted(&line), name);
	}
	b = find(w, name);
	if (is_gone) {
		forget(w, name);
		return;
	}
	if (b == NULL) {
		assert_true(w->n < NAMES_MAX);
		b = &w->v[w->n++];
		snprintf(b->name, sizeof(b->name), "%.*s", STR_ARG(name));
	}
	b->has_no_access = has_no_access;
}

static void listen(struct world *w, struct str out)
{
	struct str line;

	buf_printf(&w->did, "\n%" STR_FMT, STR_ARG(out));
	assert_true(str_find(out, S("OVERFLOW")) < 0);
	while (str_split(&out, '\n', &line))
		believe(w, line);
}

static void check(struct world *w)
{
	struct store_mailbox *v;
	size_t n, n_others = 0;

	buf_add_char(&w->did, '\0');
	test_row(w->did.p);
	assert_int_equal(store_mailbox_list_visible(w->f.store, &w->a, w->f.alice, &v, &n), 0);
	for (size_t i = 0; i < n; i++) {
		const struct belief *b;

		if (v[i].id == 0 || v[i].account == w->f.alice)
			continue;
		b = find(w, v[i].name);
		if (b == NULL)
			fail_msg("%s: the client does not know %.*s", w->did.p, STR_ARG(v[i].name));
		assert_int_equal(b->has_no_access, !(v[i].rights & STORE_R_READ));
		n_others++;
	}
	assert_int_equal(w->n, n_others);
}

static void run(struct world *w, uint32_t most)
{
	uint32_t n_lists = 0;

	for (int i = 0; i < ROUNDS; i++) {
		uint32_t n = 1 + pick(w, most);
		struct str out;

		buf_reset(&w->did);
		for (uint32_t k = 0; k < n; k++)
			act(w);
		out = imap_peer_run(&w->p, NET_WAKE);
		n_lists += str_find(out, S("* LIST (")) >= 0;
		listen(w, out);
		check(w);
		arena_reset(&w->a);
	}
	assert_true(n_lists > ROUNDS / 20);
}

static void test_with(uint32_t most)
{
	struct world *w = MEM_NEW(struct world);
	struct fault fault;
	struct buf script;

	imap_fixture_open(&w->f, test_dir(), "");
	assert_int_equal(store_account_add(w->f.store, S("bob@example.test"), NULL, NULL, 0,
					   &w->bob, &fault),
			 0);
	arena_init(&w->a, 16u << 20);
	buf_init(&w->did, 1u << 20);
	buf_init(&script, 1u << 18);
	w->seed = 20263126 + most;
	imap_test_line(
		&script, "",
		"NOTIFY SET (subtree \"Other Users\" (MessageNew MessageExpunge MailboxName))");
	for (int i = 0; i <= ROUNDS; i++)
		imap_test_line(&script, "", "NOOP");
	imap_peer_open(&w->f, &w->p, buf_str(&script), IMAP_TEST_LINE, true);
	assert_true(str_find(imap_peer_run(&w->p, NET_START), S(" OK NOTIFY")) >= 0);
	run(w, most);
	imap_peer_close(&w->p);
	imap_fixture_close(&w->f);
	buf_fini(&script);
	buf_fini(&w->did);
	arena_fini(&w->a);
	mem_free(w);
}

TEST(events_shared_lead_to_what_list_shows)
{
	test_with(1);
}

/* Several changes at once: what is told is the difference. */
TEST(events_shared_lead_to_what_list_shows_at_last)
{
	test_with(5);
}
