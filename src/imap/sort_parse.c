/* SPDX-License-Identifier: MIT */
/* The arguments of SORT and THREAD (RFC 5256 5, RFC 5957 5, RFC 5267 5, RFC 5257 5). */
#include "imap/imap_int.h"
#include "imap/note.h"
#include "imap/search.h"

static const struct {
	struct str word;
	unsigned by;
} rows[] = {
	{ STR_INIT("ARRIVAL"), STORE_SORT_ARRIVAL },
	{ STR_INIT("CC"), STORE_SORT_TEXT + STORE_K_CC },
	{ STR_INIT("DATE"), STORE_SORT_DATE },
	{ STR_INIT("FROM"), STORE_SORT_TEXT + STORE_K_FROM },
	{ STR_INIT("SIZE"), STORE_SORT_SIZE },
	{ STR_INIT("SUBJECT"), STORE_SORT_TEXT + STORE_K_SUBJECT },
	{ STR_INIT("TO"), STORE_SORT_TEXT + STORE_K_TO },
	{ STR_INIT("DISPLAYFROM"), STORE_SORT_TEXT + STORE_K_DISPLAY_FROM },
	{ STR_INIT("DISPLAYTO"), STORE_SORT_TEXT + STORE_K_DISPLAY_TO },
	{ STR_INIT("RELEVANCY"), STORE_SORT_RELEVANCY },
};

/* sort-key =/ "ANNOTATION" SP entry SP att-sort */
static int annotation(struct imap_session *s, struct store_sort *by)
{
	unsigned scopes = 0;
	int r = imap_parse_sp(&s->p);

	if (r > 0)
		r = imap_note_entry_parse(&s->p, false, &by->note.entry);
	if (r > 0)
		r = imap_parse_sp(&s->p) > 0 ? imap_note_scopes_parse(&s->p, &scopes) : 0;
	if (r <= 0)
		return r;
	by->by = STORE_SORT_ANNOTATION;
	by->note.user = scopes == STORE_NOTE_SHARED ? 0 : s->account;
	return scopes == STORE_NOTE_SHARED || scopes == STORE_NOTE_PRIVATE;
}

static int sort_key(struct imap_session *s, struct store_sort *by)
{
	size_t i = 0;

	if (imap_parse_word(&s->p, S("ANNOTATION")) > 0)
		return annotation(s, by);
	while (i < ARRAY_LEN(rows) && imap_parse_word(&s->p, rows[i].word) <= 0)
		i++;
	if (i == ARRAY_LEN(rows))
		return 0;
	by->by = rows[i].by;
	return 1;
}

/* sort-criterion = ["REVERSE" SP] sort-key; one that was there before decides nothing. */
static int criterion(struct imap_session *s, struct imap_sort *ret)
{
	struct store_sort by = { .is_reverse = imap_parse_word(&s->p, S("REVERSE")) > 0 };
	int r = by.is_reverse && imap_parse_sp(&s->p) <= 0 ? 0 : sort_key(s, &by);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < ret->n_by; i++) {
		if (ret->by[i].by == by.by && ret->by[i].note.user == by.note.user &&
		    str_eq(ret->by[i].note.entry, by.note.entry))
			return 1;
	}
	if (ret->n_by == STORE_SORT_KEYS)
		return -E_LIMIT;
	ret->by[ret->n_by++] = by;
	return 1;
}

/* sort-criteria = "(" sort-criterion *(SP sort-criterion) ")" */
static int criteria(struct imap_session *s, struct imap_sort *ret)
{
	int r;

	if (imap_parse_char(&s->p, '(') <= 0)
		return 0;
	do {
		r = criterion(s, ret);
		if (r <= 0)
			return r;
	} while (imap_parse_sp(&s->p) > 0);
	return imap_parse_char(&s->p, ')');
}

/* "SORT" [search-return-opts] SP sort-criteria SP search-criteria */
int imap_sort_parse(struct imap_session *s, struct imap_sort *ret)
{
	int r;

	*ret = (struct imap_sort){ 0 };
	r = imap_need(imap_search_returns(&s->p, &ret->search));
	if (r == 0)
		r = imap_need(criteria(s, ret));
	if (r == 0)
		r = imap_search_criteria(s, &ret->search);
	/* RFC 6203 6: RELEVANCY needs FUZZY. */
	for (size_t i = 0; r == 0 && i < ret->n_by; i++) {
		if (ret->by[i].by == STORE_SORT_RELEVANCY && !ret->search.has_fuzzy)
			r = -E_SYNTAX;
	}
	return r;
}

/*
 * thread-alg = "ORDEREDSUBJECT" / "REFERENCES" / thread-alg-ext
 * REFS is of draft-ietf-morg-inthread, which never became an RFC; other servers have it.
 */
static int algorithm(struct imap_parse *p, struct imap_sort *ret)
{
	if (imap_parse_word(p, S("ORDEREDSUBJECT")) > 0)
		ret->algorithm = STORE_THREAD_ORDEREDSUBJECT;
	else if (imap_parse_word(p, S("REFERENCES")) > 0)
		ret->algorithm = STORE_THREAD_REFERENCES;
	else if (imap_parse_word(p, S("REFS")) > 0)
		ret->algorithm = STORE_THREAD_REFS;
	else
		return 0;
	return 1;
}

/* "THREAD" SP thread-alg SP search-criteria */
int imap_thread_parse(struct imap_session *s, struct imap_sort *ret)
{
	int r;

	*ret = (struct imap_sort){ 0 };
	r = imap_need(imap_parse_sp(&s->p));
	if (r == 0)
		r = imap_need(algorithm(&s->p, ret));
	return r < 0 ? r : imap_search_criteria(s, &ret->search);
}
