/* SPDX-License-Identifier: MIT */
/* The QRESYNC parameter of SELECT; and a client that comes back, against what it must be told. */
#include "imap/qresync.h"

#include "imap/imap_test.h"
#include "imap/seqset.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/view.h"

#include "base/test.h"

static const struct {
	const char *text;
	int want;
	const char *known, *seqs, *uids; /* "": none */
} params[] = {
	{ "QRESYNC (67890007 20050715194045000 41,43:211,214:541)", 1, "41,43:211,214:541", "", "" },
	{ "qresync (1 1)", 1, "", "", "" },
	{ "QRESYNC (1 0 5:1)", 1, "1:5", "", "" },
	{ "QRESYNC (67890007 90060115194045000 1:29997 (5000,7500,9000,9990:9999 15000,"
	  "22500,27000,29970,29973,29976,29979,29982,29985,29988,29991,29994,29997))", 1, "1:29997",
	  "5000,7500,9000,9990:9999",
	  "15000,22500,27000,29970,29973,29976,29979,29982,29985,29988,29991,29994,29997" },
	{ "QRESYNC (1 2 (1:3 4:6))", 1, "", "1:3", "4:6" },
	{ "QRESYNC (1 2 (1:3 4:7))", 0, "", "", "" },
	{ "QRESYNC (1 2 (1,3,2 4:6))", 0, "", "", "" },
	{ "QRESYNC (1 2 (3:1 4:6))", 0, "", "", "" },
	{ "QRESYNC (1 2 (1,1 4,5))", 0, "", "", "" },
	{ "QRESYNC (1 2 (1 *))", 0, "", "", "" },
	{ "QRESYNC (1 2 (* 1))", 0, "", "", "" },
	{ "QRESYNC (1 2 1:*)", 0, "", "", "" },
	{ "QRESYNC (1 2 $)", 0, "", "", "" },
	{ "QRESYNC (0 2)", 0, "", "", "" },
	{ "QRESYNC (1)", 0, "", "", "" },
	{ "QRESYNC (1 9223372036854775808)", 0, "", "", "" },
	{ "QRESYNC (1 2 )", 0, "", "", "" },
	{ "QRESYNC (1 2 3 4)", 0, "", "", "" },
	{ "QRESYNC (1 2 (1 2) 3)", 0, "", "", "" },
	{ "QRESYNC", 0, "", "", "" },
};

static void check_set(struct arena *a, const struct imap_seqset *set, const char *want_z)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(1000);
	struct uidset numbers = { 0 };

	assert_int_equal(imap_seqset_numbers(a, set, 1, &numbers), 0);
	uidset_print(&b, &numbers);
	assert_string_equal(b.n ? buf_z(&b) : "", want_z);
}

TEST(qresync_parameter)
{
	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };
		struct imap_qresync q = { 0 };
		struct imap_parse p;

		test_row(params[i].text);
		imap_parse_init(&p, &a, str_z(params[i].text), false);
		assert_int_equal(imap_qresync_parse(&p, &q), params[i].want);
		assert_true(params[i].want ? imap_parse_end(&p) : p.p == params[i].text);
		check_set(&a, &q.known, params[i].known);
		check_set(&a, &q.match_seqs, params[i].seqs);
		check_set(&a, &q.match_uids, params[i].uids);
	}
}

/* ---- match data, in a mailbox with the UIDs 3, 6, 9 ... 3000 ---- */

static int64_t fill(struct imap_fixture *f, struct arena *a, uint32_t n)
{
	struct store_append *v = mem_alloc(n, sizeof(*v));
	struct store_appended *at = mem_alloc(n, sizeof(*at));
	struct store_content_new content;
	struct store_mailbox box;

	assert_int_equal(store_mailbox_find(f->store, a, f->alice, S("INBOX"), &box), 0);
	assert_int_equal(store_content_prepare(a, S("A: b\r\n\r\nc"), &content), 0);
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct store_append){ .mailbox = box.id, .content = &content };
	assert_int_equal(store_append(f->store, v, n, at), 0);
	mem_free(v);
	mem_free(at);
	return box.id;
}

