/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/record.h"
#include "tools/text.h"
#include "tools/when.h"

/* What the sentence of a reason names: the subject, what was asked for, or both. */
enum about { ABOUT_NOTHING = 0, ABOUT_SUBJECT, ABOUT_WHAT, ABOUT_BOTH, ABOUT_KEY };

struct reason {
	struct pol_str code;
	enum about about;
	const char *text;
	const char *tail; /* between the two, or after the subject */
};

static const struct reason reasons[] = {
	{ POL_STR_INIT("not_trusted"), ABOUT_NOTHING,
		"only a trusted peer may state principal, ip, mfa_at, time or facts principal.*, "
		"or ask why",
		"" },
	{ POL_STR_INIT("unauthenticated"), ABOUT_NOTHING,
		"the token is not accepted; only a trusted peer learns why", "" },
	{ POL_STR_INIT("malformed_token"), ABOUT_NOTHING,
		"the token is damaged, or not one of this daemon", "" },
	{ POL_STR_INIT("unknown_key"), ABOUT_NOTHING, "no key has this token", "" },
	{ POL_STR_INIT("revoked_key"), ABOUT_SUBJECT, "", " is revoked" },
	{ POL_STR_INIT("inactive_key"), ABOUT_SUBJECT, "", " is switched off, or not yet valid" },
	{ POL_STR_INIT("expired_key"), ABOUT_SUBJECT, "", " has expired" },
	{ POL_STR_INIT("unknown_principal"), ABOUT_NOTHING, "there is no such principal", "" },
	{ POL_STR_INIT("inactive_principal"), ABOUT_NOTHING,
		"the principal, or its use of the API, is switched off", "" },
	{ POL_STR_INIT("inactive_tenant"), ABOUT_NOTHING, "the tenant is switched off", "" },
	{ POL_STR_INIT("wrong_environment"), ABOUT_SUBJECT, "", " is of another environment" },
	{ POL_STR_INIT("wrong_tenant"), ABOUT_SUBJECT, "", " is of another tenant" },
	{ POL_STR_INIT("unknown_service"), ABOUT_NOTHING,
		"the policy declares no such service, and no stack 'other'", "" },
	{ POL_STR_INIT("missing_token"), ABOUT_NOTHING,
		"there is no token, and this stack needs one", "" },
	{ POL_STR_INIT("no_decision"), ABOUT_WHAT, "no module of the stack decided about ", "" },
	{ POL_STR_INIT("malformed_path"), ABOUT_WHAT,
		"the path could be read in two ways, or is not a path: ", "" },
	{ POL_STR_INIT("unknown_resource"), ABOUT_WHAT,
		"the policy declares no such resource: ", "" },
	{ POL_STR_INIT("unknown_action"), ABOUT_WHAT, "the resource has no such action: ", "" },
	{ POL_STR_INIT("network"), ABOUT_NOTHING, "not from this network address", "" },
	{ POL_STR_INIT("hours"), ABOUT_NOTHING, "not at this time", "" },
	{ POL_STR_INIT("mfa"), ABOUT_NOTHING, "a second factor is missing, or too long ago", "" },
	{ POL_STR_INIT("denied"), ABOUT_BOTH, "a role or scope of ", " denies " },
	{ POL_STR_INIT("deny"), ABOUT_NOTHING, "the stack denies everything here", "" },
	{ POL_STR_INIT("module_error"), ABOUT_NOTHING, "a module of the stack failed, which denies",
		"" },
	{ POL_STR_INIT("stale"), ABOUT_NOTHING,
		"this host of a shared store knows nothing recent enough: see authzcheck status",
		"" },
	{ POL_STR_INIT("role"), ABOUT_BOTH, "no role of ", " allows " },
	{ POL_STR_INIT("scope"), ABOUT_KEY, "the scopes or places of ", " leave out " },
};

/* "key K (P)", "principal P", "the caller". With `brief` only the principal, if there is one. */
static const char *subject_text(struct app *app, struct wire_cursor result, bool brief)
{
	const char *key = record_text(&app->arena, result, "key");
	const char *principal = record_text(&app->arena, result, "principal");

	if (principal[0] == '\0' && app->args.values[FLAG_PRINCIPAL] != NULL) {
		principal = text_escape(&app->arena, pol_str_of(app->args.values[FLAG_PRINCIPAL]));
	}
	if (brief && principal[0] != '\0') {
		return principal;
	}
	if (key[0] != '\0' && principal[0] != '\0') {
		return app_text(app, "key %s (%s)", key, principal);
	}
	if (key[0] != '\0') {
		return app_text(app, "key %s", key);
	}
	return principal[0] != '\0' ? app_text(app, "principal %s", principal) : "the caller";
}

