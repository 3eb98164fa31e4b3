/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * root: finds the policy folder of a file whose policy has files in folders of folders.
 *
 * It is the folder of the file, or the highest of those above it that belongs to the same policy:
 * one that has policy files itself, or below which two folders need each other, since one uses
 * names that it does not declare and the other one does. Policies that stand beside each other do
 * not. The search does not leave the editor's workspace or, for a file outside of it, the git
 * repository; without both it stays in the file's folder.
 */

struct lsp;

/* The policy folder of a file in `folder`, an absolute path; it is looked up once and lives in
 * lsp.roots. NULL: no memory. */
const char *lsp_root_of(struct lsp *lsp, const char *folder);
