/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/said.h"

#include <stdlib.h>
#include <string.h>

#include "tools/help.h"
#include "tools/rpc.h"
#include "tools/text.h"

/* A longer value is cut: the user has to recognize it, no more. */
#define VALUE_MAX 64

/* "--ip '10.0.0.300'". */
static const char *with_value(struct app *app, const char *what, struct pol_str value)
{
	struct pol_str shown = { value.ptr, text_fit(value, VALUE_MAX) };

	return app_text(app, "%s '%s%s'", what, text_escape(&app->arena, shown),
		shown.len < value.len ? "…" : "");
}

/* --- options ---------------------------------------------------------------------------------- */

/* The option among those given that sets this parameter; FLAG_NONE: none does. */
static enum flag option_of(const struct app *app, struct pol_str param)
{
	enum flag flags[FLAG_COUNT];
	size_t count = help_flags(app->command, flags);

	for (size_t i = 0; i < count; i++) {
		/* The commands themselves send the tree, since a word may name it, too. */
		const char *name = flags[i] == FLAG_TREE ? "tree" : params_name(flags[i]);

		if (name != NULL && app->args.given[flags[i]] &&
			pol_str_equal(param, pol_str_of(name))) {
			return flags[i];
		}
	}
	return FLAG_NONE;
}

/* "--ip '10.0.0.300'": the option and its value. For a list, the item with this index or the only
 * item; where neither is known, the option alone. */
static const char *option_text(struct app *app, enum flag flag, const char *index)
{
	const struct args_list *list = &app->args.lists[flag];
	const char *name = app_text(app, "--%s", args_name(flag));
	size_t at = index != NULL ? strtoul(index, NULL, 10) : 0;

	if (app->args.values[flag] != NULL) {
		return with_value(app, name, pol_str_of(app->args.values[flag]));
	}
	if (list->count > at && (index != NULL || list->count == 1)) {
		return with_value(app, name, list->items[at]);
	}
	return name;
}

/* --- arguments -------------------------------------------------------------------------------- */

/* Where an argument stands in the usage: `at` in form number `form` of those that | separates. */
struct position {
	size_t at, form;
};

/* Which of the names in "path|resource" it is; false: none. */
static bool find_form(const char *names, struct pol_str name, size_t *out)
{
	size_t len;

	for (*out = 0; names != NULL; names = names[len] == '|' ? names + len + 1 : NULL) {
		len = strcspn(names, "|");
		if (pol_str_equal(name, (struct pol_str){ names, len })) {
			return true;
		}
		++*out;
	}
	return false;
}

/* The argument of the command that is sent as this parameter; NULL: there is none. */
static const char *argument_of(const struct app *app, struct pol_str param, struct position *out)
{
	/* These options take the place of the first argument. */
	size_t first = app->args.given[FLAG_EVERYONE] || app->args.given[FLAG_ANYONE] ? 1 : 0;

	for (size_t i = 0; i < app->args.word_count && first + i < 2; i++) {
		if (find_form(app->command->params[first + i], param, &out->form)) {
			out->at = first + i;
			return app->args.words[i];
		}
	}
	return NULL;
}

/* The name that the usage has for an argument: for 1, ROLE in "PRINCIPAL ROLE". */
static const char *argument_name(struct app *app, struct position position)
{
	const char *text = app->command->words != NULL ? app->command->words : "";
	size_t len;

	for (; position.form > 0 && strchr(text, '|') != NULL; position.form--) {
		text = strchr(text, '|') + 1;
	}
	for (;; position.at--) {
		text += strspn(text, " []");
		len = strcspn(text, " []");
		if (position.at == 0 || len == 0) {
			return app_text(app, "%.*s", (int)len, text);
		}
		text += len;
	}
}

/* --- messages --------------------------------------------------------------------------------- */

/*
 * What the user typed for a parameter that the daemon refused: "--network '10.0.0.300'". For a list
 * the daemon names the item in the parameter ("networks[1]") or at the beginning of the message
 * ("entry 1: ..."), which is skipped in *message. NULL: the parameter is not from the command line.
 */
static const char *place_text(struct app *app, const char *param, const char **message)
{
	struct pol_str base = { param, strcspn(param, "[") };
	const char *index = param[base.len] == '[' ? param + base.len + 1 : NULL;
	size_t digits =
		strncmp(*message, "entry ", 6) == 0 ? strspn(*message + 6, "0123456789") : 0;
	enum flag flag = option_of(app, base);
	struct position position = { 0 };
	const char *word;

	if (flag != FLAG_NONE && index == NULL && digits > 0) {
		const char *end = *message + 6 + digits;

		index = *message + 6;
		*message = end + strspn(end, ",: ");
	}
	if (flag != FLAG_NONE) {
		return option_text(app, flag, index);
	}
	word = argument_of(app, base, &position);
	return word != NULL ? with_value(app, argument_name(app, position), pol_str_of(word))
			    : NULL;
}

/* Of "there is no such role": the kind of thing that the daemon did not find, and its name as it
 * was typed. Both are NULL where the message is another one. */
