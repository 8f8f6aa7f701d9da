/* SPDX-License-Identifier: MIT */
/* One connection: made, spoken to up to AUTH, kept, closed. */
#include "send/send_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#define LINK_ARENA (256u << 10)
#define LINK_MESSAGES 100      /* then another one: servers count too */
#define LINK_LIFE_MS 300000
#define LINK_HOP 4096

void send_link_init(struct send_link *l)
{
	*l = (struct send_link){ 0 };
	arena_init(&l->arena, LINK_ARENA);
	buf_init(&l->made_for, LINK_HOP);
}

void send_link_close(struct send_link *l)
{
	smtp_client_close(&l->client);
	arena_fini(&l->arena);
	buf_fini(&l->made_for);
	send_link_init(l);
}

/*
 * Host and login; where the DNS names the hosts, the domain. And whether what that publishes about TLS did not count, for the message (RFC 8689 4.2.2) or for
 * the settings, which may want different things for the mail of different senders: nobody else's message may go over such a connection.
 */
static void write_hop(const struct queue_attempt *t, struct buf *out)
{
	const struct queue_hop *h = &t->hop;

	buf_printf(out, "%d:%d:%d:%u:%" STR_FMT "\n%" STR_FMT "\n%" STR_FMT, (t->flags & QUEUE_TLS_OPTIONAL) != 0, h->tls, h->is_lmtp, h->port,
		   STR_ARG(h->host), STR_ARG(h->user), STR_ARG(h->host.n > 0 ? S("") : h->domain));
}

static bool is_made_for(const struct send_link *l, const struct queue_attempt *t)
{
	AUTO(buf_fini) struct buf hop = BUF_INIT(LINK_HOP);

	write_hop(t, &hop);
	return str_eq(buf_str(&l->made_for), buf_str(&hop));
}

static bool is_good(const struct send_link *l, const struct queue_attempt *t)
{
	enum send_level level;

	return is_made_for(l, t) && send_level_of(t, &level) && l->level >= level && l->n_used < LINK_MESSAGES &&
	       clock_mono_ms() - l->opened_ms < LINK_LIFE_MS && !net_stream_has_input(smtp_client_stream(l->client));
}

bool send_link_is_good(struct send_link *l, const struct queue_attempt *t)
{
	if (!l->client)
		return false;
	if (is_good(l, t))
		return true;
	send_link_close(l);
	return false;
}

/* Stages of the client are those of an attempt, from the greeting on. */
static enum queue_stage stage_of(enum smtp_client_stage s)
{
	static const enum queue_stage stages[SMTP_CLIENT_N_STAGES] = {
		[SMTP_CLIENT_GREETING] = QUEUE_AT_GREETING, [SMTP_CLIENT_HELO] = QUEUE_AT_HELO, [SMTP_CLIENT_TLS] = QUEUE_AT_TLS,
		[SMTP_CLIENT_AUTH] = QUEUE_AT_AUTH,	    [SMTP_CLIENT_MAIL] = QUEUE_AT_MAIL, [SMTP_CLIENT_RCPT] = QUEUE_AT_RCPT,
		[SMTP_CLIENT_DATA] = QUEUE_AT_DATA,	    [SMTP_CLIENT_END] = QUEUE_AT_END,
	};

	return stages[s];
}

/* Our own words for a reply that was not one: RFC 3463 3.5, 3.8. */
static const char *enhanced_of(enum queue_stage stage, int err)
{
	if (stage == QUEUE_AT_TLS)
		return err == -E_CANNOT ? "4.7.4" : "4.7.5";
	if (stage == QUEUE_AT_AUTH)
		return "4.7.8";
	return err == -E_SYNTAX ? "4.5.0" : "4.4.2";
}

static struct str name_of(struct str s)
{
	return s.n > 0 ? s : S("the host");
}

static struct queue_reply refusal(struct arena *a, const struct send_target *t, enum queue_stage stage, int err,
				  const struct smtp_client_reply *r)
{
	struct queue_reply q = send_reply_of(a, r);

	if (q.code == 0 && q.text.n > 0)
		q = send_say(a, enhanced_of(stage, err), "%" STR_FMT ": %" STR_FMT, STR_ARG(name_of(t->host)), STR_ARG(q.text));
	else if (q.code == 0)
		q = send_say(a, enhanced_of(stage, err), "%" STR_FMT ": %s", STR_ARG(name_of(t->host)), err_row(err)->text);
	return q;
}

static void note_tls(struct send_link *l, const struct send_policy *p)
{
	struct net_stream_tls_info info;

	l->level = SEND_PLAIN;
	l->tls[0] = '\0';
	if (!net_stream_tls_info(smtp_client_stream(l->client), &info))
		return;
	l->level = info.is_verified ? SEND_VERIFIED : SEND_ENCRYPTED;
	snprintf(l->tls, sizeof(l->tls), "%s %s, %s%s", info.version_z, info.cipher_z, info.is_verified ? p->by_z : "not ",
		 info.is_verified ? " verified" : "verified");
}

static void trace(void *ctx, bool is_ours, struct str line)
{
	const struct send_link *l = ctx;

	LOG(DEBUG, "send.line", F_Z("host", l->host), F_Z("by", is_ours ? "us" : "them"), F_STR("line", line));
}

/* The attempt's own, else that of the settings for this user at this host, and at no other. */
static struct str password_of(const struct send *s, const struct queue_hop *h)
{
	for (size_t i = 0; i < s->n_secrets && h->password.n == 0 && h->user.n > 0; i++) {
		const struct send_secret *x = &s->secrets[i];

		if (x->port == h->port && str_ieq(x->host, h->host) && str_eq(x->user, h->user))
			return x->password;
	}
	return h->password;
}

