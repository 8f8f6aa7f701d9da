/* SPDX-License-Identifier: MIT */
/*
 * FETCH, STORE, COPY, MOVE, EXPUNGE and SEARCH by one client against a temporary store. Each row gets a mailbox with
 * the same four messages; what must come back is checked in order, what must not come at all.
 */
#include "imap/imap_test.h"

#include "base/limits.h"
#include "base/test.h"
#include "store/mailbox.h"
#include "store/message.h"

/* 1: plain text. */
#define PLAIN \
	"Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n" \
	"From: Fred Foobar <foobar@Blurdybloop.example>\r\n" \
	"Subject: afternoon meeting\r\n" \
	"To: mooch@owatagu.siam.edu.example\r\n" \
	"Message-Id: <B27397-0100000@Blurdybloop.example>\r\n" \
	"MIME-Version: 1.0\r\n" \
	"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n" \
	"\r\n" \
	"Hello Joe, do you think we can meet at 3:30 tomorrow?\r\n"

/* 2: multipart with encodings and an enclosed message. */
#define ENCLOSED \
	"Subject: =?utf-8?q?K=C3=A4se?=\r\n" \
	"From: inner@example.test\r\n" \
	"\r\n" \
	"inner text\r\n"
#define MULTIPART \
	"From: =?iso-8859-1?q?J=F6rg?= <joerg@example.test>\r\n" \
	"Date: Thu, 1 Jan 2026 00:30:00 +0200\r\n" \
	"Subject: =?utf-8?b?w5xiZXJy?= =?utf-8?b?YXNjaHVuZw==?=\r\n" \
	"MIME-Version: 1.0\r\n" \
	"Content-Type: multipart/mixed; boundary=b\r\n" \
	"\r\n" \
	"preamble\r\n" \
	"--b\r\n" \
	"Content-Type: text/plain; charset=iso-8859-1\r\n" \
	"Content-Transfer-Encoding: quoted-printable\r\n" \
	"\r\n" \
	"Gr=FC=DFe aus der K=\r\n" \
	"=FCche\r\n" \
	"--b\r\n" \
	"Content-Type: application/octet-stream\r\n" \
	"Content-Transfer-Encoding: base64\r\n" \
	"\r\n" \
	"AAECAwQFBgc=\r\n" \
	"--b\r\n" \
	"Content-Type: message/rfc822\r\n" \
	"\r\n" \
	ENCLOSED \
	"--b\r\n" \
	"Content-Type: text/plain\r\n" \
	"Content-Transfer-Encoding: x-unknown\r\n" \
	"\r\n" \
	"odd\r\n" \
	"--b--\r\n"

/* 3: a header and nothing else. 4: base64 UTF-8 text "Prüfung bestanden". */
#define BARE "Subject: bare\r\nX-Long: a\r\n\tfold\r\n"
#define BASE64 \
	"Subject: exam\r\n" \
	"Content-Type: text/plain; charset=utf-8\r\n" \
	"Content-Transfer-Encoding: base64\r\n" \
	"\r\n" \
	"UHLDvGZ1bmcgYmVzdGFuZGVu\r\n"

static const char *const mails[] = { PLAIN, MULTIPART, BARE, BASE64 };

struct script {
	const char *name, *input;
	const char *want[14]; /* with "!" in front: not anywhere */
};

