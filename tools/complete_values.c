/* SPDX-License-Identifier: Apache-2.0 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/warning.h"
#include "tools/bulk.h"
#include "tools/commands/commands.h"
#include "tools/complete.h"
#include "tools/list.h"
#include "tools/record.h"
#include "tools/rpc.h"

/* A person who waits for a completion does not wait longer. */
#define PATIENCE "1"

/* A page of candidates. With more than that, a user types more letters before choosing. */
#define ASKED 1000

/* Lines that leave it to the shell: no word begins with a tab. */
#define FILES "\tfiles"
#define DIRS  "\tdirs"

static void offer_each(const struct completing *word, const char *const *values)
{
	for (size_t i = 0; values[i] != NULL; i++) {
		complete_offer(word, values[i], "");
	}
}

/* --- what the daemon knows -------------------------------------------------------------------- */

/* A list of the daemon: which field of an item is the word, and which describe it. */
struct asked {
	const char *method;
	const char *id;
	const char *about[3];
	bool in_tenant;
};

static const struct asked keys = { "keys.list", "id", { "name", "principal", "status" }, true };
static const struct asked principals = { "principals.list", "id", { "name", "kind", "status" },
	true };
static const struct asked roles = { "roles.list", "name", { "description" }, true };
static const struct asked hosts = { "hosts.list", "name", { "state", "version" }, false };
static const struct asked tenants = { "tenants.list", "id", { "status" }, false };

struct offering {
	const struct completing *word;
	const struct asked *asked;
};

static bool on_item(void *context, struct wire_cursor item)
{
	const struct offering *offering = context;
	const struct asked *asked = offering->asked;
	struct app *app = offering->word->app;
	const char *what = "";

	for (size_t i = 0; i < 3 && asked->about[i] != NULL; i++) {
		const char *text = record_text(&app->arena, item, asked->about[i]);

		if (text[0] != '\0') {
			what = app_text(app, "%s%s%s", what, what[0] != '\0' ? ", " : "", text);
		}
	}
	complete_offer(offering->word, record_text(&app->arena, item, asked->id), what);
	return true;
}

static bool ask(const struct completing *word, const char *method, struct params *params,
	struct wire_cursor *out)
{
	/* Which socket it is depends on the command. */
	if (word->app->command == NULL) {
		params_finish(params);
		return false;
	}
	word->app->args.given[FLAG_TIMEOUT] = true;
	word->app->args.values[FLAG_TIMEOUT] = PATIENCE;
	return rpc_call(word->app, method, params, out) == EXIT_YES;
}

static void offer_list(const struct completing *word, const struct asked *asked, const char *status)
{
	struct offering offering = { word, asked };
	struct app *app = word->app;
	struct wire_cursor result;
	struct params params;

	params_begin(&params);
	params_int(&params, "limit", ASKED);
	if (asked->in_tenant && app->args.given[FLAG_TENANT]) {
		params_text(&params, "tenant", app->args.values[FLAG_TENANT]);
	}
	if (status != NULL) {
		params_text(&params, "status", status);
	}
	if (ask(word, asked->method, &params, &result)) {
		record_each(result, "items", on_item, &offering);
	}
}

static bool on_name(void *context, struct wire_cursor item)
{
	const struct completing *word = context;
	struct wire_str text;

	if (wire_read_text(&item, &text)) {
		complete_offer(word, app_text(word->app, "%.*s", (int)text.len, text.ptr), "");
	}
	return true;
}

/* A value follows. */
static bool on_fact(void *context, struct wire_cursor item)
{
	const struct completing *word = context;
	struct wire_str text;

	if (wire_read_text(&item, &text)) {
		complete_offer(word, app_text(word->app, "%.*s=", (int)text.len, text.ptr), "");
	}
	return true;
}

