/* SPDX-License-Identifier: MIT */
/*
 * Administration: one table of verbs, the same functions whether they are called in the running server (through its
 * control socket) or by a command that opened the data itself. Arguments and results are JSON objects.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "store/message.h"

struct conf_live;
struct net;
struct server_process;
struct queue;
struct sasl;
struct store;
struct store_account;

struct admin {
	struct store *store;
	struct queue *queue;
	struct sasl *sasl;
	struct conf_live *conf;
	struct net *net; /* NULL when no server runs */
	const struct server_process *process; /* likewise */
	bool has_test_verbs;
	struct str body;            /* the bytes that came with the request */
	struct store_content sends; /* bytes that follow the answer: size 0 none; set by a verb */
};

/* Sets *ret to a new JSON value (the caller's) and returns 0, or a negative code with fault. Any worker. */
typedef int admin_fn(struct admin *ad, struct arena *a, const json_t *args, json_t **ret, struct fault *fault);

struct admin_verb {
	const char *name;
	admin_fn *fn;
	bool needs_server; /* makes no sense without a running one */
	bool is_test;      /* only with server.test_verbs */
	bool is_frequent;  /* one of many that belong together: not worth a line of the log each */
};

/* Finds the verb and runs it. -E_USAGE for an unknown one. */
MUST_CHECK int admin_run(struct admin *ad, const char *verb_z, const json_t *args, json_t **ret, struct fault *fault);

/*
 * The answer to a request {"verb", "args", "bytes"}, as it goes over the control socket (control.c); a new value. ad->body has the bytes
 * that came with it; those of ad->sends follow it. Logs the verb.
 */
json_t *admin_answer(struct admin *ad, const json_t *request);
/* One of many requests of an import or export? */
bool admin_is_move(const json_t *request);
/* How many bytes come with it: 0 to LIMIT_CONTROL_BODY, or -E_TOO_BIG. */
MUST_CHECK int64_t admin_request_bytes(const json_t *request);
/* Hands ad->sends to write(), in pieces; write answers 0 or negative, which ends it. */
MUST_CHECK int admin_send(struct admin *ad, int (*write)(void *ctx, struct str piece), void *ctx);

/* alone.c: answers the peer of that socket until it hangs up. For a process that serves one command (cli/port.c). */
void server_alone(struct admin *ad, int fd);

/* A required / optional string argument; the empty slice when absent. -E_USAGE names the missing one. */
MUST_CHECK int admin_arg(const json_t *args, const char *key_z, struct str *ret, struct fault *fault);
struct str admin_arg_opt(const json_t *args, const char *key_z);
/* The account of the argument "address". -E_USAGE; -E_NOT_FOUND says what to look at. */
MUST_CHECK int admin_arg_account(struct admin *ad, struct arena *a, const json_t *args, struct store_account *ret, struct fault *fault);
/* -E_NOT_FOUND, with what to look at. */
int admin_no_mailbox(struct str address, struct str mailbox, struct fault *fault);
/* A JSON string of a slice; of one that is no UTF-8 as text_clean() has it. */
json_t *admin_json_str(struct str s);

admin_fn admin_account_add, admin_account_remove, admin_account_list, admin_account_password, admin_account_quota;
admin_fn admin_account_enable, admin_account_disable, admin_account_disconnect;
admin_fn admin_alias_add, admin_alias_remove, admin_alias_list;
admin_fn admin_mailbox_list, admin_mailbox_create, admin_mailbox_delete, admin_mailbox_rename, admin_mailbox_subscribe, admin_mailbox_unsubscribe;
admin_fn admin_acl_list, admin_acl_set, admin_acl_remove;
admin_fn admin_domain_known, admin_domain_add, admin_domain_remove, admin_domain_list;
admin_fn admin_queue_list, admin_queue_show, admin_queue_retry, admin_queue_hold, admin_queue_release, admin_queue_remove;
admin_fn admin_status, admin_fsck, admin_compact, admin_backup_hold, admin_clock, admin_fail, admin_started;
admin_fn admin_sandbox, admin_auth_list, admin_auth_forget;
admin_fn admin_message_trace;

admin_fn admin_import_mailbox, admin_import_have, admin_import_add, admin_import_subscribe;
admin_fn admin_export_mailboxes, admin_export_list, admin_export_body;

/* Adds what bodies take on the disk, alive and dead. */
MUST_CHECK int admin_add_space(struct store *store, json_t *to);
