/* SPDX-License-Identifier: MIT */
/*
 * Address lists (RFC 5322 3.4, 4.4). One address is read word by word into two buffers at once,
 * because only its end tells what the words were: `phrase` has all words with single spaces (a
 * display name or group name, if "<" or ":" follows), `addr` has only the last run of words
 * without CFWS (an address, if "@" is in it). No input is an error:
 *
 *   root                mailbox "root", no domain         John Doe     name, no mailbox, no domain
 *   a@b (John)          the comment is the name           J D a@b      name "J D", a@b
 *   <a@b                missing ">" ends at "," or the end
 *   5" pipes <a@b>      a quote that does not end is none: name "5 pipes", a@b
 *   A (b <a@b>          nor is such a comment: name "A (b", a@b
 *   a@b>                a ">" without "<" is no part of the address
 *
 * Time and memory are linear in the value, which is cut at LIMIT_MIME_HEADER_FIELD.
 */
#include "mime/mime_int.h"

/* RFC 1035 3.1: a bracket that does not close within it begins no domain literal. */
#define DOMAIN_MAX 255

/* What reading words leaves behind beside the two buffers. */
struct words {
	size_t name_n;   /* bytes of phrase that stand before addr */
	ptrdiff_t at;    /* offset of the last "@" in addr, or -1 */
	size_t route_n;  /* bytes of addr that are the obs-route */
	bool is_angle;
	bool is_over;    /* after the domain: further words are not part of addr */
};

void mime_address_reader_init(struct mime_address_reader *r)
{
	*r = (struct mime_address_reader){
		.phrase = BUF_INIT(2 * LIMIT_MIME_HEADER_FIELD),
		.addr = BUF_INIT(2 * LIMIT_MIME_HEADER_FIELD),
	};
}

void mime_address_reader_fini(struct mime_address_reader *r)
{
	buf_fini(&r->phrase);
	buf_fini(&r->addr);
}

void mime_address_reader_start(struct mime_address_reader *r, struct str value)
{
	r->rest = value.n > 0 ? value : S("");
	r->n = 0;
	r->is_in_group = r->has_odd_quote = r->has_odd_comment = false;
	if (value.n > LIMIT_MIME_HEADER_FIELD) {
		ptrdiff_t comma;

		r->rest.n = LIMIT_MIME_HEADER_FIELD;
		comma = str_rchr(r->rest, ',');
		r->rest.n = comma < 0 ? 0 : (size_t)comma;
	}
}

/* CFWS at the start; remembers the inside of the last comment. True when there was any. */
static bool skip_cfws(struct mime_address_reader *r)
{
	size_t n = r->rest.n;

	while (r->rest.n > 0) {
		struct str before = r->rest;

		if (before.p[0] == '(') {
			/* It is looked for once: time is linear. */
			r->has_odd_comment = r->has_odd_comment || !mime_comment_skip(&r->rest);
			if (r->has_odd_comment)
				break;
			r->comment = str_of(before.p + 1, before.n - r->rest.n - 1);
		} else if (strchr(" \t\r\n", before.p[0]) != NULL && before.p[0] != '\0') {
			r->rest = str_skip(r->rest, 1);
		} else {
			break;
		}
	}
	return r->rest.n != n;
}

static char last_char(const struct buf *b)
{
	return b->n > 0 ? b->p[b->n - 1] : '\0';
}

static bool is_dot_or_at(char c)
{
	return c == '.' || c == '@';
}

/* The space between two words: part of the phrase, and the begin of another address. */
static void word_gap(struct mime_address_reader *r, struct words *w)
{
	char next = r->rest.p[0];

	if (r->phrase.n > 0 && !w->is_angle)
		buf_add_char(&r->phrase, ' ');
	if (r->addr.n == 0 || is_dot_or_at(last_char(&r->addr)) || is_dot_or_at(next))
		return;
	if (w->at >= 0) {
		w->is_over = true;
	} else if (!w->is_angle) {
		buf_reset(&r->addr);
		w->name_n = r->phrase.n;
	} else if (last_char(&r->addr) != ',' && next != ',') {
		buf_add_char(&r->addr, ' ');
	}
}

static void add(struct mime_address_reader *r, const struct words *w, struct str s)
{
	if (!w->is_angle)
		buf_add(&r->phrase, s);
	if (!w->is_over)
		buf_add(&r->addr, s);
}

