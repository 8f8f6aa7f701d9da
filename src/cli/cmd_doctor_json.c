/* SPDX-License-Identifier: MIT */
/* The report of the doctor for programs: every attempt with every stage. */
#include <stdio.h>

#include "cli/doctor.h"

#include "server/admin.h"

static json_t *text(const char *z)
{
	return admin_json_str(str_z(z ? z : ""));
}

static void put(json_t *o, const char *key_z, json_t *value)
{
	json_object_set_new(o, key_z, value);
}

static void put_candidate(json_t *o, const struct doctor_candidate *c)
{
	put(o, "protocol", text(doctor_protocol_names[c->protocol]));
	put(o, "host", text(c->host_z));
	put(o, "port", json_integer(c->port));
	put(o, "tls", text(doctor_tls_names[c->tls]));
	put(o, "alpn", text(c->alpn_z));
	put(o, "source", text(doctor_source_names[c->source]));
}

static void put_cause(json_t *o, enum doctor_cause cause)
{
	const struct doctor_cause_row *row = &doctor_causes[cause];

	put(o, "works", json_boolean(doctor_is_good(cause)));
	put(o, "cause", text(row->code_z));
	put(o, "owner", text(doctor_owner_names[row->owner]));
	put(o, "class", text(doctor_class_names[row->class]));
	put(o, "means", text(row->means_z));
	put(o, "next", text(row->next_z));
}

static json_t *stages(const struct doctor_attempt *a)
{
	json_t *list = json_array();

	for (int i = 0; i < DOCTOR_N_STEPS; i++) {
		const struct doctor_stage *s = &a->stages[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s, s:o}", "stage", doctor_step_names[i], "state", doctor_state_names[s->state], "ms",
						      (json_int_t)s->ms, "error", s->err < 0 ? err_row(s->err)->name : "", "text", text(s->text_z)));
	}
	return list;
}

static json_t *dialogue(const struct doctor_attempt *a)
{
	struct str rest = buf_str(&a->dialogue), line;
	json_t *list = json_array();

	while (str_split(&rest, '\n', &line))
		if (line.n > 0)
			json_array_append_new(list, admin_json_str(line));
	return list;
}

static void put_tls(json_t *o, const struct doctor_attempt *a)
{
	static const char *const problems[] = {
		[NET_TLS_FINE] = "", [NET_TLS_OTHER_NAME] = "other-name", [NET_TLS_EXPIRED] = "expired", [NET_TLS_UNTRUSTED] = "untrusted",
		[NET_TLS_OTHER] = "other",
	};
	json_t *certificate = json_object();

	put(o, "is_tls", json_boolean(a->is_tls));
	put(o, "version", text(a->version_z));
	put(o, "cipher", text(a->cipher_z));
	put(certificate, "is_verified", json_boolean(a->is_verified));
	put(certificate, "problem", text(a->names_z ? problems[a->problem] : ""));
	put(certificate, "why", text(a->problem_z));
	put(certificate, "names", text(a->names_z));
	put(certificate, "subject", text(a->subject_z));
	put(certificate, "issuer", text(a->issuer_z));
	put(certificate, "not_after", json_integer(a->not_after_s));
	put(o, "certificate", certificate);
}

static json_t *attempt(const struct doctor_attempt *a)
{
	char address[NET_ADDRESS_TEXT] = "";
	json_t *o = json_object();

	if (a->has_address)
		net_address_text(&a->address, address);
	put_candidate(o, a->candidate);
	put(o, "address", text(address));
	put_cause(o, (enum doctor_cause)a->cause);
	put(o, "stages", stages(a));
	put(o, "speaks", text(doctor_speech_names[a->speech]));
	put(o, "greeting", text(a->greeting_z));
	put(o, "code", json_integer(a->code));
	put(o, "words", text(a->words_z));
	put_tls(o, a);
	put(o, "has_starttls", json_boolean(a->has_starttls));
	put(o, "capabilities_plain", text(a->words_plain_z));
	put(o, "capabilities", text(a->caps_z));
	put(o, "mechanisms", text(a->auth_z));
	put(o, "is_plain_login", json_boolean(a->is_plain_login));
	put(o, "login_tried", json_boolean(a->is_login));
	put(o, "dialogue", dialogue(a));
	return o;
}

