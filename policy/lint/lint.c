/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lint/lint.h"

#include "policy/lint/linter.h"
#include "policy/snapshot/tree.h"
#include "policy/text/nearest.h"
#include "policy/text/silence.h"

struct pol_lint_kind pol_lint_roles(const struct pol_snapshot *snapshot)
{
	return (struct pol_lint_kind){ snapshot->roles, snapshot->role_origins,
		snapshot->role_count - snapshot->stored_count, "role", "inherits" };
}

struct pol_lint_kind pol_lint_scopes(const struct pol_snapshot *snapshot)
{
	return (struct pol_lint_kind){ snapshot->scopes, snapshot->scope_origins,
		snapshot->scope_count, "scope", "includes" };
}

static void report_unused(struct pol_diags *diags, const struct pol_silence *silence)
{
	struct pol_nearest nearest = pol_nearest_to(silence->code);

	if (silence->code.len == 0) {
		pol_diag_warning(diags, silence->at, POL_WARNING_UNUSED_SILENCE,
			"this silences nothing: write '# lint: allow CODE'");
	} else if (silence->warning == POL_WARNING_NONE) {
		for (unsigned i = 1; i < POL_WARNING_COUNT; i++) {
			pol_nearest_offer(
				&nearest, pol_str_of(pol_warning_code((enum pol_warning)i)));
		}
		pol_diag_warning(diags, silence->at, POL_WARNING_UNUSED_SILENCE,
			"unknown code '%.*s'" POL_NEAREST, POL_STR_ARGS(silence->code),
			POL_NEAREST_ARGS(nearest));
	} else if (pol_warning_kind(silence->warning)->fixed) {
		pol_diag_warning(diags, silence->at, POL_WARNING_UNUSED_SILENCE,
			"'%.*s' cannot be silenced: remove this", POL_STR_ARGS(silence->code));
	} else {
		pol_diag_warning(diags, silence->at, POL_WARNING_UNUSED_SILENCE,
			"there is no '%.*s' to silence here: remove this",
			POL_STR_ARGS(silence->code));
	}
}

/* Whether a machine has the user or group of a `peer` line is not the policy's matter. */
static void report_silences(struct pol_diags *diags)
{
	for (size_t i = 0; i < diags->silence_count; i++) {
		const struct pol_silence *silence = &diags->silences[i];

		if (!silence->used && silence->warning != POL_WARNING_UNKNOWN_PEER) {
			report_unused(diags, silence);
		}
	}
}

/* The statements, for what the snapshot does not have: the patterns as written, and where nodes are
 * declared. The policy compiled, so there are no mistakes to report. */
static enum pol_status parse(struct pol_linter *linter)
{
	const struct pol_diags *diags = linter->diags;
	struct pol_diags ignored;
	enum pol_status status;

	pol_diags_init(&ignored, diags->sources, diags->source_count);
	status = pol_parse(
		diags->sources, diags->source_count, linter->scratch, &ignored, &linter->ast);
	pol_diags_finish(&ignored);
	return status;
}

static enum pol_status run(struct pol_linter *linter)
{
	enum pol_status (*const checks[])(struct pol_linter *) = {
		parse,
		pol_lint_stacks,
		pol_lint_rules,
		pol_lint_grantees,
		pol_lint_trees,
		pol_lint_wildcards,
		pol_lint_tests,
	};
	enum pol_status status = POL_OK;

	for (size_t i = 0; status == POL_OK && i < sizeof checks / sizeof *checks; i++) {
		status = checks[i](linter);
	}
	return status;
}

enum pol_status pol_lint(const struct pol_snapshot *snapshot, struct pol_diags *diags)
{
	struct pol_arena scratch;
	struct pol_linter linter = { .snapshot = snapshot, .diags = diags, .scratch = &scratch };
	enum pol_status status = POL_ENOMEM;

	pol_arena_init(&scratch, POL_SNAPSHOT_LIMIT);
	linter.pool = pol_permset_pool_create(&scratch);
	linter.text = pol_arena_alloc(&scratch, POL_RESOURCE_TEXT, 1);
	linter.authz = pol_tree_number(snapshot, POL_STR("authz"));
	if (linter.pool != NULL && linter.text != NULL) {
		status = run(&linter);
	}
	pol_silence_apply(diags);
	if (status == POL_OK) {
		report_silences(diags);
	}
	pol_diags_sort(diags);
	pol_permset_pool_destroy(linter.pool);
	pol_arena_finish(&scratch);
	return status;
}
