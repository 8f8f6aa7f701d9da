/* SPDX-License-Identifier: MIT */
/* Inside the queue: reports made and sent. */
#pragma once

#include "mailauth/dkim.h"
#include "queue/queue_int.h"

#define QUEUE_TLSRPT_JSON (1u << 20) /* of one report; its rows are bounded by LIMIT_TLSRPT_DOMAIN */

#define QUEUE_TLSRPT_MAIL (2u << 20) /* with its frame, in base64 */

/* What its table has, once more. */
struct queue_tlsrpt_row {
	struct queue_tlsrpt_policy policy;
	struct queue_tlsrpt_session session; /* its policy is the one above */
	int64_t sessions;
};
struct queue_tlsrpt_report {
	int64_t day;         /* UTC, since 1970 */
	struct str domain;   /* about whom */
	struct str id;       /* left@right */
	struct str organization, address;
	struct queue_tlsrpt_row *rows; /* those of one policy stand together */
	size_t n_rows;
};

/* ---- tlsrpt_json.c ---- */

/* RFC 8460 4.4. It fits QUEUE_TLSRPT_JSON. */
void queue_tlsrpt_json(const struct queue_tlsrpt_report *r, struct buf *out);
MUST_CHECK int queue_tlsrpt_gzip(struct str text, struct buf *out);
/* RFC 8460 5.1 */
void queue_tlsrpt_filename(const struct queue_tlsrpt_report *r, struct buf *out);

/* ---- tlsrpt_mail.c ---- */

/* RFC 8460 5.3: the message as it is stored, our own Return-Path line first, then its signature. to: one plain address. */
MUST_CHECK int queue_tlsrpt_mail(const struct queue_tlsrpt_report *r, struct str to, struct str packed, const struct dkim_signer *signer,
				 struct buf *out);
