/* SPDX-License-Identifier: MIT */
/* What each step of a check found, in words: a function and a row for each. */
#include <stdio.h>
#include <time.h>

#include "cli/check.h"

#include "base/clock.h"
#include "server/admin.h"

#define DAY_S 86400
#define INDENT "             "

const char *const check_state_names[CHECK_N_STATES] = { "ok", "none", "later", "failed" };

enum check_state check_state_of(enum queue_outcome outcome)
{
	static const enum check_state states[QUEUE_N_OUTCOMES] = { CHECK_OK, CHECK_OK, CHECK_LATER, CHECK_FAILED };

	return states[outcome];
}

static const char *trust(bool is_secure)
{
	return is_secure ? "secure" : "insecure";
}

static void say(struct check_finding *f, struct str text)
{
	json_array_append_new(f->found, admin_json_str(text));
}

static void set(struct check_finding *f, const char *key_z, json_t *value)
{
	json_object_set_new(f->details, key_z, value);
}

/* A stranger's word, without what is no character to be shown. */
static struct str shown(struct arena *a, struct str s)
{
	char *p = arena_z(a, s);

	for (size_t i = 0; p && i < s.n; i++)
		if ((unsigned char)p[i] < 0x20 || (unsigned char)p[i] >= 0x7f)
			p[i] = '?';
	return p ? str_of(p, s.n) : S("");
}

static struct str date_text(struct arena *a, int64_t at_s)
{
	char date[32] = "";
	time_t t = (time_t)at_s;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	return arena_str(a, str_z(date));
}

struct str check_reply_text(struct arena *a, const struct queue_reply *r)
{
	const char *space_z = r->enhanced.n > 0 ? " " : "";

	if (r->code)
		return arena_printf(a, "%d %" STR_FMT "%s%" STR_FMT, r->code, STR_ARG(r->enhanced), space_z, STR_ARG(r->text));
	return arena_printf(a, "%" STR_FMT "%s%" STR_FMT, STR_ARG(r->enhanced), space_z, STR_ARG(r->text));
}

/* ---- the DNS ---- */

static bool row_mx(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	const struct send_hosts *h = s->hosts;
	json_t *list = json_array();

	f->trust_z = s->err == 0 && c->what.hop.host.n == 0 ? trust(h->is_secure) : f->trust_z;
	for (size_t i = 0; s->err == 0 && i < h->n; i++) {
		const struct send_host *host = &h->hosts[i];
		struct str name = host->name.n > 0 ? host->name : c->what.hop.host;

		if (c->what.hop.host.n > 0)
			say(f, arena_printf(&c->arena, "%" STR_FMT " (not asked for: this host was given)", STR_ARG(name)));
		else if (host->is_mx)
			say(f, arena_printf(&c->arena, "%u %" STR_FMT, host->preference, STR_ARG(name)));
		else
			say(f, arena_printf(&c->arena, "%" STR_FMT " (no MX records: the domain itself)", STR_ARG(name)));
		json_array_append_new(list, json_pack("{s:o, s:i, s:b}", "host", admin_json_str(name), "preference", host->preference,
						      "is_mx", host->is_mx));
	}
	set(f, "hosts", list);
	set(f, "is_null_mx", json_boolean(h->is_null_mx));
	set(f, "is_self", json_boolean(h->is_self));
	return true;
}