static json_t *settings(const struct doctor_verdict *v)
{
	json_t *all = json_object();

	for (int p = 0; p < DOCTOR_N_PROTOCOLS; p++) {
		const struct doctor_settings *s = &v->settings[p];
		json_t *o;

		if (!s->use)
			continue;
		o = json_object();
		put(o, "host", text(s->use->candidate->host_z));
		put(o, "port", json_integer(s->use->candidate->port));
		put(o, "security", text(s->security_z));
		put(o, "user", text(s->user_z));
		put(o, "login", text(s->login_z));
		put(o, "is_login_proven", json_boolean(s->is_login_proven));
		put(o, "instead", text(s->instead_z));
		put(all, doctor_protocol_names[p], o);
	}
	return all;
}

static json_t *services(const struct doctor_verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->n_services; i++) {
		const struct doctor_service *s = &v->services[i];
		json_t *o = json_object();

		put_candidate(o, s->candidate);
		put_cause(o, s->cause);
		put(o, "addresses", json_integer((json_int_t)s->n));
		put(o, "addresses_that_work", json_integer((json_int_t)s->n_good));
		put(o, "is_guess", json_boolean(s->is_noise));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *hints(const struct doctor_found *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n_hints; i++) {
		const struct doctor_hint *h = &f->hints[i];

		json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:s, s:I}", "source", doctor_source_names[h->source], "what", text(h->what_z), "found",
						      text(h->found_z), "error", h->err < 0 ? err_row(h->err)->name : "", "ms", (json_int_t)h->ms));
	}
	return list;
}

static json_t *candidates(const struct doctor_found *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++) {
		json_t *o = json_object();

		put_candidate(o, &f->v[i]);
		put(o, "user", text(f->v[i].user_z));
		put(o, "is_unproven", json_boolean(f->v[i].is_unproven));
		json_array_append_new(list, o);
	}
	return list;
}

static void put_found(json_t *o, const struct doctor_found *f)
{
	put(o, "candidates", candidates(f));
	put(o, "hints", hints(f));
	put(o, "is_nxdomain", json_boolean(f->is_nxdomain));
	put(o, "is_bogus", json_boolean(f->is_bogus));
	put(o, "is_deaf", json_boolean(f->is_deaf));
	put(o, "is_dns_dead", json_boolean(f->is_dns_dead));
	put(o, "is_null_mx", json_boolean(f->is_null_mx));
	put(o, "is_wildcard", json_boolean(f->is_wildcard));
}

void doctor_print_json(const struct doctor_case *c)
{
	const struct doctor_verdict *v = &c->verdict;
	json_t *all = json_object(), *warnings = json_array(), *attempts = json_array();

	for (size_t i = 0; i < v->n_warnings; i++)
		json_array_append_new(warnings, text(v->warnings_z[i]));
	for (size_t i = 0; i < c->report.n; i++)
		json_array_append_new(attempts, attempt(&c->report.v[i]));
	put(all, "what", admin_json_str(c->what));
	put(all, "works", json_boolean(v->class == DOCTOR_CLASS_OK));
	put(all, "class", text(doctor_class_names[v->class]));
	put(all, "headline", text(v->headline_z));
	put(all, "settings", settings(v));
	put(all, "warnings", warnings);
	put(all, "services", services(v));
	put(all, "login_stopped", text(c->report.login_stopped_z));
	put_found(all, &c->found);
	put(all, "attempts", attempts);
	put(all, "left_out", json_integer((json_int_t)c->report.n_left_out));
	put(all, "ms", json_integer(c->ms));
	json_dumpf(all, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(all);
}
