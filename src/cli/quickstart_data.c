/* SPDX-License-Identifier: MIT */
/* Steps of quickstart that are data: the domain, the account, postmaster. By the same verbs as the commands, whether a server runs or not. */
#include "cli/quickstart.h"

#include <unistd.h>

#include "base/rnd.h"
#include "cli/port.h"
#include "server/admin.h"
#include "server/server.h"

#define PASSWORD_CHARS 20 /* of 32 kinds: 100 bits */

/* With a dry run only a running server is asked: opening the data makes files. */
static bool may_ask(struct quickstart *q)
{
	struct fault ignored = { 0 };
	int fd = q->is_dry ? cli_control_connect(q->server->data_dir, &ignored) : 0;

	if (q->is_dry)
		cli_close_fd(&fd);
	return fd >= 0;
}

/* One verb; takes the reference to request. */
static int ask(struct quickstart *q, const char *verb_z, json_t *request, json_t **ret, struct fault *fault)
{
	struct cli_port port;
	int r = cli_port_open(q->args, &port, fault);

	if (r == 0)
		r = cli_port_ask(&port, verb_z, request, ret, fault);
	else
		json_decref(request);
	cli_port_close(&port);
	return r;
}

/* Is there a row whose value is that one? Negative: it cannot be known. */
static int has_row(struct quickstart *q, const char *verb_z, const char *key_z, struct str value, struct fault *fault)
{
	json_t *list = NULL;
	int r = ask(q, verb_z, json_object(), &list, fault);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = str_ieq(str_z(json_string_value(json_object_get(json_array_get(list, i), key_z))), value);
	json_decref(list);
	return r;
}

/* 0 also when somebody else has just made it. */
static int add(struct quickstart *q, const char *verb_z, json_t *request, struct fault *fault)
{
	json_t *result = NULL;
	int r = ask(q, verb_z, request, &result, fault);

	json_decref(result);
	return r == -E_EXISTS ? 0 : r;
}

/* 1: it is not there, and to be made. */
static int is_missing(struct quickstart *q, const char *verb_z, const char *key_z, struct str value, enum quickstart_state *ret, struct fault *fault)
{
	int r = 0;

	quickstart_say(q, "%" STR_FMT, STR_ARG(value));
	*ret = QUICKSTART_WOULD;
	if (!may_ask(q))
		return 0;
	r = has_row(q, verb_z, key_z, value, fault);
	*ret = r > 0 ? QUICKSTART_DONE : q->is_dry ? QUICKSTART_WOULD : QUICKSTART_MADE;
	return r < 0 ? r : r == 0 && !q->is_dry;
}

int quickstart_domain(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	int r = is_missing(q, "domain.list", "domain", q->domain, ret, fault);

	return r <= 0 ? r : add(q, "domain.add", json_pack("{s:o}", "domain", admin_json_str(q->domain)), fault);
}

/* Letters and digits that nobody takes for others. */
static void make_password(struct buf *out)
{
	static const char kinds[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t bytes[PASSWORD_CHARS];

	rnd_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf_add_char(out, kinds[bytes[i] & 31]);
	mem_wipe(bytes, sizeof(bytes));
}

/* 1: made; 0: somebody else has just made it; negative: an alias of that name is there, among others. */
static int make_account(struct quickstart *q, struct str password, struct fault *fault)
{
	json_t *request = json_pack("{s:o, s:o}", "address", admin_json_str(q->address), "password", admin_json_str(password)), *result = NULL;
	int r = ask(q, "account.add", request, &result, fault), has;
	struct fault f = { 0 };

	json_decref(result);
	if (r != -E_EXISTS)
		return r < 0 ? r : 1;
	has = has_row(q, "account.list", "address", q->address, &f);
	return has > 0 ? 0 : r;
}

int quickstart_account(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	AUTO(buf_fini) struct buf password = BUF_INIT(4096);
	const char *file_z = cli_option(q->args, "--password-file");
	int r = is_missing(q, "account.list", "address", q->address, ret, fault);

	if (r <= 0)
		return r;
	r = file_z ? cli_read_secret(file_z, &password, fault) : 0;
	if (!file_z)
		make_password(&password);
	if (r == 0)
		r = make_account(q, buf_str(&password), fault);
	if (r == 0)
		*ret = QUICKSTART_DONE;
	if (r > 0 && !file_z)
		q->password = json_stringn(password.p, password.n);
	mem_wipe(password.p, password.n);
	return r < 0 ? r : 0;
}

/* RFC 5321 4.5.1. Reports of other hosts go there too (doctor/zone.h). */
int quickstart_postmaster(struct quickstart *q, enum quickstart_state *ret, struct fault *fault)
{
	struct str postmaster = arena_printf(&q->arena, "postmaster@%" STR_FMT, STR_ARG(q->domain));
	int r;

	if (str_eq(postmaster, q->address)) {
		quickstart_say(q, "%" STR_FMT " is the account", STR_ARG(postmaster));
		*ret = QUICKSTART_DONE;
		return 0;
	}
	r = is_missing(q, "alias.list", "alias", postmaster, ret, fault);
	if (r <= 0)
		return r;
	r = has_row(q, "account.list", "address", postmaster, fault); /* or an account of that name */
	if (r == 0)
		return add(q, "alias.add", json_pack("{s:o, s:o}", "alias", admin_json_str(postmaster), "target", admin_json_str(q->address)), fault);
	*ret = QUICKSTART_DONE;
	return r < 0 ? r : 0;
}
