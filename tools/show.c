/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/show.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/record.h"
#include "tools/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- records ---------------------------------------------------------------------------------- */

static const struct record_field key_fields[] = {
	{ "id", "key", RECORD_TEXT },
	{ "name", "name", RECORD_TEXT },
	{ "label", "label", RECORD_TEXT },
	{ "status", "status", RECORD_TEXT },
	{ "marked", "on this host", RECORD_TEXT },
	{ "tenant", "tenant", RECORD_TEXT },
	{ "environment", "environment", RECORD_TEXT },
	{ "prefix", "prefix", RECORD_TEXT },
	{ "principal", "principal", RECORD_TEXT },
	{ "roles", "roles", RECORD_LIST },
	{ "scopes", "scopes", RECORD_LIST },
	{ "at", "at", RECORD_LIST },
	{ "dangling", "not in the policy", RECORD_LACKING },
	{ "networks", "networks", RECORD_LIST },
	{ "imported", "imported", RECORD_BOOL },
	{ "created_at", "created", RECORD_TIME },
	{ "created_by", "created by", RECORD_TEXT },
	{ "not_before", "not before", RECORD_TIME },
	{ "expires_at", "expires", RECORD_TIME },
	{ "deleted_at", "deleted", RECORD_TIME },
	{ "generation", "generation", RECORD_INT },
	{ "rotated_at", "rotated", RECORD_TIME },
	{ "retiring_until", "old secret until", RECORD_TIME },
	{ "pending_until", "new secret unused until", RECORD_TIME },
	{ "rotate_every", "rotate every", RECORD_DURATION },
	{ "next_rotation_at", "due", RECORD_TIME },
	{ "renew_by", "renew by", RECORD_TIME },
	{ "revoked_at", "revoked", RECORD_TIME },
	{ "last_used_at", "last used", RECORD_TIME },
	{ "last_used_ip", "last used from", RECORD_TEXT },
	{ "uses", "uses", RECORD_INT },
	{ "denials", "denials", RECORD_INT },
	{ "denied_for", "denied for", RECORD_COUNTS },
	{ "days", "last 32 days", RECORD_DAYS },
};

static const struct record_field principal_fields[] = {
	{ "id", "principal", RECORD_TEXT },
	{ "name", "name", RECORD_TEXT },
	{ "kind", "kind", RECORD_TEXT },
	{ "status", "status", RECORD_TEXT },
	{ "tenant", "tenant", RECORD_TEXT },
	{ "api_access", "api access", RECORD_BOOL },
	{ "attributes", "attributes", RECORD_MAP },
	{ "declared", "in the policy", RECORD_BOOL },
	{ "created_at", "created", RECORD_TIME },
	{ "created_by", "created by", RECORD_TEXT },
};

static const struct record_field role_fields[] = {
	{ "name", "role", RECORD_TEXT },
	{ "description", "description", RECORD_TEXT },
	{ "status", "status", RECORD_TEXT },
	{ "tenant", "tenant", RECORD_TEXT },
	{ "inherits", "inherits", RECORD_LIST },
	{ "allowed", "allows", RECORD_INT },
	{ "denied", "denies", RECORD_INT },
	{ "shadowed", "shadowed by the policy", RECORD_BOOL },
	{ "dangling", "not in the policy", RECORD_LACKING },
	{ "declared", "in the policy", RECORD_BOOL },
	{ "file", "declared in", RECORD_POSITION },
	{ "created_at", "created", RECORD_TIME },
	{ "updated_at", "changed", RECORD_TIME },
	{ "created_by", "created by", RECORD_TEXT },
};

static const struct record_field tenant_fields[] = {
	{ "id", "tenant", RECORD_TEXT },
	{ "status", "status", RECORD_TEXT },
	{ "created_at", "created", RECORD_TIME },
	{ "created_by", "created by", RECORD_TEXT },
};

