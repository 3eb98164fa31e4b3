/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "policy/decide/fact.h"
#include "policy/decide/modules/modules.h"
#include "policy/decide/registry.h"
#include "policy/decide/stack.h"
#include "policy/snapshot/compiled.h"
#include "policy/text/cidr.h"
#include "policy/text/timetext.h"
#include "tests/policy/load.h"

static struct pol_answer ask(const struct pol_module *module, const void *state,
	const struct pol_facts *facts, unsigned allows)
{
	struct pol_request request = { .facts = facts,
		.roles_allow = (allows & 1U) != 0,
		.scopes_allow = (allows & 2U) != 0,
		.anyone_allows = (allows & 4U) != 0 };

	return module->decide(state, &request);
}

Test(modules, every_built_in_table_passes_the_check)
{
	const struct pol_module *const *modules;
	size_t count = pol_registry_modules(&modules);
	char why[POL_MODULE_WHY];

	cr_expect_eq(count, 13);
	for (size_t i = 0; i < count; i++) {
		struct pol_str name = pol_str_of(modules[i]->name);

		cr_expect(pol_registry_fits(modules[i], name, why), "%s", why);
		cr_expect_eq(pol_registry_find(name), modules[i], "%s", modules[i]->name);
	}
	cr_expect_null(pol_registry_find(POL_STR("quoat")));
}

static const char *fault(const struct pol_module *module, const char *name)
{
	static char why[POL_MODULE_WHY];

	why[0] = '\0';
	cr_expect_eq(pol_registry_fits(module, pol_str_of(name), why), why[0] == '\0');
	return why;
}

Test(modules, a_table_is_refused_for_its_first_fault)
{
	struct pol_module module = pol_module_deny;

	cr_expect_str_empty(fault(&module, "deny"));
	module.groups = 0;
	cr_expect_not_null(strstr(fault(&module, "deny"), "no group"));
	module.groups = 1U << POL_GROUP_COUNT;
	cr_expect_not_null(strstr(fault(&module, "deny"), "no group"));
	module.decide = NULL;
	cr_expect_not_null(strstr(fault(&module, "deny"), "'decide'"));
	module.version = "one two";
	cr_expect_not_null(strstr(fault(&module, "deny"), "version is not a word"));
	module.version = "123456789012345678901234567890123";
	cr_expect_not_null(strstr(fault(&module, "deny"), "version is not a word"));
	module.version = NULL;
	cr_expect_not_null(strstr(fault(&module, "deny"), "version is not a word"));
	cr_expect_not_null(strstr(fault(&module, "permit"), "calls itself 'deny'"));
	module.name = NULL;
	cr_expect_not_null(strstr(fault(&module, "deny"), "calls itself ''"));
	module.size = 1;
	cr_expect_not_null(strstr(fault(&module, "deny"), "1 bytes"));
	module.abi = POL_MODULE_ABI + 1;
	cr_expect_not_null(strstr(fault(&module, "deny"), "version 5 of the module interface"));
}

/* By binding: what role and scope answer for each of the eight things that eval may have found;
 * bit 1 roles, 2 scopes, 4 anyone. Eval never says 4 without 1 and 2; modules do not rely on it. */
static const struct {
	enum pol_binding binding;
	unsigned allows;
	enum pol_verdict role;
	enum pol_verdict scope;
} answers[] = {
	{ POL_BOUND_TO_NOTHING, 0, POL_DENY, POL_IGNORE },
	{ POL_BOUND_TO_NOTHING, 7, POL_ALLOW, POL_ALLOW },
	{ POL_BOUND_TO_PRINCIPAL, 0, POL_DENY, POL_IGNORE },
	{ POL_BOUND_TO_PRINCIPAL, 1, POL_ALLOW, POL_IGNORE },
	{ POL_BOUND_TO_PRINCIPAL, 2, POL_DENY, POL_IGNORE },
	{ POL_BOUND_TO_PRINCIPAL, 7, POL_ALLOW, POL_ALLOW },
	{ POL_BOUND_TO_ROLES, 0, POL_DENY, POL_IGNORE },
	{ POL_BOUND_TO_ROLES, 3, POL_ALLOW, POL_IGNORE },
	{ POL_BOUND_TO_SCOPES, 0, POL_IGNORE, POL_DENY },
	{ POL_BOUND_TO_SCOPES, 1, POL_IGNORE, POL_DENY },
	{ POL_BOUND_TO_SCOPES, 2, POL_IGNORE, POL_ALLOW },
	{ POL_BOUND_TO_SCOPES, 7, POL_IGNORE, POL_ALLOW },
};

