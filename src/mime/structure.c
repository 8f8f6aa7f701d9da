/* SPDX-License-Identifier: MIT */
/*
 * A message cut into its tree of parts (RFC 2046 5.1, 5.2.1) in one pass over its lines. The walk
 * always stands in one open part: in its header, or in its body (for a multipart: preamble or
 * epilogue). What happens on a line:
 *
 *   empty line in a header     the body begins; message/rfc822 opens its child at once
 *   "--boundary" of any open   everything open inside that multipart ends before the line end in
 *   multipart                  front of it, and its next child begins
 *   "--boundary--"             the same without a next child: what follows is epilogue
 *   anything else              is content
 *
 * Invariants: 1. open parts are a chain over ->parent; boundaries belong to multiparts of that
 * chain. 2. A part lies inside its parent's body. 3. ->body_lines of an open part holds the
 * number of line ends before its body, and of a closed part those in its body. 4. Every multipart
 * has a child.
 */
#include "mime/mime_int.h"

struct walk {
	struct arena *a;
	struct str message;
	struct mime_boundaries *open; /* NULL: there was no multipart yet */
	struct mime_part *cur;
	size_t depth; /* number of ancestors of cur */
	size_t n_parts;
	uint32_t lines; /* line ends before the current line */
	bool is_in_header;
	bool is_full; /* LIMIT_MIME_PARTS: boundaries no longer count */
};

static struct mime_part *new_part(struct walk *w, struct mime_part *parent, uint64_t off)
{
	struct mime_part *part = ARENA_NEW(w->a, struct mime_part);

	if (part == NULL)
		return NULL;
	part->parent = parent;
	part->header_off = part->body_off = off;
	w->n_parts++;
	return part;
}

/* The new part is current, in its header. */
static int enter(struct walk *w, uint64_t off)
{
	struct mime_part *part = new_part(w, w->cur, off);

	if (part == NULL)
		return -E_LIMIT;
	w->depth += w->cur != NULL;
	w->cur = part;
	w->is_in_header = true;
	return 0;
}

static int open_multipart(struct walk *w, struct mime_part *part, struct str boundary)
{
	if (w->open == NULL)
		w->open = ARENA_NEW(w->a, struct mime_boundaries);
	if (w->open == NULL)
		return -E_LIMIT;
	mime_boundaries_push(w->open, part, boundary);
	return 0;
}

/* RFC 2046 5.1.1 wants a boundary; RFC 2045 5.2: what is wrong is read as the default. So its text is seen and found. */
static void read_as_text(struct mime_part *part)
{
	part->has_no_boundary = true;
	part->type = S("text");
	part->subtype = S("plain");
	part->params = NULL;
	part->n_params = 0;
}

/* The header of the current part ends at off: what is it? */
static int header_end(struct walk *w, uint64_t off)
{
	struct mime_part *part = w->cur;
	bool may_nest = w->depth + 1 < LIMIT_MIME_DEPTH && w->n_parts < LIMIT_MIME_PARTS;
	bool is_digest = may_nest && part->parent != NULL && part->parent->is_multipart &&
			 str_ieq(part->parent->subtype, S("digest"));
	struct str header, boundary;
	int err;

	part->header_n = off - part->header_off;
	part->body_off = off;
	part->body_lines = w->lines;
	w->is_in_header = false;
	header = str_of(w->message.p + part->header_off, part->header_n);
	err = mime_part_header(w->a, part, header, is_digest);
	if (err < 0)
		return err;
	if (str_ieq(part->type, S("multipart"))) {
		boundary = str_trim(mime_param_find(part->params, part->n_params, S("boundary")));
		if (boundary.n == 0 || boundary.n > LIMIT_MIME_BOUNDARY) {
			read_as_text(part);
			return 0;
		}
		part->is_multipart = may_nest;
		return part->is_multipart ? open_multipart(w, part, boundary) : 0;
	}
	/* RFC 2046 5.2.1: not to be encoded, and yet seen; RFC 6532 3.7: message/global may be. There is no header to be read, only a file. */
	part->is_message = may_nest && mime_part_names_message(part) && part->cte != MIME_CTE_BASE64;
	if (!part->is_message)
		return 0;
	err = enter(w, off);
	part->child = w->cur;
	return err;
}

