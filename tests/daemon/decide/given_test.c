/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/given.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/compiled.h"

/* The known facts, some of every type, and 70 sets `resource.sN`. */
enum { SETS = 70, NAMED = 7, FACTS = POL_FACT_KNOWN + NAMED + SETS };

static const struct pol_str words[] = { POL_STR_INIT("draft"), POL_STR_INIT("active") };
static const struct pol_declared_fact named[NAMED] = {
	{ .name = POL_STR_INIT("principal.branch"), .type = POL_TYPE_STRING },
	{ .name = POL_STR_INIT("resource.owner"), .type = POL_TYPE_STRING },
	{ .name = POL_STR_INIT("resource.regions"), .type = POL_TYPE_STRINGS },
	{ .name = POL_STR_INIT("resource.status"),
		.type = POL_TYPE_WORD,
		.words = words,
		.word_count = 2,
		.preset = { .type = POL_TYPE_WORD, .text = POL_STR_INIT("active") } },
	{ .name = POL_STR_INIT("context.amount"), .type = POL_TYPE_INT },
	{ .name = POL_STR_INIT("context.urgent"), .type = POL_TYPE_BOOL },
	{ .name = POL_STR_INIT("context.due"), .type = POL_TYPE_TIME },
};
static const char *const known[POL_FACT_KNOWN] = { "principal.id", "principal.tenant",
	"principal.kind", "principal.roles", "context.environment", "context.service", "context.ip",
	"context.time", "context.mfa_age" };

static struct pol_declared_fact declared[FACTS];
static struct pol_snapshot declaring = { .facts = declared, .fact_count = FACTS };
static const struct pol_snapshot *snapshot = &declaring;
static struct given_room *room;
static struct wire_buf buf;

static void declare(void)
{
	static char names[SETS][16];

	for (int i = 0; i < POL_FACT_KNOWN; i++) {
		declared[i].name = pol_str_of(known[i]);
	}
	memcpy(declared + POL_FACT_KNOWN, named, sizeof named);
	for (int i = 0; i < SETS; i++) {
		snprintf(names[i], sizeof names[i], "resource.s%d", i);
		declared[POL_FACT_KNOWN + NAMED + i] =
			(struct pol_declared_fact){ .name = pol_str_of(names[i]),
				.type = POL_TYPE_STRINGS };
	}
	pol_arena_init(&declaring.arena, (size_t)1 << 20);
	cr_assert_eq(pol_names_init(&declaring.fact_names, &declaring.arena, FACTS), POL_OK);
	for (uint32_t i = 0; i < FACTS; i++) {
		declared[i].space = pol_str_starts(declared[i].name, POL_STR("principal."))
					    ? POL_SPACE_PRINCIPAL
					    : POL_SPACE_CONTEXT;
		pol_names_add(&declaring.fact_names, declared[i].name, i);
	}
	room = calloc(1, sizeof *room);
	cr_assert_not_null(room);
	wire_buf_init(&buf, WIRE_MAX_REQUEST);
}

static void finish(void)
{
	wire_buf_finish(&buf);
	free(room);
	pol_arena_finish(&declaring.arena);
}

TestSuite(given, .init = declare, .fini = finish);

static struct call call_of(void)
{
	return (struct call){ .snapshot = snapshot, .given = room };
}

/* --- messages --------------------------------------------------------------------------------- */

static size_t open_facts(void)
{
	wire_buf_rewind(&buf, 0);
	return wire_open_map(&buf);
}

static struct wire_value close_facts(size_t at, uint32_t count)
{
	struct wire_cursor map;

	wire_close_map(&buf, at, count);
	cr_assert_eq(buf.status, WIRE_OK);
	map = wire_cursor_of(buf.data, buf.len);
	cr_assert(wire_read_map(&map, &count));
	return (struct wire_value){ .given = true, .count = count, .items = map };
}

static const struct wire_value absent = { .given = false };
static const struct wire_value ignore = { .given = true, .text = { "ignore", 6 } };

static struct given_read last;
static const char *param;

static const char *read_facts(struct wire_value facts, const struct wire_value *undeclared)
{
	const struct call call = call_of();
	const struct given_params params = { &facts, undeclared };

	given_begin(&call);
	param = NULL;
	return given_read(&call, &params, &last, &param);
}

