/* SPDX-License-Identifier: MIT */
/*
 * What sorting and threading need to know about a message: RFC 5322 3.6.4 for the references, RFC
 * 5256 2.1 for the base subject. The subject functions cut a slice from both ends and never copy.
 */
#include "mime/mime_int.h"

enum { DATE, SUBJECT, MESSAGE_ID, REFERENCES, IN_REPLY_TO, FROM, TO, CC, N_FIELDS };

static const struct mime_field_row field_rows[] = {
	{ STR_INIT("Date"), DATE },
	{ STR_INIT("Subject"), SUBJECT },
	{ STR_INIT("Message-ID"), MESSAGE_ID },
	{ STR_INIT("References"), REFERENCES },
	{ STR_INIT("In-Reply-To"), IN_REPLY_TO },
	{ STR_INIT("From"), FROM },
	{ STR_INIT("To"), TO },
	{ STR_INIT("Cc"), CC },
};

#define IN_REPLY_TO_MAX 10 /* of the LIMIT_MIME_REFERENCES */

/* The last msg-ids that were added, as slices of the header. */
struct ids {
	struct str v[LIMIT_MIME_REFERENCES];
	size_t n; /* all that were ever added */
};

static size_t ids_kept(const struct ids *ids)
{
	return ids->n < ARRAY_LEN(ids->v) ? ids->n : ARRAY_LEN(ids->v);
}

static bool ids_has(const struct ids *ids, struct str id)
{
	for (size_t i = 0; i < ids_kept(ids); i++) {
		if (str_eq(ids->v[i], id))
			return true;
	}
	return false;
}

static void ids_add(struct ids *ids, struct str id)
{
	ids->v[ids->n++ % ARRAY_LEN(ids->v)] = id;
}

static int ids_copy(struct arena *a, const struct ids *ids, struct str **ret, size_t *ret_n)
{
	size_t kept = ids_kept(ids), first = ids->n - kept;
	struct str *v = ARENA_ARRAY(a, struct str, kept);

	if (v == NULL)
		return -E_LIMIT;
	for (size_t i = 0; i < kept; i++) {
		v[i] = arena_str(a, ids->v[(first + i) % ARRAY_LEN(ids->v)]);
		if (v[i].p == NULL)
			return -E_LIMIT;
	}
	*ret = v;
	*ret_n = kept;
	return 0;
}

/* References, oldest first, then those of In-Reply-To that are not among them. */
static int read_references(struct arena *a, struct str references, struct str in_reply_to,
			   struct mime_summary *s)
{
	struct ids ids = { 0 };
	struct str id;
	int err = 0;

	while (mime_msg_id_next(&references, &id) == 1)
		ids_add(&ids, id);
	if (ids.n > 0)
		err = ids_copy(a, &ids, &s->ancestors, &s->n_ancestors);
	for (int i = 0; err == 0 && i < IN_REPLY_TO_MAX; i++) {
		if (mime_msg_id_next(&in_reply_to, &id) != 1)
			break;
		if (!ids_has(&ids, id))
			ids_add(&ids, id);
		if (i == 0 && s->n_ancestors == 0)
			err = ids_copy(a, &ids, &s->ancestors, &s->n_ancestors);
	}
	return err < 0 ? err : ids_copy(a, &ids, &s->references, &s->n_references);
}

static bool is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static struct str skip_wsp(struct str s)
{
	while (s.n > 0 && is_wsp(s.p[0]))
		s = str_skip(s, 1);
	return s;
}

/* RFC 5256 2.1 (1): tabs, line ends and runs of spaces become one space. */
static void collapse_spaces(struct str s, struct buf *out)
{
	s = str_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		bool is_space = strchr(" \t\r\n", s.p[i]) != NULL && s.p[i] != '\0';

		if (!is_space)
			buf_add_char(out, s.p[i]);
		else if (out->n > 0 && out->p[out->n - 1] != ' ')
			buf_add_char(out, ' ');
	}
}

