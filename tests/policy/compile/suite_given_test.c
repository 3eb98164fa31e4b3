/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ask/suite.h"
#include "policy/snapshot/given.h"
#include "tests/policy/load.h"

/* The attributes of declared principals, and the facts that a policy's tests give. */

#define HEAD                                                                                       \
	"tree credit { /loans/{loan}/approval { approve }, /users/{user} { update }, "             \
	"/k/id { go }, /k/tenant { go }, /k/kind { go }, /k/mfa { go }, /k/env { go } }\n"         \
	"facts {\nprincipal.branch string\nprincipal.regions strings\nprincipal.limit int\n"       \
	"resource.branch string\nresource.owner string\ncontext.amount int\n"                      \
	"resource.status draft | active | archived default active\n}\n"                            \
	"role underwriter {\n"                                                                     \
	"allow approve on credit:/loans/{loan}/approval when principal.branch is resource.branch " \
	"and context.amount <= principal.limit\n"                                                  \
	"deny approve on credit:/loans/{loan}/approval when resource.owner is principal.id or "    \
	"resource.status is archived\n"                                                            \
	"allow update on credit:/users/{user} when {user} is principal.id or principal.regions "   \
	"has any \"EU\", \"US\"\n"                                                                 \
	"allow go on credit:/k/id when principal.id is \"ann\"\n"                                  \
	"allow go on credit:/k/tenant when principal.tenant is \"acme\"\n"                         \
	"allow go on credit:/k/kind when principal.kind is service\n"                              \
	"allow go on credit:/k/mfa when context.mfa_age <= 5m\n"                                   \
	"allow go on credit:/k/env when context.environment is \"live\"\n}\n"

#define LINE 21 /* the first line after HEAD */

static char *join(const char *text)
{
	size_t size = strlen(HEAD) + strlen(text) + 1;
	char *policy = malloc(size);

	snprintf(policy, size, "%s%s", HEAD, text);
	return policy;
}

/* The policy compiles without a message, and its tests pass. */
static void passes(const char *text)
{
	char *policy = join(text);
	struct loaded loaded = load_text(policy);

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	cr_expect_str_eq(loaded.said, "");
	cr_expect_eq(pol_suite_run(loaded.snapshot, &loaded.diags, NULL, NULL).failed, 0);
	render(&loaded);
	cr_expect_str_eq(loaded.said, "", "%s", loaded.said);
	unload(&loaded);
	free(policy);
}

/* The policy has this error, at that line and column. */
static void refuses(const char *text, unsigned line, unsigned column, const char *message)
{
	char *policy = join(text);
	struct loaded loaded = load_text(policy);
	char expected[512];

	snprintf(
		expected, sizeof expected, "test.policy:%u:%u: error: %s\n", line, column, message);
	cr_expect_neq(loaded.status, POL_OK);
	cr_expect_not_null(strstr(loaded.said, expected), "%s\nnot\n%s", loaded.said, expected);
	cr_expect_eq(loaded.diags.errors, 1, "%s", loaded.said);
	unload(&loaded);
	free(policy);
}

Test(suite_given, a_test_gives_facts_and_takes_them_back)
{
	passes("test \"nobody approves an own proposal\" {\n"
	       "as role underwriter\n"
	       "given principal.id \"ann\", principal.branch \"north\", principal.limit 500\n"
	       "given resource.branch \"north\", resource.owner \"ann\", context.amount 100\n"
	       "deny approve credit:/loans/7/approval because denied\n"
	       "given resource.owner absent\n"
	       "deny approve credit:/loans/7/approval because missing_fact\n"
	       "given resource.owner \"bob\"\n"
	       "allow approve credit:/loans/7/approval\n"
	       "given resource.status archived\n"
	       "deny approve credit:/loans/7/approval because denied\n"
	       "given resource.status absent\n"
	       "allow approve credit:/loans/7/approval\n"
	       "given context.amount 501\n"
	       "deny approve credit:/loans/7/approval\n"
	       "}\n");
}

Test(suite_given, as_forgets_the_facts_of_the_principal_alone)
{
	passes("test \"as\" {\n"
	       "as role underwriter\n"
	       "given principal.branch \"north\", principal.limit 500, principal.regions \"EU\"\n"
	       "given resource.branch \"north\", resource.owner \"bob\", context.amount 100\n"
	       "allow approve credit:/loans/7/approval\n"
	       "allow update credit:/users/ann\n"
	       "as role underwriter\n"
	       "deny approve credit:/loans/7/approval because missing_fact\n"
	       "deny update credit:/users/ann because missing_fact\n"
	       "given principal.branch \"north\", principal.limit 500, principal.regions empty\n"
	       "allow approve credit:/loans/7/approval\n"
	       "deny update credit:/users/ann because role\n"
	       "given principal.id \"ann\"\n"
	       "allow update credit:/users/ann\n"
	       "as role underwriter\n"
	       "given principal.regions empty\n"
	       "deny update credit:/users/ann because role\n"
	       "}\n"
	       "test \"another one begins without facts\" {\n"
	       "as role underwriter\n"
	       "deny approve credit:/loans/7/approval because missing_fact\n"
	       "}\n");
}

