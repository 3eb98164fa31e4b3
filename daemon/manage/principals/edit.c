/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/load/attributes.h"
#include "daemon/manage/check.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/keys/keys.h"
#include "daemon/manage/principals/principals.h"
#include "daemon/write/audit.h"
#include "policy/text/unicode.h"

/* Both tables begin with the same fields, so that one function reads them for both. */
enum field {
	ID,
	TENANT,
	NAME,
	ATTRIBUTES,
	API_ACCESS,
	BOTH_FIELDS,
	/* create */
	KIND = BOTH_FIELDS,
	CREATE_FIELDS,
	/* update */
	SET = BOTH_FIELDS,
	REMOVE,
	UPDATE_FIELDS,
};

_Static_assert(
	(int)CREATE_FIELDS == (int)PRINCIPALS_CREATE_FIELDS, "the header has the table's size");
_Static_assert(
	(int)UPDATE_FIELDS == (int)PRINCIPALS_UPDATE_FIELDS, "the header has the table's size");

const struct wire_field principals_create_fields[PRINCIPALS_CREATE_FIELDS] = {
	[ID] = WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[NAME] = WIRE_FIELD("name", WIRE_KIND_TEXT, 0),
	[ATTRIBUTES] = WIRE_FIELD("attributes", WIRE_KIND_TEXT_MAP, 0),
	[API_ACCESS] = WIRE_FIELD("api_access", WIRE_KIND_BOOL, 0),
	[KIND] = WIRE_FIELD("kind", WIRE_KIND_TEXT, 0),
};

const struct wire_field principals_update_fields[PRINCIPALS_UPDATE_FIELDS] = {
	[ID] = WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[NAME] = WIRE_FIELD("name", WIRE_KIND_TEXT, WIRE_OR_NIL),
	[ATTRIBUTES] = WIRE_FIELD("attributes", WIRE_KIND_TEXT_MAP, WIRE_OR_NIL),
	[API_ACCESS] = WIRE_FIELD("api_access", WIRE_KIND_BOOL, 0),
	[SET] = WIRE_FIELD("set_attributes", WIRE_KIND_TEXT_MAP, 0),
	[REMOVE] = WIRE_FIELD("remove_attributes", WIRE_KIND_TEXTS, 0),
};

/* A parameter that principals.create does not have. */
static const struct wire_value absent;

/* Reads name, attributes and api_access, if they are given. */
static int read_common(struct call *call, struct store_principal *principal,
	const struct principals_attributes *change, struct store_pack *attributes)
{
	const struct wire_value *params = call->params;
	int r = 0;

	if (params[NAME].given) {
		principal->name = params[NAME].nil ? (struct pol_str){ NULL, 0 }
						   : subject_str(params[NAME].text);
		r = params[NAME].nil ? 0 : check_text(call, "name", params[NAME].text);
	}
	if (r == 0) {
		r = principals_read_attributes(call, change, attributes, &principal->attributes);
	}
	if (r == 0 && params[API_ACCESS].given) {
		principal->flags &= ~(uint32_t)STORE_PRINCIPAL_NO_API;
		principal->flags |= params[API_ACCESS].boolean ? 0 : STORE_PRINCIPAL_NO_API;
	}
	return r;
}

static int read_kind(struct call *call, struct store_principal *principal)
{
	const struct wire_value *value = &call->params[KIND];

	if (!value->given || wire_str_equal(value->text, WIRE_STR("user"))) {
		return 0;
	}
	if (wire_str_equal(value->text, WIRE_STR("service"))) {
		principal->flags |= STORE_PRINCIPAL_SERVICE;
		return 0;
	}
	return call_invalid(call, "kind", "must be user or service");
}

/* A principal of the files must not have the id, not even in another case. */
static int check_declared(struct call *call, struct pol_str id)
{
	uint32_t count = (uint32_t)pol_snapshot_principal_count(call->snapshot);

	if (pol_snapshot_principal(call->snapshot, id) != POL_NONE) {
		return call_error(
			call, "conflict", "the policy's files declare a principal of that id");
	}
	for (uint32_t i = 0; i < count; i++) {
		struct pol_str declared = pol_snapshot_principal_id(call->snapshot, i);

		if (pol_unicode_equal_fold(declared, id)) {
			return call_error(call, "conflict",
				"the policy's files declare principal %.*s, whose id differs in "
				"case alone",
				POL_STR_ARGS(declared));
		}
	}
	return 0;
}

