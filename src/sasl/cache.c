/* SPDX-License-Identifier: MIT */
/*
 * Right passwords seen lately, so that a client that logs in again costs microseconds instead of
 * a slow hash.
 *
 * 1. What is kept is HMAC-SHA256(process key, account | hash | password): without the key, which
 *    never leaves the process, it says nothing.
 * 2. The stored hash is part of it, so a changed password never matches, even if nobody called
 *    sasl_cache_forget().
 * 3. The table is fixed: an account has one entry, in one of the few places of its row; a newer
 *    login takes the oldest.
 * 4. Wrong passwords are not kept.
 */
#include "sasl/sasl_int.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/rnd.h"

#define CACHE_ROWS 1024
#define CACHE_WAYS 4

struct entry {
	int64_t account; /* 0: free; ids begin at 1 */
	int64_t until_ms;
	uint8_t mac[32];
};

struct sasl_cache {
	struct lock lock;
	uint8_t key[32];
	struct entry rows[CACHE_ROWS][CACHE_WAYS];
};

struct sasl_cache *sasl_cache_new(void)
{
	struct sasl_cache *c = MEM_NEW(struct sasl_cache);

	lock_init(&c->lock);
	rnd_bytes(c->key, sizeof(c->key));
	return c;
}

void sasl_cache_free(struct sasl_cache *c)
{
	if (c == NULL)
		return;
	lock_fini(&c->lock);
	mem_wipe(c, sizeof(*c));
	mem_free(c);
}

/*
 * The lengths stand in front, so that no two inputs run into each other. False: too long to be
 * remembered.
 */
static bool mac_make(const struct sasl_cache *c, int64_t account, struct str password,
		     struct str hash, uint8_t ret[32])
{
	uint8_t text[2048];
	uint64_t head[3] = { (uint64_t)account, hash.n, password.n };
	size_t n = sizeof(head);
	bool is_ok;

	if (hash.n + password.n > sizeof(text) - n)
		return false;
	memcpy(text, head, n);
	memcpy(text + n, hash.p, hash.n);
	n += hash.n;
	memcpy(text + n, password.p, password.n);
	n += password.n;
	is_ok = HMAC(EVP_sha256(), c->key, sizeof(c->key), text, n, ret, NULL) != NULL;
	mem_wipe(text, sizeof(text));
	return is_ok;
}

static struct entry *row_of(struct sasl_cache *c, int64_t account)
{
	return c->rows[(uint64_t)account % CACHE_ROWS];
}

bool sasl_cache_has(struct sasl_cache *c, int64_t account, struct str password, struct str hash)
{
	struct entry *row = row_of(c, account);
	int64_t now_ms = clock_mono_ms();
	bool is_there = false;
	uint8_t mac[32];

	if (!mac_make(c, account, password, hash, mac))
		return false;
	lock_get(&c->lock);
	for (size_t i = 0; i < CACHE_WAYS; i++)
		if (row[i].account == account && row[i].until_ms > now_ms)
			is_there = str_eq_secret(str_of(row[i].mac, 32), str_of(mac, 32));
	lock_put(&c->lock);
	return is_there;
}

void sasl_cache_add(struct sasl_cache *c, int64_t account, struct str password, struct str hash,
		    int64_t ttl_ms)
{
	struct entry *row = row_of(c, account), *place = &row[0];
	struct entry e = { .account = account, .until_ms = clock_mono_ms() + ttl_ms };

	if (ttl_ms <= 0 || !mac_make(c, account, password, hash, e.mac))
		return;
	lock_get(&c->lock);
	for (size_t i = 0; i < CACHE_WAYS; i++) {
		if (row[i].account == account) {
			place = &row[i];
			break;
		}
		if (row[i].until_ms < place->until_ms)
			place = &row[i];
	}
	*place = e;
	lock_put(&c->lock);
}

void sasl_cache_forget(struct sasl_cache *c, int64_t account)
{
	struct entry *row = row_of(c, account);

	lock_get(&c->lock);
	for (size_t i = 0; i < CACHE_WAYS; i++)
		if (row[i].account == account)
			memset(&row[i], 0, sizeof(row[i]));
	lock_put(&c->lock);
}
