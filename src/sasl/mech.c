/* SPDX-License-Identifier: MIT */
/*
 * The mechanisms, one row each, and where they are offered. A new mechanism is a row here, and
 * what GNU SASL asks for it in exchange.c.
 *
 * 1. Nothing is offered on a connection where a login is not permitted: without TLS a mechanism
 *    could be forced down to PLAIN.
 * 2. A -PLUS mechanism is offered exactly where channel binding bytes exist; then a client that
 *    says "y" (it could bind, but believes that the server cannot) is refused as a sign of a
 *    downgrade (RFC 5802 6), see exchange.c.
 * 3. Access tokens are offered when they are set up, and over TLS alone, also from loopback (RFC 7628 3).
 */
#include "sasl/oauth.h"

static const struct sasl_mech mechs[] = {
	{ "SCRAM-SHA-256-PLUS", SASL_MECH_SCRAM | SASL_MECH_PLUS, "scram-sha-256", "RFC 7677 4" },
	{ "SCRAM-SHA-1-PLUS", SASL_MECH_SCRAM | SASL_MECH_PLUS, "scram-sha-1", "RFC 5802 6" },
	{ "SCRAM-SHA-256", SASL_MECH_SCRAM, "scram-sha-256", "RFC 7677 3" },
	{ "SCRAM-SHA-1", SASL_MECH_SCRAM, "scram-sha-1", "RFC 5802 4" },
	{ "PLAIN", 0, NULL, "RFC 4616 2" },
	{ "LOGIN", SASL_MECH_PROMPTS, NULL, "draft-murchison-sasl-login" },
	{ "EXTERNAL", SASL_MECH_CERT, NULL, "RFC 4422 A" },
	{ "OAUTHBEARER", SASL_MECH_BEARER, NULL, "RFC 7628 3" },
	{ "XOAUTH2", SASL_MECH_BEARER, NULL, "Google's and Microsoft's documents" },
};

const struct sasl_mech *sasl_mech_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(mechs); i++)
		if (str_ieq(str_z(mechs[i].name), name))
			return &mechs[i];
	return NULL;
}

static bool is_listed(const struct sasl_conf *set, const struct sasl_mech *m)
{
	for (size_t i = 0; i < set->mechanisms.n; i++)
		if (str_ieq(str_z(set->mechanisms.v[i]), str_z(m->name)))
			return true;
	return false;
}

static bool has_binding(const struct conn *c)
{
	AUTO(buf_fini) struct buf b = BUF_INIT(1024);

	return conn_tls_binding(c, CONN_BIND_TLS_EXPORTER, &b) ||
	       conn_tls_binding(c, CONN_BIND_TLS_UNIQUE, &b);
}

static bool has_client_cert(const struct conn *c)
{
	struct conn_tls_info info;

	return conn_tls_info(c, &info) && info.has_client_cert && info.n_client_cert_emails > 0;
}

static bool is_permitted(const struct sasl_conf *set, const struct conn *c)
{
	return conn_is_tls(c) || conn_is_unix(c) ||
	       (set->has_plaintext_on_loopback && conn_is_loopback(c));
}

bool sasl_mech_is_usable(const struct sasl_conf *set, const struct conn *c,
			 const struct sasl_mech *m)
{
	if (!is_permitted(set, c) || !is_listed(set, m))
		return false;
	if ((m->flags & SASL_MECH_PLUS) && !has_binding(c))
		return false;
	if ((m->flags & SASL_MECH_BEARER) && (!conn_is_tls(c) || !sasl_oauth_is_set(set)))
		return false;
	return !(m->flags & SASL_MECH_CERT) || has_client_cert(c);
}

bool sasl_mech_has_plus(const struct sasl_conf *set, const struct conn *c,
			const struct sasl_mech *m)
{
	for (size_t i = 0; i < ARRAY_LEN(mechs); i++)
		if ((mechs[i].flags & SASL_MECH_PLUS) && m->credential_kind != NULL &&
		    str_eq(str_z(mechs[i].credential_kind), str_z(m->credential_kind)) &&
		    sasl_mech_is_usable(set, c, &mechs[i]))
			return true;
	return false;
}

bool sasl_is_permitted(struct sasl *s, const struct conn *c)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;

	return is_permitted(sasl_conf_get(s, &hold), c);
}

void sasl_mechanisms(struct sasl *s, const struct conn *c, const char *prefix_z, const char *sep_z,
		     struct buf *out)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	const struct sasl_conf *set = sasl_conf_get(s, &hold);
	bool is_first = true;

	for (size_t i = 0; i < set->mechanisms.n; i++) {
		const struct sasl_mech *m = sasl_mech_find(str_z(set->mechanisms.v[i]));

		if (m == NULL || !sasl_mech_is_usable(set, c, m))
			continue;
		if (!is_first)
			buf_add(out, str_z(sep_z));
		buf_add(out, str_z(prefix_z));
		buf_add(out, str_z(m->name));
		is_first = false;
	}
}
