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

/* What the loader makes read-only after it has written to it (RELRO) is a part of a writable segment. */
static int settle(struct dl_phdr_info *o, size_t size, void *arg)
{
	const uintptr_t page = *(const uintptr_t *)arg;

	(void)size;
	if (has_written_code(o))
		return 0;
	for (size_t i = 0; i < o->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];
		uintptr_t from = (o->dlpi_addr + p->p_vaddr) & ~(page - 1);
		uintptr_t to = (o->dlpi_addr + p->p_vaddr + p->p_filesz) & ~(page - 1);

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W) && to > from)
			(void)madvise((void *)from, to - from, MADV_DONTNEED); /* else it stays */
	}
	return 0;
}

void dl_settle(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)dl_iterate_phdr(settle, &page);
}
