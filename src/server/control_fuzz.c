/* SPDX-License-Identifier: MIT */
/*
 * Lines to the control socket: each gets one object with "ok", and what it holds is given back.
 * The first byte chooses a verb that is put in front, so that arguments are reached too; what stands behind a first line are its bytes.
 */
#include "server/server_int.h"

#include <ftw.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/must.h"
#include "conf/live.h"
#include "store/account.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct server_data room;
static struct conf_live *conf;
static char dir[] = "/tmp/martlet-fuzz-control-XXXXXX";

/* Not account.add and account.password: a slow hash each. */
static const char *const verbs[] = {
	"account.remove", "account.list", "alias.add", "alias.remove", "alias.list", "domain.add",
	"domain.remove", "domain.list", "queue.list", "queue.show", "queue.retry", "queue.hold", "queue.release", "queue.remove", "status", "test.clock", "nothing",
	"import.mailbox", "import.have", "import.add", "import.subscribe", "export.mailboxes", "export.list", "export.body",
	"mailbox.list", "mailbox.create", "mailbox.delete", "mailbox.rename", "mailbox.subscribe", "mailbox.unsubscribe",
};

static int remove_one(const char *path_z, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path_z);
}

static void leave(void)
{
	server_data_close(&room);
	conf_live_free(conf);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void open_once(void)
{
	struct fault fault = { 0 };
	struct conf *first = NULL;
	int64_t id;

	if (room.db != NULL)
		return;
	log_setup(2, LOG_LVL_ERROR, LOG_FMT_TEXT);
	must(mkdtemp(dir) != NULL);
	must(conf_parse(server_tables, server_n_tables, "test", S(""), &first, &fault) == 0);
	conf = conf_live_new(first);
	must(server_data_open(dir, 0, conf, NULL, NULL, &room, &fault) == 0);
	must(store_domain_add(room.store, S("example.test"), &fault) == 0);
	must(store_account_add(room.store, S("a@example.test"), NULL, NULL, 0, &id, &fault) == 0);
	atexit(leave);
}

static void ask(struct admin *ad, struct str line)
{
	json_t *reply = server_control_answer(ad, line);

	must(json_is_object(reply) && json_is_boolean(json_object_get(reply, "ok")));
	must(json_is_true(json_object_get(reply, "ok")) ||
	     json_is_string(json_object_get(reply, "text")));
	json_decref(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf line = BUF_INIT(1u << 17);
	struct str rest, args = { 0 };
	struct admin ad;

	if (size < 1 || size > 65536)
		return 0;
	open_once();
	ad = (struct admin){ .store = room.store, .queue = room.queue, .sasl = room.sasl,
			     .conf = conf };
	rest = str_of(data + 1, size - 1);
	ask(&ad, rest);
	(void)str_split(&rest, '\n', &args); /* what is behind a line comes as bytes */
	ad.body = rest;
	buf_printf(&line, "{\"verb\":\"%s\",\"args\":", verbs[data[0] % ARRAY_LEN(verbs)]);
	buf_add(&line, args);
	buf_add(&line, S("}"));
	ask(&ad, buf_str(&line));
	return 0;
}
