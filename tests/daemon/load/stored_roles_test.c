/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/stored_roles.h"

#include <criterion/criterion.h>

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
