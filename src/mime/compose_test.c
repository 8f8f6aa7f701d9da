/* SPDX-License-Identifier: MIT */
/* Messages that are made of pieces, read again. */
#include "base/rnd.h"
#include "base/test.h"
#include "mime/mime_int.h"

#define OUT_MAX (1u << 20)

struct draft {
	struct arena a;
	struct buf out;
	struct mime_draft d;
};

static void begin(struct draft *t, const char *from_z, const char *to_z)
{
	*t = (struct draft){ .out = BUF_INIT(OUT_MAX),
			     .d = { .host = S("host.example"), .sent_s = 1795600000 } };
	arena_init(&t->a, 2 * LIMIT_MIME_ARENA);
	assert_int_equal(mime_addresses_parse(&t->a, str_z(from_z), &t->d.from), 0);
	assert_int_equal(mime_addresses_parse(&t->a, str_z(to_z), &t->d.to), 0);
}

static void end(struct draft *t)
{
	buf_fini(&t->out);
	arena_fini(&t->a);
}

static void compose(struct draft *t)
{
	struct str rest, line;

	assert_int_equal(mime_compose(&t->d, &t->out), 0);
	assert_true(mime_has_plain_lines(buf_str(&t->out)));
	for (rest = buf_str(&t->out); str_split(&rest, '\n', &line) && line.n > 1;)
		assert_true(line.n <= 77 + 900);
}

static struct str raw_field(const struct draft *t, struct str name)
{
	struct mime_field f;
	struct str header, body;

	mime_split(buf_str(&t->out), &header, &body);
	assert_true(mime_field_find(header, name, &f));
	return f.raw;
}

/* Unfolded and decoded. */
static struct str field(struct draft *t, struct str name)
{
	AUTO(buf_fini) struct buf decoded = BUF_INIT(OUT_MAX);
	struct str raw = raw_field(t, name), value;
	char *copy;

	assert_int_equal(mime_unfold(&t->a, str_skip(raw, name.n + 1), &value), 0);
	mime_encword_decode(value, &decoded);
	copy = ARENA_ARRAY(&t->a, char, decoded.n + 1);
	memcpy(copy, decoded.n ? decoded.p : "", decoded.n);
	return str_trim(str_of(copy, decoded.n));
}

static void body_is(struct draft *t, const struct mime_part *p, struct str want)
{
	AUTO(buf_fini) struct buf got = BUF_INIT(OUT_MAX);

	mime_cte_decode(p->cte, str_of(t->out.p + p->body_off, p->body_n), &got);
	assert_str_eq(buf_str(&got), want);
}

TEST(compose_plain)
{
	struct draft t;
	struct mime_part *root;

	begin(&t, "Alice Jones <alice@example.org>",
	      "bob@example.org, \"C., Carol\" <carol@example.net>");
	t.d.subject = S("A word");
	t.d.text = S("one\ntwo\r\nthree");
	compose(&t);
	assert_str_eq(raw_field(&t, S("From")), S("From: Alice Jones <alice@example.org>\r\n"));
	assert_str_eq(raw_field(&t, S("To")),
		      S("To: bob@example.org,\r\n \"C., Carol\" <carol@example.net>\r\n"));
	assert_str_eq(raw_field(&t, S("Subject")), S("Subject: A word\r\n"));
	assert_str_eq(raw_field(&t, S("Date")), S("Date: Wed, 25 Nov 2026 09:46:40 +0000\r\n"));
	assert_true(str_ends(raw_field(&t, S("Message-ID")), S("@host.example>\r\n")));
	assert_str_eq(raw_field(&t, S("MIME-Version")), S("MIME-Version: 1.0\r\n"));
	assert_int_equal(mime_parse(&t.a, buf_str(&t.out), &root), 0);
	assert_int_equal(root->cte, MIME_CTE_7BIT);
	body_is(&t, root, S("one\r\ntwo\r\nthree\r\n"));
	end(&t);
}

