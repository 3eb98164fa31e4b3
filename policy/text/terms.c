/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/terms.h"

static const char *const groups[] = {
	[POL_GROUP_AUTHENTICATE] = "authenticate",
	[POL_GROUP_ACCOUNT] = "account",
	[POL_GROUP_AUTHORIZE] = "authorize",
	[POL_GROUP_RECORD] = "record",
};

static const char *const controls[] = {
	[POL_CONTROL_REQUIRED] = "required",
	[POL_CONTROL_REQUISITE] = "requisite",
	[POL_CONTROL_SUFFICIENT] = "sufficient",
	[POL_CONTROL_OPTIONAL] = "optional",
	[POL_CONTROL_INCLUDE] = "include",
	[POL_CONTROL_SUBSTACK] = "substack",
};

static const char *const verdicts[] = {
	[POL_ERROR] = "error",
	[POL_DENY] = "deny",
	[POL_IGNORE] = "ignore",
	[POL_ALLOW] = "allow",
};

static const char *const stages[] = {
	[POL_STAGE_TOKEN] = "token",
	[POL_STAGE_PRINCIPAL] = "principal",
	[POL_STAGE_ENVIRONMENT] = "environment",
	[POL_STAGE_SERVICE] = "service",
	[POL_STAGE_AUTHENTICATE] = "authenticate",
	[POL_STAGE_RESOURCE] = "resource",
	[POL_STAGE_NETWORKS] = "networks",
	[POL_STAGE_ACCOUNT] = "account",
	[POL_STAGE_SUBJECT] = "subject",
	[POL_STAGE_AUTHORIZE] = "authorize",
	[POL_STAGE_FACTS] = "facts",
	[POL_STAGE_CHARGES] = "charges",
	[POL_STAGE_END] = "end",
};

const char *pol_terms_group(enum pol_group group)
{
	return groups[group];
}

const char *pol_terms_control(enum pol_control control)
{
	return controls[control];
}

const char *pol_terms_verdict(enum pol_verdict verdict)
{
	return verdicts[verdict];
}

const char *pol_terms_stage(enum pol_stage stage)
{
	return stages[stage];
}

static const char *const holders[POL_HOLDERS] = {
	[POL_HOLDER_SUBJECT] = "",
	[POL_HOLDER_EVERYONE] = "everyone",
	[POL_HOLDER_ANYONE] = "anyone",
};

const char *pol_terms_holder(enum pol_holder holder)
{
	return holders[holder];
}

enum pol_holder pol_terms_find_holder(struct pol_str word)
{
	for (int holder = POL_HOLDER_EVERYONE; holder < POL_HOLDERS; holder++) {
		if (pol_str_equal(word, pol_str_of(holders[holder]))) {
			return (enum pol_holder)holder;
		}
	}
	return POL_HOLDER_SUBJECT;
}
