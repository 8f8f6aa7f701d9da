/* SPDX-License-Identifier: MIT */
/*
 * An attempt from its route to its first command. The clients of the protocols hold the dialogue and tell each stage when it is over; here stages get their times
 * and texts, and what TLS came to is put into STARTTLS, handshake and certificate.
 *
 * 1. Without a login any certificate is taken, so that what lies behind a bad one is seen too. No password goes over such a connection.
 * 2. With a login the certificate has to verify, and STARTTLS to be offered: our clients keep the password back otherwise.
 * 3. A port that says nothing for QUIET_MS is looked at a second time (look.c) while the first connection goes on waiting: TLS from the start and a late greeting
 *    look the same from outside. With TLS from the start the look comes at the end: what is silent there may be a web server.
 */
#include "doctor/attempt_int.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

#define QUIET_MS 2000
#define PATIENCE_MS 2000 /* who was waited for less was cut off by the end of the run */
#define INSIDE_MS 2500   /* of the time of an attempt with TLS from the start, for a second look at a port that does not greet */
#define ALPN_MS 4000     /* from TLS to the command, at 443: a web server that does not know ALPN waits for its request */
#define TEXT_MAX 300

const char *const doctor_step_names[DOCTOR_N_STEPS] = {
	"dns", "route", "tcp", "greeting", "starttls", "tls", "certificate", "capabilities", "login", "command",
};
const char *const doctor_state_names[DOCTOR_N_STATES] = { "skipped", "ok", "failed" };

void doctor_attempt_init(struct doctor_attempt *a)
{
	arena_init(&a->arena, LIMIT_DOCTOR_ARENA);
	buf_init(&a->dialogue, LIMIT_DOCTOR_DIALOGUE);
	a->is_in_time = true;
}

void doctor_attempt_fini(struct doctor_attempt *a)
{
	arena_fini(&a->arena);
	buf_fini(&a->dialogue);
}

bool doctor_attempt_is_same_address(const struct doctor_attempt *a, const struct doctor_attempt *b)
{
	return a->has_address && b->has_address && net_address_is_same_host(&a->address, &b->address);
}

const char *doctor_clean(struct arena *arena, struct str s, size_t max)
{
	char *p = arena_z(arena, str_head(s, max));

	for (size_t i = 0; p && i < s.n && i < max; i++)
		if ((unsigned char)p[i] < 0x20 || (unsigned char)p[i] >= 0x7f)
			p[i] = p[i] == '\n' || p[i] == '\t' ? ' ' : '?';
	return p ? p : "";
}

bool doctor_attempt_failed_at(const struct doctor_attempt *a, enum doctor_step *ret)
{
	for (int i = 0; i < DOCTOR_N_STEPS; i++) {
		if (a->stages[i].state != DOCTOR_FAILED)
			continue;
		*ret = (enum doctor_step)i;
		return true;
	}
	return false;
}

/* ---- stages ---- */

static const char *text_of(struct doctor_try *t, const char *text_z)
{
	return text_z && text_z[0] ? doctor_clean(&t->a->arena, str_z(text_z), TEXT_MAX) : NULL;
}

static void stage(struct doctor_try *t, enum doctor_step step, int err, int64_t ms, const char *text_z)
{
	t->a->stages[step] = (struct doctor_stage){
		.state = err < 0 ? DOCTOR_FAILED : DOCTOR_OK, .err = err, .ms = ms > 0 ? ms : 0, .text_z = text_of(t, text_z),
	};
	if (err == -E_TIMEOUT && ms < PATIENCE_MS && clock_mono_ms() >= t->until_ms)
		t->a->is_in_time = false;
}

void doctor_try_end(struct doctor_try *t, enum doctor_step step, int err, const char *text_z)
{
	int64_t now_ms = clock_mono_ms();

	stage(t, step, err, now_ms - t->last_ms, text_z);
	t->last_ms = now_ms;
}

void doctor_try_failed(struct doctor_try *t, int code, struct str words)
{
	t->a->code = code;
	if (words.n > 0)
		t->a->words_z = doctor_clean(&t->a->arena, words, TEXT_MAX);
}

int64_t doctor_try_left_ms(const struct doctor_try *t)
{
	int64_t left_ms = t->until_ms - clock_mono_ms();

	return left_ms > 1 ? left_ms : 1;
}

enum net_starttls doctor_try_starttls(const struct doctor_try *t)
{
	static const enum net_starttls kinds[DOCTOR_N_TLS] = {
		[DOCTOR_IMPLICIT] = NET_STARTTLS_FROM_START, [DOCTOR_STARTTLS] = NET_STARTTLS_IF_OFFERED, [DOCTOR_PLAIN] = NET_STARTTLS_NEVER,
	};
	enum net_starttls kind = kinds[t->a->candidate->tls];

	return t->is_login && kind == NET_STARTTLS_IF_OFFERED ? NET_STARTTLS_ALWAYS : kind;
}