/* Invariant 4: RFC 9051 9 body-type-mpart has no way to say "no parts". */
static int add_empty_child(struct walk *w, struct mime_part *part, uint64_t off)
{
	if (w->n_parts >= LIMIT_MIME_PARTS) {
		part->is_multipart = false;
		return 0;
	}
	part->child = new_part(w, part, off);
	if (part->child == NULL)
		return -E_LIMIT;
	return mime_part_header(w->a, part->child, S(""), false);
}

/* Ends everything open below stop (all when NULL) at offset end, with lines line ends before it. */
static int close_until(struct walk *w, const struct mime_part *stop, uint64_t end, uint32_t lines)
{
	int err = 0;

	while (w->cur != stop && err == 0) {
		struct mime_part *part = w->cur;

		/*
		 * A delimiter directly after the header: its line end is also that of the header.
		 */
		if (end < part->body_off) {
			end = part->body_off;
			lines = part->body_lines;
		}
		part->body_n = end - part->body_off;
		part->body_lines = lines - part->body_lines;
		if (part->is_multipart && part->child == NULL)
			err = add_empty_child(w, part, end);
		w->cur = part->parent;
		w->depth -= w->depth > 0;
	}
	return err;
}

/* Headers that end without an empty line, at off. */
static int headers_end(struct walk *w, uint64_t off)
{
	int err = 0;

	while (w->is_in_header && err == 0)
		err = header_end(w, off);
	return err;
}

/* A delimiter line of the multipart at that level, from begin to next. */
static int delimiter(struct walk *w, size_t level, bool is_close, uint64_t begin, uint64_t next)
{
	struct mime_boundary *b = &w->open->v[level];
	struct mime_part *stop = b->part;
	const char *p = w->message.p;
	uint64_t end = begin;
	int err = headers_end(w, begin);

	if (err < 0)
		return err;
	/* RFC 2046 5.1.1: the line end before the delimiter belongs to it. */
	end -= end > 0 && p[end - 1] == '\n';
	end -= end > 0 && end < begin && p[end - 1] == '\r';
	err = close_until(w, stop, end, w->lines - (end < begin));
	if (err < 0)
		return err;
	while (w->open->n > level + !is_close)
		mime_boundaries_pop(w->open);
	w->lines += next > begin && p[next - 1] == '\n';
	if (is_close)
		return 0;
	err = enter(w, next);
	if (err < 0)
		return err;
	if (b->last_child == NULL)
		stop->child = w->cur;
	else
		b->last_child->next = w->cur;
	b->last_child = w->cur;
	return 0;
}

/* The line from begin to next, with its line end. */
static int line(struct walk *w, uint64_t begin, uint64_t next)
{
	const char *p = w->message.p + begin;
	size_t n = next - begin;
	bool is_close;
	int level;

	if (n > 2 && p[0] == '-' && p[1] == '-' && w->open != NULL && w->open->n > 0 && !w->is_full) {
		n -= p[n - 1] == '\n';
		level = mime_boundaries_match(w->open, str_of(p, n), &is_close);
		if (level >= 0 && !is_close && w->n_parts >= LIMIT_MIME_PARTS)
			w->is_full = true;
		else if (level >= 0)
			return delimiter(w, (size_t)level, is_close, begin, next);
		n = next - begin;
	}
	if (p[n - 1] != '\n')
		return 0;
	w->lines++;
	if (w->is_in_header && (n == 1 || (n == 2 && p[0] == '\r')))
		return header_end(w, next);
	return 0;
}

int mime_parse(struct arena *a, struct str message, struct mime_part **ret_root)
{
	struct walk w = { .a = a, .message = message };
	struct mime_part *root;
	int err;

	if (message.n == 0)
		w.message = S("");
	err = enter(&w, 0);
	root = w.cur;
	for (uint64_t pos = 0; pos < message.n && err == 0;) {
		const char *nl = memchr(message.p + pos, '\n', message.n - pos);
		uint64_t next = nl != NULL ? (uint64_t)(nl - message.p) + 1 : message.n;

		err = line(&w, pos, next);
		pos = next;
	}
	if (err == 0)
		err = headers_end(&w, message.n);
	if (err == 0)
		err = close_until(&w, NULL, message.n, w.lines);
	if (err < 0)
		return err;
	*ret_root = root;
	return 0;
}
