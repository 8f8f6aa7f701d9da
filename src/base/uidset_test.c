/* SPDX-License-Identifier: MIT */
/* Number sets: hand-picked additions, and random ones against a plain bitmap. */
#include "base/uidset.h"

#include "base/rnd.h"
#include "base/test.h"

TEST(uidset_merges)
{
	static const struct {
		uint32_t pairs[8][2];
		size_t n;
		const char *want;
	} rows[] = {
		{ { { 1, 1 }, { 2, 2 }, { 4, 4 } }, 3, "1:2,4" },
		{ { { 4, 4 }, { 2, 2 }, { 3, 3 } }, 3, "2:4" },
		{ { { 9, 5 }, { 1, 2 }, { 3, 4 } }, 3, "1:9" },
		{ { { 5, 6 }, { 1, 1 }, { 9, 9 }, { 2, 8 } }, 4, "1:9" },
		{ { { 0, 0 }, { UINT32_MAX, UINT32_MAX }, { 1, 1 } }, 3, "0:1,4294967295" },
		{ { { 0, UINT32_MAX }, { 7, 7 } }, 2, "0:4294967295" },
		{ { { 10, 20 }, { 12, 15 } }, 2, "10:20" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(buf_fini) struct buf b = BUF_INIT(200);
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		struct uidset s = { NULL, 0, 0 };

		test_row(rows[i].want);
		for (size_t j = 0; j < rows[i].n; j++)
			assert_int_equal(uidset_add(&a, &s, rows[i].pairs[j][0], rows[i].pairs[j][1]), 0);
		uidset_print(&b, &s);
		assert_str_eq(buf_str(&b), str_z(rows[i].want));
	}
}

TEST(uidset_like_a_bitmap)
{
	enum { N = 300 };

	for (int turn = 0; turn < 200; turn++) {
		AUTO(arena_fini) struct arena a = { .cap = 1 << 20 };
		struct uidset s = { NULL, 0, 0 };
		bool bits[N] = { false };
		uint64_t count = 0;
		uint32_t last = 0;

		for (int i = 0; i < 40; i++) {
			uint64_t r = rnd_u64();
			uint32_t lo = (uint32_t)(r % N), hi = lo + (uint32_t)((r >> 32) % 10);

			hi = hi < N ? hi : N - 1;
			assert_int_equal(uidset_add(&a, &s, lo, hi), 0);
			memset(bits + lo, 1, hi - lo + 1);
		}
		for (uint32_t v = 0; v < N; v++) {
			assert_int_equal(uidset_has(&s, v), bits[v]);
			count += bits[v];
		}
		assert_true(uidset_count(&s) == count);
		for (size_t i = 1; i < s.n; i++)
			assert_true(s.r[i].lo > s.r[i - 1].hi + 1);
		for (struct uidset_iter it = { 0 }; uidset_next(&s, &it); count--) {
			assert_true(bits[it.v] && (last == 0 || it.v > last));
			last = it.v;
		}
		assert_true(count == 0);
	}
}

TEST(uidset_stops_at_the_cap)
{
	AUTO(arena_fini) struct arena a = { .cap = 4000 };
	struct uidset s = { NULL, 0, 0 };
	uint32_t v = 0;
	int rc;

	do {
		rc = uidset_add(&a, &s, v, v);
		v += 2;
	} while (rc == 0);
	assert_true(s.n > 50 && uidset_has(&s, 100) && !uidset_has(&s, 101));
}
