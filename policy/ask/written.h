/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * written: what the files say about a role that they declare: its grants and what it inherits.
 *
 * Pure, any thread. Views live as long as the snapshot.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"
#include "policy/text/str.h"

/* Bytes of a grant's text; what is longer is cut and ends in "...". A grant may be as long as its
 * file, and an answer has many of them. */
#define POL_WRITTEN_TEXT 4096

struct pol_written {
	struct pol_str file;
	uint32_t line;
	size_t len;
	char text[POL_WRITTEN_TEXT]; /* of a grant: on one line, without comments */
};

/* The text of the grant that begins at this byte of a file; not its file and line. */
void pol_written_statement(struct pol_str file, size_t offset, struct pol_written *out);

/* Grant number `index` of the role, in the order of the file. False: there are fewer, or the role
 * is not one of the files. */
bool pol_written_grant(const struct pol_snapshot *snapshot, uint32_t role, uint32_t index,
	struct pol_written *out);

/* The name of the role's declaration: file and line alone. False: it is not one of the files. */
bool pol_written_role(const struct pol_snapshot *snapshot, uint32_t role, struct pol_str *out_file,
	uint32_t *out_line);

/* The role's declaration as written, from the beginning of its line to the end of its last one; a
 * view. False: it is not one of the files. */
struct pol_written_text {
	struct pol_str file;
	uint32_t line, end_line; /* the first and the last */
	struct pol_str text;
};
bool pol_written_whole(
	const struct pol_snapshot *snapshot, uint32_t role, struct pol_written_text *out);

/* Role number `index` of those that it inherits directly, or POL_NONE. */
uint32_t pol_written_parent(const struct pol_snapshot *snapshot, uint32_t role, uint32_t index);
