/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parse.h"

#include <string.h>

#include "policy/language/parser.h"

/* A new zeroed statement at the end of its list in the AST. NULL: no memory. */
#define APPEND(parser, field)                                                                      \
	append((parser), (void **)&(parser)->ast->field, &(parser)->ast->field##_count,            \
		&(parser)->ast->field##_capacity, sizeof *(parser)->ast->field)

static void *append(
	struct pol_parser *parser, void **items, size_t *count, size_t *capacity, size_t size)
{
	if (*count == *capacity) {
		void *grown =
			pol_arena_grow(parser->arena, *items, *count, *count + 1, size, capacity);

		if (grown == NULL) {
			parser->status = parser->arena->status;
			return NULL;
		}
		*items = grown;
	}
	return (unsigned char *)*items + size * (*count)++;
}

/* Removes the last statement of a list unless `keep`, so that a statement with a mistake does not
 * cause further ones. Returns ok. */
static bool keep_if(size_t *count, bool keep, bool ok)
{
	if (!keep) {
		--*count;
	}
	return ok;
}

/* environment = "environment" NAME [ STRING ] "prefix" WORD */
static bool read_environment(struct pol_parser *parser, struct pol_ast_environment *out)
{
	static const char *const keywords[] = { "prefix", NULL };

	if (!pol_parse_words_name(parser, "an environment's name", POL_SHAPE_NAME, &out->name)) {
		return false;
	}
	pol_parse_words_description(parser, &out->description);
	if (!pol_parser_take_keyword(parser, "prefix")) {
		return pol_parse_words_expected(
			parser, "'prefix' and what its keys begin with", keywords);
	}
	return pol_parse_words_name(
		parser, "what keys begin with, such as acme_live_", POL_SHAPE_ANY, &out->prefix);
}

static bool environment(struct pol_parser *parser)
{
	struct pol_ast_environment *out = APPEND(parser, environments);
	bool ok = out != NULL && read_environment(parser, out);

	return out != NULL && keep_if(&parser->ast->environments_count, ok, ok);
}

static bool tree(struct pol_parser *parser)
{
	struct pol_ast_tree *out = APPEND(parser, trees);
	bool ok = out != NULL && pol_parse_tree(parser, out);

	if (out != NULL) {
		out->broken = !ok;
		parser->after_tree = true;
	}
	return ok;
}

static bool scope(struct pol_parser *parser)
{
	struct pol_ast_grantee *out = APPEND(parser, scopes);

	return out != NULL && pol_parse_grants_grantee(parser, true, out);
}

static bool role(struct pol_parser *parser)
{
	struct pol_ast_grantee *out = APPEND(parser, roles);

	return out != NULL && pol_parse_grants_grantee(parser, false, out);
}

static bool principal(struct pol_parser *parser)
{
	struct pol_ast_principal *out = APPEND(parser, principals);

	return out != NULL && pol_parse_principal(parser, out);
}

/* exclusive = "exclusive" ID comma ID { comma ID } */
static bool exclusive(struct pol_parser *parser)
{
	struct pol_ast_exclusive *out = APPEND(parser, exclusives);

	if (out == NULL) {
		return false;
	}
	out->at = parser->token.at;
	if (!pol_parse_words_ids(parser, "a role's name", &out->roles)) {
		return keep_if(&parser->ast->exclusives_count, false, false);
	}
	if (out->roles.count < 2 && pol_parser_at_line_end(parser)) {
		pol_diag_error(parser->diags, out->at,
			"'exclusive' names at least two roles, with a comma between them");
	}
	return true;
}

/* limits = "limits" "{" limitlines "}" */
static bool limits(struct pol_parser *parser)
{
	if (!pol_parse_block_open(parser, "limits")) {
		return false;
	}
	while (pol_parse_block_more(parser)) {
		struct pol_ast_limit *out = APPEND(parser, limits);
		uint32_t start = parser->token.at.offset;
		bool ok = out != NULL &&
			  pol_parse_words_name(
				  parser, "a limit's name", POL_SHAPE_NAME, &out->name) &&
			  pol_parse_words_name(parser, "the limit's value, such as 2 or 30d",
				  POL_SHAPE_ANY, &out->value);

		if (out == NULL) {
			return false;
		}
		pol_parse_block_end_line(
			parser, keep_if(&parser->ast->limits_count, ok, ok), start, NULL);
	}
	return true;
}

static bool stack(struct pol_parser *parser)
{
	struct pol_ast_stack *out = APPEND(parser, stacks);

	return out != NULL && pol_parse_stack(parser, out);
}

static bool test(struct pol_parser *parser)
{
	struct pol_ast_test *out = APPEND(parser, tests);

	return out != NULL && pol_parse_test(parser, out);
}

/* facts = "facts" "{" factlines "}" */
static bool facts(struct pol_parser *parser)
{
	if (!pol_parse_block_open(parser, "the facts")) {
		return false;
	}
	while (pol_parse_block_more(parser)) {
		struct pol_ast_fact *out = APPEND(parser, facts);
		uint32_t start = parser->token.at.offset;
		size_t errors = parser->diags->errors;
		bool ok = out != NULL && pol_parse_facts_fact(parser, out);

		if (out == NULL) {
			return false;
		}
		pol_parse_block_end_line(parser, ok, start, NULL);
		out->incomplete = !ok || parser->diags->errors > errors;
		(void)keep_if(&parser->ast->facts_count, out->name.text.len > 0, ok);
	}
	return true;
}

/* named = "condition" NAME "=" { NL } condition */
static bool condition(struct pol_parser *parser)
{
	struct pol_ast_named_condition *out = APPEND(parser, conditions);
	size_t errors = parser->diags->errors;
	bool ok = out != NULL && pol_parse_condition_named(parser, out);

	if (out == NULL) {
		return false;
	}
	out->incomplete = !ok || !pol_parser_at_line_end(parser) || parser->diags->errors > errors;
	return keep_if(&parser->ast->conditions_count, out->name.text.len > 0, ok);
}

static const struct {
	const char *keyword;
	bool (*parse)(struct pol_parser *parser); /* NULL: reserved */
	const char *continuation;                 /* a keyword that may follow the name */
} statements[] = {
	{ "condition", condition, NULL },
	{ "environment", environment, NULL },
	{ "exclusive", exclusive, NULL },
	{ "facts", facts, NULL },
	{ "group", NULL, NULL },
	{ "limits", limits, NULL },
	{ "principal", principal, NULL },
	{ "role", role, "inherits" },
	{ "scope", scope, "includes" },
	{ "stack", stack, NULL },
	{ "test", test, NULL },
	{ "tree", tree, NULL },
};

#define STATEMENT_COUNT (sizeof statements / sizeof *statements)

/* The index of the statement with that keyword, or STATEMENT_COUNT. */
static size_t find_statement(struct pol_str word)
{
	size_t i = 0;

	while (i < STATEMENT_COUNT && !pol_str_equal(word, pol_str_of(statements[i].keyword))) {
		i++;
	}
	return i;
}

/* After an unknown statement: skips to the next one. Indented lines belong to the unknown one. */
static void skip_statement(struct pol_parser *parser)
{
	for (;;) {
		pol_parse_block_skip_line(parser);
		while (pol_parser_at(parser, POL_TOKEN_NL) ||
			pol_parser_at(parser, POL_TOKEN_CLOSE)) {
			pol_parse_block_next(parser);
		}
		if (pol_parser_at(parser, POL_TOKEN_END) || pol_parser_at(parser, POL_TOKEN_TOP) ||
			(parser->token.first && parser->token.column1)) {
			return;
		}
	}
}

/* Reports a token that begins no statement. Returns the index of the statement that was probably
 * meant, so that the mistakes in its body are reported too, or STATEMENT_COUNT. */
static size_t unknown_statement(struct pol_parser *parser)
{
	struct pol_str word = parser->token.raw;
	struct pol_str shown = pol_parse_words_clip(word);
	struct pol_nearest nearest = pol_nearest_to(word);

	if (pol_parser_at(parser, POL_TOKEN_CLOSE)) {
		pol_diag_error(parser->diags, parser->token.at, "a '}' without its '{'");
		return STATEMENT_COUNT;
	}
	if (!pol_parser_at(parser, POL_TOKEN_WORD)) {
		pol_parse_words_expected(parser, "a statement, such as 'role'", NULL);
		return STATEMENT_COUNT;
	}
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		pol_nearest_offer(&nearest, pol_str_of(statements[i].keyword));
	}
	if (nearest.best.len == 0) {
		pol_diag_error(parser->diags, parser->token.at,
			"'%.*s' begins no statement: expected environment, tree, scope, role, "
			"principal, exclusive, limits, stack, test, facts or condition",
			POL_STR_ARGS(shown));
		return STATEMENT_COUNT;
	}
	pol_diag_error(parser->diags, parser->token.at, "'%.*s' begins no statement" POL_NEAREST,
		POL_STR_ARGS(shown), POL_NEAREST_ARGS(nearest));
	return find_statement(nearest.best);
}

