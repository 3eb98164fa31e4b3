/* SPDX-License-Identifier: Apache-2.0 */
/* peppers_test: the secrets' files of several hosts follow the log. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/share/pepper.h"
#include "tests/daemon/share/hosts.h"

#define HOSTS 3

static struct log_memory *memory;
static struct host hosts[HOSTS];
static struct share_pepper peppers[HOSTS];
static bool ends[HOSTS]; /* after a commit, before the file is written */

static void on_committed(void *context, bool roles)
{
	struct host *host = context;
	size_t at = (size_t)(host - hosts);
	struct store_read *read = folder_reader(host->store);
	char why[SHARE_WHY];

	(void)roles;
	if (!ends[at]) {
		share_pepper_follow(&peppers[at], read, why);
	}
	store_read_close(read);
}

static void copy_secrets(unsigned at)
{
	char from[256], to[256], name[32], command[600];

	snprintf(name, sizeof name, "pepper-host%u", at);
	folder_path(from, sizeof from, "pepper");
	folder_path(to, sizeof to, name);
	snprintf(command, sizeof command, "cp -p '%s' '%s'", from, to);
	cr_assert_eq(system(command), 0);
}

static void listen_to(unsigned at)
{
	hosts[at].append.committed = on_committed;
	peppers[at] = (struct share_pepper){ .store = hosts[at].store };
}

static void setup(void)
{
	memory = hosts_begin();
	for (unsigned i = 0; i < HOSTS; i++) {
		copy_secrets(i);
		hosts[i].log = memory;
		hosts[i].own_secrets = true;
		hosts_open(&hosts[i], i);
		listen_to(i);
		ends[i] = false;
	}
}

static void teardown(void)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		hosts_close(&hosts[i]);
	}
	log_memory_destroy(memory);
	folder_remove();
}

TestSuite(peppers, .init = setup, .fini = teardown);

/* It starts again, with what its file has. */
static void restart(unsigned at)
{
	struct store_read *read;
	char why[SHARE_WHY];

	hosts_close(&hosts[at]);
	hosts[at].connection = NULL;
	hosts_open_store(&hosts[at]);
	hosts_load(&hosts[at]);
	listen_to(at);
	ends[at] = false;
	read = folder_reader(hosts[at].store);
	cr_assert_geq(share_pepper_follow(&peppers[at], read, why), 0, "%s", why);
	store_read_close(read);
}

static int put_step(unsigned at, enum secret_step step)
{
	struct share_append *append = &hosts[at].append;
	const struct store_audit audit = {
		.time = 1000,
		.kind = STORE_AUDIT_STORE,
		.flags = STORE_AUDIT_MADE,
		.actor = POL_STR("uid:0"),
		.action = POL_STR("test"),
		.target = POL_STR(SHARE_SET_PEPPER),
	};
	struct store_write *write;
	int r = hosts_catch_up(&hosts[at]);

	cr_assert_eq(r, 0);
	cr_assert_eq(share_append_begin(append), 0);
	cr_assert_eq(store_write_begin(hosts[at].store, &write), 0);
	store_write_alone(write);
	store_write_job(write);
	r = share_pepper_put(hosts[at].store, write, step);
	if (r == 0) {
		cr_assert_eq(store_append_audit(write, &audit), 0);
		cr_assert_eq(store_write_keep(write), 0);
		cr_assert_eq(share_append(append, write, 0), 0);
		share_append_committed(append, store_write_commit(write, true));
	} else {
		store_write_abort(write);
	}
	share_append_end(append);
	return r;
}

static void catch_up(void)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		cr_assert_eq(hosts_catch_up(&hosts[i]), 0);
	}
}

/* The hash that a host makes of a token. */
static void hash(unsigned at, bool old, uint8_t out[SECRET_HASH])
{
	const char *text = "liq_live_1aaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb23PYyn";
	struct secret_token token;

	cr_assert(secret_token_split(pol_str_of(text), &token));
	secret_token_hash(store_secrets(hosts[at].store), &token, old, out);
}

static bool hashes_are_equal(bool old)
{
	uint8_t first[SECRET_HASH], other[SECRET_HASH];

	hash(0, old, first);
	for (unsigned i = 1; i < HOSTS; i++) {
		hash(i, old, other);
		if (memcmp(first, other, sizeof first) != 0) {
			return false;
		}
	}
	return true;
}

static void assert_at(unsigned at, unsigned number, bool has_old, bool has_staged)
{
	const struct secrets *secrets = store_secrets(hosts[at].store);

	cr_assert_eq(secrets_pepper(secrets), number, "host %u", at);
	cr_assert_eq(secrets_have_old(secrets), has_old, "host %u", at);
	cr_assert_eq(secrets_have_staged(secrets), has_staged, "host %u", at);
}

static void assert_all(unsigned number, bool has_old, bool has_staged)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		assert_at(i, number, has_old, has_staged);
	}
	cr_assert(hashes_are_equal(false));
	cr_assert(!has_old || hashes_are_equal(true));
}

Test(peppers, every_host_goes_through_the_steps_whichever_host_makes_them)
{
	uint8_t before[SECRET_HASH], after[SECRET_HASH];

	hash(0, false, before);
	cr_assert_eq(put_step(0, SECRET_STAGE), 0);
	catch_up();
	assert_all(0, false, true);
	cr_assert_eq(share_pepper_newest(store_secrets(hosts[2].store)), 1);
	cr_assert_eq(put_step(1, SECRET_SWITCH), 0);
	assert_at(0, 0, false, true);
	catch_up();
	assert_all(1, true, false);
	hash(2, true, after);
	cr_assert_eq(memcmp(before, after, sizeof before), 0);
	hash(2, false, after);
	cr_assert_neq(memcmp(before, after, sizeof before), 0);
	cr_assert_eq(put_step(2, SECRET_DROP), 0);
	catch_up();
	assert_all(1, false, false);
}

