/* SPDX-License-Identifier: MIT */
/*
 * The hosts that take the domain's mail, each spoken to by send_check() on a thread of its own, while other rows ask the DNS. A thread has its host and nothing else: its
 * arena, its struct send, its findings; what is shared (the resolver, the settings) may be used by any thread. domain_walks_end() joins them all.
 *
 * Each host is given to send_check() by name, as one of the settings is: so a check on the mail host itself looks at itself as others do, which an attempt never would.
 * The private addresses that an attempt passes over are kept out here: such a host is not connected to.
 */
#include "doctor/domain_int.h"

#include "base/clock.h"
#include "base/must.h"

#define WALK_ARENA (4u << 20)
#define WALK_STACK (512u << 10) /* as those of room send */
#define WALK_REST_MS 1000       /* what is left for the rows behind it */

/* In one line, whatever it was: the other side's words go into evidence, which has lines of ours. */
static struct str keep(struct domain_host *h, struct str s)
{
	char *p = arena_z(&h->arena, s);

	for (size_t i = 0; p && i < s.n; i++)
		if ((unsigned char)p[i] < 0x20)
			p[i] = ' ';
	return p ? str_of(p, s.n) : S("");
}

static struct str reply_text(struct domain_host *h, const struct queue_reply *r)
{
	struct str text = keep(h, r->text), all;

	if (!r->code)
		return text;
	all = arena_printf(&h->arena, "%d %" STR_FMT "%s%" STR_FMT, r->code, STR_ARG(r->enhanced),
			   r->enhanced.n > 0 ? " " : "", STR_ARG(text));
	return all.p ? all : S("");
}

/* ---- steps: what is of interest in each ---- */

static void see_dane(struct domain_host *h, const struct send_seen *s)
{
	struct domain_walk *w = &h->walk;

	w->dane_err = s->err;
	w->dane_why = reply_text(h, &s->reply);
	w->n_tlsa = s->records->n;
	w->has_dane = s->is_secure && s->records->n > 0;
	w->is_dane_usable = s->records->is_usable;
}

static void see_connect(struct domain_host *h, const struct send_seen *s)
{
	struct domain_walk *w = &h->walk;

	if (w->has_connect) /* it comes again, without TLS */
		return;
	w->has_connect = true;
	w->connect_err = s->err;
	w->connect = s->err < 0 ? reply_text(h, &s->reply) : keep(h, str_z(s->address_z));
	w->others = s->err < 0 ? S("") : keep(h, str_z(s->others_z));
}

static void see_greeting(struct domain_host *h, const struct send_seen *s)
{
	struct domain_walk *w = &h->walk;

	w->has_greeting = true;
	w->greeting_err = s->err;
	w->greeting = reply_text(h, &s->reply);
}

static void see_helo(struct domain_host *h, const struct send_seen *s)
{
	struct domain_walk *w = &h->walk;

	w->has_helo = s->err == 0;
	w->has_starttls |= s->err == 0 && s->caps->has_starttls;
	if (s->err < 0) {
		w->greeting_err = s->err;
		w->greeting = reply_text(h, &s->reply);
	}
}

static void see_certificate(struct domain_host *h, const struct send_seen *s)
{
	struct domain_walk *w = &h->walk;
	const struct net_stream_tls_info *t = s->tls;

	w->has_certificate = t->subject_z[0] || t->names_z[0] || t->not_after_s;
	w->is_dane_verified = t->is_verified && str_eq(str_z(s->by_z), S("DANE"));
	w->is_certificate_good = t->is_verified || t->is_pkix_good;
	w->names = keep(h, str_z(t->names_z[0] ? t->names_z : t->subject_z));
	w->problem = keep(h, str_z(t->problem_z));
	w->issuer = keep(h, str_z(t->issuer_z));
	w->not_after_s = t->not_after_s;
}