Test(modules, role_and_scope_answer_by_the_binding)
{
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		struct pol_facts facts = { .key_state = POL_KEY_ACTIVE,
			.binding = answers[i].binding };

		cr_expect_eq(ask(&pol_module_role, NULL, &facts, answers[i].allows).verdict,
			answers[i].role, "role, row %zu", i);
		cr_expect_eq(ask(&pol_module_scope, NULL, &facts, answers[i].allows).verdict,
			answers[i].scope, "scope, row %zu", i);
	}
}

/* The state that a stack's line of that group has. */
static const void *state_of(const struct loaded *loaded, enum pol_group group, uint32_t line)
{
	const struct pol_stack *stack = pol_stack_find(loaded->snapshot, POL_STR("web"));

	cr_assert_not_null(stack);
	cr_assert_lt(line, stack->groups[group].count);
	return stack->groups[group].lines[line].state;
}

Test(modules, key_needs_a_verified_token_unless_anonymous_is_allowed)
{
	struct loaded loaded = load_text("tree api { /a { GET } }\n"
					 "stack web {\n"
					 "authenticate required key\n"
					 "authenticate required key anonymous=allow\n"
					 "authorize required role\n}\n");
	const void *strict;
	const void *open;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	strict = state_of(&loaded, POL_GROUP_AUTHENTICATE, 0);
	open = state_of(&loaded, POL_GROUP_AUTHENTICATE, 1);
	for (int state = POL_KEY_MISSING; state <= POL_KEY_ACTIVE; state++) {
		struct pol_facts facts = { .key_state = (enum pol_key_state)state };
		bool active = state == POL_KEY_ACTIVE;
		bool missing = state == POL_KEY_MISSING;

		cr_expect_eq(ask(&pol_module_key, NULL, &facts, 0).verdict,
			active ? POL_ALLOW : POL_DENY);
		cr_expect_eq(ask(&pol_module_key, strict, &facts, 0).verdict,
			active ? POL_ALLOW : POL_DENY);
		cr_expect_eq(ask(&pol_module_key, open, &facts, 0).verdict,
			active || missing ? POL_ALLOW : POL_DENY);
	}
	unload(&loaded);
}

Test(modules, principal_allows_one_that_was_named_without_a_token)
{
	struct pol_facts facts = { .principal_state = POL_PRINCIPAL_ACTIVE };

	cr_expect_eq(ask(&pol_module_principal, NULL, &facts, 7).verdict, POL_ALLOW);
	facts.key_state = POL_KEY_ACTIVE;
	cr_expect_eq(ask(&pol_module_principal, NULL, &facts, 7).verdict, POL_DENY);
	facts = (struct pol_facts){ .principal_state = POL_PRINCIPAL_INACTIVE };
	cr_expect_eq(ask(&pol_module_principal, NULL, &facts, 7).verdict, POL_DENY);
}

static const struct {
	const char *ip; /* NULL: not known */
	bool allow;     /* by allow= alone */
	bool deny;      /* by deny= alone */
	bool both;
} callers[] = {
	{ NULL, false, false, false },
	{ "10.1.2.3", true, true, true },
	{ "10.0.0.9", true, false, false },
	{ "192.0.2.1", false, true, false },
	{ "2001:db8::1", true, true, true },
	{ "::ffff:10.1.2.3", true, true, true },
	{ "::1", false, true, false },
};

