/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/database_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_LEAST 150000

/* --- what CONNINFO says ----------------------------------------------------------------------- */

static const char *option_of(const PQconninfoOption *options, const char *name)
{
	for (; options != NULL && options->keyword != NULL; options++) {
		if (strcmp(options->keyword, name) == 0) {
			return options->val != NULL ? options->val : "";
		}
	}
	return "";
}

static int check_password(const PQconninfoOption *options, char why[static SHARE_WHY])
{
	static const char *const secrets[] = { "password", "sslpassword" };

	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		if (option_of(options, secrets[i])[0] != 0) {
			snprintf(why, SHARE_WHY,
				"`shared` holds a %s, which more programs can read than should: "
				"name a file of mode 0600 with passfile=FILE, or a certificate "
				"with sslcert=FILE sslkey=FILE",
				secrets[i]);
			return -EINVAL;
		}
	}
	return 0;
}

int database_check(const char *conninfo, char why[static SHARE_WHY])
{
	char *error = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &error);
	int r;

	if (options == NULL) {
		/* The message may quote what is near a mistake, which may be a password. */
		snprintf(why, SHARE_WHY,
			"`shared` is no CONNINFO: write NAME=VALUE words, as in host=db "
			"dbname=authz user=authz, or a URI");
		PQfreemem(error);
		return -EINVAL;
	}
	r = check_password(options, why);
	PQconninfoFree(options);
	return r;
}

static void files_of(
	const char *conninfo, void (*seen)(void *context, const char *path), void *context)
{
	static const char *const names[] = { "passfile", "sslcert", "sslkey", "sslrootcert",
		"sslcrl", "sslcrldir" };
	PQconninfoOption *named = PQconninfoParse(conninfo, NULL);
	PQconninfoOption *others = PQconndefaults();

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *path = option_of(named, names[i]);

		path = path[0] != 0 ? path : option_of(others, names[i]);
		if (path[0] != 0) {
			seen(context, path);
		}
	}
	PQconninfoFree(named);
	PQconninfoFree(others);
}

/* A Unix socket, or the loopback addresses as numbers: a name may lead anywhere. */
static bool is_local(const char *host, size_t len)
{
	return len == 0 || host[0] == '/' || host[0] == '@' ||
	       (len == 9 && memcmp(host, "127.0.0.1", len) == 0) ||
	       (len == 3 && memcmp(host, "::1", len) == 0);
}

/* Takes the next of a list that is separated by commas. */
static const char *next_of(const char **list, size_t *len)
{
	const char *first = *list;

	*len = strcspn(first, ",");
	*list += *len + (first[*len] != 0);
	return first;
}

/* libpq connects to the address of each server or, where that is empty, to its host. */
static bool all_local(const char *hosts, const char *addresses)
{
	do {
		size_t host_len, address_len;
		const char *host = next_of(&hosts, &host_len);
		const char *address = next_of(&addresses, &address_len);

		if (address_len > 0 ? !is_local(address, address_len) : !is_local(host, host_len)) {
			return false;
		}
	} while (*hosts != 0 || *addresses != 0);
	return true;
}

/* Before a byte is sent. */
static int check_servers(PGconn *pg, char why[static SHARE_WHY])
{
	PQconninfoOption *options = PQconninfo(pg);
	bool verified = strcmp(option_of(options, "sslmode"), "verify-full") == 0;
	int r = 0;

	if (options == NULL) {
		snprintf(why, SHARE_WHY, "out of memory");
		return -ENOMEM;
	}
	if (!verified && !all_local(option_of(options, "host"), option_of(options, "hostaddr"))) {
		snprintf(why, SHARE_WHY,
			"`shared` names a server of another machine without TLS that proves who it "
			"is: add sslmode=verify-full, and sslrootcert=FILE if its authority is "
			"your own (a server of this machine is host=/run/postgresql, 127.0.0.1 or "
			"::1)");
		r = -EPERM;
	}
	PQconninfoFree(options);
	return r;
}

/* --- what the server is ----------------------------------------------------------------------- */

/* The settings hold for the session: a warning that is not sent would make a cancelled wait for a
 * standby look like success. */
static const char session[] =
	"SET synchronous_commit = on; SET client_min_messages = warning; "
	"SET statement_timeout = 0; SET lock_timeout = 0; "
	"SET idle_in_transaction_session_timeout = 0; "
	"SET search_path = pg_catalog; SET default_transaction_read_only = off; "
	"SET default_transaction_isolation = 'read committed'; "
	"SET DateStyle = ISO; SET authz.session = 'authzd'";

static const struct database_statement what_it_is = { "what_it_is",
	"SELECT current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on', "
	"pg_is_in_recovery(), pg_backend_pid()::bigint, "
	"coalesce(current_setting('authz.session', true), '') = 'authzd', "
	"has_function_privilege('pg_control_system()', 'EXECUTE')" };

