/* SPDX-License-Identifier: MIT */
/*
 * Force-included before every file (-include): functions that are too easy to misuse do not
 * compile here. The headers that declare them come first, then the names become macros that
 * expand to something undeclared with a speaking name.
 *
 * Instead of:                      use:
 *   malloc calloc realloc free       mem_alloc mem_resize mem_free, an arena, a buf
 *   strcpy strcat strncpy sprintf    struct buf, snprintf
 *   strdup strtok atoi               mem_dup_z, str_split, str_to_u64
 *   gmtime localtime                 gmtime_r, localtime_r
 *   rand random                      rnd_bytes
 *
 * The escape is a visible #undef, and only base/mem.c has a reason for one.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(name) banned_function_##name##_see_base_banned_h

#undef strcpy
#define strcpy(...) BANNED(strcpy)
#undef strcat
#define strcat(...) BANNED(strcat)
#undef strncpy
#define strncpy(...) BANNED(strncpy)
#undef strncat
#define strncat(...) BANNED(strncat)
#undef stpcpy
#define stpcpy(...) BANNED(stpcpy)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)
#undef strtok
#define strtok(...) BANNED(strtok)
#undef atoi
#define atoi(...) BANNED(atoi)
#undef atol
#define atol(...) BANNED(atol)
#undef atoll
#define atoll(...) BANNED(atoll)
#undef gmtime
#define gmtime(...) BANNED(gmtime)
#undef localtime
#define localtime(...) BANNED(localtime)
#undef ctime
#define ctime(...) BANNED(ctime)
#undef asctime
#define asctime(...) BANNED(asctime)
#undef rand
#define rand(...) BANNED(rand)
#undef srand
#define srand(...) BANNED(srand)
#undef random
#define random(...) BANNED(random)
#undef alloca
#define alloca(...) BANNED(alloca)
#undef malloc
#define malloc(...) BANNED(malloc)
#undef calloc
#define calloc(...) BANNED(calloc)
#undef realloc
#define realloc(...) BANNED(realloc)
#undef reallocarray
#define reallocarray(...) BANNED(reallocarray)
#undef free
#define free(...) BANNED(free)
#undef strdup
#define strdup(...) BANNED(strdup)
#undef strndup
#define strndup(...) BANNED(strndup)
