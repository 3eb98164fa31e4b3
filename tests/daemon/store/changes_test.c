/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch changed, as bytes, and the same done to another store. */
#include "daemon/store/changes.h"

#include <errno.h>

#include "daemon/store/bytes.h"
#include "tests/daemon/store/pair.h"

TestSuite(changes, .init = pair_setup, .fini = pair_teardown);

static void put_key(struct store_write *write, unsigned number)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number);

	cr_assert_eq(store_create_key(write, &key), 0);
	cr_assert_eq(folder_enter(write, key.kid), 0);
}

static struct pol_str key_batch(unsigned number)
{
	struct store_write *write = pair_begin(a);

	put_key(write, number);
	return pair_commit(write);
}

Test(changes, applied_batches_of_all_kinds_of_jobs_make_equal_stores)
{
	uint64_t state = 88172645463325252U;

	for (unsigned batch = 0; batch < 150; batch++) {
		unsigned jobs = 1 + (unsigned)(pair_random(&state) % 6);
		struct store_write *write = pair_begin(a);
		struct pol_str changes;

		if (pair_random(&state) % 4 == 0) {
			store_write_alone(write);
			jobs = 1;
		}
		for (unsigned i = 0; i < jobs; i++) {
			pair_job(write, &state);
			if (jobs > 1 && pair_random(&state) % 3 == 0) {
				store_write_undo(write);
			}
			cr_assert_eq(store_write_keep(write), 0);
		}
		changes = pair_commit(write);
		cr_assert_eq(pair_apply(b, changes), 0);
		free((void *)(uintptr_t)changes.ptr);
		pair_assert_equal(a, b);
	}
	cr_assert_gt(store_head_count(b), 100);
	cr_assert_eq(store_head_count(a), store_head_count(b));
}

Test(changes, several_batches_are_applied_in_one_transaction)
{
	struct pol_str first = key_batch(1), second = key_batch(2);
	struct store_write *write = pair_begin(b);
	char why[STORE_WHY];

	store_write_alone(write);
	cr_assert_eq(store_apply_changes(write, first, why), 0);
	cr_assert_eq(store_apply_changes(write, second, why), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
	pair_assert_equal(a, b);
	free((void *)(uintptr_t)first.ptr);
	free((void *)(uintptr_t)second.ptr);
}

Test(changes, a_store_that_does_not_record_has_none)
{
	struct store_write *write = pair_begin(b);
	struct pol_str changes;

	put_key(write, 1);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_changes(write, &changes), 0);
	cr_assert_eq(changes.len, 0);
	store_write_abort(write);
}

Test(changes, an_undone_job_leaves_nothing)
{
	struct store_write *write = pair_begin(a);
	struct pol_str changes;
	size_t kept;

	put_key(write, 1);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_changes(write, &changes), 0);
	kept = changes.len;
	put_key(write, 2);
	store_write_undo(write);
	cr_assert_eq(store_write_changes(write, &changes), 0);
	cr_assert_eq(changes.len, kept);
	cr_assert_eq(store_write_commit(write, true), 0);
}

Test(changes, an_undone_job_that_was_alone_leaves_nothing)
{
	struct store_write *write = pair_begin(a);
	struct pol_str changes;

	store_write_alone(write);
	put_key(write, 1);
	store_write_undo(write);
	cr_assert_eq(store_write_changes(write, &changes), 0);
	cr_assert_eq(changes.len, 0);
	cr_assert_eq(store_write_commit(write, true), -EINVAL);
}

Test(changes, what_is_this_hosts_alone_is_not_recorded)
{
	struct store_write *write = pair_begin(a);
	struct pol_str changes;
	uint64_t state = 1;

	cr_assert_eq(pair_local(write, &state), 0);
	cr_assert_eq(store_drop_shared(write), 0);
	store_now(a);
	cr_assert_eq(store_put_clock(write), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_changes(write, &changes), 0);
	cr_assert_eq(changes.len, 0);
	store_write_abort(write);
}