static const struct database_statement whose_schema = { "whose_schema",
	"SELECT obj_description(oid, 'pg_namespace') IS NOT DISTINCT FROM '" DATABASE_MARK "', "
	"has_schema_privilege(oid, 'USAGE') "
	"FROM pg_namespace WHERE nspname = 'authz'" };

static bool is_true(const PGresult *result, int column)
{
	char value;

	return database_get_fixed(result, 0, column, &value, 1) && value != 0;
}

/* NULL: the server serves; otherwise what to do. */
static const char *judge(const struct database *database, const PGresult *result)
{
	int64_t pid;

	if (!is_true(result, 0)) {
		return "fsync is off, so that a crash loses changes that were answered: set fsync "
		       "= on";
	}
	if (!is_true(result, 1)) {
		return "full_page_writes is off, so that a crash can damage the log: set "
		       "full_page_writes = on";
	}
	/* A pooler draws a number of its own for a cancel request, or passes statements of one
	 * session to several. */
	if (!database_get_number(result, 0, 3, &pid) || pid != PQbackendPID(database->pg) ||
		!is_true(result, 4)) {
		return "a pooler answers, not PostgreSQL: name the server itself, since the "
		       "session's settings and the lock are lost in a pool";
	}
	if (!is_true(result, 5)) {
		return "the role may not see which server this is: GRANT EXECUTE ON FUNCTION "
		       "pg_control_system() TO the role";
	}
	return NULL;
}

static int check_server(struct database *database, uint64_t deadline)
{
	PGresult *result;
	const char *refusal;
	bool standby;
	int r;

	if (PQserverVersion(database->pg) < VERSION_LEAST) {
		return database_fail(database, -EPERM,
			"the server is PostgreSQL %d: at least 15 is needed",
			PQserverVersion(database->pg) / 10000);
	}
	r = database_do(database, session, deadline);
	/* Twice, since a pooler may give the second to another session. */
	for (int i = 0; i < 2 && r == 0; i++) {
		r = database_run(database, &what_it_is, NULL, deadline, &result);
		if (r < 0) {
			return r;
		}
		refusal = judge(database, result);
		standby = is_true(result, 2);
		PQclear(result);
		if (refusal != NULL) {
			r = database_fail(database, -EPERM, "%s", refusal);
		} else if (standby) {
			r = database_fail(database, -ENOTCONN,
				"the server is a standby: name the primary in `shared` as well");
		}
	}
	return r;
}

/* --- whose log it has ------------------------------------------------------------------------- */

static int check_head(
	struct database *database, const struct share_expect *expect, uint64_t deadline)
{
	struct share_head head;
	int r = database_read_head(database, false, &head, deadline);

	if (r == -ENOENT || r == -EBADMSG) {
		return -EPERM;
	}
	if (r < 0) {
		return r;
	}
	if (head.format > SHARE_FORMAT) {
		return database_fail(database, -EPERM,
			"the log has format %u, and this program reads %u: install a newer "
			"version",
			head.format, SHARE_FORMAT);
	}
	if (expect->realm && memcmp(head.realm, expect->realm_id, SHARE_REALM) != 0) {
		return database_fail(database, -EPERM,
			"the database has the log of another realm: name this host's database, or "
			"leave with `authzcheck store leave` and join that one");
	}
	if (memcmp(head.secrets, expect->secrets, SHARE_FINGERPRINT) != 0) {
		return database_fail(database, -EPERM,
			"the hosts of this log have other secrets: copy the file `pepper` of one "
			"of them here");
	}
	return 0;
}

static int check_schema(
	struct database *database, const struct share_expect *expect, uint64_t deadline)
{
	PGresult *result;
	bool there, ours, may;
	int r = database_run(database, &whose_schema, NULL, deadline, &result);

	if (r < 0) {
		return r;
	}
	there = PQntuples(result) == 1;
	ours = there && is_true(result, 0);
	may = there && is_true(result, 1);
	PQclear(result);
	if (there && !ours) {
		return database_fail(database, -EPERM,
			"the database has a schema `authz` that is not of authzd: name another "
			"database");
	}
	if (there && !may) {
		return database_fail(database, -EPERM,
			"the role may not use the schema `authz`: connect as the role that made "
			"it, or grant it what SHARED-STORE.md lists");
	}
	if (there) {
		return expect != NULL ? check_head(database, expect, deadline) : 0;
	}
	if (expect != NULL && expect->realm && !expect->absent) {
		return database_fail(database, -EPERM,
			"the database has no log, and this host's store is part of one: name the "
			"database that has it, or put it there with `authzcheck store share "
			"--restore COPY`");
	}
	return 0;
}

