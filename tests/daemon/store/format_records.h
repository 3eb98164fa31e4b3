/* SPDX-License-Identifier: Apache-2.0 */

#pragma once

/*
 * format_records: for each kind of record one that says all that it can, how it is put and what is
 * expected when it is read. format_rows.h has their bytes.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>

#include "daemon/store/internal.h"
#include "daemon/store/trail_internal.h"
#include "tests/daemon/folder.h"

#define HEX_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const uint8_t hash[STORE_HASH] = { 1, 2, 3, [31] = 4 };
static const uint8_t other[STORE_HASH] = { 5, 6, [31] = 7 };
static const uint8_t dead[2 * STORE_TAG] = { 8, [16] = 9 };
static const uint8_t networks[2 * STORE_NETWORK] = { [10] = 0xff, [11] = 0xff, 10, [16] = 104 };

static struct store *store;
static struct store_write *batch;
static uint8_t list_bytes[3][256];

static struct store_list list_of(unsigned number, const char *const texts[])
{
	struct store_pack pack = { .bytes = list_bytes[number], .cap = sizeof list_bytes[number] };

	for (; *texts != NULL; texts++) {
		cr_assert(store_pack_add(&pack, pol_str_of(*texts)));
	}
	return store_pack_list(&pack);
}

#define LIST(number, ...) list_of(number, (const char *const[]){ __VA_ARGS__, NULL })

static void setup(void)
{
	static const char secrets[] = "authzd secrets 1\nmaster " HEX_32 "\npepper " HEX_32 "\n";
	char path[256];
	int fd;

	folder_make();
	folder_path(path, sizeof path, "pepper");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, secrets, sizeof secrets - 1, 0), (ssize_t)sizeof secrets - 1);
	close(fd);
	store = folder_store();
	cr_assert_eq(store_write_begin(store, &batch), 0);
	cr_assert_eq(store_write_ready(batch), 0);
}

static void teardown(void)
{
	store_write_abort(batch);
	store_close(store);
	folder_remove();
}

TestSuite(format, .init = setup, .fini = teardown);

/* --- one record of each kind: put it, and check what is read ---------------------------------- */

static struct store_key plain_key(void)
{
	return (struct store_key){
		.kid = POL_STR("1aaaaaaaaaaa"),
		.tenant = 0x01020304,
		.flags = STORE_KEY_HAS_SCOPES | 0x07000000,
		.binding = 2,
		.created_at = 0x1112131415161718,
		.not_before = 0x2122232425262728,
		.expires_at = 0x3132333435363738,
		.revoked_at = 0x4142434445464748,
		.hash = hash,
		.prefix = POL_STR("ak_live_"),
		.environment = POL_STR("live"),
		.principal = POL_STR("alice"),
		.roles = LIST(0, "viewer", "clerk"),
		.scopes = LIST(1, "loans:read"),
		.places = LIST(2, "api:/loans/7", "api:/loans/8", "api:/loans/9"),
		.networks = networks,
		.network_count = 2,
		.name = POL_STR("a name"),
		.label = POL_STR("a label"),
		.created_by = POL_STR("uid:0"),
	};
}

static struct store_key rotated_key(void)
{
	struct store_key key = plain_key();

	key.kid = POL_STR("1bbbbbbbbbbb");
	key.deleted_at = 0x5152535455565758;
	key.rotation = (struct store_rotation){ .other = STORE_OTHER_PENDING,
		.dead_count = 2,
		.generation = 5,
		.other_generation = 7,
		.issued = 8,
		.other_hash = other,
		.dead = dead,
		.other_until = 10,
		.other_overlap = 11,
		.other_since = 12,
		.other_renew_by = 17,
		.secret_since = 13,
		.rotate_every = 14,
		.next_rotation_at = 15,
		.renew_by = 16 };
	return key;
}

static bool same_list(struct store_list a, struct store_list b)
{
	return a.count == b.count && a.size == b.size && memcmp(a.ptr, b.ptr, a.size) == 0;
}

