/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/attributes.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/policy/load.h"

static const char policy[] = "facts {\n"
			     "  principal.limit int default 7\n"
			     "  principal.a strings\n"
			     "  principal.b strings\n"
			     "  principal.c strings\n"
			     "  principal.d strings\n"
			     "  principal.e strings\n"
			     "}\n"
			     "tree api { /x { GET } }\n"
			     "role r { allow GET on api:/x when principal.limit is 7 }\n";

static struct loaded loaded;
static struct attributes attributes;
static uint8_t bytes[32768];
static struct store_pack pack;

static void setup(void)
{
	loaded = load_text(policy);
	cr_assert_not_null(loaded.snapshot, "%s", loaded.said);
	pack = (struct store_pack){ .bytes = bytes, .cap = sizeof bytes };
}

static void teardown(void)
{
	unload(&loaded);
}

TestSuite(attributes, .init = setup, .fini = teardown);

static void put(const char *name, const char *text)
{
	cr_assert(store_pack_add(&pack, pol_str_of(name)));
	cr_assert(store_pack_add(&pack, pol_str_of(text)));
}

/* The value, or NULL: it is not listed, so that a default counts. */
static const struct pol_value *value_of(const char *name)
{
	const struct pol_given_fact *found = pol_given_find(
		&attributes.given, pol_given_attribute(loaded.snapshot, pol_str_of(name)));

	return found != NULL ? &found->value : NULL;
}

Test(attributes, those_that_are_declared_are_read_by_their_types)
{
	put("limit", "-12");
	put("team", "x");
	put("a", "EU,US,EU");
	attributes_read(loaded.snapshot, store_pack_list(&pack), &attributes);
	cr_assert_eq(attributes.given.count, 2);
	cr_expect_eq(value_of("limit")->number, -12);
	cr_expect_eq(value_of("a")->strings.count, 2);
}

Test(attributes, one_of_another_type_is_unknown_whatever_its_default)
{
	put("limit", "many");
	attributes_read(loaded.snapshot, store_pack_list(&pack), &attributes);
	cr_expect_eq(value_of("limit")->type, POL_TYPE_ABSENT);
}

Test(attributes, a_set_with_a_space_beside_a_comma_is_unknown)
{
	put("a", "EU, US");
	put("b", "EU ,US");
	put("c", "New York,EU");
	attributes_read(loaded.snapshot, store_pack_list(&pack), &attributes);
	cr_expect_eq(value_of("a")->type, POL_TYPE_ABSENT);
	cr_expect_eq(value_of("b")->type, POL_TYPE_ABSENT);
	cr_expect_eq(value_of("c")->strings.count, 2);
}

Test(attributes, a_record_with_a_name_twice_makes_all_of_it_unknown)
{
	put("limit", "1");
	put("a", "x");
	put("limit", "2");
	attributes_read(loaded.snapshot, store_pack_list(&pack), &attributes);
	cr_expect_eq(value_of("limit")->type, POL_TYPE_ABSENT);
	cr_expect_eq(value_of("a")->type, POL_TYPE_ABSENT);
}

Test(attributes, all_sets_have_1024_members_at_most)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	char text[POL_GIVEN_MEMBERS * 4];
	char why[POL_GIVEN_WHY];
	size_t len = 0;

	for (int i = 0; i < POL_GIVEN_MEMBERS; i++) {
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%d", i > 0 ? "," : "", i);
	}
	for (int i = 0; i < 4; i++) {
		put(names[i], text);
	}
	cr_expect(attributes_check(
		loaded.snapshot, store_pack_list(&pack), (struct store_list){ NULL, 0, 0 }, why));
	put(names[4], "1");
	cr_expect_not(attributes_check(
		loaded.snapshot, store_pack_list(&pack), (struct store_list){ NULL, 0, 0 }, why));
	attributes_read(loaded.snapshot, store_pack_list(&pack), &attributes);
	cr_expect_eq(value_of("d")->strings.count, POL_GIVEN_MEMBERS);
	cr_expect_eq(value_of("e")->type, POL_TYPE_ABSENT);
	cr_expect(pol_value_has(&value_of("a")->strings, POL_STR("255")));
}