/* subj-trailer = "(fwd)" / WSP */
static struct str cut_trailers(struct str s, bool *is_reply)
{
	while (s.n > 0) {
		if (is_wsp(s.p[s.n - 1]))
			s.n--;
		else if (s.n < 5 || !str_ieq(str_skip(s, s.n - 5), S("(fwd)")))
			break;
		else {
			s.n -= 5;
			*is_reply = true;
		}
	}
	return s;
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP; the length, or 0. */
static size_t blob_length(struct str s)
{
	size_t n = 1;

	if (s.n == 0 || s.p[0] != '[')
		return 0;
	while (n < s.n && s.p[n] != '[' && s.p[n] != ']')
		n++;
	if (n == s.n || s.p[n] != ']')
		return 0;
	n++;
	while (n < s.n && is_wsp(s.p[n]))
		n++;
	return n;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"; the length, or 0. */
static size_t refwd_length(struct str s)
{
	struct str rest;

	if (str_istarts(s, S("fwd")))
		rest = str_skip(s, 3);
	else if (str_istarts(s, S("re")) || str_istarts(s, S("fw")))
		rest = str_skip(s, 2);
	else
		return 0;
	rest = skip_wsp(rest);
	rest = str_skip(rest, blob_length(rest));
	return rest.n > 0 && rest.p[0] == ':' ? s.n - rest.n + 1 : 0;
}

/*
 * RFC 5256 2.1 (3)-(5): *subj-leader, then blobs as long as something is left behind them. The
 * blobs in front of no subj-refwd all go at once: read one by one, each would be looked at again.
 */
static struct str cut_leaders(struct str s, bool *is_reply)
{
	while (true) {
		struct str rest, last_blob;
		size_t n;

		s = skip_wsp(s);
		rest = last_blob = s;
		while ((n = blob_length(rest)) > 0) {
			last_blob = rest;
			rest = str_skip(rest, n);
		}
		n = refwd_length(rest);
		if (n == 0)
			return rest.n > 0 ? rest : last_blob;
		*is_reply = true;
		s = str_skip(rest, n);
	}
}

static struct str base_subject(struct str s, bool *is_reply)
{
	while (true) {
		s = cut_leaders(cut_trailers(s, is_reply), is_reply);
		/* (6) subj-fwd = subj-fwd-hdr subject subj-fwd-trl */
		if (!str_istarts(s, S("[fwd:")) || !str_ends(s, S("]")))
			return s;
		*is_reply = true;
		s = str_of(s.p + 5, s.n - 6);
	}
}

static int read_subject(struct arena *a, struct str value, struct mime_summary *s)
{
	AUTO(buf_fini) struct buf decoded = BUF_INIT(4 * LIMIT_MIME_HEADER_FIELD);
	AUTO(buf_fini) struct buf collapsed = BUF_INIT(4 * LIMIT_MIME_HEADER_FIELD);
	AUTO(buf_fini) struct buf mapped = BUF_INIT(16 * LIMIT_MIME_HEADER_FIELD);
	struct str unfolded;
	int err = mime_unfold_view(a, str_head(value, LIMIT_MIME_HEADER_FIELD), &unfolded);

	if (err < 0)
		return err;
	mime_encword_decode(unfolded, &decoded);
	collapse_spaces(mime_buf_text(&decoded), &collapsed);
	mime_casemap(base_subject(mime_buf_text(&collapsed), &s->is_reply), &mapped);
	s->subject = arena_str(a, mime_buf_text(&decoded));
	s->base_subject = arena_str(a, mime_buf_text(&mapped));
	return s->subject.p == NULL || s->base_subject.p == NULL ? -E_LIMIT : 0;
}

/* ---- addresses ---- */

/* An address without a host has it empty, as in ENVELOPE; a group has none. */
static void print_display(const struct mime_address *address, struct buf *out)
{
	mime_encword_decode(address->name, out);
	if (out->n > 0)
		return;
	buf_add(out, address->mailbox);
	if (address->kind == MIME_ADDR_MAILBOX) {
		buf_add_char(out, '@');
		buf_add(out, address->domain);
	}
}

static int keep_mapped(struct arena *a, struct str text, struct str *ret)
{
	AUTO(buf_fini) struct buf mapped = BUF_INIT(16 * LIMIT_MIME_HEADER_FIELD);

	mime_casemap(text, &mapped);
	*ret = arena_str(a, mime_buf_text(&mapped));
	return ret->p == NULL ? -E_LIMIT : 0;
}

/* The first address of a field; display may be NULL. */
static int read_address(struct arena *a, struct mime_address_reader *r, struct str value,
			struct str *mailbox, struct str *display)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(4 * LIMIT_MIME_HEADER_FIELD);
	struct mime_address address;
	int err;

	*mailbox = S("");
	if (display != NULL)
		*display = S("");
	mime_address_reader_start(r, value);
	if (mime_address_reader_next(r, &address) != 1 || address.kind == MIME_ADDR_GROUP_END)
		return 0;
	err = keep_mapped(a, address.mailbox, mailbox);
	if (err < 0 || display == NULL)
		return err;
	print_display(&address, &text);
	return keep_mapped(a, mime_buf_text(&text), display);
}

static int read_addresses(struct arena *a, const struct str values[N_FIELDS], struct mime_summary *s)
{
	AUTO(mime_address_reader_fini) struct mime_address_reader r;
	int err;

	mime_address_reader_init(&r);
	err = read_address(a, &r, values[FROM], &s->from, &s->display_from);
	if (err == 0)
		err = read_address(a, &r, values[TO], &s->to, &s->display_to);
	return err < 0 ? err : read_address(a, &r, values[CC], &s->cc, NULL);
}

int mime_msg_id_normal(struct arena *a, struct str id, struct str *ret)
{
	char *p = ARENA_ARRAY(a, char, id.n);
	size_t n = 0;

	if (p == NULL)
		return -E_LIMIT;
	for (size_t i = 0; i < id.n; i++) {
		if (id.p[i] == '\\' && i + 1 < id.n)
			i++;
		else if (id.p[i] == '"')
			continue;
		p[n++] = id.p[i];
	}
	*ret = str_of(p, n);
	return 0;
}

int mime_summary(struct arena *a, struct str header, struct mime_summary *ret)
{
	struct mime_summary s = { .sent_s = INT64_MIN, .message_id = S("") };
	struct str values[N_FIELDS] = { S(""), S(""), S(""), S(""), S(""), S(""), S(""), S("") }, id;
	bool is_seen[N_FIELDS] = { false };
	struct mime_field f;
	int zone_min, err;

	while (mime_field_next(&header, &f) == 1) {
		int i = mime_field_row(field_rows, ARRAY_LEN(field_rows), f.name);

		if (i >= 0 && !is_seen[i])
			values[i] = f.value;
		if (i >= 0)
			is_seen[i] = true;
	}
	mime_date_parse(values[DATE], &s.sent_s, &zone_min);
	if (mime_msg_id_next(&values[MESSAGE_ID], &id) == 1)
		s.message_id = id;
	s.message_id = arena_str(a, s.message_id);
	if (s.message_id.p == NULL)
		return -E_LIMIT;
	err = read_references(a, values[REFERENCES], values[IN_REPLY_TO], &s);
	if (err == 0)
		err = read_subject(a, values[SUBJECT], &s);
	if (err == 0)
		err = read_addresses(a, values, &s);
	if (err == 0)
		*ret = s;
	return err;
}
