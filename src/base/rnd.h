/* SPDX-License-Identifier: MIT */
/* Randomness from the kernel (getrandom), and printable ids made from it. Thread-safe. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void rnd_bytes(void *p, size_t n);
uint64_t rnd_u64(void);

/*
 * An id of n characters (n >= 8) plus NUL in out[n + 1]: lower-case letters and digits, first the time, then
 * randomness; unique enough for session ids (n = 12) and queue ids (n = 16). Never contains vowels or '-'.
 */
void rnd_id_z(char *out, size_t n);
