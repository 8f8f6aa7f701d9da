/* SPDX-License-Identifier: MIT */
/*
 * Questions and answers. libunbound works on a thread of its own; one thread of ours takes what it has found, whoever asked
 * waits on a condition.
 *
 *  1. A question is the asker's until its deadline, then it is nobody's: libunbound goes on for a while, and who takes its
 *     answer frees it. At most DNS_QUESTIONS of both kinds are under way.
 *  2. libunbound is never called with the lock held: it calls us.
 *  3. With dnssec = auto a bogus answer makes us ask for the root itself. When that is bogus too, never was right and is not expected to be, the resolvers
 *     give no signatures at all: the plain context answers for a while, everything insecure.
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "net/dns_int.h"

#include "base/clock.h"
#include "base/must.h"

#define UNSIGNED_MS 60000
#define ROOT S(".")

struct dns_question {
	struct net_dns *d;
	struct dns_question *prev, *next;
	struct lock_cond done;
	bool is_done, is_abandoned;
	int err;
	struct ub_result *result;
};

/* ---- questions under way ---- */

static struct dns_question *question_new(struct net_dns *d)
{
	struct dns_question *q = NULL;

	lock_get(&d->lock);
	if (d->n_questions < DNS_QUESTIONS) {
		q = MEM_NEW(struct dns_question);
		q->d = d;
		lock_cond_init(&q->done);
		q->next = d->questions;
		if (q->next)
			q->next->prev = q;
		d->questions = q;
		d->n_questions++;
	}
	lock_put(&d->lock);
	return q;
}

static void question_free(struct dns_question *q)
{
	struct net_dns *d = q->d;

	must(lock_held(&d->lock));
	if (q->prev)
		q->prev->next = q->next;
	else
		d->questions = q->next;
	if (q->next)
		q->next->prev = q->prev;
	d->n_questions--;
	if (q->result)
		d->ub.resolve_free(q->result);
	lock_cond_fini(&q->done);
	mem_free(q);
}

void net_dns_forget(struct net_dns *d)
{
	lock_get(&d->lock);
	while (d->questions) {
		must(d->questions->is_abandoned);
		question_free(d->questions);
	}
	lock_put(&d->lock);
}

static void answered(void *arg, int err, struct ub_result *result)
{
	struct dns_question *q = arg;
	struct net_dns *d = q->d;

	lock_get(&d->lock);
	q->err = err;
	q->result = err == 0 ? result : NULL;
	q->is_done = true;
	if (q->is_abandoned)
		question_free(q);
	else
		lock_signal(&q->done);
	lock_put(&d->lock);
}

/* ---- the thread ---- */

