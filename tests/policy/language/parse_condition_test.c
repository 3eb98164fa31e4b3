/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions and facts as the parser reads them. The messages about mistakes are tested by the
 * corpus; here are those that the bounds cause. */
#include "policy/language/parse.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/value.h"

#define TEXT  ((size_t)16 * 1024)
#define LIMIT ((size_t)4 * 1024 * 1024)

/* A text that grows at its end. */
struct text {
	char bytes[TEXT];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text->len += (size_t)vsnprintf(
		text->bytes + text->len, sizeof text->bytes - text->len, format, arguments);
	va_end(arguments);
	cr_assert_lt(text->len, sizeof text->bytes);
}

static void put_operands(struct text *text, const struct pol_ast_operands *operands)
{
	for (uint32_t i = 0; i < operands->count; i++) {
		const struct pol_ast_operand *one = &operands->items[i];

		if (one->kind == POL_AST_STRING) {
			put(text, " \"%.*s\"", POL_STR_ARGS(one->word.text));
		} else if (one->kind == POL_AST_PARAMETER) {
			put(text, " {%.*s}", POL_STR_ARGS(one->word.text));
		} else {
			put(text, " %.*s", POL_STR_ARGS(one->word.text));
		}
	}
}

/* (and (is resource.a "x") b): what joins or compares comes first. */
static void put_condition(struct text *text, const struct pol_ast_condition *condition)
{
	static const char *const joints[] = { "", "not", "and", "or" };
	static const char *const comparisons[] = { "", "is", "is-not", "<", "<=", ">", ">=", "in",
		"not-in", "has", "has-any", "has-all" };
	const struct pol_ast_operands left = { (struct pol_ast_operand[]){ condition->left }, 1 };

	if (condition->kind == POL_AST_COMPARE) {
		put(text, "(%s", comparisons[condition->comparison]);
		put_operands(text, &left);
		put_operands(text, &condition->right);
	} else {
		put(text, "(%s", joints[condition->kind]);
		for (uint32_t i = 0; i < condition->part_count; i++) {
			put(text, " ");
			put_condition(text, &condition->parts[i]);
		}
	}
	put(text, ")");
}

struct parsed {
	struct pol_source source;
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
};

static enum pol_status parse(struct parsed *parsed, const char *file)
{
	parsed->source = (struct pol_source){ POL_STR_INIT("t.policy"), pol_str_of(file) };
	pol_arena_init(&parsed->arena, LIMIT);
	pol_diags_init(&parsed->diags, &parsed->source, 1);
	return pol_parse(&parsed->source, 1, &parsed->arena, &parsed->diags, &parsed->ast);
}

static void finish(struct parsed *parsed)
{
	pol_diags_finish(&parsed->diags);
	pol_arena_finish(&parsed->arena);
}

static const char *message(const struct parsed *parsed)
{
	static char out[512];
	const struct pol_diag *diag = parsed->diags.first;

	snprintf(out, sizeof out, "%.*s", POL_STR_ARGS(diag != NULL ? diag->message : POL_STR("")));
	return out;
}

struct row {
	const char *condition;
	const char *expected;
};

/* The bytes of the source that the span covers. */
static struct pol_str covered(const struct parsed *parsed, struct pol_span at)
{
	return (struct pol_str){ parsed->source.text.ptr + at.offset, at.length };
}

/* Reads each condition as a named one and as that of a grant. */
static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct text file = { .len = 0 }, named = { .len = 0 }, when = { .len = 0 };
		struct pol_str at;
		struct parsed parsed;

		put(&file, "condition c = %s\nrole r {\nallow x on t:/a when %s\n}\n",
			rows[i].condition, rows[i].condition);
		cr_assert_eq(parse(&parsed, file.bytes), POL_OK, "%s: %s", rows[i].condition,
			message(&parsed));
		cr_assert_eq(parsed.ast.conditions_count, 1);
		cr_assert_eq(parsed.ast.roles_count, 1);
		cr_assert_eq(parsed.ast.roles[0].grant_count, 1);
		put_condition(&named, &parsed.ast.conditions[0].condition);
		put_condition(&when, parsed.ast.roles[0].grants[0].when);
		cr_expect_str_eq(named.bytes, rows[i].expected, "%s", rows[i].condition);
		cr_expect_str_eq(when.bytes, rows[i].expected, "%s", rows[i].condition);
		at = covered(&parsed, parsed.ast.conditions[0].condition.at);
		cr_expect(pol_str_equal(at, pol_str_of(rows[i].condition)), "%s: covered is '%.*s'",
			rows[i].condition, POL_STR_ARGS(at));
		finish(&parsed);
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

