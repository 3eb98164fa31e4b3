/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "model_exam.h"
#include "policy/ask/who.h"

/* A verb on a path, and what is said of it. */
struct inquiry {
	struct exam *exam;
	struct pol_who who;
	const char *text; /* of the resource */
	struct pol_str verb;
	const struct concrete *path;
};

static void note(const struct inquiry *inquiry, const char *name, bool may)
{
	note_difference(inquiry->exam->difference, 2, "%s: who may %.*s %s %s %s, and it %s",
		inquiry->exam->label, POL_STR_ARGS(inquiry->verb), inquiry->text,
		may ? "has" : "lacks", name, may ? "may not" : "may");
}

static void compare(const struct inquiry *inquiry, const struct subject *subject, bool may)
{
	char verb[64], name[1024];
	const char *expected;

	snprintf(verb, sizeof verb, "%.*s", POL_STR_ARGS(inquiry->verb));
	expected = model_judge(inquiry->exam->policy, subject, inquiry->path, verb);
	if (strcmp(expected, "missing_token") != 0 && may != (strcmp(expected, "ok") == 0)) {
		print_subject(inquiry->exam->policy, subject, name, sizeof name);
		note(inquiry, name, may);
	}
}

/* Each role and each scope by itself. */
static void exam_grantees(struct inquiry *inquiry)
{
	const struct policy *policy = inquiry->exam->policy;
	char when[POL_WHEN_TEXT];

	for (unsigned i = policy->has_anyone; i < policy->role_count; i++) {
		const struct subject holder = {
			.who = PRINCIPAL, .held = { { .role = (int)i } }, .held_count = 1
		};

		compare(inquiry, &holder,
			pol_who_role_may(&inquiry->who, inquiry->exam->roles[i], when) ==
				POL_WHEN_ALWAYS);
	}
	for (unsigned i = 0; i < policy->scope_count; i++) {
		const struct subject key = {
			.who = KEY_OF_SCOPES, .scopes = { (int)i }, .scope_count = 1
		};

		compare(inquiry, &key,
			pol_who_scope_may(&inquiry->who, inquiry->exam->scopes[i], when) ==
				POL_WHEN_ALWAYS);
	}
}

/* A subject is among those that may exactly when it is allowed. That a stack lets no caller without
 * a token through is not considered. */
void exam_who(struct exam *exam, const struct subject *subject, const struct concrete *path,
	const struct pol_facts *facts)
{
	struct inquiry inquiry = { .exam = exam, .verb = facts->verb, .path = path };
	char text[NAME_ROOM + 32], verb[64], when[POL_WHEN_TEXT];
	struct pol_str reason;
	const char *expected;

	snprintf(text, sizeof text, "%.*s:%.*s", POL_STR_ARGS(facts->tree),
		POL_STR_ARGS(facts->path));
	inquiry.text = text;
	if (pol_who_read(exam->snapshot, facts->verb, pol_str_of(text), facts->http, &inquiry.who,
		    &reason)) {
		inquiry.who.given = facts->given;
		compare(&inquiry, subject,
			pol_who_may(&inquiry.who, facts, when) == POL_WHEN_ALWAYS);
		if (chance(&exam->dice, 5)) {
			exam_grantees(&inquiry);
		}
		return;
	}
	snprintf(verb, sizeof verb, "%.*s", POL_STR_ARGS(facts->verb));
	expected = model_judge(exam->policy, subject, path, verb);
	if (!pol_str_equal(reason, pol_str_of(expected)) &&
		strcmp(expected, "missing_token") != 0) {
		note_difference(exam->difference, 2, "%s: who may %s %s is refused, %.*s",
			exam->label, verb, text, POL_STR_ARGS(reason));
	}
}