static void check_key(const struct store_key *found, const struct store_key *key)
{
	const struct store_rotation *got = &found->rotation, *put = &key->rotation;

	cr_expect(pol_str_equal(found->kid, key->kid));
	cr_expect_eq(found->number, key->number);
	cr_expect_eq(found->tenant, key->tenant);
	cr_expect_eq(found->flags, key->flags);
	cr_expect_eq(found->binding, key->binding);
	cr_expect_eq(found->created_at, key->created_at);
	cr_expect_eq(found->not_before, key->not_before);
	cr_expect_eq(found->expires_at, key->expires_at);
	cr_expect_eq(found->revoked_at, key->revoked_at);
	cr_expect_eq(found->deleted_at, key->deleted_at);
	cr_expect_arr_eq(found->hash, key->hash, STORE_HASH);
	cr_expect(pol_str_equal(found->prefix, key->prefix));
	cr_expect(pol_str_equal(found->environment, key->environment));
	cr_expect(pol_str_equal(found->principal, key->principal));
	cr_expect(same_list(found->roles, key->roles));
	cr_expect(same_list(found->scopes, key->scopes));
	cr_expect(same_list(found->places, key->places));
	cr_assert_eq(found->network_count, key->network_count);
	cr_expect_arr_eq(found->networks, key->networks, sizeof networks);
	cr_expect(pol_str_equal(found->name, key->name));
	cr_expect(pol_str_equal(found->label, key->label));
	cr_expect(pol_str_equal(found->created_by, key->created_by));
	cr_expect_eq(got->other, put->other);
	cr_expect_eq(got->generation, put->generation);
	cr_expect_eq(got->other_generation, put->other_generation);
	cr_expect_eq(got->issued, put->issued);
	cr_expect_eq(got->other_until, put->other_until);
	cr_expect_eq(got->other_overlap, put->other_overlap);
	cr_expect_eq(got->other_since, put->other_since);
	cr_expect_eq(got->other_renew_by, put->other_renew_by);
	cr_expect_eq(got->secret_since, put->secret_since);
	cr_expect_eq(got->rotate_every, put->rotate_every);
	cr_expect_eq(got->next_rotation_at, put->next_rotation_at);
	cr_expect_eq(got->renew_by, put->renew_by);
	cr_assert_eq(got->dead_count, put->dead_count);
	cr_expect(got->dead_count == 0 || memcmp(got->dead, put->dead, sizeof dead) == 0);
	cr_expect(got->other == 0 || memcmp(got->other_hash, put->other_hash, STORE_HASH) == 0);
}

static void put_plain_key(void)
{
	struct store_key key = plain_key();

	cr_assert_eq(store_create_key(batch, &key), 0);
}

static int get_plain_key(bool check)
{
	struct store_key key = plain_key(), found;
	int r = store_get_key(store_write_reader(batch), key.kid, &found);

	if (check) {
		cr_assert_eq(r, 0);
		key.number = 1;
		key.rotation.generation = key.rotation.issued = 1;
		check_key(&found, &key);
	}
	return r;
}

static void put_rotated_key(void)
{
	struct store_key key = rotated_key();

	cr_assert_eq(store_create_key(batch, &key), 0);
}

static int get_rotated_key(bool check)
{
	struct store_key key = rotated_key(), found;
	int r = store_get_key(store_write_reader(batch), key.kid, &found);

	if (check) {
		cr_assert_eq(r, 0);
		key.number = 1;
		check_key(&found, &key);
	}
	return r;
}

static struct store_principal some_principal(void)
{
	static uint8_t bytes[256];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	const struct store_assignment held[] = {
		{ .role = POL_STR("viewer"),
			.places = LIST(0, "api:/loans/7", "api:/loans/8"),
			.until = 0x6162636465666768,
			.created_at = 0x7172737475767778,
			.created_by = POL_STR("uid:7") },
		{ .role = POL_STR("clerk"), .stored = 0x0102030405060708 },
	};

	cr_assert(store_assignment_add(&pack, &held[0]));
	cr_assert(store_assignment_add(&pack, &held[1]));
	return (struct store_principal){
		.id = POL_STR("alice"),
		.tenant = 0x01020304,
		.flags = STORE_PRINCIPAL_DISABLED | STORE_PRINCIPAL_SERVICE,
		.created_at = 0x1112131415161718,
		.name = POL_STR("Alice"),
		.created_by = POL_STR("uid:0"),
		.attributes = LIST(1, "unit", "a", "grade", "7"),
		.assignments = store_pack_list(&pack),
	};
}

static void put_principal(void)
{
	const struct store_principal principal = some_principal();

	cr_assert_eq(store_put_principal(batch, &principal), 0);
}