Test(changes, more_than_the_most_is_refused_and_the_job_can_be_undone)
{
	struct store_write *write = pair_begin(a);
	struct pol_str changes;
	uint8_t id[STORE_HASH] = { 0 };
	static uint8_t sealed[STORE_MAX_RECORD - 1024];
	const struct store_retry retry = {
		.id = id,
		.fingerprint = id,
		.made = id,
		.kid = POL_STR("1aaaaaaaaaaa"),
		.at = 1000,
		.sealed = sealed,
		.sealed_len = sizeof sealed,
	};

	put_key(write, 1);
	cr_assert_eq(store_write_keep(write), 0);
	for (size_t size = 0; size <= STORE_MAX_CHANGES; size += sizeof sealed) {
		cr_assert_eq(store_put_retry(write, &retry), 0);
	}
	store_write_undo(write);
	put_key(write, 2);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_changes(write, &changes), 0);
	cr_assert_gt(changes.len, 1000);
	for (size_t size = 0; size <= STORE_MAX_CHANGES; size += sizeof sealed) {
		cr_assert_eq(store_put_retry(write, &retry), 0);
	}
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_changes(write, &changes), -E2BIG);
	store_write_abort(write);
}

Test(changes, a_batch_with_one_byte_flipped_is_refused_and_changes_nothing)
{
	struct pol_str changes = key_batch(1);
	uint8_t *bytes = (uint8_t *)(uintptr_t)changes.ptr;
	struct store *empty = pair_open("empty", STORE_MAP_SIZE_SMALL);

	for (size_t i = 0; i < changes.len; i++) {
		bytes[i] ^= 0x40;
		cr_assert_eq(pair_apply(b, changes), -EBADMSG, "byte %zu", i);
		bytes[i] ^= 0x40;
	}
	pair_assert_equal(b, empty);
	cr_assert_eq(pair_apply(b, changes), 0);
	pair_assert_equal(a, b);
	store_close(empty);
	free(bytes);
}

/* The sum of flipped changes made right, so that what follows is looked at. */
Test(changes, a_record_or_entry_with_one_byte_flipped_is_refused_under_a_right_sum)
{
	struct pol_str changes = key_batch(1);
	uint8_t *bytes = (uint8_t *)(uintptr_t)changes.ptr;
	size_t at = 0, end = changes.len - CHANGES_SUM;

	while (at < end) {
		enum store_table table = bytes[at + CHANGES_TABLE];
		size_t key = store_get16(bytes + at + CHANGES_KEY_LEN);
		size_t size = CHANGES_HEADER + key + store_get32(bytes + at + CHANGES_VALUE_LEN);
		bool tagged = table == STORE_META || table == STORE_KEYS || table == STORE_AUDIT ||
			      table == STORE_AUDIT_INDEX;

		for (size_t i = tagged ? 0 : size; i < size; i++) {
			bytes[at + i] ^= 0x20;
			store_put32(
				bytes + end, secret_crc32((struct pol_str){ changes.ptr, end }));
			cr_assert_eq(pair_apply(b, changes), -EBADMSG, "table %d, byte %zu",
				(int)table, i);
			bytes[at + i] ^= 0x20;
		}
		at += size;
	}
	free(bytes);
}

Test(changes, changes_that_do_not_continue_the_trail_are_refused)
{
	struct pol_str first = key_batch(1), second = key_batch(2);

	cr_assert_eq(pair_apply(b, second), -EBADMSG);
	cr_assert_eq(pair_apply(b, first), 0);
	cr_assert_eq(pair_apply(b, first), -EBADMSG);
	cr_assert_eq(pair_apply(b, second), 0);
	pair_assert_equal(a, b);
	free((void *)(uintptr_t)first.ptr);
	free((void *)(uintptr_t)second.ptr);
}

Test(changes, changes_of_another_history_of_the_same_length_are_refused)
{
	struct pol_str first = key_batch(1), second = key_batch(2);

	folder_put_key(b, 7);
	cr_assert_eq(pair_apply(b, second), -EBADMSG);
	free((void *)(uintptr_t)first.ptr);
	free((void *)(uintptr_t)second.ptr);
}

