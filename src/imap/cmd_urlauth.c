/* SPDX-License-Identifier: MIT */
/*
 * GENURLAUTH, URLFETCH, RESETKEY (RFC 4467 7): URLs with which somebody else may read a message, as long as
 * the one who signed them may; and URLFETCH's other forms of the data (RFC 5524).
 *
 * The token of INTERNAL is "01" and HMAC-SHA-256(mailbox access key, rump URL) in hexadecimal; another
 * algorithm gets another number. Whatever is wrong with a URL, an HMAC is computed and the answer is
 * NIL, so neither time nor text tells which accounts, mailboxes and messages there are.
 *
 * DEVIATION(RFC 4467 7): other sessions are not told URLMECH after RESETKEY, for INTERNAL has
 * no data that could be new to them.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/rnd.h"
#include "base/text.h"
#include "imap/fetch.h"
#include "imap/imap_int.h"
#include "imap/resp.h"
#include "imap/structure.h"
#include "imap/url.h"
#include "net/conn.h"
#include "store/account.h"
#include "store/mailbox.h"
#include "store/message.h"
#include "store/rights.h"
#include "store/urlkey.h"

#define MAC_BYTES 32
#define VERSION "01"
#define TOKEN_CHARS (sizeof(VERSION) - 1 + 2 * (size_t)MAC_BYTES)

/* ---- tokens ---- */

static int make_token(struct arena *a, const uint8_t key[STORE_URL_KEY_BYTES], struct str rump,
		      struct str *ret)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(2 * TOKEN_CHARS);
	uint8_t mac[EVP_MAX_MD_SIZE];

	if (HMAC(EVP_sha256(), key, STORE_URL_KEY_BYTES, (const uint8_t *)rump.p, rump.n, mac, NULL) ==
	    NULL)
		return -E_BUG;
	buf_add(&text, S(VERSION));
	text_hex(&text, str_of(mac, MAC_BYTES));
	*ret = arena_str(a, buf_str(&text));
	return ret->p != NULL ? 0 : -E_LIMIT;
}

static bool is_token(struct str said, struct str right)
{
	char lower[TOKEN_CHARS];

	if (said.n != TOKEN_CHARS || right.n != TOKEN_CHARS)
		return false;
	for (size_t i = 0; i < said.n; i++)
		lower[i] = str_lower_char(said.p[i]);
	return CRYPTO_memcmp(lower, right.p, TOKEN_CHARS) == 0;
}

/* ---- GENURLAUTH ---- */

static int refuse(struct imap_session *s, const char *text_z)
{
	imap_say(s, "%s", text_z);
	return -E_USAGE;
}

/* RFC 4467 7: what must be right before it is signed; all refusals are BAD. */
static int check_rump(struct imap_session *s, struct str text, struct imap_url_auth *u,
		      struct store_mailbox *box)
{
	struct store_account owner = { 0 };
	struct imap_fetch_item item;
	int r = imap_url_auth_parse(&s->arena, text, u);

	if (r < 0)
		return r;
	if (r == 0 || u->token.p != NULL)
		return refuse(s, "that is no URL that could be authorized");
	r = store_account_find(imap_store(s), &s->arena, u->user, &owner);
	if (r == -E_NOT_FOUND || (r == 0 && owner.id != s->account))
		return refuse(s, "a URL is authorized by the user whom it names");
	if (r == 0)
		r = imap_mailbox_find(s, u->url.mailbox, STORE_R_READ, box);
	if (r == -E_NOT_FOUND || r == -E_DENIED || r == -E_CANNOT ||
	    (r == 0 && u->url.uidvalidity != 0 && u->url.uidvalidity != box->uidvalidity))
		return refuse(s, "the URL names no mailbox that you can read");
	if (r == 0 && (r = imap_url_item(&s->arena, &u->url, &item)) == 0)
		return refuse(s, "the URL has no section that there could be");
	return r < 0 ? r : 0;
}

