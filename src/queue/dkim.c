/* SPDX-License-Identifier: MIT */
/* The rows of [dkim "DOMAIN"], the keys of all domains, and what they sign. */
#include "queue/dkim.h"

#include <stdatomic.h>

#include "mailauth/dkim.h"
#include "queue/queue_int.h"

#define AT(member) offsetof(struct queue_dkim_conf, member)
static const struct conf_row rows[] = {
	{ .key = "rsa_selector", .type = CONF_STR, .offset = AT(rsa_selector), .default_z = "", .reload = CONF_LIVE,
	  .help = "The selector of the RSA key: its record stands at SELECTOR._domainkey.DOMAIN." },
	{ .key = "rsa_key_file", .type = CONF_STR, .offset = AT(rsa_key_file), .default_z = "", .reload = CONF_LIVE,
	  .help = "PEM file with an RSA key that signs mail of the domain; every receiver knows this kind." },
	{ .key = "ed25519_selector", .type = CONF_STR, .offset = AT(ed25519_selector), .default_z = "", .reload = CONF_LIVE,
	  .help = "The selector of the Ed25519 key." },
	{ .key = "ed25519_key_file", .type = CONF_STR, .offset = AT(ed25519_key_file), .default_z = "", .reload = CONF_LIVE,
	  .help = "PEM file with an Ed25519 key that signs as well; not every receiver knows this kind, so it does not replace the other." },
};
#undef AT

struct queue_dkim_pair queue_dkim_pair(const struct queue_dkim_conf *c, enum queue_dkim_kind kind)
{
	const struct queue_dkim_pair pairs[QUEUE_DKIM_N_KINDS] = {
		[QUEUE_DKIM_RSA] = { c->rsa_selector, c->rsa_key_file, "rsa_key_file" },
		[QUEUE_DKIM_ED25519] = { c->ed25519_selector, c->ed25519_key_file, "ed25519_key_file" },
	};

	return pairs[kind];
}

/* RFC 6376 3.1: labels, with dots between; both are said in the signature. */
static bool is_selector(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-._", str_lower_char(s.p[i])))
			return false;
	return s.n < 64;
}

static int check(const void *values, struct fault *fault)
{
	const struct queue_dkim_conf *c = values;
	bool has_any = false;

	for (unsigned k = 0; k < QUEUE_DKIM_N_KINDS; k++) {
		struct queue_dkim_pair p = queue_dkim_pair(c, (enum queue_dkim_kind)k);

		if (!is_selector(str_z(p.selector_z)))
			return fault_set(fault, -E_USAGE, "selector %.80s: write letters, digits, hyphens and dots", p.selector_z);
		if (!p.selector_z[0] != !p.file_z[0])
			return fault_set(fault, -E_USAGE, "a signature needs both a selector and %s, or write neither", p.setting_z);
		has_any |= p.file_z[0] != '\0';
	}
	if (!has_any)
		return fault_set(fault, -E_USAGE, "write rsa_selector and rsa_key_file, or leave the section out");
	return 0;
}

const struct conf_table queue_dkim_conf_table = {
	.section = "dkim", .is_named = true, .struct_size = sizeof(struct queue_dkim_conf), .rows = rows, .n_rows = ARRAY_LEN(rows),
	.help = "The keys that sign mail of the domain by that name, and of those below it, on its way out of submission.",
	.check = check,
};

/* ---- the keys ---- */

struct entry {
	char *domain_z, *selector_z;
	struct dkim_key *key;
};

struct queue_dkim {
	struct entry *v;
	size_t n;
	atomic_int refs;
};

struct queue_dkim *queue_dkim_new(void)
{
	struct queue_dkim *d = MEM_NEW(struct queue_dkim);

	d->refs = 1;
	return d;
}

int queue_dkim_add(struct queue_dkim *d, struct str domain, enum queue_dkim_kind kind, const char *selector_z, struct dkim_key *key,
		   struct fault *fault)
{
	if (dkim_key_is_ed25519(key) != (kind == QUEUE_DKIM_ED25519)) {
		dkim_key_unref(key);
		return fault_set(fault, -E_USAGE, kind == QUEUE_DKIM_RSA ? "it is a key of Ed25519, and RSA is wanted"
									 : "it is a key of RSA, and Ed25519 is wanted");
	}
	d->v = mem_resize(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = (struct entry){ mem_dup_z(domain), mem_dup_z(str_z(selector_z)), key };
	return 0;
}

void queue_dkim_unref(struct queue_dkim *d)
{
	if (!d || atomic_fetch_sub(&d->refs, 1) > 1)
		return;
	for (size_t i = 0; i < d->n; i++) {
		mem_free(d->v[i].domain_z);
		mem_free(d->v[i].selector_z);
		dkim_key_unref(d->v[i].key);
	}
	mem_free(d->v);
	mem_free(d);
}

void queue_dkim_configure(struct queue *q, struct queue_dkim *d)
{
	struct queue_dkim *old;

	lock_get(&q->lock);
	old = q->signers;
	q->signers = d;
	lock_put(&q->lock);
	queue_dkim_unref(old);
}

struct queue_dkim *queue_dkim_get(struct queue *q)
{
	struct queue_dkim *d;

	lock_get(&q->lock);
	d = q->signers;
	if (d)
		atomic_fetch_add(&d->refs, 1);
	lock_put(&q->lock);
	return d;
}

/* ---- which of them ---- */

static bool has_exactly(const struct queue_dkim *d, struct str domain)
{
	for (size_t i = 0; d && i < d->n; i++)
		if (str_ieq(str_z(d->v[i].domain_z), domain))
			return true;
	return false;
}

/* The domain, or the nearest above it that has keys; empty: none. */
static struct str signer_of(const struct queue_dkim *d, struct str domain)
{
	ptrdiff_t dot;

	while (domain.n > 0 && !has_exactly(d, domain)) {
		dot = str_chr(domain, '.');
		domain = str_skip(domain, dot < 0 ? domain.n : (size_t)dot + 1);
	}
	return domain;
}

bool queue_dkim_has(const struct queue_dkim *d, struct str domain)
{
	return signer_of(d, domain).n > 0;
}

int queue_dkim_sign(const struct queue_dkim *d, struct str domain, struct str message, int64_t now_s, struct buf *out)
{
	struct str signer = signer_of(d, domain);
	size_t before = out->n;
	int rc = 0;

	for (size_t i = 0; signer.n > 0 && i < d->n && rc == 0; i++) {
		const struct dkim_signer s = { d->v[i].key, str_z(d->v[i].domain_z), str_z(d->v[i].selector_z), now_s };

		if (str_ieq(s.domain, signer))
			rc = dkim_sign(&s, message, out);
	}
	if (rc < 0)
		buf_truncate(out, before);
	return rc;
}
