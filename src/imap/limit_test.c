/* SPDX-License-Identifier: MIT */
/*
 * A limit of 3 messages (the setting takes none below 1000) in a mailbox of six, with the UIDs 1, 3, 4, 6, 7, 8: what each command
 * takes, and that the client is told (RFC 9738 3).
 */
#include "imap/script_test.h"

#include "imap/seqset.h"

#define FILL \
	"p CREATE box\r\np APPEND box {4+}\r\na: 1 {4+}\r\na: 2 {4+}\r\na: 3 {4+}\r\na: 4 {4+}\r\n" \
	"a: 5 {4+}\r\na: 6 {4+}\r\na: 7 {4+}\r\na: 8\r\np SELECT box\r\np STORE 2,5 +FLAGS (\\Deleted)\r\n" \
	"p EXPUNGE\r\n"

#define IN_BOX(commands) STR_INIT("s SELECT box\r\n" commands)

static const struct imap_script scripts[] = {
	{ "capability", STR_INIT("a CAPABILITY\r\n"), { " MESSAGELIMIT=3", "a OK", "!SAVELIMIT" } },
	{ "fetch", IN_BOX("a FETCH 1:* UID\r\nb UID FETCH 1:7 UID\r\nc UID FETCH 1:4 UID\r\nd FETCH 1,2,6 UID\r\n"),
	  { "* 4 FETCH (UID 6)\r\n* 5 FETCH (UID 7)\r\n* 6 FETCH (UID 8)\r\na OK [MESSAGELIMIT 3 6] ",
	    "* 3 FETCH (UID 4)\r\n* 4 FETCH (UID 6)\r\n* 5 FETCH (UID 7)\r\nb OK [MESSAGELIMIT 3 4] ",
	    "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 3)\r\n* 3 FETCH (UID 4)\r\nc OK UID FETCH completed",
	    "* 1 FETCH", "* 6 FETCH (UID 8)\r\nd OK FETCH completed" } },
	{ "fetch marks only those", IN_BOX("a FETCH 1:* BODY[]\r\nb UID SEARCH RETURN (ALL) UID 1:4 UNSEEN\r\n"
	  "c UID SEARCH RETURN (ALL) UID 6:8 UNSEEN\r\n"),
	  { "a OK [MESSAGELIMIT 3 6]", "UID ALL 1,3:4\r\nb OK UID", "UID\r\nc OK UID" } },
	{ "partial", IN_BOX("a UID FETCH 1:* UID (PARTIAL 1:3)\r\nb UID FETCH 1:* UID (PARTIAL -1:-4)\r\n"
			    "c UID FETCH 7:* UID (PARTIAL -1:-4)\r\n"),
	  { "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 3)\r\n* 3 FETCH (UID 4)\r\na OK UID FETCH", "b NO [MESSAGELIMIT 3] too many",
	    "* 5 FETCH (UID 7)\r\n* 6 FETCH (UID 8)\r\nc OK UID FETCH" } },
	{ "store", IN_BOX("a UID STORE 1:* +FLAGS.SILENT (\\Flagged)\r\nb UID SEARCH RETURN (ALL) UID 1:4 FLAGGED\r\n"
			  "c UID SEARCH RETURN (ALL) UID 6:8 FLAGGED\r\nd UID STORE 1:5 FLAGS ()\r\n"),
	  { "a OK [MESSAGELIMIT 3 6]", "UID\r\nb OK", "UID ALL 6:8\r\nc OK", "d OK UID STORE" } },
	{ "store with another code", IN_BOX("a UID STORE 1:* (UNCHANGEDSINCE 1) FLAGS (\\Seen)\r\n"),
	  { "* NO [MESSAGELIMIT 3 6] that was for the last", "a OK [MODIFIED 6:8]" } },
	{ "copy", IN_BOX("a CREATE to\r\nb COPY 1:* to\r\nc UID COPY 1:7 to\r\nd UID COPY 1:7 none\r\ne COPY 2:4 to\r\n"
			 "f STATUS to (MESSAGES)\r\n"),
	  { "b NO [MESSAGELIMIT 3 6] too many", "c NO [MESSAGELIMIT 3 4]", "d NO [TRYCREATE]", "e OK [COPYUID",
	    "(MESSAGES 3)" } },
	{ "move", IN_BOX("a CREATE to\r\nb UID MOVE 1:7 none\r\nc UID MOVE 1:7 to\r\nd UID MOVE 1:7 to\r\n"),
	  { "b NO [TRYCREATE]", " 4,6:7 1:3] ", "* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n* 3 EXPUNGE\r\nc OK [MESSAGELIMIT 3 4]", " 1,3 4:5] ", "d OK UID MOVE" } },
	{ "move with modseqs", IN_BOX("a CREATE to\r\nb ENABLE CONDSTORE\r\nc MOVE 1:* to\r\n"),
	  { " 6:8 1:3] ", "* NO [MESSAGELIMIT 3 6]", "c OK [HIGHESTMODSEQ " } },
	{ "uid expunge", IN_BOX("a UID STORE 3:4 FLAGS (\\Deleted)\r\nb UID STORE 7:8 FLAGS (\\Deleted)\r\n"
				"c UID EXPUNGE 1:*\r\nd UID EXPUNGE 1:*\r\ne UID FETCH 1:* UID\r\n"),
	  { "* 3 EXPUNGE\r\n* 4 EXPUNGE\r\n* 4 EXPUNGE\r\nc OK [MESSAGELIMIT 3 4]", "* 2 EXPUNGE\r\nd OK UID EXPUNGE",
	    "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 6)\r\ne OK" } },
	{ "expunge and status have none", IN_BOX("a UID STORE 1:4 FLAGS (\\Deleted)\r\nb UID STORE 6 FLAGS (\\Deleted)\r\n"
						 "c STATUS box (UNSEEN)\r\nd EXPUNGE\r\ne UID FETCH 1:* UID\r\n"),
	  { "(UNSEEN 6)", "d OK EXPUNGE", "* 1 FETCH (UID 7)\r\n* 2 FETCH (UID 8)\r\ne OK" } },
	/* The messages that are looked at count, not those that match. */
	{ "search", IN_BOX("a SEARCH BODY 1\r\nb UID SEARCH UID 1:4 HEADER a 1\r\nc UID SEARCH HEADER a 1\r\n"
			   "d UID SEARCH OR UID 1:4 UID 8\r\ne UID SEARCH (UID 1:6) UIDAFTER 1 ALL\r\n"
			   "f UID SEARCH UIDBEFORE 6 UIDAFTER 1\r\ng UID SEARCH NOT UID 6\r\n"),
	  { "* SEARCH\r\na OK [MESSAGELIMIT 3 6] ", "* SEARCH 1\r\nb OK UID SEARCH", "* SEARCH\r\nc OK [MESSAGELIMIT 3 6]",
	    "* SEARCH 8\r\nd OK [MESSAGELIMIT 3 6]", "* SEARCH 3 4 6\r\ne OK UID SEARCH", "* SEARCH 3 4\r\nf OK UID SEARCH",
	    "* SEARCH 7 8\r\ng OK [MESSAGELIMIT 3 6]" } },
	{ "search returns", IN_BOX("a UID SEARCH RETURN (MIN MAX COUNT) ALL\r\nb UID SEARCH RETURN (MIN) ALL\r\n"
				   "c UID SEARCH RETURN (SAVE) ALL\r\nd UID FETCH $ UID\r\n"
				   "e UID SEARCH RETURN (PARTIAL 1:2) ALL\r\n"),
	  { "MIN 6 MAX 8 COUNT 3\r\na OK [MESSAGELIMIT 3 6]", "MIN 6\r\nb OK [MESSAGELIMIT 3 6]", "c OK [MESSAGELIMIT 3 6]",
	    "* 4 FETCH (UID 6)\r\n* 5 FETCH (UID 7)\r\n* 6 FETCH (UID 8)\r\nd OK UID", "PARTIAL (1:2 6:7)\r\ne OK [MESSAGELIMIT 3 6]" } },
	/* 3.3 */
	{ "sort and thread", IN_BOX("a UID SORT (REVERSE ARRIVAL) UTF-8 ALL\r\nb UID THREAD REFERENCES UTF-8 ALL\r\n"
				    "c UID THREAD REFERENCES UTF-8 4:*\r\n"),
	  { "a OK UID SORT", "b NO [MESSAGELIMIT 3] too many", "* THREAD (", "c OK UID THREAD" } },
	{ "append", IN_BOX("a CREATE to\r\nb APPEND to {4+}\r\na: 1 {4+}\r\na: 2 {4+}\r\na: 3\r\n"
			   "c APPEND to {4+}\r\na: 1 {4+}\r\na: 2 {4+}\r\na: 3 {4+}\r\na: 4\r\nd STATUS to (MESSAGES)\r\n"),
	  { "b OK [APPENDUID", "c NO [MESSAGELIMIT 3] too many", "(MESSAGES 3)" } },
	{ "in another language", IN_BOX("a LANGUAGE de\r\nb FETCH 1:* UID\r\n"), { "b OK [MESSAGELIMIT 3 6] das galt nur" } },
};

