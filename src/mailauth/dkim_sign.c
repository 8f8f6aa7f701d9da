/* SPDX-License-Identifier: MIT */
/* A signature: canonical forms, hashes, the header field. RFC 6376 3.4, 3.5, 3.7, 5. */
#include "mailauth/dkim.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/text.h"
#include "mime/mime.h"

#define FIELDS_MAX 100
#define LINE 72             /* of our own field, where it can be broken */
#define FIELD_MAX (16u << 10)
#define SIGNATURE_MAX 1024  /* RSA of 8192 bits */
#define HASHED_MAX (256u << 20)

struct dkim_key {
	EVP_PKEY *pkey;
	bool is_ed25519;
	atomic_int refs;
};

/* ---- keys ---- */

/* Nobody is there to be asked for a password. */
static int no_password(char *p, int n, int is_writing, void *ctx)
{
	(void)p, (void)n, (void)is_writing, (void)ctx;
	return -1;
}

static int check_kind(EVP_PKEY *pkey, struct fault *fault)
{
	int id = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);

	if (id == EVP_PKEY_ED25519)
		return 0;
	if (id != EVP_PKEY_RSA)
		return fault_set(fault, -E_USAGE, "the key is neither RSA nor Ed25519");
	if (bits < 1024 || bits > 8 * SIGNATURE_MAX)
		return fault_set(fault, -E_USAGE, "the RSA key has %d bits; make one with: openssl genrsa 2048", bits);
	return 0;
}

int dkim_key_parse(struct str pem, struct dkim_key **ret, struct fault *fault)
{
	BIO *bio = BIO_new_mem_buf(pem.n > 0 ? pem.p : "", pem.n > INT32_MAX ? 0 : (int)pem.n);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	int r = pkey ? check_kind(pkey, fault) : fault_set(fault, -E_USAGE, "no private key in PEM, or one with a password");

	BIO_free(bio);
	ERR_clear_error();
	if (r < 0) {
		EVP_PKEY_free(pkey);
		return r;
	}
	*ret = MEM_NEW(struct dkim_key);
	(*ret)->pkey = pkey;
	(*ret)->is_ed25519 = EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519;
	(*ret)->refs = 1;
	return 0;
}

struct dkim_key *dkim_key_ref(struct dkim_key *k)
{
	atomic_fetch_add(&k->refs, 1);
	return k;
}

void dkim_key_unref(struct dkim_key *k)
{
	if (!k || atomic_fetch_sub(&k->refs, 1) > 1)
		return;
	EVP_PKEY_free(k->pkey); /* clears it */
	mem_free(k);
}

/* ---- canonical forms ---- */

static bool is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_wsp(c) || c == '\r' || c == '\n';
}

/* Runs of white space become one space; at the end there is none. */
static void add_reduced(struct str s, struct buf *out)
{
	bool has_gap = false;

	for (size_t i = 0; i < s.n; i++) {
		if (is_space(s.p[i])) {
			has_gap = true;
			continue;
		}
		if (has_gap)
			buf_add_char(out, ' ');
		has_gap = false;
		buf_add_char(out, s.p[i]);
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
	add_reduced(str_trim(str_skip(field, colon < 0 ? field.n : (size_t)colon + 1)), out);
}

/* RFC 6376 3.4.4: white space at the end of lines and empty lines at the end of the body do not count. */
void dkim_relaxed_body(struct str body, struct buf *out)
{
	size_t n_empty = 0;

	while (body.n > 0) {
		ptrdiff_t end = str_find(body, S("\r\n"));
		struct str line = end < 0 ? body : str_head(body, (size_t)end);

		body = str_skip(body, end < 0 ? body.n : (size_t)end + 2);
		while (line.n > 0 && is_wsp(line.p[line.n - 1]))
			line.n--;
		if (line.n == 0) {
			n_empty++;
			continue;
		}
		for (; n_empty > 0; n_empty--)
			buf_add(out, S("\r\n"));
		if (is_wsp(line.p[0]))
			buf_add_char(out, ' ');
		add_reduced(str_trim(line), out);
		buf_add(out, S("\r\n"));
	}
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
	AUTO(buf_fini) struct buf text = BUF_INIT(2 * SIGNATURE_MAX);
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
static int sign(const struct dkim_key *k, struct str hashed, uint8_t ret[SIGNATURE_MAX], size_t *ret_n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t digest[32];
	bool is_done;

	must(ctx);
	*ret_n = SIGNATURE_MAX;
	is_done = hash(hashed, digest) && EVP_DigestSignInit(ctx, NULL, k->is_ed25519 ? NULL : EVP_sha256(), NULL, k->pkey) == 1 &&
		  EVP_DigestSign(ctx, ret, ret_n, k->is_ed25519 ? digest : (const unsigned char *)hashed.p,
				 k->is_ed25519 ? sizeof(digest) : hashed.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return is_done ? 0 : -E_BUG;
}

/* All but the signature. */
static int add_tags(const struct dkim_signer *s, const struct fields *f, struct str body, struct buf *out)
{
	AUTO(buf_fini) struct buf canonical = BUF_INIT(HASHED_MAX);
	uint8_t digest[32];

	dkim_relaxed_body(body, &canonical);
	if (buf_overflowed(&canonical))
		return -E_LIMIT;
	if (!hash(buf_str(&canonical), digest))
		return -E_BUG;
	buf_printf(out, "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n\td=%" STR_FMT ";\r\n\ts=%" STR_FMT "; t=%lld;\r\n\t",
		   s->key->is_ed25519 ? "ed25519-sha256" : "rsa-sha256", STR_ARG(s->domain), STR_ARG(s->selector), (long long)s->now_s);
	add_names(f, out);
	buf_add(out, S("bh="));
	add_base64(str_of(digest, sizeof(digest)), 11, out);
	buf_add(out, S(";\r\n\tb="));
	return 0;
}

int dkim_sign(const struct dkim_signer *s, struct str message, struct buf *out)
{
	AUTO(buf_fini) struct buf field = BUF_INIT(FIELD_MAX);
	AUTO(buf_fini) struct buf canonical = BUF_INIT(HASHED_MAX);
	uint8_t signature[SIGNATURE_MAX];
	struct fields fields = { .n = 0 };
	struct str header, body;
	size_t n;
	int r;

	mime_split(message, &header, &body);
	r = gather(header, &fields);
	if (r == 0)
		r = add_tags(s, &fields, body, &field);
	if (r < 0)
		return r;
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
