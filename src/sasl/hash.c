/* SPDX-License-Identifier: MIT */
/*
 * Slow password hashes: crypt(3) of libxcrypt (yescrypt for our own, and whatever else it knows
 * for imported ones) and Argon2 by its library.
 *
 * 1. At most as many run at once as there are processors (the gate), so that a storm of logins
 *    costs time, not memory. GATE_WAITERS more may wait for their turn; who comes then hears
 *    -E_BUSY at once. Each that waits holds a thread, but not the place of a worker: as many more
 *    may run meanwhile (conn_stand_by()), so strangers who guess passwords keep nobody from being
 *    served.
 * 2. Nothing of a password stays in memory that this file has used.
 */
#include "sasl/sasl_int.h"

#include <argon2.h>
#include <crypt.h>

#include "base/clock.h"
#include "base/lock.h"

#define GATE_WAIT_MS 10000
#define GATE_WAITERS 96

struct sasl_gate {
	struct lock lock;
	struct lock_cond has_room;
	int width;
	int inside;
	int waiting;
};

struct sasl_gate *sasl_gate_new(int width)
{
	struct sasl_gate *g = MEM_NEW(struct sasl_gate);

	lock_init(&g->lock);
	lock_cond_init(&g->has_room);
	g->width = width > 0 ? width : 1;
	return g;
}

void sasl_gate_free(struct sasl_gate *g)
{
	if (g == NULL)
		return;
	lock_cond_fini(&g->has_room);
	lock_fini(&g->lock);
	mem_free(g);
}

/* Under the lock. */
static bool take_place(struct sasl_gate *g)
{
	if (g->inside >= g->width)
		return false;
	g->inside++;
	return true;
}

static bool wait_for_place(struct sasl_gate *g)
{
	int64_t deadline_ms = clock_mono_ms() + GATE_WAIT_MS;
	bool is_in;

	lock_get(&g->lock);
	while (g->inside >= g->width && lock_wait(&g->lock, &g->has_room, deadline_ms))
		continue;
	g->waiting--;
	is_in = take_place(g);
	lock_put(&g->lock);
	return is_in;
}

int sasl_gate_enter(struct sasl_gate *g, struct conn *c)
{
	bool is_in, may_wait;

	lock_get(&g->lock);
	is_in = take_place(g);
	may_wait = !is_in && g->waiting < GATE_WAITERS;
	if (may_wait)
		g->waiting++;
	lock_put(&g->lock);
	if (may_wait) {
		conn_stand_by(c, true);
		is_in = wait_for_place(g);
		conn_stand_by(c, false);
	}
	return is_in ? 0 : -E_BUSY;
}

void sasl_gate_leave(struct sasl_gate *g)
{
	lock_get(&g->lock);
	g->inside--;
	lock_signal(&g->has_room);
	lock_put(&g->lock);
}

/* crypt(3)'s scratch is 32 KB: on the heap, wiped afterwards. */
static void scratch_free(struct crypt_data **d)
{
	if (*d == NULL)
		return;
	mem_wipe(*d, sizeof(**d));
	mem_free(*d);
}

static bool crypt_check(const char *password_z, const char *hash_z)
{
	AUTO(scratch_free) struct crypt_data *d = MEM_NEW(struct crypt_data);
	const char *got_z = crypt_rn(password_z, hash_z, d, sizeof(*d));

	return got_z != NULL && got_z[0] != '*' && str_eq_secret(str_z(got_z), str_z(hash_z));
}

struct argon2_row {
	const char *prefix;
	argon2_type type;
};
static const struct argon2_row argon2_rows[] = {
	{ "$argon2id$", Argon2_id },
	{ "$argon2i$", Argon2_i },
};

static const struct argon2_row *argon2_find(const char *hash_z)
{
	for (size_t i = 0; i < ARRAY_LEN(argon2_rows); i++)
		if (str_starts(str_z(hash_z), str_z(argon2_rows[i].prefix)))
			return &argon2_rows[i];
	return NULL;
}

/* One hash in the place of one that does not exist: the same work, and never a match. */
static void crypt_waste(const char *password_z)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	bool is_match;

	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) == NULL)
		return;
	is_match = crypt_check(password_z, setting);
	(void)is_match;
}

bool sasl_hash_matches(const char *password_z, const char *hash_z)
{
	const struct argon2_row *argon2;

	if (hash_z == NULL) {
		crypt_waste(password_z);
		return false;
	}
	argon2 = argon2_find(hash_z);
	if (argon2 != NULL)
		return argon2_verify(hash_z, password_z, strlen(password_z), argon2->type) ==
		       ARGON2_OK;
	return crypt_check(password_z, hash_z);
}

int sasl_hash_make(struct arena *a, const char *password_z, struct str *ret)
{
	AUTO(scratch_free) struct crypt_data *d = MEM_NEW(struct crypt_data);
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *got_z;

	if (strlen(password_z) >= CRYPT_MAX_PASSPHRASE_SIZE)
		return -E_SYNTAX;
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) == NULL)
		return -E_IO;
	got_z = crypt_rn(password_z, setting, d, sizeof(*d));
	if (got_z == NULL || got_z[0] == '*')
		return -E_IO;
	*ret = arena_str(a, str_z(got_z));
	return ret->p != NULL ? 0 : -E_LIMIT;
}

/* "$argon2id$v=19$m=65536,t=3,p=4$salt$hash": up to 1 GiB, or one login would take the machine. */
static bool argon2_is_sane(const char *hash_z)
{
	struct str s = str_z(hash_z);
	ptrdiff_t at = str_find(s, S("$m="));
	struct str number;
	uint64_t kib;

	if (at < 0)
		return false;
	s = str_skip(s, (size_t)at + 3);
	return str_split(&s, ',', &number) && str_to_u64(number, 1u << 20, &kib);
}

bool sasl_hash_is_known(const char *hash_z)
{
	int kind;

	if (argon2_find(hash_z) != NULL)
		return argon2_is_sane(hash_z);
	kind = crypt_checksalt(hash_z);
	return kind == CRYPT_SALT_OK || kind == CRYPT_SALT_METHOD_LEGACY;
}