/* With SAVELIMIT only COPY and APPEND have one. */
static const struct imap_script save_scripts[] = {
	{ "capability", STR_INIT("a CAPABILITY\r\n"), { " SAVELIMIT=3", "a OK", "!MESSAGELIMIT" } },
	{ "copies", IN_BOX("a CREATE to\r\nb FETCH 1:* UID\r\nc COPY 1:* to\r\nd SEARCH ALL\r\ne MOVE 1:* to\r\n"
			   "f APPEND to {4+}\r\na: 1 {4+}\r\na: 2 {4+}\r\na: 3 {4+}\r\na: 4\r\n"),
	  { "* 1 FETCH", "b OK FETCH", "c NO [MESSAGELIMIT 3 6]", "* SEARCH 1 2 3 4 5 6\r\nd OK SEARCH", "e OK MOVE",
	    "f NO [MESSAGELIMIT 3]" } },
};

static const struct imap_script no_limit_scripts[] = {
	{ "none", IN_BOX("a CAPABILITY\r\nb FETCH 1:* UID\r\nc SEARCH ALL\r\n"),
	  { "* 1 FETCH", "b OK FETCH", "* SEARCH 1 2 3 4 5 6\r\nc OK SEARCH", "!LIMIT=3" } },
	/* 3.2, also for messages that are still to come */
	{ "uid sides", IN_BOX("a UID SEARCH RETURN (UPDATE COUNT) UIDAFTER 8\r\nb UID SEARCH RETURN (UPDATE ALL) UIDBEFORE 9\r\n"
			      "c UID SEARCH RETURN (ALL) UIDAFTER 3 UIDBEFORE 8\r\nd UID SEARCH RETURN (ALL) UIDAFTER 5\r\n"
			      "e UID SEARCH RETURN (ALL) UIDBEFORE 5\r\nf UID SEARCH RETURN (ALL) UIDBEFORE 1\r\n"
			      "g UID SEARCH RETURN (ALL) UIDAFTER 4294967295\r\nh APPEND box {4+}\r\na: 9\r\n"),
	  { "\"a\") UID COUNT 0", "UID ALL 1,3:4,6:8\r\nb OK", "UID ALL 4,6:7\r\nc OK", "UID ALL 6:8\r\nd OK", "UID ALL 1,3:4\r\ne OK",
	    "UID\r\nf OK", "UID\r\ng OK", "* ESEARCH (TAG \"a\") UID ADDTO (0 9)", "h OK", "!(TAG \"b\") UID ADDTO" } },
};