static int get_principal(bool check)
{
	struct store_principal put = some_principal(), found;
	struct store_assignment held;
	int r = store_get_principal(store_write_reader(batch), put.tenant, put.id, &found);

	if (!check) {
		return r;
	}
	cr_assert_eq(r, 0);
	cr_expect(pol_str_equal(found.id, put.id));
	cr_expect_eq(found.tenant, put.tenant);
	cr_expect_eq(found.flags, put.flags);
	cr_expect_eq(found.created_at, put.created_at);
	cr_expect(pol_str_equal(found.name, put.name));
	cr_expect(pol_str_equal(found.created_by, put.created_by));
	cr_expect(same_list(found.attributes, put.attributes));
	cr_expect(same_list(found.assignments, put.assignments));
	cr_assert(store_assignment_next(&found.assignments, &held));
	cr_expect(pol_str_equal(held.role, POL_STR("viewer")));
	cr_expect_eq(held.stored, 0);
	cr_expect_eq(held.until, 0x6162636465666768);
	cr_expect_eq(held.created_at, 0x7172737475767778);
	cr_expect(pol_str_equal(held.created_by, POL_STR("uid:7")));
	cr_expect_eq(held.places.count, 2);
	cr_assert(store_assignment_next(&found.assignments, &held));
	cr_expect(pol_str_equal(held.role, POL_STR("clerk")));
	cr_expect_eq(held.stored, 0x0102030405060708);
	cr_expect_eq(held.places.count, 0);
	cr_expect_not(store_assignment_next(&found.assignments, &held));
	return r;
}

static void put_tenant(void)
{
	struct store_tenant tenant = {
		.flags = STORE_TENANT_DISABLED,
		.created_at = 0x1112131415161718,
		.name = POL_STR("acme"),
		.created_by = POL_STR("uid:0"),
	};

	cr_assert_eq(store_create_tenant(batch, &tenant), 0);
}

static int get_tenant(bool check)
{
	struct store_tenant found;
	int r = store_get_tenant(store_write_reader(batch), 2, &found);

	if (check) {
		cr_assert_eq(r, 0);
		cr_expect_eq(found.number, 2);
		cr_expect_eq(found.flags, STORE_TENANT_DISABLED);
		cr_expect_eq(found.created_at, 0x1112131415161718);
		cr_expect(pol_str_equal(found.name, POL_STR("acme")));
		cr_expect(pol_str_equal(found.created_by, POL_STR("uid:0")));
	}
	return r;
}

static struct store_role some_role(void)
{
	return (struct store_role){
		.tenant = 0x01020304,
		.number = 0x0102030405060708,
		.created_at = 0x1112131415161718,
		.updated_at = 0x2122232425262728,
		.name = POL_STR("auditor"),
		.description = POL_STR("may look"),
		.created_by = POL_STR("uid:0"),
		.inherits = LIST(0, "viewer"),
		.grants = LIST(1, "loans:read", "loans:list"),
		.lines = LIST(2, "a", "b", "c"),
	};
}

static void put_role(void)
{
	const struct store_role role = some_role();

	cr_assert_eq(store_put_role(batch, &role), 0);
}

static int get_role(bool check)
{
	struct store_role put = some_role(), found;
	int r = store_get_role(store_write_reader(batch), put.tenant, put.name, &found);

	if (check) {
		cr_assert_eq(r, 0);
		cr_expect_eq(found.tenant, put.tenant);
		cr_expect_eq(found.number, put.number);
		cr_expect_eq(found.created_at, put.created_at);
		cr_expect_eq(found.updated_at, put.updated_at);
		cr_expect(pol_str_equal(found.name, put.name));
		cr_expect(pol_str_equal(found.description, put.description));
		cr_expect(pol_str_equal(found.created_by, put.created_by));
		cr_expect(same_list(found.inherits, put.inherits));
		cr_expect(same_list(found.grants, put.grants));
		cr_expect(same_list(found.lines, put.lines));
	}
	return r;
}

static const struct store_use some_use = {
	.at = 0x1112131415161718, .ip = { 1, [15] = 2 }, .has_ip = true, .uses = 77, .denials = 88
};

static void put_use(void)
{
	cr_assert_eq(store_put_use(batch, 0x0102030405060708, &some_use, NULL), 0);
}

static int get_use(bool check)
{
	struct store_use found;
	int r = store_get_use(store_write_reader(batch), 0x0102030405060708, &found);

	if (check) {
		cr_assert_eq(r, 0);
		cr_expect_eq(found.at, some_use.at);
		cr_expect_eq(found.uses, some_use.uses);
		cr_expect_eq(found.denials, some_use.denials);
		cr_expect(found.has_ip);
		cr_expect_arr_eq(found.ip, some_use.ip, sizeof some_use.ip);
	}
	/* A record that is refused reads as zeroes. */
	return r == 0 && found.at == 0 ? -EBADMSG : r;
}

static const struct store_days some_days = { .newest = 20000,
	.uses = { 3, 0, 300, [31] = UINT64_MAX },
	.denials = { 0, 0, 128, [31] = 1 } };

static void put_days(void)
{
	cr_assert_eq(store_put_use(batch, 0x0102030405060708, &some_use, &some_days), 0);
}

