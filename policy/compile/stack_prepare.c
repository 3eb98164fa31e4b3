/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/stack_prepare.h"

#include <string.h>

#include "policy/compile/prepare.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/prepared.h"

/* Memory ran out while the module prepared the line: what it keeps is too much beside the rest. */
static void report_memory(
	const struct pol_line_preparation *line, const struct pol_arena *arena, size_t before)
{
	const size_t mib = 1024 * 1024;

	line->snapshot->module_is_too_large = true;
	pol_diag_error(line->diags, line->line->module.at,
		"module '%s' takes too much memory here: it has taken %zu MiB, and asks for more "
		"than is left of the %zu MiB of this policy, 64 times its text and 64 MiB: give it "
		"less data",
		line->module->name, (arena->used - before + mib - 1) / mib,
		(arena->limit + POL_DIAGS_LIMIT) / mib);
}

/* An error denies, whatever the module would have said. */
static struct pol_answer fail(const void *state, const struct pol_request *request)
{
	(void)state;
	(void)request;
	return (struct pol_answer){ .verdict = POL_ERROR };
}

/* A module of the same name that fails each request. */
static const struct pol_module *failing(
	struct pol_prepared *prepared, const struct pol_module *module)
{
	struct pol_module *copy = pol_arena_alloc(&prepared->arena, 1, sizeof *copy);

	if (copy == NULL) {
		return module; /* the policy is refused */
	}
	*copy = *module;
	copy->decide = fail;
	return copy;
}

static void take_note(struct pol_line_preparation *line, const struct pol_preparation *preparation)
{
	memcpy(line->note, preparation->note, sizeof line->note);
}

/* A data file cannot be used, which is not a mistake of the policy: prepares the line with the last
 * good content, or makes it deny. */
static void prepare_last(struct pol_line_preparation *line, struct pol_preparation *failed)
{
	const struct pol_host *host = line->host;
	size_t errors = line->diags->errors;
	struct pol_preparation preparation;
	bool good;

	pol_prepare_init(&preparation, line->snapshot, host, line->diags, line->line);
	preparation.last = true;
	preparation.prepared = failed->prepared;
	preparation.base.arena = &failed->prepared->arena;
	failed->prepared->refused = true;
	good = line->module->prepare(&preparation.base, &line->state);
	host->data_fault(host->context, failed->feed.text, line->line->module.text,
		pol_str_of(failed->feed_why));
	if (!good && line->diags->errors == errors) {
		line->state = NULL;
		line->module = failing(failed->prepared, line->module);
	} else if (good) {
		take_note(line, &preparation);
	}
	pol_diag_warning(line->diags, failed->feed.at, POL_WARNING_DATA_FILE,
		"data file '%.*s' of module '%.*s': %s: %s", POL_STR_ARGS(failed->feed.text),
		POL_STR_ARGS(line->line->module.text), failed->feed_why,
		good ? "the module goes on with the last good one"
		     : "there was no good one, so this line denies until it is right");
}

/* What is kept of a line that reads data files. */
static void finish_prepared(struct pol_line_preparation *line, struct pol_prepared *prepared)
{
	prepared->module = line->module;
	prepared->state = line->state;
	if (line->note[0] != '\0') {
		prepared->note = pol_arena_copy(&prepared->arena, pol_str_of(line->note));
	}
	/* Without memory there the policy is refused. */
	if (prepared->arena.status != POL_OK && line->snapshot->arena.status == POL_OK) {
		line->snapshot->arena.status = prepared->arena.status;
	}
	line->prepared = prepared;
}

void pol_stack_prepare(struct pol_line_preparation *line)
{
	size_t errors = line->diags->errors;
	size_t before = line->snapshot->arena.used;
	struct pol_preparation preparation;
	const struct pol_arena *arena;
	bool good;

	pol_prepare_init(&preparation, line->snapshot, line->host, line->diags, line->line);
	if (line->prepared != NULL) {
		preparation.prepared = line->prepared;
		preparation.base.arena = &line->prepared->arena;
	}
	good = line->module->prepare(&preparation.base, &line->state);
	arena = preparation.base.arena;
	if (!good && arena->status == POL_OK && preparation.feed.text.len > 0 &&
		line->diags->errors == errors) {
		prepare_last(line, &preparation);
	} else if (!good && arena->status == POL_OK && line->diags->errors == errors) {
		pol_diag_error(line->diags, line->line->module.at,
			"module '%s' refuses this line and does not say why", line->module->name);
	} else if (good) {
		take_note(line, &preparation);
	}
	if (arena->status == POL_ELIMIT) {
		report_memory(line, arena, arena == &line->snapshot->arena ? before : 0);
	}
	if (preparation.prepared != NULL) {
		finish_prepared(line, preparation.prepared);
	}
}