Test(modules, network_allows_what_it_names_less_what_it_denies)
{
	struct loaded loaded = load_text(
		"tree api { /a { GET } }\n"
		"stack web {\n"
		"authenticate required key\n"
		"account required network allow=10.0.0.0/8,2001:db8::/32\n"
		"account required network deny=10.0.0.0/24\n"
		"account required network deny=10.0.0.0/24 allow=10.0.0.0/8,2001:db8::/32\n"
		"authorize required role\n}\n");

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	for (size_t i = 0; i < sizeof callers / sizeof *callers; i++) {
		const bool expected[] = { callers[i].allow, callers[i].deny, callers[i].both };
		struct pol_facts facts = { 0 };

		if (callers[i].ip != NULL) {
			cr_assert_eq(
				pol_cidr_parse_ip(pol_str_of(callers[i].ip), &facts.ip), POL_OK);
		}
		for (uint32_t line = 0; line < 3; line++) {
			const void *state = state_of(&loaded, POL_GROUP_ACCOUNT, line);
			struct pol_answer answer = ask(&pol_module_network, state, &facts, 7);

			cr_expect_eq(answer.verdict, expected[line] ? POL_ALLOW : POL_DENY,
				"%s, line %u", callers[i].ip, line);
		}
	}
	unload(&loaded);
}

/* What the module says of its denial. */
static const char *fact_of(
	const struct loaded *loaded, uint32_t line, const struct pol_facts *facts)
{
	static char out[POL_FACT_TEXT];

	pol_stack_fact(&pol_stack_find(loaded->snapshot, POL_STR("web"))
				->groups[POL_GROUP_ACCOUNT]
				.lines[line],
		facts, out);
	return out;
}

Test(modules, a_denial_says_what_it_was_judged_by_or_that_it_was_not_stated)
{
	struct loaded loaded = load_text("tree api { /a { GET } }\n"
					 "stack web {\n"
					 "authenticate required key\n"
					 "account required network allow=10.0.0.0/8\n"
					 "account required hours allow=mon/00:00-00:01\n"
					 "account required mfa\n"
					 "account required quota name=a limit=1 period=1m per=ip\n"
					 "account required quota name=b limit=1 period=1m per=key\n"
					 "account required permit\n"
					 "authorize required role\n}\n");
	struct pol_facts facts = { 0 };

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	cr_expect_str_eq(fact_of(&loaded, 0, &facts), "no address was stated");
	cr_expect_str_eq(fact_of(&loaded, 1, &facts), "the time is not known");
	cr_expect_str_eq(fact_of(&loaded, 2, &facts), "no second factor was stated");
	cr_expect_str_eq(fact_of(&loaded, 3, &facts), "no address was stated to count by");
	cr_expect_str_eq(fact_of(&loaded, 4, &facts), "there is no key to count by");
	cr_expect_str_eq(fact_of(&loaded, 5, &facts), "");
	cr_assert_eq(pol_cidr_parse_ip(POL_STR("192.0.2.1"), &facts.ip), POL_OK);
	cr_assert_eq(pol_timetext_parse(POL_STR("2026-11-27T18:04:59Z"), &facts.now), POL_OK);
	facts.mfa_at = facts.now - 90;
	cr_expect_str_eq(fact_of(&loaded, 0, &facts), "192.0.2.1");
	cr_expect_str_eq(fact_of(&loaded, 1, &facts), "fri 2026-11-27 18:04 in UTC");
	cr_expect_str_eq(fact_of(&loaded, 2, &facts),
		"the second factor was at 2026-11-27T18:03:29Z, 90 s ago");
	facts.time = facts.now + 60;
	cr_expect_str_eq(fact_of(&loaded, 1, &facts), "fri 2026-11-27 18:05 in UTC, as stated");
	facts.mfa_at = facts.now + 1;
	cr_expect_str_eq(fact_of(&loaded, 2, &facts),
		"the second factor's time, 2026-11-27T18:05:00Z, is in the future");
	unload(&loaded);
}

