/* SPDX-License-Identifier: MIT */
/* The grammar of GETMETADATA and SETMETADATA (RFC 5464 5) where the protocol scripts do not go. */
#include "imap/script_test.h"

static const struct imap_script scripts[] = {
	{ "by literals",
	  STR_INIT("a SETMETADATA {5}\r\nINBOX ({16}\r\n/private/comment {2+}\r\nab)\r\n"
		   "b GETMETADATA {5+}\r\nINBOX ({16+}\r\n/PRIVATE/COMMENT)\r\n"),
	  { "+ go ahead", "+ go ahead", "a OK",
	    "* METADATA INBOX (/private/comment \"ab\")\r\nb OK" } },
	{ "set is refused",
	  STR_INIT("a SETMETADATA INBOX\r\nb SETMETADATA INBOX /private/x\r\n"
		   "c SETMETADATA INBOX (/private/x)\r\nd SETMETADATA INBOX (/private/x \"a\"\r\n"
		   "e SETMETADATA INBOX (/private/x a)\r\nf SETMETADATA INBOX (/private/x NIL) y\r\n"
		   "g SETMETADATA INBOX (/private/x {1+}\r\n\0)\r\nh SETMETADATA (/private/x \"a\")\r\n"
		   "i SETMETADATA INBOX (/private/x \"a\"  /private/y \"b\")\r\n"
		   "j GETMETADATA INBOX (DEPTH 1) /private\r\n"),
	  { "a BAD", "b BAD", "c BAD", "d BAD", "e BAD", "f BAD", "g BAD", "h BAD", "i BAD",
	    "* METADATA INBOX (/private NIL)\r\nj OK" } },
	{ "get is refused",
	  STR_INIT("a GETMETADATA\r\nb GETMETADATA INBOX\r\nc GETMETADATA (DEPTH 1) INBOX\r\n"
		   "d GETMETADATA (DEPTH) INBOX /private/x\r\ne GETMETADATA (MAXSIZE -1) INBOX /private/x\r\n"
		   "f GETMETADATA (X 1) INBOX /private/x\r\ng GETMETADATA INBOX (/private/x\r\n"
		   "h GETMETADATA INBOX /private/x)\r\ni GETMETADATA INBOX (DEPTH 1)\r\n"
		   "j GETMETADATA INBOX (MAXSIZE 4294967296) /private/x\r\nk NOOP\r\n"),
	  { "a BAD", "b BAD", "c BAD", "d BAD", "e BAD", "f BAD", "g BAD", "h BAD", "i BAD", "j BAD",
	    "k OK" } },
	{ "odd names and values",
	  STR_INIT("a SETMETADATA INBOX (\"/private/a (b)\" \"q\\\"\\\\\" /shared/x {2+}\r\n\xc3\xbc)\r\n"
		   "b GETMETADATA INBOX (\"/private/a (b)\" /shared/x)\r\n"
		   "c SETMETADATA INBOX (\"/private/\xc3\xbc\" \"x\")\r\n"),
	  { "a OK", "* METADATA INBOX (\"/private/a (b)\" \"q\\\"\\\\\" /shared/x {2}\r\n\xc3\xbc)",
	    "b OK", "c BAD" } },
	{ "special use",
	  STR_INIT("a SETMETADATA Archive (/private/specialuse \"\")\r\n"
		   "b SETMETADATA Archive (/private/specialuse \"Sent\")\r\n"
		   "c SETMETADATA Archive (/private/specialuse \"\\\\Sent  \\\\Junk\")\r\n"
		   "d SETMETADATA Archive (/private/specialuse \"\\\\sent\" /shared/specialuse \"x\")\r\n"
		   "e GETMETADATA Archive (DEPTH 1) (/private /shared)\r\n"),
	  { "a OK", "b NO [USEATTR]", "c NO [USEATTR]", "d OK",
	    "(/shared/specialuse \"x\" /private/specialuse \"\\\\Sent\")" } },
};

TEST(metadata_scripts)
{
	imap_scripts_run("", scripts, ARRAY_LEN(scripts));
}

TEST(metadata_bounds_the_entries_of_a_command)
{
	AUTO(buf_fini) struct buf input = BUF_INIT(1u << 20);
	struct imap_script script = {
		.name = "many",
		.want = { "a NO [LIMIT]", "b NO [METADATA TOOMANY]", "c NO [LIMIT]", "d OK" },
	};
	struct imap_fixture f;

	for (int turn = 0; turn < 3; turn++) {
		static const char *const heads[] = { "a GETMETADATA INBOX (", "b SETMETADATA INBOX (",
						     "c LIST \"\" * RETURN (METADATA (" };

		buf_add(&input, str_z(heads[turn]));
		for (int i = 0; i < 600; i++)
			buf_printf(&input, "%s/shared/%d%s", i > 0 ? " " : "", i,
				   turn == 1 ? " \"x\"" : "");
		buf_add(&input, turn == 2 ? S("))\r\n") : S(")\r\n"));
	}
	buf_add(&input, S("d NOOP\r\n"));
	script.input = buf_str(&input);
	imap_fixture_open(&f, test_dir(), "");
	imap_script_run(&f, &script, 0);
	imap_fixture_close(&f);
}
