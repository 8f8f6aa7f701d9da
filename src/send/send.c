/* SPDX-License-Identifier: MIT */
/* Opening and closing the room. */
#include "send/send_int.h"

#include "base/mem.h"
#include "net/https.h"

static int parse_source(const char *what_z, const char *text_z, int family, struct net_address *ret, bool *ret_has, struct fault *fault)
{
	*ret_has = text_z[0] != '\0';
	if (!*ret_has)
		return 0;
	if (!net_address_parse(str_z(text_z), 0, ret) || ret->any.sa_family != family)
		return fault_set(fault, -E_USAGE, "[queue] %s = %.60s: not such an address", what_z, text_z);
	return 0;
}

bool send_wants_https(const struct conf *conf)
{
	const struct queue_conf *q = conf_get(conf, &queue_conf_table);
	const struct queue_tlsrpt_conf *t = conf_get(conf, &queue_tlsrpt_conf_table);

	return q->asks_sts || t->address[0];
}

int send_open(const struct send_options *o, struct send **ret, struct fault *fault)
{
	struct send *s = MEM_NEW(struct send);
	int r;

	s->conf = o->conf;
	s->q = conf_get(o->conf, &queue_conf_table);
	s->tlsrpt = conf_get(o->conf, &queue_tlsrpt_conf_table);
	s->dns = o->dns;
	s->https = o->https;
	s->names = send_names_dns;
	s->names.ctx = s;
	s->helo_z = s->own_names[0] = o->helo_z;
	s->secrets = o->secrets;
	s->n_secrets = o->n_secrets;
	s->own = o->own;
	s->n_own = o->n_own;
	s->result = o->result;
	s->ctx = o->ctx;
	lock_init(&s->lock);
	lock_cond_init(&s->work);
	lock_cond_init(&s->done);
	r = parse_source("source_v4", s->q->source_v4, AF_INET, &s->from_v4, &s->has_from_v4, fault);
	if (r == 0)
		r = parse_source("source_v6", s->q->source_v6, AF_INET6, &s->from_v6, &s->has_from_v6, fault);
	if (r == 0)
		r = net_stream_tls_new_late(o->ca_pem, &s->tls, fault);
	if (r == 0 && !s->https && send_wants_https(o->conf))
		r = net_https_open(o->ca_pem, &s->https, fault);
	if (r < 0) {
		send_close(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void send_close(struct send **sp)
{
	struct send *s = *sp;

	if (!s)
		return;
	send_pool_fini(s);
	net_https_close(&s->https);
	net_stream_tls_free(s->tls);
	lock_cond_fini(&s->done);
	lock_cond_fini(&s->work);
	lock_fini(&s->lock);
	mem_free(s);
	*sp = NULL;
}
