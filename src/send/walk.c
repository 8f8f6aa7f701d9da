/* SPDX-License-Identifier: MIT */
/*
 * One attempt: from the destination over its hosts to a reply for each recipient. Straight-line, on one thread.
 *
 *   kept connection? --alive--> transaction --dead at its first command--> as if there had been none
 *   MX --> each host, by preference: addresses --> policy --> connect, greeting, EHLO, STARTTLS, AUTH --> transaction
 *
 *  1. A host that cannot be spoken to, or says no before the transaction, is passed over for the next one (RFC 5321 5.1). TLS that
 *     fails where nothing demands it is tried again without, at the same address.
 *  2. A reply in the transaction is the answer: no other host is asked. But 421 to all of it, or a connection that is lost before
 *     the message was all there, is trouble of the host (1).
 *  3. Lost after the last byte of the message: it may have arrived, so nobody else gets it now (RFC 5321 4.5.3.2.6).
 *  4. No connection is begun after WALK_REPLIES times the longest wait for a reply, so that slow hosts, however many, do not hold a thread for a day.
 *  5. Who is left at the end is deferred with the last temporary trouble; failed if all trouble was permanent: no host takes
 *     mail (RFC 7504), or all are ourselves.
 *  6. A fallback of the settings is for hosts that could not be reached, or refused for now up to MAIL, all of them. Not for what the DNS did
 *     not say, as it may be that the domain takes no mail; not for TLS that was demanded and not to be had; not for a 5xx; not where this
 *     server is one of the hosts, as the fallback would send it back. It has to be as well protected as they would have had to be.
 *  7. Hosts that are less preferred than this server itself are not asked, by whatever it was found: its address, or the name that a host gives
 *     itself. They would give the mail to us (RFC 5321 5.1; names of ours in the DNS: mx.c).
 *
 * A check (check.h) goes the same way by the same code: it sends no message, looks at each host, and the first that (2) or (3) decides counts.
 */
#include "send/send_int.h"

#include "base/clock.h"
#include "net/dns.h"

#define WALK_CONNECTIONS 10   /* of one attempt */
#define WALK_REPLIES 6
#define WALK_ENCODED (64u << 20)

struct walk {
	struct send *s;
	const struct queue_attempt *t;
	struct arena *a;
	struct send_link *link;
	struct queue_result *ret;
	struct smtp_client_rcpt *rcpts;  /* that are not decided, in the order of places */
	size_t *places;                  /* of each in the attempt */
	size_t n;
	struct queue_reply trouble;      /* the last that is temporary, else the last */
	enum queue_stage trouble_stage;
	bool has_trouble, has_spoken;
	bool is_used_up;                 /* the last connection has had all messages that the host takes over one */
	bool is_kept;                    /* from a fallback: 6 */
	const struct send_host *host;    /* whose turn it is */
	const struct send_host *self;    /* that was ourselves: 7 */
	bool has_reached;                /* one of its addresses: what it said tells more than that others are dead */
	bool has_asked;
	enum send_level asked;           /* the most that a host had to have */
	unsigned n_connections;
	int64_t until_ms;                /* then no other connection is begun */
};

static bool may_go_on(const struct walk *w)
{
	return w->n_connections < WALK_CONNECTIONS && clock_mono_ms() < w->until_ms;
}

/* ---- what comes of it ---- */

static void decide(struct walk *w, size_t i, enum queue_outcome outcome, struct queue_reply reply)
{
	w->ret->rcpts[w->places[i]] = (struct queue_rcpt_result){ outcome, reply };
}

static void decide_all(struct walk *w, enum queue_outcome outcome, struct queue_reply reply)
{
	for (size_t i = 0; i < w->n; i++)
		decide(w, i, outcome, reply);
	w->n = 0;
}

static void note_trouble(struct walk *w, enum queue_stage stage, struct queue_reply reply)
{
	if (w->has_trouble && send_is_permanent(&reply) && !send_is_permanent(&w->trouble))
		return;
	w->trouble = reply;
	w->trouble_stage = stage;
	w->has_trouble = true;
}

