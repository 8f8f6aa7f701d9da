/* SPDX-License-Identifier: MIT */
/* Functions of libraries that are loaded when they are needed. */
#pragma once

#include <stdbool.h>

/* As dlsym(3) says: the address of the library's function of that name, into the pointer at `to`. False: it has none. */
bool dl_take(void *library, const char *name_z, void *to);
