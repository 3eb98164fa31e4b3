/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/usage.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/keys/denials.h"
#include "daemon/store/internal.h"
#include "tests/daemon/folder.h"

static struct store *store;
static struct store_read *reader;
static struct usage *usage;
static struct secret_token token;
static char token_text[SECRET_MAX_TOKEN];
static uint8_t hash[STORE_HASH];
static struct store_key key;

static void setup(void)
{
	folder_make();
	store = folder_store();
	cr_assert_eq(usage_create(store, &usage), 0);
	cr_assert_eq(store_read_open(store, &reader), 0);
	cr_assert_eq(store_read_renew(reader), 0);
	secret_token_make(POL_STR("ak_live_"), token_text, &token);
	secret_token_hash(store_secrets(store), &token, false, hash);
	key = (struct store_key){ .kid = token.kid, .number = 42, .hash = hash };
}

static void teardown(void)
{
	store_read_close(reader);
	usage_destroy(usage);
	store_close(store);
	folder_remove();
}

TestSuite(usage, .init = setup, .fini = teardown);

static enum key_secret verify(
	const struct secret_token *presented, const struct store_key *record, unsigned recognise)
{
	struct usage_token made;

	usage_token_make(usage, presented, store_read_view(reader), &made);
	return usage_verify(usage, &made, record, recognise);
}

static void count(uint64_t number, int64_t now, bool denied)
{
	struct pol_ip ip = { .known = true, .bytes = { 1, 2, 3 } };
	struct usage_event event = { .now = now, .ip = &ip, .denied = denied };

	usage_count(usage, reader, number, &event);
}

/* Counts decisions of which all is equal. */
static void count_several(uint64_t number, int64_t now, bool denied, uint32_t decisions)
{
	struct pol_ip ip = { .known = true, .bytes = { 1, 2, 3 } };
	struct usage_event event = {
		.now = now, .ip = &ip, .denied = denied, .more = decisions - 1
	};

	usage_count(usage, reader, number, &event);
}

static bool flush(bool commit)
{
	struct store_write *write;
	bool more;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(usage_flush(usage, write, &more), 0);
	cr_assert_eq(store_write_keep(write), 0);
	if (commit) {
		cr_assert_eq(store_write_commit(write, false), 0);
	} else {
		store_write_abort(write);
	}
	usage_flushed(usage, commit);
	return more;
}

static struct store_use stored(uint64_t number)
{
	struct store_use use;

	cr_assert_eq(store_read_renew(reader), 0);
	cr_assert_eq(store_get_use(reader, number, &use), 0);
	return use;
}

Test(usage, a_token_is_recognised_after_it_was_verified)
{
	cr_assert(verify(&token, &key, KEY_SECRET_CURRENT));
	cr_assert(verify(&token, &key, KEY_SECRET_CURRENT));
	cr_assert(verify(&token, &key, 0));
}

Test(usage, another_token_of_the_same_key_is_not)
{
	char text[SECRET_MAX_TOKEN];
	struct secret_token other;

	cr_assert(verify(&token, &key, KEY_SECRET_CURRENT));
	secret_token_make(POL_STR("ak_live_"), text, &other);
	cr_assert_not(verify(&other, &key, KEY_SECRET_CURRENT));
	cr_assert(verify(&token, &key, KEY_SECRET_CURRENT));
}

Test(usage, what_was_verified_is_nothing_for_another_secret_of_the_key)
{
	uint8_t other[STORE_HASH] = { 9 };

	cr_assert(verify(&token, &key, KEY_SECRET_CURRENT));
	key.hash = other;
	usage_drop(usage, store_read_view(reader), key.number);
	cr_assert_not(verify(&token, &key, KEY_SECRET_CURRENT));
}

Test(usage, each_of_two_secrets_is_distinguished_and_recognised)
{
	char text[SECRET_MAX_TOKEN];
	struct secret_token other;
	uint8_t other_hash[STORE_HASH];
	unsigned both = KEY_SECRET_CURRENT | KEY_SECRET_OTHER;

	secret_token_renew(POL_STR("ak_live_"), token.kid, text, &other);
	secret_token_hash(store_secrets(store), &other, false, other_hash);
	key.rotation.other = STORE_OTHER_RETIRING;
	key.rotation.other_hash = other_hash;
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(verify(&other, &key, both), KEY_SECRET_OTHER);
		cr_assert_eq(verify(&other, &key, both), KEY_SECRET_OTHER);
		cr_assert_eq(verify(&token, &key, both), KEY_SECRET_CURRENT);
		cr_assert_eq(verify(&token, &key, both), KEY_SECRET_CURRENT);
	}
	/* What was recognised a moment ago is nothing once the record says so. */
	key.rotation = (struct store_rotation){ .other = STORE_OTHER_NONE };
	usage_drop(usage, store_read_view(reader), key.number);
	cr_assert_eq(verify(&other, &key, both), KEY_SECRET_WRONG);
}