/* principal.branch is the attribute branch. */
static bool on_attribute(void *context, struct wire_cursor item)
{
	const struct pol_str space = POL_STR("principal.");
	const struct completing *word = context;
	struct wire_str text;

	if (wire_read_text(&item, &text) && text.len > space.len &&
		memcmp(text.ptr, space.ptr, space.len) == 0) {
		complete_offer(word,
			app_text(word->app, "%.*s=", (int)(text.len - space.len),
				text.ptr + space.len),
			"");
	}
	return true;
}

/* Names that the policy declares. */
static void offer_names(const struct completing *word, const char *what,
	bool (*on_each)(void *context, struct wire_cursor item))
{
	struct completing copy = *word;
	struct wire_cursor result;
	struct params params;

	params_begin(&params);
	if (ask(word, "policy.names", &params, &result)) {
		record_each(result, what, on_each, &copy);
	}
}

/* --- options ---------------------------------------------------------------------------------- */

static void offer_columns(const struct completing *word, const struct command *command)
{
	for (size_t i = 0; command != NULL && command->list != NULL && i < command->list->count;
		i++) {
		complete_offer(word, list_column_word(word->app, command->list, i), "");
	}
}

static void offer_codes(const struct completing *word)
{
	for (unsigned i = 1; i < POL_WARNING_COUNT; i++) {
		const struct pol_warning_kind *kind = pol_warning_kind((enum pol_warning)i);

		complete_offer(word, kind->code, kind->summary);
	}
}

static void offer_users(const struct completing *word)
{
	const struct passwd *user;

	setpwent();
	while ((user = getpwent()) != NULL) {
		complete_offer(word, user->pw_name, user->pw_gecos);
	}
	endpwent();
}

static bool offer_fixed(const struct completing *word, enum flag flag)
{
	static const struct {
		enum flag flag;
		const char *values[8];
	} fixed[] = {
		{ FLAG_STATUS,
			{ "active", "inactive", "expired", "revoked", "deleted", "altered" } },
		{ FLAG_MODE, { "overlap", "confirm", "immediate" } },
		{ FLAG_KIND, { "user", "service" } },
		{ FLAG_TARGET_KIND,
			{ "key", "principal", "role", "tenant", "policy", "store", "alarm" } },
		{ FLAG_FAMILY, { "nginx", "forwarded", "envoy" } },
		{ FLAG_HEADER, { "X-API-Key" } },
		{ FLAG_API_ACCESS, { "yes", "no" } },
		{ FLAG_SQL, { "postgresql", "mysql", "mariadb", "sqlite" } },
		{ FLAG_FAIL_ON, { "any", "gain", "loss" } },
		{ FLAG_ACTOR, { "uid:", "key:", "daemon" } },
		{ FLAG_TOKEN_FILE, { FILES } },
		{ FLAG_RESTORE, { FILES } },
		{ FLAG_AGAINST, { FILES } },
		{ FLAG_AGAINST_POLICY, { FILES } },
		{ FLAG_RUNNING, { DIRS } },
		{ FLAG_SOCKET, { FILES } },
		{ FLAG_CONFIG, { FILES } },
		{ FLAG_STATE, { DIRS } },
		{ FLAG_MODULES, { DIRS } },
		{ FLAG_OPENAPI, { FILES } },
		{ FLAG_ROUTES, { FILES } },
		{ FLAG_HTML, { FILES } },
		{ FLAG_OUTPUT, { FILES } },
	};

	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
		if (fixed[i].flag != flag) {
			continue;
		}
		if (fixed[i].values[0][0] == '\t') {
			puts(fixed[i].values[0]);
		} else {
			offer_each(word, fixed[i].values);
		}
		return true;
	}
	return false;
}

