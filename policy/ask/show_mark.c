/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "policy/ask/show.h"
#include "policy/snapshot/compiled.h"

/* Permissions of one action that are looked at for conditions; more have one mark for all. */
#define PERMISSIONS 256

/* What one action's permissions come to, one by one. */
struct marking {
	const struct pol_snapshot *snapshot;
	const struct pol_show_holder *holder;
	struct pol_run run;
	struct pol_arena arena;
	struct pol_when items[PERMISSIONS];
	size_t steps;
};

/* A role or scope has no places: it counts everywhere. */
static struct pol_formula_place everywhere(
	const struct pol_formula_subject *subject, uint32_t number)
{
	(void)subject;
	(void)number;
	return pol_formula_place_of(POL_PLACE_INSIDE);
}

/* By its formula: for any principal with this role, or any key with this scope. */
static struct pol_when ask(struct marking *marking, uint32_t permission)
{
	const struct pol_show_holder *holder = marking->holder;
	const struct pol_held held = { .role = holder->number };
	const struct pol_facts of_role = {
		.principal_state = POL_PRINCIPAL_ACTIVE, .held = &held, .held_count = 1
	};
	const struct pol_facts of_scope = {
		.key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_SCOPES,
		.narrowed = true,
		.narrowed_by_scopes = true,
		.scopes = &holder->number,
		.scope_count = 1,
	};
	const struct pol_formula_subject subject = {
		.snapshot = marking->snapshot,
		.arena = &marking->arena,
		.facts = holder->scope ? &of_scope : &of_role,
		.place = everywhere,
		.any_principal = true,
	};

	return pol_when_of(
		marking->snapshot, pol_formula_of_subject(&subject, permission), &marking->steps);
}

/* Is it the first permission with its condition? */
static bool is_first(const struct marking *marking, uint32_t number)
{
	for (uint32_t i = 0; i < number; i++) {
		if (pol_when_equal(&marking->items[i], &marking->items[number])) {
			return false;
		}
	}
	return marking->items[number].kind == POL_WHEN_SOMETIMES;
}

static void put(char out[POL_WHEN_TEXT], const char *separator, struct pol_str text)
{
	size_t len = strlen(out);

	snprintf(out + len, POL_WHEN_TEXT - len, "%s%.*s", separator, POL_STR_ARGS(text));
}

/* The conditions; with the methods of each unless it is that of all. */
static void put_conditions(const struct marking *marking, char out[POL_WHEN_TEXT])
{
	const struct pol_snapshot *snapshot = marking->snapshot;
	char text[POL_WHEN_TEXT];

	for (uint32_t i = 0; i < marking->run.count; i++) {
		uint32_t same = 0;

		if (!is_first(marking, i)) {
			continue;
		}
		for (uint32_t k = i; k < marking->run.count; k++) {
			same += pol_when_equal(&marking->items[k], &marking->items[i]);
		}
		put(out, out[0] != '\0' ? "; " : "", POL_STR(""));
		for (uint32_t k = i; same < marking->run.count && k < marking->run.count; k++) {
			uint32_t verb = snapshot->permissions[marking->run.first + k];

			if (pol_when_equal(&marking->items[k], &marking->items[i])) {
				put(out, k > i ? " " : "", snapshot->verbs[verb]);
			}
		}
		put(out, same < marking->run.count ? ": " : "",
			pol_when_text(snapshot, &marking->items[i], text));
	}
}

/* The permissions about which there is a condition are asked one by one. */
static void mark_conditions(struct marking *marking, const struct pol_grantee *const of[2],
	struct pol_show_marks *marks, char when[POL_WHEN_TEXT])
{
	uint32_t always = 0;

	pol_arena_init(&marking->arena, POL_WHEN_MEMORY);
	marks->partly = marks->sometimes = false;
	for (uint32_t i = 0; i < marking->run.count; i++) {
		uint32_t permission = marking->run.first + i;
		struct pol_when *item = &marking->items[i];

		*item = ask(marking, permission);
		always += item->kind == POL_WHEN_ALWAYS;
		marks->sometimes = marks->sometimes || item->kind == POL_WHEN_SOMETIMES;
		marks->denied = marks->denied || pol_permset_has(&of[0]->deny, permission) ||
				pol_permset_has(&of[1]->deny, permission);
	}
	marks->allowed = always == marking->run.count;
	marks->partly = always > 0 && !marks->allowed;
	put_conditions(marking, when);
	pol_arena_finish(&marking->arena);
}

struct pol_show_marks pol_show_mark(const struct pol_snapshot *snapshot,
	const struct pol_show_holder *holder, uint32_t action, char when[POL_WHEN_TEXT])
{
	static const struct pol_grantee nobody;
	const struct pol_grantee *const of[2] = {
		&(holder->scope ? snapshot->scopes : snapshot->roles)[holder->number],
		snapshot->anyone != POL_NONE ? &snapshot->roles[snapshot->anyone] : &nobody,
	};
	struct pol_run run = snapshot->actions[action].run;
	struct marking marking;
	struct pol_show_marks marks = { 0 };
	struct pol_run_word at;
	bool all = run.count > 0;
	uint64_t unsure = 0;

	when[0] = '\0';
	while (pol_run_next(&run, &at)) {
		uint64_t denied =
			pol_permset_word(&of[0]->deny, &at) | pol_permset_word(&of[1]->deny, &at);
		uint64_t conditional = pol_permset_word(&of[0]->sometimes, &at) |
				       pol_permset_word(&of[1]->sometimes, &at);
		uint64_t allowed = (pol_permset_word(&of[0]->allow, &at) |
					   pol_permset_word(&of[1]->allow, &at)) &
				   ~denied & ~conditional;

		unsure |= conditional;
		marks.denied = marks.denied || denied != 0;
		marks.partly = marks.partly || allowed != 0;
		all = all && allowed == at.mask;
	}
	marks.allowed = all;
	marks.partly = marks.partly && !all;
	run = snapshot->actions[action].run;
	if (unsure != 0 && run.count <= PERMISSIONS) {
		marking = (struct marking){ .snapshot = snapshot, .holder = holder, .run = run };
		mark_conditions(&marking, of, &marks, when);
	} else if (unsure != 0) {
		marks.sometimes = true;
		put(when, "", POL_STR(POL_WHEN_LARGE));
	}
	return marks;
}