static void wild_fact(const void *state, const struct pol_request *request, char out[POL_FACT_TEXT])
{
	(void)state;
	(void)request;
	memset(out, '\x9b', POL_FACT_TEXT);
	out[0] = '\n';
}

Test(modules, a_fact_is_text_whatever_the_module_writes)
{
	static const struct pol_module wild = { .name = "wild", .fact = wild_fact };
	struct pol_stack_line line = { .module = &wild };
	struct pol_facts facts = { 0 };
	char out[POL_FACT_TEXT + 1];

	out[POL_FACT_TEXT] = 'x';
	pol_stack_fact(&line, &facts, out);
	cr_expect_eq(strlen(out), POL_FACT_TEXT - 1);
	cr_expect_eq(strspn(out, "?"), POL_FACT_TEXT - 1);
	cr_expect_eq(out[POL_FACT_TEXT], 'x');
}

static const struct {
	const char *per;
	const char *ip;
	const char *fact;
} counted[] = {
	{ "key", "::1", "counted for key k1" },
	{ "principal", "::1", "counted for principal ann" },
	{ "tenant", "::1", "counted for the tenant" },
	{ "ip", "192.0.2.1", "counted for 192.0.2.1" },
	{ "ip", "2001:db8:1:2:3:4:5:6", "counted for 2001:db8:1:2::/64" },
	{ "ip prefix6=41", "2001:db8:ffff:2:3:4:5:6", "counted for 2001:db8:ff80::/41" },
	{ "ip prefix6=128", "2001:db8::7", "counted for 2001:db8::7" },
};

Test(modules, a_quota_says_whom_it_counts_for)
{
	for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
		struct pol_facts facts = { .key = POL_STR("k1"), .principal = POL_STR("ann") };
		char text[256];
		char out[POL_FACT_TEXT];
		struct loaded loaded;

		snprintf(text, sizeof text,
			"tree api { /a { GET } }\nstack web {\nauthenticate required key\n"
			"account required quota name=a limit=1 period=1m per=%s\n"
			"authorize required role\n}\n",
			counted[i].per);
		loaded = load_text(text);
		cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
		cr_assert_eq(pol_cidr_parse_ip(pol_str_of(counted[i].ip), &facts.ip), POL_OK);
		pol_fact_counted(state_of(&loaded, POL_GROUP_ACCOUNT, 0), &facts, out);
		cr_expect_str_eq(out, counted[i].fact);
		unload(&loaded);
	}
}

static const struct {
	int64_t now;
	int64_t mfa_at;
	bool any;
	bool minute;
} factors[] = {
	{ 1000, 0, false, false },
	{ 1000, 1000, true, true },
	{ 1000, 940, true, true },
	{ 1000, 939, true, false },
	{ 1000, 1, true, false },
	{ 1000, 1001, false, false },
	{ 1000, -5, false, false },
	{ 1000, INT64_MIN, false, false },
	{ INT64_MAX, 1, true, false },
	{ 0, 0, false, false },
};

Test(modules, mfa_needs_a_second_factor_that_is_not_too_old)
{
	struct loaded loaded = load_text("tree api { /a { GET } }\n"
					 "stack web {\n"
					 "authenticate required key\n"
					 "account required mfa\n"
					 "account required mfa max_age=1m\n"
					 "authorize required role\n}\n");

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
		const bool expected[] = { factors[i].any, factors[i].minute };
		struct pol_facts facts = { .now = factors[i].now, .mfa_at = factors[i].mfa_at };

		for (uint32_t line = 0; line < 2; line++) {
			const void *state = state_of(&loaded, POL_GROUP_ACCOUNT, line);
			struct pol_answer answer = ask(&pol_module_mfa, state, &facts, 7);

			cr_expect_eq(answer.verdict, expected[line] ? POL_ALLOW : POL_DENY,
				"row %zu, line %u", i, line);
		}
	}
	unload(&loaded);
}