/* url-rump SP mechanism, to url-full */
static int authorize(struct imap_session *s, struct str text, struct str mechanism, struct str *ret)
{
	uint8_t key[STORE_URL_KEY_BYTES];
	struct imap_url_auth u = { 0 };
	struct store_mailbox box = { 0 };
	struct str token = { 0 };
	int r;

	if (!str_ieq(mechanism, S("INTERNAL")))
		return refuse(s, "the only mechanism is INTERNAL");
	r = check_rump(s, text, &u, &box);
	if (r == 0)
		r = store_url_key(imap_store(s), s->account, box.id, true, key);
	if (r == 0)
		r = make_token(&s->arena, key, text, &token);
	mem_wipe(key, sizeof(key));
	if (r < 0)
		return r;
	*ret = arena_printf(&s->arena, "%" STR_FMT ":internal:%" STR_FMT, STR_ARG(text),
			    STR_ARG(token));
	return ret->p != NULL ? 0 : -E_LIMIT;
}

/* genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism) */
int imap_cmd_genurlauth(struct imap_session *s)
{
	struct str urls[LIMIT_IMAP_URLS], mechanisms[LIMIT_IMAP_URLS];
	size_t n = 0;
	int r = 0;

	while (r == 0 && n < LIMIT_IMAP_URLS && imap_parse_sp(&s->p) > 0) {
		r = imap_need(imap_parse_astring(&s->p, &urls[n]));
		if (r == 0)
			r = imap_need(imap_parse_sp(&s->p));
		if (r == 0)
			r = imap_need(imap_parse_atom(&s->p, &mechanisms[n++]));
	}
	if (r == 0)
		r = n > 0 ? imap_need(imap_parse_end(&s->p)) : -E_SYNTAX;
	for (size_t i = 0; i < n && r == 0; i++)
		r = authorize(s, urls[i], mechanisms[i], &urls[i]);
	if (r < 0)
		return r;
	imap_resp(s, S("* GENURLAUTH"));
	for (size_t i = 0; i < n; i++) {
		imap_resp(s, S(" "));
		imap_resp_string(s, urls[i]);
	}
	imap_resp_end(s);
	return 0;
}

/* ---- URLFETCH ---- */

enum { AS_BODY = 1, AS_BINARY = 2, AS_STRUCTURE = 4 };

struct request {
	struct str url;
	unsigned as; /* 0: as RFC 4467 has it */
};

static bool is_submit_user(const struct imap_session *s)
{
	for (size_t i = 0; i < s->conf->submit_users.n; i++) {
		if (str_ieq(str_z(s->conf->submit_users.v[i]), str_z(s->name)))
			return true;
	}
	return false;
}

/* RFC 4467 3; every session here is that of a user. */
static bool may_use(struct imap_session *s, const struct imap_url_auth *u)
{
	struct store_account account;

	if (u->has_expire && clock_wall_ms() / 1000 > u->expire_s)
		return false;
	switch (u->access) {
	case IMAP_ACCESS_AUTHUSER:
	case IMAP_ACCESS_ANONYMOUS:
		return true;
	case IMAP_ACCESS_SUBMIT:
		return is_submit_user(s);
	case IMAP_ACCESS_USER:
		return store_account_find(imap_store(s), &s->arena, u->access_user, &account) == 0 &&
		       account.id == s->account;
	}
	return false;
}

/* With the access of the user who signed it (RFC 4467 7): 0, or -E_NOT_FOUND for all that is wrong. */
static int find_signed(struct imap_session *s, const struct imap_url_auth *u,
		       struct store_mailbox *box, uint8_t key[STORE_URL_KEY_BYTES])
{
	struct store_account owner = { 0 };
	int r = store_account_find(imap_store(s), &s->arena, u->user, &owner);

