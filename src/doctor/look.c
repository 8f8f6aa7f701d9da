/* SPDX-License-Identifier: MIT */
/*
 * The second look at a port that does not do what was expected: another connection, on which is waited for its first bytes, or TLS and HTTP are tried. Nothing is
 * said that a mail server would take for a command of mail.
 */
#include "doctor/attempt_int.h"

#include "base/clock.h"

#define LOOK_MS 2000

static struct net_stream *again(const struct doctor_try *t)
{
	int fd = doctor_reach_again(t, LOOK_MS);

	return fd >= 0 ? net_stream_of_fd(fd) : NULL;
}

static int64_t look_end(const struct doctor_try *t)
{
	int64_t end_ms = clock_mono_ms() + LOOK_MS;

	return end_ms < t->until_ms ? end_ms : t->until_ms;
}

static enum doctor_speech first_bytes(struct net_stream *s, int64_t deadline_ms)
{
	char bytes[256];
	int n = net_stream_read(s, bytes, sizeof(bytes), deadline_ms);

	return doctor_speech_of(str_of(bytes, n > 0 ? (size_t)n : 0));
}

static bool takes_tls(const struct doctor_try *t)
{
	const struct net_stream_tls_want want = { .trust = NET_TRUST_ANY };
	struct net_stream *s = again(t);
	bool is_tls = s && net_stream_starttls(s, t->setup->tls, &want, look_end(t)) == 0;

	net_stream_close(&s);
	return is_tls;
}

/* A web server waits for a request, which no mail server takes for more than a wrong command. */
static enum doctor_speech asks_for_http(const struct doctor_try *t, bool is_tls)
{
	const struct net_stream_tls_want want = { .trust = NET_TRUST_ANY, .sni_z = doctor_try_want(t).sni_z };
	AUTO(net_stream_close) struct net_stream *s = again(t);
	int64_t end_ms = look_end(t);

	if (!s || (is_tls && net_stream_starttls(s, t->setup->tls, &want, end_ms) < 0))
		return DOCTOR_SAYS_UNKNOWN;
	net_stream_write(s, S("HEAD / HTTP/1.0\r\n\r\n"), end_ms);
	return net_stream_flush(s, end_ms) == 0 ? first_bytes(s, end_ms) : DOCTOR_SAYS_NOTHING;
}

enum doctor_speech doctor_look_plain(const struct doctor_try *t)
{
	struct net_stream *s = again(t);
	enum doctor_speech speech;

	if (!s)
		return DOCTOR_SAYS_UNKNOWN;
	speech = first_bytes(s, look_end(t));
	net_stream_close(&s);
	if (speech == DOCTOR_SAYS_NOTHING && asks_for_http(t, false) == DOCTOR_SAYS_HTTP)
		return DOCTOR_SAYS_HTTP;
	return speech;
}

enum doctor_speech doctor_look_inside(const struct doctor_try *t)
{
	return asks_for_http(t, true);
}

enum doctor_speech doctor_look_silent(const struct doctor_try *t)
{
	return takes_tls(t) ? DOCTOR_SAYS_TLS : asks_for_http(t, false);
}
