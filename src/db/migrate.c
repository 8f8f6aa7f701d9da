/* SPDX-License-Identifier: MIT */
/*
 * Schema versions: each room brings a list of numbered steps; what was done is recorded in
 * schema_version(room, version).
 *
 * States of a room's schema, and what a crash leaves:
 *  1. version n recorded, the tables as step n made them.
 *  2. step n+1 runs: its statements and the record are one durable transaction. A crash rolls
 *     back to 1.
 *  3. version n+1 recorded: state 1 of the next step.
 *
 * Steps are forward-only. A recorded version beyond the last step we know was written by a newer
 * program: not opened.
 */
#include "db/db_int.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"

/*
 * Room names and versions are our own constants, so a glued text is safe here, before any
 * statement set exists.
 */
static int record(struct db_conn *c, const struct db_driver *d, const char *room_z, int version)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM schema_version WHERE room = '%s';"
		 "INSERT INTO schema_version (room, version) VALUES ('%s', %d)",
		 room_z, room_z, version);
	return d->script(c, sql);
}

static int step(struct db_conn *c, const struct db_driver *d, const char *room_z,
		const struct db_migration *m)
{
	int rc = d->begin(c, DB_BEGIN_DURABLE);

	if (rc == 0)
		rc = d->script(c, m->sql);
	if (rc == 0)
		rc = record(c, d, room_z, m->version);
	if (rc == 0)
		rc = d->commit(c);
	if (rc < 0)
		d->rollback(c);
	return rc;
}

static int room_version(struct db_conn *c, const struct db_driver *d, const char *room_z,
			int64_t *ret)
{
	const struct db_val args[] = { DB_T(str_z(room_z)) };
	void *stmt = NULL;
	int rc = d->stmt_start(c, &db_migrate_sql[0], args, ARRAY_LEN(args), &stmt);

	if (rc < 0)
		return rc;
	rc = d->stmt_step(c, stmt);
	*ret = rc > 0 ? d->stmt_int(stmt, 0) : 0;
	d->stmt_done(c, stmt);
	return rc < 0 ? rc : 0;
}

static int run_set(struct db_conn *c, const struct db_driver *d, const struct db_migration_set *set,
		   struct fault *f)
{
	int64_t have = 0;
	int rc = room_version(c, d, set->room, &have);

	if (rc < 0)
		return fault_set(f, rc, "cannot read the schema version of %s: %s", set->room,
				 d->error_z(c));
	if (have > (int64_t)set->n)
		return fault_set(f, -E_CANNOT,
				 "the data was written by a newer martlet (%s schema %" PRId64
				 ", this program knows %zu): use that version",
				 set->room, have, set->n);
	for (size_t i = (size_t)have; i < set->n; i++) {
		must(set->rows[i].version == (int)i + 1);
		rc = step(c, d, set->room, &set->rows[i]);
		if (rc < 0)
			return fault_set(f, rc, "migration %s %d failed: %s", set->room,
					 set->rows[i].version, d->error_z(c));
	}
	return 0;
}

const struct db_sql db_migrate_sql[1] = {
	{ .sql = "SELECT version FROM schema_version WHERE room = ?1" },
};

int db_migrate_run(struct db *db, struct db_conn *c, struct fault *f)
{
	const struct db_driver *d = db->driver;
	int rc = d->begin(c, DB_BEGIN_DURABLE);

	if (rc == 0)
		rc = d->script(c, "CREATE TABLE IF NOT EXISTS schema_version ("
			       "room TEXT PRIMARY KEY, version INTEGER NOT NULL)");
	if (rc == 0)
		rc = d->commit(c);
	if (rc < 0) {
		d->rollback(c);
		return fault_set(f, rc, "cannot make the schema: %s", d->error_z(c));
	}
	for (size_t i = 0; i < db->o.n_migrations; i++) {
		rc = run_set(c, d, &db->o.migrations[i], f);
		if (rc < 0)
			return rc;
	}
	return 0;
}