static int get_days(bool check)
{
	struct store_days found;
	struct store_use use;
	int r = store_get_days(store_write_reader(batch), 0x0102030405060708, &use, &found);

	if (check) {
		cr_assert_eq(r, 0);
		cr_expect_eq(use.uses, some_use.uses);
		cr_expect_eq(found.newest, some_days.newest);
		cr_expect_arr_eq(found.uses, some_days.uses, sizeof found.uses);
		cr_expect_arr_eq(found.denials, some_days.denials, sizeof found.denials);
	}
	/* Without days it is a record of another row. */
	return r == 0 && found.uses[0] == 0 ? -EBADMSG : r;
}

static void put_used(void)
{
	const struct store_used used = {
		.count = 2, .full = true, .hashes = { 3, UINT64_MAX - 1 }
	};

	cr_assert_eq(store_put_used(batch, 0x0102030405060708, &used), 0);
}

static int get_used(bool check)
{
	struct store_used found;
	int r = store_get_used(store_write_reader(batch), 0x0102030405060708, &found);

	if (check) {
		cr_assert_eq(r, 0);
		cr_assert_eq(found.count, 2);
		cr_expect(found.full);
		cr_expect_eq(found.hashes[0], 3);
		cr_expect_eq(found.hashes[1], UINT64_MAX - 1);
	}
	/* A record that is refused reads as none. */
	return r == 0 && found.count == 0 ? -EBADMSG : r;
}

static void put_retry(void)
{
	const struct store_retry retry = { .id = hash,
		.fingerprint = other,
		.made = dead,
		.kid = POL_STR("1aaaaaaaaaaa"),
		.at = 0x1112131415161718,
		.sealed = networks,
		.sealed_len = sizeof networks };

	cr_assert_eq(store_put_retry(batch, &retry), 0);
}

static int get_retry(bool check)
{
	struct store_retry found;
	int r = store_get_retry(store_write_reader(batch), hash, &found);

	if (check) {
		cr_assert_eq(r, 0);
		cr_expect_arr_eq(found.id, hash, STORE_HASH);
		cr_expect_arr_eq(found.fingerprint, other, STORE_HASH);
		cr_expect_arr_eq(found.made, dead, STORE_TAG);
		cr_expect(pol_str_equal(found.kid, POL_STR("1aaaaaaaaaaa")));
		cr_expect_eq(found.at, 0x1112131415161718);
		cr_assert_eq(found.sealed_len, sizeof networks);
		cr_expect_arr_eq(found.sealed, networks, sizeof networks);
	}
	return r;
}

static void put_audit(void)
{
	const struct store_audit audit = {
		.time = 0x1112131415161718,
		.uid = 0x01020304,
		.pid = 0x05060708,
		.tenant = 0x11121314,
		.kind = STORE_AUDIT_ROLE,
		.actor = POL_STR("uid:7"),
		.action = POL_STR("roles.create"),
		.target = POL_STR("auditor"),
		.fields = LIST(0, "grants", "", "loans:read"),
	};

	cr_assert_eq(store_append_audit(batch, &audit), 0);
}

static int get_audit(bool check)
{
	static const uint8_t none[STORE_CHAIN] = { 0 };
	struct store_audit found;
	struct pol_str text;
	int r = store_get_audit(store_write_reader(batch), 1, &found);

	if (check) {
		cr_assert_eq(r, 0);
		cr_expect_eq(found.sequence, 1);
		cr_expect_eq(found.time, 0x1112131415161718);
		cr_expect_eq(found.latest, 0x1112131415161718);
		cr_expect_eq(found.uid, 0x01020304);
		cr_expect_eq(found.pid, 0x05060708);
		cr_expect_eq(found.tenant, 0x11121314);
		cr_expect_eq(found.kind, STORE_AUDIT_ROLE);
		cr_expect_eq(found.flags, 0);
		cr_expect_arr_eq(found.before, none, STORE_CHAIN);
		cr_expect_arr_eq(found.made, none, STORE_TAG);
		cr_expect(pol_str_equal(found.actor, POL_STR("uid:7")));
		cr_expect(pol_str_equal(found.action, POL_STR("roles.create")));
		cr_expect(pol_str_equal(found.target, POL_STR("auditor")));
		cr_assert(store_list_next(&found.fields, &text));
		cr_expect(pol_str_equal(text, POL_STR("grants")));
		cr_expect_eq(found.fields.count, 2);
	}
	return r;
}

static void put_counter(void)
{
	uint64_t number;

	cr_assert_eq(store_take_number(batch, "some", 41, &number), 0);
}

static int get_counter(bool check)
{
	uint64_t number = 0;
	int r = store_take_number(batch, "some", 1, &number);

	if (check) {
		cr_assert_eq(r, 0);
		cr_expect_eq(number, 42);
	}
	return r;
}
