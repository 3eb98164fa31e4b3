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
	BATCH = WRITER_BATCH,
	ENOUGH = 200000, /* more keys than the map holds */
	REVOKED = 150,
	/* Each copies its pages, some twenty, and none is given back while it is read. */
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
	cr_assert_eq(writer_create(store, usage, &writer), 0);
}

static void teardown(void)
{
	writer_destroy(writer);
	usage_destroy(usage);
	store_close(store);
	folder_remove();
}

TestSuite(store_room, .init = setup, .fini = teardown);

struct job {
	struct writer_job job;
	unsigned number;
	int result;
	sem_t *done;
};

static int make(struct writer_job *base, const struct writer_turn *turn)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, ((struct job *)base)->number);
	int r = store_create_key(turn->write, &key);

	return r < 0 ? r : folder_enter(turn->write, (struct pol_str){ kid, STORE_KID });
}

static int revoke_key(struct writer_job *base, const struct writer_turn *turn)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, ((struct job *)base)->number);
	int r = store_get_key(turn->read, (struct pol_str){ kid, STORE_KID }, &key);

	key.flags |= STORE_KEY_REVOKED;
	r = r < 0 ? r : store_update_key(turn->write, &key);
	return r < 0 ? r : folder_enter(turn->write, (struct pol_str){ kid, STORE_KID });
}

static void on_done(struct writer_job *base, int result)
{
	struct job *job = (struct job *)base;

	job->result = result;
	sem_post(job->done);
}

/* Jobs for `count` keys from `first` on, submitted at once; how many were done. *out: what the last
 * one that was not ended with. */
static unsigned run(int (*what)(struct writer_job *, const struct writer_turn *),
	enum store_need need, unsigned first, unsigned count, int *out)
{
	struct job *jobs = calloc(count, sizeof *jobs);
	unsigned well = 0;
	sem_t done;

	cr_assert_not_null(jobs);
	sem_init(&done, 0, 0);
	for (unsigned i = 0; i < count; i++) {
		jobs[i] = (struct job){ .job = { .run = what, .done = on_done, .need = need },
			.number = first + i,
			.done = &done };
		writer_submit(writer, &jobs[i].job);
	}
	for (unsigned i = 0; i < count; i++) {
		sem_wait(&done);
	}
	for (unsigned i = 0; i < count; i++) {
		well += jobs[i].result == 0;
		*out = jobs[i].result != 0 ? jobs[i].result : *out;
	}
	free(jobs);
	return well;
}

static unsigned fill(void)
{
	unsigned made = 0;
	int error = 0;

	while (error == 0 && made < ENOUGH) {
		made += run(make, STORE_MAKES, made, BATCH, &error);
	}
	cr_assert_eq(error, -EFBIG, "%d after %u keys", error, made);
	cr_assert_gt(made, REVOKED);
	return made;
}

Test(store_room, what_is_revoked_finds_room_when_creates_have_used_up_the_map)
{
	unsigned made = fill();
	int error = 0;

	cr_assert_eq(run(make, STORE_MAKES, made, 1, &error), 0);
	cr_assert_eq(error, -EFBIG);
	error = 0;
	/* One at a time, each a commit of its own, as an operator's would be. */
	for (unsigned i = 0; i < REVOKED; i++) {
		cr_assert_eq(run(revoke_key, STORE_ENDS, i, 1, &error), 1, "revocation %u: %d", i,
			error);
	}
}

Test(store_room, edits_leave_a_part_of_the_reserve_to_what_ends)
{
	int error = 0;

	fill();
	cr_assert_eq(run(revoke_key, STORE_EDITS, 0, 1, &error), 1, "%d", error);
	for (unsigned i = 0; error == 0 && i < ENOUGH; i += BATCH) {
		run(revoke_key, STORE_EDITS, i % REVOKED, BATCH, &error);
	}
	cr_assert_eq(error, -EFBIG, "%d", error);
	error = 0;
	for (unsigned i = 0; i < REVOKED; i++) {
		cr_assert_eq(run(revoke_key, STORE_ENDS, i, 1, &error), 1, "revocation %u: %d", i,
			error);
	}
}

Test(store_room, while_somebody_reads_an_old_state_freed_pages_are_not_counted_on)
{
	struct store_read *read;
	int error = 0;

	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	fill();
	for (unsigned i = 0; i < WHILE_READ; i++) {
		cr_assert_eq(run(revoke_key, STORE_ENDS, i, 1, &error), 1, "revocation %u: %d", i,
			error);
	}
	store_read_close(read);
}

/* All that takes away, and nothing that could be asked for without end. */
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
