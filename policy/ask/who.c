/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/who.h"

#include <stdlib.h>
#include <string.h>

#include "policy/decide/subject.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

bool pol_who_read(const struct pol_snapshot *snapshot, struct pol_str verb, struct pol_str resource,
	bool http, struct pol_who *out, struct pol_str *out_reason)
{
	struct pol_str path;
	uint32_t tree;

	out->snapshot = snapshot;
	out->given = NULL;
	out->steps = 0;
	out->of_all = false;
	*out_reason = POL_STR("malformed_path");
	if (!pol_path_split(resource, &out->tree, &path) ||
		pol_path_read(path, &out->path) != POL_OK) {
		return false;
	}
	tree = pol_tree_number(snapshot, out->tree);
	*out_reason = POL_STR("unknown_resource");
	switch (tree == POL_NONE
			? POL_ENOTFOUND
			: pol_tree_find_requested(snapshot, tree, &out->path, &out->node)) {
	case POL_OK:
		break;
	case POL_EINVALID:
		*out_reason = POL_STR("malformed_path");
		return false;
	case POL_ENOTFOUND:
	case POL_ENOMEM:
	case POL_ELIMIT:
		return false;
	}
	if (pol_tree_node_run(snapshot, out->node).count == 0) {
		return false;
	}
	*out_reason = POL_STR("unknown_action");
	return pol_tree_node_verb(snapshot, out->node, verb, http, &out->run) == POL_OK;
}

struct pol_facts pol_who_principal(const struct pol_held *held, uint32_t count)
{
	return (struct pol_facts){
		.key_state = POL_KEY_MISSING,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.held = held,
		.held_count = count,
	};
}

struct pol_facts pol_who_declared(const struct pol_snapshot *snapshot, uint32_t principal,
	const struct pol_held *held, uint32_t count)
{
	struct pol_facts facts = pol_who_principal(held, count);

	facts.principal = pol_snapshot_principal_id(snapshot, principal);
	facts.tenant_name = POL_STR("default");
	facts.principal_kind = POL_KIND_SERVICE; /* as in the daemon */
	facts.declared = true;
	facts.attributes = pol_snapshot_principal_attributes(snapshot, principal);
	return facts;
}

/* --- the answer ------------------------------------------------------------------------------- */

/* A subject, and what is known of the request. */
struct asked {
	struct pol_who *who;
	struct pol_facts facts; /* with what the caller states */
	struct pol_formula_path at;
};

static struct pol_knowledge known_fact(const struct pol_knowing *knowing, uint32_t fact)
{
	const struct asked *asked = knowing->context;

	return pol_when_fact(asked->who->snapshot, &asked->facts, fact);
}

static struct pol_knowledge known_segment(const struct pol_knowing *knowing, uint32_t segment)
{
	const struct asked *asked = knowing->context;

	return pol_formula_path_segment(&asked->at, segment);
}

static void begin(struct asked *asked, struct pol_who *who, const struct pol_facts *facts)
{
	*asked = (struct asked){ .who = who, .facts = *facts, .at = { who->tree, &who->path } };
	if (who->given != NULL) {
		asked->facts.given = who->given;
	}
}

/* Makes a formula of the subject for every permission; the answer is all of them, or some. */
struct making {
	const struct pol_formula *(*of)(
		const struct pol_formula_subject *subject, uint32_t permission, uint32_t number);
	uint32_t number; /* of what `of` asks about */
	bool any;        /* some of the permissions are enough */
	bool any_principal;
};

static enum pol_when_kind answer(
	struct asked *asked, const struct making *making, char when[POL_WHEN_TEXT])
{
	struct pol_who *who = asked->who;
	struct pol_arena arena;
	const struct pol_knowing others = {
		.fact = known_fact, .segment = known_segment, .context = asked
	};
	const struct pol_formula_subject subject = {
		.snapshot = who->snapshot,
		.arena = &arena,
		.facts = &asked->facts,
		.place = pol_formula_path_place,
		.context = &asked->at,
		.others = &others,
		.any_principal = making->any_principal,
	};
	const struct pol_formula *parts[2] = { making->any ? pol_formula_never()
							   : pol_formula_always() };
	enum pol_formula_kind kind = making->any ? POL_FORMULA_OR : POL_FORMULA_AND;
	struct pol_when result;

