/* SPDX-License-Identifier: MIT */
/* Small commands: CAPABILITY, NOOP, CHECK, LOGOUT, ID, NAMESPACE, ENABLE. */
#include "base/log.h"
#include "imap/imap_int.h"
#include "imap/resp.h"

/* capability = "CAPABILITY" */
int imap_cmd_capability(struct imap_session *s)
{
	AUTO(buf_fini) struct buf caps = BUF_INIT(4096);

	if (!imap_parse_end(&s->p))
		return -E_SYNTAX;
	imap_caps_print(s, &caps);
	imap_resp(s, S("* CAPABILITY "));
	imap_resp(s, buf_str(&caps));
	imap_resp_end(s);
	return 0;
}

int imap_cmd_noop(struct imap_session *s)
{
	return imap_parse_end(&s->p) ? 0 : -E_SYNTAX;
}

int imap_cmd_logout(struct imap_session *s)
{
	if (!imap_parse_end(&s->p))
		return -E_SYNTAX;
	imap_deselect(s);
	s->state = IMAP_ST_LOGOUT;
	s->is_over = true;
	imap_resp_untagged(s, "BYE see you");
	return 0;
}

/*
 * id = "ID" SP id_params_list id_params_list = "(" [string SP nstring *(SP string SP
 * nstring)] ")" / nil      RFC 2971 4: at most 30 pairs
 */
static int parse_id(struct imap_session *s)
{
	struct imap_parse *p = &s->p;
	struct str key, value;
	int n;

	if (imap_parse_word(p, S("NIL")) > 0)
		return imap_need(imap_parse_end(p));
	if (imap_parse_char(p, '(') <= 0)
		return -E_SYNTAX;
	for (n = 0; imap_parse_char(p, ')') <= 0; n++) {
		if (n == 30 || (n > 0 && imap_parse_sp(p) <= 0) ||
		    imap_parse_string(p, &key) <= 0 || imap_parse_sp(p) <= 0 ||
		    imap_parse_nstring(p, &value) <= 0)
			return -E_SYNTAX;
		/* Once: it needs no login, and a log line is worth more than the bytes for it. */
		if (str_ieq(key, S("name")) && !s->has_said_id) {
			LOG(INFO, "imap.id", F_STR("client", value));
			s->has_said_id = true;
		}
	}
	return imap_need(imap_parse_end(p));
}

int imap_cmd_id(struct imap_session *s)
{
	int r = imap_need(imap_parse_sp(&s->p));

	if (r == 0)
		r = parse_id(s);
	if (r == 0)
		imap_resp_untagged(s, "ID (\"name\" \"Martlet\")");
	return r;
}

/* RFC 9051 6.3.10: one personal namespace, no other users', no shared ones. */
int imap_cmd_namespace(struct imap_session *s)
{
	if (!imap_parse_end(&s->p))
		return -E_SYNTAX;
	imap_resp_untagged(s, "NAMESPACE ((\"\" \"/\")) NIL NIL");
	return 0;
}

/* enable = "ENABLE" 1*(SP capability); unknown ones are ignored. */
int imap_cmd_enable(struct imap_session *s)
{
	struct imap_parse *p = &s->p;
	struct str cap;
	bool has_rev2 = false, has_condstore = false;

	do {
		if (imap_parse_sp(p) <= 0 || imap_parse_atom(p, &cap) <= 0)
			return -E_SYNTAX;
		has_rev2 |= str_ieq(cap, S("IMAP4rev2"));
		has_condstore |= str_ieq(cap, S("CONDSTORE"));
	} while (!imap_parse_end(p));
	imap_respf(s, "* ENABLED%s%s", has_rev2 ? " IMAP4rev2" : "",
		   has_condstore ? " CONDSTORE" : "");
	imap_resp_end(s);
	s->is_rev2 |= has_rev2;
	if (has_condstore)
		imap_condstore_enable(s);
	return 0;
}
