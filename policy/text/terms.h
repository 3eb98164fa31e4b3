/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * terms: the words for groups, controls, verdicts and stages, in policies, on the wire and in
 * messages. The strings are static.
 */

#include "policy/text/word.h"

/* The controls of a stack's lines, as in pam.conf(5). */
enum pol_control {
	POL_CONTROL_REQUIRED = 0,
	POL_CONTROL_REQUISITE,
	POL_CONTROL_SUFFICIENT,
	POL_CONTROL_OPTIONAL,
	POL_CONTROL_INCLUDE,
	POL_CONTROL_SUBSTACK,
};

/* The steps of a decision, in their order: the one that ended it. */
enum pol_stage {
	POL_STAGE_TOKEN = 0,
	POL_STAGE_PRINCIPAL,
	POL_STAGE_ENVIRONMENT,
	POL_STAGE_SERVICE,
	POL_STAGE_AUTHENTICATE,
	POL_STAGE_RESOURCE,
	POL_STAGE_NETWORKS,
	POL_STAGE_ACCOUNT,
	POL_STAGE_SUBJECT,
	POL_STAGE_AUTHORIZE,
	POL_STAGE_FACTS, /* what was unknown, for lack of a fact */
	POL_STAGE_CHARGES,
	POL_STAGE_END, /* all passed: allowed */
	POL_STAGE_COUNT
};

/* Through what a subject holds a role: an assignment of its own, one of every principal of its
 * tenant, or one of every caller. */
enum pol_holder { POL_HOLDER_SUBJECT = 0, POL_HOLDER_EVERYONE, POL_HOLDER_ANYONE, POL_HOLDERS };

/* "authenticate", "required", "allow", "resource". */
const char *pol_terms_group(enum pol_group group);
const char *pol_terms_control(enum pol_control control);
const char *pol_terms_verdict(enum pol_verdict verdict);
const char *pol_terms_stage(enum pol_stage stage);
/* "everyone", "anyone"; of the subject itself the empty string. */
const char *pol_terms_holder(enum pol_holder holder);
enum pol_holder pol_terms_find_holder(struct pol_str word);
