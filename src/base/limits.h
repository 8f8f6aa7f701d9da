/* SPDX-License-Identifier: MIT */
/* Every fixed maximum of the program, with the reason or the RFC that sets it. Bytes unless named. */
#pragma once

/* RFC 5321 4.5.3.1.4: command line 512 with CRLF; extensions raise it (RFC 4954 4: 12288 for AUTH). */
#define LIMIT_SMTP_LINE 12288
/* RFC 5321 4.5.3.1.6 gives 1000 for text lines; longer ones are accepted and kept, they are common. */
#define LIMIT_SMTP_RCPTS 1000         /* RFC 5321 4.5.3.1.8: at least 100 */
#define LIMIT_SMTP_PATH 1024          /* RFC 5321 4.5.3.1.3: 256; UTF-8 and sub-addresses need more */
#define LIMIT_SMTP_REPLY_LINE 12294   /* of a server. RFC 5321 4.5.3.1.5: 512; RFC 4954 4: a challenge of 12288 */
#define LIMIT_SASL_CLIENT_ROUNDS 2000000 /* that a server may ask of us; RFC 7677 4: at least 4096 */
#define LIMIT_SMTP_REPLY (64u << 10)  /* all lines of one reply */
#define LIMIT_SMTP_REPLY_KEPT (16u << 10) /* of it, while it is looked at */
#define LIMIT_LOG_REFUSALS 100        /* refused recipients of one session that are logged one by one */
#define LIMIT_RECEIVED_HOPS 100       /* RFC 5321 6.3: loop detection, at least 100 */

/* RFC 9051 4.. / RFC 7162 4: command lines of at least 8192; literals apart. */
#define LIMIT_IMAP_LINE 65536
#define LIMIT_IMAP_COMMAND 1048576    /* all of one command with its literals, APPEND's message apart */
#define LIMIT_IMAP_LINE_PREAUTH 16384 /* a SASL initial response may be 12288 (RFC 4954 4) */
#define LIMIT_IMAP_LITERAL_PREAUTH 4096
#define LIMIT_IMAP_DRAIN (8u << 20)   /* of a refused LITERAL+ that is read and dropped; a larger one ends the session */
#define LIMIT_IMAP_APPEND_MESSAGES 1000          /* of one APPEND (RFC 3502) */
#define LIMIT_IMAP_APPEND_PARTS 2000             /* literals and URLs in all of them (RFC 4469) */
#define LIMIT_IMAP_APPEND_BYTES (256u << 20)     /* of all its messages, unless a single one may have more */
#define LIMIT_IMAP_APPEND_HEADERS (64u << 20)        /* that are looked through for the fields that its URLs name */
#define LIMIT_IMAP_UPDATES 16         /* searches of one session that are kept up to date (RFC 5267 4.3) */
#define LIMIT_IMAP_UPDATE_NUMBERS (4u << 20)     /* UIDs in all their results; a SORT has each twice */
#define LIMIT_IMAP_UPDATE_PROGRAM (1u << 20)     /* bytes that one of their programs may take */
#define LIMIT_IMAP_ESEARCH_NAMES 200  /* of mailboxes, in one ESEARCH (RFC 7377 2.4); each is compared with all there are */
#define LIMIT_IMAP_KEYWORDS 512       /* of one mailbox: FLAGS tells them all in one line, 8 KB with names of 15 bytes, 32 KB at most (RFC 9051 7.3.5) */
#define LIMIT_KEYWORD_NAMES (32u << 10) /* bytes of their names together: no quota counts them */
#define LIMIT_MESSAGE_KEYWORDS 128    /* of one message beyond its mailbox's first 40; 168 with these, and in one list of flags */
#define LIMIT_KEYWORD_SETS 16384      /* different ones of those in one mailbox */
#define LIMIT_KEYWORD_SET_BYTES (512u << 10) /* of all of them, two for each keyword in each */
#define LIMIT_IMAP_KEYWORD_BYTES 255
#define LIMIT_POP3_LINE 1024          /* RFC 2449 4: 255 */
#define LIMIT_POP3_CLIENT_LINE 12294  /* of a server. RFC 1939 3: 512; RFC 5034 4: a challenge of LIMIT_SASL_LINE */
#define LIMIT_POP3_CLIENT_CAPS (16u << 10) /* all that CAPA lists; RFC 2449 knows 11 of a few words */
#define LIMIT_POP3_CLIENT_MESSAGES 1000000 /* that a server may list: 64 MB with their names */
#define LIMIT_POP3_CLIENT_UIDL 255    /* RFC 1939 7: 70; longer ones are about */
#define LIMIT_POP3_CLIENT_DROPPED (1u << 30) /* of a message that is too big, read to come to its end */
#define LIMIT_POP3_AUTH_LINE 12352    /* AUTH with an initial response: LIMIT_SASL_LINE and the command */

