/* SPDX-License-Identifier: MIT */
/* A signature: canonical forms, hashes, the header field. RFC 6376 3.4, 3.5, 3.7, 5. */
#include "mailauth/dkim_int.h"

#include <openssl/err.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/text.h"
#include "mime/mime.h"

#define FIELDS_MAX 100
#define LINE 72             /* of our own field, where it can be broken */
#define FIELD_MAX (16u << 10)
#define HASHED_MAX (4u << 20) /* the header */
#define DRAIN (16u << 10)

/* ---- canonical forms ---- */

static bool is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_wsp(c) || c == '\r' || c == '\n';
}

/* Where canonical text goes: a buffer, which a digest empties when there is one. */
struct sink {
	struct buf *out;
	EVP_MD_CTX *md; /* NULL: it stays in the buffer */
};

static void drain(const struct sink *to, size_t most)
{
	if (!to->md || to->out->n <= most)
		return;
	must(!buf_overflowed(to->out) && EVP_DigestUpdate(to->md, to->out->p, to->out->n) == 1);
	buf_reset(to->out);
}

static void add_piece(struct str s, const struct sink *to)
{
	while (s.n > 0) {
		buf_add(to->out, str_head(s, DRAIN));
		s = str_skip(s, DRAIN);
		drain(to, DRAIN);
	}
}

/* Runs of gaps become one space; at the end there is none. */
static void add_reduced(struct str s, bool (*is_gap)(char c), const struct sink *to)
{
	size_t i = 0, begin;

	while (i < s.n) {
		for (begin = i; i < s.n && is_gap(s.p[i]);)
			i++;
		if (i == s.n)
			return;
		if (i > begin)
			buf_add_char(to->out, ' ');
		for (begin = i; i < s.n && !is_gap(s.p[i]);)
			i++;
		add_piece(str_of(s.p + begin, i - begin), to);
	}
}

/* RFC 6376 3.4.2 */
void dkim_relaxed_field(struct str field, struct buf *out)
{
	ptrdiff_t colon = str_chr(field, ':');
	struct str name = str_trim(str_head(field, colon < 0 ? field.n : (size_t)colon));

	for (size_t i = 0; i < name.n; i++)
		buf_add_char(out, str_lower_char(name.p[i]));
	buf_add_char(out, ':');
	add_reduced(str_trim(str_skip(field, colon < 0 ? field.n : (size_t)colon + 1)), is_space,
		    &(struct sink){ out, NULL });
}

/* Cuts a line off, without its CRLF; a bare CR or LF ends none. The last may have no end. */
static struct str take_line(struct str *body)
{
	size_t n = 0;
	ptrdiff_t end;
	struct str line;

	do {
		end = str_chr(str_skip(*body, n), '\n');
		n = end < 0 ? body->n : n + (size_t)end + 1;
	} while (end >= 0 && (n < 2 || body->p[n - 2] != '\r'));
	line = str_head(*body, end < 0 ? n : n - 2);
	*body = str_skip(*body, n);
	return line;
}

/* RFC 6376 3.4.4: white space at the end of lines and empty lines at the end of the body do not count. */
static void relaxed_body(struct str body, const struct sink *to)
{
	size_t n_empty = 0;

	while (body.n > 0) {
		struct str line = take_line(&body);

		while (line.n > 0 && is_wsp(line.p[line.n - 1]))
			line.n--;
		if (line.n == 0) {
			n_empty++;
			continue;
		}
		for (; n_empty > 0; n_empty--) {
			buf_add(to->out, S("\r\n"));
			drain(to, DRAIN);
		}
		add_reduced(line, is_wsp, to);
		buf_add(to->out, S("\r\n"));
	}
}

void dkim_relaxed_body(struct str body, struct buf *out)
{
	relaxed_body(body, &(struct sink){ out, NULL });
}

/* A long body is never there twice. */
static void hash_body(struct str body, uint8_t ret[32])
{
	AUTO(buf_fini) struct buf some = BUF_INIT(3 * DRAIN); /* a piece behind what was not worth draining, and line ends */
	struct sink to = { &some, EVP_MD_CTX_new() };

	must(to.md && EVP_DigestInit_ex(to.md, EVP_sha256(), NULL) == 1);
	relaxed_body(body, &to);
	drain(&to, 0);
	must(EVP_DigestFinal_ex(to.md, ret, NULL) == 1);
	EVP_MD_CTX_free(to.md);
}

/* ---- which fields ---- */

struct fields {
	struct str v[FIELDS_MAX]; /* whole, in their order */
	size_t n;
};

static struct str name_of(struct str field)
{
	ptrdiff_t colon = str_chr(field, ':');

	return str_trim(str_head(field, colon < 0 ? 0 : (size_t)colon));
}

/* RFC 5322 2.2; what is none is not signed. */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static bool is_in(struct str name, const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(name, list[i]))
			return true;
	return false;
}

/* The next field of a header with its folds. False: there is none. */
static bool next_field(struct str *header, struct str *ret)
{
	size_t n = 0;

	do {
		ptrdiff_t end = str_chr(str_skip(*header, n), '\n');

		n = end < 0 ? header->n : n + (size_t)end + 1;
	} while (n < header->n && is_wsp(header->p[n]));
	*ret = str_head(*header, n);
	*header = str_skip(*header, n);
	return n > 0;
}