/* Does the token belong to the tree before it? Then an extra '}' has ended that tree too early. */
static bool breaks_tree(const struct pol_parser *parser)
{
	return parser->after_tree && !pol_parser_at(parser, POL_TOKEN_TOP) &&
	       (pol_parser_at(parser, POL_TOKEN_CLOSE) || !parser->token.column1 ||
		       (pol_parser_at(parser, POL_TOKEN_WORD) && parser->token.raw.ptr[0] == '/'));
}

static void statement(struct pol_parser *parser)
{
	uint32_t start = parser->token.at.offset;
	const char *keywords[2] = { NULL, NULL };
	struct pol_span at = parser->token.at;
	size_t i = find_statement(parser->token.raw);
	bool known = i < STATEMENT_COUNT;

	parser->unwinding = false;
	if (!known) {
		if (breaks_tree(parser)) {
			parser->ast->trees[parser->ast->trees_count - 1].broken = true;
		}
		i = unknown_statement(parser);
	}
	parser->after_tree = false;
	if (i == STATEMENT_COUNT) {
		pol_parse_block_next(parser);
		skip_statement(parser);
		return;
	}
	if (statements[i].parse == NULL) {
		if (known) {
			pol_diag_error(parser->diags, at,
				"'%s' is reserved for statements that this version does not have",
				statements[i].keyword);
		}
		pol_parse_block_next(parser);
		skip_statement(parser);
		return;
	}
	keywords[0] = statements[i].continuation;
	pol_parse_block_next(parser);
	pol_parse_block_end_line(parser, statements[i].parse(parser), start, keywords);
}