static const struct {
	const char *seqs, *uids;
	uint32_t want;
} matches[] = {
	{ "4", "12", 12 },          /* RFC 7162 3.2.5.2, the numbers of this mailbox */
	{ "4", "8", 0 },
	{ "4,12", "12,24", 12 },
	{ "1:3", "3,6,9", 9 },
	{ "1:3", "3:5", 3 },        /* only the first of the run is where the client believes it */
	{ "1:3", "1:3", 0 },
	{ "2:4", "4:6", 0 },        /* 6, 9, 12 are there */
	{ "1000", "3000", 3000 },
	{ "1001", "3003", 0 },
	{ "1:4294967295", "1:4294967295", 0 },
	{ "1:4294967295", "3:4294967295", 3 }, /* not as many, but never past the end */
	{ "5,10,900", "15,31,2700", 2700 },
	{ "999:1001", "2997,3000,3003", 3000 },
};

TEST(qresync_match)
{
	AUTO(arena_fini) struct arena a = { .cap = 16u << 20 };
	struct imap_fixture f;
	struct uidset gone = { 0 }, expunged;
	struct store_mbox *mbox;
	struct store_view *v;
	uint64_t modseq;
	int64_t box;

	imap_fixture_open(&f, test_dir(), "");
	box = fill(&f, &a, 3000);
	for (uint32_t uid = 1; uid < 3000; uid += 3)
		assert_int_equal(uidset_add(&a, &gone, uid, uid + 1), 0);
	assert_int_equal(store_expunge(f.store, &a, box, &gone, false, &expunged, &modseq), 0);
	assert_int_equal(store_mbox_open(f.store, box, &mbox), 0);
	assert_int_equal(store_mbox_view(mbox, &v), 0);
	assert_int_equal(v->n, 1000);
	for (size_t i = 0; i < ARRAY_LEN(matches); i++) {
		struct imap_qresync q = { 0 };
		struct imap_parse p;

		test_row(matches[i].seqs);
		imap_parse_init(&p, &a, str_z(matches[i].seqs), false);
		assert_int_equal(imap_parse_seqset(&p, &q.match_seqs), 1);
		imap_parse_init(&p, &a, str_z(matches[i].uids), false);
		assert_int_equal(imap_parse_seqset(&p, &q.match_uids), 1);
		assert_int_equal(imap_qresync_match(&q, v), matches[i].want);
	}
	store_view_unref(v);
	store_mbox_close(&mbox);
	imap_fixture_close(&f);
}

/* ---- when it is not known what was expunged: all that may have been, in 3, 6, 9 ... 18 ---- */

static const struct {
	const char *uids, *gone, *want;
} tells[] = {
	{ "1:20", "1:20", "* VANISHED (EARLIER) 1:2,4:5,7:8,10:11,13:14,16:17,19:20\r\n" },
	{ "1:9", "1:20", "* VANISHED (EARLIER) 1:2,4:5,7:8\r\n" },
	{ "2:4,8,10", "1:20", "* VANISHED (EARLIER) 2,4,8,10\r\n" },
	{ "3,6,9:9,18", "1:20", "" },
	{ "1:20", "3:5,17:18,20:4294967295", "* VANISHED (EARLIER) 4:5,17,20\r\n" },
	{ "21:4294967295", "1:20", "" },
};

static struct uidset set_of(struct arena *a, const char *text_z)
{
	struct uidset numbers = { 0 };
	struct imap_seqset set;
	struct imap_parse p;

	imap_parse_init(&p, a, str_z(text_z), false);
	assert_int_equal(imap_parse_seqset(&p, &set), 1);
	assert_int_equal(imap_seqset_numbers(a, &set, 1, &numbers), 0);
	return numbers;
}

