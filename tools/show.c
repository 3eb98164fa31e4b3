/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/show.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/record.h"
#include "tools/text.h"

static const struct record_field key_fields[] = {
	{ "id", "key", RECORD_TEXT },
	{ "name", "name", RECORD_TEXT },
	{ "label", "label", RECORD_TEXT },
	{ "status", "status", RECORD_TEXT },
	{ "tenant", "tenant", RECORD_TEXT },
	{ "environment", "environment", RECORD_TEXT },
	{ "prefix", "prefix", RECORD_TEXT },
	{ "principal", "principal", RECORD_TEXT },
	{ "roles", "roles", RECORD_LIST },
	{ "scopes", "scopes", RECORD_LIST },
	{ "at", "at", RECORD_LIST },
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

int show_key(struct app *app, struct wire_cursor record)
{
	if (app->want_json) {
		app_document(app, document_wire(record));
	} else {
		record_print(app, record, key_fields, sizeof key_fields / sizeof key_fields[0]);
	}
	return EXIT_YES;
}

int show_secret(struct app *app, struct wire_cursor record)
{
	struct pol_str secret = record_str(record, "secret");

	if (secret.len == 0) {
		return app_fail(app, EXIT_DAEMON, "internal",
			"the daemon made a secret and did not tell it: make another one");
	}
	if (app->want_json) {
		app_document(app, document_wire(record));
		return EXIT_YES;
	}
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

void show_principal_fields(struct app *app, struct wire_cursor record)
{
	record_print(app, record, principal_fields,
		sizeof principal_fields / sizeof principal_fields[0]);
}

int show_principal(struct app *app, struct wire_cursor record)
{
	if (app->want_json) {
		app_document(app, document_wire(record));
	} else {
		show_principal_fields(app, record);
	}
	return EXIT_YES;
}

int show_key_by_id(struct app *app, const char *method)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	params_text(&params, "id", app->args.words[0]);
	status = rpc_call(app, method, &params, &record);
	return status == EXIT_YES ? show_key(app, record) : status;
}

int show_principal_by_id(struct app *app, const char *method)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	params_text(&params, "id", app->args.words[0]);
	params_flag(&params, app, "tenant", FLAG_TENANT);
	status = rpc_call(app, method, &params, &record);
	return status == EXIT_YES ? show_principal(app, record) : status;
}
