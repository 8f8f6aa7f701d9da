/* SPDX-License-Identifier: MIT */
/*
 * The header of one part read into its struct: RFC 2045, 2183, 3282, 2557, 1864. The first field
 * of a name counts. What is broken is treated as absent, with the default of RFC 2045 5.2.
 *
 * Invariant: header fields never take more than half of the arena's cap; beyond that they are
 * treated as absent, so that the parts themselves always find room.
 */
#include "mime/mime_int.h"

enum field_id { CTE, TYPE, ID, DESCRIPTION, DISPOSITION, LANGUAGE, LOCATION, MD5, N_FIELDS };

static const struct mime_field_row field_rows[] = {
	{ STR_INIT("Content-Type"), TYPE },
	{ STR_INIT("Content-Transfer-Encoding"), CTE },
	{ STR_INIT("Content-Disposition"), DISPOSITION },
	{ STR_INIT("Content-ID"), ID },
	{ STR_INIT("Content-Description"), DESCRIPTION },
	{ STR_INIT("Content-Language"), LANGUAGE },
	{ STR_INIT("Content-Location"), LOCATION },
	{ STR_INIT("Content-MD5"), MD5 },
};

static const struct {
	struct str name;
	enum mime_cte cte;
} cte_rows[] = {
	{ STR_INIT("7bit"), MIME_CTE_7BIT },
	{ STR_INIT("8bit"), MIME_CTE_8BIT },
	{ STR_INIT("binary"), MIME_CTE_BINARY },
	{ STR_INIT("quoted-printable"), MIME_CTE_QP },
	{ STR_INIT("base64"), MIME_CTE_BASE64 },
};

bool mime_part_names_message(const struct mime_part *part)
{
	return str_ieq(part->type, S("message")) &&
	       (str_ieq(part->subtype, S("rfc822")) || str_ieq(part->subtype, S("global")));
}

/*
 * RFC 2045 5.1: content := "Content-Type" ":" type "/" subtype *(";" parameter). Tolerant: "text" alone, as before MIME, is plain text, and
 * its charset counts: seen from many senders.
 */
static int read_type(struct arena *a, struct mime_part *part, struct str value)
{
	struct str type, subtype = S("");

	mime_cfws_skip(&value);
	type = mime_token_take(&value);
	mime_cfws_skip(&value);
	if (type.n == 0 || type.n > LIMIT_MIME_TOKEN)
		return 0;
	if (value.n > 0 && value.p[0] == '/') {
		value = str_skip(value, 1);
		mime_cfws_skip(&value);
		subtype = mime_token_take(&value);
	}
	if (subtype.n == 0 && str_ieq(type, S("text")))
		subtype = S("plain");
	if (subtype.n == 0 || subtype.n > LIMIT_MIME_TOKEN)
		return 0;
	part->type = type;
	part->subtype = subtype;
	return mime_params_parse(a, value, &part->params, &part->n_params);
}

/* RFC 2045 6.1: encoding := "Content-Transfer-Encoding" ":" mechanism */
static int read_cte(struct arena *a, struct mime_part *part, struct str value)
{
	struct str rest = value, token;

	mime_cfws_skip(&rest);
	token = mime_token_take(&rest);
	part->cte = MIME_CTE_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(cte_rows); i++) {
		if (str_ieq(token, cte_rows[i].name))
			part->cte = cte_rows[i].cte;
	}
	if (token.n > 0) {
		part->cte_text = token;
		return 0;
	}
	return mime_unfold_view(a, value, &part->cte_text);
}

/* RFC 2183 2: disposition := "Content-Disposition" ":" disposition-type *(";" disposition-parm) */
static int read_disposition(struct arena *a, struct mime_part *part, struct str value)
{
	struct str token;

	mime_cfws_skip(&value);
	token = mime_token_take(&value);
	if (token.n == 0 || token.n > LIMIT_MIME_TOKEN)
		return 0;
	part->disposition = token;
	return mime_params_parse(a, value, &part->disposition_params,
				 &part->n_disposition_params);
}

static int read_field(struct arena *a, struct mime_part *part, int id, struct str value)
{
	switch (id) {
	case TYPE:
		return read_type(a, part, value);
	case CTE:
		return read_cte(a, part, value);
	case DISPOSITION:
		return read_disposition(a, part, value);
	case ID:
		return mime_unfold_view(a, value, &part->id);
	case DESCRIPTION:
		return mime_unfold_view(a, value, &part->description);
	case LANGUAGE:
		return mime_unfold_view(a, value, &part->languages);
	case LOCATION:
		return mime_unfold_view(a, value, &part->location);
	default:
		return mime_unfold_view(a, value, &part->md5);
	}
}

int mime_part_header(struct arena *a, struct mime_part *part, struct str header, bool is_digest)
{
	bool is_seen[N_FIELDS] = { false };
	struct mime_field f;

	/* RFC 2045 5.2, RFC 2046 5.1.5 */
	part->type = is_digest ? S("message") : S("text");
	part->subtype = is_digest ? S("rfc822") : S("plain");
	part->cte = MIME_CTE_7BIT;
	part->cte_text = S("7bit");
	while (mime_field_next(&header, &f) == 1) {
		int id, err;

		if (f.name.n < 10 || (f.name.p[0] | 32) != 'c' || a->used > a->cap / 2)
			continue;
		id = mime_field_row(field_rows, ARRAY_LEN(field_rows), f.name);
		if (id < 0 || is_seen[id] || str_trim(f.value).n == 0)
			continue;
		is_seen[id] = true;
		err = read_field(a, part, id, str_head(f.value, LIMIT_MIME_HEADER_FIELD));
		if (err < 0)
			return err;
	}
	return 0;
}
