/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/secret_rules.h"

#include <criterion/criterion.h>

#include "tests/daemon/folder.h"

/* What distinguishes a key's secrets here: the first byte of a hash. */
static const uint8_t a[STORE_HASH] = { 'a' }, b[STORE_HASH] = { 'b' }, c[STORE_HASH] = { 'c' },
		     d[STORE_HASH] = { 'd' };

static struct store *store;
static struct store_key key;
static struct secret_rules_buffer buffer;
static struct secret_rules_change change;

enum { T = 1000000, HOUR = 3600, DAY = 86400, MAX = 30 * DAY };

static void begin(void)
{
	key = (struct store_key){
		.hash = a, .created_at = T, .rotation = { .generation = 1, .issued = 1 }
	};
	change = (struct secret_rules_change){
		.secrets = store_secrets(store), .now = T + DAY, .max_overlap = MAX
	};
}

static void setup(void)
{
	folder_make();
	store = folder_store();
	begin();
}

static void teardown(void)
{
	store_close(store);
	folder_remove();
}

TestSuite(secret_rules, .init = setup, .fini = teardown);

/* Each new secret has its own receiver, named as it; the first one was for the creator. */
static struct pol_str received_by(const uint8_t *hash)
{
	return (struct pol_str){ (const char *)hash, hash[0] != 'a' };
}

static void rotate(enum rotation_mode mode, int64_t overlap, const uint8_t *hash)
{
	struct secret_rules_next next = { mode, overlap, hash, received_by(hash) };

	secret_rules_rotate(&key, &change, &next, &buffer);
}

/* "a current, b pending": which secrets are good now. */
static void expect(const char *current, const char *other, enum store_other what, int64_t now)
{
	unsigned live = secret_rules_live(&key, now);

	cr_expect_eq((live & KEY_SECRET_CURRENT) != 0, current != NULL, "current at %lld",
		(long long)(now - T));
	cr_expect(current == NULL || key.hash[0] == (uint8_t)current[0], "current is %c",
		key.hash[0]);
	cr_expect_eq(secret_rules_other(&key, now), what, "other at %lld", (long long)(now - T));
	cr_expect(other == NULL || key.rotation.other_hash[0] == (uint8_t)other[0]);
	cr_expect(pol_str_equal(key.rotation.received_by, received_by(key.hash)));
	cr_expect(pol_str_equal(key.rotation.other_received_by,
		key.rotation.other_hash != NULL ? received_by(key.rotation.other_hash)
						: (struct pol_str){ 0 }));
}

static bool dead(const uint8_t *hash)
{
	return secret_rules_is_dead(change.secrets, &key, hash);
}

Test(secret_rules, overlap_retires_the_old_one_until_its_end)
{
	rotate(ROTATION_OVERLAP, HOUR, b);
	expect("b", "a", STORE_OTHER_RETIRING, change.now);
	expect("b", "a", STORE_OTHER_RETIRING, change.now + HOUR - 1);
	expect("b", NULL, STORE_OTHER_NONE, change.now + HOUR);
	cr_expect_eq(key.rotation.generation, 2);
	cr_expect_eq(key.rotation.other_generation, 1);
	cr_expect_not(dead(a));
	/* Its end buries nothing by itself; the next change does. */
	change.now += 2 * HOUR;
	rotate(ROTATION_OVERLAP, HOUR, c);
	cr_expect(dead(a));
	cr_expect_not(dead(b));
}

Test(secret_rules, confirm_changes_nothing_before_the_first_use)
{
	rotate(ROTATION_CONFIRM, HOUR, b);
	expect("a", "b", STORE_OTHER_PENDING, change.now);
	expect("a", "b", STORE_OTHER_PENDING, change.now + SECRET_RULES_PENDING - 1);
	expect("a", NULL, STORE_OTHER_NONE, change.now + SECRET_RULES_PENDING);
	cr_expect_eq(key.rotation.generation, 1);
	change.now += 2 * DAY;
	secret_rules_confirm(&key, &change, &buffer);
	expect("b", "a", STORE_OTHER_RETIRING, change.now + HOUR - 1);
	expect("b", NULL, STORE_OTHER_NONE, change.now + HOUR);
	cr_expect_eq(key.rotation.generation, 2);
	cr_expect_eq(key.rotation.secret_since, change.now);
}

Test(secret_rules, immediate_leaves_one_secret)
{
	rotate(ROTATION_OVERLAP, HOUR, b);
	rotate(ROTATION_IMMEDIATE, 0, c);
	expect("c", NULL, STORE_OTHER_NONE, change.now);
	cr_expect(dead(a));
	cr_expect(dead(b));
	cr_expect_not(dead(c));
	cr_expect_null(key.rotation.other_hash);
	cr_expect_eq(key.rotation.generation, 3);
}

Test(secret_rules, the_last_dead_ones_are_known_and_the_first_forgotten)
{
	const uint8_t *hashes[] = { a, b, c, d };
	uint8_t e[STORE_HASH] = { 'e' }, f[STORE_HASH] = { 'f' };

	rotate(ROTATION_IMMEDIATE, 0, b);
	rotate(ROTATION_IMMEDIATE, 0, c);
	rotate(ROTATION_IMMEDIATE, 0, d);
	rotate(ROTATION_IMMEDIATE, 0, e);
	for (size_t i = 0; i < STORE_DEAD_TAGS; i++) {
		cr_expect(dead(hashes[i]));
	}
	rotate(ROTATION_IMMEDIATE, 0, f);
	cr_expect_not(dead(a));
	cr_expect(dead(b));
	cr_expect(dead(e));
	cr_expect_not(dead(f));
	cr_expect_eq(key.rotation.dead_count, STORE_DEAD_TAGS);
}

