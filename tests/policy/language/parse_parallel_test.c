/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#include "policy/text/host.h"
#include "tests/policy/compiled_text.h"

/* Large enough to be cut into many pieces, of three files. */
enum { FILES = 3, TEXT = 200000, ROLES = 400, COLLECTIONS = 60, MUTATIONS = 60 };

struct file {
	char bytes[TEXT];
	size_t used;
};

struct policy {
	struct file files[FILES];
	struct pol_source sources[FILES];
};

/* The result of compiling one. */
struct result {
	struct pol_snapshot *snapshot;
	struct compiled_text said;
	size_t errors, warnings;
};

__attribute__((format(printf, 2, 3))) static void put(struct file *file, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	file->used += (size_t)vsnprintf(
		file->bytes + file->used, sizeof file->bytes - file->used, format, args);
	va_end(args);
	cr_assert_lt(file->used, sizeof file->bytes);
}

static void put_roles(struct file *file, int first, int end)
{
	for (int i = first; i < end; i++) {
		put(file, "role r%04d \"number %d\" {\n", i, i);
		for (int k = 0; k < 8; k++) {
			put(file, "\tallow %s on api:/c%d/{id}/%s\n", k % 2 == 0 ? "GET" : "read",
				(i * 7 + k) % COLLECTIONS, k % 2 == 0 ? "notes" : "fees");
		}
		put(file, "}\n\n");
	}
}

static struct policy *make_policy(void)
{
	static const char *const names[] = { "folder/a.policy", "folder/b.policy",
		"folder/c.policy" };
	struct policy *policy = calloc(1, sizeof *policy);

	cr_assert_not_null(policy);
	put_roles(&policy->files[0], 0, ROLES / 2);
	put(&policy->files[1], "limits {\n\tkey_ttl 30d\n}\nscope few { allow GET on api:/** }\n");
	put_roles(&policy->files[1], ROLES / 2, ROLES);
	put(&policy->files[1], "exclusive r0001, r0002\nprincipal p {\n\trole r0003, r0004\n}\n");
	put(&policy->files[2], "tree api {\n");
	for (int i = 0; i < COLLECTIONS; i++) {
		put(&policy->files[2], "\t/c%d/{id} { /notes { GET }, /fees { read GET, POST } }\n",
			i);
	}
	put(&policy->files[2],
		"}\ntest \"one\" {\n\tas role r0000\n\tallow GET api:/c0/7/notes\n}\n");
	for (size_t i = 0; i < FILES; i++) {
		policy->sources[i] = (struct pol_source){ pol_str_of(names[i]),
			{ policy->files[i].bytes, policy->files[i].used } };
	}
	return policy;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static void backwards(
	void *context, size_t count, void (*work)(void *argument, size_t i), void *argument)
{
	size_t *pieces = context;

	*pieces += count;
	while (count > 0) {
		work(argument, --count);
	}
}

struct share {
	void (*work)(void *argument, size_t i);
	void *argument;
	size_t i;
};

static void *run_share(void *argument)
{
	const struct share *share = argument;

	share->work(share->argument, share->i);
	return NULL;
}

/* A thread for each piece. */
static void threads(
	void *context, size_t count, void (*work)(void *argument, size_t i), void *argument)
{
	pthread_t ids[64];
	struct share shares[64];

	(void)context;
	cr_assert_leq(count, 64);
	for (size_t i = 0; i < count; i++) {
		shares[i] = (struct share){ work, argument, i };
		cr_assert_eq(pthread_create(&ids[i], NULL, run_share, &shares[i]), 0);
	}
	for (size_t i = 0; i < count; i++) {
		pthread_join(ids[i], NULL);
	}
}

/* --- comparing -------------------------------------------------------------------------------- */

static struct result *compile(const struct policy *policy, const struct pol_host *host)
{
	struct result *result = calloc(1, sizeof *result);
	struct pol_diags diags;

