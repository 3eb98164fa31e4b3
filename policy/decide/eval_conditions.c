/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/eval_internal.h"
#include "policy/decide/subject.h"

/* Do the bits of both together cover the word? Then *maybe: also with what is unknown. */
static bool covers(const struct pol_run_word *at, const struct pol_tri *a, const struct pol_tri *b,
	bool *maybe)
{
	*maybe = *maybe && (a->sure | a->maybe | b->sure | b->maybe) == at->mask;
	return (a->sure | b->sure) == at->mask;
}

struct pol_str pol_eval_check_conditions(
	struct pol_evaluation *eval, const struct pol_eval_word *first, struct pol_run rest)
{
	struct pol_request *request = &eval->request;
	struct pol_run_word at = first->at;
	bool roles = request->roles_allow;
	bool scopes = request->scopes_allow;
	bool anyone = request->anyone_allows;
	struct pol_subject_bits bits = *first->bits;
	struct pol_tri denied = { .sure = first->denied };
	struct pol_str reason;

	for (;;) {
		denied.sure |= bits.denied.sure;
		denied.maybe |= bits.denied.maybe;
		roles = covers(&at, &bits.roles, &bits.anyone, &request->roles_allow) && roles;
		scopes = covers(&at, &bits.scopes, &bits.anyone, &request->scopes_allow) && scopes;
		anyone = covers(&at, &bits.anyone, &bits.anyone, &request->anyone_allows) && anyone;
		if (!pol_run_next(&rest, &at)) {
			break;
		}
		bits = pol_subject_decide(&eval->truth, &at);
	}
	eval->steps = POL_TRUTH_STEPS - eval->truth.steps;
	eval->unknown = (struct pol_unknown){ .denied = denied.maybe != 0,
		.scopes = request->scopes_allow && !scopes,
		.roles = request->roles_allow != roles || request->anyone_allows != anyone,
		.roles_sure = roles,
		.anyone_sure = anyone,
		.charges = eval->charges.count };
	eval->uncertain = eval->unknown.denied || eval->unknown.scopes || eval->unknown.roles;
	reason = pol_eval_refuse(request, denied.sure != 0);
	if (reason.len > 0) {
		request->roles_allow = roles;
		request->scopes_allow = scopes;
		request->anyone_allows = anyone;
	}
	return reason;
}

/* Does `authorize` pass when the roles that are unknown do not allow the request? The charges and
 * the trace become those of this answer, if it passes. */
static bool passes_without(struct pol_evaluation *eval)
{
	const struct pol_stack_group *group = &eval->stack->groups[POL_GROUP_AUTHORIZE];
	struct pol_charges charges = eval->charges;

	eval->request.roles_allow = eval->unknown.roles_sure;
	eval->request.anyone_allows = eval->unknown.anyone_sure;
	eval->charges.count = eval->unknown.charges;
	if (group->count > 0 &&
		!pol_stack_run_group(group, &eval->request, &eval->charges).passed) {
		eval->charges = charges;
		return false;
	}
	eval->charges.count = eval->unknown.charges;
	if (eval->trace != NULL && eval->trace->groups[POL_GROUP_AUTHORIZE].asked) {
		eval->trace->line_count = eval->trace->groups[POL_GROUP_AUTHORIZE].first;
	}
	(void)pol_eval_run_group(eval, POL_GROUP_AUTHORIZE);
	return true;
}

/* Names the facts that the answer depends on. `roles`: also on what roles allow. */
static void find_missing(struct pol_evaluation *eval, bool roles)
{
	struct pol_run run = eval->run;
	struct pol_run_word at;

	while (pol_run_next(&run, &at)) {
		struct pol_subject_bits bits = pol_subject_decide(&eval->truth, &at);
		struct pol_subject_wanted wanted = { .denied = bits.denied.maybe };

		if (roles) {
			wanted.roles = at.mask & ~(bits.roles.sure | bits.anyone.sure);
			wanted.anyone = at.mask & ~bits.anyone.sure;
		}
		if (eval->unknown.scopes) {
			wanted.scopes = at.mask & ~(bits.scopes.sure | bits.anyone.sure);
			wanted.anyone |= wanted.scopes;
		}
		/* The decision is made; what it took is not missing here. */
		eval->truth.steps = POL_TRUTH_STEPS;
		pol_subject_missing(&eval->truth, &at, &wanted, eval->missing);
		eval->steps += POL_TRUTH_STEPS - eval->truth.steps;
	}
}

struct pol_str pol_eval_check_missing(struct pol_evaluation *eval)
{
	bool roles = eval->unknown.roles && !passes_without(eval);

	if (!roles && !eval->unknown.scopes && !eval->unknown.denied) {
		return (struct pol_str){ 0 };
	}
	eval->request.roles_allow = eval->unknown.roles_sure;
	eval->request.scopes_allow = eval->request.scopes_allow && !eval->unknown.scopes;
	eval->request.anyone_allows = eval->unknown.anyone_sure;
	eval->by = NULL;
	find_missing(eval, roles);
	return POL_STR("missing_fact");
}