	if (r == 0 && !owner.is_enabled)
		r = -E_NOT_FOUND;
	if (r == 0)
		r = store_mailbox_lookup(imap_store(s), &s->arena, owner.id, u->url.mailbox,
					 STORE_R_READ, box);
	if (r == 0 && u->url.uidvalidity != 0 && u->url.uidvalidity != box->uidvalidity)
		r = -E_NOT_FOUND;
	if (r == 0)
		r = store_url_key(imap_store(s), owner.id, box->id, false, key);
	return r == -E_DENIED || r == -E_CANNOT ? -E_NOT_FOUND : r;
}

/* RFC 4467 6. 0; -E_NOT_FOUND: NIL; other trouble. */
static int validate(struct imap_session *s, struct str text, struct imap_url_auth *u,
		    struct store_mailbox *box)
{
	uint8_t key[STORE_URL_KEY_BYTES];
	struct str token = { 0 };
	int found, r = imap_url_auth_parse(&s->arena, text, u);

	if (r <= 0 || u->token.p == NULL)
		return r < 0 ? r : -E_NOT_FOUND;
	rnd_bytes(key, sizeof(key)); /* "plausible" */
	found = find_signed(s, u, box, key);
	if (found < 0 && found != -E_NOT_FOUND)
		return found;
	r = make_token(&s->arena, key, u->rump, &token);
	mem_wipe(key, sizeof(key));
	if (r < 0)
		return r;
	if (!is_token(u->token, token) || !str_ieq(u->mechanism, S("INTERNAL")) || !may_use(s, u))
		return -E_NOT_FOUND;
	return found;
}

/* "(" BODYPARTSTRUCTURE SP body ")" */
static int write_structure(struct imap_session *s, struct imap_fetch_msg *m,
			   const struct imap_fetch_item *item, bool is_decoded)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(LIMIT_IMAP_COMMAND);
	uint64_t size = 0;
	int r = is_decoded ? imap_fetch_binary_size(s, m, item, &size) : 0;

	if (r == 0 && item->text == IMAP_TEXT_ALL)
		r = imap_structure_part(m->content.structure, item->part, item->n_part,
					is_decoded ? &size : NULL, &text);
	imap_resp(s, S(" (BODYPARTSTRUCTURE "));
	imap_resp(s, text.n > 0 && !buf_overflowed(&text) ? buf_str(&text) : S("NIL"));
	imap_resp(s, S(")"));
	return r == -E_IO ? r : 0;
}

static int write_item(struct imap_session *s, struct imap_fetch_msg *m, struct imap_fetch_item *item,
		      const struct request *q)
{
	int r = 0;

	if (q->as & AS_STRUCTURE)
		r = write_structure(s, m, item, q->as & AS_BINARY);
	if (r < 0 || q->as == AS_STRUCTURE)
		return r;
	/* Headers have no encoding to be undone. */
	if ((q->as & AS_BINARY) && item->text == IMAP_TEXT_ALL)
		item->kind = IMAP_FETCH_BINARY;
	item->label = q->as & AS_BINARY ? S("BINARY") : q->as & AS_BODY ? S("BODY") : S("");
	imap_resp(s, q->as != 0 ? S(" (") : S(""));
	r = imap_fetch_item_write(s, m, item);
	imap_resp(s, q->as != 0 ? S(")") : S(""));
	/* NIL stands there; of a part that cannot be decoded RFC 5524 3.2 wants no more. */
	return r == -E_UNKNOWN_CTE ? 0 : r;
}

static int fetch_one(struct imap_session *s, const struct request *q)
{
	AUTO(imap_fetch_msg_fini) struct imap_fetch_msg m = { 0 };
	struct imap_fetch_item item;
	struct store_mailbox box = { 0 };
	struct imap_url_auth u = { 0 };
	int r = validate(s, q->url, &u, &box);

	if (r == 0)
		r = imap_url_content(s, box.id, u.url.uid, STORE_C_MAP | STORE_C_STRUCTURE, &m.content);
	if (r == 0)
		r = imap_url_item(&s->arena, &u.url, &item) == 1 ? 0 : -E_NOT_FOUND;
	imap_resp(s, S(" "));
	imap_resp_string(s, q->url);
	if (r == 0)
		return write_item(s, &m, &item, q);
	imap_resp(s, S(" NIL"));
	return r == -E_NOT_FOUND ? 0 : r;
}

