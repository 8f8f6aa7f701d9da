/* SPDX-License-Identifier: MIT */
/* Where this server itself takes mail from others. */
#include "server/server.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include "net/stream.h"

struct own {
	struct net_address *v;
	size_t n;
};

static void add(struct own *o, const struct net_address *a)
{
	o->v = mem_resize(o->v, o->n + 1, sizeof(*o->v));
	o->v[o->n++] = *a;
}

/* A listener at * is at every address of this host. */
static void add_everywhere(struct own *o, uint16_t port)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct net_address a = { 0 };

		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET) {
			memcpy(&a.v4, i->ifa_addr, sizeof(a.v4));
			a.v4.sin_port = htons(port);
			add(o, &a);
		} else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6) {
			memcpy(&a.v6, i->ifa_addr, sizeof(a.v6));
			a.v6.sin6_port = htons(port);
			add(o, &a);
		}
	}
	freeifaddrs(all);
}

size_t server_own_addresses(const struct conf *conf, struct net_address **ret)
{
	struct own o = { NULL, 0 };

	for (size_t i = 0; i < conf_count(conf, &server_listener_table); i++) {
		const char *name_z;
		const struct server_listener_conf *l = conf_get_nth(conf, &server_listener_table, i, &name_z);
		struct net_address a;

		if (l->protocol != SERVER_SMTP)
			continue;
		if (net_address_parse(str_z(l->address), (uint16_t)l->port, &a))
			add(&o, &a);
		else if (l->address[0] != '/')
			add_everywhere(&o, (uint16_t)l->port);
	}
	*ret = o.v;
	return o.n;
}
