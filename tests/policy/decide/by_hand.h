/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * by_hand: facts and conditions for tests, made without the compiler.
 *
 * What is made lives in one array until the test ends; a test runs in a process of its own.
 */

#include <criterion/criterion.h>
#include <stddef.h>

#include "policy/decide/truth.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/given.h"
#include "policy/text/cidr.h"

#define MADE_BYTES ((size_t)4 << 20)

static inline void *made(size_t size)
{
	static _Alignas(max_align_t) char bytes[MADE_BYTES];
	static size_t used;
	void *out = bytes + used;

	used += (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
	cr_assert_leq(used, MADE_BYTES);
	return out;
}

static inline struct pol_value string_of(const char *text)
{
	return (struct pol_value){ .type = POL_TYPE_STRING, .text = pol_str_of(text) };
}

static inline struct pol_value word_of(const char *text)
{
	return (struct pol_value){ .type = POL_TYPE_WORD, .text = pol_str_of(text) };
}

static inline struct pol_value number_of(enum pol_type type, int64_t number)
{
	return (struct pol_value){ .type = type, .number = number };
}

static inline struct pol_value address_of(const char *text)
{
	struct pol_value value = { .type = POL_TYPE_ADDRESS };

	cr_assert_eq(pol_cidr_parse_ip(pol_str_of(text), &value.address), POL_OK, "%s", text);
	return value;
}

static inline struct pol_value network_of(const char *text)
{
	struct pol_value value = { .type = POL_TYPE_NETWORK };

	cr_assert_eq(pol_cidr_parse(pol_str_of(text), &value.network), POL_OK, "%s", text);
	return value;
}

/* A set of members that are one letter each. */
static inline struct pol_value set_of(const char *letters)
{
	uint32_t count = (uint32_t)strlen(letters);
	struct pol_str *items = made((count + 1) * sizeof *items);

	for (uint32_t i = 0; i < count; i++) {
		items[i] = (struct pol_str){ letters + i, 1 };
	}
	return (struct pol_value){ .type = POL_TYPE_STRINGS,
		.strings = { items, pol_value_sort(items, count) } };
}

static inline struct pol_operand fact_operand(uint32_t fact)
{
	return (struct pol_operand){ .kind = POL_OPERAND_FACT, .number = fact };
}

static inline struct pol_operand segment_operand(uint32_t segment)
{
	return (struct pol_operand){ .kind = POL_OPERAND_SEGMENT, .number = segment };
}

static inline struct pol_operand value_operand(struct pol_value value)
{
	return (struct pol_operand){ .kind = POL_OPERAND_VALUE, .value = value };
}

static inline const struct pol_predicate *predicate_of(
	struct pol_operand left, enum pol_comparison comparison, struct pol_operand right)
{
	struct pol_predicate *out = made(sizeof *out);

	*out = (struct pol_predicate){ .comparison = comparison, .left = left, .right = right };
	return out;
}

static inline const struct pol_condition *condition_of(
	const struct pol_predicate *predicate, bool negated)
{
	struct pol_condition *out = made(sizeof *out);

	*out = (struct pol_condition){ .negated = negated, .predicate = predicate };
	return out;
}

/* `and` or `or` of two. */
static inline const struct pol_condition *both_of(enum pol_condition_kind kind,
	const struct pol_condition *left, const struct pol_condition *right)
{
	struct pol_condition *out = made(sizeof *out);
	const struct pol_condition **parts = made(2 * sizeof *parts);

	parts[0] = left;
	parts[1] = right;
	*out = (struct pol_condition){ .kind = kind, .parts = parts, .part_count = 2 };
	return out;
}

/* A policy's facts: the known ones, then these. Replaces what the snapshot has. */
static inline void declare_facts(
	struct pol_snapshot *snapshot, const struct pol_declared_fact *declared, uint32_t count)
{
	static const enum pol_type known[] = { POL_TYPE_STRING, POL_TYPE_STRING, POL_TYPE_WORD,
		POL_TYPE_STRINGS, POL_TYPE_STRING, POL_TYPE_STRING, POL_TYPE_ADDRESS, POL_TYPE_TIME,
		POL_TYPE_DURATION };
	static const char *const names[] = { "principal.id", "principal.tenant", "principal.kind",
		"principal.roles", "context.environment", "context.service", "context.ip",
		"context.time", "context.mfa_age" };

	snapshot->facts = made((POL_FACT_KNOWN + count) * sizeof *snapshot->facts);
	snapshot->fact_count = POL_FACT_KNOWN + count;
	for (uint32_t i = 0; i < POL_FACT_KNOWN; i++) {
		snapshot->facts[i] = (struct pol_declared_fact){ .name = pol_str_of(names[i]),
			.space = i < POL_FACT_ENVIRONMENT ? POL_SPACE_PRINCIPAL : POL_SPACE_CONTEXT,
			.type = known[i] };
	}
	memcpy(snapshot->facts + POL_FACT_KNOWN, declared, count * sizeof *declared);
}