Test(usage, a_dead_secret_is_not_the_same_as_a_wrong_one)
{
	char text[SECRET_MAX_TOKEN];
	struct secret_token wrong;
	uint8_t fresh[STORE_HASH] = { 9 }, tag[SECRET_TAG];

	secret_tag(store_secrets(store), SECRET_DEAD, hash, STORE_HASH, tag);
	key.hash = fresh;
	key.rotation.dead = tag;
	key.rotation.dead_count = 1;
	secret_token_renew(POL_STR("ak_live_"), token.kid, text, &wrong);
	cr_assert_eq(verify(&token, &key, KEY_SECRET_CURRENT), KEY_SECRET_DEAD);
	cr_assert_eq(verify(&token, &key, KEY_SECRET_CURRENT), KEY_SECRET_DEAD);
	cr_assert_eq(verify(&wrong, &key, KEY_SECRET_CURRENT), KEY_SECRET_WRONG);
}

Test(usage, a_wrong_crc_is_refused_though_the_secret_is_right)
{
	char text[SECRET_MAX_TOKEN];
	uint8_t computed[STORE_HASH];
	struct secret_token mistyped;

	memcpy(text, token.whole.ptr, token.whole.len);
	text[token.whole.len - 1] = text[token.whole.len - 1] == '0' ? '1' : '0';
	cr_assert(secret_token_split((struct pol_str){ text, token.whole.len }, &mistyped));
	secret_token_hash(store_secrets(store), &mistyped, false, computed);
	cr_assert_arr_eq(computed, key.hash, STORE_HASH);
	cr_assert_not(verify(&mistyped, &key, KEY_SECRET_CURRENT));
	cr_assert_not(verify(&mistyped, &key, 0));
	cr_assert(verify(&token, &key, KEY_SECRET_CURRENT));
	cr_assert_not(verify(&mistyped, &key, KEY_SECRET_CURRENT));
}

Test(usage, an_unknown_key_is_never_verified)
{
	cr_assert(verify(&token, &key, KEY_SECRET_CURRENT));
	cr_assert_not(verify(&token, NULL, KEY_SECRET_CURRENT));
}

Test(usage, the_use_is_there_at_once_and_again_after_a_restart)
{
	struct store_use use;

	count(42, 100, false);
	count(42, 101, true);
	cr_assert_eq(usage_get(usage, reader, 42, &use), 0);
	cr_assert_eq(use.uses, 2);
	cr_assert_eq(use.denials, 1);
	cr_assert_eq(use.at, 101);
	cr_assert(use.has_ip && use.ip[1] == 2);
	cr_assert_eq(stored(42).uses, 0);
	cr_assert_not(flush(true));
	cr_assert_eq(stored(42).uses, 2);

	usage_destroy(usage);
	cr_assert_eq(usage_create(store, &usage), 0);
	cr_assert_eq(usage_get(usage, reader, 42, &use), 0);
	cr_assert_eq(use.uses, 2);
	count(42, 200, false);
	cr_assert_eq(usage_get(usage, reader, 42, &use), 0);
	cr_assert_eq(use.uses, 3);
	cr_assert_eq(use.denials, 1);
}

Test(usage, several_equal_decisions_are_counted_at_once)
{
	struct store_use use;

	count_several(42, 100, false, 3);
	count_several(42, 101, true, 2);
	cr_assert_eq(usage_get(usage, reader, 42, &use), 0);
	cr_expect_eq(use.uses, 5);
	cr_expect_eq(use.denials, 2);
	cr_expect_eq(use.at, 101);
}

Test(usage, what_is_spent_is_counted_nowhere)
{
	const struct pol_ip ip = { .known = true, .bytes = { 1, 2, 3 } };
	const struct usage_event event = { .now = 1000, .ip = &ip, .denied = true };
	const struct denials *denials = usage_denials(usage);
	struct store_use use;

	count(0, 999, false);
	usage_spend(usage, &event);
	cr_assert_eq(usage_get(usage, reader, 0, &use), 0);
	cr_expect_eq(use.uses, 1);
	cr_expect_eq(use.at, 999);
	cr_expect_eq(use.denials, 0);
	for (unsigned i = 0; i < denials_reasons(); i++) {
		cr_expect_eq(denials_count(denials, 0, (uint8_t)i), 0, "reason %u", i);
	}
}

