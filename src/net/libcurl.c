/* SPDX-License-Identifier: MIT */
#include "net/libcurl.h"

#include <dlfcn.h>
#include <string.h>

/* As dlsym(3) says: a function's address out of an object's. */
static bool take(void *library, const char *name_z, void *to)
{
	void *found = dlsym(library, name_z);

	memcpy(to, &found, sizeof(found));
	return found != NULL;
}

bool libcurl_load(struct libcurl *ret, const char **ret_why_z)
{
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	bool is_whole = library != NULL && take(library, "curl_free", &ret->release);

#define TAKE(name) is_whole = is_whole && take(library, "curl_" #name, &ret->name);
	LIBCURL_FUNCTIONS(TAKE)
#undef TAKE
	if (!is_whole)
		*ret_why_z = dlerror();
	return is_whole;
}
