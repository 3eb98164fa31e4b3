/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tend/pepper.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/stat.h>

#include "daemon/call/context.h"
#include "daemon/call/dispatch.h"
#include "daemon/keys/usage.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"
#include "tests/daemon/folder.h"

static struct store *store;
static struct secrets *secrets;
static struct usage *usage;
static struct writer *writer;
static struct context context;

static bool commits_fail;

int __real_store_write_commit(struct store_write *write, bool raise);
int __wrap_store_write_commit(struct store_write *write, bool raise);

int __wrap_store_write_commit(struct store_write *write, bool raise)
{
	if (!commits_fail) {
		return __real_store_write_commit(write, raise);
	}
	store_write_abort(write);
	return -ENOSPC;
}

static void setup(void)
{
	folder_make();
	store = folder_store();
	secrets = store_secrets(store);
	cr_assert_eq(usage_create(store, &usage), 0);
}

static void teardown(void)
{
	writer_destroy(writer);
	pepper_destroy(context.pepper);
	usage_destroy(usage);
	store_close(store);
	folder_remove();
}

TestSuite(pepper, .init = setup, .fini = teardown);

static void start(void)
{
	cr_assert_eq(writer_create(store, usage, NULL, &writer), 0);
	cr_assert_eq(pepper_create(store, writer, NULL, &context.pepper), 0);
	context.store = store;
}

/* A job that submits another one does so before it stops counting. */
static void wait_for_writer(void)
{
	while (writer_waiting(writer) > 0) {
		sched_yield();
	}
}

/* The pepper that the store has as due, or -1. */
static int due(void)
{
	struct store_read *read;
	uint8_t number = 0;
	int r;

	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	r = store_get_pepper_due(read, &number);
	store_read_close(read);
	cr_assert(r == 0 || r == -ENOENT);
	return r == 0 ? number : -1;
}

static void make_due(uint8_t number)
{
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_put_pepper_due(write, number), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

/* Runs the method in a transaction; *after is what it sets for after the commit. */
static int rotate(struct store_write *write, int (**after)(struct call *call))
{
	static const struct peer root = { .superuser = true, .may_manage = true };
	const struct writer_turn turn = {
		.read = store_write_reader(write), .write = write, .now = 1000
	};
	struct audit_change change = audit_change_of(&turn, &root, "pepper.rotate");
	const struct method *method = dispatch_find(WIRE_STR("pepper.rotate"));
	struct wire_value none[1] = { { .given = false } };
	struct wire_buf out;
	struct call call = {
		.context = &context,
		.method = method,
		.params = none,
		.peer = &root,
		.out = &out,
		.read = turn.read,
		.change = &change,
		.after = after,
	};
	int r;

	wire_buf_init(&out, WIRE_MAX_RESPONSE);
	r = dispatch_run(&call, method->handler);
	wire_buf_finish(&out);
	return r;
}

Test(pepper, a_rotation_that_is_undone_changes_nothing_and_can_run_again)
{
	int (*after)(struct call * call) = NULL;
	struct store_write *write;

	start();
	wait_for_writer();
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(store_write_begin(store, &write), 0);
		cr_expect_eq(rotate(write, &after), 0);
		cr_expect_not_null(after);
		store_write_abort(write);
		cr_expect_eq(due(), -1);
		cr_expect_eq(secrets_pepper(secrets), 0);
		cr_expect_not(secrets_have_old(secrets));
	}
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_expect_eq(rotate(write, &after), 0);
	cr_expect_not(store_write_owes(write));
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
	cr_expect_eq(due(), 1);
	cr_expect_eq(secrets_pepper(secrets), 0);
}

Test(pepper, the_first_job_finishes_what_was_committed)
{
	make_due(1);
	folder_put_key(store, 1);
	start();
	pepper_tick(context.pepper);
	wait_for_writer();
	cr_expect_eq(secrets_pepper(secrets), 1);
	cr_expect(secrets_have_old(secrets));
	cr_expect_eq(due(), -1);
}

Test(pepper, a_file_that_has_it_already_is_left_alone)
{
	char why[SECRET_WHY];

	cr_assert_eq(secrets_rotate(secrets, why), 0);
	make_due(1);
	folder_put_key(store, 1);
	start();
	pepper_tick(context.pepper);
	wait_for_writer();
	cr_expect_eq(secrets_pepper(secrets), 1);
	cr_expect_eq(due(), -1);
}

/* Another pepper of that number would be wrong. */
Test(pepper, an_older_file_that_was_put_back_is_left_alone)
{
	make_due(5);
	start();
	pepper_tick(context.pepper);
	wait_for_writer();
	cr_expect_eq(secrets_pepper(secrets), 0);
	cr_expect_eq(due(), -1);
}

Test(pepper, a_file_that_cannot_be_replaced_is_tried_again)
{
	char aside[256];

	folder_path(aside, sizeof aside, "pepper.new");
	cr_assert_eq(mkdir(aside, 0700), 0);
	make_due(1);
	start();
	pepper_tick(context.pepper);
	wait_for_writer();
	cr_expect_eq(secrets_pepper(secrets), 0);
	cr_expect_eq(due(), 1);
	cr_assert_eq(rmdir(aside), 0);
	pepper_tick(context.pepper);
	wait_for_writer();
	cr_expect_eq(secrets_pepper(secrets), 1);
	cr_expect_eq(due(), -1);
}

/* --- the old one ------------------------------------------------------------------------------ */

struct gate {
	struct writer_job job;
	sem_t open;
};

static int wait_at_gate(struct writer_job *job, const struct writer_turn *turn)
{
	(void)turn;
	sem_wait(&((struct gate *)job)->open);
	return 0;
}

static int revoke_key(struct writer_job *job, const struct writer_turn *turn)
{
	const struct audit_change change = audit_change_of(turn, NULL, "keys.revoke");
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, 1);

	(void)job;
	if (store_get_key(turn->read, key.kid, &key) < 0) {
		return -EIO;
	}
	key.flags |= STORE_KEY_REVOKED;
	return audit_update_key(&change, &key);
}

static void ignore(struct writer_job *job, int result)
{
	(void)job;
	(void)result;
}

/* The last key that needs it is revoked, and the scan comes with the same batch. */
Test(pepper, the_old_one_stays_when_the_change_that_frees_it_is_undone)
{
	struct writer_job revoking = { .run = revoke_key, .done = ignore };
	struct gate gate = { .job = { .run = wait_at_gate, .done = ignore } };
	char why[SECRET_WHY];

	folder_put_key(store, 1);
	cr_assert_eq(secrets_rotate(secrets, why), 0);
	start();
	for (int i = 0; i < PEPPER_IDLE; i++) {
		pepper_tick(context.pepper);
		wait_for_writer();
	}
	cr_assert(secrets_have_old(secrets));
	commits_fail = true;
	sem_init(&gate.open, 0, 0);
	writer_submit(writer, &gate.job);
	writer_submit(writer, &revoking);
	pepper_tick(context.pepper);
	sem_post(&gate.open);
	wait_for_writer();
	commits_fail = false;
	cr_expect(secrets_have_old(secrets));

	writer_submit(writer, &revoking);
	wait_for_writer();
	for (int i = 0; i < PEPPER_IDLE; i++) {
		pepper_tick(context.pepper);
		wait_for_writer();
	}
	cr_expect_not(secrets_have_old(secrets));
}