/* RFC 6376 5.4: what is put on top by those who carry the mail is not ours. */
static int gather(struct str header, struct fields *f)
{
	static const struct str others[] = { STR_INIT("Return-Path"), STR_INIT("Received"), STR_INIT("DKIM-Signature") };
	struct str field;

	while (next_field(&header, &field)) {
		struct str name = name_of(field);

		if (!is_name(name) || is_in(name, others, ARRAY_LEN(others)))
			continue;
		if (f->n == FIELDS_MAX)
			return -E_LIMIT;
		f->v[f->n++] = field;
	}
	return 0;
}

/* ---- the field ---- */

static void add_word(struct buf *out, size_t *column, struct str word)
{
	if (*column + word.n > LINE) {
		buf_add(out, S("\r\n\t"));
		*column = 8;
	}
	buf_add(out, word);
	*column += word.n;
}

/*
 * h=: fields of one name are counted from the last one up (5.4.2), and a name once more than there are fields of it means that there is no other
 * (8.15).
 */
static void add_names(const struct fields *f, struct buf *out)
{
	static const struct str once[] = { STR_INIT("From"), STR_INIT("To"), STR_INIT("Subject"), STR_INIT("Date"),
					   STR_INIT("Content-Type") };
	size_t column = 10;

	buf_add(out, S("h="));
	for (size_t i = f->n; i-- > 0;) {
		add_word(out, &column, name_of(f->v[i]));
		buf_add_char(out, ':');
	}
	for (size_t i = 0; i < ARRAY_LEN(once); i++) {
		add_word(out, &column, once[i]);
		buf_add(out, i + 1 < ARRAY_LEN(once) ? S(":") : S(""));
	}
	buf_add(out, S(";\r\n\t"));
}

static void add_base64(struct str bytes, size_t column, struct buf *out)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(2 * DKIM_SIGNATURE_MAX);
	struct str rest;

	text_b64_encode(&text, bytes);
	for (rest = buf_str(&text); rest.n > 0;) {
		struct str some = str_head(rest, LINE - column);

		buf_add(out, some);
		rest = str_skip(rest, some.n);
		buf_add(out, rest.n > 0 ? S("\r\n\t") : S(""));
		column = 8;
	}
}

static bool hash(struct str bytes, uint8_t ret[32])
{
	unsigned n = 32;

	return EVP_Digest(bytes.p ? bytes.p : "", bytes.n, ret, &n, EVP_sha256(), NULL) == 1;
}

/* RFC 6376 3.7; RFC 8463 3: Ed25519 signs the hash. */
static int sign(const struct dkim_key *k, struct str hashed, uint8_t ret[DKIM_SIGNATURE_MAX], size_t *ret_n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[32];
	bool is_done;

	must(ctx);
	*ret_n = DKIM_SIGNATURE_MAX;
	is_done = hash(hashed, digest) && EVP_DigestSignInit(ctx, NULL, k->is_ed25519 ? NULL : EVP_sha256(), NULL, k->pkey) == 1 &&
		  EVP_DigestSign(ctx, ret, ret_n, k->is_ed25519 ? digest : (const unsigned char *)hashed.p,
				 k->is_ed25519 ? sizeof(digest) : hashed.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return is_done ? 0 : -E_BUG;
}

/* All but the signature. */
static void add_tags(const struct dkim_signer *s, const struct fields *f, struct str body, struct buf *out)
{
	uint8_t digest[32];

	hash_body(body, digest);
	buf_printf(out, "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n\td=%" STR_FMT ";\r\n\ts=%" STR_FMT "; t=%lld;\r\n\t",
		   s->key->is_ed25519 ? "ed25519-sha256" : "rsa-sha256", STR_ARG(s->domain), STR_ARG(s->selector), (long long)s->now_s);
	add_names(f, out);
	buf_add(out, S("bh="));
	add_base64(str_of(digest, sizeof(digest)), 11, out);
	buf_add(out, S(";\r\n\tb="));
}

int dkim_sign(const struct dkim_signer *s, struct str message, struct buf *out)
{
	AUTO(buf_fini) struct buf field = BUF_INIT(FIELD_MAX);
	AUTO(buf_fini) struct buf canonical = BUF_INIT(HASHED_MAX);
	uint8_t signature[DKIM_SIGNATURE_MAX];
	struct fields fields = { .n = 0 };
	struct str header, body;
	size_t n;
	int r;

	mime_split(message, &header, &body);
	r = gather(header, &fields);
	if (r < 0)
		return r;
	add_tags(s, &fields, body, &field);
	for (size_t i = fields.n; i-- > 0;) {
		dkim_relaxed_field(fields.v[i], &canonical);
		buf_add(&canonical, S("\r\n"));
	}
	dkim_relaxed_field(buf_str(&field), &canonical);
	if (buf_overflowed(&field) || buf_overflowed(&canonical))
		return -E_LIMIT;
	r = sign(s->key, buf_str(&canonical), signature, &n);
	if (r < 0)
		return r;
	add_base64(str_of(signature, n), 10, &field);
	buf_add(&field, S("\r\n"));
	buf_add(out, buf_str(&field));
	return buf_overflowed(&field) || buf_overflowed(out) ? -E_LIMIT : 0;
}
