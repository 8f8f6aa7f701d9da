/* SPDX-License-Identifier: MIT */
/*
 * An outgoing connection as a client's straight-line code sees it: it blocks, every wait has a deadline, everything read has a
 * bound. TLS as client, with the three ways to trust the other side. One thread at a time; no signals, no callbacks.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

struct net_stream;
struct net_stream_tls; /* client context: authorities, settings; shared by threads */

struct net_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};
/* "192.0.2.1", "2001:db8::1", with room for any address. */
#define NET_ADDRESS_TEXT 64
void net_address_text(const struct net_address *a, char ret[NET_ADDRESS_TEXT]);
bool net_address_parse(struct str text, uint16_t port, struct net_address *ret); /* a literal, no names */
/* The data of an A or AAAA record (RFC 1035 3.4.1, RFC 3596 2.2). False: neither 4 nor 16 bytes; *ret untouched. */
bool net_address_of_rdata(struct str rdata, uint16_t port, struct net_address *ret);
uint16_t net_address_port(const struct net_address *a);
bool net_address_is_same_host(const struct net_address *a, const struct net_address *b); /* whatever the ports */
/*
 * The addresses of a host, by the system's resolver, which blocks and knows no deadline: for commands of people. At most max. 0; -E_NOT_FOUND.
 */
MUST_CHECK int net_address_lookup(const char *host_z, uint16_t port, struct net_address *ret, size_t max, size_t *ret_n,
				  struct fault *fault);
/*
 * Loopback, link-local, private (RFC 1918, RFC 4193), shared (RFC 6598), of protocols and measurements (RFC 6890, RFC 2544), unspecified,
 * multicast; and the IPv6 forms that carry such an IPv4 address.
 */
bool net_address_is_private(const struct net_address *a);

/*
 * Connects to the first of the addresses that answers: tried in their order, the next one begun when one fails or has not answered
 * within stagger_ms (RFC 8305 5), losers closed. from: own address to bind to, by family (may be NULL). 0 with *ret and the
 * index, and fault naming those that were tried in vain before, if any; -E_TIMEOUT, -E_IO with fault naming each address and why.
 */
struct net_stream_connect {
	const struct net_address *addresses;
	size_t n;
	const struct net_address *from_v4, *from_v6;
	int64_t stagger_ms;  /* 0: 250 */
	int64_t each_ms;     /* for one address; 0: until the deadline */
	int64_t deadline_ms; /* clock_mono_ms */
};
MUST_CHECK int net_stream_connect(const struct net_stream_connect *c, struct net_stream **ret, size_t *ret_index, struct fault *fault);
/* Takes a connected socket. */
struct net_stream *net_stream_of_fd(int fd);
/* The address that it comes from, as text; "" when there is none. */
void net_stream_own_address(const struct net_stream *s, char ret[NET_ADDRESS_TEXT]);
/*
 * A peer of memory, for tests and fuzz targets: what it sends are the pieces of the script between separators, the first at once, each other
 * one when we have sent something since; waiting for what does not come is -E_TIMEOUT at once, the end of the script -E_CLOSED. No TLS.
 */
#define NET_STREAM_SCRIPT_SEPARATOR '\x1e'
struct net_stream *net_stream_scripted(struct str script);
struct str net_stream_scripted_said(const struct net_stream *s); /* all that was sent, until the next */
void net_stream_close(struct net_stream **s); /* accepts a pointer to NULL; TLS says good-bye, does not wait for an answer */

/*
 * Reads a line. 0: *ret without its end (CRLF; a bare LF ends it too), valid until the next call; -E_LIMIT: longer than max, the
 * connection is of no use any more; -E_TIMEOUT, -E_CLOSED, -E_TLS, -E_IO.
 */
MUST_CHECK int net_stream_line(struct net_stream *s, size_t max, int64_t deadline_ms, struct str *ret);
/* Takes 1..n bytes of what is there, waiting for the first: for bodies. >0: so many in buf. */
MUST_CHECK int net_stream_read(struct net_stream *s, char *buf, size_t n, int64_t deadline_ms);
/* Is something to be read, or the peer gone, now? For kept connections. */
bool net_stream_has_input(struct net_stream *s);
/*
 * Buffered; errors stick and come from net_stream_flush(). Long pieces are sent from where they stand. While it waits it reads what comes, up
 * to a bound, so that a peer which writes much before it reads is no trouble.
 */
void net_stream_write(struct net_stream *s, struct str bytes, int64_t deadline_ms);
MUST_CHECK int net_stream_flush(struct net_stream *s, int64_t deadline_ms);
/* What went wrong last, for people: "connection reset by peer", "certificate has expired". */
const char *net_stream_fault_z(const struct net_stream *s);

/* ---- TLS ---- */

