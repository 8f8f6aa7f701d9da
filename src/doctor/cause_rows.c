/* SPDX-License-Identifier: MIT */
/* What each cause means, whose it is and what to try. */
#include "doctor/cause.h"

const char *const doctor_owner_names[DOCTOR_N_OWNERS] = { "", "you", "network", "server", "provider", "dns" };
const char *const doctor_class_names[DOCTOR_N_CLASSES] = { "ok", "names", "network", "server", "tls", "login" };

const struct doctor_cause_row doctor_causes[DOCTOR_N_CAUSES] = {
	[DOCTOR_WORKS] = { "works", DOCTOR_NOBODY, DOCTOR_CLASS_OK, "works", "" },
	[DOCTOR_WORKS_LATE] = { "works-late", DOCTOR_SERVER, DOCTOR_CLASS_OK, "works, but greets late on purpose",
		"Give the program a longer timeout, or use a port for users (465, 587) instead of one for servers." },
	[DOCTOR_WORKS_OPEN] = { "works-open", DOCTOR_NOBODY, DOCTOR_CLASS_OK, "works without encryption", "" },
	[DOCTOR_WORKS_PLAIN] = { "works-plain", DOCTOR_SERVER, DOCTOR_CLASS_TLS, "works without encryption: everybody on the way reads the password",
		"Use a port with TLS; if there is none, ask the provider for one." },

	[DOCTOR_NO_NAME] = { "no-name", DOCTOR_DNS, DOCTOR_CLASS_NAMES, "there is no such name in the DNS",
		"Look for a typing mistake; else ask the provider for the name of the server." },
	[DOCTOR_NO_ADDRESS] = { "no-address", DOCTOR_DNS, DOCTOR_CLASS_NAMES, "the name has no address", "Ask the provider for the name of the server." },
	[DOCTOR_PUBLISHED_NO_ADDRESS] = { "published-no-address", DOCTOR_PROVIDER, DOCTOR_CLASS_NAMES,
		"the domain publishes this server, but the name has no address", "Tell the provider: its SRV, MX or autoconfig entry leads nowhere." },
	[DOCTOR_DNS_BOGUS] = { "dns-bogus", DOCTOR_DNS, DOCTOR_CLASS_NAMES, "the DNS answers with signatures that are wrong",
		"Tell who keeps the domain; or somebody on the way changes answers: try another network." },
	[DOCTOR_DNS_SILENT] = { "dns-silent", DOCTOR_NETWORK, DOCTOR_CLASS_NAMES, "the DNS does not answer",
		"Is this host on a network at all? Look at the resolver in /etc/resolv.conf, or try another network." },

	[DOCTOR_NO_IPV6] = { "no-ipv6", DOCTOR_NOBODY, DOCTOR_CLASS_NETWORK, "this host has no IPv6", "Nothing: IPv4 is there for that." },
	[DOCTOR_NO_ROUTE] = { "no-route", DOCTOR_YOU, DOCTOR_CLASS_NETWORK, "this host has no way to that address",
		"Is this host on a network? Look at its routes (ip route)." },
	[DOCTOR_FORBIDDEN_HERE] = { "forbidden-here", DOCTOR_YOU, DOCTOR_CLASS_NETWORK, "a rule of this host itself forbids the connection",
		"Look at the firewall, the routes and the security software of this host." },
	[DOCTOR_UNREACHABLE] = { "unreachable", DOCTOR_NETWORK, DOCTOR_CLASS_NETWORK, "the network on the way says that the address or port cannot be reached",
		"Try another network; if it is the same there, the server is off." },
	[DOCTOR_SILENT] = { "silent", DOCTOR_NETWORK, DOCTOR_CLASS_NETWORK, "nothing answers: the port is blocked on the way, or the server is off",
		"Try another network, such as a phone's; if it works there, this network blocks the port." },
	[DOCTOR_PORT_BLOCKED] = { "port-blocked", DOCTOR_NETWORK, DOCTOR_CLASS_NETWORK, "this network blocks the port: the same host answers at others",
		"Use another port that works; else ask who runs this network, or try another one." },
	[DOCTOR_PORT_FILTERED] = { "port-filtered", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "the server does not serve the port: a firewall drops what comes",
		"Use another port." },
	[DOCTOR_ADDRESS_SILENT] = { "address-silent", DOCTOR_SERVER, DOCTOR_CLASS_NETWORK, "this address of the host does not answer, another one does",
		"Nothing, if programs are patient; else tell the provider, or switch off that kind of address." },
	[DOCTOR_HOST_SILENT] = { "host-silent", DOCTOR_SERVER, DOCTOR_CLASS_NETWORK, "the host does not answer at any port, others do: it is off, or drops all that comes",
		"Is the name right? Else wait, or tell the provider." },
	[DOCTOR_NETWORK_SILENT] = { "network-silent", DOCTOR_NETWORK, DOCTOR_CLASS_NETWORK, "nothing answers at any port: this network lets no mail out, or the host is off",
		"Does a web page open? Try another network; if it is the same there, the host is off." },
	[DOCTOR_REFUSED] = { "refused", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "the server does not listen there", "Use another port." },
	[DOCTOR_NO_SERVER] = { "no-server", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "the host is there, but no mail server listens on it",
		"Is it the right host? Else its mail server is stopped: start it, or tell the provider." },

	[DOCTOR_NO_GREETING] = { "no-greeting", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "it takes the connection and says nothing",
		"The server is overloaded, or something on the way (a firewall, a virus scanner) answers in its stead: try again, then another network." },
	[DOCTOR_CLOSED] = { "closed", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "it takes the connection and closes it at once",
		"It may have shut this address out, or have too many connections: wait an hour, then ask the provider." },
	[DOCTOR_TURNED_AWAY] = { "turned-away", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "the server turns this address away", "Read its words; they often name a page that helps." },
	[DOCTOR_NOT_MAIL] = { "not-mail", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "what answers there is not a mail server",
		"Is host and port right? In a hotel or on a train, open a web page first: its login page may answer for everybody." },
	[DOCTOR_OTHER_PROTOCOL] = { "other-protocol", DOCTOR_YOU, DOCTOR_CLASS_SERVER, "the port is for another mail protocol", "Set the protocol that belongs to the port." },
	[DOCTOR_WANTS_TLS_FIRST] = { "wants-tls-first", DOCTOR_YOU, DOCTOR_CLASS_TLS, "the port wants TLS from the start", "Set SSL/TLS instead of STARTTLS for this port." },
	[DOCTOR_SPEAKS_PLAIN] = { "speaks-plain", DOCTOR_YOU, DOCTOR_CLASS_TLS, "the port begins without TLS", "Set STARTTLS instead of SSL/TLS for this port." },
	[DOCTOR_BROKEN_OFF] = { "broken-off", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "the dialogue breaks off in the middle",
		"Try again; if it stays so, tell the provider what was said last." },
	[DOCTOR_COMMAND_REFUSED] = { "command-refused", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "the first command is refused", "Read the server's words." },
	[DOCTOR_NO_LOGINS] = { "no-logins", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "the port takes no logins: it is for servers, not for mail programs",
		"Use 465 or 587." },

	[DOCTOR_STARTTLS_MISSING] = { "starttls-missing", DOCTOR_SERVER, DOCTOR_CLASS_TLS, "the server does not offer STARTTLS", "Use a port with SSL/TLS, such as 465 or 993." },
	[DOCTOR_STARTTLS_STRIPPED] = { "starttls-stripped", DOCTOR_NETWORK, DOCTOR_CLASS_TLS, "a proxy on the way strips STARTTLS",
		"Use a port with SSL/TLS, such as 465 or 993, or another network. A password should not be sent over this one." },
	[DOCTOR_STARTTLS_REFUSED] = { "starttls-refused", DOCTOR_SERVER, DOCTOR_CLASS_TLS, "the server offers STARTTLS and refuses it", "Use a port with SSL/TLS; tell the provider." },
	[DOCTOR_DEMANDS_TLS] = { "demands-tls", DOCTOR_YOU, DOCTOR_CLASS_TLS, "the server demands TLS", "Set STARTTLS for this port." },
	[DOCTOR_TLS_FAILED] = { "tls-failed", DOCTOR_SERVER, DOCTOR_CLASS_TLS, "the TLS handshake fails", "Tell the provider; it may want methods that are too old or too new." },
	[DOCTOR_TLS_CUT] = { "tls-cut", DOCTOR_NETWORK, DOCTOR_CLASS_TLS, "the connection is cut or falls silent in the TLS handshake",
		"Something on the way may not let TLS pass: try another network." },
	[DOCTOR_TLS_OLD] = { "tls-old", DOCTOR_SERVER, DOCTOR_CLASS_TLS, "the server speaks only TLS 1.0 or 1.1, which programs of today refuse", "Tell the provider: TLS 1.2 is the least (RFC 8996)." },
	[DOCTOR_NO_ALPN] = { "no-alpn", DOCTOR_SERVER, DOCTOR_CLASS_SERVER, "the port is a web server's that knows no mail", "Nothing: few servers answer mail there." },
	[DOCTOR_CERTIFICATE_EXPIRED] = { "certificate-expired", DOCTOR_SERVER, DOCTOR_CLASS_TLS, "the certificate has expired",
		"Tell the provider to renew it. Is this host's clock right?" },
	[DOCTOR_CERTIFICATE_OTHER_NAME] = { "certificate-other-name", DOCTOR_SERVER, DOCTOR_CLASS_TLS, "the certificate is for another name", "Use a name that it is for, if that is the provider's." },
	[DOCTOR_CERTIFICATE_UNTRUSTED] = { "certificate-untrusted", DOCTOR_SERVER, DOCTOR_CLASS_TLS, "the certificate is not trusted: no known authority signed it",
		"Tell the provider; or security software or a proxy reads along: look who issued it." },
	[DOCTOR_CERTIFICATE_BAD] = { "certificate-bad", DOCTOR_SERVER, DOCTOR_CLASS_TLS, "the certificate does not verify", "Is this host's clock right? Else tell the provider." },

	[DOCTOR_LOGIN_REFUSED] = { "login-refused", DOCTOR_YOU, DOCTOR_CLASS_LOGIN, "the login is refused",
		"Name and password as the provider's web page takes them? Many want the whole address as name, and a password made for programs." },
	[DOCTOR_LOGIN_NO_WAY] = { "login-no-way", DOCTOR_PROVIDER, DOCTOR_CLASS_LOGIN, "the server offers no way to log in with a password",
		"It may take only tokens (OAuth): use a program that knows this provider." },
	[DOCTOR_LOGIN_LATER] = { "login-later", DOCTOR_SERVER, DOCTOR_CLASS_LOGIN, "the server cannot check the login now", "Wait some minutes, then try again." },

	[DOCTOR_NO_TIME] = { "no-time", DOCTOR_NOBODY, DOCTOR_CLASS_NETWORK, "there was no time left to find out", "Ask again with a longer --timeout." },
};

bool doctor_is_good(enum doctor_cause cause)
{
	return cause == DOCTOR_WORKS || cause == DOCTOR_WORKS_LATE || cause == DOCTOR_WORKS_OPEN;
}
