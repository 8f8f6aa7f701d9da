/* SPDX-License-Identifier: MIT */
/* libexpat, loaded when it is needed: by the commands that read autoconfig files. The server process has no use for a parser of XML. */
#pragma once

#include <expat.h>
#include <stdbool.h>

#define LIBEXPAT_FUNCTIONS(X) \
	X(ErrorString) X(GetCurrentLineNumber) X(GetErrorCode) X(Parse) X(ParserCreate) X(ParserFree) X(SetCharacterDataHandler) \
	X(SetElementHandler) X(SetStartDoctypeDeclHandler) X(SetUserData) X(StopParser)

/* XML_Parse() is expat.Parse(). */
struct libexpat {
#define LIBEXPAT_MEMBER(name) __typeof__(XML_##name) *name;
	LIBEXPAT_FUNCTIONS(LIBEXPAT_MEMBER)
#undef LIBEXPAT_MEMBER
};

/* False: it is not there, or is another; *ret_why_z says what. Before the process closes itself in. */
bool libexpat_load(struct libexpat *ret, const char **ret_why_z);
