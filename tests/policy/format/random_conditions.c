/* SPDX-License-Identifier: Apache-2.0 */
#include "random_conditions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/language/parse.h"

#define LENGTH(list) (sizeof(list) / sizeof *(list))

struct maker {
	struct dice *dice;
	FILE *out;
};

static const char *pick(struct maker *maker, const char *const *words, size_t count)
{
	return words[roll(maker->dice, (unsigned)count)];
}

#define PICK(maker, words) pick((maker), (words), LENGTH(words))

static void put_operand(struct maker *maker)
{
	static const char *const operands[] = { "resource.owner", "principal.id", "resource.status",
		"context.a-very-long.name.of-a-fact.that.takes_much_room", "\"ann\"",
		"\"a \\\"b\\\" <= (c) and { # }\"", "17", "-3", "true", "8h",
		"2026-11-22T03:05:38+02:00", "10.0.0.0/8", "2001:db8::1", "draft", "{ loan }",
		"{ payment_id }", "own_branch" };

	fputs(PICK(maker, operands), maker->out);
}

static void put_list(struct maker *maker)
{
	for (unsigned i = roll(maker->dice, 4); i > 0; i--) {
		put_operand(maker);
		fputs(" , ", maker->out);
	}
	put_operand(maker);
}

static void put_comparison(struct maker *maker)
{
	static const char *const one[] = { "is", "is not", "<", "<=", ">", ">=", "has" };
	static const char *const many[] = { "in", "not in", "has any", "has all" };

	put_operand(maker);
	if (chance(maker->dice, 20)) {
		return;
	}
	if (chance(maker->dice, 60)) {
		fprintf(maker->out, " %s ", PICK(maker, one));
		put_operand(maker);
	} else {
		fprintf(maker->out, " %s ", PICK(maker, many));
		put_list(maker);
	}
}

static void put_condition(struct maker *maker, unsigned levels)
{
	for (unsigned i = roll(maker->dice, 4);; i--) {
		if (chance(maker->dice, 20)) {
			fputs("not ", maker->out);
		}
		if (levels > 0 && chance(maker->dice, 30)) {
			fputs("( ", maker->out);
			put_condition(maker, levels - 1);
			fputs(" )", maker->out);
		} else {
			put_comparison(maker);
		}
		if (i == 0) {
			return;
		}
		fputs(chance(maker->dice, 50) ? " and " : " or ", maker->out);
	}
}

static void put_facts(struct maker *maker)
{
	static const char *const names[] = { "resource.owner", "principal.approval_limit",
		"action.how", "context.a.b-c.2nd" };
	static const char *const types[] = { "string", "strings", "int", "draft | active | done",
		"a | b" };
	static const char *const presets[] = { "", "", " default 3", " default \"a b\"",
		" default \"a\" , \"b\"", " default empty" };

	fputs("facts {\n", maker->out);
	for (unsigned i = roll(maker->dice, 6); i > 0; i--) {
		fprintf(maker->out, "%s %s%s%s\n", PICK(maker, names), PICK(maker, types),
			PICK(maker, presets), chance(maker->dice, 20) ? " # why\n" : "");
	}
	fputs("}\n", maker->out);
}

static void put_grants(struct maker *maker)
{
	static const char *const grants[] = { "allow GET on t:/a", "deny GET , PUT on t:/a , t:/b",
		"allow all on t:/loans/{loan}", "allow all on t:/** except DELETE",
		"deny x on t:/a { /b , /c { /d } }", "allow x on t:/a {\n/b\n/c\n}" };

	fprintf(maker->out, "%s r {", chance(maker->dice, 50) ? "role" : "scope");
	if (chance(maker->dice, 20)) {
		fputs(" allow x on t:/a when ", maker->out);
		put_condition(maker, 2);
		fputs(" }\n", maker->out);
		return;
	}
	fputs("\n", maker->out);
	for (unsigned i = roll(maker->dice, 6); i > 0; i--) {
		fputs(PICK(maker, grants), maker->out);
		if (chance(maker->dice, 70)) {
			fputs(chance(maker->dice, 30) ? "\n when " : " when ", maker->out);
			put_condition(maker, 3);
		}
		fputs(chance(maker->dice, 20) ? " # why\n" : "\n", maker->out);
	}
	fputs("}\n", maker->out);
}

static void put_values(struct maker *maker)
{
	static const char *const values[] = { "\"a\"", "\"resource.owner\"", "3", "true", "8h",
		"empty", "absent", "draft" };

	for (unsigned i = roll(maker->dice, 3); i > 0; i--) {
		fprintf(maker->out, "%s , ", PICK(maker, values));
	}
	fputs(PICK(maker, values), maker->out);
}

static void put_given(struct maker *maker)
{
	fputs("principal p {\n attribute regions ", maker->out);
	put_values(maker);
	fputs("\n}\ntest \"t\" {\n given principal.id ", maker->out);
	put_values(maker);
	for (unsigned i = roll(maker->dice, 3); i > 0; i--) {
		fputs(" , context.amount ", maker->out);
		put_values(maker);
	}
	fputs("\n allow GET t:/a\n}\n", maker->out);
}

char *make_conditions(struct dice *dice)
{
	char *text = NULL;
	size_t size;
	struct maker maker = { dice, open_memstream(&text, &size) };

	if (maker.out == NULL) {
		abort();
	}
	for (unsigned i = 1 + roll(dice, 6); i > 0; i--) {
		switch (roll(dice, 4)) {
		case 0:
			put_facts(&maker);
			break;
		case 1:
			fputs("condition own_branch = ", maker.out);
			put_condition(&maker, 3);
			fputs("\n", maker.out);
			break;
		case 2:
			put_grants(&maker);
			break;
		default:
			put_given(&maker);
			break;
		}
	}
	fclose(maker.out);
	return text;
}

static void add(struct condition_spans *out, struct pol_span at)
{
	out->items = realloc(out->items, (out->count + 2) * sizeof *out->items);
	if (out->items == NULL) {
		abort();
	}
	out->items[out->count++] = at;
}

static int by_offset(const void *a, const void *b)
{
	const struct pol_span *left = a, *right = b;

	return (left->offset > right->offset) - (left->offset < right->offset);
}

void find_conditions(struct pol_str file, struct condition_spans *out)
{
	struct pol_source source = { POL_STR_INIT("a.policy"), file };
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;

	*out = (struct condition_spans){ calloc(1, sizeof *out->items), 0 };
	pol_arena_init(&arena, (size_t)1 << 30);
	pol_diags_init(&diags, &source, 1);
	if (out->items == NULL || pol_parse(&source, 1, &arena, &diags, &ast) != POL_OK) {
		abort();
	}
	for (size_t i = 0; i < ast.conditions_count; i++) {
		add(out, ast.conditions[i].condition.at);
	}
	for (size_t i = 0; i < ast.roles_count + ast.scopes_count; i++) {
		const struct pol_ast_grantee *grantee =
			i < ast.roles_count ? &ast.roles[i] : &ast.scopes[i - ast.roles_count];

		for (uint32_t k = 0; k < grantee->grant_count; k++) {
			const struct pol_ast_grant *grant = &grantee->grants[k];

			if (grant->when != NULL) {
				add(out, pol_ast_when_at(grant, grant->when->at));
			}
		}
	}
	qsort(out->items, out->count, sizeof *out->items, by_offset);
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
}