/* Whatever a person writes there is read again. */
TEST(compose_subjects)
{
	static const char *const rows[] = {
		"plain",
		"gr\xc3\xbc\xc3\x9f dich",
		"an =?utf-8?B?IG5vIHdvcmQ?= that is none",
		"two  spaces, and more   here",
		"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac and \xf0\x9f\x90\xa6",
		"many words that go on and on until they do not fit into one line of seventy-six, and on, and then still a little further",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct draft t;
		struct str rest, line;

		test_row(rows[i]);
		begin(&t, "a@example.org", "");
		t.d.subject = str_z(rows[i]);
		compose(&t);
		assert_str_eq(field(&t, S("Subject")), str_z(rows[i]));
		for (rest = raw_field(&t, S("Subject")); str_split(&rest, '\n', &line);)
			assert_true(line.n <= 77);
		end(&t);
	}
	/* one word that no line could hold */
	AUTO(buf_fini) struct buf word = BUF_INIT(5000);
	struct draft t;

	for (int i = 0; i < 2000; i++)
		buf_add_char(&word, 'x');
	begin(&t, "a@example.org", "");
	t.d.subject = buf_str(&word);
	compose(&t);
	assert_str_eq(field(&t, S("Subject")), buf_str(&word));
	end(&t);
}

