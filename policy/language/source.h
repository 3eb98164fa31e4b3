/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * source: the files of a policy folder, as whoever opens files hands them over.
 *
 * Names are relative to the folder, with '/' between their parts, and so the same on every host.
 * The collection owns copies of names and bytes, until pol_sources_finish; what points into them
 * (spans, messages, statements) ends with it. Not thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/text/arena.h"
#include "policy/text/diag.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* More than a thousand times what a large platform writes by hand. Bytes. */
#define POL_FILE_MAX   ((size_t)8 * 1024 * 1024)
#define POL_FOLDER_MAX ((size_t)64 * 1024 * 1024)

struct pol_sources {
	struct pol_arena arena;
	struct pol_source *items;
	size_t count;
	size_t capacity;
	size_t bytes; /* of all texts */
};

void pol_sources_init(struct pol_sources *sources);
void pol_sources_finish(struct pol_sources *sources); /* a zeroed one is good too */

/* Does a file of this relative path belong to the policy? Its name ends in .policy, and neither it
 * nor a folder above it begins with a dot. */
bool pol_source_is_policy(struct pol_str name);

/*
 * Adds a copy of one file. Read at most POL_FILE_MAX + 1 bytes of it: a text of that length is
 * what makes pol_parse say that the file is too large, and likewise for the folder. POL_ELIMIT:
 * the folder is past its bound already, more of it need not be read. POL_ENOMEM.
 */
enum pol_status pol_sources_add(
	struct pol_sources *sources, struct pol_str name, struct pol_str text);

/* Into the order in which they are read: bytes of the names. */
void pol_sources_sort(struct pol_sources *sources);
