/* SPDX-License-Identifier: MIT */
/* SQLite's files, with a WAL that is written in few calls. Private to sqlite.c. */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#define SQLITE_VFS_NAME "martlet"

/* Once in a process, after sqlite3_config(). */
void sqlite_vfs_register(void);
bool sqlite_vfs_is_wal(const sqlite3_file *f);
/* Of a connection's WAL. Are there bytes that the system does not have yet? Never between transactions. */
bool sqlite_vfs_is_held(const sqlite3_file *wal);
/* The transaction is given up: nobody will read what is held of it. */
void sqlite_vfs_forget(sqlite3_file *wal);
/* Gives the memory back; nothing may be held. */
void sqlite_vfs_rest(sqlite3_file *wal);
