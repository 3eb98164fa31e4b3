/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/worker.h"

#include <criterion/criterion.h>

#include "daemon/serve/conn.h"
#include "daemon/serve/conn_rest.h"
#include "daemon/serve/server.h"
#include "daemon/store/env.h"

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
