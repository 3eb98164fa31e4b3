/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "daemon/decide/subject.h"
#include "daemon/manage/assignments/assignments.h"
#include "daemon/manage/check.h"
#include "daemon/manage/principals/principals.h"
#include "daemon/write/audit.h"

const char *assignments_holder_text(enum pol_holder holder)
{
	return holder == POL_HOLDER_SUBJECT    ? "the principal"
	       : holder == POL_HOLDER_EVERYONE ? "every principal"
					       : "every caller";
}

static bool is_set(const struct wire_value *value)
{
	return value->given && value->boolean;
}

int assignments_read_holder(struct call *call, enum pol_holder *out, bool *out_given)
{
	const struct wire_value *params = call->params;
	bool principal = params[ASSIGNMENTS_PRINCIPAL].given;
	bool everyone = is_set(&params[ASSIGNMENTS_EVERYONE]);
	bool anyone = is_set(&params[ASSIGNMENTS_ANYONE]);

	if (principal + everyone + anyone > 1) {
		return call_invalid(call, everyone ? "everyone" : "anyone",
			"give one of principal, everyone and anyone");
	}
	*out = everyone ? POL_HOLDER_EVERYONE : anyone ? POL_HOLDER_ANYONE : POL_HOLDER_SUBJECT;
	*out_given = principal || everyone || anyone;
	return 0;
}

int assignments_find(struct call *call, enum pol_holder holder, struct store_principal *out)
{
	const struct wire_value *params = call->params;
	uint32_t tenant;
	int r;

	if (holder == POL_HOLDER_SUBJECT) {
		return principals_find(
			call, &params[ASSIGNMENTS_PRINCIPAL], &params[ASSIGNMENTS_TENANT], out);
	}
	r = check_tenant(call, &params[ASSIGNMENTS_TENANT], &tenant);
	if (r != 0) {
		return r;
	}
	r = store_get_everyone(call->read, tenant, assignments_kind(holder), out);
	if (r != -ENOENT) {
		return r;
	}
	*out = (struct store_principal){
		.id = store_everyone_id(assignments_kind(holder)),
		.tenant = tenant,
		.created_at = call->now,
	};
	if (call->change != NULL) {
		out->created_by = pol_str_of(call->change->actor);
	}
	return 0;
}