/* The first handshake counts; there is no second one but a fallback without. */
static void see_tls(struct domain_host *h, const struct send_seen *s)
{
	struct domain_walk *w = &h->walk;
	struct str tls;

	if (w->has_tls || w->tls_err < 0)
		return;
	w->has_tls = s->err == 0 && s->tls;
	w->tls_err = s->err;
	if (s->tls)
		see_certificate(h, s);
	if (!w->has_tls) {
		w->tls = reply_text(h, &s->reply);
		return;
	}
	tls = arena_printf(&h->arena, "%s %s", s->tls->version_z, s->tls->cipher_z);
	w->tls = tls.p ? tls : S("");
	w->is_old_tls = !str_eq(str_z(s->tls->version_z), S("TLSv1.2")) &&
			!str_eq(str_z(s->tls->version_z), S("TLSv1.3"));
}

static void see_host(struct domain_host *h, const struct send_seen *s)
{
	h->walk.failure = s->outcome == QUEUE_DELIVERED ? S("") : reply_text(h, &s->reply);
}

static void see(void *ctx, const struct send_seen *seen)
{
	static void (*const steps[SEND_N_STEPS])(struct domain_host * h,
						 const struct send_seen *s) = {
		[SEND_SAW_DANE] = see_dane,         [SEND_SAW_CONNECT] = see_connect,
		[SEND_SAW_GREETING] = see_greeting, [SEND_SAW_HELO] = see_helo,
		[SEND_SAW_TLS] = see_tls,           [SEND_SAW_HOST] = see_host
	};
	struct domain_host *h = ctx;

	h->walk.is_out_of_time |= seen->is_out_of_time;
	if (steps[seen->step])
		steps[seen->step](h, seen);
}

/* ---- threads ---- */

static void *run(void *arg)
{
	struct domain_host *h = arg;
	struct queue_rcpt_result result = { 0 };
	const struct send_check check = { .hop = { .host = h->name,
						   .domain = h->check->d->domain,
						   .port = h->check->d->port },
					  .ms = h->ms,
					  .see = see,
					  .ctx = h };

	send_check(h->send, &check, &h->arena, &result);
	return NULL;
}

static void begin(struct domain_check *c, struct domain_host *h)
{
	struct send_options o = {
		.conf = c->d->conf, .dns = c->d->dns, .ca_pem = c->d->ca_pem, .helo_z = c->d->helo_z
	};
	struct fault fault = { 0 };
	pthread_attr_t attr;

	h->ms = c->deadline_ms - WALK_REST_MS - clock_mono_ms();
	if (h->ms <= 0 || send_open(&o, &h->send, &fault) < 0) {
		DOMAIN_SAY(c, SKIPPED, h->name,
			   domain_printf(c, "%s", fault.text[0] ? fault.text : "no time is left"),
			   "It was not connected to.", S(""));
		return;
	}
	arena_init(&h->arena, WALK_ARENA);
	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setstacksize(&attr, WALK_STACK) == 0);
	h->has_thread = pthread_create(&h->thread, &attr, run, h) == 0;
	pthread_attr_destroy(&attr);
	if (!h->has_thread)
		DOMAIN_SAY(c, SKIPPED, h->name, S("no thread"),
			   "It was not connected to: this system is short of something.", S(""));
}

void domain_walks_begin(struct domain_check *c)
{
	for (size_t i = 0; i < c->n_hosts && !c->d->is_dns_only; i++) {
		struct domain_host *h = &c->hosts[i];

		if (h->n > 0 && (c->may_private || !h->has_private))
			begin(c, h);
	}
}

void domain_walks_end(struct domain_check *c)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		if (c->hosts[i].has_thread) {
			pthread_join(c->hosts[i].thread, NULL);
			c->hosts[i].has_thread = false;
			c->hosts[i].walk.is_done = true;
		}
}

void domain_walks_free(struct domain_check *c)
{
	domain_walks_end(c);
	for (size_t i = 0; i < c->n_hosts; i++) {
		send_close(&c->hosts[i].send);
		arena_fini(&c->hosts[i].arena);
	}
}