	pol_arena_init(&arena, POL_WHEN_MEMORY);
	for (uint32_t i = 0; parts[0] != NULL && i < who->run.count; i++) {
		parts[1] = making->of(&subject, who->run.first + i, making->number);
		parts[0] = pol_formula_join(&arena, kind, parts, 2);
	}
	result = pol_when_of(who->snapshot, parts[0], &who->steps);
	who->steps += pol_when_text(who->snapshot, &result, when).len + pol_when_steps(&arena) +
		      (size_t)who->run.count * (asked->facts.held_count + asked->facts.scope_count);
	pol_arena_finish(&arena);
	return result.kind;
}

static const struct pol_formula *of_subject(
	const struct pol_formula_subject *subject, uint32_t permission, uint32_t number)
{
	(void)number;
	return pol_formula_of_subject(subject, permission);
}

/* Not inlined, so that where the sets alone say it, no room is made for a formula. */
static __attribute__((noinline)) enum pol_when_kind ask_formula(struct pol_who *who,
	const struct pol_facts *facts, bool any_principal, char when[POL_WHEN_TEXT])
{
	const struct making making = { .of = of_subject, .any_principal = any_principal };
	struct asked asked;

	begin(&asked, who, facts);
	return answer(&asked, &making, when);
}

/* Without a formula where the sets alone say it. */
static enum pol_when_kind ask(struct pol_who *who, const struct pol_facts *facts,
	bool any_principal, char when[POL_WHEN_TEXT])
{
	struct pol_run run = who->run;
	struct pol_run_word at;
	bool sure = true;

	when[0] = '\0';
	if (run.count == 0) {
		return POL_WHEN_NEVER;
	}
	while (pol_run_next(&run, &at)) {
		struct pol_subject_bits bits =
			pol_subject_eval(who->snapshot, facts, who->tree, &who->path, &at);

		if ((pol_subject_allows(facts, bits) & at.mask) == at.mask) {
			continue;
		}
		if ((pol_subject_may(facts, bits) & at.mask) != at.mask) {
			return POL_WHEN_NEVER;
		}
		sure = false;
	}
	return sure ? POL_WHEN_ALWAYS : ask_formula(who, facts, any_principal, when);
}

enum pol_when_kind pol_who_may(
	struct pol_who *who, const struct pol_facts *facts, char when[POL_WHEN_TEXT])
{
	return ask(who, facts, who->of_all, when);
}

enum pol_when_kind pol_who_role_may(struct pol_who *who, uint32_t role, char when[POL_WHEN_TEXT])
{
	const struct pol_held held = { .role = role };
	const struct pol_facts facts = pol_who_principal(&held, 1);

	return ask(who, &facts, true, when);
}

enum pol_when_kind pol_who_scope_may(struct pol_who *who, uint32_t scope, char when[POL_WHEN_TEXT])
{
	const struct pol_facts facts = {
		.key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_SCOPES,
		.narrowed = true,
		.narrowed_by_scopes = true,
		.scopes = &scope,
		.scope_count = 1,
	};

	return ask(who, &facts, false, when);
}

enum pol_when_kind pol_who_anyone_may(struct pol_who *who, char when[POL_WHEN_TEXT])
{
	const struct pol_facts nobody = { .key_state = POL_KEY_MISSING };

	return ask(who, &nobody, true, when);
}

static const struct pol_formula *of_held(
	const struct pol_formula_subject *subject, uint32_t permission, uint32_t number)
{
	uint32_t role = subject->facts->held[number].role;

	return pol_formula_allows_subject(subject, &subject->snapshot->roles[role], permission);
}

