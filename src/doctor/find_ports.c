/* SPDX-License-Identifier: MIT */
/* The ports at which mail servers are. */
#include "doctor/find_int.h"

const char *const doctor_protocol_names[DOCTOR_N_PROTOCOLS] = {
	[DOCTOR_IMAP] = "imap", [DOCTOR_POP3] = "pop3", [DOCTOR_SUBMISSION] = "submission",
	[DOCTOR_SMTP] = "smtp", [DOCTOR_LMTP] = "lmtp", [DOCTOR_SIEVE] = "sieve" };
const char *const doctor_tls_names[DOCTOR_N_TLS] = {
	[DOCTOR_IMPLICIT] = "implicit", [DOCTOR_STARTTLS] = "starttls", [DOCTOR_PLAIN] = "plain" };
const char *const doctor_source_names[DOCTOR_N_SOURCES] = {
	[DOCTOR_BY_USER] = "user", [DOCTOR_BY_SRV] = "srv", [DOCTOR_BY_AUTOCONFIG] = "autoconfig", [DOCTOR_BY_MX] = "mx", [DOCTOR_BY_NAME] = "name" };

static const struct {
	enum doctor_protocol protocol;
	enum doctor_tls tls;
	const char *alpn_z;
	uint16_t port;
	bool is_common;       /* worth a try where nobody says that it is there */
} usual[] = {
	{ DOCTOR_IMAP, DOCTOR_IMPLICIT, NULL, 993, true },       /* RFC 8314 3.2 */
	{ DOCTOR_IMAP, DOCTOR_STARTTLS, NULL, 143, true },
	{ DOCTOR_IMAP, DOCTOR_PLAIN, NULL, 143, true },
	{ DOCTOR_POP3, DOCTOR_IMPLICIT, NULL, 995, true },       /* RFC 8314 3.1 */
	{ DOCTOR_POP3, DOCTOR_STARTTLS, NULL, 110, true },
	{ DOCTOR_POP3, DOCTOR_PLAIN, NULL, 110, true },
	{ DOCTOR_SUBMISSION, DOCTOR_IMPLICIT, NULL, 465, true }, /* RFC 8314 3.3 */
	{ DOCTOR_SUBMISSION, DOCTOR_STARTTLS, NULL, 587, true }, /* RFC 6409 3.1 */
	{ DOCTOR_SUBMISSION, DOCTOR_PLAIN, NULL, 587, true },
	{ DOCTOR_SUBMISSION, DOCTOR_STARTTLS, NULL, 2525, true }, /* nobody's; where networks block 25 and 587 */
	{ DOCTOR_SMTP, DOCTOR_STARTTLS, NULL, 25, true },
	{ DOCTOR_SMTP, DOCTOR_PLAIN, NULL, 25, true },
	{ DOCTOR_LMTP, DOCTOR_STARTTLS, NULL, 24, false },
	{ DOCTOR_LMTP, DOCTOR_PLAIN, NULL, 24, false },
	{ DOCTOR_SIEVE, DOCTOR_STARTTLS, NULL, 4190, true },     /* RFC 5804 1.8 */
	{ DOCTOR_SIEVE, DOCTOR_PLAIN, NULL, 4190, true },
	{ DOCTOR_IMAP, DOCTOR_IMPLICIT, "imap", 443, false },    /* RFC 7301 3.1 */
	{ DOCTOR_POP3, DOCTOR_IMPLICIT, "pop3", 443, false },
	{ DOCTOR_SUBMISSION, DOCTOR_IMPLICIT, "smtp", 443, false },
};

/* A port that is none of the usual ones of these protocols: any of them may be there, in any way. */
static int add_everything(struct finding *f, struct doctor_candidate c, unsigned protocols)
{
	for (c.protocol = 0; c.protocol < DOCTOR_N_PROTOCOLS; c.protocol++)
		for (c.tls = 0; c.tls < DOCTOR_N_TLS; c.tls++)
			if ((protocols & FIND_BIT(c.protocol)) && find_add(f, c) < 0)
				return -E_LIMIT;
	return 0;
}

int find_add_ports(struct finding *f, struct doctor_candidate c, unsigned protocols, bool is_guess)
{
	uint16_t wanted = f->what->port;
	bool is_usual = false;

	protocols &= f->what->protocols ? f->what->protocols : ~0u;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		if (!(protocols & FIND_BIT(usual[i].protocol)) || (wanted != 0 && wanted != usual[i].port))
			continue;
		is_usual = true;
		if (is_guess && !usual[i].is_common && wanted == 0)
			continue;
		c.protocol = usual[i].protocol;
		c.tls = usual[i].tls;
		c.port = usual[i].port;
		c.alpn_z = usual[i].alpn_z;
		if (find_add(f, c) < 0)
			return -E_LIMIT;
	}
	if (is_usual || wanted == 0)
		return 0;
	c.alpn_z = NULL;
	c.port = wanted;
	return add_everything(f, c, protocols);
}
