/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/hint.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/suggest.h"
#include "tools/text.h"

/* Methods are in capitals, as in HTTP; a policy's own actions may be in small letters. */
static bool hint_method(struct app *app)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };
	const char *verb = app->args.words[0];

	for (size_t i = 0; app->args.words[1][0] == '/' && i < sizeof methods / sizeof methods[0];
		i++) {
		if (strcasecmp(verb, methods[i]) == 0 && strcmp(verb, methods[i]) != 0) {
			app_warn(app, "did you mean '%s'?", methods[i]);
			return true;
		}
	}
	return false;
}

/* The tree of "api:/loans/7", or of a path. */
static const char *tree_of(struct app *app)
{
	const char *what = app->args.words[1];
	const char *tree = app->args.values[FLAG_TREE];

	if (what[0] == '/') {
		return tree != NULL ? tree : "api";
	}
	return app_text(app, "%.*s", (int)strcspn(what, ":"), what);
}

/* --- names that the policy lacks -------------------------------------------------------------- */

struct holder {
	struct app *app;
	const char *name; /* "principal alice" */
};

/* An assignment or a key. */
static bool on_record(void *context, struct wire_cursor record)
{
	static const struct record_field field = { "dangling", "", RECORD_LACKING };
	const struct holder *holder = context;
	struct app *app = holder->app;
	const char *names = record_field_text(app, &app->arena, record, &field);

	if (names[0] != '\0') {
		app_warn(app,
			"%s holds what the policy lacks or shadows, so that it has no effect: %s",
			holder->name, names);
	}
	return true;
}

static void hint_principal(struct app *app, const char *principal, const char *tenant)
{
	struct holder holder = { app,
		app_text(app, "principal %s", text_escape(&app->arena, pol_str_of(principal))) };
	struct wire_cursor answer;
	struct params params;

	params_begin(&params);
	params_text(&params, "principal", principal);
	if (tenant[0] != '\0') {
		params_text(&params, "tenant", tenant);
	}
	if (rpc_ask(app, "assignments.list", &params, &answer)) {
		record_each(answer, "items", on_record, &holder);
	}
}

static void hint_key(struct app *app, const char *key)
{
	struct holder holder = { app, app_text(app, "key %s", key) };
	struct wire_cursor answer;
	struct params params;

	params_begin(&params);
	params_text(&params, "id", key);
	if (rpc_ask(app, "keys.get", &params, &answer)) {
		on_record(&holder, answer);
	}
}

/* --- facts that are not known ----------------------------------------------------------------- */

/* Facts that an option of their own states. */
static const struct {
	const char *fact;
	enum flag flag;
} stated[] = {
	{ "context.ip", FLAG_IP },
	{ "context.mfa_age", FLAG_MFA_AT },
};

/* How a fact is stated: "--ip=VALUE", "--fact resource.owner=VALUE". */
static const char *option_for(struct app *app, const char *fact)
{
	for (size_t i = 0; i < sizeof stated / sizeof stated[0]; i++) {
		if (strcmp(stated[i].fact, fact) == 0) {
			return app_text(app, "--%s=VALUE", args_name(stated[i].flag));
		}
	}
	return app_text(app, "--fact %s=VALUE", fact);
}

struct missing {
	struct app *app;
	const char *options;    /* that state what the request lacks */
	const char *attributes; /* that the principal lacks */
};

static bool on_missing(void *context, struct wire_cursor item)
{
	static const char attributes[] = "principal.";
	struct missing *missing = context;
	struct app *app = missing->app;
	struct wire_str text;
	const char *name;

	if (!wire_read_text(&item, &text)) {
		return true;
	}
	name = text_escape(&app->arena, (struct pol_str){ text.ptr, text.len });
	if (strncmp(name, attributes, strlen(attributes)) == 0) {
		missing->attributes = app_text(app, "%s%s%s", missing->attributes,
			missing->attributes[0] != '\0' ? ", " : "", name + strlen(attributes));
	} else {
		missing->options =
			app_text(app, "%s %s", missing->options, option_for(app, name));
	}
	return true;
}

static void hint_missing(struct app *app, struct wire_cursor result)
{
	struct missing missing = { app, "", "" };

	record_each(result, "missing", on_missing, &missing);
	if (missing.options[0] != '\0') {
		fprintf(stderr, "authzcheck: to state what is not known:%s\n",
			missing.options);
	}
	if (missing.attributes[0] != '\0') {
		fprintf(stderr, "authzcheck: the principal lacks attributes: %s\n",
			missing.attributes);
	}
}

/* As it came, to be sent again. */
static const char *plain(struct app *app, struct wire_cursor map, const char *name)
{
	return app_text(app, "%.*s", POL_STR_ARGS(record_str(map, name)));
}

static bool is_one_of(const char *reason, const char *const *reasons)
{
	for (; *reasons != NULL; reasons++) {
		if (strcmp(reason, *reasons) == 0) {
			return true;
		}
	}
	return false;
}

void hint_print(struct app *app, struct wire_cursor result)
{
	/* Reasons of a denial that a role, scope or place could have changed. */
	static const char *const lacks[] = { "role", "scope", "no_decision", NULL };
	const char *reason = record_text(&app->arena, result, "reason");
	const char *key = record_text(&app->arena, result, "key");
	const char *principal = plain(app, result, "principal");
	const char *tenant = plain(app, result, "tenant");

	if (principal[0] == '\0' && app->args.values[FLAG_PRINCIPAL] != NULL) {
		principal = app->args.values[FLAG_PRINCIPAL];
	}
	if (tenant[0] == '\0' && app->args.values[FLAG_TENANT] != NULL) {
		tenant = app->args.values[FLAG_TENANT];
	}
	if (strcmp(reason, "missing_fact") == 0) {
		hint_missing(app, result);
	} else if (strcmp(reason, "unknown_resource") == 0) {
		suggest_print(app, &(struct suggest_name){ "tree", tree_of(app) });
	} else if (strcmp(reason, "unknown_action") == 0 && !hint_method(app)) {
		suggest_print(app, &(struct suggest_name){ "action", app->args.words[0] });
	} else if (is_one_of(reason, lacks)) {
		if (principal[0] != '\0') {
			hint_principal(app, principal, tenant);
		}
		if (key[0] != '\0') {
			hint_key(app, key);
		}
	}
}