/* One fact whose value is packed in `bytes`. */
static struct wire_value one(const char *name, const char *bytes, size_t len)
{
	size_t at = open_facts();

	wire_put_cstr(&buf, name);
	wire_put_raw(&buf, bytes, len);
	return close_facts(at, 1);
}
#define ONE(name, literal) one((name), (literal), sizeof(literal) - 1)

static const struct pol_value *value_of(const char *name)
{
	const struct pol_given_fact *fact =
		last.given != NULL
			? pol_given_find(last.given, pol_condition_fact(snapshot, pol_str_of(name)))
			: NULL;

	return fact != NULL ? &fact->value : NULL;
}

static void expect_wrong(const char *wrong, const char *where, const char *text)
{
	cr_assert_not_null(wrong, "%s: is accepted", where);
	cr_expect_str_eq(param, where);
	cr_expect(strstr(wrong, text) != NULL, "%s: %s", where, wrong);
}

/* --- tests ------------------------------------------------------------------------------------ */

Test(given, each_type_is_read)
{
	size_t at = open_facts();

	wire_put_cstr(&buf, "context.amount");
	wire_put_int(&buf, -5);
	wire_put_cstr(&buf, "resource.owner");
	wire_put_cstr(&buf, "ann");
	wire_put_cstr(&buf, "context.urgent");
	wire_put_bool(&buf, true);
	wire_put_cstr(&buf, "resource.regions");
	wire_put_raw(&buf,
		"\x93\xa2US\xa2"
		"EU\xa2US",
		10);
	wire_put_cstr(&buf, "resource.status");
	wire_put_cstr(&buf, "draft");
	wire_put_cstr(&buf, "context.due");
	wire_put_cstr(&buf, "1970-01-01T00:01:00Z");
	cr_assert_null(read_facts(close_facts(at, 6), &absent));
	cr_assert_eq(last.given->count, 6);
	cr_expect_eq(value_of("context.amount")->number, -5);
	cr_expect(pol_str_equal(value_of("resource.owner")->text, POL_STR("ann")));
	cr_expect_eq(value_of("context.urgent")->number, 1);
	cr_expect_eq(value_of("resource.regions")->strings.count, 2);
	cr_expect(pol_str_equal(value_of("resource.status")->text, POL_STR("draft")));
	cr_expect_eq(value_of("context.due")->number, 60);
	cr_expect_not(last.of_principal);
}

Test(given, nothing_is_given_by_an_empty_map_and_by_nil)
{
	cr_assert_null(read_facts(close_facts(open_facts(), 0), &absent));
	cr_expect_null(last.given);
	cr_assert_null(read_facts(ONE("resource.owner", "\xc0"), &absent));
	cr_expect_null(last.given);
	cr_assert_null(read_facts(absent, &ignore));
	cr_expect_null(last.given);
}

Test(given, what_is_wrong_is_named_without_its_value)
{
	expect_wrong(read_facts(ONE("resource.oner", "\x07"), &absent), "facts.resource.oner",
		"declares no such fact");
	expect_wrong(read_facts(ONE("principal.id", "\xa3"
						    "ann"),
			     &absent),
		"facts.principal.id", "never given");
	expect_wrong(read_facts(ONE("context.ip", "\xa3::1"), &absent), "facts.context.ip",
		"never given");
	expect_wrong(read_facts(ONE("context.amount", "\xa6secret"), &absent),
		"facts.context.amount", "int");
	cr_expect_null(strstr(room->wrong, "secret"));
	expect_wrong(read_facts(ONE("resource.status", "\xa5other"), &absent),
		"facts.resource.status", "is one of draft, active");
	expect_wrong(read_facts(ONE("context.amount", "\xca\0\0\0\0"), &absent),
		"facts.context.amount", "must be");
	expect_wrong(
		read_facts(ONE("context.amount", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), &absent),
		"facts.context.amount", "64-bit");
	expect_wrong(read_facts(ONE("resource.regions", "\x91\x01"), &absent),
		"facts.resource.regions", "must be");
	expect_wrong(
		read_facts(ONE("resource.owner", "\xa1\xff"), &absent), "facts.resource.owner", "");
}

