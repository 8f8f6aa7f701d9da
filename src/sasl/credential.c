/* SPDX-License-Identifier: MIT */
/*
 * What is stored of a password: made from the password (yescrypt hash and SCRAM keys) or imported
 * from another system as a hash.
 *
 * RFC 4013 2.5: a stored password may not hold code points that Unicode 3.2 did not know (emoji,
 * for one), so they are refused when it is set. They could not log in by PLAIN: GNU SASL 2.2
 * takes its flag for unassigned code points the wrong way round.
 */
#include "sasl/sasl_int.h"

#include <gsasl.h>

static void prep_free(char **z)
{
	if (*z == NULL)
		return;
	mem_wipe(*z, strlen(*z));
	gsasl_free(*z);
}

int sasl_prep(struct arena *a, struct str s, struct str *ret)
{
	AUTO(prep_free) char *out_z = NULL;
	AUTO(prep_free) char *other_z = NULL;
	char *in_z;

	if (s.n == 0 || s.n > 1024 || memchr(s.p, 0, s.n) != NULL || !str_is_utf8(s))
		return -E_SYNTAX;
	in_z = arena_z(a, s);
	if (in_z == NULL)
		return -E_LIMIT;
	/* Both ways: whichever of them a version of GNU SASL means to be the strict one decides. */
	if (gsasl_saslprep(in_z, GSASL_ALLOW_UNASSIGNED, &out_z, NULL) != GSASL_OK ||
	    gsasl_saslprep(in_z, 0, &other_z, NULL) != GSASL_OK || out_z[0] == '\0')
		return -E_SYNTAX;
	*ret = (struct str){ arena_z(a, str_z(out_z)), strlen(out_z) };
	return ret->p != NULL ? 0 : -E_LIMIT;
}

int sasl_scram_credentials(struct arena *a, struct str password, struct store_credential creds[2])
{
	static const struct str kinds[2] = { STR_INIT("scram-sha-1"), STR_INIT("scram-sha-256") };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		int rc = sasl_scram_make(a, sasl_scram_kind_find(kinds[i]), password,
					 &creds[i].value);

		if (rc < 0)
			return rc;
		creds[i].kind = kinds[i];
	}
	return 0;
}

int sasl_credentials_make(struct arena *a, struct str password, struct store_credential creds[3],
			  struct fault *fault)
{
	struct str prepared;
	int rc = sasl_prep(a, password, &prepared);

	if (rc == -E_SYNTAX)
		return fault_set(
			fault, rc,
			"the password must be UTF-8 text, not empty, without control characters "
			"and without emoji and other new characters (RFC 4013)");
	if (rc < 0)
		return fault_set(fault, rc, "no memory is left for the password");
	rc = sasl_hash_make(a, prepared.p, &creds[0].value);
	if (rc == -E_SYNTAX)
		return fault_set(fault, rc,
				 "the password is too long, take one of at most 511 bytes");
	if (rc < 0)
		return fault_set(fault, rc, "the password could not be hashed");
	creds[0].kind = S("crypt");
	rc = sasl_scram_credentials(a, prepared, &creds[1]);
	if (rc < 0)
		return fault_set(fault, rc, "the SCRAM keys of the password could not be made");
	return 0;
}

/* Schemes as Dovecot writes them. is_bare: no scheme, the text begins with '$'. */
static const struct str schemes[] = {
	STR_INIT("{CRYPT}"),     STR_INIT("{SHA512-CRYPT}"), STR_INIT("{SHA256-CRYPT}"),
	STR_INIT("{BLF-CRYPT}"), STR_INIT("{MD5-CRYPT}"),    STR_INIT("{ARGON2ID}"),
	STR_INIT("{ARGON2I}"),
};

static struct str without_scheme(struct str hash)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_istarts(hash, schemes[i]))
			return str_skip(hash, schemes[i].n);
	return hash.n > 0 && hash.p[0] == '$' ? hash : S("");
}

int sasl_credential_import(struct arena *a, struct str hash, struct store_credential *ret,
			   struct fault *fault)
{
	struct str body = without_scheme(str_trim(hash));
	char *body_z;

	if (body.n == 0)
		return fault_set(
			fault, -E_SYNTAX,
			"the hash's scheme is not known; take {CRYPT}, {SHA512-CRYPT}, {SHA256-CRYPT}, "
			"{BLF-CRYPT}, {MD5-CRYPT}, {ARGON2ID}, or a crypt(3) text that begins with $");
	if (body.n > 383 || memchr(body.p, 0, body.n) != NULL)
		return fault_set(fault, -E_SYNTAX, "the hash is too long");
	body_z = arena_z(a, body);
	if (body_z == NULL)
		return fault_set(fault, -E_LIMIT, "no memory is left for the hash");
	if (!sasl_hash_is_known(body_z))
		return fault_set(fault, -E_SYNTAX,
				 "the hash is damaged, or of a kind that this machine's crypt(3) "
				 "does not know");
	*ret = (struct store_credential){ .kind = S("crypt"), .value = { body_z, body.n } };
	return 0;
}
