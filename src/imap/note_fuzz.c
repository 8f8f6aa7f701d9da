/* SPDX-License-Identifier: MIT */
/*
 * Annotations of messages as clients write them: lists of STORE and APPEND, arguments of FETCH, and
 * patterns, which mean what a slow and plain reading of them says.
 */
#include "base/limits.h"
#include "base/must.h"
#include "imap/note.h"

#define SLOW 12 /* characters that the plain reading can do */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool matches(struct str pattern, struct str entry)
{
	bool is_wild;

	if (pattern.n == 0 || entry.n == 0)
		return pattern.n == entry.n;
	is_wild = pattern.p[0] == '*' || (pattern.p[0] == '%' && entry.p[0] != '/');
	if (is_wild)
		return matches(str_skip(pattern, 1), str_skip(entry, 1)) ||
		       matches(pattern, str_skip(entry, 1));
	return pattern.p[0] == entry.p[0] && matches(str_skip(pattern, 1), str_skip(entry, 1));
}

static void check_list(struct arena *a, struct str text)
{
	struct imap_note_list list;
	struct imap_parse p;
	size_t n_parts = 0;

	imap_parse_init(&p, a, text, false);
	if (imap_note_list_parse(&p, &list) <= 0) {
		must(p.p == text.p);
		return;
	}
	must(list.n > 0 && list.n <= IMAP_NOTES);
	for (size_t i = 0; i < list.n; i++) {
		size_t n = 0;

		must(store_note_check(list.v[i].entry, false, NULL, &n) == 0);
		must(n <= STORE_NOTE_PART && !store_note_is_pattern(list.v[i].entry));
		must(list.v[i].value.p == NULL ||
		     store_note_value_fits(list.v[i].entry, list.v[i].value));
		/* A name that can be stored is found by itself. */
		must(store_note_matches(list.v[i].entry, list.v[i].entry));
		n_parts += n;
	}
	must(list.has_parts == (n_parts > 0));
}

static void check_fetch(struct arena *a, struct str text)
{
	struct imap_note_fetch f;
	struct imap_parse p;

	imap_parse_init(&p, a, text, false);
	if (imap_note_fetch_parse(&p, 10, &f) <= 0) {
		must(p.p == text.p);
		return;
	}
	must(f.n > 0 && f.n <= f.n_given && f.n_given <= 10);
	must(f.n_atts > 0 && f.n_atts <= ARRAY_LEN(f.atts));
	for (size_t i = 0; i < f.n; i++) {
		must(store_note_check(f.entries[i], true, NULL, NULL) == 0);
		for (size_t k = 0; k < i; k++) {
			struct str x = f.entries[i], y = f.entries[k];

			must(!str_eq(x, y));
			if (!store_note_is_pattern(y) && x.n <= SLOW && y.n <= SLOW)
				must(store_note_matches(x, y) == matches(x, y));
		}
	}
}

/* Two lines: any text, also such that could be no name. */
static void check_match(struct str text)
{
	struct str line;

	if (!str_split(&text, '\n', &line))
		return;
	if (line.n <= SLOW && text.n <= SLOW && !store_note_is_pattern(text))
		must(store_note_matches(line, text) == matches(line, text));
	else
		(void)store_note_matches(line, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a = { .cap = 4u << 20 };
	struct str text = str_of(data, size);

	if (str_is_ascii(text))
		check_match(text);
	check_list(&a, text);
	check_fetch(&a, text);
	return 0;
}
