/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * warning: the kinds of warnings about a policy, and their codes.
 *
 * A code is stable: it names the kind in output, in `authzcheck policy lint --explain CODE`, and in
 * a comment that silences it (silence.h). Messages may change, codes do not. Pure, any thread; the
 * strings are static.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/text/str.h"

/* In the order of the table in warning.c, which is that of the list in the manual. */
enum pol_warning {
	POL_WARNING_NONE = 0,

	/* of the compiler, at every load */
	POL_WARNING_ADJACENT_BLOCK,
	POL_WARNING_CONDITION_CONSTANT,
	POL_WARNING_DATA_FILE,
	POL_WARNING_FACT_UNUSED,
	POL_WARNING_GRANTS_NOTHING,
	POL_WARNING_LITERAL_PARAMETER,
	POL_WARNING_NO_OTHER_STACK,
	POL_WARNING_RULE_COVERED, /* also of policy/lint, for what several rules cover together */
	POL_WARNING_STACK_EMPTY,
	POL_WARNING_STACK_UNDECIDED,
	POL_WARNING_TEST_EXPECTS_NOTHING,
	POL_WARNING_UNKNOWN_PEER,
	POL_WARNING_UNKNOWN_ROLE,

	/* of policy/lint alone */
	POL_WARNING_ALLOW_DENIED,
	POL_WARNING_LINE_UNREACHABLE,
	POL_WARNING_NO_TESTS,
	POL_WARNING_NODE_EMPTY,
	POL_WARNING_NODE_NOT_ALLOWED,
	POL_WARNING_NODE_UNREACHABLE,
	POL_WARNING_ROLE_UNUSABLE,
	POL_WARNING_ROLE_UNUSED,
	POL_WARNING_RULE_INHERITED,
	POL_WARNING_SCOPE_EXCEEDS_ROLES,
	POL_WARNING_STACK_UNUSED,
	POL_WARNING_TEST_DENY_UNKNOWN,
	POL_WARNING_UNUSED_SILENCE,
	POL_WARNING_WILDCARD_WRITE,
	POL_WARNING_COUNT
};

struct pol_warning_kind {
	const char *code;    /* "rule-covered" */
	const char *summary; /* on one line, without a full stop */
	const char *text;    /* why it is suspicious, and what to do; lines of at most 72 bytes */
	bool by_lint;        /* reported by `policy lint` alone */
	bool fixed;          /* cannot be silenced: it is about the machine, not the text */
};

/* Of POL_WARNING_NONE the code is empty. */
const struct pol_warning_kind *pol_warning_kind(enum pol_warning warning);
const char *pol_warning_code(enum pol_warning warning);

/* The warning with that code, or POL_WARNING_NONE. */
enum pol_warning pol_warning_find(struct pol_str code);
