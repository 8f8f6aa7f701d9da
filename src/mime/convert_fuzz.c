/* SPDX-License-Identifier: MIT */
/*
 * Any message made 7-bit: it is refused, or the result is 7-bit, has the same parts, and each leaf decodes to what it did before; and
 * doing it again changes nothing.
 */
#include "base/must.h"
#include "mime/mime_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX (64u << 20)

static void check_leaf(struct str was, const struct mime_part *p, struct str is, const struct mime_part *q)
{
	AUTO(buf_fini) struct buf a = BUF_INIT(OUT_MAX), b = BUF_INIT(OUT_MAX);

	mime_cte_decode(p->cte, str_of(was.p + p->body_off, p->body_n), &a);
	mime_cte_decode(q->cte, str_of(is.p + q->body_off, q->body_n), &b);
	must(str_eq(buf_str(&a), buf_str(&b)));
}

/* message/global is a leaf when it was encoded. */
static bool is_encoded_global(const struct mime_part *q)
{
	return str_ieq(q->type, S("message")) && (q->cte == MIME_CTE_QP || q->cte == MIME_CTE_BASE64);
}

static void check_tree(struct str was, const struct mime_part *p, struct str is, const struct mime_part *q)
{
	must(str_ieq(p->type, q->type) && str_ieq(p->subtype, q->subtype));
	if (!p->child || is_encoded_global(q)) {
		check_leaf(was, p, is, q);
		return;
	}
	for (p = p->child, q = q->child; p && q; p = p->next, q = q->next)
		check_tree(was, p, is, q);
	must(!p && !q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a = { .cap = 2 * LIMIT_MIME_ARENA };
	AUTO(buf_fini) struct buf out = BUF_INIT(OUT_MAX), again = BUF_INIT(OUT_MAX);
	struct str message = str_of(data, size);
	struct mime_part *p, *q;

	if (mime_convert_7bit(message, &out) < 0)
		return 0;
	must(size == 0 || (str_is_ascii(buf_str(&out)) && mime_has_plain_lines(buf_str(&out))));
	must(mime_parse(&a, message, &p) == 0 && mime_parse(&a, mime_buf_text(&out), &q) == 0);
	check_tree(message, p, mime_buf_text(&out), q);
	must(mime_convert_7bit(buf_str(&out), &again) == 0 && str_eq(buf_str(&out), buf_str(&again)));
	return 0;
}
