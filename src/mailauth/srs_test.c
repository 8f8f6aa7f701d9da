/* SPDX-License-Identifier: MIT */
/* Return addresses of forwarders: there and back, over two hosts, changed on the way, too late. */
#include "mailauth/srs.h"

#include "base/test.h"

#define DAY_S 86400
#define NOW_S (20000 * (int64_t)DAY_S)

static const uint8_t key_b[SRS_KEY] = "b", key_c[SRS_KEY] = "c", key_d[SRS_KEY] = "d";

static struct str local_of(struct str address)
{
	return str_head(address, (size_t)str_rchr(address, '@'));
}

TEST(an_address_comes_back_as_it_was)
{
	static const char *const senders[] = {
		"alice@a.example", "Alice@A.Example", "a=b=c@a.example", "alice+tag@a.example", "=@a.example", "\"a b\"@a.example",
		"\"a@b\"@a.example", "SRS0@a.example", "srsly@a.example", "j\xc3\xb6rg@a.example",
	};

	for (size_t i = 0; i < ARRAY_LEN(senders); i++) {
		AUTO(arena_fini) struct arena a;
		struct str there, back;

		test_row(senders[i]);
		arena_init(&a, 1u << 16);
		assert_int_equal(srs_forward(key_b, NOW_S, str_z(senders[i]), S("b.example"), &a, &there), 0);
		assert_true(str_starts(there, senders[i][0] == '"' ? S("\"SRS0=") : S("SRS0=")) && str_ends(there, S("@b.example")));
		assert_int_equal(srs_reverse(key_b, NOW_S, local_of(there), &a, &back), 0);
		assert_str_eq(back, str_z(senders[i]));
	}
}

TEST(a_second_and_a_third_forwarder_lead_back_to_the_first)
{
	AUTO(arena_fini) struct arena a;
	struct str b, c, d, back;

	arena_init(&a, 1u << 16);
	assert_int_equal(srs_forward(key_b, NOW_S, S("alice@a.example"), S("b.example"), &a, &b), 0);
	assert_int_equal(srs_forward(key_c, NOW_S, b, S("c.example"), &a, &c), 0);
	assert_true(str_starts(c, S("SRS1=")) && str_ends(c, S("=a.example=alice@c.example")));
	assert_int_equal(srs_forward(key_d, NOW_S, c, S("d.example"), &a, &d), 0);
	assert_true(str_starts(d, S("SRS1=")) && str_ends(d, S("=a.example=alice@d.example")));
	assert_int_equal(srs_reverse(key_d, NOW_S, local_of(d), &a, &back), 0);
	assert_str_eq(back, b); /* the first one, not c, which had nothing to do with it */
	assert_int_equal(srs_reverse(key_c, NOW_S, local_of(c), &a, &back), 0);
	assert_str_eq(back, b);
	assert_int_equal(srs_reverse(key_b, NOW_S, local_of(back), &a, &back), 0);
	assert_str_eq(back, S("alice@a.example"));
}

/* RFC 5321 4.1.2: quotes are around a whole local part or nowhere. */
TEST(a_quoted_string_stays_one)
{
	AUTO(arena_fini) struct arena a;
	struct str b, c, back;

	arena_init(&a, 1u << 16);
	assert_int_equal(srs_forward(key_b, NOW_S, S("\"a b\"@a.example"), S("b.example"), &a, &b), 0);
	assert_true(str_starts(b, S("\"SRS0=")) && str_ends(b, S("=a.example=a b\"@b.example")));
	assert_int_equal(srs_forward(key_c, NOW_S, b, S("c.example"), &a, &c), 0);
	assert_true(str_starts(c, S("\"SRS1=")) && str_ends(c, S("=a.example=a b\"@c.example")));
	assert_int_equal(srs_reverse(key_c, NOW_S, local_of(c), &a, &back), 0);
	assert_str_eq(back, b);
	assert_int_equal(srs_reverse(key_b, NOW_S, local_of(back), &a, &back), 0);
	assert_str_eq(back, S("\"a b\"@a.example"));
}