static const enum queue_level levels[] = {
	[SEND_PLAIN] = QUEUE_LEVEL_PLAIN, [SEND_ENCRYPTED] = QUEUE_LEVEL_ENCRYPTED, [SEND_VERIFIED] = QUEUE_LEVEL_VERIFIED };

static void end_with_trouble(struct walk *w)
{
	bool is_permanent = w->has_trouble && send_outcome_before(w->trouble_stage, &w->trouble) == QUEUE_FAILED;

	if (!w->has_trouble)
		w->trouble = send_say(w->a, "4.4.1", "no host could be tried");
	if (w->n > 0)
		w->ret->stage = w->trouble_stage;
	/* What only this message demands is no trouble of the destination. */
	w->ret->is_down = w->n > 0 && !is_permanent && !w->has_spoken &&
			  !((w->t->flags & QUEUE_REQUIRETLS) && w->trouble_stage == QUEUE_AT_TLS);
	if (w->n > 0 && w->has_trouble && !is_permanent && !w->is_kept && w->has_asked)
		w->ret->fallback = levels[w->asked];
	decide_all(w, is_permanent ? QUEUE_FAILED : QUEUE_DEFERRED, w->trouble);
}

/* ---- the transaction ---- */

static enum queue_outcome outcome_of(const struct walk *w, const struct smtp_client_rcpt *r, const struct queue_reply *reply)
{
	const struct smtp_client_caps *caps = w->link->client ? smtp_client_caps(w->link->client) : NULL;
	bool is_last_to_tell = (r->notify & QUEUE_NOTIFY_SUCCESS) && !(caps && caps->has_dsn);
	/* RFC 2852 4.1.4.2: nobody behind it knows by when the message is wanted. */
	bool is_by_lost = w->t->wish.by_s != 0 && !w->t->wish.by_returns && !(caps && caps->has_deliverby);

	if (reply->code >= 200 && reply->code < 300)
		return is_last_to_tell || is_by_lost ? QUEUE_RELAYED : QUEUE_DELIVERED;
	return send_is_permanent(reply) && !r->is_too_many ? QUEUE_FAILED : QUEUE_DEFERRED;
}

static struct queue_reply lost_reply(struct walk *w, bool may_have_arrived)
{
	const char *why_z = net_stream_fault_z(smtp_client_stream(w->link->client));

	return send_say(w->a, "4.4.2", "%s: the connection was lost%s%s%s", w->link->host, may_have_arrived ? " after the whole message" : "",
			why_z && why_z[0] ? ": " : "", why_z ? why_z : "");
}

/* Every recipient that has its answer is decided; the others stay. */
static void take_replies(struct walk *w, bool is_lost)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++) {
		struct smtp_client_rcpt *r = &w->rcpts[i];
		struct queue_reply reply = send_reply_of(w->a, &r->reply);

		if (r->is_left) {
			decide(w, i, QUEUE_LEFT, reply);
			continue;
		}
		if (reply.code == 0 && is_lost && r->stage < SMTP_CLIENT_END) {
			w->rcpts[kept] = *r;
			w->places[kept++] = w->places[i];
			continue;
		}
		if (reply.code == 0 && is_lost)
			reply = lost_reply(w, true);
		if (reply.code == 0 && reply.enhanced.n == 0)
			reply.enhanced = S("4.5.0");
		decide(w, i, outcome_of(w, r, &reply), reply);
	}
	w->n = kept;
}

/* 421 to everything: it is about to close, and would have said so to whoever came. */
static bool is_closing(const struct walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->rcpts[i].reply.code != 421 || w->rcpts[i].stage > SMTP_CLIENT_RCPT)
			return false;
	return w->n > 0;
}

/* All of it, for now, before anybody was named. */
static bool is_put_off(const struct walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->rcpts[i].reply.code < 400 || w->rcpts[i].reply.code > 499 || w->rcpts[i].stage != SMTP_CLIENT_MAIL)
			return false;
	return w->n > 0;
}

static enum queue_stage last_stage(const struct walk *w)
{
	enum smtp_client_stage last = SMTP_CLIENT_MAIL;

	for (size_t i = 0; i < w->n; i++)
		if (w->rcpts[i].stage > last)
			last = w->rcpts[i].stage;
	return QUEUE_AT_MAIL + (last - SMTP_CLIENT_MAIL);
}