static const struct script scripts[] = {
	/* ---- FETCH ---- */
	{ "fetch simple items", "a FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)\r\n",
	  { "* 1 FETCH (UID 1 FLAGS (\\Recent) INTERNALDATE \"17-Jul-1996 02:44:25 +0000\" RFC822.SIZE 326)\r\n",
	    "a OK FETCH completed\r\n" } },
	{ "fetch ids", "a FETCH 1:2 (EMAILID THREADID SAVEDATE)\r\n",
	  { "* 1 FETCH (EMAILID (E", ") THREADID (T", ") SAVEDATE \"", "* 2 FETCH (EMAILID (E", "a OK" } },
	{ "fetch macros", "a FETCH 1 FAST\r\nb FETCH 1 ALL\r\nc FETCH 1 FULL\r\n",
	  { "* 1 FETCH (FLAGS (", " INTERNALDATE ", " RFC822.SIZE 326)\r\na OK", " RFC822.SIZE 326 ENVELOPE (\"Mon, 7 Feb",
	    "\"<B27397-0100000@Blurdybloop.example>\")", "b OK", " ENVELOPE (", " BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 55 1))",
	    "c OK" } },
	{ "fetch body", "a FETCH 3 BODY[]\r\nb FETCH 3 (BODY[] FLAGS)\r\n",
	  { "* 3 FETCH (FLAGS (\\Seen \\Recent) BODY[] {33}\r\n" BARE ")\r\na OK",
	    "* 3 FETCH (FLAGS (\\Seen \\Recent) BODY[] {33}\r\n" BARE ")\r\nb OK" } },
	{ "fetch marks all at once", "a FETCH 1:4 BODY[TEXT]\r\n",
	  { "* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {55}\r\nHello Joe", "* 2 FETCH (FLAGS (\\Seen ",
	    "* 4 FETCH (FLAGS (\\Seen ", "a OK" } },
	{ "fetch peek marks nothing", "a FETCH 1:4 (BODY.PEEK[] RFC822.HEADER BINARY.PEEK[1] BINARY.SIZE[1] ENVELOPE)\r\n"
	  "b SEARCH SEEN\r\n", { "a OK", "* SEARCH\r\nb OK", "!\\Seen \\Recent)" } },
	{ "fetch in examine marks nothing", "a EXAMINE box\r\nb FETCH 1 RFC822\r\nc SEARCH SEEN\r\n",
	  { "* 1 FETCH (RFC822 {326}\r\nDate:", "b OK", "* SEARCH\r\n" } },
	{ "fetch partials", "a FETCH 3 (BODY.PEEK[]<0.8> BODY.PEEK[]<30.100> BODY.PEEK[]<33.1> BODY.PEEK[TEXT]<5.5>"
	  " BODY.PEEK[]<9223262036854775807.9223262036854775807>)\r\n",
	  { "* 3 FETCH (BODY[]<0> {8}\r\nSubject: BODY[]<30> {3}\r\nd\r\n BODY[]<33> {0}\r\n BODY[TEXT]<5> {0}\r\n BODY[]<9223262036854775807> {0}\r\n)\r\na OK" } },
	{ "fetch header fields", "a FETCH 1 BODY.PEEK[HEADER.FIELDS (DATE subject X-None)]\r\n"
	  "b FETCH 3 BODY.PEEK[HEADER.FIELDS.NOT (Subject)]\r\n"
	  "c FETCH 1 BODY.PEEK[HEADER.FIELDS (X-None)]<0.1>\r\n",
	  { "* 1 FETCH (BODY[HEADER.FIELDS (DATE subject X-None)] {74}\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n"
	    "Subject: afternoon meeting\r\n\r\n)\r\na OK",
	    "BODY[HEADER.FIELDS.NOT (Subject)] {18}\r\nX-Long: a\r\n\tfold\r\n)\r\nb OK",
	    "BODY[HEADER.FIELDS (X-None)]<0> {1}\r\n\r)\r\nc OK" } },
	{ "fetch parts", "a FETCH 2 (BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[3] BODY.PEEK[3.HEADER] BODY.PEEK[3.TEXT]"
	  " BODY.PEEK[3.1] BODY.PEEK[3.HEADER.FIELDS (From)] BODY.PEEK[5] BODY.PEEK[1.HEADER] BODY.PEEK[3.2])\r\n",
	  { "BODY[1] {28}\r\nGr=FC=DFe aus der K=\r\n=FCche", " BODY[1.MIME] {93}\r\nContent-Type: text/plain; charset",
	    "quoted-printable\r\n\r\n BODY[3] {70}\r\nSubject: ", " BODY[3.HEADER] {60}\r\nSubject: =?utf-8?q?K",
	    "BODY[3.TEXT] {10}\r\ninner text", " BODY[3.1] {10}\r\ninner text",
	    " BODY[3.HEADER.FIELDS (From)] {28}\r\nFrom: inner@example.test\r\n\r\n",
	    " BODY[5] NIL BODY[1.HEADER] NIL BODY[3.2] NIL)\r\na OK" } },
	{ "fetch part 1 of a simple message", "a FETCH 1 (BODY.PEEK[1] BODY.PEEK[2])\r\n",
	  { "* 1 FETCH (BODY[1] {55}\r\nHello Joe", "\r\n BODY[2] NIL)\r\na OK" } },
	{ "fetch binary", "a FETCH 2 (BINARY.PEEK[1] BINARY.SIZE[1] BINARY.PEEK[2]<1.3> BINARY.SIZE[2])\r\n"
	  "b FETCH 4 BINARY[1]<2.3>\r\n",
	  { "BINARY[1] {19}\r\nGr\xfc\xdf" "e aus der K\xfc" "che", " BINARY.SIZE[1] 19 BINARY[2]<1> ~{3}\r\n\x01\x02\x03",
	    " BINARY.SIZE[2] 8)\r\na OK", "* 4 FETCH (FLAGS (\\Seen \\Recent) BINARY[1]<2> {3}\r\n\xc3\xbc" "f)\r\nb OK" } },
	{ "fetch binary of an unknown encoding", "a FETCH 2 (UID BINARY.PEEK[4])\r\nb FETCH 2 BINARY.SIZE[4]\r\n",
	  { "* 2 FETCH (UID 2 BINARY[4] NIL)\r\n", "a NO [UNKNOWN-CTE]", "b NO [UNKNOWN-CTE]" } },
	{ "fetch structure", "a FETCH 2 BODYSTRUCTURE\r\n",
	  { "* 2 FETCH (BODYSTRUCTURE ((", "\"mixed\" (\"boundary\" \"b\")", "a OK" } },
	{ "fetch by uid", "a UID FETCH 2:* FLAGS\r\nb UID FETCH 9 FLAGS\r\nc UID FETCH 9:* UID\r\n",
	  { "* 2 FETCH (UID 2 FLAGS ", "* 3 FETCH (UID 3 ", "* 4 FETCH (UID 4 ", "a OK UID FETCH completed\r\nb OK",
	    "* 4 FETCH (UID 4)\r\nc OK" } },
	{ "fetch errors", "a FETCH 5 UID\r\nb FETCH 1 FOO\r\nc FETCH x UID\r\nd FETCH 1\r\ne FETCH 0 UID\r\n",
	  { "a BAD", "b BAD", "c BAD", "d BAD", "e BAD" } },
	{ "fetch modseq", "a FETCH 1 (FLAGS)\r\nb FETCH 1 MODSEQ\r\nc FETCH 1 FLAGS\r\nd FETCH 1:4 UID (CHANGEDSINCE 1000)\r\n",
	  { "a OK", "* OK [HIGHESTMODSEQ ", "* 1 FETCH (MODSEQ (", "b OK", "* 1 FETCH (FLAGS (\\Recent) MODSEQ (", "c OK",
	    "d OK" } },

	/* ---- STORE ---- */
	{ "store flags", "a STORE 1:2 +FLAGS (\\Deleted $x)\r\nb STORE 2 -FLAGS \\Deleted\r\nc STORE 2 FLAGS (\\Draft)\r\n"
	  "d STORE 2 FLAGS ()\r\n",
	  { "* 1 FETCH (FLAGS (\\Deleted \\Recent $x))\r\n* 2 FETCH (FLAGS (\\Deleted \\Recent $x))\r\n", "a OK STORE",
	    "* 2 FETCH (FLAGS (\\Recent $x))\r\nb OK", "* 2 FETCH (FLAGS (\\Draft \\Recent))\r\nc OK",
	    "* 2 FETCH (FLAGS (\\Recent))\r\nd OK" } },
	{ "store silent", "a STORE 1 +FLAGS.SILENT \\Seen \\Flagged\r\nb FETCH 1 FLAGS\r\n",
	  { "a OK", "* 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent))\r\nb OK", "!FETCH (UID" } },
	{ "store by uid", "a UID STORE 3 +FLAGS \\Answered\r\nb UID STORE 99 +FLAGS \\Answered\r\n",
	  { "* 3 FETCH (UID 3 FLAGS (\\Answered \\Recent))\r\na OK UID STORE completed\r\nb OK" } },
	{ "store conditional", "a STORE 1 (UNCHANGEDSINCE 1000000) +FLAGS.SILENT \\Seen\r\n"
	  "b STORE 1,3 (UNCHANGEDSINCE 1) +FLAGS \\Flagged\r\nc UID STORE 3 (UNCHANGEDSINCE 0) FLAGS ()\r\n",
	  { "* 1 FETCH (UID 1 MODSEQ (", "a OK", "b OK [MODIFIED 1,3]", "c OK [MODIFIED 3]", "!\\Flagged" } },
	{ "store conditional of what is so already", "a STORE 1 +FLAGS.SILENT \\Seen\r\nb FETCH 1 MODSEQ\r\n"
	  "c STORE 1 (UNCHANGEDSINCE 1000000) +FLAGS.SILENT \\Seen\r\nd STORE 1 +FLAGS.SILENT \\Seen\r\n",
	  { "* 1 FETCH (MODSEQ (", "b OK", "* 1 FETCH (UID 1 MODSEQ (", "c OK", "d OK", "!d OK [" } },
	{ "store errors", "a STORE 1 +FLAGS \\Recent\r\nb STORE 1 FLAGS \\Foo\r\nc STORE 1 FOO (\\Seen)\r\nd STORE 9 FLAGS ()\r\n"
	  "e EXAMINE box\r\nf STORE 1 FLAGS ()\r\ng STORE 1 FLAGS.SILENT\r\n",
	  { "a BAD", "b BAD", "c BAD", "d BAD", "f NO", "g BAD" } },

	/* ---- COPY, MOVE, EXPUNGE ---- */
	{ "copy", "a COPY 2:3 Archive\r\nb UID COPY 9 Archive\r\nc COPY 1 nowhere\r\nd STATUS Archive (MESSAGES)\r\n",
	  { "a OK [COPYUID ", " 2:3 1:2] COPY completed\r\nb OK UID COPY completed\r\nc NO [TRYCREATE]",
	    "* STATUS Archive (MESSAGES 2)" } },
	{ "copy keeps flags and date", "a STORE 1 FLAGS (\\Seen kw)\r\nb COPY 1 Archive\r\nc SELECT Archive\r\n"
	  "d FETCH 1 (FLAGS INTERNALDATE)\r\n",
	  { "b OK [COPYUID", "* 1 FETCH (FLAGS (\\Seen \\Recent kw) INTERNALDATE \"17-Jul-1996 02:44:25 +0000\")\r\n" } },
	{ "move", "a MOVE 1:2 Archive\r\nb UID MOVE 4 Archive\r\nc FETCH 1:* UID\r\nd UID MOVE 4 Archive\r\n",
	  { "* OK [COPYUID ", " 1:2 1:2] moved\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n", "a OK MOVE", "* OK [COPYUID ",
	    " 4 3] moved\r\n* 2 EXPUNGE\r\n", "b OK", "* 1 FETCH (UID 3)\r\nc OK", "d OK" } },
	{ "expunge", "a STORE 1,3 +FLAGS.SILENT \\Deleted\r\nb EXPUNGE\r\nc UID FETCH 1:* UID\r\nd EXPUNGE\r\ne EXPUNGE x\r\n",
	  { "* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n", "b OK", "* 1 FETCH (UID 2)\r\n* 2 FETCH (UID 4)\r\nc OK", "d OK", "e BAD" } },
	{ "expunge by uid", "a STORE 1:4 +FLAGS.SILENT \\Deleted\r\nb UID EXPUNGE 2,4\r\nc UID FETCH 1:* UID\r\n",
	  { "* 2 EXPUNGE\r\n* 3 EXPUNGE\r\n", "b OK", "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 3)\r\nc OK" } },
	{ "expunge tells the modseq", "a FETCH 1 MODSEQ\r\nb STORE 1 +FLAGS.SILENT \\Deleted\r\nc EXPUNGE\r\n",
	  { "* 1 EXPUNGE\r\n", "c OK [HIGHESTMODSEQ " } },
	{ "close expunges", "a STORE 1 +FLAGS.SILENT \\Deleted\r\nb CLOSE\r\nc STATUS box (MESSAGES)\r\n",
	  { "b OK", "* STATUS box (MESSAGES 3)", "!EXPUNGE\r\n" } },
	{ "unselect does not expunge", "a STORE 1 +FLAGS.SILENT \\Deleted\r\nb UNSELECT\r\nc STATUS box (MESSAGES)\r\n",
	  { "b OK", "* STATUS box (MESSAGES 4)" } },

	/* ---- SEARCH ---- */
	{ "search by the view", "a STORE 2 FLAGS.SILENT (\\Seen kw)\r\nb SEARCH SEEN\r\nc SEARCH UNSEEN 2:*\r\n"
	  "d SEARCH KEYWORD KW UNKEYWORD none\r\ne SEARCH LARGER 326\r\nf SEARCH SMALLER 326\r\ng SEARCH OR 1 UID 4\r\n"
	  "h SEARCH NOT 2:3 ALL\r\n",
	  { "* SEARCH 2\r\n", "* SEARCH 3 4\r\n", "* SEARCH 2\r\n", "* SEARCH 2\r\n", "* SEARCH 3 4\r\n", "* SEARCH 1 4\r\n",
	    "* SEARCH 1 4\r\nh OK" } },
	{ "search by date", "a SEARCH ON 17-Jul-1996\r\nb SEARCH BEFORE 17-Jul-1996\r\nc SEARCH SINCE 18-Jul-1996\r\n"
	  "d SEARCH SENTON 7-Feb-1994\r\ne SEARCH SENTON 8-Feb-1994\r\nf SEARCH SENTSINCE 1-Jan-2026\r\n"
	  "g SEARCH SENTBEFORE 1-Jan-2026\r\nh SEARCH NOT SENTSINCE 1-Jan-1990\r\n",
	  { "* SEARCH 1 2 3 4\r\na", "* SEARCH\r\nb", "* SEARCH\r\nc", "* SEARCH 1\r\nd", "* SEARCH\r\ne", "* SEARCH 2\r\nf",
	    "* SEARCH 1\r\ng", "* SEARCH 3 4\r\nh" } },
	{ "search headers", "a SEARCH FROM foobar\r\nb SEARCH FROM \"J\xc3\xb6RG\"\r\nc SEARCH SUBJECT \"\xc3\xbc" "berraschung\"\r\n"
	  "d SEARCH HEADER X-Long \"\"\r\ne SEARCH HEADER x-long \"A\tFOLD\"\r\nf SEARCH TO owatagu\r\n"
	  "g SEARCH CC owatagu\r\nh SEARCH CHARSET iso-8859-1 FROM {4+}\r\nJ\xf6rg\r\n",
	  { "* SEARCH 1\r\na", "* SEARCH 2\r\nb", "* SEARCH 2\r\nc", "* SEARCH 3\r\nd", "* SEARCH 3\r\ne", "* SEARCH 1\r\nf",
	    "* SEARCH\r\ng", "* SEARCH 2\r\nh" } },
	{ "search text", "a SEARCH BODY \"GR\xc3\xbc\xc3\x9f" "E AUS\"\r\nb SEARCH BODY \"K\xc3\xbc" "che\"\r\nc SEARCH BODY \"Pr\xc3\xbc" "fung\"\r\n"
	  "d SEARCH BODY Subject\r\ne SEARCH TEXT Subject\r\nf SEARCH BODY \"inner TEXT\"\r\ng SEARCH BODY \"k\xc3\xa4se\"\r\n"
	  "h SEARCH TEXT octet-stream\r\ni SEARCH TEXT 3:30 NOT TEXT nothing\r\nj SEARCH BODY AAEC\r\n",
	  { "* SEARCH 2\r\na", "* SEARCH 2\r\nb", "* SEARCH 4\r\nc", "* SEARCH 2\r\nd", "* SEARCH 1 2 3 4\r\ne",
	    "* SEARCH 2\r\nf", "* SEARCH 2\r\ng", "* SEARCH 2\r\nh", "* SEARCH 1\r\ni", "* SEARCH\r\nj" } },
	{ "search returns", "a SEARCH RETURN (MIN COUNT) ALL\r\nb UID SEARCH RETURN () 2:3\r\nc SEARCH RETURN (MIN MAX) TEXT Subject\r\n"
	  "d SEARCH RETURN (COUNT MIN) SEEN\r\ne SEARCH RETURN (MIN MAX ALL) SEEN\r\nf SEARCH RETURN (MAX) UNSEEN\r\n",
	  { "* ESEARCH (TAG \"a\") MIN 1 COUNT 4\r\na OK", "* ESEARCH (TAG \"b\") UID ALL 2:3\r\n",
	    "* ESEARCH (TAG \"c\") MIN 1 MAX 4\r\n", "* ESEARCH (TAG \"d\") COUNT 0\r\n", "* ESEARCH (TAG \"e\")\r\n",
	    "* ESEARCH (TAG \"f\") MAX 4\r\n" } },
	{ "search in rev2", "a ENABLE IMAP4rev2\r\nb SEARCH 2:3\r\nc SEARCH SEEN\r\n",
	  { "* ESEARCH (TAG \"b\") ALL 2:3\r\n", "* ESEARCH (TAG \"c\")\r\n" } },
	{ "search saved", "a SEARCH RETURN (SAVE) 2:3\r\nb FETCH $ UID\r\nc UID SEARCH RETURN (SAVE MIN) $\r\nd SEARCH $\r\n"
	  "e SEARCH RETURN (SAVE) CHARSET X-NO ALL\r\nf FETCH $ UID\r\ng SEARCH NOT $\r\n",
	  { "a OK", "* 2 FETCH (UID 2)\r\n* 3 FETCH (UID 3)\r\n", "* ESEARCH (TAG \"c\") UID MIN 2\r\n", "* SEARCH 2\r\n",
	    "e NO [BADCHARSET (UTF-8)]", "f OK", "* SEARCH 1 2 3 4\r\n" } },
	{ "search saved survives expunge", "a SEARCH RETURN (SAVE ALL) 2:4\r\nb STORE 3 +FLAGS.SILENT \\Deleted\r\nc EXPUNGE\r\n"
	  "d COPY $ Archive\r\ne SEARCH RETURN (COUNT) $\r\n",
	  { "* ESEARCH (TAG \"a\") ALL 2:4\r\n", "d OK [COPYUID ", " 2,4 1:2]", "COUNT 2\r\n" } },
	{ "search modseq", "a SEARCH MODSEQ 1\r\nb SEARCH RETURN (COUNT) MODSEQ 100000\r\nc SEARCH RETURN (MIN) MODSEQ 1\r\n",
	  { "* OK [HIGHESTMODSEQ ", "* SEARCH 1 2 3 4 (MODSEQ ", "a OK", "* ESEARCH (TAG \"b\") COUNT 0\r\n",
	    "* ESEARCH (TAG \"c\") MIN 1 MODSEQ " } },
	{ "search rev1 keys", "a SEARCH RECENT\r\nb SEARCH OLD\r\nc STORE 1 FLAGS.SILENT \\Seen\r\nd SEARCH NEW\r\n",
	  { "* SEARCH 1 2 3 4\r\na", "* SEARCH\r\nb", "* SEARCH 2 3 4\r\nd" } },
	{ "search past the end", "a SEARCH 3:9\r\nb SEARCH 9\r\nc SEARCH FOO\r\n",
	  { "* SEARCH 3 4\r\na OK", "* SEARCH\r\nb OK", "c BAD" } },
};

