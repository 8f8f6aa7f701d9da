/* SPDX-License-Identifier: MIT */
/*
 * One SASL exchange (RFC 4422): GNU SASL speaks the mechanism, this file feeds it and answers
 * what it asks for.
 *
 * GNU SASL asks by a callback; answers are properties of its session. What each mechanism asks:
 *   PLAIN, LOGIN   VALIDATE_SIMPLE: check name and password
 *   EXTERNAL       VALIDATE_EXTERNAL: does the client certificate belong to an account?
 *   SCRAM-*        SCRAM_ITER first (the name is known by then): the account's keys are set all
 *                  at once, or invented ones
 *   SCRAM-*        CB_TLS_EXPORTER, CB_TLS_UNIQUE: the channel binding bytes
 *
 * 1. An identity is only handed out after GSASL_OK, and only while the account is still enabled.
 * 2. Nobody may act as somebody else: an authorization identity is empty or the account's own
 *    name (RFC 4422 3.4.1).
 * 3. What a check says is kept in x->verdict: trouble of the store is not answered as a wrong
 *    password, and what GNU SASL makes of a refusal does not matter (asked for the keys of SCRAM
 *    it would go on with some of its own).
 *
 * Access tokens are not GNU SASL's: their messages go to oauth.c (x->oauth), which may have to ask
 * somebody; the session then waits and resumes.
 * 4. An exchange ends after EXCHANGE_STEPS messages, whatever the mechanism says.
 */
#include "sasl/oauth.h"

#include <gsasl.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"

#define EXCHANGE_STEPS 8
#define EXCHANGE_ARENA (64u << 10)

struct sasl_exchange {
	struct sasl *sasl;
	struct conn *conn;
	const struct sasl_mech *mech;
	Gsasl_session *session;      /* NULL with oauth */
	struct sasl_oauth *oauth;    /* access tokens; else NULL */
	int64_t start_ms;            /* of the message that is answered */
	struct sasl_identity id;     /* account 0: nobody yet */
	struct sasl_attempt attempt; /* of SCRAM, with has_attempt */
	struct sasl_refusal why;
	int verdict; /* negative: what a check said */
	int steps;
	bool has_prompted;
	bool has_attempt;
	bool is_counted; /* the throttle has been told how it ended */
	bool is_waiting; /* for an answer about a token */
	bool is_over;
};

static bool is_own_name(const struct sasl_identity *id, const char *authid_z, const char *authzid_z)
{
	struct str authzid = str_z(authzid_z);

	return authzid.n == 0 || str_ieq(authzid, str_z(id->name)) ||
	       str_ieq(authzid, str_z(authid_z));
}

/* What GNU SASL is told about a check; see 3 above. */
static int settle(struct sasl_exchange *x, int rc)
{
	if (rc < 0)
		x->verdict = rc;
	return rc == 0 ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
}

static int validate_simple(struct sasl_exchange *x)
{
	AUTO(arena_fini) struct arena a = { .cap = EXCHANGE_ARENA };
	const char *authid_z = gsasl_property_fast(x->session, GSASL_AUTHID);
	struct str name = S(""), password = S("");
	struct sasl_identity id = { 0 };
	int rc;

	/* Preparing what is prepared already changes nothing; LOGIN hands over raw text. */
	if (sasl_prep(&a, str_z(authid_z), &name) < 0 ||
	    sasl_prep(&a, str_z(gsasl_property_fast(x->session, GSASL_PASSWORD)), &password) < 0)
		name = S("");
	rc = sasl_password_check(x->sasl,
				 &(struct sasl_login){ .conn = x->conn,
						       .peer = conn_peer(x->conn),
						       .user = name,
						       .password = password,
						       .mechanism = str_z(x->mech->name) },
				 &id, &x->why);
	x->is_counted = true;
	if (password.n > 0)
		mem_wipe((char *)(uintptr_t)password.p, password.n);
	gsasl_property_free(x->session, GSASL_PASSWORD);
	if (rc == 0 &&
	    !is_own_name(&id, authid_z, gsasl_property_fast(x->session, GSASL_AUTHZID))) {
		x->why.reason = "authorization-id";
		rc = -E_AUTH_FAILED;
	}
	if (rc == 0)
		x->id = id;
	return settle(x, rc);
}