struct net_stream_tls_want doctor_try_want(const struct doctor_try *t)
{
	const struct doctor_candidate *c = t->a->candidate;
	struct net_address literal;

	return (struct net_stream_tls_want){
		.trust = t->is_login ? NET_TRUST_PKIX : NET_TRUST_ANY,
		.sni_z = net_address_parse(str_z(c->host_z), 0, &literal) ? NULL : c->host_z,
		.names_z = t->names_z,
		.alpn_z = c->alpn_z,
	};
}

/* ---- the dialogue ---- */

/* "STARTTLS", "a1 STARTTLS", "STLS" */
static bool asks_for_tls(struct str line)
{
	ptrdiff_t space = str_rchr(line, ' ');
	struct str last = space < 0 ? line : str_skip(line, (size_t)space + 1);

	return str_ieq(last, S("STARTTLS")) || str_ieq(last, S("STLS"));
}

/* Firewalls that look into SMTP write X over what they do not want: "250-XXXXXXXA". */
static bool is_overwritten(struct str line)
{
	return line.n >= 8 && str_starts(line, S("250")) && str_starts(str_skip(line, 4), S("XXXX"));
}

static void mark_times(struct doctor_try *t, bool is_ours, struct str line)
{
	int64_t now_ms = clock_mono_ms();

	if (is_ours && asks_for_tls(line) && t->asked_ms == 0)
		t->asked_ms = now_ms;
	else if (!is_ours && t->asked_ms > 0 && t->answered_ms == 0)
		t->answered_ms = now_ms;
	else if (is_ours && t->answered_ms > 0 && t->shaken_ms == 0)
		t->shaken_ms = now_ms;
}

void doctor_try_line(void *ctx, bool is_ours, struct str line)
{
	struct doctor_try *t = ctx;
	struct doctor_attempt *a = t->a;
	size_t before = a->dialogue.n;

	mark_times(t, is_ours, line);
	a->is_mangled |= !is_ours && is_overwritten(line);
	if (!is_ours && a->speech == DOCTOR_SAYS_UNKNOWN)
		a->speech = doctor_speech_of(line);
	buf_add(&a->dialogue, is_ours ? S("> ") : S("< "));
	buf_add(&a->dialogue, str_head(line, LIMIT_DOCTOR_LINE));
	for (size_t i = before; i < a->dialogue.n; i++)
		if ((unsigned char)a->dialogue.p[i] < 0x20 || (unsigned char)a->dialogue.p[i] >= 0x7f)
			a->dialogue.p[i] = '?';
	buf_add_char(&a->dialogue, '\n');
}

/* ---- TLS ---- */

static const char *keep(struct doctor_try *t, const char *z)
{
	return z ? doctor_clean(&t->a->arena, str_z(z), TEXT_MAX * 2) : "";
}

static bool has_certificate(const struct net_stream_tls_info *info)
{
	return info->subject_z[0] || info->names_z[0] || info->not_after_s != 0;
}

static void learn(struct doctor_try *t, const struct net_stream_tls_info *info, bool is_up)
{
	struct doctor_attempt *a = t->a;

	a->is_tls = is_up;
	a->version_z = is_up ? keep(t, info->version_z) : NULL;
	if (!has_certificate(info))
		return;
	a->problem = info->problem;
	a->problem_z = keep(t, info->problem_z);
	a->cipher_z = is_up ? keep(t, info->cipher_z) : NULL;
	a->names_z = keep(t, info->names_z);
	a->subject_z = keep(t, info->subject_z);
	a->issuer_z = keep(t, info->issuer_z);
	a->not_after_s = info->not_after_s;
	a->is_verified = info->is_pkix_good;
}

/* What asking for TLS in the middle came to. False: there is no TLS. */
static bool starttls(struct doctor_try *t, const struct net_stream *s, int err, const char *words_z)
{
	struct net_stream_tls_info info;
	bool is_taken = net_stream_tls_info(s, &info) || (err < 0 && t->answered_ms > 0 && err != -E_DENIED && err != -E_CANNOT);
	int64_t answer_ms = t->answered_ms > 0 ? t->answered_ms : clock_mono_ms();

	t->a->is_asked = t->asked_ms > 0;
	if (!t->a->is_asked) {
		stage(t, DOCTOR_AT_STARTTLS, -E_CANNOT, 0, "not offered");
		return false;
	}
	stage(t, DOCTOR_AT_STARTTLS, is_taken ? 0 : err < 0 ? err : -E_DENIED, answer_ms - t->asked_ms, is_taken ? NULL : words_z);
	t->last_ms = answer_ms;
	return is_taken;
}

