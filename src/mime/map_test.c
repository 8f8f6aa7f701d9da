/* SPDX-License-Identifier: MIT */
/* Section numbers (RFC 9051 6.4.5.1, with its example) and damaged maps. */
#include "base/test.h"
#include "mime/mime_int.h"

#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\n\n"

/* The example of RFC 9051 6.4.5.1, each leaf holding its own number. */
static const char example[] =
	MIXED("a") "--a\n\n1\n"
		   "--a\nContent-Type: application/octet-stream\n\n2\n"
		   "--a\nContent-Type: message/rfc822\n\nSubject: 3\n"
		   MIXED("b") "--b\n\n3.1\n--b\nContent-Type: application/x\n\n3.2\n--b--\n"
		   "--a\n" MIXED("c") "--c\nContent-Type: image/gif\n\n4.1\n"
		   "--c\nContent-Type: message/rfc822\n\nSubject: 4.2\n"
		   MIXED("d") "--d\n\n4.2.1\n--d\n" MIXED("e")
		   "--e\n\n4.2.2.1\n--e\nContent-Type: text/rich\n\n4.2.2.2\n--e--\n--d--\n--c--\n--a--\n";

/* A message in a message in a message, none of them multipart. */
static const char nested[] = "Content-Type: message/rfc822\n\n"
			     "Content-Type: message/rfc822\n\n"
			     "Subject: x\n\ntext";

static int find(struct str map, const char *section_z, struct mime_map_part *ret)
{
	struct str s = str_z(section_z), digits;
	uint32_t section[20];
	size_t n = 0;
	uint64_t v;

	while (str_split(&s, '.', &digits)) {
		assert_true(str_to_u64(digits, UINT32_MAX, &v));
		section[n++] = (uint32_t)v;
	}
	return mime_map_find(map, section, n, ret);
}

static void make_map(struct arena *a, const char *message_z, struct buf *out)
{
	struct mime_part *root;

	assert_int_equal(mime_parse(a, str_z(message_z), &root), 0);
	mime_map_write(out, root);
}

TEST(map_sections)
{
	static const struct {
		const char *message, *section, *want; /* how the body begins; NULL: no such part */
	} rows[] = {
		{ example, "", "--a" },
		{ example, "1", "1" },
		{ example, "2", "2" },
		{ example, "3", "Subject: 3" },
		{ example, "3.1", "3.1" },
		{ example, "3.2", "3.2" },
		{ example, "4", "--c" },
		{ example, "4.1", "4.1" },
		{ example, "4.2", "Subject: 4.2" },
		{ example, "4.2.1", "4.2.1" },
		{ example, "4.2.2", "--e" },
		{ example, "4.2.2.1", "4.2.2.1" },
		{ example, "4.2.2.2", "4.2.2.2" },
		{ example, "0", NULL },
		{ example, "5", NULL },
		{ example, "1.1", NULL },
		{ example, "3.3", NULL },
		{ example, "3.1.1", NULL },
		{ example, "4.2.2.2.1", NULL },
		{ nested, "", "Content-Type" },
		{ nested, "1", "Content-Type" },
		{ nested, "1.1", "Subject" },
		{ nested, "1.1.1", "text" },
		{ nested, "1.1.1.1", NULL },
		{ nested, "2", NULL },
		{ "Subject: x\n\ntext", "1", "text" },
		{ "Subject: x\n\ntext", "1.1", NULL },
		{ "Subject: x\n\ntext", "2", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(arena_fini) struct arena a = { .cap = 100000 };
		AUTO(buf_fini) struct buf map = BUF_INIT(10000);
		struct mime_map_part part;
		int got;

		test_row(rows[i].section);
		make_map(&a, rows[i].message, &map);
		got = find(buf_str(&map), rows[i].section, &part);
		assert_int_equal(got, rows[i].want != NULL);
		if (got == 1)
			assert_str_eq(str_of(rows[i].message + part.body_off, strlen(rows[i].want)),
				      str_z(rows[i].want));
	}
}

TEST(map_keeps_what_fetch_needs)
{
	AUTO(arena_fini) struct arena a = { .cap = 100000 };
	AUTO(buf_fini) struct buf map = BUF_INIT(10000);
	struct mime_map_part part;

	make_map(&a, "Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: message/rfc822\n"
		     "Content-Transfer-Encoding: binary\n\nSubject: x\n\nbody\n--b--", &map);
	assert_int_equal(find(buf_str(&map), "1", &part), 1);
	assert_true(part.is_message && !part.is_multipart && !part.is_text);
	assert_int_equal(part.cte, MIME_CTE_BINARY);
	assert_int_equal(part.message_header_n, strlen("Subject: x\n\n"));
	assert_int_equal(find(buf_str(&map), "1.1", &part), 1);
	assert_true(part.is_text);
	assert_int_equal(part.body_n, 4);
}

/* Each prefix and each changed byte: an answer, no crash (ASan sees to the rest). */
TEST(map_damage)
{
	AUTO(arena_fini) struct arena a = { .cap = 100000 };
	AUTO(buf_fini) struct buf map = BUF_INIT(10000);
	struct mime_map_part part;

	make_map(&a, example, &map);
	for (size_t n = 0; n < map.n; n++) {
		AUTO(mem_auto_free) char *copy = test_copy(str_head(buf_str(&map), n));

		assert_true(find(str_of(copy, n), "4.2.2.2", &part) < 0);
	}
	for (size_t i = 0; i < 256 * map.n; i++) {
		AUTO(mem_auto_free) char *copy = test_copy(buf_str(&map));
		size_t pos = 0;

		copy[i / 256] = (char)i;
		(void)!find(str_of(copy, map.n), "4.2.2.2", &part);
		while (mime_map_next(str_of(copy, map.n), &pos, &part) == 1)
			continue;
	}
}
