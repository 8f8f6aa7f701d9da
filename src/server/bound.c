/* SPDX-License-Identifier: MIT */
/* The sockets of the listeners: bound once by the supervisor, open as long as it lives, so that no connection is refused. */
#include "server/server_int.h"

#include <sys/stat.h>
#include <unistd.h>

static int bind_one(struct server_bound *b, struct fault *fault)
{
	/* A unix socket is for other programs' users; its directory says who may come near. */
	mode_t old = umask(b->conf->address[0] == '/' ? 0 : 077);
	struct fault f = { 0 };
	int r = net_bind(b->conf->address, (uint16_t)b->conf->port, &b->fd, &f);

	umask(old);
	return r < 0 ? fault_set(fault, r, "[listener \"%s\"] %s", b->name_z, f.text) : 0;
}

int server_bound_open(const struct conf *conf, struct server_bound **ret, size_t *ret_n, struct fault *fault)
{
	size_t n = conf_count(conf, &server_listener_table);
	struct server_bound *bound = mem_alloc(n, sizeof(*bound));
	int r = 0;

	for (size_t i = 0; i < n; i++)
		bound[i].fd = -1;
	for (size_t i = 0; r == 0 && i < n; i++) {
		bound[i].conf = conf_get_nth(conf, &server_listener_table, i, &bound[i].name_z);
		r = bind_one(&bound[i], fault);
	}
	if (r < 0) {
		server_bound_close(bound, n);
		return r;
	}
	*ret = bound;
	*ret_n = n;
	return 0;
}

void server_bound_close(struct server_bound *bound, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bound[i].fd < 0)
			continue;
		close(bound[i].fd);
		if (bound[i].conf->address[0] == '/')
			unlink(bound[i].conf->address);
	}
	mem_free(bound);
}