Test(suite_given, known_facts)
{
	passes("environment live prefix l_\n"
	       "test \"known\" {\n"
	       "as role underwriter\n"
	       "deny go credit:/k/id, credit:/k/tenant, credit:/k/kind because role\n"
	       "deny go credit:/k/mfa because missing_fact\n"
	       "allow go credit:/k/env\n"
	       "given principal.id \"ann\", principal.tenant \"acme\", principal.kind service\n"
	       "allow go credit:/k/id, credit:/k/tenant, credit:/k/kind\n"
	       "time 2026-11-22T03:05:38Z\n"
	       "given context.mfa_age 5m\n"
	       "allow go credit:/k/mfa\n"
	       "given context.mfa_age 301s\n"
	       "deny go credit:/k/mfa because role\n"
	       "given context.mfa_age absent\n"
	       "deny go credit:/k/mfa because missing_fact\n"
	       "as role underwriter\n"
	       "deny go credit:/k/id, credit:/k/tenant, credit:/k/kind because role\n"
	       "}\n");
}

Test(suite_given, declared_principals_are_services_with_their_attributes)
{
	passes("principal ann {\n role underwriter\n attribute branch \"north\"\n"
	       "attribute limit 500\nattribute regions \"US\", \"EU\", \"US\"\n}\n"
	       "principal bob { role underwriter }\n"
	       "test \"attributes\" {\n"
	       "as principal ann\n"
	       "given resource.branch \"north\", resource.owner \"x\", context.amount 500\n"
	       "allow approve credit:/loans/7/approval\n"
	       "allow update credit:/users/other\n"
	       "given resource.owner \"ann\"\n"
	       "deny approve credit:/loans/7/approval because denied\n"
	       "allow go credit:/k/kind\n"
	       "as role underwriter\n"
	       "deny go credit:/k/kind because role\n"
	       "as principal bob\n"
	       "deny approve credit:/loans/7/approval because missing_fact\n"
	       "given principal.branch \"north\", principal.limit 500\n"
	       "allow approve credit:/loans/7/approval\n"
	       "allow update credit:/users/bob\n"
	       "deny update credit:/users/ann because missing_fact\n"
	       "}\n");
}

Test(suite_given, attributes_are_kept_sorted_by_fact)
{
	char *policy = join("principal ann {\nattribute regions \"US\", \"EU\", \"US\"\n"
			    "attribute branch \"north\"\n}\nprincipal bob { }\n");
	struct loaded loaded = load_good(policy);
	const struct pol_snapshot *snapshot = loaded.snapshot;
	const struct pol_given *given = pol_snapshot_principal_attributes(
		snapshot, pol_snapshot_principal(snapshot, POL_STR("ann")));
	char text[64];

	cr_assert_not_null(given);
	cr_assert_eq(given->count, 2);
	cr_expect_eq(
		given->items[0].fact, pol_condition_fact(snapshot, POL_STR("principal.branch")));
	cr_expect_eq(
		given->items[1].fact, pol_condition_fact(snapshot, POL_STR("principal.regions")));
	pol_value_format(&given->items[1].value, text, sizeof text);
	cr_expect_str_eq(text, "\"EU\", \"US\"");
	cr_expect_eq(pol_snapshot_principal_attributes(
			     snapshot, pol_snapshot_principal(snapshot, POL_STR("bob")))
			     ->count,
		0);
	cr_expect_null(pol_snapshot_principal_attributes(snapshot, POL_NONE));
	unload(&loaded);
	free(policy);
}

Test(suite_given, mistakes_in_attributes)
{
	refuses("principal ann {\nattribute brnch \"north\"\n}\n", LINE + 1, 11,
		"unknown attribute 'brnch': no fact 'principal.brnch' is declared: did you mean "
		"'branch'?");
	refuses("principal ann {\nattribute limit \"500\"\n}\n", LINE + 1, 17,
		"principal.limit is an int, but \"500\" is a string");
	refuses("principal ann {\nattribute branch \"a\", \"b\"\n}\n", LINE + 1, 23,
		"principal.branch is a string: it has one value, not several");
	refuses("principal ann {\nattribute branch \"a\"\nattribute branch \"b\"\n}\n", LINE + 2,
		11, "attribute 'branch' twice: several values of a set stand in one line");
	refuses("principal ann {\nattribute id \"a\"\n}\n", LINE + 1, 11,
		"'principal.id' is not an attribute: what it is follows from the principal");
}