enum pol_when_kind pol_who_held_helps(struct pol_who *who, const struct pol_facts *facts,
	uint32_t number, char when[POL_WHEN_TEXT])
{
	const struct pol_facts alone = pol_who_principal(&facts->held[number], 1);
	const struct making making = {
		.of = of_held, .number = number, .any = true, .any_principal = who->of_all
	};
	struct pol_run run = who->run;
	struct pol_run_word at;
	bool helps = false, sure = false;
	struct asked asked;

	when[0] = '\0';
	while (pol_run_next(&run, &at)) {
		struct pol_subject_bits bits =
			pol_subject_eval(who->snapshot, &alone, who->tree, &who->path, &at);

		if (bits.denied.sure != 0) {
			return POL_WHEN_NEVER;
		}
		sure = sure || bits.roles.sure != 0;
		helps = helps || (bits.roles.sure | bits.roles.maybe) != 0;
	}
	if (sure || !helps) {
		return sure ? POL_WHEN_ALWAYS : POL_WHEN_NEVER;
	}
	begin(&asked, who, facts);
	return answer(&asked, &making, when);
}

struct pol_str pol_who_node(const struct pol_who *who, char *buffer, size_t size)
{
	struct pol_resource resource = { .text = malloc(POL_RESOURCE_TEXT) };
	struct pol_str name = { buffer, 0 };

	if (resource.text != NULL) {
		struct pol_str whole = pol_resource_of_node(&resource, who->snapshot, who->node);

		name.len = whole.len < size ? whole.len : size;
		memcpy(buffer, whole.ptr, name.len);
	}
	free(resource.text);
	return name;
}

/* --- heirs ------------------------------------------------------------------------------------ */

/* The roles that inherit each role directly: those of role r are children[begin[r]] up to, not
 * including, children[begin[r + 1]]. */
struct heirs {
	uint32_t *begin;
	uint32_t *children;
	uint32_t *queue;
};

static bool make_heirs(
	const struct pol_snapshot *snapshot, struct pol_arena *arena, struct heirs *out)
{
	uint32_t count = snapshot->role_count;
	size_t total = 0;

	for (uint32_t i = 0; i < count; i++) {
		total += snapshot->role_origins[i].parent_count;
	}
	out->begin = pol_arena_alloc(arena, (size_t)count + 2, sizeof *out->begin);
	out->children = pol_arena_alloc(arena, total, sizeof *out->children);
	out->queue = pol_arena_alloc(arena, count, sizeof *out->queue);
	if (out->begin == NULL || out->children == NULL || out->queue == NULL) {
		return false;
	}
	/* Two places further on, so that filling in moves each to its own. */
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < snapshot->role_origins[i].parent_count; k++) {
			out->begin[snapshot->role_origins[i].parents[k] + 2]++;
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		out->begin[i + 2] += out->begin[i + 1];
	}
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < snapshot->role_origins[i].parent_count; k++) {
			out->children[out->begin[snapshot->role_origins[i].parents[k] + 1]++] = i;
		}
	}
	return true;
}

enum pol_status pol_who_heirs(const struct pol_snapshot *snapshot, uint32_t role, bool *marks)
{
	struct pol_arena arena;
	struct heirs heirs;
	enum pol_status status;
	uint32_t count = 0;

	pol_arena_init(&arena, POL_SNAPSHOT_LIMIT);
	if (role < snapshot->role_count && make_heirs(snapshot, &arena, &heirs)) {
		marks[role] = true;
		heirs.queue[count++] = role;
		for (uint32_t i = 0; i < count; i++) {
			uint32_t parent = heirs.queue[i];

			for (uint32_t k = heirs.begin[parent]; k < heirs.begin[parent + 1]; k++) {
				if (!marks[heirs.children[k]]) {
					marks[heirs.children[k]] = true;
					heirs.queue[count++] = heirs.children[k];
				}
			}
		}
	}
	status = arena.status;
	pol_arena_finish(&arena);
	return status;
}
