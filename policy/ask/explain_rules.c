/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/explain_internal.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/stored.h"
#include "policy/snapshot/stored_internal.h"

/*
 * Finds the rule that gives a role or scope a permission. The sets of the snapshot show which
 * parent has the permission, down to the role or scope that has it by a rule of its own; each rule
 * keeps what it was compiled to.
 */

bool pol_explain_rules_has(const struct pol_rule *rule, uint32_t permission)
{
	for (uint32_t i = 0; i < rule->run_count; i++) {
		if (permission - rule->runs[i].first < rule->runs[i].count) {
			return true;
		}
	}
	for (uint32_t i = 0; i < rule->set_count; i++) {
		if (pol_permset_has(&rule->sets[i], permission)) {
			return true;
		}
	}
	return false;
}

static const struct pol_rule *own_rule(
	const struct pol_origin *origin, bool deny, uint32_t permission)
{
	for (uint32_t i = 0; i < origin->rule_count; i++) {
		if (origin->rules[i].deny == deny &&
			pol_explain_rules_has(&origin->rules[i], permission)) {
			return &origin->rules[i];
		}
	}
	return NULL;
}

struct pol_str pol_explain_rules_text(struct pol_str text, uint32_t offset)
{
	const char *start = text.ptr + offset;
	size_t left = text.len - offset;
	size_t room = left < POL_EXPLAIN_TEXT ? left : POL_EXPLAIN_TEXT;
	bool quoted = false;
	uint32_t open = 0;
	size_t len = 0;

	for (; len < room; len++) {
		char c = start[len];

		/* Most bytes need no further test. */
		if (c > '#' && c < '{') {
			continue;
		}
		if (c == '"' && start[len - 1] != '\\') {
			quoted = !quoted;
		}
		if (c == '\n' || (!quoted && (c == '#' || (c == '}' && open == 0)))) {
			break;
		}
		open += !quoted && c == '{';
		open -= !quoted && c == '}';
	}
	while (len < left && len > 0 && ((unsigned char)start[len] & 0xc0) == 0x80) {
		len--;
	}
	while (len > 0 && memchr(" \t\r", start[len - 1], 3) != NULL) {
		len--;
	}
	return (struct pol_str){ start, len };
}

static bool grantee_has(const struct pol_grantee *grantee, bool deny, uint32_t permission)
{
	return pol_permset_has(deny ? &grantee->deny : &grantee->allow, permission);
}

/* Does a stored role allow or deny the permission by itself? It has no rule in the files. */
static bool stored_has(
	const struct pol_snapshot *snapshot, uint32_t role, bool deny, uint32_t permission)
{
	const struct pol_stored *own = pol_stored_own(snapshot, role);

	return own != NULL && pol_permset_has(deny ? &own->deny : &own->allow, permission);
}

bool pol_explain_rules_find(struct pol_explainer *explainer, uint32_t number, uint32_t permission,
	struct pol_explained_rule *out)
{
	const struct pol_snapshot *snapshot = explainer->snapshot;
	const struct pol_grantee *grantees = out->scope ? snapshot->scopes : snapshot->roles;
	const struct pol_origin *origins =
		out->scope ? snapshot->scope_origins : snapshot->role_origins;
	const struct pol_rule *rule = NULL;
	struct pol_str *chain = NULL;
	size_t room = 0;
	uint32_t depth = 0;

	while (rule == NULL) {
		const struct pol_origin *origin = &origins[number];
		uint32_t next = POL_NONE;

		if (depth == room) {
			chain = pol_arena_grow(explainer->arena, chain, depth, (size_t)depth + 1,
				sizeof *chain, &room);
			if (chain == NULL) {
				return false;
			}
		}
		chain[depth++] = grantees[number].name;
		rule = own_rule(origin, out->deny, permission);
		if (!out->scope && stored_has(snapshot, number, out->deny, permission)) {
			break;
		}
		for (uint32_t i = 0; next == POL_NONE && i < origin->parent_count; i++) {
			if (grantee_has(&grantees[origin->parents[i]], out->deny, permission)) {
				next = origin->parents[i];
			}
		}
		if (rule == NULL && next == POL_NONE) {
			return false;
		}
		number = next;
	}
	out->chain = chain;
	out->chain_count = depth;
	if (rule == NULL) {
		return true;
	}
	out->text = pol_explain_rules_text(snapshot->files[rule->at.file].text, rule->at.offset);
	out->position = pol_explain_position(snapshot, rule->at, rule->line);
	return true;
}

/* --- what was held ---------------------------------------------------------------------------- */

struct rules {
	struct pol_explainer *explainer;
	uint32_t count;
	uint32_t permission; /* the present one */
	struct pol_explained_rule items[POL_EXPLAIN_RULES];
};

static bool same(const struct pol_explained_rule *a, const struct pol_explained_rule *b)
{
	return a->deny == b->deny && a->scope == b->scope && a->position.line == b->position.line &&
	       pol_str_equal(a->position.file, b->position.file) &&
	       pol_str_equal(a->chain[0], b->chain[0]) &&
	       pol_str_equal(a->chain[a->chain_count - 1], b->chain[b->chain_count - 1]) &&
	       a->at == b->at && a->until == b->until;
}

