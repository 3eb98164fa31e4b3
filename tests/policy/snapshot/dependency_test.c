/* SPDX-License-Identifier: Apache-2.0 */

/* dependency: a host that provides modules and data files. */

#include <criterion/criterion.h>
#include <string.h>

#include "policy/compile/prepare.h"
#include "policy/decide/modules/modules.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/host.h"

#define STACK(lines)                                                                               \
	"tree api {\n    GET\n}\nstack s {\n    authenticate required key\n" lines                 \
	"    authorize required role\n}\n"

/* Counts the calls of the host and the releases. */
struct strange {
	unsigned asked;
	unsigned read;
	unsigned released;
	const char *data;
	uint64_t hash;
};

static bool prepare(const struct pol_prepare *base, const void **out)
{
	static const char *const names[] = { "data" };
	struct pol_option data;
	struct pol_str text;

	if (!base->options(base, names, 1, &data)) {
		return false;
	}
	if (data.count > 0 && !base->data(base, &data.values[0], &text)) {
		return false;
	}
	*out = NULL;
	return true;
}

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	(void)state;
	(void)request;
	return (struct pol_answer){ .verdict = POL_ALLOW };
}

static const struct pol_module table = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "strange",
	.version = "7",
	.groups = POL_GROUPS_ALL,
	.prepare = prepare,
	.decide = decide,
};

static void on_release(void *handle)
{
	((struct strange *)handle)->released++;
}

static enum pol_status on_module(
	void *context, struct pol_str name, struct pol_host_module *out, char why[POL_HOST_WHY])
{
	struct strange *strange = context;

	(void)why;
	if (!pol_str_equal(name, POL_STR("strange"))) {
		return POL_ENOTFOUND;
	}
	strange->asked++;
	*out = (struct pol_host_module){
		.table = &table, .hash = strange->hash, .release = on_release, .handle = strange
	};
	return POL_OK;
}

static enum pol_status on_data(
	void *context, struct pol_str name, struct pol_str *out, char why[POL_HOST_WHY])
{
	struct strange *strange = context;

	(void)name;
	(void)why;
	strange->read++;
	*out = pol_str_of(strange->data);
	return POL_OK;
}

/* NULL: the policy was refused. */
static struct pol_snapshot *compile(struct strange *strange, const char *text)
{
	const struct pol_source source = { POL_STR("p.policy"), pol_str_of(text) };
	const struct pol_host host = { .context = strange, .module = on_module, .data = on_data };
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	(void)pol_compile(&source, 1, &host, &diags, &snapshot);
	pol_diags_finish(&diags);
	return snapshot;
}

Test(dependency, a_module_is_requested_once_and_released_once)
{
	struct strange strange = { .data = "" };
	struct pol_snapshot *snapshot = compile(
		&strange, STACK("    account required strange\n    account optional strange\n"));
	struct pol_snapshot_module module;

	cr_assert_not_null(snapshot);
	cr_expect_eq(strange.asked, 1);
	cr_expect(pol_snapshot_module(snapshot, 0, &module));
	cr_expect(pol_str_equal(module.name, POL_STR("strange")));
	cr_expect(pol_str_equal(module.version, POL_STR("7")));
	cr_expect(!pol_snapshot_module(snapshot, 1, &module));
	pol_snapshot_ref(snapshot);
	pol_snapshot_unref(snapshot);
	cr_expect_eq(strange.released, 0);
	pol_snapshot_unref(snapshot);
	cr_expect_eq(strange.released, 1);
}

Test(dependency, a_refused_policy_releases_its_modules)
{
	struct strange strange = { .data = "" };

	cr_expect_null(compile(&strange, STACK("    account required strange what=1\n")));
	cr_expect_null(compile(
		&strange, STACK("    account required strange\n    account required nobody\n")));
	cr_expect_eq(strange.asked, 2);
	cr_expect_eq(strange.released, 2);
}

Test(dependency, the_revision_changes_with_code_and_data)
{
	static const char text[] = STACK("    account required strange data=d\n");
	const struct strange kinds[] = {
		{ .data = "one" },
		{ .data = "two" },
		{ .data = "one", .hash = 1 },
	};
	char revisions[3][17];

	for (size_t i = 0; i < 3; i++) {
		for (int again = 0; again < 2; again++) {
			struct strange strange = kinds[i];
			struct pol_snapshot *snapshot = compile(&strange, text);

			cr_assert_not_null(snapshot);
			cr_expect_eq(strange.read, 1);
			if (again > 0) {
				cr_expect_str_eq(revisions[i], pol_snapshot_revision(snapshot));
			}
			memcpy(revisions[i], pol_snapshot_revision(snapshot), sizeof revisions[i]);
			pol_snapshot_unref(snapshot);
		}
	}
	cr_expect_str_neq(revisions[0], revisions[1]);
	cr_expect_str_neq(revisions[0], revisions[2]);
	cr_expect_str_neq(revisions[1], revisions[2]);
}

Test(dependency, a_data_file_is_read_once_for_all_lines)
{
	struct strange strange = { .data = "x" };
	struct pol_snapshot *snapshot =
		compile(&strange, STACK("    account required strange data=d\n    account required "
					"strange data=d\n"));

	cr_assert_not_null(snapshot);
	cr_expect_eq(strange.read, 1);
	pol_snapshot_unref(snapshot);
}

Test(dependency, a_data_file_has_a_plain_name)
{
	static const char *const good[] = { "a", "countries.txt", "A-1_b", "0" };
	static const char *const bad[] = { "", ".", "..", ".a", "a/b", "/a", "a b", "a\\b",
		"\xc3\xa4" };
	char name[129];

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		cr_expect(pol_prepare_is_data_name(pol_str_of(good[i])), "%s", good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_expect(!pol_prepare_is_data_name(pol_str_of(bad[i])), "%s", bad[i]);
	}
	memset(name, 'a', sizeof name);
	cr_expect(pol_prepare_is_data_name((struct pol_str){ name, 128 }));
	cr_expect(!pol_prepare_is_data_name((struct pol_str){ name, 129 }));
	cr_expect(!pol_prepare_is_data_name((struct pol_str){ "a\0b", 3 }));
}
