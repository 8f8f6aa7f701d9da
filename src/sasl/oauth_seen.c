/* SPDX-License-Identifier: MIT */
/*
 * Good tokens seen lately, so that a client that connects ten times asks once.
 *
 * 1. What is kept is HMAC-SHA256(process key, token): without the key it says nothing.
 * 2. The table is fixed; the entry that ends first makes room.
 * 3. What the token is good for is what the settings said when it was checked, so new settings
 *    empty it, and begin a new epoch: what was still being checked by the old ones is not kept.
 */
#include "sasl/oauth.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/must.h"
#include "base/rnd.h"

#define WAYS 4
#define ROWS (LIMIT_OAUTH_TOKENS / WAYS)

struct entry {
	int64_t account; /* 0: free */
	int64_t until_ms;
	uint8_t digest[32];
};

struct sasl_seen {
	struct lock lock;
	uint8_t key[32];
	uint64_t epoch;
	struct entry rows[ROWS][WAYS];
};

struct sasl_seen *sasl_seen_new(void)
{
	struct sasl_seen *s = MEM_NEW(struct sasl_seen);

	lock_init(&s->lock);
	rnd_bytes(s->key, sizeof(s->key));
	return s;
}

void sasl_seen_free(struct sasl_seen *s)
{
	if (s == NULL)
		return;
	lock_fini(&s->lock);
	mem_wipe(s, sizeof(*s));
	mem_free(s);
}

void sasl_seen_digest(const struct sasl_seen *s, struct str token, uint8_t ret[32])
{
	must(HMAC(EVP_sha256(), s->key, sizeof(s->key), (const unsigned char *)token.p, token.n, ret,
		  NULL) != NULL);
}

static struct entry *row_of(struct sasl_seen *s, const uint8_t digest[32])
{
	uint32_t n;

	memcpy(&n, digest, sizeof(n));
	return s->rows[n % ROWS];
}

uint64_t sasl_seen_epoch(struct sasl_seen *s)
{
	uint64_t epoch;

	lock_get(&s->lock);
	epoch = s->epoch;
	lock_put(&s->lock);
	return epoch;
}

int64_t sasl_seen_find(struct sasl_seen *s, const uint8_t digest[32])
{
	struct entry *row = row_of(s, digest);
	int64_t now_ms = clock_mono_ms(), account = 0;

	lock_get(&s->lock);
	for (size_t i = 0; i < WAYS; i++)
		if (row[i].until_ms > now_ms &&
		    str_eq_secret(str_of(row[i].digest, 32), str_of(digest, 32)))
			account = row[i].account;
	lock_put(&s->lock);
	return account;
}

void sasl_seen_add(struct sasl_seen *s, uint64_t epoch, const uint8_t digest[32], int64_t account,
		   int64_t ttl_ms)
{
	struct entry *row = row_of(s, digest), *place = &row[0];
	struct entry e = { .account = account, .until_ms = clock_mono_ms() + ttl_ms };

	if (ttl_ms <= 0)
		return;
	memcpy(e.digest, digest, sizeof(e.digest));
	lock_get(&s->lock);
	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(row[i].digest, digest, sizeof(e.digest)) == 0) {
			place = &row[i];
			break;
		}
		if (row[i].until_ms < place->until_ms)
			place = &row[i];
	}
	if (epoch == s->epoch)
		*place = e;
	lock_put(&s->lock);
}

void sasl_seen_forget(struct sasl_seen *s, int64_t account)
{
	struct entry *all = &s->rows[0][0];

	lock_get(&s->lock);
	s->epoch += account == 0;
	for (size_t i = 0; i < LIMIT_OAUTH_TOKENS; i++)
		if (account == 0 || all[i].account == account)
			memset(&all[i], 0, sizeof(all[i]));
	lock_put(&s->lock);
}