Test(suite_given, mistakes_in_what_a_test_gives)
{
	refuses("test \"t\" {\nas role underwriter\ngiven resource.ownr \"a\"\n"
		"deny go credit:/k/id\n}\n",
		LINE + 2, 7, "unknown fact 'resource.ownr': did you mean 'resource.owner'?");
	refuses("test \"t\" {\nas role underwriter\ngiven resource.owner 17\n"
		"deny go credit:/k/id\n}\n",
		LINE + 2, 22, "resource.owner is a string, but 17 is not quoted: write \"17\"");
	refuses("test \"t\" {\nas role underwriter\ngiven principal.roles \"a\"\n"
		"deny go credit:/k/id\n}\n",
		LINE + 2, 7,
		"'principal.roles' is not given: a line 'as role' or 'and role' says it");
	refuses("test \"t\" {\nas role underwriter\ngiven context.ip 10.0.0.1\n"
		"deny go credit:/k/id\n}\n",
		LINE + 2, 7, "'context.ip' is not given: a line 'from' says it");
	refuses("test \"t\" {\nas role underwriter\ngiven context.mfa_age 5m\n"
		"deny go credit:/k/mfa\n}\n",
		LINE + 2, 7,
		"'context.mfa_age' counts back from the time: put a line 'time' before it");
	refuses("principal ann { attribute branch \"a\" }\n"
		"test \"t\" {\nas principal ann\ngiven principal.branch \"b\"\n"
		"deny go credit:/k/id\n}\n",
		LINE + 3, 7, "principal 'ann' is declared, and 'principal.branch' with it");
	refuses("principal ann { attribute branch \"a\" }\n"
		"test \"t\" {\nas principal ann\ngiven principal.id \"b\"\n"
		"deny go credit:/k/id\n}\n",
		LINE + 3, 7, "principal 'ann' is declared, and 'principal.id' with it");
}

/* A principal with `count` attributes of `len` bytes each. */
static struct loaded load_attributes(unsigned count, size_t len)
{
	size_t size = 4096 + (size_t)count * (len + 128);
	char *text = malloc(size);
	char *value = calloc(len + 1, 1);
	size_t used = (size_t)snprintf(text, size, "tree api { /x { go } }\nfacts {\n");
	struct loaded loaded;

	memset(value, 'v', len);
	for (unsigned i = 0; i < count; i++) {
		used += (size_t)snprintf(text + used, size - used,
			"principal.a%02u string # lint: allow fact-unused\n", i);
	}
	used += (size_t)snprintf(text + used, size - used, "}\nprincipal ann {\n");
	for (unsigned i = 0; i < count; i++) {
		used += (size_t)snprintf(
			text + used, size - used, "attribute a%02u \"%s\"\n", i, value);
	}
	snprintf(text + used, size - used, "}\n");
	loaded = load_text(text);
	free(text);
	free(value);
	return loaded;
}

Test(suite_given, a_principal_has_64_attributes_and_no_more)
{
	struct loaded most = load_attributes(POL_GIVEN_FACTS, 1);
	struct loaded more = load_attributes(POL_GIVEN_FACTS + 1, 1);

	cr_expect_eq(most.status, POL_OK, "%s", most.said);
	cr_expect_neq(more.status, POL_OK);
	cr_expect_not_null(
		strstr(more.said, "error: a principal has at most 64 attributes"), "%s", more.said);
	unload(&most);
	unload(&more);
}

Test(suite_given, the_attributes_of_a_principal_have_16_kib_and_no_more)
{
	/* Each name has 13 bytes. */
	struct loaded most = load_attributes(16, 1024 - 13);
	struct loaded more = load_attributes(16, 1024 - 12);

	cr_expect_eq(most.status, POL_OK, "%s", most.said);
	cr_expect_neq(more.status, POL_OK);
	cr_expect_not_null(
		strstr(more.said, "error: the attributes of principal 'ann' have more than 16 KiB"),
		"%s", more.said);
	unload(&most);
	unload(&more);
}

/* A test that gives `count` facts. */
static struct loaded load_given(unsigned count)
{
	char *text = malloc(16384);
	size_t used = (size_t)snprintf(text, 16384, "tree api { /x { go } }\nfacts {\n");
	struct loaded loaded;

	for (unsigned i = 0; i < count; i++) {
		used += (size_t)snprintf(text + used, 16384 - used,
			"resource.a%u int # lint: allow fact-unused\n", i);
	}
	used += (size_t)snprintf(text + used, 16384 - used, "}\ntest \"t\" {\nas nobody\n");
	for (unsigned i = 0; i < count; i++) {
		used += (size_t)snprintf(text + used, 16384 - used, "given resource.a%u 1\n", i);
	}
	snprintf(text + used, 16384 - used, "deny go api:/x\n}\n");
	loaded = load_text(text);
	free(text);
	return loaded;
}

Test(suite_given, a_test_gives_64_facts_and_no_more)
{
	struct loaded most = load_given(POL_GIVEN_FACTS);
	struct loaded more = load_given(POL_GIVEN_FACTS + 1);

	cr_expect_eq(most.status, POL_OK, "%s", most.said);
	cr_expect_neq(more.status, POL_OK);
	cr_expect_not_null(
		strstr(more.said, "error: a request has at most 64 facts"), "%s", more.said);
	unload(&most);
	unload(&more);
}