void net_dns_wake(struct net_dns *d)
{
	uint64_t one = 1;

	must(write(d->wake_fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
}

static void take_answers(struct net_dns *d, struct ub_ctx *ctx, const struct pollfd *fd)
{
	if (ctx && fd->revents)
		(void)d->ub.process(ctx);
}

/* Makes it when it is wanted; gives what there is. */
static struct ub_ctx *make_wanted(struct net_dns *d, struct dns_context *c)
{
	struct ub_ctx *ub;
	bool is_wanted;

	lock_get(&d->lock);
	ub = c->ub;
	is_wanted = c->is_wanted;
	lock_put(&d->lock);
	if (!is_wanted)
		return ub;
	if (!ub)
		ub = net_dns_ctx(d, c == &d->validated, NULL);
	lock_get(&d->lock);
	c->ub = ub;
	c->is_wanted = false;
	lock_broadcast(&d->made);
	lock_put(&d->lock);
	return ub;
}

void *net_dns_main(void *arg)
{
	struct net_dns *d = arg;
	uint64_t count;

	for (;;) {
		struct pollfd fds[3] = { { .fd = d->wake_fd, .events = POLLIN }, { .fd = -1 }, { .fd = -1 } };
		struct ub_ctx *validated = make_wanted(d, &d->validated), *plain = make_wanted(d, &d->plain);
		bool is_closing;

		lock_get(&d->lock);
		is_closing = d->is_closing;
		lock_put(&d->lock);
		if (is_closing)
			return NULL;
		if (validated)
			fds[1] = (struct pollfd){ .fd = d->ub.fd(validated), .events = POLLIN };
		if (plain)
			fds[2] = (struct pollfd){ .fd = d->ub.fd(plain), .events = POLLIN };
		must(poll(fds, ARRAY_LEN(fds), -1) >= 0 || errno == EINTR);
		if (fds[0].revents)
			must(read(d->wake_fd, &count, sizeof(count)) == sizeof(count) || errno == EAGAIN);
		take_answers(d, validated, &fds[1]);
		take_answers(d, plain, &fds[2]);
	}
}

/* ---- one question ---- */

static int fill(struct arena *a, const struct ub_result *result, struct str name, struct net_dns_answer *ret)
{
	struct str canonical = result->canonname ? str_z(result->canonname) : name;
	size_t n = 0;

	while (!result->bogus && result->data && result->data[n])
		n++;
	if (str_ends(canonical, S(".")))
		canonical.n--;
	*ret = (struct net_dns_answer){
		.trust = result->bogus ? NET_DNS_BOGUS : result->secure ? NET_DNS_SECURE : NET_DNS_INSECURE,
		.is_nxdomain = result->nxdomain && !result->bogus,
		.canonical = arena_str(a, canonical),
		.ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0,
		.rdata = ARENA_ARRAY(a, struct str, n),
		.n = n,
		.why = arena_str(a, result->bogus ? str_z(result->why_bogus) : S("")),
	};
	if (!ret->canonical.p || !ret->why.p || (n > 0 && !ret->rdata))
		return -E_LIMIT;
	for (size_t i = 0; i < n; i++) {
		ret->rdata[i] = arena_str(a, str_of(result->data[i], (size_t)result->len[i]));
		if (!ret->rdata[i].p)
			return -E_LIMIT;
	}
	return 0;
}

/* RFC 1035 4.1.1, RFC 6895 2.3 */
static const char *rcode_text(int rcode)
{
	static const char *const texts[] = { "no error", "it does not understand the question", "no answer from the servers of the domain",
					     "no such name", "it does not know this kind of question", "it refuses to answer" };

	return rcode >= 0 && (size_t)rcode < ARRAY_LEN(texts) ? texts[rcode] : "an error";
}

/* NXDOMAIN (3) is an answer. */
static int take(struct net_dns *d, struct arena *a, const struct dns_question *q, struct str name, struct net_dns_answer *ret,
		struct fault *fault)
{
	const struct ub_result *result = q->result;

	if (!result)
		return fault_set(fault, -E_IO, "the resolver: %s", d->ub.strerror(q->err));
	if (!result->bogus && result->rcode != 0 && !result->nxdomain)
		return fault_set(fault, -E_IO, "the DNS gives no answer for %" STR_FMT ": %s (%d)", STR_ARG(name),
				 rcode_text(result->rcode), result->rcode);
	return fill(a, result, name, ret);
}

static int begin(struct dns_question *q, struct ub_ctx *ctx, struct str name, enum net_dns_type type)
{
	char name_z[256];

	memcpy(name_z, name.p, name.n);
	name_z[name.n] = '\0';
	return q->d->ub.resolve_async(ctx, name_z, (int)type, 1, q, answered, NULL);
}

static int ask(struct net_dns *d, struct ub_ctx *ctx, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms,
	       struct net_dns_answer *ret, struct fault *fault)
{
	struct dns_question *q = question_new(d);
	bool is_done;
	int r;

	if (!q)
		return fault_set(fault, -E_IO, "too many questions to the DNS wait for their answers");
	r = begin(q, ctx, name, type);
	lock_get(&d->lock);
	if (r != 0) {
		q->err = r;
		q->is_done = true;
	}
	while (!q->is_done && lock_wait(&d->lock, &q->done, deadline_ms))
		;
	is_done = q->is_done;
	q->is_abandoned = !is_done; /* and freed, any moment after this */
	lock_put(&d->lock);
	if (!is_done)
		return fault_set(fault, -E_TIMEOUT, "the DNS gives no answer for %" STR_FMT " in time", STR_ARG(name));
	r = take(d, a, q, name, ret, fault);
	lock_get(&d->lock);
	question_free(q);
	lock_put(&d->lock);
	return r;
}

/* ---- with and without signatures ---- */

static bool is_with_signatures(const struct net_dns *d)
{
	must(lock_held(&d->lock));
	return d->dnssec != NET_DNS_DNSSEC_NO && (d->is_root_validated || clock_mono_ms() >= d->unsigned_until_ms);
}

static void want(struct net_dns *d, struct dns_context *c)
{
	must(lock_held(&d->lock));
	if (c->ub || c->is_wanted)
		return;
	c->is_wanted = true;
	net_dns_wake(d);
}

/* It, made if need be; NULL: it cannot be made, or not in time. */
static struct ub_ctx *made(struct net_dns *d, struct dns_context *c, int64_t deadline_ms)
{
	want(d, c);
	while (c->is_wanted && lock_wait(&d->lock, &d->made, deadline_ms))
		;
	return c->ub;
}

static struct ub_ctx *choose(struct net_dns *d, int64_t deadline_ms)
{
	struct ub_ctx *ctx;

	lock_get(&d->lock);
	ctx = made(d, is_with_signatures(d) ? &d->validated : &d->plain, deadline_ms);
	lock_put(&d->lock);
	return ctx;
}

static void root_is_right(struct net_dns *d)
{
	lock_get(&d->lock);
	d->is_root_validated = true;
	lock_put(&d->lock);
}

static bool may_be_unsigned(struct net_dns *d)
{
	bool is_right;

	lock_get(&d->lock);
	is_right = d->is_root_validated || d->is_root_expected;
	lock_put(&d->lock);
	return d->dnssec == NET_DNS_DNSSEC_AUTO && !is_right;
}

/* The plain context, made if need be, to be asked for a while; NULL: it cannot be made. */
static struct ub_ctx *without_signatures(struct net_dns *d, int64_t deadline_ms)
{
	struct ub_ctx *ctx;

	lock_get(&d->lock);
	ctx = made(d, &d->plain, deadline_ms);
	if (d->is_root_validated) /* another one may have been right meanwhile */
		ctx = NULL;
	if (ctx)
		d->unsigned_until_ms = clock_mono_ms() + UNSIGNED_MS;
	lock_put(&d->lock);
	return ctx;
}

/* The answer was bogus, so there is a context with signatures: is it this name, or do the resolvers give no signatures? NULL: this name, or it cannot be told. */
static struct ub_ctx *look_at_root(struct net_dns *d, struct arena *a, int64_t deadline_ms)
{
	struct net_dns_answer root = { 0 };

	if (!may_be_unsigned(d) || ask(d, d->validated.ub, a, ROOT, NET_DNS_SOA, deadline_ms, &root, NULL) < 0)
		return NULL;
	if (root.trust == NET_DNS_SECURE)
		root_is_right(d);
	return root.trust == NET_DNS_BOGUS ? without_signatures(d, deadline_ms) : NULL;
}

int net_dns_ask(struct net_dns *d, struct arena *a, struct str name, enum net_dns_type type, int64_t deadline_ms,
		struct net_dns_answer *ret, struct fault *fault)
{
	int64_t latest_ms = clock_mono_ms() + d->timeout_ms;
	struct ub_ctx *ctx;
	int r;

	if (!net_dns_is_name(name))
		return fault_set(fault, -E_SYNTAX, "not a name of a host or domain: %" STR_FMT, STR_ARG(str_head(name, 100)));
	deadline_ms = deadline_ms > latest_ms ? latest_ms : deadline_ms < 1 ? 1 : deadline_ms;
	ctx = choose(d, deadline_ms);
	if (!ctx)
		return fault_set(fault, -E_IO, "the resolver does not start");
	r = ask(d, ctx, a, name, type, deadline_ms, ret, fault);
	if (r == 0 && ret->trust == NET_DNS_SECURE)
		root_is_right(d);
	if (r == 0 && ret->trust == NET_DNS_BOGUS) {
		ctx = look_at_root(d, a, deadline_ms);
		if (ctx)
			r = ask(d, ctx, a, name, type, deadline_ms, ret, fault);
	}
	return r;
}

void net_dns_ahead(struct net_dns *d, struct str name, enum net_dns_type type)
{
	struct dns_question *q;
	struct ub_ctx *ctx;

	lock_get(&d->lock);
	ctx = (is_with_signatures(d) ? &d->validated : &d->plain)->ub;
	lock_put(&d->lock);
	q = ctx && net_dns_is_name(name) ? question_new(d) : NULL;
	if (!q)
		return;
	lock_get(&d->lock);
	q->is_abandoned = true;
	lock_put(&d->lock);
	if (begin(q, ctx, name, type) != 0) {
		lock_get(&d->lock);
		question_free(q);
		lock_put(&d->lock);
	}
}

bool net_dns_has_root(struct net_dns *d)
{
	bool has_root;

	lock_get(&d->lock);
	has_root = d->is_root_validated;
	lock_put(&d->lock);
	return has_root;
}

void net_dns_expect_root(struct net_dns *d, bool is_expected)
{
	lock_get(&d->lock);
	d->is_root_expected = is_expected;
	if (is_expected)
		d->unsigned_until_ms = 0;
	lock_put(&d->lock);
}

bool net_dns_is_validating(struct net_dns *d)
{
	bool is_validating;

	lock_get(&d->lock);
	is_validating = is_with_signatures(d);
	lock_put(&d->lock);
	return is_validating;
}