/* url-fetch-param = "BODY" / "BINARY" / "BODYPARTSTRUCTURE", each once, not both of the first */
static int parse_params(struct imap_parse *p, unsigned *ret)
{
	static const struct {
		struct str name;
		unsigned bit, not_with;
	} rows[] = {
		{ STR_INIT("BODY"), AS_BODY, AS_BODY | AS_BINARY },
		{ STR_INIT("BINARY"), AS_BINARY, AS_BODY | AS_BINARY },
		{ STR_INIT("BODYPARTSTRUCTURE"), AS_STRUCTURE, AS_STRUCTURE },
	};

	while (imap_parse_sp(p) > 0) {
		struct str name;
		size_t i;

		if (imap_parse_atom(p, &name) <= 0)
			return -E_SYNTAX;
		for (i = 0; i < ARRAY_LEN(rows) && !str_ieq(name, rows[i].name); i++)
			;
		if (i == ARRAY_LEN(rows) || (*ret & rows[i].not_with))
			return -E_SYNTAX;
		*ret |= rows[i].bit;
	}
	return imap_need(imap_parse_char(p, ')'));
}

/* url-fetch-arg = url-full / "(" url-full *(SP url-fetch-param) ")"   RFC 5524 5 */
static int parse_arg(struct imap_parse *p, struct request *ret)
{
	bool is_extended = imap_parse_char(p, '(') > 0;
	int r = imap_need(imap_parse_astring(p, &ret->url));

	ret->as = 0;
	return r == 0 && is_extended ? parse_params(p, &ret->as) : r;
}

/* urlfetch = "URLFETCH" 1*(SP url-fetch-arg) */
int imap_cmd_urlfetch(struct imap_session *s)
{
	struct request requests[LIMIT_IMAP_URLS];
	size_t n = 0;
	int r = 0, err = 0;

	while (r == 0 && n < LIMIT_IMAP_URLS && imap_parse_sp(&s->p) > 0)
		r = parse_arg(&s->p, &requests[n++]);
	if (r == 0)
		r = n > 0 ? imap_need(imap_parse_end(&s->p)) : -E_SYNTAX;
	if (r < 0)
		return r;
	imap_resp(s, S("* URLFETCH"));
	for (size_t i = 0; i < n && !conn_failed(s->conn); i++) {
		r = fetch_one(s, &requests[i]);
		if (r == -E_CLOSED)
			return r;
		err = err != 0 ? err : r;
	}
	imap_resp_end(s);
	return err;
}

/* ---- RESETKEY ---- */

/* resetkey = "RESETKEY" [SP mailbox *(SP mechanism)] */
int imap_cmd_resetkey(struct imap_session *s)
{
	struct store_mailbox box = { 0 };
	struct str name = { 0 }, mechanism;
	bool is_internal = true;
	int r = 0;

	if (imap_parse_sp(&s->p) > 0)
		r = imap_need(imap_parse_mailbox(&s->p, &name));
	while (r == 0 && name.p != NULL && imap_parse_sp(&s->p) > 0) {
		r = imap_need(imap_parse_atom(&s->p, &mechanism));
		is_internal &= r == 0 && str_ieq(mechanism, S("INTERNAL"));
	}
	if (r == 0)
		r = imap_need(imap_parse_end(&s->p));
	if (r == 0 && !is_internal) {
		imap_say(s, "the only mechanism is INTERNAL");
		r = -E_CANNOT;
	}
	if (r == 0 && name.p != NULL)
		r = imap_mailbox_find(s, name, STORE_R_READ, &box);
	if (r == 0)
		r = store_url_key_reset(imap_store(s), s->account, box.id);
	if (r == 0 && box.id != 0)
		imap_code(s, "URLMECH INTERNAL");
	return r;
}
