/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/policy/compiled_text.h"

/* Declared facts, their types and defaults. */

/* A tree, and a role that reads what the facts are about. */
#define TREE "tree api { /x { go } }\n"

static void says(const char *policy, const char *expected)
{
	compiled_text_says("", policy, expected);
}

static struct pol_snapshot *compile(const char *policy)
{
	struct compiled_text compiled;

	compiled_text_of(&compiled, &policy, 1);
	cr_assert_str_eq(compiled.said, "");
	return compiled.snapshot;
}

Test(facts, the_known_ones_are_there_without_a_declaration)
{
	static const struct {
		const char *name;
		enum pol_known_fact fact;
		enum pol_space space;
		enum pol_type type;
	} known[] = {
		{ "principal.id", POL_FACT_PRINCIPAL_ID, POL_SPACE_PRINCIPAL, POL_TYPE_STRING },
		{ "principal.tenant", POL_FACT_PRINCIPAL_TENANT, POL_SPACE_PRINCIPAL,
			POL_TYPE_STRING },
		{ "principal.kind", POL_FACT_PRINCIPAL_KIND, POL_SPACE_PRINCIPAL, POL_TYPE_WORD },
		{ "principal.roles", POL_FACT_PRINCIPAL_ROLES, POL_SPACE_PRINCIPAL,
			POL_TYPE_STRINGS },
		{ "context.environment", POL_FACT_ENVIRONMENT, POL_SPACE_CONTEXT, POL_TYPE_STRING },
		{ "context.service", POL_FACT_SERVICE, POL_SPACE_CONTEXT, POL_TYPE_STRING },
		{ "context.ip", POL_FACT_IP, POL_SPACE_CONTEXT, POL_TYPE_ADDRESS },
		{ "context.time", POL_FACT_TIME, POL_SPACE_CONTEXT, POL_TYPE_TIME },
		{ "context.mfa_age", POL_FACT_MFA_AGE, POL_SPACE_CONTEXT, POL_TYPE_DURATION },
	};
	struct pol_snapshot *snapshot = compile(TREE);

	cr_assert_eq(sizeof known / sizeof *known, POL_FACT_KNOWN);
	cr_assert_eq(snapshot->fact_count, POL_FACT_KNOWN);
	for (size_t i = 0; i < POL_FACT_KNOWN; i++) {
		uint32_t fact = pol_condition_fact(snapshot, pol_str_of(known[i].name));
		const struct pol_declared_fact *declared = pol_condition_declared(snapshot, fact);

		cr_expect_eq(fact, known[i].fact, "%s", known[i].name);
		cr_assert_not_null(declared);
		cr_expect_eq(declared->space, known[i].space, "%s", known[i].name);
		cr_expect_eq(declared->type, known[i].type, "%s", known[i].name);
		cr_expect_eq(declared->preset.type, POL_TYPE_ABSENT, "%s", known[i].name);
	}
	cr_expect_null(pol_condition_declared(snapshot, POL_FACT_KNOWN));
	cr_expect_eq(pol_condition_fact(snapshot, POL_STR("resource.owner")), POL_NONE);
	pol_snapshot_unref(snapshot);
}

