/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/eval_internal.h"
#include "policy/snapshot/compiled.h"

/* Which segments of the path are open? False: one is misnamed. */
static bool find_open(const struct pol_evaluation *eval)
{
	struct pol_eval_node *out = eval->of_node;
	enum pol_segment_kind kind = eval->snapshot->nodes[eval->node].kind;

	for (uint32_t i = 0; i < eval->at->count; i++) {
		switch (pol_matched_open(&eval->matched, i)) {
		case POL_OPEN_NOT:
			break;
		case POL_OPEN_ANY:
			out->open |= UINT64_C(1) << i;
			out->open_rest =
				kind == POL_SEGMENT_REST && i + 1 == eval->at->count ? i : POL_NONE;
			break;
		case POL_OPEN_MISNAMED:
			return false;
		}
	}
	return true;
}

struct pol_str pol_eval_ask_authorize(struct pol_evaluation *eval)
{
	struct pol_eval_node *out = eval->of_node;
	uint32_t charges = eval->charges.count;

	out->misnamed = !find_open(eval);
	eval->request.scopes_allow = true;
	for (uint32_t i = 0; i < POL_ROLES_CASES; i++) {
		eval->request.roles_allow = i != POL_ROLES_NOTHING;
		eval->request.anyone_allows = i == POL_ROLES_ANYONE;
		eval->charges.count = charges;
		out->authorize[i] = pol_eval_denial(pol_eval_run_group(eval, POL_GROUP_AUTHORIZE));
	}
	return POL_STR("denied");
}