static bool row_sts(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	static const char *const modes[] = { [STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce" };
	const struct send_sts *t = s->sts;
	json_t *mx = json_array();

	c->has_sts = t->has_policy;
	c->sts = t->policy;
	f->state = t->has_policy ? CHECK_OK : CHECK_NONE;
	if (t->id.n == 0 && !t->why_z[0])
		say(f, S("no record"));
	if (t->why_z[0])
		say(f, arena_printf(&c->arena, "its policy cannot be had: %" STR_FMT, STR_ARG(shown(&c->arena, str_z(t->why_z)))));
	if (t->has_policy)
		say(f, arena_printf(&c->arena, "mode %s, for %lld s", modes[t->policy.mode], (long long)t->policy.max_age_s));
	if (t->is_remembered)
		say(f, arena_printf(&c->arena, "as the server remembers it from %" STR_FMT, STR_ARG(date_text(&c->arena, c->what.sts.fetched_s))));
	if (!t->has_policy && !c->has_memory)
		say(f, S("whether the server remembers one cannot be asked here"));
	for (size_t i = 0; t->has_policy && i < t->policy.n_mx; i++) {
		say(f, arena_printf(&c->arena, "mx %" STR_FMT, STR_ARG(shown(&c->arena, t->policy.mx[i]))));
		json_array_append_new(mx, admin_json_str(t->policy.mx[i]));
	}
	set(f, "id", admin_json_str(t->id));
	set(f, "mode", json_string(t->has_policy ? modes[t->policy.mode] : ""));
	set(f, "max_age", json_integer(t->has_policy ? t->policy.max_age_s : 0));
	set(f, "mx", mx);
	set(f, "why", admin_json_str(shown(&c->arena, str_z(t->why_z))));
	set(f, "is_remembered", json_boolean(t->is_remembered));
	set(f, "is_memory_known", json_boolean(c->has_memory));
	return true;
}

static bool row_addresses(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	json_t *list = json_array();

	(void)c;
	f->trust_z = s->err == 0 ? trust(s->place->is_secure) : f->trust_z;
	for (size_t i = 0; s->err == 0 && i < s->place->n; i++) {
		char text[NET_ADDRESS_TEXT];

		net_address_text(&s->place->v[i], text);
		say(f, str_z(text));
		json_array_append_new(list, json_string(text));
	}
	set(f, "addresses", list);
	return true;
}

/* As in a zone file, the data cut. */
static struct str tlsa_text(struct arena *a, struct str rdata)
{
	struct net_dns_tlsa t;
	char hex[2 * 32 + 1];
	size_t n;

	if (!net_dns_tlsa(rdata, &t))
		return S("not well-formed");
	n = t.data.n < 32 ? t.data.n : 32;
	hex[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)t.data.p[i]);
	return arena_printf(a, "%u %u %u %s%s%s", t.usage, t.selector, t.matching, hex, n < t.data.n ? "..." : "",
			    send_tlsa_is_usable(rdata) ? "" : " (of no use for mail)");
}

static bool row_dane(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	const struct send_records *records = s->records;
	json_t *list = json_array();

	if (records->n > 0)
		f->trust_z = "secure";
	else if (s->err == 0)
		f->state = CHECK_NONE;
	if (s->err == 0 && records->n == 0)
		say(f, !net_dns_is_validating(c->dns) ? S("signatures of the DNS are not checked")
		       : s->is_secure ? S("no records") : S("not asked for: the DNS that leads here is not signed"));
	for (size_t i = 0; i < records->n; i++) {
		say(f, tlsa_text(&c->arena, records->v[i]));
		json_array_append(list, json_array_get(f->found, i));
	}
	if (records->n > 0 && !records->is_usable)
		say(f, S("TLS is demanded, with any certificate"));
	set(f, "records", list);
	set(f, "base", admin_json_str(records->base));
	set(f, "is_usable", json_boolean(records->is_usable));
	return true;
}

static bool row_policy(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	static const struct {
		const char *name_z, *text_z;
	} levels[] = {
		[SEND_PLAIN] = { "plain", "TLS if it is offered, with any certificate; else in the clear" },
		[SEND_ENCRYPTED] = { "encrypted", "TLS is demanded, with any certificate" },
		[SEND_VERIFIED] = { "verified", "TLS is demanded, verified by " },
	};
	bool is_verified = s->level == SEND_VERIFIED;

	c->is_tls_off = s->err == 0 && s->starttls == NET_STARTTLS_NEVER;
	if (c->is_tls_off)
		say(f, S("no TLS: the settings say so"));
	else if (s->err == 0)
		say(f, arena_printf(&c->arena, "%s%s%s", levels[s->level].text_z, is_verified ? s->by_z : "",
				    s->starttls == NET_STARTTLS_FROM_START ? ", from the start" : ""));
	if (c->has_sts && c->sts.mode == STS_TESTING && !sts_policy_has_mx(&c->sts, s->host))
		say(f, S("the MTA-STS policy, which is being tested, does not name this host"));
	set(f, "level", json_string(s->err == 0 ? levels[s->level].name_z : ""));
	set(f, "by", json_string(s->err == 0 && is_verified ? s->by_z : ""));
	set(f, "is_named_by_mta_sts", c->has_sts ? json_boolean(sts_policy_has_mx(&c->sts, s->host)) : json_null());
	return true;
}

/* ---- the connection ---- */

static bool row_connect(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	snprintf(c->tls, sizeof(c->tls), "%s", "in the clear");
	c->has_starttls = false;
	if (s->err == 0)
		say(f, arena_printf(&c->arena, "%s, port %u", s->address_z, c->what.hop.port));
	if (s->err == 0 && s->others_z[0])
		say(f, arena_printf(&c->arena, "not %s", s->others_z));
	set(f, "address", json_string(s->err == 0 ? s->address_z : ""));
	set(f, "others", json_string(s->err == 0 ? s->others_z : ""));
	return true;
}

static bool row_greeting(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	struct str text = check_reply_text(&c->arena, &s->reply);

	if (s->err == 0)
		say(f, text);
	set(f, "reply", admin_json_str(text));
	return true;
}

/* SIZE with its number, LIMITS with what they are. */
static void say_words(struct check *c, const struct smtp_client_caps *caps, struct check_finding *f)
{
	struct str words[32], limits = shown(&c->arena, caps->limits);
	size_t n = smtp_client_caps_words(caps, words, ARRAY_LEN(words));
	struct buf line = BUF_INIT(4096);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		buf_printf(&line, "%s%" STR_FMT, i > 0 ? " " : "", STR_ARG(words[i]));
		if (str_eq(words[i], S("SIZE")) && caps->max_size > 0)
			buf_printf(&line, "=%llu", (unsigned long long)caps->max_size);
		if (str_eq(words[i], S("LIMITS")) && limits.n > 0)
			buf_printf(&line, "=(%" STR_FMT ")", STR_ARG(limits));
		json_array_append_new(list, admin_json_str(words[i]));
	}
	say(f, n > 0 ? arena_str(&c->arena, buf_str(&line)) : caps->is_extended ? S("no extensions that matter here") : S("no extensions: HELO"));
	buf_fini(&line);
	set(f, "words", list);
	set(f, "max_size", json_integer((json_int_t)(caps->max_size > INT64_MAX ? INT64_MAX : caps->max_size)));
	set(f, "limits", admin_json_str(limits));
}