Test(facts, each_type_and_its_default)
{
	static const struct {
		const char *name;
		const char *type;
		const char *preset; /* as it is written again; "absent": there is none */
	} facts[] = {
		{ "resource.a", "string", "\"x \\\" y\"" },
		{ "resource.b", "strings", "\"EU\", \"US\"" },
		{ "resource.c", "int", "-9223372036854775808" },
		{ "resource.d", "bool", "true" },
		{ "action.e", "time", "2026-11-22T03:05:38Z" },
		{ "context.f", "duration", "28800s" },
		{ "principal.g", "address", "10.0.0.1" },
		{ "resource.h.i-j.3_k", "word", "active" },
		{ "resource.l", "strings", "empty" },
		{ "resource.m", "int", "absent" },
	};
	struct pol_snapshot *snapshot = compile(TREE
		"facts {\n"
		"resource.a string default \"x \\\" y\"\n"
		"resource.b strings default \"US\", \"EU\", \"US\"\n"
		"resource.c int default -9223372036854775808\n"
		"resource.d bool default true\n"
		"action.e time default 2026-11-22T04:05:38+01:00\n"
		"context.f duration default 8h\n"
		"}\nfacts {\n"
		"principal.g address default 10.0.0.1\n"
		"resource.h.i-j.3_k draft | active | Archived default active\n"
		"resource.l strings default empty\n"
		"resource.m int\n"
		"}\n"
		"condition all_of_them = resource.a is \"\" and resource.b has \"x\" and "
		"resource.c < 1 "
		"and resource.d and action.e < 2026-01-01 and context.f < 1s and principal.g in "
		"::/0 and resource.h.i-j.3_k is draft and resource.l has \"x\" and resource.m < "
		"1\n");

	cr_assert_eq(snapshot->fact_count, POL_FACT_KNOWN + sizeof facts / sizeof *facts);
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		const struct pol_declared_fact *fact =
			&snapshot->facts[pol_condition_fact(snapshot, pol_str_of(facts[i].name))];
		char text[64];

		cr_expect_str_eq(pol_value_type(fact->type), facts[i].type);
		pol_value_format(&fact->preset, text, sizeof text);
		cr_expect_str_eq(text, facts[i].preset, "%s: %s", facts[i].name, text);
		cr_expect(fact->is_used);
	}
	cr_expect_eq(snapshot->facts[POL_FACT_KNOWN + 7].word_count, 3);
	cr_expect(pol_str_equal(snapshot->facts[POL_FACT_KNOWN + 7].words[2], POL_STR("Archived")));
	cr_expect_eq(snapshot->facts[POL_FACT_KNOWN + 6].space, POL_SPACE_PRINCIPAL);
	pol_snapshot_unref(snapshot);
}

Test(facts, mistakes_in_declarations)
{
	says(TREE "facts {\nresource.a string\nresource.a int\nresource.A int\n}\n",
		"error 4:1 fact 'resource.a' is declared twice\n"
		"note 3:1 fact 'resource.a' is declared here\n"
		"error 5:1 fact 'resource.A' differs from another in case alone\n"
		"note 3:1 fact 'resource.a' is declared here\n");
	says(TREE "facts {\nprincipal.id string\nprincipal.ID string\ncontext.time time\n}\n",
		"error 3:1 fact 'principal.id' is known without a declaration\n"
		"error 4:1 fact 'principal.ID' differs from a known one in case alone\n"
		"error 5:1 fact 'context.time' is known without a declaration\n");
	says(TREE "facts {\nresource.a strng\nresource.b draft\n}\n",
		"error 3:12 unknown type 'strng': string, strings, int, bool, time, duration, "
		"address, or words with '|' between: did you mean 'string'?\n"
		"error 4:12 unknown type 'draft': string, strings, int, bool, time, duration, "
		"address, or words with '|' between\n");
	says(TREE "facts {\nresource.a draft | int\nresource.b a | b | a\nresource.c true | false\n"
		  "resource.d here | absent\n}\n",
		"error 3:20 'int' is a type: a fact has one type, or words with '|' between\n"
		"error 4:20 'a' is twice in this list\n"
		"error 5:12 'true' cannot be a word of a fact: in a condition it means something "
		"else\n"
		"error 5:19 'false' cannot be a word of a fact: in a condition it means something "
		"else\n"
		"error 6:19 'absent' cannot be a word of a fact: in a condition it means something "
		"else\n");
}

Test(facts, mistakes_in_defaults)
{
	says(TREE "facts {\nresource.a string default x\nresource.b int default \"7\"\n"
		  "resource.c int default 8h\nresource.d a | b default c\n"
		  "resource.e active | old default activ\nresource.f a | b default \"a\"\n"
		  "resource.g strings default x\nresource.h int default 1, 2\n"
		  "resource.i int default 9223372036854775808\n"
		  "resource.j address default 10.0.0.0/8\nresource.k bool default yes\n"
		  "resource.l time default \"2026-01-01\"\n}\n",
		"error 3:27 resource.a is a string, but x is not quoted: write \"x\"\n"
		"error 4:24 resource.b is an int, but \"7\" is a string\n"
		"error 5:24 resource.c is an int, but 8h is a duration\n"
		"error 6:26 'c' is not a word of resource.d\n"
		"error 7:33 'activ' is not a word of resource.e: did you mean 'active'?\n"
		"error 8:26 the words of resource.f are not quoted: write a\n"
		"error 9:28 resource.g is a set of strings, but x is not quoted: write \"x\"\n"
		"error 10:27 resource.h is an int: it has one value, not several\n"
		"error 11:24 '9223372036854775808' is too large: an int has 64 bits\n"
		"error 12:28 resource.j is an address, but 10.0.0.0/8 is a network\n"
		"error 13:25 resource.k is a bool, but yes is a word\n"
		"error 14:25 resource.l is a time, but \"2026-01-01\" is a string\n");
}

