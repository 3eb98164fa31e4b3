/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * given: the facts that come with a request or from a principal's record: typed, checked against
 * the policy's declarations, and sorted. Pure, any thread; no allocation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/status.h"
#include "policy/text/value.h"
#include "policy/text/word.h"

struct pol_declared_fact;
struct pol_snapshot;

/* Bounds of the facts of one request, and of the attributes of one principal. */
#define POL_GIVEN_FACTS   64
#define POL_GIVEN_BYTES   ((size_t)16 * 1024) /* names and texts together */
#define POL_GIVEN_STRING  ((size_t)1024)
#define POL_GIVEN_MEMBERS 256

struct pol_given_fact {
	uint32_t fact; /* its number in the snapshot */
	/* Absent: it is unknown, and its default does not count: an ill-typed one, or an attribute
	 * that the policy now declares with another type. A fact that nobody gave is not listed. */
	struct pol_value value;
};

/* Sorted by number, each once. Zeroed: none. */
struct pol_given {
	const struct pol_given_fact *items;
	uint32_t count;
};

/* A value as it comes in, before its type is known. */
enum pol_raw_kind { POL_RAW_NIL = 0, POL_RAW_STRING, POL_RAW_INT, POL_RAW_BOOL, POL_RAW_STRINGS };
struct pol_raw {
	enum pol_raw_kind kind;
	struct pol_str text;         /* STRING */
	int64_t number;              /* INT; BOOL: 0 or 1 */
	const struct pol_str *items; /* STRINGS */
	uint32_t count;
};

/* Bytes of a message. */
#define POL_GIVEN_WHY 256

/*
 * Reads item->value, a value for the fact item->fact of the snapshot: a time from Unix seconds or
 * RFC 3339, a duration from seconds or `8h`, an address and a word from text. NIL gives an absent
 * value. The members of a set are copied to `room`, which has space for raw->count and may be
 * raw->items, and sorted there. The value is a view of raw->text and of `room`.
 * POL_EINVALID: it is not of the fact's type, or not UTF-8; POL_ELIMIT: a string or a set is too
 * large. Then `why` says so, without the value, because values may be private, and item->value
 * stays as it was.
 */
enum pol_status pol_given_read(const struct pol_snapshot *snapshot, const struct pol_raw *raw,
	struct pol_str *room, struct pol_given_fact *item, char why[POL_GIVEN_WHY]);

/* The same for a value of each kind, and a fact that was found already: they write *out where
 * pol_given_read writes item->value. The members of a set are sorted where they are; the set is a
 * view of them. */
enum pol_status pol_given_read_string(const struct pol_declared_fact *fact, struct pol_str text,
	struct pol_value *out, char why[POL_GIVEN_WHY]);
enum pol_status pol_given_read_number(const struct pol_declared_fact *fact, int64_t number,
	struct pol_value *out, char why[POL_GIVEN_WHY]);
enum pol_status pol_given_read_bool(const struct pol_declared_fact *fact, bool truth,
	struct pol_value *out, char why[POL_GIVEN_WHY]);
enum pol_status pol_given_read_set(const struct pol_declared_fact *fact, struct pol_str *items,
	uint32_t count, struct pol_value *out, char why[POL_GIVEN_WHY]);

/* The number of the fact that an attribute of a principal is: `branch` is principal.branch. One
 * below POL_FACT_KNOWN is known of every principal, and no attribute. POL_NONE: the policy declares
 * none of that name. */
uint32_t pol_given_attribute(const struct pol_snapshot *snapshot, struct pol_str name);

/*
 * Reads a value as pol_given_read does, but from the text of an attribute, by the type of the fact:
 * `500`, `true`, `2026-11-22T03:05:38Z`, `8h`. A set is its members with commas between them,
 * the empty text the empty set: a member has no comma, and no space at an end. `room` has space for
 * POL_GIVEN_MEMBERS.
 */
enum pol_status pol_given_read_text(const struct pol_snapshot *snapshot, struct pol_str text,
	struct pol_str *room, struct pol_given_fact *item, char why[POL_GIVEN_WHY]);

/* Sorts facts for a struct pol_given. False: one is given twice, and *out_twice is its number. */
bool pol_given_sort(struct pol_given_fact *items, uint32_t count, uint32_t *out_twice);

/* The fact, or NULL: it was not given. */
const struct pol_given_fact *pol_given_find(const struct pol_given *given, uint32_t fact);