static bool row_helo(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	c->has_starttls = s->err == 0 && s->caps->has_starttls;
	if (s->err == 0)
		say_words(c, s->caps, f);
	return true;
}

/* RFC 3207 4: where nothing demands it, mail goes without what is not offered, is refused or fails. */
static void say_no_tls(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	f->state = CHECK_NONE;
	if (!c->has_starttls)
		say(f, S("not offered"));
	else if (s->starttls == NET_STARTTLS_NEVER)
		say(f, c->is_tls_off ? S("not wanted") : S("not tried again"));
	else
		say(f, arena_printf(&c->arena, "%s%" STR_FMT, s->err == 0 ? "refused: " : "", STR_ARG(check_reply_text(&c->arena, &s->reply))));
	if (s->err < 0)
		say(f, S("not demanded: mail goes without it"));
}

static bool row_starttls(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	bool has_tls = s->err == 0 && s->tls;

	if (has_tls) {
		snprintf(c->tls, sizeof(c->tls), "%s, %s%s", s->tls->version_z, s->tls->is_verified ? "verified by " : "not verified",
			 s->tls->is_verified ? s->by_z : "");
		say(f, arena_printf(&c->arena, "%s %s", s->tls->version_z, s->tls->cipher_z));
	} else if (s->err == 0 || s->level == SEND_PLAIN) {
		say_no_tls(c, s, f);
	}
	set(f, "version", json_string(has_tls ? s->tls->version_z : ""));
	set(f, "cipher", json_string(has_tls ? s->tls->cipher_z : ""));
	return true;
}

