/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/share/log_database.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct share_database *database;
struct share_expect expect = { .realm = true };

int one_piece(void *context, struct pol_str *out)
{
	*out = pol_str_of(context);
	return 1;
}

struct share_head first_head(void)
{
	struct share_head head = { .epoch = 1, .format = SHARE_FORMAT };

	memset(head.realm, 'r', sizeof head.realm);
	memset(head.secrets, 's', sizeof head.secrets);
	return head;
}

static const char *conninfo(void)
{
	return getenv("AUTHZ_POSTGRES");
}

void run(const char *text)
{
	PGconn *pg = PQconnectdb(conninfo());
	PGresult *result = PQexec(pg, text);

	cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK ||
			  PQresultStatus(result) == PGRES_TUPLES_OK,
		"%s: %s", text, PQerrorMessage(pg));
	PQclear(result);
	PQfinish(pg);
}

int try_to_connect(bool listen, struct share_log **out, char why[SHARE_WHY])
{
	const struct share_connect how = {
		.conninfo = conninfo(), .expect = &expect, .listen = listen, .timeout = WAIT
	};

	why[0] = 0;
	return database->connect(&how, out, why);
}

struct share_log *connected(void)
{
	struct share_log *log = NULL;
	char why[SHARE_WHY];

	cr_assert_eq(try_to_connect(true, &log, why), 0, "%s", why);
	return log;
}

struct share_log *made(void)
{
	struct share_new new = { .head = first_head(), .next = one_piece };
	char piece[] = "piece", why[SHARE_WHY];
	const struct share_connect how = { .conninfo = conninfo(), .timeout = WAIT };
	struct share_log *log;

	cr_assert_eq(share_database_load(&database, why), 0, "%s", why);
	run("DROP SCHEMA IF EXISTS authz CASCADE");
	new.context = piece;
	memcpy(expect.realm_id, new.head.realm, SHARE_REALM);
	memcpy(expect.secrets, new.head.secrets, SHARE_FINGERPRINT);
	cr_assert_eq(database->connect(&how, &log, why), 0, "%s", why);
	cr_assert_eq(database->create(log, &new, WAIT), 0, "%s", log->ops->why(log));
	cr_expect_eq(database->create(log, &new, WAIT), -EEXIST);
	return log;
}

struct share_row row_of(const struct share_head *before, const char *payload)
{
	struct share_row row = { .sequence = before->sequence + 1,
		.host = POL_STR("web1"),
		.at = 1700000000000000,
		.format = SHARE_FORMAT,
		.asks = SHARE_ASKS_REPORT,
		.payload = pol_str_of(payload) };

	memset(row.nonce, 'n', sizeof row.nonce);
	memset(row.tag, (int)row.sequence, sizeof row.tag);
	return row;
}

void follow(struct share_head *head, const struct share_row *row)
{
	head->sequence = row->sequence;
	memcpy(head->tag, row->tag, SHARE_TAG);
}

struct share_head head_of(struct share_log *log)
{
	struct share_head head;

	cr_assert_eq(log->ops->look(log, NULL, &head, WAIT), 0, "%s", log->ops->why(log));
	return head;
}

int on_row(void *context, const struct share_row *row)
{
	struct seen *seen = context;

	seen->count++;
	seen->last = row->sequence;
	cr_expect(pol_str_equal(row->host, POL_STR("web1")));
	cr_expect_eq(row->at, 1700000000000000);
	cr_expect_eq(row->asks, SHARE_ASKS_REPORT);
	cr_expect_eq(row->tag[SHARE_TAG - 1], row->sequence);
	snprintf(seen->payload, sizeof seen->payload, "%.*s", POL_STR_ARGS(row->payload));
	return 0;
}

void append_rows(struct share_log *log, unsigned count, size_t size)
{
	struct share_head head = head_of(log);
	char *bytes = malloc(size + 1);

	memset(bytes, 'p', size);
	bytes[size] = 0;
	for (unsigned i = 0; i < count; i++) {
		struct share_row row = row_of(&head, bytes);

		cr_assert_eq(log->ops->append(log, &head, &row, WAIT), 0, "%s", log->ops->why(log));
		follow(&head, &row);
	}
	free(bytes);
}
