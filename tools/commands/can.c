/* SPDX-License-Identifier: Apache-2.0 */

/* can: what a principal or the holder of a token may do, as a tree. */

#include <stdio.h>
#include <string.h>

#include "tools/answer.h"
#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/resources.h"
#include "tools/token.h"

struct view {
	struct app *app;
	struct params subject; /* token or principal, packed once: standard input is read once */
	struct resources_part part;
	struct resources resources;
	bool denied;
};

static bool on_item(void *context, struct wire_cursor item)
{
	struct view *view = context;

	return resources_add(&view->resources, record_str(item, "resource"),
		record_list(&view->app->arena, item, "actions"), record_str(item, "when"));
}

static bool on_json_item(void *context, struct wire_cursor item)
{
	struct view *view = context;

	app_item(view->app, document_wire(item));
	return true;
}

/* The status is not 200 when the credential was not accepted. */
static bool is_refused(struct wire_cursor result)
{
	return record_int(result, "status", 200) != 200;
}

/* The answer but its items. */
static json_t *document_head(struct wire_cursor result)
{
	json_t *head = json_pack("{s:I, s:o, s:o}", "status",
		(json_int_t)record_int(result, "status", 200), "reason",
		document_str(record_str(result, "reason")), "revision",
		document_str(record_str(result, "revision")));
	struct wire_cursor value;

	if (record_find(result, "fact", &value)) {
		json_object_set_new(head, "fact", document_wire(value));
	}
	if (record_find(result, "quota", &value)) {
		json_object_set_new(head, "quota", document_wire(value));
	}
	return head;
}

static int on_page(void *context, struct wire_cursor result)
{
	struct view *view = context;

	view->denied = is_refused(result);
	if (view->app->want_json) {
		app_list(view->app, document_head(result), "items");
		record_each(result, "items", on_json_item, view);
	} else if (view->denied) {
		answer_print(view->app, result, "it");
	} else {
		record_each(result, "items", on_item, view);
	}
	return view->denied ? EXIT_NO : EXIT_YES;
}

static int fill(void *context, struct params *params)
{
	const struct view *view = context;
	struct wire_cursor map = wire_cursor_of(view->subject.buf.data, view->subject.buf.len);
	uint32_t count = 0;

	/* The pairs without the map's header. */
	if (wire_read_map(&map, &count) && count > 0) {
		wire_put_raw(&params->buf, map.ptr, (size_t)(map.end - map.ptr));
		params->count += count;
	}
	if (view->part.tree != NULL) {
		params_text(params, "tree", view->part.tree);
	}
	if (view->part.at != NULL) {
		params_text(params, "at", view->part.at);
	}
	return EXIT_YES;
}

static int ask(struct view *view)
{
	struct app *app = view->app;
	const struct pages pages = { "permissions", fill, on_page, view, "resources" };
	int status = rpc_pages(app, &pages);

	if (app->want_json || app->failed) {
		return status;
	}
	if (!view->denied) {
		resources_print(&view->resources);
	}
	return status;
}

static int run(struct app *app)
{
	struct view view = { .app = app, .resources = { .app = app } };
	bool given;
	int status;

	params_begin(&view.subject);
	status = token_put(app, &view.subject, &given);
	if (status == EXIT_YES) {
		status = params_options(app, &view.subject, app->command->flags);
	}
	if (status == EXIT_YES && !given && !app->args.given[FLAG_PRINCIPAL]) {
		status = app_fail(app, EXIT_USAGE, "usage",
			"for whom? give --principal ID, --token-file FILE or --token -");
	}
	if (status == EXIT_YES) {
		status = resources_read_part(
			app, app->args.word_count > 0 ? app->args.words[0] : NULL, &view.part);
	}
	if (status == EXIT_YES) {
		wire_close_map(&view.subject.buf, view.subject.map, view.subject.count);
		status = ask(&view);
	}
	params_finish(&view.subject);
	return status;
}

const struct command command_can = {
	.name = "can",
	.words = "[TREE | TREE:/PATH]",
	.summary = "Show what a principal or a token may do, as a tree",
	.text = "What roles and scopes allow to a principal, or to the holder of a\n"
		"token, if the stack and the key's networks would let the request\n"
		"pass; else it says what refuses. With TREE:/PATH only what lies at or\n"
		"below it. It counts as a use of the key, and of the stack's quotas.\n",
	.examples = "  authzcheck can --principal alice\n"
		    "  authzcheck can --token-file key.txt api:/loans\n"
		    "  authzcheck can --principal alice --json ui | jq '.items[].resource'\n",
	.flags = { FLAG_PRINCIPAL, FLAG_TOKEN, FLAG_TOKEN_FILE, FLAG_SERVICE, FLAG_ENVIRONMENT,
		FLAG_TENANT, FLAG_TREE, FLAG_IP, FLAG_MFA_AT, FLAG_TIME, FLAG_FACT },
	.params = { "tree|at" },
	.max_words = 1,
	.asks = true,
	.run = run,
};
