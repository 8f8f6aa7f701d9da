/* SPDX-License-Identifier: MIT */
/* LIST patterns: against a table, and against a plain recursive matcher on all short strings. */
#include "imap/list.h"

#include "base/limits.h"
#include "base/test.h"

static bool match(struct str pattern, struct str name)
{
	AUTO(arena_fini) struct arena a = { 0 };
	struct imap_list_pattern *p;

	arena_init(&a, 1u << 20);
	p = imap_list_pattern_new(&a, pattern);
	assert_non_null(p);
	return imap_list_pattern_match(p, name);
}

TEST(list_patterns)
{
	static const struct {
		const char *pattern, *name;
		bool want;
	} rows[] = {
		{ "*", "a/b/c", true },
		{ "*", "", true },
		{ "%", "a", true },
		{ "%", "a/b", false },
		{ "%/%", "a/b", true },
		{ "a/%", "a/b", true },
		{ "a/%", "a/b/c", false },
		{ "a%*c", "abc", true },
		{ "%%*%%", "x/y", true },
		{ "a*c", "ab/c", true },
		{ "a*c", "ab/cd", false },
		{ "*%b", "a/xb", true },
		{ "%b%", "aba", true },
		{ "%/b", "a/x/b", false },
		{ "*/b", "a/x/b", true },
		{ "INBOX", "INBOX", true },
		{ "inbox", "INBOX", true },
		{ "iNb%", "INBOX", true },
		{ "inbox/x", "INBOX/x", true },
		{ "inbox/X", "INBOX/x", false },
		{ "sent", "Sent", false },
		{ "", "", true },
		{ "", "a", false },
		{ "a", "", false },
		{ "\xc3\xa9%", "\xc3\xa9t\xc3\xa9", true },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		test_row(rows[i].pattern);
		assert_int_equal(match(str_z(rows[i].pattern), str_z(rows[i].name)), rows[i].want);
	}
}

/* What the pattern means, said plainly. */
static bool slow_match(struct str p, struct str n)
{
	if (p.n == 0)
		return n.n == 0;
	if (p.p[0] == '*' || p.p[0] == '%')
		return slow_match(str_skip(p, 1), n) ||
		       (n.n > 0 && (p.p[0] == '*' || n.p[0] != '/') &&
			slow_match(p, str_skip(n, 1)));
	return n.n > 0 && p.p[0] == n.p[0] && slow_match(str_skip(p, 1), str_skip(n, 1));
}

/* The v-th string over an alphabet, of up to 5 characters. */
static struct str nth(unsigned v, const char *alphabet, char out[5])
{
	size_t base = strlen(alphabet), n = 0;

	for (; v > 0 && n < 5; v = (unsigned)((v - 1) / base))
		out[n++] = alphabet[(v - 1) % base];
	return str_of(out, n);
}

TEST(list_patterns_all_short)
{
	unsigned i, j;

	for (i = 0; i < 1365; i++) {
		AUTO(arena_fini) struct arena a = { 0 };
		char pattern_bytes[5];
		struct str pattern = nth(i, "a/*%", pattern_bytes);
		struct imap_list_pattern *p;

		arena_init(&a, 1u << 20);
		p = imap_list_pattern_new(&a, pattern);
		assert_non_null(p);
		for (j = 0; j < 121; j++) {
			char name_bytes[5];
			struct str name = nth(j, "a/b", name_bytes);

			if (imap_list_pattern_match(p, name) != slow_match(pattern, name))
				fail_msg("%" STR_FMT " on %" STR_FMT, STR_ARG(pattern),
					 STR_ARG(name));
		}
	}
}

TEST(list_patterns_long)
{
	char name[LIMIT_MAILBOX_NAME], pattern[4 * LIMIT_MAILBOX_NAME];
	size_t i;

	memset(name, 'a', sizeof(name));
	assert_true(match(str_of(name, sizeof(name)), str_of(name, sizeof(name))));
	assert_false(match(str_of(name, sizeof(name) - 1), str_of(name, sizeof(name))));
	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = i % 2 ? 'a' : '*';
	assert_true(match(str_of(pattern, 2 * sizeof(name)), str_of(name, sizeof(name))));
	assert_false(match(str_of(pattern, sizeof(pattern)), str_of(name, sizeof(name))));
}

TEST(list_uses)
{
	assert_int_equal(imap_list_use_bit(S("drafts")) != 0, true);
	assert_int_equal(imap_list_use_bit(S("All")), 0);
	assert_int_equal(imap_list_use_bit(S("")), 0);
}