static void run(const struct imap_script *v, size_t n, int64_t limit, bool is_for_copies)
{
	const char *root_z = test_dir();

	for (size_t i = 0; i < n; i++) {
		struct imap_script fill = { .name = "fill", .input = STR_INIT(FILL), .want = { "p OK EXPUNGE" } };
		struct imap_fixture f;
		struct imap_conf conf;
		struct conf *snapshot;
		char dir[300];

		snprintf(dir, sizeof(dir), "%s/%zu", root_z, i);
		imap_fixture_open(&f, dir, "");
		imap_script_run(&f, &fill, 0);
		snapshot = conf_live_get(f.conf);
		conf = *(const struct imap_conf *)conf_get(snapshot, &imap_conf_table);
		conf.message_limit = limit;
		conf.is_limit_for_copies = is_for_copies;
		imap_script_run_with(&f, &v[i], 1, &conf);
		conf_unref(snapshot);
		imap_fixture_close(&f);
	}
}

TEST(limit_of_messages)
{
	run(scripts, ARRAY_LEN(scripts), 3, false);
}

TEST(limit_of_copies)
{
	run(save_scripts, ARRAY_LEN(save_scripts), 3, true);
}

TEST(limit_is_off)
{
	run(no_limit_scripts, ARRAY_LEN(no_limit_scripts), 0, false);
}

