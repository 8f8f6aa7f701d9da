/* SPDX-License-Identifier: MIT */
/* The report of the doctor for people: first what to do, then why, then the evidence. */
#include <stdio.h>

#include "cli/doctor.h"

#include "doctor/rank.h"

enum colour { PLAIN, GOOD, BAD, FAINT, STRONG };

static const char *const codes_z[] = { [PLAIN] = "", [GOOD] = "\033[32m", [BAD] = "\033[31m", [FAINT] = "\033[2m", [STRONG] = "\033[1m" };
static const char *const names_z[DOCTOR_N_PROTOCOLS] = {
	[DOCTOR_IMAP] = "IMAP", [DOCTOR_POP3] = "POP3", [DOCTOR_SUBMISSION] = "SMTP (sending)", [DOCTOR_SMTP] = "SMTP (between servers)",
	[DOCTOR_LMTP] = "LMTP", [DOCTOR_SIEVE] = "ManageSieve",
};
static const char *const tls_z[DOCTOR_N_TLS] = { [DOCTOR_IMPLICIT] = "SSL/TLS", [DOCTOR_STARTTLS] = "STARTTLS", [DOCTOR_PLAIN] = "no TLS" };

struct sheet {
	const struct doctor_case *c;
	bool is_coloured;
};

static void put(const struct sheet *s, enum colour colour, const char *z)
{
	bool is_bare = !s->is_coloured || colour == PLAIN;

	printf("%s%s%s", is_bare ? "" : codes_z[colour], z, is_bare ? "" : "\033[0m");
}

static void head(const struct sheet *s, const char *z)
{
	printf("\n");
	put(s, STRONG, z);
	printf("\n");
}

/* ---- settings ---- */

static void print_settings(const struct sheet *s, enum doctor_protocol p, const char *title_z)
{
	const struct doctor_settings *v = &s->c->verdict.settings[p];

	if (!v->use)
		return;
	head(s, title_z);
	printf("  Server     %s\n  Port       %u\n  Security   %s\n", v->use->candidate->host_z, v->use->candidate->port, v->security_z);
	if (p == DOCTOR_IMAP || p == DOCTOR_POP3 || p == DOCTOR_SUBMISSION)
		printf("  User name  %s\n  Login      %s%s\n", v->user_z[0] ? v->user_z : "as the provider says, mostly the whole address", v->login_z,
		       v->is_login_proven ? ", tried: it is taken" : "");
	if (v->instead_z) {
		put(s, BAD, "  ! ");
		printf("%s\n", v->instead_z);
	}
}

static void print_all_settings(const struct sheet *s)
{
	bool has_imap = s->c->verdict.settings[DOCTOR_IMAP].use != NULL;

	print_settings(s, DOCTOR_IMAP, "Incoming mail: IMAP");
	print_settings(s, DOCTOR_POP3, has_imap ? "Incoming mail, for programs without IMAP: POP3" : "Incoming mail: POP3");
	print_settings(s, DOCTOR_SUBMISSION, "Outgoing mail: SMTP");
	print_settings(s, DOCTOR_SIEVE, "Filters: ManageSieve");
	print_settings(s, DOCTOR_SMTP, "Mail from other servers: SMTP");
	print_settings(s, DOCTOR_LMTP, "Delivery: LMTP");
}

/* ---- services ---- */

static void print_service(const struct sheet *s, const struct doctor_service *v)
{
	const struct doctor_candidate *c = v->candidate;
	bool is_good = v->n_good > 0;

	put(s, is_good ? GOOD : BAD, is_good ? "  works   " : "  fails   ");
	printf("%-22s  %s port %u  %s%s", names_z[c->protocol], c->host_z, c->port, tls_z[c->tls], c->alpn_z ? " with ALPN" : "");
	if (is_good)
		printf("  %s  %lld ms", v->best->version_z ? v->best->version_z : "", (long long)doctor_rank_ms(v->best));
	if (is_good && v->n_good < v->n)
		printf("  (at %zu of %zu addresses)", v->n_good, v->n);
	printf("\n");
}

static void print_good(const struct sheet *s)
{
	bool has_head = false;

	for (size_t i = 0; i < s->c->verdict.n_services; i++) {
		const struct doctor_service *v = &s->c->verdict.services[i];

		if (v->n_good == 0)
			continue;
		if (!has_head)
			head(s, "What works, best first");
		has_head = true;
		print_service(s, v);
	}
}

static const char *owner_text(enum doctor_owner owner)
{
	static const char *const texts_z[DOCTOR_N_OWNERS] = {
		[DOCTOR_NOBODY] = "nobody's fault", [DOCTOR_YOU] = "this host or its settings", [DOCTOR_NETWORK] = "the network", [DOCTOR_SERVER] = "the server",
		[DOCTOR_PROVIDER] = "the provider", [DOCTOR_DNS] = "the DNS",
	};

	return texts_z[owner];
}

