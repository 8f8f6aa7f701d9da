/* SPDX-License-Identifier: MIT */
#include "base/dl.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool dl_take(void *library, const char *name_z, void *to)
{
	void *found = dlsym(library, name_z);

	memcpy(to, &found, sizeof(found));
	return found != NULL;
}

/* Code that the loader has written to (text relocations; nobody makes such libraries any more) would lose that. */
static bool has_written_code(const struct dl_phdr_info *o)
{
	for (size_t i = 0; i < o->dlpi_phnum; i++) {
		const ElfW(Dyn) *d = (const ElfW(Dyn) *)(o->dlpi_addr + o->dlpi_phdr[i].p_vaddr);

		if (o->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		for (; d->d_tag != DT_NULL; d++)
			if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_TEXTREL)))
				return true;
	}
	return false;
}

#define SEGMENTS 32 /* of one object; a library has four to six */

/*
 * What the loader makes read-only after it has written to it (RELRO) is a part of a writable segment. Segments are mapped in whole pages,
 * so none shares its last one with another. The headers stand in one of them: they are not looked at again once it is given back.
 */
static int settle(struct dl_phdr_info *o, size_t size, void *arg)
{
	const uintptr_t page = *(const uintptr_t *)arg;
	struct {
		uintptr_t from, to;
	} given[SEGMENTS];
	size_t n = 0;

	(void)size;
	if (has_written_code(o))
		return 0;
	for (size_t i = 0; i < o->dlpi_phnum && n < SEGMENTS; i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W) || p->p_filesz == 0)
			continue;
		given[n].from = (o->dlpi_addr + p->p_vaddr) & ~(page - 1);
		given[n].to = (o->dlpi_addr + p->p_vaddr + p->p_filesz + page - 1) & ~(page - 1);
		n++;
	}
	for (size_t i = 0; i < n; i++)
		(void)madvise((void *)given[i].from, given[i].to - given[i].from, MADV_DONTNEED); /* else it stays */
	return 0;
}

void dl_settle(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)dl_iterate_phdr(settle, &page);
}