/* --- connecting ------------------------------------------------------------------------------- */

/* What a program without the schema's search path says; what it hides would be lost. */
static void on_notice(void *context, const PGresult *result)
{
	struct database *database = context;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (severity == NULL || strcmp(severity, "WARNING") == 0) {
		database->warned = true;
		database_fail(database, 0, "PostgreSQL warns: %s", text != NULL ? text : "");
	}
}

static int start(struct database *database, const char *conninfo, char why[static SHARE_WHY])
{
	/* Later ones win over what CONNINFO says. GSSAPI reads files of its own. */
	static const char *const names[] = { "dbname", "target_session_attrs", "client_encoding",
		"gssencmode", "fallback_application_name", NULL };
	const char *values[] = { conninfo, "read-write", "UTF8", "disable", "authzd", NULL };

	database->pg = PQconnectStartParams(names, values, 1);
	if (database->pg == NULL) {
		return database_fail(database, -ENOMEM, "out of memory");
	}
	PQsetNoticeReceiver(database->pg, on_notice, database);
	if (check_servers(database->pg, why) < 0) {
		return database_fail(database, -EPERM, "%s", why);
	}
	return 0;
}

static int open_session(struct database *database, const struct share_connect *how)
{
	uint64_t deadline = database_deadline(how->timeout);
	int r = database_wait_connected(database, deadline);

	if (r < 0) {
		const char *error = PQerrorMessage(database->pg);

		/* libpq's words for a server that takes no writes. */
		return database_fail(database, r, "%s: %.380s",
			strstr(error, "session is read-only") != NULL
				? "a server is a standby: name the primary in `shared` as well"
				: "the database cannot be reached",
			error[0] != 0 ? error : "no answer in time");
	}
	if (PQsetnonblocking(database->pg, 1) != 0) {
		return database_fail(database, -ENOMEM, "out of memory");
	}
	r = check_server(database, deadline);
	if (r == 0) {
		r = check_schema(database, how->expect, deadline);
	}
	if (r == 0 && how->listen) {
		r = database_do(database, "LISTEN authz", deadline);
	}
	/* Nothing that was sent changes anything. */
	return r == -ETIMEDOUT ? -ENOTCONN : r;
}

int database_connect(
	const struct share_connect *how, struct share_log **out, char why[static SHARE_WHY])
{
	struct database *database;
	int r = database_check(how->conninfo, why);

	if (r < 0) {
		return -EPERM;
	}
	database = calloc(1, sizeof *database);
	if (database == NULL) {
		return -ENOMEM;
	}
	database->log.ops = &database_log_ops;
	r = start(database, how->conninfo, why);
	if (r == 0) {
		r = open_session(database, how);
	}
	if (r < 0) {
		/* libpq's messages have several lines. */
		for (char *at = database->why; *at != 0; at++) {
			*at = *at == '\n' || *at == '\t' ? ' ' : *at;
		}
		snprintf(why, SHARE_WHY, "%s", database->why);
		database_log_ops.close(&database->log);
		return r;
	}
	database->why[0] = 0;
	*out = &database->log;
	return 0;
}

static int fd_of(const struct share_log *log)
{
	const struct database *database = (const struct database *)(const void *)log;

	return database->pg != NULL ? PQsocket(database->pg) : -1;
}

static uint64_t noticed(struct share_log *log)
{
	struct database *database = database_of(log);
	uint64_t sequence;

	if (database->pg != NULL) {
		if (PQconsumeInput(database->pg) == 0) {
			database_fail(database, 0, "the database ended the connection");
			database_close(database);
		} else {
			database_note_notices(database);
		}
	}
	sequence = database->noticed;
	database->noticed = 0;
	return sequence;
}

__attribute__((visibility("default"))) extern const struct share_database share_database;

const struct share_database share_database = {
	.version = AUTHZ_VERSION,
	.size = sizeof share_database,
	.check = database_check,
	.files = files_of,
	.connect = database_connect,
	.fd = fd_of,
	.noticed = noticed,
	.create = database_create,
	.upgrade = database_upgrade,
	.host_enter = database_host_enter,
	.host_leave = database_host_leave,
	.hosts_tend = database_hosts_tend,
	.hosts_forget = database_hosts_forget,
	.hosts = database_hosts,
	.snapshot_put = database_snapshot_put,
	.snapshot_newest = database_snapshot_newest,
	.snapshot_part = database_snapshot_part,
	.snapshots_tend = database_snapshots_tend,
	.use_put = database_use_put,
	.used_put = database_used_put,
	.use_read = database_use_read,
	.used_read = database_used_read,
	.use_forget = database_use_forget,
};