#define LIMIT_MAILBOX_NAME 1000       /* UTF-8 bytes of a whole hierarchical name */
#define LIMIT_ADMIN_PATTERNS 64       /* of martlet mailbox list */
#define LIMIT_MAILBOXES 20000         /* of one account */
#define LIMIT_IMAP_URLS 64             /* of one GENURLAUTH or URLFETCH */
#define LIMIT_RIGHTS 500              /* rows of rights of one mailbox */
#define LIMIT_RIGHTS_ACCOUNT 100000   /* and of all mailboxes of an account: new ones have those of their superior */
#define LIMIT_SHARED 5000             /* rows of rights that LIST looks at: those of the user, those of anyone */
#define LIMIT_SORT_ARENA (128u << 20) /* that one SORT or THREAD may gather */
#define LIMIT_THREAD_NODES 4000000    /* messages, and ids of messages that are not there, of one THREAD */
#define LIMIT_THREAD_STEPS 50000000   /* to see that a reply is not its own ancestor */
#define LIMIT_GLANCE_ROWS 8192        /* that SELECT looks at to find the first unseen message and to count recent ones */
#define LIMIT_ANNOTATIONS 256         /* of one mailbox or the server, shared or of one user; RFC 5464 4.1: at least 10 */
#define LIMIT_ANNOTATION_VALUE 65536  /* RFC 5464 4.1: at least 1024 */
#define LIMIT_ANNOTATION_ENTRY 255    /* name of one */
#define LIMIT_ANNOTATION_BYTES (16 << 20) /* names and values of one account, with those of messages */
#define LIMIT_MESSAGE_ANNOTATIONS 64  /* of one message, shared or of one user; RFC 5257 4.1: at least 10 */
#define LIMIT_STORE_ANNOTATIONS 100000 /* messages times entries, of a STORE that has several entries */
#define LIMIT_NEWS 1000               /* that wait for one session (RFC 5465 5.8); a mailbox with news of its messages counts once */
#define LIMIT_NEWS_BYTES (256u << 10)
#define LIMIT_NOTIFY_BYTES (64u << 10) /* what a session keeps of its NOTIFY command */
#define LIMIT_NOTIFY_SHARED_BYTES (2u << 20) /* what a session knows of the mailboxes of others that it watches */
#define LIMIT_NOTIFY_NAMES 1000        /* of mailboxes in it: each is compared with each piece of news */
#define LIMIT_LIST_ROWS 100000        /* of any administrative listing */
#define LIMIT_ALIAS_TARGETS 1000
#define LIMIT_KNOWN_DOMAINS 20000     /* whose policies and kinds of TLS are remembered */

/* TLS reports (queue/tlsrpt_count.c): what is beyond is not counted, and not reported. */
#define LIMIT_TLSRPT_DOMAINS 5000       /* that one day has reports for */
#define LIMIT_TLSRPT_DAY (16u << 20)    /* all rows of one day; at most three days are there */
#define LIMIT_TLSRPT_DOMAIN (64u << 10) /* those of one report */

/* Failed logins, entries of fixed tables (sasl/throttle.c): 6 MB when all are full. */
#define LIMIT_AUTH_ADDRESSES 16384
#define LIMIT_AUTH_NETWORKS 4096
#define LIMIT_AUTH_ACCOUNTS 8192
#define LIMIT_AUTH_PAIRS 32768        /* of an address and an account */
#define LIMIT_AUTH_GUESSES 32768
#define LIMIT_AUTH_KNOWN 65536        /* addresses that accounts have logged in from */

#define LIMIT_MESSAGE_DEFAULT (50u << 20)
#define LIMIT_IMPORT_MESSAGE (256u << 20) /* one message of martlet import */
#define LIMIT_IMPORT_BATCH (8u << 20)    /* bytes of messages that go together, if not one is larger */
#define LIMIT_IMPORT_MESSAGES 500        /* of them, or of keys that are asked for */
#define LIMIT_IMPORT_LINE 65536          /* what stands before a message in a batch: flags, date, key */
#define LIMIT_IMAP_RESPONSE (1u << 20)   /* a response of another IMAP server, literals apart */
#define LIMIT_IMAP_RESPONSES 20000000    /* to one command: FETCH of a mailbox has one for each message */
#define LIMIT_IMAP_RESPONSES_EARLY 1000  /* until we are logged in */
#define LIMIT_CONTROL_BODY (LIMIT_IMPORT_MESSAGE + LIMIT_IMPORT_BATCH + LIMIT_IMPORT_MESSAGES * LIMIT_IMPORT_LINE)
#define LIMIT_SPOOL_MEMORY (256u << 10)  /* a message being received moves to a file beyond this */
#define LIMIT_BODY_BATCHED (1u << 20)    /* larger bodies get a pack of their own, synced by the caller */

#define LIMIT_MIME_DEPTH 100          /* nesting of parts; deeper ones are read as opaque bytes */
#define LIMIT_MIME_PARTS 10000        /* of one message; the rest belongs to the last part */
#define LIMIT_MIME_ARENA (32u << 20)  /* what parsing one message may take */
#define LIMIT_MIME_HEADER_FIELD (64u << 10) /* of one field that is interpreted; longer is cut for ENVELOPE and kept in the mail */
#define LIMIT_MIME_ADDRESSES 10000    /* of one header field */