TEST(qresync_tell)
{
	AUTO(arena_fini) struct arena a = { .cap = 16u << 20 };
	AUTO(buf_fini) struct buf script = BUF_INIT(1000);
	struct imap_fixture f;
	struct uidset gone = set_of(&a, "1:2,4:5,7:8,10:11,13:14,16:17,19:20"), expunged;
	struct imap_peer p;
	uint64_t modseq;

	imap_fixture_open(&f, test_dir(), "");
	assert_int_equal(store_expunge(f.store, &a, fill(&f, &a, 20), &gone, false, &expunged, &modseq), 0);
	imap_test_line(&script, "", "SELECT INBOX");
	imap_test_line(&script, "", "SEARCH ALL");
	imap_peer_open(&f, &p, buf_str(&script), IMAP_TEST_LINE, true);
	(void)imap_peer_step(&p);
	(void)imap_peer_step(&p);
	for (size_t i = 0; i < ARRAY_LEN(tells); i++) {
		struct uidset uids = set_of(&a, tells[i].uids), may = set_of(&a, tells[i].gone);
		size_t before = conn_scripted_output(p.conn).n;

		test_row(tells[i].uids);
		imap_qresync_tell(p.s, &uids, &may);
		(void)conn_flush(p.conn);
		assert_true(str_eq(str_skip(conn_scripted_output(p.conn), before), str_z(tells[i].want)));
	}
	imap_peer_close(&p);
	imap_fixture_close(&f);
}

/* ---- a client that comes back ---- */

#define ROUNDS 60
#define MAX_UID 400

struct away {
	struct imap_fixture f;
	struct arena a;
	uint64_t seed;
	int64_t box;
	uint32_t last_uid;
	uint64_t flags[MAX_UID + 1];    /* of the mailbox */
	bool is_there[MAX_UID + 1];
	uint64_t c_flags[MAX_UID + 1];  /* as the client knows it */
	bool c_there[MAX_UID + 1];
	uint32_t c_known;               /* UIDs up to here */
	uint64_t c_modseq;
};

static uint32_t pick(struct away *t, uint32_t n)
{
	t->seed = t->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(t->seed >> 33) % n;
}

static void add(struct away *t, uint32_t n)
{
	if (t->last_uid + n > MAX_UID)
		return;
	t->box = fill(&t->f, &t->a, n);
	for (; n > 0; n--)
		t->is_there[++t->last_uid] = true;
}

static void change(struct away *t)
{
	const struct store_flag_change c = { .op = STORE_FLAGS_SET, .flags = pick(t, 32) };
	uint32_t lo = 1 + pick(t, t->last_uid), hi = lo + pick(t, 5);
	struct uidset set = { 0 }, ret = { 0 };
	uint64_t modseq;

	assert_int_equal(uidset_add(&t->a, &set, lo, hi), 0);
	if (pick(t, 2)) {
		assert_int_equal(store_flags(t->f.store, &t->a, t->box, &set, &c, &ret, &modseq), 0);
		for (; lo <= hi && lo <= t->last_uid; lo++)
			t->flags[lo] = t->is_there[lo] ? c.flags : 0;
	} else {
		assert_int_equal(store_expunge(t->f.store, &t->a, t->box, &set, false, &ret, &modseq), 0);
		for (; lo <= hi && lo <= t->last_uid; lo++) {
			t->is_there[lo] = false;
			t->flags[lo] = 0;
		}
	}
}

static void learn_vanished(struct away *t, struct str line)
{
	struct imap_seqset set;
	struct uidset gone = { 0 };
	struct imap_parse p;

	imap_parse_init(&p, &t->a, line, false);
	assert_int_equal(imap_parse_seqset(&p, &set), 1);
	assert_true(imap_parse_end(&p));
	assert_int_equal(imap_seqset_numbers(&t->a, &set, 1, &gone), 0);
	for (uint32_t uid = 1; uid <= MAX_UID; uid++) {
		if (!uidset_has(&gone, uid))
			continue;
		assert_false(t->is_there[uid]);
		t->c_there[uid] = false;
		t->c_flags[uid] = 0;
	}
}

