/* SPDX-License-Identifier: MIT */
#include "net/libunbound.h"

#include <dlfcn.h>

/* As dlsym(3) says: a function's address out of an object's. */
static bool take(void *library, const char *name_z, void *to)
{
	void *found = dlsym(library, name_z);

	memcpy(to, &found, sizeof(found));
	return found != NULL;
}

bool libunbound_load(struct libunbound *ret, const char **ret_why_z)
{
	void *library = dlopen("libunbound.so.8", RTLD_NOW | RTLD_LOCAL);
	bool is_whole = library != NULL;

#define TAKE(name) is_whole = is_whole && take(library, "ub_" #name, &ret->name);
	LIBUNBOUND_FUNCTIONS(TAKE)
#undef TAKE
	if (!is_whole)
		*ret_why_z = dlerror();
	return is_whole;
}
