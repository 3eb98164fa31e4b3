/* SPDX-License-Identifier: Apache-2.0 */
/* policy.names: what the policy declares, for those who choose from it. */
#include "daemon/decide/plan_encode.h"
#include "daemon/decide/subject.h"
#include "daemon/manage/policy.h"
#include "policy/snapshot/condition.h"

static struct pol_str environment_name(const struct pol_snapshot *snapshot, uint32_t number)
{
	const struct pol_environment *environments;
	size_t count = pol_snapshot_environments(snapshot, &environments);

	return number < count ? environments[number].name : (struct pol_str){ 0 };
}

/* A fact that a request may state. */
static struct pol_str fact_name(const struct pol_snapshot *snapshot, uint32_t number)
{
	const struct pol_declared_fact *fact =
		pol_condition_declared(snapshot, POL_FACT_KNOWN + number);

	return fact != NULL ? fact->name : (struct pol_str){ 0 };
}

/* Names by their numbers; of a number that is not in the snapshot the name is empty. */
static const struct {
	const char *what;
	struct pol_str (*name)(const struct pol_snapshot *snapshot, uint32_t number);
} declared_names[] = {
	{ "scopes", pol_snapshot_scope_name },
	{ "environments", environment_name },
	{ "trees", pol_snapshot_tree_name },
	{ "actions", pol_snapshot_verb },
	{ "facts", fact_name },
};

static void encode_type(struct wire_buf *out, const struct pol_declared_fact *fact)
{
	bool has_words = fact->type == POL_TYPE_WORD;
	bool has_default = fact->preset.type != POL_TYPE_ABSENT;

	wire_put_map(out, 2U + has_words + has_default);
	wire_put_cstr(out, "name");
	wire_put_str(out, subject_wire(fact->name));
	wire_put_cstr(out, "type");
	wire_put_cstr(out, pol_value_type(fact->type));
	if (has_words) {
		wire_put_cstr(out, "words");
		wire_put_array(out, fact->word_count);
		for (uint32_t i = 0; i < fact->word_count; i++) {
			wire_put_str(out, subject_wire(fact->words[i]));
		}
	}
	if (has_default) {
		wire_put_cstr(out, "default");
		plan_encode_value(out, &fact->preset);
	}
}

/* The facts with what they may be: there are POL_FACTS_MAX at most. */
static void encode_types(struct wire_buf *out, const struct pol_snapshot *snapshot)
{
	const struct pol_declared_fact *fact;
	uint32_t count = 0;
	size_t at;

	wire_put_cstr(out, "fact_types");
	at = wire_open_array(out);
	while ((fact = pol_condition_declared(snapshot, POL_FACT_KNOWN + count)) != NULL) {
		encode_type(out, fact);
		count++;
	}
	wire_close_array(out, at, count);
}

int policy_names(struct call *call)
{
	const size_t lists = sizeof declared_names / sizeof declared_names[0];
	int r = policy_admit(call);

	if (r != 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, (uint32_t)lists + 1);
	for (size_t i = 0; i < lists; i++) {
		struct pol_str name;
		uint32_t count = 0;
		size_t at;

		wire_put_cstr(call->out, declared_names[i].what);
		at = wire_open_array(call->out);
		while (count < POLICY_NAMES_MAX &&
			(name = declared_names[i].name(call->snapshot, count)).len > 0) {
			wire_put_str(call->out, subject_wire(name));
			count++;
		}
		wire_close_array(call->out, at, count);
	}
	encode_types(call->out, call->snapshot);
	return 0;
}
