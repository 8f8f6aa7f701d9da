/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over the files named on the command line (its corpus), once each, without a
 * fuzzing engine: part of `make test`. Input stands in a heap block of its exact size, so ASan
 * builds see over-reads.
 */
#include "base/mem.h"
#include "base/must.h"

#include <stdio.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (file == NULL || fstat(fileno(file), &st) < 0) {
		perror(path);
		if (file != NULL)
			fclose(file);
		return false;
	}
	data = mem_alloc((size_t)st.st_size, 1);
	n = fread(data, 1, (size_t)st.st_size, file);
	fclose(file);
	must(n == (size_t)st.st_size);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, n);
	mem_free(data);
	return true;
}

int main(int argc, char **argv)
{
	bool is_ok = true;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		is_ok = replay(argv[i]) && is_ok;
	printf("%d passed, %d failed, 0 skipped\n", is_ok, !is_ok);
	return !is_ok;
}