#define LIMIT_LINGER (8u << 20)       /* dropped after the last reply, so that a reset does not overtake it */
#define LIMIT_TLS_HELLO (16u << 10)   /* ClientHello; RFC 8446 5.1: one record. With a post-quantum key below 2 KB */
#define LIMIT_TLS_CERTS (32u << 10)   /* a client's chain of certificates */
#define LIMIT_TLS_NOISE (64u << 10)   /* of one peer without application data among it; records are 16 KB */

#define LIMIT_TLS_SERVER_CERTS (100u << 10) /* a server's chain, of connections that we make */
#define LIMIT_TLS_SERVER_NOISE (256u << 10) /* of a server, without application data among it: its handshake is that */
#define LIMIT_TLS_CA_FILE (16u << 20) /* certificates to trust, of a command; the system's are about 230 KB */
#define LIMIT_STREAM_LINE (1u << 20)  /* the longest line that is ever read of a server; callers allow less */
#define LIMIT_STREAM_RACE 16          /* addresses that are tried at the same time */

#define LIMIT_DOCTOR_ATTEMPTS 192     /* of one run: 6 hosts with 2 addresses and 16 ports */
#define LIMIT_DOCTOR_HOSTS 24         /* of one run */
#define LIMIT_DOCTOR_ADDRESSES 4      /* of one host and family that are tried */
#define LIMIT_DOCTOR_THREADS 96       /* two rounds are all attempts: 3.5 s each at a black hole, in the 10 s of a run */
#define LIMIT_DOCTOR_ARENA (256u << 10) /* texts of one attempt; each is cut far below that */
#define LIMIT_DOCTOR_DIALOGUE 8192    /* of the dialogue that is kept */
#define LIMIT_DOCTOR_LINE 2048        /* of one line of it; RFC 5804 4: quoted strings have 1024 at most */
#define LIMIT_DOCTOR_SIEVE_LINES 100  /* of one answer */
#define LIMIT_DOCTOR_HOSTS_FILE (256u << 10) /* /etc/hosts that is read */

#define LIMIT_CONN_IN (64u << 10)     /* input buffer of a connection */
#define LIMIT_CONN_OUT (64u << 10)    /* output is sent when this much is there */
#define LIMIT_PEER_MEMORY (256u << 20) /* net.max_memory: all arenas and buffers together, base/budget.h */
#define LIMIT_SESSION_ARENA (256u << 10)
#define LIMIT_COMMAND_ARENA (64u << 20)

#define LIMIT_CONF_FILE (1u << 20)    /* the settings file */
#define LIMIT_CONF_LINE 4096          /* one line of it */
#define LIMIT_CONF_SECTION 49         /* between the brackets; the INI reader (inih) keeps no more */
#define LIMIT_CONF_SECTIONS 1000
#define LIMIT_CONF_MISTAKES 50        /* told at once */
#define LIMIT_CONF_ARENA (64u << 20)  /* what one snapshot may take */
#define LIMIT_SASL_LINE 12288          /* RFC 4954 4: one message of a SASL exchange in base64, for POP3 and IMAP too */

#define LIMIT_OAUTH_TOKEN 9216         /* what a SASL message can carry, decoded */
#define LIMIT_OAUTH_ANSWER (16u << 10) /* of a token introspection */
#define LIMIT_OAUTH_WAITING 256        /* logins that wait for one */
#define LIMIT_OAUTH_KEYS 64            /* in a set of keys (JWKS) */
#define LIMIT_OAUTH_TOKENS 4096        /* good ones that are remembered */

#define LIMIT_MIME_PARAMS 100         /* of one header field, RFC 2231 segments counted */
#define LIMIT_MIME_BOUNDARY 1000      /* RFC 2046 5.1.1: 70; a longer one is no multipart */
#define LIMIT_MIME_TOKEN 255          /* type, subtype, parameter name; RFC 6838 4.2: 127 */
#define LIMIT_MIME_LANGUAGES 100      /* of one Content-Language */
#define LIMIT_MIME_REFERENCES 100     /* of one message, for threading */
#define LIMIT_MIME_MSG_ID 998         /* RFC 5322 2.1.1: a line */
#define LIMIT_MIME_CHARSET 64         /* name of a character set; RFC 2978 2.3: 40 */

/* Where the servers of a domain may be (doctor/find.h). */
#define LIMIT_DOCTOR_RECORDS 8        /* SRV records of one service, MX records: the best ones */
#define LIMIT_DOCTOR_CANDIDATES 200   /* what 15 hosts can have at the usual ports */
#define LIMIT_DOCTOR_TEXT 1000        /* what one question came to, in words */
#define LIMIT_AUTOCONFIG (64u << 10)  /* one file; those of large providers have 5 KB */
#define LIMIT_AUTOCONFIG_DEPTH 16     /* of its elements; what is read is 4 deep */
#define LIMIT_AUTOCONFIG_SERVERS 16   /* that it names; the rest is not looked at */
#define LIMIT_AUTOCONFIG_TEXT 512     /* of one element that is read */
#define LIMIT_AUTOCONFIG_REDIRECTS 3  /* on the way to it */
