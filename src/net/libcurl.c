/* SPDX-License-Identifier: MIT */
#include "net/libcurl.h"

#include <dlfcn.h>

#include "base/dl.h"

bool libcurl_load(struct libcurl *ret, const char **ret_why_z)
{
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	bool is_whole = library != NULL && dl_take(library, "curl_free", &ret->release);

#define TAKE(name) is_whole = is_whole && dl_take(library, "curl_" #name, &ret->name);
	LIBCURL_FUNCTIONS(TAKE)
#undef TAKE
	if (!is_whole)
		*ret_why_z = dlerror();
	return is_whole;
}