/* --- days ------------------------------------------------------------------------------------- */

static void expect_day(int64_t time, uint64_t uses, uint64_t denials)
{
	struct store_days days;

	cr_assert_eq(store_read_renew(reader), 0);
	cr_assert_eq(usage_get_days(usage, reader, 42, &days), 0);
	cr_assert_lt(days.newest - time / 86400, STORE_DAYS);
	cr_expect_eq(days.uses[days.newest - time / 86400], uses);
	cr_expect_eq(days.denials[days.newest - time / 86400], denials);
}

Test(usage, a_day_has_what_is_stored_and_what_is_not_flushed_yet)
{
	int64_t now = store_latest(store), before = now - 3 * 86400;

	count(42, before, false);
	count(42, before, true);
	expect_day(before, 2, 1);
	flush(true);
	expect_day(before, 2, 1);
	count(42, now, false);
	expect_day(before, 2, 1);
	expect_day(now, 1, 0);
	flush(false);
	expect_day(now, 1, 0);
	flush(true);
	expect_day(before, 2, 1);
	expect_day(now, 1, 0);
	count(42, now, true);
	expect_day(now, 2, 1);
}

static void put_use(const struct store_use *use)
{
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_put_use(write, 42, use, NULL), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, false), 0);
	cr_assert_eq(store_read_renew(reader), 0);
}

Test(usage, what_a_record_without_days_has_is_of_no_day)
{
	int64_t now = store_latest(store);

	put_use(&(struct store_use){ .at = now, .uses = 1000, .denials = 10 });
	expect_day(now, 0, 0);
	count(42, now, true);
	expect_day(now, 1, 1);
	flush(true);
	expect_day(now, 1, 1);
	cr_expect_eq(stored(42).uses, 1001);
}

static void alter_use(void)
{
	uint8_t number[8] = { [7] = 42 }, bytes[256];
	MDB_val place = { sizeof number, number }, value;
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_write_ready(write), 0);
	cr_assert_eq(mdb_get(write->job, store->tables[STORE_USES], &place, &value), 0);
	cr_assert_leq(value.mv_size, sizeof bytes);
	memcpy(bytes, value.mv_data, value.mv_size);
	value.mv_data = bytes;
	bytes[STORE_AT_BODY] ^= 1;
	cr_assert_eq(mdb_put(write->job, store->tables[STORE_USES], &place, &value, 0), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, false), 0);
}

Test(usage, what_was_counted_beside_an_altered_record_is_of_no_day)
{
	int64_t now = store_latest(store);

	for (int i = 0; i < 5; i++) {
		count(42, now, false);
	}
	flush(true);
	alter_use();
	expect_day(now, 0, 0);
	count(42, now, false);
	flush(true);
	expect_day(now, 0, 0);
	count(42, now, false);
	expect_day(now, 1, 0);
	flush(true);
	expect_day(now, 1, 0);
	cr_expect_eq(stored(42).uses, 7);
}

Test(usage, a_flush_that_fails_leaves_all_for_the_next)
{
	count(42, 100, false);
	count(5000, 100, false);
	flush(false);
	cr_assert_eq(stored(42).uses, 0);
	flush(true);
	cr_assert_eq(stored(42).uses, 1);
	cr_assert_eq(stored(5000).uses, 1);
}

Test(usage, flushes_come_in_slices_and_leave_nothing_out)
{
	unsigned rounds = 1;

	for (uint64_t number = 1; number <= 3000; number++) {
		count(number, 100, false);
	}
	while (flush(true)) {
		rounds++;
	}
	cr_assert_geq(rounds, 3);
	for (uint64_t number = 1; number <= 3000; number++) {
		cr_assert_eq(stored(number).uses, 1, "key %u", (unsigned)number);
	}
}

Test(usage, an_address_that_is_not_known_leaves_the_last_one)
{
	struct pol_ip none = { .known = false };
	struct usage_event event = { .now = 300, .ip = &none };
	struct store_use use;

	count(42, 100, false);
	usage_count(usage, reader, 42, &event);
	cr_assert_eq(usage_get(usage, reader, 42, &use), 0);
	cr_assert(use.has_ip && use.ip[0] == 1);
	cr_assert_eq(use.at, 300);
}

/* --- permissions used ------------------------------------------------------------------------- */

