/* SPDX-License-Identifier: MIT */
/*
 * LIST patterns beside the plain definition: the first line is the pattern, the second the name.
 * The definition is a table of all prefixes of both, so it is right and slow.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "imap/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 9051 6.3.9 and 5.1: INBOX in any case. */
static bool is_same(char pattern, struct str name, size_t at)
{
	bool is_inbox = str_eq(name, S("INBOX")) || str_starts(name, S("INBOX/"));

	return pattern == name.p[at] ||
	       (is_inbox && at < 5 && pattern == str_lower_char(name.p[at]));
}

/* reach[j]: what was looked at of the pattern matches the first j bytes of the name. */
static bool matches(struct str pattern, struct str name)
{
	AUTO(mem_auto_free) bool *reach = mem_alloc(name.n + 1, sizeof(bool));

	reach[0] = true;
	for (size_t i = 0; i < pattern.n; i++) {
		char c = pattern.p[i];

		if (c == '*' || c == '%') {
			for (size_t j = 1; j <= name.n; j++)
				reach[j] |= reach[j - 1] && (c == '*' || name.p[j - 1] != '/');
			continue;
		}
		for (size_t j = name.n; j > 0; j--)
			reach[j] = reach[j - 1] && is_same(c, name, j - 1);
		reach[0] = false;
	}
	return reach[name.n];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a = { .cap = 16u << 20 };
	struct str name = str_of(data, size), pattern = S("");
	struct imap_list_pattern *p;

	if (size > 4096 || !str_split(&name, '\n', &pattern))
		return 0;
	p = imap_list_pattern_new(&a, pattern);
	must(p != NULL && a.used < (1u << 20));
	if (name.n <= LIMIT_MAILBOX_NAME && pattern.n <= 2 * LIMIT_MAILBOX_NAME)
		must(imap_list_pattern_match(p, name) == matches(pattern, name));
	else
		(void)imap_list_pattern_match(p, name);
	return 0;
}
