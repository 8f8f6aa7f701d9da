/* SPDX-License-Identifier: MIT */
/*
 * AUTH as client, RFC 4954 4: the mechanisms in the order in which we like them, spoken by GNU SASL. A server that offers SCRAM and
 * refuses it (accounts without its keys are common) is asked once more with PLAIN or LOGIN.
 *
 * With SCRAM the server says how often we hash the password, and more than LIMIT_SASL_CLIENT_ROUNDS are an attack on our time. The server has to prove that it knows the password too (RFC 5802 3): a success without that is none.
 */
#include "smtp/client_int.h"

#include <gsasl.h>

#include "base/limits.h"
#include "base/text.h"

#define STEPS 8
#define COMMAND_LINE (512 - 2) /* RFC 5321 4.5.3.1.4, without CRLF */

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

static bool is_offered(struct str list, const char *name_z)
{
	struct str word;

	while (str_split(&list, ' ', &word))
		if (str_ieq(word, str_z(name_z)))
			return true;
	return false;
}

/* The binding's bytes in base64; false: there are none. */
static bool binding(const struct smtp_client *c, struct buf *out)
{
	uint8_t bytes[32];

	if (!net_stream_tls_exporter(c->s, bytes))
		return false;
	text_b64_encode(out, str_of(bytes, sizeof(bytes)));
	return true;
}

static void set_secret(Gsasl_session *x, Gsasl_property property, struct str value)
{
	char *z = mem_dup_z(value);

	gsasl_property_set(x, property, z);
	mem_wipe(z, value.n);
	mem_free(z);
}

/*
 * RFC 5802 7: iteration-count = "i=" posit-number, in base64. GNU SASL reads spellings of base64 that we do not (RFC 4648 3.5), so what we
 * cannot look into is too much too.
 */
static bool is_too_much_work(struct str challenge)
{
	AUTO(buf_fini) struct buf plain = BUF_INIT(LIMIT_SMTP_REPLY_LINE);
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

/* One message of ours out of one of theirs (base64). GSASL_OK, GSASL_NEEDS_MORE, or an error. */
static int step(Gsasl_session *x, struct str theirs, struct buf *ours)
{
	AUTO(mem_auto_free) char *in_z = mem_dup_z(theirs);
	char *out = NULL;
	int rc = gsasl_step64(x, in_z, &out);

	buf_reset(ours);
	if (out != NULL) {
		buf_add(ours, str_z(out));
		mem_wipe(out, strlen(out));
		gsasl_free(out);
	}
	return rc;
}

static int say_secret(struct smtp_client *c, struct str line, const char *traced_z)
{
	int r;

	smtp_client_put(c, line, traced_z);
	r = smtp_client_flush(c, c->o.times.command);
	return r < 0 ? r : smtp_client_reply_read(c, c->o.times.command);
}

/* What is cancelled is over (RFC 4954 4), whatever the server says to it. */
static bool is_under_way(int rc)
{
	return rc == GSASL_OK || rc == GSASL_NEEDS_MORE;
}

/* *ret_is_held: the first message is too long for the line of the command (RFC 4954 4), and has not been said. */
static int begin(struct smtp_client *c, const struct mech *m, Gsasl_session *x, struct buf *message, int *ret_rc, bool *ret_is_held)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(LIMIT_SMTP_REPLY_LINE);
	char traced[64];
	int r;

	*ret_rc = GSASL_NEEDS_MORE;
	*ret_is_held = false;
	buf_printf(&line, "AUTH %s", m->name_z);
	if (m->has_initial) {
		*ret_rc = step(x, S(""), message);
		if (!is_under_way(*ret_rc))
			return -E_CANNOT;
		*ret_is_held = line.n + 1 + message->n > COMMAND_LINE;
		/* RFC 4954 4: "=" is an empty one. */
		if (!*ret_is_held)
			buf_printf(&line, " %" STR_FMT, STR_ARG(message->n > 0 ? buf_str(message) : S("=")));
	}
	snprintf(traced, sizeof(traced), "AUTH %s%s", m->name_z, m->has_initial && !*ret_is_held ? " <secret>" : "");
	r = say_secret(c, buf_str(&line), traced);
	mem_wipe(line.p, line.n);
	return r;
}