static int check_free(struct call *call, const struct store_principal *principal)
{
	struct store_principal taken;
	int r = store_get_principal(call->read, principal->tenant, principal->id, &taken);

	if (r == 0 || r == -EBADMSG) {
		return call_error(call, "conflict", "there is a principal of that id");
	}
	if (r != -ENOENT) {
		return r;
	}
	if (principal->tenant == STORE_TENANT_DEFAULT) {
		r = check_declared(call, principal->id);
		if (r != 0) {
			return r;
		}
	}
	return keys_check_no_keys(call, principal->tenant, principal->id);
}

/* It holds no role of its own yet, but what everyone and anyone may do can depend on its attributes
 * and its kind. */
static int check_new(struct call *call, const struct store_principal *principal)
{
	struct store_principal plain = *principal;

	if ((principal->flags & STORE_PRINCIPAL_SERVICE) == 0 &&
		!attributes_are_facts(call->snapshot, principal->attributes)) {
		return 0;
	}
	plain.flags &= ~(uint32_t)STORE_PRINCIPAL_SERVICE;
	plain.attributes = (struct store_list){ NULL, 0, 0 };
	return escalation_check_principal(call, &plain, principal);
}

int principals_create(struct call *call)
{
	const struct wire_value *params = call->params;
	uint8_t attributes[PRINCIPALS_MAX_ATTRIBUTES];
	struct store_pack pack = { .bytes = attributes, .cap = sizeof attributes };
	struct principals_attributes change = { &params[ATTRIBUTES], &absent, &absent };
	struct store_principal principal = {
		.id = subject_str(params[ID].text),
		.created_at = call->now,
		.created_by = pol_str_of(call->change->actor),
	};
	int r = actor_may(call, "principals", (struct pol_str){ NULL, 0 }, "create");

	if (r == 0) {
		r = check_id(call, "id", params[ID].text);
	}
	if (r == 0) {
		r = check_tenant(call, &params[TENANT], &principal.tenant);
	}
	if (r == 0) {
		r = read_common(call, &principal, &change, &pack);
	}
	if (r == 0) {
		r = read_kind(call, &principal);
	}
	if (r == 0) {
		r = check_free(call, &principal);
	}
	if (r == 0) {
		r = check_new(call, &principal);
	}
	if (r != 0) {
		return r;
	}
	return principals_save(call, &principal);
}

/* An update that changes attributes gives and takes rights as one of roles does. */
static int check_gain(struct call *call, const struct store_principal *before,
	const struct store_principal *after)
{
	bool had_no_api = (before->flags & STORE_PRINCIPAL_NO_API) != 0;
	bool changes =
		!attributes_same_facts(call->snapshot, before->attributes, after->attributes);

	if (changes && escalation_is_own(call, after->tenant, after->id)) {
		return call_error(call, "forbidden",
			"the policy's conditions read these attributes, and no caller may change "
			"its own");
	}
	/* Its keys are valid again. */
	if (had_no_api && (after->flags & STORE_PRINCIPAL_NO_API) == 0) {
		return escalation_check_principal(call, NULL, after);
	}
	return changes ? escalation_check_principal(call, before, after) : 0;
}

int principals_update(struct call *call)
{
	const struct wire_value *params = call->params;
	uint8_t attributes[PRINCIPALS_MAX_ATTRIBUTES];
	struct store_pack pack = { .bytes = attributes, .cap = sizeof attributes };
	struct principals_attributes change = { &params[ATTRIBUTES], &params[SET],
		&params[REMOVE] };
	struct store_principal before, principal;
	int r = actor_may(call, "principals", subject_str(params[ID].text), "update");

	if (r == 0) {
		r = principals_find(call, &params[ID], &params[TENANT], &principal);
	}
	if (r != 0) {
		return r;
	}
	before = principal;
	r = read_common(call, &principal, &change, &pack);
	if (r == 0) {
		r = check_gain(call, &before, &principal);
	}
	if (r != 0) {
		return r;
	}
	return principals_save(call, &principal);
}