Test(parse_condition, each_comparison_is_read)
{
	static const struct row rows[] = {
		{ "own", "( own)" },
		{ "resource.open", "( resource.open)" },
		{ "{user} is principal.id", "(is {user} principal.id)" },
		{ "{ user } is principal.id", "(is {user} principal.id)" },
		{ "a.b is not \"x y\"", "(is-not a.b \"x y\")" },
		{ "a.b is \"say \\\"x\\\"\"", "(is a.b \"say \"x\"\")" },
		{ "a < 3", "(< a 3)" },
		{ "a <= -3", "(<= a -3)" },
		{ "a > 8h", "(> a 8h)" },
		{ "a >= 2026-11-22T03:05:38+02:00", "(>= a 2026-11-22T03:05:38+02:00)" },
		{ "3 < a", "(< 3 a)" },
		{ "context.ip in 10.0.0.0/8, 2001:db8::/32",
			"(in context.ip 10.0.0.0/8 2001:db8::/32)" },
		{ "a not in draft, active", "(not-in a draft active)" },
		{ "a has \"x\"", "(has a \"x\")" },
		{ "a has any \"x\", b.c", "(has-any a \"x\" b.c)" },
		{ "a has all {p}, \"y\"", "(has-all a {p} \"y\")" },
		{ "a is any", "(is a any)" },
	};

	CHECK(rows);
}

Test(parse_condition, not_binds_closest_then_and_then_or)
{
	static const struct row rows[] = {
		{ "a and b or c and d", "(or (and ( a) ( b)) (and ( c) ( d)))" },
		{ "a or b and c or d", "(or ( a) (and ( b) ( c)) ( d))" },
		{ "not a and b", "(and (not ( a)) ( b))" },
		{ "not a is b", "(not (is a b))" },
		{ "not not a", "(not (not ( a)))" },
		{ "a and not b has c", "(and ( a) (not (has b c)))" },
		{ "a and (b or c)", "(and ( a) (or ( b) ( c)))" },
		{ "not (a or b)", "(not (or ( a) ( b)))" },
		{ "((a))", "( a)" },
		{ "(a or b) and (c or d)", "(and (or ( a) ( b)) (or ( c) ( d)))" },
		{ "a in b, c and d", "(and (in a b c) ( d))" },
	};

	CHECK(rows);
}

Test(parse_condition, operators_and_parentheses_need_no_spaces)
{
	static const struct row rows[] = {
		{ "a<b", "(< a b)" },
		{ "a<=b", "(<= a b)" },
		{ "a>-3", "(> a -3)" },
		{ "3>=a.b", "(>= 3 a.b)" },
		{ "(a)and(b)", "(and ( a) ( b))" },
		{ "(a)or not(b)", "(or ( a) (not ( b)))" },
		{ "(a<3)", "(< a 3)" },
		{ "(a is \"x<=(y\")", "(is a \"x<=(y\")" },
		{ "(\"a\\\"<\"<=b)", "(<= \"a\"<\" b)" },
		{ "({a}is{b})", "(is {a} {b})" },
	};

	CHECK(rows);
}

