/* SPDX-License-Identifier: Apache-2.0 */
#include "ast_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/language/parse.h"

/* Lengths come first, so that no two lists have the same text. */
static void put_word(FILE *out, const struct pol_word *word)
{
	fprintf(out, " %zu%s'%.*s'", word->text.len, word->text.ptr == NULL ? "-" : "",
		POL_STR_ARGS(word->text));
}

static void put_words(FILE *out, const struct pol_words *words)
{
	fprintf(out, " %u[", words->count);
	for (uint32_t i = 0; i < words->count; i++) {
		put_word(out, &words->items[i]);
	}
	fprintf(out, "]");
}

static void put_path(FILE *out, const struct pol_ast_path *path)
{
	fprintf(out, " %u/", path->count);
	for (uint32_t i = 0; i < path->count; i++) {
		struct pol_word word = { .text = path->segments[i].text };

		fprintf(out, " %d", (int)path->segments[i].kind);
		put_word(out, &word);
	}
}

static void put_patterns(FILE *out, const struct pol_ast_patterns *patterns)
{
	fprintf(out, "\n  %u patterns", patterns->count);
	for (uint32_t i = 0; i < patterns->count; i++) {
		put_word(out, &patterns->items[i].tree);
		put_path(out, &patterns->items[i].path);
	}
}

static void put_assignment(FILE *out, const struct pol_ast_assignment *held)
{
	put_words(out, &held->roles);
	put_words(out, &held->places);
	put_word(out, &held->until);
}

static void put_entries(FILE *out, const struct pol_ast_entry *entries, uint32_t count)
{
	fprintf(out, "\n %u entries", count);
	for (uint32_t i = 0; i < count; i++) {
		const struct pol_ast_entry *one = &entries[i];

		fprintf(out, "\n %d", (int)one->kind);
		put_word(out, &one->description);
		if (one->kind == POL_ENTRY_NODE) {
			fprintf(out, " %u paths", one->path_count);
			for (uint32_t k = 0; k < one->path_count; k++) {
				put_path(out, &one->paths[k]);
			}
			put_entries(out, one->entries, one->entry_count);
		} else {
			put_word(out, &one->name);
			put_words(out, &one->methods);
			fprintf(out, " %d", one->yes);
		}
	}
}

static void put_operands(FILE *out, const struct pol_ast_operands *operands)
{
	fprintf(out, " %u[", operands->count);
	for (uint32_t i = 0; i < operands->count; i++) {
		fprintf(out, " %d", (int)operands->items[i].kind);
		put_word(out, &operands->items[i].word);
	}
	fprintf(out, "]");
}

static void put_condition(FILE *out, const struct pol_ast_condition *condition)
{
	fprintf(out, " (%d", (int)condition->kind);
	if (condition->kind == POL_AST_COMPARE) {
		const struct pol_ast_operands left = {
			(struct pol_ast_operand[]){ condition->left }, 1
		};

		put_operands(out, &left);
		fprintf(out, " %d", (int)condition->comparison);
		put_operands(out, &condition->right);
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		put_condition(out, &condition->parts[i]);
	}
	fprintf(out, ")");
}

static void put_given(FILE *out, const struct pol_ast_given *given, uint32_t count)
{
	fprintf(out, " %u given", count);
	for (uint32_t i = 0; i < count; i++) {
		put_word(out, &given[i].name);
		put_operands(out, &given[i].values);
	}
}

static void put_facts(FILE *out, const struct pol_ast *ast)
{
	fprintf(out, "\n%zu facts", ast->facts_count);
	for (size_t i = 0; i < ast->facts_count; i++) {
		put_word(out, &ast->facts[i].name);
		put_words(out, &ast->facts[i].types);
		put_operands(out, &ast->facts[i].presets);
	}
	fprintf(out, "\n%zu conditions", ast->conditions_count);
	for (size_t i = 0; i < ast->conditions_count; i++) {
		put_word(out, &ast->conditions[i].name);
		put_condition(out, &ast->conditions[i].condition);
	}
}

static void put_grantees(FILE *out, const struct pol_ast_grantee *items, size_t count)
{
	fprintf(out, "\n%zu grantees", count);
	for (size_t i = 0; i < count; i++) {
		put_word(out, &items[i].name);
		put_word(out, &items[i].description);
		put_words(out, &items[i].parents);
		fprintf(out, " %u grants", items[i].grant_count);
		for (uint32_t k = 0; k < items[i].grant_count; k++) {
			const struct pol_ast_grant *grant = &items[i].grants[k];

			fprintf(out, "\n %d%d%d%d", grant->deny, grant->all, grant->except,
				grant->except_all);
			put_words(out, &grant->verbs);
			put_patterns(out, &grant->patterns);
			put_words(out, &grant->except_verbs);
			put_patterns(out, &grant->except_patterns);
			if (grant->when != NULL) {
				put_condition(out, grant->when);
			}
		}
	}
}

