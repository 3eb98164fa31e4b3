/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/warning.h"

static const struct pol_warning_kind kinds[POL_WARNING_COUNT] = {
	[POL_WARNING_NONE] = { "", "", "", false, false },
	[POL_WARNING_ADJACENT_BLOCK] = { "adjacent-block",
		"a block that looks like a parameter within a segment",
		"'/files{name}' is the path /files with a block that has the action\n"
		"'name'. A parameter is a whole segment: write '/files/{name}'. Put a\n"
		"space before a block that is meant as one.\n",
		false, false },
	[POL_WARNING_CONDITION_CONSTANT] = { "condition-constant",
		"a condition that is never true, or never false",
		"Its comparisons exclude each other, or one of them always holds: no\n"
		"values of the facts make a difference. A grant whose condition is never\n"
		"true grants nothing; one whose condition is never false needs none,\n"
		"unless a fact is absent. Correct it.\n",
		false, false },
	[POL_WARNING_DATA_FILE] = { "data-file", "a data file that its module refuses",
		"The module goes on with the last content that was good or, when there\n"
		"was none, denies. Mend the file. This warning cannot be silenced: it is\n"
		"about the machine, not about the policy's text.\n",
		false, true },
	[POL_WARNING_FACT_UNUSED] = { "fact-unused", "a fact that no condition reads",
		"Callers send it for nothing, and a misspelt name in a condition may be\n"
		"the reason. Remove it, or silence it where stored roles read it alone.\n",
		false, false },
	[POL_WARNING_GRANTS_NOTHING] = { "grants-nothing", "a role or scope that grants nothing",
		"It has no grants, or denies everything that it allows. Remove it, or\n"
		"give it what it is for.\n",
		false, false },
	[POL_WARNING_LITERAL_PARAMETER] = { "literal-parameter",
		"a literal that is spelled as routers spell parameters",
		"'/:id', '/<id>' and '/$id' match these characters alone. A parameter is\n"
		"'/{id}'. Put the segment in quotes if it is meant as it is.\n",
		false, false },
	[POL_WARNING_NO_OTHER_STACK] = { "no-other-stack", "stacks without one called 'other'",
		"A request that names no service is decided by the stack 'other' or, when\n"
		"there is none, by the built-in one, which has none of the other stacks'\n"
		"account lines. Declare 'other', even if it only denies.\n",
		false, false },
	[POL_WARNING_RULE_COVERED] = { "rule-covered",
		"a rule that other rules of the same statement cover",
		"Without it the role or scope allows and denies the same, so it may not\n"
		"be what was meant. Remove it, or narrow the rules that cover it.\n",
		false, false },
	[POL_WARNING_STACK_EMPTY] = { "stack-empty", "a stack without lines",
		"It decides nothing, and including it adds nothing. Remove it.\n", false, false },
	[POL_WARNING_STACK_UNDECIDED] = { "stack-undecided",
		"a group of a stack that never decides",
		"The module 'warn' ignores. A group in which no line decides fails, so\n"
		"the stack denies everything. Add a line that decides, such as\n"
		"'required permit'.\n",
		false, false },
	[POL_WARNING_TEST_EXPECTS_NOTHING] = { "test-expects-nothing",
		"a test without an 'allow' or 'deny' line",
		"It passes whatever the policy says. Add what must come out.\n", false, false },
	[POL_WARNING_UNKNOWN_PEER] = { "unknown-peer",
		"a user or group that this machine does not have",
		"Nobody is known by that 'peer' line here. Correct the name, create the\n"
		"user, or silence the line where the machine that checks the policy is\n"
		"not the one that uses it.\n",
		false, false },
	[POL_WARNING_UNKNOWN_ROLE] = { "unknown-role",
		"a condition that asks for a role that the files do not have",
		"Whether the caller holds it is always unknown: an allow never counts for\n"
		"it, a deny always does. A role of the store does not count, even when it\n"
		"has that name. Correct the name, or declare the role.\n",
		false, false },

	[POL_WARNING_ALLOW_DENIED] = { "allow-denied", "an allow that a deny always overrides",
		"Everything that the rule allows is denied by the same role or scope, by\n"
		"what it inherits, or by role 'anyone', which every caller holds. Remove\n"
		"the rule, or take what it allows out of the deny.\n",
		true, false },
	[POL_WARNING_LINE_UNREACHABLE] = { "line-unreachable",
		"a line of a stack that can change nothing",
		"A line before it ends the group every time: 'sufficient permit' or\n"
		"'requisite deny'. Remove the line, or move it up.\n",
		true, false },
	[POL_WARNING_NO_TESTS] = { "no-tests", "a policy without tests",
		"Tests run at every load, and a policy whose tests fail is refused. Write\n"
		"at least one for what must be denied.\n",
		true, false },
	[POL_WARNING_NODE_EMPTY] = { "node-empty", "a node without actions at it or below",
		"Every request for it is refused, 'unknown_resource', and nothing can be\n"
		"granted there. Add its actions, or remove it.\n",
		true, false },
	[POL_WARNING_NODE_NOT_ALLOWED] = { "node-not-allowed",
		"a node where no role and no scope allows anything",
		"Everything at it and below it is denied, to every caller. Grant it,\n"
		"remove it, or silence it if it is granted by stored roles alone.\n",
		true, false },
	[POL_WARNING_NODE_UNREACHABLE] = { "node-unreachable",
		"a node to which no HTTP request leads",
		"Clients must encode a literal with a space or a character that is not\n"
		"ASCII, and an encoded literal is not taken where a parameter stands\n"
		"beside it. Or the path is longer than 4,096 bytes. Rename the literal,\n"
		"or remove the parameter.\n",
		true, false },
	[POL_WARNING_ROLE_UNUSABLE] = { "role-unusable", "a role that helps nobody who holds it",
		"Role 'anyone', which every caller holds, denies all that the role\n"
		"allows; or no stack asks for roles. Remove the role, narrow the deny, or\n"
		"add 'authorize required role' to a stack.\n",
		true, false },
	[POL_WARNING_ROLE_UNUSED] = { "role-unused", "a role that nothing in the policy names",
		"No principal, role, exclusive set or test of the files names it. Remove\n"
		"it, or add a test that shows what it is for; that also keeps it right\n"
		"when it is assigned in the store alone. Not reported of a policy that\n"
		"has neither principals nor tests.\n",
		true, false },
	[POL_WARNING_RULE_INHERITED] = { "rule-inherited", "a rule that repeats what is inherited",
		"The roles or scopes that this one inherits or includes already grant all\n"
		"of it. Remove the rule, or do not inherit.\n",
		true, false },
	[POL_WARNING_SCOPE_EXCEEDS_ROLES] = { "scope-exceeds-roles",
		"a scope that allows what no role allows",
		"A key that is bound to a principal or to roles may do only what these\n"
		"allow too, so that part of the scope counts for keys of scopes alone.\n"
		"Narrow the scope, or silence it if it is for such keys.\n",
		true, false },
	[POL_WARNING_STACK_UNUSED] = { "stack-unused", "a fragment that no stack includes",
		"A stack without 'authenticate' and 'authorize' lines is never named by a\n"
		"request. Include it, or remove it.\n",
		true, false },
	[POL_WARNING_TEST_DENY_UNKNOWN] = { "test-deny-unknown",
		"a denial in a test for lack of the resource",
		"It passes because the path leads to nothing, not because of a role or a\n"
		"scope: perhaps the path is misspelled. Correct it, or state the reason,\n"
		"such as 'because unknown_resource'.\n",
		true, false },
	[POL_WARNING_UNUSED_SILENCE] = { "unused-silence", "a silence that silences nothing",
		"Nothing of that code is reported on the line, or the comment is not a\n"
		"silence. Remove or correct it. A silence stands alone above the line, or\n"
		"at the line's end: # lint: allow CODE, CODE reason\n",
		true, true },
	[POL_WARNING_WILDCARD_WRITE] = { "wildcard-write",
		"a grant of writing methods with a wildcard",
		"What is added to the tree below the wildcard later is granted with it,\n"
		"unseen. Name the nodes, grant reading alone by the wildcard, or silence\n"
		"it where everything that will be added is meant, as for administrators.\n",
		true, false },
};

const struct pol_warning_kind *pol_warning_kind(enum pol_warning warning)
{
	return &kinds[(unsigned)warning < POL_WARNING_COUNT ? warning : POL_WARNING_NONE];
}

const char *pol_warning_code(enum pol_warning warning)
{
	return pol_warning_kind(warning)->code;
}

enum pol_warning pol_warning_find(struct pol_str code)
{
	for (unsigned i = 1; i < POL_WARNING_COUNT; i++) {
		if (pol_str_equal(code, pol_str_of(kinds[i].code))) {
			return (enum pol_warning)i;
		}
	}
	return POL_WARNING_NONE;
}
