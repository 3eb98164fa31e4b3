/* SPDX-License-Identifier: Apache-2.0 */
/* The fact by which a decision was denied, for people. */
#include "policy/decide/eval_internal.h"
#include "policy/decide/fact.h"

/* Apart, so that most decisions need no room for other facts. */
__attribute__((noinline)) static void ask_line(
	const struct pol_decision *decision, const struct pol_facts *facts, char out[POL_FACT_TEXT])
{
	struct pol_facts used;

	if (facts->by_peer && (decision->marks & POL_MARK_PEER) == 0) {
		used = pol_eval_without_peer(facts);
		facts = &used;
	}
	pol_stack_fact(decision->by, facts, out);
}

void pol_eval_fact(const struct pol_snapshot *snapshot, const struct pol_decision *decision,
	const struct pol_facts *facts, char out[POL_FACT_TEXT])
{
	out[0] = '\0';
	if (decision->by != NULL && pol_str_equal(decision->reason, POL_STR("module_error"))) {
		pol_fact_module(decision->by->module, out);
	} else if (decision->by != NULL) {
		ask_line(decision, facts, out);
	} else if (!decision->allow && pol_str_equal(decision->reason, POL_STR("network"))) {
		pol_fact_address(&facts->ip, out); /* the key's own networks */
	} else if (!decision->allow && pol_str_equal(decision->reason, POL_STR("missing_fact"))) {
		pol_fact_missing(snapshot, &decision->missing, out);
	}
}
