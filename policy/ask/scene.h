/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * scene: facts that are stated one line at a time, and questions about them: a test of the policy
 * that is written while it runs, for `policy try`.
 *
 * A line is one of those that a test has. The lines that state something are applied in their
 * order; `allow` and `deny` lines are questions, which are decided with the facts stated so far. A
 * scene begins as a test does: with one active key, without a principal, role or scope. For one
 * thread.
 */

#include <stdbool.h>

#include "policy/ask/explain.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "policy/text/status.h"

/* Memory for all lines of a scene, and for one explanation. */
#define POL_SCENE_MEMORY ((size_t)64 * 1024 * 1024)

/* Questions of one line: each action at each resource. */
#define POL_SCENE_QUESTIONS 1000

/* Bytes of a line. */
#define POL_SCENE_LINE ((size_t)64 * 1024)

struct pol_scene;

/* One decision. Everything in it ends with the callback. */
struct pol_scene_answer {
	struct pol_str verb;
	struct pol_str resource; /* TREE:/path as stated */
	struct pol_decision decision;
	bool holds;                                /* it is what the line expects */
	const struct pol_explanation *explanation; /* NULL: there was no memory */
};

typedef void (*pol_scene_visit)(void *context, const struct pol_scene_answer *answer);

/* Takes a reference to the snapshot. NULL: no memory. */
struct pol_scene *pol_scene_create(struct pol_snapshot *snapshot);
void pol_scene_destroy(struct pol_scene *scene); /* NULL is ignored */

/* Applies a line, or decides and calls visit for each action at each resource. *out_question, on
 * POL_OK: which of both. POL_EINVALID: it is not a line of a test, or names what the policy does
 * not have; pol_scene_diags says what, and nothing has changed. POL_ELIMIT, POL_ENOMEM. */
enum pol_status pol_scene_line(struct pol_scene *scene, struct pol_str line, pol_scene_visit visit,
	void *context, bool *out_question);

/* The errors of the last line; their positions say nothing. Valid until the next one. */
const struct pol_diags *pol_scene_diags(const struct pol_scene *scene);
