/* SPDX-License-Identifier: MIT */
/*
 * must(): invariants, always compiled. A false condition is a bug: it logs the condition, the
 * place and a backtrace, then aborts; the supervisor starts a new server.
 */
#pragma once

_Noreturn void must_fail(const char *cond, const char *file, int line);

#define must(cond) ((cond) ? (void)0 : must_fail(#cond, __FILE__, __LINE__))