int sasl_external_check(struct sasl *s, const struct conn_tls_info *info, struct str authzid,
			struct sasl_identity *ret)
{
	AUTO(arena_fini) struct arena a = { .cap = EXCHANGE_ARENA };
	struct store_account account;
	int rc = -E_AUTH_FAILED;

	if (!info->has_client_cert)
		return -E_AUTH_FAILED;
	for (size_t i = 0; i < info->n_client_cert_emails && i < 16 && rc == -E_AUTH_FAILED; i++) {
		struct str email = str_z(info->client_cert_emails[i]);

		if (authzid.n == 0 || str_ieq(authzid, email))
			rc = sasl_account_find(s, &a, email, &account);
	}
	if (rc == 0)
		sasl_identity_set(ret, &account, S("EXTERNAL"));
	return rc;
}

static int validate_external(struct sasl_exchange *x)
{
	struct conn_tls_info info;

	if (!conn_tls_info(x->conn, &info))
		return GSASL_AUTHENTICATION_ERROR;
	return settle(x, sasl_external_check(x->sasl, &info,
					     str_z(gsasl_property_fast(x->session, GSASL_AUTHZID)),
					     &x->id));
}

/* The throttle is asked when the name is known, and again before the proof is looked at. */
static int begin_attempt(struct sasl_exchange *x, struct str name)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	const struct sasl_conf *set = sasl_conf_get(x->sasl, &hold);

	sasl_attempt_make(x->sasl->throttle, set, conn_peer(x->conn), name, &x->attempt);
	x->has_attempt = true;
	return sasl_throttle_allow(x->sasl->throttle, set, &x->attempt, clock_mono_ms(), &x->why)
		       ? 0
		       : -E_THROTTLED;
}

/*
 * The keys of the name that the client gave. An account that does not exist, is disabled or has
 * no keys gets invented ones, by the same reads of the store.
 */
static int find_keys(struct sasl_exchange *x, struct arena *a, struct str name,
		     struct sasl_scram *ret)
{
	const struct sasl_scram_kind *kind = sasl_scram_kind_find(str_z(x->mech->credential_kind));
	struct store_account account = { 0 };
	struct sasl_scram scratch;
	struct str value = S("");
	int found = sasl_account_find(x->sasl, a, name, &account), rc;
	bool is_parsed;

	must(kind != NULL);
	if (found < 0 && found != -E_AUTH_FAILED)
		return found;
	rc = store_credential_get(x->sasl->store, a, found == 0 ? account.id : 0, str_z(kind->kind),
				  &value);
	if (rc < 0 && rc != -E_NOT_FOUND)
		return rc;
	x->why.reason = account.id == 0 ? "unknown-user" : found < 0 ? "disabled" : "no-scram-keys";
	sasl_scram_fake(kind, x->sasl->fake_key, name, ret);
	/* A value that is not there is read as well: finding one must not take longer. */
	is_parsed = sasl_scram_parse(kind, rc == 0 ? value : str_z(kind->sample_z), &scratch);
	if (found == 0 && rc == 0 && is_parsed) {
		*ret = scratch;
		x->why.reason = "wrong-proof";
		sasl_identity_set(&x->id, &account, str_z(x->mech->name));
	}
	return begin_attempt(x, account.id != 0 ? account.name : name);
}