Test(parse_condition, lines_end_where_the_grammar_lets_them)
{
	static const struct row rows[] = {
		{ "a\n  and b", "(and ( a) ( b))" },
		{ "a\nand b", "(and ( a) ( b))" },
		{ "a and\n b", "(and ( a) ( b))" },
		{ "a\n or\n\n # why\n b", "(or ( a) ( b))" },
		{ "a # one\n # two\n\n or b", "(or ( a) ( b))" },
		{ "a\r\n or b", "(or ( a) ( b))" },
		{ "not\n a", "(not ( a))" },
		{ "a is not\n b", "(is-not a b)" },
		{ "a not\n in b", "(not-in a b)" },
		{ "(\na\nis\nb\n)", "(is a b)" },
		{ "(a\n  <\n 3 and # one\n\n b) and\n c", "(and (and (< a 3) ( b)) ( c))" },
		{ "a in b,\n  c", "(in a b c)" },
		{ "(a\n in\n b,\n c)", "(in a b c)" },
		{ "(a)\nor(b)", "(or ( a) ( b))" },
	};

	CHECK(rows);
}

Test(parse_condition, a_grant_may_have_its_condition_on_the_next_line)
{
	static const char *const grants[] = { "allow x on t:/a when b", "allow x on t:/a\n when b",
		"allow x on t:/a\nwhen b", "allow x on t:/a\n\n # why\n when\n\n b",
		"allow x on t:/a when(b)", "allow x on t:/a\n when(\nb)",
		"allow x on t:/a except x when b", "allow x on t:/a except t:/a\n when b",
		"allow x on t:/a {\n /b\n /c\n}\n when b", "deny all on t:/a { /b, /c } when b" };

	for (size_t i = 0; i < sizeof grants / sizeof *grants; i++) {
		struct text file = { .len = 0 }, when = { .len = 0 };
		struct parsed parsed;

		put(&file, "scope s {\n%s\n  allow y on t:/a\n}\n", grants[i]);
		cr_assert_eq(
			parse(&parsed, file.bytes), POL_OK, "%s: %s", grants[i], message(&parsed));
		cr_assert_eq(parsed.ast.scopes[0].grant_count, 2);
		put_condition(&when, parsed.ast.scopes[0].grants[0].when);
		cr_expect_str_eq(when.bytes, "( b)", "%s", grants[i]);
		cr_expect_null(parsed.ast.scopes[0].grants[1].when);
		finish(&parsed);
	}
}

/* Operators split words of conditions alone. */
Test(parse_condition, words_elsewhere_keep_operators)
{
	struct parsed parsed;
	const struct pol_ast_grant *grants;

	cr_assert_eq(parse(&parsed, "role r {\n allow x on t:/a(b)=c!&$ when d<3 and(e)\n"
				    " allow x on t:/a(b)=c!&$\n}\n"
				    "condition f = g\nstack s { account required m a=(1),b|c }\n"),
		POL_OK, "%s", message(&parsed));
	grants = parsed.ast.roles[0].grants;
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(grants[i].patterns.items[0].path.count, 1);
		cr_expect(pol_str_equal(
			grants[i].patterns.items[0].path.segments[0].text, POL_STR("a(b)=c!&$")));
	}
	cr_expect(pol_str_equal(
		parsed.ast.stacks[0].lines[0].arguments[0].values.items[1].text, POL_STR("b|c")));
	finish(&parsed);
}

Test(parse_condition, parentheses_and_not_nest_up_to_a_bound)
{
	for (unsigned levels = POL_CONDITION_LEVELS; levels <= POL_CONDITION_LEVELS + 1; levels++) {
		bool allowed = levels <= POL_CONDITION_LEVELS;
		struct text parens = { .len = 0 }, nots = { .len = 0 };
		struct parsed parsed;

		put(&parens, "condition c = a and ");
		put(&nots, "condition c = ");
		for (unsigned i = 0; i < levels; i++) {
			put(&parens, "(");
			put(&nots, "not ");
		}
		put(&parens, "a");
		put(&nots, "a or not b\n");
		for (unsigned i = 0; i < levels; i++) {
			put(&parens, ")");
		}
		put(&parens, " and (b)\n");
		cr_expect_eq(parse(&parsed, parens.bytes), allowed ? POL_OK : POL_EINVALID);
		cr_expect_str_eq(
			message(&parsed), allowed ? "" : "a condition is nested more than 16 deep");
		cr_expect_eq(parsed.diags.errors, !allowed);
		finish(&parsed);
		cr_expect_eq(parse(&parsed, nots.bytes), allowed ? POL_OK : POL_EINVALID);
		cr_expect_str_eq(
			message(&parsed), allowed ? "" : "a condition is nested more than 16 deep");
		finish(&parsed);
	}
}