/* RFC 9738 3: not lower than 1000. */
TEST(limit_setting)
{
	static const struct conf_table *const tables[] = { &imap_conf_table };
	static const struct {
		const char *value;
		int want;
	} rows[] = { { "0", 0 }, { "1", -E_USAGE }, { "999", -E_USAGE }, { "1000", 0 }, { "4294967294", 0 }, { "4294967295", -E_USAGE } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf text = BUF_INIT(100);
		struct fault fault = { 0 };
		struct conf *conf = NULL;

		test_row(rows[i].value);
		buf_printf(&text, "[imap]\nmessage_limit = %s\n", rows[i].value);
		assert_int_equal(conf_parse(tables, 1, "test", buf_str(&text), &conf, &fault), rows[i].want);
		conf_unref(conf);
	}
}

TEST(limit_sets)
{
	static const struct {
		struct uid_range x[3], y[3];
		const char *want;
	} rows[] = {
		{ { { 1, 10 } }, { { 4, 5 }, { 9, 12 } }, "4:5,9:10" },
		{ { { 1, 3 }, { 7, 7 } }, { { 4, 6 }, { 8, UINT32_MAX } }, "" },
		{ { { 2, 4 }, { 6, 8 }, { 10, 12 } }, { { 4, 6 }, { 8, 10 }, { 12, 14 } }, "4,6,8,10,12" },
		{ { { 1, UINT32_MAX } }, { { 5, UINT32_MAX } }, "5:4294967295" },
		{ { { 1, 5 } }, { { 0 } }, "" },
	};
	AUTO(arena_fini) struct arena a = { .cap = 1u << 20 };

	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		AUTO(buf_fini) struct buf b = BUF_INIT(100);
		struct uidset sets[2] = { 0 }, got;
		size_t at = i / 2;

		for (size_t k = 0; k < 3; k++) {
			if (rows[at].x[k].lo > 0)
				assert_int_equal(uidset_add(&a, &sets[0], rows[at].x[k].lo, rows[at].x[k].hi), 0);
			if (rows[at].y[k].lo > 0)
				assert_int_equal(uidset_add(&a, &sets[1], rows[at].y[k].lo, rows[at].y[k].hi), 0);
		}
		test_row(rows[at].want);
		assert_int_equal(imap_seqset_both(&a, &sets[i % 2], &sets[1 - i % 2], &got), 0);
		uidset_print(&b, &got);
		assert_string_equal(b.n ? buf_z(&b) : "", rows[at].want);
	}
}
