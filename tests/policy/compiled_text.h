/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compiled_text: compiles a policy from text, for tests.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/snapshot/compiled.h"

/* A snapshot or NULL, and a line "severity line:column message" for each diagnostic and note. */
struct compiled_text {
	struct pol_snapshot *snapshot;
	char said[16384];
};

static inline void compiled_text_say(struct compiled_text *out, const struct pol_diags *diags)
{
	static const char *const severities[] = { "error", "warning", "note" };
	size_t used = 0;

	out->said[0] = '\0';
	for (const struct pol_diag *diag = diags->first; diag != NULL; diag = diag->next) {
		used += (size_t)snprintf(out->said + used, sizeof out->said - used,
			"%s %u:%u %.*s\n", severities[diag->severity], diag->line, diag->column,
			POL_STR_ARGS(diag->message));
		for (const struct pol_diag_note *note = diag->notes; note != NULL;
			note = note->next) {
			used += (size_t)snprintf(out->said + used, sizeof out->said - used,
				"note %u:%u %.*s\n", note->line, note->column,
				POL_STR_ARGS(note->message));
		}
	}
}

/* Compiles the texts as the files folder/0.policy and so on. The caller unrefs out->snapshot. */
static inline void compiled_text_of(
	struct compiled_text *out, const char *const *texts, size_t count)
{
	struct pol_source sources[4];
	char names[4][40];
	struct pol_diags diags;
	enum pol_status status;

	cr_assert_leq(count, 4);
	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof names[i], "folder/%zu.policy", i);
		sources[i] = (struct pol_source){ pol_str_of(names[i]), pol_str_of(texts[i]) };
	}
	out->snapshot = NULL;
	pol_diags_init(&diags, sources, count);
	status = pol_compile(sources, count, NULL, &diags, &out->snapshot);
	compiled_text_say(out, &diags);
	cr_assert_eq(status == POL_OK, out->snapshot != NULL);
	cr_assert_eq(status == POL_OK, diags.errors == 0, "%d: %s", (int)status, out->said);
	pol_diags_finish(&diags);
}

/* Compiles a policy that must be valid. The caller unrefs the snapshot. */
static inline struct pol_snapshot *compiled_text_good(const char *text)
{
	struct compiled_text *out = malloc(sizeof *out);
	struct pol_snapshot *snapshot;

	cr_assert_not_null(out);
	compiled_text_of(out, &text, 1);
	cr_assert_not_null(out->snapshot, "%s", out->said);
	snapshot = out->snapshot;
	free(out);
	return snapshot;
}
