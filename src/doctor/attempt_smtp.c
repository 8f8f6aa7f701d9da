/* SPDX-License-Identifier: MIT */
/* SMTP, submission and LMTP. The first command: MAIL, which is taken back (RFC 5321 4.1.1.2, 4.1.1.5). */
#include "doctor/attempt_int.h"

#include "smtp/client.h"
#include "smtp/syntax.h"

static struct str words_of(struct doctor_try *t, const struct smtp_client_reply *r)
{
	if (r->code == 0)
		return r->text;
	return arena_printf(&t->a->arena, "%d %" STR_FMT "%s%" STR_FMT, r->code, STR_ARG(r->enhanced), r->enhanced.n > 0 ? " " : "", STR_ARG(r->text));
}

/* RFC 3207 4: "530 Must issue a STARTTLS command first"; many say 538 or 554 with these words. */
static bool is_tls_demand(const struct smtp_client_reply *r)
{
	return r->code >= 500 && (str_ifind(r->text, S("STARTTLS")) >= 0 || str_ifind(r->text, S("encryption required")) >= 0 ||
				  str_eq(r->enhanced, S("5.7.10")) || str_eq(r->enhanced, S("5.7.11")));
}

static const char *capability_words(struct doctor_try *t, const struct smtp_client_caps *caps)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(1024);
	struct str words[32];
	size_t n = smtp_client_caps_words(caps, words, ARRAY_LEN(words));

	for (size_t i = 0; i < n; i++)
		buf_printf(&line, "%s%" STR_FMT, i > 0 ? " " : "", STR_ARG(words[i]));
	if (caps->auth.n > 0)
		buf_printf(&line, "%sAUTH=(%" STR_FMT ")", n > 0 ? " " : "", STR_ARG(caps->auth));
	return doctor_clean(&t->a->arena, buf_str(&line), 1024);
}

/* Behind each EHLO. */
static void learn_caps(struct doctor_try *t, struct smtp_client *c)
{
	const struct smtp_client_caps *caps = smtp_client_caps(c);
	struct doctor_attempt *a = t->a;

	a->caps_z = capability_words(t, caps);
	a->auth_z = doctor_clean(&a->arena, caps->auth, 300);
	if (net_stream_is_tls(smtp_client_stream(c)))
		return;
	a->words_plain_z = a->caps_z;
	a->has_starttls |= caps->has_starttls;
	a->is_plain_login = caps->auth.n > 0;
}

static void over(void *ctx, struct smtp_client *c, enum smtp_client_stage stage, int err, const struct smtp_client_reply *reply)
{
	static const enum doctor_step steps[SMTP_CLIENT_N_STAGES] = {
		[SMTP_CLIENT_GREETING] = DOCTOR_AT_GREETING, [SMTP_CLIENT_HELO] = DOCTOR_AT_CAPABILITIES, [SMTP_CLIENT_AUTH] = DOCTOR_AT_LOGIN,
	};
	struct doctor_try *t = ctx;
	struct str words = words_of(t, reply);

	if (stage == SMTP_CLIENT_GREETING)
		t->a->greeting_z = doctor_clean(&t->a->arena, words, 300);
	if (stage == SMTP_CLIENT_TLS)
		doctor_try_tls(t, smtp_client_stream(c), err, words);
	else
		doctor_try_end(t, steps[stage], err, err < 0 || stage == SMTP_CLIENT_GREETING ? doctor_clean(&t->a->arena, words, 300) : NULL);
	if (err < 0) {
		doctor_try_failed(t, reply->code, words);
		t->a->demands_tls |= is_tls_demand(reply);
	} else if (stage >= SMTP_CLIENT_HELO) {
		learn_caps(t, c);
	}
}

/* RFC 6409 4.3, RFC 4954 6: what a port for users should say to who has not logged in. */
static bool is_login_demand(const struct doctor_try *t, const struct smtp_client_reply *r)
{
	return t->a->candidate->protocol == DOCTOR_SUBMISSION && !t->is_login && r->code == 530 && !is_tls_demand(r);
}

/* Whom MAIL names; false: without a login who wants one would say so here, which is no news, and with one nothing is known that must be taken. */
static bool sender_of(struct doctor_try *t, struct str *ret)
{
	struct str sender = t->setup->sender, path = arena_printf(&t->a->arena, "<%" STR_FMT ">", STR_ARG(sender));

	*ret = S("");
	if (!t->is_login)
		return t->a->candidate->protocol == DOCTOR_SMTP || !t->a->is_tls;
	return str_chr(sender, '@') > 0 && smtp_path_parse(&path, 0, &t->a->arena, ret) == 1 && path.n == 0;
}

static void say_mail(struct doctor_try *t, struct smtp_client *c)
{
	struct smtp_client_message m = { .reverse_path = S("") };
	struct smtp_client_rcpt rcpt = { .address = S("postmaster") };
	struct str words;
	int r;

	if (!sender_of(t, &m.reverse_path))
		return;
	r = smtp_client_probe(c, &m, &rcpt, 1, SMTP_CLIENT_MAIL, &t->a->arena);
	words = words_of(t, &rcpt.reply);
	if (r == 0 && rcpt.reply.code / 100 != 2 && !is_login_demand(t, &rcpt.reply))
		r = -E_DENIED;
	doctor_try_end(t, DOCTOR_AT_COMMAND, r, doctor_clean(&t->a->arena, words, 300));
	if (r < 0)
		doctor_try_failed(t, rcpt.reply.code, words);
	t->a->demands_tls |= is_tls_demand(&rcpt.reply);
}

void doctor_dialogue_smtp(struct doctor_try *t, struct net_stream *s)
{
	int64_t ms = doctor_try_left_ms(t);
	const struct smtp_client_options o = {
		.helo_z = t->setup->helo_z,
		.is_lmtp = t->a->candidate->protocol == DOCTOR_LMTP,
		.starttls = doctor_try_starttls(t),
		.tls = t->setup->tls,
		.want = doctor_try_want(t),
		.user = t->is_login ? t->setup->user : S(""),
		.password = t->is_login ? t->setup->password : S(""),
		.times = { .greeting = ms, .command = ms, .mail = ms, .quit = 300 },
		.trace = doctor_try_line, .trace_ctx = t,
		.until_ms = t->until_ms,
		.over = over, .over_ctx = t,
	};
	enum smtp_client_stage stage;
	struct smtp_client_reply reply;
	struct smtp_client *c = NULL;

	if (smtp_client_open(s, &o, &t->a->arena, &c, &stage, &reply) < 0)
		return;
	if (!o.is_lmtp)
		say_mail(t, c);
	smtp_client_close(&c);
}