/* *ret_is_proved: the mechanism has come to its end on our side too. */
static int exchange(struct smtp_client *c, const struct mech *m, Gsasl_session *x, bool *ret_is_proved)
{
	AUTO(buf_fini) struct buf message = BUF_INIT(LIMIT_SMTP_REPLY_LINE);
	bool is_held;
	int rc, r = begin(c, m, x, &message, &rc, &is_held);

	for (int i = 0; i < STEPS && r == 0 && c->code / 100 == 3 && is_under_way(rc); i++) {
		if (is_held)
			is_held = false;
		else if (rc == GSASL_OK || (m->is_scram && is_too_much_work(buf_str(&c->text))))
			rc = GSASL_MECHANISM_CALLED_TOO_MANY_TIMES;
		else
			rc = step(x, buf_str(&c->text), &message);
		if (is_under_way(rc))
			r = say_secret(c, buf_str(&message), "<secret>");
		else
			r = say_secret(c, S("*"), NULL); /* RFC 4954 4: cancelled */
	}
	*ret_is_proved = rc == GSASL_OK;
	if (message.p != NULL)
		mem_wipe(message.p, message.n);
	return r;
}

static int try_mech(struct smtp_client *c, const struct mech *m, Gsasl *ctx, struct arena *a, struct smtp_client_reply *ret_own)
{
	AUTO(buf_fini) struct buf bound = BUF_INIT(64);
	Gsasl_session *x = NULL;
	bool is_proved = false;
	int r;

	if (gsasl_client_start(ctx, m->name_z, &x) != GSASL_OK)
		return smtp_client_decline(c, "GNU SASL has no %s", m->name_z);
	set_secret(x, GSASL_AUTHID, c->o.user);
	set_secret(x, GSASL_PASSWORD, c->o.password);
	if (m->is_bound && binding(c, &bound))
		gsasl_property_set(x, GSASL_CB_TLS_EXPORTER, buf_z(&bound));
	r = exchange(c, m, x, &is_proved);
	gsasl_finish(x);
	if (r < 0)
		return r == -E_CANNOT ? smtp_client_decline(c, "GNU SASL cannot use %s with this password", m->name_z) : r;
	if (c->code / 100 == 2 && is_proved)
		return 0;
	if (c->code / 100 == 2) {
		*ret_own = smtp_client_reply_own(a, "", "the server said that the login succeeded, and did not prove that it knows the password");
		return smtp_client_lose(c, -E_DENIED, "no proof");
	}
	return smtp_client_refused(c, "AUTH");
}

/* The next of the mechanisms from *at on that can be used; NULL: none. */
static const struct mech *next_mech(const struct smtp_client *c, bool with_scram, size_t *at)
{
	uint8_t bytes[32];

	for (; *at < ARRAY_LEN(mechs); ++*at) {
		const struct mech *m = &mechs[*at];

		if (is_offered(c->caps.auth, m->name_z) && (with_scram || !m->is_scram) &&
		    (!m->is_bound || net_stream_tls_exporter(c->s, bytes)))
			return m;
	}
	return NULL;
}

int smtp_client_auth(struct smtp_client *c, struct arena *a, struct smtp_client_reply *ret_own)
{
	size_t at = 0;
	const struct mech *m = next_mech(c, true, &at);
	Gsasl *ctx = NULL;
	int r;

	if (m == NULL)
		return smtp_client_decline(c, "the server offers no way to log in that we know (%" STR_FMT ")",
					   STR_ARG(c->caps.auth.n > 0 ? str_head(c->caps.auth, 100) : S("no AUTH")));
	if (gsasl_init(&ctx) != GSASL_OK)
		return smtp_client_decline(c, "GNU SASL does not start");
	c->hides_challenges = true; /* a password could be guessed from all of them */
	r = try_mech(c, m, ctx, a, ret_own);
	if (r == -E_DENIED && m->is_scram && c->lost == 0 && c->code / 100 == 5) {
		const struct mech *other = next_mech(c, false, &at);

		if (other != NULL)
			r = try_mech(c, other, ctx, a, ret_own);
	}
	c->hides_challenges = false;
	gsasl_done(ctx);
	return r;
}
