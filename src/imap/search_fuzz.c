/* SPDX-License-Identifier: MIT */
/*
 * Search programs, and those of SORT and THREAD, against an empty mailbox: no crash, bounded depth, and
 * the tree can be run.
 */
#include "base/limits.h"
#include "base/must.h"
#include "imap/imap_int.h"
#include "imap/search.h"
#include "store/view.h"

static void check(const struct store_search *key, size_t depth)
{
	must(depth <= 2 * STORE_SEARCH_DEPTH + 2);
	must(key->op != STORE_S_NOT || (key->child != NULL && key->child->next == NULL));
	for (const struct store_search *k = key->child; k != NULL; k = k->next)
		check(k, depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct store_keywords no_keywords;
	struct store_view view = { .uidnext = 1, .keywords = &no_keywords };
	struct imap_selected sel = { .view = &view };
	struct imap_session s = { .sel = &sel };
	struct imap_search q;
	struct imap_sort sort;
	struct uidset found = { 0 };
	struct store_search *kept;
	bool is_volatile;

	arena_init(&s.arena, 16u << 20);
	imap_parse_init(&s.p, &s.arena, str_of(data, size), false);
	if (imap_search_parse(&s, &q) == 0) {
		check(q.tree, 0);
		if (store_search_keep(&s.arena, &view, q.tree, &kept, &is_volatile) == 0) {
			check(kept, 0);
			must(store_search_among(NULL, &s.arena, &view, kept, &found, &found) == 0);
		}
		must(store_search_run(NULL, &s.arena, &view, q.tree, STORE_SEARCH_ALL, &found) ==
			     0 &&
		     found.n == 0);
	}
	imap_parse_init(&s.p, &s.arena, str_of(data, size), false);
	if (imap_sort_parse(&s, &sort) == 0) {
		must(sort.n_by > 0 && sort.n_by <= STORE_SORT_KEYS);
		check(sort.search.tree, 0);
	}
	imap_parse_init(&s.p, &s.arena, str_of(data, size), false);
	if (imap_thread_parse(&s, &sort) == 0)
		check(sort.search.tree, 0);
	(void)imap_search_is_program(&s, str_of(data, size));
	arena_fini(&s.arena);
	return 0;
}
