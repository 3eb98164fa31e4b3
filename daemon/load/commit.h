/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * commit: which commit a policy folder says that it is at, for the audit trail.
 *
 * The file .authz-revision in the folder says it, for a folder that was exported (`git archive`
 * writes it, see authzd(8)). Otherwise HEAD of the git work tree that the folder is in says what
 * was checked out; files that were changed since are not noticed, for that the policy's own
 * revision is there. Formats: gitrepository-layout(5). No program is run and no object is read. A
 * file that somebody else than the owners of the policy could write is not believed. The commit is
 * for people: nothing is decided by it. Any thread.
 */

#include "daemon/load/folder.h"

#define COMMIT_FILE ".authz-revision"

/* Bytes of a commit: SHA-256 in hex (or as much of .authz-revision), and NUL. */
#define COMMIT_TEXT 65

/* 0; -ENOENT: there is none, without a message; or another negative errno and in `why` what is
 * wrong with it. Without 0 *out is empty. */
int commit_read(const char *path, const struct folder_owners *owners, char out[static COMMIT_TEXT],
	char why[static FOLDER_WHY]);