static void forget_replies(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++) {
		w->rcpts[i].reply = (struct smtp_client_reply){ 0 };
		w->rcpts[i].stage = SMTP_CLIENT_MAIL;
	}
}

static void note_link(struct walk *w, bool is_reused)
{
	struct queue_result *r = w->ret;

	r->is_reused = is_reused;
	r->host = arena_str(w->a, str_z(w->link->host));
	r->address = arena_str(w->a, str_z(w->link->address));
	r->tls = arena_str(w->a, str_z(w->link->tls));
	r->level = levels[w->link->level];
}

/* What a check says in place of a message: nothing, or MAIL and RCPT, and RSET. */
static int probe(struct walk *w, const struct smtp_client_message *m)
{
	struct smtp_client_rcpt *rcpt = &w->rcpts[0];
	struct queue_reply reply;
	int r;

	if (w->s->check->to.n == 0) {
		rcpt->reply = (struct smtp_client_reply){ .code = 250, .text = S("") };
		return 0;
	}
	r = smtp_client_probe(w->link->client, m, w->rcpts, w->n, SMTP_CLIENT_RCPT, w->a);
	reply = send_reply_of(w->a, &rcpt->reply);
	if (reply.code == 0 && r < 0)
		reply = lost_reply(w, false);
	send_see(w->s, &(struct send_seen){ .step = SEND_SAW_RCPT, .err = r, .reply = reply, .rcpt_stage = rcpt->stage,
					    .outcome = is_closing(w) ? QUEUE_DEFERRED : outcome_of(w, rcpt, &reply) });
	return r;
}

/* 1: done; 0: the connection was of no use, whoever is left may be tried elsewhere. */
static int transact(struct walk *w, bool is_reused)
{
	AUTO(buf_fini) struct buf encoded = BUF_INIT(WALK_ENCODED);
	struct smtp_client_message m = { 0 };
	struct queue_reply closing;
	int r = send_convert(w->t, smtp_client_caps(w->link->client), &encoded, &m);

	w->has_spoken = true;
	w->link->n_used++;
	note_link(w, is_reused);
	if (r < 0) {
		w->ret->stage = QUEUE_AT_MAIL;
		decide_all(w, QUEUE_FAILED, send_say(w->a, "5.6.3", "%s takes no 8-bit messages, and this one cannot be encoded anew without "
						     "damage", w->link->host));
		return 1;
	}
	forget_replies(w);
	r = w->s->check ? probe(w, &m) : smtp_client_send(w->link->client, &m, w->rcpts, w->n, w->a);
	w->ret->stage = last_stage(w);
	w->is_kept |= !is_put_off(w);
	/* Where there is a fallback all hosts are asked before it. */
	if (is_closing(w) || (w->t->has_fallback && is_put_off(w))) {
		closing = send_reply_of(w->a, &w->rcpts[0].reply);
		note_trouble(w, w->ret->stage, closing);
		send_link_close(w->link);
		return 0;
	}
	take_replies(w, r < 0);
	if (r == 0)
		return 1;
	w->is_used_up = smtp_client_is_used_up(w->link->client);
	if (w->n > 0)
		note_trouble(w, w->ret->stage, w->is_used_up ? send_say(w->a, "4.5.3", "%s takes no more messages over one connection", w->link->host)
							     : lost_reply(w, false));
	send_link_close(w->link);
	return w->n == 0;
}

/* ---- one host ---- */

/* RFC 5321 5.1: our own listeners are no place to send to. */
static bool is_own(const struct send *s, const struct net_address *a)
{
	for (size_t i = 0; i < s->n_own; i++) {
		const struct net_address *o = &s->own[i];

		if (net_address_is_same_host(a, o) && net_address_port(a) == net_address_port(o))
			return true;
	}
	return false;
}

static void drop_address(struct send_place *p, size_t i)
{
	memmove(&p->v[i], &p->v[i + 1], (p->n - i - 1) * sizeof(*p->v));
	p->n--;
}

