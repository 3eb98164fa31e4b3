/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * publish: sends the diagnostics of files to the editor. While a large folder waits for its check,
 * a file has those of its parser at once, and of the check before those that no edit has touched.
 */

#include <jansson.h>

#include "policy/text/str.h"

struct lsp;
struct lsp_file;

/* Publishes the diagnostics of all files of a folder, from a check: {files} or {why}; NULL: it
 * failed. */
void lsp_publish_result(struct lsp *lsp, const char *folder, const json_t *result);
/* Publishes those of one file whose text was changed. */
void lsp_publish_file(struct lsp *lsp, const char *folder, const struct lsp_file *file);

/* Moves diagnostics of a check that stand after an edit; what the edit touches is removed. */
void lsp_publish_move(json_t *checked, struct pol_str old, struct pol_str fresh);
