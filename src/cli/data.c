/* SPDX-License-Identifier: MIT */
/* The data, opened by a command because no server runs. */
#include "server/data.h"

#include "cli/cli.h"

#include "base/clock.h"
#include "server/server.h"

int cli_data_open(const struct server_conf *s, struct conf_live *live, struct server_data *data, int *ret_fd, struct fault *fault)
{
	int64_t until_ms = clock_mono_ms() + CLI_DATA_WAIT_MS;
	struct fault other = { 0 };
	int r = server_privileges_prepare(s, fault);

	*ret_fd = -1;
	if (r == 0)
		r = server_privileges_drop(s, fault);
	if (r < 0)
		return r;
	while ((r = server_data_open(s->data_dir, CLI_DATA_LOOK_MS, live, NULL, NULL, data, fault)) == -E_BUSY && clock_mono_ms() < until_ms) {
		*ret_fd = cli_control_connect(s->data_dir, &other);
		if (*ret_fd >= 0)
			return 0;
	}
	return r;
}
