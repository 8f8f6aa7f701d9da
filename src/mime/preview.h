/* SPDX-License-Identifier: MIT */
/* What preview.c and html.c share: one line of text, made of characters. Only for this room. */
#pragma once

#include "mime/mime_int.h"

struct mime_line {
	struct buf *out;
	size_t n, max;  /* characters */
	bool has_space; /* one stands before the next character */
};

/*
 * One more character; white space of all kinds becomes one space between words, controls and
 * characters that only steer the layout are left out.
 */
void mime_line_add(struct mime_line *l, int32_t code);
void mime_line_space(struct mime_line *l);
bool mime_line_is_full(const struct mime_line *l);

/* The text of HTML in UTF-8 (html.c). */
void mime_html_text(struct str html, struct mime_line *out);
