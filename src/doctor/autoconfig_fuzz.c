/* SPDX-License-Identifier: MIT */
/* A file as arbitrary bytes. Whatever it is, what comes out of it can be connected to and printed. */
#include "doctor/autoconfig.h"

#include "base/limits.h"
#include "base/must.h"
#include "net/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_text(const char *z, size_t max)
{
	must(strlen(z) <= max && str_is_utf8(str_z(z)));
	for (; *z; z++)
		must((unsigned char)*z >= ' ' && *z != 0x7f);
}

static void look_at(const struct doctor_autoconfig_server *s)
{
	struct net_address address;

	must(s->port > 0 && s->tls < DOCTOR_N_TLS);
	must(s->protocol == DOCTOR_IMAP || s->protocol == DOCTOR_POP3 || s->protocol == DOCTOR_SUBMISSION);
	must(net_dns_is_name(str_z(s->host_z)) || net_address_parse(str_z(s->host_z), 0, &address));
	look_at_text(s->login_z, LIMIT_AUTOCONFIG_TEXT);
	if (s->user_z)
		look_at_text(s->user_z, LIMIT_SMTP_PATH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct doctor_autoconfig_who who[] = {
		{ STR_INIT("you@example.org"), STR_INIT("example.org") },
		{ STR_INIT(""), STR_INIT("example.org") },
	};
	static struct libexpat x;
	const char *why_z;

	must(x.Parse || libexpat_load(&x, &why_z));
	for (size_t i = 0; i < ARRAY_LEN(who); i++) {
		struct doctor_autoconfig got;
		struct arena a;

		arena_init(&a, 256u << 10);
		if (doctor_autoconfig_parse(&x, str_of(data, size), &who[i], &a, &got, NULL) == 0) {
			must(got.n <= LIMIT_AUTOCONFIG_SERVERS && size <= LIMIT_AUTOCONFIG);
			for (size_t k = 0; k < got.n; k++)
				look_at(&got.v[k]);
		}
		arena_fini(&a);
	}
	return 0;
}
