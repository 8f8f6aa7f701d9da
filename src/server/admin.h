/* SPDX-License-Identifier: MIT */
/*
 * Administration: one table of verbs, the same functions whether they are called in the running server (through its
 * control socket) or by a command that opened the data itself. Arguments and results are JSON objects.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

struct conf_live;
struct net;
struct server_process;
struct queue;
struct sasl;
struct store;

struct admin {
	struct store *store;
	struct queue *queue;
	struct sasl *sasl;
	struct conf_live *conf;
	struct net *net; /* NULL when no server runs */
	const struct server_process *process; /* likewise */
	bool has_test_verbs;
};

/* Sets *ret to a new JSON value (the caller's) and returns 0, or a negative code with fault. Any worker. */
typedef int admin_fn(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault);

struct admin_verb {
	const char *name;
	admin_fn *fn;
	bool needs_server; /* makes no sense without a running one */
	bool is_test;      /* only with server.test_verbs */
};

/* Finds the verb and runs it. -E_USAGE for an unknown one. */
MUST_CHECK int admin_run(struct admin *ad, const char *verb_z, const json_t *args, json_t **ret, struct fault *fault);

/* A required / optional string argument; the empty slice when absent. -E_USAGE names the missing one. */
MUST_CHECK int admin_arg(const json_t *args, const char *key_z, struct str *ret, struct fault *fault);
struct str admin_arg_opt(const json_t *args, const char *key_z);
/* A JSON string of a slice; invalid UTF-8 becomes U+FFFD-free escapes. */
json_t *admin_json_str(struct str s);

admin_fn admin_account_add, admin_account_remove, admin_account_list, admin_account_password, admin_account_quota;
admin_fn admin_account_enable, admin_account_disable, admin_account_disconnect;
admin_fn admin_alias_add, admin_alias_remove, admin_alias_list;
admin_fn admin_acl_list, admin_acl_set, admin_acl_remove;
admin_fn admin_domain_add, admin_domain_remove, admin_domain_list;
admin_fn admin_queue_list, admin_status, admin_fsck, admin_compact, admin_backup_hold, admin_clock, admin_fail, admin_started;
admin_fn admin_sandbox, admin_auth_list, admin_auth_forget;

/* Adds what bodies take on the disk, alive and dead. */
MUST_CHECK int admin_add_space(struct store *store, json_t *to);
