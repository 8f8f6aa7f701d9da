/* SPDX-License-Identifier: MIT */
#include "net/libunbound.h"

#include <dlfcn.h>

#include "base/dl.h"

bool libunbound_load(struct libunbound *ret, const char **ret_why_z)
{
	void *library = dlopen("libunbound.so.8", RTLD_NOW | RTLD_LOCAL);
	bool is_whole = library != NULL;

#define TAKE(name) is_whole = is_whole && dl_take(library, "ub_" #name, &ret->name);
	LIBUNBOUND_FUNCTIONS(TAKE)
#undef TAKE
	if (!is_whole)
		*ret_why_z = dlerror();
	return is_whole;
}
