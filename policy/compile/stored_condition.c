/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/stored_condition.h"

#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/resource.h"

/* The most memory for the conditions of one role. */
#define SCRATCH_LIMIT ((size_t)64 * 1024 * 1024)

/* The parameters of a node's path; of two with one name the first. Returns how many there are. */
static uint32_t find_parameters(const struct pol_snapshot *snapshot, uint32_t node,
	struct pol_parameter out[POL_PATH_SEGMENTS])
{
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(snapshot, node, chain);
	uint32_t count = 0;

	for (uint32_t i = 0; i < depth; i++) {
		const struct pol_node *at = &snapshot->nodes[chain[i]];

		if (at->kind == POL_SEGMENT_PARAM) {
			out[count++] = (struct pol_parameter){ at->name, i };
		}
	}
	return count;
}

static bool fits_operand(
	const struct pol_parameter *parameters, uint32_t count, const struct pol_operand *operand)
{
	for (uint32_t i = 0; operand->kind == POL_OPERAND_SEGMENT && i < count; i++) {
		if (pol_str_equal(parameters[i].name, operand->name)) {
			return parameters[i].segment == operand->number;
		}
	}
	return operand->kind != POL_OPERAND_SEGMENT;
}

static bool fits(const struct pol_parameter *parameters, uint32_t count,
	const struct pol_condition *condition)
{
	bool good = condition->kind != POL_CONDITION_PREDICATE ||
		    (fits_operand(parameters, count, &condition->predicate->left) &&
			    fits_operand(parameters, count, &condition->predicate->right));

	for (uint32_t i = 0; good && i < condition->part_count; i++) {
		good = fits(parameters, count, condition->parts[i]);
	}
	return good;
}

bool pol_stored_condition_fits(
	const struct pol_snapshot *snapshot, const struct pol_condition *condition, uint32_t node)
{
	struct pol_parameter parameters[POL_PATH_SEGMENTS];

	return fits(parameters, find_parameters(snapshot, node, parameters), condition);
}

/* --- from text -------------------------------------------------------------------------------- */

static enum pol_status begin(struct pol_stored_conditions *conditions)
{
	const size_t shared = offsetof(struct pol_snapshot, revision);

	if (conditions->work != NULL) {
		return POL_OK;
	}
	conditions->work = calloc(1, sizeof *conditions->work);
	if (conditions->work == NULL) {
		return POL_ENOMEM;
	}
	memcpy((char *)conditions->work + shared, (const char *)conditions->snapshot + shared,
		sizeof *conditions->snapshot - shared);
	pol_arena_init(&conditions->work->arena, SCRATCH_LIMIT);
	pol_arena_init(&conditions->scratch, SCRATCH_LIMIT);
	conditions->compiler = (struct pol_compiler){ .snapshot = conditions->work,
		.scratch = &conditions->scratch };
	return POL_OK;
}

/* The text as the condition of a grant, so that nothing can stand after it unseen. */
static struct pol_str put_grant(struct pol_arena *arena, struct pol_str text)
{
	static const char before[] = "allow GET on api:/ when ";
	size_t len = sizeof before - 1 + text.len;
	char *grant = pol_arena_alloc(arena, len, 1);

	if (grant == NULL || memchr(text.ptr, '\n', text.len) != NULL ||
		memchr(text.ptr, '\r', text.len) != NULL) {
		return (struct pol_str){ 0 };
	}
	memcpy(grant, before, sizeof before - 1);
	memcpy(grant + sizeof before - 1, text.ptr, text.len);
	return pol_stored_text_wrap(arena, (struct pol_str){ grant, len });
}

/* Parses the text, unless it was parsed last. Lines of one condition follow each other. */
static enum pol_status parse(struct pol_stored_conditions *conditions, struct pol_str text)
{
	struct pol_arena *scratch = &conditions->scratch;
	struct pol_source *source = &conditions->source;
	struct pol_ast *ast;
	struct pol_diags diags;
	enum pol_status status;

	if (conditions->text.ptr != NULL && pol_str_equal(conditions->text, text)) {
		return POL_OK;
	}
	conditions->parsed = NULL;
	conditions->text = pol_arena_copy(scratch, text);
	ast = pol_arena_alloc(scratch, 1, sizeof *ast);
	*source = (struct pol_source){ POL_STR("condition"), put_grant(scratch, text) };
	if (scratch->status != POL_OK || source->text.ptr == NULL) {
		return scratch->status;
	}
	pol_diags_init(&diags, source, 1);
	status = pol_parse(source, 1, scratch, &diags, ast);
	if (status == POL_OK && diags.errors == 0 && pol_stored_text_is_one_grant(ast) &&
		!ast->roles[0].grants[0].except) {
		conditions->parsed = ast->roles[0].grants[0].when;
	}
	pol_diags_finish(&diags);
	return status == POL_EINVALID ? POL_OK : status;
}

enum pol_status pol_stored_condition_read(struct pol_stored_conditions *conditions,
	struct pol_str text, uint32_t node, const struct pol_condition **out)
{
	struct pol_parameter items[POL_PATH_SEGMENTS];
	struct pol_parameters parameters = { .items = items };
	struct pol_diags diags;
	enum pol_status status = begin(conditions);

	*out = NULL;
	if (status == POL_OK) {
		status = parse(conditions, text);
	}
	if (status != POL_OK || conditions->parsed == NULL) {
		return status;
	}
	parameters.count = find_parameters(conditions->snapshot, node, items);
	pol_diags_init(&diags, &conditions->source, 1);
	conditions->compiler.diags = &diags;
	status = pol_compile_condition(&conditions->compiler, conditions->parsed, &parameters, out);
	if (diags.errors > 0) {
		*out = NULL;
	}
	pol_diags_finish(&diags);
	return status;
}

void pol_stored_condition_end(struct pol_stored_conditions *conditions)
{
	if (conditions->work != NULL) {
		pol_arena_finish(&conditions->work->arena);
		pol_arena_finish(&conditions->scratch);
		free(conditions->work);
	}
}
