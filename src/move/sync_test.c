/* SPDX-License-Identifier: MIT */
/* What a sync does with a message, by where it was and where it is. */
#include "move/sync.h"

#include "base/test.h"

TEST(sync_acts)
{
	static const struct {
		bool is_known, is_here, is_there;
		enum move_sync_act act;
	} rows[] = {
		{ false, false, false, MOVE_SYNC_NOTHING },   { false, false, true, MOVE_SYNC_BRING }, { false, true, false, MOVE_SYNC_SEND },
		{ false, true, true, MOVE_SYNC_FLAGS },       { true, false, false, MOVE_SYNC_FORGET }, { true, false, true, MOVE_SYNC_DELETE_THERE },
		{ true, true, false, MOVE_SYNC_DELETE_HERE }, { true, true, true, MOVE_SYNC_FLAGS },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(move_sync_act(rows[i].is_known, rows[i].is_here, rows[i].is_there), rows[i].act);
}

/* Each flag alone: whoever differs from what was known has changed it. */
TEST(sync_flags)
{
	for (unsigned known = 0; known < 4; known++)
		for (unsigned here = 0; here < 4; here++)
			for (unsigned there = 0; there < 4; there++)
				for (unsigned flag = 1; flag < 4; flag <<= 1) {
					bool was = known & flag, is_here = here & flag, is_there = there & flag;
					bool want = was ? is_here && is_there : is_here || is_there;

					assert_int_equal((move_sync_flags(true, known, here, there) & flag) != 0, want);
					assert_int_equal((move_sync_flags(false, known, here, there) & flag) != 0, is_here || is_there);
				}
}
