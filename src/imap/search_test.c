/* SPDX-License-Identifier: MIT */
/* Search programs: each row is parsed against an empty mailbox and printed. RFC 9051 6.4.4, 9; RFC 3501 6.4.4; RFC 7162 3.1.5. */
#include "imap/search.h"

#include "base/test.h"
#include "imap/imap_int.h"
#include "store/view.h"

static const struct {
	const char *name, *input, *want; /* want NULL: refused with err */
	int err;
} rows[] = {
	{ "all", " ALL", "all", 0 },
	{ "flags", " ANSWERED UNSEEN flagged", "flags=2 (not flags=1) flags=4", 0 },
	{ "keyword", " KEYWORD $Junk UNKEYWORD x", "keyword:$Junk (not keyword:x)", 0 },
	{ "fields", " FROM Smith CC {1}\r\nx SUBJECT \"a \\\"b\"", "FROM:SMITH CC:X SUBJECT:A \"B", 0 },
	{ "header", " HEADER X-Foo \"\" HEADER y z", "X-Foo: y:Z", 0 },
	{ "text", " BODY a TEXT b", "body:A text:B", 0 },
	{ "utf-8", " CHARSET utf-8 TEXT {2}\r\n\xc3\xa4", "text:A\xcc\x88", 0 },
	{ "charset", " CHARSET iso-8859-1 TEXT {1}\r\n\xe4", "text:A\xcc\x88", 0 },
	{ "us-ascii", " CHARSET US-ASCII TEXT x", "text:X", 0 },
	{ "sizes", " LARGER 10 SMALLER 4294967296", "larger=10 smaller=4294967296", 0 },
	{ "dates", " SINCE 1-Feb-1994 BEFORE \"02-feb-1994\" ON 1-Jan-1970", "since@760060800 before@760147200 on@0", 0 },
	{ "sent dates", " SENTSINCE 2-Jan-1970 SENTBEFORE 1-Jan-1970 SENTON 1-Jan-1970",
	  "sentsince@86400 sentbefore@0 senton@0", 0 },
	{ "or, not", " OR SEEN NOT DELETED ANSWERED", "(or flags=1 (not flags=8)) flags=2", 0 },
	{ "parentheses", " (SEEN (DELETED)) OR (ALL SEEN) 1", "(flags=1 (flags=8)) (or (all flags=1) seqs)", 0 },
	{ "sets", " 1:5,* UID 1:* $ UID $", "seqs seqs seqs seqs", 0 },
	{ "rev1 keys", " NEW OLD RECENT", "(uids (not flags=1)) (not uids) uids", 0 },
	{ "modseq", " MODSEQ 620162338", "modseq=620162338", 0 },
	{ "modseq of a flag", " MODSEQ \"/flags/\\\\draft\" all 620162338", "modseq=620162338", 0 },
	{ "ids", " EMAILID E12 THREADID T3 EMAILID x THREADID E1", "emailid=12 threadid=3 none none", 0 },
	{ "save dates", " SAVEDSINCE 2-Jan-1970 SAVEDATESUPPORTED", "savedsince@86400 all", 0 },
	{ "return", " RETURN (MIN MAX) ALL", "RETURN=3 all", 0 },
	{ "return nothing", " RETURN () ALL", "RETURN=4 all", 0 },
	{ "return save", " return (count Save ALL) CHARSET UTF-8 1", "RETURN=28 seqs", 0 },

	{ "annotation", " ANNOTATION /comment value \"IMAP4\" ANNOTATION * value.priv {2}\r\nab ANNOTATION \"/a b\" value.shared ~{1}\r\nx",
	  "annotation=3:/comment:IMAP4 annotation=1:*:AB annotation=2:/a b:X", 0 },
	{ "annotation charset", " CHARSET iso-8859-1 ANNOTATION /a value {1}\r\n\xe4", "annotation=3:/a:A\xcc\x88", 0 },
	{ "annotation that is not there", " ANNOTATION /%/a value.priv NIL", "(not annotation=1:/%/a:)", 0 },
	{ "annotation size", " ANNOTATION /comment size \"1\"", NULL, -E_SYNTAX },
	{ "annotation of another attribute", " ANNOTATION /comment value.x \"1\"", NULL, -E_SYNTAX },
	{ "annotation of flags", " ANNOTATION /flags/seen value \"1\"", NULL, -E_SYNTAX },
	{ "annotation without value", " ANNOTATION /comment value", NULL, -E_SYNTAX },
	{ "annotation without name", " ANNOTATION value \"x\"", NULL, -E_SYNTAX },
	{ "no key", "", NULL, -E_SYNTAX },
	{ "blank only", " ", NULL, -E_SYNTAX },
	{ "unknown key", " FOO", NULL, -E_SYNTAX },
	{ "open parenthesis", " (ALL", NULL, -E_SYNTAX },
	{ "empty parentheses", " ()", NULL, -E_SYNTAX },
	{ "too much", " ALL )", NULL, -E_SYNTAX },
	{ "or with one", " OR ALL", NULL, -E_SYNTAX },
	{ "not with none", " NOT", NULL, -E_SYNTAX },
	{ "no such day", " ON 30-Feb-2020", NULL, -E_SYNTAX },
	{ "older than nothing", " OLDER 0", NULL, -E_SYNTAX },
	{ "younger than no number", " YOUNGER x", NULL, -E_SYNTAX },
	{ "interval too large", " OLDER 4294967296", NULL, -E_SYNTAX },
	{ "number too large", " LARGER 99999999999999999999", NULL, -E_SYNTAX },
	{ "return update", " RETURN (UPDATE CONTEXT COUNT) UID 3:*", "RETURN=72 seqs", 0 },
	{ "return partial", " RETURN (PARTIAL -1:-2 COUNT) ALL", "RETURN=40 all", 0 },
	{ "return partial and all", " RETURN (PARTIAL 1:2 ALL) ALL", NULL, -E_SYNTAX },
	{ "return without list", " RETURN ALL", NULL, -E_SYNTAX },
	{ "charset unknown", " CHARSET X-NOPE ALL", NULL, -E_BAD_CHARSET },
	{ "filter without a name", " FILTER", NULL, -E_SYNTAX },
	{ "filter of a path", " FILTER a/b", NULL, -E_SYNTAX },
	{ "filter and charset", " CHARSET iso-8859-1 FILTER x", NULL, -E_USAGE },
	{ "no filter", " FILTER x", NULL, -E_NOT_FOUND },
	{ "charset without a key", " CHARSET UTF-8", NULL, -E_SYNTAX },
	{ "uid sides", " UIDAFTER 7 UIDBEFORE 1", "seqs seqs", 0 },
	{ "uidafter a set", " UIDAFTER 7:9", NULL, -E_SYNTAX },
	{ "uidbefore nothing", " UIDBEFORE 0", NULL, -E_SYNTAX },
	{ "uidafter star", " UIDAFTER *", NULL, -E_SYNTAX },
	{ "modseq of nothing", " MODSEQ \"/x\" all 1", NULL, -E_SYNTAX },
};

