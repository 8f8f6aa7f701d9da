/* SPDX-License-Identifier: MIT */
#include "doctor/libexpat.h"

#include <dlfcn.h>

#include "base/dl.h"

bool libexpat_load(struct libexpat *ret, const char **ret_why_z)
{
	void *library = dlopen("libexpat.so.1", RTLD_NOW | RTLD_LOCAL);
	bool is_whole = library != NULL;

#define TAKE(name) is_whole = is_whole && dl_take(library, "XML_" #name, &ret->name);
	LIBEXPAT_FUNCTIONS(TAKE)
#undef TAKE
	if (!is_whole)
		*ret_why_z = dlerror();
	return is_whole;
}