/* For which facts a quota is known to count; bit 1 key, 2 principal, 4 tenant, 8 address. */
static const struct {
	const char *word;
	unsigned needs;
} pers[] = { { "key", 1 }, { "principal", 2 }, { "tenant", 4 }, { "ip", 8 } };

Test(modules, quota_names_its_charge_if_it_knows_for_what_to_count)
{
	for (size_t i = 0; i < sizeof pers / sizeof *pers; i++) {
		char text[256];
		struct loaded loaded;
		const struct pol_charge *state;

		snprintf(text, sizeof text,
			"tree api { /a { GET } }\nstack web {\nauthenticate required key\n"
			"account required quota name=q-1 limit=10 period=2m per=%s\n"
			"authorize required role\n}\n",
			pers[i].word);
		loaded = load_text(text);
		cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
		state = state_of(&loaded, POL_GROUP_ACCOUNT, 0);
		cr_expect_eq(state->limit, 10u);
		cr_expect_eq(state->period, 120u);
		cr_expect(pol_str_equal(state->name, POL_STR("q-1")));
		cr_expect(pol_snapshot_may_charge(loaded.snapshot));
		for (unsigned known = 0; known < 16; known++) {
			struct pol_facts facts = {
				.key_state = (known & 1U) != 0 ? POL_KEY_ACTIVE : POL_KEY_MISSING,
				.key = POL_STR("k"),
				.principal_state = (known & 2U) != 0 ? POL_PRINCIPAL_ACTIVE
								     : POL_PRINCIPAL_NONE,
				.principal = POL_STR("p"),
				.tenant = (known & 4U) != 0,
				.ip = { .known = (known & 8U) != 0 },
			};
			struct pol_answer answer = ask(&pol_module_quota, state, &facts, 7);
			bool counts = (known & pers[i].needs) != 0;

			cr_expect_eq(answer.verdict, counts ? POL_ALLOW : POL_DENY, "%s, %u",
				pers[i].word, known);
			cr_expect_eq(answer.charge, counts ? state : NULL);
			cr_expect(counts || pol_str_equal(answer.reason, POL_STR("quota")));
		}
		unload(&loaded);
	}
}

Test(modules, quota_counts_the_first_64_bits_of_an_ipv6_address_or_as_many_as_it_says)
{
	static const struct {
		const char *arguments;
		uint32_t prefix6; /* 0 with `per=ip`: refused */
		const char *said;
	} rows[] = {
		{ "per=ip", 64, "" },
		{ "per=ip prefix6=48", 48, "" },
		{ "prefix6=128 per=ip", 128, "" },
		{ "per=ip prefix6=1", 1, "" },
		{ "per=ip prefix6=0", 0, "not a length of an IPv6 prefix" },
		{ "per=ip prefix6=129", 0, "not a length of an IPv6 prefix" },
		{ "per=ip prefix6=/48", 0, "not a length of an IPv6 prefix" },
		{ "per=ip prefix6=48,64", 0, "has one value" },
		{ "per=key prefix6=48", 0, "for 'per=ip' alone" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[256];
		struct loaded loaded;

		snprintf(text, sizeof text,
			"tree api { /a { GET } }\nstack web {\nauthenticate required key\n"
			"account required quota name=q limit=1 period=1m %s\n"
			"authorize required role\n}\n",
			rows[i].arguments);
		loaded = load_text(text);
		if (rows[i].prefix6 == 0) {
			cr_expect_neq(loaded.status, POL_OK, "%s", rows[i].arguments);
			cr_expect(strstr(loaded.said, rows[i].said) != NULL, "%s: %s",
				rows[i].arguments, loaded.said);
		} else {
			const struct pol_charge *state = state_of(&loaded, POL_GROUP_ACCOUNT, 0);

			cr_expect_eq(state->prefix6, rows[i].prefix6, "%s", rows[i].arguments);
		}
		unload(&loaded);
	}
}

Test(modules, log_marks_the_decisions_that_its_arguments_select)
{
	static const struct {
		bool allowed;
		uint32_t dice;
		bool all, denials, samples;
	} rows[] = { { true, 0, true, false, true }, { false, 0, true, true, true },
		{ true, 7, true, false, false }, { false, 7, true, true, false },
		{ true, 30, true, false, true } };
	struct loaded loaded = load_text("tree api { /a { GET } }\nstack web {\n"
					 "authenticate required key\nauthorize required role\n"
					 "record optional log\nrecord optional log only=deny\n"
					 "record optional log sample=1/10\n"
					 "record optional log only=deny sample=1/10\n}\n");

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	cr_expect(!pol_snapshot_may_charge(loaded.snapshot));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pol_facts facts = { .dice = rows[i].dice };
		struct pol_request request = { .facts = &facts, .allowed = rows[i].allowed };
		const bool marks[] = { rows[i].all, rows[i].denials, rows[i].samples,
			rows[i].denials && rows[i].samples };

		for (uint32_t line = 0; line < 4; line++) {
			struct pol_answer answer = pol_module_log.decide(
				state_of(&loaded, POL_GROUP_RECORD, line), &request);

			cr_expect_eq(answer.verdict, POL_IGNORE);
			cr_expect_eq(answer.marks, marks[line] ? (uint32_t)POL_MARK_LOG : 0u,
				"row %zu, line %u", i, line);
		}
	}
	unload(&loaded);
}

