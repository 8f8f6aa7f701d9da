/* SPDX-License-Identifier: MIT */
/* ManageSieve (RFC 5804): greeting with capabilities, STARTTLS (2.2), capabilities again, CAPABILITY (2.4). No login is tried here. */
#include "doctor/attempt_int.h"

#include "base/clock.h"
#include "base/limits.h"
#include "doctor/sieve.h"

struct sieve {
	struct doctor_try *t;
	struct net_stream *s;
	struct buf response;   /* the last one */
	struct buf caps, auth;
	bool has_starttls;
};

static int add_literal(struct sieve *v, int64_t n)
{
	char *p = n <= LIMIT_DOCTOR_LINE ? buf_reserve(&v->response, (size_t)n) : NULL;
	int64_t at = 0;

	while (p && at < n) {
		int r = net_stream_read(v->s, p + at, (size_t)(n - at), v->t->until_ms);

		if (r < 0)
			return r;
		at += r;
	}
	if (!p && n > 0)
		return -E_SYNTAX;
	buf_commit(&v->response, (size_t)n);
	return 0;
}

/* A whole response. */
static int next(struct sieve *v, struct doctor_sieve_response *ret)
{
	int64_t literal = 0;
	int r = 0;

	buf_reset(&v->response);
	while (r == 0 && literal >= 0) {
		struct str line;

		r = net_stream_line(v->s, LIMIT_DOCTOR_LINE, v->t->until_ms, &line);
		if (r < 0)
			return r == -E_LIMIT ? -E_SYNTAX : r;
		doctor_try_line(v->t, false, line);
		buf_add(&v->response, line);
		buf_add(&v->response, S("\r\n"));
		literal = doctor_sieve_literal(line);
		if (literal >= 0)
			r = add_literal(v, literal);
		if (buf_overflowed(&v->response))
			r = -E_SYNTAX;
	}
	if (r == 0)
		r = doctor_sieve_parse(buf_str(&v->response), ret);
	return r < 0 ? r : 0;
}

static void take_capability(struct sieve *v, const struct doctor_sieve_response *r)
{
	buf_printf(&v->caps, "%s%" STR_FMT, v->caps.n > 0 ? " " : "", STR_ARG(r->name));
	if (r->value.n > 0)
		buf_printf(&v->caps, "=(%" STR_FMT ")", STR_ARG(r->value));
	v->has_starttls |= str_ieq(r->name, S("STARTTLS"));
	if (str_ieq(r->name, S("SASL")))
		buf_add(&v->auth, r->value);
}

/* To the end of an answer; words: of its end, or the failure's. -E_DENIED: NO or BYE. */
static int answer(struct sieve *v, const char **ret_words_z)
{
	struct doctor_sieve_response r = { 0 };
	int err = 0;

	buf_reset(&v->caps);
	buf_reset(&v->auth);
	v->has_starttls = false;
	for (size_t n = 0; n < LIMIT_DOCTOR_SIEVE_LINES; n++) {
		err = next(v, &r);
		if (err < 0 || r.kind != DOCTOR_SIEVE_CAPABILITY)
			break;
		take_capability(v, &r);
	}
	if (err == 0 && r.kind != DOCTOR_SIEVE_OK)
		err = r.kind == DOCTOR_SIEVE_CAPABILITY ? -E_SYNTAX : -E_DENIED;
	if (err < 0 && err != -E_DENIED)
		*ret_words_z = err == -E_SYNTAX ? "it does not speak ManageSieve" : net_stream_fault_z(v->s);
	else
		*ret_words_z = doctor_clean(&v->t->a->arena, r.text, 300);
	return err;
}

static int ask(struct sieve *v, struct str command, const char **ret_words_z)
{
	int r;

	doctor_try_line(v->t, true, command);
	net_stream_write(v->s, command, v->t->until_ms);
	net_stream_write(v->s, S("\r\n"), v->t->until_ms);
	r = net_stream_flush(v->s, v->t->until_ms);
	if (r < 0)
		*ret_words_z = net_stream_fault_z(v->s);
	return r < 0 ? r : answer(v, ret_words_z);
}

static void learn(struct sieve *v)
{
	struct doctor_attempt *a = v->t->a;

	a->caps_z = doctor_clean(&a->arena, buf_str(&v->caps), 1024);
	a->auth_z = doctor_clean(&a->arena, buf_str(&v->auth), 300);
	if (net_stream_is_tls(v->s))
		return;
	a->words_plain_z = a->caps_z;
	a->has_starttls |= v->has_starttls;
	a->is_plain_login = v->auth.n > 0;
}

static int end(struct sieve *v, enum doctor_step step, int err, const char *words_z)
{
	doctor_try_end(v->t, step, err, words_z);
	if (err < 0)
		doctor_try_failed(v->t, 0, str_z(words_z));
	return err;
}

static int shake(struct sieve *v)
{
	struct net_stream_tls_want want = doctor_try_want(v->t);
	int r = net_stream_starttls(v->s, v->t->setup->tls, &want, v->t->until_ms);

	v->t->shaken_ms = clock_mono_ms();
	doctor_try_tls(v->t, v->s, r, r < 0 ? str_z(net_stream_fault_z(v->s)) : S(""));
	return r;
}

/* 0, also without TLS where it is not offered. */
static int starttls(struct sieve *v)
{
	const char *words_z = "";
	int r;

	if (!v->has_starttls) {
		doctor_try_tls(v->t, v->s, 0, S(""));
		return 0;
	}
	r = ask(v, S("STARTTLS"), &words_z);
	if (r < 0) {
		doctor_try_tls(v->t, v->s, r, str_z(words_z));
		return end(v, DOCTOR_AT_STARTTLS, r, words_z);
	}
	r = shake(v);
	if (r == 0)
		r = end(v, DOCTOR_AT_CAPABILITIES, answer(v, &words_z), words_z); /* RFC 5804 2.2 */
	if (r == 0)
		learn(v);
	return r;
}

static void dialogue(struct sieve *v)
{
	const char *words_z = "";
	enum doctor_tls tls = v->t->a->candidate->tls;

	if (tls == DOCTOR_IMPLICIT && shake(v) < 0)
		return;
	if (end(v, DOCTOR_AT_GREETING, answer(v, &words_z), words_z) < 0)
		return;
	v->t->a->greeting_z = words_z;
	(void)!end(v, DOCTOR_AT_CAPABILITIES, 0, NULL); /* they come with it */
	learn(v);
	if (tls == DOCTOR_STARTTLS && starttls(v) < 0)
		return;
	if (end(v, DOCTOR_AT_COMMAND, ask(v, S("CAPABILITY"), &words_z), "CAPABILITY") < 0)
		return;
	(void)!ask(v, S("LOGOUT"), &words_z);
}

void doctor_dialogue_sieve(struct doctor_try *t, struct net_stream *s)
{
	struct sieve v = { .t = t, .s = s, .response = BUF_INIT(4 * LIMIT_DOCTOR_LINE), .caps = BUF_INIT(2048), .auth = BUF_INIT(512) };

	dialogue(&v);
	buf_fini(&v.response);
	buf_fini(&v.caps);
	buf_fini(&v.auth);
	net_stream_close(&v.s);
}
