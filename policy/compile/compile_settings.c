/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"
#include "policy/text/timetext.h"

static const struct pol_environment default_environment = {
	.name = POL_STR_INIT("live"),
	.prefix = POL_STR_INIT("ak_live_"),
};

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What is wrong with a key prefix, or NULL. */
static const char *prefix_fault(struct pol_str prefix)
{
	for (size_t i = 0; i < prefix.len; i++) {
		char c = prefix.ptr[i];

		if (c != '_' && !is_letter_or_digit(c)) {
			return "a prefix is of letters, digits and single underscores";
		}
		if (c == '_' && i == 0) {
			return "a prefix begins with a letter or a digit";
		}
		if (c == '_' && prefix.ptr[i - 1] == '_') {
			return "the underscores of a prefix stand singly";
		}
	}
	if (prefix.len == 0 || prefix.ptr[prefix.len - 1] != '_') {
		return "a prefix ends in an underscore";
	}
	return NULL;
}

/* Reports what is wrong with environment i. `names` and `prefixes` have those before it, and get
 * its own. False when an earlier one has its name. */
static bool check_environment(struct pol_compiler *compiler, uint32_t i, struct pol_names *names,
	struct pol_names *prefixes)
{
	const struct pol_ast_environment *all = compiler->ast->environments;
	const struct pol_ast_environment *one = &all[i];
	const char *fault = prefix_fault(one->prefix.text);
	struct pol_diag *diag;
	uint32_t name = pol_names_add(names, one->name.text, i);
	uint32_t prefix = pol_names_add(prefixes, one->prefix.text, i);

	if (fault != NULL) {
		pol_diag_error(compiler->diags, one->prefix.at, "%s", fault);
	}
	if (one->name.at.file != all[0].name.at.file) {
		diag = pol_diag_error(compiler->diags, one->name.at,
			"declare all environments in one file, so that their order is plain");
		pol_diag_note(compiler->diags, diag, all[0].name.at, "the first is here");
	}
	if (name != i) {
		diag = pol_diag_error(compiler->diags, one->name.at,
			"environment '%.*s' is declared twice", POL_STR_ARGS(one->name.text));
		pol_diag_note(compiler->diags, diag, all[name].name.at, "first here");
	} else if (prefix != i) {
		diag = pol_diag_error(compiler->diags, one->prefix.at,
			"prefix '%.*s' is that of environment '%.*s' already",
			POL_STR_ARGS(one->prefix.text), POL_STR_ARGS(all[prefix].name.text));
		pol_diag_note(compiler->diags, diag, all[prefix].prefix.at, "declared here");
	}
	return name == i;
}

enum pol_status pol_compile_settings_environments(struct pol_compiler *compiler)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	const struct pol_ast *ast = compiler->ast;
	size_t most = ast->environments_count > 0 ? ast->environments_count : 1;
	struct pol_names names = { 0 };
	struct pol_names prefixes = { 0 };
	enum pol_status status =
		pol_names_init(&snapshot->environment_names, &snapshot->arena, most);

	if (status == POL_OK) {
		status = pol_names_init(&names, compiler->scratch, most);
	}
	if (status == POL_OK) {
		status = pol_names_init(&prefixes, compiler->scratch, most);
	}

	snapshot->environments =
		pol_arena_alloc(&snapshot->arena, most, sizeof *snapshot->environments);
	if (status == POL_OK) {
		status = snapshot->arena.status;
	}
	for (uint32_t i = 0; status == POL_OK && i < ast->environments_count; i++) {
		const struct pol_ast_environment *from = &ast->environments[i];

		if (!check_environment(compiler, i, &names, &prefixes)) {
			continue;
		}
		snapshot->environments[snapshot->environment_count++] = (struct pol_environment){
			.name = pol_compile_text(compiler, from->name.text),
			.prefix = pol_compile_text(compiler, from->prefix.text),
			.description = pol_compile_text(compiler, from->description.text),
		};
	}
	if (status == POL_OK && ast->environments_count == 0) {
		snapshot->environments[snapshot->environment_count++] = default_environment;
	}
	if (status != POL_OK || snapshot->arena.status != POL_OK) {
		return status != POL_OK ? status : snapshot->arena.status;
	}
	for (uint32_t i = 0; i < snapshot->environment_count; i++) {
		pol_names_add(&snapshot->environment_names, snapshot->environments[i].name, i);
	}
	return POL_OK;
}

/* --- limits --- */

#define DAY ((uint64_t)24 * 60 * 60)

/* The longest duration: added to any time of this epoch it cannot overflow. */
#define LONGEST (DAY * 1000 * 366)
/* The largest count. */
#define MOST UINT64_C(1000000000)

enum limit {
	LIMIT_KEYS = 0,
	LIMIT_SECRETS,
	LIMIT_KEY_TTL,
	LIMIT_KEY_MAX_TTL,
	LIMIT_OVERLAP,
	LIMIT_MAX_OVERLAP,
	LIMIT_COUNT
};

struct limit_row {
	struct pol_str name;
	bool duration;
	uint64_t by_default;
};

