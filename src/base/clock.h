/* SPDX-License-Identifier: MIT */
/* Time. Wall time can be moved by tests; monotonic time cannot. Thread-safe. */
#pragma once

#include <stdint.h>

/* Milliseconds since the epoch, plus what clock_shift_ms() added. */
int64_t clock_wall_ms(void);
/* Milliseconds on a clock that only goes forward, for deadlines. */
int64_t clock_mono_ms(void);
/* Moves wall time (tests only, through the control socket). */
void clock_shift_ms(int64_t by_ms);
