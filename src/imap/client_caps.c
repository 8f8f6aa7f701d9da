/* SPDX-License-Identifier: MIT */
/* What another server says it can do (RFC 9051 7.2.2): words that we look for, the others are only kept. */
#include "imap/client_int.h"

#define AT(member) offsetof(struct imap_client_caps, member)

static const struct {
	const char *word_z;
	size_t offset;
} words[] = {
	{ "IMAP4rev1", AT(is_rev1) },
	{ "IMAP4rev2", AT(is_rev2) },
	{ "STARTTLS", AT(has_starttls) },
	{ "LOGINDISABLED", AT(is_login_disabled) },
	{ "SASL-IR", AT(has_sasl_ir) },             /* RFC 4959 */
	{ "IDLE", AT(has_idle) },                   /* RFC 2177 */
	{ "UIDPLUS", AT(has_uidplus) },             /* RFC 4315 */
	{ "CONDSTORE", AT(has_condstore) },         /* RFC 7162 */
	{ "QRESYNC", AT(has_qresync) },
	{ "QRESYNC", AT(has_condstore) },           /* RFC 7162 3.2.3: the one means the other */
	{ "ENABLE", AT(has_enable) },               /* RFC 5161 */
	{ "LITERAL+", AT(has_literal_plus) },       /* RFC 7888 */
	{ "LITERAL-", AT(has_literal_minus) },
	{ "MOVE", AT(has_move) },                   /* RFC 6851 */
	{ "COMPRESS=DEFLATE", AT(has_compress) },   /* RFC 4978 */
	{ "NAMESPACE", AT(has_namespace) },         /* RFC 2342 */
	{ "SPECIAL-USE", AT(has_special_use) },     /* RFC 6154 */
	{ "LIST-EXTENDED", AT(has_list_extended) }, /* RFC 5258 */
	{ "LIST-STATUS", AT(has_list_status) },     /* RFC 5819 */
	{ "UTF8=ACCEPT", AT(has_utf8) },            /* RFC 6855 */
	{ "UTF8=ONLY", AT(has_utf8) },
	{ "APPENDLIMIT", AT(has_appendlimit) },     /* RFC 7889 */
};

/* RFC 9051 E: what IMAP4rev2 has in itself. LITERAL-: RFC 9051 4.3. */
static void add_rev2(struct imap_client_caps *c)
{
	c->has_idle = c->has_uidplus = c->has_enable = c->has_literal_minus = c->has_move = c->has_namespace = c->has_sasl_ir = true;
	c->has_special_use = c->has_list_extended = c->has_list_status = true;
}

static void note(struct imap_client_caps *c, struct str word, struct buf *auth)
{
	if (str_istarts(word, S("AUTH="))) {
		buf_printf(auth, "%s%" STR_FMT, auth->n > 0 ? " " : "", STR_ARG(str_skip(word, 5)));
		return;
	}
	if (str_istarts(word, S("APPENDLIMIT=")))
		word = S("APPENDLIMIT");
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(word, str_z(words[i].word_z)))
			*(bool *)((char *)c + words[i].offset) = true;
}

void imap_client_caps_parse(struct str text, struct arena *a, struct imap_client_caps *ret)
{
	AUTO(buf_fini) struct buf all = BUF_INIT(text.n + 1), auth = BUF_INIT(text.n + 1);
	struct imap_client_caps c = { 0 };
	struct str rest, word;

	imap_client_clean(&all, text);
	rest = buf_str(&all);
	while (str_split(&rest, ' ', &word))
		note(&c, word, &auth);
	if (c.is_rev2)
		add_rev2(&c);
	c.all = arena_str(a, buf_str(&all));
	c.auth = arena_str(a, buf_str(&auth));
	*ret = c;
}