static struct str until_text(struct arena *a, int64_t not_after_s, int64_t days)
{
	struct str date = date_text(a, not_after_s);

	if (days < 0)
		return arena_printf(a, "expired on %" STR_FMT, STR_ARG(date));
	return arena_printf(a, "until %" STR_FMT ", %lld days left", STR_ARG(date), (long long)days);
}

static bool row_certificate(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	const struct net_stream_tls_info *t = s->tls;
	bool is_good = t && (t->is_verified || t->is_pkix_good);
	int64_t now_s = clock_wall_ms() / 1000, days;
	const char *by_z;

	if (!t || (!t->subject_z[0] && !t->names_z[0] && !t->not_after_s))
		return false;
	days = t->not_after_s >= now_s ? (t->not_after_s - now_s) / DAY_S : -1;
	by_z = t->is_verified && str_eq(str_z(s->by_z), S("DANE")) ? "DANE" : t->issuer_z;
	f->state = is_good ? CHECK_OK : s->err < 0 && s->level != SEND_PLAIN ? f->state : CHECK_NONE;
	say(f, t->names_z[0] ? arena_printf(&c->arena, "for %s", t->names_z) : arena_printf(&c->arena, "for no host: %s", t->subject_z));
	say(f, until_text(&c->arena, t->not_after_s, days));
	if (t->is_verified && days < 0) /* RFC 7671 5.1 */
		say(f, S("which is nothing to a certificate that its TLSA record names"));
	if (is_good)
		say(f, arena_printf(&c->arena, "verified by %s%s", by_z, t->is_verified ? "" : " (which nobody demands)"));
	else if (s->err == 0 || t->problem_z[0])
		say(f, arena_printf(&c->arena, "not verified%s%s%s", t->problem_z[0] ? ": " : "", t->problem_z,
				    s->level == SEND_VERIFIED ? "" : " (which nobody demands)"));
	set(f, "names", admin_json_str(str_z(t->names_z)));
	set(f, "subject", admin_json_str(str_z(t->subject_z)));
	set(f, "issuer", admin_json_str(str_z(t->issuer_z)));
	set(f, "not_after", json_integer(t->not_after_s));
	set(f, "days_left", json_integer(days));
	set(f, "is_verified", json_boolean(is_good));
	set(f, "by", admin_json_str(is_good ? str_z(by_z) : S("")));
	set(f, "problem", admin_json_str(str_z(t->problem_z)));
	return true;
}

static bool row_limits(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	say_words(c, s->caps, f);
	return true;
}

static bool row_auth(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	if (s->err == 0)
		say(f, arena_printf(&c->arena, "as %" STR_FMT, STR_ARG(c->what.hop.user)));
	return true;
}

static bool row_rcpt(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	struct str text = check_reply_text(&c->arena, &s->reply);

	if (f->state == CHECK_OK)
		say(f, text);
	set(f, "reply", admin_json_str(text));
	set(f, "from", admin_json_str(c->what.from));
	set(f, "to", admin_json_str(c->what.to));
	return true;
}

static bool row_mail(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	return s->rcpt_stage == SMTP_CLIENT_MAIL && row_rcpt(c, s, f);
}

static bool row_rcpt_only(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	return s->rcpt_stage != SMTP_CLIENT_MAIL && row_rcpt(c, s, f);
}

static bool row_host(struct check *c, const struct send_seen *s, struct check_finding *f)
{
	(void)s;
	if (f->state == CHECK_OK && c->what.is_dns_only)
		say(f, S("mail would be tried here"));
	else if (f->state == CHECK_OK)
		say(f, arena_printf(&c->arena, "mail would go here, %s", c->tls));
	else
		say(f, f->state == CHECK_LATER ? S("mail would wait") : S("mail would come back"));
	set(f, "tls", json_string(f->state == CHECK_OK && !c->what.is_dns_only ? c->tls : ""));
	return true;
}