static void print(struct buf *out, const struct store_search *key);

static void print_list(struct buf *out, const struct store_search *key)
{
	for (const struct store_search *k = key->child; k != NULL; k = k->next) {
		if (k != key->child)
			buf_add_char(out, ' ');
		print(out, k);
	}
}

static void print(struct buf *out, const struct store_search *key)
{
	static const struct {
		const char *name;
		char kind; /* of what follows */
	} ops[] = {
		[STORE_S_AND] = { "(", '(' }, [STORE_S_OR] = { "(or ", '(' }, [STORE_S_NOT] = { "(not ", '(' },
		[STORE_S_ALL] = { "all", 0 }, [STORE_S_NONE] = { "none", 0 }, [STORE_S_SEQS] = { "seqs", 0 },
		[STORE_S_UIDS] = { "uids", 0 }, [STORE_S_FLAGS] = { "flags", '=' },
		[STORE_S_KEYWORD] = { "keyword:", 'n' }, [STORE_S_LARGER] = { "larger", '=' },
		[STORE_S_SMALLER] = { "smaller", '=' }, [STORE_S_BEFORE] = { "before", '@' },
		[STORE_S_ON] = { "on", '@' }, [STORE_S_SINCE] = { "since", '@' },
		[STORE_S_SAVED_BEFORE] = { "savedbefore", '@' }, [STORE_S_SAVED_ON] = { "savedon", '@' },
		[STORE_S_SAVED_SINCE] = { "savedsince", '@' }, [STORE_S_MODSEQ] = { "modseq", '=' },
		[STORE_S_ANNOTATION] = { "annotation", 'a' },
		[STORE_S_EMAILID] = { "emailid", '=' }, [STORE_S_THREADID] = { "threadid", '=' },
		[STORE_S_SENT_BEFORE] = { "sentbefore", '@' }, [STORE_S_SENT_ON] = { "senton", '@' },
		[STORE_S_SENT_SINCE] = { "sentsince", '@' }, [STORE_S_HEADER] = { "", 'h' },
		[STORE_S_BODY] = { "body:", 'v' }, [STORE_S_TEXT] = { "text:", 'v' },
	};

	buf_add(out, str_z(ops[key->op].name));
	switch (ops[key->op].kind) {
	case '(':
		print_list(out, key);
		buf_add_char(out, ')');
		break;
	case '=':
		buf_printf(out, "=%llu", (unsigned long long)key->number);
		break;
	case '@':
		buf_printf(out, "@%lld", (long long)key->day_s);
		break;
	case 'h':
		buf_add(out, key->name);
		buf_add_char(out, ':');
		buf_add(out, key->value);
		break;
	case 'a':
		buf_printf(out, "=%llu:", (unsigned long long)key->number);
		buf_add(out, key->name);
		buf_add_char(out, ':');
		buf_add(out, key->value);
		break;
	case 'n':
		buf_add(out, key->name);
		break;
	case 'v':
		buf_add(out, key->value);
		break;
	default:
		break;
	}
}