static int give_keys(struct sasl_exchange *x)
{
	AUTO(arena_fini) struct arena a = { .cap = EXCHANGE_ARENA };
	const char *name_z = gsasl_property_fast(x->session, GSASL_AUTHID);
	const char *authzid_z = gsasl_property_fast(x->session, GSASL_AUTHZID);
	struct str name = S("");
	struct sasl_scram keys;
	int rc;

	if (name_z == NULL)
		return GSASL_NO_CALLBACK;
	/* Before the look-up, so that the refusal is the same for names that do not exist. */
	if (authzid_z != NULL && authzid_z[0] != '\0' &&
	    !str_ieq(str_z(authzid_z), str_z(name_z))) {
		x->why.reason = "authorization-id";
		return settle(x, -E_AUTH_FAILED);
	}
	if (sasl_prep(&a, str_z(name_z), &name) < 0)
		name = S("");
	rc = find_keys(x, &a, name, &keys);
	if (rc < 0)
		return settle(x, rc);
	if (gsasl_property_set(x->session, GSASL_SCRAM_ITER, keys.iterations) != GSASL_OK ||
	    gsasl_property_set(x->session, GSASL_SCRAM_SALT, keys.salt) != GSASL_OK ||
	    gsasl_property_set(x->session, GSASL_SCRAM_STOREDKEY, keys.stored_key) != GSASL_OK ||
	    gsasl_property_set(x->session, GSASL_SCRAM_SERVERKEY, keys.server_key) != GSASL_OK)
		return GSASL_MALLOC_ERROR;
	return GSASL_OK;
}

/*
 * RFC 5802 6: a client that could bind but was told nothing of -PLUS says "y"; GNU SASL then
 * refuses when there are binding bytes. So they are shown exactly where a -PLUS mechanism is
 * offered.
 */
static int give_binding(struct sasl_exchange *x, enum conn_binding which, Gsasl_property property)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	AUTO(buf_fini) struct buf raw = BUF_INIT(1024);
	AUTO(buf_fini) struct buf b64 = BUF_INIT(2048);

	if (!sasl_mech_has_plus(sasl_conf_get(x->sasl, &hold), x->conn, x->mech) ||
	    !conn_tls_binding(x->conn, which, &raw))
		return GSASL_NO_CALLBACK;
	text_b64_encode(&b64, buf_str(&raw));
	return gsasl_property_set(x->session, property, buf_z(&b64));
}

int sasl_exchange_callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	struct sasl_exchange *x = gsasl_session_hook_get(session);

	(void)gsasl;
	must(x != NULL && x->session == session);
	switch ((int)property) {
	case GSASL_VALIDATE_SIMPLE:
		return validate_simple(x);
	case GSASL_VALIDATE_EXTERNAL:
		return validate_external(x);
	case GSASL_SCRAM_ITER:
		return give_keys(x);
	case GSASL_CB_TLS_EXPORTER:
		return give_binding(x, CONN_BIND_TLS_EXPORTER, property);
	case GSASL_CB_TLS_UNIQUE:
		return give_binding(x, CONN_BIND_TLS_UNIQUE, property);
	default:
		return GSASL_NO_CALLBACK;
	}
}

int sasl_exchange_new(struct sasl *s, struct conn *c, const char *service_z, struct str mechanism,
		      struct sasl_exchange **ret)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	const struct sasl_conf *set = sasl_conf_get(s, &hold);
	const struct sasl_mech *m = sasl_mech_find(mechanism);
	struct sasl_exchange *x;

	if (!sasl_is_permitted(s, c))
		return -E_TLS;
	if (m == NULL || !sasl_mech_is_usable(set, c, m))
		return -E_CANNOT;
	x = MEM_NEW(struct sasl_exchange);
	*x = (struct sasl_exchange){ .sasl = s, .conn = c, .mech = m, .why = SASL_REFUSAL_INIT };
	*ret = x;
	if (m->flags & SASL_MECH_BEARER) {
		x->oauth = sasl_oauth_new(s, c, str_eq(str_z(m->name), S("XOAUTH2")));
		x->is_counted = true;
		return 0;
	}
	if (gsasl_server_start(s->gsasl, m->name, &x->session) != GSASL_OK) {
		*ret = NULL;
		mem_free(x);
		return -E_IO;
	}
	gsasl_session_hook_set(x->session, x);
	gsasl_property_set(x->session, GSASL_SERVICE, service_z);
	return 0;
}

