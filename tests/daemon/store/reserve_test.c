/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/reserve.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <semaphore.h>

#include "daemon/call/dispatch.h"
#include "daemon/keys/usage.h"
#include "daemon/write/writer.h"
#include "tests/daemon/folder.h"

enum {
	MAP = 32 << 20,
	BATCH = WRITER_BATCH, /* keys of one commit */
	ENOUGH = 200000,      /* more keys than the map holds */
	REVOKED = 150,
	/* Each change copies some twenty pages; none is freed while a reader uses it. */
	WHILE_READ = 3,
};

static struct store *store;
static struct usage *usage;
static struct writer *writer;

static void setup(void)
{
	char why[STORE_WHY];

	folder_make();
	cr_assert_eq(folder_try_store(&store, why, MAP), 0, "%s", why);
	cr_assert_eq(usage_create(store, &usage), 0);
	cr_assert_eq(writer_create(store, usage, NULL, &writer), 0);
}

static void teardown(void)
{
	writer_destroy(writer);
	usage_destroy(usage);
	store_close(store);
	folder_remove();
}

TestSuite(store_room, .init = setup, .fini = teardown);

/* Does the same to keys that follow each other, in one commit. */
struct job {
	struct writer_job job;
	int (*change)(const struct writer_turn *, struct store_key *);
	unsigned first;
	unsigned count;
	int result;
	sem_t done;
};

static int make_key(const struct writer_turn *turn, struct store_key *key)
{
	return store_create_key(turn->write, key);
}

static int revoke_key(const struct writer_turn *turn, struct store_key *key)
{
	int r = store_get_key(turn->read, key->kid, key);

	key->flags |= STORE_KEY_REVOKED;
	return r < 0 ? r : store_update_key(turn->write, key);
}

static int on_run(struct writer_job *base, const struct writer_turn *turn)
{
	struct job *job = (struct job *)base;
	int r = 0;

	for (unsigned i = 0; i < job->count && r == 0; i++) {
		char kid[STORE_KID + 1];
		struct store_key key = folder_key(kid, job->first + i);

		r = job->change(turn, &key);
		if (r == 0) {
			r = folder_enter(turn->write, (struct pol_str){ kid, STORE_KID });
		}
	}
	return r;
}

static void on_done(struct writer_job *base, int result)
{
	struct job *job = (struct job *)base;

	job->result = result;
	sem_post(&job->done);
}

static int run(int (*change)(const struct writer_turn *, struct store_key *), enum store_need need,
	unsigned first, unsigned count)
{
	struct job job = { .job = { .run = on_run, .done = on_done, .need = need },
		.change = change,
		.first = first,
		.count = count };

	sem_init(&job.done, 0, 0);
	writer_submit(writer, &job.job);
	sem_wait(&job.done);
	sem_destroy(&job.done);
	return job.result;
}

/* Creates keys until there is no room for more; how many. */
static unsigned fill(void)
{
	unsigned made = 0;
	int r = 0;

	while (made < ENOUGH && (r = run(make_key, STORE_MAKES, made, BATCH)) == 0) {
		made += BATCH;
	}
	cr_assert_eq(r, -EFBIG, "%d after %u keys", r, made);
	cr_assert_gt(made, REVOKED);
	return made;
}

/* Revokes keys one at a time, each in a commit of its own, as those of an operator. */
static void revoke_each(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		int r = run(revoke_key, STORE_ENDS, i, 1);

		cr_assert_eq(r, 0, "revocation %u: %d", i, r);
	}
}

Test(store_room, keys_can_be_revoked_when_creates_have_filled_the_map)
{
	unsigned made = fill();

	cr_assert_eq(run(make_key, STORE_MAKES, made, 1), -EFBIG);
	revoke_each(REVOKED);
}

Test(store_room, edits_leave_a_part_of_the_reserve_for_revocations)
{
	int r = 0;

	fill();
	cr_assert_eq(run(revoke_key, STORE_EDITS, 0, 1), 0);
	for (unsigned i = 0; r == 0 && i < ENOUGH; i += BATCH) {
		r = run(revoke_key, STORE_EDITS, i % REVOKED, BATCH);
	}
	cr_assert_eq(r, -EFBIG, "%d", r);
	revoke_each(REVOKED);
}

Test(store_room, freed_pages_that_a_reader_uses_do_not_count_as_free)
{
	struct store_read *read;

	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	fill();
	revoke_each(WHILE_READ);
	store_read_close(read);
}

/* All methods that revoke, delete or disable, and none that a client can call without limit. */
Test(store_room, methods_that_end_something_may_use_all_of_it)
{
	static const char *const ends[] = { "keys.disable", "keys.revoke", "keys.delete",
		"keys.purge", "keys.finish", "principals.disable", "principals.delete",
		"assignments.delete", "roles.delete", "tenants.disable" };
	static const char *const others[] = { "keys.create", "keys.import", "keys.rotate",
		"keys.update", "keys.enable", "principals.create", "principals.update",
		"assignments.create", "roles.create", "roles.update", "tenants.create" };

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		const struct method *method =
			dispatch_find((struct wire_str){ ends[i], strlen(ends[i]) });

		cr_assert_not_null(method, "%s", ends[i]);
		cr_assert((method->flags & METHOD_ENDS) != 0, "%s", ends[i]);
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		const struct method *method =
			dispatch_find((struct wire_str){ others[i], strlen(others[i]) });

		cr_assert_not_null(method, "%s", others[i]);
		cr_assert((method->flags & METHOD_ENDS) == 0, "%s", others[i]);
	}
}
