/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/attributes.h"

#include <stdio.h>

bool attributes_next(struct store_list *attributes, struct pol_str *name, struct pol_str *text)
{
	return store_list_next(attributes, name) && store_list_next(attributes, text);
}

bool attributes_find(struct store_list attributes, struct pol_str name, struct pol_str *out)
{
	struct pol_str found, text;

	while (attributes_next(&attributes, &found, &text)) {
		if (pol_str_equal(found, name)) {
			*out = text;
			return true;
		}
	}
	return false;
}

/* The declared fact that an attribute of that name is, or POL_NONE. */
static uint32_t find_declared(const struct pol_snapshot *snapshot, struct pol_str name)
{
	uint32_t fact = pol_given_attribute(snapshot, name);

	return fact != POL_NONE && fact >= POL_FACT_KNOWN ? fact : POL_NONE;
}

/* Reads one into the next item. False: `why` has the reason, and it is unknown. */
static bool read_one(const struct pol_snapshot *snapshot, struct pol_given_fact *item,
	struct pol_str text, struct pol_str *room, char why[POL_GIVEN_WHY])
{
	if (pol_given_read_text(snapshot, text, room, item, why) == POL_OK) {
		return true;
	}
	item->value = (struct pol_value){ 0 };
	return false;
}

void attributes_read(
	const struct pol_snapshot *snapshot, struct store_list attributes, struct attributes *out)
{
	struct pol_str name, text;
	char why[POL_GIVEN_WHY];
	uint32_t used = 0, twice;

	out->given = (struct pol_given){ .items = out->items };
	while (out->given.count < POL_GIVEN_FACTS && attributes_next(&attributes, &name, &text)) {
		struct pol_given_fact *item = &out->items[out->given.count];

		*item = (struct pol_given_fact){ .fact = find_declared(snapshot, name) };
		if (item->fact == POL_NONE) {
			continue;
		}
		out->given.count++;
		if (!read_one(snapshot, item, text, out->members + used, why) ||
			item->value.type != POL_TYPE_STRINGS) {
			continue;
		}
		if (item->value.strings.count > ATTRIBUTES_MEMBERS - used) {
			item->value = (struct pol_value){ 0 };
		} else {
			used += item->value.strings.count;
		}
	}
	/* A record that has a name twice was not written by this daemon: nothing in it is known. */
	if (!pol_given_sort(out->items, out->given.count, &twice)) {
		for (uint32_t i = 0; i < out->given.count; i++) {
			out->items[i].value = (struct pol_value){ 0 };
		}
	}
}

bool attributes_check(const struct pol_snapshot *snapshot, struct store_list attributes,
	struct store_list before, char why[POL_GIVEN_WHY])
{
	struct pol_str room[POL_GIVEN_MEMBERS];
	struct pol_str name, text, was;
	uint32_t members = 0;

	while (attributes_next(&attributes, &name, &text)) {
		struct pol_given_fact item = { .fact = pol_given_attribute(snapshot, name) };

		if (item.fact == POL_NONE) {
			continue;
		}
		if (item.fact < POL_FACT_KNOWN) {
			snprintf(why, POL_GIVEN_WHY,
				"'%.*s' is a fact that every principal has: choose another name",
				POL_STR_ARGS(name));
			return false;
		}
		if (!read_one(snapshot, &item, text, room, why) &&
			!(attributes_find(before, name, &was) && pol_str_equal(was, text))) {
			return false;
		}
		members += item.value.type == POL_TYPE_STRINGS ? item.value.strings.count : 0;
		if (members > ATTRIBUTES_MEMBERS) {
			snprintf(why, POL_GIVEN_WHY, "all sets together have more than %d members",
				ATTRIBUTES_MEMBERS);
			return false;
		}
	}
	return true;
}

bool attributes_are_facts(const struct pol_snapshot *snapshot, struct store_list attributes)
{
	struct pol_str name, text;

	while (attributes_next(&attributes, &name, &text)) {
		if (find_declared(snapshot, name) != POL_NONE) {
			return true;
		}
	}
	return false;
}

/* Does b have every declared fact of a, with the same text? */
static bool has_facts(const struct pol_snapshot *snapshot, struct store_list a, struct store_list b)
{
	struct pol_str name, text, other;

	while (attributes_next(&a, &name, &text)) {
		if (find_declared(snapshot, name) != POL_NONE &&
			!(attributes_find(b, name, &other) && pol_str_equal(text, other))) {
			return false;
		}
	}
	return true;
}

bool attributes_same_facts(
	const struct pol_snapshot *snapshot, struct store_list a, struct store_list b)
{
	return has_facts(snapshot, a, b) && has_facts(snapshot, b, a);
}

void attributes_find_unknown(const struct pol_snapshot *snapshot, struct store_list attributes,
	void (*visit)(void *context, struct pol_str name), void *context)
{
	struct pol_str room[POL_GIVEN_MEMBERS];
	struct pol_str name, text;
	char why[POL_GIVEN_WHY];

	while (attributes_next(&attributes, &name, &text)) {
		struct pol_given_fact item = { .fact = find_declared(snapshot, name) };

		if (item.fact != POL_NONE && !read_one(snapshot, &item, text, room, why)) {
			visit(context, name);
		}
	}
}
