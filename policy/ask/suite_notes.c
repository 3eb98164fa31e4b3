/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/suite_notes.h"

#include <stdio.h>

#include "policy/decide/stack.h"
#include "policy/text/terms.h"

/* At most this many needed roles and scopes become notes. `policy test -v` shows all. */
#define SHOWN_NEEDS 2
#define CHAIN_TEXT  256

/* "role collector <- viewer" */
static void put_chain(const struct pol_explained_rule *rule, char out[CHAIN_TEXT])
{
	size_t used = (size_t)snprintf(out, CHAIN_TEXT, "%s", rule->scope ? "scope" : "role");

	for (uint32_t i = 0; i < rule->chain_count && used < CHAIN_TEXT; i++) {
		used += (size_t)snprintf(out + used, CHAIN_TEXT - used, "%s%.*s",
			i > 0 ? " <- " : " ", POL_STR_ARGS(rule->chain[i]));
	}
}

static void note_rule(struct pol_diags *diags, struct pol_diag *diag,
	const struct pol_explained_rule *rule, const char *what)
{
	char chain[CHAIN_TEXT];

	if (rule->position.line > 0) {
		put_chain(rule, chain);
		pol_diag_note(diags, diag, rule->position.at, "%s %s%s", chain, what,
			rule->held ? " elsewhere, but not here" : "");
	}
}

/* The first predicate that made the condition what it is. */
static const struct pol_explained_predicate *find_predicate(const struct pol_explained_rule *rule)
{
	for (uint32_t i = 0; i < rule->predicate_count; i++) {
		if (rule->predicates[i].truth == rule->truth) {
			return &rule->predicates[i];
		}
	}
	return NULL;
}

/* Notes a rule whose condition does not hold, and why. */
static void note_condition(
	struct pol_diags *diags, struct pol_diag *diag, const struct pol_explained_rule *rule)
{
	const struct pol_explained_predicate *by = find_predicate(rule);
	bool unknown = rule->truth == POL_UNKNOWN;
	const char *what = unknown ? "may" : "does not";
	char chain[CHAIN_TEXT];

	if (rule->position.line == 0) {
		return;
	}
	put_chain(rule, chain);
	if (by == NULL) {
		pol_diag_note(diags, diag, rule->position.at, "%s %s %s it", chain, what,
			rule->deny ? "deny" : "allow");
		return;
	}
	pol_diag_note(diags, diag, rule->position.at, "%s %s %s it: '%.*s' is %s%s%.*s%s", chain,
		what, rule->deny ? "deny" : "allow", POL_STR_ARGS(by->text),
		pol_truth_text(by->truth), by->values.len > 0 ? " (" : "", POL_STR_ARGS(by->values),
		by->values.len > 0 ? ")" : "");
}

/* Did the line refuse the request, or fail, in a way that counts for its group? */
static bool refused(const struct pol_explained_line *line)
{
	enum pol_effect effect = pol_stack_effect(line->control, line->verdict);

	return line->asked && (line->verdict == POL_DENY || line->verdict == POL_ERROR) &&
	       effect != POL_EFFECT_SKIP;
}

static void note_group(struct pol_diags *diags, struct pol_diag *diag, enum pol_group number,
	const struct pol_explained_group *group)
{
	for (uint32_t i = 0; i < group->line_count; i++) {
		const struct pol_explained_line *line = &group->lines[i];

		if (refused(line) && line->position.line > 0) {
			pol_diag_note(diags, diag, line->position.at,
				"'%s %s %.*s' answered '%s': %.*s%s%.*s%s", pol_terms_group(number),
				pol_terms_control(line->control), POL_STR_ARGS(line->module),
				pol_terms_verdict(line->verdict), POL_STR_ARGS(line->reason),
				line->fact.len > 0 ? " (" : "", POL_STR_ARGS(line->fact),
				line->fact.len > 0 ? ")" : "");
		}
	}
}

/* Notes what would have allowed the request. When a role and a scope are missing together, one of
 * each: neither would do alone. */
static void note_needs(
	struct pol_diags *diags, struct pol_diag *diag, const struct pol_explanation *explanation)
{
	bool both = explanation->missing.role && explanation->missing.scope;
	uint32_t shown = 0;

	for (uint32_t i = 0; i < explanation->need_count && shown < SHOWN_NEEDS; i++) {
		const struct pol_explained_rule *need = &explanation->needs[i];

		if (both && i > 0 && need->scope == explanation->needs[i - 1].scope) {
			continue;
		}
		note_rule(diags, diag, need,
			need->held    ? "allows it"
			: !both       ? "would allow it"
			: need->scope ? "would allow it, together with the role"
				      : "would allow it, together with a scope");
		shown++;
	}
}

/* Notes a rule that is held. When the request is denied, a rule that allows it is left out, unless
 * its condition does not hold. */
static void note_held(struct pol_diags *diags, struct pol_diag *diag,
	const struct pol_explained_rule *rule, bool allowed)
{
	bool holds = rule->truth == POL_TRUE;
	bool wanted = holds ? rule->deny || allowed : rule->deny == allowed;

	if (!wanted && rule->truth != POL_UNKNOWN) {
		return;
	}
	if (holds) {
		note_rule(diags, diag, rule, rule->deny ? "denies it" : "allows it");
		return;
	}
	note_condition(diags, diag, rule);
}

void pol_suite_notes(
	struct pol_diags *diags, struct pol_diag *diag, const struct pol_explanation *explanation)
{
	bool allowed = explanation->stage == POL_STAGE_END;

	for (int group = 0; !allowed && group < POL_GROUP_RECORD; group++) {
		if (explanation->groups[group].asked && !explanation->groups[group].passed) {
			note_group(diags, diag, (enum pol_group)group, &explanation->groups[group]);
		}
	}
	for (uint32_t i = 0; i < explanation->rule_count; i++) {
		const struct pol_explained_rule *rule = &explanation->rules[i];

		note_held(diags, diag, rule, allowed);
	}
	note_needs(diags, diag, explanation);
}
