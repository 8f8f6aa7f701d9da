/* SPDX-License-Identifier: MIT */
/*
 * The message as one server can take it: what it cannot is not asked for when the message does not need it (RFC 6152 3, RFC 6531 3.6:
 * clients declare BODY=8BITMIME and SMTPUTF8 for plain text as well), and 8-bit parts are encoded (RFC 6152 3), for every server those with lines that
 * are too long. Many clients send 8-bit text without a word of it, so the bytes count and not what was declared.
 */
#include "send/send_int.h"

#include "base/limits.h"
#include "mime/mime.h"

/* In a header of that part or of one inside it? Depth: LIMIT_MIME_DEPTH. */
static bool has_utf8_header(const struct mime_part *p, struct str message)
{
	if (!str_is_ascii(str_head(str_skip(message, p->header_off), p->header_n)))
		return true;
	for (const struct mime_part *c = p->child; c; c = c->next)
		if (has_utf8_header(c, message))
			return true;
	return false;
}

static bool is_internationalized(struct str message)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct mime_part *root;

	if (str_is_ascii(message))
		return false;
	return mime_parse(&a, message, &root) < 0 || has_utf8_header(root, message);
}

static bool has_global(const struct mime_part *p)
{
	if (str_ieq(p->type, S("message")) && str_istarts(p->subtype, S("global")))
		return true;
	for (const struct mime_part *c = p->child; c; c = c->next)
		if (has_global(c))
			return true;
	return false;
}

/*
 * RFC 6533 4.5, RFC 6532 3.7: a message or a report in UTF-8 inside of one that needs no SMTPUTF8 itself, as notices of ours may have it, is encoded for
 * hosts that know nothing of it.
 */
static bool is_global_inside(struct str message)
{
	AUTO(arena_fini) struct arena a = { .cap = LIMIT_MIME_ARENA };
	struct mime_part *root;

	if (str_is_ascii(message) || str_ifind(message, S("message/global")) < 0)
		return false;
	return mime_parse(&a, message, &root) == 0 && has_global(root);
}

static bool has_utf8_address(const struct queue_attempt *t)
{
	for (size_t i = 0; i < t->n_rcpts; i++)
		if (!str_is_ascii(t->rcpts[i].address))
			return true;
	return !str_is_ascii(t->reverse_path);
}

static bool is_too_wide(const struct smtp_client_message *m, const struct smtp_client_caps *caps)
{
	if (m->is_binary && !(caps->has_binarymime && caps->has_chunking))
		return true;
	return m->is_8bit && !caps->has_8bitmime;
}

/* RFC 5321 4.5.3.1.6: hosts refuse such lines, or cut them. Of a binary message there are none. */
static bool is_too_long(const struct smtp_client_message *m)
{
	return !m->is_binary && mime_has_long_lines(m->bytes);
}

int send_convert(const struct queue_attempt *t, const struct smtp_client_caps *caps, struct buf *out, struct smtp_client_message *ret)
{
	struct smtp_client_message m = {
		.reverse_path = t->reverse_path,
		.envid = t->envid,
		.dsn_ret = (int)t->dsn_ret,
		.is_8bit = !str_is_ascii(t->message),
		.is_binary = t->flags & QUEUE_BINARY,
		.is_smtputf8 = (t->flags & QUEUE_SMTPUTF8) || has_utf8_address(t), /* RFC 6531 3.4: an alias may lead there, of which its sender knows nothing */
		.is_requiretls = t->flags & QUEUE_REQUIRETLS,
		.by_s = t->wish.by_s,
		.by_returns = t->wish.by_returns,
		.by_traces = t->wish.by_traces,
		.has_priority = t->wish.has_priority,
		.priority = t->wish.priority,
		.bytes = t->message,
	};
	bool is_wide, is_beyond;

	/* RFC 6531 3.1, 3.2: an address, or a header at any level, that is not ASCII needs it. */
	if (m.is_smtputf8 && !caps->has_smtputf8)
		m.is_smtputf8 = has_utf8_address(t) || is_internationalized(t->message);
	is_beyond = m.is_smtputf8 && !caps->has_smtputf8 && !has_utf8_address(t);
	is_wide = is_too_wide(&m, caps);
	if (is_wide || is_beyond || is_too_long(&m) || (!caps->has_smtputf8 && is_global_inside(t->message))) {
		bool is_converted = mime_convert_7bit(t->message, out) == 0;

		/* What was never declared goes as it came. */
		if (!is_converted && is_wide && (t->flags & (QUEUE_8BIT | QUEUE_BINARY)))
			return -E_CANNOT;
		m.bytes = is_converted ? buf_str(out) : t->message;
		m.is_8bit &= !is_converted && !is_wide;
		m.is_binary &= !is_converted && !is_wide;
		/* RFC 6532 3.7: in message/global headers are encoded as well; all others cannot be, and nothing was converted. */
		m.is_smtputf8 &= !(is_converted && is_beyond);
	}
	*ret = m;
	return 0;
}
