/* SPDX-License-Identifier: MIT */
/* explain reply: what another server said, in plain words. Needs neither server nor settings. */
#include <stdio.h>

#include "cli/cli.h"

#include "queue/explain.h"
#include "server/admin.h"

static void add(json_t *v, const char *key, const char *text_z)
{
	if (text_z[0])
		json_object_set_new(v, key, json_string(text_z));
}

enum cli_status cli_explain(const struct cli_command *cmd, const struct cli_args *args)
{
	const struct queue_explain *e;
	struct fault fault = { 0 };
	json_t *v;

	if (args->n_positional == 0)
		return cli_fail(args, fault_set(&fault, -E_USAGE, "usage: martlet %s \"550 5.1.1 what the server said\"", cmd->name), &fault);
	e = queue_explain_line(str_z(args->positional[0]));
	v = json_object();
	add(v, "from", e->provider_z);
	add(v, "meaning", e->meaning_z);
	add(v, "sender", e->sender_z);
	add(v, "administrator", e->admin_z);
	return cli_result(args, v);
}
