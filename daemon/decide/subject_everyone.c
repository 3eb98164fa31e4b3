/* SPDX-License-Identifier: Apache-2.0 */
/* What a subject holds because every principal, or every caller, of its tenant does. */
#include <errno.h>

#include "daemon/decide/everyone_memo.h"
#include "daemon/decide/subject_internal.h"
#include "daemon/load/stored_roles.h"

/* Counts what was added to `held` from there on. */
static void count_added(struct subject *subject, enum store_everyone kind, uint32_t from)
{
	struct pol_facts *facts = &subject->facts;
	uint16_t added = (uint16_t)(facts->held_count - from);

	facts->held = subject->held;
	*(kind == STORE_EVERY_PRINCIPAL ? &facts->everyone_count : &facts->anyone_count) = added;
}

/* Adds what the memo has, without what has ended. Its places stay where they are. */
static void take_line(
	struct call *call, const struct everyone_memo_line *line, struct subject *subject)
{
	struct pol_facts *facts = &subject->facts;

	for (uint32_t i = 0; i < line->held_count; i++) {
		const struct pol_held *held = &line->held[i];

		if (held->until != 0 && call->now >= held->until) {
			continue;
		}
		subject->held[facts->held_count++] = *held;
		for (uint32_t k = 0; k < held->place_count; k++) {
			subject_count_place(subject, held->places[k]);
		}
	}
}

/* NULL: there is no record. */
static void remember(struct call *call, const struct everyone_memo_key *key,
	const struct store_principal *record)
{
	struct everyone_memo_line *line = everyone_memo_begin(call->everyone, key);
	struct store_assignment assignment;
	struct store_list left = { NULL, 0, 0 };

	if (record != NULL) {
		left = record->assignments;
	}
	while (line != NULL && store_assignment_next(&left, &assignment)) {
		uint32_t role = stored_roles_find(
			call->snapshot, key->tenant, assignment.role, assignment.stored);

		if (!everyone_memo_add(line, role, assignment.until, assignment.places)) {
			line = NULL;
		}
	}
}

static int look_up(struct call *call, const struct everyone_memo_key *key, enum store_everyone kind,
	struct subject *subject)
{
	struct store_principal record;
	int r = store_get_everyone(call->read, key->tenant, kind, &record);
	bool found = r == 0;

	if (found) {
		call->cost += record.assignments.size / SUBJECT_RECORD_BYTES;
		r = subject_take_assignments(call, &record, subject);
	}
	/* An altered record may have denied something: nothing is decided then. */
	if (r < 0 && r != -ENOENT) {
		return r;
	}
	if (call->everyone != NULL && key->view != 0) {
		remember(call, key, found ? &record : NULL);
	}
	return 0;
}

int subject_take_everyone(
	struct call *call, uint32_t tenant, enum store_everyone kind, struct subject *subject)
{
	const struct store *store = call->context->store;
	const struct everyone_memo_line *line = NULL;
	uint32_t from = subject->facts.held_count;
	struct everyone_memo_key key;
	int r = 0;

	if (!store_has_everyone(store) || tenant == 0) {
		return 0;
	}
	key = (struct everyone_memo_key){ .tenant = tenant,
		.kind = kind,
		.serial = call->serial,
		.view = call->view,
		.changed = store_everyone_changed(store) };
	if (call->everyone != NULL && key.view != 0) {
		line = everyone_memo_find(call->everyone, &key);
	}
	if (line != NULL) {
		take_line(call, line, subject);
	} else {
		r = look_up(call, &key, kind, subject);
	}
	count_added(subject, kind, from);
	return r;
}

int subject_take_all(struct call *call, uint32_t tenant, struct subject *subject)
{
	int r;

	/* Nearly always: most stores have none. */
	if (!store_has_everyone(call->context->store)) {
		return 0;
	}
	r = subject_take_everyone(call, tenant, STORE_EVERY_PRINCIPAL, subject);
	return r < 0 ? r : subject_take_everyone(call, tenant, STORE_EVERY_CALLER, subject);
}

int subject_describe_everyone(struct call *call, uint32_t tenant, enum store_everyone kind,
	const struct store_principal *record, struct subject *out)
{
	int r = 0;

	subject_begin(call, out);
	out->facts.tenant = tenant;
	if (record != NULL) {
		r = subject_take_assignments(call, record, out);
		count_added(out, kind, 0);
	}
	if (kind == STORE_EVERY_CALLER) {
		return r;
	}
	out->facts.principal_state = POL_PRINCIPAL_ACTIVE;
	return r < 0 ? r : subject_take_everyone(call, tenant, STORE_EVERY_CALLER, out);
}