Test(peppers, a_step_that_cannot_follow_is_refused_also_for_a_host_that_made_none)
{
	cr_assert_eq(put_step(0, SECRET_SWITCH), -EBUSY);
	cr_assert_eq(put_step(0, SECRET_DROP), -EBUSY);
	cr_assert_eq(put_step(0, SECRET_STAGE), 0);
	cr_assert_eq(put_step(1, SECRET_STAGE), -EBUSY);
	cr_assert_eq(put_step(1, SECRET_SWITCH), 0);
	cr_assert_eq(put_step(2, SECRET_STAGE), -EBUSY);
	cr_assert_eq(put_step(2, SECRET_SWITCH), -EBUSY);
	cr_assert_eq(put_step(2, SECRET_DROP), 0);
	cr_assert_eq(put_step(0, SECRET_DROP), -EBUSY);
}

Test(peppers, a_host_that_ends_between_a_commit_and_its_file_goes_on_at_its_start)
{
	static const enum secret_step steps[] = { SECRET_STAGE, SECRET_SWITCH, SECRET_DROP };

	for (unsigned i = 0; i < 2 * 3; i++) {
		unsigned number = i / 3 + (i % 3 > 0);

		ends[i % 2] = true; /* the host that makes it, or another one */
		cr_assert_eq(put_step(0, steps[i % 3]), 0);
		catch_up();
		restart(i % 2);
		assert_all(number, i % 3 == 1, i % 3 == 0);
	}
}

Test(peppers, a_host_that_was_away_for_whole_rotations_catches_up)
{
	for (unsigned i = 0; i < 5; i++) {
		cr_assert_eq(put_step(i % 2, SECRET_STAGE), 0);
		cr_assert_eq(put_step(i % 2, SECRET_SWITCH), 0);
		cr_assert_eq(put_step(i % 2, SECRET_DROP), 0);
		if (i == 1) {
			ends[2] = true;
			catch_up();
			restart(2);
			assert_all(2, false, false);
		}
	}
	catch_up();
	assert_all(5, false, false);
	restart(2);
	assert_all(5, false, false);
}

Test(peppers, a_file_that_cannot_be_written_lets_the_host_only_end_things_until_it_can)
{
	char aside[256], why[SHARE_WHY];
	struct store_read *read;

	folder_path(aside, sizeof aside, "pepper-host2.new");
	cr_assert_eq(mkdir(aside, 0700), 0);
	cr_assert_eq(put_step(0, SECRET_STAGE), 0);
	catch_up();
	cr_assert(peppers[2].failed && !peppers[2].behind);
	assert_at(2, 0, false, false);
	cr_assert_eq(put_step(0, SECRET_SWITCH), 0);
	catch_up();
	cr_assert(peppers[2].failed && peppers[2].behind);
	assert_at(2, 0, false, false);
	cr_assert_eq(rmdir(aside), 0);
	read = folder_reader(hosts[2].store);
	cr_assert_eq(share_pepper_follow(&peppers[2], read, why), 1);
	store_read_close(read);
	cr_assert(!peppers[2].failed && !peppers[2].behind);
	assert_all(1, true, false);
}

Test(peppers, a_record_of_another_realm_or_an_altered_one_is_refused)
{
	struct secrets *secrets = store_secrets(hosts[0].store);
	uint8_t realm[SECRET_REALM] = "another realm", record[SECRET_PEPPERS];
	struct pol_str text = { (const char *)record, sizeof record };
	struct secret_shared shared;
	char why[SECRET_WHY];

	cr_assert_eq(
		secrets_plan(secrets, realm, (struct pol_str){ NULL, 0 }, SECRET_STAGE, record), 0);
	cr_assert(secrets_read_shared(secrets, realm, text, &shared));
	cr_assert_not(secrets_read_shared(secrets, hosts_realm, text, &shared));
	cr_assert_eq(secrets_follow(secrets, hosts_realm, text, why), -EBADMSG);
	record[50] ^= 1;
	cr_assert_eq(secrets_follow(secrets, realm, text, why), -EBADMSG);
	assert_at(0, 0, false, false);
}

Test(peppers, a_host_may_join_with_the_pepper_in_use_or_a_later_one)
{
	static const struct {
		unsigned steps; /* that the file has */
		bool may[4];    /* when the record has none, STAGE, SWITCH, DROP */
	} cases[] = {
		{ 0, { true, true, false, false } },
		{ 1, { true, true, true, true } },
		{ 2, { true, true, true, true } },
		{ 3, { true, true, true, true } },
	};
	struct secrets *secrets = store_secrets(hosts[0].store);
	uint8_t records[4][SECRET_PEPPERS];
	char why[SECRET_WHY];

	for (unsigned i = 0; i < 4; i++) {
		struct pol_str before = { i > 0 ? (const char *)records[i - 1] : NULL,
			i > 0 ? SECRET_PEPPERS : 0 };

		cr_assert_eq(
			secrets_plan(secrets, hosts_realm, before, (enum secret_step)i, records[i]),
			0);
	}
	for (unsigned i = 0; i < 4; i++) {
		struct pol_str file = { (const char *)records[cases[i].steps], SECRET_PEPPERS };

		cr_assert_geq(secrets_follow(secrets, hosts_realm, file, why), 0);
		for (unsigned k = 0; k < 4; k++) {
			struct pol_str record = { (const char *)records[k], SECRET_PEPPERS };

			cr_assert_eq(secrets_have_shared(secrets, hosts_realm, record),
				cases[i].may[k], "file %u, record %u", i, k);
		}
	}
}
