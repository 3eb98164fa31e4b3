/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/stored_roles.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "policy/snapshot/stored.h"
#include "tests/daemon/folder.h"
#include "tests/policy/load.h"

static const char policy[] = "tree api { /loans { list GET, create POST } }\n"
			     "role viewer { allow GET on api:/loans }\n";

static struct loaded loaded;
static struct store *store;
static struct store_write *batch;
static uint64_t number;

static void setup(void)
{
	folder_make();
	store = folder_store();
	loaded = load_text(policy);
	cr_assert_not_null(loaded.snapshot, "%s", loaded.said);
	cr_assert_eq(store_write_begin(store, &batch), 0);
}

static void teardown(void)
{
	store_write_abort(batch);
	unload(&loaded);
	store_close(store);
	folder_remove();
}

TestSuite(stored_roles, .init = setup, .fini = teardown);

static uint32_t make_tenant(const char *name)
{
	struct store_tenant tenant = { .name = pol_str_of(name), .created_by = POL_STR("uid:0") };

	cr_assert_eq(store_create_tenant(batch, &tenant), 0);
	return tenant.number;
}

static struct store_role role_of(uint32_t tenant, struct pol_str name)
{
	static const uint8_t none[1];
	const struct store_list empty = { none, 0, 0 };

	return (struct store_role){ .tenant = tenant,
		.number = ++number,
		.name = name,
		.created_by = POL_STR("uid:0"),
		.inherits = empty,
		.grants = empty,
		.lines = empty };
}

static void put_roles(uint32_t tenant, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char name[32];
		struct store_role role;

		snprintf(name, sizeof name, "r%u", i);
		role = role_of(tenant, pol_str_of(name));
		cr_assert_eq(store_put_role(batch, &role), 0);
	}
}

/* What one more role of the tenant comes to. */
static int try_one(uint32_t tenant)
{
	struct store_role role = role_of(tenant, POL_STR("more"));
	struct stored_roles_change change = { .put = &role };
	struct pol_snapshot *next = NULL;
	int r = stored_roles_extend(store_write_reader(batch), loaded.snapshot, &change, &next);

	pol_snapshot_unref(next);
	return r;
}

Test(stored_roles, a_tenant_alone_may_have_all)
{
	put_roles(STORE_TENANT_DEFAULT, STORED_ROLES_MAX - 1);
	cr_expect_eq(try_one(STORE_TENANT_DEFAULT), 0);
	put_roles(STORE_TENANT_DEFAULT, STORED_ROLES_MAX);
	cr_expect_eq(try_one(STORE_TENANT_DEFAULT), -EDQUOT);
}

/* With four tenants each has a share of an eighth. */
Test(stored_roles, no_tenant_takes_the_share_of_another)
{
	const unsigned share = STORED_ROLES_MAX / 2 / 4;
	uint32_t greedy = make_tenant("greedy"), other = make_tenant("other");
	uint32_t third = make_tenant("third");

	put_roles(greedy, STORED_ROLES_MAX / 2 + share - 1);
	cr_expect_eq(try_one(greedy), 0);
	put_roles(greedy, STORED_ROLES_MAX / 2 + share);
	cr_expect_eq(try_one(greedy), -EDQUOT);
	put_roles(other, share - 1);
	cr_expect_eq(try_one(other), 0);
	put_roles(other, share);
	cr_expect_eq(try_one(other), -EDQUOT);
	put_roles(third, share - 1);
	cr_expect_eq(try_one(third), 0);
	cr_expect_eq(try_one(STORE_TENANT_DEFAULT), 0);
}

/* Is the tenant's only role, of this name, shadowed by `viewer` of the files? */
static bool is_shadowed(const char *name)
{
	struct store_role role = role_of(STORE_TENANT_DEFAULT, pol_str_of(name));
	struct stored_roles_change change = { .put = &role };
	struct pol_snapshot *next = NULL;
	bool shadowed;

	cr_assert_eq(
		stored_roles_extend(store_write_reader(batch), loaded.snapshot, &change, &next), 0);
	shadowed = pol_stored_is_shadowed(
		next, stored_roles_find(next, STORE_TENANT_DEFAULT, role.name, role.number));
	pol_snapshot_unref(next);
	return shadowed;
}

Test(stored_roles, names_of_the_files_shadow_in_any_case)
{
	cr_expect(is_shadowed("viewer"));
	cr_expect(is_shadowed("Viewer"));
	cr_expect(is_shadowed("VIEWER"));
	cr_expect_not(is_shadowed("viewers"));
	cr_expect_not(is_shadowed("view"));
	cr_expect_not(is_shadowed("api-viewer"));
}