static const char *quota_text(struct app *app, struct wire_cursor result)
{
	struct wire_cursor quota;

	if (!record_find(result, "quota", &quota)) {
		return record_str(result, "fact").len > 0
			       ? "what it counts by is not known"
			       : "there is no key, principal, tenant or address to count it for";
	}
	return app_text(app, "all of %" PRId64 " are used; it starts again in %s",
		record_int(quota, "limit", 0), when_duration(app, record_int(quota, "reset", 0)));
}

/* The facts by whose absence it could not be decided. */
static const char *missing_text(struct app *app, struct wire_cursor result)
{
	const char *names = record_list(&app->arena, result, "missing");

	return app_text(app, "it depends on facts that are not known%s%s",
		names[0] != '\0' ? ": " : "", names);
}

static const char *reason_text(
	struct app *app, struct wire_cursor result, struct pol_str code, const char *what)
{
	/* Principals have no environment, so the one asked for must be undeclared. */
	if (pol_str_equal(code, POL_STR("wrong_environment")) &&
		record_str(result, "key").len == 0) {
		return "the policy declares no such environment";
	}
	if (pol_str_equal(code, POL_STR("quota"))) {
		return quota_text(app, result);
	}
	if (pol_str_equal(code, POL_STR("missing_fact"))) {
		return missing_text(app, result);
	}
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		const struct reason *reason = &reasons[i];

		if (!pol_str_equal(reason->code, code)) {
			continue;
		}
		switch (reason->about) {
		case ABOUT_NOTHING:
			return reason->text;
		case ABOUT_SUBJECT:
			return app_text(app, "%s%s%s", reason->text,
				subject_text(app, result, false), reason->tail);
		case ABOUT_WHAT:
			return app_text(app, "%s%s%s", reason->text, what, reason->tail);
		case ABOUT_BOTH:
		case ABOUT_KEY:
			return app_text(app, "%s%s%s%s", reason->text,
				subject_text(app, result, reason->about == ABOUT_BOTH),
				reason->tail, what);
		}
	}
	/* A reason of a module. */
	return app_text(app, "%s for %s", what, subject_text(app, result, false));
}

const char *answer_reason(struct app *app, const char *reason, const char *what)
{
	static const uint8_t empty_map[] = { 0x80 };
	struct wire_cursor nothing = wire_cursor_of(empty_map, sizeof empty_map);

	return strcmp(reason, "quota") == 0 ? "the quota is used up"
					    : reason_text(app, nothing, pol_str_of(reason), what);
}

static void print_renew(struct app *app, struct wire_cursor result)
{
	if (record_bool(result, "renew", false)) {
		printf("%srenew%s  the secret is due (key renew), and ends %s\n",
			text_begin(app->colour, COLOUR_YELLOW),
			text_end(app->colour, COLOUR_YELLOW),
			record_when(app, result, "renew_by", "soon"));
	}
}

/* ": 192.0.2.1", what the denial was judged by; empty: the daemon does not say. */
static const char *fact_text(struct app *app, struct wire_cursor result, struct pol_str code)
{
	const char *fact = record_text(&app->arena, result, "fact");

	/* The sentence of the reason has the names of these facts. */
	if (pol_str_equal(code, POL_STR("missing_fact"))) {
		return "";
	}
	if (fact[0] != '\0') {
		return app_text(app, ": %s", fact);
	}
	/* A peer that is not trusted gets no fact, and cannot state an address. */
	if (pol_str_equal(code, POL_STR("network")) && app->args.values[FLAG_IP] == NULL) {
		return ": no address was stated, which only a trusted peer may";
	}
	return "";
}

/* The other lines of a denial that is folded begin here. */
#define DENIAL_INDENT 4

int answer_print(struct app *app, struct wire_cursor result, const char *what)
{
	bool allow = record_bool(result, "allow", false);
	struct pol_str code = record_str(result, "reason");

	if (app->want_json) {
		app_document(app, document_wire(result));
		return allow ? EXIT_YES : EXIT_NO;
	}
	if (allow) {
		printf("%sallow%s  %s\n", text_begin(app->colour, COLOUR_GREEN),
			text_end(app->colour, COLOUR_GREEN), subject_text(app, result, false));
		print_renew(app, result);
		return EXIT_YES;
	}
	text_fold(stdout,
		app_text(app, "%sdeny%s %" PRId64 " %s: %s%s", text_begin(app->colour, COLOUR_RED),
			text_end(app->colour, COLOUR_RED), record_int(result, "status", 403),
			text_escape(&app->arena, code), reason_text(app, result, code, what),
			fact_text(app, result, code)),
		&(struct text_lines){ text_columns(stdout), 0, DENIAL_INDENT });
	putchar('\n');
	print_renew(app, result);
	return EXIT_NO;
}
