/* SPDX-License-Identifier: MIT */
/* Dates: what is printed from a parsed date parses to the same date. */
#include "base/must.h"
#include "mime/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t epoch_s, again_s;
	int zone_min, again_min;
	char text[40];

	if (!mime_date_parse(str_of(data, size), &epoch_s, &zone_min))
		return 0;
	mime_date_print_z(text, epoch_s, zone_min);
	must(strlen(text) == 31);
	/* Not exact at the ends of the range, where the zone leaves it. */
	if (epoch_s < -2208000000 || epoch_s > 253401000000)
		return 0;
	must(mime_date_parse(str_z(text), &again_s, &again_min));
	must(again_s == epoch_s && again_min == zone_min);
	return 0;
}
