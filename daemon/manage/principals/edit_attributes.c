/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/subject.h"
#include "daemon/load/attributes.h"
#include "daemon/manage/check.h"
#include "daemon/manage/principals/principals.h"

/* What adds attributes, and the parameter that is named in an error. */
struct edit {
	struct call *call;
	struct store_pack *pack;
	const char *param;
};

static int add(const struct edit *edit, struct pol_str name, struct pol_str text)
{
	if (edit->pack->count >= 2 * WIRE_MAX_PAIRS) {
		return call_invalid(edit->call, edit->param, "are more than %d altogether",
			(int)WIRE_MAX_PAIRS);
	}
	if (!store_pack_add(edit->pack, name) || !store_pack_add(edit->pack, text)) {
		return call_invalid(edit->call, edit->param, "are longer than %d bytes altogether",
			PRINCIPALS_MAX_ATTRIBUTES);
	}
	return 0;
}

/* Adds those of a parameter that is a map. */
static int add_given(const struct edit *edit, struct wire_cursor items)
{
	struct wire_str name, text;
	int r = 0;

	while (r == 0 && wire_next_pair(&items, &name, &text)) {
		r = check_text(edit->call, edit->param, name);
		if (r == 0) {
			r = check_attribute(edit->call, edit->param, text);
		}
		if (r == 0) {
			r = add(edit, subject_str(name), subject_str(text));
		}
	}
	return r;
}

static bool is_set(struct wire_cursor set, struct pol_str name)
{
	struct wire_str found, text;

	while (wire_next_pair(&set, &found, &text)) {
		if (pol_str_equal(subject_str(found), name)) {
			return true;
		}
	}
	return false;
}

static bool is_removed(struct wire_cursor remove, struct pol_str name)
{
	struct wire_str found;

	while (wire_next_text(&remove, &found)) {
		if (pol_str_equal(subject_str(found), name)) {
			return true;
		}
	}
	return false;
}

/* The parameter that an error names. */
static const char *edit_name(const struct principals_attributes *change)
{
	return change->set->given ? "set_attributes" : "remove_attributes";
}

static int check_change(struct call *call, const struct principals_attributes *change)
{
	struct wire_cursor set = change->set->items, remove = change->remove->items;
	struct wire_str name, text;

	if (change->all->given) {
		return call_invalid(call, edit_name(change),
			"changes some, and 'attributes' replaces all: give one of them");
	}
	if (change->remove->given && change->remove->count > WIRE_MAX_PAIRS) {
		return call_invalid(
			call, "remove_attributes", "has more than %d items", (int)WIRE_MAX_PAIRS);
	}
	while (change->set->given && change->remove->given && wire_next_pair(&set, &name, &text)) {
		if (is_removed(remove, subject_str(name))) {
			return call_invalid(
				call, "remove_attributes", "has one that 'set_attributes' sets");
		}
	}
	return 0;
}

/* Adds those of before that the change leaves as they are. */
static int add_kept(const struct edit *edit, const struct principals_attributes *change,
	struct store_list before)
{
	struct pol_str name, text;
	int r = 0;

	while (r == 0 && attributes_next(&before, &name, &text)) {
		if (!(change->set->given && is_set(change->set->items, name)) &&
			!(change->remove->given && is_removed(change->remove->items, name))) {
			r = add(edit, name, text);
		}
	}
	return r;
}

/* Keeps the attributes that the change does not name, then adds those it sets. */
static int merge(
	struct edit *edit, const struct principals_attributes *change, struct store_list before)
{
	int r = check_change(edit->call, change);

	edit->param = edit_name(change);
	if (r == 0) {
		r = add_kept(edit, change, before);
	}
	if (r == 0 && change->set->given) {
		r = add_given(edit, change->set->items);
	}
	return r;
}

int principals_read_attributes(struct call *call, const struct principals_attributes *change,
	struct store_pack *pack, struct store_list *attributes)
{
	struct edit edit = { call, pack, "attributes" };
	struct store_list before = *attributes;
	char why[POL_GIVEN_WHY];
	int r = 0;

	if (change->set->given || change->remove->given) {
		r = merge(&edit, change, before);
	} else if (change->all->given) {
		r = change->all->nil ? 0 : add_given(&edit, change->all->items);
	} else {
		return 0;
	}
	if (r != 0) {
		return r;
	}
	*attributes = store_pack_list(pack);
	return attributes_check(call->snapshot, *attributes, before, why)
		       ? 0
		       : call_invalid(call, edit.param, "%s", why);
}
