/* SPDX-License-Identifier: MIT */
/* Verbs about failed logins: whose are counted, who is refused for them, and lifting that. */
#include "base/arena.h"
#include "sasl/sasl.h"
#include "server/admin.h"

int admin_auth_list(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct sasl_throttled *v;
	size_t n;
	int r = sasl_throttled_list(ad->sasl, a, &v, &n);

	(void)args;
	(void)fault;
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, json_pack("{s:s, s:o, s:I, s:b, s:I}", "what", v[i].scope_z, "name",
			admin_json_str(v[i].name), "failures", (json_int_t)v[i].failures, "limited", v[i].is_limited,
			"wait_s", (json_int_t)v[i].wait_s));
	return 0;
}

int admin_auth_forget(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct str name;
	int r = admin_arg(args, "name", &name, fault);

	(void)a;
	if (r < 0)
		return r;
	r = sasl_throttled_forget(ad->sasl, name);
	if (r < 0)
		return fault_set(fault, r, "no failures of %" STR_FMT " are counted; see: martlet auth list",
				 STR_ARG(str_head(name, 200)));
	*ret = json_pack("{s:o}", "name", admin_json_str(name));
	return 0;
}