Test(facts, one_that_no_condition_reads_is_warned_of)
{
	says(TREE "facts {\nresource.a string\nresource.b string\n}\n"
		  "role r { allow go on api:/x when resource.b is \"\" }\n",
		"warning 3:1 fact 'resource.a' is never read: no condition names it\n");
	says(TREE "facts {\n# lint: allow fact-unused of a stored role\nresource.a string\n}\n",
		"");
}

/* --- bounds ----------------------------------------------------------------------------------- */

/* A policy with a list, each of whose items has a number. */
struct list {
	const char *begin;          /* what stands before the list */
	const char *before, *after; /* what stands around each number */
	const char *between;
	const char *end;
};

/* Expects `most` items to be taken, and `more` to be refused. */
static void takes(const struct list *list, unsigned most, unsigned more, const char *refused)
{
	char text[32768];
	const unsigned counts[] = { most, more };

	for (int i = 0; i < 2; i++) {
		size_t used = (size_t)snprintf(text, sizeof text, "%s", list->begin);

		for (unsigned k = 0; k < counts[i]; k++) {
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%u%s",
				k > 0 ? list->between : "", list->before, k, list->after);
		}
		used += (size_t)snprintf(text + used, sizeof text - used, "%s", list->end);
		cr_assert_lt(used, sizeof text);
		says(text, i == 0 ? "" : refused);
	}
}

Test(facts, there_are_256_and_no_more)
{
	const struct list facts = { TREE "facts {\n", "resource.f",
		" int # lint: allow fact-unused\n", "", "}\n" };

	takes(&facts, POL_FACTS_MAX, POL_FACTS_MAX + 2, "error 259:1 more than 256 facts\n");
}

Test(facts, one_has_64_words_and_no_more)
{
	const struct list words = { TREE "facts {\nresource.a ", "w", "", " | ",
		"\n}\ncondition c = resource.a is w0\n" };

	takes(&words, POL_CONDITION_LIST, POL_CONDITION_LIST + 1,
		"error 3:386 a fact has at most 64 words\n");
}

Test(facts, a_set_has_256_members_and_no_more)
{
	const struct list members = { TREE "facts {\nresource.a strings default ", "\"", "\"", ",",
		"\n}\ncondition c = resource.a has \"\"\n" };

	takes(&members, POL_GIVEN_MEMBERS, POL_GIVEN_MEMBERS + 1,
		"error 3:1454 a set has at most 256 members\n");
}

Test(facts, a_string_has_1024_bytes_and_no_more)
{
	char string[POL_GIVEN_STRING + 2], text[8192];

	for (size_t len = POL_GIVEN_STRING; len <= POL_GIVEN_STRING + 1; len++) {
		memset(string, 'x', len);
		string[len] = '\0';
		snprintf(text, sizeof text,
			TREE "facts {\nresource.a string default \"%s\"\n}\n"
			     "condition c = resource.a is \"\"\n",
			string);
		says(text, len == POL_GIVEN_STRING
				   ? ""
				   : "error 3:27 a fact's string has at most 1,024 bytes\n");
	}
}

/* --- after a mistake -------------------------------------------------------------------------- */

Test(facts, a_mistake_in_one_hides_no_other_and_gives_no_other_message)
{
	says(TREE "facts {\nresource.a strng\nresource.b int\n}\n"
		  "condition c = resource.a is 7 and resource.b is \"7\"\n",
		"error 3:12 unknown type 'strng': string, strings, int, bool, time, duration, "
		"address, or words with '|' between: did you mean 'string'?\n"
		"error 6:49 resource.b is an int, but \"7\" is a string: write 7\n");
}
