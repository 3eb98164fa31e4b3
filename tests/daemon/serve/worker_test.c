/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/worker.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "daemon/serve/conn.h"
#include "daemon/serve/conn_rest.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"
#include "tests/policy/load.h"

/* Linked in place of the store's: versions as a test lists them, and a count of renewals. */
static const uint64_t *versions;
static unsigned version_count;
static unsigned looks;
static unsigned renewals;

uint64_t __wrap_store_generation(const struct store *store);
int64_t __wrap_store_now(struct store *store);
int __wrap_store_read_renew(struct store_read *read);

uint64_t __wrap_store_generation(const struct store *store)
{
	unsigned at = looks < version_count ? looks : version_count - 1;

	(void)store;
	looks++;
	return versions[at];
}

int64_t __wrap_store_now(struct store *store)
{
	(void)store;
	return 1000;
}

int __wrap_store_read_renew(struct store_read *read)
{
	(void)read;
	renewals++;
	return 0;
}

static struct server server;
static struct worker worker;

static void begin(const uint64_t *list, unsigned count)
{
	versions = list;
	version_count = count;
	looks = 0;
	renewals = 0;
	worker_begin(&worker);
}

/* Its policy is the present one throughout. */
static void setup(void)
{
	static char snapshot;

	worker.server = &server;
	worker.snapshot = (struct pol_snapshot *)&snapshot;
	worker.serial = current_serial(&server.current);
}

TestSuite(worker, .init = setup);

Test(worker, a_batch_reads_the_store_as_it_is_at_its_beginning)
{
	static const uint64_t still[] = { 2 }, later[] = { 4 };

	begin(still, 1);
	cr_expect_eq(renewals, 1);
	cr_expect_eq(worker.generation, 2);
	/* Nothing has changed: what it read from is still good. */
	begin(still, 1);
	cr_expect_eq(renewals, 0);
	begin(later, 1);
	cr_expect_eq(renewals, 1);
	cr_expect_eq(worker.generation, 4);
}

/* The policy that was taken may name what the older state does not hold. */
Test(worker, a_change_meanwhile_is_taken_as_well)
{
	static const uint64_t once[] = { 2, 4 }, twice[] = { 6, 8, 8, 10, 10 };

	begin(once, 2);
	cr_expect_eq(renewals, 2);
	cr_expect_eq(worker.generation, 4);
	begin(twice, 5);
	cr_expect_eq(renewals, 3);
	cr_expect_eq(worker.generation, 10);
}

/* Reload frees the policies that are older than what all workers have taken. */
Test(worker, a_paused_call_keeps_its_policy)
{
	static struct conn_rest rest = { .serial = 3 };
	static struct conn with = { .rest = &rest }, without = { .next = &with };

	worker.serial = 5;
	worker_publish_taken(&worker);
	cr_expect_eq(atomic_load(&worker.taken), 5);
	worker.conns = &without;
	worker.paused = 1;
	worker_publish_taken(&worker);
	cr_expect_eq(atomic_load(&worker.taken), 3);
	with.rest = NULL;
	worker.paused = 0;
	worker_publish_taken(&worker);
	cr_expect_eq(atomic_load(&worker.taken), 5);
}

/* Calls that wait for their next turn, each with the policy that answered when it began; these
 * policies are as large as a test says. */
static size_t bytes_of_one;

size_t __wrap_pol_snapshot_own_bytes(const struct pol_snapshot *snapshot);

size_t __wrap_pol_snapshot_own_bytes(const struct pol_snapshot *snapshot)
{
	(void)snapshot;
	return bytes_of_one;
}

static struct loaded loaded;
static struct conn conns[CONN_REST_MOST + 5];

static void pause_call(unsigned number, uint64_t serial)
{
	struct conn_rest *rest = calloc(1, sizeof *rest);

	cr_assert_not_null(rest);
	rest->snapshot = pol_snapshot_ref(loaded.snapshot);
	rest->serial = serial;
	conns[number] = (struct conn){ .worker = &worker, .rest = rest, .next = worker.conns };
	worker.conns = &conns[number];
	worker.paused++;
	/* The next policy answers. */
	worker.serial = serial + 1;
	conn_rest_bound(&worker);
}

/* How many still have their policy, the newest ones; ends them all. */
static unsigned end_calls(unsigned count)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++) {
		struct conn_rest *rest = conns[i].rest;

		cr_expect(rest->snapshot != NULL || kept == 0, "call %u", i);
		/* One without a policy of its own keeps none from being released. */
		cr_expect(rest->snapshot != NULL || rest->serial > 10 + i, "call %u", i);
		kept += rest->snapshot != NULL;
		pol_snapshot_unref(rest->snapshot);
		free(rest);
	}
	worker.conns = NULL;
	worker.paused = 0;
	return kept;
}

Test(worker, paused_calls_hold_a_bounded_number_of_old_policies)
{
	static const struct {
		size_t bytes;
		unsigned kept;
	} rows[] = {
		{ 1, CONN_REST_MOST },
		{ CONN_REST_BYTES / 10, 10 },
		{ CONN_REST_BYTES / 2, CONN_REST_POLICIES },
		{ CONN_REST_BYTES * 2, CONN_REST_POLICIES },
	};
	const unsigned count = CONN_REST_MOST + 4;
	struct conn *idle = &conns[CONN_REST_MOST + 4];

	loaded = load_text("role viewer { }\n");
	cr_assert_not_null(loaded.snapshot, "%s", loaded.said);
	*idle = (struct conn){ .worker = &worker };
	for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
		bytes_of_one = rows[row].bytes;
		worker.conns = idle;
		for (unsigned i = 0; i < count; i++) {
			pause_call(i, 10 + i);
		}
		cr_expect_eq(end_calls(count), rows[row].kept, "row %zu", row);
	}
	/* Calls that share a policy hold one. */
	bytes_of_one = CONN_REST_BYTES;
	for (unsigned i = 0; i < count; i++) {
		pause_call(i, 1000 + i % CONN_REST_POLICIES);
	}
	cr_expect_eq(end_calls(count), count);
	unload(&loaded);
}