/* A record with a wrong tag has no other fields. */
static void explain_altered(struct wire_cursor record, const char *what, const char *end)
{
	if (pol_str_equal(record_str(record, "status"), POL_STR("altered"))) {
		fflush(stdout);
		fprintf(stderr,
			"authzcheck: this %s's record was changed outside of the daemon, which "
			"refuses it: %s. 'authzcheck log' shows what it was\n",
			what, end);
	}
}

int show_key(struct app *app, struct wire_cursor record)
{
	record_print(app, record, key_fields, COUNT(key_fields));
	explain_altered(record, "key", "key revoke or key purge ends it");
	return EXIT_YES;
}

int show_principal(struct app *app, struct wire_cursor record)
{
	record_print(app, record, principal_fields, COUNT(principal_fields));
	explain_altered(record, "principal", "principal delete removes it");
	return EXIT_YES;
}

int show_tenant(struct app *app, struct wire_cursor record)
{
	record_print(app, record, tenant_fields, COUNT(tenant_fields));
	return EXIT_YES;
}

/* A grant's line in the files ends at this column, unless the grant is longer. */
#define GRANT_COLUMN 60

static void print_grants(struct app *app, struct wire_cursor grants, struct wire_cursor *positions)
{
	uint32_t count = 0;

	(void)wire_read_array(&grants, &count);
	for (uint32_t i = 0; i < count; i++) {
		struct wire_str text = { NULL, 0 };
		struct wire_cursor position;
		const char *grant;
		size_t width;

		if (!wire_read_text(&grants, &text)) {
			return;
		}
		grant = text_escape(&app->arena, (struct pol_str){ text.ptr, text.len });
		width = text_width(pol_str_of(grant));
		if (positions != NULL && wire_take(positions, &position)) {
			printf("%s%*s  %s\n", grant,
				width < GRANT_COLUMN ? (int)(GRANT_COLUMN - width) : 0, "",
				record_position(app, position));
		} else {
			puts(grant);
		}
	}
}

int show_role(struct app *app, struct wire_cursor record)
{
	struct wire_cursor grants, positions;
	uint32_t count = 0;
	bool placed;

	record_print(app, record, role_fields, COUNT(role_fields));
	explain_altered(record, "role", "role delete removes it");
	if (record_find(record, "grants", &grants)) {
		placed = record_find(record, "positions", &positions) &&
			 wire_read_array(&positions, &count);
		putchar('\n');
		print_grants(app, grants, placed ? &positions : NULL);
	}
	return EXIT_YES;
}

int show_secret(struct app *app, struct wire_cursor record)
{
	struct pol_str secret = record_str(record, "secret");

	if (isatty(STDOUT_FILENO) != 1) {
		printf("%.*s\n", POL_STR_ARGS(secret));
		return EXIT_YES;
	}
	show_key(app, record);
	printf("\n%s%.*s%s\n\nThis is the secret. It is shown once and kept nowhere: store it "
	       "now.\n",
		text_begin(app->colour, COLOUR_BOLD), POL_STR_ARGS(secret),
		text_end(app->colour, COLOUR_BOLD));
	return EXIT_YES;
}

/* --- lists ------------------------------------------------------------------------------------ */

static const struct record_field key_columns[] = {
	{ "id", "KEY", RECORD_TEXT },
	{ "tenant", "TENANT", RECORD_TEXT },
	{ "name", "NAME", RECORD_TEXT },
	{ "label", "LABEL", RECORD_TEXT },
	{ "status", "STATUS", RECORD_STATUS },
	{ "environment", "ENVIRONMENT", RECORD_TEXT },
	{ "principal", "PRINCIPAL", RECORD_TEXT },
	{ "roles", "ROLES", RECORD_LIST },
	{ "scopes", "SCOPES", RECORD_LIST },
	{ "created_at", "CREATED", RECORD_WHEN },
	{ "created_by", "BY", RECORD_TEXT },
	{ "expires_at", "EXPIRES", RECORD_NEVER },
	{ "last_used_at", "LAST USED", RECORD_NEVER },
};

