/* SPDX-License-Identifier: MIT */
/*
 * What large providers, block lists and common programs say, by words that stand in their replies (from what they publish about their
 * replies; explained in our words). The more particular a row is, the earlier it stands.
 */
#include "queue/explain_int.h"

#include "base/mem.h"

#define ADDRESS "Check the address for typing mistakes, and ask the recipient for the right one."
#define FULL "Ask the recipient by another way to make room, and send it again."
#define SMALLER "Send it again with smaller or without attachments, or share them by a link."
#define LATER "Nothing: it is tried again. Send it again later if it came back."
#define POSTMASTER "Tell your own postmaster, with this message: it is for your mail system to mend."
#define CONTENT "Write it in other words, without links or attachments that may look suspicious, and send it again."
#define OTHER_WAY "Reach the recipient by another way; they, or their postmaster, can let your address through."

#define GMAIL "Gmail"
#define MICROSOFT "Outlook, Exchange Online"
#define YAHOO "Yahoo"
#define ICLOUD "iCloud"
#define SPAMHAUS "Spamhaus"

#define NOT_ITS_SENDER { "", "The account that this host logs in with there may not send from that sender's address.", POSTMASTER, \
	"The relay has to let the user of the route send for the domains here, and for the return addresses of what aliases forward; or know this host by its address, without a login." }
#define UNKNOWN_AUTHORITY { "", "The other host's certificate is not of an authority that is trusted here, and what its domain publishes, or the settings here, demand a good one.", LATER, \
	"If the host is yours, name its authority, or its own certificate, in [queue] ca_file; else the other side has to get one that others trust, and all of its chain. tls = encrypt in a route takes any." }