static struct suggest_name wanted(const struct app *app, const char *message)
{
	static const struct {
		const char *ending;
		const char *noun; /* the first word of commands whose first argument it is */
		const char *param;
		enum flag flag;
	} nouns[] = {
		{ " tenant", "tenant ", "tenant", FLAG_TENANT },
		{ " principal", "principal ", "principal", FLAG_PRINCIPAL },
		{ " role", "role ", "role", FLAG_ONE_ROLE },
		{ " key", "key ", "key", FLAG_KEY },
	};
	size_t len = strlen(message);

	for (size_t i = 0; i < sizeof nouns / sizeof nouns[0]; i++) {
		size_t end = strlen(nouns[i].ending);
		struct position position;
		const char *word;

		if (len < end || strcmp(message + len - end, nouns[i].ending) != 0 ||
			strstr(message, "no such") == NULL) {
			continue;
		}
		word = argument_of(app, pol_str_of(nouns[i].param), &position);
		if (word == NULL &&
			strncmp(app->command->name, nouns[i].noun, strlen(nouns[i].noun)) == 0) {
			word = app->args.words[0];
		}
		word = word != NULL ? word : app->args.values[nouns[i].flag];
		return (struct suggest_name){ word != NULL ? nouns[i].param : NULL, word };
	}
	return (struct suggest_name){ NULL, NULL };
}

/* " in tenant default", where principals and roles were looked for; empty: not known. */
static const char *looked_in(struct app *app, const char *message)
{
	const char *given = app->args.values[FLAG_TENANT];
	bool takes = false;

	for (size_t i = 0; app->command->flags[i] != FLAG_NONE; i++) {
		takes = takes || app->command->flags[i] == FLAG_TENANT;
	}
	/* With a token the daemon looks in the token's tenant. */
	if (!takes || app->token_len > 0 || strcmp(message, "there is no such tenant") == 0) {
		return "";
	}
	return given != NULL ? with_value(app, " in tenant", pol_str_of(given))
			     : " in tenant default";
}

/* The message with "these" in place of `ids`: the tool prints that list of the answer below it. */
static const char *without_names(struct app *app, const char *message)
{
	static const char name[] = "`ids`";
	const char *at = strstr(message, name);

	return at == NULL ? message
			  : app_text(app, "%.*sthese%s", (int)(at - message), message,
				    at + sizeof name - 1);
}

const char *said_text(struct app *app, const struct authz_reply *reply, const char *method)
{
	const char *message = reply->message != NULL ? reply->message : "";
	const char *param = reply->param != NULL ? reply->param : "";
	size_t len = strlen(param);
	const char *place, *rest, *word;

	if (message[0] == '\0') {
		return method;
	}
	message = without_names(app, message);
	rest = strncmp(message, param, len) == 0 && message[len] == ':' ? message + len + 2
									: message;
	place = len > 0 ? place_text(app, param, &rest) : NULL;
	if (place != NULL) {
		return app_text(app, "%s: %s", place, rest);
	}
	word = wanted(app, message).word;
	return word == NULL ? message
			    : app_text(app, "%s%s", with_value(app, message, pol_str_of(word)),
				      looked_in(app, message));
}

/* A parameter's value as it was typed; NULL: several may be meant. */
static const char *typed(struct app *app, struct pol_str param, const char *index)
{
	enum flag flag = option_of(app, param);
	const struct args_list *list = &app->args.lists[flag];
	size_t at = index != NULL ? strtoul(index, NULL, 10) : 0;
	struct position position;

	if (flag == FLAG_NONE) {
		return argument_of(app, param, &position);
	}
	if (app->args.values[flag] != NULL) {
		return app->args.values[flag];
	}
	return list->count > at && (index != NULL || list->count == 1)
		       ? app_text(app, "%.*s", POL_STR_ARGS(list->items[at]))
		       : NULL;
}

struct suggest_name said_unknown(struct app *app, const struct authz_reply *reply)
{
	static const struct {
		const char *part; /* of the message */
		const char *kind;
	} unknown[] = { { "names no role", "role" }, { "is not a scope", "scope" },
		{ "is not a tree", "tree" } };
	static const char facts[] = "facts.";
	const char *message = reply->message != NULL ? reply->message : "";
	const char *param = reply->param != NULL ? reply->param : "";
	struct pol_str base = { param, strcspn(param, "[") };
	const char *index = param[base.len] == '[' ? param + base.len + 1 : NULL;
	const char *entry = strstr(message, "entry ");

	if (index == NULL && entry != NULL) {
		index = entry + strlen("entry ");
	}
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		const char *word =
			strstr(message, unknown[i].part) != NULL ? typed(app, base, index) : NULL;

		if (word != NULL) {
			return (struct suggest_name){ unknown[i].kind, word };
		}
	}
	return strncmp(param, facts, strlen(facts)) == 0
		       ? (struct suggest_name){ "fact", param + strlen(facts) }
		       : wanted(app, message);
}