static void add_verb(struct rules *rules, struct pol_explained_rule *rule)
{
	const struct pol_snapshot *snapshot = rules->explainer->snapshot;
	struct pol_str *verbs;

	if (rules->explainer->trace->run.count == 1) {
		return;
	}
	if (rule->verb_count == 0) {
		rule->verbs = pol_arena_alloc(rules->explainer->arena,
			rules->explainer->trace->run.count, sizeof *rule->verbs);
		if (rule->verbs == NULL) {
			return;
		}
	}
	/* The array was allocated above; it is const only for readers of the explanation. */
	verbs = (struct pol_str *)(uintptr_t)rule->verbs;
	verbs[rule->verb_count++] = snapshot->verbs[snapshot->permissions[rules->permission]];
}

/* Adds the rule of a role or scope that has the present permission; `rule` says how it is held. */
static void add(struct rules *rules, uint32_t number, struct pol_explained_rule rule)
{
	if (!pol_explain_rules_find(rules->explainer, number, rules->permission, &rule)) {
		return;
	}
	for (uint32_t i = 0; i < rules->count; i++) {
		if (same(&rules->items[i], &rule)) {
			add_verb(rules, &rules->items[i]);
			return;
		}
	}
	if (rules->count < POL_EXPLAIN_RULES) {
		rules->items[rules->count] = rule;
		add_verb(rules, &rules->items[rules->count]);
		rules->count++;
	}
}

/* Adds the first held role that allows the present permission, and all that deny it. Returns
 * whether one allows it. */
static bool add_roles(struct rules *rules, const struct pol_run_word *at)
{
	const struct pol_trace *trace = rules->explainer->trace;
	const struct pol_facts *facts = &trace->facts;
	bool allowed = false;

	for (uint32_t i = 0; pol_subject_roles_count(facts) && i < facts->held_count; i++) {
		const struct pol_held *held = &facts->held[i];
		struct pol_explained_rule rule = { .until = held->until };
		struct pol_subject_bits say = { 0 };
		enum pol_path_place_match match =
			pol_subject_match(held, trace->tree, trace->at, &rule.at);

		rule.at_count = rule.at != NULL;
		pol_subject_role(rules->explainer->snapshot, held->role, match, at, &say);
		if ((say.roles.sure | say.roles.maybe) != 0 && !allowed) {
			allowed = true;
			add(rules, held->role, rule);
		}
		if ((say.denied.sure | say.denied.maybe) != 0) {
			rule.deny = true;
			add(rules, held->role, rule);
		}
	}
	return allowed;
}

static void add_anyone(struct rules *rules, bool allowed)
{
	const struct pol_snapshot *snapshot = rules->explainer->snapshot;
	const struct pol_grantee *anyone;

	if (snapshot->anyone >= snapshot->role_count) {
		return;
	}
	anyone = &snapshot->roles[snapshot->anyone];
	if (!allowed && grantee_has(anyone, false, rules->permission)) {
		add(rules, snapshot->anyone, (struct pol_explained_rule){ 0 });
	}
	if (grantee_has(anyone, true, rules->permission)) {
		add(rules, snapshot->anyone, (struct pol_explained_rule){ .deny = true });
	}
}

static void add_scopes(struct rules *rules)
{
	const struct pol_snapshot *snapshot = rules->explainer->snapshot;
	const struct pol_facts *facts = &rules->explainer->trace->facts;
	bool allowed = false;

	for (uint32_t i = 0; pol_subject_key_counts(facts) && i < facts->scope_count; i++) {
		const struct pol_grantee *scope;

		if (facts->scopes[i] >= snapshot->scope_count) {
			continue;
		}
		scope = &snapshot->scopes[facts->scopes[i]];
		if (!allowed && grantee_has(scope, false, rules->permission)) {
			allowed = true;
			add(rules, facts->scopes[i], (struct pol_explained_rule){ .scope = true });
		}
		if (grantee_has(scope, true, rules->permission)) {
			add(rules, facts->scopes[i],
				(struct pol_explained_rule){ .scope = true, .deny = true });
		}
	}
}

/* Removes the list of verbs from rules that apply to all permissions asked for. */
static void drop_verbs(struct rules *rules)
{
	for (uint32_t i = 0; i < rules->count; i++) {
		if (rules->items[i].verb_count == rules->explainer->trace->run.count) {
			rules->items[i].verb_count = 0;
		}
	}
}

void pol_explain_rules(struct pol_explainer *explainer)
{
	struct pol_run left = explainer->trace->run;
	struct pol_explained_rule *kept;
	struct rules rules;

	rules.explainer = explainer;
	rules.count = 0;
	for (; left.count > 0; left.first++, left.count--) {
		struct pol_run one = { left.first, 1 };
		struct pol_run_word at;

		rules.permission = left.first;
		(void)pol_run_next(&one, &at);
		add_anyone(&rules, add_roles(&rules, &at));
		add_scopes(&rules);
	}
	drop_verbs(&rules);
	kept = pol_arena_alloc(explainer->arena, rules.count, sizeof *kept);
	if (kept != NULL) {
		memcpy(kept, rules.items, rules.count * sizeof *kept);
		explainer->out->rules = kept;
		explainer->out->rule_count = rules.count;
	}
}