Test(changes, each_changed_record_has_an_entry_of_its_own)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, 7);
	struct store_write *write = pair_begin(a);
	struct pol_str changes;
	size_t len;

	put_key(write, 1);
	key.number = 9;
	cr_assert_eq(store_encode_key(a, &key, &len), 0);
	cr_assert_eq(store_write_put(write, STORE_KEYS, (MDB_val){ STORE_KID, kid },
			     (MDB_val){ len, a->buffer }, 0),
		0);
	put_key(write, 2);
	changes = pair_commit(write);
	cr_assert_eq(pair_apply(b, changes), -EBADMSG);
	free((void *)(uintptr_t)changes.ptr);
}

/* The change of the key's record. */
static uint8_t *find_key(struct pol_str changes)
{
	uint8_t *at = (uint8_t *)(uintptr_t)changes.ptr;

	while (at[CHANGES_TABLE] != STORE_KEYS) {
		at += CHANGES_HEADER + store_get16(at + CHANGES_KEY_LEN) +
		      store_get32(at + CHANGES_VALUE_LEN);
	}
	return at;
}

Test(changes, an_entry_is_about_the_record_that_was_put)
{
	struct store *other = pair_open("third", STORE_MAP_SIZE_SMALL);
	struct pol_str changes = key_batch(1), others;
	size_t end = changes.len - CHANGES_SUM;
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, 1);
	struct store_write *write;

	store_record_changes(other, true);
	write = pair_begin(other);
	key.created_at++;
	cr_assert_eq(store_create_key(write, &key), 0);
	cr_assert_eq(folder_enter(write, key.kid), 0);
	others = pair_commit(write);
	memcpy(find_key(changes), find_key(others),
		CHANGES_HEADER + STORE_KID + store_get32(find_key(others) + CHANGES_VALUE_LEN));
	store_put32((uint8_t *)(uintptr_t)changes.ptr + end,
		secret_crc32((struct pol_str){ changes.ptr, end }));
	cr_assert_eq(pair_apply(b, changes), -EBADMSG);
	cr_assert_eq(pair_apply(b, others), 0);
	store_close(other);
	free((void *)(uintptr_t)changes.ptr);
	free((void *)(uintptr_t)others.ptr);
}

Test(changes, a_change_without_an_entry_in_the_trail_is_refused)
{
	struct store_write *write = pair_begin(a);
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, 1);
	struct pol_str changes;

	cr_assert_eq(store_create_key(write, &key), 0);
	changes = pair_commit(write);
	cr_assert_eq(pair_apply(b, changes), -EBADMSG);
	free((void *)(uintptr_t)changes.ptr);
}

Test(changes, a_full_map_leaves_the_store_as_it_was)
{
	struct store *small = pair_open("small", 32 * 4096);
	struct store *empty = pair_open("empty", STORE_MAP_SIZE_SMALL);
	struct store_write *write = pair_begin(a);
	struct pol_str changes;

	for (unsigned i = 0; i < 1000; i++) {
		put_key(write, i);
		cr_assert_eq(store_write_keep(write), 0);
	}
	changes = pair_commit(write);
	cr_assert_eq(pair_apply(small, changes), -EFBIG);
	pair_assert_equal(small, empty);
	store_close(small);
	store_close(empty);
	free((void *)(uintptr_t)changes.ptr);
}

/* --- the watch, and what a batch says of itself ------------------------------------------------
 */

static struct seen {
	unsigned keys, principals, alls;
	uint64_t number;
} seen;

static void on_key(void *context, uint64_t version, uint64_t number)
{
	(void)context, (void)version;
	seen.keys++;
	seen.number = number;
}

static void on_principal(void *context, uint64_t version, uint32_t tenant, struct pol_str id)
{
	(void)context, (void)version, (void)tenant, (void)id;
	seen.principals++;
}

