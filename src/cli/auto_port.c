/* SPDX-License-Identifier: MIT */
/* See auto_port.h. */
#include "cli/auto_port.h"

#include "base/clock.h"
#include "doctor/rank.h"
#include "doctor/run.h"
#include "net/dns.h"
#include "server/server.h"

#define AUTO_MS 9700

static const struct {
	enum doctor_tls tls;
	uint16_t port;
} ports[] = { { DOCTOR_IMPLICIT, 465 }, { DOCTOR_STARTTLS, 587 }, { DOCTOR_STARTTLS, 2525 }, { DOCTOR_STARTTLS, 25 } };

static int choose(struct peer *p, const struct doctor_report *report, bool *ret_is_implicit, struct fault *fault)
{
	AUTO(buf_fini) struct buf why = BUF_INIT(sizeof(fault->text));
	const struct doctor_attempt *best = doctor_rank_best(report->v, report->n, DOCTOR_SUBMISSION);

	if (best) {
		p->port = best->candidate->port;
		*ret_is_implicit = best->candidate->tls == DOCTOR_IMPLICIT;
		return 0;
	}
	for (size_t i = 0; i < report->n; i++)
		buf_printf(&why, "%sport %u: %s", i > 0 ? "; " : "", report->v[i].candidate->port, doctor_causes[report->v[i].cause].means_z);
	return fault_set(fault, -E_CLOSED, "%" STR_FMT, STR_ARG(buf_str(&why)));
}

static int look(struct peer *p, const struct doctor_setup *setup, bool *ret_is_implicit, struct fault *fault)
{
	struct doctor_candidate candidates[ARRAY_LEN(ports)];
	struct doctor_run run = { .setup = setup, .candidates = candidates, .n = ARRAY_LEN(ports) };
	struct doctor_report report;
	int r;

	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		candidates[i] = (struct doctor_candidate){ .protocol = DOCTOR_SUBMISSION, .tls = ports[i].tls, .host_z = p->host_z, .port = ports[i].port };
	doctor_run(&run, &report);
	r = choose(p, &report, ret_is_implicit, fault);
	doctor_report_fini(&report);
	return r;
}

int auto_port_find(struct peer *p, struct net_stream_tls *tls, const char *helo_z, bool *ret_is_implicit, struct fault *fault)
{
	struct doctor_setup setup = { .tls = tls, .helo_z = helo_z, .begun_ms = clock_mono_ms() };
	struct net_dns *dns = NULL;
	struct conf *conf = NULL;
	int r = conf_load(server_tables, server_n_tables, NULL, &conf, fault);

	if (r == 0)
		r = net_dns_open(conf_get(conf, &net_dns_conf_table), &dns, fault);
	setup.dns = dns;
	setup.deadline_ms = setup.begun_ms + AUTO_MS;
	if (r == 0)
		r = look(p, &setup, ret_is_implicit, fault);
	net_dns_close(&dns);
	conf_unref(conf);
	return r;
}