TEST(compose_names)
{
	static const struct {
		const char *in, *raw;
	} rows[] = {
		{ "Jos\xc3\xa9 <j@example.org>", "To: =?utf-8?B?Sm9zw6k=?= <j@example.org>\r\n" },
		{ "\"a \\\" b\" <j@example.org>", "To: \"a \\\" b\" <j@example.org>\r\n" },
		{ "\"two words\"@example.org", "To: \"two words\"@example.org\r\n" },
		{ "j@b\xc3\xbc"
		  "cher.example",
		  "To: j@b\xc3\xbc"
		  "cher.example\r\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct draft t;

		test_row(rows[i].in);
		begin(&t, "a@example.org", rows[i].in);
		compose(&t);
		assert_str_eq(raw_field(&t, S("To")), str_z(rows[i].raw));
		end(&t);
	}
}

TEST(compose_texts)
{
	static const struct {
		const char *in, *out;
		enum mime_cte cte;
		const char *charset_z;
	} rows[] = {
		{ "", "", MIME_CTE_7BIT, "utf-8" },
		{ "mostly ASCII \xc3\xa9\n", "mostly ASCII \xc3\xa9\r\n", MIME_CTE_QP, "utf-8" },
		{ "\xe2\x82\xac\xe2\x82\xac\n", "\xe2\x82\xac\xe2\x82\xac\r\n", MIME_CTE_BASE64,
		  "utf-8" },
		{ "not UTF-8: \xe9\n", "not UTF-8: \xe9\r\n", MIME_CTE_QP, "unknown-8bit" },
		{ "a bare \r is kept\n", "a bare \r is kept\r\n", MIME_CTE_QP, "utf-8" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct draft t;
		struct mime_part *root;

		test_row(rows[i].in);
		begin(&t, "a@example.org", "b@example.org");
		t.d.text = str_z(rows[i].in);
		compose(&t);
		assert_int_equal(mime_parse(&t.a, buf_str(&t.out), &root), 0);
		assert_int_equal(root->cte, rows[i].cte);
		assert_str_eq(mime_param_find(root->params, root->n_params, S("charset")),
			      str_z(rows[i].charset_z));
		body_is(&t, root, str_z(rows[i].out));
		end(&t);
	}
}

/* Any bytes in any file with any name come back. */
TEST(compose_attachments)
{
	static const struct {
		const char *name_z, *type_z, *subtype_z;
	} rows[] = {
		{ "report.PDF", "application", "pdf" },
		{ "a \"quoted\" name.txt", "text", "plain" },
		{ "\xc3\x9c"
		  "bersicht.xlsx",
		  "application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
		{ "a very long name of a file, as programs make them from the title of a document (final) (2).tar",
		  "application", "x-tar" },
		{ "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac.bin",
		  "application", "octet-stream" },
	};
	struct mime_attachment v[ARRAY_LEN(rows)];
	char bytes[ARRAY_LEN(rows)][300];
	const struct mime_part *p;
	struct mime_part *root;
	struct draft t;

	begin(&t, "a@example.org", "b@example.org");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = 60 * i;

		rnd_bytes(bytes[i], sizeof(bytes[i]));
		v[i] = (struct mime_attachment){ str_z(rows[i].name_z), str_of(bytes[i], n) };
	}
	t.d.text = S("see there\n");
	t.d.attachments = v;
	t.d.n_attachments = ARRAY_LEN(v);
	compose(&t);
	assert_int_equal(mime_parse(&t.a, buf_str(&t.out), &root), 0);
	assert_true(root->is_multipart);
	p = root->child;
	body_is(&t, p, S("see there\r\n"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].name_z);
		p = p->next;
		assert_non_null(p);
		assert_str_eq(p->type, str_z(rows[i].type_z));
		assert_str_eq(p->subtype, str_z(rows[i].subtype_z));
		assert_str_eq(p->disposition, S("attachment"));
		assert_str_eq(mime_param_find(p->disposition_params, p->n_disposition_params,
					      S("filename")),
			      v[i].name);
		body_is(&t, p, v[i].bytes);
	}
	assert_null(p->next);
	end(&t);
}

/* RFC 2046 5.2.1 */
TEST(compose_messages)
{
	static const struct mime_attachment v[] = {
		{ STR_INIT("fine.eml"), STR_INIT("Subject: inner\n\ntext\n") },
		{ STR_INIT("odd.eml"), STR_INIT("Subject: inner\n\n\xe9\n") },
	};
	struct mime_part *root, *p;
	struct draft t;

	begin(&t, "a@example.org", "b@example.org");
	t.d.attachments = v;
	t.d.n_attachments = 2;
	compose(&t);
	assert_int_equal(mime_parse(&t.a, buf_str(&t.out), &root), 0);
	p = root->child->next;
	assert_true(p->is_message);
	body_is(&t, p, S("Subject: inner\r\n\r\ntext\r\n"));
	p = p->next;
	assert_str_eq(p->subtype, S("octet-stream"));
	body_is(&t, p, v[1].bytes);
	end(&t);
}

TEST(compose_refuses)
{
	static const struct {
		const char *from_z, *to_z, *subject_z;
	} rows[] = {
		{ "", "b@example.org", "no sender" },
		{ "a@example.org, b@example.org", "b@example.org", "two senders" },
		{ "a@example.org", "nobody", "no address" },
		{ "a@example.org", "group: b@example.org;", "a group" },
		{ "a@example.org", "b@example.org", "two\r\nBcc: lines" },
		{ "a@example.org", "b@example.org", "not UTF-8 \xe9" },
	};
	static const struct mime_attachment bad = { STR_INIT("a\nb"), STR_INIT("") };
	struct draft t;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].subject_z);
		begin(&t, rows[i].from_z, rows[i].to_z);
		t.d.subject = str_z(rows[i].subject_z);
		assert_int_equal(mime_compose(&t.d, &t.out), -E_SYNTAX);
		end(&t);
	}
	begin(&t, "a@example.org", "b@example.org");
	t.d.attachments = &bad;
	t.d.n_attachments = 1;
	assert_int_equal(mime_compose(&t.d, &t.out), -E_SYNTAX);
	end(&t);
	begin(&t, "a@example.org", "b@example.org");
	t.out.max = 100;
	assert_int_equal(mime_compose(&t.d, &t.out), -E_LIMIT);
	end(&t);
}