static void learn_fetch(struct away *t, struct str line)
{
	static const struct { const char *name; uint64_t flag; } names[] = {
		{ "\\Seen", STORE_SEEN }, { "\\Answered", STORE_ANSWERED }, { "\\Flagged", STORE_FLAGGED },
		{ "\\Deleted", STORE_DELETED }, { "\\Draft", STORE_DRAFT },
	};
	uint32_t uid = (uint32_t)strtoul(line.p + str_find(line, S("UID ")) + 4, NULL, 10);

	assert_true(uid > 0 && uid <= t->last_uid);
	t->c_there[uid] = true;
	t->c_flags[uid] = 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		t->c_flags[uid] |= str_find(line, str_z(names[i].name)) >= 0 ? names[i].flag : 0;
}

static void learn(struct away *t, struct str all)
{
	ptrdiff_t end;

	for (; (end = str_find(all, S("\r\n"))) >= 0; all = str_skip(all, (size_t)end + 2)) {
		struct str line = str_of(all.p, (size_t)end);

		if (str_starts(line, S("* VANISHED (EARLIER) ")))
			learn_vanished(t, str_skip(line, 21));
		else if (str_starts(line, S("* OK [HIGHESTMODSEQ ")))
			t->c_modseq = strtoull(line.p + 20, NULL, 10);
		else if (str_find(line, S(" FETCH (UID ")) >= 0)
			learn_fetch(t, line);
		assert_true(str_find(line, S(" EXPUNGE")) < 0 && !str_starts(line, S("b BAD")));
	}
}

/* Match data that is right for what the client knows: a few of its messages. */
static void print_match(struct away *t, struct buf *out)
{
	AUTO(buf_fini) struct buf uids = BUF_INIT(10000);
	uint32_t seq = 0;

	for (uint32_t uid = 1; uid <= t->c_known; uid++) {
		seq += t->c_there[uid];
		if (!t->c_there[uid] || pick(t, 4))
			continue;
		buf_printf(out, "%s%u", uids.n ? "," : " (", seq);
		buf_printf(&uids, "%s%u", uids.n ? "," : "", uid);
	}
	if (uids.n)
		buf_printf(out, " %" STR_FMT ")", STR_ARG(buf_str(&uids)));
}

static void come_back(struct away *t, uint32_t uidvalidity)
{
	AUTO(buf_fini) struct buf script = BUF_INIT(100000);
	struct imap_peer p;
	struct str out;

	buf_add(&script, S("a ENABLE QRESYNC\r\n"));
	if (pick(t, 2)) {
		buf_printf(&script, "b SELECT INBOX (QRESYNC (%u %llu", uidvalidity,
			   (unsigned long long)t->c_modseq);
		if (pick(t, 2) && t->c_known)
			buf_printf(&script, " 1:%u", t->last_uid);
		if (pick(t, 2))
			print_match(t, &script);
		buf_add(&script, S("))\r\n"));
	} else {
		bool is_first = pick(t, 2);

		buf_printf(&script, "b EXAMINE INBOX\r\nc UID FETCH 1:* (FLAGS) (%sCHANGEDSINCE %llu%s)\r\n",
			   is_first ? "VANISHED " : "", (unsigned long long)t->c_modseq,
			   is_first ? "" : " VANISHED");
	}
	imap_peer_open(&t->f, &p, buf_str(&script), 0, true);
	out = imap_peer_finish(&p);
	learn(t, out);
	imap_peer_close(&p);
	t->c_known = t->last_uid;
}

TEST(qresync_away)
{
	struct away *t = MEM_NEW(struct away);
	struct store_mailbox box;

	t->seed = 7162;
	arena_init(&t->a, 64u << 20);
	imap_fixture_open(&t->f, test_dir(), "");
	add(t, 40);
	assert_int_equal(store_mailbox_find(t->f.store, &t->a, t->f.alice, S("INBOX"), &box), 0);
	t->c_modseq = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (uint32_t n = pick(t, 12); n > 0; n--) {
			if (pick(t, 4) == 0)
				add(t, 1 + pick(t, 8));
			else
				change(t);
		}
		come_back(t, box.uidvalidity);
		assert_memory_equal(t->c_there, t->is_there, sizeof(t->is_there));
		assert_memory_equal(t->c_flags, t->flags, sizeof(t->flags));
	}
	imap_fixture_close(&t->f);
	arena_fini(&t->a);
	mem_free(t);
}
