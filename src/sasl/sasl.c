/* SPDX-License-Identifier: MIT */
/* Opens and closes what all exchanges of the process share. */
#include "sasl/oauth.h"

#include <gsasl.h>
#include <unistd.h>

int sasl_open(struct store *store, struct conf_live *conf, struct sasl **ret, struct fault *fault)
{
	struct sasl *s = MEM_NEW(struct sasl);
	int r = store_secret(store, S("auth-salts"), s->fake_key);

	if (r < 0) {
		mem_free(s);
		return fault_set(fault, r, "the secret for logins cannot be read or made: %s",
				 err_row(r)->text);
	}
	r = gsasl_init(&s->gsasl);
	if (r != GSASL_OK) {
		mem_free(s);
		return fault_set(fault, -E_IO, "GNU SASL does not start: %s", gsasl_strerror(r));
	}
	gsasl_callback_set(s->gsasl, sasl_exchange_callback);
	s->store = store;
	s->conf = conf;
	s->gate = sasl_gate_new((int)sysconf(_SC_NPROCESSORS_ONLN));
	s->cache = sasl_cache_new();
	s->throttle = sasl_throttle_new();
	s->seats = sasl_seats_new();
	s->ask = sasl_ask_new();
	s->seen = sasl_seen_new();
	lock_init(&s->keys_lock);
	*ret = s;
	return 0;
}

void sasl_close(struct sasl **s)
{
	if (*s == NULL)
		return;
	gsasl_done((*s)->gsasl);
	sasl_gate_free((*s)->gate);
	sasl_cache_free((*s)->cache);
	sasl_throttle_free((*s)->throttle);
	sasl_seats_free((*s)->seats);
	sasl_ask_free((*s)->ask);
	sasl_seen_free((*s)->seen);
	sasl_jwks_unref((*s)->keys);
	lock_fini(&(*s)->keys_lock);
	mem_wipe(*s, sizeof(**s));
	mem_free(*s);
	*s = NULL;
}
