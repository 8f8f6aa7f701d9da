/* SPDX-License-Identifier: MIT */
/* Verbs about domains and aliases. */
#include "base/arena.h"
#include "queue/attempt.h"
#include "queue/queue.h"
#include "server/admin.h"
#include "store/account.h"

int admin_domain_add(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct str domain;
	int r = admin_arg(args, "domain", &domain, fault);

	(void)a;
	if (r == 0)
		r = store_domain_add(ad->store, domain, fault);
	if (r == 0)
		*ret = json_pack("{s:o}", "domain", admin_json_str(domain));
	return r;
}

int admin_domain_remove(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct str domain;
	int r = admin_arg(args, "domain", &domain, fault);

	(void)a;
	if (r == 0)
		r = store_domain_remove(ad->store, domain, fault);
	if (r == -E_BUSY)
		r = -E_CANNOT; /* it does not pass by waiting */
	if (r == 0)
		*ret = json_pack("{s:o}", "domain", admin_json_str(domain));
	return r;
}

int admin_domain_list(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct str *v;
	size_t n;
	int r = store_domain_list(ad->store, a, &v, &n);

	(void)args;
	(void)fault;
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, json_pack("{s:o}", "domain", admin_json_str(v[i])));
	return 0;
}

static json_t *alias_json(struct str address, struct str target)
{
	return json_pack("{s:o, s:o}", "alias", admin_json_str(address), "target", admin_json_str(target));
}

int admin_alias_add(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct str address, target;
	int r = admin_arg(args, "alias", &address, fault);

	(void)a;
	if (r == 0)
		r = admin_arg(args, "target", &target, fault);
	if (r == 0)
		r = store_alias_add(ad->store, address, target, fault);
	if (r == 0)
		*ret = alias_json(address, target);
	return r;
}

int admin_alias_remove(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct str target = admin_arg_opt(args, "target");
	struct str address;
	int r = admin_arg(args, "alias", &address, fault);

	(void)a;
	if (r == 0)
		r = store_alias_remove(ad->store, address, target, fault);
	if (r == 0)
		*ret = alias_json(address, target);
	return r;
}

int admin_alias_list(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct store_alias *v;
	size_t n;
	int r = store_alias_list(ad->store, a, &v, &n);

	(void)args;
	(void)fault;
	if (r < 0)
		return r;
	*ret = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(*ret, alias_json(v[i].address, v[i].target));
	return 0;
}

/* For `check mx`: is it ours, and what is remembered of its MTA-STS policy. */
int admin_domain_known(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault)
{
	struct queue_sts sts = { 0 };
	struct str domain;
	int r = admin_arg(args, "domain", &domain, fault);

	if (r == 0)
		r = queue_policy_get(ad->queue, a, domain, &sts);
	if (r < 0)
		return r;
	*ret = json_pack("{s:b, s:o, s:o, s:I}", "is_local", store_domain_find(ad->store, domain) == 0, "id", admin_json_str(sts.id),
			 "text", admin_json_str(sts.text), "fetched", (json_int_t)sts.fetched_s);
	return 0;
}