Test(secret_rules, finish_and_rollback_bury_one_each)
{
	rotate(ROTATION_OVERLAP, HOUR, b);
	secret_rules_finish(&key, &change, &buffer);
	expect("b", NULL, STORE_OTHER_NONE, change.now);
	cr_expect(dead(a));
	rotate(ROTATION_OVERLAP, HOUR, c);
	secret_rules_rollback(&key, &change, &buffer);
	expect("b", NULL, STORE_OTHER_NONE, change.now);
	cr_expect(dead(c));
	cr_expect_not(dead(b));
	cr_expect_eq(key.rotation.generation, 2);
	rotate(ROTATION_CONFIRM, HOUR, d);
	cr_expect_eq(key.rotation.other_generation, 4);
	secret_rules_rollback(&key, &change, &buffer);
	expect("b", NULL, STORE_OTHER_NONE, change.now);
	cr_expect(dead(d));
}

Test(secret_rules, an_imported_secret_stays_one_while_it_retires)
{
	key.flags = STORE_KEY_IMPORTED;
	rotate(ROTATION_OVERLAP, HOUR, b);
	cr_expect_eq(key.flags, STORE_KEY_OTHER_IMPORTED);
	secret_rules_rollback(&key, &change, &buffer);
	cr_expect_eq(key.flags, STORE_KEY_IMPORTED);
	rotate(ROTATION_CONFIRM, HOUR, c);
	cr_expect_eq(key.flags, STORE_KEY_IMPORTED);
	secret_rules_confirm(&key, &change, &buffer);
	cr_expect_eq(key.flags, STORE_KEY_OTHER_IMPORTED);
	secret_rules_finish(&key, &change, &buffer);
	cr_expect_eq(key.flags, 0);
}

/* --- schedules -------------------------------------------------------------------------------- */

Test(secret_rules, a_schedule_counts_from_when_the_secret_became_current)
{
	static const struct {
		int64_t since, every, due;
	} cases[] = {
		{ 0, 90 * DAY, T + 90 * DAY },
		{ 0, HOUR, T + DAY }, /* it would have been due before now: then now */
		{ T + HOUR, 2 * DAY, T + HOUR + 2 * DAY },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		key.rotation.secret_since = cases[i].since;
		secret_rules_schedule(&key, &change, cases[i].every);
		cr_expect_eq(key.rotation.next_rotation_at, cases[i].due, "case %zu", i);
		cr_expect_eq(key.rotation.renew_by, cases[i].due + MAX, "case %zu", i);
		cr_expect_not(secret_rules_is_due(&key, cases[i].due - 1), "case %zu", i);
		cr_expect(secret_rules_is_due(&key, cases[i].due), "case %zu", i);
	}
	secret_rules_schedule(&key, &change, 0);
	cr_expect_eq(key.rotation.renew_by, 0);
	cr_expect_not(secret_rules_is_due(&key, INT64_MAX));
}

Test(secret_rules, a_schedule_ends_the_secret_renewed_or_not)
{
	int64_t end = T + 90 * DAY + MAX;

	secret_rules_schedule(&key, &change, 90 * DAY);
	expect("a", NULL, STORE_OTHER_NONE, end - 1);
	expect(NULL, NULL, STORE_OTHER_NONE, end);
	change.now = end - HOUR;
	rotate(ROTATION_CONFIRM, DAY, b);
	expect("a", "b", STORE_OTHER_PENDING, end - 1);
	expect(NULL, "b", STORE_OTHER_PENDING, end);
	/* Confirmed in time, the old one has what the schedule left it, not the whole overlap. */
	change.now = end - HOUR / 2;
	secret_rules_confirm(&key, &change, &buffer);
	expect("b", "a", STORE_OTHER_RETIRING, end - 1);
	expect("b", NULL, STORE_OTHER_NONE, end);
	cr_expect_eq(key.rotation.next_rotation_at, change.now + 90 * DAY);
	cr_expect_eq(secret_rules_latest_end(&key, &change), end);
}

Test(secret_rules, a_new_secret_takes_the_place_of_one_that_a_schedule_ended)
{
	static const enum rotation_mode modes[] = { ROTATION_OVERLAP, ROTATION_IMMEDIATE };

	for (size_t i = 0; i < 2; i++) {
		begin();
		secret_rules_schedule(&key, &change, DAY);
		change.now = key.rotation.renew_by;
		rotate(modes[i], DAY, b);
		expect("b", NULL, STORE_OTHER_NONE, change.now);
		cr_expect(dead(a));
	}
	begin();
	secret_rules_schedule(&key, &change, DAY);
	change.now = key.rotation.renew_by;
	rotate(ROTATION_CONFIRM, DAY, b);
	secret_rules_confirm(&key, &change, &buffer);
	expect("b", NULL, STORE_OTHER_NONE, change.now);
	cr_expect(dead(a));
}

Test(secret_rules, rollback_brings_back_the_schedule_that_the_secret_had)
{
	int64_t due, end;

	secret_rules_schedule(&key, &change, 90 * DAY);
	due = key.rotation.next_rotation_at;
	end = key.rotation.renew_by;
	change.now = due + DAY;
	rotate(ROTATION_OVERLAP, DAY, b);
	cr_expect_gt(key.rotation.renew_by, end);
	secret_rules_rollback(&key, &change, &buffer);
	cr_expect_eq(key.rotation.next_rotation_at, due);
	cr_expect_eq(key.rotation.renew_by, end);
}

Test(secret_rules, an_overlap_reaches_no_further_than_the_policy)
{
	rotate(ROTATION_OVERLAP, 2 * MAX, b);
	cr_expect_eq(key.rotation.other_until, change.now + MAX);
	cr_expect_eq(secret_rules_latest_end(&key, &change), change.now + MAX);
}