void pol_parse_part(struct pol_parser *parser, uint32_t file, struct pol_str text, uint32_t begin)
{
	pol_lexer_init(&parser->lexer, parser->diags, file, text);
	parser->lexer.pos = begin;
	parser->lexer.line_start = begin;
	parser->depth = 0;
	parser->after_tree = false;
	parser->joint = (struct pol_span){ 0 };
	pol_parse_block_next(parser);
	while (parser->status == POL_OK && !pol_parser_at(parser, POL_TOKEN_END)) {
		if (pol_parser_at(parser, POL_TOKEN_NL)) {
			pol_parse_block_next(parser);
		} else if (pol_parser_at(parser, POL_TOKEN_BAD)) {
			pol_parse_block_next(parser);
			pol_parse_block_skip_line(parser);
		} else {
			statement(parser);
		}
	}
}

/* Parses each file. One that is too large is reported and not parsed. */
static void parse_files(struct pol_parser *parser, const struct pol_source *sources, size_t count)
{
	size_t total = 0;

	for (uint32_t i = 0; i < count && parser->status == POL_OK; i++) {
		struct pol_span at = { i, 0, 0 };

		total += sources[i].text.len;
		if (sources[i].text.len > POL_FILE_MAX) {
			pol_diag_error(
				parser->diags, at, "the file is larger than 8 MiB: split it");
		} else if (total > POL_FOLDER_MAX) {
			pol_diag_error(parser->diags, at,
				"the folder's policies are larger than 64 MiB together: make them "
				"smaller");
			return;
		} else {
			pol_parse_part(parser, i, sources[i].text, 0);
		}
	}
}

enum pol_status pol_parse(const struct pol_source *sources, size_t count, struct pol_arena *arena,
	struct pol_diags *diags, struct pol_ast *out)
{
	struct pol_parser parser = { .arena = arena, .diags = diags, .ast = out };
	size_t before = diags->errors;

	*out = (struct pol_ast){ 0 };
	if (count == 0) {
		pol_diag_error(diags, POL_NO_POSITION,
			"there is no policy: the folder holds no file whose name ends in .policy");
		return POL_EINVALID;
	}
	pol_arena_init_shared(&parser.scratch, arena->limit, arena->budget);
	parse_files(&parser, sources, count);
	pol_arena_finish(&parser.scratch);
	if (parser.status != POL_OK) {
		return parser.status;
	}
	return diags->errors == before ? POL_OK : POL_EINVALID;
}