/* It might be a token, which no answer repeats. */
Test(given, a_name_that_can_be_no_fact_is_not_repeated)
{
	static const char *const names[] = { "secret", "", "resource.own er",
		"resource.a_name_that_is_longer_than_any_parameter_may_be" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		expect_wrong(read_facts(ONE(names[i], "\x07"), &absent), "facts",
			"declares no such fact");
	}
}

Test(given, a_fact_is_given_once)
{
	size_t at = open_facts();

	wire_put_cstr(&buf, "resource.owner");
	wire_put_nil(&buf);
	wire_put_cstr(&buf, "resource.owner");
	wire_put_cstr(&buf, "ann");
	expect_wrong(read_facts(close_facts(at, 2), &absent), "facts.resource.owner", "twice");
}

Test(given, with_ignore_undeclared_facts_are_ignored_and_ill_typed_ones_unknown)
{
	cr_assert_null(read_facts(ONE("resource.oner", "\x07"), &ignore));
	cr_expect_null(last.given);
	cr_assert_null(read_facts(ONE("resource.status", "\x07"), &ignore));
	cr_expect_eq(value_of("resource.status")->type, POL_TYPE_ABSENT);
	cr_assert_null(read_facts(ONE("resource.status", "\xca\0\0\0\0"), &ignore));
	cr_expect_eq(value_of("resource.status")->type, POL_TYPE_ABSENT);
	cr_assert_null(read_facts(ONE("resource.regions", "\x92\xa1"
							  "a\x01"),
		&ignore));
	cr_expect_eq(value_of("resource.regions")->type, POL_TYPE_ABSENT);
	expect_wrong(read_facts(ONE("context.ip", "\xa3::1"), &ignore), "facts.context.ip",
		"never given");
	expect_wrong(read_facts(ONE("context.amount", "\x07"),
			     &(struct wire_value){ .given = true, .text = { "Ignore", 6 } }),
		"undeclared", "must be ignore");
}

Test(given, facts_of_the_principal_are_noticed)
{
	cr_assert_null(read_facts(ONE("principal.branch", "\xa1n"), &absent));
	cr_expect(last.of_principal);
	cr_assert_null(read_facts(ONE("principal.branch", "\xc0"), &absent));
	cr_expect(last.of_principal);
}

/* `count` sets of `members` members of `len` bytes each. */
static struct wire_value sets(uint32_t count, uint32_t members, size_t len)
{
	static const char text[POL_GIVEN_STRING + 1];
	size_t at = open_facts();
	char name[32];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(name, sizeof name, "resource.s%u", (unsigned)i);
		wire_put_cstr(&buf, name);
		wire_put_array(&buf, members);
		for (uint32_t k = 0; k < members; k++) {
			wire_put_str(&buf, (struct wire_str){ text, len });
		}
	}
	return close_facts(at, count);
}

Test(given, bounds_hold_at_the_limit_and_one_past)
{
	cr_assert_null(read_facts(sets(64, 256, 0), &absent));
	cr_expect_eq(last.given->count, 64);
	expect_wrong(read_facts(sets(65, 1, 0), &absent), "facts", "64 facts");
	expect_wrong(read_facts(sets(1, 257, 0), &absent), "facts.resource.s0", "256 members");
	cr_assert_null(read_facts(sets(1, 1, 1024), &absent));
	expect_wrong(read_facts(sets(1, 1, 1025), &absent), "facts.resource.s0", "1,024 bytes");
	/* The names have 11 bytes each. */
	cr_assert_null(read_facts(sets(2, 1, 1), &absent));
	cr_assert_null(read_facts(sets(1, 16, 1023), &absent));
	expect_wrong(read_facts(sets(1, 16, 1024), &absent), "facts", "16 KiB");
	/* Bounds hold for gateways, too. */
	expect_wrong(read_facts(sets(65, 1, 0), &ignore), "facts", "64 facts");
	expect_wrong(read_facts(sets(1, 1, 1025), &ignore), "facts.resource.s0", "1,024 bytes");
}

/* --- shared ones ------------------------------------------------------------------------------ */

static struct wire_buf kept;