static bool drop_own(const struct send *s, struct send_place *p)
{
	bool found = false;

	for (size_t i = p->n; i-- > 0;)
		if (is_own(s, &p->v[i])) {
			drop_address(p, i);
			found = true;
		}
	return found;
}

static struct queue_reply loop_reply(struct walk *w, struct str host)
{
	return send_say(w->a, "5.4.6", "%" STR_FMT " is this server itself", STR_ARG(host));
}

/* The name that it gives itself is ours: whoever set up the DNS sent its mail in a circle. A host of the settings may be called as it likes. */
static bool is_ourselves(const struct walk *w)
{
	return w->t->hop.host.n == 0 && !w->t->hop.is_lmtp && str_chr(str_z(w->s->helo_z), '.') > 0 && /* many are called localhost */
	       str_ieq(smtp_client_caps(w->link->client)->name, str_z(w->s->helo_z));
}

static void note_session(struct walk *w, const struct send_target *t, size_t index)
{
	char peer[NET_ADDRESS_TEXT];

	if (!send_tlsrpt_is_on(&w->ret->tlsrpt) || t->seen->tls.state == SMTP_CLIENT_TLS_UNSEEN)
		return;
	net_address_text(&t->addresses[index], peer);
	send_tlsrpt_note(w->a, &w->ret->tlsrpt, &t->policy->published,
			 &(struct queue_tlsrpt_session){
				 .outcome = send_tlsrpt_judge(t->policy, &t->seen->tls),
				 .host = t->host,
				 .peer = str_z(peer),
				 .own = str_z(t->seen->own),
				 .reason = str_z(t->seen->tls.why) });
}

/* RFC 8689 4.2.1: another of the domain's hosts may. A bounce goes without (RFC 8689 5). */
static bool lacks_requiretls(const struct walk *w)
{
	return (w->t->flags & QUEUE_REQUIRETLS) && w->t->reverse_path.n > 0 && !smtp_client_caps(w->link->client)->has_requiretls;
}

/* It was spoken to, and cannot have the message. */
static void pass_over(struct walk *w, enum queue_stage stage, struct queue_reply reply)
{
	w->is_kept = true;
	note_trouble(w, stage, reply);
	send_link_close(w->link);
}

/* What came of one connection: 0 with a link; negative: none, and the address at *ret_index is of no use. */
static int connect_once(struct walk *w, const struct send_target *target, size_t *ret_index)
{
	struct queue_reply reply = { 0 };
	enum queue_stage stage = QUEUE_AT_CONNECT;
	int r = send_link_open(w->s, w->link, target, w->a, ret_index, &stage, &reply);

	w->n_connections++;
	if (*ret_index < target->n)
		note_session(w, target, *ret_index);
	else if (w->has_reached && !send_is_permanent(&w->trouble))
		return r;
	w->has_reached = true;
	if (r == 0)
		return 0;
	w->is_kept |= reply.code >= 500 || (stage == QUEUE_AT_TLS && !target->policy->may_plain) || (stage == QUEUE_AT_AUTH && reply.code == 0);
	reply = send_reply_before(w->a, reply);
	note_trouble(w, stage, reply);
	return r;
}

/* One after the other of the host's addresses, until one can be spoken to. 1: done; 0: the next host. */
static int try_addresses(struct walk *w, struct str host, struct send_place *place, const struct send_policy *policy)
{
	struct send_policy p = *policy;

	w->has_reached = false;
	while (place->n > 0 && w->n > 0 && may_go_on(w)) {
		struct send_session_seen seen = { 0 };
		const struct send_target target = { .attempt = w->t, .host = host, .addresses = place->v, .n = place->n, .policy = &p,
						    .deadline_ms = send_deadline(w->s, send_connect_ms(w->s)), .seen = &seen };
		size_t i = 0, n = w->n;
		int r = connect_once(w, &target, &i);

		if (i == place->n)
			return 0;
		if (r == -E_TLS && p.may_plain && p.starttls != NET_STARTTLS_NEVER) {
			p.starttls = NET_STARTTLS_NEVER;
			continue;
		}
		p.starttls = policy->starttls;
		if (r == 0 && is_ourselves(w)) {
			w->self = w->host;
			pass_over(w, QUEUE_AT_HELO, loop_reply(w, host));
		} else if (r == 0 && lacks_requiretls(w)) {
			w->has_spoken = true;
			pass_over(w, QUEUE_AT_MAIL, send_say(w->a, "5.7.30", "%" STR_FMT " does not offer REQUIRETLS, which the message needs", STR_ARG(host)));
		} else if (r == 0 && transact(w, false) > 0) {
			return 1;
		} else if (r == 0 && w->is_used_up && w->n < n) { /* the others have another connection there */
			continue;
		}
		drop_address(place, i);
	}
	return w->n == 0;
}

