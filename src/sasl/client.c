/* SPDX-License-Identifier: MIT */
/*
 * The client's half of an exchange, spoken by GNU SASL: which mechanism, one message for one of theirs, and what we do not believe.
 *
 * 1. A server that offers SCRAM and refuses it gets the password readably, where it offers that (accounts without SCRAM's keys are common):
 *    the caller has decided that a password may go over this connection. One that gave a wrong proof gets nothing more.
 * 2. After our last message every further one of theirs ends the exchange.
 */
#include "sasl/client.h"

#include <gsasl.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define STEPS 8

struct mech {
	const char *name_z;
	bool is_scram;
	bool is_bound;     /* RFC 5802 6: needs channel binding */
	bool has_initial;  /* the client speaks first */
};

static const struct mech mechs[] = {
	{ "SCRAM-SHA-256-PLUS", true, true, true },   /* RFC 7677 3 */
	{ "SCRAM-SHA-256", true, false, true },
	{ "SCRAM-SHA-1-PLUS", true, true, true },
	{ "SCRAM-SHA-1", true, false, true },         /* RFC 5802 4 */
	{ "PLAIN", false, false, true },              /* RFC 4616 2 */
	{ "LOGIN", false, false, false },
};

struct sasl_client {
	Gsasl *ctx;
	Gsasl_session *session;
	size_t at;            /* of mechs: what is tried now */
	char *offered_z, *user_z, *password_z, *service_z, *host_z;
	struct buf binding;   /* in base64; empty: none */
	int rc;               /* of the last step */
	unsigned n_steps;
	bool is_false;        /* the server has shown that it is another */
};

static bool is_offered(struct str list, const char *name_z)
{
	struct str word;

	while (str_split(&list, ' ', &word))
		if (str_ieq(word, str_z(name_z)))
			return true;
	return false;
}

static bool is_under_way(int rc)
{
	return rc == GSASL_OK || rc == GSASL_NEEDS_MORE;
}

/* ---- which mechanism ---- */

static bool start(struct sasl_client *c)
{
	const struct mech *m = &mechs[c->at];

	if (gsasl_client_start(c->ctx, m->name_z, &c->session) != GSASL_OK) {
		c->session = NULL;
		return false;
	}
	gsasl_property_set(c->session, GSASL_AUTHID, c->user_z);
	gsasl_property_set(c->session, GSASL_PASSWORD, c->password_z);
	gsasl_property_set(c->session, GSASL_SERVICE, c->service_z);
	gsasl_property_set(c->session, GSASL_HOSTNAME, c->host_z);
	if (m->is_bound)
		gsasl_property_set(c->session, GSASL_CB_TLS_EXPORTER, buf_z(&c->binding));
	c->rc = GSASL_NEEDS_MORE;
	c->n_steps = 0;
	return true;
}

/* The first from c->at on that can be used. */
static bool start_next(struct sasl_client *c, bool with_scram)
{
	for (; c->at < ARRAY_LEN(mechs); c->at++) {
		const struct mech *m = &mechs[c->at];

		if (is_offered(str_z(c->offered_z), m->name_z) && (with_scram || !m->is_scram) &&
		    (!m->is_bound || c->binding.n > 0) && start(c))
			return true;
	}
	return false;
}

int sasl_client_open(const struct sasl_client_options *o, struct sasl_client **ret, struct fault *fault)
{
	struct sasl_client *c = MEM_NEW(struct sasl_client);
	uint8_t bytes[32];

	c->offered_z = mem_dup_z(o->offered);
	c->user_z = mem_dup_z(o->user);
	c->password_z = mem_dup_z(o->password);
	c->service_z = mem_dup_z(str_z(o->service_z));
	c->host_z = mem_dup_z(str_z(o->host_z));
	buf_init(&c->binding, 64);
	if (o->stream != NULL && net_stream_tls_exporter(o->stream, bytes))
		text_b64_encode(&c->binding, str_of(bytes, sizeof(bytes)));
	if (gsasl_init(&c->ctx) == GSASL_OK && start_next(c, true)) {
		*ret = c;
		return 0;
	}
	sasl_client_close(&c);
	return fault_set(fault, -E_CANNOT, "the server offers no way to log in that we know (%" STR_FMT ")",
			 STR_ARG(o->offered.n > 0 ? str_head(o->offered, 100) : S("no AUTH")));
}

