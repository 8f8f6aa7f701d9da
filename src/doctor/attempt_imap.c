/* SPDX-License-Identifier: MIT */
/* IMAP. The first command: STATUS of INBOX (RFC 9051 6.3.11), without a login NOOP. */
#include "doctor/attempt_int.h"

#include "imap/client.h"

static void learn_caps(struct doctor_try *t, struct imap_client *c)
{
	const struct imap_client_caps *caps = imap_client_caps(c);
	struct doctor_attempt *a = t->a;

	a->caps_z = doctor_clean(&a->arena, caps->all, 1024);
	a->auth_z = doctor_clean(&a->arena, caps->auth, 300);
	if (net_stream_is_tls(imap_client_stream(c)))
		return;
	a->words_plain_z = a->caps_z;
	a->has_starttls |= caps->has_starttls;
	a->is_plain_login = !caps->is_login_disabled;
	a->demands_tls = caps->is_login_disabled;
}

static void over(void *ctx, struct imap_client *c, enum imap_client_stage stage, int err, struct str text)
{
	static const enum doctor_step steps[IMAP_CLIENT_N_STAGES] = {
		[IMAP_CLIENT_GREETING] = DOCTOR_AT_GREETING, [IMAP_CLIENT_CAPS] = DOCTOR_AT_CAPABILITIES, [IMAP_CLIENT_AUTH] = DOCTOR_AT_LOGIN,
	};
	struct doctor_try *t = ctx;

	if (stage == IMAP_CLIENT_GREETING)
		t->a->greeting_z = doctor_clean(&t->a->arena, err == 0 ? imap_client_greeting(c) : text, 300);
	if (stage == IMAP_CLIENT_TLS)
		doctor_try_tls(t, imap_client_stream(c), err, text);
	else
		doctor_try_end(t, steps[stage], err,
			       err < 0 ? doctor_clean(&t->a->arena, text, 300) : stage == IMAP_CLIENT_GREETING ? t->a->greeting_z : NULL);
	if (err < 0)
		doctor_try_failed(t, 0, text);
	else if (stage >= IMAP_CLIENT_CAPS)
		learn_caps(t, c);
}

void doctor_dialogue_imap(struct doctor_try *t, struct net_stream *s)
{
	const struct imap_client_options o = {
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
	enum imap_client_stage stage;
	struct imap_client *c = NULL;
	struct fault fault = { 0 };
	int r;

	if (imap_client_open(s, &o, &c, &stage, &fault) < 0)
		return;
	r = imap_client_ask(c, t->is_login ? S("STATUS INBOX (MESSAGES)") : S("NOOP"), NULL, NULL, &fault);
	doctor_try_end(t, DOCTOR_AT_COMMAND, r, r < 0 ? fault.text : t->is_login ? "STATUS INBOX" : "NOOP");
	if (r < 0)
		doctor_try_failed(t, 0, str_z(fault.text));
	imap_client_close(&c);
}
