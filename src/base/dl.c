/* SPDX-License-Identifier: MIT */
#include "base/dl.h"

#include <dlfcn.h>
#include <string.h>

bool dl_take(void *library, const char *name_z, void *to)
{
	void *found = dlsym(library, name_z);

	memcpy(to, &found, sizeof(found));
	return found != NULL;
}