static void wipe(char **z)
{
	mem_wipe(*z, strlen(*z));
	mem_free(*z);
	*z = NULL;
}

void sasl_client_close(struct sasl_client **cp)
{
	struct sasl_client *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	if (c->session != NULL)
		gsasl_finish(c->session);
	if (c->ctx != NULL)
		gsasl_done(c->ctx);
	wipe(&c->user_z);
	wipe(&c->password_z);
	wipe(&c->offered_z);
	wipe(&c->service_z);
	wipe(&c->host_z);
	buf_fini(&c->binding);
	mem_free(c);
}

bool sasl_client_next(struct sasl_client *c)
{
	if (!mechs[c->at].is_scram || c->is_false)
		return false;
	gsasl_finish(c->session);
	c->session = NULL;
	c->rc = GSASL_NO_CLIENT_CODE; /* where there is no next one, nothing goes on */
	return start_next(c, false);
}

const char *sasl_client_mechanism_z(const struct sasl_client *c)
{
	return c->at < ARRAY_LEN(mechs) ? mechs[c->at].name_z : "";
}

bool sasl_client_has_initial(const struct sasl_client *c)
{
	return c->at < ARRAY_LEN(mechs) && mechs[c->at].has_initial;
}

bool sasl_client_is_proven(const struct sasl_client *c)
{
	return c->rc == GSASL_OK;
}

/* ---- one message ---- */

/*
 * RFC 5802 7: iteration-count = "i=" posit-number, in base64. GNU SASL reads spellings of base64 that we do not (RFC 4648 3.5), so what we
 * cannot look into is too much too.
 */
static bool is_too_much_work(struct str challenge)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(LIMIT_SASL_LINE);
	struct str rest, part;
	uint64_t rounds;

	if (!text_b64_decode(&plain, challenge))
		return true;
	rest = buf_str(&plain);
	while (str_split(&rest, ',', &part))
		if (str_starts(part, S("i=")) && !str_to_u64(str_skip(part, 2), LIMIT_SASL_CLIENT_ROUNDS, &rounds))
			return true;
	return false;
}

static int step(struct sasl_client *c, struct str theirs, struct buf *out)
{
	AUTO(mem_auto_free) char *in_z = mem_dup_z(theirs);
	char *ours = NULL;
	int rc = gsasl_step64(c->session, in_z, &ours);

	if (ours != NULL) {
		buf_add(out, str_z(ours));
		mem_wipe(ours, strlen(ours));
		gsasl_free(ours);
	}
	return rc;
}

static int fail(struct sasl_client *c, int code, struct fault *fault, const char *why_z)
{
	c->rc = GSASL_AUTHENTICATION_ERROR;
	return fault_set(fault, code, "%s: %s", mechs[c->at].name_z, why_z);
}

int sasl_client_step(struct sasl_client *c, struct str theirs, struct buf *out, struct fault *fault)
{
	const struct mech *m;
	bool is_ours_alone = c->n_steps++ == 0;
	int rc;

	buf_reset(out);
	if (c->session == NULL)
		return fault_set(fault, -E_CANNOT, "no way to log in is left");
	m = &mechs[c->at];
	if (c->rc != GSASL_NEEDS_MORE || c->n_steps > STEPS || theirs.n > LIMIT_SASL_LINE)
		return fail(c, -E_SYNTAX, fault, "the server wants more than the mechanism has");
	if (m->is_scram && !is_ours_alone && is_too_much_work(theirs))
		return fail(c, -E_DENIED, fault, "the server wants more work than is decent");
	rc = c->rc = step(c, theirs, out);
	is_ours_alone |= buf_overflowed(out);
	if (is_under_way(rc) && !buf_overflowed(out))
		return rc == GSASL_NEEDS_MORE;
	buf_reset(out);
	if (is_ours_alone)
		return fail(c, -E_CANNOT, fault, "GNU SASL cannot use it with this name and password");
	c->is_false = rc == GSASL_AUTHENTICATION_ERROR;
	if (c->is_false)
		return fail(c, -E_DENIED, fault, "the server does not prove that it knows the password");
	return fail(c, -E_SYNTAX, fault, "the server sends what is no message of it");
}