/* RFC 5321 4.1.3, without the brackets. */
static bool read_literal(const struct queue_hop *h, struct net_address *ret)
{
	bool is_ipv6 = str_istarts(h->host, S("IPv6:"));

	return net_address_parse(is_ipv6 ? str_skip(h->host, 5) : h->host, h->port, ret);
}

/* It did not even come to a connection. */
static void note_unused(struct walk *w, const struct queue_tlsrpt_policy *p,
			enum queue_tlsrpt_outcome outcome, struct str host, struct str reason)
{
	if (send_tlsrpt_is_on(&w->ret->tlsrpt) && outcome != QUEUE_TLSRPT_SUCCESS)
		send_tlsrpt_note(w->a, &w->ret->tlsrpt, p,
				 &(struct queue_tlsrpt_session){
					 .outcome = outcome, .host = host, .reason = reason });
}

static int find_place(struct walk *w, const struct send_host *host, struct send_place *ret)
{
	struct send *s = w->s;
	struct queue_reply reply = { 0 };
	int r;

	if (host->name.n == 0) {
		ret->v = ARENA_ARRAY(w->a, struct net_address, 1);
		if (!ret->v || !read_literal(&w->t->hop, ret->v)) {
			note_trouble(w, QUEUE_AT_DNS, send_say(w->a, "5.1.2", "no address: %" STR_FMT, STR_ARG(w->t->hop.host)));
			return -E_SYNTAX;
		}
		ret->n = 1;
		return 0;
	}
	r = s->names.addresses(s->names.ctx, w->a, host->name, w->t->hop.port, s->q->may_private || w->t->hop.host.n > 0,
			       send_deadline(s, s->q->command_timeout_ms), ret, &reply);
	w->is_kept |= r < 0 || ret->has_own; /* what it would have to have is not known; 6 */
	if (ret->has_own)
		w->self = host;
	if (r == -E_DENIED)
		note_unused(w, &(struct queue_tlsrpt_policy){ .type = QUEUE_TLSRPT_TLSA, .domain = host->name }, QUEUE_TLSRPT_DNSSEC_INVALID,
			    host->name, reply.text);
	if (r == 0 && ret->n == 0)
		r = -E_NOT_FOUND;
	if (r < 0)
		note_trouble(w, QUEUE_AT_DNS, reply);
	send_see(s, &(struct send_seen){ .step = SEND_SAW_ADDRESSES, .place = ret, .err = r, .reply = reply,
					 .outcome = r < 0 ? send_outcome_before(QUEUE_AT_DNS, &reply) : QUEUE_DELIVERED });
	return r;
}

/* user@[127.0.0.1]: whoever writes mail does not choose hosts of our own network. The settings may. */
static bool is_forbidden(const struct walk *w, const struct send_host *host, const struct send_place *place)
{
	return host->name.n == 0 && str_starts(w->t->hop.domain, S("[")) && !w->s->q->may_private && net_address_is_private(&place->v[0]);
}

/* This host is not asked, and it is not for a fallback to say otherwise. 0. */
static int keep(struct walk *w, enum queue_stage stage, struct queue_reply reply)
{
	w->is_kept = true;
	note_trouble(w, stage, reply);
	return 0;
}

