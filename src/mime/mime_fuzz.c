/* SPDX-License-Identifier: MIT */
/*
 * A message through everything that a delivery does, with the promises of mime.h checked: parts lie
 * inside their parents, the map gives them back, the printed texts are well-formed IMAP and stay so
 * without their extension data. The bytes are also read as a map from disk.
 */
#include "base/must.h"
#include "mime/mime_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check_tree(const struct mime_part *part, size_t depth)
{
	size_t n = 1;

	must(depth <= LIMIT_MIME_DEPTH && part->type.n > 0 && part->subtype.n > 0);
	must(part->body_off == part->header_off + part->header_n);
	must(part->is_multipart + part->is_message == (part->child != NULL));
	for (const struct mime_part *c = part->child; c != NULL; c = c->next) {
		must(c->parent == part && c->header_off >= part->body_off);
		must(c->body_off + c->body_n <= part->body_off + part->body_n);
		must(c->next == NULL || c->next->header_off >= c->body_off + c->body_n);
		n += check_tree(c, depth + 1);
	}
	return n;
}

/* One parenthesized list of strings, numbers, NIL and lists; returns what follows. */
static struct str check_list(struct str s, int depth)
{
	must(s.n > 0 && s.p[0] == '(' && depth < 3 * LIMIT_MIME_DEPTH);
	s = str_skip(s, 1);
	while (true) {
		must(s.n > 0);
		if (s.p[0] == ')')
			return str_skip(s, 1);
		if (s.p[0] == ' ') {
			s = str_skip(s, 1);
		} else if (s.p[0] == '(') {
			s = check_list(s, depth + 1);
		} else if (s.p[0] == '"') {
			for (s = str_skip(s, 1); s.n > 0 && s.p[0] != '"'; s = str_skip(s, 1)) {
				must((unsigned char)s.p[0] >= ' ' && (s.p[0] & 0x80) == 0);
				s = str_skip(s, s.p[0] == '\\');
			}
			must(s.n > 0);
			s = str_skip(s, 1);
		} else if (s.p[0] == '{') {
			struct str digits;
			uint64_t n;

			s = str_skip(s, 1);
			must(str_split(&s, '}', &digits) && str_to_u64(digits, s.n, &n));
			must(str_starts(s, S("\r\n")) && n <= s.n - 2);
			for (size_t i = 2; i < n + 2; i++)
				must((unsigned char)s.p[i] >= ' ');
			s = str_skip(s, n + 2);
		} else if (str_starts(s, S("NIL"))) {
			s = str_skip(s, 3);
		} else {
			must(s.p[0] >= '0' && s.p[0] <= '9');
			while (s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9')
				s = str_skip(s, 1);
		}
	}
}

static void check_texts(struct arena *a, struct str message, const struct mime_part *root)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(64u << 20);
	AUTO(buf_fini) struct buf view = BUF_INIT(64u << 20);

	mime_preview(message, root, &text);
	must(text.n <= MIME_PREVIEW_BYTES && str_is_utf8(mime_buf_text(&text)));
	buf_reset(&text);
	must(mime_envelope_print(a, str_head(message, root->header_n), &text) == 0);
	must(check_list(buf_str(&text), 0).n == 0);
	buf_reset(&text);
	must(mime_bodystructure_print(a, message, root, &text) == 0);
	for (int with_extension = 0; with_extension < 2; with_extension++) {
		buf_reset(&view);
		mime_bodystructure_view(buf_str(&text), with_extension, &view);
		must(check_list(buf_str(&view), 0).n == 0);
	}
}

static void check_map(const struct mime_part *root, size_t n_parts)
{
	AUTO(buf_fini) struct buf map = BUF_INIT(64u << 20);
	const struct mime_part *part = root;
	uint32_t section[LIMIT_MIME_DEPTH + 1];
	struct mime_map_part got;
	size_t pos = 0, n = 0;

	mime_map_write(&map, root);
	for (size_t i = 0; i < n_parts; i++)
		must(mime_map_next(buf_str(&map), &pos, &got) == 1);
	must(mime_map_next(buf_str(&map), &pos, &got) == 0);
	/* Down the first children. */
	while (true) {
		bool is_message = n == 0 || part->is_message;

		must(mime_map_find(buf_str(&map), section, n, &got) == 1);
		must(got.header_off == part->header_off && got.body_n == part->body_n);
		must(got.is_multipart == part->is_multipart && got.cte == part->cte);
		if (n > 0 && part->is_message)
			part = part->child;
		if (part->is_multipart)
			part = part->child;
		else if (!is_message)
			break;
		section[n++] = 1;
	}
	section[n] = 1;
	must(mime_map_find(buf_str(&map), section, n + 1, &got) == 0);
}

static void check_bodies(struct str message, const struct mime_part *part)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(64u << 20);
	AUTO(buf_fini) struct buf utf8 = BUF_INIT(64u << 20);
	struct str charset;

	for (const struct mime_part *c = part->child; c != NULL; c = c->next)
		check_bodies(message, c);
	if (part->child != NULL)
		return;
	mime_cte_decode(part->cte, str_of(message.p + part->body_off, part->body_n), &out);
	charset = mime_param_find(part->params, part->n_params, S("charset"));
	if (mime_to_utf8(charset, buf_str(&out), &utf8) == 0)
		must(str_is_utf8(buf_str(&utf8)));
	buf_reset(&out);
	(void)!mime_cte_decode_strict(part->cte, str_of(message.p + part->body_off, part->body_n),
				      &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct str message = str_of(data, size), header, body;
	struct mime_map_part got;
	struct mime_summary summary;
	struct mime_part *root;
	size_t pos = 0;

	must(mime_parse(&a, message, &root) == 0);
	mime_split(message, &header, &body);
	must(header.n == root->header_n && body.n == root->body_n);
	must(mime_summary(&a, header, &summary) == 0);
	must(str_is_utf8(summary.subject) && summary.n_references <= LIMIT_MIME_REFERENCES);
	check_map(root, check_tree(root, 1));
	check_texts(&a, message, root);
	check_bodies(message, root);
	while (mime_map_next(message, &pos, &got) == 1)
		continue;
	(void)!mime_map_find(message, (const uint32_t[]){ 2, 1 }, 2, &got);
	return 0;
}