static struct wire_value keep(struct wire_value facts)
{
	size_t len = (size_t)(facts.items.end - facts.items.ptr);

	wire_buf_init(&kept, WIRE_MAX_REQUEST);
	wire_put_raw(&kept, facts.items.ptr, len);
	facts.items = wire_cursor_of(kept.data, kept.len);
	return facts;
}

Test(given, facts_of_an_entry_replace_shared_ones_by_name_and_nil_takes_them_away)
{
	const struct call call = call_of();
	size_t at = open_facts();
	struct wire_value shared, own;
	struct given_params params = { &shared, &absent };

	wire_put_cstr(&buf, "principal.branch");
	wire_put_cstr(&buf, "north");
	wire_put_cstr(&buf, "resource.owner");
	wire_put_cstr(&buf, "ann");
	wire_put_cstr(&buf, "context.amount");
	wire_put_int(&buf, 1);
	shared = keep(close_facts(at, 3));
	cr_assert_null(given_begin_shared(&call, &params, &param));
	/* An entry without facts of its own has the shared ones. */
	cr_assert_null(given_read(&call, &params, &last, &param));
	cr_expect_eq(last.given->count, 3);
	cr_expect(last.of_principal);
	at = open_facts();
	wire_put_cstr(&buf, "context.urgent");
	wire_put_bool(&buf, false);
	wire_put_cstr(&buf, "context.amount");
	wire_put_int(&buf, 2);
	wire_put_cstr(&buf, "resource.owner");
	wire_put_nil(&buf);
	own = close_facts(at, 3);
	params.facts = &own;
	cr_assert_null(given_read(&call, &params, &last, &param));
	cr_assert_eq(last.given->count, 3);
	cr_expect_eq(value_of("context.amount")->number, 2);
	cr_expect_null(value_of("resource.owner"));
	cr_expect_not_null(value_of("principal.branch"));
	cr_expect_not_null(value_of("context.urgent"));
	cr_expect(last.of_principal);
	/* The next one has none of the entry before it. */
	params.facts = &shared;
	cr_assert_null(given_read(&call, &params, &last, &param));
	cr_expect_eq(value_of("context.amount")->number, 1);
	cr_expect(pol_str_equal(value_of("resource.owner")->text, POL_STR("ann")));
	wire_buf_finish(&kept);
}

Test(given, names_and_texts_count_together_with_the_shared_ones)
{
	const struct call call = call_of();
	struct wire_value own = { .given = false };
	struct given_params params = { &own, &absent };

	for (uint32_t members = 15; members <= 16; members++) {
		struct wire_value shared = keep(sets(1, members, 1023));

		params.facts = &shared;
		cr_assert_null(given_begin_shared(&call, &params, &param));
		own = ONE("context.amount", "\x07");
		params.facts = &own;
		if (members == 15) {
			cr_expect_null(given_read(&call, &params, &last, &param));
		} else {
			expect_wrong(given_read(&call, &params, &last, &param), "facts", "16 KiB");
		}
		wire_buf_finish(&kept);
	}
}

Test(given, with_the_shared_ones_there_may_be_64)
{
	const struct call call = call_of();
	struct wire_value shared = keep(sets(63, 256, 0)), own;
	struct given_params params = { &shared, &absent };

	cr_assert_null(given_begin_shared(&call, &params, &param));
	own = ONE("context.amount", "\x07");
	params.facts = &own;
	cr_assert_null(given_read(&call, &params, &last, &param));
	cr_expect_eq(last.given->count, 64);
	cr_expect_eq(value_of("resource.s62")->strings.count, 1, "the empty text, once");
	wire_buf_finish(&kept);
	shared = keep(sets(64, 1, 0));
	params.facts = &shared;
	cr_assert_null(given_begin_shared(&call, &params, &param));
	own = ONE("context.amount", "\x07");
	params.facts = &own;
	expect_wrong(given_read(&call, &params, &last, &param), "facts", "64 facts");
	own = ONE("resource.s5", "\x90");
	cr_assert_null(given_read(&call, &params, &last, &param));
	cr_expect_eq(last.given->count, 64);
	cr_expect_eq(value_of("resource.s5")->strings.count, 0);
	wire_buf_finish(&kept);
}