static int try_host(struct walk *w, const struct send_domain *d, const struct send_host *host)
{
	struct str name = host->name.n > 0 ? host->name : w->t->hop.host;
	struct send_place place = { 0 };
	struct send_policy policy;
	struct queue_reply reply = { 0 };
	bool has_own;

	w->host = host;
	if (find_place(w, host, &place) < 0)
		return 0;
	has_own = drop_own(w->s, &place);
	w->is_kept |= has_own;
	if (has_own)
		w->self = host;
	if (has_own && place.n == 0)
		return keep(w, QUEUE_AT_DNS, loop_reply(w, name));
	if (is_forbidden(w, host, &place))
		return keep(w, QUEUE_AT_DNS, send_say(w->a, "5.4.4", "%" STR_FMT " is no address of a host on the Internet", STR_ARG(name)));
	if (send_policy_of(w->s, w->a, d, host, &place, &policy, &reply) < 0) {
		note_unused(w, &policy.published, policy.trouble, name, reply.text);
		return keep(w, QUEUE_AT_TLS, reply);
	}
	w->has_asked = true;
	w->asked = policy.asked > w->asked ? policy.asked : w->asked;
	if (w->s->check && w->s->check->is_dns_only) {
		decide_all(w, QUEUE_DELIVERED, (struct queue_reply){ 0 });
		return 1;
	}
	return try_addresses(w, name, &place, &policy);
}

/* ---- the whole ---- */

static int find_hosts(struct walk *w, struct send_hosts *ret)
{
	const struct queue_hop *h = &w->t->hop;
	struct send *s = w->s;
	struct queue_reply reply = { 0 };
	struct net_address literal;
	int r;

	if (h->host.n > 0) {
		ret->hosts = ARENA_ARRAY(w->a, struct send_host, 1);
		if (!ret->hosts)
			return -E_LIMIT;
		if (!read_literal(h, &literal))
			ret->hosts[0].name = h->host;
		ret->n = 1;
		ret->is_secure = true; /* the settings are as good as DNSSEC */
		send_see(s, &(struct send_seen){ .step = SEND_SAW_MX, .hosts = ret });
		return 0;
	}
	r = s->names.mx(s->names.ctx, w->a, h->domain, s->own_names, send_deadline(s, s->q->command_timeout_ms), ret, &reply);
	if (r < 0 || ret->n == 0)
		note_trouble(w, QUEUE_AT_DNS, reply);
	send_see(s, &(struct send_seen){ .step = SEND_SAW_MX, .hosts = ret, .err = r, .reply = reply,
					 .outcome = r < 0 || ret->n == 0 ? send_outcome_before(QUEUE_AT_DNS, &reply) : QUEUE_DELIVERED });
	return r;
}

/*
 * A check's host, as if it was the only one. What decides there decides the whole if nothing did before, else its trouble is one of many: as if
 * it had been tried in its turn.
 */
static void look_at_host(struct walk *w, const struct send_domain *d, size_t i)
{
	const struct send_host *host = &d->hosts.hosts[i];
	struct smtp_client_rcpt rcpt = w->rcpts[0];
	struct queue_rcpt_result got = { 0 };
	struct queue_result result = { .rcpts = &got };
	size_t place = 0;
	struct walk one = { .s = w->s, .t = w->t, .a = w->a, .link = w->link, .ret = &result, .rcpts = &rcpt, .places = &place, .n = 1,
			    .n_connections = w->n > 0 ? w->n_connections : 0, .until_ms = w->n > 0 ? w->until_ms : INT64_MAX };
	bool is_decided;

	send_check_host(w->s, host->name.n > 0 ? host->name : w->t->hop.host, d->hosts.n - i);
	is_decided = try_host(&one, d, host) > 0;
	send_link_close(w->link);
	w->n_connections = one.n_connections;
	w->self = one.self ? host : w->self;
	if (!is_decided)
		end_with_trouble(&one);
	if (is_decided && w->n > 0)
		decide_all(w, got.outcome, got.reply);
	else if (w->n > 0)
		note_trouble(w, one.trouble_stage, one.trouble);
	send_see(w->s, &(struct send_seen){ .step = SEND_SAW_HOST, .outcome = got.outcome, .reply = got.reply });
}

/*
 * DEVIATION(RFC 5321 5.1): hosts as preferred as we are may be asked: which of them are ourselves is known only when it is their turn, and by the
 * same rule none of them gives it back.
 */
static bool is_behind_self(const struct walk *w, const struct send_host *host)
{
	return w->self && host->preference > w->self->preference;
}