/* Text with the backslashes of quoted-pairs and the line ends of folds taken out. */
static void add_unquoted(struct mime_address_reader *r, const struct words *w, struct str s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '\\' && s.p[i] != '\r' && s.p[i] != '\n')
			continue;
		add(r, w, str_of(s.p + from, i - from));
		from = i + 1;
		i += s.p[i] == '\\';
	}
	if (from < s.n)
		add(r, w, str_skip(s, from));
}

static void take_quoted(struct mime_address_reader *r, const struct words *w)
{
	struct str s = r->rest;
	size_t i = 1;

	while (!r->has_odd_quote && i < s.n && s.p[i] != '"')
		i += s.p[i] == '\\' ? 2 : 1;
	/* It is looked for once: time is linear. */
	r->has_odd_quote |= i >= s.n;
	if (r->has_odd_quote) {
		r->rest = str_skip(s, 1);
		return;
	}
	add_unquoted(r, w, str_of(s.p + 1, i - 1));
	r->rest = str_skip(s, i + 1);
}

/* An atom with its dots, a domain literal, or one byte that fits nowhere. */
static void take_atom(struct mime_address_reader *r, const struct words *w)
{
	struct str s = r->rest;
	ptrdiff_t close = s.p[0] == '[' ? str_chr(str_head(s, DOMAIN_MAX), ']') : -1;
	size_t n = 1;

	if (close > 0 && w->at >= 0) {
		n = (size_t)close + 1;
		add_unquoted(r, w, str_head(s, n));
		r->rest = str_skip(s, n);
		return;
	}
	while (n < s.n && (s.p[n] == '\0' || strchr(" \t\r\n()<>@,;:\"", s.p[n]) == NULL))
		n++;
	add(r, w, str_head(s, n));
	r->rest = str_skip(s, n);
}

/* "@": what stands in front of the last one is the local part. */
static void take_at(struct mime_address_reader *r, struct words *w)
{
	if (!w->is_over)
		w->at = (ptrdiff_t)r->addr.n;
	add(r, w, S("@"));
	r->rest = str_skip(r->rest, 1);
}

/* ">" without "<" may stand in a name. */
static void take_odd_angle(struct mime_address_reader *r, const struct words *w)
{
	if (!w->is_angle)
		buf_add_char(&r->phrase, '>');
	r->rest = str_skip(r->rest, 1);
}

/* Words until one of the stop characters, which is not taken, or the end. */
static void take_words(struct mime_address_reader *r, struct words *w, const char *stop_z)
{
	while (true) {
		bool has_gap = skip_cfws(r);
		char c = r->rest.n > 0 ? r->rest.p[0] : '\0';

		if (r->rest.n == 0 || (c != '\0' && strchr(stop_z, c) != NULL))
			return;
		if (has_gap)
			word_gap(r, w);
		if (c == '"')
			take_quoted(r, w);
		else if (c == '@')
			take_at(r, w);
		else if (c == '>')
			take_odd_angle(r, w);
		else
			take_atom(r, w);
	}
}

/*
 * RFC 5322 4.4: obs-route = obs-domain-list ":" ; stands in front of the address, in the same
 * buffer.
 */
static void take_route(struct mime_address_reader *r, struct words *w)
{
	struct str before = r->rest;

	take_words(r, w, ":<>;");
	if (r->rest.n > 0 && r->rest.p[0] == ':') {
		r->rest = str_skip(r->rest, 1);
		w->route_n = r->addr.n;
	} else {
		r->rest = before;
		buf_reset(&r->addr);
	}
	w->at = -1;
	w->is_over = false;
}

/* angle-addr = [CFWS] "<" addr-spec ">" [CFWS], and what follows up to the end of the address. */
static void take_angle(struct mime_address_reader *r, struct words *w)
{
	w->is_angle = true;
	buf_reset(&r->addr);
	w->at = -1;
	w->is_over = false;
	while (r->rest.n > 0 && (r->rest.p[0] == '<' || skip_cfws(r)))
		r->rest = str_skip(r->rest, r->rest.n > 0 && r->rest.p[0] == '<');
	if (r->rest.n > 0 && r->rest.p[0] == '@')
		take_route(r, w);
	take_words(r, w, ">,;");
	/* Nothing behind the ">" belongs to the address, comments apart. */
	w->is_over = true;
	take_words(r, w, ",;");
}