const struct explain_row explain_texts[] = {
	{ "7.0", "removed by the administrator of this server", 0, { "", "An administrator of this mail system took the message out of the queue.",
		"Ask your own postmaster why, before you send it again.", "" } },
	{ "7.5", "hosts that the domain's MTA-STS policy names", 0, { "", "The domain's MTA-STS policy tells which hosts may take its mail, and this one is not among them.", LATER,
		"The recipient's domain has to name the host in its policy, or to take it out of its MX records. Nothing on this side is wrong." } },
	{ "7.5", "verify: certificate has expired", 0, { "", "The other host's certificate has expired, and what its domain publishes, or the settings here, demand a good one.", LATER,
		"The other side has to renew it. If every host seems to have an expired one, look at the clock of this host." } },
	{ "7.5", "verify: hostname mismatch", 0, { "", "The other host's certificate is for another name, and what its domain publishes, or the settings here, demand one for its own.", LATER,
		"The other side has to get one for the name that its MX record has, or the name in a route here is not the right one." } },
	{ "7.5", "verify: self-signed certificate", 0, UNKNOWN_AUTHORITY },
	{ "7.5", "verify: unable to get local issuer certificate", 0, UNKNOWN_AUTHORITY },
	{ "7.5", "verify: no matching DANE TLSA records", 0, { "", "The other host's certificate is not the one that its TLSA records (DANE) name: it was renewed without them, or somebody is in the way.", LATER,
		"The other side has to publish TLSA records that fit its certificate. Do not switch the check off before you have asked them." } },
	{ "7.4", "does not offer STARTTLS", 0, { "", "The other host offers no encryption, and what its domain publishes, or the settings here, demand it.", LATER,
		"The other side, or a firewall between, takes STARTTLS away; where only [queue] tls or a route here demands it, set it to may." } },
	/* ---- Gmail and Google Workspace: each reply ends in "gsmtp" ---- */
	{ "7.26", "DMARC policy", 0, { GMAIL, "The domain in From has a DMARC policy that tells others to refuse mail which neither SPF nor DKIM vouches for, and this was such.",
		POSTMASTER, "Sign with DKIM for the domain of From, or have this host in its SPF record with the same domain as reverse-path. Forwarded mail needs its signature unchanged." } },
	{ "7.26", "gsmtp", 0, { GMAIL, "Gmail takes only mail that SPF or DKIM vouches for, and this had neither.",
		POSTMASTER, "Publish an SPF record that names this host, sign with DKIM, then look at the Authentication-Results of a message that arrived." } },
	{ "7.27", "gsmtp", 0, { GMAIL, "Gmail wants SPF to pass for the sender's domain, and it does not.", POSTMASTER, "Name this host in the SPF record of the reverse-path's domain." } },
	{ "7.30", "gsmtp", 0, { GMAIL, "Gmail wants a valid DKIM signature, and there was none.", POSTMASTER, "Sign with DKIM, and check that the key is published." } },
	{ "7.32", "gsmtp", 0, { GMAIL, "Neither SPF nor DKIM passed with the same domain as the From header (alignment).", POSTMASTER, "Sign with the domain of From." } },
	{ "7.29", "gsmtp", 0, { GMAIL, "Gmail wants an encrypted connection.", POSTMASTER, "Do not switch TLS off for this destination." } },
	{ "7.23", "gsmtp", 0, { GMAIL, "This host's address has no PTR record, or its name does not lead back to the address.", POSTMASTER, "Have the provider of the address set its PTR record to this host's name." } },
	{ "7.25", "gsmtp", 0, { GMAIL, "This host's address has no PTR record, or its name does not lead back to the address.", POSTMASTER, "Have the provider of the address set its PTR record to this host's name." } },
	{ "", "IPv6 sending guidelines", 0, { GMAIL, "Over IPv6 Gmail takes mail only from addresses with a PTR record and with SPF or DKIM that passes.", POSTMASTER,
		"Set the PTR record of the IPv6 address, or send from IPv4 (queue.source_v4) until it is there." } },
	{ "7.28", "gsmtp", 0, { GMAIL, "Gmail slows this host, domain or link down, because much of what came was unwanted.", LATER,
		"Send less at a time, find out who sends so much, and look at Google's Postmaster Tools for the domain." } },
	{ "", "unusual rate of unsolicited mail", 0, { GMAIL, "Gmail sees much unwanted mail from this host's address, and takes little for now.", LATER,
		"Look for an account that is misused (auth list, queue list), stop it, and wait some hours." } },
	{ "", "likely unsolicited mail", 0, { GMAIL, "Gmail takes this message for spam.", CONTENT, "Look at the host's and domain's reputation in Google's Postmaster Tools." } },
	{ "", "likely suspicious due to the very low reputation", 0, { GMAIL, "The domain or address that the message came from has a bad reputation at Gmail.", POSTMASTER,
		"Stop what is unwanted, sign with DKIM, and send little until Postmaster Tools show that it is better." } },
	{ "", "potential security issue", 0, { GMAIL, "An attachment is of a kind that Gmail never takes, such as a program, also inside archives.", "Share the file by a link instead.", "" } },
	{ "", "receiving mail at a rate", 0, { GMAIL, "The recipient gets more mail in a short time than Gmail allows.", LATER, "" } },
	{ "", "receiving mail too quickly", 0, { GMAIL, "The recipient gets more mail in a short time than Gmail allows.", LATER, "" } },
	{ "", "Daily user sending limit exceeded", 0, { GMAIL, "The account at Google with which the message was sent has reached its limit of the day.", "Wait a day, or send to fewer recipients.", "" } },
	{ "", "Daily SMTP relay limit exceeded", 0, { GMAIL, "The relay service of Google Workspace has taken as much for its customer as it does in a day.", "Wait a day.", "" } },
	{ "", "gcdp", 0, { GMAIL, "A rule that the recipient's administrator made at Google refuses the message.", OTHER_WAY, "" } },
	{ "", "The email account that you tried to reach is disabled", 0, { GMAIL, "The recipient's account is disabled.", "Reach the recipient by another way and ask for another address.", "" } },
	{ "", "The email account that you tried to reach is over quota", 0, { GMAIL, "The recipient's storage at Google is full.", FULL, "" } },
	{ "", "recipient's inbox is out of storage", 0, { GMAIL, "The recipient's storage at Google is full.", FULL, "" } },
	{ "", "The email account that you tried to reach does not exist", 0, { GMAIL, "There is no such account at Google.", ADDRESS, "" } },

	/* ---- Outlook.com and Exchange Online ---- */
	{ "", "part of their network is on our block list", 0, { MICROSOFT, "Outlook.com blocks the address of this host, or the network around it.", POSTMASTER,
		"Ask for the block's removal through the support form for senders of Outlook.com; SNDS shows what Microsoft thinks of the address." } },
	{ "", "banned sending IP", 0, { MICROSOFT, "Exchange Online blocks the address of this host.", POSTMASTER, "Ask for its removal at sender.office.com (the delist portal)." } },
	{ "7.511", "banned sender", 0, { MICROSOFT, "Exchange Online blocks this host's address, and only Microsoft's own staff lifts it.", POSTMASTER, "Forward the whole notification to the address in the reply." } },
	{ "7.515", "", 0, { MICROSOFT, "Outlook.com wants SPF, DKIM and DMARC to pass from domains that send much, and not all did.", POSTMASTER,
		"Have SPF and DKIM pass, one with the domain of From, and publish a DMARC record." } },
	{ "7.509", "", 0, { MICROSOFT, "The domain in From has a DMARC policy to refuse mail like this.", POSTMASTER, "Sign with DKIM for the domain of From, or name this host in its SPF record." } },
	{ "7.705", "", 0, { MICROSOFT, "The customer of Microsoft who sends has gone beyond what is allowed, or is suspected of spam.", POSTMASTER, "" } },
	{ "7.708", "", 0, { MICROSOFT, "The sending customer of Microsoft is new, and mail from such an address is not taken.", POSTMASTER, "" } },
	{ "7.750", "", 0, { MICROSOFT, "A customer of Microsoft relays mail for a domain that is not registered there.", POSTMASTER, "Register the sender's domain with the customer." } },
	{ "", "temporarily rate limited due to IP reputation", 0, { MICROSOFT, "Outlook.com takes only little from this host's address, because of its reputation.", LATER,
		"New addresses have to begin with little mail. Look for misused accounts; see SNDS." } },
	{ "", "exceeded the connection limit", 0, { MICROSOFT, "There are more connections from this host than Microsoft allows.", LATER, "Lower max_sessions_per_destination." } },
	{ "", "RESOLVER.ADR.RecipientNotFound", 0, { MICROSOFT, "There is no such recipient in that organization.", ADDRESS, "" } },
	{ "", "RESOLVER.RST.SenderNotAuthenticatedForGroup", 0, { MICROSOFT, "The group takes mail from inside its organization only.", "Ask a member of the group, by another way, to have its owner let you.", "" } },
	{ "", "RESOLVER.RST.NotAuthorized", 0, { MICROSOFT, "The recipient takes mail only from senders that are on a list.", OTHER_WAY, "" } },
	{ "", "RESOLVER.RST.RecipSizeLimit", 0, { MICROSOFT, "The message is longer than this recipient may receive.", SMALLER, "" } },
	{ "", "recipient thread limit exceeded", 0, { MICROSOFT, "The recipient gets more at once than the mailbox takes.", LATER, "" } },
	{ "", "STOREDRV.Deliver", 4, { MICROSOFT, "The mailbox could not be written for now.", LATER, "" } },
	{ "4.1", "Recipient address rejected: Access denied", 0, { MICROSOFT, "There is no such recipient in that organization (it says \"access denied\" for that).", ADDRESS, "" } },
	{ "", "TenantAttribution; Relay Access Denied", 0, { MICROSOFT, "Microsoft does not know the recipient's domain as a customer's, though its MX leads there.", OTHER_WAY, "" } },
	{ "", "Client was not authenticated to send anonymous mail", 0, { MICROSOFT, "The other side takes no mail from outside on this server.", OTHER_WAY, "" } },
	{ "", "Requested action not taken: mailbox unavailable (S", 0, { MICROSOFT, "Outlook.com has no such mailbox, or closed it.", ADDRESS, "" } },
	{ "5.0", "Requested action not taken: mailbox unavailable", 0, { MICROSOFT, "Outlook.com has no such mailbox, or closed it.", ADDRESS, "" } },
	{ "", "AS(42", 0, { MICROSOFT, "Exchange Online is cautious with this host for now, because it is new or sends more than before.", LATER, "Keep sending little; it passes by itself." } },
	{ "", "Server busy. Please try again later from", 0, { MICROSOFT, "Exchange Online slows this host's address down.", LATER, "Look for misused accounts; new addresses have to begin with little mail." } },

	/* ---- Yahoo and AOL ---- */
	{ "", "[TSS04]", 0, { YAHOO, "Yahoo sees more mail than it expects from this host, or its users complained.", LATER, "Send less at a time; find out what is complained about (Yahoo's complaint feedback loop)." } },
	{ "", "[TSS09]", 0, { YAHOO, "Yahoo takes nothing from this host until it has earned trust again.", LATER, "Stop what is unwanted, then fill in the form for senders at Yahoo." } },
	{ "", "[TSS11]", 0, { YAHOO, "Yahoo has put this host's mail off for good.", POSTMASTER, "Stop what is unwanted, then fill in the form for senders at Yahoo." } },
	{ "", "[TS0", 0, { YAHOO, "Yahoo puts mail from this host off, because of complaints or unusual amounts.", LATER, "Send less at a time; find out what is complained about." } },
	{ "", "[BL2", 0, { YAHOO, "Yahoo refuses this host because its address is on a block list of Spamhaus.", POSTMASTER, "See check.spamhaus.org for the address, and mend what it says." } },
	{ "", "[IPTS04]", 0, { YAHOO, "Yahoo sees unusual amounts of mail from this host's address.", LATER, "Send less at a time." } },
	{ "7.9", "policy reasons", 0, { YAHOO, "The message failed a check: DMARC of the domain in From, or its content.", POSTMASTER, "Have SPF and DKIM pass with the domain of From." } },
	{ "", "This user doesn't have a", 0, { YAHOO, "There is no such account at Yahoo.", ADDRESS, "" } },
	{ "", "This mailbox is disabled", 0, { YAHOO, "The recipient's mailbox at Yahoo was closed or not used for long.", "Reach the recipient by another way and ask for another address.", "" } },

	/* ---- iCloud ---- */
	{ "", "[CS01]", 0, { ICLOUD, "The filter of iCloud takes the message for spam, by its content or this host's reputation.", CONTENT, "Apple's postmaster (icloudadmin) can tell more; have the whole reply at hand." } },
	{ "", "[HM0", 0, { ICLOUD, "iCloud refuses this host's address or the sender's domain by a rule of its own.", POSTMASTER, "Have SPF, DKIM and the PTR record right, then write to Apple's postmaster with the whole reply." } },
	{ "", "support.apple.com", 5, { ICLOUD, "iCloud refuses the message by a rule of its own.", POSTMASTER, "See Apple's page for postmasters, which the reply names." } },
	{ "", "deferred due to excessive volume", 0, { ICLOUD, "The recipient at iCloud gets too much mail at once.", LATER, "" } },

	/* ---- block lists and filters that many use ---- */
	{ "", "Error: open resolver", 0, { SPAMHAUS, "Not this host is on a list: the other side asks Spamhaus through a public DNS resolver, which gets no answers, and takes that for a listing.",
		"Reach the recipient by another way: their postmaster has to use a resolver of their own.", "" } },
	{ "", "Spamhaus DBL", 0, { SPAMHAUS, "A domain in the message, or the sender's, is on Spamhaus's list of domains in spam.", "Leave out links in the message that are not needed, and send it again.",
		"See check.spamhaus.org for the domains in it." } },
	{ "", "dbl.spamhaus.org", 0, { SPAMHAUS, "A domain in the message, or the sender's, is on Spamhaus's list of domains in spam.", "Leave out links in the message that are not needed, and send it again.",
		"See check.spamhaus.org for the domains in it." } },
	{ "", "spamhaus.org/query", 0, { SPAMHAUS, "The address of this host is on a list of Spamhaus.", POSTMASTER,
		"check.spamhaus.org says which: PBL, an address that should send through its provider; XBL, a machine that is infected; SBL or CSS, spam was sent. Mend it, then ask for removal there." } },
	{ "", "spamhaus", 0, { SPAMHAUS, "The address of this host is on a list of Spamhaus.", POSTMASTER,
		"check.spamhaus.org says which: PBL, an address that should send through its provider; XBL, a machine that is infected; SBL or CSS, spam was sent. Mend it, then ask for removal there." } },
	{ "", "spamcop", 0, { "SpamCop", "The address of this host is on SpamCop's list, because spam was reported.", POSTMASTER, "It ends a day after the last report; find out which account sent it." } },
	{ "", "barracudanetworks.com", 0, { "Barracuda", "The address of this host has a bad reputation at Barracuda.", POSTMASTER, "Ask for removal at barracudacentral.org." } },
	{ "", "barracudacentral", 0, { "Barracuda", "The address of this host is on Barracuda's list.", POSTMASTER, "Ask for removal at barracudacentral.org." } },
	{ "", "ipcheck.proofpoint.com", 0, { "Proofpoint", "Proofpoint blocks the address of this host.", POSTMASTER, "Ask for removal at ipcheck.proofpoint.com." } },
	{ "", "cloudmark", 0, { "Cloudmark", "Cloudmark blocks the address of this host.", POSTMASTER, "Ask for removal by the form that the reply names." } },
	{ "", "mimecast", 0, { "Mimecast", "The filter that the recipient uses (Mimecast) refuses the message by one of its rules.", OTHER_WAY, "" } },
	{ "", "abusix", 0, { "Abusix", "The address of this host is on a list of Abusix.", POSTMASTER, "See lookup.abusix.com." } },
	{ "", "uceprotect", 0, { "UCEPROTECT", "The address of this host, or the network around it, is on a list of UCEPROTECT.", POSTMASTER, "Level 1 ends by itself after 7 days; levels 2 and 3 are about the provider." } },
	{ "", "t-online.de", 5, { "T-Online", "T-Online takes mail only from hosts that it knows, with a name and a web page that says who runs them.", POSTMASTER,
		"Write to the address in the reply, from a host whose name has contact data." } },
	{ "", "postmaster.gmx", 0, { "GMX, WEB.DE", "GMX refuses this host, by its address, name or what it sent.", POSTMASTER, "See the page that the reply names; the PTR record must not look like one of a dialled-in line." } },
	{ "", "mail.gmx.net/serverrules", 0, { "GMX, WEB.DE", "GMX refuses this host, by its address, name or what it sent.", POSTMASTER, "See the page that the reply names; the PTR record must not look like one of a dialled-in line." } },
	{ "", "notspam-support", 0, { "Mail.ru", "Mail.ru takes the message for spam.", CONTENT, "Write to its support by the page that the reply names." } },

	/* ---- what common programs say ---- */
	{ "", "greylist", 0, { "", "The other side puts off hosts that it does not know yet, to see whether they come again (greylisting).", LATER, "" } },
	{ "", "grey-list", 0, { "", "The other side puts off hosts that it does not know yet, to see whether they come again (greylisting).", LATER, "" } },
	{ "", "graylist", 0, { "", "The other side puts off hosts that it does not know yet, to see whether they come again (greylisting).", LATER, "" } },
	{ "", "cannot find your hostname", 0, { "", "The address of this host has no name (PTR record), or one that does not lead back.", POSTMASTER, "Have the provider of the address set its PTR record to this host's name." } },
	{ "", "cannot find your reverse hostname", 0, { "", "The address of this host has no name (PTR record).", POSTMASTER, "Have the provider of the address set its PTR record to this host's name." } },
	{ "", "Helo command rejected", 0, { "", "The name with which this host greets is not accepted.", POSTMASTER, "server.hostname has to be a full name that leads to this host's address." } },
	{ "", "Sender address rejected: Domain not found", 0, { "", "The domain of the sender's address cannot be found in the DNS.", "Check your own address in the settings of your mail program.", "The sender's domain needs an MX or address record." } },
	{ "", "not owned by user", 0, NOT_ITS_SENDER },
	{ "", "sender address does not belong to you", 0, NOT_ITS_SENDER },
	{ "", "Sender verify failed", 0, { "", "The other side asked whether the sender's address takes mail, and heard no.", "Check your own address in the settings of your mail program.", "The sender's address has to take mail, also notifications." } },
	{ "", "Relay access denied", 0, { "", "The other server does not take mail for that domain: its MX record leads to the wrong host, or the domain is not set up there.", OTHER_WAY, "Look at the MX records of the domain, and at the routes here." } },
	{ "", "relaying denied", 0, { "", "The other server does not take mail for that domain: its MX record leads to the wrong host, or the domain is not set up there.", OTHER_WAY, "Look at the MX records of the domain, and at the routes here." } },
	{ "", "relay not permitted", 0, { "", "The other server does not take mail for that domain: its MX record leads to the wrong host, or the domain is not set up there.", OTHER_WAY, "Look at the MX records of the domain, and at the routes here." } },
	{ "", "mail loop", 0, { "", "The message went in a circle between mail systems.", POSTMASTER, "Look at forwardings and at MX records that point to each other or to this host." } },
	{ "", "too many hops", 0, { "", "The message went in a circle between mail systems.", POSTMASTER, "Look at forwardings and at MX records that point to each other or to this host." } },
	{ "", "SPF check failed", 0, { "", "This host may not send for the sender's domain: SPF fails.", POSTMASTER, "Add this host to the SPF record of the sender's domain." } },
	{ "", "DMARC", 5, { "", "The domain in From has a DMARC policy to refuse mail like this.", POSTMASTER, "Sign with DKIM for the domain of From, or name this host in its SPF record." } },
	{ "", "virus", 5, { "", "The other side found a virus, or what looks like one.", "Have your computer checked before you send it again.", "" } },
	{ "", "message size exceeds", 0, { "", "The message is longer than the other side takes.", SMALLER, "" } },
	{ "", "quota exceeded", 0, { "", "The recipient's mailbox is full.", FULL, "" } },
	{ "", "over quota", 0, { "", "The recipient's mailbox is full.", FULL, "" } },
	{ "", "mailbox full", 0, { "", "The recipient's mailbox is full.", FULL, "" } },
	{ "", "mailbox is full", 0, { "", "The recipient's mailbox is full.", FULL, "" } },
	{ "", "user unknown", 0, { "", "There is no mailbox with that address.", ADDRESS, "" } },
	{ "", "unknown user", 0, { "", "There is no mailbox with that address.", ADDRESS, "" } },
	{ "", "no such user", 0, { "", "There is no mailbox with that address.", ADDRESS, "" } },
	{ "", "no mailbox here", 0, { "", "There is no mailbox with that address.", ADDRESS, "" } },
	{ "", "user does not exist", 0, { "", "There is no mailbox with that address.", ADDRESS, "" } },
	{ "", "mailbox not found", 0, { "", "There is no mailbox with that address.", ADDRESS, "" } },
	{ "", "spam", 5, { "", "The other side takes the message, or this host, for a source of spam.", CONTENT, "See what the reply names; look at the host's address on the usual block lists." } },
};
const size_t explain_n_texts = ARRAY_LEN(explain_texts);