static void visit_hosts(struct walk *w)
{
	struct send_domain d = { .attempt = w->t };
	enum queue_tlsrpt_outcome trouble = QUEUE_TLSRPT_SUCCESS;

	send_tlsrpt_begin(w->s, w->a, w->t, &w->ret->tlsrpt);
	d.is_reported = send_tlsrpt_is_on(&w->ret->tlsrpt);
	if (find_hosts(w, &d.hosts) < 0)
		return;
	w->is_kept |= d.hosts.is_self;
	d.has_sts = d.hosts.n > 0 && send_sts_of(w->s, w->a, w->t, &d.sts, &w->ret->sts, &trouble);
	if (d.is_reported && trouble != QUEUE_TLSRPT_SUCCESS) {
		const struct queue_tlsrpt_policy p = send_tlsrpt_of_sts(w->a, w->t->hop.domain, d.has_sts ? &d.sts : NULL);

		note_unused(w, &p, trouble, S(""), S(""));
	}
	for (size_t i = 0; w->s->check && i < d.hosts.n && (w->n == 0 || may_go_on(w)) && !is_behind_self(w, &d.hosts.hosts[i]); i++)
		look_at_host(w, &d, i);
	if (w->s->check)
		return;
	for (size_t i = 0; i < d.hosts.n && !is_behind_self(w, &d.hosts.hosts[i]); i++) {
		if (!may_go_on(w)) {
			w->is_kept = true; /* what the others would have to have is not known */
			return;
		}
		if (try_host(w, &d, &d.hosts.hosts[i]) > 0)
			return;
	}
}

/*
 * A host that is begun last: its addresses and policy, the connection, replies up to DATA (those to RCPT have a tenth more for each), the
 * body at 4 bytes in a millisecond, the answers to it; once more over a connection that had been kept. Twice that, to be sure.
 */
int64_t send_walk_max_ms(const struct send *s, const struct queue_attempt *t)
{
	const struct queue_conf *q = s->q;
	int64_t rcpts = 2 + QUEUE_ATTEMPT_RCPTS / 10;
	int64_t dialogue_ms = (12 + rcpts) * q->command_timeout_ms + rcpts * q->data_end_timeout_ms + (int64_t)t->message.n;

	return 2 * ((WALK_REPLIES + 10) * q->command_timeout_ms + q->connect_timeout_ms + 2 * dialogue_ms + 60000);
}

static void set_up(struct walk *w)
{
	const struct queue_attempt *t = w->t;

	w->rcpts = mem_alloc(t->n_rcpts, sizeof(*w->rcpts));
	w->places = mem_alloc(t->n_rcpts, sizeof(*w->places));
	for (size_t i = 0; i < t->n_rcpts; i++) {
		w->rcpts[i] = (struct smtp_client_rcpt){ .address = t->rcpts[i].address, .orcpt = t->rcpts[i].orcpt,
							 .notify = t->rcpts[i].notify };
		w->places[i] = i;
	}
	w->n = t->n_rcpts;
}

void send_walk(struct send *s, const struct queue_attempt *t, struct arena *a, struct send_link *link, struct queue_result *ret)
{
	int64_t begun_ms = clock_mono_ms();
	struct walk w = { .s = s, .t = t, .a = a, .link = link, .ret = ret,
			  .until_ms = begun_ms + WALK_REPLIES * s->q->command_timeout_ms };

	*ret = (struct queue_result){ .id = t->id, .rcpts = ret->rcpts, .n_rcpts = t->n_rcpts };
	set_up(&w);
	if (!send_link_is_good(link, t) || transact(&w, true) == 0) {
		if (w.n == t->n_rcpts) /* a kept connection that has died before it said anything of a recipient says nothing of its host */
			w.has_spoken = w.has_trouble = w.is_kept = false;
		visit_hosts(&w);
	}
	if (w.n > 0)
		end_with_trouble(&w);
	send_tlsrpt_end(s, a, t, &ret->tlsrpt);
	mem_free(w.rcpts);
	mem_free(w.places);
	ret->is_root_signed = s->dns && net_dns_has_root(s->dns);
	ret->ms = clock_mono_ms() - begun_ms;
}
