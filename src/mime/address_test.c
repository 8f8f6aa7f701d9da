/* SPDX-License-Identifier: MIT */
/* Address lists: the examples of RFC 5322 A.1, A.5, A.6 and what real mail carries. */
#include "base/test.h"
#include "mime/mime_int.h"

/* name|route|mailbox|domain; a group start is G|name, its end is E. */
static void print(struct buf *out, const struct mime_address *v)
{
	if (out->n > 0)
		buf_add_char(out, '\n');
	if (v->kind == MIME_ADDR_GROUP_END)
		buf_add(out, S("E"));
	else if (v->kind == MIME_ADDR_GROUP_START)
		buf_printf(out, "G|%" STR_FMT, STR_ARG(v->mailbox));
	else
		buf_printf(out, "%" STR_FMT "|%" STR_FMT "|%" STR_FMT "|%" STR_FMT, STR_ARG(v->name),
			   STR_ARG(v->route), STR_ARG(v->mailbox), STR_ARG(v->domain));
}

TEST(address_lists)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		/* RFC 5322 A.1 */
		{ "John Doe <jdoe@machine.example>", "John Doe||jdoe|machine.example" },
		{ "\"Joe Q. Public\" <john.q.public@example.com>",
		  "Joe Q. Public||john.q.public|example.com" },
		{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
		  "Mary Smith||mary|x.test\n||jdoe|example.org\nWho?||one|y.test" },
		{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
		  "||boss|nil.test\nGiant; \"Big\" Box||sysservices|example.net" },
		{ "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
		  "G|A Group\nEd Jones||c|a.test\n||joe|where.test\nJohn||jdoe|one.test\nE" },
		{ "Undisclosed recipients:;", "G|Undisclosed recipients\nE" },
		/* RFC 5322 A.5 */
		{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
		  "Pete||pete|silly.test" },
		{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
		  "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end)",
		  "G|A Group\nChris Jones||c|public.example\n||joe|example.org\nJohn||jdoe|one.test\nE" },
		{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
		  "G|Hidden recipients\nE" },
		/* RFC 5322 A.6.1, A.6.3 */
		{ "Joe Q. Public <john.q.public@example.com>",
		  "Joe Q. Public||john.q.public|example.com" },
		{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
		  "Mary Smith|@node.test|mary|example.net\n||jdoe|test.example" },
		{ "<@a.test,@b.test:c@d.test>", "|@a.test,@b.test|c|d.test" },
		{ "John Doe <jdoe@machine(comment).  example>", "John Doe||jdoe|machine.example" },
		/* Quoting and literals */
		{ "\"john doe\"@example.test", "||john doe|example.test" },
		{ "\"a\\\\b@c\"@[192.0.2.1]", "||a\\b@c|[192.0.2.1]" },
		{ "=?utf-8?Q?=C3=A4?= <a@b>", "=?utf-8?Q?=C3=A4?=||a|b" },
		{ "J\xC3\xBCrg <j\xC3\xBCrg@b\xC3\xBC.test>", "J\xC3\xBCrg||j\xC3\xBCrg|b\xC3\xBC.test" },
		/* A comment for a name */
		{ "a@b.test (Carl \\(C\\) (nested) x)", "Carl (C) (nested) x||a|b.test" },
		/* Broken */
		{ "", "" },
		{ " , ;,> ", "" },
		{ "root", "||root|" },
		{ "John Doe", "John Doe|||" },
		{ "John Doe jdoe@x.test", "John Doe||jdoe|x.test" },
		{ "<a@b, c@d", "||a|b\n||c|d" },
		{ "<<a@b>>, c@d", "||a|b\n||c|d" },
		{ "<a@b> trailing, c@d", "||a|b\n||c|d" },
		{ "<>", "|||" },
		{ "<@a>", "|||a" },
		{ "a@b@c", "||a@b|c" },
		{ "a@b;c@d", "||a|b\n||c|d" },
		{ "G: a@b", "G|G\n||a|b\nE" },
		{ ": a@b;", "G|\n||a|b\nE" },
		{ "\"open <a@b>", "open||a|b" },
		{ "5\" pipes <a@b>, c@d", "5 pipes||a|b\n||c|d" },
		{ "Joe \"Sales <joe@x.test>, \"Ann\" <ann@x.test>", "Joe Sales <joe@x.test>, Ann||ann|x.test" },
		{ "\"Ann, B\" <a@b>, \"Joe <joe@x.test>, c@d", "Ann, B||a|b\nJoe||joe|x.test\n||c|d" },
		{ "<a\"b@c>", "||ab|c" },
		{ "\"\\\"\\\"\\\" a@b", "\\\\\\||a|b" },
		{ "(open <a@b>", "(open||a|b" },
		{ "Sales (Europe <a@b>, (x) c@d (y", "Sales (Europe||a|b\n(x)||c|d" },
		{ "a@b (one) (two) , c@d", "two||a|b\n||c|d" },
		{ "a@b>, root>, Up -> down <a@b>>", "||a|b\n||root|\nUp -> down||a|b" },
		{ "mailto:a@b", "G|mailto\n||a|b\nE" },
		{ "a@b:c", "||a|b:c" },
		{ ")", "||)|" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		AUTO(buf_fini) struct buf got = BUF_INIT(10000);
		AUTO(mem_auto_free) char *copy = test_copy(str_z(rows[i].in));
		struct mime_addresses list;

		test_row(rows[i].in);
		assert_int_equal(mime_addresses_parse(&a, str_of(copy, strlen(rows[i].in)), &list), 0);
		for (size_t k = 0; k < list.n; k++)
			print(&got, &list.v[k]);
		assert_str_eq(buf_str(&got), str_z(rows[i].want));
	}
}

/* Each of these takes minutes when anything is quadratic. */
TEST(address_torture)
{
	static const char *const rows[] = { "<@a, ", "(", "\"", "@[ ", "a,", "a:", ":;", "<", "<@", "\\(", "a@" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 64u << 20 };
		AUTO(buf_fini) struct buf in = BUF_INIT(2u << 20);
		struct mime_addresses list;

		test_row(rows[i]);
		while (in.n < 1u << 20)
			buf_add(&in, str_z(rows[i]));
		assert_int_equal(mime_addresses_parse(&a, buf_str(&in), &list), 0);
		assert_true(list.n <= LIMIT_MIME_ADDRESSES + 1);
	}
}