/* When a client's dialogue asks for TLS. */
enum net_starttls {
	NET_STARTTLS_NEVER,
	NET_STARTTLS_IF_OFFERED, /* the handshake's failure is -E_TLS all the same: the caller decides whether to come again without */
	NET_STARTTLS_ALWAYS,
	NET_STARTTLS_FROM_START, /* before the first word of the protocol */
};

enum net_trust {
	NET_TRUST_ANY,  /* whatever it shows: opportunistic */
	NET_TRUST_PKIX, /* a chain to an authority and one of the names */
	NET_TRUST_DANE, /* the TLSA records (RFC 7671, RFC 7672 3) */
};

/* Why a certificate does not verify, in kinds. */
enum net_tls_problem {
	NET_TLS_FINE,
	NET_TLS_OTHER_NAME, /* it is for others */
	NET_TLS_EXPIRED,
	NET_TLS_UNTRUSTED, /* the chain: authorities, signatures, constraints */
	NET_TLS_OTHER,
};

/* One TLSA record as it stands in the DNS: usage, selector, matching type, data. Unusable ones are skipped (RFC 7672 3.1). */
struct net_stream_tls_want {
	enum net_trust trust;
	const char *sni_z;             /* the host's name; with DANE the TLSA base domain (RFC 7672 8.1); NULL: none */
	const char *const *names_z;    /* that a certificate may be for, NULL-terminated; PKIX and DANE-TA */
	const struct str *tlsa;        /* rdata; those that TLS cannot use are skipped */
	size_t n_tlsa;
	const char *alpn_z;            /* NULL: none */
};
struct net_stream_tls_info {
	const char *version_z, *cipher_z;
	bool is_verified;         /* by PKIX or DANE, as wanted */
	bool is_pkix_good;        /* also with NET_TRUST_ANY: it would have verified for names_z */
	const char *problem_z;    /* why not, "" else: "certificate has expired" */
	enum net_tls_problem problem; /* the same as a kind */
	const char *subject_z, *issuer_z;
	const char *names_z;      /* DNS names that it is for, with spaces between, " ..." at the end when there are more; no character that a name may not have */
	int64_t not_after_s;
};

/*
 * ca_pem: authorities; p NULL: those of the system, opened now and read when TLS is first wanted (none found: then nothing verifies by PKIX). Tickets and sessions
 * are not kept.
 */
MUST_CHECK int net_stream_tls_new(struct str ca_pem, struct net_stream_tls **ret, struct fault *fault);
/*
 * The same for a process that may never speak TLS: what it needs of OpenSSL (0.3 MB) is made when TLS is first wanted, unless ca_pem is given. If
 * OpenSSL refuses it then, the process ends.
 */
MUST_CHECK int net_stream_tls_new_late(struct str ca_pem, struct net_stream_tls **ret, struct fault *fault);
/* The same with the authorities in a file (PEM); NULL: those of the system. -E_USAGE: it cannot be read. */
MUST_CHECK int net_stream_tls_new_file(const char *path_z, struct net_stream_tls **ret, struct fault *fault);
/* Where those of the system may stand: the i-th path, for who has to open the way to it; NULL: no more. The first that has any is read. */
const char *net_stream_tls_authorities(size_t i);
void net_stream_tls_free(struct net_stream_tls *t); /* no stream may use it; accepts NULL */
/*
 * How many of these TLSA records are usable for SMTP: DANE-TA(2) and DANE-EE(3) with a selector, matching type and data that are
 * known and well-formed (RFC 7672 3.1, RFC 7671 10.1.1). None: RFC 7672 2.2 wants TLS all the same, with any certificate.
 */
size_t net_stream_tlsa_usable(struct net_stream_tls *t, const struct str *tlsa, size_t n);
/*
 * The handshake; what was read before and not taken is an error (RFC 3207 6: injected). 0; -E_TLS with net_stream_fault_z(); -E_TIMEOUT,
 * -E_CLOSED, -E_IO; -E_CANNOT: DANE, and no record is usable. With NET_TRUST_ANY a bad certificate is no error, and old versions of TLS and short keys
 * are taken: without them the mail would go in the clear. A certificate that was refused can be asked for with net_stream_tls_info().
 */
MUST_CHECK int net_stream_starttls(struct net_stream *s, struct net_stream_tls *t, const struct net_stream_tls_want *want,
				   int64_t deadline_ms);
bool net_stream_is_tls(const struct net_stream *s);
/* Channel binding bytes (RFC 9266 2, tls-exporter). False: there are none. */
bool net_stream_tls_exporter(const struct net_stream *s, uint8_t ret[32]);
/* False: no TLS, and no certificate was seen. Texts live with the stream. */
bool net_stream_tls_info(const struct net_stream *s, struct net_stream_tls_info *ret);