static const struct {
	enum send_step step;
	const char *name_z;
	bool (*run)(struct check *c, const struct send_seen *s, struct check_finding *f); /* false: there is nothing to say */
} rows[] = {
	{ SEND_SAW_MX, "mx", row_mx },
	{ SEND_SAW_STS, "mta-sts", row_sts },
	{ SEND_SAW_ADDRESSES, "addresses", row_addresses },
	{ SEND_SAW_DANE, "dane", row_dane },
	{ SEND_SAW_POLICY, "policy", row_policy },
	{ SEND_SAW_CONNECT, "connect", row_connect },
	{ SEND_SAW_GREETING, "greeting", row_greeting },
	{ SEND_SAW_HELO, "ehlo", row_helo },
	{ SEND_SAW_TLS, "starttls", row_starttls },
	{ SEND_SAW_TLS, "certificate", row_certificate },
	{ SEND_SAW_AUTH, "auth", row_auth },
	{ SEND_SAW_LIMITS, "limits", row_limits },
	{ SEND_SAW_RCPT, "mail", row_mail },
	{ SEND_SAW_RCPT, "rcpt", row_rcpt_only },
	{ SEND_SAW_HOST, "host", row_host },
};

/* ---- rows ---- */

void check_print(struct str text)
{
	struct str line;

	while (str_split(&text, '\n', &line))
		printf(INDENT "%" STR_FMT "\n", STR_ARG(line));
}

static void print_finding(const char *name_z, struct str host, int64_t ms, const struct check_finding *f)
{
	printf("%-11s %-7s %5lld ms  %s%s%" STR_FMT "\n", name_z, check_state_names[f->state], (long long)ms, f->trust_z,
	       f->trust_z[0] && host.n ? "  " : "", STR_ARG(host));
	for (size_t i = 0; i < json_array_size(f->found); i++)
		check_print(str_z(json_string_value(json_array_get(f->found, i))));
	fflush(stdout);
}

/* The first row of a step has its time, and its reply in words. */
static void add_row(struct check *c, const char *name_z, const struct send_seen *s, bool is_first, struct check_finding *f)
{
	bool is_trouble = f->state >= CHECK_LATER;
	int64_t ms = is_first ? s->ms : 0;

	if (is_trouble && is_first && (s->reply.code || s->reply.enhanced.n > 0))
		say(f, check_reply_text(&c->arena, &s->reply));
	if (is_first && s->is_out_of_time)
		say(f, S("the time of this check was over; the server itself waits longer (--timeout)"));
	c->is_out_of_time |= s->is_out_of_time;
	if (!c->is_json)
		print_finding(name_z, s->host, ms, f);
	json_array_append_new(c->rows, json_pack("{s:s, s:o, s:s, s:s, s:I, s:O, s:o, s:i, s:O}", "stage", name_z, "host", admin_json_str(s->host),
						 "state", check_state_names[f->state], "trust", f->trust_z, "ms", (json_int_t)ms, "found",
						 f->found, "enhanced", admin_json_str(is_trouble ? s->reply.enhanced : S("")), "code",
						 is_trouble ? s->reply.code : 0, "details", f->details));
}

void check_see(void *ctx, const struct send_seen *seen)
{
	struct check *c = ctx;
	bool is_first = true;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct check_finding f = { .state = check_state_of(seen->outcome), .found = json_array(), .details = json_object(),
					   .trust_z = seen->err == -E_DENIED && seen->step <= SEND_SAW_DANE ? "bogus" : "" };

		if (rows[i].step == seen->step && rows[i].run(c, seen, &f)) {
			add_row(c, rows[i].name_z, seen, is_first, &f);
			is_first = false;
		}
		json_decref(f.found);
		json_decref(f.details);
	}
}