void sasl_exchange_free(struct sasl_exchange *x)
{
	if (x == NULL)
		return;
	if (x->session != NULL)
		gsasl_finish(x->session);
	sasl_oauth_free(x->oauth);
	mem_free(x);
}

const char *sasl_exchange_mechanism_z(const struct sasl_exchange *x)
{
	return x->mech->name;
}

struct str sasl_exchange_user(const struct sasl_exchange *x)
{
	return x->oauth != NULL ? sasl_oauth_user(x->oauth)
				: str_z(gsasl_property_fast(x->session, GSASL_AUTHID));
}

const struct sasl_refusal *sasl_exchange_refusal(const struct sasl_exchange *x)
{
	return &x->why;
}

static void gsasl_text_free(char **z)
{
	gsasl_free(*z);
}

static void buf_wipe(struct buf *b)
{
	if (b->n > 0)
		mem_wipe(b->p, b->n);
	buf_fini(b);
}

/*
 * LOGIN asks "User Name" and "Password" in GNU SASL; clients that look at the text know these two
 * (as Cyrus SASL has them).
 */
static struct str prompt(const struct sasl_exchange *x, struct str text)
{
	if (!(x->mech->flags & SASL_MECH_PROMPTS))
		return text;
	return str_istarts(text, S("User")) ? S("Username:") : S("Password:");
}

/* 1: out is a challenge; 0: done; -E_AUTH_FAILED or trouble. */
static int feed(struct sasl_exchange *x, struct str message, struct buf *out)
{
	AUTO(gsasl_text_free) char *answer_z = NULL;
	size_t n = 0;
	int r = gsasl_step(x->session, message.p, message.n, &answer_z, &n);

	if (x->verdict < 0)
		return x->verdict;
	if (r != GSASL_OK && r != GSASL_NEEDS_MORE)
		return -E_AUTH_FAILED;
	text_b64_encode(out, r == GSASL_OK ? str_of(answer_z, n) : prompt(x, str_of(answer_z, n)));
	return r == GSASL_NEEDS_MORE;
}

/*
 * A mechanism whose server speaks first: what the client sent along answers the first prompt,
 * which is then not sent.
 */
static int feed_past_prompt(struct sasl_exchange *x, struct str message, struct buf *out)
{
	bool is_early =
		(x->mech->flags & SASL_MECH_PROMPTS) && !x->has_prompted && message.p != NULL;

	x->has_prompted = true;
	if (is_early) {
		int rc = feed(x, (struct str){ 0 }, out);

		if (rc != 1)
			return rc;
		buf_reset(out);
	}
	return feed(x, message, out);
}

/* The account may have been disabled or removed since the exchange began. */
static int confirm(struct sasl_exchange *x)
{
	AUTO(arena_fini) struct arena a = { .cap = EXCHANGE_ARENA };
	struct store_account account;
	int rc;

	if (x->id.account == 0)
		return -E_AUTH_FAILED;
	rc = store_account_get(x->sasl->store, &a, x->id.account, &account);
	if (rc == -E_NOT_FOUND || (rc == 0 && !account.is_enabled)) {
		x->why.reason = "disabled";
		return -E_AUTH_FAILED;
	}
	return rc;
}

/* What oauth.c said: challenges leave in base64, and one that refuses is held like a refusal. */
static int settle_oauth(struct sasl_exchange *x, int rc, const struct buf *raw, bool is_refused,
			struct buf *out)
{
	if (rc == 1)
		text_b64_encode(out, buf_str(raw));
	if (is_refused)
		sasl_hold(x->sasl, x->conn, -E_AUTH_FAILED, x->start_ms);
	return rc == 0 ? confirm(x) : rc;
}

static int step_oauth(struct sasl_exchange *x, struct str message, struct buf *out)
{
	AUTO(buf_fini) struct buf raw = BUF_INIT(8192);
	bool is_refused;
	int rc = sasl_oauth_step(x->oauth, message, &raw, &x->id, &x->why, &is_refused);

	return settle_oauth(x, rc, &raw, is_refused, out);
}

