/* SPDX-License-Identifier: MIT */
/* What replies are explained as: each row is met by a reply that is like those it is for, and no other row takes that from it. */
#include <stdio.h>

#include "base/test.h"
#include "queue/explain_int.h"

/* In the order of the table: a reply, and a word of the row's meaning. */
static const struct {
	const char *reply, *want;
} samples[] = {
	{ "5.7.0 removed by the administrator of this server", "out of the queue" },
	{ "4.7.5 mx.example.org is none of the hosts that the domain's MTA-STS policy names", "not among them" },
	{ "4.7.5 mx.example.org: the certificate does not verify: certificate has expired", "has expired" },
	{ "4.7.5 mx.example.org: the certificate does not verify: hostname mismatch", "for another name" },
	{ "4.7.5 mx.example: the certificate does not verify: self-signed certificate", "authority" },
	{ "4.7.5 mx.example: the certificate does not verify: unable to get local issuer certificate", "authority" },
	{ "4.7.5 mx.example.org: the certificate does not verify: no matching DANE TLSA records", "TLSA records" },
	{ "4.7.4 mx.example.org: the server does not offer STARTTLS", "offers no encryption" },
	{ "550-5.7.26 Unauthenticated email from example.org is not accepted due to domain's DMARC policy. gsmtp", "DMARC policy that tells" },
	{ "550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires SPF or DKIM - gsmtp", "had neither" },
	{ "421-4.7.27 Your email has been rate limited because SPF didn't pass. gsmtp", "SPF to pass" },
	{ "421-4.7.30 Your email has been rate limited because DKIM didn't pass. gsmtp", "valid DKIM" },
	{ "421-4.7.32 From header isn't aligned with SPF or DKIM. gsmtp", "alignment" },
	{ "421-4.7.29 no TLS connection. gsmtp", "Gmail wants an encrypted" },
	{ "421-4.7.23 The sending IP has no PTR record. gsmtp", "no PTR record" },
	{ "550-5.7.25 The IP address sending this message does not have a PTR record. gsmtp", "no PTR record" },
	{ "550-5.7.1 This message does not meet IPv6 sending guidelines regarding PTR records. gsmtp", "Over IPv6" },
	{ "421-4.7.28 Gmail has detected an unusual rate of mail. gsmtp", "slows this host" },
	{ "421-4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP address. gsmtp", "much unwanted mail" },
	{ "550-5.7.1 Our system has detected that this message is likely unsolicited mail. gsmtp", "for spam" },
	{ "550-5.7.1 Our system has detected that this message is likely suspicious due to the very low reputation of the sending domain. gsmtp", "bad reputation at Gmail" },
	{ "552-5.7.0 This message was blocked because its content presents a potential security issue. gsmtp", "of a kind that Gmail never" },
	{ "450-4.2.1 The user you are trying to contact is receiving mail at a rate that prevents delivery. gsmtp", "in a short time" },
	{ "450-4.2.1 The user you are trying to contact is receiving mail too quickly. gsmtp", "in a short time" },
	{ "550-5.4.5 Daily user sending limit exceeded. gsmtp", "limit of the day" },
	{ "550-5.7.1 Daily SMTP relay limit exceeded for customer. gsmtp", "relay service" },
	{ "550 5.7.1 This message violates example.com email policy. - gcdp x - gsmtp", "administrator made" },
	{ "550-5.2.1 The email account that you tried to reach is disabled. gsmtp", "account is disabled" },
	{ "552-5.2.2 The email account that you tried to reach is over quota. gsmtp", "storage at Google" },
	{ "452-4.2.2 The recipient's inbox is out of storage space. gsmtp", "storage at Google" },
	{ "550-5.1.1 The email account that you tried to reach does not exist. gsmtp", "no such account at Google" },

	{ "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. ... part of their network is on our block list (S3140).", "network around it" },
	{ "550 5.7.606 Access denied, banned sending IP [192.0.2.1]", "blocks the address" },
	{ "550 5.7.511 Access denied, banned sender[192.0.2.1]", "own staff" },
	{ "550 5.7.515 Access denied, sending domain example.org doesn't meet the required authentication level.", "send much" },
	{ "550 5.7.509 Access denied, sending domain example.org does not pass DMARC verification", "policy to refuse" },
	{ "550 5.7.705 Access denied, tenant has exceeded threshold", "gone beyond" },
	{ "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP", "is new" },
	{ "550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains", "not registered" },
	{ "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.", "takes only little" },
	{ "421 4.3.2 The maximum number of concurrent server connections has exceeded the connection limit", "more connections" },
	{ "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "no such recipient" },
	{ "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", "inside its organization" },
	{ "550 5.7.124 RESOLVER.RST.NotAuthorized; not in the list", "on a list" },
	{ "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient", "this recipient may receive" },
	{ "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded", "more at once" },
	{ "451 4.2.0 STOREDRV.Deliver.Exception", "could not be written" },
	{ "550 5.4.1 Recipient address rejected: Access denied. [x.prod.protection.outlook.com]", "no such recipient" },
	{ "550 5.7.64 TenantAttribution; Relay Access Denied", "as a customer" },
	{ "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM", "no mail from outside" },
	{ "550 Requested action not taken: mailbox unavailable (S2017062302).", "Outlook.com has no such" },
	{ "550 5.5.0 Requested action not taken: mailbox unavailable", "Outlook.com has no such" },
	{ "451 4.7.500 Server busy. AS(42004)", "is cautious" },
	{ "451 4.7.651 Server busy. Please try again later from [192.0.2.1].", "slows this host's address" },

	{ "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints", "users complained" },
	{ "421 4.7.1 [TSS09] All messages from 192.0.2.1 will be permanently deferred", "earned trust" },
	{ "421 4.7.1 [TSS11] All messages from 192.0.2.1 will be permanently deferred", "for good" },
	{ "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred", "puts mail from this host off" },
	{ "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list", "block list of Spamhaus" },
	{ "421 [IPTS04] Messages from 192.0.2.1 temporarily deferred", "unusual amounts" },
	{ "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes", "failed a check" },
	{ "554 delivery error: dd This user doesn't have a yahoo.com account", "account at Yahoo" },
	{ "554 30 Sorry, your message to x cannot be delivered. This mailbox is disabled (554.30).", "not used for long" },

	{ "550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137", "filter of iCloud" },
	{ "554 5.7.1 [HM08] Message rejected due to local policy. Please visit https://support.apple.com/", "rule of its own" },
	{ "550 5.7.1 Mail from IP 192.0.2.1 was rejected, see https://support.apple.com/", "rule of its own" },
	{ "421 4.7.1 Messages to x@icloud.com deferred due to excessive volume. Try again later", "gets too much mail" },

	{ "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org; Error: open resolver; https://www.spamhaus.org/returnc/pub/", "public DNS resolver" },
	{ "550 5.7.1 Your email was rejected due to having a domain present in the Spamhaus DBL", "domains in spam" },
	{ "554 5.7.1 Sender address blocked using dbl.spamhaus.org", "domains in spam" },
	{ "554 5.7.1 blocked, https://www.spamhaus.org/query/ip/192.0.2.1", "list of Spamhaus" },
	{ "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "list of Spamhaus" },
	{ "554 5.7.1 blocked using bl.spamcop.net", "SpamCop" },
	{ "550 permanent failure; http://www.barracudanetworks.com/reputation/?pr=1&ip=192.0.2.1", "at Barracuda" },
	{ "554 blocked using b.barracudacentral.org", "Barracuda's list" },
	{ "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", "Proofpoint blocks" },
	{ "550 5.7.1 ... https://csi.cloudmark.com/en/reset/", "Cloudmark blocks" },
	{ "550 Rejected by header based manually Blocked Senders - https://community.mimecast.com/docs/DOC-1369", "Mimecast" },
	{ "554 blocked using combined.mail.abusix.zone", "list of Abusix" },
	{ "554 blocked using dnsbl-1.uceprotect.net", "list of UCEPROTECT" },
	{ "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tobr@rx.t-online.de to clarify.)", "T-Online" },
	{ "554 Bad DNS PTR resource record. For explanation visit https://postmaster.gmx.net/en/error-messages", "GMX refuses" },
	{ "554 For explanation visit https://mail.gmx.net/serverrules", "GMX refuses" },
	{ "550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id", "Mail.ru" },

	{ "450 4.2.0 <x@example.org>: Recipient address rejected: Greylisted", "greylisting" },
	{ "451 temporarily grey-listed", "greylisting" },
	{ "451 graylisted, try again", "greylisting" },
	{ "450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]", "does not lead back" },
	{ "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]", "has no name" },
	{ "550 5.7.1 <x>: Helo command rejected: Host not found", "this host greets" },
	{ "450 4.1.8 <a@nowhere.test>: Sender address rejected: Domain not found", "cannot be found in the DNS" },
	{ "553 5.7.1 <a@example.org>: Sender address rejected: not owned by user relay", "logs in with" },
	{ "553 5.7.1 The sender address does not belong to you", "logs in with" },
	{ "550 Sender verify failed", "heard no" },
	{ "554 5.7.1 <x@example.org>: Relay access denied", "wrong host" },
	{ "550 5.7.1 Relaying denied", "wrong host" },
	{ "550 relay not permitted", "wrong host" },
	{ "554 5.4.6 mail loop detected", "in a circle" },
	{ "554 5.4.0 Error: too many hops", "in a circle" },
	{ "550 5.7.23 SPF check failed", "may not send" },
	{ "550 5.7.1 rejected by DMARC policy", "policy to refuse" },
	{ "554 5.7.1 virus Eicar found", "found a virus" },
	{ "552 5.3.4 Error: message size exceeds fixed limit", "longer than" },
	{ "552 quota exceeded", "mailbox is full" },
	{ "552 5.2.2 x is over quota", "mailbox is full" },
	{ "452 mailbox full", "mailbox is full" },
	{ "452 4.2.2 The mailbox is full", "mailbox is full" },
	{ "550 5.1.1 <x@example.org>: user unknown", "no mailbox" },
	{ "550 unknown user", "no mailbox" },
	{ "550 No such user here", "no mailbox" },
	{ "553 sorry, no mailbox here by that name", "no mailbox" },
	{ "550 5.1.1 x: user does not exist", "no mailbox" },
	{ "552 1 Requested mail action aborted, mailbox not found", "no mailbox" },
	{ "554 5.7.1 this is spam", "source of spam" },
};

TEST(explain_known_texts)
{
	/* One for each row, in its order; so a new row needs its sample, and a row that an earlier one hides fails. */
	assert_int_equal(ARRAY_LEN(samples), explain_n_texts);
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct queue_explain *e = queue_explain_line(str_z(samples[i].reply));

		test_row(samples[i].reply);
		assert_ptr_equal(e, &explain_texts[i].e);
		assert_true(str_find(str_z(e->meaning_z), str_z(samples[i].want)) >= 0);
	}
}

/* RFC 3463: each code leads to its row, whatever its class; without text. */
TEST(explain_codes_of_rfc_3463)
{
	char reply[100];

	for (size_t i = 0; i < explain_n_codes; i++) {
		const struct explain_row *r = &explain_codes[i];

		if (r->status[0])
			snprintf(reply, sizeof(reply), "%d %d.%s something", i % 2 ? 550 : 450, i % 2 ? 5 : 4, r->status);
		else
			snprintf(reply, sizeof(reply), "%d something", r->code < 10 && r->code ? r->code * 100 + 99 : r->code);
		test_row(reply);
		assert_ptr_equal(queue_explain_line(str_z(r->code || r->status[0] ? reply : "nothing of a code")), &r->e);
	}
}

TEST(explain_texts_are_fit_to_be_read)
{
	for (size_t i = 0; i < explain_n_texts + explain_n_codes; i++) {
		const struct queue_explain *e = i < explain_n_texts ? &explain_texts[i].e : &explain_codes[i - explain_n_texts].e;

		test_row(e->meaning_z);
		assert_true(str_ends(str_z(e->meaning_z), S(".")) && str_is_ascii(str_z(e->meaning_z)));
		assert_true(str_ends(str_z(e->sender_z), S(".")) && str_is_ascii(str_z(e->sender_z)) && strlen(e->sender_z) < 120);
		assert_true(e->admin_z[0] == '\0' || strchr(".?", e->admin_z[strlen(e->admin_z) - 1]));
	}
}

TEST(explain_odd_lines)
{
	static const char *const rows[] = { "", " ", "5", "55", "550", "550-", "550 5", "5.", "5.7", "5.7.", "5.7.26", "999 x", "550 5.7.26.1 x", "\xff\xfe", "550 5.1.1." };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *copy = test_copy(str_z(rows[i]));

		test_row(rows[i]);
		assert_non_null(queue_explain_line(str_of(copy, strlen(rows[i]))));
		mem_free(copy);
	}
	assert_true(str_find(str_z(queue_explain_line(S("5.7.26"))->meaning_z), S("Neither SPF nor DKIM")) >= 0);
	assert_true(str_find(str_z(queue_explain_line(S("550 5.1.1. gone"))->meaning_z), S("no mailbox")) >= 0);
	/* The name of the host says who speaks; what the text begins with counts more than what was made of it. */
	assert_ptr_equal(queue_explain(554, S(""), S("no"), S("mx01.t-online.de")), queue_explain_line(S("554 ask t-online.de")));
	assert_ptr_equal(queue_explain(550, S("5.0.0"), S("5.2.2 no"), S("")), queue_explain_line(S("550 5.2.2 no")));
	assert_ptr_equal(queue_explain(550, S("nonsense"), S("no"), S("")), queue_explain_line(S("550 no")));
}
