/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * pair: two stores in the test's folder with the same secrets, as two hosts have them; and jobs of
 * all kinds for them.
 */

#include <errno.h>

#include "daemon/store/changes.h"
#include "daemon/store/internal.h"
#include "daemon/store/shared.h"
#include "tests/daemon/folder.h"
#include "tests/daemon/store/equal.h"

/* `a` records. Its file is `store`, that of the other is `other`. */
static struct store *a, *b;

static inline struct store *pair_open(const char *name, size_t map_size)
{
	char path[256], pepper[256], why[STORE_WHY];
	struct store_options options = {
		.path = path, .pepper = pepper, .map_size = map_size, .readers = 4
	};
	struct store *store = NULL;

	folder_path(path, sizeof path, name);
	folder_path(pepper, sizeof pepper, "pepper");
	cr_assert_eq(store_open(&options, &store, why), 0, "%s", why);
	return store;
}

static inline void pair_setup(void)
{
	folder_make();
	a = pair_open("store", STORE_MAP_SIZE_SMALL);
	b = pair_open("other", STORE_MAP_SIZE_SMALL);
	store_record_changes(a, true);
}

static inline void pair_teardown(void)
{
	store_close(a);
	store_close(b);
	folder_remove();
}

/* --- jobs ------------------------------------------------------------------------------------- */

enum { PAIR_NAMES = 6, PAIR_KEYS = 24 };

static inline uint64_t pair_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline int pair_enter(struct store_write *write, uint8_t kind, uint8_t flags,
	uint32_t tenant, struct pol_str target)
{
	const struct store_audit audit = {
		.time = 1000,
		.tenant = tenant,
		.kind = kind,
		.flags = flags,
		.actor = POL_STR("uid:0"),
		.action = POL_STR("test"),
		.target = target,
	};

	return store_append_audit(write, &audit);
}

static inline int pair_key(struct store_write *write, uint64_t *state)
{
	unsigned number = (unsigned)(pair_random(state) % PAIR_KEYS);
	char kid[STORE_KID + 1];
	uint8_t hash[STORE_HASH] = { (uint8_t)number, 7 };
	struct store_key key = folder_key(kid, number), found;
	uint8_t flags = STORE_AUDIT_MADE;
	int r = store_get_key(store_write_reader(write), key.kid, &found);

	if (r == -ENOENT) {
		key.flags = number % 3 == 0 ? STORE_KEY_IMPORTED : 0;
		key.hash = hash;
		r = store_create_key(write, &key);
	} else if (r == 0 && pair_random(state) % 3 == 0) {
		r = store_remove_key(write, key.kid);
		flags = STORE_AUDIT_REMOVED;
	} else if (r == 0) {
		found.flags ^= pair_random(state) % 2 == 0 ? STORE_KEY_REVOKED : STORE_KEY_DISABLED;
		found.deleted_at = (int64_t)(pair_random(state) % 3) * 500;
		r = store_update_key(write, &found);
	}
	return r < 0 ? r : pair_enter(write, STORE_AUDIT_KEY, flags, STORE_TENANT_DEFAULT, key.kid);
}

static inline int pair_principal(struct store_write *write, uint64_t *state)
{
	static const char *const ids[PAIR_NAMES] = { "alice", "bob", "carol", "every principal",
		"dave", "every caller" };
	static const char *const roles[] = { "viewer", "clerk", "auditor" };
	struct store_assignment held = { .role = pol_str_of(roles[pair_random(state) % 3]),
		.stored = pair_random(state) % 2,
		.created_at = 5,
		.created_by = POL_STR("uid:0") };
	uint8_t bytes[256];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	struct store_principal principal = { .id = pol_str_of(ids[pair_random(state) % PAIR_NAMES]),
		.tenant = STORE_TENANT_DEFAULT };
	uint8_t flags = STORE_AUDIT_MADE;
	int r;

	if (pair_random(state) % 4 == 0) {
		flags = STORE_AUDIT_REMOVED;
		r = store_delete_principal(write, principal.tenant, principal.id);
		if (r == -ENOENT) {
			return 0;
		}
	} else {
		cr_assert(store_assignment_add(&pack, &held));
		principal.assignments = store_pack_list(&pack);
		r = store_put_principal(write, &principal);
	}
	return r < 0 ? r
		     : pair_enter(
			       write, STORE_AUDIT_PRINCIPAL, flags, principal.tenant, principal.id);
}

static inline int pair_role(struct store_write *write, uint64_t *state)
{
	static const char *const names[] = { "auditor", "teller" };
	struct store_role role = { .tenant = STORE_TENANT_DEFAULT,
		.name = pol_str_of(names[pair_random(state) % 2]),
		.created_by = POL_STR("uid:0"),
		.updated_at = (int64_t)(pair_random(state) % 1000) };
	uint8_t flags = STORE_AUDIT_MADE;
	int r;

	if (pair_random(state) % 3 == 0) {
		flags = STORE_AUDIT_REMOVED;
		r = store_delete_role(write, role.tenant, role.name);
		if (r == -ENOENT) {
			return 0;
		}
	} else {
		r = store_take_role_number(write, &role.number);
		r = r < 0 ? r : store_put_role(write, &role);
	}
	return r < 0 ? r : pair_enter(write, STORE_AUDIT_ROLE, flags, role.tenant, role.name);
}