static int step(struct sasl_exchange *x, struct str message, struct buf *out)
{
	int rc;

	if (++x->steps > EXCHANGE_STEPS)
		return -E_AUTH_FAILED;
	if (x->oauth != NULL)
		return step_oauth(x, message, out);
	if (x->has_attempt) {
		AUTO(sasl_conf_put) struct conf *hold = NULL;

		if (!sasl_throttle_allow(x->sasl->throttle, sasl_conf_get(x->sasl, &hold),
					 &x->attempt, clock_mono_ms(), &x->why))
			return -E_THROTTLED;
	}
	rc = feed_past_prompt(x, message, out);
	return rc == 0 ? confirm(x) : rc;
}

/* The throttle hears how it ended, unless sasl_password_check() has told it. */
static void tell_throttle(struct sasl_exchange *x, int rc)
{
	AUTO(sasl_conf_put) struct conf *hold = NULL;
	const struct sasl_conf *set = sasl_conf_get(x->sasl, &hold);

	if (x->is_counted || (rc < 0 && (x->mech->flags & SASL_MECH_CERT)))
		return;
	if (!x->has_attempt)
		sasl_attempt_make(x->sasl->throttle, set, conn_peer(x->conn), str_z(x->id.name),
				  &x->attempt);
	if (rc == 0)
		sasl_throttle_succeeded(x->sasl->throttle, set, &x->attempt, clock_mono_ms());
	else if (rc == -E_AUTH_FAILED)
		sasl_throttle_failed(x->sasl->throttle, set, &x->attempt, clock_mono_ms(), &x->why);
}

/* After the message that began at x->start_ms. */
static int finish(struct sasl_exchange *x, int rc, struct buf *out, struct sasl_identity *ret)
{
	x->is_waiting = rc == SASL_WAITS;
	if (rc > 0)
		return rc;
	x->is_over = true;
	if (rc == -E_AUTH_FAILED && x->why.reason[0] == '\0')
		x->why.reason = x->mech->flags & SASL_MECH_CERT ? "certificate" : "malformed";
	tell_throttle(x, rc);
	/* A refused token was held when its challenge left. */
	if (x->oauth == NULL || rc == -E_THROTTLED)
		sasl_hold(x->sasl, x->conn, rc, x->start_ms);
	if (rc == 0)
		*ret = x->id;
	else
		buf_reset(out);
	return rc;
}

int sasl_exchange_step(struct sasl_exchange *x, struct str client_b64, struct buf *out,
		       struct sasl_identity *ret)
{
	AUTO(buf_wipe) struct buf raw = BUF_INIT(SASL_MESSAGE_MAX);
	struct str message = { 0 };

	buf_reset(out);
	if (x->is_over || x->is_waiting)
		return -E_AUTH_FAILED;
	x->start_ms = clock_mono_ms();
	if (str_eq(client_b64, S("*")) ||
	    (client_b64.p != NULL && !str_eq(client_b64, S("=")) &&
	     !text_b64_decode(&raw, client_b64)) ||
	    buf_overflowed(&raw)) {
		x->is_over = true;
		return -E_SYNTAX;
	}
	if (client_b64.p != NULL)
		message = (struct str){ buf_z(&raw), raw.n };
	return finish(x, step(x, message, out), out, ret);
}

int sasl_exchange_resume(struct sasl_exchange *x, struct buf *out, struct sasl_identity *ret)
{
	AUTO(buf_fini) struct buf raw = BUF_INIT(8192);
	bool is_refused;
	int rc;

	must(x->oauth != NULL && x->is_waiting);
	buf_reset(out);
	rc = sasl_oauth_resume(x->oauth, &raw, &x->id, &x->why, &is_refused);
	return finish(x, settle_oauth(x, rc, &raw, is_refused, out), out, ret);
}

bool sasl_exchange_is_waiting(const struct sasl_exchange *x)
{
	return x != NULL && x->is_waiting;
}
