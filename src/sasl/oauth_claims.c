/* SPDX-License-Identifier: MIT */
/*
 * What is said about a token, against what the settings want. Pure.
 *
 * 1. What the settings name must be there and fit: a claim that is missing is no reason to let
 *    somebody in (RFC 8725 3.8, 3.9).
 * 2. A token that is bound to a key of its client ("cnf": RFC 8705 3.1, RFC 9449 6) is no bearer token.
 * 3. An e-mail address that the provider has not verified is nobody's.
 */
#include "sasl/oauth.h"

static const char *const claim_names[] = {
	[SASL_CLAIM_EMAIL] = "email",
	[SASL_CLAIM_USERNAME] = "username",
	[SASL_CLAIM_PREFERRED_USERNAME] = "preferred_username",
	[SASL_CLAIM_SUB] = "sub",
};

static struct str text_of(const json_t *v)
{
	return json_is_string(v) ? str_of(json_string_value(v), json_string_length(v)) : S("");
}

/* RFC 7519 2: NumericDate, which may have a fraction. False: it is there and is none. */
static bool date_of(const json_t *claims, const char *name_z, int64_t missing, int64_t *ret_s)
{
	const json_t *v = json_object_get(claims, name_z);
	double d = json_number_value(v);

	*ret_s = missing;
	if (v == NULL)
		return true;
	if (!json_is_number(v) || !(d >= 0 && d < 1e15))
		return false;
	*ret_s = (int64_t)d;
	return true;
}

static const char *check_time(const struct sasl_conf *set, const json_t *claims, bool is_jwt,
			      int64_t now_s, int64_t *ret_exp_s)
{
	int64_t leeway_s = set->oauth_leeway_ms / 1000, exp_s, nbf_s, iat_s;

	if (!date_of(claims, "exp", INT64_MAX, &exp_s) || !date_of(claims, "nbf", 0, &nbf_s) ||
	    !date_of(claims, "iat", 0, &iat_s))
		return "malformed-date";
	if (is_jwt && exp_s == INT64_MAX) /* RFC 9068 2.2 */
		return "no-expiry";
	if (exp_s <= now_s - leeway_s)
		return "expired";
	if (nbf_s > now_s + leeway_s || iat_s > now_s + leeway_s)
		return "not-yet-valid";
	*ret_exp_s = exp_s;
	return NULL;
}

static bool is_listed(const struct conf_list *list, struct str word)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(str_z(list->v[i]), word))
			return true;
	return false;
}

/* RFC 7519 4.1.3: one, or an array. */
static bool has_audience(const struct sasl_conf *set, const json_t *aud)
{
	if (json_is_string(aud))
		return is_listed(&set->oauth_audience, text_of(aud));
	for (size_t i = 0; i < json_array_size(aud); i++)
		if (is_listed(&set->oauth_audience, text_of(json_array_get(aud, i))))
			return true;
	return false;
}

/* RFC 6749 3.3: words with spaces between them; some write an array. */
static bool names_scope(const json_t *v, struct str wanted)
{
	struct str rest = text_of(v), word;

	while (str_split(&rest, ' ', &word))
		if (str_eq(word, wanted))
			return true;
	for (size_t i = 0; i < json_array_size(v); i++)
		if (str_eq(text_of(json_array_get(v, i)), wanted))
			return true;
	return false;
}

static bool has_scopes(const struct sasl_conf *set, const json_t *claims)
{
	for (size_t i = 0; i < set->oauth_scope.n; i++) {
		struct str wanted = str_z(set->oauth_scope.v[i]);

		if (!names_scope(json_object_get(claims, "scope"), wanted) &&
		    !names_scope(json_object_get(claims, "scp"), wanted))
			return false;
	}
	return true;
}

static const char *check_name(const struct sasl_conf *set, const json_t *claims,
			      struct sasl_claims *ret)
{
	struct str name = text_of(json_object_get(claims, claim_names[set->oauth_claim]));
	const json_t *verified = json_object_get(claims, "email_verified");
	bool needs_domain = str_chr(name, '@') < 0 && set->oauth_domain[0] != '\0';
	int n;

	if (name.n == 0)
		return "no-account-claim";
	if (set->oauth_claim == SASL_CLAIM_EMAIL && verified != NULL && !json_is_true(verified) &&
	    !str_eq(text_of(verified), S("true")))
		return "email-not-verified";
	n = snprintf(ret->name, sizeof(ret->name), "%" STR_FMT "%s%s", STR_ARG(name),
		     needs_domain ? "@" : "", needs_domain ? set->oauth_domain : "");
	return n < 0 || (size_t)n >= sizeof(ret->name) ? "long-account-claim" : NULL;
}

const char *sasl_claims_check(const struct sasl_conf *set, const json_t *claims, bool is_jwt,
			      int64_t now_s, struct sasl_claims *ret)
{
	struct str type = text_of(json_object_get(claims, "token_type"));
	const char *reason;

	if (!json_is_object(claims))
		return "malformed-answer";
	if (!is_jwt && !json_is_true(json_object_get(claims, "active")))
		return "inactive";
	if (json_object_get(claims, "cnf") != NULL || (!is_jwt && str_ieq(type, S("DPoP"))))
		return "bound-to-a-key";
	reason = check_time(set, claims, is_jwt, now_s, &ret->exp_s);
	if (reason != NULL)
		return reason;
	if (set->oauth_issuer[0] &&
	    !str_eq(text_of(json_object_get(claims, "iss")), str_z(set->oauth_issuer)))
		return "wrong-issuer";
	if (set->oauth_audience.n > 0 && !has_audience(set, json_object_get(claims, "aud")))
		return "wrong-audience";
	if (!has_scopes(set, claims))
		return "insufficient-scope";
	return check_name(set, claims, ret);
}
