/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tenant.h"

#include "tools/record.h"

static const struct record_field fields[] = {
	{ "id", "tenant", RECORD_TEXT },
	{ "status", "status", RECORD_TEXT },
	{ "created_at", "created", RECORD_TIME },
	{ "created_by", "created by", RECORD_TEXT },
};

int tenant_show_by_id(struct app *app, const char *method)
{
	struct params params;
	struct wire_cursor record;
	int status;

	params_begin(&params);
	params_text(&params, "id", app->args.words[0]);
	status = rpc_call(app, method, &params, &record);
	if (status != EXIT_YES) {
		return status;
	}
	if (app->want_json) {
		app_document(app, document_wire(record));
	} else {
		record_print(app, record, fields, sizeof fields / sizeof fields[0]);
	}
	return EXIT_YES;
}
