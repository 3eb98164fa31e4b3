/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of a dry run: what a changed role would allow more and less than now. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/decide/subject.h"
#include "daemon/manage/list.h"
#include "daemon/manage/roles/editing.h"
#include "policy/ask/role_effect.h"
#include "policy/snapshot/stored.h"

/* Items of one list, as in a page. */
#define ITEMS LIST_MAX

/* What is lost, and what is gained. */
struct lists {
	struct wire_buf packed[2];
	size_t arrays[2];
	uint32_t counts[2];
};

static bool put_text(struct wire_buf *out, const char *name, struct pol_str text)
{
	if (text.len > 0) {
		wire_put_cstr(out, name);
		wire_put_str(out, subject_wire(text));
	}
	return text.len > 0;
}

static bool on_item(void *context, const struct pol_role_effect_item *item)
{
	struct lists *lists = (struct lists *)context;
	struct wire_buf *out = &lists->packed[item->gained];
	uint32_t pairs = 3;
	size_t map;

	if (lists->counts[item->gained] == ITEMS || out->len > LIST_MAX_BYTES) {
		return false;
	}
	map = wire_open_map(out);
	wire_put_cstr(out, "resource");
	wire_put_str(out, subject_wire(item->resource));
	wire_put_cstr(out, "actions");
	wire_put_array(out, (uint32_t)item->action_count);
	for (size_t i = 0; i < item->action_count; i++) {
		wire_put_str(out, subject_wire(item->actions[i]));
	}
	wire_put_cstr(out, "count");
	wire_put_int(out, item->count);
	pairs += put_text(out, "when", item->when);
	pairs += put_text(out, item->gained ? "was" : "still", item->other);
	wire_close_map(out, map, pairs);
	lists->counts[item->gained]++;
	return true;
}

static int find(struct call *call, const struct editing *editing, uint32_t before,
	struct lists *lists, struct pol_role_effect *out)
{
	const struct pol_role_change change = {
		.before = call->snapshot,
		.after = editing->next,
		.role_before = before,
		.role_after =
			pol_stored_find(editing->next, editing->role.number, editing->role.tenant),
		.visit = on_item,
		.context = lists,
	};

	return pol_role_effect_find(&change, out) == POL_OK ? 0 : -ENOMEM;
}

/* Ends the lists: both are in packed[1] then, with the totals. */
static void end(struct lists *lists, const struct pol_role_effect *effect)
{
	struct wire_buf *out = &lists->packed[1];

	for (int i = 0; i < 2; i++) {
		wire_close_array(&lists->packed[i], lists->arrays[i], lists->counts[i]);
	}
	wire_put_raw(out, lists->packed[0].data, lists->packed[0].len);
	wire_put_cstr(out, "gains_total");
	wire_put_int(out, (int64_t)effect->gained);
	wire_put_cstr(out, "loses_total");
	wire_put_int(out, (int64_t)effect->lost);
}

int roles_answer_effect(struct call *call, const struct editing *editing, uint32_t before)
{
	static const char *const names[2] = { "loses", "gains" };
	struct lists lists = { .counts = { 0 } };
	struct wire_buf *packed = &lists.packed[1];
	struct pol_role_effect effect;
	int r;

	for (int i = 0; i < 2; i++) {
		wire_buf_init(&lists.packed[i], WIRE_MAX_RESPONSE);
		wire_put_cstr(&lists.packed[i], names[i]);
		lists.arrays[i] = wire_open_array(&lists.packed[i]);
	}
	r = find(call, editing, before, &lists, &effect);
	if (r == 0) {
		end(&lists, &effect);
		r = packed->status == WIRE_OK && lists.packed[0].status == WIRE_OK ? 1 : -ENOMEM;
	}
	if (r == 1) {
		const struct roles_more more = { packed->data, packed->len, 4 };

		wire_put_result(call->out, call->id);
		roles_encode_more(call, editing->next, &editing->role, &more);
	}
	wire_buf_finish(&lists.packed[0]);
	wire_buf_finish(packed);
	return r;
}
