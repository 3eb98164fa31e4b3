/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tools/fact.h"
#include "tools/rpc.h"
#include "tools/text.h"
#include "tools/when.h"

/* How the value of an option becomes a parameter. */
enum param_kind {
	PARAM_TEXT = 0,
	PARAM_LIST,
	PARAM_MAP,    /* NAME=TEXT each */
	PARAM_FACTS,  /* NAME=VALUE each */
	PARAM_SWITCH, /* true */
	PARAM_YES_NO,
	PARAM_DURATION,
	PARAM_TIME,
	PARAM_TIME_AHEAD,
	PARAM_TIME_AGO,
};

/* The parameter that each option sets. An option that is not here sets none. */
static const struct {
	const char *name;
	enum param_kind kind;
	const char *nothing; /* the value that removes it, for a command that edits */
	const char *whole;   /* the parameter whose nil removes it, where it is another one */
} options[FLAG_COUNT] = {
	[FLAG_PRINCIPAL] = { "principal", PARAM_TEXT, NULL, NULL },
	[FLAG_ROLE] = { "roles", PARAM_LIST, NULL, NULL },
	[FLAG_SCOPE] = { "scopes", PARAM_LIST, NULL, NULL },
	[FLAG_NAME] = { "name", PARAM_TEXT, "", NULL },
	[FLAG_LABEL] = { "label", PARAM_TEXT, "", NULL },
	[FLAG_KIND] = { "kind", PARAM_TEXT, NULL, NULL },
	[FLAG_ATTRIBUTE] = { "attributes", PARAM_MAP, NULL, NULL },
	[FLAG_SET_ATTRIBUTE] = { "set_attributes", PARAM_MAP, "", "attributes" },
	[FLAG_REMOVE_ATTRIBUTE] = { "remove_attributes", PARAM_LIST, NULL, NULL },
	[FLAG_API_ACCESS] = { "api_access", PARAM_YES_NO, NULL, NULL },
	[FLAG_DESCRIPTION] = { "description", PARAM_TEXT, "", NULL },
	[FLAG_INHERITS] = { "inherits", PARAM_LIST, "", NULL },
	[FLAG_GRANT] = { "grants", PARAM_LIST, "", NULL },
	[FLAG_STATUS] = { "status", PARAM_TEXT, NULL, NULL },
	[FLAG_ENVIRONMENT] = { "environment", PARAM_TEXT, NULL, NULL },
	[FLAG_TENANT] = { "tenant", PARAM_TEXT, NULL, NULL },
	[FLAG_EXPIRES_IN] = { "expires_in", PARAM_DURATION, NULL, NULL },
	[FLAG_EXPIRES_AT] = { "expires_at", PARAM_TIME_AHEAD, "never", NULL },
	[FLAG_NOT_BEFORE] = { "not_before", PARAM_TIME_AHEAD, NULL, NULL },
	[FLAG_ROTATE_EVERY] = { "rotate_every", PARAM_DURATION, "never", NULL },
	[FLAG_MODE] = { "mode", PARAM_TEXT, NULL, NULL },
	[FLAG_OVERLAP] = { "overlap", PARAM_DURATION, NULL, NULL },
	[FLAG_FINISH_OLD] = { "finish_old", PARAM_SWITCH, NULL, NULL },
	[FLAG_EVERYONE] = { "everyone", PARAM_SWITCH, NULL, NULL },
	[FLAG_ANYONE] = { "anyone", PARAM_SWITCH, NULL, NULL },
	[FLAG_UNTIL] = { "until", PARAM_TIME_AHEAD, NULL, NULL },
	[FLAG_NETWORK] = { "networks", PARAM_LIST, "", NULL },
	[FLAG_AT] = { "at", PARAM_LIST, NULL, NULL },
	[FLAG_SERVICE] = { "service", PARAM_TEXT, NULL, NULL },
	[FLAG_IP] = { "ip", PARAM_TEXT, NULL, NULL },
	[FLAG_MFA_AT] = { "mfa_at", PARAM_TIME_AGO, NULL, NULL },
	[FLAG_TIME] = { "time", PARAM_TIME, NULL, NULL },
	[FLAG_FACT] = { "facts", PARAM_FACTS, NULL, NULL },
	[FLAG_EXPLAIN] = { "explain", PARAM_SWITCH, NULL, NULL },
	[FLAG_ACTOR] = { "actor", PARAM_TEXT, NULL, NULL },
	[FLAG_KEY] = { "key", PARAM_TEXT, NULL, NULL },
	[FLAG_TARGET_KIND] = { "kind", PARAM_TEXT, NULL, NULL },
	[FLAG_TARGET] = { "target", PARAM_TEXT, NULL, NULL },
	[FLAG_OF_KEY] = { "key", PARAM_TEXT, NULL, NULL },
	[FLAG_SINCE] = { "since", PARAM_TIME_AGO, NULL, NULL },
	[FLAG_BEFORE] = { "until", PARAM_TIME_AGO, NULL, NULL },
	[FLAG_DRY_RUN] = { "dry_run", PARAM_SWITCH, NULL, NULL },
	[FLAG_HASH] = { "hash", PARAM_TEXT, NULL, NULL },
	[FLAG_AT_PLACE] = { "at", PARAM_TEXT, NULL, NULL },
	[FLAG_DISCARD] = { "discard", PARAM_SWITCH, NULL, NULL },
	[FLAG_LOCAL] = { "local", PARAM_SWITCH, NULL, NULL },
	[FLAG_IDLE] = { "idle", PARAM_DURATION, NULL, NULL },
	[FLAG_EXPIRING] = { "expiring", PARAM_DURATION, NULL, NULL },
};

