/* SPDX-License-Identifier: MIT */
/*
 * A notification about strings of strangers. The first byte chooses what it tells and how; behind it, separated by NUL: address, ORCPT,
 * enhanced code, reply, host, ENVID, and the message. Whoever gets it finds three parts, whatever they are; and each reply is explained.
 */
#include "queue/dsn_int.h"

#include "base/limits.h"
#include "base/must.h"
#include "mime/mime.h"
#include "queue/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct str written, bool is_8bit_allowed)
{
	struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct mime_part *root;
	size_t n = 0;

	must(mime_has_plain_lines(written));
	must(is_8bit_allowed || str_is_ascii(written));
	must(mime_parse(&a, written, &root) == 0);
	must(str_eq(root->subtype, S("report")));
	for (const struct mime_part *p = root->child; p; p = p->next)
		n++;
	must(n == 3);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(buf_fini) struct buf out = BUF_INIT(16u << 20);
	struct str rest = str_of(data, size), v[6] = { 0 };
	unsigned how = size > 0 ? data[0] : 0;
	struct queue_dsn_rcpt r = { .last_attempt_s = 1764123456, .retry_until_s = 1764555555 };
	struct queue_dsn d = { .hostname_z = "mail.example.com", .qid = S("q"), .to = S("alice@example.com"), .max_returned = 4096,
			       .accepted_s = 1764120000, .now_s = 1764123460, .rcpts = &r, .n_rcpts = 1 };

	rest = str_skip(rest, size > 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		if (!str_split(&rest, '\0', &v[i]))
			v[i] = S("");
	r.address = v[0];
	r.orcpt = v[1];
	r.reply = (struct queue_reply){ how & 4 ? 550 : 0, v[2], v[3] };
	r.host = v[4];
	r.action = (enum queue_dsn_action)(how & 3);
	d.envid = v[5];
	d.is_smtputf8 = how & 8;
	d.ret = how & 16 ? QUEUE_RET_HDRS : QUEUE_RET_FULL;
	d.message = rest.n > 0 ? rest : S("Subject: x\r\n\r\nHello\r\n");
	queue_dsn_write(&d, &out);
	must(!buf_overflowed(&out));
	check(buf_str(&out), d.is_smtputf8 || !str_is_ascii(d.message));
	must(queue_explain(r.reply.code, r.reply.enhanced, r.reply.text, r.host)->meaning_z);
	must(queue_explain_line(r.reply.text)->meaning_z);
	return 0;
}