static const struct record_field audit_columns[] = {
	{ "id", "KEY", RECORD_TEXT },
	{ "tenant", "TENANT", RECORD_TEXT },
	{ "name", "NAME", RECORD_TEXT },
	{ "principal", "PRINCIPAL", RECORD_TEXT },
	{ "findings", "FINDINGS", RECORD_FINDINGS },
	{ "granted", "USED OF", RECORD_USED },
	{ "last_used_at", "LAST USED", RECORD_NEVER },
	{ "expires_at", "EXPIRES", RECORD_NEVER },
	{ "unused_scopes", "UNUSED SCOPES", RECORD_LIST },
	{ "narrower", "SCOPES THAT DO", RECORD_LIST },
};

static const struct record_field principal_columns[] = {
	{ "id", "PRINCIPAL", RECORD_TEXT },
	{ "name", "NAME", RECORD_TEXT },
	{ "kind", "KIND", RECORD_TEXT },
	{ "status", "STATUS", RECORD_STATUS },
	{ "api_access", "API ACCESS", RECORD_BOOL },
	{ "created_at", "CREATED", RECORD_WHEN },
	{ "declared", "SOURCE", RECORD_SOURCE },
};

static const struct record_field assignment_columns[] = {
	{ "role", "ROLE", RECORD_ROLE },
	{ "at", "AT", RECORD_PLACES },
	{ "until", "UNTIL", RECORD_WHEN },
	{ "created_at", "ASSIGNED", RECORD_WHEN },
	{ "created_by", "BY", RECORD_AUTHOR },
	{ "dangling", "NOT IN THE POLICY", RECORD_LIST },
};

static const struct record_field role_columns[] = {
	{ "name", "ROLE", RECORD_TEXT },
	{ "description", "DESCRIPTION", RECORD_TEXT },
	{ "inherits", "INHERITS", RECORD_LIST },
	{ "allowed", "ALLOWS", RECORD_INT },
	{ "denied", "DENIES", RECORD_INT },
	{ "created_at", "CREATED", RECORD_WHEN },
	{ "declared", "SOURCE", RECORD_SOURCE },
};

static const struct record_field tenant_columns[] = {
	{ "id", "TENANT", RECORD_TEXT },
	{ "status", "STATUS", RECORD_STATUS },
	{ "created_at", "CREATED", RECORD_WHEN },
	{ "created_by", "BY", RECORD_TEXT },
};

/* The first of each goes first. */
static const char *const key_spare[] = { "BY", "CREATED", "LABEL", "ENVIRONMENT", "SCOPES", "ROLES",
	"LAST USED", "EXPIRES", NULL };
static const char *const audit_spare[] = { "UNUSED SCOPES", "EXPIRES", "LAST USED",
	"SCOPES THAT DO", "USED OF", NULL };
static const char *const principal_spare[] = { "CREATED", "SOURCE", "API ACCESS", NULL };
static const char *const role_spare[] = { "CREATED", "DENIES", "ALLOWS", "SOURCE", NULL };

const struct list show_keys = {
	.method = "keys.list",
	.what = "keys",
	.columns = key_columns,
	.count = COUNT(key_columns),
	.spare = key_spare,
};
const struct list show_audit = {
	.method = "keys.audit",
	.what = "keys with findings",
	.columns = audit_columns,
	.count = COUNT(audit_columns),
	.spare = audit_spare,
	.finds = true,
};
const struct list show_principals = {
	.method = "principals.list",
	.what = "principals",
	.columns = principal_columns,
	.count = COUNT(principal_columns),
	.spare = principal_spare,
};
const struct list show_assignments = {
	.method = "assignments.list",
	.what = "assignments",
	.columns = assignment_columns,
	.count = COUNT(assignment_columns),
};
const struct list show_roles = {
	.method = "roles.list",
	.what = "roles",
	.columns = role_columns,
	.count = COUNT(role_columns),
	.spare = role_spare,
};
const struct list show_tenants = {
	.method = "tenants.list",
	.what = "tenants",
	.columns = tenant_columns,
	.count = COUNT(tenant_columns),
};