TEST(another_separator_of_others_is_kept)
{
	AUTO(arena_fini) struct arena a;
	struct str c, back;

	arena_init(&a, 1u << 16);
	assert_int_equal(srs_forward(key_c, NOW_S, S("SRS0+abcd=xy=a.example=alice@b.example"), S("c.example"), &a, &c), 0);
	assert_int_equal(srs_reverse(key_c, NOW_S, local_of(c), &a, &back), 0);
	assert_str_eq(back, S("SRS0+abcd=xy=a.example=alice@b.example"));
}

TEST(what_is_not_ours_is_not_taken)
{
	AUTO(arena_fini) struct arena a;
	struct str there, back;
	char *changed;

	arena_init(&a, 1u << 16);
	assert_int_equal(srs_forward(key_b, NOW_S, S("alice@a.example"), S("b.example"), &a, &there), 0);
	assert_int_equal(srs_reverse(key_c, NOW_S, local_of(there), &a, &back), -E_DENIED);
	changed = test_copy(local_of(there));
	for (size_t i = 5; i < local_of(there).n; i++) { /* each letter matters, the delimiters too */
		changed[i] ^= 1;
		assert_true(srs_reverse(key_b, NOW_S, str_of(changed, local_of(there).n), &a, &back) < 0);
		changed[i] ^= 1;
	}
	for (ptrdiff_t at = str_rchr(local_of(there), '='), i = at; i > at - 3; i--) { /* nor does one of the host become one of the name */
		changed[i] = changed[i - 1];
		changed[i - 1] = '=';
		assert_int_equal(srs_reverse(key_b, NOW_S, str_of(changed, local_of(there).n), &a, &back), -E_DENIED);
	}
	memcpy(changed, there.p, local_of(there).n);
	for (size_t i = 0; i < local_of(there).n; i++) /* its case does not */
		changed[i] = changed[i] >= 'a' && changed[i] <= 'z' ? (char)(changed[i] - 32) : changed[i];
	assert_int_equal(srs_reverse(key_b, NOW_S, str_of(changed, local_of(there).n), &a, &back), 0);
	assert_str_eq(back, S("ALICE@A.EXAMPLE"));
	mem_free(changed);
}

TEST(an_old_one_is_not_taken)
{
	static const struct {
		int64_t days;
		int rc;
	} rows[] = { { 0, 0 }, { 1, 0 }, { 21, 0 }, { 22, -E_DENIED }, { 500, -E_DENIED }, { -1, 0 }, { -2, -E_DENIED } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a;
		struct str there, back;

		arena_init(&a, 1u << 16);
		assert_int_equal(srs_forward(key_b, NOW_S, S("alice@a.example"), S("b.example"), &a, &there), 0);
		assert_int_equal(srs_reverse(key_b, NOW_S + rows[i].days * DAY_S, local_of(there), &a, &back), rows[i].rc);
	}
}

TEST(what_has_not_the_form_is_somebodys_name)
{
	static const char *const locals[] = { "", "alice", "SRS0", "SRS0=", "SRS0=a", "SRS0=a=b=c", "SRS0=a=b==d", "SRS0=a=b=c=", "SRS1=a",
					      "SRS1=a=b", "SRS1=a==x", "SRS2=a=b=c=d", "SRS0:a=b=c=d", "XSRS0=a=b=c=d" };
	AUTO(arena_fini) struct arena a;
	struct str ret;

	arena_init(&a, 1u << 16);
	for (size_t i = 0; i < ARRAY_LEN(locals); i++) {
		test_row(locals[i]);
		assert_int_equal(srs_reverse(key_b, NOW_S, str_z(locals[i]), &a, &ret), -E_NOT_FOUND);
	}
	assert_int_equal(srs_forward(key_b, NOW_S, S("alice"), S("b.example"), &a, &ret), -E_SYNTAX);
	assert_int_equal(srs_forward(key_b, NOW_S, S("alice@"), S("b.example"), &a, &ret), -E_SYNTAX);
	assert_int_equal(srs_forward(key_b, NOW_S, S("alice@a=b.example"), S("b.example"), &a, &ret), -E_SYNTAX);
	assert_int_equal(srs_forward(key_b, NOW_S, S("@a.example"), S("b.example"), &a, &ret), -E_SYNTAX);
}