void params_begin(struct params *params)
{
	*params = (struct params){ 0 };
	wire_buf_init(&params->buf, WIRE_MAX_REQUEST);
	params->map = wire_open_map(&params->buf);
}

void params_end(struct params *params, const struct app *app)
{
	if (app->token_len > 0) {
		params_str(params, "token", (struct pol_str){ app->token, app->token_len });
	}
	if (app->args.given[FLAG_IMPERSONATE]) {
		params_text(params, "impersonate", app->args.values[FLAG_IMPERSONATE]);
	}
	wire_close_map(&params->buf, params->map, params->count);
}

void params_finish(struct params *params)
{
	wire_buf_finish(&params->buf);
}

static void put_name(struct params *params, const char *name)
{
	wire_put_cstr(&params->buf, name);
	params->count++;
}

void params_str(struct params *params, const char *name, struct pol_str value)
{
	put_name(params, name);
	wire_put_str(&params->buf, text_wire(value));
}

void params_text(struct params *params, const char *name, const char *value)
{
	params_str(params, name, pol_str_of(value));
}

void params_int(struct params *params, const char *name, int64_t value)
{
	put_name(params, name);
	wire_put_int(&params->buf, value);
}

void params_bool(struct params *params, const char *name, bool value)
{
	put_name(params, name);
	wire_put_bool(&params->buf, value);
}

void params_bin(struct params *params, const char *name, const uint8_t *bytes, size_t len)
{
	put_name(params, name);
	wire_put_bin(&params->buf, bytes, len);
}

void params_nil(struct params *params, const char *name)
{
	put_name(params, name);
	wire_put_nil(&params->buf);
}

static void put_list(struct wire_buf *buf, const struct args_list *list)
{
	wire_put_array(buf, (uint32_t)list->count);
	for (size_t i = 0; i < list->count; i++) {
		wire_put_str(buf, text_wire(list->items[i]));
	}
}

static int put_map(struct app *app, struct wire_buf *buf, const struct args_list *list)
{
	wire_put_map(buf, (uint32_t)list->count);
	for (size_t i = 0; i < list->count; i++) {
		struct pol_str item = list->items[i];
		const char *sign = memchr(item.ptr, '=', item.len);

		if (sign == NULL || sign == item.ptr) {
			return app_fail(app, EXIT_USAGE, "usage", "--attribute needs NAME=TEXT");
		}
		wire_put_str(buf, (struct wire_str){ item.ptr, (size_t)(sign - item.ptr) });
		wire_put_str(buf,
			(struct wire_str){ sign + 1, item.len - (size_t)(sign - item.ptr) - 1 });
	}
	return EXIT_YES;
}

static int put_yes_no(struct app *app, struct wire_buf *buf, enum flag flag)
{
	const char *text = app->args.values[flag];
	bool yes = strcmp(text, "yes") == 0;

	if (!yes && strcmp(text, "no") != 0) {
		return app_fail(app, EXIT_USAGE, "usage", "--%s '%s': want yes or no",
			args_name(flag), text);
	}
	wire_put_bool(buf, yes);
	return EXIT_YES;
}

/* A duration or a time, as a number. */
static int put_number(struct app *app, struct wire_buf *buf, enum flag flag)
{
	static const enum when_way ways[] = { [PARAM_TIME] = WHEN_EXACT,
		[PARAM_TIME_AHEAD] = WHEN_AHEAD,
		[PARAM_TIME_AGO] = WHEN_AGO };
	enum param_kind kind = options[flag].kind;
	int64_t number = 0;
	int status = kind == PARAM_DURATION ? when_option_duration(app, flag, &number)
					    : when_option(app, flag, ways[kind], &number);

	wire_put_int(buf, number);
	return status;
}

/* Does the option's value remove what is there? */
static bool removes(const struct app *app, enum flag flag)
{
	const char *nothing = options[flag].nothing;
	const struct args_list *list = &app->args.lists[flag];

	if (!app->command->edits || nothing == NULL) {
		return false;
	}
	if (options[flag].kind == PARAM_LIST || options[flag].kind == PARAM_MAP) {
		return list->count == 0 || (list->count == 1 && list->items[0].len == 0);
	}
	return strcmp(app->args.values[flag], nothing) == 0;
}

static int put_option(struct app *app, struct params *params, enum flag flag)
{
	struct wire_buf *buf = &params->buf;

	if (removes(app, flag)) {
		params_nil(params,
			options[flag].whole != NULL ? options[flag].whole : options[flag].name);
		return EXIT_YES;
	}
	put_name(params, options[flag].name);
	switch (options[flag].kind) {
	case PARAM_TEXT:
		wire_put_cstr(buf, app->args.values[flag]);
		break;
	case PARAM_LIST:
		put_list(buf, &app->args.lists[flag]);
		break;
	case PARAM_MAP:
		return put_map(app, buf, &app->args.lists[flag]);
	case PARAM_FACTS:
		return fact_put(app, buf);
	case PARAM_SWITCH:
		wire_put_bool(buf, true);
		break;
	case PARAM_YES_NO:
		return put_yes_no(app, buf, flag);
	case PARAM_DURATION:
	case PARAM_TIME:
	case PARAM_TIME_AHEAD:
	case PARAM_TIME_AGO:
		return put_number(app, buf, flag);
	}
	return EXIT_YES;
}

const char *params_name(enum flag flag)
{
	return options[flag].name;
}

int params_options(struct app *app, struct params *params, const enum flag *flags)
{
	int status = EXIT_YES;

	for (; *flags != FLAG_NONE && status == EXIT_YES; flags++) {
		if (app->args.given[*flags] && options[*flags].name != NULL) {
			status = put_option(app, params, *flags);
		}
	}
	return status;
}