static inline int pair_tenant(struct store_write *write, uint64_t *state)
{
	char name[32];
	struct store_tenant tenant = { .created_by = POL_STR("uid:0") };
	int r;

	snprintf(name, sizeof name, "tenant%u", (unsigned)(pair_random(state) % 4));
	r = store_find_tenant(store_write_reader(write), pol_str_of(name), &tenant);
	if (r == -ENOENT) {
		tenant.name = pol_str_of(name);
		r = store_create_tenant(write, &tenant);
	} else if (r == 0) {
		tenant.flags ^= STORE_TENANT_DISABLED;
		tenant.name = pol_str_of(name);
		tenant.created_by = POL_STR("uid:0");
		r = store_update_tenant(write, &tenant);
	}
	return r < 0 ? r
		     : pair_enter(write, STORE_AUDIT_TENANT, STORE_AUDIT_MADE, tenant.number,
			       pol_str_of(name));
}

static inline int pair_retry(struct store_write *write, uint64_t *state)
{
	uint8_t id[STORE_HASH] = { (uint8_t)(pair_random(state) % 8) };
	uint8_t zeroes[STORE_HASH] = { 0 }, sealed[40] = { 1, 2, 3 };
	const struct store_retry retry = {
		.id = id,
		.fingerprint = zeroes,
		.made = zeroes,
		.kid = POL_STR("1aaaaaaaaaaa"),
		.at = 1000 + (int64_t)(pair_random(state) % 100),
		.sealed = sealed,
		.sealed_len = sizeof sealed,
	};

	return pair_random(state) % 4 == 0 ? store_drop_retries(write, 1050, 2)
					   : store_put_retry(write, &retry);
}

static inline int pair_setting(struct store_write *write, uint64_t *state)
{
	static const char *const texts[] = { "3s", "10s", "" };
	struct pol_str text = pol_str_of(texts[pair_random(state) % 3]);
	uint8_t flags = text.len > 0 ? STORE_AUDIT_MADE : STORE_AUDIT_REMOVED;
	int r = store_put_setting(write, "max_lag", text);

	return r == -ENOENT ? 0
	       : r < 0      ? r
			    : pair_enter(write, STORE_AUDIT_STORE, flags, 0, POL_STR("max_lag"));
}

/* What is in no changes. */
static inline int pair_local(struct store_write *write, uint64_t *state)
{
	const struct store_use use = { .at = 7, .uses = pair_random(state) };
	struct store_used used = { .count = 1, .hashes = { pair_random(state) } };
	const struct store_shared shared = { .sequence = pair_random(state) };
	struct store_mark mark = { .what = STORE_MARK_DISABLE, .at = 5 };
	uint64_t number = 1 + pair_random(state) % PAIR_KEYS;
	int r = store_put_use(write, number, &use, NULL);

	memcpy(mark.kid, "1aaaaaaaaaaa", STORE_KID);
	r = r < 0 ? r : store_put_used(write, number, &used);
	r = r < 0 ? r : store_put_shared(write, &shared);
	r = r < 0 ? r : store_put_mark(write, &mark);
	return r < 0 ? r : store_put_row(write, number, POL_STR("a row"));
}

/* One job of any kind. What it put must then be kept or undone. */
static inline void pair_job(struct store_write *write, uint64_t *state)
{
	static int (*const kinds[])(struct store_write *, uint64_t *) = { pair_key, pair_key,
		pair_key, pair_principal, pair_principal, pair_role, pair_tenant, pair_retry,
		pair_setting, pair_local };
	size_t kind = pair_random(state) % (sizeof kinds / sizeof kinds[0]);
	int r = kinds[kind](write, state);

	cr_assert_eq(r, 0, "kind %zu: %d", kind, r);
}

static inline struct store_write *pair_begin(struct store *store)
{
	struct store_write *write = NULL;

	cr_assert_eq(store_write_begin(store, &write), 0);
	return write;
}

/* Commits a batch of `a`; returns a copy of its changes, which the caller frees. */
static inline struct pol_str pair_commit(struct store_write *write)
{
	struct pol_str changes;
	char *copy;

	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_changes(write, &changes), 0);
	copy = malloc(changes.len + 1);
	cr_assert_not_null(copy);
	memcpy(copy, changes.ptr, changes.len);
	changes.ptr = copy;
	cr_assert_eq(store_write_commit(write, true), 0);
	return changes;
}

static inline int pair_apply(struct store *store, struct pol_str changes)
{
	struct store_write *write = pair_begin(store);
	char why[STORE_WHY] = "";
	int r = store_apply_changes(write, changes, why);

	if (r < 0) {
		cr_assert_neq(why[0], '\0');
		store_write_abort(write);
		return r;
	}
	return store_write_commit(write, true);
}

static inline void pair_end(struct store_write *write)
{
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

static const struct store_shared pair_place = { .realm = { 1, 2, [15] = 3 },
	.epoch = 4,
	.sequence = 5,
	.tag = { 6, [31] = 7 },
	.diverged = true,
	.server_system = 8,
	.server_timeline = 9 };

static inline void pair_put_mark(struct store *store, const char *kid)
{
	struct store_mark mark = { .what = STORE_MARK_REVOKE, .at = 77, .uid = 1000 };
	struct store_write *write = pair_begin(store);

	memcpy(mark.kid, kid, STORE_KID);
	cr_assert_eq(store_put_mark(write, &mark), 0);
	cr_assert(store_has_marks(store), "before the commit");
	pair_end(write);
}

#define pair_assert_equal(one, other)                                                              \
	do {                                                                                       \
		char why_[512] = "";                                                               \
		cr_assert(equal_stores(one, other, why_, sizeof why_), "%s", why_);                \
	} while (0)