Test(parse_condition, a_list_has_items_up_to_a_bound)
{
	static const char *const lists[] = { "in", "not in", "has any", "has all" };

	for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
		for (unsigned count = POL_CONDITION_LIST; count <= POL_CONDITION_LIST + 2;
			count++) {
			bool allowed = count <= POL_CONDITION_LIST;
			struct text file = { .len = 0 };
			struct parsed parsed;

			put(&file, "condition c = a %s b0", lists[k]);
			for (unsigned i = 1; i < count; i++) {
				put(&file, ", b%u", i);
			}
			put(&file, " and d\n");
			cr_expect_eq(parse(&parsed, file.bytes), allowed ? POL_OK : POL_EINVALID);
			cr_expect_str_eq(
				message(&parsed), allowed ? "" : "a list has at most 64 items");
			cr_expect_eq(parsed.diags.errors, !allowed, "%u", count);
			finish(&parsed);
		}
	}
}

Test(parse_condition, facts_have_a_type_and_perhaps_a_default)
{
	struct parsed parsed;
	struct text got = { .len = 0 };

	cr_assert_eq(parse(&parsed, "facts {\n resource.owner.level string\n"
				    " resource.2nd draft | in-review | done default done # why\n}\n"
				    "facts { principal.regions strings default \"EU\",\n  \"US\"\n"
				    " context.n int default -3\n\n action.on bool }\nfacts {\n}\n"),
		POL_OK, "%s", message(&parsed));
	for (size_t i = 0; i < parsed.ast.facts_count; i++) {
		const struct pol_ast_fact *fact = &parsed.ast.facts[i];

		put(&got, "%.*s:", POL_STR_ARGS(fact->name.text));
		for (uint32_t k = 0; k < fact->types.count; k++) {
			put(&got, " %.*s", POL_STR_ARGS(fact->types.items[k].text));
		}
		put(&got, " =");
		put_operands(&got, &fact->presets);
		put(&got, "; ");
		cr_expect_not(fact->incomplete);
	}
	cr_expect_str_eq(got.bytes,
		"resource.owner.level: string =; resource.2nd: draft in-review done = done; "
		"principal.regions: strings = \"EU\" \"US\"; context.n: int = -3; action.on: bool "
		"=; ");
	finish(&parsed);
}

Test(parse_condition, a_fact_with_a_mistake_stays_with_its_name)
{
	struct parsed parsed;

	cr_assert_eq(parse(&parsed, "facts {\n resource.a 'x'\n resource.b int default\n"
				    " resource.c int = 3\n resource.d int\n}\n"
				    "condition a = b is is c\ncondition d = e f\ncondition g = h\n"
				    "condition = x\n"),
		POL_EINVALID);
	cr_assert_eq(parsed.ast.facts_count, 4);
	cr_expect(parsed.ast.facts[0].incomplete);
	cr_expect(parsed.ast.facts[1].incomplete);
	cr_expect(parsed.ast.facts[2].incomplete);
	cr_expect_not(parsed.ast.facts[3].incomplete);
	cr_assert_eq(parsed.ast.conditions_count, 4);
	cr_expect(parsed.ast.conditions[0].incomplete);
	cr_expect(parsed.ast.conditions[1].incomplete);
	cr_expect_not(parsed.ast.conditions[2].incomplete);
	cr_expect(parsed.ast.conditions[3].incomplete);
	finish(&parsed);
}

static void put_given(struct text *text, const struct pol_ast_given *given, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		put(text, "%.*s:", POL_STR_ARGS(given[i].name.text));
		put_operands(text, &given[i].values);
		put(text, "; ");
	}
}

