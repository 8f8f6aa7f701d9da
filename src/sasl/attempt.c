/* SPDX-License-Identifier: MIT */
/*
 * Who tries to log in, as throttling counts it: digests of the address, its network, the account
 * and the guess, under a key that lives and dies with the process. So nobody can choose addresses
 * or names that share a place in a table, and no password can be found in the tables.
 */
#include "sasl/sasl_int.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define TEXT_MAX 4096 /* name, stored hash and password */

/* The lengths stand in front, so that no two lists run into each other. Never 0. */
static uint64_t digest(const struct sasl_throttle *t, enum sasl_scope scope, struct str a,
		       struct str b, struct str c)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(TEXT_MAX);
	uint64_t head[4] = { scope, a.n, b.n, c.n };
	uint8_t mac[32] = { 0 };
	uint64_t key;

	buf_add(&text, str_of(head, sizeof(head)));
	buf_add(&text, a);
	buf_add(&text, b);
	buf_add(&text, c);
	HMAC(EVP_sha256(), t->key, sizeof(t->key), (const uint8_t *)text.p, text.n, mac, NULL);
	mem_wipe(text.p, text.n);
	memcpy(&key, mac, sizeof(key));
	return key | 1;
}

static void set_address(const struct sasl_throttle *t, const struct sasl_peer *peer,
			enum sasl_scope scope, unsigned bits, struct sasl_attempt *at)
{
	struct sasl_peer p = *peer;

	sasl_peer_cut(&p, bits);
	sasl_peer_print(&p, bits, at->labels[scope]);
	at->keys[scope] = digest(t, scope, str_of(p.b, sizeof(p.b)), S(""), S(""));
}

static void set_account(const struct sasl_throttle *t, struct str name, struct sasl_attempt *at)
{
	char lower[320];
	size_t n = name.n < sizeof(lower) ? name.n : sizeof(lower) - 1;
	size_t shown = n < SASL_LABEL ? n : SASL_LABEL - 1;

	for (size_t i = 0; i < n; i++)
		lower[i] = str_lower_char(name.p[i]);
	while (!str_is_utf8(str_of(lower, shown)))
		shown--;
	snprintf(at->labels[SASL_ACCOUNT], SASL_LABEL, "%" STR_FMT, STR_ARG(str_of(lower, shown)));
	at->keys[SASL_ACCOUNT] = digest(t, SASL_ACCOUNT, str_of(lower, n), S(""), S(""));
	at->keys[SASL_PAIR] = digest(t, SASL_PAIR, str_of(at->keys, 2 * sizeof(at->keys[0])),
				     str_of(&at->keys[SASL_ACCOUNT], sizeof(at->keys[0])), S(""));
}

void sasl_attempt_make(const struct sasl_throttle *t, const struct sasl_conf *set, struct str peer,
		       struct str account, struct sasl_attempt *ret)
{
	struct sasl_attempt at = { .is_exempt = true };
	struct sasl_peer p;

	if (sasl_peer_parse(peer, &p) && !sasl_peer_is_in(&p, &set->throttle_exempt)) {
		at.is_exempt = false;
		set_address(t, &p, SASL_ADDRESS, p.is_v4 ? 128 : 64, &at);
		if (!p.is_v4)
			set_address(t, &p, SASL_NETWORK, 48, &at);
		if (account.n > 0)
			set_account(t, account, &at);
	}
	*ret = at;
}

void sasl_attempt_guess(const struct sasl_throttle *t, struct sasl_attempt *at, struct str hash,
			struct str password)
{
	if (at->keys[SASL_ACCOUNT] != 0)
		at->keys[SASL_GUESS] =
			digest(t, SASL_GUESS, str_of(&at->keys[SASL_ACCOUNT], sizeof(at->keys[0])),
			       hash, password);
}