void doctor_try_tls(struct doctor_try *t, struct net_stream *s, int err, struct str words)
{
	const char *words_z = words.n > 0 ? doctor_clean(&t->a->arena, words, TEXT_MAX) : NULL;
	struct net_stream_tls_info info;
	bool has_info, is_up = net_stream_is_tls(s);
	int64_t now_ms = clock_mono_ms(), end_ms = t->shaken_ms > 0 ? t->shaken_ms : now_ms;

	if (t->a->candidate->tls == DOCTOR_PLAIN)
		return;
	if (t->a->candidate->tls == DOCTOR_STARTTLS && !starttls(t, s, err, words_z)) {
		t->last_ms = now_ms;
		return;
	}
	has_info = net_stream_tls_info(s, &info);
	if (has_info)
		learn(t, &info, is_up);
	/* A handshake that was ended over the certificate went well until then. */
	if (is_up || (has_info && has_certificate(&info) && info.problem != NET_TLS_FINE && t->is_login)) {
		stage(t, DOCTOR_AT_TLS, 0, end_ms - t->last_ms, NULL);
		t->a->stages[DOCTOR_AT_TLS].text_z = doctor_clean(&t->a->arena, arena_printf(&t->a->arena, "%s %s", info.version_z, info.cipher_z), TEXT_MAX);
		stage(t, DOCTOR_AT_CERTIFICATE, t->a->is_verified ? 0 : -E_TLS, 0, t->a->is_verified ? t->a->names_z : t->a->problem_z);
	} else {
		stage(t, DOCTOR_AT_TLS, err < 0 ? err : -E_TLS, end_ms - t->last_ms, words_z);
	}
	if (is_up && err < 0)
		stage(t, DOCTOR_AT_CAPABILITIES, err, now_ms - end_ms, words_z);
	t->last_ms = now_ms;
}

/* ---- the whole ---- */

/* Waits for the first byte a while; if none comes, what is there? True: go on with the dialogue. */
static bool listens(struct doctor_try *t, int fd)
{
	struct doctor_attempt *a = t->a;

	if (doctor_reach_hears(fd, doctor_try_left_ms(t) / 2 < QUIET_MS ? doctor_try_left_ms(t) / 2 : QUIET_MS))
		return true;
	a->speech = doctor_look_silent(t);
	if (a->speech != DOCTOR_SAYS_TLS && a->speech != DOCTOR_SAYS_HTTP) {
		a->speech = DOCTOR_SAYS_UNKNOWN;
		return true;
	}
	doctor_try_end(t, DOCTOR_AT_GREETING, -E_TIMEOUT, "it waits for us to speak first");
	a->is_in_time = true;
	return false;
}

static bool has_bad_handshake(const struct doctor_attempt *a)
{
	return a->stages[DOCTOR_AT_TLS].state == DOCTOR_FAILED && a->names_z == NULL;
}

static bool is_silent_inside(const struct doctor_attempt *a)
{
	return a->is_tls && !a->candidate->alpn_z && a->stages[DOCTOR_AT_GREETING].err == -E_TIMEOUT;
}

/* TLS from the start, which did not lead to a greeting: what is there? */
static void look_again(struct doctor_try *t, int64_t until_ms)
{
	t->until_ms = until_ms;
	if (has_bad_handshake(t->a))
		t->a->speech = doctor_look_plain(t);
	else if (is_silent_inside(t->a) && doctor_look_inside(t) == DOCTOR_SAYS_HTTP)
		t->a->speech = DOCTOR_SAYS_HTTP;
}

void doctor_attempt_run(struct doctor_attempt *a, const struct doctor_setup *setup, bool is_login, int64_t until_ms)
{
	static doctor_dialogue *const dialogues[DOCTOR_N_PROTOCOLS] = {
		[DOCTOR_IMAP] = doctor_dialogue_imap, [DOCTOR_POP3] = doctor_dialogue_pop3, [DOCTOR_SUBMISSION] = doctor_dialogue_smtp,
		[DOCTOR_SMTP] = doctor_dialogue_smtp, [DOCTOR_LMTP] = doctor_dialogue_smtp, [DOCTOR_SIEVE] = doctor_dialogue_sieve,
	};
	struct doctor_try t = { .a = a, .setup = setup, .is_login = is_login, .until_ms = until_ms, .last_ms = clock_mono_ms(),
				.names_z = { a->candidate->host_z } };
	bool is_implicit = a->candidate->tls == DOCTOR_IMPLICIT;
	int fd = doctor_reach(&t);

	a->is_login = is_login;
	if (fd < 0)
		return;
	if (!is_implicit && !listens(&t, fd)) {
		close(fd);
		return;
	}
	if (a->candidate->alpn_z && t.until_ms > t.last_ms + ALPN_MS)
		t.until_ms = t.last_ms + ALPN_MS;
	else if (is_implicit && !is_login && t.until_ms > t.last_ms + 2 * INSIDE_MS)
		t.until_ms -= INSIDE_MS;
	dialogues[a->candidate->protocol](&t, net_stream_of_fd(fd));
	if (is_implicit)
		look_again(&t, until_ms);
}
