/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/policy_host.h"

#include <criterion/criterion.h>

#include "daemon/host/parallel.h"

Test(policy_host, a_policy_is_compiled_by_threads)
{
	struct policy_host host;

	policy_host_init(&host, NULL, NULL, NULL);
	cr_expect_eq(host.interface.context, &host);
	cr_expect_eq(host.interface.parallel, parallel_for);
	policy_host_finish(&host);
}

static struct policy_host_questions ask_some(struct policy_host *host)
{
	uint32_t id;
	struct pol_str bytes;

	policy_host_init(host, NULL, NULL, NULL);
	cr_assert_eq(host->interface.user(host, false, POL_STR("root"), &id), POL_OK);
	cr_assert_eq(
		host->interface.user(host, true, POL_STR("no-such-group"), &id), POL_ENOTFOUND);
	cr_assert_eq(host->interface.zone(host, POL_STR("Etc/UTC"), &bytes), POL_OK);
	return policy_host_take_asked(host);
}

Test(policy_host, the_same_questions_have_the_same_digest_while_the_machine_is_the_same)
{
	struct policy_host host, again;
	struct policy_host_questions asked = ask_some(&host), repeated;
	struct pol_str bytes;
	uint64_t digest;

	policy_host_init(&again, NULL, NULL, NULL);
	cr_expect(policy_host_ask(&again, &asked));
	cr_expect_eq(again.digest, host.digest);
	digest = again.digest;
	cr_expect_eq(again.interface.zone(&again, POL_STR("Etc/UTC"), &bytes), POL_OK);
	cr_expect_eq(again.digest, digest, "it was asked for already");
	cr_expect_eq(again.interface.zone(&again, POL_STR("Etc/GMT+5"), &bytes), POL_OK);
	cr_expect_neq(again.digest, digest, "another question, which a build must notice");
	repeated = policy_host_take_asked(&again);
	policy_host_finish(&again);
	policy_host_init(&again, NULL, NULL, NULL);
	cr_expect(policy_host_ask(&again, &repeated), "they are asked once more");
	cr_expect_neq(again.digest, digest);
	repeated.lost = true;
	policy_host_finish(&again);
	policy_host_init(&again, NULL, NULL, NULL);
	cr_expect_not(policy_host_ask(&again, &repeated), "one is not known");
	policy_host_finish(&again);
	policy_host_questions_finish(&asked);
	policy_host_questions_finish(&repeated);
	policy_host_finish(&host);
}