/* Puts the last comment where the name goes, if the address has no name. */
static struct str name_of(struct mime_address_reader *r, size_t name_n)
{
	struct words w = { .is_over = true };

	if (str_trim(str_head(mime_buf_text(&r->phrase), name_n)).n == 0 && r->comment.n > 0) {
		struct str comment = str_head(r->comment, r->comment.n - 1);

		buf_reset(&r->phrase);
		add_unquoted(r, &w, comment);
		name_n = r->phrase.n;
	}
	return str_trim(str_head(mime_buf_text(&r->phrase), name_n));
}

static void fill_address(struct mime_address_reader *r, const struct words *w,
			 struct mime_address *ret)
{
	struct str addr = mime_buf_text(&r->addr), spec = str_skip(addr, w->route_n);
	size_t at = w->at < 0 ? 0 : (size_t)w->at - w->route_n;
	size_t name_n = w->is_angle || w->at < 0 ? r->phrase.n : w->name_n;

	*ret = (struct mime_address){ .kind = MIME_ADDR_MAILBOX };
	if (w->at >= 0) {
		ret->mailbox = str_head(spec, at);
		ret->domain = str_skip(spec, at + 1);
	} else if (w->is_angle || w->name_n == 0) {
		ret->mailbox = spec;
		name_n = w->is_angle ? name_n : 0;
	}
	ret->route = str_head(addr, w->route_n);
	ret->name = name_of(r, name_n);
}

/* Separators in front of an address. True when one of them ended a group. */
static bool skip_separators(struct mime_address_reader *r)
{
	while (r->rest.n > 0) {
		char c = r->rest.p[0];

		if (c != ',' && c != ';' && c != '>') {
			if (!skip_cfws(r))
				return false;
			continue;
		}
		r->rest = str_skip(r->rest, 1);
		if (c == ';' && r->is_in_group)
			return true;
	}
	return r->is_in_group;
}

int mime_address_reader_next(struct mime_address_reader *r, struct mime_address *ret)
{
	struct words w = { .at = -1 };
	bool ends_group = skip_separators(r);

	if (ends_group) {
		r->is_in_group = false;
		*ret = (struct mime_address){ .kind = MIME_ADDR_GROUP_END };
		return 1;
	}
	if (r->rest.n == 0)
		return 0;
	if (++r->n >= LIMIT_MIME_ADDRESSES) {
		r->rest.n = 0;
		return mime_address_reader_next(r, ret);
	}
	buf_reset(&r->phrase);
	buf_reset(&r->addr);
	r->comment = S("");
	take_words(r, &w, r->is_in_group ? "<,;" : "<,;:");
	/* group = display-name ":" [group-list] ";" */
	if (r->rest.n > 0 && r->rest.p[0] == ':' && w.at < 0) {
		r->rest = str_skip(r->rest, 1);
		r->is_in_group = true;
		*ret = (struct mime_address){ .kind = MIME_ADDR_GROUP_START,
					      .mailbox = str_trim(mime_buf_text(&r->phrase)) };
		return 1;
	}
	if (r->rest.n > 0 && r->rest.p[0] == ':')
		take_words(r, &w, "<,;");
	if (r->rest.n > 0 && r->rest.p[0] == '<')
		take_angle(r, &w);
	fill_address(r, &w, ret);
	return 1;
}

static int copy(struct arena *a, struct mime_address *v)
{
	struct str *const parts[] = { &v->name, &v->route, &v->mailbox, &v->domain };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		*parts[i] = arena_str(a, *parts[i]);
		if (parts[i]->p == NULL)
			return -E_LIMIT;
	}
	return 0;
}

int mime_addresses_parse(struct arena *a, struct str value, struct mime_addresses *ret)
{
	AUTO(mime_address_reader_fini) struct mime_address_reader r;
	struct mime_addresses list = { 0 };
	struct mime_address address;
	size_t cap = 0;

	mime_address_reader_init(&r);
	mime_address_reader_start(&r, value);
	while (mime_address_reader_next(&r, &address) == 1) {
		if (arena_grow(a, &list.v, list.n, &cap, sizeof(address)) < 0 ||
		    copy(a, &address) < 0)
			return -E_LIMIT;
		list.v[list.n++] = address;
	}
	*ret = list;
	return 0;
}
