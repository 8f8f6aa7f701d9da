/* SPDX-License-Identifier: MIT */
/* Functions of libraries that are loaded when they are needed; the memory that libraries take. */
#pragma once

#include <stdbool.h>

/* As dlsym(3) says: the address of the library's function of that name, into the pointer at `to`. False: it has none. */
bool dl_take(void *library, const char *name_z, void *to);

/*
 * Gives back the pages of the program's and all libraries' code and constants that are in this process's memory: most of them were looked at
 * only while it started (relocations, symbols, initialisation), and the kernel brings in what it still needs. Nothing that was written is touched.
 * Any thread; costs a few system calls, and then page faults without I/O.
 */
void dl_settle(void);
