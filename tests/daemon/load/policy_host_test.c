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