Test(modules, permit_deny_and_warn_answer_always_the_same)
{
	for (unsigned allows = 0; allows < 8; allows++) {
		struct pol_facts facts = { .key_state = POL_KEY_ACTIVE };
		struct pol_answer warn = ask(&pol_module_warn, NULL, &facts, allows);
		struct pol_answer deny = ask(&pol_module_deny, NULL, &facts, allows);

		cr_expect_eq(ask(&pol_module_permit, NULL, &facts, allows).verdict, POL_ALLOW);
		cr_expect_eq(deny.verdict, POL_DENY);
		cr_expect(pol_str_equal(deny.reason, POL_STR("deny")));
		cr_expect_eq(warn.verdict, POL_IGNORE);
		cr_expect_eq(warn.marks, (uint32_t)POL_MARK_WARN);
	}
}

/* Lines, as `module skip` words, that a group came to. */
static void expect_lines(const struct loaded *loaded, const char *stack, const char *expected)
{
	const struct pol_stack *found = pol_stack_find(loaded->snapshot, pol_str_of(stack));
	char text[256] = "";
	size_t used = 0;

	cr_assert_not_null(found, "%s", stack);
	for (uint32_t i = 0; i < found->groups[POL_GROUP_ACCOUNT].count; i++) {
		const struct pol_stack_line *line = &found->groups[POL_GROUP_ACCOUNT].lines[i];

		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %u",
			used > 0 ? ", " : "", line->module->name, line->skip);
		cr_assert_lt(used, sizeof text);
	}
	cr_expect_str_eq(text, expected, "%s: %s", stack, text);
}

Test(modules, included_lines_are_copied_and_substacks_know_their_end)
{
	struct loaded loaded =
		load_text("stack flat { account required permit\n"
			  "account required deny }\n"
			  "stack inc { account required mfa\naccount include flat\n"
			  "account required mfa }\n"
			  "stack sub { account required mfa\naccount substack flat\n"
			  "account required mfa }\n"
			  "stack deep { account substack sub\naccount include sub }\n"
			  "stack twice { account substack flat\n"
			  "account substack flat }\n"
			  "tree api { /a { GET } }\n");

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	expect_lines(&loaded, "flat", "permit 0, deny 0");
	expect_lines(&loaded, "inc", "mfa 0, permit 0, deny 0, mfa 0");
	expect_lines(&loaded, "sub", "mfa 0, permit 2, deny 1, mfa 0");
	expect_lines(
		&loaded, "deep", "mfa 4, permit 2, deny 1, mfa 1, mfa 0, permit 2, deny 1, mfa 0");
	expect_lines(&loaded, "twice", "permit 2, deny 1, permit 2, deny 1");
	unload(&loaded);
}