/* After a comma, a word that begins with a space's name and a dot is the next fact; all else is one
 * more member. */
Test(parse_condition, given_distinguishes_members_from_facts)
{
	static const struct row rows[] = {
		{ "principal.regions \"EU\", \"US\", context.amount 3",
			"principal.regions: \"EU\" \"US\"; context.amount: 3; " },
		{ "resource.owner absent, resource.tags empty",
			"resource.owner: absent; resource.tags: empty; " },
		{ "resource.tags \"resource.owner\", \"x\"",
			"resource.tags: \"resource.owner\" \"x\"; " },
		{ "resource.tags \"a\",\n\n  \"b\", # why\n  action.how direct",
			"resource.tags: \"a\" \"b\"; action.how: direct; " },
		{ "context.at 2026-11-22T03:05:38Z, context.from 10.0.0.1, context.for 8h",
			"context.at: 2026-11-22T03:05:38Z; context.from: 10.0.0.1; context.for: "
			"8h; " },
		{ "resource.state in-review, resource.open true",
			"resource.state: in-review; resource.open: true; " },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text file = { .len = 0 }, got = { .len = 0 };
		struct parsed parsed;

		put(&file, "test \"x\" {\n given %s\n mfa\n}\n", rows[i].condition);
		cr_assert_eq(parse(&parsed, file.bytes), POL_OK, "%s: %s", rows[i].condition,
			message(&parsed));
		cr_assert_eq(parsed.ast.tests[0].step_count, 2);
		cr_expect_eq(parsed.ast.tests[0].steps[0].kind, POL_STEP_GIVEN);
		put_given(&got, parsed.ast.tests[0].steps[0].given,
			parsed.ast.tests[0].steps[0].given_count);
		cr_expect_str_eq(got.bytes, rows[i].expected, "%s", rows[i].condition);
		finish(&parsed);
	}
}

Test(parse_condition, a_principal_has_attributes_beside_peers_and_roles)
{
	struct parsed parsed;
	const struct pol_ast_principal *principal;
	struct text got = { .len = 0 };

	cr_assert_eq(
		parse(&parsed, "principal p {\n attribute regions \"EU\",\n \"US\"\n peer user u\n"
			       " attribute approval.limit 500\n role r at t:/a\n}\n"),
		POL_OK, "%s", message(&parsed));
	principal = &parsed.ast.principals[0];
	cr_expect_eq(principal->peer_count, 1);
	cr_expect_eq(principal->held_count, 1);
	put_given(&got, principal->attributes, principal->attribute_count);
	cr_expect_str_eq(got.bytes, "regions: \"EU\" \"US\"; approval.limit: 500; ");
	finish(&parsed);
}

Test(parse_condition, a_full_arena_ends_parsing_at_any_point)
{
	static const char text[] =
		"facts { resource.a b | c default \"x\\\"\", \"y\" }\n"
		"condition d = not (a in b, \"c\\\"\" and ({e} < 3 or f has any g, h)) or i\n"
		"role r { allow x on t:/a when j is not k and l\n }\n"
		"principal p { attribute m \"n\\\"\", \"o\" }\n"
		"test \"t\" { given principal.q \"r\", \"s\", context.t 3 }\n";
	size_t refused = 0;

	for (size_t limit = 0; limit < 65536; limit += 256) {
		const struct pol_source source = { POL_STR_INIT("t.policy"), POL_STR_INIT(text) };
		struct pol_arena arena;
		struct pol_diags diags;
		struct pol_ast ast;
		enum pol_status status;

		pol_arena_init(&arena, limit);
		pol_diags_init(&diags, &source, 1);
		status = pol_parse(&source, 1, &arena, &diags, &ast);
		cr_expect(status == POL_OK || status == POL_ELIMIT, "%zu: %d", limit, (int)status);
		cr_expect_eq(diags.errors, 0);
		refused += status == POL_ELIMIT;
		pol_diags_finish(&diags);
		pol_arena_finish(&arena);
	}
	cr_expect_gt(refused, 0);
	cr_expect_lt(refused, 256);
}