/* true: it was not known. */
static bool use(uint64_t number, uint32_t permission, const char *name)
{
	struct pol_ip ip = { .known = false };
	struct usage_event event = { .now = 5, .ip = &ip, .permission = permission };
	bool new = usage_count(usage, reader, number, &event);

	if (new) {
		usage_learn(usage, number, permission, pol_str_of(name));
	}
	return new;
}

static struct store_used stored_used(uint64_t number)
{
	struct store_used used;

	cr_assert_eq(store_read_renew(reader), 0);
	cr_assert_eq(store_get_used(reader, number, &used), 0);
	return used;
}

Test(usage, a_permission_is_learnt_once_and_written_by_the_next_flush)
{
	cr_assert(use(42, 7, "api:/a read"));
	cr_assert_not(use(42, 7, "api:/a read"));
	cr_assert(use(42, 8, "api:/b read"));
	cr_assert_not(use(42, 7, "api:/a read"));
	cr_assert_not(use(42, 8, "api:/b read"));
	cr_assert(use(43, 8, "api:/b read"));
	cr_assert_eq(stored_used(42).count, 0);
	while (flush(true)) {
	}
	cr_assert_eq(stored_used(42).count, 2);
	cr_assert_eq(stored_used(42).hashes[0], usage_name_hash(usage, POL_STR("api:/a read")));
	cr_assert_eq(stored_used(43).count, 1);
	/* Another policy numbers them again: the name is the same. */
	cr_assert(use(42, 70, "api:/a read"));
	while (flush(true)) {
	}
	cr_assert_eq(stored_used(42).count, 2);
}

Test(usage, what_a_failed_flush_did_not_write_is_written_by_the_next)
{
	cr_assert(use(42, 7, "api:/a read"));
	flush(false);
	cr_assert_eq(stored_used(42).count, 0);
	flush(true);
	cr_assert_eq(stored_used(42).count, 1);
}

Test(usage, beyond_256_permissions_the_set_is_full_and_says_so)
{
	char name[32];

	for (uint32_t i = 1; i <= STORE_MAX_USED; i++) {
		snprintf(name, sizeof name, "api:/%u read", (unsigned)i);
		cr_assert(use(42, i, name));
	}
	while (flush(true)) {
	}
	cr_assert_eq(stored_used(42).count, STORE_MAX_USED);
	cr_assert_not(stored_used(42).full);
	cr_assert(use(42, 1000, "api:/more read"));
	while (flush(true)) {
	}
	cr_assert_eq(stored_used(42).count, STORE_MAX_USED);
	cr_assert(stored_used(42).full);
}

Test(usage, a_key_is_written_once_a_flush_however_often_it_was_used)
{
	struct store_write *write;
	bool more;

	for (int i = 0; i < 100000; i++) {
		use(42, 7, "api:/a read");
	}
	cr_assert_not(flush(true));
	cr_assert_eq(stored(42).uses, 100000);
	/* Nothing is left to be written. */
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(usage_flush(usage, write, &more), 0);
	cr_assert_not(store_write_job_changed(write));
	store_write_abort(write);
	usage_flushed(usage, false);
}

Test(usage, denials_beyond_four_thousand_million_are_counted)
{
	struct store_write *write;
	struct store_use before = { .at = 1, .uses = UINT64_C(1) << 40, .denials = UINT32_MAX };

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_put_use(write, 42, &before, NULL), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, false), 0);
	cr_assert_eq(store_read_renew(reader), 0);
	count(42, 10, true);
	count(42, 11, true);
	flush(true);
	cr_assert_eq(stored(42).denials, UINT64_C(0x100000001));
	cr_assert_eq(stored(42).uses, (UINT64_C(1) << 40) + 2);
}

/* --- times ------------------------------------------------------------------------------------ */

Test(usage, the_last_use_is_kept_at_any_time)
{
	static const int64_t times[] = { 0, 1, -1, UINT32_MAX, (int64_t)UINT32_MAX + 1, -86400,
		INT64_C(5000000000), INT64_MAX, INT64_MIN, 1000 };
	struct pol_ip nobody = { .known = false };
	struct store_use use;

	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct usage_event event = { .now = times[i], .ip = &nobody };

		usage_count(usage, reader, 7, &event);
		cr_assert_eq(usage_get(usage, reader, 7, &use), 0);
		cr_expect_eq(use.at, times[i], "time %zu", i);
		cr_expect_eq(use.uses, i + 1);
		flush(true);
		cr_expect_eq(stored(7).at, times[i], "time %zu", i);
	}
}
