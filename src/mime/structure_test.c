/* SPDX-License-Identifier: MIT */
/* Trees, their BODYSTRUCTURE and their map, from whole messages. */
#include "base/test.h"
#include "mime/mime_int.h"

/* Each table message is parsed with LF line ends and again with CRLF. */
static void add_with_line_ends(struct buf *out, const char *text_z, bool is_crlf)
{
	for (const char *p = text_z; *p != '\0'; p++) {
		if (*p == '\n' && is_crlf)
			buf_add_char(out, '\r');
		buf_add_char(out, *p);
	}
}

/* type/subtype[body of a leaf|lines](children) */
static void print_tree(struct buf *out, struct str message, const struct mime_part *part)
{
	buf_printf(out, "%" STR_FMT "/%" STR_FMT, STR_ARG(part->type), STR_ARG(part->subtype));
	if (part->child == NULL) {
		struct str body = str_of(message.p + part->body_off, part->body_n), text;

		buf_add_char(out, '[');
		while (str_split(&body, '\r', &text))
			buf_add(out, text);
		buf_printf(out, "|%u]", part->body_lines);
		return;
	}
	for (const struct mime_part *c = part->child; c != NULL; c = c->next) {
		buf_add_char(out, c == part->child ? '(' : ' ');
		print_tree(out, message, c);
	}
	buf_add_char(out, ')');
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\n\n"

TEST(structure_trees)
{
	static const struct {
		const char *message, *want;
	} rows[] = {
		{ "", "text/plain[|0]" },
		{ "\nbody", "text/plain[body|0]" },
		{ "Subject: x\n\na\nb\n", "text/plain[a\nb\n|2]" },
		{ "Subject: x", "text/plain[|0]" },
		{ "Content-Type: text\n\n", "text/plain[|0]" },
		{ "Content-Type: IMAGE/png; x\n\n", "IMAGE/png[|0]" },
		{ "Content-Type: a/b\nContent-Type: c/d\n\n", "a/b[|0]" },
		{ MIXED "--b\n\none\n--b\n\ntwo\n\n--b--\n",
		  "multipart/mixed(text/plain[one|0] text/plain[two\n|1])" },
		{ MIXED "preamble\n--b \t\nX: y\n\none\n--b--  \nepilogue\n--b\n\nno part\n",
		  "multipart/mixed(text/plain[one|0])" },
		{ MIXED "--b\n\none\n--bb\n -- b\n--b-\n--b--x\n",
		  "multipart/mixed(text/plain[one\n--bb\n -- b\n--b-\n--b--x\n|5])" },
		{ MIXED "--b\n\nno end", "multipart/mixed(text/plain[no end|0])" },
		{ MIXED "--b\n--b\n\n--b\nX: y\n--b--",
		  "multipart/mixed(text/plain[|0] text/plain[|0] text/plain[|0])" },
		{ MIXED "no parts\n", "multipart/mixed(text/plain[|0])" },
		{ MIXED, "multipart/mixed(text/plain[|0])" },
		{ "Content-Type: multipart/mixed\n\n--b\n\nx", "text/plain[--b\n\nx|2]" },
		{ "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx", "text/plain[--\n\nx|2]" },
		{ "Content-Type: text\n\nx", "text/plain[x|0]" },
		/* The outer boundary ends the inner multipart. */
		{ MIXED "--b\nContent-Type: multipart/x; boundary=c\n\n--c\n\nin\n--b\n\nout\n--c\n--b--\n",
		  "multipart/mixed(multipart/x(text/plain[in|0]) text/plain[out\n--c|1])" },
		{ MIXED "--b\nContent-Type: multipart/x; boundary=b-\n\n--b-\n\nin\n--b---\nepi\n--b--\n",
		  "multipart/mixed(multipart/x(text/plain[in|0]))" },
		{ MIXED "--b\nContent-Type: multipart/x; boundary=b\n\n--b\n\nin\n--b--\n--b\n\nout\n--b--",
		  "multipart/mixed(multipart/x(text/plain[in|0]) text/plain[out|0])" },
		/* RFC 2046 5.1.5 */
		{ "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nin\n--b\n"
		  "Content-Type: text/plain\n\ny\n--b--\n",
		  "multipart/digest(message/rfc822(text/plain[in|0]) text/plain[y|0])" },
		{ "Content-Type: message/rfc822\n\nSubject: x\n" MIXED "--b\n\none\n--b--\n",
		  "message/rfc822(multipart/mixed(text/plain[one|0]))" },
		{ "Content-Type: message/global\n\n", "message/global(text/plain[|0])" },
		{ "Content-Type: message/delivery-status\n\nx", "message/delivery-status[x|0]" },
		{ MIXED "--b\nContent-Type: message/rfc822\n--b--\n",
		  "multipart/mixed(message/rfc822(text/plain[|0]))" },
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
		AUTO(buf_fini) struct buf in = BUF_INIT(10000), got = BUF_INIT(10000);
		AUTO(mem_auto_free) char *copy = NULL;
		struct mime_part *root;
		struct str message;

		test_row(rows[i / 2].message);
		add_with_line_ends(&in, rows[i / 2].message, i % 2);
		copy = test_copy(buf_str(&in));
		message = str_of(copy, in.n);
		assert_int_equal(mime_parse(&a, message, &root), 0);
		print_tree(&got, message, root);
		assert_str_eq(buf_str(&got), str_z(rows[i / 2].want));
	}
}

/* RFC 2045 5, RFC 2183 2. */
TEST(structure_fields)
{
	static const char text[] = "Content-Type: (c) text (d) / (e) html (f); charset=x\n"
				   "CONTENT-TRANSFER-ENCODING: (c) Base64 (d)\n"
				   "Content-ID: <i@x>\n"
				   "Content-Description: a\n b\n"
				   "Content-Disposition: inline; filename=f\n"
				   "Content-Language: en, fr\n"
				   "Content-Location: x:y\n"
				   "Content-MD5: ==\n\n";
	AUTO(arena_fini) struct arena a = { .cap = 10000 };
	struct mime_part *root;

	assert_int_equal(mime_parse(&a, str_z(text), &root), 0);
	assert_str_eq(root->type, S("text"));
	assert_str_eq(root->subtype, S("html"));
	assert_str_eq(mime_param_find(root->params, root->n_params, S("CHARSET")), S("x"));
	assert_int_equal(root->cte, MIME_CTE_BASE64);
	assert_str_eq(root->cte_text, S("Base64"));
	assert_str_eq(root->id, S("<i@x>"));
	assert_str_eq(root->description, S("a b"));
	assert_str_eq(root->disposition, S("inline"));
	assert_int_equal(root->n_disposition_params, 1);
	assert_str_eq(root->languages, S("en, fr"));
	assert_str_eq(root->location, S("x:y"));
	assert_str_eq(root->md5, S("=="));
}

static size_t count(const struct mime_part *part, size_t depth, size_t *deepest)
{
	size_t n = 1;

	*deepest = depth > *deepest ? depth : *deepest;
	for (const struct mime_part *c = part->child; c != NULL; c = c->next)
		n += count(c, depth + 1, deepest);
	return n;
}

/* What is repeated, and how often. Quadratic code would take minutes. */
TEST(structure_torture)
{
	static const struct {
		const char *begin, *again;
		size_t bytes;
	} rows[] = {
		{ MIXED, "--b\n\n", 4u << 20 },
		{ MIXED, "--b\n" MIXED, 1u << 20 },
		{ MIXED, "--\n", 4u << 20 },
		{ "", "Content-Type: message/rfc822\n\n", 1u << 20 },
		{ "", "X: y\n", 4u << 20 },
		{ "Content-Type: multipart/digest; boundary=b\n\n", "--b\n\nTo: a,b,c\n\n", 1u << 20 },
		{ MIXED, "--b\nContent-Type: multipart/x; boundary=c\n\n", 1u << 20 },
		{ MIXED, "--b\nContent-Type: a/b; a*0*=koi8-r''x; a*1=y\n\n", 2u << 20 },
		{ "Content-Type: a/b", "; a=b", 4u << 20 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
		AUTO(buf_fini) struct buf in = BUF_INIT(8u << 20), out = BUF_INIT(1u << 20);
		struct mime_part *root;
		size_t deepest = 0;

		test_row(rows[i].again);
		buf_add(&in, str_z(rows[i].begin));
		while (in.n < rows[i].bytes)
			buf_add(&in, str_z(rows[i].again));
		assert_int_equal(mime_parse(&a, buf_str(&in), &root), 0);
		assert_true(count(root, 1, &deepest) <= LIMIT_MIME_PARTS);
		assert_true(deepest <= LIMIT_MIME_DEPTH);
		assert_int_equal(mime_bodystructure_print(&a, buf_str(&in), root, &out), 0);
	}
}

/* Different boundaries at every level: their lines are found by hash. */
TEST(structure_deep_boundaries)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	AUTO(buf_fini) struct buf in = BUF_INIT(8u << 20);
	struct mime_part *root;
	size_t deepest = 0;

	for (int i = 0; i < 1000; i++)
		buf_printf(&in, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	while (in.n < 4u << 20)
		buf_add(&in, S("--b98\n--nothing\n"));
	assert_int_equal(mime_parse(&a, buf_str(&in), &root), 0);
	assert_int_equal(count(root, 1, &deepest), LIMIT_MIME_PARTS);
	assert_int_equal(deepest, LIMIT_MIME_DEPTH);
}

TEST(structure_says_when_the_arena_is_full)
{
	AUTO(arena_fini) struct arena a = { .cap = 5000 };
	AUTO(buf_fini) struct buf in = BUF_INIT(100000);
	struct mime_part *root;

	buf_add(&in, S(MIXED));
	for (int i = 0; i < 1000; i++)
		buf_add(&in, S("--b\n\n"));
	assert_int_equal(mime_parse(&a, buf_str(&in), &root), -E_LIMIT);
}