static void on_all(void *context, uint64_t version)
{
	(void)context, (void)version;
	seen.alls++;
}

static const struct store_watch watch = {
	.context = &seen, .key = on_key, .principal = on_principal, .all = on_all
};

Test(changes, the_watch_hears_of_changed_keys_and_principals)
{
	const struct store_principal everyone = { .id = POL_STR("every caller"),
		.tenant = STORE_TENANT_DEFAULT };
	struct pol_str changes = key_batch(1);
	struct store_write *write;
	struct store_key key;
	uint64_t commits;

	store_set_watch(b, &watch);
	cr_assert_eq(pair_apply(b, changes), 0);
	cr_assert_eq(seen.keys, 0);
	free((void *)(uintptr_t)changes.ptr);
	write = pair_begin(a);
	cr_assert_eq(store_get_key(store_write_reader(write), POL_STR("100000000001"), &key), 0);
	key.flags |= STORE_KEY_REVOKED;
	cr_assert_eq(store_update_key(write, &key), 0);
	cr_assert_eq(folder_enter(write, POL_STR("100000000001")), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_put_principal(write, &everyone), 0);
	cr_assert_eq(pair_enter(write, STORE_AUDIT_PRINCIPAL, STORE_AUDIT_MADE, 1, everyone.id), 0);
	changes = pair_commit(write);
	cr_assert_not(store_has_everyone(b));
	cr_assert_eq(pair_apply(b, changes), 0);
	commits = store_commits(b);
	cr_assert_eq(seen.keys, 1);
	cr_assert_eq(seen.number, 1);
	cr_assert_eq(seen.principals, 1);
	cr_assert_eq(seen.alls, 0);
	cr_assert(store_has_everyone(b));
	cr_assert_eq(store_everyone_changed(b), commits);
	free((void *)(uintptr_t)changes.ptr);
}

Test(changes, a_batch_says_whether_it_changed_a_stored_role)
{
	const struct store_role role = {
		.tenant = STORE_TENANT_DEFAULT, .number = 1, .name = POL_STR("auditor")
	};
	struct store_write *write = pair_begin(a);
	struct pol_str changes;
	char why[STORE_WHY];

	cr_assert_eq(store_put_role(write, &role), 0);
	store_write_undo(write);
	put_key(write, 1);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_not(store_write_changed_roles(write));
	cr_assert_eq(store_put_role(write, &role), 0);
	cr_assert_eq(pair_enter(write, STORE_AUDIT_ROLE, STORE_AUDIT_MADE, 1, role.name), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert(store_write_changed_roles(write));
	changes = pair_commit(write);
	write = pair_begin(b);
	cr_assert_eq(store_apply_changes(write, changes, why), 0, "%s", why);
	cr_assert(store_write_changed_roles(write));
	cr_assert_eq(store_write_commit(write, true), 0);
	free((void *)(uintptr_t)changes.ptr);
}

Test(changes, the_use_of_a_deleted_key_goes_on_each_host)
{
	const struct store_use use = { .at = 7, .uses = 3 };
	struct pol_str changes = key_batch(1);
	struct store_write *write;
	struct store_read *read;
	struct store_use found;

	cr_assert_eq(pair_apply(b, changes), 0);
	free((void *)(uintptr_t)changes.ptr);
	write = pair_begin(b);
	cr_assert_eq(store_put_use(write, 1, &use, NULL), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
	write = pair_begin(a);
	cr_assert_eq(store_remove_key(write, POL_STR("100000000001")), 0);
	cr_assert_eq(
		pair_enter(write, STORE_AUDIT_KEY, STORE_AUDIT_REMOVED, 1, POL_STR("100000000001")),
		0);
	changes = pair_commit(write);
	cr_assert_eq(pair_apply(b, changes), 0);
	read = folder_reader(b);
	cr_assert_eq(store_get_use(read, 1, &found), 0);
	cr_assert_eq(found.uses, 0);
	store_read_close(read);
	free((void *)(uintptr_t)changes.ptr);
}
