/* SPDX-License-Identifier: MIT */
/* dns DOMAIN: the records that the domain has to publish for this server, as a zone file that a name server loads, or as JSON. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/zone_of.h"

#include "base/log.h"
#include "net/dns.h"
#include "server/admin.h"
#include "server/server.h"
#include "store/account.h"

#define DNS_ARENA (4u << 20)

static int take_domain(const struct cli_args *args, struct arena *a, struct str *ret, struct fault *fault)
{
	struct str domain = str_z(args->positional[0]);
	ptrdiff_t at = str_rchr(domain, '@');

	if (args->n_positional == 0)
		return fault_set(fault, -E_USAGE, "name the domain, for example: martlet dns example.org");
	if (at >= 0)
		domain = str_skip(domain, (size_t)at + 1);
	if (store_domain_canonical(a, domain, ret) < 0 || !net_dns_is_name(*ret))
		return fault_set(fault, -E_USAGE, "%s: not a domain", args->positional[0]);
	return 0;
}

static void print_json(const struct doctor_record *records, size_t n, struct str notes)
{
	json_t *list = json_array(), *all;
	struct str line;

	while (str_split(&notes, '\n', &line) && line.n > 0)
		json_array_append_new(list, admin_json_str(line));
	all = json_pack("{s:o, s:o}", "records", cli_zone_json(records, n), "notes", list);
	json_dumpf(all, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(all);
}

static int run(const struct cli_args *args, const struct conf *conf, struct arena *a, struct fault *fault)
{
	AUTO(buf_fini) struct buf notes = BUF_INIT(65536), out = BUF_INIT(DNS_ARENA);
	struct doctor_record *records = NULL;
	struct str domain = { 0 }, *addresses = NULL;
	struct doctor_zone z;
	size_t n = 0;
	int r = take_domain(args, a, &domain, fault);

	if (r == 0)
		r = cli_zone_addresses(args, a, &addresses, &n, fault);
	if (r == 0)
		r = cli_zone_of(conf, domain, addresses, n, a, &z, &notes, fault);
	if (r == 0)
		r = doctor_zone(&z, a, &records, &n);
	if (r < 0)
		return r;
	if (cli_option(args, "--json")) {
		print_json(records, n, buf_str(&notes));
	} else {
		cli_zone_print(&z, records, n, buf_str(&notes), &out);
		fwrite(out.p, 1, out.n, stdout);
	}
	return fflush(stdout) == 0 ? 0 : fault_set(fault, -E_IO, "cannot write to standard output");
}

enum cli_status cli_dns(const struct cli_command *cmd, const struct cli_args *args)
{
	AUTO(arena_fini) struct arena a;
	struct fault fault = { 0 };
	struct conf *conf = NULL;
	int r;

	(void)cmd;
	log_setup(STDERR_FILENO, LOG_LVL_ERROR, LOG_FMT_TEXT);
	arena_init(&a, DNS_ARENA);
	r = cli_settings_need(args, &conf, &fault);
	if (r == 0)
		r = run(args, conf, &a, &fault);
	conf_unref(conf);
	return r < 0 ? cli_fail(args, r, &fault) : CLI_OK;
}