/* Values that a command of a policy folder takes from there. */
static bool offer_of_folder(
	const struct completing *word, const struct command *command, enum flag flag)
{
	static const struct {
		enum flag flag;
		enum complete_kind kind;
	} kinds[] = {
		{ FLAG_ROLE, COMPLETE_ROLES },
		{ FLAG_ONE_ROLE, COMPLETE_ROLES },
		{ FLAG_SCOPE, COMPLETE_SCOPES },
		{ FLAG_ONE_SCOPE, COMPLETE_SCOPES },
		{ FLAG_PRINCIPAL, COMPLETE_PRINCIPALS },
		{ FLAG_TREE, COMPLETE_TREES },
		{ FLAG_FACT, COMPLETE_FACTS },
	};

	if (command == NULL || command->words == NULL || strncmp(command->words, "DIR", 3) != 0) {
		return false;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (kinds[i].flag == flag) {
			complete_folder(word, kinds[i].kind);
			return true;
		}
	}
	return false;
}

void complete_option(const struct completing *word, const struct command *command, enum flag flag)
{
	if (offer_fixed(word, flag) || offer_of_folder(word, command, flag)) {
		return;
	}
	if (flag == FLAG_PRINCIPAL || flag == FLAG_IMPERSONATE) {
		offer_list(word, &principals, NULL);
	} else if (flag == FLAG_ROLE || flag == FLAG_ONE_ROLE || flag == FLAG_INHERITS) {
		offer_list(word, &roles, NULL);
	} else if (flag == FLAG_KEY || flag == FLAG_OF_KEY) {
		offer_list(word, &keys, NULL);
	} else if (flag == FLAG_TENANT) {
		offer_list(word, &tenants, NULL);
	} else if (flag == FLAG_SCOPE || flag == FLAG_ONE_SCOPE) {
		offer_names(word, "scopes", on_name);
	} else if (flag == FLAG_ENVIRONMENT) {
		offer_names(word, "environments", on_name);
	} else if (flag == FLAG_FACT || flag == FLAG_COLUMN) {
		offer_names(word, "facts", on_fact);
	} else if (flag == FLAG_ATTRIBUTE || flag == FLAG_SET_ATTRIBUTE) {
		offer_names(word, "facts", on_attribute);
	} else if (flag == FLAG_COLUMNS) {
		offer_columns(word, command);
	} else if (flag == FLAG_EXPLAIN_CODE) {
		offer_codes(word);
	} else if (flag == FLAG_SERVER_USER) {
		offer_users(word);
	} else if (flag == FLAG_FORMAT && command != NULL) {
		offer_each(word, command->formats);
	}
}

/* --- words ------------------------------------------------------------------------------------ */

static bool is_named(struct pol_str name, const char *wanted)
{
	return pol_str_equal(name, pol_str_of(wanted));
}

/* A new thing has a new name. */
static bool creates(const struct command *command)
{
	const char *second = strchr(command->name, ' ');

	return second != NULL && strcmp(second, " create") == 0;
}

void complete_word(
	const struct completing *word, const struct command *command, struct pol_str name)
{
	static const char *const settings[] = { "max_lag", "standbys", "policy", NULL };
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE",
		NULL };

	if (is_named(name, "FILE")) {
		puts(FILES);
	} else if (is_named(name, "DIR")) {
		puts(DIRS);
	} else if (is_named(name, "OLD") || is_named(name, "NEW")) {
		puts(DIRS);
		complete_revisions(word);
	} else if (is_named(name, "METHOD")) {
		offer_each(word, methods);
	} else if (is_named(name, "KEY")) {
		offer_list(word, &keys, command->bulk != NULL ? command->bulk->status : NULL);
	} else if (is_named(name, "PRINCIPAL")) {
		offer_list(word, &principals, NULL);
	} else if (is_named(name, "SETTING")) {
		offer_each(word, settings);
	} else if (is_named(name, "HOST")) {
		offer_list(word, &hosts, NULL);
	} else if (is_named(name, "ROLE")) {
		offer_list(word, &roles, NULL);
	} else if (creates(command)) {
		return;
	} else if (is_named(name, "NAME")) {
		offer_list(word, &roles, NULL);
	} else if (is_named(name, "ID")) {
		offer_list(word, strncmp(command->name, "tenant", 6) == 0 ? &tenants : &principals,
			NULL);
	}
}