static void print_evidence_line(const struct doctor_attempt *a)
{
	char address[NET_ADDRESS_TEXT] = "";
	enum doctor_step step;

	if (a->has_address)
		net_address_text(&a->address, address);
	if (!doctor_attempt_failed_at(a, &step))
		return;
	printf("            seen: %s%s%s after %lld ms%s%.160s\n", doctor_step_names[step], address[0] ? " at " : "", address,
	       (long long)a->stages[step].ms, a->stages[step].text_z ? ": " : "", a->stages[step].text_z ? a->stages[step].text_z : "");
}

static void print_certificate(const struct doctor_attempt *a)
{
	if (a->names_z && !a->is_verified)
		printf("            it is for %s, issued by %s\n", a->names_z[0] ? a->names_z : a->subject_z, a->issuer_z);
}

static void print_cause(const struct doctor_service *v)
{
	const struct doctor_cause_row *row = &doctor_causes[v->cause];

	printf("            cause: %s (%s)\n            whose: %s\n", row->means_z, row->code_z, owner_text(row->owner));
	if (v->best->speech == DOCTOR_SAYS_HTTP || v->best->speech == DOCTOR_SAYS_SSH || v->cause == DOCTOR_OTHER_PROTOCOL)
		printf("            it speaks %s\n", doctor_speech_names[v->best->speech]);
	print_evidence_line(v->best);
	print_certificate(v->best);
	printf("            next: %s\n", row->next_z);
}

static bool is_failure(const struct sheet *s, const struct doctor_service *v)
{
	return v->n_good == 0 && (!v->is_noise || s->c->shows_all);
}

static bool is_same_host(const struct doctor_service *a, const struct doctor_service *b)
{
	return str_ieq(str_z(a->candidate->host_z), str_z(b->candidate->host_z));
}

static bool is_alike(const struct doctor_service *a, const struct doctor_service *b)
{
	return a->cause == b->cause && is_same_host(a, b);
}

/* Failures of a host that have one cause are told together, where the first of them stands. */
static void print_bad(const struct sheet *s)
{
	const struct doctor_service *all = s->c->verdict.services, *end = all + s->c->verdict.n_services;
	bool has_head = false;

	for (const struct doctor_service *v = all; v < end; v++) {
		const struct doctor_service *first = all;

		while (first < v && !(is_failure(s, first) && is_alike(first, v)))
			first++;
		if (!is_failure(s, v) || first < v)
			continue;
		if (!has_head)
			head(s, "What does not");
		has_head = true;
		for (const struct doctor_service *w = v; w < end; w++)
			if (is_failure(s, w) && is_alike(v, w))
				print_service(s, w);
		print_cause(v);
	}
}

static bool is_by_the_way(const struct doctor_service *v)
{
	return v->is_noise && v->candidate->tls != DOCTOR_PLAIN;
}

/* Another kind of TLS at a port that stands in the line already, which begins with first? */
static bool is_told(const struct doctor_service *first, const struct doctor_service *v)
{
	for (; first < v; first++)
		if (is_by_the_way(first) && is_same_host(first, v) && first->candidate->protocol == v->candidate->protocol &&
		    first->candidate->port == v->candidate->port)
			return true;
	return false;
}

/* What was only tried on the chance that it is there, a line for each host. */
static void print_noise(const struct sheet *s)
{
	const struct doctor_service *all = s->c->verdict.services, *end = s->c->shows_all ? all : all + s->c->verdict.n_services;
	bool has_head = false;

	for (const struct doctor_service *v = all; v < end; v++) {
		const struct doctor_service *first = all;

		while (first < v && !(is_by_the_way(first) && is_same_host(first, v)))
			first++;
		if (!is_by_the_way(v) || first < v)
			continue;
		if (!has_head)
			put(s, FAINT, "\nAlso tried, and of no matter here (--all tells more)\n");
		has_head = true;
		printf("  %s:", v->candidate->host_z);
		for (const struct doctor_service *w = v; w < end; w++)
			if (is_by_the_way(w) && is_same_host(v, w) && !is_told(v, w))
				printf(" %s/%u", doctor_protocol_names[w->candidate->protocol], w->candidate->port);
		printf("\n");
	}
}

/* ---- the table ---- */

static void print_cell(const struct sheet *s, const struct doctor_stage *stage, int width)
{
	char text[32];

	snprintf(text, sizeof(text), "%*s", width, stage->state == DOCTOR_SKIPPED ? "-" : "FAILED");
	if (stage->state == DOCTOR_OK)
		snprintf(text, sizeof(text), "%*lld", width, (long long)stage->ms);
	put(s, stage->state == DOCTOR_OK ? GOOD : stage->state == DOCTOR_FAILED ? BAD : FAINT, text);
}

