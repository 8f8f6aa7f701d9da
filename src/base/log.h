/* SPDX-License-Identifier: MIT */
/*
 * One line per event: an event name, then key=value. Peer text is escaped and cut here, not by
 * callers; secrets have their own field type and are never printed.
 *
 *   LOG(INFO, "smtp.rcpt", F_STR("sid", sid), F_STR("to", path), F_INT("code", 550));
 *
 * Thread-safe: one write(2) per line. A thread may set context fields (session id) once; they stand
 * first in each of its lines. Rooms below level 5 log nothing above debug.
 */
#pragma once

#include "base/str.h"

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };
enum log_format { LOG_FMT_TEXT, LOG_FMT_JSON };

struct log_field {
	const char *key;
	enum { LOG_F_STR, LOG_F_INT, LOG_F_SECRET, LOG_F_NONE } type;
	struct str s;
	int64_t i;
};

#define F_STR(k, v) ((struct log_field){ .key = (k), .type = LOG_F_STR, .s = (v) })
#define F_Z(k, v) ((struct log_field){ .key = (k), .type = LOG_F_STR, .s = str_z(v) })
#define F_INT(k, v) ((struct log_field){ .key = (k), .type = LOG_F_INT, .i = (int64_t)(v) })
#define F_SECRET(k) ((struct log_field){ .key = (k), .type = LOG_F_SECRET })

#define LOG(lvl, event, ...) \
	do { \
		if (log_on(LOG_LVL_##lvl)) { \
			const struct log_field log_fields_[] = { __VA_ARGS__ }; \
			log_write(LOG_LVL_##lvl, (event), log_fields_, \
				  sizeof(log_fields_) / sizeof(log_fields_[0])); \
		} \
	} while (0)

/* fd: where lines go (stderr by default). When it leads to the systemd journal they begin with their level, as <4>, for `journalctl -p`. */
void log_setup(int fd, enum log_level level, enum log_format format);
bool log_on(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* The session id that this thread's lines carry (copied, up to 23 bytes); "" for none. */
void log_set_sid(const char *sid_z);