static void put_principals(FILE *out, const struct pol_ast *ast)
{
	fprintf(out, "\n%zu principals", ast->principals_count);
	for (size_t i = 0; i < ast->principals_count; i++) {
		const struct pol_ast_principal *one = &ast->principals[i];

		put_word(out, &one->id);
		put_word(out, &one->description);
		fprintf(out, " %u peers", one->peer_count);
		for (uint32_t k = 0; k < one->peer_count; k++) {
			fprintf(out, " %d", one->peers[k].group);
			put_word(out, &one->peers[k].name);
		}
		fprintf(out, " %u held", one->held_count);
		for (uint32_t k = 0; k < one->held_count; k++) {
			put_assignment(out, &one->held[k]);
		}
		put_given(out, one->attributes, one->attribute_count);
	}
}

static void put_stacks(FILE *out, const struct pol_ast *ast)
{
	fprintf(out, "\n%zu stacks", ast->stacks_count);
	for (size_t i = 0; i < ast->stacks_count; i++) {
		put_word(out, &ast->stacks[i].name);
		fprintf(out, " %u lines", ast->stacks[i].line_count);
		for (uint32_t k = 0; k < ast->stacks[i].line_count; k++) {
			const struct pol_ast_line *line = &ast->stacks[i].lines[k];

			fprintf(out, "\n %d %d", (int)line->group, (int)line->control);
			put_word(out, &line->module);
			fprintf(out, " %u arguments", line->argument_count);
			for (uint32_t n = 0; n < line->argument_count; n++) {
				put_words(out, &line->arguments[n].values);
			}
		}
	}
}

static void put_tests(FILE *out, const struct pol_ast *ast)
{
	fprintf(out, "\n%zu tests", ast->tests_count);
	for (size_t i = 0; i < ast->tests_count; i++) {
		put_word(out, &ast->tests[i].name);
		fprintf(out, " %u steps", ast->tests[i].step_count);
		for (uint32_t k = 0; k < ast->tests[i].step_count; k++) {
			const struct pol_ast_step *step = &ast->tests[i].steps[k];

			fprintf(out, "\n %d %d", (int)step->kind, step->deny);
			put_word(out, &step->word);
			put_words(out, &step->words);
			put_assignment(out, &step->held);
			put_words(out, &step->verbs);
			put_words(out, &step->places);
			put_word(out, &step->because);
			put_given(out, step->given, step->given_count);
		}
	}
}

static void put_ast(FILE *out, const struct pol_ast *ast)
{
	fprintf(out, "%zu environments", ast->environments_count);
	for (size_t i = 0; i < ast->environments_count; i++) {
		put_word(out, &ast->environments[i].name);
		put_word(out, &ast->environments[i].description);
		put_word(out, &ast->environments[i].prefix);
	}
	fprintf(out, "\n%zu trees", ast->trees_count);
	for (size_t i = 0; i < ast->trees_count; i++) {
		put_word(out, &ast->trees[i].name);
		put_word(out, &ast->trees[i].description);
		put_entries(out, ast->trees[i].entries, ast->trees[i].entry_count);
	}
	put_grantees(out, ast->roles, ast->roles_count);
	put_grantees(out, ast->scopes, ast->scopes_count);
	put_principals(out, ast);
	fprintf(out, "\n%zu exclusive", ast->exclusives_count);
	for (size_t i = 0; i < ast->exclusives_count; i++) {
		put_words(out, &ast->exclusives[i].roles);
	}
	fprintf(out, "\n%zu limits", ast->limits_count);
	for (size_t i = 0; i < ast->limits_count; i++) {
		put_word(out, &ast->limits[i].name);
		put_word(out, &ast->limits[i].value);
	}
	put_stacks(out, ast);
	put_tests(out, ast);
	put_facts(out, ast);
}

char *ast_text_of(const struct pol_ast *ast)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		abort();
	}
	put_ast(out, ast);
	fclose(out);
	return text;
}

char *ast_text(struct pol_str file)
{
	struct pol_source source = { POL_STR_INIT("a.policy"), file };
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
	char *text = NULL;

	pol_arena_init(&arena, (size_t)1 << 30);
	pol_diags_init(&diags, &source, 1);
	if (pol_parse(&source, 1, &arena, &diags, &ast) == POL_OK) {
		text = ast_text_of(&ast);
	}
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
	return text;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

char *ast_comments(struct pol_str file)
{
	char *out = malloc(file.len + 2);
	bool string = false;
	size_t len = 0;

	if (out == NULL) {
		abort();
	}
	for (size_t i = 0; i < file.len; i++) {
		if (file.ptr[i] == '\\' && string) {
			i++;
		} else if (file.ptr[i] == '"') {
			string = !string;
		} else if (file.ptr[i] == '#' && !string) {
			while (i < file.len && file.ptr[i] != '\n') {
				out[len++] = file.ptr[i++];
			}
			while (is_blank(out[len - 1])) {
				len--;
			}
			out[len++] = '\n';
		}
	}
	out[len] = '\0';
	return out;
}