static void print_row(const struct sheet *s, const struct doctor_attempt *a)
{
	static const int widths[DOCTOR_N_STEPS] = { 6, 7, 7, 9, 9, 7, 7, 7, 7, 8 };
	char address[NET_ADDRESS_TEXT] = "-";

	if (a->has_address)
		net_address_text(&a->address, address);
	printf("  %-10s %5u %-8s %-24s", doctor_protocol_names[a->candidate->protocol], a->candidate->port, tls_z[a->candidate->tls], address);
	for (int i = 0; i < DOCTOR_N_STEPS; i++)
		print_cell(s, &a->stages[i], widths[i]);
	printf("  %s\n", doctor_causes[a->cause].code_z);
}

static bool is_shown(const struct sheet *s, const struct doctor_service *v)
{
	return !v->is_noise || s->c->shows_all;
}

static void print_host_rows(const struct sheet *s, const struct doctor_service *first, const struct doctor_service *end)
{
	printf("  %s\n", first->candidate->host_z);
	for (const struct doctor_service *v = first; v < end; v++)
		for (size_t j = 0; j < v->n && is_shown(s, v) && is_same_host(v, first); j++)
			print_row(s, v->attempts[j]);
}

static void print_table(const struct sheet *s)
{
	const struct doctor_service *all = s->c->verdict.services, *end = all + s->c->verdict.n_services;

	if (all == end)
		return;
	head(s, "Evidence (milliseconds of each stage)");
	put(s, FAINT, "  protocol    port security address                    dns  route    tcp greeting starttls    tls   cert   caps  login command  cause\n");
	for (const struct doctor_service *v = all; v < end; v++) {
		const struct doctor_service *first = all;

		while (first < v && !(is_shown(s, first) && is_same_host(first, v)))
			first++;
		if (is_shown(s, v) && first == v)
			print_host_rows(s, v, end);
	}
}

/* What the DNS says of the domain as a whole. */
static void print_domain(const struct sheet *s)
{
	const struct doctor_found *f = &s->c->found;
	bool is_empty = f->n == 0 && f->n_hints > 0 && !f->is_nxdomain && !f->is_bogus && !f->is_deaf && !f->is_dns_dead && !f->is_null_mx;
	const struct {
		bool is;
		const char *says_z;
	} rows[] = {
		{ f->is_nxdomain, "There is no such domain in the DNS: look for a typing mistake." },
		{ f->is_bogus, "Signatures of the domain's DNS are wrong: a resolver that checks them says nothing of it. Who keeps the domain has to mend that." },
		{ f->is_deaf, "The DNS answers nothing: is this host on a network? Look at the resolver in /etc/resolv.conf." },
		{ f->is_dns_dead, "The name servers of the domain give no answer, while others do: who keeps the domain has to mend that." },
		{ f->is_null_mx, "The domain says that it takes no mail (null MX)." },
		{ is_empty, "The domain publishes no mail server, and none of the usual names is there: ask the provider for the name of its server." },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].is)
			printf("%s\n", rows[i].says_z);
}

/* What was asked for and is not there only with --all. */
static void print_found(const struct sheet *s)
{
	bool has_head = false;

	for (size_t i = 0; i < s->c->found.n_hints; i++) {
		const struct doctor_hint *h = &s->c->found.hints[i];

		if (h->err == -E_NOT_FOUND && !s->c->shows_all)
			continue;
		if (!has_head)
			head(s, "What is published");
		has_head = true;
		printf("  %-10s %s: %s\n", doctor_source_names[h->source], h->what_z, h->found_z);
	}
}

static void print_warnings(const struct sheet *s)
{
	for (size_t i = 0; i < s->c->verdict.n_warnings; i++) {
		if (i == 0)
			head(s, "Mind");
		printf("  %s\n", s->c->verdict.warnings_z[i]);
	}
	if (s->c->report.login_stopped_z)
		printf("\nNot every login was tried: %s.\n", s->c->report.login_stopped_z);
	if (s->c->report.n_left_out > 0)
		printf("\n%zu more were left out: name a host, a port or a protocol to see them.\n", s->c->report.n_left_out);
}

void doctor_print(const struct doctor_case *c, bool is_coloured)
{
	struct sheet s = { c, is_coloured };

	put(&s, c->verdict.class == DOCTOR_CLASS_OK ? GOOD : BAD, c->verdict.headline_z);
	printf("\n");
	print_domain(&s);
	print_all_settings(&s);
	print_good(&s);
	print_bad(&s);
	print_noise(&s);
	print_warnings(&s);
	print_found(&s);
	print_table(&s);
	printf("\n%zu attempts in %lld.%lld s\n", c->report.n, (long long)c->ms / 1000, (long long)(c->ms % 1000) / 100);
}
