/* SPDX-License-Identifier: MIT */
/* POP3. The first command: NOOP behind a login (RFC 1939 5); before it there is none to say. */
#include "doctor/attempt_int.h"

#include "pop3/client.h"

static void learn_caps(struct doctor_try *t, struct pop3_client *c)
{
	const struct pop3_client_caps *caps = pop3_client_caps(c);
	struct doctor_attempt *a = t->a;
	bool has_login = !caps->is_told || caps->has_user || caps->auth.n > 0;

	a->caps_z = doctor_clean(&a->arena, caps->all, 1024);
	a->auth_z = doctor_clean(&a->arena, arena_printf(&a->arena, "%" STR_FMT "%s%s", STR_ARG(caps->auth),
							 caps->auth.n > 0 && (caps->has_user || !caps->is_told) ? " " : "",
							 caps->has_user || !caps->is_told ? "USER" : ""), 300);
	if (net_stream_is_tls(pop3_client_stream(c)))
		return;
	a->words_plain_z = a->caps_z;
	a->has_starttls |= caps->has_stls;
	a->is_plain_login = has_login;
	a->demands_tls = caps->has_stls && !has_login;
}

static void over(void *ctx, struct pop3_client *c, enum pop3_client_stage stage, int err, struct str text)
{
	static const enum doctor_step steps[POP3_CLIENT_N_STAGES] = {
		[POP3_CLIENT_GREETING] = DOCTOR_AT_GREETING, [POP3_CLIENT_CAPS] = DOCTOR_AT_CAPABILITIES, [POP3_CLIENT_AUTH] = DOCTOR_AT_LOGIN,
	};
	struct doctor_try *t = ctx;

	if (stage == POP3_CLIENT_GREETING)
		t->a->greeting_z = doctor_clean(&t->a->arena, err == 0 ? pop3_client_greeting(c) : text, 300);
	if (stage == POP3_CLIENT_TLS)
		doctor_try_tls(t, pop3_client_stream(c), err, text);
	else
		doctor_try_end(t, steps[stage], err,
			       err < 0 ? doctor_clean(&t->a->arena, text, 300) : stage == POP3_CLIENT_GREETING ? t->a->greeting_z : NULL);
	if (err < 0)
		doctor_try_failed(t, 0, text);
	else if (stage >= POP3_CLIENT_CAPS)
		learn_caps(t, c);
}

void doctor_dialogue_pop3(struct doctor_try *t, struct net_stream *s)
{
	const struct pop3_client_options o = {
		.starttls = doctor_try_starttls(t),
		.tls = t->setup->tls,
		.want = doctor_try_want(t),
		.user = t->is_login ? t->setup->user : S(""),
		.password = t->is_login ? t->setup->password : S(""),
		.host_z = t->a->candidate->host_z,
		.wait_ms = doctor_try_left_ms(t),
		.until_ms = t->until_ms,
		.trace = doctor_try_line, .trace_ctx = t,
		.over = over, .over_ctx = t,
	};
	enum pop3_client_stage stage;
	struct pop3_client *c = NULL;
	struct fault fault = { 0 };
	int r;

	if (pop3_client_open(s, &o, &c, &stage, &fault) < 0)
		return;
	if (t->is_login) {
		r = pop3_client_noop(c, &fault);
		doctor_try_end(t, DOCTOR_AT_COMMAND, r, r < 0 ? fault.text : "NOOP");
		if (r < 0)
			doctor_try_failed(t, 0, str_z(fault.text));
	}
	(void)!pop3_client_quit(&c, &fault);
}
