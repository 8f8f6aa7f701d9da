/* SPDX-License-Identifier: MIT */
/* RFC 6376 3.2, 3.6.1. */
#include "mailauth/dkim_record.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "mailauth/txt.h"

#define ED25519_BYTES 32

enum tag { TAG_V, TAG_H, TAG_K, TAG_N, TAG_P, TAG_S, TAG_T, N_TAGS };

static const struct str names[N_TAGS] = {
	[TAG_V] = STR_INIT("v"), [TAG_H] = STR_INIT("h"), [TAG_K] = STR_INIT("k"),
	[TAG_N] = STR_INIT("n"), [TAG_P] = STR_INIT("p"), [TAG_S] = STR_INIT("s"),
	[TAG_T] = STR_INIT("t"),
};

struct tags {
	bool has[N_TAGS];
	struct str value[N_TAGS];
	struct str seen[32]; /* names of others */
	size_t n_seen, n;
};

static int wrong(const char **ret_what_z, const char *what_z)
{
	*ret_what_z = what_z;
	return -E_SYNTAX;
}

/* tag-name = ALPHA *( ALPHA / DIGIT / "_" ) */
static bool is_tag_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!txt_is_alnum(s.p[i]) && s.p[i] != '_')
			return false;
	return s.n > 0 && txt_is_alnum(s.p[0]) && (s.p[0] < '0' || s.p[0] > '9');
}

static bool is_seen(struct tags *t, struct str name)
{
	for (size_t i = 0; i < t->n_seen; i++)
		if (str_eq(t->seen[i], name))
			return true;
	if (t->n_seen < ARRAY_LEN(t->seen))
		t->seen[t->n_seen++] = name;
	return false;
}

/* tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS] */
static int take_tag(struct tags *t, struct str spec, const char **ret_what_z)
{
	ptrdiff_t equals = str_chr(spec, '=');
	struct str name = str_trim(str_head(spec, equals < 0 ? 0 : (size_t)equals)),
		   value = str_trim(str_skip(spec, (size_t)(equals + 1)));

	if (equals < 0 || !is_tag_name(name))
		return wrong(ret_what_z, "it is no list of tag=value");
	if (is_seen(t, name))
		return wrong(ret_what_z, "a tag stands there twice");
	for (size_t i = 0; i < N_TAGS; i++)
		if (str_eq(name, names[i])) {
			t->has[i] = true;
			t->value[i] = value;
			if (i == TAG_V && t->n > 0)
				return wrong(ret_what_z, "v= has to stand first");
		}
	t->n++;
	return 0;
}

/* tag-list = tag-spec *( ";" tag-spec ) [ ";" ] */
static int take_tags(struct tags *t, struct str text, const char **ret_what_z)
{
	struct str spec;
	int r = 0;

	while (r == 0 && str_split(&text, ';', &spec))
		if (str_trim(spec).n > 0 || text.n > 0)
			r = take_tag(t, spec, ret_what_z);
	return r;
}

/* A list with colons: is one of the words in it? */
static bool has_word(const struct tags *t, enum tag tag, struct str word)
{
	struct str rest = t->value[tag], one;

	while (str_split(&rest, ':', &one))
		if (str_eq(str_trim(one), word))
			return true;
	return false;
}

/* RFC 6376 3.6.1: RSAPublicKey; everybody publishes SubjectPublicKeyInfo. */
static int rsa_bits(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p, *q = p;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)der.n);
	int bits = 0;

	if (!pkey) {
		p = q;
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)der.n);
	}
	if (pkey && EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA && p == q + der.n)
		bits = EVP_PKEY_get_bits(pkey);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return bits;
}

/* base64string, with FWS anywhere, and often without its padding. */
static bool decode(struct str value, struct buf *out)
{
	AUTO(buf_fini) struct buf packed = BUF_INIT(DKIM_RECORD_MAX + 4);

	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != ' ' && value.p[i] != '\t' && value.p[i] != '\r' &&
		    value.p[i] != '\n')
			buf_add_char(&packed, value.p[i]);
	while (packed.n % 4 != 0 && !buf_overflowed(&packed))
		buf_add_char(&packed, '=');
	return text_b64_decode(out, buf_str(&packed));
}

static int take_key(struct arena *a, struct str value, struct dkim_record *r,
		    const char **ret_what_z)
{
	AUTO(buf_fini) struct buf key = BUF_INIT(DKIM_RECORD_MAX);

	r->is_revoked = value.n == 0;
	if (r->is_revoked)
		return 0;
	if (!decode(value, &key))
		return wrong(ret_what_z, "p= is no base64");
	r->key = arena_str(a, buf_str(&key));
	if (!r->key.p)
		return -E_LIMIT;
	if (r->kind == DKIM_KEY_RSA)
		r->bits = rsa_bits(r->key);
	else if (r->kind == DKIM_KEY_ED25519)
		r->bits = r->key.n == ED25519_BYTES ? 8 * ED25519_BYTES : 0; /* RFC 8463 4.2 */
	return r->kind != DKIM_KEY_OTHER && r->bits == 0 ? wrong(ret_what_z, "p= is no such key")
							 : 0;
}

bool dkim_record_is(struct str text)
{
	struct str spec;

	if (text.n > DKIM_RECORD_MAX)
		return false;
	while (str_split(&text, ';', &spec)) {
		ptrdiff_t equals = str_chr(spec, '=');
		struct str name = str_trim(str_head(spec, equals < 0 ? 0 : (size_t)equals));

		if (str_eq(name, S("v")))
			return str_starts(str_trim(str_skip(spec, (size_t)equals + 1)), S("DKIM"));
		if (str_eq(name, S("p")) || str_eq(name, S("k")))
			return true;
	}
	return false;
}

int dkim_record_parse(struct str text, struct arena *a, struct dkim_record *ret,
		      const char **ret_what_z)
{
	struct tags t = { .n = 0 };
	struct dkim_record r = { .kind = DKIM_KEY_OTHER };
	int rc;

	*ret_what_z = "it is too long";
	if (text.n > DKIM_RECORD_MAX)
		return -E_LIMIT;
	rc = take_tags(&t, text, ret_what_z);
	if (rc < 0)
		return rc;
	if (t.has[TAG_V] && !str_eq(t.value[TAG_V], S("DKIM1")))
		return wrong(ret_what_z, "it is of another version");
	if (!t.has[TAG_P])
		return wrong(ret_what_z, "there is no p=");
	r.has_version = t.has[TAG_V];
	r.k = t.value[TAG_K];
	if (r.k.n == 0 || str_eq(r.k, S("rsa")))
		r.kind = DKIM_KEY_RSA;
	else if (str_eq(r.k, S("ed25519")))
		r.kind = DKIM_KEY_ED25519;
	r.is_test = has_word(&t, TAG_T, S("y"));
	r.is_exact = has_word(&t, TAG_T, S("s"));
	r.is_for_mail =
		!t.has[TAG_S] || has_word(&t, TAG_S, S("*")) || has_word(&t, TAG_S, S("email"));
	r.has_sha256 = !t.has[TAG_H] || has_word(&t, TAG_H, S("sha256"));
	rc = take_key(a, t.value[TAG_P], &r, ret_what_z);
	if (rc == 0)
		*ret = r;
	return rc;
}