	cr_assert_not_null(result);
	pol_diags_init(&diags, policy->sources, FILES);
	(void)pol_compile(policy->sources, FILES, host, &diags, &result->snapshot);
	compiled_text_say(&result->said, &diags);
	result->errors = diags.errors;
	result->warnings = diags.warnings;
	pol_diags_finish(&diags);
	return result;
}

static void drop(struct result *result)
{
	pol_snapshot_unref(result->snapshot);
	free(result);
}

static bool is_same_set(const struct pol_permset *a, const struct pol_permset *b)
{
	return a->count == b->count && pol_permset_covers(a, b) && pol_permset_covers(b, a);
}

static void expect_same(const struct result *one, const struct result *other)
{
	cr_assert_str_eq(one->said.said, other->said.said);
	cr_assert_eq(one->errors, other->errors);
	cr_assert_eq(one->warnings, other->warnings);
	cr_assert_eq(one->snapshot == NULL, other->snapshot == NULL);
	if (one->snapshot == NULL) {
		return;
	}
	cr_assert_str_eq(
		pol_snapshot_revision(one->snapshot), pol_snapshot_revision(other->snapshot));
	cr_assert_eq(one->snapshot->role_count, other->snapshot->role_count);
	cr_assert_eq(one->snapshot->node_count, other->snapshot->node_count);
	cr_assert_eq(one->snapshot->test_count, other->snapshot->test_count);
	for (uint32_t i = 0; i < one->snapshot->role_count; i++) {
		const struct pol_grantee *a = &one->snapshot->roles[i];
		const struct pol_grantee *b = &other->snapshot->roles[i];

		cr_assert(pol_str_equal(a->name, b->name));
		cr_assert(is_same_set(&a->allow, &b->allow) && is_same_set(&a->deny, &b->deny));
		cr_assert_eq(
			one->snapshot->role_origins[i].line, other->snapshot->role_origins[i].line);
	}
}

/* Compiling in one piece and in several must give the same result. */
static void expect_same_in_pieces(const struct policy *policy, const struct pol_host *host)
{
	struct result *alone = compile(policy, NULL);
	struct result *parallel = compile(policy, host);

	expect_same(alone, parallel);
	drop(alone);
	drop(parallel);
}

/* --- tests ------------------------------------------------------------------------------------ */

Test(parse_parallel, a_policy_of_many_pieces_is_the_same_as_of_one)
{
	struct policy *policy = make_policy();
	size_t pieces = 0;
	const struct pol_host host = { .context = &pieces, .parallel = backwards };

	expect_same_in_pieces(policy, &host);
	cr_expect_geq(pieces, 3);
	free(policy);
}

Test(parse_parallel, threads_give_the_same_result)
{
	struct policy *policy = make_policy();
	const struct pol_host host = { .parallel = threads };

	expect_same_in_pieces(policy, &host);
	free(policy);
}

Test(parse_parallel, a_small_policy_is_one_piece)
{
	struct policy *policy = make_policy();
	size_t pieces = 0;
	const struct pol_host host = { .context = &pieces, .parallel = backwards };

	for (size_t i = 0; i < FILES; i++) {
		policy->sources[i].text.len = 0;
	}
	expect_same_in_pieces(policy, &host);
	cr_expect_eq(pieces, 0);
	free(policy);
}

Test(parse_parallel, mistakes_are_reported_in_the_order_of_the_files)
{
	struct policy *policy = make_policy();
	size_t pieces = 0;
	const struct pol_host host = { .context = &pieces, .parallel = backwards };
	struct result *result;
	const char *a, *b, *c;

	memcpy(strstr(policy->files[0].bytes, "allow"), "alloy", 5);
	memcpy(strstr(policy->files[1].bytes + 30000, "role"), "rule", 4);
	memcpy(strstr(policy->files[2].bytes, "POST"), "TOST", 4);
	expect_same_in_pieces(policy, &host);
	cr_expect_gt(pieces, 0);
	result = compile(policy, &host);
	a = strstr(result->said.said, "'alloy'");
	b = strstr(result->said.said, "'rule'");
	c = strstr(result->said.said, "'TOST'");
	cr_expect(a != NULL && b != NULL && c != NULL, "%s", result->said.said);
	cr_expect(a < b && b < c, "%s", result->said.said);
	drop(result);
	free(policy);
}

/* Most changes are mistakes; some affect how the next piece must be parsed. */
Test(parse_parallel, a_policy_with_any_byte_changed_is_the_same_as_of_one)
{
	static const char bytes[] = "\n{}\",# \trole/*\r\xff";
	struct policy *policy = make_policy();
	size_t pieces = 0;
	const struct pol_host host = { .context = &pieces, .parallel = backwards };
	uint64_t random = 1;

	for (int i = 0; i < MUTATIONS; i++) {
		struct file *file;
		size_t at;
		char was;

		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		file = &policy->files[(random >> 60) % FILES];
		at = (size_t)(random >> 33) % file->used;
		if (i % 2 == 0 && strchr(file->bytes + at, '}') != NULL) {
			at = (size_t)(strchr(file->bytes + at, '}') - file->bytes);
		}
		was = file->bytes[at];
		file->bytes[at] = bytes[(random >> 20) % (sizeof bytes - 1)];
		expect_same_in_pieces(policy, &host);
		file->bytes[at] = was;
	}
	free(policy);
}