static int parse(struct imap_session *s, struct str input, struct imap_search *q)
{
	static struct store_view view = { .uidnext = 1 };
	static struct imap_selected sel = { .view = &view };

	*s = (struct imap_session){ .sel = &sel };
	arena_init(&s->arena, 16u << 20);
	imap_parse_init(&s->p, &s->arena, input, false);
	return imap_search_parse(s, q);
}

TEST(search_parse)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf out = BUF_INIT(4000);
		struct str input = str_z(rows[i].input);
		AUTO(mem_auto_free) char *copy = test_copy(input);
		struct imap_session s;
		struct imap_search q;

		test_row(rows[i].name);
		assert_int_equal(parse(&s, str_of(copy, input.n), &q), rows[i].err);
		if (rows[i].err == 0) {
			if (q.has_return)
				buf_printf(&out, "RETURN=%u ", q.returns);
			print_list(&out, q.tree);
			assert_str_eq(buf_str(&out), str_z(rows[i].want));
		}
		arena_fini(&s.arena);
	}
}

/* n times the text, then the end. */
static int parse_many(const char *text_z, int n, const char *end_z)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(1u << 20);
	struct imap_session s;
	struct imap_search q;
	int r;

	buf_add_char(&b, ' ');
	for (int i = 0; i < n; i++)
		buf_add(&b, str_z(text_z));
	buf_add(&b, str_z(end_z));
	r = parse(&s, buf_str(&b), &q);
	arena_fini(&s.arena);
	return r;
}

TEST(search_parse_limits)
{
	assert_int_equal(parse_many("NOT ", STORE_SEARCH_DEPTH - 1, "ALL"), 0);
	assert_int_equal(parse_many("NOT ", STORE_SEARCH_DEPTH, "ALL"), -E_LIMIT);
	assert_int_equal(parse_many("(", 100000, ""), -E_LIMIT);
	assert_int_equal(parse_many("ALL ", IMAP_SEARCH_KEYS - 2, "ALL"), 0);
	assert_int_equal(parse_many("ALL ", IMAP_SEARCH_KEYS, "ALL"), -E_LIMIT);
	assert_int_equal(parse_many("x", 10, ""), -E_SYNTAX);
	assert_int_equal(parse_many("TEXT ", 1, "{5000}\r\n"), -E_SYNTAX);
}