static void fill(struct imap_fixture *f)
{
	struct fault fault;
	struct store_appended appended;
	int64_t box;

	must(store_mailbox_create(f->store, f->alice, S("box"), 0, &box, &fault) == 0);
	for (size_t i = 0; i < ARRAY_LEN(mails); i++) {
		AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
		struct store_content_new content;
		struct store_append v = { .mailbox = box, .content = &content, .internaldate_s = 837571465 };

		must(store_content_prepare(&a, str_z(mails[i]), &content) == 0);
		must(store_append(f->store, &v, 1, &appended) == 0);
	}
}

/* How many of the expectations are not met. */
static int check(const struct script *script, struct str all)
{
	struct str out = all;
	int n_bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(script->want) && script->want[i] != NULL; i++) {
		bool is_never = script->want[i][0] == '!';
		struct str want = str_z(script->want[i] + is_never);
		ptrdiff_t at = str_find(is_never ? all : out, want);

		if ((at >= 0) == is_never) {
			print_error("%s: %s<%" STR_FMT "> in <%" STR_FMT ">\n", script->name, is_never ? "" : "no ",
				    STR_ARG(want), STR_ARG(out));
			n_bad++;
		} else if (!is_never) {
			out = str_skip(out, (size_t)at + want.n);
		}
	}
	return n_bad;
}

static int run_script(const struct script *script, const char *dir_z)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(10000);
	struct imap_fixture f;
	struct imap_peer p;
	struct str out;
	int n_bad;

	test_row(script->name);
	buf_printf(&input, "s SELECT box\r\n%s", script->input);
	imap_fixture_open(&f, dir_z, "");
	fill(&f);
	imap_peer_open(&f, &p, buf_str(&input), 0, true);
	(void)imap_peer_run(&p, NET_START);
	out = imap_peer_finish(&p);
	out = str_skip(out, (size_t)str_find(out, S("s OK ")));
	n_bad = check(script, out);
	imap_peer_close(&p);
	imap_fixture_close(&f);
	return n_bad;
}

TEST(messages_scripts)
{
	const char *top_z = test_dir();
	int n_bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		char dir[300];

		snprintf(dir, sizeof(dir), "%s/%zu", top_z, i);
		n_bad += run_script(&scripts[i], dir);
	}
	assert_int_equal(n_bad, 0);
}
