/* SPDX-License-Identifier: MIT */
/* The rows of [tlsrpt]. */
#include "queue/tlsrpt.h"

#define AT(member) offsetof(struct queue_tlsrpt_conf, member)
static const struct conf_row rows[] = {
	{ .key = "address",
	  .type = CONF_STR,
	  .offset = AT(address),
	  .default_z = "",
	  .reload = CONF_LIVE,
	  .help = "The address that reports about TLS come from and that answers for them, such as tls-reports@example.org; empty sends none." },
	{ .key = "organization",
	  .type = CONF_STR,
	  .offset = AT(organization),
	  .default_z = "",
	  .reload = CONF_LIVE,
	  .help = "Who reports, by name; empty takes the domain of the address." },
	{ .key = "dkim_domain",
	  .type = CONF_STR,
	  .offset = AT(dkim_domain),
	  .default_z = "",
	  .reload = CONF_LIVE,
	  .help = "The domain that signs reports by mail; empty takes that of the address." },
	{ .key = "dkim_selector",
	  .type = CONF_STR,
	  .offset = AT(dkim_selector),
	  .default_z = "",
	  .reload = CONF_LIVE,
	  .help = "The selector of the key: its record stands at SELECTOR._domainkey.DOMAIN." },
	{ .key = "dkim_key_file",
	  .type = CONF_STR,
	  .offset = AT(dkim_key_file),
	  .default_z = "",
	  .reload = CONF_LIVE,
	  .help = "PEM file with the private key (RSA or Ed25519) that signs reports by mail; empty sends them by HTTPS only." },
	{ .key = "https_port",
	  .type = CONF_INT,
	  .offset = AT(https_port),
	  .default_z = "443",
	  .min = 1,
	  .max = 65535,
	  .reload = CONF_RESTART,
	  .help = "The only port of other hosts that reports go to by HTTPS; another one than 443 is for tests." },
};
#undef AT

static bool is_word(const char *z)
{
	struct str s = str_z(z);

	for (size_t i = 0; i < s.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-._", str_lower_char(s.p[i])))
			return false;
	return s.n < 200;
}

/* What is taken of others is good enough for ourselves. */
static bool is_address(const char *z)
{
	AUTO(arena_fini) struct arena a;
	struct tlsrpt_uri u;
	struct str uri;

	arena_init(&a, 4096);
	uri = arena_printf(&a, "mailto:%s", z);
	return tlsrpt_uri_parse(uri, &a, &u) && str_eq(u.address, str_z(z));
}

/* It is said in a header field and in JSON. */
static bool is_text(const char *z)
{
	struct str s = str_z(z);

	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.n <= 200 && str_is_utf8(s);
}

static int check(const void *values, struct fault *fault)
{
	const struct queue_tlsrpt_conf *t = values;

	if (t->address[0] && !is_address(t->address))
		return fault_set(
			fault, -E_USAGE,
			"address = %.100s: write one plain address, such as tls-reports@example.org",
			t->address);
	if (!is_text(t->organization))
		return fault_set(fault, -E_USAGE,
				 "organization: write a name in UTF-8 of at most 200 bytes");
	if (!is_word(t->dkim_domain) || !is_word(t->dkim_selector))
		return fault_set(
			fault, -E_USAGE,
			"dkim_domain and dkim_selector are names of letters, digits, hyphens and dots");
	if (!t->dkim_selector[0] != !t->dkim_key_file[0])
		return fault_set(
			fault, -E_USAGE,
			"a signature needs both dkim_selector and dkim_key_file, or write neither");
	return 0;
}

const struct conf_table queue_tlsrpt_conf_table = {
	.section = "tlsrpt",
	.struct_size = sizeof(struct queue_tlsrpt_conf),
	.rows = rows,
	.n_rows = ARRAY_LEN(rows),
	.help = "Reports to other domains about the TLS of their hosts (RFC 8460).",
	.check = check,
};

const struct queue_tlsrpt_conf *queue_tlsrpt_conf_of(const struct conf *c)
{
	static const struct queue_tlsrpt_conf off = { .address = "",
						      .organization = "",
						      .dkim_domain = "",
						      .dkim_selector = "",
						      .dkim_key_file = "",
						      .https_port = 443 };

	return c ? conf_get(c, &queue_tlsrpt_conf_table) : &off;
}

struct str queue_tlsrpt_domain(const struct queue_tlsrpt_conf *t)
{
	struct str address = str_z(t->address);

	return str_skip(address, (size_t)(str_chr(address, '@') + 1));
}

struct str queue_tlsrpt_signer(const struct queue_tlsrpt_conf *t)
{
	return t->dkim_domain[0] ? str_z(t->dkim_domain) : queue_tlsrpt_domain(t);
}

struct str queue_tlsrpt_organization(const struct queue_tlsrpt_conf *t)
{
	return t->organization[0] ? str_z(t->organization) : queue_tlsrpt_domain(t);
}

/* RFC 8460 4.3 */
const char *queue_tlsrpt_outcome_z(enum queue_tlsrpt_outcome o)
{
	static const char *const names_z[QUEUE_TLSRPT_N_OUTCOMES] = {
		[QUEUE_TLSRPT_SUCCESS] = "",
		[QUEUE_TLSRPT_NO_STARTTLS] = "starttls-not-supported",
		[QUEUE_TLSRPT_HOST_MISMATCH] = "certificate-host-mismatch",
		[QUEUE_TLSRPT_EXPIRED] = "certificate-expired",
		[QUEUE_TLSRPT_NOT_TRUSTED] = "certificate-not-trusted",
		[QUEUE_TLSRPT_VALIDATION] = "validation-failure",
		[QUEUE_TLSRPT_TLSA_INVALID] = "tlsa-invalid",
		[QUEUE_TLSRPT_DNSSEC_INVALID] = "dnssec-invalid",
		[QUEUE_TLSRPT_DANE_REQUIRED] = "dane-required",
		[QUEUE_TLSRPT_STS_FETCH] = "sts-policy-fetch-error",
		[QUEUE_TLSRPT_STS_INVALID] = "sts-policy-invalid",
		[QUEUE_TLSRPT_STS_WEBPKI] = "sts-webpki-invalid",
	};

	return names_z[o];
}