static const struct limit_row limit_rows[LIMIT_COUNT] = {
	[LIMIT_KEYS] = { POL_STR_INIT("keys_per_principal"), false, 0 },
	[LIMIT_SECRETS] = { POL_STR_INIT("secrets_per_principal"), false, 0 },
	[LIMIT_KEY_TTL] = { POL_STR_INIT("key_ttl"), true, 0 },
	[LIMIT_KEY_MAX_TTL] = { POL_STR_INIT("key_max_ttl"), true, 0 },
	[LIMIT_OVERLAP] = { POL_STR_INIT("rotation_overlap"), true, DAY },
	[LIMIT_MAX_OVERLAP] = { POL_STR_INIT("rotation_max_overlap"), true, 30 * DAY },
};

static enum pol_status parse_count(struct pol_str text, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return POL_EINVALID;
		}
		value = value * 10 + (uint64_t)(text.ptr[i] - '0');
		if (value > MOST) {
			return POL_ELIMIT;
		}
	}
	*out = value;
	return value > 0 ? POL_OK : POL_EINVALID;
}

static void read_limit(struct pol_compiler *compiler, const struct limit_row *row,
	const struct pol_word *word, uint64_t *out)
{
	uint64_t value = 0;
	enum pol_status status = row->duration ? pol_timetext_parse_duration(word->text, &value)
					       : parse_count(word->text, &value);

	if (status == POL_ELIMIT || (status == POL_OK && row->duration && value > LONGEST)) {
		pol_diag_error(compiler->diags, word->at, "'%.*s' is too large: at most %s",
			POL_STR_ARGS(word->text), row->duration ? "366000d" : "1000000000");
	} else if (status != POL_OK) {
		pol_diag_error(compiler->diags, word->at,
			row->duration
				? "'%.*s' is not a duration: a number above zero and s, m, h or d, "
				  "as in 365d"
				: "'%.*s' is not a limit: a number above zero (leave the line out "
				  "for no limit)",
			POL_STR_ARGS(word->text));
	} else {
		*out = value;
	}
}

static size_t find_limit(struct pol_compiler *compiler, const struct pol_word *name)
{
	struct pol_nearest nearest = pol_nearest_to(name->text);

	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		if (pol_str_equal(limit_rows[i].name, name->text)) {
			return i;
		}
		pol_nearest_offer(&nearest, limit_rows[i].name);
	}
	pol_diag_error(compiler->diags, name->at, "unknown limit '%.*s'" POL_NEAREST,
		POL_STR_ARGS(name->text), POL_NEAREST_ARGS(nearest));
	return LIMIT_COUNT;
}

/* Reports limit `low` when it is above limit `high`, at a line that was written. */
static void check_order(struct pol_compiler *compiler, const uint64_t *values,
	const struct pol_ast_limit *const *lines, enum limit low, enum limit high)
{
	const struct pol_ast_limit *line = lines[low] != NULL ? lines[low] : lines[high];
	struct pol_diag *diag;

	if (line == NULL || values[high] == 0 || values[low] <= values[high]) {
		return;
	}
	diag = pol_diag_error(compiler->diags, line->value.at, "%.*s%s is longer than %.*s%s",
		POL_STR_ARGS(limit_rows[low].name), lines[low] == NULL ? " (24h by default)" : "",
		POL_STR_ARGS(limit_rows[high].name),
		lines[high] == NULL ? " (30d by default)" : "");
	if (lines[low] != NULL && lines[high] != NULL) {
		pol_diag_note(compiler->diags, diag, lines[high]->value.at, "that is here");
	}
}

enum pol_status pol_compile_settings_limits(struct pol_compiler *compiler)
{
	const struct pol_ast_limit *lines[LIMIT_COUNT] = { NULL };
	uint64_t values[LIMIT_COUNT];

	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		values[i] = limit_rows[i].by_default;
	}
	for (size_t i = 0; i < compiler->ast->limits_count; i++) {
		const struct pol_ast_limit *line = &compiler->ast->limits[i];
		size_t limit = find_limit(compiler, &line->name);

		if (limit == LIMIT_COUNT) {
			continue;
		}
		if (lines[limit] != NULL) {
			struct pol_diag *diag = pol_diag_error(compiler->diags, line->name.at,
				"limit '%.*s' is given twice", POL_STR_ARGS(line->name.text));

			pol_diag_note(compiler->diags, diag, lines[limit]->name.at, "first here");
			continue;
		}
		lines[limit] = line;
		read_limit(compiler, &limit_rows[limit], &line->value, &values[limit]);
	}
	check_order(compiler, values, lines, LIMIT_KEY_TTL, LIMIT_KEY_MAX_TTL);
	check_order(compiler, values, lines, LIMIT_OVERLAP, LIMIT_MAX_OVERLAP);
	compiler->snapshot->limits = (struct pol_limits){
		.keys_per_principal = values[LIMIT_KEYS],
		.secrets_per_principal = values[LIMIT_SECRETS],
		.key_ttl = values[LIMIT_KEY_TTL],
		.key_max_ttl = values[LIMIT_KEY_MAX_TTL],
		.rotation_overlap = values[LIMIT_OVERLAP],
		.rotation_max_overlap = values[LIMIT_MAX_OVERLAP],
	};
	return POL_OK;
}
