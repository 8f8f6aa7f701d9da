/* SPDX-License-Identifier: MIT */
/* Time. Wall time can be moved by tests; monotonic time cannot. Thread-safe. */
#pragma once

#include <stdint.h>

/* Milliseconds since the epoch, plus what clock_shift_ms() added. */
int64_t clock_wall_ms(void);
/* Milliseconds on a clock that only goes forward, for deadlines. */
int64_t clock_mono_ms(void);
/*
 * How far wall time is ahead of the monotonic clock. A change says that somebody set the wall clock, or that the machine slept; the
 * time that clock_shift_ms() lets pass is none.
 */
int64_t clock_ahead_ms(void);
/* Moves wall time (tests only, through the control socket). */
void clock_shift_ms(int64_t by_ms);
/* The same, as somebody who sets the clock does (tests only). */
void clock_step_ms(int64_t by_ms);