static void set_options(const struct send *s, struct send_link *l, const struct send_target *t)
{
	const struct queue_hop *h = &t->attempt->hop;
	const struct queue_conf *q = s->q;

	l->options = (struct smtp_client_options){
		.helo_z = s->helo_z,
		.is_lmtp = h->is_lmtp,
		.starttls = t->policy->starttls,
		.tls = s->tls,
		.want = t->policy->want,
		.seen = &t->seen->tls,
		.user = h->user,
		.password = password_of(s, h),
		.until_ms = s->until_ms,
		.trace = log_on(LOG_LVL_DEBUG) ? trace : NULL,
		.trace_ctx = l,
		.times = { .greeting = q->command_timeout_ms, .command = q->command_timeout_ms, .mail = q->command_timeout_ms,
			   .rcpt = q->command_timeout_ms, .data_begin = q->command_timeout_ms, .data_block = q->command_timeout_ms,
			   .data_end = q->data_end_timeout_ms },
	};
}

/* What the client's dialogue tells a check. */
struct talk {
	struct send *s;
	struct arena *a;
	const struct send_target *target;
};

static void over(void *ctx, struct smtp_client *c, enum smtp_client_stage stage, int err, const struct smtp_client_reply *reply)
{
	static const enum send_step steps[SMTP_CLIENT_N_STAGES] = { [SMTP_CLIENT_GREETING] = SEND_SAW_GREETING,
		[SMTP_CLIENT_HELO] = SEND_SAW_HELO, [SMTP_CLIENT_TLS] = SEND_SAW_TLS, [SMTP_CLIENT_AUTH] = SEND_SAW_AUTH };
	const struct talk *k = ctx;
	const struct send_policy *p = k->target->policy;
	struct send_seen seen = { .step = steps[stage], .err = err, .caps = smtp_client_caps(c), .reply = send_reply_of(k->a, reply),
				  .level = p->level, .starttls = p->starttls, .by_z = p->by_z };
	struct net_stream_tls_info tls;

	if (net_stream_tls_info(smtp_client_stream(c), &tls))
		seen.tls = &tls;
	if (err < 0) {
		seen.reply = send_reply_before(k->a, refusal(k->a, k->target, stage_of(stage), err, reply));
		seen.outcome = send_outcome_before(stage_of(stage), &seen.reply);
	}
	send_see(k->s, &seen);
}

static int speak(struct send *s, struct send_link *l, const struct send_target *t, struct net_stream *stream, struct arena *a,
		 enum queue_stage *ret_stage, struct queue_reply *ret_reply)
{
	enum smtp_client_stage stage = SMTP_CLIENT_GREETING;
	struct smtp_client_reply reply = { 0 };
	struct talk talk = { s, a, t };
	int r;

	set_options(s, l, t);
	l->options.over = s->check ? over : NULL;
	l->options.over_ctx = &talk;
	net_stream_own_address(stream, t->seen->own);
	r = smtp_client_open(stream, &l->options, &l->arena, &l->client, &stage, &reply);
	l->options.want = (struct net_stream_tls_want){ 0 }; /* the attempt's */
	l->options.user = l->options.password = (struct str){ 0 };
	l->options.over_ctx = NULL;
	l->options.seen = NULL;
	if (r == 0) {
		note_tls(l, t->policy);
		send_see(s, &(struct send_seen){ .step = SEND_SAW_LIMITS, .caps = smtp_client_caps(l->client) });
		return 0;
	}
	*ret_stage = stage_of(stage);
	*ret_reply = refusal(a, t, *ret_stage, r, &reply);
	send_link_close(l);
	return *ret_stage == QUEUE_AT_TLS ? -E_TLS : r;
}

int send_link_open(struct send *s, struct send_link *l, const struct send_target *t, struct arena *a, size_t *ret_index,
		   enum queue_stage *ret_stage, struct queue_reply *ret_reply)
{
	const struct net_stream_connect c = { .addresses = t->addresses, .n = t->n, .deadline_ms = t->deadline_ms,
					      .from_v4 = s->has_from_v4 ? &s->from_v4 : NULL,
					      .from_v6 = s->has_from_v6 ? &s->from_v6 : NULL };
	struct net_stream *stream = NULL;
	struct fault fault = { 0 };
	int r = net_stream_connect(&c, &stream, ret_index, &fault);

	if (r < 0) {
		*ret_index = t->n;
		*ret_stage = QUEUE_AT_CONNECT;
		*ret_reply = send_say(a, "4.4.1", "%" STR_FMT ": %s", STR_ARG(name_of(t->host)), fault.text[0] ? fault.text : err_row(r)->text);
		send_see(s, &(struct send_seen){ .step = SEND_SAW_CONNECT, .err = r, .reply = *ret_reply, .outcome = QUEUE_DEFERRED });
		return r == -E_TLS ? -E_IO : r;
	}
	send_link_close(l);
	l->opened_ms = clock_mono_ms();
	write_hop(t->attempt, &l->made_for);
	snprintf(l->host, sizeof(l->host), "%" STR_FMT, STR_ARG(t->host));
	net_address_text(&t->addresses[*ret_index], l->address);
	send_see(s, &(struct send_seen){ .step = SEND_SAW_CONNECT, .address_z = l->address, .others_z = fault.text });
	return speak(s, l, t, stream, a, ret_stage, ret_reply);
}
