/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * value: the typed values that conditions compare. Pure, any thread.
 *
 * A value owns nothing: its text and its members live where the value came from. Strings compare by
 * bytes. Zeroed, a value is absent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/word.h"

enum pol_type {
	POL_TYPE_ABSENT = 0, /* no value */
	POL_TYPE_STRING,
	POL_TYPE_STRINGS, /* a set */
	POL_TYPE_INT,
	POL_TYPE_BOOL,
	POL_TYPE_TIME,     /* Unix seconds */
	POL_TYPE_DURATION, /* seconds */
	POL_TYPE_ADDRESS,
	POL_TYPE_WORD,   /* one of the words that the fact declares */
	POL_TYPE_NETWORK /* only in a list of a condition: stands for its addresses */
};

/* The members of a set: sorted by pol_str_compare, without duplicates. */
struct pol_strings {
	const struct pol_str *items;
	uint32_t count;
};

struct pol_value {
	enum pol_type type;
	union {
		struct pol_str text;        /* STRING, WORD */
		struct pol_strings strings; /* STRINGS */
		int64_t number;             /* INT, TIME, DURATION; BOOL: 0 or 1 */
		struct pol_ip address;      /* ADDRESS, always known */
		struct pol_network network; /* NETWORK */
	};
};

/* Are both of one type and the same? Absent values are not. */
bool pol_value_equal(const struct pol_value *a, const struct pol_value *b);

/* Negative, zero or positive, by type, then by value: an order for sorting, which is that of `<`
 * for INT, TIME and DURATION. */
int pol_value_compare(const struct pol_value *a, const struct pol_value *b);

/* Is the text a member of the set? */
bool pol_value_has(const struct pol_strings *set, struct pol_str text);

/* Sorts the items and drops duplicates; returns how many are left. */
uint32_t pol_value_sort(struct pol_str *items, uint32_t count);

/* "string", "int": the word of the language for a type. */
const char *pol_value_type(enum pol_type type);

/* Writes the value as the language does: `"ann"`, `17`, `true`, `2026-11-22T03:05:38Z`, `90s`,
 * `10.0.0.0/8`, `active`; a set as its members with commas. At most `size` bytes with a NUL; longer
 * text is cut. Returns the length of the whole text. */
size_t pol_value_format(const struct pol_value *value, char *out, size_t size);
