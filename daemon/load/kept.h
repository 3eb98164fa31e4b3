/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * kept: a file of the state folder with what authzd keeps for its next start, such as the last good
 * policy.
 *
 * It begins with a line that names its form and ends with a keyed tag of all before it. It is
 * replaced as a whole, durably. One that was altered, that another store's secrets tagged, or that
 * another user could have written is refused. Any thread, but one at a time for a file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/load/folder.h"
#include "daemon/secret/token.h"
#include "policy/text/str.h"

struct wire_buf;

struct kept_form {
	const char *name;      /* of the file */
	const char *head;      /* its first line, with the line's end */
	size_t max;            /* bytes, the tag included */
	enum secret_link link; /* of the tag */
};

/* True if the state folder has such a file, of any kind. */
bool kept_exists(const struct kept_form *form, const char *state);

/* Removes the file, durably. 0, also if there is none, or a negative errno. */
int kept_drop(const struct kept_form *form, const char *state);

/* Begins the bytes of a file; the caller adds the rest, and finishes the buffer at last. */
void kept_begin(const struct kept_form *form, struct wire_buf *bytes);

/* Adds the tag and writes the file, unless it has these bytes already. 0 or a negative errno; then
 * there is no file. -EFBIG: they are more than the form takes. */
int kept_write(const struct kept_form *form, const char *state, const struct secrets *secrets,
	struct wire_buf *bytes);

/* The bytes between the first line and the tag, which the caller frees with kept_free, and when the
 * file was written (Unix seconds, by its time). 0, or a negative errno and in `why` what is wrong
 * and what to do: -EPERM: wrong owner or mode, -EBADMSG: it does not match its tag. */
struct kept {
	struct pol_str bytes;
	int64_t at;
	char *file; /* private */
};
int kept_read(const struct kept_form *form, const char *state, const struct secrets *secrets,
	struct kept *out, char why[static FOLDER_WHY]);
void kept_free(struct kept *kept);
